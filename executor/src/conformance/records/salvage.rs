//! Answers that come after the end of their execution.

use limn_proto::digest::digest_of;

use super::driver::{BILL, Driver, Subject, failure, there};
use crate::records::*;

/// An execution that was cancelled while the outcome of its call was unknown.
async fn strand(driver: &Driver<'_>, plan: &str) -> Result<(Fence, NewAttempt)> {
    let fence = driver.start(plan, &["a"]).await?;
    let attempt = driver.attempt("a", &format!("{plan}/a"));
    driver.send(&fence, &attempt).await?;
    let end = driver.end(AttemptOutcome::Unknown);
    driver.store.end_attempt(&fence, attempt.id, &end).await?;
    driver
        .store
        .request_cancel(driver.client, fence.execution, driver.now())
        .await?;
    let end = driver.end_of("a", StepState::Cancelled);
    driver.store.end_step(&fence, &end).await?;
    assert_eq!(driver.settle(&fence).await?, ExecutionState::Cancelled);
    Ok((fence, attempt))
}

fn salvage(driver: &Driver<'_>, fence: &Fence, attempt: &NewAttempt) -> Salvage {
    Salvage {
        execution: fence.execution,
        answer: driver.receipt(attempt.id),
        find: Find::Image {
            image: Box::new(driver.image(fence, attempt)),
            revised_prompt: "as drawn".to_owned(),
        },
        cost_nanos: BILL,
        cost_estimated: false,
        now: driver.now(),
    }
}

/// The picture is kept for the next order, the money is settled, and the history says nothing of it.
pub async fn an_answer_that_came_after_the_end_is_booked_once(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let (fence, attempt) = strand(&driver, "plan").await?;
    assert_eq!(store.stranded(None, 10).await?, []);
    let receipt = driver.receipt(attempt.id);
    store.add_receipt(&receipt).await?;
    let stranded = store.stranded(None, 10).await?;
    let found = there(stranded.first(), "what is stranded")?;
    assert_eq!(stranded.len(), 1);
    assert_eq!((found.execution, &found.answer), (fence.execution, &receipt));
    assert_eq!((found.attempt.id, found.step_id.as_str()), (attempt.id, "a"));
    assert_eq!((found.client.as_str(), found.take), ("acme", 0));
    let before = driver.execution(fence.execution).await?;
    assert_eq!(found.plan_digest, before.plan_digest);

    let salvage = salvage(&driver, &fence, &attempt);
    assert!(store.salvage(&salvage).await?);
    assert!(!store.salvage(&salvage).await?, "once");
    assert_eq!(store.stranded(None, 10).await?, []);
    let after = driver.execution(fence.execution).await?;
    assert_eq!(
        (after.state, after.last_sequence, after.ended_at),
        (before.state, before.last_sequence, before.ended_at)
    );
    let step = there(after.steps.first(), "the step")?;
    assert_eq!((step.state, step.image), (StepState::Cancelled, None));
    let kept = there(step.attempts.first(), "the attempt")?;
    assert_eq!(
        (kept.state, kept.cost_nanos),
        (AttemptState::Committed, Some(BILL))
    );
    assert_eq!(
        (kept.answer.as_ref(), kept.failure.as_ref()),
        (Some(&receipt), None)
    );
    assert_eq!(
        (after.cost.settled_nanos, after.cost.unknown_held_nanos),
        (BILL, 0)
    );
    assert_eq!(after.cost.lines.len(), 1);

    // The picture is there for whoever orders it next.
    let next = driver.begin(&driver.order("plan", &["a"])).await?;
    store.start_step(&next, "a", driver.now()).await?;
    let grant = store.acquire_unit(&next, "a", &[digest_of(b"plan/a")], 0).await?;
    let Find::Image { image, .. } = salvage.find else {
        return Err(RecordError::Damaged("no image".to_owned()));
    };
    assert_eq!(grant, UnitGrant::Completed(image));
    driver.audit().await
}

/// Paid in vain is still paid; the unit is free again.
pub async fn an_answer_without_a_picture_is_paid_and_frees_the_unit(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let (fence, attempt) = strand(&driver, "plan").await?;
    let nothing = Salvage {
        find: Find::Nothing(failure()),
        cost_estimated: true,
        ..salvage(&driver, &fence, &attempt)
    };
    assert!(store.salvage(&nothing).await?);
    assert!(!store.salvage(&nothing).await?);
    let record = driver.execution(fence.execution).await?;
    let kept = record.steps.first().and_then(|step| step.attempts.first());
    let kept = there(kept, "the attempt")?;
    assert_eq!(
        (kept.state, kept.failure.as_ref()),
        (AttemptState::FailedPaid, Some(&failure()))
    );
    assert_eq!(record.cost.settled_nanos, BILL);
    let next = driver.begin(&driver.order("plan", &["a"])).await?;
    store.start_step(&next, "a", driver.now()).await?;
    let grant = store.acquire_unit(&next, "a", &[digest_of(b"plan/a")], 0).await?;
    assert_eq!(grant, UnitGrant::Open);
    driver.audit().await
}

/// Only what nobody else can book is stranded: the answer came, and the execution has ended. Pages go on by id.
pub async fn what_has_not_ended_or_is_known_is_not_stranded(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let fence = driver.start("running", &["a"]).await?;
    let running = driver.attempt("a", "running/a");
    driver.send(&fence, &running).await?;
    let end = driver.end(AttemptOutcome::Unknown);
    store.end_attempt(&fence, running.id, &end).await?;
    store.add_receipt(&driver.receipt(running.id)).await?;
    let (_, partly) = strand(&driver, "partly").await?;
    let part = Receipt {
        kind: ReceiptKind::PartialAnswer,
        ..driver.receipt(partly.id)
    };
    store.add_receipt(&part).await?;
    assert_eq!(store.stranded(None, 10).await?, []);
    let before = driver.picture().await?;
    let too_early = salvage(&driver, &fence, &running);
    assert!(!store.salvage(&too_early).await?);
    assert_eq!(driver.picture().await?, before);

    let mut expected = Vec::new();
    for plan in ["one", "two", "three"] {
        let (_, attempt) = strand(&driver, plan).await?;
        store.add_receipt(&driver.receipt(attempt.id)).await?;
        expected.push(attempt.id);
    }
    let first = store.stranded(None, 2).await?;
    let last = there(first.last(), "a page")?.attempt.id;
    let rest = store.stranded(Some(last), 2).await?;
    let found: Vec<_> = first.iter().chain(&rest).map(|found| found.attempt.id).collect();
    assert_eq!(found, expected);
    driver.audit().await
}
