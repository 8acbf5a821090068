//! What follows from each outcome of a call: retry, fallback, end or park, and where the money goes.

use std::sync::Arc;

use limn_executor::{
    executor::{Order, SubmitError},
    provider::{Billing, CallError, CapabilityClass},
    records::{AttemptState, Balance, ExecutionMode, ExecutionRecord, ExecutionState, StepState},
    snapshot,
};
use limn_proto::{plan::Money, reason::Reason};

use crate::{
    scripted::{Act, Scripted, rejection},
    support::{CEILING_NANOS, PRICE_NANOS, Process, plan, spec},
};

struct World {
    _folder: tempfile::TempDir,
    process: Process,
    first: Arc<Scripted>,
    second: Arc<Scripted>,
}

fn world() -> World {
    let folder = tempfile::tempdir().unwrap();
    let first = Scripted::new("first", CapabilityClass::D);
    let second = Scripted::new("second", CapabilityClass::D);
    let process = Process::start(folder.path(), &[Arc::clone(&first), Arc::clone(&second)]);
    World {
        _folder: folder,
        process,
        first,
        second,
    }
}

fn attempt_states(execution: &ExecutionRecord) -> Vec<AttemptState> {
    execution.steps[0]
        .attempts
        .iter()
        .map(|attempt| attempt.state)
        .collect()
}

/// Ceiling and hold of the first attempt, in nanos, as a caller sees them.
fn shown_money(execution: &ExecutionRecord) -> (i64, Option<i64>) {
    let shown = snapshot::execution(execution);
    let attempt = &shown.steps[0].attempts[0];
    let nanos = |money: &Option<Money>| money.as_ref().map(|money| money.nanos);
    (nanos(&attempt.ceiling).unwrap(), nanos(&attempt.held))
}

fn reason(execution: &ExecutionRecord) -> Reason {
    execution.failure.as_ref().unwrap().reason
}

const SPENT_ONE: Balance = Balance {
    spent_nanos: PRICE_NANOS,
    reserved_nanos: 0,
    unknown_held_nanos: 0,
};
const HELD_ONE: Balance = Balance {
    spent_nanos: 0,
    reserved_nanos: 0,
    unknown_held_nanos: CEILING_NANOS,
};

#[test]
fn what_hinders_a_call_before_it_is_sent_costs_nothing_and_is_no_call() {
    let world = world();
    let lost = CallError::Unknown {
        message: "the answer to the upload was lost".to_owned(),
        http_status: None,
        request_id: String::new(),
        partial_body: Default::default(),
    };
    let refused = rejection(Reason::ProviderAccount, Billing::Unknown);
    world.first.hinder([lost, CallError::Rejected(refused)]);

    let ended = world
        .process
        .run(&plan(&spec(1, &["first", "second"])), &Order::default());

    assert_eq!((world.first.calls(), world.second.calls()), (0, 1));
    assert_eq!(ended.state, ExecutionState::Completed);
    assert_eq!(
        attempt_states(&ended),
        [
            AttemptState::Abandoned,
            AttemptState::Abandoned,
            AttemptState::Committed
        ]
    );
    let attempts = &ended.steps[0].attempts;
    assert!(
        attempts[..2]
            .iter()
            .all(|attempt| attempt.dispatched_at.is_none())
    );
    assert_eq!(world.process.balance(), SPENT_ONE);
}

#[test]
fn proven_unpaid_failures_are_retried_up_to_the_limit_and_then_fall_back() {
    let world = world();
    world.first.script([
        Act::Reject(Reason::ProviderUnavailable, Billing::No),
        Act::Unsent,
        Act::Reject(Reason::ProviderRateLimited, Billing::No),
    ]);
    let ended = world
        .process
        .run(&plan(&spec(1, &["first", "second"])), &Order::default());

    assert_eq!(ended.state, ExecutionState::Completed);
    assert_eq!((world.first.calls(), world.second.calls()), (3, 1));
    use AttemptState::{Abandoned, Committed, Rejected};
    assert_eq!(attempt_states(&ended), [Rejected, Abandoned, Rejected, Committed]);
    assert_eq!(ended.steps[0].attempts[3].provider, "second");
    assert_eq!(world.process.balance(), SPENT_ONE);
    assert_eq!(
        shown_money(&ended),
        (CEILING_NANOS, None),
        "nothing is held any more"
    );
    assert_eq!(world.process.blobs("staging/"), Vec::<String>::new());

    // A replay goes to the picture, not back to the primary.
    let again = world
        .process
        .run(&plan(&spec(1, &["first", "second"])), &Order::default());
    assert!(again.steps[0].reused);
    assert_eq!((world.first.calls(), world.second.calls()), (3, 1));
}

