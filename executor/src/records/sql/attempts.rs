//! Attempts from intent to answer: T1 to T4.

use std::time::Duration;

use super::{
    super::{
        AttemptRecord, AttemptState, Balance, CostLine, Dispatch, Fence, Movement, NewAttempt, Preparation,
        Receipt, RecordError, Result, StepState,
    },
    budgets::shortage,
    events::append,
    ledger::{keys, news, post, reserve},
    lifecycle::step,
    owned::{Execution, owned},
    parking::wake_waiting,
    receipts,
    rows::{Fields, overflow, wrong_state},
    snapshots::{ATTEMPTS, attempt_record, class_word},
    statement::sql,
    tx::Tx,
    units,
};
use crate::{
    clock::UnixMicros,
    events::{attempt_changed, cost_changed},
    ids::{AttemptId, ExecutionId},
};

/// T1.
pub(super) async fn prepare(tx: &mut Tx<'_>, fence: &Fence, new: &NewAttempt) -> Result<Preparation> {
    let mut execution = owned(tx, fence).await?;
    if let Some((owner, step_id, record)) = find(tx, new.id).await? {
        let repeated =
            record.state == AttemptState::Prepared && owner == execution.id && step_id == new.step_id;
        return if repeated {
            Ok(Preparation::Prepared(record.number))
        } else {
            Err(refuse(&record))
        };
    }
    if execution.cancel_requested {
        return Ok(Preparation::Cancelled);
    }
    let step = step(tx, &execution, &new.step_id).await?;
    if step.state != StepState::Processing {
        return Err(wrong_state(format!("step {}", step.step_id), step.state.as_str()));
    }
    if !units::is_held(tx, &execution, &new.step_id, &new.render_digest).await? {
        return Err(wrong_state(
            format!("unit {}", new.render_digest),
            "not open for the step",
        ));
    }
    if let Some((holder, state)) = units::open_attempt(tx, &execution, &new.render_digest).await? {
        let subject = format!("attempt {holder} on the same unit");
        return Err(wrong_state(subject, state.as_str()));
    }
    let committed_nanos = execution.balance.committed_nanos().ok_or_else(overflow)?;
    let needed_nanos = committed_nanos
        .checked_add(new.ceiling_nanos)
        .ok_or_else(overflow)?;
    if new.max_cost_nanos.is_some_and(|max| needed_nanos > max) {
        return Ok(Preparation::CostLimit { committed_nanos });
    }
    let day = tx.now().await?.day();
    if let Some(shortage) = shortage(tx, &keys(&execution), day, new.ceiling_nanos).await? {
        return Ok(Preparation::BudgetExceeded(shortage));
    }
    let before = execution.balance;
    let number = insert(tx, &execution, new, day).await?;
    reserve(tx, &mut execution, new.id, new.ceiling_nanos, new.now).await?;
    tell(tx, &mut execution, new.id, new.now).await?;
    tell_cost(tx, &mut execution, before, new.now).await?;
    Ok(Preparation::Prepared(number))
}

/// Writes the attempt down; returns its number within the step. All its money counts in this day.
async fn insert(tx: &mut Tx<'_>, execution: &Execution, new: &NewAttempt, day: i64) -> Result<u32> {
    let row = sql("SELECT COUNT(*) + 1 AS number FROM attempts WHERE execution_id = $1 AND step_id = $2")
        .bind(execution.id.to_string())
        .bind(&new.step_id)
        .fetch_one(tx)
        .await?;
    let number = Fields(&row).number("number")?;
    sql(
        "INSERT INTO attempts (id, execution_id, step_id, number, client, render_digest, take, target, \
         provider, model, class, state, ceiling_nanos, reserved_nanos, unknown_held_nanos, prepared_us, budget_day) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'prepared', $12, 0, 0, $13, $14)",
    )
    .bind(new.id.to_string())
    .bind(execution.id.to_string())
    .bind(&new.step_id)
    .bind(number)
    .bind(&execution.client)
    .bind(&new.render_digest)
    .bind(execution.take)
    .bind(new.target)
    .bind(&new.provider)
    .bind(&new.model)
    .bind(class_word(new.class))
    .bind(new.ceiling_nanos)
    .bind(new.now.0)
    .bind(day)
    .execute(tx)
    .await?;
    Ok(number)
}

