//! The verbs, each as one transaction. What they do is in the other files.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use futures::{FutureExt as _, stream::BoxStream};
use uuid::Uuid;

use super::{
    super::*, Sql, accept, attempts, audit, backend::Backend, budgets, claims, deletion, events,
    fingerprints, ledger, library, lifecycle, outcomes, owned, pace, parking, plans, receipts, resolve,
    retention, reviews, salvage, sessions, snapshots, units, unpark, usage, verify,
};
use crate::{
    clock::UnixMicros,
    failure::Failure,
    fingerprint::Fingerprint,
    ids::{AttemptId, BootId, ExecutionId, ImageId, TurnId},
};

/// Runs a verb in a write transaction, then adds the money that it posted to the balances and sends what was not
/// sent yet. The arguments are kept with it: it may run again, and it runs to its end even when its caller has gone.
macro_rules! write_tx {
    ($store:expr, |$tx:ident $(, $argument:ident)*| $verb:expr) => {{
        let arguments = Arc::new(($($argument.to_owned(),)*));
        $store
            .backend
            .write(Box::new(move |$tx| {
                let arguments = Arc::clone(&arguments);
                async move {
                    let ($($argument,)*) = &*arguments;
                    let answer = $verb.await?;
                    ledger::change_budgets($tx).await?;
                    $tx.flush().await?;
                    Ok(answer)
                }
                .boxed()
            }))
            .await
    }};
}

/// Runs queries over one snapshot.
macro_rules! read_tx {
    ($store:expr, |$tx:ident| $query:expr) => {{
        let mut snapshot = $store.backend.read().await?;
        let $tx = &mut snapshot.tx();
        $query.await
    }};
}

#[async_trait]
impl<B: Backend> RecordStore for Sql<B> {
    async fn save_plan(&self, plan: &NewPlan) -> Result<PlanRecord> {
        write_tx!(self, |tx, plan| plans::save(tx, plan))
    }

    async fn plan(&self, client: &str, digest_hex: &str) -> Result<Option<PlanRecord>> {
        read_tx!(self, |tx| plans::find(tx, client, digest_hex))
    }

    async fn plans(&self, client: &str, filter: &PlanFilter, page: &Page) -> Result<Vec<PlanRecord>> {
        read_tx!(self, |tx| plans::list(tx, client, filter, page))
    }

    async fn delete_plan(
        &self,
        client: &str,
        digest_hex: &str,
        audit_id: Uuid,
        now: UnixMicros,
    ) -> Result<PlanDeletion> {
        write_tx!(self, |tx, client, digest_hex, audit_id, now| plans::delete(
            tx, client, digest_hex, *audit_id, *now
        ))
    }

    async fn accept(&self, order: &NewExecution) -> Result<Acceptance> {
        write_tx!(self, |tx, order| accept::accept(tx, order))
    }

    async fn claim(
        &self,
        boot: BootId,
        lease: Duration,
        limit: u32,
        running: &[ExecutionId],
    ) -> Result<Vec<Claim>> {
        write_tx!(self, |tx, boot, lease, limit, running| claims::claim(
            tx, *boot, *lease, *limit, running
        ))
    }

    async fn claim_these(
        &self,
        boot: BootId,
        lease: Duration,
        limit: u32,
        executions: &[ExecutionId],
    ) -> Result<Vec<Claim>> {
        write_tx!(self, |tx, boot, lease, limit, executions| claims::claim_these(
            tx, *boot, *lease, *limit, executions
        ))
    }

    async fn renew(&self, boot: BootId, executions: &[ExecutionId], lease: Duration) -> Result<Vec<Renewal>> {
        write_tx!(self, |tx, boot, executions, lease| claims::renew(
            tx, *boot, executions, *lease
        ))
    }

    async fn release(&self, fence: &Fence) -> Result<()> {
        write_tx!(self, |tx, fence| claims::release(tx, fence))
    }

    async fn open_execution(&self, fence: &Fence) -> Result<ExecutionRecord> {
        read_tx!(self, |tx| async {
            owned::owned(tx, fence).await?;
            let execution = snapshots::find_any(tx, fence.execution).await?;
            execution.ok_or(RecordError::Fenced)
        })
    }

    async fn park(
        &self,
        fence: &Fence,
        failure: &Failure,
        next_check: Option<Duration>,
        now: UnixMicros,
    ) -> Result<()> {
        write_tx!(self, |tx, fence, failure, next_check, now| parking::park(
            tx,
            fence,
            failure,
            *next_check,
            *now
        ))
    }

