//! The record seam of a process.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use limn_executor::{
    clock::UnixMicros,
    failure::Failure,
    fingerprint::Fingerprint,
    ids::{AttemptId, BootId, ExecutionId, ImageId, TurnId},
    records::*,
};
use uuid::Uuid;

use crate::seams::{Injected, Seams, Side};

/// Records that are kept in another store, when nothing goes wrong on the way.
#[derive(Debug)]
pub(crate) struct FaultyRecords {
    pub(crate) inner: Arc<dyn RecordStore>,
    pub(crate) seams: Arc<Seams>,
}

impl FaultyRecords {
    async fn call<T>(&self, verb: &'static str, work: impl Future<Output = Result<T>>) -> Result<T> {
        let outages = &self.seams.outages;
        self.seams.pass(verb, Side::Before).await.map_err(away)?;
        outages.of_database().map_err(away)?;
        let answer = self.seams.carry_out(work).await?;
        self.seams.pass(verb, Side::After).await.map_err(away)?;
        outages.of_database().map_err(away)?;
        Ok(answer)
    }
}

fn away(injected: Injected) -> RecordError {
    RecordError::Unavailable(Box::new(injected))
}

/// Ends of attempts are different transactions.
fn ending(end: &AttemptEnd) -> &'static str {
    match end.outcome {
        AttemptOutcome::Abandoned => "abandon",
        AttemptOutcome::Rejected | AttemptOutcome::RejectedBillUnknown => "reject",
        AttemptOutcome::FailedPaid { .. } => "fail_paid",
        AttemptOutcome::Unknown => "unknown",
        AttemptOutcome::WrittenOff { .. } => "write_off",
    }
}

/// The name of an edge: that of the verb, or another one.
macro_rules! name {
    ($verb:ident) => {
        stringify!($verb)
    };
    ($verb:ident $name:expr) => {
        $name
    };
}

/// The whole store, by one rule.
macro_rules! store {
    ($($verb:ident($($argument:ident: $type:ty),*) -> $answer:ty $(, named $name:expr)?;)+) => {
        #[async_trait]
        impl RecordStore for FaultyRecords {
            $(async fn $verb(&self, $($argument: $type),*) -> Result<$answer> {
                self.call(name!($verb $($name)?), self.inner.$verb($($argument),*)).await
            })+
        }
    };
}

