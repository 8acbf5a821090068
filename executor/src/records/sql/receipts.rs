//! Evidence about attempts. Rows are only ever added.

use super::{
    super::{AttemptState, Receipt, ReceiptKind, Result},
    attempt, owned,
    parking::wake,
    rows::{Fields, Row, damaged, wrong_state},
    snapshots::receipt_record,
    statement::{Statement, sql},
    tx::Tx,
};
use crate::ids::AttemptId;

/// Adds evidence from whoever has some, and has the execution looked at when it can tell what became of the attempt.
pub(super) async fn add(tx: &mut Tx<'_>, receipt: &Receipt) -> Result<()> {
    let not_here = || wrong_state(format!("attempt {}", receipt.attempt), "unknown here");
    let attempt = attempt::find(tx, receipt.attempt).await?.ok_or_else(not_here)?;
    // Locked first, as everywhere. What is judged about the attempt is judged before or after the evidence.
    let execution = owned::find(tx, attempt.execution).await?.ok_or_else(not_here)?;
    let attempt = attempt::of_execution(tx, &execution, receipt.attempt).await?;
    insert(tx, receipt).await?;
    let state = attempt.record.state;
    let tells = state.is_open() && state != AttemptState::Prepared;
    if tells && receipt.kind != ReceiptKind::PartialAnswer {
        wake(tx, &execution).await?;
    }
    Ok(())
}

/// The evidence about an attempt, in the order in which it came.
pub(super) async fn list(tx: &mut Tx<'_>, attempt: AttemptId) -> Result<Vec<Receipt>> {
    let rows = sql(
        "SELECT kind AS receipt_kind, staging_key, body_sha256, size_bytes, media_type, request_id, headers, \
         at_us FROM receipts WHERE attempt_id = $1 ORDER BY number",
    )
    .bind(attempt.to_string())
    .fetch_all(tx)
    .await?;
    rows.iter()
        .map(|row| receipt_record(Fields(row), attempt))
        .collect()
}

/// Adds evidence; the same evidence twice is one row. Returns its number.
pub(super) async fn insert(tx: &mut Tx<'_>, receipt: &Receipt) -> Result<i64> {
    let place = place(receipt)?.fetch_all(tx).await?;
    insert_at(tx, receipt, &place)
}

/// Finds the same evidence, and the next number of evidence about the attempt.
pub(super) fn place(receipt: &Receipt) -> Result<Statement> {
    let place = sql(
        "SELECT COUNT(*) + 1 AS next, MIN(CASE WHEN kind = $2 AND staging_key = $3 AND body_sha256 = $4 \
         AND size_bytes = $5 AND media_type = $6 AND request_id = $7 AND headers = $8 AND at_us = $9 \
         THEN number END) AS known FROM receipts WHERE attempt_id = $1",
    )
    .bind(receipt.attempt.to_string())
    .bind(receipt.kind.as_str())
    .bind(&receipt.staging_key)
    .bind(&receipt.body_sha256)
    .bind(receipt.size_bytes)
    .bind(&receipt.media_type)
    .bind(&receipt.request_id)
    .bind(headers(receipt)?)
    .bind(receipt.at.0);
    Ok(place)
}

/// Adds evidence at the place that the statement of [`place`] found, unless it is known; returns its number.
pub(super) fn insert_at(tx: &mut Tx<'_>, receipt: &Receipt, place: &[Row]) -> Result<i64> {
    let place = place.first().map(Fields);
    let place = place.ok_or_else(|| damaged("receipts", "no number of rows"))?;
    if let Some(known) = place.optional_number("known")? {
        return Ok(known);
    }
    let number = place.number("next")?;
    sql(
        "INSERT INTO receipts (attempt_id, number, kind, staging_key, body_sha256, size_bytes, \
         media_type, request_id, headers, at_us) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(receipt.attempt.to_string())
    .bind(number)
    .bind(receipt.kind.as_str())
    .bind(&receipt.staging_key)
    .bind(&receipt.body_sha256)
    .bind(receipt.size_bytes)
    .bind(&receipt.media_type)
    .bind(&receipt.request_id)
    .bind(headers(receipt)?)
    .bind(receipt.at.0)
    .later(tx);
    Ok(number)
}

fn headers(receipt: &Receipt) -> Result<String> {
    serde_json::to_string(&receipt.headers).map_err(|_| damaged("headers", "text that is no JSON"))
}
