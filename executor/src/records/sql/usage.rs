//! What was used of each model, summed up by the database.

use super::{
    super::{Result, UsageRecord},
    rows::{Fields, Row},
    statement::{Statement, sql},
    tx::Tx,
};
use crate::clock::UnixMicros;

/// One line for each provider and model that was called since then, in their order.
pub(super) async fn usage(
    tx: &mut Tx<'_>,
    client: &str,
    currency: &str,
    since: UnixMicros,
) -> Result<Vec<UsageRecord>> {
    let rows = query(client, currency, since).fetch_all(tx).await?;
    rows.iter().map(record).collect()
}

/// The image of an attempt is the one of its unit, as long as it is that attempt which drew it.
pub(super) fn query(client: &str, currency: &str, since: UnixMicros) -> Statement {
    sql("SELECT a.provider, a.model, COUNT(*) AS attempts, \
         SUM(CASE WHEN a.state = 'committed' THEN 1 ELSE 0 END) AS images, \
         SUM(CASE WHEN a.state IN ('rejected', 'failed_paid', 'abandoned', 'written_off') THEN 1 ELSE 0 END) \
           AS failures, \
         SUM(CASE WHEN a.state = 'unknown' THEN 1 ELSE 0 END) AS unknown, \
         CAST(COALESCE(SUM(a.cost_nanos), 0) AS BIGINT) AS cost_nanos, \
         COUNT(a.received_us - a.dispatched_us) AS answers, \
         CAST(COALESCE(SUM(a.received_us - a.dispatched_us), 0) AS BIGINT) AS latency_us, \
         COUNT(i.quality_score_bp) AS scored, \
         CAST(COALESCE(SUM(i.quality_score_bp), 0) AS BIGINT) AS quality_bp \
         FROM attempts a JOIN executions e ON e.id = a.execution_id \
         LEFT JOIN units u ON u.client = a.client AND u.render_digest = a.render_digest AND u.take = a.take \
         LEFT JOIN images i ON i.id = u.image_id AND i.attempt_id = a.id \
         WHERE a.client = $1 AND a.prepared_us >= $2 AND e.currency = $3 \
         GROUP BY a.provider, a.model ORDER BY a.provider, a.model")
    .bind(client)
    .bind(since.0)
    .bind(currency)
}

fn record(row: &Row) -> Result<UsageRecord> {
    let fields = Fields(row);
    Ok(UsageRecord {
        provider: fields.text("provider")?,
        model: fields.text("model")?,
        images: fields.number("images")?,
        attempts: fields.number("attempts")?,
        failures: fields.number("failures")?,
        unknown: fields.number("unknown")?,
        cost_nanos: fields.nanos("cost_nanos")?,
        answers: fields.number("answers")?,
        latency_us: fields.number("latency_us")?,
        scored: fields.number("scored")?,
        quality_bp: fields.number("quality_bp")?,
    })
}
