//! The record seam on a real SQLite file: the conformance suite, and what only a file can show.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{path::PathBuf, sync::Arc, time::Duration};

use limn_executor::{
    clock::UnixMicros,
    conformance::records,
    ids::{AttemptId, BootId, ExecutionId},
    provider::CapabilityClass,
    record_scenarios,
    records::{sqlite::SqliteRecords, *},
};
use limn_proto::{
    digest::{digest_of, sha256_hex},
    plan::PlanKind,
};
use sqlx::{Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};
use uuid::Uuid;

const NOW: UnixMicros = UnixMicros(1_700_000_000_000_000);
const LEASE: Duration = Duration::from_secs(30);

/// A store in a folder that goes away with it.
struct Stored {
    records: Arc<SqliteRecords>,
    folder: tempfile::TempDir,
}

impl Stored {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let records = SqliteRecords::open(&folder.path().join("data/limn.db"))
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
            let stored = Stored::new().await;
            records::$group::$name(stored.records.as_ref()).await.unwrap();
        }
    )+};
}

record_scenarios!(scenarios);

/// An order of one step.
fn order(number: u128) -> NewExecution {
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
        step_ids: vec!["a".to_owned()],
        take: 0,
        request_id: format!("request-{number}"),
        request_hash: "hash".to_owned(),
        mode: ExecutionMode::Reuse,
        max_concurrency: 1,
        now: NOW,
    }
}

fn boot(number: u128) -> BootId {
    BootId(Uuid::from_u128(number))
}

fn attempt(step_id: &str, unit: &[u8], id: u128) -> NewAttempt {
    NewAttempt {
        id: AttemptId(Uuid::from_u128(id)),
        step_id: step_id.to_owned(),
        target: 0,
        provider: "easel".to_owned(),
        model: "easel-2".to_owned(),
        render_digest: digest_of(unit),
        class: CapabilityClass::D,
        ceiling_nanos: 7,
        max_cost_nanos: Some(70),
        now: NOW,
    }
}

