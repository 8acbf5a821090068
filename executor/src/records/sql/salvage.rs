//! What is learnt after the end: an execution that was stopped while an outcome was unknown still holds money, and
//! perhaps a picture that was paid. Only the attempt, its unit and the money change; the history of the execution does
//! not.
//!
//! Such an execution has a `wake_us` too: when its unknown attempts are looked at again. Nothing means now. Who
//! looks has set it to the end of the time that it takes for that, and evidence sets it back to now.

use std::time::Duration;

use super::{
    super::{
        AttemptEnd, AttemptOutcome, AttemptRecord, AttemptState, CostSource, Find, ImageRecord, Movement,
        ReceiptKind, Result, Salvage, Stranded,
    },
    answers::{seed_text, usage_text},
    attempt::{Attempt, of_execution},
    ledger::{give_back_held, next_line, post},
    library,
    outcomes::write_end,
    owned::{self, Execution},
    parking::wake_waiting,
    receipts,
    rows::{Fields, damaged, failure_bytes, wrong_state},
    snapshots,
    statement::{Statement, sql},
    tx::Tx,
    units,
};
use crate::{
    clock::UnixMicros,
    failure::Failure,
    ids::{AttemptId, ExecutionId},
};

/// Found through the partial index of unknown attempts, which are few.
pub(super) fn stranded_query(now: UnixMicros, limit: u32) -> Statement {
    sql(
        "SELECT id FROM executions WHERE id IN (SELECT execution_id FROM attempts WHERE state = 'unknown') \
         AND state IN ('completed', 'failed', 'cancelled') AND (wake_us IS NULL OR wake_us <= $1) \
         ORDER BY id LIMIT $2",
    )
    .bind(now.0)
    .bind(limit)
    .skip_locked()
}

/// The rules of [`RecordStore::stranded`](super::super::RecordStore::stranded).
pub(super) async fn stranded(tx: &mut Tx<'_>, lease: Duration, limit: u32) -> Result<Vec<Stranded>> {
    let now = tx.now().await?;
    let until = now.plus(lease);
    let rows = stranded_query(now, limit).fetch_all(tx).await?;
    let mut stranded = Vec::with_capacity(rows.len());
    for row in &rows {
        let id = Fields(row).id("id", ExecutionId)?;
        wake_at(tx, id, until);
        let execution = snapshots::find_any(tx, id).await?;
        stranded.push(Stranded {
            execution: execution.ok_or_else(|| damaged("executions", "nothing where there was one"))?,
            at: now,
            until,
        });
    }
    Ok(stranded)
}

/// The rules of [`RecordStore::leave_stranded`](super::super::RecordStore::leave_stranded).
pub(super) async fn leave(
    tx: &mut Tx<'_>,
    execution: ExecutionId,
    until: UnixMicros,
    next_look: Duration,
) -> Result<()> {
    let found = owned::find(tx, execution).await?;
    let is_taken = found.is_some_and(|found| found.state.is_terminal() && found.wake == Some(until));
    if is_taken {
        let wake = tx.now().await?.plus(next_look);
        wake_at(tx, execution, wake);
    }
    Ok(())
}

fn wake_at(tx: &mut Tx<'_>, execution: ExecutionId, wake: UnixMicros) {
    sql("UPDATE executions SET wake_us = $2 WHERE id = $1")
        .bind(execution.to_string())
        .bind(wake.0)
        .later(tx);
}

/// An unknown attempt, when its execution has ended; nothing when there is nothing to book any more.
async fn find(
    tx: &mut Tx<'_>,
    execution: ExecutionId,
    attempt: AttemptId,
) -> Result<Option<(Execution, Attempt)>> {
    let Some(execution) = owned::find(tx, execution).await? else {
        return Ok(None);
    };
    let attempt = of_execution(tx, &execution, attempt).await?;
    let is_stranded = execution.state.is_terminal() && attempt.record.state == AttemptState::Unknown;
    Ok(is_stranded.then_some((execution, attempt)))
}

