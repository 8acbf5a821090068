//! Budgets: what their limits leave in the current period.

use super::{
    super::{
        AuditAction, AuditEvent, Balance, BudgetChange, BudgetKey, BudgetRecord, BudgetShortage,
        BudgetUpdate, Period, RecordError, Result,
    },
    audit,
    rows::{Fields, Row, damaged, overflow},
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

/// One budget as it stands now.
pub(super) async fn find(tx: &mut Tx<'_>, key: &BudgetKey) -> Result<Option<BudgetRecord>> {
    let day = tx.now().await?.day();
    standing(tx, key, day).await
}

/// Budgets of a client in order of scope and currency.
pub(super) async fn list(
    tx: &mut Tx<'_>,
    client: &str,
    after: Option<&BudgetKey>,
    limit: u32,
) -> Result<Vec<BudgetRecord>> {
    let day = tx.now().await?.day();
    let rows = list_query(client, after, limit, day).fetch_all(tx).await?;
    rows.iter().map(|row| record(row, day)).collect()
}

/// The text consists of fixed pieces only; every value is bound.
pub(super) fn list_query(client: &str, after: Option<&BudgetKey>, limit: u32, day: i64) -> Statement {
    let mut query = standings(day);
    // All names that begin so: the character after the slash is the digit 0.
    query.push("b.scope >= ").push_bind(format!("clients/{client}/"));
    query
        .push(" AND b.scope < ")
        .push_bind(format!("clients/{client}0"));
    if let Some(after) = after {
        query
            .push(" AND (b.scope, b.currency) > (")
            .push_bind(&after.scope);
        query.push(", ").push_bind(&after.currency).push(")");
    }
    query.push(" GROUP BY b.scope, b.currency ORDER BY b.scope, b.currency LIMIT ");
    query.push_bind(limit);
    query
}

/// The terms of a budget: what a person decides about it.
struct Terms {
    limit_nanos: Option<i64>,
    period: Period,
    version: i64,
}

/// Changes limit or period, and writes it into the audit log.
pub(super) async fn update(tx: &mut Tx<'_>, update: &BudgetUpdate) -> Result<BudgetChange> {
    let is_expected = |version| update.expected_version.is_none_or(|expected| expected == version);
    let before = match lock(tx, &update.key).await? {
        Some(terms) => terms,
        None if is_expected(0) => make(tx, &update.key).await?,
        None => return Ok(BudgetChange::VersionMismatch(0)),
    };
    if !audit::exists(tx, update.audit_id).await? {
        if !is_expected(before.version) {
            return Ok(BudgetChange::VersionMismatch(before.version));
        }
        change(tx, update, &before)?;
    }
    let budget = find(tx, &update.key).await?;
    Ok(BudgetChange::Changed(budget.ok_or_else(gone)?))
}

fn change(tx: &mut Tx<'_>, update: &BudgetUpdate, before: &Terms) -> Result<()> {
    let limit_nanos = update.limit_nanos.unwrap_or(before.limit_nanos);
    let period = update.period.unwrap_or(before.period);
    sql(
        "UPDATE budgets SET limit_nanos = $3, period = $4, updated_us = $5, version = version + 1 \
         WHERE scope = $1 AND currency = $2",
    )
    .bind(&update.key.scope)
    .bind(&update.key.currency)
    .bind(limit_nanos)
    .bind(period.as_str())
    .bind(update.now.0)
    .later(tx);
    let limit = |nanos: Option<i64>| nanos.map_or_else(|| "none".to_owned(), |nanos| nanos.to_string());
    let details = [
        ("currency", update.key.currency.clone()),
        ("oldLimitNanos", limit(before.limit_nanos)),
        ("limitNanos", limit(limit_nanos)),
        ("oldPeriod", before.period.as_str().to_owned()),
        ("period", period.as_str().to_owned()),
    ];
    let details = details.into_iter().map(|(name, fact)| (name.to_owned(), fact));
    let event = AuditEvent {
        id: update.audit_id,
        client: update.client.clone(),
        at: update.now,
        actor: update.actor.clone(),
        action: AuditAction::BudgetUpdated,
        subject: update.key.scope.clone(),
        reason: update.reason.clone(),
        details: details.collect(),
    };
    audit::append(tx, &event)
}

/// The terms of a budget, which nobody else changes until the commit; nothing: there is no such budget.
async fn lock(tx: &mut Tx<'_>, key: &BudgetKey) -> Result<Option<Terms>> {
    let row = sql("SELECT limit_nanos, period, version FROM budgets WHERE scope = $1 AND currency = $2")
        .bind(&key.scope)
        .bind(&key.currency)
        .locked()
        .fetch_optional(tx)
        .await?;
    let Some(row) = row else {
        return Ok(None);
    };
    let fields = Fields(&row);
    Ok(Some(Terms {
        limit_nanos: fields.optional_nanos("limit_nanos")?,
        period: fields.word("period", Period::parse)?,
        version: fields.number("version")?,
    }))
}

/// Makes a budget without a limit, unless somebody else just did.
async fn make(tx: &mut Tx<'_>, key: &BudgetKey) -> Result<Terms> {
    sql(
        "INSERT INTO budgets (scope, currency, spent_nanos, reserved_nanos, unknown_held_nanos) \
         VALUES ($1, $2, 0, 0, 0) ON CONFLICT (scope, currency) DO NOTHING",
    )
    .bind(&key.scope)
    .bind(&key.currency)
    .later(tx);
    lock(tx, key).await?.ok_or_else(gone)
}

fn gone() -> RecordError {
    damaged("budgets", "nothing after a change")
}

/// The first of these budgets whose limit does not leave so much. They are of one currency. Nothing is locked: what is
/// found may change.
pub(super) async fn shortage(
    tx: &mut Tx<'_>,
    keys: &[BudgetKey],
    day: i64,
    needed_nanos: i64,
) -> Result<Option<BudgetShortage>> {
    let rows = limits(keys, day).fetch_all(tx).await?;
    exceeded(&rows, day, needed_nanos)
}

/// Finds those of these budgets that have a limit. They are of one currency.
pub(super) fn limits(keys: &[BudgetKey], day: i64) -> Statement {
    let mut query = standings(day);
    query.push("b.scope IN (");
    query.push_list(keys.iter().map(|key| &key.scope));
    query.push(") AND b.currency = ");
    query.push_bind(keys.first().map_or("", |key| key.currency.as_str()));
    query.push(" AND b.limit_nanos IS NOT NULL GROUP BY b.scope, b.currency ORDER BY b.scope");
    query
}

/// The first of the budgets that [`limits`] found which does not leave so much.
pub(super) fn exceeded(rows: &[Row], day: i64, needed_nanos: i64) -> Result<Option<BudgetShortage>> {
    if needed_nanos <= 0 {
        return Ok(None);
    }
    for row in rows {
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
