//! States of executions and their steps.

use std::{collections::BTreeMap, time::Duration};

use limn_proto::name::{Collection, resource_name};
use uuid::Uuid;

use super::{
    super::{AuditAction, AuditEvent, ExecutionState, Fence, Result, StepEnd, StepRecord, StepState},
    audit,
    events::append,
    owned::{Execution, find, owned},
    parking,
    rows::{Fields, Row, failure_bytes, wrong_state},
    snapshots::step_record,
    statement::{Statement, sql},
    tx::Tx,
    units,
};
use crate::{
    clock::UnixMicros,
    events::{state_changed, step_changed},
    failure::Failure,
    ids::{ExecutionId, ImageId},
};

/// Pending or parked to processing.
pub(super) async fn start_execution(tx: &mut Tx<'_>, fence: &Fence, now: UnixMicros) -> Result<()> {
    let mut execution = owned(tx, fence).await?;
    if !matches!(
        execution.state,
        ExecutionState::Pending | ExecutionState::NeedsDecision
    ) {
        return Ok(());
    }
    sql("UPDATE executions SET started_us = COALESCE(started_us, $2) WHERE id = $1")
        .bind(execution.id.to_string())
        .bind(now.0)
        .later(tx);
    let state = if execution.cancel_requested {
        ExecutionState::Cancelling
    } else {
        ExecutionState::Processing
    };
    change_state(tx, &mut execution, state, None, now).await
}

/// Pending or parked step to processing.
pub(super) async fn start_step(tx: &mut Tx<'_>, fence: &Fence, step_id: &str, now: UnixMicros) -> Result<()> {
    let mut execution = owned(tx, fence).await?;
    let mut step = step(tx, &execution, step_id).await?;
    match step.state {
        StepState::Processing => Ok(()),
        StepState::Pending | StepState::NeedsDecision => {
            step.state = StepState::Processing;
            step.failure = None;
            change_step(tx, &mut execution, &step, now)
        }
        other => Err(wrong_state(format!("step {step_id}"), other.as_str())),
    }
}

/// A step ends without an image, or is parked.
pub(super) async fn end_step(tx: &mut Tx<'_>, fence: &Fence, end: &StepEnd) -> Result<()> {
    let mut execution = owned(tx, fence).await?;
    let mut step = step(tx, &execution, &end.step_id).await?;
    if !matches!(
        end.state,
        StepState::Failed | StepState::Cancelled | StepState::Skipped | StepState::NeedsDecision
    ) {
        return Err(wrong_state("the end of a step", end.state.as_str()));
    }
    // Put back by a decision about its attempt, which came before the step was parked for it.
    let decided_before = end.state == StepState::NeedsDecision && step.state == StepState::Pending;
    if step.state == end.state || decided_before {
        return Ok(());
    }
    if step.state.is_terminal() {
        return Err(wrong_state(format!("step {}", end.step_id), step.state.as_str()));
    }
    if end.state.is_terminal() {
        units::idle_units(tx, &execution, &end.step_id, None);
    }
    step.state = end.state;
    step.failure = Some(end.failure.clone());
    // The execution gets somewhere, so its owners do not die of it.
    execution.crash_count = 0;
    change_step(tx, &mut execution, &step, end.now)
}

/// A step completes with an image; what is to be said about it is in the step already.
pub(super) fn complete_step(
    tx: &mut Tx<'_>,
    execution: &mut Execution,
    mut step: StepRecord,
    image: ImageId,
    now: UnixMicros,
) -> Result<()> {
    step.state = StepState::Completed;
    step.image = Some(image);
    step.failure = None;
    execution.crash_count = 0;
    change_step(tx, execution, &step, now)
}

/// The rules of [`RecordStore::settle_execution`](super::super::RecordStore::settle_execution).
pub(super) async fn settle(
    tx: &mut Tx<'_>,
    fence: &Fence,
    failure: &Failure,
    next_check: Option<Duration>,
    now: UnixMicros,
) -> Result<ExecutionState> {
    if let Some(state) = settled_before(tx, fence).await? {
        return Ok(state);
    }
    let mut execution = owned(tx, fence).await?;
    let steps = steps(tx, &execution).await?;
    let any = |state: StepState| steps.iter().any(|step| step.state == state);
    if any(StepState::Pending) || any(StepState::Processing) {
        if execution.state == ExecutionState::NeedsDecision {
            let running = execution.running_state();
            change_state(tx, &mut execution, running, None, now).await?;
        }
        return Ok(execution.state);
    }
    refuse_calls_in_flight(tx, execution.id).await?;
    if any(StepState::NeedsDecision) && !execution.cancel_requested {
        let parked = ExecutionState::NeedsDecision;
        if execution.state != parked {
            change_state(tx, &mut execution, parked, Some(failure), now).await?;
        }
        parking::leave(tx, &execution, next_check).await?;
        return Ok(parked);
    }
    for mut step in steps.iter().cloned() {
        if step.state == StepState::NeedsDecision {
            step.state = StepState::Cancelled;
            change_step(tx, &mut execution, &step, now)?;
        }
    }
    let (end, failure) = if steps.iter().all(|step| step.state == StepState::Completed) {
        (ExecutionState::Completed, None)
    } else if execution.cancel_requested {
        (ExecutionState::Cancelled, Some(failure))
    } else {
        (ExecutionState::Failed, Some(failure))
    };
    change_state(tx, &mut execution, end, failure, now).await?;
    sql("UPDATE executions SET ended_us = $2, failure = $3, lease_until_us = NULL WHERE id = $1")
        .bind(execution.id.to_string())
        .bind(now.0)
        .bind(failure.map(failure_bytes))
        .later(tx);
    Ok(end)
}

