//! Two stores on one database are connections that know nothing of each other: what they do at the same time, and in
//! between each other's steps.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use limn_executor::{failure::Failure, ids::ExecutionId, records::*};
use limn_proto::reason::Reason;
use uuid::Uuid;

use crate::support::{Database, LEASE, NOW, attempt, boot, on_both, order, step};

on_both! {
    rival_looks_at_a_parked_execution_are_one,
    rival_salvages_book_an_answer_once,
    outcomes_that_become_known_at_once_do_not_wait_for_each_other,
    rival_claims_never_take_the_same_execution,
    rival_orders_begin_one_execution,
    rival_attempts_never_pass_the_cost_limit,
    what_happens_between_claim_and_write_is_seen,
    rival_prunings_remove_each_execution_once,
}

async fn rival_claims_never_take_the_same_execution(database: Database) {
    let stored = database.open().await;
    for number in 0..40 {
        stored.accept(&order(number)).await.unwrap();
    }
    let rival = database.open().await;
    let mut tasks = Vec::new();
    for task in 0..8_u128 {
        let records = Arc::clone(if task % 2 == 0 { &stored } else { &rival });
        tasks.push(tokio::spawn(async move {
            let mut claimed = Vec::new();
            loop {
                let claims = records.claim(boot(task), LEASE, 3, &[]).await.unwrap();
                if claims.is_empty() {
                    return claimed;
                }
                claimed.extend(claims.iter().map(|claim| claim.fence.execution));
            }
        }));
    }
    let mut claimed = Vec::new();
    for task in tasks {
        claimed.extend(task.await.unwrap());
    }
    claimed.sort();
    let accepted: Vec<ExecutionId> = (0..40).map(|number| order(number).id).collect();
    assert_eq!(claimed, accepted, "each exactly once");
}

async fn rival_orders_begin_one_execution(database: Database) {
    let stored = database.open().await;
    let rival = database.open().await;
    let mut tasks = Vec::new();
    for task in 0..12_u128 {
        let records = Arc::clone(if task % 2 == 0 { &stored } else { &rival });
        let order = NewExecution {
            id: ExecutionId(Uuid::from_u128(100 + task)),
            request_id: format!("request-{task}"),
            ..order(1)
        };
        tasks.push(tokio::spawn(async move { records.accept(&order).await.unwrap() }));
    }
    let (mut begun, mut joined) = (Vec::new(), Vec::new());
    for task in tasks {
        match task.await.unwrap() {
            Acceptance::New(id) => begun.push(id),
            Acceptance::Joined(id) => joined.push(id),
            other => unreachable!("{other:?}"),
        }
    }
    assert_eq!((begun.len(), joined.len()), (1, 11));
    assert!(joined.iter().all(|id| *id == begun[0]));
}

async fn rival_attempts_never_pass_the_cost_limit(database: Database) {
    let stored = database.open().await;
    let rival = database.open().await;
    let steps: Vec<String> = (0..20).map(|step| format!("step-{step}")).collect();
    let wide = NewExecution {
        steps: steps.iter().map(|name| step(name, name.as_bytes())).collect(),
        ..order(1)
    };
    stored.accept(&wide).await.unwrap();
    let fence = stored.claim(boot(1), LEASE, 1, &[]).await.unwrap()[0].fence;
    let mut tasks = Vec::new();
    for (number, step) in steps.into_iter().enumerate() {
        let records = Arc::clone(if number % 2 == 0 { &stored } else { &rival });
        tasks.push(tokio::spawn(async move {
            let new = attempt(&step, step.as_bytes(), 1000 + number as u128);
            let units = [new.render_digest.clone()];
            records.start_step(&fence, &step, NOW).await.unwrap();
            records.acquire_unit(&fence, &step, &units, 0).await.unwrap();
            records.prepare(&fence, &new).await.unwrap()
        }));
    }
    let mut prepared = 0;
    for task in tasks {
        match task.await.unwrap() {
            Preparation::Prepared(_) => prepared += 1,
            Preparation::CostLimit { committed_nanos } => assert_eq!(committed_nanos, 70),
            other => unreachable!("{other:?}"),
        }
    }
    assert_eq!(prepared, 10, "ten ceilings of 7 fit into 70");
    let balances = rival.balances().await.unwrap();
    assert_eq!(balances, stored.ledger_sums().await.unwrap());
    assert_eq!(balances.values().next().unwrap().reserved_nanos, 70);
    let record = rival.open_execution(&fence).await.unwrap();
    let events = rival.events_after(record.id, 0, 1000).await.unwrap();
    let sequences: Vec<u64> = events.iter().map(|event| event.sequence).collect();
    assert_eq!(sequences, (1..=record.last_sequence).collect::<Vec<_>>());
}

