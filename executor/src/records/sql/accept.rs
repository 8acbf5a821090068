//! T0: an order becomes an execution, or finds the one that already stands for it.

use super::{
    super::{Acceptance, ExecutionMode, ExecutionState, NewExecution, Result},
    events::append,
    owned::find,
    plans,
    rows::{Fields, damaged},
    statement::sql,
    tx::Tx,
};
use crate::{events::state_changed, ids::ExecutionId};

/// The rules of [`RecordStore::accept`](super::super::RecordStore::accept), in their order.
pub(super) async fn accept(tx: &mut Tx<'_>, order: &NewExecution) -> Result<Acceptance> {
    if let Some(known) = same_request(tx, order).await? {
        return Ok(known);
    }
    let earlier = latest(tx, order).await?;
    let previous = match (order.mode, earlier) {
        (ExecutionMode::Resume, None) => return Ok(Acceptance::NothingToResume),
        (ExecutionMode::Resume, Some((id, state))) if !state.is_terminal() => {
            return Ok(Acceptance::StillRunning(id));
        }
        (ExecutionMode::Resume, Some((id, _))) => Some(id),
        (ExecutionMode::Reuse, Some((id, state))) if !state.is_terminal() => {
            remember_request(tx, order, id).await?;
            plans::ordered(tx, &order.plan.client, &order.plan.digest_hex, order.now).await?;
            return Ok(Acceptance::Joined(id));
        }
        (ExecutionMode::Reuse, _) => None,
    };
    begin(tx, order, previous).await?;
    Ok(Acceptance::New(order.id))
}

async fn same_request(tx: &mut Tx<'_>, order: &NewExecution) -> Result<Option<Acceptance>> {
    let row = sql("SELECT request_hash, execution_id FROM requests WHERE client = $1 AND request_id = $2")
        .bind(&order.plan.client)
        .bind(&order.request_id)
        .fetch_optional(tx)
        .await?;
    let Some(row) = row else {
        return Ok(None);
    };
    let fields = Fields(&row);
    let execution = fields.id("execution_id", ExecutionId)?;
    Ok(Some(if fields.text("request_hash")? == order.request_hash {
        Acceptance::SameRequest(execution)
    } else {
        Acceptance::RequestIdReused(execution)
    }))
}

/// The last execution of the same drawing. A running one is always the last: no other can begin beside it.
async fn latest(tx: &mut Tx<'_>, order: &NewExecution) -> Result<Option<(ExecutionId, ExecutionState)>> {
    let row = sql(
        "SELECT id, state FROM executions WHERE client = $1 AND plan_digest = $2 AND take = $3 \
         ORDER BY (state IN ('pending', 'processing', 'cancelling', 'needs_decision')) DESC, \
         created_us DESC, id DESC LIMIT 1",
    )
    .bind(&order.plan.client)
    .bind(plan_digest(order))
    .bind(order.take)
    .fetch_optional(tx)
    .await?;
    let Some(row) = row else {
        return Ok(None);
    };
    let fields = Fields(&row);
    Ok(Some((
        fields.id("id", ExecutionId)?,
        fields.word("state", ExecutionState::parse)?,
    )))
}

async fn begin(tx: &mut Tx<'_>, order: &NewExecution, previous: Option<ExecutionId>) -> Result<()> {
    plans::save(tx, &order.plan).await?;
    plans::ordered(tx, &order.plan.client, &order.plan.digest_hex, order.now).await?;
    sql(
        "INSERT INTO executions (id, client, plan_digest, session_id, take, request_id, mode, \
         max_concurrency, previous, state, created_us, currency) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    )
    .bind(order.id.to_string())
    .bind(&order.plan.client)
    .bind(plan_digest(order))
    .bind(&order.plan.session_id)
    .bind(order.take)
    .bind(&order.request_id)
    .bind(order.mode.as_str())
    .bind(order.max_concurrency)
    .bind(previous.map(|id| id.to_string()))
    .bind(ExecutionState::Pending.as_str())
    .bind(order.now.0)
    .bind(&order.currency)
    .execute(tx)
    .await?;
    remember_request(tx, order, order.id).await?;
    for (ordinal, step_id) in (0_i64..).zip(&order.step_ids) {
        sql("INSERT INTO steps (execution_id, step_id, ordinal, state) VALUES ($1, $2, $3, 'pending')")
            .bind(order.id.to_string())
            .bind(step_id)
            .bind(ordinal)
            .execute(tx)
            .await?;
    }
    let mut execution = find(tx, order.id)
        .await?
        .ok_or_else(|| damaged("executions", "nothing after an insert"))?;
    let pending = state_changed(ExecutionState::Pending, None);
    append(tx, &mut execution, order.now, pending).await
}

async fn remember_request(tx: &mut Tx<'_>, order: &NewExecution, execution: ExecutionId) -> Result<()> {
    sql("INSERT INTO requests (client, request_id, request_hash, execution_id) VALUES ($1, $2, $3, $4)")
        .bind(&order.plan.client)
        .bind(&order.request_id)
        .bind(&order.request_hash)
        .bind(execution.to_string())
        .execute(tx)
        .await?;
    Ok(())
}

fn plan_digest(order: &NewExecution) -> String {
    format!("{}{}", limn_proto::digest::PREFIX, order.plan.digest_hex)
}
