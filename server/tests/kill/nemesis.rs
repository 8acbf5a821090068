//! What is done to a process while others order, watch and cancel.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use crate::{
    random::Random,
    stage::{LEASE, Stage, pause},
};

/// One blow.
#[derive(Clone, Copy, Debug)]
enum Blow {
    /// SIGKILL, and a start after a while.
    Kill,
    /// SIGSTOP and SIGCONT: shorter than the lease, so that nobody may take over.
    Freeze,
    /// The same for longer than the lease: the process wakes up as one that lost everything.
    FreezePastLease,
    /// SIGKILL to a frozen process.
    KillFrozen,
    /// SIGTERM, and a start when it is gone.
    Terminate,
}

impl Blow {
    /// The first blows are given, so that also a short story has each of the great ones.
    const OPENINGS: [Self; 3] = [Self::Kill, Self::FreezePastLease, Self::Kill];

    fn draw(random: &mut Random) -> Self {
        match random.between(0..=99) {
            0..=44 => Self::Kill,
            45..=64 => Self::Freeze,
            65..=76 => Self::FreezePastLease,
            77..=86 => Self::KillFrozen,
            _ => Self::Terminate,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Kill => "kills",
            Self::Freeze => "freezes",
            Self::FreezePastLease => "freezes past the lease",
            Self::KillFrozen => "kills of a frozen process",
            Self::Terminate => "graceful stops",
        }
    }
}

/// Torments the process of one slot until the time is over. Leaves it running.
pub(crate) async fn torment(stage: Arc<Stage>, index: usize, mut random: Random, until: Instant) {
    let slot = &stage.slots[index];
    let mut openings = Blow::OPENINGS.get(index % Blow::OPENINGS.len()).copied();
    loop {
        let calm = random.millis(400..=4000);
        if Instant::now() + calm >= until {
            return;
        }
        pause(calm).await;
        let blow = openings.take().unwrap_or_else(|| Blow::draw(&mut random));
        stage.count(blow.word());
        match blow {
            Blow::Kill => {
                stage.kill(slot).await;
                pause(random.millis(0..=2500)).await;
                stage.start(slot).await;
            }
            Blow::Freeze => freeze(&stage, index, random.millis(100..=3000)).await,
            Blow::FreezePastLease => freeze(&stage, index, LEASE + random.millis(500..=4000)).await,
            Blow::KillFrozen => {
                stage.signal(slot, "STOP").await;
                pause(random.millis(100..=3000)).await;
                stage.kill(slot).await;
                stage.start(slot).await;
            }
            Blow::Terminate => {
                stage.terminate(slot).await;
                stage.start(slot).await;
            }
        }
    }
}

async fn freeze(stage: &Stage, index: usize, time: Duration) {
    let slot = &stage.slots[index];
    stage.signal(slot, "STOP").await;
    pause(time).await;
    stage.signal(slot, "CONT").await;
}
