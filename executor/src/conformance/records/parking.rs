//! Executions that are parked: when they are looked at, and what wakes them.

use limn_proto::{digest::digest_of, reason::Reason};
use uuid::Uuid;

use super::driver::{Driver, LEASE, NEXT_CHECK, Subject, is_fenced, is_wrong_state, there};
use crate::{failure::Failure, ids::BootId, records::*};

const OTHER: BootId = BootId(Uuid::from_u128(0x0071e5));

/// An execution that is parked on an unknown attempt, with the attempt.
async fn park(driver: &Driver<'_>, plan: &str) -> Result<(Fence, NewAttempt)> {
    let fence = driver.start(plan, &["a"]).await?;
    let attempt = driver.attempt("a", &format!("{plan}/a"));
    driver.send(&fence, &attempt).await?;
    let end = driver.end(AttemptOutcome::Unknown);
    driver.store.end_attempt(&fence, attempt.id, &end).await?;
    let end = driver.end_of("a", StepState::NeedsDecision);
    driver.store.end_step(&fence, &end).await?;
    assert_eq!(driver.settle(&fence).await?, ExecutionState::NeedsDecision);
    Ok((fence, attempt))
}

/// What can be claimed now, which is then claimed.
async fn claims(driver: &Driver<'_>) -> Result<Vec<Claim>> {
    driver.store.claim(driver.boot, LEASE, 10, &[]).await
}

async fn claim(driver: &Driver<'_>) -> Result<Claim> {
    there(claims(driver).await?.first().copied(), "a claim")
}

/// Not a moment before its time; then once, with a lease as any other, and again after a crash.
pub async fn a_parked_execution_is_looked_at_when_its_time_has_come(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let (fence, _) = park(&driver, "plan").await?;
    let record = driver.execution(fence.execution).await?;
    let next_check_at = there(record.next_check_at, "a time to look")?;
    driver.pass(next_check_at.since(driver.now()) - std::time::Duration::from_millis(2));
    assert_eq!(claims(&driver).await?, []);
    driver.pass(std::time::Duration::from_millis(2));
    let first = claim(&driver).await?;
    assert_eq!((first.fence.execution, first.crash_count), (fence.execution, 0));
    assert!(first.fence.epoch > fence.epoch);
    assert!(first.at >= next_check_at);
    assert_eq!(claims(&driver).await?, [], "it is looked at already");
    let renewed = store.renew(driver.boot, &[fence.execution], LEASE).await?;
    assert_eq!(renewed.len(), 1);

    driver.pass(LEASE);
    let second = store.claim(OTHER, LEASE, 10, &[]).await?;
    let second = there(second.first(), "a claim")?;
    assert_eq!(second.crash_count, 1, "whoever looked at it died");
    store.release(&second.fence).await?;
    assert_eq!(claim(&driver).await?.crash_count, 1);
    driver.audit().await
}

/// Nothing is found, so nothing is told; only the next time to look moves.
pub async fn a_look_at_a_parked_execution_tells_nothing(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let (fence, _) = park(&driver, "plan").await?;
    let before = driver.story(fence.execution).await?;
    for _ in 0..2 {
        let looked_at = driver.execution(fence.execution).await?.next_check_at;
        driver.pass(NEXT_CHECK);
        let claim = claim(&driver).await?;
        let seen = store.open_execution(&claim.fence).await?;
        assert_eq!(seen.state, ExecutionState::NeedsDecision);
        let again = driver.end_of("a", StepState::NeedsDecision);
        store.end_step(&claim.fence, &again).await?;
        assert_eq!(driver.settle(&claim.fence).await?, ExecutionState::NeedsDecision);
        assert_eq!(driver.settle(&claim.fence).await?, ExecutionState::NeedsDecision);
        assert!(is_fenced(&store.open_execution(&claim.fence).await));
        assert!(driver.execution(fence.execution).await?.next_check_at > looked_at);
    }
    assert_eq!(driver.story(fence.execution).await?, before);

    driver.pass(NEXT_CHECK);
    let claim = claim(&driver).await?;
    let failure = super::driver::failure();
    let parked = store
        .settle_execution(&claim.fence, &failure, None, driver.now())
        .await?;
    assert_eq!(parked, ExecutionState::NeedsDecision);
    driver.pass(LEASE * 1000);
    assert_eq!(claims(&driver).await?, [], "never by itself");
    assert_eq!(driver.execution(fence.execution).await?.next_check_at, None);
    driver.audit().await
}

