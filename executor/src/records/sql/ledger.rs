//! Money: each movement is a ledger row for every scope, and in the same transaction changes the balances of the
//! attempt, of the execution and of the scopes.
//!
//! The rows of the scopes are shared by everything that a client does at the same time. So they are changed last, in
//! one statement each whatever was posted, and in the order of their keys: they are locked for the shortest time,
//! and two transactions never wait for each other.

use std::{collections::BTreeMap, mem};

use super::{
    super::{Balance, BudgetKey, CostLine, CostRecord, Movement, Result, scopes},
    budgets,
    owned::Execution,
    rows::{Fields, damaged, overflow},
    statement::{overtaken, sql},
    tx::Tx,
};
use crate::{clock::UnixMicros, ids::AttemptId};

/// What a transaction has posted and not yet added to the balances of the scopes.
#[derive(Debug, Default)]
pub(super) struct Due {
    changes: BTreeMap<BudgetKey, Change>,
}

#[derive(Debug, Default)]
struct Change {
    days: BTreeMap<i64, Balance>,
    /// The limit of the budget holds for this change.
    limited: bool,
}

/// Posts one movement of an attempt. It may take a balance above its limit: what is owed is owed.
pub(super) async fn post(
    tx: &mut Tx<'_>,
    execution: &mut Execution,
    attempt: AttemptId,
    kind: Movement,
    amount_nanos: i64,
    at: UnixMicros,
) -> Result<()> {
    let day = change_attempt(tx, attempt, kind, amount_nanos).await?;
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
    let turn = turn(tx, attempt, kind).await?;
    for key in keys(execution) {
        sql(
            "INSERT INTO ledger (event_key, scope, currency, day, kind, amount_nanos, attempt_id, at_us) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(format!("{attempt}/{}{turn}/{}", kind.as_str(), key.scope))
        .bind(&key.scope)
        .bind(&key.currency)
        .bind(day)
        .bind(kind.as_str())
        .bind(amount_nanos)
        .bind(attempt.to_string())
        .bind(at.0)
        .execute(tx)
        .await?;
        let change = tx.due.changes.entry(key).or_default();
        let balance = change.days.entry(day).or_default();
        *balance = kind.apply(*balance, amount_nanos).ok_or_else(overflow)?;
    }
    Ok(())
}

/// Gives back what is held for an attempt: the hold ends, and with it the reservation that it stands on.
pub(super) async fn give_back_held(
    tx: &mut Tx<'_>,
    execution: &mut Execution,
    attempt: AttemptId,
    ceiling_nanos: i64,
    at: UnixMicros,
) -> Result<()> {
    post(tx, execution, attempt, Movement::Unhold, ceiling_nanos, at).await?;
    post(tx, execution, attempt, Movement::Release, ceiling_nanos, at).await
}

/// The place of the next cost line: that of the event which tells of it. An execution that ended has no more events,
/// and its lines go on behind the last one.
pub(super) async fn next_line(tx: &mut Tx<'_>, execution: &Execution) -> Result<i64> {
    let row = sql("SELECT COALESCE(MAX(settled_seq), 0) AS last FROM attempts WHERE execution_id = $1")
        .bind(execution.id.to_string())
        .fetch_one(tx)
        .await?;
    let last: u64 = Fields(&row).number("last")?;
    let next = last.max(execution.last_sequence) + 1;
    i64::try_from(next).map_err(|_| damaged("settled_seq", "too great a number"))
}

/// Which time money is held or taken from hold, from the second on: an outcome that was unknown may turn up and get lost
/// again. Holding twice without taking back in between is the same time, and is refused like every repetition.
async fn turn(tx: &mut Tx<'_>, attempt: AttemptId, kind: Movement) -> Result<String> {
    let (opposite, first) = match kind {
        Movement::Hold => (Movement::Unhold, 0),
        Movement::Unhold => (Movement::Hold, 1),
        Movement::Reserve | Movement::Release | Movement::Settle | Movement::Refund => {
            return Ok(String::new());
        }
    };
    let row = sql(
        "SELECT COUNT(*) AS turns FROM ledger WHERE attempt_id = $1 AND kind = $2 \
         AND scope = (SELECT MIN(scope) FROM ledger WHERE attempt_id = $1)",
    )
    .bind(attempt.to_string())
    .bind(opposite.as_str())
    .fetch_one(tx)
    .await?;
    let turns: u64 = Fields(&row).number("turns")?;
    Ok(if turns > first {
        format!("-{}", turns - first + 1)
    } else {
        String::new()
    })
}

/// Reserves for an attempt. The verb has looked whether it fits the limits; that it still does is made sure when the
/// balances are locked, and else the verb runs again.
pub(super) async fn reserve(
    tx: &mut Tx<'_>,
    execution: &mut Execution,
    attempt: AttemptId,
    ceiling_nanos: i64,
    at: UnixMicros,
) -> Result<()> {
    post(tx, execution, attempt, Movement::Reserve, ceiling_nanos, at).await?;
    for key in keys(execution) {
        if let Some(change) = tx.due.changes.get_mut(&key) {
            change.limited = ceiling_nanos > 0;
        }
    }
    Ok(())
}

/// Budgets that cover the execution, in the order in which their rows are locked.
pub(super) fn keys(execution: &Execution) -> Vec<BudgetKey> {
    budget_keys(&execution.client, &execution.session_id, &execution.currency)
}

/// Budgets that cover what a client does in a session, in the order in which their rows are locked.
pub(super) fn budget_keys(client: &str, session_id: &str, currency: &str) -> Vec<BudgetKey> {
    let keys = scopes(client, session_id).into_iter().map(|scope| BudgetKey {
        scope,
        currency: currency.to_owned(),
    });
    keys.collect()
}

/// Adds everything posted to the balances of the scopes: the last thing that a transaction does.
pub(super) async fn change_budgets(tx: &mut Tx<'_>) -> Result<()> {
    for (key, mut change) in mem::take(&mut tx.due).changes {
        // What is free, and what was taken back at once, changes nothing and locks nothing.
        change.days.retain(|_, delta| *delta != Balance::default());
        let Some(latest) = change.days.keys().next_back().copied() else {
            continue;
        };
        let mut total = Balance::default();
        for delta in change.days.values() {
            total = total.plus(*delta).ok_or_else(overflow)?;
        }
        let has_limit = add_to_budget(tx, &key, total).await?;
        for (day, delta) in &change.days {
            add_to_day(tx, &key, *day, *delta).await?;
        }
        if change.limited && has_limit {
            // The row is locked now: what is found is what counts.
            let standing = budgets::standing(tx, &key, latest).await?;
            if standing.is_some_and(|budget| budget.shortage(0).is_some()) {
                return Err(overtaken());
            }
        }
    }
    Ok(())
}

/// Changes the balance of all time; the row is locked from here on. Returns whether the budget has a limit.
async fn add_to_budget(tx: &mut Tx<'_>, key: &BudgetKey, delta: Balance) -> Result<bool> {
    let changed = sql(
        "UPDATE budgets SET spent_nanos = spent_nanos + $3, reserved_nanos = reserved_nanos + $4, \
         unknown_held_nanos = unknown_held_nanos + $5 WHERE scope = $1 AND currency = $2 RETURNING limit_nanos",
    )
    .bind(&key.scope)
    .bind(&key.currency)
    .bind(delta.spent_nanos)
    .bind(delta.reserved_nanos)
    .bind(delta.unknown_held_nanos)
    .fetch_optional(tx)
    .await?;
    if let Some(row) = changed {
        return Ok(Fields(&row).optional_nanos("limit_nanos")?.is_some());
    }
    let row = sql(
        "INSERT INTO budgets (scope, currency, spent_nanos, reserved_nanos, unknown_held_nanos) \
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (scope, currency) DO UPDATE SET \
         spent_nanos = budgets.spent_nanos + excluded.spent_nanos, \
         reserved_nanos = budgets.reserved_nanos + excluded.reserved_nanos, \
         unknown_held_nanos = budgets.unknown_held_nanos + excluded.unknown_held_nanos RETURNING limit_nanos",
    )
    .bind(&key.scope)
    .bind(&key.currency)
    .bind(delta.spent_nanos)
    .bind(delta.reserved_nanos)
    .bind(delta.unknown_held_nanos)
    .fetch_one(tx)
    .await?;
    Ok(Fields(&row).optional_nanos("limit_nanos")?.is_some())
}

/// Changes the balance of one day. Under the lock of the budget, so nobody else makes the row at the same time.
async fn add_to_day(tx: &mut Tx<'_>, key: &BudgetKey, day: i64, delta: Balance) -> Result<()> {
    let changed = sql(
        "UPDATE budget_days SET spent_nanos = spent_nanos + $4, reserved_nanos = reserved_nanos + $5, \
         unknown_held_nanos = unknown_held_nanos + $6 WHERE scope = $1 AND currency = $2 AND day = $3",
    )
    .bind(&key.scope)
    .bind(&key.currency)
    .bind(day)
    .bind(delta.spent_nanos)
    .bind(delta.reserved_nanos)
    .bind(delta.unknown_held_nanos)
    .execute(tx)
    .await?;
    if changed > 0 {
        return Ok(());
    }
    sql(
        "INSERT INTO budget_days (scope, currency, day, spent_nanos, reserved_nanos, unknown_held_nanos) \
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(&key.scope)
    .bind(&key.currency)
    .bind(day)
    .bind(delta.spent_nanos)
    .bind(delta.reserved_nanos)
    .bind(delta.unknown_held_nanos)
    .execute(tx)
    .await?;
    Ok(())
}

/// Keeps what is reserved and held on the attempt itself; returns the day in which its money counts. Its bill is
/// written by the verb that settles.
async fn change_attempt(
    tx: &mut Tx<'_>,
    attempt: AttemptId,
    kind: Movement,
    amount_nanos: i64,
) -> Result<i64> {
    let change = kind
        .apply(Balance::default(), amount_nanos)
        .ok_or_else(overflow)?;
    let row = sql("UPDATE attempts SET reserved_nanos = reserved_nanos + $2, \
         unknown_held_nanos = unknown_held_nanos + $3 WHERE id = $1 RETURNING budget_day")
    .bind(attempt.to_string())
    .bind(change.reserved_nanos)
    .bind(change.unknown_held_nanos)
    .fetch_one(tx)
    .await?;
    Fields(&row).number("budget_day")
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

/// Balances as they are kept, of all time. Where nothing is spent, reserved or held there is none.
pub(super) async fn balances(tx: &mut Tx<'_>) -> Result<BTreeMap<BudgetKey, Balance>> {
    let rows = sql(
        "SELECT scope, currency, spent_nanos, reserved_nanos, unknown_held_nanos FROM budgets \
         WHERE spent_nanos <> 0 OR reserved_nanos <> 0 OR unknown_held_nanos <> 0",
    )
    .fetch_all(tx)
    .await?;
    let balances = rows.iter().map(|row| {
        let fields = Fields(row);
        Ok((budgets::key(fields)?, budgets::balance(fields)?))
    });
    balances.collect()
}

/// Balances as they follow from the ledger alone. Where nothing is left there is none.
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
        let balance: &mut Balance = sums.entry(budgets::key(fields)?).or_default();
        *balance = kind
            .apply(*balance, fields.nanos("amount_nanos")?)
            .ok_or_else(overflow)?;
    }
    sums.retain(|_, balance| *balance != Balance::default());
    Ok(sums)
}
