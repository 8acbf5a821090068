//! Records in Postgres: one database, any number of processes.
//!
//! Every verb is one `READ COMMITTED` transaction that locks the rows it reads to change. Two that meet in a knot, or
//! that insert the same row at the same time, are told apart by the server: the one that lost runs again and finds
//! what the other one did.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use sqlx::{
    Connection as _, PgConnection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use super::{
    RecordError, Result, migrations,
    sql::{
        Sql,
        backend::{Backend, Snapshot, Work},
        statement::{Overtaken, unavailable},
        tx::{Connection, Tx},
    },
};
use crate::clock::Clock;

/// How long a verb waits for a connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(30);
/// How often a transaction is tried when others come in its way.
const MAX_TRIES: u32 = 20;

/// Text of the migrations, by number. Numbers mean the same in every database; they only ever grow.
const MIGRATIONS: &[migrations::Text] = &[
    (
        1,
        "records",
        include_str!("../../migrations/postgres/0001_records.sql"),
    ),
    (
        2,
        "durability",
        include_str!("../../migrations/postgres/0002_durability.sql"),
    ),
];

/// Records in a Postgres database.
pub type PostgresRecords = Sql<PostgresServer>;

/// An open Postgres database.
#[derive(Debug)]
pub struct PostgresServer {
    pool: PgPool,
    clock: Option<Arc<dyn Clock>>,
}

impl PostgresRecords {
    /// Connects, at most `max_connections` times at once, and brings the schema up to date. Leases go by the clock of
    /// the server.
    ///
    /// # Errors
    ///
    /// [`RecordError::Unavailable`] when the address is wrong, the server cannot be reached, was set not to wait for
    /// its disk on a commit, or was written by a newer version, and [`RecordError::Damaged`] when the schema is not
    /// the one that its version had.
    pub async fn open(url: &str, max_connections: u32) -> Result<Self> {
        Self::connect(url, max_connections, None).await
    }

    /// The same, with leases that go by another clock.
    ///
    /// # Errors
    ///
    /// As [`PostgresRecords::open`].
    #[cfg(feature = "testing")]
    pub async fn open_with_clock(url: &str, max_connections: u32, clock: Arc<dyn Clock>) -> Result<Self> {
        Self::connect(url, max_connections, Some(clock)).await
    }

    async fn connect(url: &str, max_connections: u32, clock: Option<Arc<dyn Clock>>) -> Result<Self> {
        let options: PgConnectOptions = url.parse().map_err(unavailable)?;
        // Before the pool, which would try again and again whatever is wrong.
        let mut first = PgConnection::connect_with(&options).await.map_err(unavailable)?;
        refuse_lost_commits(&mut first).await?;
        first.close().await.map_err(unavailable)?;
        let pool = PgPoolOptions::new()
            .max_connections(max_connections)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .connect_with(options)
            .await
            .map_err(unavailable)?;
        migrations::run(&pool, MIGRATIONS).await?;
        Ok(Self {
            backend: PostgresServer { pool, clock },
        })
    }

    /// Waits for running transactions and closes all connections. Later calls fail as unavailable.
    pub async fn close(&self) {
        self.backend.pool.close().await;
    }
}

/// A commit that the server reports before it is on disk can be lost; a lost dispatch is a call that is paid twice.
async fn refuse_lost_commits(connection: &mut PgConnection) -> Result<()> {
    let setting: String = sqlx::query_scalar("SHOW synchronous_commit")
        .fetch_one(connection)
        .await
        .map_err(unavailable)?;
    if setting == "off" {
        return Err(RecordError::Unavailable(
            "synchronous_commit is off: a commit could be lost after a provider was called, and the picture be paid \
             twice; set it to on for this database or role"
                .into(),
        ));
    }
    Ok(())
}

#[async_trait]
impl Backend for PostgresServer {
    async fn write<T: Send + 'static>(&self, work: Work<T>) -> Result<T> {
        let mut tries = 0;
        loop {
            tries += 1;
            match self.try_write(&work).await {
                Err(error) if tries < MAX_TRIES && met_another(&error) => {
                    tracing::debug!(%error, tries, "a transaction met another one and runs again");
                }
                outcome => return outcome,
            }
        }
    }

    async fn read(&self) -> Result<Snapshot> {
        let transaction = self
            .pool
            .begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            .await
            .map_err(unavailable)?;
        Ok(Snapshot::postgres(transaction, self.clock.clone()))
    }

    async fn check(&self) -> Result<String> {
        let mut connection = self.pool.acquire().await.map_err(unavailable)?;
        refuse_lost_commits(&mut connection).await?;
        let version: String = sqlx::query_scalar("SHOW server_version")
            .fetch_one(&mut *connection)
            .await
            .map_err(unavailable)?;
        Ok(format!("PostgreSQL {version}"))
    }
}

impl PostgresServer {
    async fn try_write<T>(&self, work: &Work<T>) -> Result<T> {
        let mut transaction = self.pool.begin().await.map_err(unavailable)?;
        let mut tx = Tx::writing(Connection::Postgres(&mut transaction), self.clock.clone());
        let answer = work(&mut tx).await?;
        transaction.commit().await.map_err(unavailable)?;
        Ok(answer)
    }
}

/// True when a transaction failed because another one did something at the same time.
fn met_another(error: &RecordError) -> bool {
    let RecordError::Unavailable(source) = error else {
        return false;
    };
    if source.is::<Overtaken>() {
        return true;
    }
    let Some(sqlx::Error::Database(refused)) = source.downcast_ref::<sqlx::Error>() else {
        return false;
    };
    // Serialization failure, deadlock, and a row that somebody else inserted first.
    matches!(refused.code().as_deref(), Some("40001" | "40P01" | "23505"))
}
