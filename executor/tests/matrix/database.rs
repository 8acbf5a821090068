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

/// Connections of one process to a Postgres server: two things at a time, and as few to set up as can be.
const CONNECTIONS: u32 = 2;

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

/// An empty database, and the clock that it goes by.
#[derive(Clone, Debug)]
pub(crate) struct Database {
    place: Place,
    pub(crate) clock: Arc<WorldClock>,
    /// The records, as somebody sees them whom no fault touches.
    pub(crate) records: Arc<dyn RecordStore>,
    pub(crate) tables: Tables,
}

#[derive(Clone, Debug)]
enum Place {
    File(PathBuf),
    /// A schema: its name, and an address that leads into it.
    Schema(String, String),
}

/// Schemas that no case uses at present. Making one takes longer than most cases, so they are emptied and used again;
/// they go away with the server.
static IDLE: Mutex<Vec<Database>> = Mutex::new(Vec::new());

impl Database {
    /// An empty database. `folder` goes away with the case.
    pub(crate) fn create(dialect: Dialect, folder: &Path) -> Self {
        match dialect {
            Dialect::Sqlite => {
                let path = folder.join("limn.db");
                fs::write(&path, &*EMPTY_FILE).unwrap();
                Self::open_new(Place::File(path))
            }
            Dialect::Postgres => {
                let idle = IDLE.lock().unwrap().pop();
                idle.unwrap_or_else(|| Self::open_new(create_schema()))
            }
        }
    }

    fn open_new(place: Place) -> Self {
        let clock = WorldClock::start();
        let opened = async { (place.open(&clock).await, place.look().await) };
        let (records, tables) = harness().block_on(opened);
        Self {
            place,
            clock,
            records,
            tables,
        }
    }

    /// Opens the records, as a process does.
    pub(crate) async fn open(&self) -> Arc<dyn RecordStore> {
        self.place.open(&self.clock).await
    }

    /// Ends the use for one case. What is in the folder of the case goes away with it.
    pub(crate) fn put_back(&self) {
        if let (Place::Schema(name, _), Tables::Postgres(pool)) = (&self.place, &self.tables) {
            harness().block_on(empty(pool, name));
            IDLE.lock().unwrap().push(self.clone());
        }
    }
}

impl Place {
    async fn open(&self, clock: &Arc<WorldClock>) -> Arc<dyn RecordStore> {
        let clock: Arc<dyn Clock> = Arc::<WorldClock>::clone(clock);
        match self {
            Self::File(path) => Arc::new(SqliteRecords::open_with_clock(path, clock).await.unwrap()),
            Self::Schema(_, url) => {
                let records = PostgresRecords::open_with_clock(url, CONNECTIONS, clock).await;
                Arc::new(records.unwrap())
            }
        }
    }

    /// Opens a look at the tables.
    async fn look(&self) -> Tables {
        match self {
            Self::File(path) => {
                let options = SqliteConnectOptions::new().filename(path).read_only(true);
                let pool = SqlitePoolOptions::new().max_connections(1);
                Tables::Sqlite(pool.connect_with(options).await.unwrap())
            }
            Self::Schema(_, url) => {
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

fn create_schema() -> Place {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = format!("matrix_{}_{number}", std::process::id());
    let server = server().unwrap();
    let script = format!("DROP SCHEMA IF EXISTS {name} CASCADE; CREATE SCHEMA {name}");
    harness().block_on(async {
        let mut connection = PgConnection::connect(&server).await.unwrap();
        let script = sqlx::raw_sql(sqlx::AssertSqlSafe(script));
        script.execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    });
    let joint = if server.contains('?') { '&' } else { '?' };
    let url = format!("{server}{joint}options[search_path]={name}");
    Place::Schema(name, url)
}

/// Empties all tables of a schema, whatever they are, but the list of migrations.
async fn empty(pool: &PgPool, schema: &str) {
    // No constraint is in the way of a replica, so the order is of no interest.
    let script = format!(
        "SET session_replication_role = replica; DO $$ DECLARE name TEXT; BEGIN \
         FOR name IN SELECT tablename FROM pg_tables \
         WHERE schemaname = '{schema}' AND tablename <> '_sqlx_migrations' \
         LOOP EXECUTE format('DELETE FROM %I', name); END LOOP; END $$"
    );
    let script = sqlx::raw_sql(sqlx::AssertSqlSafe(script));
    script.execute(pool).await.unwrap();
}

/// The tables of a case, for questions that the record seam has no answer to.
#[derive(Clone, Debug)]
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

impl Standing {
    /// True when it is parked and nobody looks at it now.
    pub(crate) fn is_parked(&self) -> bool {
        self.state == ExecutionState::NeedsDecision && !self.is_owned
    }
}

/// Runs a query and maps its rows, whatever the database.
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
