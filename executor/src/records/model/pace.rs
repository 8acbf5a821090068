//! Turns at providers, and how providers do.

use std::time::Duration;

use super::super::WaitReason;
use crate::{
    clock::UnixMicros,
    ids::{BootId, TurnId},
    providers::Limits,
};

/// A wish to call a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TurnRequest {
    /// Stays the same each time the same turn is asked for.
    pub turn: TurnId,
    /// Provider to be called.
    pub provider: String,
    /// Process that asks.
    pub boot: BootId,
    /// How much may be asked of the provider at once.
    pub limits: Limits,
    /// How long the turn, or its place among those that wait, counts without a sign of life.
    pub lease: Duration,
    /// The call is in progress already: it counts, and waits for nothing.
    pub in_progress: bool,
}

/// The answer to a [`TurnRequest`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// The call may be made; the turn counts until it is given back or its lease passes.
    Granted {
        /// Nothing at all is wrong with the provider.
        is_clear: bool,
    },
    /// Not now.
    Wait(TurnWait),
}

/// Why there is no turn now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TurnWait {
    /// What stands in the way.
    pub reason: WaitReason,
    /// How long it does at least. Nothing: until somebody gives a turn back.
    pub delay: Option<Duration>,
    /// Turns of other processes that come before.
    pub ahead: u32,
    /// Other processes have turns, or wait for one: they may give one back unheard.
    pub is_shared: bool,
    /// What was last wrong with the provider, in a sentence; empty: nothing.
    pub why: String,
}

/// What was learnt about a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sign {
    /// It answered. Whatever it said, it is there.
    Answered,
    /// It could not be reached, said that it is not available, or its answer was lost.
    Unavailable {
        /// What happened, in a sentence.
        why: String,
        /// When calls stop.
        breaker: Breaker,
    },
    /// It asked for a pause, for everybody.
    Busy {
        /// How long.
        pause: Duration,
        /// What it said, in a sentence.
        why: String,
    },
}

/// When calls to a provider that does not work stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Breaker {
    /// Opens after so many calls in a row that found the provider unavailable. Zero: never.
    pub failures: u32,
    /// How long it stays open before one call tries again. Each try in vain doubles it, up to ten minutes.
    pub open: Duration,
}

impl Default for Breaker {
    fn default() -> Self {
        Self {
            failures: 5,
            open: Duration::from_secs(30),
        }
    }
}

impl Breaker {
    /// Longest time between two tries.
    const LONGEST: Duration = Duration::from_secs(600);

    /// How long it stays open when it opens for the `trips`th time in a row, counted from 1.
    pub fn open_for(&self, trips: u32) -> Duration {
        let factor = 1_u32.checked_shl(trips.saturating_sub(1)).unwrap_or(u32::MAX);
        let longest = Self::LONGEST.max(self.open);
        self.open.saturating_mul(factor.max(1)).min(longest)
    }
}

/// How a provider does, by what all processes learnt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GateRecord {
    /// Id of the provider.
    pub provider: String,
    /// Calls in a row that found it unavailable.
    pub failures: u32,
    /// How often in a row its breaker opened. Zero: it is closed.
    pub trips: u32,
    /// When its open breaker lets one call try again.
    pub open_until: Option<UnixMicros>,
    /// Until when it asked everybody to wait.
    pub cooling_until: Option<UnixMicros>,
    /// What was last wrong, in a sentence; empty: nothing.
    pub why: String,
    /// When something was last learnt.
    pub updated_at: UnixMicros,
    /// Calls in progress that count against its limits.
    pub calling: u32,
    /// Processes that wait for a turn.
    pub waiting: u32,
}

impl GateRecord {
    /// True while nobody has to take care.
    pub fn is_clear(&self, now: UnixMicros) -> bool {
        self.failures == 0 && self.trips == 0 && self.cooling_until.is_none_or(|until| until <= now)
    }
}

/// Something about a step beside its attempts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StepNote {
    /// It waits before its next call.
    Waiting(StepWait),
    /// A target was passed over without a call.
    Skipped(SkippedTarget),
}

/// What a step waits for before its next call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepWait {
    /// Provider that is waited for.
    pub provider: String,
    /// What stands in the way.
    pub reason: WaitReason,
    /// Place among the steps that wait for the provider, from 1.
    pub position: u32,
    /// Since when.
    pub since: UnixMicros,
    /// When the wait ends at the earliest, where that is known.
    pub until: Option<UnixMicros>,
    /// Number that the next attempt will have; the store fills it in.
    pub attempt: u32,
}

/// A target that was passed over without a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkippedTarget {
    /// Index among the targets of the step.
    pub target: u32,
    /// Provider that was not called.
    pub provider: String,
    /// Why, in a sentence.
    pub why: String,
    /// When.
    pub at: UnixMicros,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_breaker_that_opens_again_stays_open_for_longer_and_not_for_ever() {
        let breaker = Breaker::default();
        let seconds = [0, 1, 2, 3, 5, 6, 40, u32::MAX].map(|trips| breaker.open_for(trips).as_secs());
        assert_eq!(seconds, [30, 30, 60, 120, 480, 600, 600, 600]);
        let slow = Breaker {
            open: Duration::from_secs(3600),
            ..breaker
        };
        assert_eq!(slow.open_for(3).as_secs(), 3600);
    }
}
