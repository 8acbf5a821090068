//! A thousand watchers of one execution in one process: how long after a commit the last of them has the event, what
//! that costs, and whether it slows the execution.
//!
//! `cargo bench -p limn-executor --bench watch`

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench that cannot go on has failed, and its result is what it prints"
)]

use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt as _;
use image::{DynamicImage, ImageFormat as Codec};
use limn_executor::{
    blob::folder::FolderStore,
    clock::{Clock as _, SystemClock},
    executor::{Executor, Order, Parts, Settings},
    ids::{ExecutionId, TimeOrderedIds},
    plan::{Plan, Render},
    provider::{
        Answer, Bill, Call, CallError, CapabilityClass, ImageProvider, InterpretError, Poll, Rendered,
        Submission,
    },
    providers::Registry,
    records::sqlite::SqliteRecords,
};
use limn_proto::{
    plan::{self as wire, Money},
    v1::{ExecutionState, execution_event::Event},
};
use tokio::sync::{Notify, Semaphore};

const WATCHERS: usize = 1000;
/// Executions whose cancel is told to all watchers.
const ROUNDS: usize = 10;
/// How long watchers may take to come to rest before an event is told.
const REST: Duration = Duration::from_secs(2);
/// Steps of the execution that is watched from its beginning to its end.
const STEPS: usize = 50;

fn main() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    runtime.block_on(async {
        let bench = Bench::start(folder.path()).await;
        bench.one_commit().await;
        bench.whole_execution(0, 0).await;
        bench.whole_execution(1, WATCHERS).await;
    });
}

/// Draws when it is let.
#[derive(Debug)]
struct Easel {
    gate: Semaphore,
    called: Semaphore,
    picture: Bytes,
}

#[async_trait]
impl ImageProvider for Easel {
    fn id(&self) -> &str {
        "easel"
    }

    fn class(&self) -> CapabilityClass {
        CapabilityClass::D
    }

    fn deadline(&self, _render: &Render) -> Duration {
        Duration::from_secs(600)
    }

    async fn submit(&self, _call: &Call<'_>) -> Result<Submission, CallError> {
        self.called.add_permits(1);
        self.gate.acquire().await.unwrap().forget();
        Ok(Submission::Received(Answer {
            media_type: "image/png".to_owned(),
            body: self.picture.clone(),
            ..Answer::default()
        }))
    }

    async fn poll(&self, _call: &Call<'_>, job_id: &str) -> Result<Poll, CallError> {
        unreachable!("no job {job_id} was begun")
    }

    fn interpret(&self, _render: &Render, answer: &Answer) -> Result<Rendered, InterpretError> {
        Ok(Rendered {
            image: answer.body.clone(),
            bill: Bill {
                cost_nanos: Some(1),
                ..Bill::default()
            },
            ..Rendered::default()
        })
    }

    async fn check(&self) -> Result<String, String> {
        Ok("an easel".to_owned())
    }
}

struct Bench {
    executor: Executor,
    easel: Arc<Easel>,
}

impl Bench {
    async fn start(folder: &Path) -> Self {
        let mut picture = std::io::Cursor::new(Vec::new());
        let pixels = DynamicImage::new_rgb8(16, 16);
        pixels.write_to(&mut picture, Codec::Png).unwrap();
        let easel = Arc::new(Easel {
            gate: Semaphore::new(0),
            called: Semaphore::new(0),
            picture: picture.into_inner().into(),
        });
        let provider: Arc<dyn ImageProvider> = Arc::<Easel>::clone(&easel);
        let executor = Executor::start(Parts {
            records: Arc::new(SqliteRecords::open(&folder.join("limn.db")).await.unwrap()),
            blobs: Arc::new(FolderStore::open(&folder.join("blobs"), None).unwrap()),
            providers: Registry::new(vec![provider]),
            clock: Arc::new(SystemClock),
            ids: Arc::new(TimeOrderedIds),
            settings: Settings::default(),
        });
        Self { executor, easel }
    }

    async fn submit(&self, plan: &Plan) -> ExecutionId {
        let submitted = self.executor.submit(plan, &Order::default()).await.unwrap();
        submitted.execution.id
    }

    /// Attaches watchers; each counts when it has seen its execution change to the state.
    async fn watchers(&self, execution: ExecutionId, state: ExecutionState, count: usize) -> Arc<Seen> {
        let attached = Arc::new(Seen::default());
        let seen = Arc::new(Seen::default());
        for _ in 0..count {
            let mut events = self.executor.watch("bench", execution, None);
            let (attached, seen) = (Arc::clone(&attached), Arc::clone(&seen));
            tokio::spawn(async move {
                events.next().await.unwrap().unwrap();
                attached.one(count);
                while let Some(event) = events.next().await {
                    match event.unwrap().event {
                        Some(Event::StateChanged(change)) if change.state() == state => seen.one(count),
                        _ => {}
                    }
                }
            });
        }
        if count > 0 {
            attached.all.notified().await;
        }
        seen
    }