    async fn start_execution(&self, fence: &Fence, now: UnixMicros) -> Result<()> {
        write_tx!(self, |tx, fence, now| lifecycle::start_execution(tx, fence, *now))
    }

    async fn start_step(&self, fence: &Fence, step_id: &str, now: UnixMicros) -> Result<()> {
        write_tx!(self, |tx, fence, step_id, now| lifecycle::start_step(
            tx, fence, step_id, *now
        ))
    }

    async fn acquire_unit(
        &self,
        fence: &Fence,
        step_id: &str,
        render_digests: &[String],
        first: usize,
    ) -> Result<UnitGrant> {
        write_tx!(self, |tx, fence, step_id, render_digests, first| units::acquire(
            tx,
            fence,
            step_id,
            render_digests,
            *first
        ))
    }

    async fn prepare(&self, fence: &Fence, attempt: &NewAttempt) -> Result<Preparation> {
        write_tx!(self, |tx, fence, attempt| attempts::prepare(tx, fence, attempt))
    }

    async fn dispatch(
        &self,
        fence: &Fence,
        attempt: AttemptId,
        send_margin: Duration,
        now: UnixMicros,
    ) -> Result<Dispatch> {
        write_tx!(self, |tx, fence, attempt, send_margin, now| attempts::dispatch(
            tx,
            fence,
            *attempt,
            *send_margin,
            *now
        ))
    }

    async fn dispatch_again(&self, fence: &Fence, attempt: AttemptId, send_margin: Duration) -> Result<()> {
        write_tx!(self, |tx, fence, attempt, send_margin| attempts::dispatch_again(
            tx,
            fence,
            *attempt,
            *send_margin
        ))
    }

    async fn accepted(&self, fence: &Fence, attempt: AttemptId, job_id: &str, now: UnixMicros) -> Result<()> {
        write_tx!(self, |tx, fence, attempt, job_id, now| attempts::accepted(
            tx, fence, *attempt, job_id, *now
        ))
    }

    async fn add_receipt(&self, receipt: &Receipt) -> Result<()> {
        write_tx!(self, |tx, receipt| receipts::add(tx, receipt))
    }

    async fn attempt(&self, attempt: AttemptId) -> Result<Option<(ExecutionId, AttemptRecord)>> {
        read_tx!(self, |tx| async move {
            let found = super::attempt::find(tx, attempt).await?;
            Ok(found.map(|found| (found.execution, found.record)))
        })
    }

    async fn receipts(&self, attempt: AttemptId) -> Result<Vec<Receipt>> {
        read_tx!(self, |tx| receipts::list(tx, attempt))
    }

    async fn received(&self, fence: &Fence, attempt: AttemptId, receipt: &Receipt) -> Result<()> {
        write_tx!(self, |tx, fence, attempt, receipt| attempts::received(
            tx, fence, *attempt, receipt
        ))
    }

    async fn commit(&self, fence: &Fence, commit: &Commit) -> Result<()> {
        write_tx!(self, |tx, fence, commit| outcomes::commit(tx, fence, commit))
    }

    async fn end_attempt(&self, fence: &Fence, attempt: AttemptId, end: &AttemptEnd) -> Result<()> {
        write_tx!(self, |tx, fence, attempt, end| outcomes::end_attempt(
            tx, fence, *attempt, end
        ))
    }

    async fn complete_reused(&self, fence: &Fence, reuse: &Reuse) -> Result<()> {
        write_tx!(self, |tx, fence, reuse| outcomes::complete_reused(
            tx, fence, reuse
        ))
    }

    async fn complete_rejected(
        &self,
        fence: &Fence,
        step_id: &str,
        image: ImageId,
        now: UnixMicros,
    ) -> Result<()> {
        write_tx!(
            self,
            |tx, fence, step_id, image, now| outcomes::complete_rejected(tx, fence, step_id, *image, *now)
        )
    }

    async fn end_step(&self, fence: &Fence, end: &StepEnd) -> Result<()> {
        write_tx!(self, |tx, fence, end| lifecycle::end_step(tx, fence, end))
    }

    async fn settle_execution(
        &self,
        fence: &Fence,
        failure: &Failure,
        next_check: Option<Duration>,
        now: UnixMicros,
    ) -> Result<ExecutionState> {
        write_tx!(self, |tx, fence, failure, next_check, now| lifecycle::settle(
            tx,
            fence,
            failure,
            *next_check,
            *now
        ))
    }

