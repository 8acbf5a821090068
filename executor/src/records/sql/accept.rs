//! T0: an order becomes an execution, or finds the one that already stands for it.

use std::collections::BTreeSet;

use super::{
    super::{Acceptance, BudgetShortage, ExecutionMode, ExecutionState, NewExecution, Result, StepState},
    budgets,
    events::append,
    ledger::budget_keys,
    owned::find,
    plans,
    rows::{Fields, damaged, overflow},
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
            remember_request(tx, order, id);
            plans::ordered(tx, &order.plan.client, &order.plan.digest_hex, order.now);
            return Ok(Acceptance::Joined(id));
        }
        (ExecutionMode::Reuse, _) => None,
    };
    if let Some(shortage) = shortage(tx, order).await? {
        return Ok(Acceptance::BudgetExceeded(shortage));
    }
    begin(tx, order, previous).await?;
    Ok(Acceptance::New(order.id))
}

/// The budget that does not leave what the order is expected to cost. A look ahead that reserves nothing: what is
/// spent is decided by each attempt.
async fn shortage(tx: &mut Tx<'_>, order: &NewExecution) -> Result<Option<BudgetShortage>> {
    let plan = &order.plan;
    let keys = budget_keys(&plan.client, &plan.session_id, &order.currency);
    let day = tx.now().await?.day();
    let at_most_nanos = sum(order.steps.iter().map(|step| step.expected_nanos))?;
    // Almost always everything fits, and then it does not matter which pictures exist.
    if budgets::shortage(tx, &keys, day, at_most_nanos).await?.is_none() {
        return Ok(None);
    }
    let expected_nanos = expected_nanos(tx, order).await?;
    budgets::shortage(tx, &keys, day, expected_nanos).await
}

/// What the pictures that do not exist yet are expected to cost. Steps that share one pay for it once.
async fn expected_nanos(tx: &mut Tx<'_>, order: &NewExecution) -> Result<i64> {
    let drawn = drawn(tx, order).await?;
    let mut paid_here = BTreeSet::new();
    let to_pay = order.steps.iter().filter(|step| {
        let exists = step.render_digests.iter().any(|digest| drawn.contains(digest));
        !exists
            && step
                .render_digests
                .first()
                .is_none_or(|digest| paid_here.insert(digest))
    });
    sum(to_pay.map(|step| step.expected_nanos))
}

fn sum(mut amounts: impl Iterator<Item = i64>) -> Result<i64> {
    amounts.try_fold(0_i64, i64::checked_add).ok_or_else(overflow)
}

/// Most values of one statement, far below what either database takes.
const MAX_VALUES: usize = 1000;

/// Targets of the order whose picture exists.
async fn drawn(tx: &mut Tx<'_>, order: &NewExecution) -> Result<BTreeSet<String>> {
    let digests: Vec<&String> = order.steps.iter().flat_map(|step| &step.render_digests).collect();
    let mut drawn = BTreeSet::new();
    for digests in digests.chunks(MAX_VALUES) {
        let mut query = sql("SELECT render_digest FROM units WHERE client = ");
        query.push_bind(&order.plan.client);
        query.push(" AND take = ").push_bind(order.take);
        query.push(" AND state = 'completed' AND render_digest IN (");
        query.push_list(digests.iter().copied());
        query.push(")");
        for row in &query.fetch_all(tx).await? {
            drawn.insert(Fields(row).text("render_digest")?);
        }
    }
    Ok(drawn)
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
    plans::ordered(tx, &order.plan.client, &order.plan.digest_hex, order.now);
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
    .later(tx);
    remember_request(tx, order, order.id);
    for (ordinal, step) in (0_i64..).zip(&order.steps) {
        sql("INSERT INTO steps (execution_id, step_id, ordinal, state)")
            .bind(order.id.to_string())
            .bind(&step.step_id)
            .bind(ordinal)
            .bind(StepState::Pending.as_str())
            .row_later(tx);
    }
    let mut execution = find(tx, order.id)
        .await?
        .ok_or_else(|| damaged("executions", "nothing after an insert"))?;
    let pending = state_changed(ExecutionState::Pending, None);
    append(tx, &mut execution, order.now, pending)
}

fn remember_request(tx: &mut Tx<'_>, order: &NewExecution, execution: ExecutionId) {
    sql("INSERT INTO requests (client, request_id, request_hash, execution_id) VALUES ($1, $2, $3, $4)")
        .bind(&order.plan.client)
        .bind(&order.request_id)
        .bind(&order.request_hash)
        .bind(execution.to_string())
        .later(tx);
}

fn plan_digest(order: &NewExecution) -> String {
    format!("{}{}", limn_proto::digest::PREFIX, order.plan.digest_hex)
}
