//! A database with budgets, and executors on it that can die.

use std::{path::PathBuf, sync::Arc, time::Duration};

use futures::StreamExt as _;
use limn_executor::{
    blob::folder::FolderStore,
    clock::{Clock as _, SystemClock},
    executor::{Executor, Order, Parts, Settings, SubmitError},
    ids::{ExecutionId, IdSource as _, TimeOrderedIds},
    plan::Plan,
    provider::ImageProvider,
    providers::Registry,
    records::{postgres::PostgresRecords, sqlite::SqliteRecords, *},
    testing::scratch_postgres,
};
use sqlx::{Connection as _, PgConnection};
use tokio::runtime::Runtime;

use crate::studio::Studio;

/// A place for records and blobs, with a provider that outlives every process.
pub(crate) struct World {
    folder: tempfile::TempDir,
    /// Address of the Postgres schema; nothing: the records are in a file.
    url: Option<String>,
    pub(crate) studio: Arc<Studio>,
}

impl World {
    pub(crate) fn sqlite(studio: Arc<Studio>) -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            url: None,
            studio,
        }
    }

    /// Nothing when there is no server to test with.
    pub(crate) fn postgres(studio: Arc<Studio>) -> Option<Self> {
        let url = runtime(1).block_on(scratch_postgres())?;
        Some(Self {
            url: Some(url),
            ..Self::sqlite(studio)
        })
    }

    /// Starts a process with executors that run so many executions at once, 0 of which only takes orders. They share
    /// a file, and have a pool of connections each to a server.
    pub(crate) fn start<const N: usize>(&self, max_running: [u32; N]) -> Process {
        let runtime = runtime(4);
        let executors = runtime.block_on(async {
            let file = match &self.url {
                Some(_) => None,
                None => Some(self.open().await),
            };
            let mut executors = Vec::new();
            for max_running_executions in max_running {
                let records = match &file {
                    Some(records) => Arc::clone(records),
                    None => self.open().await,
                };
                executors.push(self.executor(records, max_running_executions));
            }
            executors
        });
        Process { runtime, executors }
    }

    fn executor(&self, records: Arc<dyn RecordStore>, max_running_executions: u32) -> Executor {
        let blobs = FolderStore::open(&self.folder.path().join("blobs"), None).unwrap();
        let studio = Arc::clone(&self.studio) as Arc<dyn ImageProvider>;
        Executor::start(Parts {
            records,
            blobs: Arc::new(blobs),
            providers: Registry::new(vec![studio]),
            clock: Arc::new(SystemClock),
            ids: Arc::new(TimeOrderedIds),
            settings: Settings {
                max_running_executions,
                poll: Duration::from_millis(50),
                ..Settings::default()
            },
        })
    }

    async fn open(&self) -> Arc<dyn RecordStore> {
        match &self.url {
            Some(url) => Arc::new(PostgresRecords::open(url, 8).await.unwrap()),
            None => Arc::new(SqliteRecords::open(&self.file()).await.unwrap()),
        }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("limn.db")
    }

    /// Ends the leases of processes that died, as time would.
    pub(crate) fn expire_leases(&self) {
        runtime(1).block_on(async {
            match &self.url {
                Some(url) => {
                    let mut connection = PgConnection::connect(url).await.unwrap();
                    let expire = "UPDATE executions SET lease_until_us = 0 WHERE lease_until_us IS NOT NULL";
                    sqlx::query(expire).execute(&mut connection).await.unwrap();
                }
                None => {
                    let records = SqliteRecords::open(&self.file()).await.unwrap();
                    records.expire_leases().await.unwrap();
                    records.close().await;
                }
            }
        });
    }
}

fn runtime(threads: usize) -> Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .enable_all()
        .build()
        .unwrap()
}

/// Executors in a runtime of their own, so that dropping the runtime is their death.
pub(crate) struct Process {
    runtime: Runtime,
    executors: Vec<Executor>,
}

impl Process {
    pub(crate) fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }

    fn first(&self) -> &Executor {
        self.executors.first().unwrap()
    }

    pub(crate) fn records(&self) -> &Arc<dyn RecordStore> {
        self.first().records()
    }

    /// Ends the process as a power cut would: nothing gets to say good-bye.
    pub(crate) fn crash(self) {
        drop(self.executors);
        self.runtime.shutdown_background();
    }

    /// Orders all plans at the first executor, many at a time; what was accepted, and how many were refused because
    /// of a budget.
    pub(crate) fn order(&self, plans: Vec<Plan>) -> (Vec<ExecutionId>, usize) {
        let executor = self.first();
        let answers = self.block_on(async {
            let submits = plans.iter().map(|plan| async move {
                match executor.submit(plan, &Order::default()).await {
                    Ok(submitted) => Some(submitted.execution.id),
                    Err(SubmitError::BudgetExceeded(_)) => None,
                    Err(other) => unreachable!("{other}"),
                }
            });
            let submits: Vec<_> = submits.collect();
            futures::stream::iter(submits)
                .buffer_unordered(100)
                .collect::<Vec<_>>()
                .await
        });
        let refused = answers.iter().filter(|answer| answer.is_none()).count();
        (answers.into_iter().flatten().collect(), refused)
    }

    /// The executions once they rest.
    pub(crate) fn rest(&self, executions: &[ExecutionId]) -> Vec<ExecutionRecord> {
        let executor = self.first();
        self.block_on(async {
            let mut rested = Vec::new();
            for id in executions {
                let mut events = executor.watch("tester", *id, None);
                while let Some(event) = events.next().await {
                    event.unwrap();
                }
                let record = executor.records().execution("tester", *id).await;
                rested.push(record.unwrap().unwrap());
            }
            rested
        })
    }

    /// Limits a budget of the client.
    pub(crate) fn limit(&self, name: &str, limit_nanos: i64, period: Period) {
        let update = BudgetUpdate {
            key: key(name),
            client: "tester".to_owned(),
            limit_nanos: Some(Some(limit_nanos)),
            period: Some(period),
            expected_version: None,
            actor: "ada".to_owned(),
            reason: "a test".to_owned(),
            audit_id: TimeOrderedIds.next(),
            now: SystemClock.now(),
        };
        let changed = self.block_on(self.records().update_budget(&update)).unwrap();
        assert!(matches!(changed, BudgetChange::Changed(_)), "{changed:?}");
    }

    /// The balance of a budget, after a look through the books.
    pub(crate) fn balance(&self, name: &str) -> Balance {
        self.block_on(async {
            let verified = self.records().verify(None).await.unwrap();
            assert_eq!(verified.differences, []);
            let budget = self.records().budget(&key(name)).await.unwrap();
            budget.unwrap().balance
        })
    }
}

fn key(name: &str) -> BudgetKey {
    BudgetKey {
        scope: format!("clients/tester/budgets/{name}"),
        currency: "USD".to_owned(),
    }
}
