//! Decisions about attempts whose outcome or bill is unknown: what each does to money, unit, step and execution.

use limn_proto::reason::Reason;

use super::{
    audit::balance,
    driver::{BILL, CEILING, Driver, LEASE, Subject, there},
    transitions::{Verb, WAYS, reach},
};
use crate::{
    ids::{AttemptId, ExecutionId},
    records::*,
};

const VERDICTS: [Verdict; 3] = [
    Verdict::NotCharged,
    Verdict::Charged { cost_nanos: None },
    Verdict::Charged {
        cost_nanos: Some(BILL),
    },
];

const FOLLOW_UPS: [Option<FollowUp>; 3] = [None, Some(FollowUp::Retry), Some(FollowUp::Fail)];

pub(super) fn amounts(spent_nanos: i64, reserved_nanos: i64, unknown_held_nanos: i64) -> Balance {
    Balance {
        spent_nanos,
        reserved_nanos,
        unknown_held_nanos,
    }
}

/// What a verdict about one lost call settles.
pub(super) fn bill(verdict: Verdict) -> i64 {
    match verdict {
        Verdict::NotCharged => 0,
        Verdict::Charged { cost_nanos } => cost_nanos.unwrap_or(CEILING),
    }
}

pub(super) async fn balance_of(driver: &Driver<'_>, execution: ExecutionId) -> Result<Balance> {
    driver.audit().await?;
    Ok(balance(&driver.execution(execution).await?.cost))
}

/// Everything that a decision could change, the audit log included.
pub(super) async fn whole_picture(driver: &Driver<'_>) -> Result<String> {
    Ok(format!(
        "{}\n{:?}",
        driver.picture().await?,
        driver.audit_log().await?
    ))
}

/// The step and its last attempt.
pub(super) fn last(record: &ExecutionRecord, step: usize) -> Result<(&StepRecord, &AttemptRecord)> {
    let step = there(record.steps.get(step), "the step")?;
    Ok((step, there(step.attempts.last(), "an attempt")?))
}

/// An execution whose only step lost its call, parked.
pub(super) async fn parked(driver: &Driver<'_>, plan: &str) -> Result<(Fence, AttemptId)> {
    let fence = driver.start(plan, &["a"]).await?;
    let lost = driver
        .lose(&fence, &driver.attempt("a", &format!("{plan}/a")))
        .await?;
    assert_eq!(driver.settle(&fence).await?, ExecutionState::NeedsDecision);
    Ok((fence, lost))
}