/// T2.
pub(super) async fn dispatch(
    tx: &mut Tx<'_>,
    fence: &Fence,
    id: AttemptId,
    send_margin: Duration,
    now: UnixMicros,
) -> Result<Dispatch> {
    let mut execution = owned(tx, fence).await?;
    let (_, record) = of_execution(tx, &execution, id).await?;
    if record.state == AttemptState::Dispatching && dispatch_epoch(tx, id).await? == Some(fence.epoch) {
        // The same owner asks again. Another epoch would be a takeover, for which the call may be on its way.
        return Ok(Dispatch::Granted);
    }
    if record.state != AttemptState::Prepared {
        return Err(refuse(&record));
    }
    if execution.cancel_requested {
        return Ok(Dispatch::Cancelled);
    }
    let send_by = send_by(tx, &execution, send_margin).await?;
    sql(
        "UPDATE attempts SET state = 'dispatching', dispatched_us = $2, send_by_us = $3, first_send_by_us = $3, \
         dispatch_epoch = $4 WHERE id = $1",
    )
    .bind(id.to_string())
    .bind(now.0)
    .bind(send_by.0)
    .bind(fence.epoch)
    .execute(tx)
    .await?;
    tell(tx, &mut execution, id, now).await?;
    Ok(Dispatch::Granted)
}

/// The last moment for the first byte, which the lease must outlast: after it another process may be at work.
async fn send_by(tx: &mut Tx<'_>, execution: &Execution, send_margin: Duration) -> Result<UnixMicros> {
    let send_by = tx.now().await?.plus(send_margin);
    if execution.lease_until.is_none_or(|until| until < send_by) {
        return Err(RecordError::Fenced);
    }
    Ok(send_by)
}

/// T2 of the same call again.
pub(super) async fn dispatch_again(
    tx: &mut Tx<'_>,
    fence: &Fence,
    id: AttemptId,
    send_margin: Duration,
) -> Result<()> {
    let execution = owned(tx, fence).await?;
    let (_, record) = of_execution(tx, &execution, id).await?;
    if !matches!(record.state, AttemptState::Dispatching | AttemptState::Unknown) {
        return Err(refuse(&record));
    }
    let send_by = send_by(tx, &execution, send_margin).await?;
    sql("UPDATE attempts SET send_by_us = $2, dispatch_epoch = $3 WHERE id = $1")
        .bind(id.to_string())
        .bind(send_by.0)
        .bind(fence.epoch)
        .execute(tx)
        .await?;
    Ok(())
}

async fn dispatch_epoch(tx: &mut Tx<'_>, id: AttemptId) -> Result<Option<i64>> {
    let row = sql("SELECT dispatch_epoch FROM attempts WHERE id = $1")
        .bind(id.to_string())
        .fetch_one(tx)
        .await?;
    Fields(&row).optional_number("dispatch_epoch")
}

/// T3.
pub(super) async fn accepted(
    tx: &mut Tx<'_>,
    fence: &Fence,
    id: AttemptId,
    job_id: &str,
    now: UnixMicros,
) -> Result<()> {
    let mut execution = owned(tx, fence).await?;
    let (_, record) = of_execution(tx, &execution, id).await?;
    let before = execution.balance;
    match record.state {
        AttemptState::Accepted if record.job_id == job_id => return Ok(()),
        AttemptState::Dispatching => {}
        AttemptState::Unknown => {
            post(
                tx,
                &mut execution,
                id,
                Movement::Unhold,
                record.ceiling_nanos,
                now,
            )
            .await?;
        }
        _ => return Err(refuse(&record)),
    }
    sql("UPDATE attempts SET state = 'accepted', job_id = $2, failure = NULL WHERE id = $1")
        .bind(id.to_string())
        .bind(job_id)
        .execute(tx)
        .await?;
    tell(tx, &mut execution, id, now).await?;
    tell_cost(tx, &mut execution, before, now).await
}

