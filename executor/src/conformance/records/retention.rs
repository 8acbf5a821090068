//! What is removed some time after the end, and what never is.

use std::time::Duration;

use super::driver::{BILL, CEILING, Driver, Subject, there};
use crate::{ids::ExecutionId, records::*};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// More than everything that these scenarios write.
const PLENTY: u32 = 10_000;

const NOTHING: Pruned = Pruned {
    events: 0,
    executions: 0,
};

/// An execution of one step that ended with an image.
async fn drawn(driver: &Driver<'_>, plan: &str) -> Result<(ExecutionId, ImageRecord)> {
    let fence = driver.start(plan, &["a"]).await?;
    let unit = format!("{plan}/a");
    let image = driver.draw(&fence, &driver.attempt("a", &unit)).await?;
    assert_eq!(driver.settle(&fence).await?, ExecutionState::Completed);
    Ok((fence.execution, image))
}

async fn prune(driver: &Driver<'_>) -> Result<Pruned> {
    driver.store.prune(&Retention::default(), PLENTY).await
}

/// Events go first, the rest later; pictures, their units, plans and money stay.
pub async fn histories_go_and_pictures_stay(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let order = driver.order("plan", &["a"]);
    let fence = driver.begin(&order).await?;
    store.start_execution(&fence, driver.now()).await?;
    driver.start_step(&fence, "a", "plan/a").await?;
    let image = driver.draw(&fence, &driver.attempt("a", "plan/a")).await?;
    driver.settle(&fence).await?;
    let whole = driver.execution(order.id).await?;
    let balances = store.balances().await?;
    let ended = there(whole.ended_at, "an end")?;

    driver.pass(29 * DAY);
    assert_eq!(prune(&driver).await?, NOTHING);
    assert_eq!(driver.events(order.id).await?.len() as u64, whole.last_sequence);

    driver.pass(2 * DAY);
    let expected = Pruned {
        events: 1,
        executions: 0,
    };
    assert_eq!(prune(&driver).await?, expected);
    assert_eq!(prune(&driver).await?, NOTHING, "a repetition finds nothing");
    assert_eq!(store.events_after(order.id, 0, PLENTY).await?, []);
    assert_eq!(driver.execution(order.id).await?, whole);
    let standing = there(store.standing("acme", order.id).await?, "a standing")?;
    assert_eq!(
        (standing.events_pruned, standing.last_sequence),
        (true, whole.last_sequence)
    );
    assert_eq!(
        store.pruned("acme", order.id).await?,
        None,
        "only its events are gone"
    );
    assert_eq!(store.accept(&order).await?, Acceptance::SameRequest(order.id));

    driver.pass(60 * DAY);
    let expected = Pruned {
        events: 0,
        executions: 1,
    };
    assert_eq!(prune(&driver).await?, expected);
    assert_eq!(prune(&driver).await?, NOTHING);
    assert_eq!(store.execution("acme", order.id).await?, None);
    assert_eq!(store.standing("acme", order.id).await?, None);
    let pruned = there(store.pruned("acme", order.id).await?, "what stays known")?;
    assert_eq!(pruned.ended_at, ended);
    assert!(pruned.pruned_at.since(ended) > 90 * DAY);
    assert_eq!(
        store.pruned("other", order.id).await?,
        None,
        "not the business of others"
    );

    assert_eq!(store.image("acme", image.id).await?, Some(image.clone()));
    assert!(store.plan("acme", &order.plan.digest_hex).await?.is_some());
    assert_eq!(store.balances().await?, balances);
    assert_eq!(store.verify(None).await?.differences, [], "the books are right");
    Ok(())
}

/// The same order after that is a new execution, and its picture is still free.
pub async fn an_order_is_forgotten_with_its_execution(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let (first, image) = drawn(&driver, "plan").await?;
    let request_id = driver.execution(first).await?.request_id;
    driver.pass(91 * DAY);
    assert_eq!(prune(&driver).await?.executions, 1);

    let again = NewExecution {
        request_id,
        ..driver.order("plan", &["a"])
    };
    let fence = driver.begin(&again).await?;
    store.start_execution(&fence, driver.now()).await?;
    store.start_step(&fence, "a", driver.now()).await?;
    let grant = store
        .acquire_unit(&fence, "a", std::slice::from_ref(&image.render_digest), 0)
        .await?;
    assert_eq!(grant, UnitGrant::Completed(Box::new(image.clone())));
    store
        .complete_reused(&fence, &driver.reuse(&fence, "a", &image))
        .await?;
    assert_eq!(driver.settle(&fence).await?, ExecutionState::Completed);
    assert_eq!(driver.execution(again.id).await?.cost.settled_nanos, 0);
    Ok(())
}

