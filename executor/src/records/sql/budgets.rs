//! Budgets: what their limits leave in the current period.

use super::{
    super::{Balance, BudgetKey, BudgetRecord, BudgetShortage, Period, Result},
    rows::{Fields, Row, overflow},
    statement::{Statement, sql},
    tx::Tx,
};
use crate::clock::UnixMicros;

/// Budgets as they stand in the period that a day lies in. Conditions follow; values 1 to 3 are taken.
fn standings(day: i64) -> Statement {
    let month = Period::Month.days(day).unwrap_or(day..day);
    sql(
        "SELECT b.scope, b.currency, b.limit_nanos, b.period, b.updated_us, b.version, \
         CASE b.period WHEN 'never' THEN b.spent_nanos \
           ELSE CAST(COALESCE(SUM(d.spent_nanos), 0) AS BIGINT) END AS spent_nanos, \
         CASE b.period WHEN 'never' THEN b.reserved_nanos \
           ELSE CAST(COALESCE(SUM(d.reserved_nanos), 0) AS BIGINT) END AS reserved_nanos, \
         CASE b.period WHEN 'never' THEN b.unknown_held_nanos \
           ELSE CAST(COALESCE(SUM(d.unknown_held_nanos), 0) AS BIGINT) END AS unknown_held_nanos \
         FROM budgets b LEFT JOIN budget_days d ON d.scope = b.scope AND d.currency = b.currency \
         AND b.period <> 'never' AND d.day >= CASE b.period WHEN 'day' THEN $1 ELSE $2 END \
         AND d.day < CASE b.period WHEN 'day' THEN $1 + 1 ELSE $3 END WHERE ",
    )
    .bind(day)
    .bind(month.start)
    .bind(month.end)
}

/// One budget as it stands in the period that a day lies in.
pub(super) async fn standing(tx: &mut Tx<'_>, key: &BudgetKey, day: i64) -> Result<Option<BudgetRecord>> {
    let mut query = standings(day);
    query.push("b.scope = ").push_bind(&key.scope);
    query.push(" AND b.currency = ").push_bind(&key.currency);
    query.push(" GROUP BY b.scope, b.currency");
    let row = query.fetch_optional(tx).await?;
    row.as_ref().map(|row| record(row, day)).transpose()
}

/// The first of these budgets whose limit does not leave so much. They are of one currency. Nothing is locked: what is
/// found may change.
pub(super) async fn shortage(
    tx: &mut Tx<'_>,
    keys: &[BudgetKey],
    day: i64,
    needed_nanos: i64,
) -> Result<Option<BudgetShortage>> {
    let (Some(first), true) = (keys.first(), needed_nanos > 0) else {
        return Ok(None);
    };
    let mut query = standings(day);
    query.push("b.scope IN (");
    query.push_list(keys.iter().map(|key| &key.scope));
    query.push(") AND b.currency = ").push_bind(&first.currency);
    query.push(" AND b.limit_nanos IS NOT NULL GROUP BY b.scope, b.currency ORDER BY b.scope");
    for row in &query.fetch_all(tx).await? {
        if let Some(shortage) = record(row, day)?.shortage(needed_nanos) {
            return Ok(Some(shortage));
        }
    }
    Ok(None)
}

fn record(row: &Row, day: i64) -> Result<BudgetRecord> {
    let fields = Fields(row);
    let period = fields.word("period", Period::parse)?;
    let updated_at = fields.time("updated_us")?;
    let budget = BudgetRecord {
        key: key(fields)?,
        limit_nanos: fields.optional_nanos("limit_nanos")?,
        period,
        balance: balance(fields)?,
        period_start: period.start(day),
        reset_at: period.reset_at(day),
        updated_at: (updated_at != UnixMicros(0)).then_some(updated_at),
        version: fields.number("version")?,
    };
    budget.balance.committed_nanos().ok_or_else(overflow)?;
    Ok(budget)
}

pub(super) fn key(fields: Fields<'_>) -> Result<BudgetKey> {
    Ok(BudgetKey {
        scope: fields.text("scope")?,
        currency: fields.text("currency")?,
    })
}

pub(super) fn balance(fields: Fields<'_>) -> Result<Balance> {
    Ok(Balance {
        spent_nanos: fields.nanos("spent_nanos")?,
        reserved_nanos: fields.nanos("reserved_nanos")?,
        unknown_held_nanos: fields.nanos("unknown_held_nanos")?,
    })
}