/// The state that a repetition finds: the end keeps its owner, and parking keeps the epoch.
async fn settled_before(tx: &mut Tx<'_>, fence: &Fence) -> Result<Option<ExecutionState>> {
    let Some(execution) = find(tx, fence.execution).await? else {
        return Ok(None);
    };
    let ended = execution.state.is_terminal() && execution.owner == Some(fence.boot);
    let parked = execution.state == ExecutionState::NeedsDecision && execution.owner.is_none();
    let repeated = execution.epoch == fence.epoch && (ended || parked);
    Ok(repeated.then_some(execution.state))
}

/// An execution that ended with a call in flight would keep its reservation for ever.
async fn refuse_calls_in_flight(tx: &mut Tx<'_>, execution: ExecutionId) -> Result<()> {
    let row = sql("SELECT id, state FROM attempts WHERE execution_id = $1 \
         AND state IN ('prepared', 'dispatching', 'accepted', 'received') ORDER BY id LIMIT 1")
    .bind(execution.to_string())
    .fetch_optional(tx)
    .await?;
    match row {
        None => Ok(()),
        Some(row) => {
            let fields = Fields(&row);
            let subject = format!("attempt {} of a step that ended", fields.text("id")?);
            Err(wrong_state(subject, fields.text("state")?))
        }
    }
}

/// Asks for a stop; nothing changes when that was done before or the execution has ended.
pub(super) async fn request_cancel(
    tx: &mut Tx<'_>,
    client: &str,
    id: ExecutionId,
    now: UnixMicros,
) -> Result<()> {
    let Some(mut execution) = find(tx, id).await? else {
        return Ok(());
    };
    // One that was parked after its cancel, because its owners died of it, is cancelled again.
    let is_parked = execution.state == ExecutionState::NeedsDecision;
    let done_before = execution.cancel_requested && !is_parked;
    if execution.client != client || done_before || execution.state.is_terminal() {
        return Ok(());
    }
    sql("UPDATE executions SET cancel_requested_us = COALESCE(cancel_requested_us, $2) WHERE id = $1")
        .bind(id.to_string())
        .bind(now.0)
        .later(tx);
    execution.crash_count = 0;
    change_state(tx, &mut execution, ExecutionState::Cancelling, None, now).await?;
    audit::append(
        tx,
        &AuditEvent {
            // An execution is cancelled once.
            id: Uuid::new_v5(&id.0, AuditAction::ExecutionCancelled.as_str().as_bytes()),
            client: client.to_owned(),
            at: now,
            actor: "client".to_owned(),
            action: AuditAction::ExecutionCancelled,
            subject: resource_name(client, Collection::Executions, &id.to_string()),
            reason: String::new(),
            details: BTreeMap::new(),
        },
    )
}

/// The failure is told, not kept: only an end and [`parking::park`] keep theirs.
pub(super) async fn change_state(
    tx: &mut Tx<'_>,
    execution: &mut Execution,
    state: ExecutionState,
    failure: Option<&Failure>,
    now: UnixMicros,
) -> Result<()> {
    let at = tx.now().await?;
    // What was learnt stays marked; a time to be looked at by itself is for parked ones alone.
    execution.wake = execution.wake.filter(|wake| *wake <= at && !state.is_terminal());
    sql("UPDATE executions SET state = $2, failure = NULL, wake_us = $3 WHERE id = $1")
        .bind(execution.id.to_string())
        .bind(state.as_str())
        .bind(execution.wake.map(|wake| wake.0))
        .later(tx);
    execution.state = state;
    execution.failure = None;
    append(tx, execution, now, state_changed(state, failure))
}

pub(super) fn change_step(
    tx: &mut Tx<'_>,
    execution: &mut Execution,
    step: &StepRecord,
    now: UnixMicros,
) -> Result<()> {
    sql(
        "UPDATE steps SET state = $3, image_id = $4, reused = $5, failure = $6, below_threshold = $7, wait = NULL \
         WHERE execution_id = $1 AND step_id = $2",
    )
    .bind(execution.id.to_string())
    .bind(&step.step_id)
    .bind(step.state.as_str())
    .bind(step.image.map(|id| id.to_string()))
    .bind(step.reused)
    .bind(step.failure.as_ref().map(failure_bytes))
    .bind(step.below_threshold)
    .later(tx);
    let event = step_changed(step, &execution.client);
    append(tx, execution, now, event)
}

/// A step, without its attempts.
pub(super) async fn step(tx: &mut Tx<'_>, execution: &Execution, step_id: &str) -> Result<StepRecord> {
    let rows = step_query(execution.id, step_id).fetch_all(tx).await?;
    found_step(&rows, step_id)
}

/// Finds a step, without its attempts.
pub(super) fn step_query(execution: ExecutionId, step_id: &str) -> Statement {
    sql(
        "SELECT step_id, state, image_id, reused, below_threshold, failure, skipped_targets FROM steps \
         WHERE execution_id = $1 AND step_id = $2",
    )
    .bind(execution.to_string())
    .bind(step_id)
}

/// The step that [`step_query`] found.
pub(super) fn found_step(rows: &[Row], step_id: &str) -> Result<StepRecord> {
    match rows.first() {
        Some(row) => step_record(Fields(row)),
        None => Err(wrong_state(format!("step {step_id}"), "not in the execution")),
    }
}

/// Every step in order, without its attempts.
pub(super) async fn steps(tx: &mut Tx<'_>, execution: &Execution) -> Result<Vec<StepRecord>> {
    let rows = sql(
        "SELECT step_id, state, image_id, reused, below_threshold, failure, skipped_targets FROM steps \
         WHERE execution_id = $1 ORDER BY ordinal",
    )
    .bind(execution.id.to_string())
    .fetch_all(tx)
    .await?;
    rows.iter().map(|row| step_record(Fields(row))).collect()
}
