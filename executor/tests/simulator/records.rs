//! The records as one process sees them: the real ones, but every call waits for its turn at the scheduler.

use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;
use futures::{FutureExt as _, stream::BoxStream};
use limn_executor::{
    clock::UnixMicros,
    failure::Failure,
    fingerprint::Fingerprint,
    ids::{AttemptId, BootId, ExecutionId, ImageId, TurnId},
    records::*,
};
use uuid::Uuid;

pub(crate) use crate::asking::Records;
use crate::{
    asking::{Asked, call},
    desk::{Fact, Work, about},
    market::shown,
    turns::{self, TurnFact},
};

#[async_trait]
impl RecordStore for Records {
    async fn save_plan(&self, plan: &NewPlan) -> Result<PlanRecord> {
        let asked = Asked::new("save_plan", String::new());
        call!(self, asked, |store, plan| store.save_plan(plan))
    }

    async fn plan(&self, client: &str, digest_hex: &str) -> Result<Option<PlanRecord>> {
        let asked = Asked::new("plan", digest_hex[..8].to_owned()).reading();
        call!(self, asked, |store, client, digest_hex| store
            .plan(client, digest_hex))
    }

    async fn plans(&self, client: &str, filter: &PlanFilter, page: &Page) -> Result<Vec<PlanRecord>> {
        let asked = Asked::new("plans", client.to_owned()).reading();
        call!(self, asked, |store, client, filter, page| store
            .plans(client, filter, page))
    }

    async fn delete_plan(
        &self,
        client: &str,
        digest_hex: &str,
        audit_id: Uuid,
        now: UnixMicros,
    ) -> Result<PlanDeletion> {
        let asked = Asked::new("delete_plan", digest_hex[..8].to_owned());
        call!(self, asked, |store, client, digest_hex, audit_id, now| store
            .delete_plan(client, digest_hex, *audit_id, *now))
    }

    async fn accept(&self, order: &NewExecution) -> Result<Acceptance> {
        let asked = Asked::new("accept", order.request_id.clone());
        call!(self, asked, |store, order| store.accept(order))
    }

    async fn claim(
        &self,
        boot: BootId,
        lease: Duration,
        limit: u32,
        running: &[ExecutionId],
    ) -> Result<Vec<Claim>> {
        let mut asked = Asked::new("claim", String::new());
        asked.facts =
            Box::new(|claims: &Vec<Claim>| claims.iter().map(|claim| Fact::Claimed(claim.fence)).collect());
        call!(self, asked, |store, running| store
            .claim(boot, lease, limit, running))
    }

    async fn claim_these(
        &self,
        boot: BootId,
        lease: Duration,
        limit: u32,
        executions: &[ExecutionId],
    ) -> Result<Vec<Claim>> {
        let mut asked = Asked::new("claim_these", String::new());
        asked.facts =
            Box::new(|claims: &Vec<Claim>| claims.iter().map(|claim| Fact::Claimed(claim.fence)).collect());
        call!(self, asked, |store, executions| store
            .claim_these(boot, lease, limit, executions))
    }

    async fn renew(&self, boot: BootId, executions: &[ExecutionId], lease: Duration) -> Result<Vec<Renewal>> {
        let asked = Asked::new("renew", String::new());
        call!(self, asked, |store, executions| store
            .renew(boot, executions, lease))
    }

    async fn release(&self, fence: &Fence) -> Result<()> {
        let asked = Asked::new("release", about(fence.execution)).fenced(fence);
        call!(self, asked, |store, fence| store.release(fence))
    }

    async fn open_execution(&self, fence: &Fence) -> Result<ExecutionRecord> {
        let asked = Asked::new("open_execution", about(fence.execution)).reading();
        call!(self, asked, |store, fence| store.open_execution(fence))
    }

    async fn park(
        &self,
        fence: &Fence,
        failure: &Failure,
        next_check: Option<Duration>,
        now: UnixMicros,
    ) -> Result<()> {
        let subject = format!("{} {}", about(fence.execution), failure.reason.as_str());
        let asked = Asked::new("park", subject).fenced(fence);
        call!(self, asked, |store, fence, failure| store
            .park(fence, failure, next_check, now))
    }

    async fn start_execution(&self, fence: &Fence, now: UnixMicros) -> Result<()> {
        let asked = Asked::new("start_execution", about(fence.execution)).fenced(fence);
        call!(self, asked, |store, fence| store.start_execution(fence, now))
    }

