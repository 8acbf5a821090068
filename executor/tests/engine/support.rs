//! Plans for the scripted provider, and an executor that can be killed.

use std::{path::Path, sync::Arc, time::Duration};

use futures::StreamExt as _;
use limn_executor::{
    blob::{folder::FolderStore, link::LinkSigner},
    clock::SystemClock,
    executor::{Executor, Order, Parts, Settings},
    ids::{ExecutionId, TimeOrderedIds},
    plan::Plan,
    provider::ImageProvider,
    providers::{Limits, Registry},
    records::{
        Balance, BudgetKey, ExecutionFilter, ExecutionRecord, Page, RecordStore, sqlite::SqliteRecords,
    },
};
use limn_proto::plan::{self as wire, Money};
use tokio::runtime::Runtime;

use crate::scripted::Scripted;

/// What every drawn picture costs, and the ceiling that is reserved for it.
pub(crate) const PRICE_NANOS: i64 = 40_000_000;
pub(crate) const CEILING_NANOS: i64 = 50_000_000;

/// How long a test waits for what must come. Only a failure takes so long.
const LONGEST_WAIT: Duration = Duration::from_secs(120);

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
                    // Pictures of a few pixels have no quality to speak of.
                    scorer: None,
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
        let looked = async {
            loop {
                let record = self.executor.records().execution("tester", execution).await;
                let record = record.unwrap().unwrap();
                if is_so(&record) {
                    return record;
                }
                tokio::task::yield_now().await;
            }
        };
        let found = self.block_on(async { tokio::time::timeout(LONGEST_WAIT, looked).await });
        found.unwrap()
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
