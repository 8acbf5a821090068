//! Decisions that meet each other, or an answer that comes late; and those about what the policy of a plan or a
//! supervisor leaves behind.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use limn_executor::{
    failure::Failure,
    ids::{AttemptId, ExecutionId},
    records::*,
};
use limn_proto::{
    digest::{digest_of, sha256_hex},
    reason::Reason,
};
use tokio::sync::Barrier;
use uuid::Uuid;

use crate::support::{Database, LEASE, NOW, attempt, boot, on_both, order, step};

/// How often a race is run.
const ROUNDS: u128 = 12;
/// The ceiling of an attempt.
const CEILING: i64 = 7;

on_both! {
    rival_decisions_are_one_decision,
    a_decision_and_a_late_answer_are_one_outcome,
    executions_that_wait_for_each_other_are_decided_at_once,
    what_was_parked_with_work_to_do_runs_again,
}

fn resolution(
    execution: ExecutionId,
    attempt: AttemptId,
    verdict: Verdict,
    follow_up: FollowUp,
) -> Resolution {
    Resolution {
        client: "acme".to_owned(),
        execution,
        attempt,
        verdict,
        follow_up: Some(follow_up),
        actor: "ada".to_owned(),
        reason: "asked the provider".to_owned(),
        audit_id: Uuid::new_v4(),
        now: NOW,
    }
}

fn failure() -> Failure {
    Failure::new(Reason::OutcomeUnknown, "the line went dead")
}

/// An execution whose step `a` has lost its call for the picture `unit`, and is parked for it. It is still owned.
async fn lose(records: &dyn RecordStore, order: &NewExecution, unit: &[u8], id: u128) -> (Fence, AttemptId) {
    records.accept(order).await.unwrap();
    let claims = records.claim(boot(1), LEASE, 1, &[]).await.unwrap();
    let fence = claims[0].fence;
    let new = attempt("a", unit, id);
    records.start_execution(&fence, NOW).await.unwrap();
    records.start_step(&fence, "a", NOW).await.unwrap();
    records
        .acquire_unit(&fence, "a", &[digest_of(unit)], 0)
        .await
        .unwrap();
    records.prepare(&fence, &new).await.unwrap();
    let send_margin = Duration::from_secs(1);
    records.dispatch(&fence, new.id, send_margin, NOW).await.unwrap();
    let end = AttemptEnd {
        outcome: AttemptOutcome::Unknown,
        failure: failure(),
        provider_request_id: String::new(),
        usage: BTreeMap::new(),
        now: NOW,
    };
    records.end_attempt(&fence, new.id, &end).await.unwrap();
    park(records, &fence, "a").await;
    (fence, new.id)
}

async fn park(records: &dyn RecordStore, fence: &Fence, step_id: &str) {
    let parked = StepEnd {
        step_id: step_id.to_owned(),
        state: StepState::NeedsDecision,
        failure: failure(),
        now: NOW,
    };
    records.end_step(fence, &parked).await.unwrap();
}

/// The balance of the one budget that there is, zero when nothing is in it, which must be that of the ledger.
async fn balance(records: &dyn RecordStore) -> Balance {
    let balances = records.balances().await.unwrap();
    assert_eq!(balances, records.ledger_sums().await.unwrap());
    assert!(balances.len() <= 1, "{balances:?}");
    balances.into_values().next().unwrap_or_default()
}

async fn audit_log(records: &dyn RecordStore) -> Vec<AuditEvent> {
    let page = Page {
        limit: 1000,
        after: None,
    };
    let filter = AuditFilter::default();
    records.audit_events("acme", &filter, &page).await.unwrap()
}

