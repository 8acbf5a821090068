//! Records in Postgres: one database, any number of processes.
//!
//! Every verb is one `READ COMMITTED` transaction that locks the rows it reads to change. Two that meet in a knot, or
//! that insert the same row at the same time, are told apart by the server: the one that lost runs again and finds
//! what the other one did.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use sqlx::{Connection as _, PgConnection, PgPool, Postgres, Transaction, postgres::PgPoolOptions};

use futures::stream::BoxStream;
use tokio_util::task::AbortOnDropHandle;

use super::{
    Hint, RecordError, Result, migrations,
    sql::{
        Sql,
        backend::{Backend, Snapshot, Work},
        statement::{Overtaken, unavailable},
        tx::{Connection, Tx},
    },
};
use crate::clock::Clock;

mod address;
mod facts;
mod hints;
mod inspection;

pub use address::{Address, AddressError};
pub use inspection::Inspection;

use hints::Hints;

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
    (
        3,
        "providers",
        include_str!("../../migrations/postgres/0003_providers.sql"),
    ),
    (
        4,
        "answers",
        include_str!("../../migrations/postgres/0004_answers.sql"),
    ),
    (
        5,
        "deletion",
        include_str!("../../migrations/postgres/0005_deletion.sql"),
    ),
    (
        6,
        "quality",
        include_str!("../../migrations/postgres/0006_quality.sql"),
    ),
    (
        7,
        "fingerprints",
        include_str!("../../migrations/postgres/0007_fingerprints.sql"),
    ),
    (
        8,
        "reviews",
        include_str!("../../migrations/postgres/0008_reviews.sql"),
    ),
];

/// Records in a Postgres database.
pub type PostgresRecords = Sql<PostgresServer>;

/// An open Postgres database.
#[derive(Debug)]
pub struct PostgresServer {
    address: Address,
    pool: PgPool,
    clock: Option<Arc<dyn Clock>>,
    hints: Option<Hinting>,
}

/// Hints to and from other processes; the sending ends when this is dropped.
#[derive(Debug)]
struct Hinting {
    hints: Arc<Hints>,
    _sending: AbortOnDropHandle<()>,
}

impl PostgresRecords {
    /// Opens the database at an address that is still text.
    ///
    /// # Errors
    ///
    /// As [`PostgresRecords::open_at`]; also when the address is wrong.
    pub async fn open(url: &str, max_connections: u32) -> Result<Self> {
        Self::connect(&parse(url)?, max_connections, None).await
    }

    /// Connects, at most `max_connections` times at once, and brings the schema up to date. Leases go by the clock of
    /// the server.
    ///
    /// # Errors
    ///
    /// [`RecordError::Unavailable`] when the server cannot be reached, was set not to wait for its disk on a commit,
    /// or was written by a newer version, and [`RecordError::Damaged`] when the schema is not the one that its version
    /// had.
    pub async fn open_at(address: &Address, max_connections: u32) -> Result<Self> {
        Self::connect(address, max_connections, None).await
    }

    /// The same, with leases that go by another clock.
    ///
    /// # Errors
    ///
    /// As [`PostgresRecords::open`].
    #[cfg(feature = "testing")]
    pub async fn open_with_clock(url: &str, max_connections: u32, clock: Arc<dyn Clock>) -> Result<Self> {
        Self::connect(&parse(url)?, max_connections, Some(clock)).await
    }

    async fn connect(address: &Address, max_connections: u32, clock: Option<Arc<dyn Clock>>) -> Result<Self> {
        let options = address.options();
        // Before the pool, which would try again and again whatever is wrong.
        let mut first = PgConnection::connect_with(options).await.map_err(unavailable)?;
        refuse_lost_commits(&mut first).await?;
        first.close().await.map_err(unavailable)?;
        let pool = PgPoolOptions::new()
            .max_connections(max_connections)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .connect_with(options.clone())
            .await
            .map_err(unavailable)?;
        migrations::run(&pool, MIGRATIONS).await?;
        let schema: String = sqlx::query_scalar("SELECT CAST(current_schema() AS TEXT)")
            .fetch_one(&pool)
            .await
            .map_err(unavailable)?;
        let hints = Arc::new(Hints::new(&schema));
        let sending = tokio::spawn(Arc::clone(&hints).send_all(pool.clone()));
        let hinting = Hinting {
            hints,
            _sending: AbortOnDropHandle::new(sending),
        };
        Ok(Self {
            backend: PostgresServer {
                address: address.clone(),
                pool,
                clock,
                hints: Some(hinting),
            },
        })
    }

    /// The same without hints to and from other processes: everybody finds out by looking now and then. For poolers of
    /// connections that do not carry `LISTEN`.
    #[must_use]
    pub fn without_hints(mut self) -> Self {
        self.backend.hints = None;
        self
    }

    /// Waits for running transactions and closes all connections. Later calls fail as unavailable.
    pub async fn close(&self) {
        self.backend.pool.close().await;
    }
}

fn parse(url: &str) -> Result<Address> {
    url.parse()
        .map_err(|error: AddressError| RecordError::Unavailable(format!("its address {error}").into()))
}

/// A commit that the server reports before it is on disk can be lost; a lost dispatch is a call that is paid twice.
async fn refuse_lost_commits(connection: &mut PgConnection) -> Result<()> {
    let setting = inspection::setting(connection, "SHOW synchronous_commit").await?;
    inspection::lost_commits(&setting).map_or(Ok(()), |why| Err(RecordError::Unavailable(why.into())))
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
            .begin("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            .await?;
        Ok(Snapshot::postgres(transaction, self.clock.clone()))
    }

    async fn check(&self) -> Result<String> {
        let mut connection = self.pool.acquire().await.map_err(unavailable)?;
        refuse_lost_commits(&mut connection).await?;
        let version = inspection::setting(&mut connection, "SHOW server_version").await?;
        Ok(format!("PostgreSQL {version}"))
    }

    fn announce(&self, hint: Hint) {
        if let Some(hinting) = &self.hints {
            hinting.hints.announce(hint);
        }
    }

    fn listen(&self) -> Option<BoxStream<'static, Hint>> {
        let hinting = self.hints.as_ref()?;
        let options = self.address.options().clone();
        Some(Arc::clone(&hinting.hints).listen(options))
    }
}

impl PostgresServer {
    /// Begins a transaction in a task of its own, which sees the answer even when the caller has gone meanwhile, and
    /// then rolls back. A `BEGIN` whose answer nobody saw is forgotten by the driver and not by the server: whoever
    /// came next on that connection would be in a transaction that another one began.
    async fn begin(&self, statement: &'static str) -> Result<Transaction<'static, Postgres>> {
        let pool = self.pool.clone();
        let begun = tokio::spawn(async move { pool.begin_with(statement).await });
        begun
            .await
            .map_err(|ended| RecordError::Unavailable(ended.into()))?
            .map_err(unavailable)
    }

    async fn try_write<T>(&self, work: &Work<T>) -> Result<T> {
        let mut transaction = self.begin("BEGIN").await?;
        let mut tx = Tx::writing(Connection::Postgres(&mut transaction), self.clock.clone());
        let answer = work(&mut tx).await;
        if answer.is_err() {
            // Awaited, so that its locks are gone when the caller hears of it: a claim passes over what is locked.
            transaction.rollback().await.map_err(unavailable)?;
        } else {
            transaction.commit().await.map_err(unavailable)?;
        }
        answer
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