#[test]
fn one_attempt_means_exactly_one_call() {
    let world = world();
    world
        .first
        .script([Act::Reject(Reason::ProviderUnavailable, Billing::No)]);
    let mut single = spec(1, &["first"]);
    single
        .policy
        .as_mut()
        .unwrap()
        .retry
        .as_mut()
        .unwrap()
        .max_attempts = 1;
    let ended = world.process.run(&plan(&single), &Order::default());
    assert_eq!(
        (ended.state, reason(&ended)),
        (ExecutionState::Failed, Reason::ProviderUnavailable)
    );
    assert_eq!(world.first.calls(), 1);
    assert_eq!(world.process.balance(), Balance::default());
}

#[test]
fn refused_parameters_fall_back_at_once_and_refused_content_never_does() {
    let world = world();
    world
        .first
        .script([Act::Reject(Reason::ProviderRejected, Billing::No)]);
    let ended = world
        .process
        .run(&plan(&spec(1, &["first", "second"])), &Order::default());
    assert_eq!(ended.state, ExecutionState::Completed);
    assert_eq!((world.first.calls(), world.second.calls()), (1, 1));

    world
        .first
        .script([Act::Reject(Reason::ContentBlocked, Billing::No)]);
    let ended = world.process.run(
        &plan(&spec(1, &["first", "second"])),
        &Order {
            take: 1,
            ..Order::default()
        },
    );
    assert_eq!(
        (ended.state, reason(&ended)),
        (ExecutionState::Failed, Reason::ContentBlocked)
    );
    assert_eq!((world.first.calls(), world.second.calls()), (2, 1));
    assert_eq!(world.process.balance(), SPENT_ONE);
}

#[test]
fn a_refusal_that_may_be_billed_is_held_and_followed_by_nothing() {
    let world = world();
    world
        .first
        .script([Act::Reject(Reason::ContentBlocked, Billing::Unknown)]);
    let ended = world
        .process
        .run(&plan(&spec(1, &["first", "second"])), &Order::default());
    assert_eq!(ended.state, ExecutionState::Failed);
    assert_eq!(world.second.calls(), 0);
    assert_eq!(world.process.balance(), HELD_ONE);
    assert_eq!(ended.steps[0].attempts[0].cost_nanos, None);
    assert_eq!(shown_money(&ended), (CEILING_NANOS, Some(CEILING_NANOS)));
}

#[test]
fn an_unknown_outcome_parks_the_execution_and_is_never_sent_again() {
    let world = world();
    world.first.script([Act::Lose]);
    let parked = world
        .process
        .run(&plan(&spec(1, &["first", "second"])), &Order::default());

    assert_eq!(parked.state, ExecutionState::NeedsDecision);
    assert_eq!(attempt_states(&parked), [AttemptState::Unknown]);
    assert_eq!((world.first.calls(), world.second.calls()), (1, 0));
    assert_eq!(world.process.balance(), HELD_ONE);
    assert_eq!(shown_money(&parked), (CEILING_NANOS, Some(CEILING_NANOS)));
    assert_eq!(
        world.process.blobs("staging/").len(),
        1,
        "the part that came is kept as evidence"
    );

    let joined = world
        .process
        .run(&plan(&spec(1, &["first", "second"])), &Order::default());
    assert_eq!(joined.id, parked.id);
    let mut labelled = spec(1, &["first", "second"]);
    labelled.session_id = "another plan, the same picture".to_owned();
    let waiting = world.process.run(&plan(&labelled), &Order::default());
    assert_eq!(waiting.state, ExecutionState::NeedsDecision);
    assert_eq!(world.first.calls(), 1);

    let drawn = world.process.run(
        &plan(&spec(1, &["first"])),
        &Order {
            take: 1,
            ..Order::default()
        },
    );
    assert_eq!(drawn.state, ExecutionState::Completed);
    let cancelled = world.process.block_on(async {
        world
            .process
            .executor
            .cancel("tester", parked.id)
            .await
            .unwrap()
            .unwrap();
        world.process.rest(parked.clone()).await
    });
    // A parked execution rests already, so the cancel may still be on its way.
    let cancelled = if cancelled.state.is_terminal() {
        cancelled
    } else {
        world.process.block_on(world.process.rest(cancelled))
    };
    assert_eq!(cancelled.state, ExecutionState::Cancelled);
    assert_eq!(
        world.process.balance().unknown_held_nanos,
        CEILING_NANOS,
        "a cancel does not unknow a bill"
    );
}