/// The answer turns up: execution and step go on from where they were parked, and the step forgets why.
pub async fn a_parked_execution_goes_on_when_something_is_found(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let (fence, attempt) = park(&driver, "plan").await?;
    let started_at = driver.execution(fence.execution).await?.started_at;
    driver.pass(NEXT_CHECK);
    let fence = claim(&driver).await?.fence;
    for _ in 0..2 {
        store.start_execution(&fence, driver.now()).await?;
        store.start_step(&fence, "a", driver.now()).await?;
    }
    let record = driver.execution(fence.execution).await?;
    assert_eq!(record.state, ExecutionState::Processing);
    assert_eq!((record.started_at, record.next_check_at), (started_at, None));
    assert_eq!(there(record.steps.first(), "the step")?.failure, None);
    store
        .received(&fence, attempt.id, &driver.receipt(attempt.id))
        .await?;
    store.commit(&fence, &driver.commit(&fence, &attempt)).await?;
    assert_eq!(driver.settle(&fence).await?, ExecutionState::Completed);
    let story = driver.story(fence.execution).await?;
    let end = there(story.get(story.len().saturating_sub(8)..), "a story")?;
    assert_eq!(
        end,
        [
            "execution PROCESSING",
            "step a PROCESSING",
            "attempt a#1 RECEIVED",
            "cost 0 reserved 50 held 0",
            "attempt a#1 COMMITTED",
            "cost 40 reserved 0 held 0 final",
            "step a COMPLETED",
            "execution COMPLETED",
        ]
    );
    driver.audit().await
}

/// A paid picture completes its step although nobody said before that the step goes on, and whoever comes next ends
/// the execution: it is never given up because a state was not written.
pub async fn a_picture_completes_a_step_that_is_parked_still(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let (_, attempt) = park(&driver, "plan").await?;
    driver.pass(NEXT_CHECK);
    let fence = claim(&driver).await?.fence;
    let receipt = driver.receipt(attempt.id);
    store.received(&fence, attempt.id, &receipt).await?;
    let commit = driver.commit(&fence, &attempt);
    store.commit(&fence, &commit).await?;
    let told = driver.picture().await?;
    store.commit(&fence, &commit).await?;
    assert_eq!(driver.picture().await?, told, "once");
    let record = driver.execution(fence.execution).await?;
    let step = there(record.steps.first(), "the step")?;
    assert_eq!(
        (step.state, step.image, step.failure.as_ref()),
        (StepState::Completed, Some(commit.image.id), None)
    );
    assert_eq!(record.cost.unknown_held_nanos, 0);

    // Its owner dies before it ends the execution.
    driver.pass(LEASE);
    let next = claim(&driver).await?.fence;
    assert_eq!(driver.settle(&next).await?, ExecutionState::Completed);
    let story = driver.story(fence.execution).await?;
    let end = there(story.get(story.len().saturating_sub(6)..), "a story")?;
    assert_eq!(
        end,
        [
            "attempt a#1 RECEIVED",
            "cost 0 reserved 50 held 0",
            "attempt a#1 COMMITTED",
            "cost 40 reserved 0 held 0 final",
            "step a COMPLETED",
            "execution COMPLETED",
        ]
    );
    driver.audit().await
}

/// Whoever decided about the attempt was first: its answer is evidence, and changes neither the step nor the money.
pub async fn a_picture_of_a_decided_attempt_completes_nothing(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let (parked, attempt) = park(&driver, "plan").await?;
    driver.pass(NEXT_CHECK);
    let fence = claim(&driver).await?.fence;
    let retry = Some(FollowUp::Retry);
    driver
        .resolve(parked.execution, attempt.id, Verdict::NotCharged, retry)
        .await?;
    let before = driver.picture().await?;
    let receipt = driver.receipt(attempt.id);
    let received = store.received(&fence, attempt.id, &receipt).await;
    assert!(is_wrong_state(&received), "{received:?}");
    let committed = store.commit(&fence, &driver.commit(&fence, &attempt)).await;
    assert!(is_wrong_state(&committed), "{committed:?}");
    assert_eq!(driver.picture().await?, before);
    driver.audit().await
}

/// With something to draw an execution is parked no longer.
pub async fn a_parked_execution_with_a_step_to_draw_is_not_settled(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let (_, _) = park(&driver, "plan").await?;
    driver.pass(NEXT_CHECK);
    let fence = claim(&driver).await?.fence;
    store.start_step(&fence, "a", driver.now()).await?;
    assert_eq!(driver.settle(&fence).await?, ExecutionState::Processing);
    assert_eq!(driver.settle(&fence).await?, ExecutionState::Processing);
    store.release(&fence).await?;
    let again = claim(&driver).await?.fence;
    assert_eq!(again.execution, fence.execution);
    driver.audit().await
}

