//! Money: each movement is a ledger row for every scope, and in the same transaction changes the balances of the
//! attempt, of the execution and of the scopes.
//!
//! The rows of the scopes are shared by everything that a client does at the same time. So they are changed last, in
//! one statement each whatever was posted, and in the order of their keys: they are locked for the shortest time,
//! and two transactions never wait for each other.

use std::{collections::BTreeMap, mem};

use super::{
    super::{Balance, BudgetKey, CostLine, CostRecord, Movement, Result, scopes},
    attempt::Attempt,
    batch::each,
    budgets,
    owned::Execution,
    rows::{Fields, damaged, overflow},
    statement::{Statement, overtaken, sql},
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

impl Change {
    /// Days whose balance changes.
    fn moved(&self) -> impl Iterator<Item = (i64, Balance)> {
        let days = self.days.iter().map(|(day, delta)| (*day, *delta));
        days.filter(|(_, delta)| *delta != Balance::default())
    }
}

/// Posts one movement of an attempt. It may take a balance above its limit: what is owed is owed.
pub(super) async fn post(
    tx: &mut Tx<'_>,
    execution: &mut Execution,
    attempt: &mut Attempt,
    kind: Movement,
    amount_nanos: i64,
    at: UnixMicros,
) -> Result<()> {
    let turn = turn(tx, attempt.record.id, kind).await?;
    enter(tx, execution, attempt, (kind, &turn), amount_nanos, at)?;
    // Its bill is written by the verb that settles.
    sql("UPDATE attempts SET reserved_nanos = $2, unknown_held_nanos = $3 WHERE id = $1")
        .bind(attempt.record.id.to_string())
        .bind(attempt.reserved_nanos)
        .bind(attempt.record.held_nanos)
        .latest(tx);
    Ok(())
}

/// Enters a movement in the ledger and in all balances, but not in the row of the attempt: the verb writes it. The
/// turn tells movements of the same kind apart.
pub(super) fn enter(
    tx: &mut Tx<'_>,
    execution: &mut Execution,
    attempt: &mut Attempt,
    (kind, turn): (Movement, &str),
    amount_nanos: i64,
    at: UnixMicros,
) -> Result<()> {
    let id = attempt.record.id;
    let kept = Balance {
        spent_nanos: 0,
        reserved_nanos: attempt.reserved_nanos,
        unknown_held_nanos: attempt.record.held_nanos,
    };
    let kept = kind.apply(kept, amount_nanos).ok_or_else(overflow)?;
    attempt.reserved_nanos = kept.reserved_nanos;
    attempt.record.held_nanos = kept.unknown_held_nanos;
    execution.balance = kind.apply(execution.balance, amount_nanos).ok_or_else(overflow)?;
    execution.write(tx)?;
    let day = attempt.budget_day;
    for key in keys(execution) {
        sql("INSERT INTO ledger (event_key, scope, currency, day, kind, amount_nanos, attempt_id, at_us)")
            .bind(format!("{id}/{}{turn}/{}", kind.as_str(), key.scope))
            .bind(&key.scope)
            .bind(&key.currency)
            .bind(day)
            .bind(kind.as_str())
            .bind(amount_nanos)
            .bind(id.to_string())
            .bind(at.0)
            .row_later(tx);
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
    attempt: &mut Attempt,
    at: UnixMicros,
) -> Result<()> {
    let ceiling_nanos = attempt.record.ceiling_nanos;
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

/// Reserves the ceiling of an attempt; the verb writes the row of the attempt. It has looked whether the amount fits the
/// limits; that it still does is made sure when the balances are locked, and else the verb runs again.
pub(super) fn reserve(
    tx: &mut Tx<'_>,
    execution: &mut Execution,
    attempt: &mut Attempt,
    at: UnixMicros,
) -> Result<()> {
    let ceiling_nanos = attempt.record.ceiling_nanos;
    enter(tx, execution, attempt, (Movement::Reserve, ""), ceiling_nanos, at)?;
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
    let mut due = Vec::new();
    for (key, mut change) in mem::take(&mut tx.due).changes {
        // What is free, and what was taken back at once, changes nothing and locks nothing.
        change.days.retain(|_, delta| *delta != Balance::default());
        if change.days.is_empty() {
            continue;
        }
        let mut total = Balance::default();
        for delta in change.days.values() {
            total = total.plus(*delta).ok_or_else(overflow)?;
        }
        due.push((key, change, total));
    }
    // Where rows are locked, each is made before the next one is locked.
    let at_once = if tx.is_alone() { due.len().max(1) } else { 1 };
    for changes in due.chunks(at_once) {
        add(tx, changes).await?;
    }
    Ok(())
}

/// A budget with what changes in it by day and altogether.
type Addition = (BudgetKey, Change, Balance);

/// Adds to the balances of budgets, which are locked from here on, and of their days. Almost always their rows exist.
async fn add(tx: &mut Tx<'_>, additions: &[Addition]) -> Result<()> {
    let mut updates = Vec::new();
    for (key, change, total) in additions {
        if *total != Balance::default() {
            updates.push(update_budget(key, *total));
        }
        updates.extend(change.moved().map(|(day, delta)| update_day(key, day, delta)));
    }
    let mut updated = each(tx, updates).await?.into_iter();
    for (key, change, total) in additions {
        let mut budget = Vec::new();
        if *total != Balance::default() {
            budget = updated.next().unwrap_or_default();
            if budget.is_empty() {
                budget = insert_budget(key, *total).fetch_all(tx).await?;
            }
        }
        for (day, delta) in change.moved() {
            if updated.next().unwrap_or_default().is_empty() {
                insert_day(key, day, delta).later(tx);
            }
        }
        if let Some(budget) = budget.first() {
            let has_limit = Fields(budget).optional_nanos("limit_nanos")?.is_some();
            if has_limit {
                refuse_overtaken(tx, key, change).await?;
            }
        }
    }
    Ok(())
}

/// What is reserved must fit the limit. The row is locked now: what is found is what counts.
async fn refuse_overtaken(tx: &mut Tx<'_>, key: &BudgetKey, change: &Change) -> Result<()> {
    let (true, Some((day, _))) = (change.limited, change.days.last_key_value()) else {
        return Ok(());
    };
    let standing = budgets::standing(tx, key, *day).await?;
    if standing.is_some_and(|budget| budget.shortage(0).is_some()) {
        return Err(overtaken());
    }
    Ok(())
}

/// Changes the balance of all time.
fn update_budget(key: &BudgetKey, delta: Balance) -> Statement {
    sql(
        "UPDATE budgets SET spent_nanos = spent_nanos + $3, reserved_nanos = reserved_nanos + $4, \
         unknown_held_nanos = unknown_held_nanos + $5 WHERE scope = $1 AND currency = $2 RETURNING limit_nanos",
    )
    .bind(&key.scope)
    .bind(&key.currency)
    .bind(delta.spent_nanos)
    .bind(delta.reserved_nanos)
    .bind(delta.unknown_held_nanos)
}

/// The same where the row was missing; somebody else may just have made it.
fn insert_budget(key: &BudgetKey, delta: Balance) -> Statement {
    sql(
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
}

/// Changes the balance of one day.
fn update_day(key: &BudgetKey, day: i64, delta: Balance) -> Statement {
    sql(
        "UPDATE budget_days SET spent_nanos = spent_nanos + $4, reserved_nanos = reserved_nanos + $5, \
         unknown_held_nanos = unknown_held_nanos + $6 WHERE scope = $1 AND currency = $2 AND day = $3 \
         RETURNING day",
    )
    .bind(&key.scope)
    .bind(&key.currency)
    .bind(day)
    .bind(delta.spent_nanos)
    .bind(delta.reserved_nanos)
    .bind(delta.unknown_held_nanos)
}

/// The same where the row was missing; whoever made the budget may have made the day too.
fn insert_day(key: &BudgetKey, day: i64, delta: Balance) -> Statement {
    sql(
        "INSERT INTO budget_days (scope, currency, day, spent_nanos, reserved_nanos, unknown_held_nanos) \
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (scope, currency, day) DO UPDATE SET \
         spent_nanos = budget_days.spent_nanos + excluded.spent_nanos, \
         reserved_nanos = budget_days.reserved_nanos + excluded.reserved_nanos, \
         unknown_held_nanos = budget_days.unknown_held_nanos + excluded.unknown_held_nanos",
    )
    .bind(&key.scope)
    .bind(&key.currency)
    .bind(day)
    .bind(delta.spent_nanos)
    .bind(delta.reserved_nanos)
    .bind(delta.unknown_held_nanos)
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