async fn rival_decisions_are_one_decision(database: Database) {
    let stored = database.open().await;
    let rival = database.open().await;
    let mut spent_nanos = 0;
    for number in 1..=ROUNDS {
        let (fence, lost) = lose(stored.as_ref(), &order(number), &number.to_be_bytes(), number).await;
        let failure = failure();
        stored
            .settle_execution(&fence, &failure, None, NOW)
            .await
            .unwrap();
        let decisions = [
            (Verdict::NotCharged, FollowUp::Retry),
            (Verdict::Charged { cost_nanos: None }, FollowUp::Fail),
            (Verdict::NotCharged, FollowUp::Fail),
            (Verdict::Charged { cost_nanos: Some(3) }, FollowUp::Fail),
        ];
        let start = Arc::new(Barrier::new(decisions.len()));
        let tasks = decisions
            .into_iter()
            .enumerate()
            .map(|(task, (verdict, follow_up))| {
                let records = Arc::clone(if task % 2 == 0 { &stored } else { &rival });
                let start = Arc::clone(&start);
                let resolution = resolution(fence.execution, lost, verdict, follow_up);
                tokio::spawn(async move {
                    start.wait().await;
                    (verdict, records.resolve_attempt(&resolution).await.unwrap())
                })
            });
        let mut done = Vec::new();
        for task in tasks.collect::<Vec<_>>() {
            match task.await.unwrap() {
                (verdict, Resolved::Done(_)) => done.push(verdict),
                (_, Resolved::NotUnknown { .. }) => {}
                (_, other) => unreachable!("{other:?}"),
            }
        }
        assert_eq!(done.len(), 1, "one decides: {done:?}");
        spent_nanos += match done[0] {
            Verdict::NotCharged => 0,
            Verdict::Charged { cost_nanos } => cost_nanos.unwrap_or(CEILING),
        };
        let expected = Balance {
            spent_nanos,
            ..Balance::default()
        };
        assert_eq!(balance(rival.as_ref()).await, expected);
        // What goes on, goes on under the next claim, and is not in the way of the next round.
        let fence = rival.claim(boot(2), LEASE, 1, &[]).await.unwrap()[0].fence;
        let left = rival.open_execution(&fence).await.unwrap();
        if left.steps[0].state == StepState::Pending {
            let end = StepEnd {
                step_id: "a".to_owned(),
                state: StepState::Failed,
                failure: failure.clone(),
                now: NOW,
            };
            rival.end_step(&fence, &end).await.unwrap();
        }
        let end = rival.settle_execution(&fence, &failure, None, NOW).await.unwrap();
        assert_eq!(end, ExecutionState::Failed);
    }
    let decided = usize::try_from(ROUNDS).unwrap();
    assert_eq!(
        audit_log(stored.as_ref()).await.len(),
        decided,
        "one entry for each decision"
    );
}

async fn a_decision_and_a_late_answer_are_one_outcome(database: Database) {
    let stored = database.open().await;
    let rival = database.open().await;
    let mut expected = Balance::default();
    for number in 1..=ROUNDS {
        let (fence, lost) = lose(stored.as_ref(), &order(number), &number.to_be_bytes(), number).await;
        let receipt = Receipt {
            attempt: lost,
            kind: ReceiptKind::Answer,
            staging_key: format!("staging/{lost}"),
            body_sha256: sha256_hex(b"answer"),
            size_bytes: 6,
            media_type: "image/png".to_owned(),
            request_id: String::new(),
            headers: BTreeMap::new(),
            at: NOW,
        };
        let start = Arc::new(Barrier::new(2));
        let owner = tokio::spawn({
            let (records, start) = (Arc::clone(&stored), Arc::clone(&start));
            async move {
                start.wait().await;
                records.received(&fence, lost, &receipt).await
            }
        });
        let decided = resolution(fence.execution, lost, Verdict::NotCharged, FollowUp::Retry);
        start.wait().await;
        let decided = rival.resolve_attempt(&decided).await.unwrap();
        match (owner.await.unwrap(), decided) {
            (Ok(()), Resolved::NotUnknown { state }) => {
                assert_eq!(state, AttemptState::Received);
                expected.reserved_nanos += CEILING;
            }
            (Err(RecordError::WrongState { .. }), Resolved::Done(record)) => {
                assert_eq!(record.steps[0].state, StepState::Pending);
            }
            (owner, decided) => unreachable!("{owner:?} and {decided:?}"),
        }
        assert_eq!(balance(rival.as_ref()).await, expected);
    }
}

