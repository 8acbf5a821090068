//! Money: each movement is a ledger row for every scope, and in the same breath changes the balances of the
//! scopes, of the execution and of the attempt.

use std::collections::BTreeMap;

use super::{
    super::{Balance, BudgetKey, CostLine, CostRecord, Movement, Result, scopes},
    owned::Execution,
    rows::{Fields, overflow},
    statement::sql,
    tx::Tx,
};
use crate::{clock::UnixMicros, ids::AttemptId};

/// Posts one movement of an attempt.
pub(super) async fn post(
    tx: &mut Tx<'_>,
    execution: &mut Execution,
    attempt: AttemptId,
    kind: Movement,
    amount_nanos: i64,
    at: UnixMicros,
) -> Result<()> {
    for scope in scopes(&execution.client, &execution.session_id) {
        sql(
            "INSERT INTO ledger (event_key, scope, currency, kind, amount_nanos, attempt_id, at_us, day) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, (SELECT budget_day FROM attempts WHERE id = $6))",
        )
        .bind(format!("{attempt}/{}/{scope}", kind.as_str()))
        .bind(&scope)
        .bind(&execution.currency)
        .bind(kind.as_str())
        .bind(amount_nanos)
        .bind(attempt.to_string())
        .bind(at.0)
        .execute(tx)
        .await?;
        change_budget(tx, &scope, &execution.currency, kind, amount_nanos).await?;
    }
    execution.balance = kind.apply(execution.balance, amount_nanos).ok_or_else(overflow)?;
    sql(
        "UPDATE executions SET settled_nanos = $2, reserved_nanos = $3, unknown_held_nanos = $4 WHERE id = $1",
    )
    .bind(execution.id.to_string())
    .bind(execution.balance.spent_nanos)
    .bind(execution.balance.reserved_nanos)
    .bind(execution.balance.unknown_held_nanos)
    .execute(tx)
    .await?;
    change_attempt(tx, attempt, kind, amount_nanos).await
}

async fn change_budget(
    tx: &mut Tx<'_>,
    scope: &str,
    currency: &str,
    kind: Movement,
    amount_nanos: i64,
) -> Result<()> {
    sql(
        "INSERT INTO budgets (scope, currency, spent_nanos, reserved_nanos, unknown_held_nanos) \
         VALUES ($1, $2, 0, 0, 0) ON CONFLICT (scope, currency) DO NOTHING",
    )
    .bind(scope)
    .bind(currency)
    .execute(tx)
    .await?;
    let row = sql(
        "SELECT spent_nanos, reserved_nanos, unknown_held_nanos FROM budgets \
         WHERE scope = $1 AND currency = $2",
    )
    .bind(scope)
    .bind(currency)
    .locked()
    .fetch_one(tx)
    .await?;
    let balance = kind
        .apply(budget(Fields(&row))?, amount_nanos)
        .ok_or_else(overflow)?;
    sql(
        "UPDATE budgets SET spent_nanos = $3, reserved_nanos = $4, unknown_held_nanos = $5 \
         WHERE scope = $1 AND currency = $2",
    )
    .bind(scope)
    .bind(currency)
    .bind(balance.spent_nanos)
    .bind(balance.reserved_nanos)
    .bind(balance.unknown_held_nanos)
    .execute(tx)
    .await?;
    Ok(())
}

/// Keeps what is reserved and held on the attempt itself. Its bill is written by the verb that settles.
async fn change_attempt(
    tx: &mut Tx<'_>,
    attempt: AttemptId,
    kind: Movement,
    amount_nanos: i64,
) -> Result<()> {
    let change = kind
        .apply(Balance::default(), amount_nanos)
        .ok_or_else(overflow)?;
    sql("UPDATE attempts SET reserved_nanos = reserved_nanos + $2, \
         unknown_held_nanos = unknown_held_nanos + $3 WHERE id = $1")
    .bind(attempt.to_string())
    .bind(change.reserved_nanos)
    .bind(change.unknown_held_nanos)
    .execute(tx)
    .await?;
    Ok(())
}

/// The amounts of an execution, with the lines that its last change added.
pub(super) fn news(execution: &Execution, lines: Vec<CostLine>) -> CostRecord {
    CostRecord {
        currency: execution.currency.clone(),
        settled_nanos: execution.balance.spent_nanos,
        reserved_nanos: execution.balance.reserved_nanos,
        unknown_held_nanos: execution.balance.unknown_held_nanos,
        lines,
    }
}

/// Balances as they are kept.
pub(super) async fn balances(tx: &mut Tx<'_>) -> Result<BTreeMap<BudgetKey, Balance>> {
    let rows = sql("SELECT scope, currency, spent_nanos, reserved_nanos, unknown_held_nanos FROM budgets")
        .fetch_all(tx)
        .await?;
    let balances = rows.iter().map(|row| {
        let fields = Fields(row);
        Ok((key(fields)?, budget(fields)?))
    });
    balances.collect()
}

/// Balances as they follow from the ledger alone.
pub(super) async fn sums(tx: &mut Tx<'_>) -> Result<BTreeMap<BudgetKey, Balance>> {
    let rows = sql(
        "SELECT scope, currency, kind, CAST(SUM(amount_nanos) AS BIGINT) AS amount_nanos FROM ledger \
         GROUP BY scope, currency, kind",
    )
    .fetch_all(tx)
    .await?;
    let mut sums = BTreeMap::new();
    for row in &rows {
        let fields = Fields(row);
        let kind = fields.word("kind", Movement::parse)?;
        let balance: &mut Balance = sums.entry(key(fields)?).or_default();
        *balance = kind
            .apply(*balance, fields.nanos("amount_nanos")?)
            .ok_or_else(overflow)?;
    }
    Ok(sums)
}

fn key(fields: Fields<'_>) -> Result<BudgetKey> {
    Ok(BudgetKey {
        scope: fields.text("scope")?,
        currency: fields.text("currency")?,
    })
}

fn budget(fields: Fields<'_>) -> Result<Balance> {
    Ok(Balance {
        spent_nanos: fields.nanos("spent_nanos")?,
        reserved_nanos: fields.nanos("reserved_nanos")?,
        unknown_held_nanos: fields.nanos("unknown_held_nanos")?,
    })
}
