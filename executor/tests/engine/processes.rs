//! Several processes on one Postgres: what one does, the others see, stop and carry on.
//!
//! Each story is told twice. With hints nobody looks by itself within the hour, so what happens, happens by hints.
//! Without hints everybody looks now and then, which must come to the same.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use futures::StreamExt as _;
use limn_executor::{
    blob::{folder::FolderStore, link::LinkSigner},
    clock::SystemClock,
    executor::{Executor, Order, Parts, Settings, SubmitError},
    ids::{ExecutionId, TimeOrderedIds},
    plan::Plan,
    provider::{CapabilityClass, ImageProvider},
    providers::Registry,
    records::{AttemptState, ExecutionRecord, ExecutionState, postgres::PostgresRecords},
    testing::scratch_postgres,
};
use limn_proto::v1::{self, execution_event::Event};

use crate::support::{Act, Scripted, plan, spec};

/// How processes learn what the others did.
#[derive(Clone, Copy, Debug)]
enum Way {
    Hints,
    Looking,
}

/// A database, a store of pictures and a provider for any number of processes.
struct World {
    way: Way,
    url: String,
    folder: tempfile::TempDir,
    provider: Arc<Scripted>,
}

impl World {
    /// Nothing when there is no server to test with.
    async fn new(way: Way, class: CapabilityClass) -> Option<Self> {
        Some(Self {
            way,
            url: scratch_postgres().await?,
            folder: tempfile::tempdir().unwrap(),
            provider: Scripted::new("first", class),
        })
    }

    /// A process that runs at most so many executions at once.
    async fn process(&self, max_running_executions: u32) -> Executor {
        let records = PostgresRecords::open(&self.url, 4).await.unwrap();
        let (records, poll, lease) = match self.way {
            Way::Hints => (records, HOUR, HOUR),
            Way::Looking => (
                records.without_hints(),
                Duration::from_millis(20),
                Duration::from_secs(3),
            ),
        };
        let links = Arc::new(LinkSigner::new([7; 32]));
        let blobs = FolderStore::open(&self.folder.path().join("blobs"), Some(links)).unwrap();
        Executor::start(Parts {
            records: Arc::new(records),
            blobs: Arc::new(blobs),
            providers: Registry::new(vec![Arc::clone(&self.provider) as Arc<dyn ImageProvider>]),
            clock: Arc::new(SystemClock),
            ids: Arc::new(TimeOrderedIds),
            settings: Settings {
                max_running_executions,
                poll,
                lease,
                send_margin: Duration::from_secs(1),
                ..Settings::default()
            },
        })
    }

    /// Waits until the provider holds one more call.
    async fn held(&self) {
        self.provider.reached.acquire().await.unwrap().forget();
    }

    /// Lets the provider draw one of the pictures that it holds.
    fn draw(&self) {
        self.provider.gate.add_permits(1);
    }
}

const HOUR: Duration = Duration::from_secs(3600);

async fn order(executor: &Executor, plan: &Plan) -> ExecutionId {
    let submitted = executor.submit(plan, &Order::default()).await.unwrap();
    submitted.execution.id
}

/// The execution once it rests, as a process sees it.
async fn rest(executor: &Executor, execution: ExecutionId) -> ExecutionRecord {
    let mut events = executor.watch("tester", execution, None);
    while let Some(event) = events.next().await {
        event.unwrap();
    }
    let record = executor.records().execution("tester", execution).await;
    record.unwrap().unwrap()
}

fn snapshot(event: &v1::ExecutionEvent) -> Option<&v1::Execution> {
    match &event.event {
        Some(Event::Snapshot(execution)) => Some(execution),
        _ => None,
    }
}

macro_rules! stories {
    ($($name:ident($class:ident),)+) => {
        stories! { in hinted by Hints: $($name($class),)+ }
        stories! { in looking by Looking: $($name($class),)+ }
    };
    (in $module:ident by $way:ident: $($name:ident($class:ident),)+) => {
        mod $module {
            use super::{CapabilityClass, Way, World};

            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                if let Some(world) = World::new(Way::$way, CapabilityClass::$class).await {
                    super::$name(world).await;
                }
            })+
        }
    };
}

stories! {
    a_watcher_elsewhere_sees_every_event(D),
    a_cancel_elsewhere_stops_a_run(D),
    an_order_that_finds_no_place_is_run_elsewhere(D),
    whoever_waits_for_a_picture_learns_that_it_was_drawn_elsewhere(D),
    what_a_stopped_process_has_not_begun_goes_on_elsewhere(D),
    accepted_work_of_a_stopped_process_is_fetched_elsewhere(C),
}

