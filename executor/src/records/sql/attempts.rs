//! Attempts from intent to answer: T1 to T4.

use std::time::Duration;

use super::{
    super::{
        AttemptRecord, AttemptState, Balance, CostLine, Dispatch, Fence, Movement, NewAttempt, Preparation,
        Receipt, RecordError, Result, StepState,
    },
    attempt::{Attempt, found, found_in, owned_attempt, query},
    batch::together,
    budgets,
    events::append,
    ledger::{keys, news, post, reserve},
    lifecycle::{found_step, step_query},
    owned::{self, Execution, owned_by},
    parking::wake_waiting,
    receipts,
    rows::{Fields, damaged, overflow, wrong_state},
    statement::sql,
    tx::Tx,
    units,
};
use crate::{
    clock::UnixMicros,
    events::{attempt_changed, cost_changed},
    ids::AttemptId,
};

/// T1.
pub(super) async fn prepare(tx: &mut Tx<'_>, fence: &Fence, new: &NewAttempt) -> Result<Preparation> {
    let [execution, attempt, step] = together(
        tx,
        [
            owned::query(fence.execution),
            query(new.id),
            step_query(fence.execution, &new.step_id),
        ],
    )
    .await?;
    let mut execution = owned_by(fence, &execution)?;
    if let Some(attempt) = found(&attempt)? {
        let record = attempt.record;
        let repeated = record.state == AttemptState::Prepared
            && attempt.execution == execution.id
            && attempt.step_id == new.step_id;
        return if repeated {
            Ok(Preparation::Prepared(record.number))
        } else {
            Err(refuse(&record))
        };
    }
    if execution.cancel_requested {
        return Ok(Preparation::Cancelled);
    }
    let step = found_step(&step, &new.step_id)?;
    if step.state != StepState::Processing {
        return Err(wrong_state(format!("step {}", step.step_id), step.state.as_str()));
    }
    let day = tx.now().await?.day();
    let keys = keys(&execution);
    let [unit, holder, attempts, budgets] = together(
        tx,
        [
            units::query(&execution, &new.render_digest),
            units::open_attempt_query(&execution, &new.render_digest),
            sql("SELECT COUNT(*) + 1 AS number FROM attempts WHERE execution_id = $1 AND step_id = $2")
                .bind(execution.id.to_string())
                .bind(&new.step_id),
            budgets::limits(&keys, day),
        ],
    )
    .await?;
    if !units::is_held_by(&unit, &execution, &new.step_id)? {
        return Err(wrong_state(
            format!("unit {}", new.render_digest),
            "not open for the step",
        ));
    }
    if let Some((holder, state)) = units::found_attempt(&holder)? {
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
    if let Some(shortage) = budgets::exceeded(&budgets, day, new.ceiling_nanos)? {
        return Ok(Preparation::BudgetExceeded(shortage));
    }
    let number = match attempts.first() {
        Some(row) => Fields(row).number("number")?,
        None => return Err(damaged("attempts", "no number of rows")),
    };
    let before = execution.balance;
    let mut attempt = Attempt::new(execution.id, new, number, day);
    reserve(tx, &mut execution, &mut attempt, new.now)?;
    attempt.insert(tx, &execution);
    tell(tx, &mut execution, &attempt, new.now)?;
    tell_cost(tx, &mut execution, before, new.now)?;
    Ok(Preparation::Prepared(number))
}

/// T2.
pub(super) async fn dispatch(
    tx: &mut Tx<'_>,
    fence: &Fence,
    id: AttemptId,
    send_margin: Duration,
    now: UnixMicros,
) -> Result<Dispatch> {
    let (mut execution, mut attempt) = owned_attempt(tx, fence, id).await?;
    let record = &mut attempt.record;
    if record.state == AttemptState::Dispatching && attempt.dispatch_epoch == Some(fence.epoch) {
        // The same owner asks again. Another epoch would be a takeover, for which the call may be on its way.
        return Ok(Dispatch::Granted);
    }
    if record.state != AttemptState::Prepared {
        return Err(refuse(record));
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
    .later(tx);
    record.state = AttemptState::Dispatching;
    record.dispatched_at = Some(now);
    record.send_by = Some(send_by);
    record.first_send_by = Some(send_by);
    tell(tx, &mut execution, &attempt, now)?;
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
    let (execution, attempt) = owned_attempt(tx, fence, id).await?;
    let state = attempt.record.state;
    if !matches!(state, AttemptState::Dispatching | AttemptState::Unknown) {
        return Err(refuse(&attempt.record));
    }
    let send_by = send_by(tx, &execution, send_margin).await?;
    sql("UPDATE attempts SET send_by_us = $2, dispatch_epoch = $3 WHERE id = $1")
        .bind(id.to_string())
        .bind(send_by.0)
        .bind(fence.epoch)
        .later(tx);
    Ok(())
}

/// T3.
pub(super) async fn accepted(
    tx: &mut Tx<'_>,
    fence: &Fence,
    id: AttemptId,
    job_id: &str,
    now: UnixMicros,
) -> Result<()> {
    let (mut execution, mut attempt) = owned_attempt(tx, fence, id).await?;
    let before = execution.balance;
    match attempt.record.state {
        AttemptState::Accepted if attempt.record.job_id == job_id => return Ok(()),
        AttemptState::Dispatching => {}
        AttemptState::Unknown => {
            let held_nanos = attempt.record.ceiling_nanos;
            post(
                tx,
                &mut execution,
                &mut attempt,
                Movement::Unhold,
                held_nanos,
                now,
            )
            .await?;
        }
        _ => return Err(refuse(&attempt.record)),
    }
    sql("UPDATE attempts SET state = 'accepted', job_id = $2, failure = NULL WHERE id = $1")
        .bind(id.to_string())
        .bind(job_id)
        .later(tx);
    attempt.record.state = AttemptState::Accepted;
    job_id.clone_into(&mut attempt.record.job_id);
    attempt.record.failure = None;
    tell(tx, &mut execution, &attempt, now)?;
    tell_cost(tx, &mut execution, before, now)
}

/// T4.
pub(super) async fn received(tx: &mut Tx<'_>, fence: &Fence, id: AttemptId, receipt: &Receipt) -> Result<()> {
    let place = receipts::place(receipt)?;
    let [execution, attempt, place] = together(tx, [owned::query(fence.execution), query(id), place]).await?;
    let mut execution = owned_by(fence, &execution)?;
    let mut attempt = found_in(&execution, id, &attempt)?;
    if receipt.attempt != id {
        return Err(wrong_state("the receipt", "of another attempt"));
    }
    let before = execution.balance;
    match attempt.record.state {
        AttemptState::Received if attempt.record.answer.as_ref() == Some(receipt) => return Ok(()),
        AttemptState::Dispatching | AttemptState::Accepted => {}
        AttemptState::Unknown => {
            let held_nanos = attempt.record.ceiling_nanos;
            let unhold = Movement::Unhold;
            post(tx, &mut execution, &mut attempt, unhold, held_nanos, receipt.at).await?;
            wake_waiting(tx, &execution).await?;
        }
        _ => return Err(refuse(&attempt.record)),
    }
    let number = receipts::insert_at(tx, receipt, &place)?;
    sql(
        "UPDATE attempts SET state = 'received', received_us = $2, answer_receipt = $3, failure = NULL, \
         provider_request_id = CASE WHEN $4 = '' THEN provider_request_id ELSE $4 END WHERE id = $1",
    )
    .bind(id.to_string())
    .bind(receipt.at.0)
    .bind(number)
    .bind(&receipt.request_id)
    .later(tx);
    let record = &mut attempt.record;
    record.state = AttemptState::Received;
    record.received_at = Some(receipt.at);
    record.answer = Some(receipt.clone());
    record.failure = None;
    if !receipt.request_id.is_empty() {
        record.provider_request_id.clone_from(&receipt.request_id);
    }
    tell(tx, &mut execution, &attempt, receipt.at)?;
    tell_cost(tx, &mut execution, before, receipt.at)
}

/// Appends the event of a changed attempt.
pub(super) fn tell(
    tx: &mut Tx<'_>,
    execution: &mut Execution,
    attempt: &Attempt,
    at: UnixMicros,
) -> Result<()> {
    let event = attempt_changed(&attempt.step_id, &attempt.record, &execution.currency);
    append(tx, execution, at, event)
}

/// Appends the event of a bill. There is a new line, so there is an event even when no amount moved.
pub(super) fn tell_line(
    tx: &mut Tx<'_>,
    execution: &mut Execution,
    line: CostLine,
    at: UnixMicros,
) -> Result<()> {
    let event = cost_changed(&news(execution, vec![line]));
    append(tx, execution, at, event)
}

/// Appends the event of a changed cost, when it changed and nothing was settled.
pub(super) fn tell_cost(
    tx: &mut Tx<'_>,
    execution: &mut Execution,
    before: Balance,
    at: UnixMicros,
) -> Result<()> {
    if execution.balance == before {
        return Ok(());
    }
    let event = cost_changed(&news(execution, Vec::new()));
    append(tx, execution, at, event)
}

/// The state of the attempt does not allow what was asked.
pub(super) fn refuse(record: &AttemptRecord) -> RecordError {
    wrong_state(format!("attempt {}", record.id), record.state.as_str())
}
