//! Executions of five hundred steps: bounds hold, failures stay where they are, and a crash in the middle costs
//! nothing.

use std::collections::HashMap;

use limn_executor::{
    executor::Order,
    plan::Plan,
    records::{AttemptState, ExecutionMode, ExecutionRecord, ExecutionState, StepState},
};
use limn_proto::plan as wire;

use crate::{
    crowd::{Crowd, Place, Process},
    support::{PRICE_NANOS, plan, spec},
};

const STEPS: usize = 500;
/// The same, as the counters of the provider count.
const COUNT: u32 = 500;
const CONCURRENCY: u32 = 16;

fn big(change: impl FnOnce(&mut wire::RunPolicy)) -> Plan {
    of_steps(STEPS, change)
}

fn of_steps(count: usize, change: impl FnOnce(&mut wire::RunPolicy)) -> Plan {
    let mut spec = spec(count, &["crowd"]);
    for step in &mut spec.steps {
        step.thumbnails.clear();
    }
    let policy = spec.policy.as_mut().unwrap();
    policy.max_concurrency = CONCURRENCY;
    change(policy);
    plan(&spec)
}

/// The prompt of a step, as [`spec`] writes it.
fn prompt(step: usize) -> String {
    format!("picture {step}")
}

/// How many steps are in each state.
fn states(record: &ExecutionRecord) -> HashMap<StepState, usize> {
    let mut states = HashMap::new();
    for step in &record.steps {
        *states.entry(step.state).or_default() += 1;
    }
    states
}

fn spent(steps: usize) -> i64 {
    PRICE_NANOS * i64::try_from(steps).unwrap()
}

#[test]
fn five_hundred_steps_are_drawn_with_no_more_calls_at_once_than_asked_for() {
    let (place, crowd) = (Place::sqlite(), Crowd::new());
    let process = Process::start(&place, &crowd);
    let order = Order {
        max_concurrency: Some(7),
        ..Order::default()
    };
    let ended = process.run(&big(|_| {}), &order);

    assert_eq!(ended.state, ExecutionState::Completed);
    assert_eq!(crowd.drawn(), (STEPS, STEPS));
    assert_eq!(crowd.calls(), COUNT);
    assert_eq!(crowd.most_at_once(), 7);
    assert_eq!(ended.cost.settled_nanos, spent(STEPS));
    assert_eq!(ended.cost.lines.len(), STEPS);
    // A kilobyte and a half for each step, however many there are before it.
    assert!(process.history_bytes(ended.id) < STEPS * 1536);

    // Again: everything is there, and nothing is paid.
    let again = process.run(&big(|_| {}), &Order::default());
    assert_eq!(again.state, ExecutionState::Completed);
    assert!(again.steps.iter().all(|step| step.reused));
    assert_eq!((crowd.calls(), again.cost.settled_nanos), (COUNT, 0));
}

#[test]
fn the_first_error_stops_what_has_not_begun() {
    let (place, crowd) = (Place::sqlite(), Crowd::new());
    crowd.refuse([prompt(100)]);
    let process = Process::start(&place, &crowd);
    let ended = process.run(
        &big(|policy| policy.stop_on_first_error = true),
        &Order::default(),
    );

    assert_eq!(ended.state, ExecutionState::Failed);
    let states = states(&ended);
    assert_eq!(states[&StepState::Failed], 1);
    assert_eq!(ended.steps[100].state, StepState::Failed);
    let begun = states[&StepState::Completed] + 1;
    assert_eq!(begun + states[&StepState::Skipped], STEPS);
    // What was in progress with it is finished, and nothing else begins.
    let most = 100 + usize::try_from(CONCURRENCY).unwrap();
    assert!((101..=most).contains(&begun), "{begun} steps were begun");
    assert_eq!(crowd.calls(), u32::try_from(begun).unwrap());
    assert_eq!(ended.cost.settled_nanos, spent(begun - 1));
}

