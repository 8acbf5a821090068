//! The cells of the matrix.

use limn_executor::records::AttemptState;

use crate::{
    database::Dialect,
    scenario::{Prelude, Scenario},
    seams::{Moment, Shock},
    studio::Promise,
};

/// What goes wrong at a moment, and how it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The process ends, and another one goes on.
    Crash,
    /// The process stands still until its lease is over, and goes on as soon as another one took over.
    ShortFreeze,
    /// The process stands still until another one did all there was to do.
    LongFreeze,
    /// One call of the database, of the store or at the provider fails; at the far edge it was done.
    ErrorOnce,
    /// The database is away for a while.
    DatabaseAway,
    /// The store is away for a while.
    StoreAway,
}

impl Fault {
    /// The same, as the seams of a process know it.
    pub(crate) fn shock(self) -> Shock {
        match self {
            Self::Crash => Shock::Crash,
            Self::ShortFreeze | Self::LongFreeze => Shock::Freeze,
            Self::ErrorOnce => Shock::Fail,
            Self::DatabaseAway => Shock::LoseDatabase,
            Self::StoreAway => Shock::LoseStore,
        }
    }
}

/// A cell of the matrix, or a story without a fault.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case<'s> {
    pub(crate) dialect: Dialect,
    pub(crate) promise: Promise,
    pub(crate) scenario: &'s Scenario,
    pub(crate) prelude: Option<Prelude>,
    pub(crate) fault: Option<(Moment, Fault)>,
}

impl Case<'_> {
    /// True when no process ends before it has written down what it knows.
    pub(crate) fn loses_no_memory(&self) -> bool {
        let crashes = self.fault.is_some_and(|(_, fault)| fault == Fault::Crash);
        !crashes && self.prelude.is_none()
    }
}

/// What is written down about an open call when a fault happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    /// State of the attempt.
    pub(crate) attempt: AttemptState,
    /// The whole answer is staged.
    pub(crate) is_staged: bool,
    /// The provider has billed it.
    pub(crate) is_billed: bool,
}
