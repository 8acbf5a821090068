//! Retention: what is removed, how long after the end of an execution, and what stays known of it.

use std::time::Duration;

use crate::clock::UnixMicros;

/// How long histories are kept, counted from the end of their execution by the clock of the database. Plans, units,
/// images, the ledger and the audit log are kept for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Events. Nothing: as long as their execution.
    pub events: Option<Duration>,
    /// Executions with all that belongs to them. Nothing: for ever.
    pub executions: Option<Duration>,
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl Default for Retention {
    fn default() -> Self {
        Self {
            events: Some(30 * DAY),
            executions: Some(90 * DAY),
        }
    }
}

/// What one call removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Executions that lost their events and stay.
    pub events: u32,
    /// Executions that are gone.
    pub executions: u32,
}

impl Pruned {
    /// True when there was nothing left to remove.
    pub fn is_nothing(self) -> bool {
        self == Self::default()
    }
}

/// What stays known of an execution that is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PrunedExecution {
    /// When it ended.
    pub ended_at: UnixMicros,
    /// When it was removed.
    pub pruned_at: UnixMicros,
}