#[test]
fn what_half_failed_is_resumed_by_its_other_half() {
    let (place, crowd) = (Place::sqlite(), Crowd::new());
    crowd.refuse((0..STEPS).filter(|step| step % 2 == 1).map(prompt));
    let process = Process::start(&place, &crowd);
    let plan = big(|_| {});
    let half = process.run(&plan, &Order::default());
    assert_eq!(half.state, ExecutionState::Failed);
    assert_eq!(
        states(&half),
        HashMap::from([(StepState::Completed, STEPS / 2), (StepState::Failed, STEPS / 2)])
    );
    assert_eq!(crowd.calls(), COUNT);

    crowd.refuse([]);
    let resume = Order {
        mode: ExecutionMode::Resume,
        ..Order::default()
    };
    let whole = process.run(&plan, &resume);
    assert_eq!(whole.state, ExecutionState::Completed);
    assert_eq!(whole.previous, Some(half.id));
    for (number, step) in whole.steps.iter().enumerate() {
        assert_eq!(step.reused, number % 2 == 0, "step {number}");
    }
    assert_eq!(
        crowd.calls(),
        COUNT + COUNT / 2,
        "only what was missing is asked for"
    );
    assert_eq!(crowd.drawn(), (STEPS, STEPS));
    assert_eq!(whole.cost.settled_nanos, spent(STEPS / 2));
}

/// The owner dies with calls in flight; another process finds what it left.
fn check_takeover(place: &Place, is_shared: bool) {
    const BEFORE: usize = 200;
    let crowd = Crowd::holding_after(BEFORE);
    let first = Process::start(place, &crowd);
    let plan = big(|_| {});
    let id = first.submit(&plan, &Order::default());
    first.block_on(crowd.held(CONCURRENCY));
    // Where processes share a database the other one is there before the first one dies.
    let second = is_shared.then(|| Process::start(place, &crowd));
    first.crash();
    place.pass_leases();
    let second = second.unwrap_or_else(|| Process::start(place, &crowd));
    crowd.let_go();
    let ended = second.rest(id);

    assert_eq!(ended.state, ExecutionState::Completed);
    assert_eq!(crowd.drawn(), (STEPS, STEPS), "nothing is paid twice");
    assert_eq!(
        crowd.calls(),
        COUNT + CONCURRENCY,
        "only calls in flight are asked for again"
    );
    assert_eq!(ended.cost.settled_nanos, spent(STEPS));
    for step in &ended.steps {
        assert_eq!(step.attempts.len(), 1, "{step:?}");
        assert_eq!(step.attempts[0].state, AttemptState::Committed);
    }
}

#[test]
fn a_process_goes_on_where_the_owner_of_half_a_batch_died() {
    check_takeover(&Place::sqlite(), false);
}

#[test]
fn a_process_beside_takes_over_where_the_owner_of_half_a_batch_died() {
    if let Some(place) = Place::postgres() {
        check_takeover(&place, true);
    }
}

#[test]
fn two_processes_draw_what_both_are_asked_for_once() {
    const STEPS: usize = 60;
    let Some(place) = Place::postgres() else {
        return;
    };
    let crowd = Crowd::new();
    let processes = [Process::start(&place, &crowd), Process::start(&place, &crowd)];
    let plan = of_steps(STEPS, |_| {});
    // Plans that differ in nothing but a label need the same pictures.
    let labelled = {
        let mut spec = spec(STEPS, &["crowd"]);
        spec.steps[0].labels.push(wire::Label {
            key: "copy".to_owned(),
            value: "second".to_owned(),
        });
        crate::support::plan(&spec)
    };
    let ids = [
        processes[0].submit(&plan, &Order::default()),
        processes[1].submit(&labelled, &Order::default()),
    ];
    for (process, id) in processes.iter().zip(ids).rev() {
        let ended = process.rest(id);
        assert_eq!(ended.state, ExecutionState::Completed);
    }
    assert_eq!(crowd.drawn(), (STEPS, STEPS));
    assert_eq!(crowd.calls(), u32::try_from(STEPS).unwrap());
}
