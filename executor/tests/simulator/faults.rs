//! What goes wrong in a world, and how often. Each world has some kinds of trouble and not others: trouble of every
//! kind at once would hide what two of them do together.

use crate::rng::Rng;

macro_rules! faults {
    ($($(#[doc = $doc:literal])+ $name:ident: $most:literal,)+) => {
        /// Rates, in a thousand.
        #[derive(Clone, Debug, Default)]
        pub(crate) struct Faults {
            $($(#[doc = $doc])+ pub(crate) $name: u64,)+
        }

        impl Faults {
            /// The trouble of one world.
            pub(crate) fn draw(rng: &mut Rng) -> Self {
                Self {
                    $($name: if rng.chance(450) { rng.between(1, $most) } else { 0 },)+
                }
            }

            /// What is on, for the head of a trace.
            pub(crate) fn brief(&self) -> String {
                let rates = [$((stringify!($name), self.$name),)+];
                let on = rates.iter().filter(|(_, rate)| *rate > 0);
                let on: Vec<String> = on.map(|(name, rate)| format!("{name}={rate}")).collect();
                on.join(" ")
            }
        }
    };
}

faults! {
    /// The database fails and did nothing.
    store_before: 80,
    /// The database did it, and its answer is lost.
    store_after: 80,
    /// The database takes its time, at worst longer than a lease.
    store_slow: 80,
    /// A hint to another process is lost.
    hint_lost: 800,
    /// The blob store fails and did nothing.
    blob_before: 150,
    /// The blob store did it, and its answer is lost.
    blob_after: 150,
    /// No connection.
    unsent: 200,
    /// A documented refusal that is not billed.
    refused: 200,
    /// A refusal of which nobody says whether it is billed.
    refused_bill_unknown: 100,
    /// The answer of a call that arrived is lost.
    lost: 250,
    /// The body ends in the middle.
    cut_off: 150,
    /// The answer takes longer than the deadline.
    slow: 200,
    /// The adapter waits longer than it should.
    late: 100,
    /// An answer without a picture, or with one of another size.
    flawed: 120,
    /// The bill is above the ceiling.
    overcharged: 60,
    /// The bill is not in the answer.
    silent_bill: 200,
    /// Work that was accepted comes to nothing, and is not billed.
    job_fails: 150,
    /// Work that was accepted is forgotten.
    job_vanishes: 80,
    /// Work that is done is answered again with other bytes.
    done_twice: 300,
    /// Asking about work goes wrong.
    question_fails: 200,
    /// Work is not found at once by who asks about its call.
    listed_late: 400,
}

/// How often something happens to a process or comes from a client: most times between two of them, in milliseconds.
#[derive(Clone, Debug)]
pub(crate) struct Rhythm {
    pub(crate) kill_ms: Option<u64>,
    pub(crate) freeze_ms: Option<u64>,
    pub(crate) jump_ms: Option<u64>,
    pub(crate) cancel_ms: Option<u64>,
    pub(crate) stop_ms: Option<u64>,
    pub(crate) decide_ms: Option<u64>,
}

impl Rhythm {
    pub(crate) fn draw(rng: &mut Rng) -> Self {
        let mut every = |per_mille: u64, fastest: u64, slowest: u64| {
            rng.chance(per_mille).then(|| rng.between(fastest, slowest))
        };
        Self {
            kill_ms: every(500, 4_000, 40_000),
            freeze_ms: every(500, 8_000, 60_000),
            jump_ms: every(200, 5_000, 60_000),
            cancel_ms: every(300, 4_000, 40_000),
            stop_ms: every(200, 10_000, 60_000),
            decide_ms: every(300, 4_000, 40_000),
        }
    }
}
