//! A scripted provider, plans for it, and an executor that can be killed.

use std::{
    collections::VecDeque,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt as _;
use image::{DynamicImage, ImageFormat as Codec};
use limn_executor::{
    blob::{folder::FolderStore, link::LinkSigner},
    clock::SystemClock,
    executor::{Executor, Order, Parts, Settings},
    ids::{ExecutionId, TimeOrderedIds},
    plan::{Plan, Render},
    provider::{
        Answer, Bill, Billing, Call, CallError, CapabilityClass, ImageProvider, InterpretError, Lookup, Poll,
        Rejection, Rendered, Submission,
    },
    providers::{Limits, Registry},
    records::{
        Balance, BudgetKey, ExecutionFilter, ExecutionRecord, Page, RecordStore, sqlite::SqliteRecords,
    },
};
use limn_proto::{
    plan::{self as wire, Money},
    reason::Reason,
};
use tokio::{runtime::Runtime, sync::Semaphore};

/// What the provider does with one call.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// An image of the size asked for.
    Draw,
    /// An image of another size.
    WrongSize,
    /// An answer without an image.
    NoImage,
    /// The connection cannot be made.
    Unsent,
    /// A refusal.
    Reject(Reason, Billing),
    /// A refusal because of too many calls, with a pause that is asked for.
    Busy(Duration),
    /// The answer is lost.
    Lose,
    /// Accepted as a job; it is done after so many questions.
    Job(u32),
    /// Waits until the test lets it draw.
    Hold,
    /// Waits until the test lets it do something else.
    HoldThen(Box<Act>),
}

/// What the provider says when it is asked about a lost call.
#[derive(Clone, Debug)]
pub(crate) enum Word {
    /// It never came.
    Absent,
    /// It is a job, done after so many questions.
    Job(u32),
    /// It is done.
    Done,
    /// The work was refused.
    Refused(Reason),
    /// The question is lost.
    Lost,
}

/// A provider that acts by a script and counts.
#[derive(Debug)]
pub(crate) struct Scripted {
    id: &'static str,
    class: CapabilityClass,
    script: Mutex<VecDeque<Act>>,
    words: Mutex<VecDeque<Word>>,
    /// Answers after a cancel that the work was stopped.
    pub(crate) is_stoppable: AtomicBool,
    /// How long it takes calls of one attempt for the same.
    pub(crate) repeatable_for: Mutex<Duration>,
    pub(crate) cancels: AtomicU32,
    pub(crate) lookups: AtomicU32,
    pub(crate) submits: AtomicU32,
    pub(crate) polls: AtomicU32,
    pub(crate) gate: Semaphore,
    pub(crate) reached: Semaphore,
}

impl Scripted {
    pub(crate) fn new(id: &'static str, class: CapabilityClass) -> Arc<Self> {
        Arc::new(Self {
            id,
            class,
            script: Mutex::default(),
            words: Mutex::default(),
            is_stoppable: AtomicBool::new(false),
            repeatable_for: Mutex::new(Duration::MAX),
            cancels: AtomicU32::new(0),
            lookups: AtomicU32::new(0),
            submits: AtomicU32::new(0),
            polls: AtomicU32::new(0),
            gate: Semaphore::new(0),
            reached: Semaphore::new(0),
        })
    }

    /// The next calls; after them every call draws.
    pub(crate) fn script(&self, acts: impl IntoIterator<Item = Act>) {
        self.script.lock().unwrap().extend(acts);
    }

    /// The next answers about lost calls; after them the last one is repeated. Without any it cannot be asked.
    pub(crate) fn say(&self, words: impl IntoIterator<Item = Word>) {
        *self.words.lock().unwrap() = words.into_iter().collect();
    }