/// Whoever knows something has the execution looked at; a part of an answer says too little for that.
pub async fn evidence_wakes_a_parked_execution(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let (fence, attempt) = park(&driver, "plan").await?;
    let whole = driver.receipt(attempt.id);
    let part = Receipt {
        kind: ReceiptKind::PartialAnswer,
        ..whole.clone()
    };
    store.add_receipt(&part).await?;
    assert_eq!(claims(&driver).await?, []);
    store.add_receipt(&whole).await?;
    store.add_receipt(&whole).await?;
    assert_eq!(claim(&driver).await?.fence.execution, fence.execution);
    assert_eq!(store.receipts(attempt.id).await?, [part, whole]);
    driver.audit().await
}

/// A look that began before the evidence came does not put it off.
pub async fn evidence_that_comes_during_a_look_is_looked_at_next(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let (_, attempt) = park(&driver, "plan").await?;
    driver.pass(NEXT_CHECK);
    let looking = claim(&driver).await?.fence;
    store.add_receipt(&driver.receipt(attempt.id)).await?;
    store.renew(driver.boot, &[looking.execution], LEASE).await?;
    assert_eq!(claims(&driver).await?, [], "one look at a time");
    assert_eq!(driver.settle(&looking).await?, ExecutionState::NeedsDecision);
    let next = claim(&driver).await?.fence;
    assert_eq!(next.execution, looking.execution);
    assert_eq!(driver.settle(&next).await?, ExecutionState::NeedsDecision);
    assert_eq!(claims(&driver).await?, []);

    // The same while it runs: a step is parked, another is still drawn.
    let fence = driver.start("two", &["a", "b"]).await?;
    let lost = driver.attempt("a", "two/a");
    driver.send(&fence, &lost).await?;
    let end = driver.end(AttemptOutcome::Unknown);
    store.end_attempt(&fence, lost.id, &end).await?;
    let end = driver.end_of("a", StepState::NeedsDecision);
    store.end_step(&fence, &end).await?;
    store.add_receipt(&driver.receipt(lost.id)).await?;
    driver.draw(&fence, &driver.attempt("b", "two/b")).await?;
    assert_eq!(driver.settle(&fence).await?, ExecutionState::NeedsDecision);
    assert_eq!(claim(&driver).await?.fence.execution, fence.execution);
    driver.audit().await
}

/// However the outcome becomes known, those who wait for the picture look at once; others are not disturbed.
pub async fn a_picture_that_is_unknown_no_longer_wakes_those_who_wait_for_it(
    subject: Subject<'_>,
) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let stranger = Driver::of_client(subject, "other");
    let (_, _) = park(&stranger, "plan").await?;
    for (round, outcome) in [
        None,
        Some(AttemptOutcome::Abandoned),
        Some(AttemptOutcome::Rejected),
        Some(AttemptOutcome::WrittenOff {
            follow_up: FollowUp::Fail,
        }),
    ]
    .into_iter()
    .enumerate()
    {
        let plan = format!("holder {round}");
        let (holder, attempt) = park(&driver, &plan).await?;
        let unit = [digest_of(format!("{plan}/a").as_bytes())];
        let waiting = driver
            .begin(&driver.order(&format!("waiting {round}"), &["a"]))
            .await?;
        store.start_execution(&waiting, driver.now()).await?;
        store.start_step(&waiting, "a", driver.now()).await?;
        let busy = UnitGrant::Busy {
            execution: holder.execution,
            hold: Hold::Unknown,
        };
        assert_eq!(store.acquire_unit(&waiting, "a", &unit, 0).await?, busy);
        let end = driver.end_of("a", StepState::NeedsDecision);
        store.end_step(&waiting, &end).await?;
        let failure = super::driver::failure();
        let wait = Some(NEXT_CHECK * 100);
        store
            .settle_execution(&waiting, &failure, wait, driver.now())
            .await?;

        driver.pass(NEXT_CHECK);
        let others = store.claim(driver.boot, LEASE, 10, &[]).await?;
        let fence = others
            .iter()
            .find(|claim| claim.fence.execution == holder.execution);
        let fence = there(fence, "a claim of the holder")?.fence;
        let own = store.acquire_unit(&fence, "a", &unit, 0).await?;
        assert_eq!(own, busy, "not even for the step that holds it");
        match outcome {
            None => {
                let receipt = driver.receipt(attempt.id);
                store.received(&fence, attempt.id, &receipt).await?;
            }
            Some(outcome) => {
                let end = driver.end(outcome);
                store.end_attempt(&fence, attempt.id, &end).await?;
            }
        }
        let woken = claims(&driver).await?;
        let woken: Vec<_> = woken.iter().map(|claim| claim.fence.execution).collect();
        assert_eq!(woken, [waiting.execution], "{outcome:?}");
        // Nobody of this round is in the way of the next.
        driver.pass(LEASE);
        for claim in claims(&driver).await? {
            store
                .settle_execution(&claim.fence, &failure, None, driver.now())
                .await
                .map(drop)
                .or_else(|error| match error {
                    RecordError::WrongState { .. } => Ok(()),
                    error => Err(error),
                })?;
        }
    }
    stranger.audit().await?;
    driver.audit().await
}

