//! Two stores on one database are connections that know nothing of each other: what they do at the same time, and in
//! between each other's steps.

use std::{sync::Arc, time::Duration};

use limn_executor::{failure::Failure, ids::ExecutionId, records::*};
use limn_proto::reason::Reason;
use uuid::Uuid;

use crate::support::{Database, LEASE, NOW, attempt, boot, on_both, order, step};

on_both! {
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