    async fn stranded(&self, lease: Duration, limit: u32) -> Result<Vec<Stranded>> {
        write_tx!(self, |tx, lease, limit| salvage::stranded(tx, *lease, *limit))
    }

    async fn leave_stranded(
        &self,
        execution: ExecutionId,
        until: UnixMicros,
        next_look: Duration,
    ) -> Result<()> {
        write_tx!(self, |tx, execution, until, next_look| salvage::leave(
            tx, *execution, *until, *next_look
        ))
    }

    async fn end_stranded(
        &self,
        execution: ExecutionId,
        attempt: AttemptId,
        end: &AttemptEnd,
    ) -> Result<bool> {
        write_tx!(self, |tx, execution, attempt, end| salvage::end(
            tx, *execution, *attempt, end
        ))
    }

    async fn salvage(&self, salvage: &Salvage) -> Result<bool> {
        write_tx!(self, |tx, salvage| salvage::salvage(tx, salvage))
    }

    async fn request_cancel(
        &self,
        client: &str,
        execution: ExecutionId,
        now: UnixMicros,
    ) -> Result<Option<ExecutionRecord>> {
        write_tx!(self, |tx, client, execution, now| async {
            lifecycle::request_cancel(tx, client, *execution, *now).await?;
            snapshots::find(tx, client, *execution).await
        })
    }

    async fn take_turn(&self, request: &TurnRequest) -> Result<Turn> {
        write_tx!(self, |tx, request| pace::take(tx, request))
    }

    async fn renew_turns(&self, boot: BootId, turns: &[TurnId], lease: Duration) -> Result<()> {
        write_tx!(self, |tx, boot, turns, lease| pace::renew(
            tx, *boot, turns, *lease
        ))
    }

    async fn leave_turn(&self, turn: TurnId, counts: bool) -> Result<()> {
        write_tx!(self, |tx, turn, counts| pace::leave(tx, *turn, *counts))
    }

    async fn note_sign(&self, provider: &str, sign: &Sign) -> Result<GateRecord> {
        write_tx!(self, |tx, provider, sign| pace::sign(tx, provider, sign))
    }

    async fn gates(&self) -> Result<(Vec<GateRecord>, UnixMicros)> {
        read_tx!(self, |tx| pace::gates(tx))
    }

    async fn note_step(&self, fence: &Fence, step_id: &str, note: &StepNote, now: UnixMicros) -> Result<()> {
        write_tx!(self, |tx, fence, step_id, note, now| pace::note(
            tx, fence, step_id, note, *now
        ))
    }

    async fn resolve_attempt(&self, resolution: &Resolution) -> Result<Resolved> {
        write_tx!(self, |tx, resolution| resolve::resolve(tx, resolution))
    }

    async fn unpark(&self, unparking: &Unparking) -> Result<Unparked> {
        write_tx!(self, |tx, unparking| unpark::unpark(tx, unparking))
    }

    async fn prune(&self, retention: &Retention, limit: u32) -> Result<Pruned> {
        write_tx!(self, |tx, retention, limit| retention::prune(
            tx, retention, *limit
        ))
    }

    async fn pruned(&self, client: &str, execution: ExecutionId) -> Result<Option<PrunedExecution>> {
        read_tx!(self, |tx| retention::pruned(tx, client, execution))
    }

    async fn execution(&self, client: &str, execution: ExecutionId) -> Result<Option<ExecutionRecord>> {
        read_tx!(self, |tx| snapshots::find(tx, client, execution))
    }

    async fn standing(&self, client: &str, execution: ExecutionId) -> Result<Option<Standing>> {
        read_tx!(self, |tx| owned::standing(tx, client, execution))
    }

    async fn executions(
        &self,
        client: &str,
        filter: &ExecutionFilter,
        page: &Page,
    ) -> Result<Vec<ExecutionRecord>> {
        read_tx!(self, |tx| snapshots::list(tx, client, filter, page))
    }

    async fn events_after(
        &self,
        execution: ExecutionId,
        sequence: u64,
        limit: u32,
    ) -> Result<Vec<StoredEvent>> {
        read_tx!(self, |tx| events::after(tx, execution, sequence, limit))
    }

    async fn image(&self, client: &str, image: ImageId) -> Result<Option<ImageRecord>> {
        read_tx!(self, |tx| library::find(tx, client, image))
    }

    async fn images(&self, client: &str, filter: &ImageFilter, page: &Page) -> Result<Vec<ImageRecord>> {
        read_tx!(self, |tx| library::list(tx, client, filter, page))
    }

