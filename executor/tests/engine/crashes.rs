//! A process that ends without a word, and the next one that finds what it left.

use std::sync::Arc;

use limn_executor::{
    executor::Order,
    provider::CapabilityClass,
    records::{AttemptState, Balance, ExecutionState},
};

use crate::support::{Act, CEILING_NANOS, PRICE_NANOS, Process, Scripted, plan, spec};

/// Crashes while a call is in flight; returns the provider and the folder.
fn crash_in_flight(class: CapabilityClass) -> (Arc<Scripted>, tempfile::TempDir) {
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
