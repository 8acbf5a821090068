//! Progress as a stream: a snapshot or a cursor, the stored events after it, and a last snapshot.
//!
//! Once the events of an ended execution were removed, its last snapshot is all there is.
//!
//! Everything comes from the event log, so a stream can be re-attached from any process that sees the database. A
//! watcher that is behind reads it as it is polled, and a slow one costs nobody anything; those that have caught up
//! share what one task reads for all of them (`tail`).

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
    previews,
    records::{ExecutionRecord, ExecutionState, PrunedExecution, RecordError, Standing, StoredEvent},
    snapshot,
};

mod tail;

pub(crate) use tail::Tails;
use tail::{News, Published};

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

/// What a watcher is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sights {
    /// What is stored.
    Events,
    /// Unfinished pictures too. One is sent before the events that were stored after it.
    Previews,
}

/// The progress of an execution.
pub(crate) fn stream(
    inner: Arc<Inner>,
    client: String,
    execution: ExecutionId,
    after: Option<u64>,
    sights: Sights,
) -> BoxStream<'static, Result<v1::ExecutionEvent, WatchError>> {
    // A stranger gets none: the first message is an error then.
    let previews = (sights == Sights::Previews).then(|| inner.previews.subscribe(execution));
    let watcher = Watcher {
        inner,
        client,
        execution,
        cursor: after,
        ready: VecDeque::new(),
        admitted: false,
        tail: None,
        previews,
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
    ready: VecDeque<Arc<v1::ExecutionEvent>>,
    /// It is an execution of the client, and the cursor is one of it.
    admitted: bool,
    /// What all watchers of the execution share.
    tail: Option<Published>,
    /// Unfinished pictures, where they are wanted.
    previews: Option<previews::Shown>,
    ended: bool,
}

impl Watcher {
    async fn next(&mut self) -> Option<Result<v1::ExecutionEvent, WatchError>> {
        if self.admitted
            && !self.ended
            && let Some(preview) = previews::waiting(&mut self.previews)
        {
            return Some(Ok(self.preview(preview)));
        }
        if let Some(event) = self.pop() {
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

    /// The next event that was read.
    fn pop(&mut self) -> Option<v1::ExecutionEvent> {
        let event = self.ready.pop_front()?;
        self.cursor = Some(event.sequence);
        Some(Arc::unwrap_or_clone(event))
    }

    async fn first_snapshot(&mut self) -> Result<v1::ExecutionEvent, WatchError> {
        let record = self.record().await?;
        self.cursor = Some(record.last_sequence);
        self.admitted = true;
        // A snapshot of an ended execution is the first message and the last.
        self.ended = is_resting(record.state);
        Ok(self.snapshot(snapshot::execution(&record)))
    }

    async fn after(&mut self, cursor: u64) -> Result<v1::ExecutionEvent, WatchError> {
        let clock = Arc::clone(&self.inner.parts.clock);
        let quiet_until = clock.now().plus(self.inner.parts.settings.keep_alive);
        loop {
            let news = match &mut self.tail {
                Some(tail) => match tail.borrow_and_update().as_ref() {
                    Some(tail) => tail.after(cursor),
                    None => News::Nothing,
                },
                None if self.admitted => News::Nothing,
                None => News::Elsewhere,
            };
            match news {
                News::Events(events) => self.ready.extend(events),
                News::Rest(execution) => {
                    self.ended = true;
                    return Ok(self.snapshot(Arc::unwrap_or_clone(execution)));
                }
                News::Elsewhere => {
                    if let Some(last) = self.look(cursor).await? {
                        return Ok(last);
                    }
                }
                News::Nothing => {}
            }
            if let Some(event) = self.pop() {
                return Ok(event);
            }
            if self.inner.stopping.is_cancelled() {
                return Err(WatchError::ShuttingDown);
            }
            let Some(tail) = &mut self.tail else {
                self.tail = Some(Tails::subscribe(&self.inner, &self.client, self.execution));
                continue;
            };
            let now = clock.now();
            if now >= quiet_until {
                return Ok(keep_alive(cursor, now));
            }
            tokio::select! {
                biased;
                () = self.inner.stopping.cancelled() => {}
                // Before the events that were stored after it.
                preview = previews::next(&mut self.previews), if self.admitted => {
                    return Ok(self.preview(preview));
                }
                changed = tail.changed() => {
                    if changed.is_err() {
                        // Nobody follows it any more: the watcher learns why by itself.
                        self.tail = None;
                        self.admitted = false;
                    }
                }
                () = clock.sleep(quiet_until.since(now)) => {}
            }
        }
    }

    /// Reads what comes after a cursor from the database. When there is nothing and the execution rests: its last
    /// snapshot.
    async fn look(&mut self, cursor: u64) -> Result<Option<v1::ExecutionEvent>, WatchError> {
        loop {
            // The state first: what rests before the events are read has no event after them.
            let standing = self.standing().await?;
            if cursor > standing.last_sequence {
                let last_sequence = standing.last_sequence;
                return Err(WatchError::OutOfRange { last_sequence });
            }
            self.admitted = true;
            let records = &self.inner.parts.records;
            let stored = records.events_after(self.execution, cursor, BATCH).await?;
            for event in &stored {
                self.ready.push_back(Arc::new(decode(event)?));
            }
            if !stored.is_empty() || !is_resting(standing.state) {
                return Ok(None);
            }
            let record = self.record().await?;
            // A parked execution may have moved on since; then its events come first. Events that were removed do not
            // come any more: the snapshot stands for them.
            if record.last_sequence == cursor || standing.events_pruned {
                self.ended = true;
                return Ok(Some(self.snapshot(snapshot::execution(&record))));
            }
        }
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

    fn preview(&self, preview: Arc<v1::Preview>) -> v1::ExecutionEvent {
        v1::ExecutionEvent {
            sequence: self.cursor.unwrap_or_default(),
            event_time: Some(snapshot::timestamp(self.inner.parts.clock.now())),
            event: Some(Event::Preview(Arc::unwrap_or_clone(preview))),
        }
    }

    fn snapshot(&self, execution: v1::Execution) -> v1::ExecutionEvent {
        v1::ExecutionEvent {
            sequence: execution.last_sequence,
            event_time: Some(snapshot::timestamp(self.inner.parts.clock.now())),
            event: Some(Event::Snapshot(Box::new(execution))),
        }
    }
}

fn decode(stored: &StoredEvent) -> Result<v1::ExecutionEvent, RecordError> {
    v1::ExecutionEvent::decode(stored.payload.as_slice())
        .map_err(|error| RecordError::Damaged(format!("event {}: {error}", stored.sequence)))
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
