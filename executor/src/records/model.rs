//! What the record seam carries: new things, records, filters and answers.

use std::{collections::BTreeMap, time::Duration};

use limn_proto::plan::{ImageType, PlanKind, SeedMode};

use crate::{
    clock::UnixMicros,
    failure::Failure,
    ids::{AttemptId, ExecutionId, ImageId},
    plan::{Description, ImageFormat},
    provider::CapabilityClass,
};

use super::state::{AttemptState, ExecutionMode, ExecutionState, StepState};

/// A plan to store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPlan {
    /// Client that owns it.
    pub client: String,
    /// 64 hexadecimal digits.
    pub digest_hex: String,
    /// LCE-1 bytes.
    pub canonical_bytes: Vec<u8>,
    /// Grouping key.
    pub session_id: String,
    /// Kind of request.
    pub kind: PlanKind,
    /// Now.
    pub now: UnixMicros,
}

/// A stored plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanRecord {
    /// Client that owns it.
    pub client: String,
    /// 64 hexadecimal digits.
    pub digest_hex: String,
    /// LCE-1 bytes.
    pub canonical_bytes: Vec<u8>,
    /// When it was stored first.
    pub created_at: UnixMicros,
    /// When it was last ordered.
    pub last_executed_at: Option<UnixMicros>,
}

/// Which plans.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlanFilter {
    /// Of this session.
    pub session_id: Option<String>,
    /// Of this kind.
    pub kind: Option<PlanKind>,
}

/// What became of a deletion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlanDeletion {
    /// Deleted.
    Deleted,
    /// There was none.
    NotFound,
    /// This execution of it has not ended.
    InUse(ExecutionId),
}

/// Part of a list: newest first, after a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Most records to return.
    pub limit: u32,
    /// Creation time and id of the last record before this page; for plans the id is the digest.
    pub after: Option<(UnixMicros, String)>,
}

/// An order to accept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewExecution {
    /// Id to use if a new execution begins.
    pub id: ExecutionId,
    /// The plan.
    pub plan: NewPlan,
    /// ISO 4217 code of the plan's amounts.
    pub currency: String,
    /// Step ids in order.
    pub step_ids: Vec<String>,
    /// Which drawing.
    pub take: u32,
    /// Idempotency key.
    pub request_id: String,
    /// Hash over everything that makes two orders the same.
    pub request_hash: String,
    /// What to do about results that exist.
    pub mode: ExecutionMode,
    /// Most steps in progress at once.
    pub max_concurrency: u32,
    /// Now.
    pub now: UnixMicros,
}

/// What became of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Acceptance {
    /// A new execution began.
    New(ExecutionId),
    /// The execution of the same request id.
    SameRequest(ExecutionId),
    /// A running execution of the same plan and take.
    Joined(ExecutionId),
    /// The request id belongs to another order: this execution.
    RequestIdReused(ExecutionId),
    /// Mode resume, and this execution is running.
    StillRunning(ExecutionId),
    /// Mode resume, and there is nothing before.
    NothingToResume,
}

/// An execution that this process now owns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Proof of ownership.
    pub fence: super::Fence,
    /// How often an owner was lost.
    pub crash_count: u32,
}

