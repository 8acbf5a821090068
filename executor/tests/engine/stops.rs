//! Executions that are stopped: by their clients, and because whoever touches them dies.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use futures::FutureExt as _;
use limn_executor::{
    executor::{Order, Settings},
    ids::{BootId, ExecutionId},
    provider::CapabilityClass,
    records::{AttemptState, Balance, ExecutionState, RecordStore as _, StepState, sqlite::SqliteRecords},
};
use limn_proto::reason::Reason;
use sqlx::{Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};
use uuid::Uuid;

use crate::{
    crashes::crash_in_flight,
    scripted::{Act, Scripted},
    support::{PRICE_NANOS, Process, plan, spec},
};

/// A process whose one call was accepted as a job that is never done by itself.
fn accepted(
    change: impl FnOnce(Settings) -> Settings,
) -> (Arc<Scripted>, tempfile::TempDir, Process, ExecutionId) {
    let folder = tempfile::tempdir().unwrap();
    let provider = Scripted::new("first", CapabilityClass::C);
    provider.script([Act::Job(u32::MAX)]);
    let process = Process::start_with(folder.path(), &[Arc::clone(&provider)], change);
    let plan = plan(&spec(1, &["first"]));
    let submitted = process.block_on(process.executor.submit(&plan, &Order::default()));
    let execution = submitted.unwrap().execution.id;
    process.until(execution, |now| {
        let attempt = now.steps[0].attempts.first();
        attempt.is_some_and(|attempt| attempt.state == AttemptState::Accepted)
    });
    (provider, folder, process, execution)
}

#[test]
fn accepted_work_is_stopped_at_the_provider_once_and_asked_for_to_its_end() {
    let (provider, _folder, process, execution) = accepted(|settings| settings);
    provider.is_stoppable.store(true, Ordering::SeqCst);
    for _ in 0..3 {
        process
            .block_on(process.executor.cancel("tester", execution))
            .unwrap();
    }
    let record = process.until(execution, |now| now.state.is_terminal());
    assert_eq!(record.state, ExecutionState::Cancelled);
    assert_eq!(record.steps[0].attempts[0].state, AttemptState::Rejected);
    assert_eq!(provider.cancels.load(Ordering::SeqCst), 1);
    assert_eq!(provider.calls(), 1);
    assert_eq!(process.balance(), Balance::default());
}

#[test]
fn work_that_is_done_before_it_could_be_stopped_is_kept() {
    let (provider, _folder, process, execution) = accepted(|settings| settings);
    process
        .block_on(process.executor.cancel("tester", execution))
        .unwrap();
    process.until(execution, |_| provider.cancels.load(Ordering::SeqCst) == 1);
    provider.polls.store(u32::MAX, Ordering::SeqCst);
    let record = process.until(execution, |now| now.state.is_terminal());
    assert_eq!(record.state, ExecutionState::Completed, "every step completed");
    assert_eq!(process.balance().spent_nanos, PRICE_NANOS);
}

#[test]
fn a_cancel_is_done_though_its_caller_goes_away() {
    let (provider, _folder, process, execution) = accepted(|settings| settings);
    provider.is_stoppable.store(true, Ordering::SeqCst);
    process.block_on(async {
        // Begun, and dropped at its first wait.
        assert!(
            process
                .executor
                .cancel("tester", execution)
                .now_or_never()
                .is_none()
        );
    });
    let record = process.until(execution, |now| now.state.is_terminal());
    assert_eq!(record.state, ExecutionState::Cancelled);
}

#[test]
fn a_cancel_that_another_process_was_asked_for_is_heard() {
    let (provider, folder, process, execution) = accepted(|settings| Settings {
        lease: Duration::from_millis(600),
        ..settings
    });
    provider.is_stoppable.store(true, Ordering::SeqCst);
    process.block_on(async {
        let elsewhere = SqliteRecords::open(&folder.path().join("limn.db")).await.unwrap();
        let now = limn_executor::clock::UnixMicros(1);
        elsewhere.request_cancel("tester", execution, now).await.unwrap();
    });
    let record = process.until(execution, |now| now.state.is_terminal());
    assert_eq!(record.state, ExecutionState::Cancelled);
    assert_eq!(provider.cancels.load(Ordering::SeqCst), 1);
}

/// Takes an execution over and dies, again and again.
fn die(folder: &std::path::Path, times: u128) {
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let records = SqliteRecords::open(&folder.join("limn.db")).await.unwrap();
        for number in 1..=times {
            records.expire_leases().await.unwrap();
            let boot = BootId(Uuid::from_u128(number));
            let claims = records.claim(boot, Duration::from_secs(30), 10, &[]).await;
            assert_eq!(claims.unwrap().len(), 1);
        }
        records.close().await;
    });
}

#[test]
fn an_execution_that_kills_its_owners_is_left_alone() {
    let (provider, folder) = crash_in_flight(CapabilityClass::A);
    die(folder.path(), 5);
    let process = Process::start(folder.path(), &[Arc::clone(&provider)]);
    let execution = process.execution_of("first").id;
    let parked = process.until(execution, |now| now.state == ExecutionState::NeedsDecision);
    assert_eq!(parked.failure.as_ref().unwrap().reason, Reason::ExecutionPoisoned);
    assert_eq!((parked.crash_count, parked.next_check_at), (6, None));
    assert_eq!(provider.calls(), 1);

    process
        .block_on(process.executor.cancel("tester", execution))
        .unwrap();
    let record = process.until(execution, |now| now.state.is_terminal());
    assert_eq!(record.state, ExecutionState::Cancelled);
    assert_eq!(
        record.steps[0].state,
        StepState::Completed,
        "what was in flight is kept"
    );
    assert_eq!(record.steps[1].state, StepState::Cancelled);
}

#[test]
fn an_owner_more_or_less_is_no_poison() {
    let (provider, folder) = crash_in_flight(CapabilityClass::A);
    die(folder.path(), 4);
    let process = Process::start(folder.path(), &[Arc::clone(&provider)]);
    let execution = process.execution_of("first").id;
    let record = process.until(execution, |now| now.state.is_terminal());
    assert_eq!(record.state, ExecutionState::Completed);
    assert_eq!(record.crash_count, 0, "steps have ended since");
}

#[test]
fn an_execution_whose_plan_is_damaged_is_parked_with_the_reason() {
    let (provider, folder) = crash_in_flight(CapabilityClass::A);
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let options = SqliteConnectOptions::new().filename(folder.path().join("limn.db"));
        let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
        sqlx::query("UPDATE plans SET bytes = x'ff'")
            .execute(&mut connection)
            .await
            .unwrap();
        connection.close().await.unwrap();
    });
    let process = Process::start(folder.path(), &[Arc::clone(&provider)]);
    let execution = process.execution_of("first").id;
    let parked = process.until(execution, |now| now.state == ExecutionState::NeedsDecision);
    let failure = parked.failure.as_ref().unwrap();
    assert_eq!(failure.reason, Reason::Internal);
    assert!(failure.message.contains("plan"), "{}", failure.message);
    assert!(parked.next_check_at.is_some());
    assert_eq!(provider.calls(), 1);
}
