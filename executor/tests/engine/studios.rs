//! Fake providers on the loopback interface, and executors that draw at them.

use std::{collections::BTreeMap, net::SocketAddr, path::Path, sync::Arc, time::Duration};

use futures::StreamExt as _;
use limn_executor::{
    blob::{folder::FolderStore, link::LinkSigner},
    clock::SystemClock,
    executor::{Claiming, Executor, Order, Parts, Settings},
    ids::{ExecutionId, TimeOrderedIds},
    provider::ImageProvider,
    providers::{Connection, Kind, Limits, Registry, Setup},
    records::{ExecutionRecord, RecordStore},
};
use limn_fakes::Fake;
use limn_proto::{
    plan::PlanSpec,
    v1::{ExecutionEvent, execution_event::Event},
};
use secrecy::SecretString;

use crate::support::{plan, spec};

/// What is drawn by whom, by the id: the kind, the fake, the model, and settings of the kind. Other ids are OpenAI's.
const KINDS: [(&str, [&str; 3], Option<&str>); 3] = [
    ("openai", ["openai", "openai", "gpt-image-2"], None),
    (
        "stability",
        ["stability", "stability", "v1/stable-diffusion-xl-1024-v1-0"],
        None,
    ),
    (
        "workshop",
        ["openai-compatible", "stable-diffusion-cpp", "fake"],
        Some("stable-diffusion-cpp"),
    ),
];

fn kind_of(id: &str) -> ([&'static str; 3], Option<&'static str>) {
    let found = KINDS.iter().find(|(known, ..)| *known == id);
    let (_, kind, dialect) = found.unwrap_or(&KINDS[0]);
    (*kind, *dialect)
}

/// A fake provider under an id, with our limits of it.
pub(crate) struct Studio {
    pub(crate) id: &'static str,
    pub(crate) fake: Fake,
    pub(crate) limits: Limits,
}

impl Studio {
    /// One whose calls take this long.
    pub(crate) async fn open(id: &'static str, at_once: Option<u32>, latency: Duration) -> Self {
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let ([_, fake, _], _) = kind_of(id);
        Self {
            id,
            fake: Fake::listen(fake, address, latency).await.unwrap(),
            limits: Limits {
                max_concurrency: at_once,
                calls_per_minute: None,
            },
        }
    }

    fn adapter(&self) -> Arc<dyn ImageProvider> {
        let ([kind, ..], dialect) = kind_of(self.id);
        let dialect = dialect.map(|dialect| ("dialect".to_owned(), dialect.into()));
        let setup = Setup {
            id: self.id.to_owned(),
            key: Some(SecretString::from(Fake::KEY)),
            connection: Connection {
                base_url: Some(self.fake.base_url()),
                ..Connection::default()
            },
            table: dialect.into_iter().collect(),
            ..Setup::default()
        };
        Kind::find(kind).unwrap().build(setup).unwrap()
    }
}

/// An executor that takes what it is asked for, and draws at these studios.
pub(crate) fn executor(
    records: Arc<dyn RecordStore>,
    folder: &Path,
    studios: &[Studio],
    change: impl FnOnce(Settings) -> Settings,
) -> Executor {
    let registry = Registry::new(studios.iter().map(Studio::adapter).collect());
    let limit = |registry: Registry, studio: &Studio| registry.with_limits(studio.id, studio.limits);
    let links = Arc::new(LinkSigner::new([7; 32]));
    Executor::start(Parts {
        records,
        blobs: Arc::new(FolderStore::open(&folder.join("blobs"), Some(links)).unwrap()),
        providers: studios.iter().fold(registry, limit),
        clock: Arc::new(SystemClock),
        ids: Arc::new(TimeOrderedIds),
        settings: change(Settings {
            claiming: Claiming::Asked,
            poll: Duration::from_millis(20),
            ..Settings::default()
        }),
    })
}

/// A plan of so many steps; step by step the next of these lists of providers is its targets.
pub(crate) fn plan_of(name: &str, steps: usize, targets: &[&[&str]]) -> PlanSpec {
    let mut plan = spec(steps, targets[0]);
    plan.policy.as_mut().unwrap().max_concurrency = 32;
    let lines = std::mem::take(&mut plan.cost.as_mut().unwrap().lines);
    let model = lines[0].clone();
    for (number, step) in plan.steps.iter_mut().enumerate() {
        let providers = targets[number % targets.len()];
        let render = step.targets[0].clone();
        step.targets.clear();
        for (target, provider) in (0..).zip(providers) {
            let mut render = render.clone();
            render.provider = (*provider).to_owned();
            let ([.., drawn_by], _) = kind_of(provider);
            render.model = drawn_by.to_owned();
            render.prompt = format!("{name} {number}");
            render.seed_mode = limn_proto::plan::SeedMode::Unsupported.into();
            render.seed = 0;
            step.targets.push(render);
            let mut line = model.clone();
            line.step_id.clone_from(&step.step_id);
            line.target = target;
            plan.cost.as_mut().unwrap().lines.push(line);
        }
    }
    plan
}

/// Orders a plan and follows it until it rests: the record, and every event on the way.
pub(crate) async fn follow(executor: &Executor, spec: &PlanSpec) -> (ExecutionRecord, Vec<ExecutionEvent>) {
    let submitted = executor.submit(&plan(spec), &Order::default()).await.unwrap();
    let id = submitted.execution.id;
    let mut stream = executor.watch("tester", id, Some(0));
    let mut events = Vec::new();
    while let Some(event) = stream.next().await {
        events.push(event.unwrap());
    }
    (record(executor, id).await, events)
}

pub(crate) async fn record(executor: &Executor, id: ExecutionId) -> ExecutionRecord {
    let record = executor.records().execution("tester", id).await;
    record.unwrap().unwrap()
}

/// Fails unless the events have no gap, and every step is told of in the order of its life. Returns how many waits
/// were told.
pub(crate) fn check_events(events: &[ExecutionEvent]) -> usize {
    let mut waits = 0;
    let mut last = 0;
    let mut states: BTreeMap<String, i32> = BTreeMap::new();
    for event in events {
        match event.event.as_ref().unwrap() {
            Event::Snapshot(_) | Event::KeepAlive(_) | Event::Preview(_) => continue,
            Event::StepChanged(step) => {
                let before = states
                    .insert(step.step_id.clone(), step.state)
                    .unwrap_or_default();
                let is_news = before < step.state;
                assert!(
                    is_news || step.wait.is_some() || !step.skipped_targets.is_empty(),
                    "{step:?}"
                );
                assert!(before <= step.state, "{step:?} went back");
                waits += usize::from(step.wait.is_some());
            }
            Event::AttemptChanged(_) | Event::CostChanged(_) | Event::StateChanged(_) => {}
        }
        last += 1;
        assert_eq!(event.sequence, last, "a gap");
    }
    waits
}
