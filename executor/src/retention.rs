//! Removes old histories: at the start and now and then, until nothing is left to remove.
//!
//! Any number of processes may do so at once: what one is removing, the others pass over.

use std::sync::Arc;

use crate::{
    executor::Inner,
    records::{Pruned, RecordError},
};

/// Most events that one transaction removes. Short enough that on SQLite, where there is one writer, nobody waits for
/// it longer than for a slow disk.
const BATCH: u32 = 2_000;

/// Prunes at the start, and again each period, for as long as the process takes work.
pub(crate) async fn prune_loop(inner: Arc<Inner>) {
    let retention = &inner.parts.settings.retention;
    if retention.events.is_none() && retention.executions.is_none() {
        return;
    }
    while !inner.stopping.is_cancelled() {
        match prune(&inner).await {
            Ok(pruned) if pruned.is_nothing() => {}
            Ok(Pruned { events, executions }) => {
                tracing::info!(
                    events_of = events,
                    executions,
                    "old histories were removed, as the retention says"
                );
            }
            Err(error) => tracing::error!(%error, "old histories could not be removed"),
        }
        tokio::select! {
            biased;
            () = inner.stopping.cancelled() => {}
            () = inner.parts.clock.sleep(inner.parts.settings.prune_every) => {}
        }
    }
}

/// Removes until nothing is left, or the process stops; returns what was removed.
async fn prune(inner: &Inner) -> Result<Pruned, RecordError> {
    let mut sum = Pruned::default();
    while !inner.stopping.is_cancelled() {
        let pruned = inner
            .parts
            .records
            .prune(&inner.parts.settings.retention, BATCH)
            .await?;
        if pruned.is_nothing() {
            break;
        }
        sum.events = sum.events.saturating_add(pruned.events);
        sum.executions = sum.executions.saturating_add(pruned.executions);
    }
    Ok(sum)
}