    async fn start_step(&self, fence: &Fence, step_id: &str, now: UnixMicros) -> Result<()> {
        let subject = format!("{} {step_id}", about(fence.execution));
        let asked = Asked::new("start_step", subject).fenced(fence);
        call!(self, asked, |store, fence, step_id| store
            .start_step(fence, step_id, now))
    }

    async fn acquire_unit(
        &self,
        fence: &Fence,
        step_id: &str,
        render_digests: &[String],
        first: usize,
    ) -> Result<UnitGrant> {
        let subject = format!("{} {step_id} target {first}", about(fence.execution));
        let asked = Asked::new("acquire_unit", subject).fenced(fence);
        call!(self, asked, |store, fence, step_id, render_digests| store
            .acquire_unit(fence, step_id, render_digests, first))
    }

    async fn prepare(&self, fence: &Fence, attempt: &NewAttempt) -> Result<Preparation> {
        let subject = format!(
            "{} {} {}",
            about(fence.execution),
            attempt.step_id,
            shown(attempt.id)
        );
        let asked = Asked::new("prepare", subject).fenced(fence);
        call!(self, asked, |store, fence, attempt| store.prepare(fence, attempt))
    }

    async fn dispatch(
        &self,
        fence: &Fence,
        attempt: AttemptId,
        send_margin: Duration,
        now: UnixMicros,
    ) -> Result<Dispatch> {
        let mut asked = Asked::new("dispatch", shown(attempt)).fenced(fence);
        asked.facts = Box::new(move |granted| match granted {
            Dispatch::Granted => vec![Fact::Granted(attempt)],
            Dispatch::Cancelled => Vec::new(),
        });
        call!(self, asked, |store, fence| store.dispatch(
            fence,
            attempt,
            send_margin,
            now
        ))
    }

    async fn dispatch_again(&self, fence: &Fence, attempt: AttemptId, send_margin: Duration) -> Result<()> {
        let mut asked = Asked::new("dispatch_again", shown(attempt)).fenced(fence);
        asked.facts = Box::new(move |()| vec![Fact::Granted(attempt)]);
        call!(self, asked, |store, fence| store.dispatch_again(
            fence,
            attempt,
            send_margin
        ))
    }

    async fn accepted(&self, fence: &Fence, attempt: AttemptId, job_id: &str, now: UnixMicros) -> Result<()> {
        let asked = Asked::new("accepted", shown(attempt)).fenced(fence);
        call!(self, asked, |store, fence, job_id| store
            .accepted(fence, attempt, job_id, now))
    }

    async fn add_receipt(&self, receipt: &Receipt) -> Result<()> {
        let subject = format!("{} {}", shown(receipt.attempt), receipt.kind.as_str());
        let asked = Asked::new("add_receipt", subject);
        call!(self, asked, |store, receipt| store.add_receipt(receipt))
    }

    async fn attempt(&self, attempt: AttemptId) -> Result<Option<(ExecutionId, AttemptRecord)>> {
        let asked = Asked::new("attempt", shown(attempt)).reading();
        call!(self, asked, |store| store.attempt(attempt))
    }

    async fn receipts(&self, attempt: AttemptId) -> Result<Vec<Receipt>> {
        let asked = Asked::new("receipts", shown(attempt)).reading();
        call!(self, asked, |store| store.receipts(attempt))
    }

    async fn received(&self, fence: &Fence, attempt: AttemptId, receipt: &Receipt) -> Result<()> {
        let asked = Asked::new("received", shown(attempt)).fenced(fence);
        call!(self, asked, |store, fence, receipt| store
            .received(fence, attempt, receipt))
    }

    async fn commit(&self, fence: &Fence, commit: &Commit) -> Result<()> {
        let asked = Asked::new("commit", shown(commit.attempt)).fenced(fence);
        call!(self, asked, |store, fence, commit| store.commit(fence, commit))
    }

    async fn end_attempt(&self, fence: &Fence, attempt: AttemptId, end: &AttemptEnd) -> Result<()> {
        let subject = format!("{} {:?}", shown(attempt), end.outcome);
        let asked = Asked::new("end_attempt", subject).fenced(fence);
        call!(self, asked, |store, fence, end| store
            .end_attempt(fence, attempt, end))
    }

    async fn complete_reused(&self, fence: &Fence, reuse: &Reuse) -> Result<()> {
        let subject = format!("{} {}", about(fence.execution), reuse.image.step_id);
        let asked = Asked::new("complete_reused", subject).fenced(fence);
        call!(self, asked, |store, fence, reuse| store
            .complete_reused(fence, reuse))
    }

