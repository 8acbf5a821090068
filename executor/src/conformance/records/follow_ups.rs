//! What becomes of steps and executions when an attempt is decided about: who looks again, who goes on, and who is too
//! late.

use limn_proto::digest::digest_of;

use super::{
    driver::{BILL, CEILING, Driver, Subject},
    resolution::{amounts, balance_of, last, parked},
};
use crate::records::*;

/// Whoever is parked for a picture that somebody else's lost call holds looks again, in the same execution and in
/// others; whoever is parked for a call of its own does not.
pub async fn what_waits_for_the_picture_is_looked_at_again(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let shared = [digest_of(b"shared")];
    let holder = driver.begin(&driver.order("holder", &["a", "b"])).await?;
    store.start_execution(&holder, driver.now()).await?;
    driver.start_step(&holder, "a", "shared").await?;
    let lost = driver.lose(&holder, &driver.attempt("a", "shared")).await?;
    let waiter = driver.begin(&driver.order("waiter", &["c"])).await?;
    store.start_execution(&waiter, driver.now()).await?;
    for (fence, step) in [(&holder, "b"), (&waiter, "c")] {
        store.start_step(fence, step, driver.now()).await?;
        let grant = store.acquire_unit(fence, step, &shared, 0).await?;
        let busy = UnitGrant::Busy {
            execution: holder.execution,
            hold: Hold::Unknown,
        };
        assert_eq!(grant, busy);
        store
            .end_step(fence, &driver.end_of(step, StepState::NeedsDecision))
            .await?;
        assert_eq!(driver.settle(fence).await?, ExecutionState::NeedsDecision);
    }
    let (alone, _) = parked(&driver, "alone").await?;
    let next_check_at = driver.execution(alone.execution).await?.next_check_at;

    let record = driver
        .resolve(holder.execution, lost, Verdict::NotCharged, Some(FollowUp::Fail))
        .await?;
    let states: Vec<StepState> = record.steps.iter().map(|step| step.state).collect();
    assert_eq!(states, [StepState::Failed, StepState::Pending]);
    assert_eq!(record.state, ExecutionState::Processing);
    let woken = driver.execution(waiter.execution).await?;
    assert_eq!(woken.state, ExecutionState::NeedsDecision);
    assert!(woken.next_check_at.is_some_and(|at| at <= driver.now()));
    let alone = driver.execution(alone.execution).await?;
    assert_eq!(alone.next_check_at, next_check_at, "it waits for nobody else");
    let fence = driver.claim(holder.execution).await?;
    driver.start_step(&fence, "b", "shared").await?;
    driver.audit().await
}

/// Another step is being drawn: its owner goes on, and finds in the end that there is more to do.
pub async fn a_running_execution_keeps_its_owner(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let fence = driver.start("plan", &["a", "b"]).await?;
    let lost = driver.lose(&fence, &driver.attempt("a", "plan/a")).await?;
    let running = driver.attempt("b", "plan/b");
    driver.receive(&fence, &running).await?;
    let record = driver
        .resolve(fence.execution, lost, Verdict::NotCharged, Some(FollowUp::Retry))
        .await?;
    assert_eq!(record.state, ExecutionState::Processing);
    store.commit(&fence, &driver.commit(&fence, &running)).await?;
    assert_eq!(driver.settle(&fence).await?, ExecutionState::Processing);
    store.release(&fence).await?;

    let fence = driver.claim(fence.execution).await?;
    driver.start_step(&fence, "a", "plan/a").await?;
    driver.draw(&fence, &driver.attempt("a", "plan/a")).await?;
    assert_eq!(driver.settle(&fence).await?, ExecutionState::Completed);
    assert_eq!(
        balance_of(&driver, fence.execution).await?,
        amounts(2 * BILL, 0, 0)
    );
    Ok(())
}

/// The execution stays parked until the last question is answered, or a step goes on.
pub async fn parked_steps_are_decided_one_by_one(subject: Subject<'_>) -> Result<()> {
    let driver = Driver::new(subject);
    for (follow_up, between) in [
        (FollowUp::Fail, ExecutionState::NeedsDecision),
        (FollowUp::Retry, ExecutionState::Processing),
    ] {
        let plan = follow_up.as_str();
        let fence = driver.start(plan, &["a", "b"]).await?;
        let first = driver
            .lose(&fence, &driver.attempt("a", &format!("{plan}/a")))
            .await?;
        let second = driver
            .lose(&fence, &driver.attempt("b", &format!("{plan}/b")))
            .await?;
        assert_eq!(driver.settle(&fence).await?, ExecutionState::NeedsDecision);
        let record = driver
            .resolve(fence.execution, first, Verdict::NotCharged, Some(follow_up))
            .await?;
        assert_eq!(record.state, between);
        assert_eq!(last(&record, 1)?.0.state, StepState::NeedsDecision);
        assert_eq!(
            balance_of(&driver, fence.execution).await?,
            amounts(0, 0, CEILING)
        );
        let charged = Verdict::Charged { cost_nanos: None };
        let record = driver
            .resolve(fence.execution, second, charged, Some(FollowUp::Fail))
            .await?;
        assert_eq!(record.state, ExecutionState::Processing);
        assert_eq!(
            balance_of(&driver, fence.execution).await?,
            amounts(CEILING, 0, 0)
        );
    }
    Ok(())
}

/// The decision came between the end of the attempt and the parking of its step.
pub async fn an_owner_that_parks_too_late_changes_nothing(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let fence = driver.start("plan", &["a"]).await?;
    let lost = driver.send(&fence, &driver.attempt("a", "plan/a")).await?;
    let end = driver.end(AttemptOutcome::Unknown);
    store.end_attempt(&fence, lost, &end).await?;
    driver
        .resolve(fence.execution, lost, Verdict::NotCharged, Some(FollowUp::Retry))
        .await?;
    let before = driver.picture().await?;
    store
        .end_step(&fence, &driver.end_of("a", StepState::NeedsDecision))
        .await?;
    assert_eq!(driver.picture().await?, before);
    let late = store.received(&fence, lost, &driver.receipt(lost)).await;
    assert!(matches!(late, Err(RecordError::WrongState { .. })), "{late:?}");
    assert_eq!(driver.picture().await?, before);
    driver.start_step(&fence, "a", "plan/a").await?;
    driver.draw(&fence, &driver.attempt("a", "plan/a")).await?;
    assert_eq!(driver.settle(&fence).await?, ExecutionState::Completed);
    driver.audit().await
}

/// A cancelled execution is not drawn any further, whatever is decided before its owner ends it.
pub async fn a_cancel_goes_before_a_retry(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let (parked, lost) = parked(&driver, "plan").await?;
    store
        .request_cancel(driver.client, parked.execution, driver.now())
        .await?;
    let record = driver
        .resolve(parked.execution, lost, Verdict::NotCharged, Some(FollowUp::Retry))
        .await?;
    assert_eq!(record.state, ExecutionState::Cancelling);
    let fence = driver.claim(parked.execution).await?;
    driver.start_step(&fence, "a", "plan/a").await?;
    let late = driver.attempt("a", "plan/a");
    assert_eq!(store.prepare(&fence, &late).await?, Preparation::Cancelled);
    store
        .end_step(&fence, &driver.end_of("a", StepState::Cancelled))
        .await?;
    assert_eq!(driver.settle(&fence).await?, ExecutionState::Cancelled);
    assert_eq!(balance_of(&driver, fence.execution).await?, amounts(0, 0, 0));
    Ok(())
}