/// What has not ended, holds money or has an unknown outcome is kept, however old it is.
pub async fn what_is_open_or_held_is_never_removed(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let running = driver.start("running", &["a"]).await?;
    let billed = driver.start("billed", &["a"]).await?;
    let refused = driver.send(&billed, &driver.attempt("a", "billed/a")).await?;
    let end = driver.end(AttemptOutcome::RejectedBillUnknown);
    store.end_attempt(&billed, refused, &end).await?;
    store
        .end_step(&billed, &driver.end_of("a", StepState::Failed))
        .await?;
    assert_eq!(driver.settle(&billed).await?, ExecutionState::Failed);

    let unknown = driver.start("unknown", &["a"]).await?;
    let free = NewAttempt {
        ceiling_nanos: 0,
        ..driver.attempt("a", "unknown/a")
    };
    let lost = driver.send(&unknown, &free).await?;
    let end = driver.end(AttemptOutcome::Unknown);
    store.end_attempt(&unknown, lost, &end).await?;
    store
        .request_cancel("acme", unknown.execution, driver.now())
        .await?;
    store
        .end_step(&unknown, &driver.end_of("a", StepState::Cancelled))
        .await?;
    assert_eq!(driver.settle(&unknown).await?, ExecutionState::Cancelled);

    driver.pass(1000 * DAY);
    assert_eq!(prune(&driver).await?, NOTHING);
    assert_eq!(
        driver.execution(billed.execution).await?.cost.unknown_held_nanos,
        CEILING
    );
    for fence in [running, billed, unknown] {
        assert!(!driver.events(fence.execution).await?.is_empty());
    }
    driver.audit().await
}

/// One call is short: it does not remove more than it was told to, but always something.
pub async fn a_call_removes_a_bounded_part(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let mut executions = Vec::new();
    for plan in ["one", "two", "three", "four", "five"] {
        executions.push(drawn(&driver, plan).await?.0);
    }
    let length = u32::try_from(driver.events(executions[0]).await?.len()).unwrap_or(u32::MAX);
    driver.pass(91 * DAY);
    let retention = Retention::default();
    let two = store.prune(&retention, 2 * length + 1).await?;
    assert_eq!((two.executions, two.events), (2, 0));
    let one = store.prune(&retention, 1).await?;
    assert_eq!((one.executions, one.events), (1, 0), "at least one");
    let rest = store.prune(&retention, PLENTY).await?;
    assert_eq!((rest.executions, rest.events), (2, 0));
    assert!(store.prune(&retention, PLENTY).await?.is_nothing());
    for execution in executions {
        assert!(store.pruned("acme", execution).await?.is_some());
    }
    assert_eq!(store.verify(None).await?.differences, []);
    let spent = store.balances().await?;
    assert!(spent.values().all(|balance| balance.spent_nanos == 5 * BILL));
    Ok(())
}

/// Nothing is removed when everything is to be kept, and events go with their execution at the latest.
pub async fn what_is_kept_for_ever_stays(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let (execution, _) = drawn(&driver, "plan").await?;
    driver.pass(1000 * DAY);
    let for_ever = Retention {
        events: None,
        executions: None,
    };
    assert_eq!(store.prune(&for_ever, PLENTY).await?, NOTHING);
    driver.audit().await?;
    let with_the_execution = Retention {
        events: None,
        executions: Some(90 * DAY),
    };
    assert_eq!(store.prune(&with_the_execution, PLENTY).await?.executions, 1);
    assert_eq!(store.events_after(execution, 0, PLENTY).await?, []);
    Ok(())
}

/// A resumed execution keeps the name of the one before it, which may be gone.
pub async fn a_resumed_execution_outlives_the_one_before(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let fence = driver.start("plan", &["a"]).await?;
    store
        .end_step(&fence, &driver.end_of("a", StepState::Failed))
        .await?;
    driver.settle(&fence).await?;
    driver.pass(60 * DAY);
    let resume = NewExecution {
        mode: ExecutionMode::Resume,
        ..driver.order("plan", &["a"])
    };
    store.accept(&resume).await?;
    driver.pass(60 * DAY);
    assert_eq!(prune(&driver).await?.executions, 1);
    let kept = driver.execution(resume.id).await?;
    assert_eq!(kept.previous, Some(fence.execution));
    assert!(store.pruned("acme", fence.execution).await?.is_some());
    driver.audit().await
}
