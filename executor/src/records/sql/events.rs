//! The history: appended in the transaction of the change it tells of, numbered from the execution's own
//! counter.

use super::{
    super::{Result, StoredEvent},
    owned::Execution,
    rows::{Fields, damaged},
    statement::sql,
    tx::Tx,
};
use crate::{clock::UnixMicros, events, ids::ExecutionId};
use limn_proto::v1::execution_event::Event;

/// Appends an event; the sequence in the execution grows by one.
pub(super) async fn append(
    tx: &mut Tx<'_>,
    execution: &mut Execution,
    at: UnixMicros,
    event: Event,
) -> Result<()> {
    let sequence = execution.last_sequence + 1;
    let stored = i64::try_from(sequence).map_err(|_| damaged("last_seq", "too great a number"))?;
    sql("INSERT INTO events (execution_id, seq, payload, at_us) VALUES ($1, $2, $3, $4)")
        .bind(execution.id.to_string())
        .bind(stored)
        .bind(events::encode(sequence, at, event))
        .bind(at.0)
        .execute(tx)
        .await?;
    sql("UPDATE executions SET last_seq = $2 WHERE id = $1")
        .bind(execution.id.to_string())
        .bind(stored)
        .execute(tx)
        .await?;
    execution.last_sequence = sequence;
    Ok(())
}

pub(super) const EVENTS_AFTER: &str =
    "SELECT seq, payload FROM events WHERE execution_id = $1 AND seq > $2 ORDER BY seq LIMIT $3";

/// Stored events after a sequence, in order.
pub(super) async fn after(
    tx: &mut Tx<'_>,
    execution: ExecutionId,
    sequence: u64,
    limit: u32,
) -> Result<Vec<StoredEvent>> {
    let rows = sql(EVENTS_AFTER)
        .bind(execution.to_string())
        // Beyond the range of the column there is no event, as there is none after its end.
        .bind(i64::try_from(sequence).unwrap_or(i64::MAX))
        .bind(limit)
        .fetch_all(tx)
        .await?;
    let stored = rows.iter().map(|row| {
        let fields = Fields(row);
        Ok(StoredEvent {
            sequence: fields.number("seq")?,
            payload: fields.bytes("payload")?,
        })
    });
    stored.collect()
}