    fn act(&self, act: Act, drawn: Answer) -> Result<Submission, CallError> {
        match act {
            Act::Draw | Act::Hold | Act::HoldThen(_) => Ok(Submission::Received(drawn)),
            Act::WrongSize => Ok(Submission::Received(picture(7, 5))),
            Act::NoImage => Ok(Submission::Received(Answer::default())),
            Act::Unsent => Err(CallError::Unsent {
                message: "connection refused".to_owned(),
            }),
            Act::Reject(reason, billing) => Err(CallError::Rejected(rejection(reason, billing))),
            Act::Busy(pause) => Err(CallError::Rejected(Rejection {
                retry_after: Some(pause),
                ..rejection(Reason::ProviderRateLimited, Billing::No)
            })),
            Act::Lose => Err(CallError::Unknown {
                message: "connection reset".to_owned(),
                http_status: None,
                request_id: String::new(),
                partial_body: drawn.body.slice(..20),
            }),
            Act::Job(questions) => Ok(Submission::Accepted {
                job_id: format!("job-{questions}"),
            }),
        }
    }

    pub(crate) fn calls(&self) -> u32 {
        self.submits.load(Ordering::SeqCst)
    }
}

fn rejection(reason: Reason, billing: Billing) -> Rejection {
    Rejection {
        reason,
        message: "refused by the script".to_owned(),
        http_status: Some(400),
        request_id: "req-2".to_owned(),
        retry_after: None,
        billing,
        metadata: Default::default(),
    }
}

pub(crate) fn picture(width_px: u32, height_px: u32) -> Answer {
    let mut bytes = std::io::Cursor::new(Vec::new());
    DynamicImage::new_rgb8(width_px, height_px)
        .write_to(&mut bytes, Codec::Png)
        .unwrap();
    Answer {
        media_type: "image/png".to_owned(),
        request_id: "req-1".to_owned(),
        body: Bytes::from(bytes.into_inner()),
        ..Answer::default()
    }
}

#[async_trait]
impl ImageProvider for Scripted {
    fn id(&self) -> &str {
        self.id
    }

    fn class(&self) -> CapabilityClass {
        self.class
    }

    fn deadline(&self, _render: &Render) -> Duration {
        Duration::from_secs(30)
    }

    async fn submit(&self, call: &Call<'_>) -> Result<Submission, CallError> {
        self.submits.fetch_add(1, Ordering::SeqCst);
        let act = self.script.lock().unwrap().pop_front().unwrap_or(Act::Draw);
        let drawn = picture(call.render.width_px, call.render.height_px);
        if !matches!(act, Act::Hold | Act::HoldThen(_)) {
            return self.act(act, drawn);
        }
        self.reached.add_permits(1);
        self.gate.acquire().await.unwrap().forget();
        match act {
            Act::HoldThen(act) => self.act(*act, drawn),
            act => self.act(act, drawn),
        }
    }

    async fn lookup(&self, call: &Call<'_>) -> Result<Lookup, CallError> {
        self.lookups.fetch_add(1, Ordering::SeqCst);
        let mut words = self.words.lock().unwrap();
        let word = match words.len() {
            0 => return Ok(Lookup::Impossible),
            1 => words[0].clone(),
            _ => words.pop_front().unwrap(),
        };
        match word {
            Word::Absent => Ok(Lookup::Absent),
            Word::Job(questions) => Ok(Lookup::Pending {
                job_id: format!("job-{questions}"),
            }),
            Word::Done => Ok(Lookup::Received(picture(
                call.render.width_px,
                call.render.height_px,
            ))),
            Word::Refused(reason) => Err(CallError::Rejected(rejection(reason, Billing::No))),
            Word::Lost => Err(CallError::Unknown {
                message: "no answer".to_owned(),
                http_status: None,
                request_id: String::new(),
                partial_body: Bytes::new(),
            }),
        }
    }

