//! The invariants that the database shows, and the database that a world begins with.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use limn_executor::{
    clock::{Clock, UnixMicros},
    ids::{AttemptId, ExecutionId},
    records::sqlite::SqliteRecords,
};
use sqlx::{Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

/// Something that may never be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    pub(crate) rule: String,
    pub(crate) subject: String,
}

impl Violation {
    pub(crate) fn new(rule: impl Into<String>, subject: impl Into<String>) -> Self {
        Self {
            rule: rule.into(),
            subject: subject.into(),
        }
    }
}

/// A folder in memory where there is one: a schedule makes hundreds of commits.
fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() {
        tempfile::tempdir_in(memory).unwrap()
    } else {
        tempfile::tempdir().unwrap()
    }
}

/// An empty database with everything that the checker wrote into it.
fn template() -> &'static [u8] {
    static TEMPLATE: OnceLock<Vec<u8>> = OnceLock::new();
    TEMPLATE.get_or_init(|| {
        let folder = folder();
        let path = folder.path().join("template.db");
        let runtime = Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            SqliteRecords::open(&path).await.unwrap().close().await;
            let mut connection = connect(&path).await;
            sqlx::raw_sql(include_str!("watch.sql"))
                .execute(&mut connection)
                .await
                .unwrap();
            connection.close().await.unwrap();
        });
        std::fs::read(&path).unwrap()
    })
}

async fn connect(path: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(path);
    SqliteConnection::connect_with(&options).await.unwrap()
}

/// The database of a world: the real one, called by the scheduler alone, and a second connection that looks on.
pub(crate) struct Database {
    pub(crate) records: Arc<SqliteRecords>,
    checker: SqliteConnection,
    runtime: Runtime,
    _folder: TempDir,
}

impl Database {
    pub(crate) fn open(clock: Arc<dyn Clock>) -> Self {
        let folder = folder();
        let path: PathBuf = folder.path().join("limn.db");
        std::fs::write(&path, template()).unwrap();
        let runtime = Builder::new_current_thread().enable_time().build().unwrap();
        let (records, checker) = runtime.block_on(async {
            let records = SqliteRecords::open_with_clock(&path, clock).await.unwrap();
            let mut checker = connect(&path).await;
            let known = "CREATE TEMP TABLE charges (attempt_id TEXT NOT NULL, nanos INTEGER NOT NULL, \
                         excused INTEGER NOT NULL); \
                         CREATE TEMP TABLE ended AS SELECT * FROM executions; \
                         CREATE UNIQUE INDEX temp.ended_by_id ON ended (id);";
            sqlx::raw_sql(known).execute(&mut checker).await.unwrap();
            (records, checker)
        });
        Self {
            records: Arc::new(records),
            checker,
            runtime,
            _folder: folder,
        }
    }

    /// Carries out one call of the records.
    pub(crate) fn block_on<F: Future>(&self, call: F) -> F::Output {
        self.runtime.block_on(call)
    }

    /// A vendor billed an attempt.
    pub(crate) fn charged(&mut self, attempt: AttemptId, nanos: i64, excused: bool) {
        let insert = sqlx::query("INSERT INTO charges VALUES ($1, $2, $3)")
            .bind(attempt.to_string())
            .bind(nanos)
            .bind(excused)
            .execute(&mut self.checker);
        self.runtime.block_on(insert).unwrap();
    }

    /// The first rule that is broken.
    pub(crate) fn check(&mut self) -> Result<(), Violation> {
        self.broken(include_str!("check.sql"))?;
        let note = sqlx::query(
            "INSERT OR IGNORE INTO ended SELECT * FROM executions WHERE state IN ('completed', 'failed', 'cancelled')",
        )
        .execute(&mut self.checker);
        self.runtime.block_on(note).unwrap();
        Ok(())
    }

    /// The first rule that is broken when nothing goes on any more by itself.
    pub(crate) fn check_rest(&mut self) -> Result<(), Violation> {
        self.broken(include_str!("check_rest.sql"))
    }

    /// The first rule that is broken when everything was decided.
    pub(crate) fn check_end(&mut self) -> Result<(), Violation> {
        self.broken(include_str!("check_end.sql"))
    }

