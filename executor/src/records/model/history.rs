//! What happened: executions with their steps, attempts and money.

use std::collections::BTreeMap;

use super::super::state::{AttemptState, CostSource, ExecutionMode, ExecutionState, StepState};
use super::{
    attempts::Receipt,
    pace::{SkippedTarget, StepWait},
    resolution::DecisionRecord,
};
use crate::{
    clock::UnixMicros,
    failure::Failure,
    ids::{AttemptId, ExecutionId, ImageId},
    provider::CapabilityClass,
};

/// An execution with all that belongs to it.
#[derive(Clone, Debug, PartialEq)]
pub struct ExecutionRecord {
    /// Id.
    pub id: ExecutionId,
    /// Client that owns it.
    pub client: String,
    /// Digest of the plan, with its prefix.
    pub plan_digest: String,
    /// Grouping key of the plan.
    pub session_id: String,
    /// Which drawing.
    pub take: u32,
    /// Idempotency key.
    pub request_id: String,
    /// What it does about results that existed.
    pub mode: ExecutionMode,
    /// Most steps in progress at once.
    pub max_concurrency: u32,
    /// Where it stands.
    pub state: ExecutionState,
    /// Why, when failed or cancelled, or when parked because it cannot be run.
    pub failure: Option<Failure>,
    /// The execution that it resumes.
    pub previous: Option<ExecutionId>,
    /// A cancel was requested.
    pub cancel_requested: bool,
    /// Accepted at.
    pub created_at: UnixMicros,
    /// First step started at.
    pub started_at: Option<UnixMicros>,
    /// Ended at.
    pub ended_at: Option<UnixMicros>,
    /// When it is looked at again by itself, when it is parked; nothing: never.
    pub next_check_at: Option<UnixMicros>,
    /// How often an owner was lost since the last time that somebody looked.
    pub crash_count: u32,
    /// Sequence of the last event.
    pub last_sequence: u64,
    /// Steps in order.
    pub steps: Vec<StepRecord>,
    /// Money.
    pub cost: CostRecord,
}

/// Where an execution stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Its state.
    pub state: ExecutionState,
    /// Sequence of the last event.
    pub last_sequence: u64,
    /// The events themselves were removed after the retention time.
    pub events_pruned: bool,
}

/// A step of an execution.
#[derive(Clone, Debug, PartialEq)]
pub struct StepRecord {
    /// Id in the plan.
    pub step_id: String,
    /// Where it stands.
    pub state: StepState,
    /// The image, when completed.
    pub image: Option<ImageId>,
    /// The picture was there before.
    pub reused: bool,
    /// It completed with the best picture that there was, below the threshold of its plan.
    pub below_threshold: bool,
    /// Why, when it ended without an image or is parked.
    pub failure: Option<Failure>,
    /// Attempts in order.
    pub attempts: Vec<AttemptRecord>,
    /// What it waits for before its next attempt; nothing: it does not wait.
    pub wait: Option<StepWait>,
    /// Targets that were passed over without a call, in order.
    pub skipped_targets: Vec<SkippedTarget>,
}

/// One provider call.
#[derive(Clone, Debug, PartialEq)]
pub struct AttemptRecord {
    /// Id.
    pub id: AttemptId,
    /// Counted from 1 within the step.
    pub number: u32,
    /// Index into the targets of the step.
    pub target: u32,
    /// Which re-roll of the step it draws; zero: the first picture.
    pub reroll: u32,
    /// Provider that was called.
    pub provider: String,
    /// Model that was called.
    pub model: String,
    /// Digest of what was sent.
    pub render_digest: String,
    /// How much can be known about a lost call.
    pub class: CapabilityClass,
    /// Where it stands.
    pub state: AttemptState,
    /// Most that it can be billed; reserved or held while it is open.
    pub ceiling_nanos: i64,
    /// What it holds because its bill is not known; 0: nothing.
    pub held_nanos: i64,
    /// What was billed.
    pub cost_nanos: Option<i64>,
    /// How that is known; nothing: nothing was billed, or a version recorded it that did not keep this.
    pub cost_source: Option<CostSource>,
    /// What the answer says was used, by unit; empty: it did not say.
    pub usage: BTreeMap<String, i64>,
    /// The provider's id of the work.
    pub job_id: String,
    /// The provider's own id of the call.
    pub provider_request_id: String,
    /// Prompt as the provider rewrote it.
    pub revised_prompt: String,
    /// The seed that the provider says it used.
    pub effective_seed: Option<u64>,
    /// Version of the model that drew, in the words of the provider; empty: it did not say.
    pub model_version: String,
    /// Quality score of the picture, 0 to 10000; nothing: there is none, or it was not scored.
    pub quality_score_bp: Option<u32>,
    /// Why, when it gave no image, or one that did not complete its step.
    pub failure: Option<Failure>,
    /// Written down at.
    pub prepared_at: UnixMicros,
    /// Dispatched at.
    pub dispatched_at: Option<UnixMicros>,
    /// Until when the first byte may leave.
    pub send_by: Option<UnixMicros>,
    /// The same of the first call, by the clock of the database; the later one counts where the call was sent again.
    pub first_send_by: Option<UnixMicros>,
    /// When its outcome became unknown, by the database's clock.
    pub unknown_at: Option<UnixMicros>,
    /// Answer staged at.
    pub received_at: Option<UnixMicros>,
    /// Ended at.
    pub ended_at: Option<UnixMicros>,
    /// The receipt of the staged answer, once received.
    pub answer: Option<Receipt>,
    /// What somebody, or the policy of the plan, decided about its unknown outcome or bill.
    pub decision: Option<DecisionRecord>,
}

/// Money of an execution, in billionths of its currency.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CostRecord {
    /// ISO 4217 code.
    pub currency: String,
    /// Billed.
    pub settled_nanos: i64,
    /// Reserved for attempts in flight.
    pub reserved_nanos: i64,
    /// Held for attempts whose bill is not known.
    pub unknown_held_nanos: i64,
    /// One line for each billed attempt, in the order in which they were settled.
    pub lines: Vec<CostLine>,
}

/// One billed attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CostLine {
    /// Step.
    pub step_id: String,
    /// Number of the attempt within the step.
    pub attempt_number: u32,
    /// Provider.
    pub provider: String,
    /// Amount.
    pub amount_nanos: i64,
    /// How it is known; nothing: a version recorded it that did not keep this.
    pub source: Option<CostSource>,
}

impl CostLine {
    /// The line of an attempt that was billed.
    pub fn of(step_id: &str, attempt: &AttemptRecord, amount_nanos: i64, source: Option<CostSource>) -> Self {
        Self {
            step_id: step_id.to_owned(),
            attempt_number: attempt.number,
            provider: attempt.provider.clone(),
            amount_nanos,
            source,
        }
    }
}

/// Which executions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExecutionFilter {
    /// Of this plan: digest with its prefix.
    pub plan_digest: Option<String>,
    /// In one of these states; empty: in any.
    pub states: Vec<ExecutionState>,
    /// Of this session.
    pub session_id: Option<String>,
}

/// An event as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEvent {
    /// Its place, from 1, without gaps.
    pub sequence: u64,
    /// An encoded `limn.v1.ExecutionEvent`.
    pub payload: Vec<u8>,
}