    async fn complete_rejected(
        &self,
        fence: &Fence,
        step_id: &str,
        image: ImageId,
        now: UnixMicros,
    ) -> Result<()> {
        let subject = format!("{} {step_id}", about(fence.execution));
        let asked = Asked::new("complete_rejected", subject).fenced(fence);
        call!(self, asked, |store, fence, step_id, image, now| store
            .complete_rejected(fence, step_id, *image, *now))
    }

    async fn end_step(&self, fence: &Fence, end: &StepEnd) -> Result<()> {
        let subject = format!(
            "{} {} {}",
            about(fence.execution),
            end.step_id,
            end.state.as_str()
        );
        let asked = Asked::new("end_step", subject).fenced(fence);
        call!(self, asked, |store, fence, end| store.end_step(fence, end))
    }

    async fn settle_execution(
        &self,
        fence: &Fence,
        failure: &Failure,
        next_check: Option<Duration>,
        now: UnixMicros,
    ) -> Result<ExecutionState> {
        let subject = format!("{} next {next_check:?}", about(fence.execution));
        let asked = Asked::new("settle_execution", subject).fenced(fence);
        call!(self, asked, |store, fence, failure| store
            .settle_execution(fence, failure, next_check, now))
    }

    async fn stranded(&self, lease: Duration, limit: u32) -> Result<Vec<Stranded>> {
        let asked = Asked::new("stranded", String::new());
        call!(self, asked, |store| store.stranded(lease, limit))
    }

    async fn leave_stranded(
        &self,
        execution: ExecutionId,
        until: UnixMicros,
        next_look: Duration,
    ) -> Result<()> {
        let subject = format!("{} next {next_look:?}", about(execution));
        let asked = Asked::new("leave_stranded", subject);
        call!(self, asked, |store| store
            .leave_stranded(execution, until, next_look))
    }

    async fn end_stranded(
        &self,
        execution: ExecutionId,
        attempt: AttemptId,
        end: &AttemptEnd,
    ) -> Result<bool> {
        let subject = format!("{} {}", shown(attempt), end.outcome.state().as_str());
        let asked = Asked::new("end_stranded", subject);
        call!(self, asked, |store, end| store
            .end_stranded(execution, attempt, end))
    }

    async fn salvage(&self, salvage: &Salvage) -> Result<bool> {
        let asked = Asked::new("salvage", shown(salvage.answer.attempt));
        call!(self, asked, |store, salvage| store.salvage(salvage))
    }

    async fn request_cancel(
        &self,
        client: &str,
        execution: ExecutionId,
        now: UnixMicros,
    ) -> Result<Option<ExecutionRecord>> {
        let asked = Asked::new("request_cancel", about(execution));
        call!(self, asked, |store, client| store
            .request_cancel(client, execution, now))
    }

    async fn execution(&self, client: &str, execution: ExecutionId) -> Result<Option<ExecutionRecord>> {
        let asked = Asked::new("execution", about(execution)).reading();
        call!(self, asked, |store, client| store.execution(client, execution))
    }

    async fn standing(&self, client: &str, execution: ExecutionId) -> Result<Option<Standing>> {
        let asked = Asked::new("standing", about(execution)).reading();
        call!(self, asked, |store, client| store.standing(client, execution))
    }

    async fn executions(
        &self,
        client: &str,
        filter: &ExecutionFilter,
        page: &Page,
    ) -> Result<Vec<ExecutionRecord>> {
        let asked = Asked::new("executions", client.to_owned()).reading();
        call!(self, asked, |store, client, filter, page| store
            .executions(client, filter, page))
    }

    async fn events_after(
        &self,
        execution: ExecutionId,
        sequence: u64,
        limit: u32,
    ) -> Result<Vec<StoredEvent>> {
        let subject = format!("{} {sequence}", about(execution));
        let asked = Asked::new("events_after", subject).reading();
        call!(self, asked, |store| store
            .events_after(execution, sequence, limit))
    }

    async fn image(&self, client: &str, image: ImageId) -> Result<Option<ImageRecord>> {
        let asked = Asked::new("image", image.to_string()).reading();
        call!(self, asked, |store, client| store.image(client, image))
    }

    async fn images(&self, client: &str, filter: &ImageFilter, page: &Page) -> Result<Vec<ImageRecord>> {
        let asked = Asked::new("images", client.to_owned()).reading();
        call!(self, asked, |store, client, filter, page| store
            .images(client, filter, page))
    }

    async fn images_of_content(&self, client: &str, sha256: &str) -> Result<Vec<ImageRecord>> {
        let asked = Asked::new("images_of_content", client.to_owned()).reading();
        call!(self, asked, |store, client, sha256| store
            .images_of_content(client, sha256))
    }