async fn what_happens_between_claim_and_write_is_seen(database: Database) {
    let stored = database.open().await;
    let rival = database.open().await;
    stored.accept(&order(1)).await.unwrap();
    let first = stored.claim(boot(1), LEASE, 1, &[]).await.unwrap()[0].fence;
    rival.request_cancel("acme", first.execution, NOW).await.unwrap();
    stored.start_execution(&first, NOW).await.unwrap();
    let record = stored.open_execution(&first).await.unwrap();
    assert_eq!(record.state, ExecutionState::Cancelling);

    database.clock.advance(LEASE);
    let second = rival.claim(boot(2), LEASE, 1, &[]).await.unwrap()[0].fence;
    let late = stored.start_step(&first, "a", NOW).await;
    assert!(matches!(late, Err(RecordError::Fenced)), "{late:?}");
    rival.start_step(&second, "a", NOW).await.unwrap();
}

async fn rival_prunings_remove_each_execution_once(database: Database) {
    let stored = database.open().await;
    let rival = database.open().await;
    let failure = Failure::new(Reason::StoppedByPolicy, "not drawn");
    for number in 0..30 {
        stored.accept(&order(number)).await.unwrap();
        let fence = stored.claim(boot(1), LEASE, 1, &[]).await.unwrap()[0].fence;
        let skipped = StepEnd {
            step_id: "a".to_owned(),
            state: StepState::Skipped,
            failure: failure.clone(),
            now: NOW,
        };
        stored.end_step(&fence, &skipped).await.unwrap();
        stored
            .settle_execution(&fence, &failure, None, NOW)
            .await
            .unwrap();
    }
    database.clock.advance(Duration::from_secs(91 * 24 * 60 * 60));
    let mut tasks = Vec::new();
    for task in 0..6 {
        let records = Arc::clone(if task % 2 == 0 { &stored } else { &rival });
        tasks.push(tokio::spawn(async move {
            let mut removed = 0;
            loop {
                let pruned = records.prune(&Retention::default(), 10).await.unwrap();
                if pruned.is_nothing() {
                    return removed;
                }
                removed += pruned.executions;
            }
        }));
    }
    let mut removed = 0;
    for task in tasks {
        removed += task.await.unwrap();
    }
    assert_eq!(removed, 30);
    for number in 0..30 {
        let known = rival.pruned("acme", order(number).id).await.unwrap();
        assert_eq!(known.unwrap().ended_at, NOW);
    }
}

/// An execution of one step that is parked on an unknown attempt, under a fence that holds no longer.
async fn park(records: &dyn RecordStore, number: u128) -> (Fence, NewAttempt) {
    records.accept(&order(number)).await.unwrap();
    let claims = records.claim(boot(1), LEASE, 10, &[]).await.unwrap();
    let id = order(number).id;
    let fence = claims
        .iter()
        .find(|claim| claim.fence.execution == id)
        .unwrap()
        .fence;
    records.start_execution(&fence, NOW).await.unwrap();
    records.start_step(&fence, "a", NOW).await.unwrap();
    let new = attempt("a", &number.to_be_bytes(), 1000 + number);
    let units = [new.render_digest.clone()];
    records.acquire_unit(&fence, "a", &units, 0).await.unwrap();
    records.prepare(&fence, &new).await.unwrap();
    let margin = Duration::from_secs(1);
    records.dispatch(&fence, new.id, margin, NOW).await.unwrap();
    let failure = Failure::new(Reason::OutcomeUnknown, "lost");
    let end = AttemptEnd {
        outcome: AttemptOutcome::Unknown,
        failure: failure.clone(),
        provider_request_id: String::new(),
        usage: BTreeMap::new(),
        now: NOW,
    };
    records.end_attempt(&fence, new.id, &end).await.unwrap();
    let end = StepEnd {
        step_id: "a".to_owned(),
        state: StepState::NeedsDecision,
        failure: failure.clone(),
        now: NOW,
    };
    records.end_step(&fence, &end).await.unwrap();
    let wait = Some(Duration::from_secs(60));
    records
        .settle_execution(&fence, &failure, wait, NOW)
        .await
        .unwrap();
    (fence, new)
}

