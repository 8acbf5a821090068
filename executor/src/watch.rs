//! Progress as a stream: a snapshot or a cursor, the stored events after it, and a last snapshot.
//!
//! Once the events of an ended execution were removed, its last snapshot is all there is.
//!
//! The stream reads the event log as it is polled, so it can be re-attached from any process that sees the
//! database, and a slow reader costs nobody anything.

use std::{collections::VecDeque, sync::Arc};

use futures::{
    StreamExt as _,
    stream::{self, BoxStream},
};
use limn_proto::v1::{self, execution_event::Event};
use prost::Message as _;

use crate::{
    clock::UnixMicros,
    executor::Inner,
    ids::ExecutionId,
    records::{ExecutionRecord, ExecutionState, PrunedExecution, RecordError, Standing},
    snapshot,
};

/// Events that are read from the log at once.
const BATCH: u32 = 256;

/// Why a stream ended without its last snapshot.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// The client has no such execution.
    #[error("no such execution")]
    NotFound,
    /// The execution was there, and was removed after the retention time.
    #[error("the execution was removed after the retention time")]
    Pruned(PrunedExecution),
    /// The cursor is past the last event.
    #[error("the cursor is past the last event, {last_sequence}")]
    OutOfRange {
        /// Sequence of the last event.
        last_sequence: u64,
    },
    /// The process is shutting down; watch again, at any process, with the last sequence seen.
    #[error("the executor is shutting down")]
    ShuttingDown,
    /// The database failed; watch again with the last sequence seen.
    #[error(transparent)]
    Records(#[from] RecordError),
}

/// The progress of an execution.
pub(crate) fn stream(
    inner: Arc<Inner>,
    client: String,
    execution: ExecutionId,
    after: Option<u64>,
) -> BoxStream<'static, Result<v1::ExecutionEvent, WatchError>> {
    let watcher = Watcher {
        inner,
        client,
        execution,
        cursor: after,
        ready: VecDeque::new(),
        ended: false,
    };
    stream::unfold(watcher, |mut watcher| async move {
        let item = watcher.next().await?;
        watcher.ended |= item.is_err();
        Some((item, watcher))
    })
    .boxed()
}

struct Watcher {
    inner: Arc<Inner>,
    client: String,
    execution: ExecutionId,
    /// Sequence of the last event that was sent; nothing before the first snapshot.
    cursor: Option<u64>,
    /// Events that were read and not yet sent.
    ready: VecDeque<v1::ExecutionEvent>,
    ended: bool,
}

impl Watcher {
    async fn next(&mut self) -> Option<Result<v1::ExecutionEvent, WatchError>> {
        if let Some(event) = self.ready.pop_front() {
            return Some(Ok(event));
        }
        if self.ended {
            return None;
        }
        match self.cursor {
            None => Some(self.first_snapshot().await),
            Some(cursor) => Some(self.after(cursor).await),
        }
    }

    async fn first_snapshot(&mut self) -> Result<v1::ExecutionEvent, WatchError> {
        let record = self.record().await?;
        self.cursor = Some(record.last_sequence);
        // A snapshot of an ended execution is the first message and the last.
        self.ended = is_resting(record.state);
        Ok(self.snapshot(&record))
    }

    async fn after(&mut self, cursor: u64) -> Result<v1::ExecutionEvent, WatchError> {
        // Subscribed before reading, so that a change between reading and waiting wakes at once.
        let mut changes = self.inner.signals.subscribe(self.execution);
        let clock = Arc::clone(&self.inner.parts.clock);
        let settings = self.inner.parts.settings.clone();
        let quiet_until = clock.now().plus(settings.keep_alive);
        loop {
            // The state first: what is terminal before the events are read has no event after them.
            let standing = self.standing().await?;
            if cursor > standing.last_sequence {
                let last_sequence = standing.last_sequence;
                return Err(WatchError::OutOfRange { last_sequence });
            }
            self.read(cursor).await?;
            if let Some(event) = self.ready.pop_front() {
                return Ok(event);
            }
            if is_resting(standing.state) {
                let record = self.record().await?;
                // A parked execution may have moved on since; then its events come first. Events that were removed
                // do not come any more: the snapshot stands for them.
                if record.last_sequence == cursor || standing.events_pruned {
                    self.ended = true;
                    return Ok(self.snapshot(&record));
                }
                continue;
            }
            if self.inner.stopping.is_cancelled() {
                return Err(WatchError::ShuttingDown);
            }
            let now = clock.now();
            if now >= quiet_until {
                return Ok(keep_alive(cursor, now));
            }
            let wait = settings.poll.min(quiet_until.since(now));
            tokio::select! {
                _ = changes.changed() => {}
                () = clock.sleep(wait) => {}
                () = self.inner.stopping.cancelled() => {}
            }
        }
    }

    async fn read(&mut self, cursor: u64) -> Result<(), WatchError> {
        let stored = self
            .inner
            .parts
            .records
            .events_after(self.execution, cursor, BATCH)
            .await?;
        for event in stored {
            let decoded = v1::ExecutionEvent::decode(event.payload.as_slice())
                .map_err(|error| RecordError::Damaged(format!("event {}: {error}", event.sequence)))?;
            self.cursor = Some(event.sequence);
            self.ready.push_back(decoded);
        }
        Ok(())
    }

    async fn standing(&self) -> Result<Standing, WatchError> {
        let standing = self
            .inner
            .parts
            .records
            .standing(&self.client, self.execution)
            .await?;
        match standing {
            Some(standing) => Ok(standing),
            None => Err(self.missing().await),
        }
    }

    async fn record(&self) -> Result<ExecutionRecord, WatchError> {
        let record = self
            .inner
            .parts
            .records
            .execution(&self.client, self.execution)
            .await?;
        match record {
            Some(record) => Ok(record),
            None => Err(self.missing().await),
        }
    }

    /// Why the execution is not there.
    async fn missing(&self) -> WatchError {
        match self
            .inner
            .parts
            .records
            .pruned(&self.client, self.execution)
            .await
        {
            Ok(Some(pruned)) => WatchError::Pruned(pruned),
            Ok(None) => WatchError::NotFound,
            Err(error) => error.into(),
        }
    }

    fn snapshot(&self, record: &ExecutionRecord) -> v1::ExecutionEvent {
        v1::ExecutionEvent {
            sequence: record.last_sequence,
            event_time: Some(snapshot::timestamp(self.inner.parts.clock.now())),
            event: Some(Event::Snapshot(Box::new(snapshot::execution(record)))),
        }
    }
}

/// True for states that a stream ends in.
fn is_resting(state: ExecutionState) -> bool {
    state.is_terminal() || state == ExecutionState::NeedsDecision
}

fn keep_alive(sequence: u64, now: UnixMicros) -> v1::ExecutionEvent {
    v1::ExecutionEvent {
        sequence,
        event_time: Some(snapshot::timestamp(now)),
        event: Some(Event::KeepAlive(v1::KeepAlive {})),
    }
}