    async fn look_alikes(
        &self,
        client: &str,
        fingerprint: Fingerprint,
        limit: usize,
    ) -> Result<Vec<LookAlike>> {
        let asked = Asked::new("look_alikes", client.to_owned()).reading();
        call!(self, asked, |store, client| store.look_alikes(
            client,
            fingerprint,
            limit
        ))
    }

    async fn images_without_fingerprint(
        &self,
        after: Option<ImageId>,
        limit: u32,
    ) -> Result<Vec<ImageRecord>> {
        let asked = Asked::new("images_without_fingerprint", String::new()).reading();
        call!(self, asked, |store| store
            .images_without_fingerprint(after, limit))
    }

    async fn keep_fingerprint(&self, image: &ImageRecord, fingerprint: Fingerprint) -> Result<()> {
        let asked = Asked::new("keep_fingerprint", image.id.to_string());
        call!(self, asked, |store, image| store
            .keep_fingerprint(image, fingerprint))
    }

    async fn begin_deletion(&self, deletion: &ImageDeletion) -> Result<Option<BegunDeletion>> {
        let asked = Asked::new("begin_deletion", deletion.image.to_string());
        call!(self, asked, |store, deletion| store.begin_deletion(deletion))
    }

    async fn finish_deletion(&self, client: &str, image: ImageId, now: UnixMicros) -> Result<()> {
        let asked = Asked::new("finish_deletion", image.to_string());
        call!(self, asked, |store, client| store
            .finish_deletion(client, image, now))
    }

    async fn review_images(&self, order: &ReviewOrder) -> Result<Reviewed> {
        let asked = Asked::new("review_images", order.client.clone());
        call!(self, asked, |store, order| store.review_images(order))
    }

    async fn edit_image(&self, edit: &ImageEdit) -> Result<ImageEdited> {
        let asked = Asked::new("edit_image", edit.image.to_string());
        call!(self, asked, |store, edit| store.edit_image(edit))
    }

    async fn session(&self, client: &str, session_id: &str) -> Result<Option<SessionRecord>> {
        let asked = Asked::new("session", session_id.to_owned()).reading();
        call!(self, asked, |store, client, session_id| store
            .session(client, session_id))
    }

    async fn sessions(&self, client: &str, page: &Page) -> Result<Vec<SessionRecord>> {
        let asked = Asked::new("sessions", client.to_owned()).reading();
        call!(self, asked, |store, client, page| store.sessions(client, page))
    }

    async fn stored_images(&self, after: Option<ImageId>, limit: u32) -> Result<Vec<StoredImage>> {
        let asked = Asked::new("stored_images", String::new()).reading();
        call!(self, asked, |store| store.stored_images(after, limit))
    }

    async fn unrecorded(&self, keys: &[String]) -> Result<Vec<String>> {
        let asked = Asked::new("unrecorded", keys.len().to_string()).reading();
        call!(self, asked, |store, keys| store.unrecorded(keys))
    }

    async fn unfinished_images(&self) -> Result<Vec<ImageId>> {
        let asked = Asked::new("unfinished_images", String::new()).reading();
        call!(self, asked, |store| store.unfinished_images())
    }

    async fn stored_bytes(&self, client: &str) -> Result<StoredBytes> {
        let asked = Asked::new("stored_bytes", client.to_owned()).reading();
        call!(self, asked, |store, client| store.stored_bytes(client))
    }

    async fn audit_events(&self, client: &str, filter: &AuditFilter, page: &Page) -> Result<Vec<AuditEvent>> {
        let asked = Asked::new("audit_events", client.to_owned()).reading();
        call!(self, asked, |store, client, filter, page| store
            .audit_events(client, filter, page))
    }

    async fn take_turn(&self, request: &TurnRequest) -> Result<Turn> {
        let mut asked = Asked::new("take_turn", request.provider.clone());
        let (turn, in_progress) = (request.turn, request.in_progress);
        let vendor = turns::vendor(&request.provider);
        asked.facts = Box::new(move |answer| match answer {
            Turn::Granted { .. } => vec![Fact::Turn(TurnFact::Granted {
                turn,
                vendor,
                in_progress,
            })],
            Turn::Wait(_) => Vec::new(),
        });
        call!(self, asked, |store, request| store.take_turn(request))
    }

    async fn renew_turns(&self, boot: BootId, turns: &[TurnId], lease: Duration) -> Result<()> {
        let asked = Asked::new("renew_turns", turns.len().to_string());
        call!(self, asked, |store, turns| store.renew_turns(boot, turns, lease))
    }