/// T4.
pub(super) async fn received(tx: &mut Tx<'_>, fence: &Fence, id: AttemptId, receipt: &Receipt) -> Result<()> {
    let mut execution = owned(tx, fence).await?;
    let (_, record) = of_execution(tx, &execution, id).await?;
    if receipt.attempt != id {
        return Err(wrong_state("the receipt", "of another attempt"));
    }
    let before = execution.balance;
    match record.state {
        AttemptState::Received if record.answer.as_ref() == Some(receipt) => return Ok(()),
        AttemptState::Dispatching | AttemptState::Accepted => {}
        AttemptState::Unknown => {
            let held_nanos = record.ceiling_nanos;
            post(tx, &mut execution, id, Movement::Unhold, held_nanos, receipt.at).await?;
            wake_waiting(tx, &execution).await?;
        }
        _ => return Err(refuse(&record)),
    }
    let number = receipts::insert(tx, receipt).await?;
    sql(
        "UPDATE attempts SET state = 'received', received_us = $2, answer_receipt = $3, failure = NULL, \
         provider_request_id = CASE WHEN $4 = '' THEN provider_request_id ELSE $4 END WHERE id = $1",
    )
    .bind(id.to_string())
    .bind(receipt.at.0)
    .bind(number)
    .bind(&receipt.request_id)
    .execute(tx)
    .await?;
    tell(tx, &mut execution, id, receipt.at).await?;
    tell_cost(tx, &mut execution, before, receipt.at).await
}

/// Appends the event of a changed attempt.
pub(super) async fn tell(
    tx: &mut Tx<'_>,
    execution: &mut Execution,
    id: AttemptId,
    at: UnixMicros,
) -> Result<()> {
    let (step_id, record) = of_execution(tx, execution, id).await?;
    let event = attempt_changed(&step_id, &record, &execution.currency);
    append(tx, execution, at, event).await
}

/// Appends the event of a bill. There is a new line, so there is an event even when no amount moved.
pub(super) async fn tell_line(
    tx: &mut Tx<'_>,
    execution: &mut Execution,
    line: CostLine,
    at: UnixMicros,
) -> Result<()> {
    let event = cost_changed(&news(execution, vec![line]));
    append(tx, execution, at, event).await
}

/// Appends the event of a changed cost, when it changed and nothing was settled.
pub(super) async fn tell_cost(
    tx: &mut Tx<'_>,
    execution: &mut Execution,
    before: Balance,
    at: UnixMicros,
) -> Result<()> {
    if execution.balance == before {
        return Ok(());
    }
    let event = cost_changed(&news(execution, Vec::new()));
    append(tx, execution, at, event).await
}

/// An attempt with its execution and step.
pub(super) async fn find(
    tx: &mut Tx<'_>,
    id: AttemptId,
) -> Result<Option<(ExecutionId, String, AttemptRecord)>> {
    let mut query = sql(ATTEMPTS);
    query.push(" WHERE a.id = ").push_bind(id.to_string());
    let row = query.fetch_optional(tx).await?;
    let Some(row) = row else {
        return Ok(None);
    };
    let fields = Fields(&row);
    Ok(Some((
        fields.id("execution_id", ExecutionId)?,
        fields.text("step_id")?,
        attempt_record(fields)?,
    )))
}

/// An attempt with its execution.
pub(super) async fn with_execution(
    tx: &mut Tx<'_>,
    id: AttemptId,
) -> Result<Option<(ExecutionId, AttemptRecord)>> {
    let found = find(tx, id).await?;
    Ok(found.map(|(execution, _, record)| (execution, record)))
}

/// An attempt of this execution, with its step. A fence is proof for one execution and no other.
pub(super) async fn of_execution(
    tx: &mut Tx<'_>,
    execution: &Execution,
    id: AttemptId,
) -> Result<(String, AttemptRecord)> {
    match find(tx, id).await? {
        Some((owner, step_id, record)) if owner == execution.id => Ok((step_id, record)),
        _ => Err(wrong_state(format!("attempt {id}"), "not in the execution")),
    }
}

/// The state of the attempt does not allow what was asked.
pub(super) fn refuse(record: &AttemptRecord) -> RecordError {
    wrong_state(format!("attempt {}", record.id), record.state.as_str())
}
