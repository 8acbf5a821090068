//! A process that ends without a word, and the next one that finds what it left.

use std::{fs, path::Path, sync::Arc};

use limn_executor::{
    executor::Order,
    provider::{Billing, CapabilityClass},
    records::{
        AttemptState, Balance, ExecutionFilter, ExecutionState, Page, RecordStore as _, StepState,
        sqlite::SqliteRecords,
    },
};
use limn_proto::reason::Reason;

use crate::{
    scripted::{Act, Scripted, picture},
    support::{CEILING_NANOS, PRICE_NANOS, Process, plan, spec},
};

/// Crashes while a call is in flight; returns the provider and the folder.
pub(crate) fn crash_in_flight(class: CapabilityClass) -> (Arc<Scripted>, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let provider = Scripted::new("first", class);
    provider.script([Act::Hold]);
    let process = Process::start(folder.path(), &[Arc::clone(&provider)]);
    let plan = plan(&spec(2, &["first"]));
    process.block_on(async {
        process.executor.submit(&plan, &Order::default()).await.unwrap();
        provider.reached.acquire().await.unwrap().forget();
    });
    process.crash();
    (provider, folder)
}

#[test]
fn a_call_in_flight_at_a_provider_that_cannot_be_asked_becomes_unknown_and_is_not_sent_again() {
    let (provider, folder) = crash_in_flight(CapabilityClass::D);
    let process = Process::start(folder.path(), &[Arc::clone(&provider)]);
    let ended = process.run(&plan(&spec(2, &["first"])), &Order::default());

    assert_eq!(ended.state, ExecutionState::NeedsDecision);
    assert_eq!(ended.steps[0].attempts[0].state, AttemptState::Unknown);
    assert_eq!(provider.calls(), 2, "one for each step");
    let expected = Balance {
        spent_nanos: PRICE_NANOS,
        reserved_nanos: 0,
        unknown_held_nanos: CEILING_NANOS,
    };
    assert_eq!(process.balance(), expected);
}

#[test]
fn a_call_in_flight_at_a_provider_that_repeats_for_nothing_is_sent_again_as_the_same_attempt() {
    let (provider, folder) = crash_in_flight(CapabilityClass::A);
    let process = Process::start(folder.path(), &[Arc::clone(&provider)]);
    let ended = process.run(&plan(&spec(2, &["first"])), &Order::default());

    assert_eq!(ended.state, ExecutionState::Completed);
    assert_eq!(ended.steps[0].attempts.len(), 1);
    assert_eq!(provider.calls(), 3);
}

#[test]
fn a_repetition_that_is_not_accepted_proves_nothing_about_the_call_before_it() {
    for act in [Act::Unsent, Act::Reject(Reason::ProviderRateLimited, Billing::No)] {
        let (provider, folder) = crash_in_flight(CapabilityClass::A);
        provider.script([act]);
        let process = Process::start(folder.path(), &[Arc::clone(&provider)]);
        let ended = process.run(&plan(&spec(2, &["first"])), &Order::default());

        assert_eq!(ended.state, ExecutionState::NeedsDecision);
        assert_eq!(ended.steps[0].attempts.len(), 1);
        assert_eq!(process.balance().unknown_held_nanos, CEILING_NANOS);
    }
}

#[test]
fn accepted_work_is_asked_for_by_the_next_process_without_a_second_submit() {
    let folder = tempfile::tempdir().unwrap();
    let provider = Scripted::new("first", CapabilityClass::C);
    provider.script([Act::Job(u32::MAX - 1)]);
    let plan = plan(&spec(1, &["first"]));
    let process = Process::start(folder.path(), &[Arc::clone(&provider)]);
    process.block_on(async {
        let submitted = process.executor.submit(&plan, &Order::default()).await.unwrap();
        loop {
            let record = process
                .executor
                .records()
                .execution("tester", submitted.execution.id)
                .await;
            let record = record.unwrap().unwrap();
            if record.steps[0]
                .attempts
                .first()
                .is_some_and(|attempt| attempt.state == AttemptState::Accepted)
            {
                break;
            }
            tokio::task::yield_now().await;
        }
    });
    process.crash();

    // The job is done by the time somebody asks again.
    provider
        .polls
        .store(u32::MAX - 1, std::sync::atomic::Ordering::SeqCst);
    let process = Process::start(folder.path(), &[Arc::clone(&provider)]);
    let ended = process.run(&plan, &Order::default());
    assert_eq!(ended.state, ExecutionState::Completed);
    assert_eq!(provider.calls(), 1);
    assert_eq!(process.balance().spent_nanos, PRICE_NANOS);
}

/// Lets a process look at what it finds, and stops it again.
fn look(folder: &Path, provider: Option<&Arc<Scripted>>) {
    let other = Scripted::new("second", CapabilityClass::D);
    other.script([Act::Reject(Reason::ContentBlocked, Billing::No)]);
    let mut providers = vec![other];
    providers.extend(provider.cloned());
    let process = Process::start(folder, &providers);
    // The oldest execution is claimed first, so once this one ended the other is in progress.
    let ended = process.run(&plan(&spec(1, &["second"])), &Order::default());
    assert_eq!(ended.state, ExecutionState::Failed);
    process.block_on(process.executor.shutdown());
    process.crash();
}