    async fn images_of_content(&self, client: &str, sha256: &str) -> Result<Vec<ImageRecord>> {
        read_tx!(self, |tx| fingerprints::of_content(tx, client, sha256))
    }

    async fn look_alikes(
        &self,
        client: &str,
        fingerprint: Fingerprint,
        limit: usize,
    ) -> Result<Vec<LookAlike>> {
        read_tx!(self, |tx| fingerprints::look_alikes(
            tx,
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
        read_tx!(self, |tx| fingerprints::missing(tx, after, limit))
    }

    async fn keep_fingerprint(&self, image: &ImageRecord, fingerprint: Fingerprint) -> Result<()> {
        write_tx!(self, |tx, image| async {
            fingerprints::insert(tx, image, fingerprint);
            Ok::<(), RecordError>(())
        })
    }

    async fn begin_deletion(&self, deletion: &ImageDeletion) -> Result<Option<BegunDeletion>> {
        write_tx!(self, |tx, deletion| deletion::begin(tx, deletion))
    }

    async fn finish_deletion(&self, client: &str, image: ImageId, now: UnixMicros) -> Result<()> {
        write_tx!(self, |tx, client, image, now| deletion::finish(
            tx, client, *image, *now
        ))
    }

    async fn stored_images(&self, after: Option<ImageId>, limit: u32) -> Result<Vec<StoredImage>> {
        read_tx!(self, |tx| deletion::stored(tx, after, limit))
    }

    async fn unrecorded(&self, keys: &[String]) -> Result<Vec<String>> {
        read_tx!(self, |tx| deletion::unrecorded(tx, keys))
    }

    async fn unfinished_images(&self) -> Result<Vec<ImageId>> {
        read_tx!(self, |tx| deletion::unfinished(tx))
    }

    async fn stored_bytes(&self, client: &str) -> Result<StoredBytes> {
        read_tx!(self, |tx| deletion::stored_bytes(tx, client))
    }

    async fn review_images(&self, order: &ReviewOrder) -> Result<Reviewed> {
        write_tx!(self, |tx, order| reviews::review(tx, order))
    }

    async fn edit_image(&self, edit: &ImageEdit) -> Result<ImageEdited> {
        write_tx!(self, |tx, edit| reviews::edit(tx, edit))
    }

    async fn session(&self, client: &str, session_id: &str) -> Result<Option<SessionRecord>> {
        read_tx!(self, |tx| sessions::find(tx, client, session_id))
    }

    async fn sessions(&self, client: &str, page: &Page) -> Result<Vec<SessionRecord>> {
        read_tx!(self, |tx| sessions::list(tx, client, page))
    }

    async fn audit_events(&self, client: &str, filter: &AuditFilter, page: &Page) -> Result<Vec<AuditEvent>> {
        read_tx!(self, |tx| audit::list(tx, client, filter, page))
    }

    async fn budget(&self, key: &BudgetKey) -> Result<Option<BudgetRecord>> {
        read_tx!(self, |tx| budgets::find(tx, key))
    }

    async fn budgets(
        &self,
        client: &str,
        after: Option<&BudgetKey>,
        limit: u32,
    ) -> Result<Vec<BudgetRecord>> {
        read_tx!(self, |tx| budgets::list(tx, client, after, limit))
    }

    async fn update_budget(&self, update: &BudgetUpdate) -> Result<BudgetChange> {
        write_tx!(self, |tx, update| budgets::update(tx, update))
    }

    async fn usage(&self, client: &str, currency: &str, since: UnixMicros) -> Result<Vec<UsageRecord>> {
        read_tx!(self, |tx| usage::usage(tx, client, currency, since))
    }

    async fn verify(&self, client: Option<&str>) -> Result<Verification> {
        read_tx!(self, |tx| verify::verify(tx, client))
    }

    async fn ledger_sums(&self) -> Result<BTreeMap<BudgetKey, Balance>> {
        read_tx!(self, |tx| ledger::sums(tx))
    }

    async fn balances(&self) -> Result<BTreeMap<BudgetKey, Balance>> {
        read_tx!(self, |tx| ledger::balances(tx))
    }

    async fn check(&self) -> Result<String> {
        self.backend.check().await
    }

    fn announce(&self, hint: Hint) {
        self.backend.announce(hint);
    }

    fn listen(&self) -> Option<BoxStream<'static, Hint>> {
        self.backend.listen()
    }
}