    async fn cancel(&self, _call: &Call<'_>, _job_id: &str) -> Result<(), CallError> {
        self.cancels.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    fn repeatable_for(&self) -> Duration {
        *self.repeatable_for.lock().unwrap()
    }

    async fn poll(&self, call: &Call<'_>, job_id: &str) -> Result<Poll, CallError> {
        let asked = self.polls.fetch_add(1, Ordering::SeqCst);
        if self.is_stoppable.load(Ordering::SeqCst) && self.cancels.load(Ordering::SeqCst) > 0 {
            return Err(CallError::Rejected(rejection(
                Reason::CancelledByClient,
                Billing::No,
            )));
        }
        let needed: u32 = job_id.strip_prefix("job-").unwrap().parse().unwrap();
        if asked < needed {
            return Ok(Poll::Pending(Duration::from_millis(1)));
        }
        if needed == u32::MAX {
            self.reached.add_permits(1);
        }
        Ok(Poll::Received(picture(
            call.render.width_px,
            call.render.height_px,
        )))
    }

    fn interpret(&self, _render: &Render, answer: &Answer) -> Result<Rendered, InterpretError> {
        let bill = Bill {
            cost_nanos: Some(PRICE_NANOS),
            ..Bill::default()
        };
        if answer.body.is_empty() {
            let message = "no image in the answer".to_owned();
            return Err(InterpretError {
                reason: Reason::NoImage,
                message,
                bill,
            });
        }
        Ok(Rendered {
            image: answer.body.clone(),
            revised_prompt: "as drawn".to_owned(),
            bill,
            ..Rendered::default()
        })
    }

    async fn check(&self) -> Result<String, String> {
        Ok("scripted".to_owned())
    }
}

/// What every drawn picture costs, and the ceiling that is reserved for it.
pub(crate) const PRICE_NANOS: i64 = 40_000_000;
pub(crate) const CEILING_NANOS: i64 = 50_000_000;

fn money(nanos: i64) -> Option<Money> {
    Some(Money {
        currency_code: "USD".to_owned(),
        nanos,
    })
}

/// A plan of so many steps, each with these providers as targets.
pub(crate) fn spec(steps: usize, providers: &[&str]) -> wire::PlanSpec {
    let step_id = |number: usize| format!("image-{}", number + 1);
    let target = |number: usize, provider: &&str| wire::RenderSpec {
        format: limn_proto::digest::RENDER_FORMAT.to_owned(),
        provider: (*provider).to_owned(),
        model: "model-1".to_owned(),
        prompt: format!("picture {number}"),
        width_px: 24,
        height_px: 16,
        seed_mode: wire::SeedMode::Derived.into(),
        seed: 7,
        media_type: "image/png".to_owned(),
        ..Default::default()
    };
    let line = |number: usize, target: u32| wire::CostLine {
        step_id: step_id(number),
        target,
        expected: money(PRICE_NANOS),
        attempt_ceiling: money(CEILING_NANOS),
        components: vec![wire::CostComponent {
            unit: "image".to_owned(),
            quantity_milli: 1000,
            unit_price: money(PRICE_NANOS),
            amount: money(PRICE_NANOS),
        }],
    };
    let total = PRICE_NANOS * i64::try_from(steps).unwrap();
    wire::PlanSpec {
        format: limn_proto::digest::PLAN_FORMAT.to_owned(),
        revision: 1,
        client: "tester".to_owned(),
        kind: wire::PlanKind::Batch.into(),
        steps: (0..steps)
            .map(|number| wire::Step {
                step_id: step_id(number),
                targets: providers
                    .iter()
                    .map(|provider| target(number, provider))
                    .collect(),
                thumbnails: vec![wire::ThumbnailSpec {
                    width_px: 16,
                    height_px: 16,
                    fit: wire::ThumbnailFit::Cover.into(),
                    quality_percent: 70,
                    media_type: "image/jpeg".to_owned(),
                }],
                ..Default::default()
            })
            .collect(),
        policy: Some(wire::RunPolicy {
            max_concurrency: 1,
            retry: Some(wire::RetryPolicy {
                max_attempts: 3,
                initial_backoff_ms: 1,
                max_backoff_ms: 2,
                multiplier_milli: 2000,
            }),
            ..Default::default()
        }),
        cost: Some(wire::CostEstimate {
            expected: money(total),
            worst_case: money(total * 2),
            lines: (0..steps)
                .flat_map(|number| (0..).zip(providers).map(move |(target, _)| line(number, target)))
                .collect(),
        }),
        ..Default::default()
    }
}

pub(crate) fn plan(spec: &wire::PlanSpec) -> Plan {
    Plan::parse(spec).unwrap()
}

/// An executor in a runtime of its own, so that dropping the runtime is a crash.
pub(crate) struct Process {
    runtime: Runtime,
    pub(crate) executor: Executor,
}

impl Process {
    /// Starts on the folder, after whoever was there before.
    pub(crate) fn start(folder: &Path, providers: &[Arc<Scripted>]) -> Self {
        Self::start_with(folder, providers, |settings| settings)
    }

