//! What processes tell each other beside the database.

use crate::ids::ExecutionId;

/// Word that it is worth looking at an execution again. Never more than that: what is true is in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Hint {
    /// Something was written about it, or its client asked for a stop.
    Changed(ExecutionId),
    /// The same, and it may be there for whoever claims it: new, given back, or with something left to do.
    Claimable(ExecutionId),
    /// Hints may have been lost: look at everything.
    Missed,
}
