//! Databases of their own for a golden, and executors on them.

use std::{path::PathBuf, sync::Arc};

use limn_executor::{
    blob::{BlobMetadata, BlobStore as _, folder::FolderStore},
    clock::{Clock, SystemClock},
    executor::{Executor, Parts, Settings},
    ids::TimeOrderedIds,
    provider::ImageProvider,
    providers::Registry,
    records::{RecordStore, Retention, postgres::PostgresRecords, sqlite::SqliteRecords},
    testing::{ManualClock, scratch_postgres},
};
use sqlx::{
    AssertSqlSafe, Connection as _, PgConnection, PgPool, SqliteConnection, SqlitePool, migrate::Migrator,
    sqlite::SqliteConnectOptions,
};

use crate::{
    easel::Easel,
    golden::{self, Dialect},
    story::BEGIN,
};

/// An empty database and an empty store. Leases go by a clock that stands where the story begins.
pub(crate) struct Place {
    folder: tempfile::TempDir,
    postgres: Option<String>,
    pub(crate) clock: Arc<ManualClock>,
}

/// A budget in a day: scope, day since the Unix epoch, and what is spent, reserved and held, in nanos.
pub(crate) type Day = (String, i64, i64, i64, i64);

impl Place {
    pub(crate) fn sqlite() -> Self {
        Self::of(None)
    }

    /// Nothing when there is no server to test with.
    pub(crate) async fn postgres() -> Option<Self> {
        scratch_postgres().await.map(|address| Self::of(Some(address)))
    }

    fn of(postgres: Option<String>) -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            postgres,
            clock: Arc::new(ManualClock::at(BEGIN)),
        }
    }

    pub(crate) fn dialect(&self) -> Dialect {
        match self.postgres {
            Some(_) => Dialect::Postgres,
            None => Dialect::Sqlite,
        }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("limn.db")
    }

    pub(crate) async fn sqlite_connection(&self) -> SqliteConnection {
        let options = SqliteConnectOptions::new().filename(self.file());
        SqliteConnection::connect_with(&options).await.unwrap()
    }

    pub(crate) async fn postgres_connection(&self) -> PgConnection {
        PgConnection::connect(self.postgres.as_ref().unwrap())
            .await
            .unwrap()
    }

    /// Puts the text of a golden into the database and the store.
    pub(crate) async fn load(&self, schema: u32, text: &str) {
        let migrations = golden::migrations(schema, self.dialect());
        golden::check_released(schema, text, &migrations);
        let migrations = Migrator::with_migrations(migrations);
        let rows = AssertSqlSafe(text.to_owned());
        if let Some(address) = &self.postgres {
            let pool = PgPool::connect(address).await.unwrap();
            migrations.run(&pool).await.unwrap();
            sqlx::raw_sql(rows).execute(&pool).await.unwrap();
            pool.close().await;
        } else {
            let options = SqliteConnectOptions::new()
                .filename(self.file())
                .create_if_missing(true);
            let pool = SqlitePool::connect_with(options).await.unwrap();
            migrations.run(&pool).await.unwrap();
            sqlx::raw_sql(rows).execute(&pool).await.unwrap();
            pool.close().await;
        }
        let store = self.blobs();
        for (key, body) in golden::staged(text) {
            store
                .put(&key, &BlobMetadata::new("application/octet-stream"), body)
                .await
                .unwrap();
        }
    }

    /// Opens the database as the product does, which brings its schema up to date.
    pub(crate) async fn open(&self) -> Arc<dyn RecordStore> {
        let clock: Arc<dyn Clock> = Arc::<ManualClock>::clone(&self.clock);
        match &self.postgres {
            Some(address) => Arc::new(PostgresRecords::open_with_clock(address, 4, clock).await.unwrap()),
            None => Arc::new(SqliteRecords::open_with_clock(&self.file(), clock).await.unwrap()),
        }
    }

    /// What is kept about the days of budgets.
    pub(crate) async fn days(&self) -> Vec<Day> {
        let query = "SELECT scope, day, spent_nanos, reserved_nanos, unknown_held_nanos FROM budget_days \
             ORDER BY scope, day";
        match self.dialect() {
            Dialect::Sqlite => {
                let mut connection = self.sqlite_connection().await;
                sqlx::query_as(query).fetch_all(&mut connection).await.unwrap()
            }
            Dialect::Postgres => {
                let mut connection = self.postgres_connection().await;
                sqlx::query_as(query).fetch_all(&mut connection).await.unwrap()
            }
        }
    }

    fn blobs(&self) -> FolderStore {
        FolderStore::open(&self.folder.path().join("blobs"), None).unwrap()
    }

    pub(crate) fn start(&self, records: Arc<dyn RecordStore>) -> (Executor, Arc<Easel>) {
        let easel = Easel::new();
        let provider: Arc<dyn ImageProvider> = Arc::<Easel>::clone(&easel);
        let executor = Executor::start(Parts {
            records,
            blobs: Arc::new(self.blobs()),
            providers: Registry::new(vec![provider]),
            clock: Arc::new(SystemClock),
            ids: Arc::new(TimeOrderedIds),
            settings: Settings {
                retention: Retention {
                    events: None,
                    executions: None,
                },
                ..Settings::default()
            },
        });
        (executor, easel)
    }
}