#[test]
fn a_staged_answer_that_outlived_its_commit_is_removed_by_the_next_owner() {
    let folder = tempfile::tempdir().unwrap();
    let provider = Scripted::new("first", CapabilityClass::D);
    provider.script([Act::Draw, Act::Hold]);
    let process = Process::start(folder.path(), &[Arc::clone(&provider)]);
    let mut spec = spec(2, &["first"]);
    spec.policy.as_mut().unwrap().max_concurrency = 1;
    let plan = plan(&spec);
    let drawn = process.block_on(async {
        let submitted = process.executor.submit(&plan, &Order::default()).await.unwrap();
        provider.reached.acquire().await.unwrap().forget();
        let records = process.executor.records();
        let record = records.execution("tester", submitted.execution.id).await.unwrap();
        record.unwrap().steps[0].attempts[0].clone()
    });
    assert_eq!(drawn.state, AttemptState::Committed);
    process.crash();
    // As if the crash had come right after the commit.
    let staged = folder.path().join("blobs/staging").join(drawn.id.to_string());
    fs::write(&staged, picture(24, 16).body).unwrap();

    let process = Process::start(folder.path(), &[Arc::clone(&provider)]);
    let ended = process.run(&plan, &Order::default());
    assert_eq!(ended.state, ExecutionState::NeedsDecision);
    assert!(!staged.exists());
}

#[test]
fn a_staged_answer_is_not_given_up_while_the_store_is_away() {
    let (provider, folder) = crash_in_flight(CapabilityClass::D);
    let file = folder.path().join("limn.db");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let attempt = runtime.block_on(async {
        let records = SqliteRecords::open(&file).await.unwrap();
        let page = Page {
            limit: 1,
            after: None,
        };
        let found = records
            .executions("tester", &ExecutionFilter::default(), &page)
            .await;
        found.unwrap()[0].steps[0].attempts[0].id
    });
    // The answer came and was staged; then the disk went away.
    let staging = folder.path().join("blobs/staging");
    fs::create_dir_all(&staging).unwrap();
    fs::write(staging.join(attempt.to_string()), picture(24, 16).body).unwrap();
    let away = folder.path().join("away");
    fs::rename(&staging, &away).unwrap();
    std::os::unix::fs::symlink(&away, &staging).unwrap();
    look(folder.path(), Some(&provider));

    fs::remove_file(&staging).unwrap();
    fs::rename(&away, &staging).unwrap();
    let process = Process::start(folder.path(), &[Arc::clone(&provider)]);
    let ended = process.run(&plan(&spec(2, &["first"])), &Order::default());
    assert_eq!(ended.state, ExecutionState::Completed);
    assert_eq!(provider.calls(), 2, "one for each step");
    assert_eq!(process.balance().spent_nanos, 2 * PRICE_NANOS);
}

#[test]
fn a_call_of_a_provider_that_is_switched_off_waits_for_it() {
    let (provider, folder) = crash_in_flight(CapabilityClass::D);
    look(folder.path(), None);
    let process = Process::start(folder.path(), &[]);
    let stuck = process.execution_of("first");
    assert_eq!(stuck.state, ExecutionState::NeedsDecision);
    let failure = stuck.failure.as_ref().unwrap();
    assert_eq!(failure.reason, Reason::ProviderUnavailable);
    assert!(failure.message.contains("provider first"), "{}", failure.message);
    assert!(stuck.next_check_at.is_some());
    assert_eq!(stuck.steps[0].attempts[0].state, AttemptState::Dispatching);
    assert_eq!(stuck.steps[1].state, StepState::Pending);
    process.crash();

    let process = Process::start(folder.path(), &[Arc::clone(&provider)]);
    let parked = process.until(stuck.id, |now| now.steps[1].state == StepState::Completed);
    assert_eq!(parked.steps[0].attempts[0].state, AttemptState::Unknown);
    assert_eq!(provider.calls(), 2, "one for each step");
}

#[test]
fn an_owner_that_slept_past_its_lease_keeps_its_calls_in_flight() {
    let folder = tempfile::tempdir().unwrap();
    let provider = Scripted::new("first", CapabilityClass::D);
    provider.script([Act::Hold]);
    let plan = plan(&spec(1, &["first"]));
    let process = Process::start(folder.path(), &[Arc::clone(&provider)]);
    let ended = process.block_on(async {
        let submitted = process.executor.submit(&plan, &Order::default()).await.unwrap();
        provider.reached.acquire().await.unwrap().forget();
        let file = SqliteRecords::open(&folder.path().join("limn.db")).await.unwrap();
        file.expire_leases().await.unwrap();
        // Another order is begun, so the process has looked for work since.
        let other = crate::support::plan(&spec(2, &["first"]));
        let order = Order {
            take: 1,
            ..Order::default()
        };
        let other = process.executor.submit(&other, &order).await.unwrap();
        let other = process.rest(other.execution).await;
        assert_eq!(other.state, ExecutionState::Completed);
        provider.gate.add_permits(1);
        process.rest(submitted.execution).await
    });
    assert_eq!(ended.state, ExecutionState::Completed);
    assert_eq!(provider.calls(), 3);
    assert_eq!(process.balance().unknown_held_nanos, 0);
}
