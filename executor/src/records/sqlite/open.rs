//! Opening, migrating and closing the file.

use std::{path::Path, sync::Arc, time::Duration};

use async_trait::async_trait;
use sqlx::{
    SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::{
    super::{
        RecordError, Result, migrations,
        sql::{
            Sql,
            backend::{Backend, Snapshot, Work},
            statement::unavailable,
        },
    },
    writer::Writer,
};
use crate::clock::{Clock, SystemClock};

/// Connections for reading. Reads are short, and a laptop has few readers.
const READERS: u32 = 4;
/// How long a connection waits for a lock that another process holds, for example a backup.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a write waits for its turn at the one connection. Long: on a slow disk a queue of hundreds is no failure.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(300);

/// Text of the migrations, by number. Numbers mean the same in every database; they only ever grow.
const MIGRATIONS: &[migrations::Text] = &[
    (
        1,
        "records",
        include_str!("../../../migrations/sqlite/0001_records.sql"),
    ),
    (
        2,
        "durability",
        include_str!("../../../migrations/sqlite/0002_durability.sql"),
    ),
    (
        3,
        "providers",
        include_str!("../../../migrations/sqlite/0003_providers.sql"),
    ),
    (
        4,
        "answers",
        include_str!("../../../migrations/sqlite/0004_answers.sql"),
    ),
    (
        5,
        "deletion",
        include_str!("../../../migrations/sqlite/0005_deletion.sql"),
    ),
    (
        6,
        "quality",
        include_str!("../../../migrations/sqlite/0006_quality.sql"),
    ),
    (
        7,
        "fingerprints",
        include_str!("../../../migrations/sqlite/0007_fingerprints.sql"),
    ),
    (
        8,
        "reviews",
        include_str!("../../../migrations/sqlite/0008_reviews.sql"),
    ),
];

/// Pages that a connection keeps in memory: at most 32 MiB. A group of verbs changes more than a thousand pages, and
/// those that do not fit are written before their time, and again at the commit.
const PAGE_CACHE: &str = "-32768";
/// Pages of the log after which they are copied into the file: 32 MiB. A page that changes in many transactions, as the
/// balances of a budget do, is copied once for all of them; SQLite's own 1000 pages are about one group of verbs.
const CHECKPOINT_PAGES: &str = "8000";

/// Records in an SQLite file.
pub type SqliteRecords = Sql<SqliteFile>;

/// An open SQLite file.
#[derive(Debug)]
pub struct SqliteFile {
    writer: Writer,
    pub(super) write_pool: SqlitePool,
    pub(in crate::records) readers: SqlitePool,
    clock: Arc<dyn Clock>,
}

/// Prepared statements that a connection keeps: those of all verbs, in the groups in which they are sent.
const STATEMENTS: usize = 500;

impl SqliteRecords {
    /// Opens the file; makes it and the folder it is in when they are missing, and brings its schema up to
    /// date. Leases go by the clock of the machine.
    ///
    /// # Errors
    ///
    /// [`RecordError::Unavailable`] when the file cannot be opened or was written by a newer version, and
    /// [`RecordError::Damaged`] when its schema is not the one that its version had.
    pub async fn open(path: &Path) -> Result<Self> {
        Self::open_with_clock(path, Arc::new(SystemClock)).await
    }

    /// The same, with leases that go by another clock.
    ///
    /// # Errors
    ///
    /// As [`SqliteRecords::open`].
    pub async fn open_with_clock(path: &Path, clock: Arc<dyn Clock>) -> Result<Self> {
        if let Some(folder) = path.parent() {
            tokio::fs::create_dir_all(folder)
                .await
                .map_err(|error| RecordError::Unavailable(Box::new(error)))?;
        }
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .statement_cache_capacity(STATEMENTS)
            .pragma("cache_size", PAGE_CACHE)
            .pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
            // What a savepoint needs to go back: some kilobytes, which have no use after the transaction.
            .pragma("temp_store", "MEMORY")
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT);
        let write_pool = SqlitePoolOptions::new()
            .max_connections(1)
            // A file does not hang up.
            .test_before_acquire(false)
            .acquire_timeout(QUEUE_TIMEOUT)
            .connect_with(options.clone())
            .await
            .map_err(unavailable)?;
        migrations::run(&write_pool, MIGRATIONS).await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .test_before_acquire(false)
            .connect_with(options.read_only(true).create_if_missing(false))
            .await
            .map_err(unavailable)?;
        Ok(Self {
            backend: SqliteFile {
                writer: Writer::start(write_pool.clone(), Arc::clone(&clock)),
                write_pool,
                readers,
                clock,
            },
        })
    }

    /// Ends every lease, also of turns at providers. For a process that starts and alone holds the file: whoever owned an execution is gone,
    /// and nobody need wait for its lease to pass. What the process before could not run is looked at again at once,
    /// for this one may be configured otherwise.
    ///
    /// # Errors
    ///
    /// [`RecordError::Unavailable`] when the file cannot be written.
    pub async fn expire_leases(&self) -> Result<()> {
        sqlx::query("UPDATE executions SET lease_until_us = 0 WHERE owner_boot_id IS NOT NULL AND state IN ('pending', 'processing', 'cancelling', 'needs_decision')")
            .execute(&self.backend.write_pool)
            .await
            .map_err(unavailable)?;
        sqlx::query("UPDATE executions SET wake_us = 0 WHERE state = 'needs_decision' AND wake_us IS NOT NULL AND failure IS NOT NULL")
            .execute(&self.backend.write_pool)
            .await
            .map_err(unavailable)?;
        sqlx::query("UPDATE provider_turns SET lease_us = 0 WHERE state <> 'ended'")
            .execute(&self.backend.write_pool)
            .await
            .map_err(unavailable)?;
        Ok(())
    }

    /// Waits for running transactions and closes the file. Later calls fail as unavailable.
    pub async fn close(&self) {
        self.backend.readers.close().await;
        self.backend.write_pool.close().await;
    }
}

