//! Answers that came after the end: an execution that was stopped while an outcome was unknown, and the answer that a
//! process of before left as evidence. The picture is paid, so it is kept.

use super::{
    super::{AttemptRecord, AttemptState, Find, Movement, Receipt, ReceiptKind, Result, Salvage, Stranded},
    attempts::{self, of_execution},
    ledger::post,
    library, owned,
    parking::wake_waiting,
    receipts,
    rows::{Fields, damaged, failure_bytes, wrong_state},
    statement::{Statement, sql},
    tx::Tx,
    units,
};
use crate::{
    failure::Failure,
    ids::{AttemptId, ExecutionId},
};

/// Found through the partial index of unknown attempts, which are few.
pub(super) fn stranded_query(after: Option<AttemptId>, limit: u32) -> Statement {
    sql(
        "SELECT a.id, e.client, e.plan_digest, e.take FROM attempts a JOIN executions e ON e.id = a.execution_id \
         WHERE a.state = 'unknown' AND e.state IN ('completed', 'failed', 'cancelled') \
         AND EXISTS (SELECT 1 FROM receipts r WHERE r.attempt_id = a.id AND r.kind = 'answer' \
           AND r.staging_key <> '') AND a.id > $1 ORDER BY a.id LIMIT $2",
    )
    .bind(after.map_or_else(String::new, |id| id.to_string()))
    .bind(limit)
}

/// Unknown attempts of executions that have ended, whose answer came.
pub(super) async fn stranded(tx: &mut Tx<'_>, after: Option<AttemptId>, limit: u32) -> Result<Vec<Stranded>> {
    let rows = stranded_query(after, limit).fetch_all(tx).await?;
    let mut stranded = Vec::with_capacity(rows.len());
    for row in &rows {
        let fields = Fields(row);
        let id = fields.id("id", AttemptId)?;
        let (execution, step_id, attempt): (ExecutionId, String, AttemptRecord) = attempts::find(tx, id)
            .await?
            .ok_or_else(|| damaged("attempts", "nothing where there was an attempt"))?;
        let answer = receipts::list(tx, id)
            .await?
            .into_iter()
            .find(Receipt::is_whole_answer)
            .ok_or_else(|| damaged("receipts", "nothing where there was an answer"))?;
        stranded.push(Stranded {
            client: fields.text("client")?,
            execution,
            plan_digest: fields.text("plan_digest")?,
            take: fields.number("take")?,
            step_id,
            attempt,
            answer,
        });
    }
    Ok(stranded)
}

/// The rules of [`RecordStore::salvage`](super::super::RecordStore::salvage).
pub(super) async fn salvage(tx: &mut Tx<'_>, salvage: &Salvage) -> Result<bool> {
    let Some(mut execution) = owned::find(tx, salvage.execution).await? else {
        return Ok(false);
    };
    let (step_id, record) = of_execution(tx, &execution, salvage.answer.attempt).await?;
    let is_stranded = execution.state.is_terminal() && record.state == AttemptState::Unknown;
    if !is_stranded {
        return Ok(false);
    }
    if salvage.answer.kind != ReceiptKind::Answer {
        return Err(wrong_state("the receipt", salvage.answer.kind.as_str()));
    }
    wake_waiting(tx, &execution).await?;
    match &salvage.find {
        Find::Image {
            image,
            revised_prompt,
        } => {
            let drawn_here = image.attempt == record.id
                && image.execution == execution.id
                && image.step_id == step_id
                && !image.reused;
            if !drawn_here {
                return Err(wrong_state(format!("image {}", image.id), "not of this attempt"));
            }
            units::complete(tx, &execution, &record.render_digest, image.id).await?;
            library::insert(tx, &execution.client, image).await?;
            write(tx, &record, salvage, ("committed", revised_prompt, None)).await?;
        }
        Find::Nothing(failure) => {
            write(tx, &record, salvage, ("failed_paid", "", Some(failure))).await?;
            units::idle_units(tx, &execution, &step_id, None).await?;
        }
    }
    let (id, now) = (record.id, salvage.now);
    post(
        tx,
        &mut execution,
        id,
        Movement::Unhold,
        record.ceiling_nanos,
        now,
    )
    .await?;
    post(
        tx,
        &mut execution,
        id,
        Movement::Release,
        record.ceiling_nanos,
        now,
    )
    .await?;
    post(tx, &mut execution, id, Movement::Settle, salvage.cost_nanos, now).await?;
    Ok(true)
}

/// Ends the attempt with its answer and its bill.
async fn write(
    tx: &mut Tx<'_>,
    record: &AttemptRecord,
    salvage: &Salvage,
    (state, revised_prompt, failure): (&'static str, &str, Option<&Failure>),
) -> Result<()> {
    let receipt = receipts::insert(tx, &salvage.answer).await?;
    // There is no event any more whose sequence could order the line: it goes behind all others.
    let row = sql(
        "SELECT e.last_seq, MAX(a.settled_seq) AS settled_seq FROM executions e \
         JOIN attempts a ON a.execution_id = e.id WHERE e.id = $1 GROUP BY e.last_seq",
    )
    .bind(salvage.execution.to_string())
    .fetch_one(tx)
    .await?;
    let fields = Fields(&row);
    let last: i64 = fields.number("last_seq")?;
    let line = fields
        .optional_number("settled_seq")?
        .map_or(last, |line| last.max(line))
        + 1;
    sql(
        "UPDATE attempts SET state = $2, revised_prompt = $3, failure = $4, received_us = $5, answer_receipt = $6, \
         provider_request_id = CASE WHEN $7 = '' THEN provider_request_id ELSE $7 END, ended_us = $8, \
         cost_nanos = $9, cost_estimated = $10, settled_seq = $11 WHERE id = $1",
    )
    .bind(record.id.to_string())
    .bind(state)
    .bind(revised_prompt)
    .bind(failure.map(failure_bytes))
    .bind(salvage.answer.at.0)
    .bind(receipt)
    .bind(&salvage.answer.request_id)
    .bind(salvage.now.0)
    .bind(salvage.cost_nanos)
    .bind(salvage.cost_estimated)
    .bind(line)
    .execute(tx)
    .await?;
    Ok(())
}
