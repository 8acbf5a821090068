//! The conformance suite on Postgres, and what is Postgres' own.

use std::{future::poll_fn, pin::pin, sync::Arc, task::Poll};

use limn_executor::{
    conformance::records::{self, Subject},
    record_scenarios,
    records::{RecordError, RecordStore as _, postgres::PostgresRecords},
};

use crate::support::Database;

macro_rules! scenarios {
    ($($group:ident: $name:ident,)+) => {$(
        #[tokio::test]
        async fn $name() {
            let Some(database) = Database::postgres().await else {
                return;
            };
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
async fn a_server_that_may_lose_commits_is_refused() {
    let Some(database) = Database::postgres().await else {
        return;
    };
    let url = format!("{}&options[synchronous_commit]=off", database.url());
    let refused = PostgresRecords::open(&url, 1).await.unwrap_err().to_string();
    assert!(refused.contains("synchronous_commit is off"), "{refused}");
}

#[tokio::test]
async fn leases_go_by_the_clock_of_the_server() {
    let Some(database) = Database::postgres().await else {
        return;
    };
    let records = PostgresRecords::open(database.url(), 2).await.unwrap();
    assert!(records.check().await.unwrap().starts_with("PostgreSQL "));
    let order = crate::support::order(1);
    records.accept(&order).await.unwrap();
    let boot = crate::support::boot;
    let lease = std::time::Duration::from_secs(3600);
    assert_eq!(records.claim(boot(1), lease, 1, &[]).await.unwrap().len(), 1);
    assert_eq!(records.claim(boot(2), lease, 1, &[]).await.unwrap(), []);
}

#[tokio::test]
async fn processes_that_start_together_migrate_once() {
    let Some(database) = Database::postgres().await else {
        return;
    };
    let url: Arc<str> = database.url().into();
    let opened = (0..4).map(|_| {
        let url = Arc::clone(&url);
        tokio::spawn(async move { PostgresRecords::open(&url, 1).await.map(drop) })
    });
    for opened in opened.collect::<Vec<_>>() {
        opened.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_caller_that_hangs_up_leaves_no_transaction_to_the_next_one() {
    let Some(database) = Database::postgres().await else {
        return;
    };
    // One connection, so that the next caller has the same.
    let records = PostgresRecords::open(database.url(), 1).await.unwrap();
    for number in 0..50 {
        let order = crate::support::order(number);
        // A look waits four times; which wait is which depends on how fast the server is.
        hang_up_after(number % 5, records.standing("acme", order.id)).await;
        records.accept(&order).await.unwrap();
    }
}

/// Drops a future that has to wait once more than so often.
async fn hang_up_after(waits: u128, future: impl Future) {
    let mut future = pin!(future);
    let mut waited = 0;
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Pending if waited < waits => {
            waited += 1;
            Poll::Pending
        }
        Poll::Pending | Poll::Ready(_) => Poll::Ready(()),
    })
    .await;
}

#[tokio::test]
async fn an_address_that_is_none_is_refused() {
    let refused = PostgresRecords::open("postgres://", 1).await;
    assert!(matches!(refused, Err(RecordError::Unavailable(_))), "{refused:?}");
}
