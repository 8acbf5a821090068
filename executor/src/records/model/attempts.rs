//! Attempts: what each transaction of a provider call writes.

use std::collections::BTreeMap;

use super::super::state::{AttemptState, StepState};
use super::{budgets::BudgetShortage, library::ImageRecord};
use crate::{clock::UnixMicros, failure::Failure, ids::AttemptId, provider::CapabilityClass};

/// An attempt to prepare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAttempt {
    /// Id to use.
    pub id: AttemptId,
    /// Step it belongs to.
    pub step_id: String,
    /// Index into the targets of the step.
    pub target: u32,
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
    /// What kind of evidence: `answer`, `partial_answer`, `rejection`.
    pub kind: String,
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

/// A picture to record, with everything that T5 writes.
#[derive(Clone, Debug, PartialEq)]
pub struct Commit {
    /// The attempt that drew it.
    pub attempt: AttemptId,
    /// The record to write, complete.
    pub image: ImageRecord,
    /// What was billed.
    pub cost_nanos: i64,
    /// It is our own price.
    pub cost_estimated: bool,
    /// Prompt as the provider rewrote it.
    pub revised_prompt: String,
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
    /// Now.
    pub now: UnixMicros,
}

/// Where the money of an ended attempt goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttemptOutcome {
    /// Never sent (from prepared or dispatching): released.
    Abandoned,
    /// Refused and not billed (from dispatching, accepted or unknown): released.
    Rejected,
    /// Refused, and nobody says whether that is billed (from dispatching or accepted): held.
    RejectedBillUnknown,
    /// Billed without an image of the plan (from received): settled, the rest released.
    FailedPaid {
        /// What was billed.
        cost_nanos: i64,
        /// It is our own price.
        estimated: bool,
    },
    /// Perhaps billed (from dispatching or accepted): held.
    Unknown,
}

impl AttemptOutcome {
    /// The state that the attempt takes.
    pub fn state(self) -> AttemptState {
        match self {
            Self::Abandoned => AttemptState::Abandoned,
            Self::Rejected | Self::RejectedBillUnknown => AttemptState::Rejected,
            Self::FailedPaid { .. } => AttemptState::FailedPaid,
            Self::Unknown => AttemptState::Unknown,
        }
    }
}

/// A step that completes with an earlier picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Reuse {
    /// The record to write: the earlier picture under this step's names, at no cost.
    pub image: ImageRecord,
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