async fn a_watcher_elsewhere_sees_every_event(world: World) {
    let (one, watcher) = (world.process(1).await, world.process(0).await);
    world.provider.script([Act::Hold, Act::Hold]);
    let id = order(&one, &plan(&spec(2, &["first"]))).await;
    let events = watcher.watch("tester", id, Some(0));
    let watching = tokio::spawn(events.map(Result::unwrap).collect::<Vec<_>>());
    for _ in 0..2 {
        world.held().await;
        world.draw();
    }
    let events = watching.await.unwrap();
    let (last, events) = events.split_last().unwrap();
    let end = snapshot(last).unwrap();
    assert_eq!(end.state(), v1::ExecutionState::Completed);
    let sequences: Vec<u64> = events.iter().map(|event| event.sequence).collect();
    assert_eq!(sequences, (1..=last.sequence).collect::<Vec<_>>());
    assert!(events.iter().all(|event| snapshot(event).is_none()));
}

async fn a_cancel_elsewhere_stops_a_run(world: World) {
    let (one, other) = (world.process(1).await, world.process(0).await);
    // No call can be made, and each wait may be as long as ten minutes.
    world.provider.script(vec![Act::Unsent; 10]);
    let mut patient = spec(1, &["first"]);
    let retry = patient.policy.as_mut().unwrap().retry.as_mut().unwrap();
    retry.max_attempts = 10;
    (retry.initial_backoff_ms, retry.max_backoff_ms) = (600_000, 600_000);
    let id = order(&one, &plan(&patient)).await;
    while world.provider.calls() == 0 {
        tokio::task::yield_now().await;
    }
    let asked = other.cancel("tester", id).await.unwrap().unwrap();
    assert!(asked.cancel_requested);
    let ended = rest(&other, id).await;
    assert_eq!(ended.state, ExecutionState::Cancelled);
    assert!(world.provider.calls() < 10);
}

async fn an_order_that_finds_no_place_is_run_elsewhere(world: World) {
    let one = world.process(1).await;
    world.provider.script([Act::Hold]);
    let first = order(&one, &plan(&spec(1, &["first"]))).await;
    world.held().await;
    let _other = world.process(1).await;
    let second = order(&one, &plan(&spec(2, &["first"]))).await;
    // Its first picture is the one that is being drawn.
    world.provider.script([Act::Hold]);
    world.draw();
    world.held().await;
    world.draw();
    assert_eq!(rest(&one, first).await.state, ExecutionState::Completed);
    let ended = rest(&one, second).await;
    assert_eq!(ended.state, ExecutionState::Completed);
    assert_eq!(world.provider.calls(), 2);
}

async fn whoever_waits_for_a_picture_learns_that_it_was_drawn_elsewhere(world: World) {
    let one = world.process(1).await;
    world.provider.script([Act::Hold]);
    let first = order(&one, &plan(&spec(1, &["first"]))).await;
    world.held().await;
    let other = world.process(1).await;
    let mut twin = spec(1, &["first"]);
    twin.session_id = "another plan for the same picture".to_owned();
    let second = order(&other, &plan(&twin)).await;
    let mut events = other.watch("tester", second, Some(0));
    while let Some(event) = events.next().await {
        if matches!(event.unwrap().event, Some(Event::StepChanged(_))) {
            break;
        }
    }
    world.draw();
    let ended = rest(&other, second).await;
    assert_eq!(ended.state, ExecutionState::Completed);
    assert!(ended.steps[0].attempts.is_empty());
    assert_eq!(rest(&one, first).await.state, ExecutionState::Completed);
    assert_eq!(world.provider.calls(), 1);
}

async fn what_a_stopped_process_has_not_begun_goes_on_elsewhere(world: World) {
    let one = world.process(1).await;
    world.provider.script([Act::Hold]);
    let id = order(&one, &plan(&spec(3, &["first"]))).await;
    world.held().await;
    let other = world.process(1).await;
    let stopping = tokio::spawn({
        let one = one.clone();
        async move { one.shutdown().await }
    });
    let refused = loop {
        match one.submit(&plan(&spec(3, &["first"])), &Order::default()).await {
            Ok(joined) => assert!(joined.existing),
            Err(refused) => break refused,
        }
    };
    assert!(matches!(refused, SubmitError::ShuttingDown), "{refused}");
    assert!(!stopping.is_finished(), "a call in flight is waited for");
    world.draw();
    stopping.await.unwrap();
    let ended = rest(&other, id).await;
    assert_eq!(ended.state, ExecutionState::Completed);
    for step in &ended.steps {
        let states: Vec<_> = step.attempts.iter().map(|attempt| attempt.state).collect();
        assert_eq!(states, [AttemptState::Committed]);
    }
    assert_eq!(world.provider.calls(), 3, "no call was made again");
}

async fn accepted_work_of_a_stopped_process_is_fetched_elsewhere(world: World) {
    let one = world.process(1).await;
    world.provider.script([Act::Job(u32::MAX - 1)]);
    let id = order(&one, &plan(&spec(1, &["first"]))).await;
    while world.provider.polls.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    let other = world.process(1).await;
    one.shutdown().await;
    world.provider.polls.store(u32::MAX - 1, Ordering::SeqCst);
    let ended = rest(&other, id).await;
    assert_eq!(ended.state, ExecutionState::Completed);
    assert_eq!(world.provider.calls(), 1);
}