    /// From the commit of one event to the last watcher that has it.
    async fn one_commit(&self) {
        let (mut delays, mut cpu) = (Vec::new(), Duration::ZERO);
        for round in 0..ROUNDS {
            let execution = self.submit(&plan(&format!("round {round}"), 1)).await;
            self.easel.called.acquire().await.unwrap().forget();
            let seen = self
                .watchers(execution, ExecutionState::Cancelling, WATCHERS)
                .await;
            SystemClock.sleep(REST).await;
            let before = cpu_time();
            self.executor.cancel("bench", execution).await.unwrap();
            let committed = Instant::now();
            seen.all.notified().await;
            delays.push(committed.elapsed());
            cpu += cpu_time() - before;
            self.easel.gate.add_permits(1);
            let mut rest = self.executor.watch("bench", execution, None);
            while rest.next().await.is_some() {}
        }
        delays.sort();
        println!(
            "one event to {WATCHERS} watchers: last after {:?} (median of {ROUNDS}), {:?} at worst; {:?} CPU each",
            delays[ROUNDS / 2],
            delays[ROUNDS - 1],
            cpu / u32::try_from(ROUNDS).unwrap(),
        );
    }

    /// How long an execution takes while it is watched.
    async fn whole_execution(&self, number: usize, watchers: usize) {
        let execution = self.submit(&plan(&format!("whole {number}"), STEPS)).await;
        self.easel.called.acquire().await.unwrap().forget();
        let seen = self
            .watchers(execution, ExecutionState::Completed, watchers)
            .await;
        SystemClock.sleep(REST).await;
        let (started, before) = (Instant::now(), cpu_time());
        self.easel.gate.add_permits(STEPS);
        let mut rest = self.executor.watch("bench", execution, None);
        while rest.next().await.is_some() {}
        let ended = started.elapsed();
        if watchers > 0 {
            seen.all.notified().await;
        }
        println!(
            "{STEPS} steps with {watchers} watchers: {ended:?}, last watcher after {:?}; {:?} CPU",
            started.elapsed(),
            cpu_time() - before,
        );
        self.easel
            .called
            .acquire_many(u32::try_from(STEPS - 1).unwrap())
            .await
            .unwrap()
            .forget();
    }
}

/// Counts to a number, and tells when it is reached.
#[derive(Default)]
struct Seen {
    count: AtomicUsize,
    all: Notify,
}

impl Seen {
    fn one(&self, of: usize) {
        if self.count.fetch_add(1, Ordering::SeqCst) + 1 == of {
            self.all.notify_one();
        }
    }
}

/// CPU time of this process so far: user and system, in ticks of a hundredth of a second.
fn cpu_time() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let (_, after_name) = stat.rsplit_once(')').unwrap();
    let ticks: u64 = after_name
        .split_whitespace()
        .skip(11)
        .take(2)
        .map(|field| field.parse::<u64>().unwrap())
        .sum();
    Duration::from_millis(ticks * 10)
}

fn plan(name: &str, steps: usize) -> Plan {
    let money = |nanos| {
        Some(Money {
            currency_code: "USD".to_owned(),
            nanos,
        })
    };
    let step_id = |number: usize| format!("image-{}", number + 1);
    let step = |number: usize| wire::Step {
        step_id: step_id(number),
        targets: vec![wire::RenderSpec {
            format: limn_proto::digest::RENDER_FORMAT.to_owned(),
            provider: "easel".to_owned(),
            model: "easel-1".to_owned(),
            prompt: format!("{name}, picture {number}"),
            width_px: 16,
            height_px: 16,
            seed_mode: wire::SeedMode::Derived.into(),
            seed: 7,
            media_type: "image/png".to_owned(),
            ..Default::default()
        }],
        ..Default::default()
    };
    let line = |number: usize| wire::CostLine {
        step_id: step_id(number),
        target: 0,
        expected: money(1),
        attempt_ceiling: money(1),
        components: vec![wire::CostComponent {
            unit: "image".to_owned(),
            quantity_milli: 1000,
            unit_price: money(1),
            amount: money(1),
        }],
    };
    let total = i64::try_from(steps).unwrap();
    let spec = wire::PlanSpec {
        format: limn_proto::digest::PLAN_FORMAT.to_owned(),
        revision: 1,
        client: "bench".to_owned(),
        kind: wire::PlanKind::Batch.into(),
        steps: (0..steps).map(step).collect(),
        policy: Some(wire::RunPolicy {
            max_concurrency: 4,
            retry: Some(wire::RetryPolicy {
                max_attempts: 1,
                initial_backoff_ms: 1,
                max_backoff_ms: 1,
                multiplier_milli: 1000,
            }),
            ..Default::default()
        }),
        cost: Some(wire::CostEstimate {
            expected: money(total),
            worst_case: money(total),
            lines: (0..steps).map(line).collect(),
        }),
        ..Default::default()
    };
    Plan::parse(&spec).unwrap()
}