#[async_trait]
impl Backend for SqliteFile {
    async fn write<T: Send + 'static>(&self, work: Work<T>) -> Result<T> {
        self.writer.run(work).await
    }

    async fn read(&self) -> Result<Snapshot> {
        let transaction = self.readers.begin().await.map_err(unavailable)?;
        Ok(Snapshot::sqlite(transaction, Arc::clone(&self.clock)))
    }

    async fn check(&self) -> Result<String> {
        // Begins and rolls back, so that a full disk or a lock is noticed.
        let mut transaction = self
            .write_pool
            .begin_with("BEGIN IMMEDIATE")
            .await
            .map_err(unavailable)?;
        let version: String = sqlx::query_scalar("SELECT sqlite_version()")
            .fetch_one(&mut *transaction)
            .await
            .map_err(unavailable)?;
        transaction.rollback().await.map_err(unavailable)?;
        Ok(format!("SQLite {version}"))
    }
}

#[cfg(test)]
mod tests {
    use sqlx::Row as _;

    use super::*;

    #[tokio::test]
    async fn commits_are_synced_and_the_rules_of_the_schema_are_on() {
        let folder = tempfile::tempdir().unwrap();
        let records = SqliteRecords::open(&folder.path().join("limn.db")).await.unwrap();
        let mut writer = records.backend.write_pool.acquire().await.unwrap();
        let settings = sqlx::query(
            "SELECT journal_mode, synchronous, foreign_keys \
             FROM pragma_journal_mode, pragma_synchronous, pragma_foreign_keys",
        );
        let row = settings.fetch_one(&mut *writer).await.unwrap();
        let settings: (String, i64, i64) = (row.get(0), row.get(1), row.get(2));
        // 2 is FULL: a commit is on the disk before a provider is called.
        assert_eq!(settings, ("wal".to_owned(), 2, 1));
    }

    #[tokio::test]
    async fn readers_cannot_write() {
        let folder = tempfile::tempdir().unwrap();
        let records = SqliteRecords::open(&folder.path().join("limn.db")).await.unwrap();
        let refused = sqlx::query("DELETE FROM plans")
            .execute(&records.backend.readers)
            .await;
        assert!(refused.is_err(), "{refused:?}");
    }
}
