//! Databases for tests, and the records that tests write.

use std::{sync::Arc, time::Duration};

use limn_executor::{
    clock::{Clock, UnixMicros},
    ids::{AttemptId, BootId, ExecutionId},
    provider::CapabilityClass,
    records::{postgres::PostgresRecords, sqlite::SqliteRecords, *},
    testing::{ManualClock, scratch_postgres},
};
use limn_proto::{
    digest::{digest_of, sha256_hex},
    plan::PlanKind,
};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, SqliteConnection, sqlite::SqliteConnectOptions};
use uuid::Uuid;

pub(crate) const NOW: UnixMicros = UnixMicros(1_700_000_000_000_000);
pub(crate) const LEASE: Duration = Duration::from_secs(30);

/// A database of its own for one test, and the clock that its leases go by.
pub(crate) struct Database {
    place: Place,
    pub(crate) clock: Arc<ManualClock>,
}

enum Place {
    Folder(tempfile::TempDir),
    Schema(String),
}

impl Database {
    pub(crate) fn sqlite() -> Self {
        Self::of(Place::Folder(tempfile::tempdir().unwrap()))
    }

    /// Nothing when there is no server to test with.
    pub(crate) async fn postgres() -> Option<Self> {
        let url = scratch_postgres().await?;
        Some(Self::of(Place::Schema(url)))
    }

    fn of(place: Place) -> Self {
        Self {
            place,
            clock: Arc::new(ManualClock::at(NOW)),
        }
    }

    /// Another store on the same database: connections that know nothing of the others.
    pub(crate) async fn open(&self) -> Arc<dyn RecordStore> {
        let clock: Arc<dyn Clock> = Arc::<ManualClock>::clone(&self.clock);
        match &self.place {
            Place::Folder(folder) => {
                let path = folder.path().join("limn.db");
                Arc::new(SqliteRecords::open_with_clock(&path, clock).await.unwrap())
            }
            Place::Schema(url) => Arc::new(PostgresRecords::open_with_clock(url, 8, clock).await.unwrap()),
        }
    }

    /// Runs a statement that no verb makes.
    pub(crate) async fn execute(&self, statement: &str) {
        let statement = AssertSqlSafe(statement.to_owned());
        match &self.place {
            Place::Folder(folder) => {
                let options = SqliteConnectOptions::new().filename(folder.path().join("limn.db"));
                let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
                sqlx::query(statement).execute(&mut connection).await.unwrap();
                connection.close().await.unwrap();
            }
            Place::Schema(url) => {
                let mut connection = PgConnection::connect(url).await.unwrap();
                sqlx::query(statement).execute(&mut connection).await.unwrap();
                connection.close().await.unwrap();
            }
        }
    }

    /// The rows of a statement with one column of text.
    pub(crate) async fn texts(&self, statement: &'static str) -> Vec<String> {
        match &self.place {
            Place::Folder(folder) => {
                let options = SqliteConnectOptions::new().filename(folder.path().join("limn.db"));
                let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
                let rows = sqlx::query_scalar(statement).fetch_all(&mut connection).await;
                connection.close().await.unwrap();
                rows.unwrap()
            }
            Place::Schema(url) => {
                let mut connection = PgConnection::connect(url).await.unwrap();
                let rows = sqlx::query_scalar(statement).fetch_all(&mut connection).await;
                connection.close().await.unwrap();
                rows.unwrap()
            }
        }
    }

    /// Address of the Postgres schema.
    pub(crate) fn url(&self) -> &str {
        match &self.place {
            Place::Schema(url) => url,
            Place::Folder(_) => unreachable!("a file has no address"),
        }
    }
}

/// Makes a test of each function for each database.
macro_rules! on_both {
    ($($name:ident,)+) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $name() {
                super::$name(crate::support::Database::sqlite()).await;
            })+
        }

        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $name() {
                if let Some(database) = crate::support::Database::postgres().await {
                    super::$name(database).await;
                }
            })+
        }
    };
}
pub(crate) use on_both;

/// An order of one step.
pub(crate) fn order(number: u128) -> NewExecution {
    NewExecution {
        id: ExecutionId(Uuid::from_u128(number)),
        plan: NewPlan {
            client: "acme".to_owned(),
            digest_hex: sha256_hex(&number.to_be_bytes()),
            canonical_bytes: number.to_be_bytes().to_vec(),
            session_id: String::new(),
            kind: PlanKind::Single,
            now: NOW,
        },
        currency: "USD".to_owned(),
        steps: vec![step("a", b"unit")],
        take: 0,
        request_id: format!("request-{number}"),
        request_hash: "hash".to_owned(),
        mode: ExecutionMode::Reuse,
        max_concurrency: 1,
        now: NOW,
    }
}

/// A step with a unit and a price of 5.
pub(crate) fn step(step_id: &str, unit: &[u8]) -> NewStep {
    NewStep {
        step_id: step_id.to_owned(),
        render_digests: vec![digest_of(unit)],
        expected_nanos: 5,
    }
}

pub(crate) fn boot(number: u128) -> BootId {
    BootId(Uuid::from_u128(number))
}

pub(crate) fn attempt(step_id: &str, unit: &[u8], id: u128) -> NewAttempt {
    NewAttempt {
        id: AttemptId(Uuid::from_u128(id)),
        step_id: step_id.to_owned(),
        target: 0,
        reroll: 0,
        provider: "easel".to_owned(),
        model: "easel-2".to_owned(),
        render_digest: digest_of(unit),
        class: CapabilityClass::D,
        ceiling_nanos: 7,
        max_cost_nanos: Some(70),
        now: NOW,
    }
}
