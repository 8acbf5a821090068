//! The verbs, each as one transaction. What they do is in the other files.

use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;

use super::{
    super::*, SqliteRecords, accept, attempts, claims, events, ledger, library, lifecycle, open::unavailable,
    outcomes, owned, plans, rows::Fields, snapshots, units,
};
use crate::{
    clock::UnixMicros,
    failure::Failure,
    ids::{AttemptId, BootId, ExecutionId, ImageId},
};

/// Runs a verb in a write transaction. An error rolls everything back; the commit is the point from which on
/// the change is durable.
macro_rules! write_tx {
    ($store:expr, $verb:path $(, $argument:expr)*) => {{
        let mut tx = $store.begin_write().await?;
        let answer = $verb(&mut tx $(, $argument)*).await?;
        tx.commit().await.map_err(unavailable)?;
        Ok(answer)
    }};
}

/// Runs queries over one snapshot.
macro_rules! read_tx {
    ($store:expr, $query:path $(, $argument:expr)*) => {{
        let mut tx = $store.begin_read().await?;
        $query(&mut tx $(, $argument)*).await
    }};
}

#[async_trait]
impl RecordStore for SqliteRecords {
    async fn save_plan(&self, plan: &NewPlan) -> Result<PlanRecord> {
        write_tx!(self, plans::save, plan)
    }

    async fn plan(&self, client: &str, digest_hex: &str) -> Result<Option<PlanRecord>> {
        read_tx!(self, plans::find, client, digest_hex)
    }

    async fn plans(&self, client: &str, filter: &PlanFilter, page: &Page) -> Result<Vec<PlanRecord>> {
        read_tx!(self, plans::list, client, filter, page)
    }

    async fn delete_plan(&self, client: &str, digest_hex: &str) -> Result<PlanDeletion> {
        write_tx!(self, plans::delete, client, digest_hex)
    }

    async fn accept(&self, order: &NewExecution) -> Result<Acceptance> {
        write_tx!(self, accept::accept, order)
    }

    async fn claim(
        &self,
        boot: BootId,
        now: UnixMicros,
        lease: Duration,
        limit: u32,
        running: &[ExecutionId],
    ) -> Result<Vec<Claim>> {
        write_tx!(self, claims::claim, boot, now, lease, limit, running)
    }

    async fn renew(
        &self,
        boot: BootId,
        executions: &[ExecutionId],
        until: UnixMicros,
    ) -> Result<Vec<ExecutionId>> {
        write_tx!(self, claims::renew, boot, executions, until)
    }

    async fn release(&self, fence: &Fence) -> Result<()> {
        write_tx!(self, claims::release, fence)
    }

    async fn open_execution(&self, fence: &Fence) -> Result<ExecutionRecord> {
        let mut tx = self.begin_read().await?;
        owned::owned(&mut tx, fence).await?;
        let execution = snapshots::find_any(&mut tx, fence.execution).await?;
        execution.ok_or(RecordError::Fenced)
    }

    async fn start_execution(&self, fence: &Fence, now: UnixMicros) -> Result<()> {
        write_tx!(self, lifecycle::start_execution, fence, now)
    }

    async fn start_step(&self, fence: &Fence, step_id: &str, now: UnixMicros) -> Result<()> {
        write_tx!(self, lifecycle::start_step, fence, step_id, now)
    }

    async fn acquire_unit(
        &self,
        fence: &Fence,
        step_id: &str,
        render_digests: &[String],
        first: usize,
    ) -> Result<UnitGrant> {
        write_tx!(self, units::acquire, fence, step_id, render_digests, first)
    }

    async fn prepare(&self, fence: &Fence, attempt: &NewAttempt) -> Result<Preparation> {
        write_tx!(self, attempts::prepare, fence, attempt)
    }

    async fn dispatch(
        &self,
        fence: &Fence,
        attempt: AttemptId,
        send_by: UnixMicros,
        now: UnixMicros,
    ) -> Result<Dispatch> {
        write_tx!(self, attempts::dispatch, fence, attempt, send_by, now)
    }

