//! What a limit lets through, whatever happens at the same time.

use std::collections::BTreeMap;

use limn_executor::records::{Balance, ExecutionRecord, ExecutionState, Period};
use limn_proto::reason::Reason;

use crate::{
    reruns,
    studio::{PRICE_NANOS, Studio, plan},
    world::World,
};

macro_rules! on_both {
    ($($name:ident($studio:expr),)+) => {
        mod sqlite {
            $(#[test]
            fn $name() {
                super::$name(&super::World::sqlite($studio));
            })+
        }

        mod postgres {
            $(#[test]
            fn $name() {
                if let Some(world) = super::World::postgres($studio) {
                    super::$name(&world);
                }
            })+
        }
    };
}

on_both! {
    of_a_thousand_executions_ten_are_paid(super::Studio::open()),
    orders_that_come_too_late_are_refused(super::Studio::open()),
    budgets_of_client_and_sessions_hold_together(super::Studio::open()),
    a_crash_frees_nothing_that_may_be_billed(super::Studio::closed()),
}

fn paid(pictures: i64) -> Balance {
    Balance {
        spent_nanos: pictures * PRICE_NANOS,
        ..Balance::default()
    }
}

/// How many executions ended so, by state and reason.
fn endings(executions: &[ExecutionRecord]) -> BTreeMap<(&'static str, Option<Reason>), usize> {
    let mut endings = BTreeMap::new();
    for execution in executions {
        let reason = execution.failure.as_ref().map(|failure| failure.reason);
        *endings.entry((execution.state.as_str(), reason)).or_default() += 1;
    }
    endings
}

/// All are accepted while the money is there; then three executors run for it.
fn of_a_thousand_executions_ten_are_paid(world: &World) {
    reruns::count();
    let process = world.start([0]);
    process.limit("client", 10 * PRICE_NANOS, Period::Month);
    let (accepted, refused) = process.order((0..1000).map(|number| plan(number, "", 1)).collect());
    assert_eq!((accepted.len(), refused), (1000, 0));
    drop(process);

    let process = world.start([64, 64, 64]);
    let ended = process.rest(&accepted);
    let expected = BTreeMap::from([
        (("completed", None), 10),
        (("failed", Some(Reason::BudgetExceeded)), 990),
    ]);
    assert_eq!(endings(&ended), expected);
    assert_eq!(world.studio.calls(), 10);
    assert_eq!(process.balance("client"), paid(10));
    let failed = ended
        .iter()
        .find(|execution| execution.state == ExecutionState::Failed);
    let facts = failed.unwrap().failure.clone().unwrap().metadata;
    let fact = |name: &str| facts.get(name).map_or("", String::as_str);
    assert_eq!(fact("budget"), "clients/tester/budgets/client");
    assert_eq!(fact("limitNanos"), (10 * PRICE_NANOS).to_string());
    assert_eq!(fact("ceilingNanos"), PRICE_NANOS.to_string());
    assert_eq!(fact("currency"), "USD");
    assert!(fact("resetTime").ends_with("-01T00:00:00Z"), "{facts:?}");
    assert_eq!(reruns::knots(), 0, "of {} reruns", reruns::reruns());
}

/// While the executors run, orders go on coming in.
fn orders_that_come_too_late_are_refused(world: &World) {
    let process = world.start([64, 64]);
    process.limit("client", 10 * PRICE_NANOS, Period::Never);
    let (accepted, refused) = process.order((0..1000).map(|number| plan(number, "", 1)).collect());
    assert_eq!(accepted.len() + refused, 1000);
    let ended = process.rest(&accepted);
    let completed = ended
        .iter()
        .filter(|execution| execution.state == ExecutionState::Completed);
    assert_eq!((completed.count(), world.studio.calls()), (10, 10));
    assert_eq!(process.balance("client"), paid(10));

    // Now there is nothing left, so not one more begins; what exists is free all the same.
    let (late, refused) = process.order((1000..1100).map(|number| plan(number, "", 1)).collect());
    assert_eq!((late.len(), refused), (0, 100));
    let drawn = ended
        .iter()
        .position(|execution| execution.state == ExecutionState::Completed);
    let id = accepted[drawn.unwrap()];
    let again = (0..1000).map(|number| plan(number, "", 1)).find(|plan| {
        ended
            .iter()
            .any(|ended| ended.id == id && ended.plan_digest == plan.digest)
    });
    let (again, refused) = process.order(vec![again.unwrap()]);
    assert_eq!((again.len(), refused), (1, 0));
    let again = process.rest(&again);
    assert!(again[0].steps[0].reused);
    assert_eq!(world.studio.calls(), 10);
}

/// Eight sessions of three pictures each share a client with twenty.
fn budgets_of_client_and_sessions_hold_together(world: &World) {
    const SESSIONS: usize = 8;
    reruns::count();
    let process = world.start([0]);
    let plans = (0..200).map(|number| plan(number, &format!("s{}", number % SESSIONS), 2));
    let (accepted, _) = process.order(plans.collect());
    assert_eq!(accepted.len(), 200);
    process.limit("client", 20 * PRICE_NANOS, Period::Day);
    for session in 0..SESSIONS {
        process.limit(&format!("session-s{session}"), 3 * PRICE_NANOS, Period::Never);
    }
    drop(process);

    let process = world.start([64, 64, 64]);
    let ended = process.rest(&accepted);
    assert_eq!(world.studio.calls(), 20);
    assert_eq!(process.balance("client"), paid(20));
    let of_sessions: Vec<i64> = (0..SESSIONS)
        .map(|session| process.balance(&format!("session-s{session}")).spent_nanos)
        .collect();
    assert_eq!(of_sessions.iter().sum::<i64>(), 20 * PRICE_NANOS);
    assert!(
        of_sessions.iter().all(|spent| *spent <= 3 * PRICE_NANOS),
        "{of_sessions:?}"
    );
    let settled: i64 = ended.iter().map(|execution| execution.cost.settled_nanos).sum();
    assert_eq!(settled, 20 * PRICE_NANOS, "finished pictures stay");
    assert_eq!(reruns::knots(), 0, "of {} reruns", reruns::reruns());
}

/// Six calls are in flight when the process dies. Nobody knows whether they are billed, so only four more are made,
/// by this process or any later one.
fn a_crash_frees_nothing_that_may_be_billed(world: &World) {
    let process = world.start([0]);
    process.limit("client", 10 * PRICE_NANOS, Period::Never);
    let (accepted, _) = process.order((0..60).map(|number| plan(number, "", 1)).collect());
    assert_eq!(accepted.len(), 60);
    drop(process);

    let process = world.start([6]);
    process.block_on(async { world.studio.reached.acquire_many(6).await.unwrap().forget() });
    process.crash();
    world.expire_leases();
    world.studio.answer_all();

    let expected = Balance {
        spent_nanos: 4 * PRICE_NANOS,
        reserved_nanos: 0,
        unknown_held_nanos: 6 * PRICE_NANOS,
    };
    for _ in 0..2 {
        let process = world.start([16, 16]);
        let ended = process.rest(&accepted);
        let endings = endings(&ended);
        let count = |state: &str| -> usize {
            let of_state = endings.iter().filter(|((found, _), _)| *found == state);
            of_state.map(|(_, count)| count).sum()
        };
        assert_eq!(
            (count("completed"), count("needs_decision"), count("failed")),
            (4, 6, 50),
            "{endings:?}"
        );
        assert_eq!(world.studio.calls(), 10);
        assert_eq!(process.balance("client"), expected);
        process.crash();
        world.expire_leases();
    }
}
