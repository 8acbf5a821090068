//! Real databases, one for each case, and a look into their tables from outside.

use std::{
    env, fs,
    path::{Path, PathBuf},
    sync::{
        Arc, LazyLock, Mutex,
        atomic::{AtomicU32, Ordering},
    },
};

use limn_executor::{
    clock::{Clock, UnixMicros},
    records::{ExecutionState, RecordStore, postgres::PostgresRecords, sqlite::SqliteRecords},
};
use sqlx::{
    Connection as _, PgConnection, PgPool, Row as _, SqlitePool,
    postgres::PgPoolOptions,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions},
};

use crate::{clock::WorldClock, world::harness};

/// Connections of one process to a Postgres server.
const CONNECTIONS: u32 = 4;

/// Which database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Sqlite,
    Postgres,
}

impl Dialect {
    /// True when there is a server to test with, or none is needed.
    pub(crate) fn is_available(self) -> bool {
        self == Self::Sqlite || server().is_some()
    }
}

/// Address of the Postgres server.
fn server() -> Option<String> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the tests are told here where their server is"
    )]
    env::var("LIMN_TEST_POSTGRES_URL").ok()
}

/// A database of its own.
#[derive(Debug)]
pub(crate) struct Database {
    place: Place,
}

#[derive(Debug)]
enum Place {
    File(PathBuf),
    Schema(Schema),
}

impl Database {
    /// A new, empty database. `folder` goes away with the case.
    pub(crate) fn create(dialect: Dialect, folder: &Path) -> Self {
        let place = match dialect {
            Dialect::Sqlite => {
                let path = folder.join("limn.db");
                fs::write(&path, &*EMPTY_FILE).unwrap();
                Place::File(path)
            }
            Dialect::Postgres => Place::Schema(Schema::take()),
        };
        Self { place }
    }

    /// Opens the records, as a process does.
    pub(crate) async fn open(&self, clock: &Arc<WorldClock>) -> Arc<dyn RecordStore> {
        let clock: Arc<dyn Clock> = Arc::<WorldClock>::clone(clock);
        match &self.place {
            Place::File(path) => Arc::new(SqliteRecords::open_with_clock(path, clock).await.unwrap()),
            Place::Schema(Schema { url, .. }) => {
                let records = PostgresRecords::open_with_clock(url, CONNECTIONS, clock).await;
                Arc::new(records.unwrap())
            }
        }
    }

    /// Opens a look at the tables.
    pub(crate) async fn look(&self) -> Tables {
        match &self.place {
            Place::File(path) => {
                let options = SqliteConnectOptions::new().filename(path).read_only(true);
                let pool = SqlitePoolOptions::new().max_connections(1);
                Tables::Sqlite(pool.connect_with(options).await.unwrap())
            }
            Place::Schema(Schema { url, .. }) => {
                let pool = PgPoolOptions::new().max_connections(1);
                Tables::Postgres(pool.connect(url).await.unwrap())
            }
        }
    }
}

/// A file with an empty schema: making it takes longer than most cases.
static EMPTY_FILE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("limn.db");
    harness().block_on(async {
        let records = SqliteRecords::open(&path).await.unwrap();
        records.close().await;
    });
    fs::read(path).unwrap()
});

/// A schema on the Postgres server. Making one takes longer than most cases, so it is emptied and used again.
#[derive(Clone, Debug)]
struct Schema {
    name: String,
    url: String,
}

/// Schemas that no case uses at present. They go away with the server; one that is left behind on a server that stays
/// is replaced by the next run that has the same process id.
static IDLE: Mutex<Vec<Schema>> = Mutex::new(Vec::new());

impl Schema {
    /// An empty schema.
    fn take() -> Self {
        let idle = IDLE.lock().unwrap().pop();
        idle.unwrap_or_else(Self::create)
    }

    fn create() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("matrix_{}_{number}", std::process::id());
        let server = server().unwrap();
        let joint = if server.contains('?') { '&' } else { '?' };
        let url = format!("{server}{joint}options[search_path]={name}");
        harness().block_on(async {
            run(&server, &format!("DROP SCHEMA IF EXISTS {name} CASCADE")).await;
            run(&server, &format!("CREATE SCHEMA {name}")).await;
        });
        Self { name, url }
    }

    /// Empties all tables, whatever they are, but the list of migrations.
    async fn empty(&self) {
        // No constraint is in the way of a replica, so the order is of no interest.
        let script = format!(
            "SET session_replication_role = replica; DO $$ DECLARE name TEXT; BEGIN \
             FOR name IN SELECT tablename FROM pg_tables \
             WHERE schemaname = '{}' AND tablename <> '_sqlx_migrations' \
             LOOP EXECUTE format('DELETE FROM %I', name); END LOOP; END $$",
            self.name
        );
        run(&self.url, &script).await;
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Place::Schema(schema) = &self.place {
            harness().block_on(schema.empty());
            IDLE.lock().unwrap().push(schema.clone());
        }
    }
}

/// Runs statements on a server.
async fn run(url: &str, script: &str) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    let script = sqlx::AssertSqlSafe(script.to_owned());
    sqlx::raw_sql(script).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

/// The tables of a case, for questions that the record seam has no answer to.
#[derive(Debug)]
pub(crate) enum Tables {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// An execution as it stands in its row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) state: ExecutionState,
    pub(crate) is_owned: bool,
    /// When it is looked at again by itself.
    pub(crate) wake: Option<UnixMicros>,
}

/// Runs a query of two columns and maps its rows, whatever the database.
macro_rules! rows {
    ($tables:expr, $query:expr, |$row:ident| $map:expr) => {
        match $tables {
            Tables::Sqlite(pool) => {
                let rows = sqlx::query($query).fetch_all(pool).await.unwrap();
                rows.iter().map(|$row| $map).collect::<Vec<_>>()
            }
            Tables::Postgres(pool) => {
                let rows = sqlx::query($query).fetch_all(pool).await.unwrap();
                rows.iter().map(|$row| $map).collect::<Vec<_>>()
            }
        }
    };
}

impl Tables {
    /// Every execution.
    pub(crate) async fn standings(&self) -> Vec<Standing> {
        rows!(
            self,
            "SELECT state, owner_boot_id, wake_us FROM executions ORDER BY id",
            |row| {
                let state: String = row.get(0);
                let owner: Option<String> = row.get(1);
                let state = ExecutionState::parse(&state).unwrap();
                Standing {
                    state,
                    is_owned: owner.is_some() && !state.is_terminal(),
                    wake: row.get::<Option<i64>, _>(2).map(UnixMicros),
                }
            }
        )
    }

    /// Attempts, by id, with the number of receipts about each.
    pub(crate) async fn receipts(&self) -> Vec<(String, i64)> {
        rows!(
            self,
            "SELECT attempt_id, COUNT(*) FROM receipts GROUP BY attempt_id",
            |row| (row.get(0), row.get(1))
        )
    }
}