#[tokio::test]
async fn a_closed_file_has_everything_when_it_is_opened_again() {
    let stored = Stored::new().await;
    let records = &stored.records;
    records.accept(&order(1)).await.unwrap();
    let claim = records.claim(boot(1), NOW, LEASE, 1, &[]).await.unwrap()[0];
    records.start_execution(&claim.fence, NOW).await.unwrap();
    records.start_step(&claim.fence, "a", NOW).await.unwrap();
    let units = [digest_of(b"unit")];
    records.acquire_unit(&claim.fence, "a", &units, 0).await.unwrap();
    let new = attempt("a", b"unit", 9);
    records.prepare(&claim.fence, &new).await.unwrap();
    let send_by = NOW.plus(Duration::from_secs(1));
    records
        .dispatch(&claim.fence, new.id, send_by, NOW)
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

/// Two stores on one file are two connections that know nothing of each other.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn rival_claims_never_take_the_same_execution() {
    let stored = Stored::new().await;
    for number in 0..40 {
        stored.records.accept(&order(number)).await.unwrap();
    }
    let rival = Arc::new(SqliteRecords::open(&stored.path()).await.unwrap());
    let mut tasks = Vec::new();
    for task in 0..8_u128 {
        let records = Arc::clone(if task % 2 == 0 { &stored.records } else { &rival });
        tasks.push(tokio::spawn(async move {
            let mut claimed = Vec::new();
            loop {
                let claims = records.claim(boot(task), NOW, LEASE, 3, &[]).await.unwrap();
                if claims.is_empty() {
                    return claimed;
                }
                claimed.extend(claims.iter().map(|claim| claim.fence.execution));
            }
        }));
    }
    let mut claimed = Vec::new();
    for task in tasks {
        claimed.extend(task.await.unwrap());
    }
    claimed.sort();
    let accepted: Vec<ExecutionId> = (0..40).map(|number| order(number).id).collect();
    assert_eq!(claimed, accepted, "each exactly once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn rival_orders_begin_one_execution() {
    let stored = Stored::new().await;
    let rival = Arc::new(SqliteRecords::open(&stored.path()).await.unwrap());
    let mut tasks = Vec::new();
    for task in 0..12_u128 {
        let records = Arc::clone(if task % 2 == 0 { &stored.records } else { &rival });
        let order = NewExecution {
            id: ExecutionId(Uuid::from_u128(100 + task)),
            request_id: format!("request-{task}"),
            ..order(1)
        };
        tasks.push(tokio::spawn(async move { records.accept(&order).await.unwrap() }));
    }
    let (mut begun, mut joined) = (Vec::new(), Vec::new());
    for task in tasks {
        match task.await.unwrap() {
            Acceptance::New(id) => begun.push(id),
            Acceptance::Joined(id) => joined.push(id),
            other => unreachable!("{other:?}"),
        }
    }
    assert_eq!((begun.len(), joined.len()), (1, 11));
    assert!(joined.iter().all(|id| *id == begun[0]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn rival_attempts_never_pass_the_cost_limit() {
    let stored = Stored::new().await;
    let rival = Arc::new(SqliteRecords::open(&stored.path()).await.unwrap());
    let steps: Vec<String> = (0..20).map(|step| format!("step-{step}")).collect();
    let wide = NewExecution {
        step_ids: steps.clone(),
        ..order(1)
    };
    stored.records.accept(&wide).await.unwrap();
    let fence = stored.records.claim(boot(1), NOW, LEASE, 1, &[]).await.unwrap()[0].fence;
    let mut tasks = Vec::new();
    for (number, step) in steps.into_iter().enumerate() {
        let records = Arc::clone(if number % 2 == 0 { &stored.records } else { &rival });
        tasks.push(tokio::spawn(async move {
            let new = attempt(&step, step.as_bytes(), 1000 + number as u128);
            let units = [new.render_digest.clone()];
            records.start_step(&fence, &step, NOW).await.unwrap();
            records.acquire_unit(&fence, &step, &units, 0).await.unwrap();
            records.prepare(&fence, &new).await.unwrap()
        }));
    }
    let mut prepared = 0;
    for task in tasks {
        match task.await.unwrap() {
            Preparation::Prepared(_) => prepared += 1,
            Preparation::CostLimit { committed_nanos } => assert_eq!(committed_nanos, 70),
            Preparation::Cancelled => unreachable!("nobody cancelled"),
        }
    }
    assert_eq!(prepared, 10, "ten ceilings of 7 fit into 70");
    let balances = rival.balances().await.unwrap();
    assert_eq!(balances, stored.records.ledger_sums().await.unwrap());
    assert_eq!(balances.values().next().unwrap().reserved_nanos, 70);
    let record = rival.open_execution(&fence).await.unwrap();
    let events = rival.events_after(record.id, 0, 1000).await.unwrap();
    let sequences: Vec<u64> = events.iter().map(|event| event.sequence).collect();
    assert_eq!(sequences, (1..=record.last_sequence).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_happens_between_claim_and_write_is_seen() {
    let stored = Stored::new().await;
    let rival = SqliteRecords::open(&stored.path()).await.unwrap();
    stored.records.accept(&order(1)).await.unwrap();
    let first = stored.records.claim(boot(1), NOW, LEASE, 1, &[]).await.unwrap()[0].fence;
    rival.request_cancel("acme", first.execution, NOW).await.unwrap();
    stored.records.start_execution(&first, NOW).await.unwrap();
    let record = stored.records.open_execution(&first).await.unwrap();
    assert_eq!(record.state, ExecutionState::Cancelling);

    let second = rival
        .claim(boot(2), NOW.plus(LEASE), LEASE, 1, &[])
        .await
        .unwrap()[0]
        .fence;
    let late = stored.records.start_step(&first, "a", NOW).await;
    assert!(matches!(late, Err(RecordError::Fenced)), "{late:?}");
    rival.start_step(&second, "a", NOW).await.unwrap();
}
