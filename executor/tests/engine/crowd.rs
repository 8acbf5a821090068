//! A provider for executions of hundreds of steps, and processes on either database.

use std::{
    collections::{HashMap, HashSet},
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use futures::StreamExt as _;
use limn_executor::{
    blob::folder::FolderStore,
    clock::{Clock, SystemClock},
    executor::{Executor, Order, Parts, Settings},
    ids::{AttemptId, ExecutionId, TimeOrderedIds},
    plan::{Plan, Render},
    provider::{
        Answer, Bill, Billing, Call, CallError, CapabilityClass, ImageProvider, InterpretError, Poll,
        Rejection, Rendered, Submission,
    },
    providers::Registry,
    records::{ExecutionRecord, RecordStore, postgres::PostgresRecords, sqlite::SqliteRecords},
    testing::{ManualClock, scratch_postgres},
};
use limn_proto::{
    reason::Reason,
    v1::{ExecutionEvent, execution_event::Event},
};
use tokio::{runtime::Runtime, sync::Semaphore};

use crate::{scripted::picture, support::PRICE_NANOS};

const LEASE: Duration = Duration::from_secs(60);

/// A provider that honours idempotency keys and keeps count of what it is asked for.
#[derive(Debug, Default)]
pub(crate) struct Crowd {
    /// Prompts that it refuses, without a bill.
    refused: Mutex<HashSet<String>>,
    /// How often each prompt was drawn; a repeated key is drawn once.
    drawn: Mutex<HashMap<String, HashSet<AttemptId>>>,
    calls: AtomicU32,
    at_once: AtomicU32,
    most_at_once: AtomicU32,
    hold: Option<Hold>,
}

/// Calls after a number of them wait for ever, as at a provider that hangs.
#[derive(Debug)]
struct Hold {
    free: Semaphore,
    held: Semaphore,
}

impl Crowd {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Answers so many calls and no more.
    pub(crate) fn holding_after(calls: usize) -> Arc<Self> {
        Arc::new(Self {
            hold: Some(Hold {
                free: Semaphore::new(calls),
                held: Semaphore::new(0),
            }),
            ..Self::default()
        })
    }

    /// Waits until so many calls are held.
    pub(crate) async fn held(&self, calls: u32) {
        let hold = self.hold.as_ref().unwrap();
        hold.held.acquire_many(calls).await.unwrap().forget();
    }

    /// Answers every call from now on.
    pub(crate) fn let_go(&self) {
        self.hold
            .as_ref()
            .unwrap()
            .free
            .add_permits(Semaphore::MAX_PERMITS / 2);
    }

    pub(crate) fn refuse(&self, prompts: impl IntoIterator<Item = String>) {
        *self.refused.lock().unwrap() = prompts.into_iter().collect();
    }

    pub(crate) fn calls(&self) -> u32 {
        self.calls.load(Ordering::SeqCst)
    }

    pub(crate) fn most_at_once(&self) -> u32 {
        self.most_at_once.load(Ordering::SeqCst)
    }

    /// How many different prompts were drawn, and how many pictures were paid for.
    pub(crate) fn drawn(&self) -> (usize, usize) {
        let drawn = self.drawn.lock().unwrap();
        (drawn.len(), drawn.values().map(HashSet::len).sum())
    }

    async fn answer(&self, call: &Call<'_>) -> Result<Submission, CallError> {
        if let Some(hold) = &self.hold {
            if hold.free.available_permits() == 0 {
                hold.held.add_permits(1);
            }
            hold.free.acquire().await.unwrap().forget();
        }
        let prompt = &call.render.prompt;
        if self.refused.lock().unwrap().contains(prompt) {
            return Err(CallError::Rejected(Rejection {
                reason: Reason::ProviderRejected,
                message: "not this one".to_owned(),
                http_status: Some(400),
                request_id: String::new(),
                retry_after: None,
                billing: Billing::No,
                metadata: Default::default(),
            }));
        }
        let mut drawn = self.drawn.lock().unwrap();
        drawn.entry(prompt.clone()).or_default().insert(call.attempt);
        Ok(Submission::Received(picture(
            call.render.width_px,
            call.render.height_px,
        )))
    }
}

#[async_trait]
impl ImageProvider for Crowd {
    fn id(&self) -> &str {
        "crowd"
    }

    fn class(&self) -> CapabilityClass {
        CapabilityClass::A
    }

    fn deadline(&self, _render: &Render) -> Duration {
        Duration::from_secs(600)
    }

    async fn submit(&self, call: &Call<'_>) -> Result<Submission, CallError> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        let now = self.at_once.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_at_once.fetch_max(now, Ordering::SeqCst);
        // Others get their turn, so that as many calls are open as the executor lets be.
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        let answer = self.answer(call).await;
        self.at_once.fetch_sub(1, Ordering::SeqCst);
        answer
    }

    async fn poll(&self, _call: &Call<'_>, job_id: &str) -> Result<Poll, CallError> {
        unreachable!("no job {job_id} was begun")
    }

    fn interpret(&self, _render: &Render, answer: &Answer) -> Result<Rendered, InterpretError> {
        Ok(Rendered {
            image: answer.body.clone(),
            bill: Bill {
                cost_nanos: Some(PRICE_NANOS),
                ..Bill::default()
            },
            ..Rendered::default()
        })
    }

    async fn check(&self) -> Result<String, String> {
        Ok("a crowd".to_owned())
    }
}

/// A database of its own and a folder of blobs, for any number of processes. Leases go by a clock that stands still:
/// on a busy machine nobody loses one by accident.
pub(crate) struct Place {
    folder: tempfile::TempDir,
    postgres: Option<String>,
    leases: Arc<ManualClock>,
}

impl Place {
    pub(crate) fn sqlite() -> Self {
        Self::of(None)
    }

    /// Nothing when there is no server to test with.
    pub(crate) fn postgres() -> Option<Self> {
        let runtime = Runtime::new().unwrap();
        let address = runtime.block_on(scratch_postgres())?;
        Some(Self::of(Some(address)))
    }

    fn of(postgres: Option<String>) -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            postgres,
            leases: Arc::new(ManualClock::at(SystemClock.now())),
        }
    }

    /// Lets the leases of everybody pass.
    pub(crate) fn pass_leases(&self) {
        self.leases.advance(2 * LEASE);
    }

    async fn records(&self) -> Arc<dyn RecordStore> {
        let leases: Arc<dyn Clock> = Arc::<ManualClock>::clone(&self.leases);
        match &self.postgres {
            Some(address) => {
                let records = PostgresRecords::open_with_clock(address, 8, leases).await;
                Arc::new(records.unwrap())
            }
            None => {
                let file = self.folder.path().join("limn.db");
                let records = SqliteRecords::open_with_clock(&file, leases).await;
                Arc::new(records.unwrap())
            }
        }
    }

    fn blobs(&self) -> &Path {
        self.folder.path()
    }
}