    async fn leave_turn(&self, turn: TurnId, counts: bool) -> Result<()> {
        let mut asked = Asked::new("leave_turn", String::new());
        asked.facts = Box::new(move |()| vec![Fact::Turn(TurnFact::Left { turn, counts })]);
        call!(self, asked, |store| store.leave_turn(turn, counts))
    }

    async fn note_sign(&self, provider: &str, sign: &Sign) -> Result<GateRecord> {
        let asked = Asked::new("note_sign", provider.to_owned());
        call!(self, asked, |store, provider, sign| store
            .note_sign(provider, sign))
    }

    async fn gates(&self) -> Result<(Vec<GateRecord>, UnixMicros)> {
        let asked = Asked::new("gates", String::new()).reading();
        call!(self, asked, |store| store.gates())
    }

    async fn note_step(&self, fence: &Fence, step_id: &str, note: &StepNote, now: UnixMicros) -> Result<()> {
        let asked = Asked::new("note_step", step_id.to_owned()).fenced(fence);
        call!(self, asked, |store, fence, step_id, note| store
            .note_step(fence, step_id, note, now))
    }

    async fn resolve_attempt(&self, resolution: &Resolution) -> Result<Resolved> {
        let subject = format!("{} {:?}", shown(resolution.attempt), resolution.verdict);
        let mut asked = Asked::new("resolve_attempt", subject);
        let execution = resolution.execution;
        asked.facts = Box::new(move |resolved| match resolved {
            Resolved::Done(_) => vec![Fact::Decided(execution)],
            _ => Vec::new(),
        });
        call!(self, asked, |store, resolution| store.resolve_attempt(resolution))
    }

    async fn unpark(&self, unparking: &Unparking) -> Result<Unparked> {
        let asked = Asked::new("unpark", about(unparking.execution));
        call!(self, asked, |store, unparking| store.unpark(unparking))
    }

    async fn prune(&self, retention: &Retention, limit: u32) -> Result<Pruned> {
        let asked = Asked::new("prune", String::new());
        call!(self, asked, |store, retention| store.prune(retention, limit))
    }

    async fn pruned(&self, client: &str, execution: ExecutionId) -> Result<Option<PrunedExecution>> {
        let asked = Asked::new("pruned", about(execution)).reading();
        call!(self, asked, |store, client| store.pruned(client, execution))
    }

    async fn budget(&self, key: &BudgetKey) -> Result<Option<BudgetRecord>> {
        let asked = Asked::new("budget", key.scope.clone()).reading();
        call!(self, asked, |store, key| store.budget(key))
    }

    async fn budgets(
        &self,
        client: &str,
        after: Option<&BudgetKey>,
        limit: u32,
    ) -> Result<Vec<BudgetRecord>> {
        let asked = Asked::new("budgets", client.to_owned()).reading();
        let after = after.cloned();
        call!(self, asked, |store, client, after| store.budgets(
            client,
            after.as_ref(),
            limit
        ))
    }

    async fn update_budget(&self, update: &BudgetUpdate) -> Result<BudgetChange> {
        let asked = Asked::new("update_budget", update.key.scope.clone());
        call!(self, asked, |store, update| store.update_budget(update))
    }

    async fn usage(&self, client: &str, currency: &str, since: UnixMicros) -> Result<Vec<UsageRecord>> {
        let asked = Asked::new("usage", client.to_owned()).reading();
        call!(self, asked, |store, client, currency| store
            .usage(client, currency, since))
    }

    async fn verify(&self, client: Option<&str>) -> Result<Verification> {
        let asked = Asked::new("verify", String::new()).reading();
        let client = client.map(str::to_owned);
        call!(self, asked, |store, client| store.verify(client.as_deref()))
    }

    async fn ledger_sums(&self) -> Result<BTreeMap<BudgetKey, Balance>> {
        let asked = Asked::new("ledger_sums", String::new()).reading();
        call!(self, asked, |store| store.ledger_sums())
    }

    async fn balances(&self) -> Result<BTreeMap<BudgetKey, Balance>> {
        let asked = Asked::new("balances", String::new()).reading();
        call!(self, asked, |store| store.balances())
    }

    fn announce(&self, hint: Hint) {
        self.desk.arrive(self.process, String::new(), Work::Hint(hint));
    }

    fn listen(&self) -> Option<BoxStream<'static, Hint>> {
        Some(self.desk.listen(self.process))
    }

    async fn check(&self) -> Result<String> {
        let asked = Asked::new("check", String::new()).reading();
        call!(self, asked, |store| store.check())
    }
}