#[test]
fn paid_answers_without_a_picture_of_the_plan_are_settled_and_end_the_step() {
    for (act, expected) in [
        (Act::NoImage, Reason::NoImage),
        (Act::WrongSize, Reason::ImageInvalid),
    ] {
        let world = world();
        world.first.script([act]);
        let ended = world
            .process
            .run(&plan(&spec(1, &["first", "second"])), &Order::default());
        assert_eq!((ended.state, reason(&ended)), (ExecutionState::Failed, expected));
        assert_eq!(attempt_states(&ended), [AttemptState::FailedPaid]);
        assert_eq!((world.first.calls(), world.second.calls()), (1, 0));
        assert_eq!(world.process.balance(), SPENT_ONE);
        assert_eq!(
            world.process.blobs("staging/").len(),
            1,
            "what was paid for is kept"
        );
        assert_eq!(world.process.blobs("clients/"), Vec::<String>::new());

        // Ordered again, it is drawn again.
        let again = world
            .process
            .run(&plan(&spec(1, &["first", "second"])), &Order::default());
        assert_eq!(again.state, ExecutionState::Completed);
    }
}

#[test]
fn accepted_work_is_asked_for_until_it_is_done() {
    let world = world();
    world.first.script([Act::Job(3)]);
    let ended = world.process.run(&plan(&spec(1, &["first"])), &Order::default());
    assert_eq!(ended.state, ExecutionState::Completed);
    assert_eq!(world.first.calls(), 1);
    assert_eq!(ended.steps[0].attempts[0].job_id, "job-3");
}

#[test]
fn stop_on_first_error_skips_what_has_not_started() {
    let world = world();
    world
        .first
        .script([Act::Draw, Act::Reject(Reason::ContentBlocked, Billing::No)]);
    let mut stopping = spec(4, &["first"]);
    stopping.policy.as_mut().unwrap().stop_on_first_error = true;
    let ended = world.process.run(&plan(&stopping), &Order::default());
    let states: Vec<StepState> = ended.steps.iter().map(|step| step.state).collect();
    use StepState::{Completed, Failed, Skipped};
    assert_eq!(states, [Completed, Failed, Skipped, Skipped]);
    assert_eq!(
        ended.steps[2].failure.as_ref().unwrap().reason,
        Reason::StoppedByPolicy
    );
    assert_eq!(reason(&ended), Reason::ContentBlocked);

    let resume = Order {
        mode: ExecutionMode::Resume,
        ..Order::default()
    };
    let resumed = world.process.run(&plan(&stopping), &resume);
    assert_eq!(resumed.state, ExecutionState::Completed);
    assert_eq!(resumed.previous, Some(ended.id));
    assert_eq!(world.first.calls(), 5, "the finished picture is not drawn again");
}

#[test]
fn without_stop_on_first_error_the_other_steps_complete() {
    let world = world();
    world
        .first
        .script([Act::Reject(Reason::ContentBlocked, Billing::No)]);
    let ended = world.process.run(&plan(&spec(3, &["first"])), &Order::default());
    let states: Vec<StepState> = ended.steps.iter().map(|step| step.state).collect();
    use StepState::{Completed, Failed};
    assert_eq!(states, [Failed, Completed, Completed]);
    assert_eq!(ended.state, ExecutionState::Failed);
}

#[test]
fn no_call_is_made_that_could_pass_max_cost() {
    let world = world();
    let mut limited = spec(3, &["first"]);
    // Room for one picture and one more ceiling, not for a third.
    let max_cost = limn_proto::plan::Money {
        currency_code: "USD".to_owned(),
        nanos: PRICE_NANOS + CEILING_NANOS,
    };
    limited.policy.as_mut().unwrap().max_cost = Some(max_cost);
    let ended = world.process.run(&plan(&limited), &Order::default());
    let states: Vec<StepState> = ended.steps.iter().map(|step| step.state).collect();
    use StepState::{Completed, Failed};
    assert_eq!(states, [Completed, Completed, Failed]);
    assert_eq!(reason(&ended), Reason::CostLimitReached);
    assert_eq!(world.first.calls(), 2);
}

#[test]
fn orders_that_cannot_run_are_refused_before_anything_is_written() {
    let world = world();
    let mut expired = spec(1, &["first"]);
    expired.not_after_unix = 1;
    let submit = |spec: &limn_proto::plan::PlanSpec, order: Order| {
        world
            .process
            .block_on(world.process.executor.submit(&plan(spec), &order))
            .unwrap_err()
    };
    assert!(matches!(
        submit(&expired, Order::default()),
        SubmitError::PlanExpired { not_after_unix: 1 }
    ));
    let foreign = submit(&spec(1, &["nobody"]), Order::default());
    assert!(matches!(foreign, SubmitError::UnknownProvider(name) if name == "nobody"));
    let resume = Order {
        mode: ExecutionMode::Resume,
        ..Order::default()
    };
    assert!(matches!(
        submit(&spec(1, &["first"]), resume),
        SubmitError::NothingToResume
    ));
}
