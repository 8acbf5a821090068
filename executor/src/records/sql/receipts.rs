//! Evidence about attempts. Rows are only ever added.

use super::{
    super::{AttemptState, Receipt, ReceiptKind, Result},
    attempts, owned,
    parking::wake,
    rows::{Fields, damaged, wrong_state},
    snapshots::receipt_record,
    statement::sql,
    tx::Tx,
};
use crate::ids::AttemptId;

/// Adds evidence from whoever has some, and has the execution looked at when it can tell what became of the attempt.
pub(super) async fn add(tx: &mut Tx<'_>, receipt: &Receipt) -> Result<()> {
    let not_here = || wrong_state(format!("attempt {}", receipt.attempt), "unknown here");
    let (execution, ..) = attempts::find(tx, receipt.attempt).await?.ok_or_else(not_here)?;
    // Locked first, as everywhere. What is judged about the attempt is judged before or after the evidence.
    let execution = owned::find(tx, execution).await?.ok_or_else(not_here)?;
    let (_, attempt) = attempts::of_execution(tx, &execution, receipt.attempt).await?;
    insert(tx, receipt).await?;
    let tells = attempt.state.is_open() && attempt.state != AttemptState::Prepared;
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
    let headers =
        serde_json::to_string(&receipt.headers).map_err(|_| damaged("headers", "text that is no JSON"))?;
    let known = sql(
        "SELECT number FROM receipts WHERE attempt_id = $1 AND kind = $2 AND staging_key = $3 \
         AND body_sha256 = $4 AND size_bytes = $5 AND media_type = $6 AND request_id = $7 \
         AND headers = $8 AND at_us = $9",
    )
    .bind(receipt.attempt.to_string())
    .bind(receipt.kind.as_str())
    .bind(&receipt.staging_key)
    .bind(&receipt.body_sha256)
    .bind(receipt.size_bytes)
    .bind(&receipt.media_type)
    .bind(&receipt.request_id)
    .bind(&headers)
    .bind(receipt.at.0)
    .fetch_optional(tx)
    .await?;
    if let Some(row) = known {
        return Fields(&row).number("number");
    }
    let row = sql(
        "INSERT INTO receipts (attempt_id, number, kind, staging_key, body_sha256, size_bytes, \
         media_type, request_id, headers, at_us) \
         SELECT $1, COUNT(*) + 1, $2, $3, $4, $5, $6, $7, $8, $9 FROM receipts WHERE attempt_id = $1 \
         RETURNING number",
    )
    .bind(receipt.attempt.to_string())
    .bind(receipt.kind.as_str())
    .bind(&receipt.staging_key)
    .bind(&receipt.body_sha256)
    .bind(receipt.size_bytes)
    .bind(&receipt.media_type)
    .bind(&receipt.request_id)
    .bind(&headers)
    .bind(receipt.at.0)
    .fetch_one(tx)
    .await?;
    Fields(&row).number("number")
}
