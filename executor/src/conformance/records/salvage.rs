//! What is found out after the end of an execution whose outcomes were unknown: answers, refusals, and nothing.

use limn_proto::digest::digest_of;

use super::{
    audit::balance,
    driver::{BILL, CEILING, Driver, LEASE, NEXT_CHECK, Subject, failure, there, usage},
};
use crate::{
    ids::{AttemptId, ExecutionId},
    records::*,
};

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

/// Takes what is due; returns the executions in their order.
async fn take(driver: &Driver<'_>, limit: u32) -> Result<Vec<ExecutionId>> {
    let taken = driver.store.stranded(LEASE, limit).await?;
    Ok(taken.iter().map(|stranded| stranded.execution.id).collect())
}

/// The next order of the plan asks for the unit of its step.
async fn ask_again(driver: &Driver<'_>, plan: &str) -> Result<UnitGrant> {
    let next = driver.begin(&driver.order(plan, &["a"])).await?;
    driver.store.start_step(&next, "a", driver.now()).await?;
    let unit = [digest_of(format!("{plan}/a").as_bytes())];
    driver.store.acquire_unit(&next, "a", &unit, 0).await
}

/// The only attempt of an execution.
async fn attempt_of(driver: &Driver<'_>, execution: ExecutionId) -> Result<AttemptRecord> {
    let record = driver.execution(execution).await?;
    let attempt = record.steps.into_iter().flat_map(|step| step.attempts).next();
    there(attempt, "the attempt")
}

fn salvage(driver: &Driver<'_>, fence: &Fence, attempt: &NewAttempt) -> Salvage {
    Salvage {
        execution: fence.execution,
        answer: driver.receipt(attempt.id),
        find: Find::Image(Box::new(driver.image(fence, attempt))),
        cost_nanos: BILL,
        cost_source: CostSource::Reported,
        usage: usage(),
        now: driver.now(),
    }
}

