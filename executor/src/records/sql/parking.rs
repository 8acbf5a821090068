//! Executions that are parked, and what wakes them.
//!
//! A parked execution is in `needs_decision`, and `wake_us` says when it is looked at again by itself. While somebody
//! looks at it `wake_us` is the end of the lease, or a past time when something was learnt meanwhile. An execution
//! that runs has a `wake_us` only when something was learnt about one of its attempts, and one that has ended when it
//! ended with unknown attempts; see [`salvage`](super::salvage).

use std::time::Duration;

use limn_proto::reason::Reason;

use super::{
    super::{ExecutionState, Fence, Result, StepRecord, StepState},
    lifecycle::{change_state, steps},
    owned::{self, Execution, owned},
    rows::{Fields, failure_bytes},
    statement::{Statement, sql},
    tx::Tx,
};
use crate::{clock::UnixMicros, failure::Failure, ids::ExecutionId};

/// Parked executions whose time has come, the longest overdue first. The condition is that of the partial index.
pub(super) fn due(now: UnixMicros, limit: i64) -> Statement {
    sql(
        "SELECT id, state, owner_boot_id, lease_epoch, crash_count FROM executions \
         WHERE state = 'needs_decision' AND wake_us IS NOT NULL AND wake_us <= $1 \
         AND (owner_boot_id IS NULL OR lease_until_us <= $1) ORDER BY wake_us, id LIMIT $2",
    )
    .bind(now.0)
    .bind(limit)
    .skip_locked()
}

/// The rules of [`RecordStore::park`](super::super::RecordStore::park).
pub(super) async fn park(
    tx: &mut Tx<'_>,
    fence: &Fence,
    failure: &Failure,
    next_check: Option<Duration>,
    now: UnixMicros,
) -> Result<()> {
    if is_parked_by(tx, fence).await? {
        return Ok(());
    }
    let mut execution = owned(tx, fence).await?;
    let known = execution.failure.as_ref().map(|known| known.reason);
    let parked = ExecutionState::NeedsDecision;
    if execution.state != parked || known != Some(failure.reason) {
        change_state(tx, &mut execution, parked, Some(failure), now).await?;
    }
    let wake = match next_check {
        Some(delay) => Some(tx.now().await?.plus(delay)),
        None => None,
    };
    sql(
        "UPDATE executions SET owner_boot_id = NULL, lease_until_us = NULL, failure = $2, wake_us = $3 \
         WHERE id = $1",
    )
    .bind(execution.id.to_string())
    .bind(failure_bytes(failure))
    .bind(wake.map(|wake| wake.0))
    .later(tx);
    Ok(())
}

/// True when this owner parked the execution before: parking keeps the epoch.
async fn is_parked_by(tx: &mut Tx<'_>, fence: &Fence) -> Result<bool> {
    let found = owned::find(tx, fence.execution).await?;
    Ok(found.is_some_and(|found| {
        found.state == ExecutionState::NeedsDecision && found.owner.is_none() && found.epoch == fence.epoch
    }))
}

/// Leaves a parked execution to be looked at `next_check` from now, or at once when something was learnt since
/// its claim.
pub(super) async fn leave(
    tx: &mut Tx<'_>,
    execution: &Execution,
    next_check: Option<Duration>,
) -> Result<()> {
    let now = tx.now().await?;
    let was_woken = execution.wake.is_some_and(|wake| wake <= now);
    let wake = if was_woken {
        Some(now)
    } else {
        next_check.map(|delay| now.plus(delay))
    };
    sql("UPDATE executions SET owner_boot_id = NULL, lease_until_us = NULL, wake_us = $2 WHERE id = $1")
        .bind(execution.id.to_string())
        .bind(wake.map(|wake| wake.0))
        .later(tx);
    Ok(())
}

/// True when the execution is parked although it has work to do: only an unparking makes it run again.
pub(super) fn is_stuck(execution: &Execution, steps: &[StepRecord]) -> bool {
    let is_poisoned = execution
        .failure
        .as_ref()
        .is_some_and(|failure| failure.reason == Reason::ExecutionPoisoned);
    let has_work = steps
        .iter()
        .any(|step| matches!(step.state, StepState::Pending | StepState::Processing));
    execution.state == ExecutionState::NeedsDecision && execution.owner.is_none() && (is_poisoned || has_work)
}

/// A parked execution that has something to do, or nothing to wait for, can be claimed.
pub(super) async fn resume(tx: &mut Tx<'_>, execution: &mut Execution, now: UnixMicros) -> Result<()> {
    if execution.state != ExecutionState::NeedsDecision {
        return Ok(());
    }
    let steps = steps(tx, execution).await?;
    let any = |state: StepState| steps.iter().any(|step| step.state == state);
    if any(StepState::NeedsDecision) && !any(StepState::Pending) && !any(StepState::Processing) {
        return Ok(());
    }
    let running = execution.running_state();
    change_state(tx, execution, running, None, now).await
}

/// Something was learnt about an attempt: its execution is looked at as soon as it is parked or has ended and nobody
/// is at it.
pub(super) async fn wake(tx: &mut Tx<'_>, execution: &Execution) -> Result<()> {
    let now = tx.now().await?;
    sql("UPDATE executions SET wake_us = $2 WHERE id = $1")
        .bind(execution.id.to_string())
        .bind(now.0)
        .later(tx);
    Ok(())
}

/// Parked executions of a client, but one, with a step that waits for a picture of somebody else: no unknown attempt
/// of its own is what parks it. The states are spelled out as in the partial index, so that the index serves.
pub(super) fn waiting(client: &str, but: ExecutionId, now: UnixMicros) -> Statement {
    sql("SELECT id FROM executions WHERE client = $1 AND id <> $2 \
         AND state IN ('pending', 'processing', 'cancelling', 'needs_decision') \
         AND state = 'needs_decision' AND wake_us > $3 \
         AND EXISTS (SELECT 1 FROM steps WHERE steps.execution_id = executions.id \
           AND steps.state = 'needs_decision' \
           AND NOT EXISTS (SELECT 1 FROM attempts WHERE attempts.execution_id = steps.execution_id \
             AND attempts.step_id = steps.step_id AND attempts.state = 'unknown'))")
    .bind(client)
    .bind(but.to_string())
    .bind(now.0)
    // Two outcomes of one client may become known at the same time: neither waits for the executions of the other. One
    // that is passed over here is looked at again by itself before long.
    .skip_locked()
}

/// An attempt of this execution is unknown no longer: others may have waited for its picture.
pub(super) async fn wake_waiting(tx: &mut Tx<'_>, execution: &Execution) -> Result<()> {
    let now = tx.now().await?;
    let rows = waiting(&execution.client, execution.id, now)
        .fetch_all(tx)
        .await?;
    for row in &rows {
        sql("UPDATE executions SET wake_us = $2 WHERE id = $1")
            .bind(Fields(row).text("id")?)
            .bind(now.0)
            .later(tx);
    }
    Ok(())
}
