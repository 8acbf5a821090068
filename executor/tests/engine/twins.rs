//! Steps of one execution that want the same picture, and an owner that dies while one of them draws it.

use std::sync::Arc;

use limn_executor::{
    executor::{Order, Settings},
    provider::CapabilityClass,
    records::{AttemptState, Balance, ExecutionRecord, ExecutionState, StepState},
};
use limn_proto::{plan::PlanSpec, reason::Reason};

use crate::{
    scripted::{Act, Scripted, Word},
    support::{PRICE_NANOS, Process, plan, spec},
};

/// Two steps for one picture: one that would have it from the first provider or the second, and one that takes it only
/// from this one.
fn twins(only: usize) -> PlanSpec {
    let mut spec = spec(2, &["first", "second"]);
    let target = spec.steps[0].targets[only].clone();
    spec.steps[1].targets = vec![target];
    let cost = spec.cost.as_mut().unwrap();
    cost.lines
        .retain(|line| line.step_id == "image-1" || line.target == 0);
    spec
}

fn submit(process: &Process, spec: &PlanSpec) -> ExecutionRecord {
    let submitted = process.block_on(process.executor.submit(&plan(spec), &Order::default()));
    submitted.unwrap().execution
}

#[test]
fn what_is_in_flight_goes_on_before_a_step_that_waits_for_its_picture() {
    let folder = tempfile::tempdir().unwrap();
    let first = Scripted::new("first", CapabilityClass::C);
    first.script([Act::Lose]);
    first.say([Word::Lost]);
    let second = Scripted::new("second", CapabilityClass::A);
    second.script([Act::Hold]);
    let providers = [Arc::clone(&first), Arc::clone(&second)];

    // One step at a time: the first one is parked, and the second one draws.
    let process = Process::start(folder.path(), &providers);
    let order = submit(&process, &twins(1));
    process.block_on(async { second.reached.acquire().await.unwrap().forget() });
    process.crash();

    // The first step could go on now, but its picture is being drawn by the second one.
    first.say([Word::Refused(Reason::ProviderUnavailable)]);
    let process = Process::start(folder.path(), &providers);
    let record = process.until(order.id, |now| now.state.is_terminal());
    assert_eq!(record.state, ExecutionState::Completed);
    assert!(record.steps[0].reused);
    assert_eq!(record.steps[0].attempts[0].state, AttemptState::Rejected);
    assert_eq!((first.calls(), second.calls()), (1, 2));
    let expected = Balance {
        spent_nanos: PRICE_NANOS,
        ..Balance::default()
    };
    assert_eq!(process.balance(), expected);
}

#[test]
fn a_step_that_waits_for_one_whose_provider_is_gone_is_parked_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let first = Scripted::new("first", CapabilityClass::A);
    first.script([Act::Hold]);
    let second = Scripted::new("second", CapabilityClass::A);
    let mut spec = twins(0);
    spec.steps.reverse();
    spec.policy.as_mut().unwrap().max_concurrency = 2;

    let process = Process::start(folder.path(), &[Arc::clone(&first), Arc::clone(&second)]);
    let order = submit(&process, &spec);
    process.block_on(async { first.reached.acquire().await.unwrap().forget() });
    process.crash();

    // The provider of the call in flight is not there: its step waits, and so does the other one.
    let process = Process::start(folder.path(), &[Arc::clone(&second)]);
    let parked = process.until(order.id, |now| now.state == ExecutionState::NeedsDecision);
    assert_eq!(parked.failure.unwrap().reason, Reason::ProviderUnavailable);
    assert!(parked.next_check_at.is_some());
    assert_eq!(second.calls(), 0);
    process.crash();

    let process = Process::start(folder.path(), &[Arc::clone(&first), second]);
    let record = process.until(order.id, |now| now.state.is_terminal());
    assert_eq!(record.state, ExecutionState::Completed);
    assert_eq!(first.calls(), 2);
    assert_eq!(process.balance().spent_nanos, PRICE_NANOS);
}

#[test]
fn what_is_waited_for_goes_on_though_those_who_wait_have_all_the_places() {
    let folder = tempfile::tempdir().unwrap();
    let first = Scripted::new("first", CapabilityClass::A);
    first.script([Act::Hold]);
    let second = Scripted::new("second", CapabilityClass::A);
    second.script([Act::Hold]);
    let providers = [Arc::clone(&first), Arc::clone(&second)];
    let newer = spec(1, &["first"]);
    let mut older = spec(2, &["second"]);
    older.steps[1].targets.clone_from(&newer.steps[0].targets);

    // The older order comes to the picture of both when the newer one draws it.
    let process = Process::start(folder.path(), &providers);
    let older = submit(&process, &older);
    process.block_on(async { second.reached.acquire().await.unwrap().forget() });
    let newer = submit(&process, &newer);
    process.block_on(async { first.reached.acquire().await.unwrap().forget() });
    second.gate.add_permits(1);
    process.until(older.id, |now| now.steps[1].state == StepState::Processing);
    process.crash();

    let process = Process::start_with(folder.path(), &providers, |settings| Settings {
        max_running_executions: 1,
        ..settings
    });
    for order in [older, newer] {
        let record = process.until(order.id, |now| now.state.is_terminal());
        assert_eq!(record.state, ExecutionState::Completed);
    }
    // The call that was in flight came again, to a provider that takes both for one.
    assert_eq!((first.calls(), second.calls()), (2, 1));
    assert_eq!(process.balance().spent_nanos, 2 * PRICE_NANOS);
}
