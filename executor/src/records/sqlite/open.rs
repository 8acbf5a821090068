//! Opening, migrating and closing the file.

use std::{path::Path, time::Duration};

use sqlx::{
    SqlSafeStr as _, Sqlite, SqlitePool, Transaction,
    migrate::{MigrateError, Migration, MigrationType, Migrator},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::super::{RecordError, Result};

/// Connections for reading. Reads are short, and a laptop has few readers.
const READERS: u32 = 4;
/// How long a connection waits for a lock that another process holds, for example a backup.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a write waits for its turn at the one connection. Long: on a slow disk a queue of hundreds is no failure.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(300);

/// Text of the migrations, by number. Numbers mean the same in every database; they only ever grow.
const MIGRATIONS: &[(i64, &str, &str)] = &[(
    1,
    "records",
    include_str!("../../../migrations/sqlite/0001_records.sql"),
)];

/// Records in an SQLite file.
#[derive(Debug)]
pub struct SqliteRecords {
    pub(super) writer: SqlitePool,
    pub(super) readers: SqlitePool,
}

impl SqliteRecords {
    /// Opens the file; makes it and the folder it is in when they are missing, and brings its schema up to
    /// date.
    ///
    /// # Errors
    ///
    /// [`RecordError::Unavailable`] when the file cannot be opened or was written by a newer version, and
    /// [`RecordError::Damaged`] when its schema is not the one that its version had.
    pub async fn open(path: &Path) -> Result<Self> {
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
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT);
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .acquire_timeout(QUEUE_TIMEOUT)
            .connect_with(options.clone())
            .await
            .map_err(unavailable)?;
        migrate(&writer).await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .connect_with(options.read_only(true).create_if_missing(false))
            .await
            .map_err(unavailable)?;
        Ok(Self { writer, readers })
    }

    /// Ends every lease. For a process that starts and alone holds the file: whoever owned an execution is gone,
    /// and nobody need wait for its lease to pass.
    ///
    /// # Errors
    ///
    /// [`RecordError::Unavailable`] when the file cannot be written.
    pub async fn expire_leases(&self) -> Result<()> {
        sqlx::query("UPDATE executions SET lease_until_us = 0 WHERE owner_boot_id IS NOT NULL AND state IN ('pending', 'processing', 'cancelling')")
            .execute(&self.writer)
            .await
            .map_err(unavailable)?;
        Ok(())
    }

    /// Waits for running transactions and closes the file. Later calls fail as unavailable.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    /// Begins a transaction that nothing can come between.
    pub(super) async fn begin_write(&self) -> Result<Transaction<'static, Sqlite>> {
        self.writer
            .begin_with("BEGIN IMMEDIATE")
            .await
            .map_err(unavailable)
    }

    /// Begins a look at one snapshot.
    pub(super) async fn begin_read(&self) -> Result<Transaction<'static, Sqlite>> {
        self.readers.begin().await.map_err(unavailable)
    }
}

async fn migrate(writer: &SqlitePool) -> Result<()> {
    let migrations = MIGRATIONS.iter().map(|(number, name, sql)| {
        Migration::new(
            *number,
            (*name).into(),
            MigrationType::Simple,
            (*sql).into_sql_str(),
            false,
        )
    });
    let newest = MIGRATIONS.iter().map(|(number, ..)| *number).max().unwrap_or(0);
    Migrator::with_migrations(migrations.collect())
        .run(writer)
        .await
        .map_err(|error| match error {
            MigrateError::VersionMissing(number) => RecordError::Unavailable(
                format!(
                    "a newer version wrote it: it has schema {number}, this version knows up to {newest}; \
                     upgrade limn"
                )
                .into(),
            ),
            MigrateError::VersionMismatch(number) => {
                RecordError::Damaged(format!("schema {number} is not the one that was released"))
            }
            other => RecordError::Unavailable(Box::new(other)),
        })
}

/// The database did not do what it was asked.
pub(super) fn unavailable(error: sqlx::Error) -> RecordError {
    RecordError::Unavailable(Box::new(error))
}

#[cfg(test)]
mod tests {
    use sqlx::Row as _;

    use super::*;

    #[tokio::test]
    async fn commits_are_synced_and_the_rules_of_the_schema_are_on() {
        let folder = tempfile::tempdir().unwrap();
        let records = SqliteRecords::open(&folder.path().join("limn.db")).await.unwrap();
        let mut writer = records.writer.acquire().await.unwrap();
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
        let refused = sqlx::query("DELETE FROM plans").execute(&records.readers).await;
        assert!(refused.is_err(), "{refused:?}");
    }
}