/// From every state of an attempt, with every verdict and every follow-up: what is known stays as it is, what is
/// unknown is decided once, and the same decision again is no other one.
pub async fn only_open_questions_are_decided(subject: Subject<'_>) -> Result<()> {
    let driver = Driver::new(subject);
    let store = subject.store;
    let with_bill: &[Verb] = &[Verb::Dispatch, Verb::RejectBillUnknown];
    // What a policy gave up may still turn out not to be billed; that has a story of its own.
    let ways = WAYS.iter().map(|(state, way)| (*state, *way));
    let ways = ways.filter(|(state, _)| *state != AttemptState::WrittenOff);
    for (state, way) in ways.chain([(AttemptState::Rejected, with_bill)]) {
        for verdict in VERDICTS {
            for follow_up in FOLLOW_UPS {
                let case = format!("{} {way:?} {verdict:?} {follow_up:?}", state.as_str());
                let (fence, attempt) = reach(&driver, &case, way).await?;
                let decide =
                    |verdict, follow_up| driver.resolution(fence.execution, attempt.id, verdict, follow_up);
                let before = whole_picture(&driver).await?;
                let answer = store.resolve_attempt(&decide(verdict, follow_up)).await?;
                let is_open = state == AttemptState::Unknown || way == with_bill;
                if !is_open {
                    assert_eq!(answer, Resolved::NotUnknown { state }, "{case}");
                    assert_eq!(whole_picture(&driver).await?, before, "{case}");
                    continue;
                }
                if state == AttemptState::Unknown && follow_up.is_none() {
                    assert_eq!(answer, Resolved::FollowUpNeeded, "{case}");
                    assert_eq!(whole_picture(&driver).await?, before, "{case}");
                    continue;
                }
                let decided = driver.execution(fence.execution).await?;
                assert_eq!(answer, Resolved::Done(Box::new(decided.clone())), "{case}");
                assert_eq!(balance(&decided.cost), amounts(bill(verdict), 0, 0), "{case}");
                let (step, kept) = last(&decided, 0)?;
                let decision = there(kept.decision.as_ref(), "the decision")?;
                assert_eq!(decision.decision, verdict.decision(), "{case}");
                assert_eq!(
                    (decision.actor.as_str(), decision.reason.as_str()),
                    ("ada", "asked the provider")
                );
                assert!(kept.ended_at.is_some(), "{case}");
                if state == AttemptState::Unknown {
                    let stepped = match follow_up {
                        Some(FollowUp::Retry) => StepState::Pending,
                        _ => StepState::Failed,
                    };
                    assert_eq!((decision.follow_up, step.state), (follow_up, stepped), "{case}");
                } else {
                    assert_eq!(
                        (decision.follow_up, step.state),
                        (None, StepState::Processing),
                        "{case}"
                    );
                }

                let after = whole_picture(&driver).await?;
                let again = store.resolve_attempt(&decide(verdict, follow_up)).await?;
                assert!(matches!(again, Resolved::Done(_)), "{case} again: {again:?}");
                let other_verdicts = VERDICTS.into_iter().filter(|other| *other != verdict);
                let mut others: Vec<_> = other_verdicts.map(|other| (other, follow_up)).collect();
                if state == AttemptState::Unknown {
                    let other = FOLLOW_UPS
                        .into_iter()
                        .flatten()
                        .find(|other| Some(*other) != follow_up);
                    others.push((verdict, other));
                }
                for (verdict, follow_up) in others {
                    let other = store.resolve_attempt(&decide(verdict, follow_up)).await?;
                    assert_eq!(
                        other,
                        Resolved::NotUnknown { state: kept.state },
                        "{case}, then {verdict:?}"
                    );
                }
                assert_eq!(whole_picture(&driver).await?, after, "{case}");
            }
        }
    }
    driver.audit().await
}

/// The whole way: held, decided, drawn again under a new attempt, complete; and told exactly once.
pub async fn a_lost_call_that_was_not_billed_is_drawn_again(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let (parked, lost) = parked(&driver, "plan").await?;
    assert_eq!(
        balance_of(&driver, parked.execution).await?,
        amounts(0, 0, CEILING)
    );
    let told = driver.story(parked.execution).await?.len();

    let record = driver
        .resolve(parked.execution, lost, Verdict::NotCharged, Some(FollowUp::Retry))
        .await?;
    let (step, attempt) = last(&record, 0)?;
    assert_eq!(
        (
            record.state,
            step.state,
            &step.failure,
            attempt.state,
            attempt.held_nanos
        ),
        (
            ExecutionState::Processing,
            StepState::Pending,
            &None,
            AttemptState::Rejected,
            0
        )
    );
    assert_eq!(balance_of(&driver, parked.execution).await?, amounts(0, 0, 0));
    assert_eq!(
        driver.story(parked.execution).await?.split_off(told),
        [
            "attempt a#1 REJECTED",
            "cost 0 reserved 0 held 0 final",
            "step a PENDING",
            "execution PROCESSING",
        ]
    );
    let log = driver.audit_log().await?;
    let entry = there(log.first(), "an audit event")?;
    assert_eq!(
        (
            log.len(),
            entry.action,
            entry.actor.as_str(),
            entry.reason.as_str()
        ),
        (1, AuditAction::AttemptResolved, "ada", "asked the provider")
    );
    assert_eq!(
        entry.subject,
        format!("clients/acme/executions/{}", parked.execution)
    );
    let facts = [
        ("attemptId", lost.to_string()),
        ("stepId", "a".to_owned()),
        ("resolution", "not_charged".to_owned()),
        ("followUp", "retry".to_owned()),
    ];
    for (name, value) in facts {
        assert_eq!(entry.details.get(name), Some(&value), "{name}");
    }

    let fence = driver.claim(parked.execution).await?;
    driver.start_step(&fence, "a", "plan/a").await?;
    driver.draw(&fence, &driver.attempt("a", "plan/a")).await?;
    assert_eq!(driver.settle(&fence).await?, ExecutionState::Completed);
    assert_eq!(balance_of(&driver, parked.execution).await?, amounts(BILL, 0, 0));
    let record = driver.execution(parked.execution).await?;
    assert_eq!(last(&record, 0)?.1.number, 2);
    assert_eq!(store.claim(driver.boot, LEASE, 10, &[]).await?, []);
    Ok(())
}

