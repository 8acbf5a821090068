//! The conformance suite on SQLite, and what only a file can show.

use std::{path::PathBuf, sync::Arc, time::Duration};

use futures::FutureExt as _;
use limn_executor::{
    conformance::records::{self, Subject},
    record_scenarios,
    records::{sqlite::SqliteRecords, *},
    testing::ManualClock,
};
use limn_proto::digest::digest_of;
use sqlx::{Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};

use crate::support::{Database, LEASE, NOW, attempt, boot, order};

/// A store in a folder that goes away with it.
struct Stored {
    records: Arc<SqliteRecords>,
    folder: tempfile::TempDir,
}

impl Stored {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(NOW));
        let records = SqliteRecords::open_with_clock(&folder.path().join("data/limn.db"), clock)
            .await
            .unwrap();
        Self {
            records: Arc::new(records),
            folder,
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("data/limn.db")
    }
}

macro_rules! scenarios {
    ($($group:ident: $name:ident,)+) => {$(
        #[tokio::test]
        async fn $name() {
            let database = Database::sqlite();
            let store = database.open().await;
            let subject = Subject {
                store: store.as_ref(),
                clock: &database.clock,
            };
            records::$group::$name(subject).await.unwrap();
        }
    )+};
}

record_scenarios!(scenarios);

#[tokio::test]
async fn a_closed_file_has_everything_when_it_is_opened_again() {
    let stored = Stored::new().await;
    let records = &stored.records;
    records.accept(&order(1)).await.unwrap();
    let claim = records.claim(boot(1), LEASE, 1, &[]).await.unwrap()[0];
    records.start_execution(&claim.fence, NOW).await.unwrap();
    records.start_step(&claim.fence, "a", NOW).await.unwrap();
    let units = [digest_of(b"unit")];
    records.acquire_unit(&claim.fence, "a", &units, 0).await.unwrap();
    let new = attempt("a", b"unit", 9);
    records.prepare(&claim.fence, &new).await.unwrap();
    let send_margin = Duration::from_secs(1);
    records
        .dispatch(&claim.fence, new.id, send_margin, NOW)
        .await
        .unwrap();
    let execution = records.open_execution(&claim.fence).await.unwrap();
    let events = records.events_after(execution.id, 0, 100).await.unwrap();
    let balances = records.balances().await.unwrap();
    records.close().await;
    assert!(matches!(
        records.balances().await,
        Err(RecordError::Unavailable(_))
    ));

    let again = SqliteRecords::open(&stored.path()).await.unwrap();
    assert_eq!(again.open_execution(&claim.fence).await.unwrap(), execution);
    assert_eq!(again.events_after(execution.id, 0, 100).await.unwrap(), events);
    assert_eq!(again.balances().await.unwrap(), balances);
    assert_eq!(again.ledger_sums().await.unwrap(), balances);
    assert!(again.check().await.unwrap().starts_with("SQLite 3."));
}

#[tokio::test]
async fn a_file_of_a_newer_version_is_refused_by_name() {
    let stored = Stored::new().await;
    stored.records.close().await;
    let options = SqliteConnectOptions::new().filename(stored.path());
    let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::query(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         VALUES (4711, 'from the future', TRUE, x'00', 0)",
    )
    .execute(&mut connection)
    .await
    .unwrap();
    connection.close().await.unwrap();

    let error = SqliteRecords::open(&stored.path()).await.unwrap_err().to_string();
    assert!(error.contains("a newer version wrote it"), "{error}");
    assert!(error.contains("4711") && error.contains("upgrade"), "{error}");
}

#[tokio::test]
async fn a_schema_that_was_tampered_with_is_refused() {
    let stored = Stored::new().await;
    stored.records.close().await;
    let options = SqliteConnectOptions::new().filename(stored.path());
    let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::query("UPDATE _sqlx_migrations SET checksum = x'00'")
        .execute(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
    let opened = SqliteRecords::open(&stored.path()).await;
    assert!(matches!(opened, Err(RecordError::Damaged(_))), "{opened:?}");
}

/// Verbs that wait together share a transaction; what one is refused, or that its caller goes away, is nothing to the
/// others.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn verbs_that_share_a_commit_do_not_share_a_fate() {
    let stored = Stored::new().await;
    let records = &stored.records;
    let stranger = Fence {
        execution: order(1).id,
        boot: boot(99),
        epoch: 1,
    };
    let (mut accepted, mut refused, mut forgotten) = (Vec::new(), Vec::new(), Vec::new());
    for number in 0..300 {
        let (store, order) = (Arc::clone(records), order(number));
        match number % 3 {
            0 => accepted.push(tokio::spawn(async move { store.accept(&order).await })),
            1 => refused.push(tokio::spawn(async move {
                store.start_execution(&stranger, NOW).await
            })),
            _ => {
                let verb = async move { store.accept(&order).await };
                // Asked once, and then left alone.
                forgotten.push((number, verb.now_or_never().is_none()));
            }
        }
    }
    for verb in accepted {
        assert!(matches!(verb.await.unwrap().unwrap(), Acceptance::New(_)));
    }
    for verb in refused {
        assert!(matches!(verb.await.unwrap(), Err(RecordError::Fenced)));
    }
    // Verbs run in the order in which they were asked for, so by now the forgotten ones are done, too.
    for (number, pending) in forgotten {
        assert!(pending, "a verb waits for its commit");
        let found = records.execution("acme", order(number).id).await.unwrap();
        assert!(found.is_some(), "order {number} ran to its end");
    }
}
