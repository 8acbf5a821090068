//! The history: appended in the transaction of the change it tells of, numbered from the execution's own
//! counter.

use super::{
    super::{Result, StoredEvent},
    owned::Execution,
    rows::Fields,
    statement::sql,
    tx::Tx,
};
use crate::{clock::UnixMicros, events, ids::ExecutionId};
use limn_proto::v1::execution_event::Event;

/// Appends an event; the sequence in the execution grows by one.
pub(super) fn append(tx: &mut Tx<'_>, execution: &mut Execution, at: UnixMicros, event: Event) -> Result<()> {
    execution.last_sequence += 1;
    sql("INSERT INTO events (execution_id, seq, payload, at_us)")
        .bind(execution.id.to_string())
        .bind(execution.last_seq()?)
        .bind(events::encode(execution.last_sequence, at, event))
        .bind(at.0)
        .row_later(tx);
    execution.write(tx)
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
