//! Money: reserved before, settled after, released or held in between, exact to the nano.

use super::{
    audit::balance,
    driver::{BILL, CEILING, Driver, Subject, there},
};
use crate::{ids::ExecutionId, records::*};

fn amounts(spent_nanos: i64, reserved_nanos: i64, unknown_held_nanos: i64) -> Balance {
    Balance {
        spent_nanos,
        reserved_nanos,
        unknown_held_nanos,
    }
}

async fn balance_of(driver: &Driver<'_>, execution: ExecutionId) -> Result<Balance> {
    driver.audit().await?;
    Ok(balance(&driver.execution(execution).await?.cost))
}

/// After a refusal the next attempt starts from nothing, with the next number.
pub async fn a_refused_call_gives_its_reservation_back(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let fence = driver.start("plan", &["a"]).await?;
    let refused = driver.send(&fence, &driver.attempt("a", "plan/a")).await?;
    let end = driver.end(AttemptOutcome::Rejected);
    store.end_attempt(&fence, refused, &end).await?;
    assert_eq!(balance_of(&driver, fence.execution).await?, amounts(0, 0, 0));

    let unsent = driver.attempt("a", "plan/a");
    assert_eq!(store.prepare(&fence, &unsent).await?, Preparation::Prepared(2));
    let end = driver.end(AttemptOutcome::Abandoned);
    store.end_attempt(&fence, unsent.id, &end).await?;
    driver.draw(&fence, &driver.attempt("a", "plan/a")).await?;
    assert_eq!(balance_of(&driver, fence.execution).await?, amounts(BILL, 0, 0));

    let record = driver.execution(fence.execution).await?;
    let attempts = &there(record.steps.first(), "the step")?.attempts;
    let states: Vec<AttemptState> = attempts.iter().map(|attempt| attempt.state).collect();
    assert_eq!(
        states,
        [
            AttemptState::Rejected,
            AttemptState::Abandoned,
            AttemptState::Committed
        ]
    );
    let refused = there(attempts.first(), "the attempt")?;
    assert!(refused.failure.is_some() && refused.ended_at.is_some());
    assert_eq!(
        (refused.cost_nanos, refused.provider_request_id.as_str()),
        (None, "req-9")
    );
    Ok(())
}

/// Nobody knows, so the ceiling stays held, the step parks and with it the execution.
pub async fn an_unknown_outcome_is_held(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let fence = driver.start("plan", &["a", "b"]).await?;
    let lost = driver.send(&fence, &driver.attempt("a", "plan/a")).await?;
    let end = driver.end(AttemptOutcome::Unknown);
    store.end_attempt(&fence, lost, &end).await?;
    store
        .end_step(&fence, &driver.end_of("a", StepState::NeedsDecision))
        .await?;
    assert_eq!(driver.settle(&fence).await?, ExecutionState::Processing);
    driver.draw(&fence, &driver.attempt("b", "plan/b")).await?;
    assert_eq!(driver.settle(&fence).await?, ExecutionState::NeedsDecision);
    assert_eq!(driver.settle(&fence).await?, ExecutionState::NeedsDecision);

    assert_eq!(
        balance_of(&driver, fence.execution).await?,
        amounts(BILL, 0, CEILING)
    );
    let claims = store.claim(driver.boot, super::driver::LEASE, 10, &[]).await?;
    assert_eq!(claims, [], "a parked execution has no work");
    let record = driver.execution(fence.execution).await?;
    assert_eq!((record.ended_at, record.failure), (None, None));
    let attempt = record.steps.first().and_then(|step| step.attempts.first());
    assert_eq!(there(attempt, "the attempt")?.ended_at, None);
    let story = driver.story(fence.execution).await?;
    assert!(
        story.contains(&"cost 0 reserved 0 held 50".to_owned()),
        "{story:?}"
    );
    assert_eq!(there(story.last(), "an event")?, "execution NEEDS_DECISION");
    Ok(())
}

