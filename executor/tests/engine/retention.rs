//! Old histories go by themselves, while the executor runs.

use std::{path::Path, sync::Arc, time::Duration};

use futures::StreamExt as _;
use limn_executor::{
    blob::folder::FolderStore,
    clock::{Clock, SystemClock},
    executor::{Executor, Order, Parts, Settings},
    ids::{ExecutionId, TimeOrderedIds},
    provider::{CapabilityClass, ImageProvider},
    providers::Registry,
    records::sqlite::SqliteRecords,
    testing::ManualClock,
    watch::WatchError,
};
use limn_proto::v1::{ExecutionEvent, execution_event::Event};

use crate::{
    scripted::Scripted,
    support::{plan, spec},
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

async fn start(folder: &Path, clock: &Arc<ManualClock>) -> Executor {
    let clock: Arc<dyn Clock> = Arc::<ManualClock>::clone(clock);
    let file = folder.join("limn.db");
    let records = SqliteRecords::open_with_clock(&file, Arc::clone(&clock))
        .await
        .unwrap();
    let provider: Arc<dyn ImageProvider> = Scripted::new("first", CapabilityClass::D);
    Executor::start(Parts {
        records: Arc::new(records),
        blobs: Arc::new(FolderStore::open(&folder.join("blobs"), None).unwrap()),
        providers: Registry::new(vec![provider]),
        clock,
        ids: Arc::new(TimeOrderedIds),
        settings: Settings {
            prune_every: DAY,
            ..Settings::default()
        },
    })
}

async fn watch(
    executor: &Executor,
    execution: ExecutionId,
    after: Option<u64>,
) -> Result<Vec<ExecutionEvent>, WatchError> {
    let events = executor
        .watch("tester", execution, after)
        .collect::<Vec<_>>()
        .await;
    events.into_iter().collect()
}

fn is_snapshot(event: &ExecutionEvent) -> bool {
    matches!(event.event, Some(Event::Snapshot(_)))
}

#[tokio::test]
async fn a_running_executor_removes_what_is_old_and_a_new_one_what_grew_old_meanwhile() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::at(SystemClock.now()));
    let executor = start(folder.path(), &clock).await;
    let order = Order::default();
    let submitted = executor
        .submit(&plan(&spec(1, &["first"])), &order)
        .await
        .unwrap();
    let id = submitted.execution.id;
    watch(&executor, id, None).await.unwrap();
    let whole = watch(&executor, id, Some(0)).await.unwrap();
    assert!(whole.len() > 2);

    let rest = loop {
        clock.advance(DAY);
        let rest = watch(&executor, id, Some(1)).await.unwrap();
        if rest.iter().all(is_snapshot) {
            break rest;
        }
    };
    assert_eq!(rest.len(), 1);
    assert_eq!(rest[0].event, whole.last().unwrap().event);
    let passed = clock.now().since(submitted.execution.created_at);
    assert!(passed > 30 * DAY, "{passed:?}");
    executor.shutdown().await;

    clock.advance(60 * DAY);
    let executor = start(folder.path(), &clock).await;
    let gone = loop {
        match watch(&executor, id, None).await {
            Ok(_) => tokio::task::yield_now().await,
            Err(error) => break error,
        }
    };
    assert!(matches!(gone, WatchError::Pruned(_)), "{gone:?}");
    let stranger = executor.watch("stranger", id, None).next().await.unwrap();
    assert!(matches!(stranger, Err(WatchError::NotFound)), "{stranger:?}");
    executor.shutdown().await;
}