/// The picture is kept for the next order, the money is settled, and the history says nothing of it.
pub async fn an_answer_that_came_after_the_end_is_booked_once(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let (fence, attempt) = strand(&driver, "plan").await?;
    let receipt = driver.receipt(attempt.id);
    store.add_receipt(&receipt).await?;
    let before = driver.execution(fence.execution).await?;
    let salvage = salvage(&driver, &fence, &attempt);
    assert!(store.salvage(&salvage).await?);
    assert!(!store.salvage(&salvage).await?, "once");
    assert_eq!(take(&driver, 10).await?, [], "nothing is unknown any more");
    let after = driver.execution(fence.execution).await?;
    assert_eq!(
        (after.state, after.last_sequence, after.ended_at),
        (before.state, before.last_sequence, before.ended_at)
    );
    let step = there(after.steps.first(), "the step")?;
    assert_eq!((step.state, step.image), (StepState::Cancelled, None));
    let kept = there(step.attempts.first(), "the attempt")?;
    assert_eq!(
        (kept.state, kept.cost_nanos, kept.cost_source),
        (AttemptState::Committed, Some(BILL), Some(CostSource::Reported))
    );
    assert_eq!(
        (kept.effective_seed, kept.model_version.as_str(), &kept.usage),
        (Some(u64::MAX), "easel-2.1 [31e35c80fc]", &usage())
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
    let grant = ask_again(&driver, "plan").await?;
    let Find::Image(image) = salvage.find else {
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
        cost_source: CostSource::Estimated,
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
    assert_eq!(
        (kept.cost_source, &kept.usage),
        (Some(CostSource::Estimated), &usage())
    );
    assert_eq!(record.cost.settled_nanos, BILL);
    assert_eq!(ask_again(&driver, "plan").await?, UnitGrant::Open);
    driver.audit().await
}

/// Neither what runs nor what is known is stranded, and what is too early or too late changes nothing.
pub async fn what_has_not_ended_or_is_known_is_not_stranded(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let fence = driver.start("running", &["a"]).await?;
    let running = driver.attempt("a", "running/a");
    driver.send(&fence, &running).await?;
    let end = driver.end(AttemptOutcome::Unknown);
    store.end_attempt(&fence, running.id, &end).await?;
    store.add_receipt(&driver.receipt(running.id)).await?;
    let known = driver.start("known", &["a"]).await?;
    driver.draw(&known, &driver.attempt("a", "known/a")).await?;
    assert_eq!(driver.settle(&known).await?, ExecutionState::Completed);
    assert_eq!(take(&driver, 10).await?, []);
    let before = driver.picture().await?;
    let too_early = salvage(&driver, &fence, &running);
    assert!(!store.salvage(&too_early).await?);
    let refused = driver.end(AttemptOutcome::Rejected);
    assert!(!store.end_stranded(fence.execution, running.id, &refused).await?);
    store
        .leave_stranded(fence.execution, driver.now(), NEXT_CHECK)
        .await?;
    assert_eq!(driver.picture().await?, before);
    driver.audit().await
}

/// Who takes an execution has it for itself for a while; what is left is due again when its time has come, or when
/// evidence comes.
pub async fn what_is_stranded_is_looked_at_when_its_time_has_come(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let (fence, attempt) = strand(&driver, "plan").await?;
    let found = store.stranded(LEASE, 10).await?;
    let found = there(found.first(), "what is stranded")?;
    assert_eq!(found.execution, driver.execution(fence.execution).await?);
    assert_eq!(found.until, found.at.plus(LEASE));
    assert_eq!(take(&driver, 10).await?, [], "somebody is at it");
    driver.pass(LEASE);
    let again = store.stranded(LEASE, 10).await?;
    let again = there(again.first(), "what nobody left")?;

    let execution = fence.execution;
    store
        .leave_stranded(execution, found.until, NEXT_CHECK * 10)
        .await?;
    store.leave_stranded(execution, again.until, NEXT_CHECK).await?;
    store
        .leave_stranded(execution, again.until, NEXT_CHECK * 10)
        .await?;
    driver.pass(NEXT_CHECK / 2);
    assert_eq!(take(&driver, 10).await?, [], "its time has not come");
    driver.pass(NEXT_CHECK / 2);
    assert_eq!(take(&driver, 10).await?, [execution]);

    let part = Receipt {
        kind: ReceiptKind::PartialAnswer,
        ..driver.receipt(attempt.id)
    };
    store.add_receipt(&part).await?;
    assert_eq!(take(&driver, 10).await?, [], "a part of an answer tells nothing");
    for kind in [
        ReceiptKind::Unsent,
        ReceiptKind::Rejection,
        ReceiptKind::Accepted,
        ReceiptKind::Answer,
    ] {
        driver.pass(LEASE);
        let taken = store.stranded(LEASE, 10).await?;
        let taken = there(taken.first(), "the execution")?;
        let receipt = Receipt {
            kind,
            ..driver.receipt(attempt.id)
        };
        store.add_receipt(&receipt).await?;
        store.leave_stranded(execution, taken.until, NEXT_CHECK).await?;
        assert_eq!(take(&driver, 10).await?, [execution], "{kind:?}");
    }

    let mut expected = Vec::new();
    for plan in ["one", "two", "three"] {
        expected.push(strand(&driver, plan).await?.0.execution);
    }
    let mut found = take(&driver, 2).await?;
    assert_eq!(found.len(), 2);
    found.extend(take(&driver, 2).await?);
    assert_eq!(found, expected);
    driver.audit().await
}

/// The money is free, the unit too, and who waits for the picture looks at once; the history says nothing of it.
pub async fn a_call_that_was_not_billed_is_released_after_the_end(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    for (plan, outcome) in [
        ("unsent", AttemptOutcome::Abandoned),
        ("refused", AttemptOutcome::Rejected),
    ] {
        let (fence, attempt) = strand(&driver, plan).await?;
        let execution = fence.execution;
        let waiting = driver
            .begin(&driver.order(&format!("{plan} again"), &["a"]))
            .await?;
        store.start_execution(&waiting, driver.now()).await?;
        store.start_step(&waiting, "a", driver.now()).await?;
        let unit = [attempt.render_digest.clone()];
        let busy = UnitGrant::Busy {
            execution,
            hold: Hold::Unknown,
        };
        assert_eq!(store.acquire_unit(&waiting, "a", &unit, 0).await?, busy);
        let parked = driver.end_of("a", StepState::NeedsDecision);
        store.end_step(&waiting, &parked).await?;
        assert_eq!(driver.settle(&waiting).await?, ExecutionState::NeedsDecision);

        let before = driver.execution(execution).await?;
        assert_eq!(before.cost.unknown_held_nanos, CEILING);
        let end = driver.end(outcome);
        assert!(store.end_stranded(execution, attempt.id, &end).await?);
        let picture = driver.picture().await?;
        assert!(!store.end_stranded(execution, attempt.id, &end).await?, "once");
        let otherwise = driver.end(AttemptOutcome::RejectedBillUnknown);
        assert!(!store.end_stranded(execution, attempt.id, &otherwise).await?);
        assert!(!store.salvage(&salvage(&driver, &fence, &attempt)).await?);
        assert_eq!(driver.picture().await?, picture);

        let after = driver.execution(execution).await?;
        assert_eq!(
            (after.state, after.last_sequence, after.ended_at),
            (before.state, before.last_sequence, before.ended_at)
        );
        assert_eq!(balance(&after.cost), Balance::default());
        let kept = attempt_of(&driver, execution).await?;
        assert_eq!((kept.state, kept.held_nanos), (outcome.state(), 0));
        assert_eq!((kept.failure, kept.ended_at), (Some(end.failure), Some(end.now)));
        assert_eq!(kept.provider_request_id, end.provider_request_id);
        let woken = driver.claim(waiting.execution).await?;
        assert_eq!(store.acquire_unit(&woken, "a", &unit, 0).await?, UnitGrant::Open);
        driver.audit().await?;
    }
    Ok(())
}

/// Its unit is free and its ceiling stays held, until somebody knows the bill.
pub async fn a_refusal_after_the_end_with_an_unknown_bill_is_held(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let (fence, attempt) = strand(&driver, "plan").await?;
    let end = driver.end(AttemptOutcome::RejectedBillUnknown);
    assert!(store.end_stranded(fence.execution, attempt.id, &end).await?);
    assert!(!store.end_stranded(fence.execution, attempt.id, &end).await?);
    let kept = attempt_of(&driver, fence.execution).await?;
    assert_eq!((kept.state, kept.held_nanos), (AttemptState::Rejected, CEILING));
    assert_eq!(take(&driver, 10).await?, [], "nothing more is to be found out");
    assert_eq!(ask_again(&driver, "plan").await?, UnitGrant::Open);
    driver.audit().await?;
    driver
        .resolve(fence.execution, attempt.id, Verdict::NotCharged, None)
        .await?;
    let record = driver.execution(fence.execution).await?;
    assert_eq!(balance(&record.cost), Balance::default());
    driver.audit().await
}

/// Only what is proven of an unbilled call ends it here, and only under its own execution.
pub async fn a_stranded_attempt_ends_only_as_it_may(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let (fence, attempt) = strand(&driver, "plan").await?;
    let (other, _) = strand(&driver, "other").await?;
    let before = driver.picture().await?;
    for outcome in [
        AttemptOutcome::Unknown,
        AttemptOutcome::FailedPaid {
            cost_nanos: BILL,
            source: CostSource::Reported,
        },
        AttemptOutcome::WrittenOff {
            follow_up: FollowUp::Fail,
        },
    ] {
        let end = driver.end(outcome);
        let ended = store.end_stranded(fence.execution, attempt.id, &end).await;
        assert!(matches!(ended, Err(RecordError::WrongState { .. })), "{ended:?}");
    }
    let end = driver.end(AttemptOutcome::Rejected);
    let elsewhere = store.end_stranded(other.execution, attempt.id, &end).await;
    assert!(matches!(elsewhere, Err(RecordError::WrongState { .. })));
    let unknown = AttemptId(uuid::Uuid::nil());
    let nothing = store.end_stranded(fence.execution, unknown, &end).await;
    assert!(matches!(nothing, Err(RecordError::WrongState { .. })));
    let nowhere = driver.order("none", &["a"]).id;
    assert!(!store.end_stranded(nowhere, attempt.id, &end).await?);
    store.leave_stranded(nowhere, driver.now(), NEXT_CHECK).await?;
    assert_eq!(driver.picture().await?, before);
    // Neither does the fence of its last owner end it.
    let fenced = store.end_attempt(&fence, attempt.id, &end).await;
    assert!(matches!(fenced, Err(RecordError::Fenced)));
    driver.audit().await
}