store! {
    save_plan(plan: &NewPlan) -> PlanRecord;
    plan(client: &str, digest_hex: &str) -> Option<PlanRecord>;
    plans(client: &str, filter: &PlanFilter, page: &Page) -> Vec<PlanRecord>;
    delete_plan(client: &str, digest_hex: &str, audit_id: Uuid, now: UnixMicros) -> PlanDeletion;
    accept(order: &NewExecution) -> Acceptance;
    claim(boot: BootId, lease: Duration, limit: u32, running: &[ExecutionId]) -> Vec<Claim>;
    renew(boot: BootId, executions: &[ExecutionId], lease: Duration) -> Vec<Renewal>;
    release(fence: &Fence) -> ();
    open_execution(fence: &Fence) -> ExecutionRecord;
    start_execution(fence: &Fence, now: UnixMicros) -> ();
    start_step(fence: &Fence, step_id: &str, now: UnixMicros) -> ();
    acquire_unit(fence: &Fence, step_id: &str, render_digests: &[String], first: usize) -> UnitGrant;
    prepare(fence: &Fence, attempt: &NewAttempt) -> Preparation;
    dispatch(fence: &Fence, attempt: AttemptId, send_margin: Duration, now: UnixMicros) -> Dispatch;
    dispatch_again(fence: &Fence, attempt: AttemptId, send_margin: Duration) -> ();
    claim_these(boot: BootId, lease: Duration, limit: u32, executions: &[ExecutionId]) -> Vec<Claim>;
    accepted(fence: &Fence, attempt: AttemptId, job_id: &str, now: UnixMicros) -> ();
    add_receipt(receipt: &Receipt) -> ();
    received(fence: &Fence, attempt: AttemptId, receipt: &Receipt) -> ();
    commit(fence: &Fence, commit: &Commit) -> ();
    end_attempt(fence: &Fence, attempt: AttemptId, end: &AttemptEnd) -> (), named ending(end);
    complete_reused(fence: &Fence, reuse: &Reuse) -> ();
    complete_rejected(fence: &Fence, step_id: &str, image: ImageId, now: UnixMicros) -> ();
    end_step(fence: &Fence, end: &StepEnd) -> ();
    settle_execution(
        fence: &Fence,
        failure: &Failure,
        next_check: Option<Duration>,
        now: UnixMicros
    ) -> ExecutionState;
    park(fence: &Fence, failure: &Failure, next_check: Option<Duration>, now: UnixMicros) -> ();
    attempt(attempt: AttemptId) -> Option<(ExecutionId, AttemptRecord)>;
    receipts(attempt: AttemptId) -> Vec<Receipt>;
    stranded(lease: Duration, limit: u32) -> Vec<Stranded>;
    leave_stranded(execution: ExecutionId, until: UnixMicros, next_look: Duration) -> ();
    end_stranded(execution: ExecutionId, attempt: AttemptId, end: &AttemptEnd) -> bool;
    salvage(salvage: &Salvage) -> bool;
    request_cancel(client: &str, execution: ExecutionId, now: UnixMicros) -> Option<ExecutionRecord>;
    execution(client: &str, execution: ExecutionId) -> Option<ExecutionRecord>;
    standing(client: &str, execution: ExecutionId) -> Option<Standing>;
    executions(client: &str, filter: &ExecutionFilter, page: &Page) -> Vec<ExecutionRecord>;
    events_after(execution: ExecutionId, sequence: u64, limit: u32) -> Vec<StoredEvent>;
    image(client: &str, image: ImageId) -> Option<ImageRecord>;
    images(client: &str, filter: &ImageFilter, page: &Page) -> Vec<ImageRecord>;
    images_of_content(client: &str, sha256: &str) -> Vec<ImageRecord>;
    look_alikes(client: &str, fingerprint: Fingerprint, limit: usize) -> Vec<LookAlike>;
    images_without_fingerprint(after: Option<ImageId>, limit: u32) -> Vec<ImageRecord>;
    keep_fingerprint(image: &ImageRecord, fingerprint: Fingerprint) -> ();
    begin_deletion(deletion: &ImageDeletion) -> Option<BegunDeletion>;
    finish_deletion(client: &str, image: ImageId, now: UnixMicros) -> ();
    stored_images(after: Option<ImageId>, limit: u32) -> Vec<StoredImage>;
    unrecorded(keys: &[String]) -> Vec<String>;
    unfinished_images() -> Vec<ImageId>;
    stored_bytes(client: &str) -> StoredBytes;
    review_images(order: &ReviewOrder) -> Reviewed;
    edit_image(edit: &ImageEdit) -> ImageEdited;
    session(client: &str, session_id: &str) -> Option<SessionRecord>;
    sessions(client: &str, page: &Page) -> Vec<SessionRecord>;
    audit_events(client: &str, filter: &AuditFilter, page: &Page) -> Vec<AuditEvent>;
    take_turn(request: &TurnRequest) -> Turn;
    renew_turns(boot: BootId, turns: &[TurnId], lease: Duration) -> ();
    leave_turn(turn: TurnId, counts: bool) -> ();
    note_sign(provider: &str, sign: &Sign) -> GateRecord;
    gates() -> (Vec<GateRecord>, UnixMicros);
    note_step(fence: &Fence, step_id: &str, note: &StepNote, now: UnixMicros) -> ();
    resolve_attempt(resolution: &Resolution) -> Resolved;
    unpark(unparking: &Unparking) -> Unparked;
    prune(retention: &Retention, limit: u32) -> Pruned;
    pruned(client: &str, execution: ExecutionId) -> Option<PrunedExecution>;
    budget(key: &BudgetKey) -> Option<BudgetRecord>;
    budgets(client: &str, after: Option<&BudgetKey>, limit: u32) -> Vec<BudgetRecord>;
    update_budget(update: &BudgetUpdate) -> BudgetChange;
    usage(client: &str, currency: &str, since: UnixMicros) -> Vec<UsageRecord>;
    verify(client: Option<&str>) -> Verification;
    ledger_sums() -> BTreeMap<BudgetKey, Balance>;
    balances() -> BTreeMap<BudgetKey, Balance>;
    check() -> String;
}