fn answer(attempt: &NewAttempt) -> Receipt {
    Receipt {
        attempt: attempt.id,
        kind: ReceiptKind::Answer,
        staging_key: format!("staging/{}", attempt.id),
        body_sha256: "00".repeat(32),
        size_bytes: 1,
        media_type: "image/png".to_owned(),
        request_id: String::new(),
        headers: Default::default(),
        at: NOW,
    }
}

async fn rival_looks_at_a_parked_execution_are_one(database: Database) {
    let stored = database.open().await;
    let rival = database.open().await;
    for number in 0..20 {
        park(stored.as_ref(), number).await;
    }
    database.clock.advance(Duration::from_secs(60));
    let mut tasks = Vec::new();
    for task in 0..8_u128 {
        let records = Arc::clone(if task % 2 == 0 { &stored } else { &rival });
        tasks.push(tokio::spawn(async move {
            let mut claimed = Vec::new();
            loop {
                let claims = records.claim(boot(10 + task), LEASE, 4, &[]).await.unwrap();
                if claims.is_empty() {
                    return claimed;
                }
                claimed.extend(claims.iter().map(|claim| claim.fence.execution));
            }
        }));
    }
    let mut claimed = Vec::new();
    for task in tasks {
        claimed.extend(task.await.unwrap());
    }
    claimed.sort();
    let parked: Vec<ExecutionId> = (0..20).map(|number| order(number).id).collect();
    assert_eq!(claimed, parked, "each exactly once");
}

async fn rival_salvages_book_an_answer_once(database: Database) {
    let stored = database.open().await;
    let rival = database.open().await;
    let (fence, new) = park(stored.as_ref(), 1).await;
    stored.request_cancel("acme", fence.execution, NOW).await.unwrap();
    let claims = stored.claim(boot(2), LEASE, 1, &[]).await.unwrap();
    let failure = Failure::new(Reason::CancelledByClient, "stopped");
    let ended = stored
        .settle_execution(&claims[0].fence, &failure, None, NOW)
        .await;
    assert_eq!(ended.unwrap(), ExecutionState::Cancelled);
    stored.add_receipt(&answer(&new)).await.unwrap();
    let salvage = Salvage {
        execution: fence.execution,
        answer: answer(&new),
        find: Find::Nothing(Failure::new(Reason::NoImage, "blank")),
        cost_nanos: 5,
        cost_source: CostSource::Reported,
        usage: BTreeMap::new(),
        now: NOW,
    };
    let mut tasks = Vec::new();
    for task in 0..8 {
        let records = Arc::clone(if task % 2 == 0 { &stored } else { &rival });
        let salvage = salvage.clone();
        tasks.push(tokio::spawn(
            async move { records.salvage(&salvage).await.unwrap() },
        ));
    }
    let mut booked = 0;
    for task in tasks {
        booked += u32::from(task.await.unwrap());
    }
    assert_eq!(booked, 1);
    let balances = rival.balances().await.unwrap();
    assert_eq!(balances, stored.ledger_sums().await.unwrap());
    let balance = balances.values().next().unwrap();
    assert_eq!((balance.spent_nanos, balance.unknown_held_nanos), (5, 0));
}

/// Each wakes those who wait, and none waits for another that does the same.
async fn outcomes_that_become_known_at_once_do_not_wait_for_each_other(database: Database) {
    let stored = database.open().await;
    let rival = database.open().await;
    let mut attempts = Vec::new();
    for number in 0..12 {
        attempts.push(park(stored.as_ref(), number).await.1);
    }
    database.clock.advance(Duration::from_secs(60));
    let claims = stored.claim(boot(2), LEASE, 100, &[]).await.unwrap();
    assert_eq!(claims.len(), 12);
    let mut tasks = Vec::new();
    for (number, claim) in claims.into_iter().enumerate() {
        let records = Arc::clone(if number % 2 == 0 { &stored } else { &rival });
        let of = (0..12).position(|number| order(number).id == claim.fence.execution);
        let receipt = answer(&attempts[of.unwrap()]);
        tasks.push(tokio::spawn(async move {
            let received = records.received(&claim.fence, receipt.attempt, &receipt);
            received.await.unwrap();
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let balances = rival.balances().await.unwrap();
    assert_eq!(balances.values().next().unwrap().unknown_held_nanos, 0);
}