async fn executions_that_wait_for_each_other_are_decided_at_once(database: Database) {
    let stored = database.open().await;
    let rival = database.open().await;
    for round in 0..ROUNDS {
        let numbers = [2 * round + 1, 2 * round + 2];
        let unit = |number: u128| number.to_be_bytes();
        let mut parked = Vec::new();
        for number in numbers {
            let two_steps = NewExecution {
                steps: vec![step("a", b"unit-a"), step("b", b"unit-b")],
                max_concurrency: 2,
                ..order(number)
            };
            parked.push(lose(stored.as_ref(), &two_steps, &unit(number), number).await);
        }
        for ((fence, _), number) in parked.iter().zip(numbers.iter().rev()) {
            stored.start_step(fence, "b", NOW).await.unwrap();
            let others = [digest_of(&unit(*number))];
            let grant = stored.acquire_unit(fence, "b", &others, 0).await.unwrap();
            assert!(
                matches!(
                    grant,
                    UnitGrant::Busy {
                        hold: Hold::Unknown,
                        ..
                    }
                ),
                "{grant:?}"
            );
            park(stored.as_ref(), fence, "b").await;
            stored
                .settle_execution(fence, &failure(), None, NOW)
                .await
                .unwrap();
        }
        let start = Arc::new(Barrier::new(2));
        let tasks = parked
            .iter()
            .zip([&stored, &rival])
            .map(|((fence, lost), records)| {
                let (records, start) = (Arc::clone(records), Arc::clone(&start));
                let resolution = resolution(fence.execution, *lost, Verdict::NotCharged, FollowUp::Retry);
                tokio::spawn(async move {
                    start.wait().await;
                    records.resolve_attempt(&resolution).await.unwrap()
                })
            });
        for task in tasks.collect::<Vec<_>>() {
            let Resolved::Done(record) = task.await.unwrap() else {
                unreachable!("nobody else decided");
            };
            let pending = record.steps.iter().all(|step| step.state == StepState::Pending);
            assert!(
                pending && record.state == ExecutionState::Processing,
                "{record:?}"
            );
        }
        let claims = stored.claim(boot(3), LEASE, 10, &[]).await.unwrap();
        assert_eq!(claims.len(), 2);
    }
    assert_eq!(balance(stored.as_ref()).await, Balance::default());
}

async fn what_was_parked_with_work_to_do_runs_again(database: Database) {
    let records = database.open().await;
    for (number, has_started) in [(1, false), (2, true)] {
        records.accept(&order(number)).await.unwrap();
        let fence = records.claim(boot(1), LEASE, 1, &[]).await.unwrap()[0].fence;
        if has_started {
            records.start_execution(&fence, NOW).await.unwrap();
            records.start_step(&fence, "a", NOW).await.unwrap();
        }
        records.release(&fence).await.unwrap();
        let id = fence.execution;
        let parked = format!(
            "UPDATE executions SET state = 'needs_decision', crash_count = 6, owner_boot_id = NULL, \
             lease_until_us = NULL, wake_us = NULL WHERE id = '{id}'"
        );
        database.execute(&parked).await;
        let unparking = Unparking {
            client: "acme".to_owned(),
            execution: id,
            actor: "ada".to_owned(),
            reason: "the disk is mended".to_owned(),
            audit_id: Uuid::new_v4(),
            now: NOW,
        };
        let Unparked::Done(record) = records.unpark(&unparking).await.unwrap() else {
            unreachable!("it was parked with a step to draw");
        };
        let state = if has_started {
            ExecutionState::Processing
        } else {
            ExecutionState::Pending
        };
        assert_eq!((record.state, record.crash_count), (state, 0));
        assert_eq!(records.unpark(&unparking).await.unwrap(), Unparked::NotParked);
        let log = audit_log(records.as_ref()).await;
        let entry = log.iter().find(|entry| entry.id == unparking.audit_id).unwrap();
        assert_eq!(entry.action, AuditAction::ExecutionUnparked);
        assert_eq!(
            (
                entry.actor.as_str(),
                entry.reason.as_str(),
                entry.details["crashCount"].as_str()
            ),
            ("ada", "the disk is mended", "6")
        );
        let claims = records.claim(boot(2), LEASE, 1, &[]).await.unwrap();
        assert_eq!((claims[0].fence.execution, claims[0].crash_count), (id, 0));
    }
}
