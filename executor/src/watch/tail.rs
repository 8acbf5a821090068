//! The newest part of a history, read once for all its watchers in this process.
//!
//! While somebody watches an execution, one task follows it: it reads what a wake-up told of, or what other processes
//! wrote, and publishes the tail. A watcher that is behind the tail reads the database itself until it has caught up,
//! so the tail need not reach far back. The task ends with the last watcher.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use limn_proto::v1;
use tokio::sync::watch;

use super::{BATCH, decode, is_resting};
use crate::{
    executor::Inner,
    ids::ExecutionId,
    records::{RecordError, Standing},
    snapshot,
};

/// Most events in a tail.
const LENGTH: usize = 256;

/// What watchers see; nothing before the first look.
pub(super) type Published = watch::Receiver<Option<Arc<Tail>>>;

/// The newest events of an execution and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Tail {
    standing: Standing,
    /// Sequence of the event before the first one here.
    before: u64,
    events: VecDeque<Arc<v1::ExecutionEvent>>,
    /// The snapshot with which streams end, once the execution rests.
    rest: Option<Arc<v1::Execution>>,
}

/// What a tail says to a watcher.
#[derive(Debug)]
pub(super) enum News {
    /// These events come next.
    Events(Vec<Arc<v1::ExecutionEvent>>),
    /// The execution rests, and this is its last snapshot.
    Rest(Arc<v1::Execution>),
    /// Nothing new.
    Nothing,
    /// The watcher has to look for itself.
    Elsewhere,
}

impl Tail {
    /// An empty tail, which begins where the execution stands.
    fn at(standing: Standing) -> Self {
        Self {
            standing,
            before: standing.last_sequence,
            events: VecDeque::new(),
            rest: None,
        }
    }

    fn last(&self) -> u64 {
        self.events.back().map_or(self.before, |event| event.sequence)
    }

    /// What comes after a cursor.
    pub(super) fn after(&self, cursor: u64) -> News {
        if cursor < self.before {
            return News::Elsewhere;
        }
        if cursor < self.last() {
            let events = self.events.iter().filter(|event| event.sequence > cursor);
            return News::Events(events.cloned().collect());
        }
        match &self.rest {
            Some(rest) if rest.last_sequence == cursor => News::Rest(Arc::clone(rest)),
            // The last snapshot could not be had with the last event: the execution has moved on since.
            _ if is_resting(self.standing.state) => News::Elsewhere,
            _ => News::Nothing,
        }
    }

    /// Adds the event that comes next, and lets go of the oldest one when there are too many.
    fn push(&mut self, event: v1::ExecutionEvent) {
        self.events.push_back(Arc::new(event));
        if self.events.len() > LENGTH
            && let Some(oldest) = self.events.pop_front()
        {
            self.before = oldest.sequence;
        }
    }
}

/// The executions that are followed in this process.
#[derive(Debug, Default)]
pub(crate) struct Tails {
    followed: Mutex<HashMap<ExecutionId, watch::Sender<Option<Arc<Tail>>>>>,
}

impl Tails {
    /// The tail of an execution of a client, kept up to date for as long as somebody holds it. The channel closes when
    /// the history cannot be read, or the process stops.
    pub(super) fn subscribe(inner: &Arc<Inner>, client: &str, execution: ExecutionId) -> Published {
        let mut followed = inner.tails.lock();
        if let Some(publisher) = followed.get(&execution) {
            return publisher.subscribe();
        }
        let (publisher, published) = watch::channel(None);
        followed.insert(execution, publisher.clone());
        let follower = Follower {
            inner: Arc::clone(inner),
            client: client.to_owned(),
            execution,
            publisher,
        };
        tokio::spawn(follower.run());
        published
    }