    async fn accepted(&self, fence: &Fence, attempt: AttemptId, job_id: &str, now: UnixMicros) -> Result<()> {
        write_tx!(self, attempts::accepted, fence, attempt, job_id, now)
    }

    async fn add_receipt(&self, receipt: &Receipt) -> Result<()> {
        let added: Result<i64> = write_tx!(self, attempts::add_receipt, receipt);
        added.map(drop)
    }

    async fn received(&self, fence: &Fence, attempt: AttemptId, receipt: &Receipt) -> Result<()> {
        write_tx!(self, attempts::received, fence, attempt, receipt)
    }

    async fn commit(&self, fence: &Fence, commit: &Commit) -> Result<()> {
        write_tx!(self, outcomes::commit, fence, commit)
    }

    async fn end_attempt(&self, fence: &Fence, attempt: AttemptId, end: &AttemptEnd) -> Result<()> {
        write_tx!(self, outcomes::end_attempt, fence, attempt, end)
    }

    async fn complete_reused(&self, fence: &Fence, reuse: &Reuse) -> Result<()> {
        write_tx!(self, outcomes::complete_reused, fence, reuse)
    }

    async fn end_step(&self, fence: &Fence, end: &StepEnd) -> Result<()> {
        write_tx!(self, lifecycle::end_step, fence, end)
    }

    async fn settle_execution(
        &self,
        fence: &Fence,
        failure: &Failure,
        now: UnixMicros,
    ) -> Result<ExecutionState> {
        write_tx!(self, lifecycle::settle, fence, failure, now)
    }

    async fn request_cancel(
        &self,
        client: &str,
        execution: ExecutionId,
        now: UnixMicros,
    ) -> Result<Option<ExecutionRecord>> {
        let mut tx = self.begin_write().await?;
        lifecycle::request_cancel(&mut tx, client, execution, now).await?;
        let record = snapshots::find(&mut tx, client, execution).await?;
        tx.commit().await.map_err(unavailable)?;
        Ok(record)
    }

    async fn execution(&self, client: &str, execution: ExecutionId) -> Result<Option<ExecutionRecord>> {
        read_tx!(self, snapshots::find, client, execution)
    }

    async fn standing(&self, client: &str, execution: ExecutionId) -> Result<Option<Standing>> {
        read_tx!(self, owned::standing, client, execution)
    }

    async fn executions(
        &self,
        client: &str,
        filter: &ExecutionFilter,
        page: &Page,
    ) -> Result<Vec<ExecutionRecord>> {
        read_tx!(self, snapshots::list, client, filter, page)
    }

    async fn events_after(
        &self,
        execution: ExecutionId,
        sequence: u64,
        limit: u32,
    ) -> Result<Vec<StoredEvent>> {
        read_tx!(self, events::after, execution, sequence, limit)
    }

    async fn image(&self, client: &str, image: ImageId) -> Result<Option<ImageRecord>> {
        read_tx!(self, library::find, client, image)
    }

    async fn images(&self, client: &str, filter: &ImageFilter, page: &Page) -> Result<Vec<ImageRecord>> {
        read_tx!(self, library::list, client, filter, page)
    }

    async fn ledger_sums(&self) -> Result<BTreeMap<BudgetKey, Balance>> {
        read_tx!(self, ledger::sums)
    }

    async fn balances(&self) -> Result<BTreeMap<BudgetKey, Balance>> {
        read_tx!(self, ledger::balances)
    }

    async fn check(&self) -> Result<String> {
        // Begins and rolls back, so that a full disk or a lock is noticed without a trace.
        let mut tx = self.begin_write().await?;
        let row = sqlx::query("SELECT sqlite_version() AS version")
            .fetch_one(&mut *tx)
            .await
            .map_err(unavailable)?;
        let version = Fields(&row).text("version")?;
        tx.rollback().await.map_err(unavailable)?;
        Ok(format!("SQLite {version}"))
    }
}