/// Evidence turns up: what was held is reserved again, then settled once.
pub async fn an_unknown_outcome_that_turns_up_is_paid_once(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let fence = driver.start("plan", &["a"]).await?;
    let attempt = driver.attempt("a", "plan/a");
    driver.send(&fence, &attempt).await?;
    let end = driver.end(AttemptOutcome::Unknown);
    store.end_attempt(&fence, attempt.id, &end).await?;
    store
        .end_step(&fence, &driver.end_of("a", StepState::NeedsDecision))
        .await?;
    let receipt = driver.receipt(attempt.id);
    store.received(&fence, attempt.id, &receipt).await?;
    assert_eq!(
        balance_of(&driver, fence.execution).await?,
        amounts(0, CEILING, 0)
    );
    store.commit(&fence, &driver.commit(&fence, &attempt)).await?;
    assert_eq!(balance_of(&driver, fence.execution).await?, amounts(BILL, 0, 0));
    assert_eq!(driver.settle(&fence).await?, ExecutionState::Completed);
    let record = driver.execution(fence.execution).await?;
    let step = there(record.steps.first(), "the step")?;
    let kept = there(step.attempts.first(), "the attempt")?;
    assert_eq!((&step.failure, &kept.failure), (&None, &None));
    Ok(())
}

/// Evidence says no: nothing was billed and nothing stays held.
pub async fn an_unknown_outcome_that_was_refused_is_released(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let fence = driver.start("plan", &["a"]).await?;
    let lost = driver.send(&fence, &driver.attempt("a", "plan/a")).await?;
    for outcome in [AttemptOutcome::Unknown, AttemptOutcome::Rejected] {
        store.end_attempt(&fence, lost, &driver.end(outcome)).await?;
    }
    assert_eq!(balance_of(&driver, fence.execution).await?, amounts(0, 0, 0));
    driver.draw(&fence, &driver.attempt("a", "plan/a")).await?;
    assert_eq!(balance_of(&driver, fence.execution).await?, amounts(BILL, 0, 0));
    Ok(())
}

/// Whoever was to send it says that it did not: nothing was billed.
pub async fn an_unknown_outcome_that_was_never_sent_is_released(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let fence = driver.start("plan", &["a"]).await?;
    let lost = driver.send(&fence, &driver.attempt("a", "plan/a")).await?;
    for outcome in [AttemptOutcome::Unknown, AttemptOutcome::Abandoned] {
        store.end_attempt(&fence, lost, &driver.end(outcome)).await?;
    }
    assert_eq!(balance_of(&driver, fence.execution).await?, amounts(0, 0, 0));
    driver.draw(&fence, &driver.attempt("a", "plan/a")).await?;
    assert_eq!(balance_of(&driver, fence.execution).await?, amounts(BILL, 0, 0));
    Ok(())
}

/// Given up is counted as billed at the ceiling, and the audit log says that the plan wanted it so, once. The unit is
/// free for another attempt.
pub async fn an_unknown_outcome_that_is_written_off_is_paid_and_audited(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let fence = driver.start("plan", &["a"]).await?;
    let lost = driver.send(&fence, &driver.attempt("a", "plan/a")).await?;
    let unknown = driver.end(AttemptOutcome::Unknown);
    store.end_attempt(&fence, lost, &unknown).await?;
    let record = driver.execution(fence.execution).await?;
    let attempt = record.steps.first().and_then(|step| step.attempts.first());
    let unknown_at = there(attempt, "the attempt")?.unknown_at;
    assert!(unknown_at >= Some(unknown.now), "by the clock of the database");

    let written_off = driver.end(AttemptOutcome::WrittenOff {
        follow_up: FollowUp::Retry,
    });
    for _ in 0..2 {
        store.end_attempt(&fence, lost, &written_off).await?;
    }
    assert_eq!(
        balance_of(&driver, fence.execution).await?,
        amounts(CEILING, 0, 0)
    );
    let record = driver.execution(fence.execution).await?;
    let attempt = record.steps.first().and_then(|step| step.attempts.first());
    let attempt = there(attempt, "the attempt")?;
    assert_eq!(attempt.state, AttemptState::WrittenOff);
    assert_eq!(
        (attempt.cost_nanos, attempt.cost_source),
        (Some(CEILING), Some(CostSource::Estimated))
    );
    assert_eq!(attempt.ended_at, Some(written_off.now));
    let decided = there(attempt.decision.as_ref(), "the decision")?;
    assert_eq!(
        (decided.decision, decided.follow_up, decided.actor.as_str()),
        (Decision::WrittenOff, Some(FollowUp::Retry), "policy")
    );

    let page = Page {
        limit: 10,
        after: None,
    };
    let entries = store.audit_events("acme", &AuditFilter::default(), &page).await?;
    let [entry] = entries.as_slice() else {
        return Err(RecordError::Damaged(format!("one entry, not {entries:?}")));
    };
    assert_eq!(entry.action, AuditAction::AttemptWrittenOff);
    assert_eq!(entry.actor, "policy");
    assert_eq!(entry.details.get("attemptId"), Some(&lost.to_string()));
    driver.draw(&fence, &driver.attempt("a", "plan/a")).await?;
    assert_eq!(
        balance_of(&driver, fence.execution).await?,
        amounts(CEILING + BILL, 0, 0)
    );
    Ok(())
}