    /// How many executions are followed.
    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ExecutionId, watch::Sender<Option<Arc<Tail>>>>> {
        self.followed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Follows one execution for all its watchers.
struct Follower {
    inner: Arc<Inner>,
    client: String,
    execution: ExecutionId,
    publisher: watch::Sender<Option<Arc<Tail>>>,
}

impl Follower {
    async fn run(self) {
        // Subscribed before reading, so that a change between reading and waiting wakes at once.
        let mut changes = self.inner.signals.subscribe(self.execution);
        let mut tail = None;
        loop {
            let known = tail.clone();
            match self.look(known).await {
                Ok(looked) => tail = looked,
                Err(error) => {
                    // Every watcher looks for itself now, and tells its caller what is wrong.
                    tracing::warn!(execution = %self.execution, %error, "a history could not be followed");
                    return;
                }
            }
            tokio::select! {
                biased;
                () = self.inner.stopping.cancelled() => return,
                () = self.publisher.closed() => {
                    if self.is_left() {
                        return;
                    }
                }
                _ = changes.changed() => {}
                () = self.inner.parts.clock.sleep(self.inner.parts.settings.poll) => {}
            }
        }
    }

    /// True when nobody watches any more. A watcher that comes after that finds another follower.
    fn is_left(&self) -> bool {
        let mut followed = self.inner.tails.lock();
        let is_left = self.publisher.receiver_count() == 0;
        if is_left {
            followed.remove(&self.execution);
        }
        is_left
    }

    /// Reads what is new and publishes it. Nothing: the execution is gone.
    async fn look(&self, known: Option<Tail>) -> Result<Option<Tail>, RecordError> {
        let records = &self.inner.parts.records;
        // The state first: what rests before the events are read has no event after them.
        let standing = records.standing(&self.client, self.execution).await?;
        let standing = standing.ok_or_else(gone)?;
        if known.as_ref().is_some_and(|tail| tail.standing == standing) {
            return Ok(known);
        }
        let mut tail = known.unwrap_or_else(|| Tail::at(standing));
        tail.standing = standing;
        while tail.last() < standing.last_sequence {
            let stored = records.events_after(self.execution, tail.last(), BATCH).await?;
            if stored.is_empty() {
                // They were removed: whoever has not seen them ends with the last snapshot.
                tail = Tail::at(standing);
            }
            for event in &stored {
                tail.push(decode(event)?);
            }
        }
        tail.rest = None;
        if is_resting(standing.state) {
            let record = records.execution(&self.client, self.execution).await?;
            let record = record.ok_or_else(gone)?;
            tail.rest = Some(Arc::new(snapshot::execution(&record)));
        }
        self.publisher.send_replace(Some(Arc::new(tail.clone())));
        Ok(Some(tail))
    }
}

/// However the task ends: the next watcher begins another one, and those that are left see the channel close.
impl Drop for Follower {
    fn drop(&mut self) {
        let mut followed = self.inner.tails.lock();
        let is_ours = |publisher: &watch::Sender<_>| publisher.same_channel(&self.publisher);
        if followed.get(&self.execution).is_some_and(is_ours) {
            followed.remove(&self.execution);
        }
    }
}

fn gone() -> RecordError {
    RecordError::Unavailable("the execution is gone".into())
}

#[cfg(test)]
mod tests {
    use std::{path::Path, time::Duration};

    use futures::{FutureExt as _, StreamExt as _, stream::BoxStream};
    use limn_proto::plan::PlanKind;
    use uuid::Uuid;

    use super::*;
    use crate::{
        blob::folder::FolderStore,
        clock::SystemClock,
        executor::{Executor, Parts, Settings},
        ids::TimeOrderedIds,
        providers::Registry,
        records::{ExecutionMode, ExecutionState, NewExecution, NewPlan, NewStep, sqlite::SqliteRecords},
        watch::WatchError,
    };

    fn tail(before: u64, last: u64, state: ExecutionState) -> Tail {
        let mut tail = Tail::at(Standing {
            state,
            last_sequence: before,
            events_pruned: false,
        });
        for sequence in before + 1..=last {
            tail.push(v1::ExecutionEvent {
                sequence,
                ..Default::default()
            });
        }
        tail
    }

    /// In words: the sequences that come next, or what else is to be done.
    fn words(news: News) -> String {
        match news {
            News::Events(events) => {
                let sequences = events.iter().map(|event| event.sequence);
                format!("{:?}", sequences.collect::<Vec<_>>())
            }
            News::Rest(execution) => format!("rest at {}", execution.last_sequence),
            News::Nothing => "nothing".to_owned(),
            News::Elsewhere => "elsewhere".to_owned(),
        }
    }

    #[test]
    fn a_tail_serves_exactly_what_it_reaches() {
        let running = tail(4, 7, ExecutionState::Processing);
        for (cursor, expected) in [
            (3, "elsewhere"),
            (4, "[5, 6, 7]"),
            (6, "[7]"),
            (7, "nothing"),
            // The watcher has looked for itself, and is ahead.
            (8, "nothing"),
        ] {
            assert_eq!(words(running.after(cursor)), expected, "after {cursor}");
        }
        let mut ended = tail(4, 7, ExecutionState::Completed);
        assert_eq!(words(ended.after(7)), "elsewhere", "without its last snapshot");
        ended.rest = Some(Arc::new(v1::Execution {
            last_sequence: 7,
            ..Default::default()
        }));
        assert_eq!(words(ended.after(6)), "[7]", "events come first");
        assert_eq!(words(ended.after(7)), "rest at 7");
        assert_eq!(words(ended.after(9)), "elsewhere");
    }

    #[test]
    fn a_tail_is_bounded_and_has_no_gaps() {
        let length = LENGTH as u64;
        let long = tail(0, 3 * length, ExecutionState::Processing);
        assert_eq!(long.events.len(), LENGTH);
        assert_eq!(words(long.after(2 * length - 1)), "elsewhere");
        let News::Events(events) = long.after(2 * length) else {
            panic!("the tail reaches that far back")
        };
        let sequences: Vec<u64> = events.iter().map(|event| event.sequence).collect();
        assert_eq!(sequences, (2 * length + 1..=3 * length).collect::<Vec<_>>());
    }

    /// An executor that runs nothing, and an execution that waits for ever.
    async fn waiting(folder: &Path) -> (Executor, ExecutionId) {
        let records = SqliteRecords::open(&folder.join("limn.db")).await.unwrap();
        let executor = Executor::start(Parts {
            records: Arc::new(records),
            blobs: Arc::new(FolderStore::open(&folder.join("blobs"), None).unwrap()),
            providers: Registry::new(Vec::new()),
            clock: Arc::new(SystemClock),
            ids: Arc::new(TimeOrderedIds),
            settings: Settings {
                max_running_executions: 0,
                // Only wake-ups count.
                poll: Duration::from_secs(3600),
                ..Settings::default()
            },
        });
        let now = executor.inner.parts.clock.now();
        let order = NewExecution {
            id: ExecutionId(Uuid::from_u128(1)),
            plan: NewPlan {
                client: "acme".to_owned(),
                digest_hex: "00".repeat(32),
                canonical_bytes: Vec::new(),
                session_id: String::new(),
                kind: PlanKind::Single,
                now,
            },
            currency: "USD".to_owned(),
            steps: vec![NewStep {
                step_id: "a".to_owned(),
                render_digests: Vec::new(),
                expected_nanos: 0,
            }],
            take: 0,
            request_id: "request".to_owned(),
            request_hash: "hash".to_owned(),
            mode: ExecutionMode::Reuse,
            max_concurrency: 1,
            now,
        };
        executor.records().accept(&order).await.unwrap();
        (executor, order.id)
    }

    type Events = BoxStream<'static, Result<v1::ExecutionEvent, WatchError>>;

    /// A watcher that has caught up and waits.
    async fn attached(executor: &Executor, execution: ExecutionId) -> Events {
        let mut events = executor.watch("acme", execution, None);
        assert_eq!(events.next().await.unwrap().unwrap().sequence, 1);
        // Polled until it waits for the follower.
        while events.next().now_or_never().is_none() && executor.inner.tails.count() == 0 {
            tokio::task::yield_now().await;
        }
        events
    }

    #[tokio::test]
    async fn watchers_of_one_execution_share_a_follower_that_goes_with_the_last_of_them() {
        let folder = tempfile::tempdir().unwrap();
        let (executor, execution) = waiting(folder.path()).await;
        let mut first = attached(&executor, execution).await;
        let mut second = attached(&executor, execution).await;
        assert_eq!(executor.inner.tails.count(), 1);

        executor.cancel("acme", execution).await.unwrap();
        for events in [&mut first, &mut second] {
            assert_eq!(events.next().await.unwrap().unwrap().sequence, 2);
        }
        drop(first);
        executor.records().standing("acme", execution).await.unwrap();
        assert_eq!(executor.inner.tails.count(), 1, "somebody watches still");
        drop(second);
        while executor.inner.tails.count() > 0 {
            tokio::task::yield_now().await;
        }
        let mut third = attached_at(&executor, execution, 2).await;
        executor.shutdown().await;
        let end = third.next().await.unwrap();
        assert!(matches!(end, Err(WatchError::ShuttingDown)), "{end:?}");
    }

    async fn attached_at(executor: &Executor, execution: ExecutionId, after: u64) -> Events {
        let mut events = executor.watch("acme", execution, Some(after));
        while executor.inner.tails.count() == 0 {
            assert!(events.next().now_or_never().is_none(), "nothing comes");
            tokio::task::yield_now().await;
        }
        events
    }

    #[tokio::test]
    async fn a_stranger_learns_nothing_from_the_watchers_of_others() {
        let folder = tempfile::tempdir().unwrap();
        let (executor, execution) = waiting(folder.path()).await;
        let _watching = attached(&executor, execution).await;
        for after in [None, Some(0), Some(1)] {
            let client = "mallory".to_owned();
            let mut events = executor.watch(&client, execution, after);
            let refused = events.next().await.unwrap();
            assert!(matches!(refused, Err(WatchError::NotFound)), "{refused:?}");
        }
        executor.shutdown().await;
    }
}