/// Billed and lost: the step fails, what was billed is a line, and the engine ends the execution.
pub async fn a_lost_call_that_was_billed_is_settled(subject: Subject<'_>) -> Result<()> {
    let driver = Driver::new(subject);
    for (plan, cost_nanos, source) in [
        ("ceiling", None, CostSource::Estimated),
        ("known", Some(BILL), CostSource::Decided),
        ("above", Some(CEILING + 7), CostSource::Decided),
    ] {
        let (parked, lost) = parked(&driver, plan).await?;
        let verdict = Verdict::Charged { cost_nanos };
        let record = driver
            .resolve(parked.execution, lost, verdict, Some(FollowUp::Fail))
            .await?;
        let (step, attempt) = last(&record, 0)?;
        assert_eq!(
            (record.state, step.state, attempt.state),
            (
                ExecutionState::Processing,
                StepState::Failed,
                AttemptState::WrittenOff
            )
        );
        let failure = there(step.failure.as_ref(), "the failure")?;
        assert_eq!(
            (failure.reason, failure.retryable),
            (Reason::OutcomeUnknown, false)
        );
        let line = there(record.cost.lines.first(), "a line")?;
        assert_eq!(
            (line.amount_nanos, line.source, line.attempt_number),
            (bill(verdict), Some(source), 1)
        );
        assert_eq!(
            balance_of(&driver, parked.execution).await?,
            amounts(bill(verdict), 0, 0)
        );

        let fence = driver.claim(parked.execution).await?;
        assert_eq!(driver.settle(&fence).await?, ExecutionState::Failed);
        // The unit is free: another order of the same picture draws it.
        let next = driver
            .begin(&driver.order(&format!("{plan} again"), &["a"]))
            .await?;
        driver.start_step(&next, "a", &format!("{plan}/a")).await?;
    }
    driver.audit().await
}

/// A refusal is no question, its bill is: money moves, and nothing else.
pub async fn a_bill_of_a_refusal_is_decided(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    for verdict in VERDICTS {
        let plan = format!("{verdict:?}");
        let fence = driver.start(&plan, &["a", "b"]).await?;
        let refused = driver
            .send(&fence, &driver.attempt("a", &format!("{plan}/a")))
            .await?;
        let end = driver.end(AttemptOutcome::RejectedBillUnknown);
        store.end_attempt(&fence, refused, &end).await?;
        store
            .end_step(&fence, &driver.end_of("a", StepState::Failed))
            .await?;
        let told = driver.story(fence.execution).await?.len();
        let record = driver.resolve(fence.execution, refused, verdict, None).await?;
        let (step, attempt) = last(&record, 0)?;
        assert_eq!(
            (step.state, attempt.state),
            (StepState::Failed, AttemptState::Rejected)
        );
        assert_eq!(
            balance_of(&driver, fence.execution).await?,
            amounts(bill(verdict), 0, 0)
        );
        let news = driver.story(fence.execution).await?.split_off(told);
        assert_eq!(news.len(), 2, "{news:?}");
        driver
            .draw(&fence, &driver.attempt("b", &format!("{plan}/b")))
            .await?;
        assert_eq!(driver.settle(&fence).await?, ExecutionState::Failed);
        assert_eq!(
            balance_of(&driver, fence.execution).await?,
            amounts(bill(verdict) + BILL, 0, 0)
        );
    }
    Ok(())
}

