//! Cancelling, and the other ways to an end.

use super::driver::{BILL, CEILING, Driver, LEASE, Subject, is_fenced, there};
use crate::{ids::ExecutionId, records::*};

async fn cancel(driver: &Driver<'_>, execution: ExecutionId) -> Result<ExecutionRecord> {
    let record = driver
        .store
        .request_cancel(driver.client, execution, driver.now())
        .await?;
    there(record, "the execution")
}

/// Nothing had begun: the owner who claims it only ends it.
pub async fn a_pending_execution_is_cancelled(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let order = driver.order("plan", &["a"]);
    store.accept(&order).await?;
    let record = cancel(&driver, order.id).await?;
    assert_eq!(
        (record.state, record.cancel_requested),
        (ExecutionState::Cancelling, true)
    );
    let fence = driver.claim(order.id).await?;
    store.start_execution(&fence, driver.now()).await?;
    assert_eq!(driver.settle(&fence).await?, ExecutionState::Cancelling);
    store
        .end_step(&fence, &driver.end_of("a", StepState::Cancelled))
        .await?;
    assert_eq!(driver.settle(&fence).await?, ExecutionState::Cancelled);
    assert_eq!(
        driver.story(order.id).await?,
        [
            "execution PENDING",
            "execution CANCELLING",
            "step a CANCELLED",
            "execution CANCELLED",
        ]
    );
    assert!(driver.execution(order.id).await?.failure.is_some());
    driver.audit().await
}

/// Before T1 and before T2 a cancel stops the call; what was prepared is given back.
pub async fn nothing_is_prepared_or_sent_after_a_cancel(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let fence = driver.start("plan", &["a", "b"]).await?;
    let prepared = driver.attempt("a", "plan/a");
    driver.prepare(&fence, &prepared).await?;
    cancel(&driver, fence.execution).await?;
    let before = driver.picture().await?;
    let record = cancel(&driver, fence.execution).await?;
    assert_eq!(record.state, ExecutionState::Cancelling);
    let late = driver.attempt("b", "plan/b");
    assert_eq!(store.prepare(&fence, &late).await?, Preparation::Cancelled);
    assert_eq!(driver.dispatch(&fence, prepared.id).await?, Dispatch::Cancelled);
    assert_eq!(driver.picture().await?, before);

    let end = driver.end(AttemptOutcome::Abandoned);
    store.end_attempt(&fence, prepared.id, &end).await?;
    for step in ["a", "b"] {
        store
            .end_step(&fence, &driver.end_of(step, StepState::Cancelled))
            .await?;
    }
    assert_eq!(driver.settle(&fence).await?, ExecutionState::Cancelled);
    assert_eq!(driver.execution(fence.execution).await?.cost.reserved_nanos, 0);
    driver.audit().await
}

/// A call in flight ends as it ends; its picture is kept and paid. All steps completed is completed, cancel
/// or not.
pub async fn a_paid_image_is_kept_after_a_cancel(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    for (plan, steps, end) in [
        ("one", &["a", "b"][..], ExecutionState::Cancelled),
        ("two", &["a"][..], ExecutionState::Completed),
    ] {
        let fence = driver.start(plan, steps).await?;
        let attempt = driver.attempt("a", &format!("{plan}/a"));
        driver.send(&fence, &attempt).await?;
        cancel(&driver, fence.execution).await?;
        store
            .received(&fence, attempt.id, &driver.receipt(attempt.id))
            .await?;
        let commit = driver.commit(&fence, &attempt);
        store.commit(&fence, &commit).await?;
        for step in steps.iter().filter(|step| **step != "a") {
            store
                .end_step(&fence, &driver.end_of(step, StepState::Cancelled))
                .await?;
        }
        assert_eq!(driver.settle(&fence).await?, end);
        assert!(store.image("acme", commit.image.id).await?.is_some());
        assert_eq!(driver.execution(fence.execution).await?.cost.settled_nanos, BILL);
    }
    driver.audit().await
}

/// A parked execution is woken by a cancel and ends; what is held stays held.
pub async fn a_parked_execution_is_cancelled(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let fence = driver.start("plan", &["a"]).await?;
    let lost = driver.send(&fence, &driver.attempt("a", "plan/a")).await?;
    let end = driver.end(AttemptOutcome::Unknown);
    store.end_attempt(&fence, lost, &end).await?;
    store
        .end_step(&fence, &driver.end_of("a", StepState::NeedsDecision))
        .await?;
    assert_eq!(driver.settle(&fence).await?, ExecutionState::NeedsDecision);
    assert!(is_fenced(&store.open_execution(&fence).await), "parked is let go");

    cancel(&driver, fence.execution).await?;
    let claims = store.claim(driver.boot, LEASE, 10, &[]).await?;
    let claim = there(claims.first(), "a claim")?;
    assert_eq!(claim.crash_count, 0, "parking is no crash");
    assert_eq!(
        driver.settle(&claim.fence).await?,
        ExecutionState::Cancelled,
        "a parked step does not hold up a cancel"
    );
    let record = driver.execution(fence.execution).await?;
    assert_eq!(
        there(record.steps.first(), "the step")?.state,
        StepState::Cancelled
    );
    assert_eq!(record.cost.unknown_held_nanos, CEILING);
    driver.audit().await
}

/// Too late is no error: the execution is shown as it is. Nobody cancels what belongs to others.
pub async fn a_cancel_after_the_end_changes_nothing(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let fence = driver.start("plan", &["a"]).await?;
    let other = store
        .request_cancel("other", fence.execution, driver.now())
        .await?;
    assert_eq!(other, None);
    assert!(!driver.execution(fence.execution).await?.cancel_requested);
    driver.draw(&fence, &driver.attempt("a", "plan/a")).await?;
    driver.settle(&fence).await?;
    let before = driver.picture().await?;
    let record = cancel(&driver, fence.execution).await?;
    assert_eq!(record.state, ExecutionState::Completed);
    assert_eq!(driver.picture().await?, before);
    let nowhere = driver.order("none", &["a"]).id;
    assert_eq!(store.request_cancel("acme", nowhere, driver.now()).await?, None);
    driver.audit().await
}

/// Half a batch is no whole batch, and no lost one either.
pub async fn a_failed_step_fails_the_execution_and_keeps_the_images(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let fence = driver.start("plan", &["a", "b"]).await?;
    let image = driver.draw(&fence, &driver.attempt("a", "plan/a")).await?;
    store
        .end_step(&fence, &driver.end_of("b", StepState::Failed))
        .await?;
    assert_eq!(driver.settle(&fence).await?, ExecutionState::Failed);
    let record = driver.execution(fence.execution).await?;
    assert!(record.failure.is_some() && record.ended_at.is_some());
    let failed = there(record.steps.get(1), "the step")?;
    assert!(failed.failure.is_some() && failed.image.is_none());
    assert!(store.image("acme", image.id).await?.is_some());
    driver.audit().await
}
