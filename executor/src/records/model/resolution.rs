//! Decisions of people: what became of an attempt that nobody could judge, and whether an execution may run again.

use uuid::Uuid;

use super::{
    super::state::{AttemptState, Decision, FollowUp},
    history::ExecutionRecord,
};
use crate::{
    clock::UnixMicros,
    ids::{AttemptId, ExecutionId},
};

/// What somebody found out about an attempt whose outcome, or whose bill, is unknown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolution {
    /// Client that owns the execution.
    pub client: String,
    /// The execution.
    pub execution: ExecutionId,
    /// The attempt.
    pub attempt: AttemptId,
    /// What became of it.
    pub verdict: Verdict,
    /// What becomes of its step; means nothing when the step does not wait for this attempt.
    pub follow_up: Option<FollowUp>,
    /// Who decides.
    pub actor: String,
    /// Why, in the words of the actor.
    pub reason: String,
    /// Id of the audit event to write.
    pub audit_id: Uuid,
    /// Now.
    pub now: UnixMicros,
}

/// What became of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing was billed.
    NotCharged,
    /// It was billed, and there is no image.
    Charged {
        /// What was billed; nothing: the ceiling, as an estimate.
        cost_nanos: Option<i64>,
    },
}

impl Verdict {
    /// The decision as it is kept with the attempt.
    pub fn decision(self) -> Decision {
        match self {
            Self::NotCharged => Decision::NotCharged,
            Self::Charged { .. } => Decision::Charged,
        }
    }
}

/// What became of a resolution.
#[derive(Clone, Debug, PartialEq)]
pub enum Resolved {
    /// It holds, now or since before: the execution as it is after it.
    Done(Box<ExecutionRecord>),
    /// The client has no such execution.
    ExecutionNotFound,
    /// The execution has no such attempt.
    AttemptNotFound,
    /// The outcome and the bill are known, or were decided otherwise.
    NotUnknown {
        /// State of the attempt.
        state: AttemptState,
    },
    /// The step waits for this attempt, and nothing says what becomes of it.
    FollowUpNeeded,
}

/// What is kept with an attempt about the decision that ended it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecisionRecord {
    /// The decision.
    pub decision: Decision,
    /// What was to become of its step; nothing when the step did not wait for it.
    pub follow_up: Option<FollowUp>,
    /// Who decided; `policy` when the policy of the plan did.
    pub actor: String,
    /// Why, in the words of the actor.
    pub reason: String,
}

/// A wish to let an execution run again that was parked although it had work to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unparking {
    /// Client that owns the execution.
    pub client: String,
    /// The execution.
    pub execution: ExecutionId,
    /// Who decides.
    pub actor: String,
    /// Why, in the words of the actor.
    pub reason: String,
    /// Id of the audit event to write.
    pub audit_id: Uuid,
    /// Now.
    pub now: UnixMicros,
}

/// What became of a wish to unpark.
#[derive(Clone, Debug, PartialEq)]
pub enum Unparked {
    /// It can be claimed: the execution as it is now.
    Done(Box<ExecutionRecord>),
    /// The client has no such execution.
    NotFound,
    /// It is not parked, or only because an outcome is unknown.
    NotParked,
}