/// Who draws a picture.
#[derive(Clone, Debug, PartialEq)]
pub enum UnitGrant {
    /// This step draws, under the unit of the digest asked for.
    Open,
    /// The picture exists: the record of the image that was paid for.
    Completed(Box<ImageRecord>),
    /// Another step or execution is drawing it, or an unknown outcome holds it; look again later.
    Busy {
        /// The execution that holds the unit.
        execution: ExecutionId,
        /// The unit is held by an unknown outcome, so waiting has no end in sight.
        unknown: bool,
    },
}

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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preparation {
    /// Written down and reserved; the number within the step.
    Prepared(u32),
    /// The ceiling does not fit below `max_cost`.
    CostLimit {
        /// Settled, reserved and held by the execution so far.
        committed_nanos: i64,
    },
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
    /// Why, when failed or cancelled.
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
    /// Sequence of the last event.
    pub last_sequence: u64,
    /// Steps in order.
    pub steps: Vec<StepRecord>,
    /// Money.
    pub cost: CostRecord,
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
    /// Why, when it ended without an image or is parked.
    pub failure: Option<Failure>,
    /// Attempts in order.
    pub attempts: Vec<AttemptRecord>,
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
    /// What was billed.
    pub cost_nanos: Option<i64>,
    /// It is our own price.
    pub cost_estimated: bool,
    /// The provider's id of the work.
    pub job_id: String,
    /// The provider's own id of the call.
    pub provider_request_id: String,
    /// Prompt as the provider rewrote it.
    pub revised_prompt: String,
    /// Why, when it gave no image.
    pub failure: Option<Failure>,
    /// Written down at.
    pub prepared_at: UnixMicros,
    /// Dispatched at.
    pub dispatched_at: Option<UnixMicros>,
    /// Until when the first byte may leave.
    pub send_by: Option<UnixMicros>,
    /// Answer staged at.
    pub received_at: Option<UnixMicros>,
    /// Ended at.
    pub ended_at: Option<UnixMicros>,
    /// The receipt of the staged answer, once received.
    pub answer: Option<Receipt>,
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
    /// It is our own price.
    pub estimated: bool,
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

/// The record of an image.
#[derive(Clone, Debug, PartialEq)]
pub struct ImageRecord {
    /// Id.
    pub id: ImageId,
    /// Client that owns it.
    pub client: String,
    /// Execution that it belongs to.
    pub execution: ExecutionId,
    /// Step that it belongs to.
    pub step_id: String,
    /// Digest of the plan, with its prefix.
    pub plan_digest: String,
    /// Digest of the call that drew it, with its prefix.
    pub render_digest: String,
    /// Which drawing.
    pub take: u32,
    /// The attempt that drew it.
    pub attempt: AttemptId,
    /// The picture was there before this execution.
    pub reused: bool,
    /// SHA-256 of the bytes as the provider gave them.
    pub rendered_sha256: String,
    /// SHA-256 of the bytes as stored.
    pub stored_sha256: String,
    /// Format of the stored bytes.
    pub format: ImageFormat,
    /// Width in pixels.
    pub width_px: u32,
    /// Height in pixels.
    pub height_px: u32,
    /// Size of the stored bytes.
    pub size_bytes: i64,
    /// Key in the store.
    pub storage_key: String,
    /// Lasting public address; empty: none.
    pub public_url: String,
    /// Small copies.
    pub thumbnails: Vec<ThumbnailRecord>,
    /// Fields of the step that are copied.
    pub description: Description,
    /// Grouping key of the plan.
    pub session_id: String,
    /// Final prompt as sent.
    pub prompt: String,
    /// Prompt as the provider rewrote it.
    pub revised_prompt: String,
    /// Provider that drew it.
    pub provider: String,
    /// Model that drew it.
    pub model: String,
    /// The provider's own id of the call.
    pub provider_request_id: String,
    /// How far the seed was under control.
    pub seed_mode: SeedMode,
    /// Seed of the plan.
    pub seed: u32,
    /// From sending the request to the last byte of the answer; kept in whole milliseconds.
    pub generation_time: Duration,
    /// ISO 4217 code of the cost.
    pub currency: String,
    /// What was paid for this record, in billionths; zero when reused; nothing: not known.
    pub cost_nanos: Option<i64>,
    /// It is our own price.
    pub cost_estimated: bool,
    /// 0 to 10000; nothing: not scored.
    pub quality_score_bp: Option<u32>,
    /// Labels of plan and step, in order of the key.
    pub labels: Vec<(String, String)>,
    /// Made at.
    pub created_at: UnixMicros,
    /// Last changed at.
    pub updated_at: UnixMicros,
}

/// A small copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThumbnailRecord {
    /// Key in the store.
    pub storage_key: String,
    /// Lasting public address; empty: none.
    pub public_url: String,
    /// Width in pixels.
    pub width_px: u32,
    /// Height in pixels.
    pub height_px: u32,
    /// Format.
    pub format: ImageFormat,
    /// Size in bytes.
    pub size_bytes: i64,
}

/// Which images. All given conditions must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageFilter {
    /// Of this session.
    pub session_id: Option<String>,
    /// Of one of these classes; empty: of any.
    pub image_types: Vec<ImageType>,
    /// Drawn by this provider.
    pub provider: Option<String>,
    /// Of this plan: digest with its prefix.
    pub plan_digest: Option<String>,
    /// Of this execution.
    pub execution: Option<ExecutionId>,
    /// Of this post.
    pub post_id: Option<String>,
    /// With all these labels.
    pub labels: Vec<(String, String)>,
    /// Made at or after.
    pub created_from: Option<UnixMicros>,
    /// Made before.
    pub created_before: Option<UnixMicros>,
}

/// Which budget. Amounts of different currencies are never added up.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BudgetKey {
    /// `clients/{client}/budgets/client` or `clients/{client}/budgets/session-{session}`.
    pub scope: String,
    /// ISO 4217 code.
    pub currency: String,
}

/// Money of a budget, in billionths of its currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Balance {
    /// Billed.
    pub spent_nanos: i64,
    /// Reserved for attempts in flight.
    pub reserved_nanos: i64,
    /// Held for attempts whose bill is not known.
    pub unknown_held_nanos: i64,
}