    /// The same, with other settings.
    pub(crate) fn start_with(
        folder: &Path,
        providers: &[Arc<Scripted>],
        change: impl FnOnce(Settings) -> Settings,
    ) -> Self {
        Self::start_limited(folder, providers, &[], change)
    }

    /// The same, with limits of providers.
    pub(crate) fn start_limited(
        folder: &Path,
        providers: &[Arc<Scripted>],
        limits: &[(&str, Limits)],
        change: impl FnOnce(Settings) -> Settings,
    ) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let providers = providers
            .iter()
            .map(|provider| Arc::clone(provider) as Arc<dyn ImageProvider>);
        let registry = Registry::new(providers.collect());
        let limit = |registry: Registry, limit: &(&str, Limits)| registry.with_limits(limit.0, limit.1);
        let registry = limits.iter().fold(registry, limit);
        let executor = runtime.block_on(async {
            let records = SqliteRecords::open(&folder.join("limn.db")).await.unwrap();
            records.expire_leases().await.unwrap();
            let links = Arc::new(LinkSigner::new([7; 32]));
            let blobs = FolderStore::open(&folder.join("blobs"), Some(links)).unwrap();
            Executor::start(Parts {
                records: Arc::new(records),
                blobs: Arc::new(blobs),
                providers: registry,
                clock: Arc::new(SystemClock),
                ids: Arc::new(TimeOrderedIds),
                settings: change(Settings {
                    poll: Duration::from_millis(20),
                    send_margin: Duration::from_millis(250),
                    ..Settings::default()
                }),
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

    /// Accepts an order and returns the execution once it rests.
    pub(crate) fn run(&self, plan: &Plan, order: &Order) -> ExecutionRecord {
        self.block_on(async {
            let submitted = self.executor.submit(plan, order).await.unwrap();
            self.rest(submitted.execution).await
        })
    }

    /// The execution once it rests.
    pub(crate) async fn rest(&self, execution: ExecutionRecord) -> ExecutionRecord {
        let mut events = self.executor.watch(&execution.client, execution.id, None);
        while let Some(event) = events.next().await {
            event.unwrap();
        }
        let record = self
            .executor
            .records()
            .execution(&execution.client, execution.id)
            .await;
        record.unwrap().unwrap()
    }

    /// The execution once it is as the test waits for it to be.
    pub(crate) fn until(
        &self,
        execution: ExecutionId,
        is_so: impl Fn(&ExecutionRecord) -> bool,
    ) -> ExecutionRecord {
        self.block_on(async {
            loop {
                let record = self.executor.records().execution("tester", execution).await;
                let record = record.unwrap().unwrap();
                if is_so(&record) {
                    return record;
                }
                tokio::task::yield_now().await;
            }
        })
    }

    /// The newest execution that is drawn, or was to be drawn, by this provider.
    pub(crate) fn execution_of(&self, provider: &str) -> ExecutionRecord {
        let page = Page {
            limit: 100,
            after: None,
        };
        let records = self.executor.records();
        let found = self.block_on(records.executions("tester", &ExecutionFilter::default(), &page));
        let drawn_by = |record: &ExecutionRecord| {
            let mut attempts = record.steps.iter().flat_map(|step| &step.attempts);
            attempts.any(|attempt| attempt.provider == provider)
        };
        found.unwrap().into_iter().find(drawn_by).unwrap()
    }

    /// The balance of the client, after checking that the ledger says the same.
    pub(crate) fn balance(&self) -> Balance {
        self.block_on(async {
            let records: &Arc<dyn RecordStore> = self.executor.records();
            let balances = records.balances().await.unwrap();
            assert_eq!(balances, records.ledger_sums().await.unwrap());
            let scope = "clients/tester/budgets/client".to_owned();
            let currency = "USD".to_owned();
            balances
                .get(&BudgetKey { scope, currency })
                .copied()
                .unwrap_or_default()
        })
    }

    /// Keys of stored pictures and of staged answers.
    pub(crate) fn blobs(&self, prefix: &str) -> Vec<String> {
        let keys = self.block_on(self.executor.blobs().list(prefix)).unwrap();
        keys.iter().map(ToString::to_string).collect()
    }
}