/// However many are due, half of the places stay for those that run.
pub async fn parked_and_running_executions_share_the_places(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    for plan in ["one", "two", "three"] {
        park(&driver, plan).await?;
    }
    let order = driver.order("running", &["a"]);
    store.accept(&order).await?;
    driver.pass(NEXT_CHECK);
    let claims = store.claim(driver.boot, LEASE, 2, &[]).await?;
    assert_eq!(claims.len(), 2);
    let running = claims.iter().filter(|claim| claim.fence.execution == order.id);
    assert_eq!(running.count(), 1);
    let rest = store.claim(driver.boot, LEASE, 10, &[]).await?;
    assert_eq!(rest.len(), 2);
    driver.audit().await
}

/// It says why, is tried again when its time has come, and does not say the same again.
pub async fn an_execution_that_cannot_be_run_is_parked_with_its_reason(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let fence = driver.start("plan", &["a"]).await?;
    let attempt = driver.attempt("a", "plan/a");
    driver.send(&fence, &attempt).await?;
    let failure = Failure::new(Reason::ProviderUnavailable, "provider easel is not available");
    let wait = Some(NEXT_CHECK);
    store.park(&fence, &failure, wait, driver.now()).await?;
    store.park(&fence, &failure, wait, driver.now()).await?;
    let record = driver.execution(fence.execution).await?;
    assert_eq!(record.state, ExecutionState::NeedsDecision);
    assert_eq!(record.failure.as_ref(), Some(&failure));
    assert!(record.next_check_at.is_some());
    let before = driver.story(fence.execution).await?;
    assert_eq!(
        before.last().map(String::as_str),
        Some("execution NEEDS_DECISION")
    );
    assert_eq!(claims(&driver).await?, []);

    driver.pass(NEXT_CHECK);
    let fence = claim(&driver).await?.fence;
    store.park(&fence, &failure, wait, driver.now()).await?;
    assert_eq!(driver.story(fence.execution).await?, before);
    driver.pass(NEXT_CHECK);
    let fence = claim(&driver).await?.fence;
    store.start_execution(&fence, driver.now()).await?;
    let record = driver.execution(fence.execution).await?;
    assert_eq!((record.state, record.failure), (ExecutionState::Processing, None));
    store
        .received(&fence, attempt.id, &driver.receipt(attempt.id))
        .await?;
    store.commit(&fence, &driver.commit(&fence, &attempt)).await?;
    assert_eq!(driver.settle(&fence).await?, ExecutionState::Completed);
    driver.audit().await
}

/// Whoever touches it dies, so nobody does. Its client may still stop it, even when that was asked for before.
pub async fn a_poisoned_execution_is_left_alone_until_it_is_cancelled(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let fence = driver.start("plan", &["a"]).await?;
    let poisoned = Failure::new(Reason::ExecutionPoisoned, "its owners died");
    driver.pass(LEASE);
    let claims_of_other = store.claim(OTHER, LEASE, 10, &[]).await?;
    let claimed = there(claims_of_other.first(), "a claim")?;
    assert_eq!(claimed.crash_count, 1);
    store.park(&claimed.fence, &poisoned, None, driver.now()).await?;
    driver.pass(LEASE * 1000);
    assert_eq!(claims(&driver).await?, []);
    let record = driver.execution(fence.execution).await?;
    assert_eq!((record.crash_count, record.next_check_at), (1, None));

    let twin = driver.begin(&driver.order("twin", &["a"])).await?;
    store.start_execution(&twin, driver.now()).await?;
    store.start_step(&twin, "a", driver.now()).await?;
    let unit = [digest_of(b"plan/a")];
    let busy = UnitGrant::Busy {
        execution: fence.execution,
        hold: Hold::Parked,
    };
    let grant = store.acquire_unit(&twin, "a", &unit, 0).await?;
    assert_eq!(grant, busy, "a twin is told that nobody draws");

    for _ in 0..2 {
        let record = store
            .request_cancel("acme", fence.execution, driver.now())
            .await?;
        let record = there(record, "the execution")?;
        assert_eq!(record.state, ExecutionState::Cancelling);
        assert_eq!((record.crash_count, record.failure), (0, None));
        let fence = claim(&driver).await?.fence;
        store.park(&fence, &poisoned, None, driver.now()).await?;
    }
    store
        .request_cancel("acme", fence.execution, driver.now())
        .await?;
    let fence = claim(&driver).await?.fence;
    let end = driver.end_of("a", StepState::Cancelled);
    store.end_step(&fence, &end).await?;
    assert_eq!(driver.settle(&fence).await?, ExecutionState::Cancelled);
    driver.audit().await
}
