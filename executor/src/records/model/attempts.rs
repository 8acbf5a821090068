//! Attempts: what each transaction of a provider call writes.

use std::collections::BTreeMap;

use super::super::state::{AttemptState, CostSource, FollowUp, ReceiptKind, StepState};
use super::{budgets::BudgetShortage, history::ExecutionRecord, library::ImageRecord};
use crate::{
    clock::UnixMicros,
    failure::Failure,
    ids::{AttemptId, ExecutionId},
    provider::CapabilityClass,
};

/// An attempt to prepare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAttempt {
    /// Id to use.
    pub id: AttemptId,
    /// Step it belongs to.
    pub step_id: String,
    /// Index into the targets of the step.
    pub target: u32,
    /// Which re-roll of the step it draws; zero: the first picture.
    pub reroll: u32,
    /// Provider to be called.
    pub provider: String,
    /// Model to be called.
    pub model: String,
    /// Digest of what will be sent: the unit.
    pub render_digest: String,
    /// How much can be known about a lost call.
    pub class: CapabilityClass,
    /// Most that it can be billed.
    pub ceiling_nanos: i64,
    /// Hard stop of the execution.
    pub max_cost_nanos: Option<i64>,
    /// Now.
    pub now: UnixMicros,
}

/// What became of a preparation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Preparation {
    /// Written down and reserved; the number within the step.
    Prepared(u32),
    /// The ceiling does not fit below `max_cost`.
    CostLimit {
        /// Settled, reserved and held by the execution so far.
        committed_nanos: i64,
    },
    /// A budget does not cover the ceiling.
    BudgetExceeded(BudgetShortage),
    /// A cancel was requested.
    Cancelled,
}

/// What became of a dispatch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dispatch {
    /// The call may be sent.
    Granted,
    /// A cancel was requested: nothing may be sent; the attempt is still prepared.
    Cancelled,
}

/// Evidence about an attempt. Append-only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The attempt.
    pub attempt: AttemptId,
    /// What kind of evidence it is.
    pub kind: ReceiptKind,
    /// Key of the staged bytes; empty: none.
    pub staging_key: String,
    /// SHA-256 of the staged bytes; empty: none.
    pub body_sha256: String,
    /// Size of the staged bytes.
    pub size_bytes: i64,
    /// Media type as declared.
    pub media_type: String,
    /// The provider's own id of the call.
    pub request_id: String,
    /// Headers that interpreting needs, by lowercase name.
    pub headers: BTreeMap<String, String>,
    /// When.
    pub at: UnixMicros,
}

impl Receipt {
    /// True for evidence from which the picture can be made: a whole answer whose bytes are staged.
    pub fn is_whole_answer(&self) -> bool {
        self.kind == ReceiptKind::Answer && !self.staging_key.is_empty()
    }
}

/// A picture to record, with everything that T5 writes. What the record tells of the answer, the attempt keeps too.
#[derive(Clone, Debug, PartialEq)]
pub struct Commit {
    /// The attempt that drew it.
    pub attempt: AttemptId,
    /// The record to write, complete.
    pub image: ImageRecord,
    /// Why the picture does not complete its step: its quality is below the threshold of the plan. It is kept, and its
    /// record says that it was rejected. Nothing: it completes the step.
    pub rejection: Option<Failure>,
    /// What was billed.
    pub cost_nanos: i64,
    /// How that is known.
    pub cost_source: CostSource,
    /// What the answer says was used, by unit.
    pub usage: BTreeMap<String, i64>,
    /// Now.
    pub now: UnixMicros,
}

/// How an attempt ended without an image, and where its reservation goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptEnd {
    /// What is proven, and the money that follows.
    pub outcome: AttemptOutcome,
    /// Why.
    pub failure: Failure,
    /// The provider's own id of the call.
    pub provider_request_id: String,
    /// What the answer says was used, by unit; empty where there was no answer.
    pub usage: BTreeMap<String, i64>,
    /// Now.
    pub now: UnixMicros,
}

/// Where the money of an ended attempt goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttemptOutcome {
    /// Never sent (from prepared, dispatching or unknown): released.
    Abandoned,
    /// Refused and not billed (from dispatching, accepted or unknown): released.
    Rejected,
    /// Refused, and nobody says whether that is billed (from dispatching, accepted or unknown): held.
    RejectedBillUnknown,
    /// Billed without an image of the plan (from received): settled, the rest released.
    FailedPaid {
        /// What was billed.
        cost_nanos: i64,
        /// How that is known.
        source: CostSource,
    },
    /// Perhaps billed (from dispatching or accepted): held.
    Unknown,
    /// Given up by the policy of the plan (from unknown): settled at the ceiling, as an estimate, and written into the
    /// audit log.
    WrittenOff {
        /// What becomes of the step.
        follow_up: FollowUp,
    },
}

impl AttemptOutcome {
    /// The state that the attempt takes.
    pub fn state(self) -> AttemptState {
        match self {
            Self::Abandoned => AttemptState::Abandoned,
            Self::Rejected | Self::RejectedBillUnknown => AttemptState::Rejected,
            Self::FailedPaid { .. } => AttemptState::FailedPaid,
            Self::Unknown => AttemptState::Unknown,
            Self::WrittenOff { .. } => AttemptState::WrittenOff,
        }
    }
}

/// An execution that has ended while outcomes of its calls were unknown.
#[derive(Clone, Debug, PartialEq)]
pub struct Stranded {
    /// The execution, with its steps and their attempts.
    pub execution: ExecutionRecord,
    /// The database's clock when it was taken.
    pub at: UnixMicros,
    /// Until when nobody else is given it.
    pub until: UnixMicros,
}

/// What came of the answer to an unknown attempt of an execution that has ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Salvage {
    /// The execution.
    pub execution: ExecutionId,
    /// The receipt of the answer.
    pub answer: Receipt,
    /// The picture that was in it.
    pub find: Find,
    /// What was billed.
    pub cost_nanos: i64,
    /// How that is known.
    pub cost_source: CostSource,
    /// What the answer says was used, by unit.
    pub usage: BTreeMap<String, i64>,
    /// Now.
    pub now: UnixMicros,
}

/// What was in a salvaged answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Find {
    /// A picture of the plan.
    Image(Box<ImageRecord>),
    /// Nothing to keep: it was paid in vain.
    Nothing(Failure),
}

/// A step that completes with an earlier picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Reuse {
    /// The record to write: the earlier picture under this step's names, at no cost.
    pub image: ImageRecord,
    /// The picture is the best that there is, and below the threshold of the plan.
    pub below_threshold: bool,
    /// Now.
    pub now: UnixMicros,
}

/// A step that ends without an image or is parked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepEnd {
    /// The step.
    pub step_id: String,
    /// `Failed`, `Cancelled`, `Skipped` or `NeedsDecision`.
    pub state: StepState,
    /// Why.
    pub failure: Failure,
    /// Now.
    pub now: UnixMicros,
}