/// An execution that ended stays as it is; its money is put right, and its unit is free.
pub async fn after_the_end_only_money_and_units_move(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    for verdict in VERDICTS {
        let plan = format!("{verdict:?}");
        let fence = driver.start(&plan, &["a", "b"]).await?;
        let unit = |step: &str| format!("{plan}/{step}");
        let lost = driver.lose(&fence, &driver.attempt("a", &unit("a"))).await?;
        let refused = driver.send(&fence, &driver.attempt("b", &unit("b"))).await?;
        let end = driver.end(AttemptOutcome::RejectedBillUnknown);
        store.end_attempt(&fence, refused, &end).await?;
        store
            .end_step(&fence, &driver.end_of("b", StepState::Failed))
            .await?;
        store
            .request_cancel(driver.client, fence.execution, driver.now())
            .await?;
        assert_eq!(driver.settle(&fence).await?, ExecutionState::Cancelled);
        let ended = driver.execution(fence.execution).await?;
        let log = driver.audit_log().await?.len();

        driver
            .resolve(fence.execution, lost, verdict, Some(FollowUp::Retry))
            .await?;
        let record = driver.resolve(fence.execution, refused, verdict, None).await?;
        assert_eq!(
            record.last_sequence, ended.last_sequence,
            "nothing is told after the end"
        );
        assert_eq!((record.state, record.ended_at), (ended.state, ended.ended_at));
        for (before, after) in ended.steps.iter().zip(&record.steps) {
            assert_eq!((before.state, &before.failure), (after.state, &after.failure));
        }
        assert_eq!(driver.audit_log().await?.len(), log + 2);
        let billed: Vec<(&str, i64)> = record
            .cost
            .lines
            .iter()
            .map(|line| (line.step_id.as_str(), line.amount_nanos))
            .collect();
        let expected: &[(&str, i64)] = match verdict {
            Verdict::NotCharged => &[],
            Verdict::Charged { .. } => &[("a", bill(verdict)), ("b", bill(verdict))],
        };
        assert_eq!(billed, expected);
        assert_eq!(
            balance_of(&driver, fence.execution).await?,
            amounts(2 * bill(verdict), 0, 0)
        );
        let next = driver
            .begin(&driver.order(&format!("{plan} again"), &["a"]))
            .await?;
        driver.start_step(&next, "a", &unit("a")).await?;
    }
    Ok(())
}

/// Other clients have no such execution, and executions no attempts of others.
pub async fn strangers_decide_nothing(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let (execution, lost) = parked(&driver, "plan").await?;
    let (other, _) = parked(&driver, "other").await?;
    let before = whole_picture(&driver).await?;
    let decide = |execution: ExecutionId, attempt: AttemptId| {
        driver.resolution(execution, attempt, Verdict::NotCharged, Some(FollowUp::Fail))
    };
    let stranger = Resolution {
        client: "other".to_owned(),
        ..decide(execution.execution, lost)
    };
    assert_eq!(
        store.resolve_attempt(&stranger).await?,
        Resolved::ExecutionNotFound
    );
    let nowhere = decide(driver.order("none", &["a"]).id, lost);
    assert_eq!(
        store.resolve_attempt(&nowhere).await?,
        Resolved::ExecutionNotFound
    );
    let elsewhere = decide(other.execution, lost);
    assert_eq!(
        store.resolve_attempt(&elsewhere).await?,
        Resolved::AttemptNotFound
    );
    let unknown = decide(execution.execution, driver.attempt("a", "plan/a").id);
    assert_eq!(store.resolve_attempt(&unknown).await?, Resolved::AttemptNotFound);
    assert_eq!(whole_picture(&driver).await?, before);
    driver.audit().await
}