/// The rules of [`RecordStore::salvage`](super::super::RecordStore::salvage).
pub(super) async fn salvage(tx: &mut Tx<'_>, salvage: &Salvage) -> Result<bool> {
    let found = find(tx, salvage.execution, salvage.answer.attempt).await?;
    let Some((mut execution, mut attempt)) = found else {
        return Ok(false);
    };
    let record = &attempt.record;
    if salvage.answer.kind != ReceiptKind::Answer {
        return Err(wrong_state("the receipt", salvage.answer.kind.as_str()));
    }
    wake_waiting(tx, &execution).await?;
    match &salvage.find {
        Find::Image(image) => {
            let drawn_here = image.attempt == record.id
                && image.execution == execution.id
                && image.step_id == attempt.step_id
                && !image.reused;
            if !drawn_here {
                return Err(wrong_state(format!("image {}", image.id), "not of this attempt"));
            }
            units::complete(tx, &execution, &record.render_digest, image.id);
            library::insert(tx, &execution.client, image)?;
            write(tx, &execution, record, salvage, ("committed", Some(image), None)).await?;
        }
        Find::Nothing(failure) => {
            write(
                tx,
                &execution,
                record,
                salvage,
                ("failed_paid", None, Some(failure)),
            )
            .await?;
            units::idle_units(tx, &execution, &attempt.step_id, None);
        }
    }
    let (bill_nanos, now) = (salvage.cost_nanos, salvage.now);
    give_back_held(tx, &mut execution, &mut attempt, now).await?;
    post(
        tx,
        &mut execution,
        &mut attempt,
        Movement::Settle,
        bill_nanos,
        now,
    )
    .await?;
    Ok(true)
}

/// The rules of [`RecordStore::end_stranded`](super::super::RecordStore::end_stranded).
pub(super) async fn end(
    tx: &mut Tx<'_>,
    execution: ExecutionId,
    attempt: AttemptId,
    end: &AttemptEnd,
) -> Result<bool> {
    let stays_held = match end.outcome {
        AttemptOutcome::Abandoned | AttemptOutcome::Rejected => false,
        AttemptOutcome::RejectedBillUnknown => true,
        AttemptOutcome::FailedPaid { .. } | AttemptOutcome::Unknown | AttemptOutcome::WrittenOff { .. } => {
            let state = end.outcome.state();
            return Err(wrong_state("the end of a stranded attempt", state.as_str()));
        }
    };
    let Some((mut execution, mut attempt)) = find(tx, execution, attempt).await? else {
        return Ok(false);
    };
    write_end(tx, attempt.record.id, end).await?;
    wake_waiting(tx, &execution).await?;
    units::idle_units(tx, &execution, &attempt.step_id, None);
    if !stays_held {
        give_back_held(tx, &mut execution, &mut attempt, end.now).await?;
    }
    Ok(true)
}

/// Ends the attempt with its answer and its bill.
async fn write(
    tx: &mut Tx<'_>,
    execution: &Execution,
    record: &AttemptRecord,
    salvage: &Salvage,
    (state, image, failure): (&'static str, Option<&ImageRecord>, Option<&Failure>),
) -> Result<()> {
    let receipt = receipts::insert(tx, &salvage.answer).await?;
    sql(
        "UPDATE attempts SET state = $2, revised_prompt = $3, failure = $4, received_us = $5, answer_receipt = $6, \
         provider_request_id = CASE WHEN $7 = '' THEN provider_request_id ELSE $7 END, ended_us = $8, \
         cost_nanos = $9, cost_estimated = $10, settled_seq = $11, effective_seed = $12, model_version = $13, \
         cost_source = $14, usage = $15, quality_score_bp = $16 WHERE id = $1",
    )
    .bind(record.id.to_string())
    .bind(state)
    .bind(image.map_or("", |image| &image.revised_prompt))
    .bind(failure.map(failure_bytes))
    .bind(salvage.answer.at.0)
    .bind(receipt)
    .bind(&salvage.answer.request_id)
    .bind(salvage.now.0)
    .bind(salvage.cost_nanos)
    .bind(salvage.cost_source == CostSource::Estimated)
    .bind(next_line(tx, execution).await?)
    .bind(seed_text(image.and_then(|image| image.effective_seed)))
    .bind(image.map_or("", |image| &image.model_version))
    .bind(salvage.cost_source.as_str())
    .bind(usage_text(&salvage.usage)?)
    .bind(image.and_then(|image| image.quality_score_bp))
    .later(tx);
    Ok(())
}