    fn broken(&mut self, rules: &'static str) -> Result<(), Violation> {
        let query = sqlx::query_as::<_, (String, String)>(rules).fetch_optional(&mut self.checker);
        match self.runtime.block_on(query).unwrap() {
            None => Ok(()),
            Some((rule, subject)) => Err(Violation::new(rule, subject)),
        }
    }

    /// Every change of state that was made, as `subject: old -> new`.
    pub(crate) fn changes(&mut self) -> Vec<String> {
        let seen = self.rows("SELECT subject, old, new FROM sim_seen");
        seen.into_iter()
            .map(|(subject, old, new)| format!("{subject}: {old} -> {new}"))
            .collect()
    }

    /// Every change of state that may be made, and that a run of so many schedules has to make.
    pub(crate) fn changes_asked_of(&mut self, schedules: u64) -> Vec<String> {
        let query = sqlx::query_scalar(
            "SELECT subject || ': ' || old || ' -> ' || new FROM sim_legal WHERE asked_of <= $1 ORDER BY 1",
        )
        .bind(i64::try_from(schedules).unwrap_or(i64::MAX))
        .fetch_all(&mut self.checker);
        self.runtime.block_on(query).unwrap()
    }

    /// Grows with everything that is found out, told or paid, and not with looks that find nothing.
    pub(crate) fn progress(&mut self) -> i64 {
        let query = sqlx::query_scalar(
            "SELECT (SELECT COUNT(*) FROM ledger) + (SELECT COUNT(*) FROM receipts) \
             + (SELECT COALESCE(SUM(last_seq), 0) FROM executions)",
        )
        .fetch_one(&mut self.checker);
        self.runtime.block_on(query).unwrap()
    }

    /// How many turns count at a vendor in one of these states.
    pub(crate) fn turns(&mut self, vendor: &str, states: &[&str], now: UnixMicros) -> usize {
        let query =
            sqlx::query_scalar("SELECT state FROM provider_turns WHERE provider = $1 AND lease_us > $2")
                .bind(vendor)
                .bind(now.0)
                .fetch_all(&mut self.checker);
        let found: Vec<String> = self.runtime.block_on(query).unwrap();
        let counts = |state: &&String| states.contains(&state.as_str());
        found.iter().filter(counts).count()
    }

    /// True while a step waits for its turn, and its execution goes on.
    pub(crate) fn is_waited(&mut self) -> bool {
        let query = sqlx::query_scalar(
            "SELECT COUNT(*) FROM steps s JOIN executions e ON e.id = s.execution_id \
             WHERE e.state IN ('processing', 'cancelling') AND s.state = 'processing' AND s.wait IS NOT NULL",
        )
        .fetch_one(&mut self.checker);
        let count: i64 = self.runtime.block_on(query).unwrap();
        count > 0
    }

    /// True when an execution was removed after the retention time.
    pub(crate) fn is_pruned(&mut self, execution: ExecutionId) -> bool {
        let query = sqlx::query_scalar("SELECT COUNT(*) FROM pruned_executions WHERE id = $1")
            .bind(execution.to_string())
            .fetch_one(&mut self.checker);
        let count: i64 = self.runtime.block_on(query).unwrap();
        count > 0
    }

    /// True when the events of an execution were removed after the retention time, perhaps with the execution: a
    /// snapshot that was read before that may be told after it.
    pub(crate) fn has_no_events(&mut self, execution: ExecutionId) -> bool {
        let query = sqlx::query_scalar(
            "SELECT (SELECT COUNT(*) FROM executions WHERE id = $1 AND events_pruned_us IS NOT NULL) \
             + (SELECT COUNT(*) FROM pruned_executions WHERE id = $1)",
        )
        .bind(execution.to_string())
        .fetch_one(&mut self.checker);
        let count: i64 = self.runtime.block_on(query).unwrap();
        count > 0
    }

    /// Rows of a query, as text, for a report.
    pub(crate) fn rows(&mut self, query: &'static str) -> Vec<(String, String, String)> {
        let query = sqlx::query_as::<_, (String, String, String)>(query).fetch_all(&mut self.checker);
        self.runtime.block_on(query).unwrap()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // Before the folder goes.
        self.runtime.block_on(self.records.close());
    }
}
