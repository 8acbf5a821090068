//! The limits of vendors, and the turns that processes have at them: counted here from what the records granted, so that
//! what a process sends can be held against it.

use std::{collections::BTreeMap, time::Duration};

use limn_executor::{
    clock::UnixMicros,
    ids::{AttemptId, TurnId},
    providers::Limits,
};

use crate::{
    check::Violation,
    market::shown,
    rng::Rng,
    vendor::{NAMES, VendorCall},
    world::World,
};

/// Makes the draw of limits another one than that of everything else, so that a world without limits is the one that its
/// seed always was. Chosen so that the seeds that were kept before there were limits have none.
const SALT: u64 = 0x38;

/// How far back calls count that were begun.
const MINUTE: Duration = Duration::from_secs(60);

/// The limits of each vendor, in a part of the worlds.
pub(crate) fn limits(seed: u64) -> [Limits; NAMES.len()] {
    let mut rng = Rng::new(seed ^ SALT);
    let mut limits = [Limits::default(); NAMES.len()];
    if !rng.chance(400) {
        return limits;
    }
    for limits in &mut limits {
        limits.max_concurrency = rng.chance(600).then(|| rng.pick(&[1, 1, 2, 3]));
        limits.calls_per_minute = rng.chance(300).then(|| rng.pick(&[1, 2, 4, 8]));
    }
    limits
}

/// What the records said about a turn.
#[derive(Clone, Copy, Debug)]
pub(crate) enum TurnFact {
    /// A process may call.
    Granted {
        turn: TurnId,
        vendor: usize,
        /// For a call that was begun by somebody else, which no limit can hold up.
        in_progress: bool,
    },
    /// A turn was given back, and counts in its minute or not.
    Left { turn: TurnId, counts: bool },
}

/// A turn that somebody has.
#[derive(Debug)]
struct Held {
    process: u32,
    vendor: usize,
    in_progress: bool,
    /// Its process knows of it.
    is_heard: bool,
}

/// The turns of a world.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    held: BTreeMap<TurnId, Held>,
    /// When the last call of each turn began.
    begun: BTreeMap<TurnId, (usize, UnixMicros)>,
    /// Calls that are at a vendor or on the way: of which process, at which vendor, and whether they are sent again.
    calls: BTreeMap<AttemptId, ((u32, usize), bool)>,
}

/// The number of a vendor.
pub(crate) fn vendor(name: &str) -> usize {
    NAMES.iter().position(|known| *known == name).unwrap()
}

impl World {
    /// Notes what the records said to a process about a turn, and checks that they gave no turn too many.
    pub(crate) fn turn(&mut self, process: u32, fact: TurnFact, is_heard: bool) -> Result<(), Violation> {
        let now = self.now;
        let (turn, vendor, in_progress) = match fact {
            TurnFact::Granted {
                turn,
                vendor,
                in_progress,
            } => (turn, vendor, in_progress),
            TurnFact::Left { turn, counts } => {
                self.turns.held.remove(&turn);
                if !counts {
                    self.turns.begun.remove(&turn);
                }
                return Ok(());
            }
        };
        let held = Held {
            process,
            vendor,
            in_progress,
            is_heard,
        };
        let before = self.turns.held.insert(turn, held);
        if in_progress || before.is_some() {
            return Ok(());
        }
        let limits = self.surroundings.limits[vendor];
        let name = NAMES[vendor];
        self.turns.begun.retain(|_, (_, at)| now < at.plus(MINUTE));
        self.turns.begun.insert(turn, (vendor, now));
        let begun = self.turns.begun.values().filter(|(of, _)| *of == vendor).count();
        if is_over(begun, limits.calls_per_minute) {
            return Err(Violation::new(
                "more calls began in a minute than a vendor takes",
                format!("{begun} at {name}"),
            ));
        }
        let calling = self.database.turns(name, &["calling", "probing"], now);
        if is_over(calling, limits.max_concurrency) {
            return Err(Violation::new(
                "more calls are in progress than a vendor takes",
                format!("{calling} at {name}"),
            ));
        }
        Ok(())
    }

    /// May this process send a call? It has a turn for each of them. One that is sent again has the turn of a call that is in
    /// progress, which is asked for only where calls are counted, and in vain when the records are away.
    pub(crate) fn check_turn(
        &mut self,
        process: u32,
        call: &VendorCall,
        is_again: bool,
    ) -> Result<(), Violation> {
        let limits = self.surroundings.limits[call.vendor];
        let is_away = self.faults.store_before + self.faults.store_after > 0;
        if limits == Limits::default() || is_again && (limits.max_concurrency.is_none() || is_away) {
            return Ok(());
        }
        let place = (process, call.vendor);
        self.turns.calls.insert(call.attempt, (place, is_again));
        // Those of calls that are sent again are for nobody else.
        let counts = |of_others: bool| is_again || !of_others;
        let calls = self.turns.calls.values();
        let calls = calls.filter(|(of, again)| *of == place && counts(*again)).count();
        let turns =
            self.turns.held.values().filter(|held| {
                (held.process, held.vendor) == place && held.is_heard && counts(held.in_progress)
            });
        let turns = turns.count();
        if calls > turns {
            let subject = format!("{}: {calls} calls, {turns} turns", shown(call.attempt));
            return Err(Violation::new("a call was sent without a turn", subject));
        }
        Ok(())
    }

    /// A call is over for the process that sent it.
    pub(crate) fn end_call(&mut self, attempt: AttemptId) {
        self.turns.calls.remove(&attempt);
    }

    /// A process is gone. The records find out by the leases of its turns.
    pub(crate) fn forget_turns(&mut self, process: u32) {
        self.turns.calls.retain(|_, ((of, _), _)| *of != process);
        self.turns.held.retain(|_, held| held.process != process);
    }

    /// When nothing goes on any more, nobody has a turn or a place in a line: those of the dead were freed.
    pub(crate) fn check_turns(&mut self) -> Result<(), Violation> {
        for name in NAMES {
            let turns = self
                .database
                .turns(name, &["calling", "probing", "waiting"], self.now);
            if turns > 0 {
                let subject = format!("{turns} at {name}");
                return Err(Violation::new("a turn is kept for ever", subject));
            }
        }
        Ok(())
    }
}

fn is_over(count: usize, limit: Option<u32>) -> bool {
    limit.is_some_and(|limit| count > usize::try_from(limit).unwrap())
}

#[test]
fn a_part_of_the_worlds_has_limits() {
    let limited = (1..=100).filter(|seed| limits(*seed) != [Limits::default(); NAMES.len()]);
    assert!((20..=60).contains(&limited.count()));
}
