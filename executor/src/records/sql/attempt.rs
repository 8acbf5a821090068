//! One attempt as verbs work on it.

use std::collections::BTreeMap;

use super::{
    super::{AttemptRecord, AttemptState, Fence, NewAttempt, Result},
    batch::together,
    owned::{self, Execution, owned_by},
    rows::{Fields, Row, wrong_state},
    snapshots::{ATTEMPTS, attempt_record, class_word},
    statement::{Statement, sql},
    tx::Tx,
};
use crate::ids::{AttemptId, ExecutionId};

/// An attempt as it is inside the transaction; verbs that change its row keep it up to date.
pub(super) struct Attempt {
    pub(super) execution: ExecutionId,
    pub(super) step_id: String,
    pub(super) record: AttemptRecord,
    pub(super) reserved_nanos: i64,
    /// All its money counts in this day.
    pub(super) budget_day: i64,
    /// The lease under which the call was let go.
    pub(super) dispatch_epoch: Option<i64>,
}

impl Attempt {
    /// A new attempt, with nothing reserved yet.
    pub(super) fn new(execution: ExecutionId, new: &NewAttempt, number: u32, budget_day: i64) -> Self {
        Self {
            execution,
            step_id: new.step_id.clone(),
            record: AttemptRecord {
                id: new.id,
                number,
                target: new.target,
                reroll: new.reroll,
                provider: new.provider.clone(),
                model: new.model.clone(),
                render_digest: new.render_digest.clone(),
                class: new.class,
                state: AttemptState::Prepared,
                ceiling_nanos: new.ceiling_nanos,
                held_nanos: 0,
                cost_nanos: None,
                cost_source: None,
                usage: BTreeMap::new(),
                job_id: String::new(),
                provider_request_id: String::new(),
                revised_prompt: String::new(),
                effective_seed: None,
                model_version: String::new(),
                quality_score_bp: None,
                failure: None,
                prepared_at: new.now,
                dispatched_at: None,
                send_by: None,
                first_send_by: None,
                unknown_at: None,
                received_at: None,
                ended_at: None,
                answer: None,
                decision: None,
            },
            reserved_nanos: 0,
            budget_day,
            dispatch_epoch: None,
        }
    }

    /// Writes a new attempt down.
    pub(super) fn insert(&self, tx: &mut Tx<'_>, execution: &Execution) {
        let record = &self.record;
        sql(
            "INSERT INTO attempts (id, execution_id, step_id, number, client, render_digest, take, target, \
             provider, model, class, state, ceiling_nanos, reserved_nanos, unknown_held_nanos, prepared_us, budget_day, \
             reroll) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'prepared', $12, $13, 0, $14, $15, $16)",
        )
        .bind(record.id.to_string())
        .bind(self.execution.to_string())
        .bind(&self.step_id)
        .bind(record.number)
        .bind(&execution.client)
        .bind(&record.render_digest)
        .bind(execution.take)
        .bind(record.target)
        .bind(&record.provider)
        .bind(&record.model)
        .bind(class_word(record.class))
        .bind(record.ceiling_nanos)
        .bind(self.reserved_nanos)
        .bind(record.prepared_at.0)
        .bind(self.budget_day)
        .bind(record.reroll)
        .later(tx);
    }
}

/// Finds an attempt.
pub(super) fn query(id: AttemptId) -> Statement {
    let mut query = sql(ATTEMPTS);
    query.push(" WHERE a.id = ").push_bind(id.to_string());
    query
}

/// The attempt that [`query`] found.
pub(super) fn found(rows: &[Row]) -> Result<Option<Attempt>> {
    let Some(row) = rows.first() else {
        return Ok(None);
    };
    let fields = Fields(row);
    Ok(Some(Attempt {
        execution: fields.id("execution_id", ExecutionId)?,
        step_id: fields.text("step_id")?,
        record: attempt_record(fields)?,
        reserved_nanos: fields.nanos("reserved_nanos")?,
        budget_day: fields.number("budget_day")?,
        dispatch_epoch: fields.optional_number("dispatch_epoch")?,
    }))
}

/// The same, when it is one of this execution. A fence is proof for one execution and no other.
pub(super) fn found_in(execution: &Execution, id: AttemptId, rows: &[Row]) -> Result<Attempt> {
    match found(rows)? {
        Some(attempt) if attempt.execution == execution.id => Ok(attempt),
        _ => Err(wrong_state(format!("attempt {id}"), "not in the execution")),
    }
}

/// An attempt, of whatever execution it is.
pub(super) async fn find(tx: &mut Tx<'_>, id: AttemptId) -> Result<Option<Attempt>> {
    found(&query(id).fetch_all(tx).await?)
}

/// An attempt of this execution.
pub(super) async fn of_execution(tx: &mut Tx<'_>, execution: &Execution, id: AttemptId) -> Result<Attempt> {
    let rows = query(id).fetch_all(tx).await?;
    found_in(execution, id, &rows)
}

/// The execution of a fence and an attempt of it.
pub(super) async fn owned_attempt(
    tx: &mut Tx<'_>,
    fence: &Fence,
    id: AttemptId,
) -> Result<(Execution, Attempt)> {
    let [execution, attempt] = together(tx, [owned::query(fence.execution), query(id)]).await?;
    let execution = owned_by(fence, &execution)?;
    let attempt = found_in(&execution, id, &attempt)?;
    Ok((execution, attempt))
}