/// The provider knows the work after all: what was held is reserved again until it is done.
pub async fn an_unknown_outcome_that_turns_out_accepted_is_reserved_again(
    subject: Subject<'_>,
) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let fence = driver.start("plan", &["a"]).await?;
    let attempt = driver.attempt("a", "plan/a");
    let lost = driver.send(&fence, &attempt).await?;
    let unknown = driver.end(AttemptOutcome::Unknown);
    store.end_attempt(&fence, lost, &unknown).await?;
    store.accepted(&fence, lost, "job-7", driver.now()).await?;
    assert_eq!(
        balance_of(&driver, fence.execution).await?,
        amounts(0, CEILING, 0)
    );
    store.received(&fence, lost, &driver.receipt(lost)).await?;
    store.commit(&fence, &driver.commit(&fence, &attempt)).await?;
    assert_eq!(balance_of(&driver, fence.execution).await?, amounts(BILL, 0, 0));
    Ok(())
}

/// The refusal is proven, its price is not: held, while the unit is free for another attempt.
pub async fn a_refusal_with_an_unknown_bill_is_held(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let fence = driver.start("plan", &["a"]).await?;
    let refused = driver.send(&fence, &driver.attempt("a", "plan/a")).await?;
    let end = driver.end(AttemptOutcome::RejectedBillUnknown);
    store.end_attempt(&fence, refused, &end).await?;
    assert_eq!(
        balance_of(&driver, fence.execution).await?,
        amounts(0, 0, CEILING)
    );
    let denied = driver.end(AttemptOutcome::Rejected);
    let denied = store.end_attempt(&fence, refused, &denied).await;
    assert!(denied.is_err(), "one refusal does not pass for the other");
    driver.draw(&fence, &driver.attempt("a", "plan/a")).await?;
    assert_eq!(driver.settle(&fence).await?, ExecutionState::Completed);
    assert_eq!(
        balance_of(&driver, fence.execution).await?,
        amounts(BILL, 0, CEILING)
    );
    Ok(())
}

/// Paid without a picture is still paid.
pub async fn a_bill_without_an_image_is_settled(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let fence = driver.start("plan", &["a"]).await?;
    let blank = driver.receive(&fence, &driver.attempt("a", "plan/a")).await?;
    let outcome = AttemptOutcome::FailedPaid {
        cost_nanos: BILL,
        source: CostSource::Reported,
    };
    store.end_attempt(&fence, blank, &driver.end(outcome)).await?;
    driver.draw(&fence, &driver.attempt("a", "plan/a")).await?;
    assert_eq!(
        balance_of(&driver, fence.execution).await?,
        amounts(2 * BILL, 0, 0)
    );
    let record = driver.execution(fence.execution).await?;
    let lines: Vec<_> = record
        .cost
        .lines
        .iter()
        .map(|line| (line.attempt_number, line.source))
        .collect();
    assert_eq!(
        lines,
        [(1, Some(CostSource::Reported)), (2, Some(CostSource::Estimated))]
    );
    Ok(())
}

