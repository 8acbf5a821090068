//! Retention: histories are removed some time after their end, in short transactions.

use std::time::Duration;

use super::{
    super::{Pruned, PrunedExecution, Result, Retention},
    rows::Fields,
    statement::{Statement, sql},
    tx::Tx,
};
use crate::{clock::UnixMicros, ids::ExecutionId};

/// Most executions in one transaction: bounds the locks and the lists of values.
const MAX_EXECUTIONS: u32 = 100;

/// Ended executions, oldest first, that nothing keeps: no money is held, no outcome is unknown, no unit is theirs.
const ENDED: &str = "SELECT id, last_seq FROM executions \
    WHERE ended_us IS NOT NULL AND reserved_nanos = 0 AND unknown_held_nanos = 0 \
    AND NOT EXISTS (SELECT 1 FROM attempts WHERE attempts.execution_id = executions.id \
      AND attempts.state = 'unknown') \
    AND NOT EXISTS (SELECT 1 FROM units WHERE units.execution_id = executions.id AND units.state = 'open')";

/// The rules of [`RecordStore::prune`](super::super::RecordStore::prune).
pub(super) async fn prune(tx: &mut Tx<'_>, retention: &Retention, limit: u32) -> Result<Pruned> {
    let now = tx.now().await?;
    if let Some(age) = retention.executions {
        let batch = batch(tx, executions_ended(before(now, age)), limit).await?;
        if !batch.is_empty() {
            remove_executions(tx, &batch, now);
            return Ok(Pruned {
                executions: count(&batch),
                events: 0,
            });
        }
    }
    let Some(age) = retention.events else {
        return Ok(Pruned::default());
    };
    let batch = batch(tx, events_ended(before(now, age)), limit).await?;
    remove_events(tx, &batch, now);
    Ok(Pruned {
        executions: 0,
        events: count(&batch),
    })
}

fn count(executions: &[String]) -> u32 {
    executions.len().try_into().unwrap_or(u32::MAX)
}

fn before(now: UnixMicros, age: Duration) -> UnixMicros {
    let micros = i64::try_from(age.as_micros()).unwrap_or(i64::MAX);
    UnixMicros(now.0.saturating_sub(micros))
}

/// Executions that ended before a time.
pub(super) fn executions_ended(before: UnixMicros) -> Statement {
    ended(before, "")
}

/// Executions that ended before a time and still have their events.
pub(super) fn events_ended(before: UnixMicros) -> Statement {
    ended(before, " AND events_pruned_us IS NULL")
}

fn ended(before: UnixMicros, condition: &'static str) -> Statement {
    let mut query = sql(ENDED);
    query.push(condition);
    query.push(" AND ended_us < ").push_bind(before.0);
    query.push(" ORDER BY ended_us LIMIT ").push_bind(MAX_EXECUTIONS);
    // What another process is at work on is its business.
    query.skip_locked()
}

/// The first executions whose events together stay below the limit; one at least.
async fn batch(tx: &mut Tx<'_>, query: Statement, limit: u32) -> Result<Vec<String>> {
    let mut batch = Vec::new();
    let mut events: u64 = 0;
    for row in &query.fetch_all(tx).await? {
        events = events.saturating_add(Fields(row).number("last_seq")?);
        if events > limit.into() && !batch.is_empty() {
            break;
        }
        batch.push(Fields(row).text("id")?);
    }
    Ok(batch)
}

fn remove_events(tx: &mut Tx<'_>, executions: &[String], now: UnixMicros) {
    if executions.is_empty() {
        return;
    }
    of("DELETE FROM events WHERE execution_id IN (", executions).later(tx);
    let mut note = sql("UPDATE executions SET events_pruned_us = ");
    note.push_bind(now.0).push(" WHERE id IN (");
    note.push_list(executions).push(")");
    note.later(tx);
}

fn remove_executions(tx: &mut Tx<'_>, executions: &[String], now: UnixMicros) {
    let mut note =
        sql("INSERT INTO pruned_executions (id, client, ended_us, pruned_us) SELECT id, client, ended_us, ");
    note.push_bind(now.0).push(" FROM executions WHERE id IN (");
    note.push_list(executions).push(")");
    note.later(tx);
    // What refers to other rows goes before them.
    let mut receipts =
        sql("DELETE FROM receipts WHERE attempt_id IN (SELECT id FROM attempts WHERE execution_id IN (");
    receipts.push_list(executions).push("))");
    receipts.later(tx);
    for delete in [
        "DELETE FROM attempts WHERE execution_id IN (",
        "DELETE FROM steps WHERE execution_id IN (",
        "DELETE FROM events WHERE execution_id IN (",
        "DELETE FROM requests WHERE execution_id IN (",
        "DELETE FROM executions WHERE id IN (",
    ] {
        of(delete, executions).later(tx);
    }
}

/// A statement that ends in a list of executions.
fn of(text: &'static str, executions: &[String]) -> Statement {
    let mut statement = sql(text);
    statement.push_list(executions).push(")");
    statement
}

/// What stays known of a removed execution of a client.
pub(super) async fn pruned(
    tx: &mut Tx<'_>,
    client: &str,
    execution: ExecutionId,
) -> Result<Option<PrunedExecution>> {
    let row = sql("SELECT ended_us, pruned_us FROM pruned_executions WHERE id = $1 AND client = $2")
        .bind(execution.to_string())
        .bind(client)
        .fetch_optional(tx)
        .await?;
    let Some(row) = row else {
        return Ok(None);
    };
    let fields = Fields(&row);
    Ok(Some(PrunedExecution {
        ended_at: fields.time("ended_us")?,
        pruned_at: fields.time("pruned_us")?,
    }))
}
