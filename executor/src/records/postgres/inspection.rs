//! A look at a Postgres database that changes nothing in it: for whoever asks what works before starting.

use std::fmt;

use sqlx::{Connection as _, PgConnection};

use super::{super::Result, Address, MIGRATIONS};
use crate::records::sql::statement::unavailable;

/// What a database says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// Version of the server, for example `17.5`.
    pub server_version: String,
    /// Whether a commit waits for the disk: `on`, `off`, `local`, `remote_write` or `remote_apply`.
    pub synchronous_commit: String,
    /// Number of the newest migration in it; nothing when no Limn has opened it yet.
    pub schema: Option<i64>,
    /// Number of the newest migration that this version knows.
    pub newest_schema: i64,
}

impl Inspection {
    /// Connects, asks, and leaves.
    ///
    /// # Errors
    ///
    /// [`RecordError::Unavailable`](super::super::RecordError::Unavailable) when the server cannot be reached.
    pub async fn of(address: &Address) -> Result<Self> {
        let mut connection = PgConnection::connect_with(address.options())
            .await
            .map_err(unavailable)?;
        let inspection = Self {
            server_version: setting(&mut connection, "SHOW server_version").await?,
            synchronous_commit: setting(&mut connection, "SHOW synchronous_commit").await?,
            schema: schema(&mut connection).await?,
            newest_schema: MIGRATIONS.iter().map(|(number, ..)| *number).max().unwrap_or(0),
        };
        connection.close().await.map_err(unavailable)?;
        Ok(inspection)
    }

    /// Why this version cannot work with the database, when it cannot.
    pub fn obstacle(&self) -> Option<String> {
        if let Some(why) = lost_commits(&self.synchronous_commit) {
            return Some(why.to_owned());
        }
        let schema = self.schema.filter(|schema| *schema > self.newest_schema)?;
        Some(format!(
            "a newer version wrote it: it has schema {schema}, this version knows up to {}; upgrade limn",
            self.newest_schema
        ))
    }
}

impl fmt::Display for Inspection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "PostgreSQL {}, synchronous_commit {}, ",
            self.server_version, self.synchronous_commit
        )?;
        match self.schema {
            None => f.write_str("no schema yet: the first start makes it"),
            Some(schema) if schema < self.newest_schema => write!(
                f,
                "schema {schema}: the next start brings it to {}",
                self.newest_schema
            ),
            Some(schema) => write!(f, "schema {schema}"),
        }
    }
}

/// What is wrong with a value of `synchronous_commit`, when something is.
pub(super) fn lost_commits(synchronous_commit: &str) -> Option<&'static str> {
    (synchronous_commit == "off").then_some(
        "synchronous_commit is off: a commit could be lost after a provider was called, and the picture be paid twice; \
         set it to on for this database or role",
    )
}

/// The answer to a question of one value.
pub(super) async fn setting(connection: &mut PgConnection, question: &'static str) -> Result<String> {
    sqlx::query_scalar(question)
        .fetch_one(connection)
        .await
        .map_err(unavailable)
}

async fn schema(connection: &mut PgConnection) -> Result<Option<i64>> {
    let table: Option<String> = sqlx::query_scalar("SELECT CAST(to_regclass('_sqlx_migrations') AS TEXT)")
        .fetch_one(&mut *connection)
        .await
        .map_err(unavailable)?;
    if table.is_none() {
        return Ok(None);
    }
    sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations WHERE success")
        .fetch_one(connection)
        .await
        .map_err(unavailable)
}