/// The truth is booked, even when it is more than was thought possible.
pub async fn a_bill_may_be_above_its_ceiling(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let fence = driver.start("plan", &["a"]).await?;
    let attempt = driver.attempt("a", "plan/a");
    driver.receive(&fence, &attempt).await?;
    let commit = Commit {
        cost_nanos: CEILING + 7,
        ..driver.commit(&fence, &attempt)
    };
    store.commit(&fence, &commit).await?;
    assert_eq!(
        balance_of(&driver, fence.execution).await?,
        amounts(CEILING + 7, 0, 0)
    );
    Ok(())
}

/// Settled, reserved and held all count; the limit itself may be reached, not passed.
pub async fn the_cost_limit_counts_what_is_reserved_and_held(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let fence = driver.start("plan", &["a", "b", "c", "d"]).await?;
    driver.draw(&fence, &driver.attempt("a", "plan/a")).await?;
    let lost = driver.send(&fence, &driver.attempt("b", "plan/b")).await?;
    let end = driver.end(AttemptOutcome::Unknown);
    store.end_attempt(&fence, lost, &end).await?;
    driver.send(&fence, &driver.attempt("c", "plan/c")).await?;

    let committed_nanos = BILL + CEILING + CEILING;
    let too_much = NewAttempt {
        max_cost_nanos: Some(committed_nanos + CEILING - 1),
        ..driver.attempt("d", "plan/d")
    };
    let before = driver.picture().await?;
    assert_eq!(
        store.prepare(&fence, &too_much).await?,
        Preparation::CostLimit { committed_nanos }
    );
    assert_eq!(driver.picture().await?, before);
    let fits = NewAttempt {
        max_cost_nanos: Some(committed_nanos + CEILING),
        ..too_much
    };
    assert_eq!(store.prepare(&fence, &fits).await?, Preparation::Prepared(1));
    assert_eq!(
        balance_of(&driver, fence.execution).await?,
        amounts(BILL, 2 * CEILING, CEILING)
    );
    Ok(())
}

/// Free is a price: it is listed, and only the new line is news.
pub async fn a_free_call_has_a_line_and_no_amounts(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let fence = driver.start("plan", &["a"]).await?;
    let attempt = NewAttempt {
        ceiling_nanos: 0,
        max_cost_nanos: Some(0),
        ..driver.attempt("a", "plan/a")
    };
    driver.receive(&fence, &attempt).await?;
    let commit = Commit {
        cost_nanos: 0,
        ..driver.commit(&fence, &attempt)
    };
    store.commit(&fence, &commit).await?;
    let costs: Vec<String> = driver
        .story(fence.execution)
        .await?
        .into_iter()
        .filter(|event| event.starts_with("cost"))
        .collect();
    assert_eq!(costs, ["cost 0 reserved 0 held 0 final"]);
    assert_eq!(driver.execution(fence.execution).await?.cost.lines.len(), 1);
    driver.audit().await
}

/// Sums that do not fit are refused, and so are amounts below zero.
pub async fn amounts_never_wrap(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let fence = driver.start("plan", &["a", "b", "c"]).await?;
    let greatest = NewAttempt {
        ceiling_nanos: i64::MAX,
        ..driver.attempt("a", "plan/a")
    };
    driver.prepare(&fence, &greatest).await?;
    let before = driver.picture().await?;
    let one_more = NewAttempt {
        ceiling_nanos: 1,
        ..driver.attempt("b", "plan/b")
    };
    assert!(store.prepare(&fence, &one_more).await.is_err());
    let negative = NewAttempt {
        ceiling_nanos: -1,
        ..driver.attempt("c", "plan/c")
    };
    assert!(store.prepare(&fence, &negative).await.is_err());
    assert_eq!(driver.picture().await?, before);
    driver.audit().await
}