/// An executor in a runtime of its own, so that dropping the runtime is a crash.
pub(crate) struct Process {
    runtime: Runtime,
    executor: Executor,
}

impl Process {
    pub(crate) fn start(place: &Place, crowd: &Arc<Crowd>) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let provider: Arc<dyn ImageProvider> = Arc::<Crowd>::clone(crowd);
        let executor = runtime.block_on(async {
            Executor::start(Parts {
                records: place.records().await,
                blobs: Arc::new(FolderStore::open(&place.blobs().join("blobs"), None).unwrap()),
                providers: Registry::new(vec![provider]),
                clock: Arc::new(SystemClock),
                ids: Arc::new(TimeOrderedIds),
                settings: Settings {
                    poll: Duration::from_millis(50),
                    lease: LEASE,
                    // Long enough for a busy machine.
                    send_margin: LEASE / 3,
                    ..Settings::default()
                },
            })
        });
        Self { runtime, executor }
    }

    /// Ends the process as a power cut would: nothing gets to say good-bye.
    pub(crate) fn crash(self) {
        drop(self.executor);
        self.runtime.shutdown_background();
    }

    pub(crate) fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }

    /// Accepts an order.
    pub(crate) fn submit(&self, plan: &Plan, order: &Order) -> ExecutionId {
        let submitted = self.block_on(self.executor.submit(plan, order)).unwrap();
        submitted.execution.id
    }

    /// Accepts an order and returns the execution once it rests.
    pub(crate) fn run(&self, plan: &Plan, order: &Order) -> ExecutionRecord {
        let id = self.submit(plan, order);
        self.rest(id)
    }

    /// The execution once it rests, after checking its whole history and the books.
    pub(crate) fn rest(&self, id: ExecutionId) -> ExecutionRecord {
        self.block_on(async {
            let events = self.executor.watch("tester", id, Some(0));
            let events: Vec<ExecutionEvent> = events.map(Result::unwrap).collect().await;
            let records = self.executor.records();
            let record = records.execution("tester", id).await.unwrap().unwrap();
            let stored: Vec<u64> = events
                .iter()
                .filter(|event| is_stored(event))
                .map(|event| event.sequence)
                .collect();
            assert!(
                stored.iter().copied().eq(1..=record.last_sequence),
                "the history has no gap"
            );
            assert_eq!(
                records.verify(None).await.unwrap().differences,
                [],
                "the books are right"
            );
            record
        })
    }

    /// How many bytes the history of an execution takes.
    pub(crate) fn history_bytes(&self, id: ExecutionId) -> usize {
        let events = self.executor.records().events_after(id, 0, u32::MAX);
        let events = self.block_on(events).unwrap();
        events.iter().map(|event| event.payload.len()).sum()
    }
}

fn is_stored(event: &ExecutionEvent) -> bool {
    !matches!(event.event, Some(Event::Snapshot(_) | Event::KeepAlive(_)) | None)
}
