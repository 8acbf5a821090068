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
    clock::{Clock as _, SystemClock},
    executor::{Claiming, Executor, Order, Parts, Settings, SubmitError},
    ids::{ExecutionId, TimeOrderedIds},
    plan::Plan,
    provider::{CapabilityClass, ImageProvider},
    providers::Registry,
    records::{AttemptState, ExecutionRecord, ExecutionState, RecordError, postgres::PostgresRecords},
    testing::scratch_postgres,
    watch::WatchError,
};
use limn_proto::v1::{self, execution_event::Event};

use sqlx::{Connection as _, PgConnection};

use crate::{
    scripted::{Act, Scripted},
    support::{plan, spec},
};

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
        self.process_with(records, |settings| Settings {
            max_running_executions,
            ..settings
        })
    }

    fn process_with(&self, records: PostgresRecords, change: impl FnOnce(Settings) -> Settings) -> Executor {
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
            settings: change(Settings {
                poll,
                lease,
                send_margin: Duration::from_secs(1),
                ..Settings::default()
            }),
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
    a_process_may_take_only_what_it_is_asked_for(D),
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

async fn a_process_may_take_only_what_it_is_asked_for(world: World) {
    let elsewhere = world.process(0).await;
    let other = order(&elsewhere, &plan(&spec(1, &["first"]))).await;
    let records = PostgresRecords::open(&world.url, 4).await.unwrap();
    let visitor = world.process_with(records, |settings| Settings {
        claiming: Claiming::Asked,
        ..settings
    });
    let mut own = spec(2, &["first"]);
    own.steps.remove(0);
    own.cost.as_mut().unwrap().lines.remove(0);
    let own = order(&visitor, &plan(&own)).await;
    assert_eq!(rest(&visitor, own).await.state, ExecutionState::Completed);
    let left = visitor.records().execution("tester", other).await;
    assert_eq!(left.unwrap().unwrap().state, ExecutionState::Pending);
    // To watch it is to ask for it.
    assert_eq!(rest(&visitor, other).await.state, ExecutionState::Completed);
    assert_eq!(world.provider.calls(), 2);
}

/// Ends every connection to the database of a world but its own; returns how many there were.
async fn cut_connections(url: &str) -> u64 {
    let mut connection = PgConnection::connect(url).await.unwrap();
    let cut = sqlx::query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
         WHERE application_name = current_setting('application_name') AND pid <> pg_backend_pid()",
    )
    .execute(&mut connection)
    .await
    .unwrap();
    connection.close().await.unwrap();
    cut.rows_affected()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_are_cut_lose_nothing_and_pay_nothing_twice() {
    let Some(mut world) = World::new(Way::Looking, CapabilityClass::D).await else {
        return;
    };
    world.url = format!("{}&application_name={}", world.url, uuid::Uuid::new_v4());
    let processes = [
        PostgresRecords::open(&world.url, 4).await.unwrap(),
        PostgresRecords::open(&world.url, 4).await.unwrap(),
    ]
    .map(|records| world.process_with(records, |settings| settings));
    let mut executions = Vec::new();
    for number in 0..6 {
        let mut spec = spec(4, &["first"]);
        spec.policy.as_mut().unwrap().max_concurrency = 2;
        for step in &mut spec.steps {
            step.targets[0].prompt = format!("{} of {number}", step.targets[0].prompt);
        }
        executions.push(order(&processes[number % 2], &plan(&spec)).await);
    }
    let cutting = tokio::spawn({
        let url = world.url.clone();
        async move {
            let mut cut = 0;
            for _ in 0..20 {
                cut += cut_connections(&url).await;
                SystemClock.sleep(Duration::from_millis(25)).await;
            }
            cut
        }
    });
    for (number, id) in executions.into_iter().enumerate() {
        let ended = rest_after_failures(&processes[number % 2], id).await;
        assert_eq!(ended.state, ExecutionState::Completed, "{ended:?}");
        for step in &ended.steps {
            let states = step.attempts.iter().map(|attempt| attempt.state);
            let (paid, unpaid): (Vec<_>, Vec<_>) =
                states.partition(|state| *state == AttemptState::Committed);
            assert_eq!(paid.len(), 1);
            assert!(unpaid.iter().all(|state| *state == AttemptState::Abandoned));
        }
    }
    assert!(cutting.await.unwrap() > 20, "hardly anything was cut");
    assert_eq!(world.provider.calls(), 24, "each picture is paid once");
    let records = processes[0].records();
    assert_eq!(
        records.balances().await.unwrap(),
        records.ledger_sums().await.unwrap()
    );
    for process in processes {
        process.shutdown().await;
    }
}

/// The execution once it rests, however often the database fails meanwhile.
async fn rest_after_failures(executor: &Executor, execution: ExecutionId) -> ExecutionRecord {
    let mut after = Some(0);
    loop {
        let mut events = executor.watch("tester", execution, after);
        while let Some(event) = events.next().await {
            match event {
                Ok(event) => after = Some(event.sequence),
                Err(WatchError::Records(RecordError::Unavailable(_))) => break,
                Err(error) => unreachable!("{error}"),
            }
        }
        let record = executor.records().execution("tester", execution).await;
        if let Ok(Some(record)) = record
            && record.state.is_terminal()
        {
            return record;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_connection_is_enough() {
    let Some(world) = World::new(Way::Hints, CapabilityClass::D).await else {
        return;
    };
    let records = PostgresRecords::open(&world.url, 1).await.unwrap();
    let process = world.process_with(records, |settings| settings);
    let mut watching = Vec::new();
    for number in 0..8 {
        let mut spec = spec(4, &["first"]);
        spec.policy.as_mut().unwrap().max_concurrency = 4;
        for step in &mut spec.steps {
            step.targets[0].prompt = format!("{} of {number}", step.targets[0].prompt);
        }
        let id = order(&process, &plan(&spec)).await;
        let process = process.clone();
        watching.push(tokio::spawn(async move { rest(&process, id).await }));
    }
    for watching in watching {
        assert_eq!(watching.await.unwrap().state, ExecutionState::Completed);
    }
    assert_eq!(world.provider.calls(), 32);
    process.shutdown().await;
}
