//! What must hold of a database that an earlier version wrote: it is read as before, its books are right, and an executor
//! goes on with it without paying again.

use std::{sync::Arc, time::Duration};

use futures::StreamExt as _;
use limn_executor::{
    executor::{Executor, Order},
    ids::ExecutionId,
    records::*,
};
use limn_proto::v1::{ExecutionEvent, execution_event::Event};
use prost::Message as _;
use uuid::Uuid;

use crate::{
    easel::{CEILING_NANOS, Easel, PRICE_NANOS, plan},
    facts, golden,
    place::{Day, Place},
    story::{self, BEGIN, CLIENT, Chapter},
};

/// The day in which the story is told.
const FIRST_DAY: i64 = BEGIN.0 / 86_400_000_000;
/// From the story until somebody goes on: later than every lease, past midnight, and long before anything is too old to
/// be kept.
const PAUSE: Duration = Duration::from_secs(2 * 3600);

/// Opens a database that was loaded from a golden, which migrates it, looks through it, and lets an executor go on.
pub(crate) async fn check(place: &Place, golden: &str) {
    place.clock.advance(PAUSE);
    let records = place.open().await;
    audit(records.as_ref()).await;
    check_facts(records.as_ref(), golden).await;
    // Two pictures and a bill without one; three calls are open; a bill and an outcome are unknown.
    let told = (FIRST_DAY, 3 * PRICE_NANOS, 3 * CEILING_NANOS, 2 * CEILING_NANOS);
    assert_eq!(place.days().await, in_both_scopes(&[told]));

    let before = found(records.as_ref()).await;
    for (chapter, state) in story::STATES {
        assert_eq!(before[chapter as usize].state, state, "{chapter:?}");
    }
    let parked = &before[Chapter::Unknown as usize];
    assert!(parked.next_check_at.is_some(), "it is looked at again by itself");
    let (executor, easel) = place.start(Arc::clone(&records));
    go_on(&executor, &easel).await;
    check_attempts(records.as_ref(), &before).await;
    decide(&executor, &easel).await;
    audit(records.as_ref()).await;
    check_money(place, records.as_ref()).await;
    check_reuse(&executor, &easel).await;
    executor.shutdown().await;
    audit(records.as_ref()).await;
}

/// Everything is read as the version that wrote it read it.
async fn check_facts(records: &dyn RecordStore, golden: &str) {
    let facts = facts::read(records).await;
    let written = golden::facts(golden);
    assert!(
        !written.is_empty(),
        "the golden says nothing about what was read from it"
    );
    let changed = written.difference(&facts).map(|fact| {
        let (name, _) = fact.split_once(':').unwrap();
        let now = facts.iter().filter(|now| now.split_once(':').unwrap().0 == name);
        format!("{fact:?} is read as {:?}", now.collect::<Vec<_>>())
    });
    let changed: Vec<String> = changed.collect();
    assert!(changed.is_empty(), "{changed:#?}");
}

/// What was left open ends, or is parked where nobody knows whether a call was sent.
async fn go_on(executor: &Executor, easel: &Easel) {
    for (chapter, state) in [
        (Chapter::Pending, ExecutionState::Completed),
        (Chapter::Prepared, ExecutionState::Completed),
        (Chapter::Dispatching, ExecutionState::NeedsDecision),
        (Chapter::Received, ExecutionState::Completed),
    ] {
        let ended = rest(executor, chapter.id()).await;
        assert_eq!(ended.state, state, "{chapter:?}: {ended:?}");
    }
    assert_eq!(easel.calls(), 2, "only what was never sent is sent");
}

/// What was parked, and what is held for an unknown bill, can still be decided.
async fn decide(executor: &Executor, easel: &Easel) {
    let drawn_again = Some(FollowUp::Retry);
    resolve(executor, Chapter::Unknown, Verdict::NotCharged, drawn_again).await;
    let charged = Verdict::Charged {
        cost_nanos: Some(PRICE_NANOS),
    };
    resolve(executor, Chapter::Billed, charged, None).await;
    let drawn = rest(executor, Chapter::Unknown.id()).await;
    assert_eq!(drawn.state, ExecutionState::Completed, "{drawn:?}");
    assert_eq!(easel.calls(), 3);
}

async fn resolve(executor: &Executor, chapter: Chapter, verdict: Verdict, follow_up: Option<FollowUp>) {
    let record = executor.records().execution(CLIENT, chapter.id()).await.unwrap();
    let resolution = Resolution {
        client: CLIENT.to_owned(),
        execution: chapter.id(),
        attempt: record.unwrap().steps[0].attempts[0].id,
        verdict,
        follow_up,
        actor: "ada".to_owned(),
        reason: "asked the provider".to_owned(),
        audit_id: Uuid::from_u128(chapter as u128),
        now: BEGIN.plus(PAUSE),
    };
    let resolved = executor.resolve_attempt(&resolution).await.unwrap();
    assert!(matches!(resolved, Resolved::Done(_)), "{resolved:?}");
}

/// What was drawn before the upgrade is not paid again after it.
async fn check_reuse(executor: &Executor, easel: &Easel) {
    let calls = easel.calls();
    let plan = plan(&Chapter::Completed.name(), 2);
    let submitted = executor.submit(&plan, &Order::default()).await.unwrap();
    let again = rest(executor, submitted.execution.id).await;
    assert_eq!(again.state, ExecutionState::Completed);
    assert!(again.steps.iter().all(|step| step.reused), "{again:?}");
    assert_eq!(easel.calls(), calls);
}

async fn found(records: &dyn RecordStore) -> Vec<ExecutionRecord> {
    let mut found = Vec::new();
    for (chapter, _) in story::STATES {
        let record = records.execution(CLIENT, chapter.id()).await.unwrap();
        found.push(record.unwrap_or_else(|| panic!("{chapter:?} is gone")));
    }
    found
}

/// The execution once it rests.
async fn rest(executor: &Executor, id: ExecutionId) -> ExecutionRecord {
    let mut events = executor.watch(CLIENT, id, Some(0));
    while let Some(event) = events.next().await {
        event.unwrap();
    }
    executor.records().execution(CLIENT, id).await.unwrap().unwrap()
}

/// How the attempts of the story ended: nothing is sent that may have been sent before.
async fn check_attempts(records: &dyn RecordStore, before: &[ExecutionRecord]) {
    let after = found(records).await;
    let attempts = |chapter: Chapter| {
        let steps = after[chapter as usize].steps.iter();
        let attempts = steps.flat_map(|step| &step.attempts);
        attempts.map(|attempt| attempt.state).collect::<Vec<_>>()
    };
    use AttemptState::{Abandoned, Committed, Unknown};
    assert_eq!(attempts(Chapter::Pending), [Committed]);
    assert_eq!(attempts(Chapter::Prepared), [Abandoned, Committed]);
    assert_eq!(attempts(Chapter::Dispatching), [Unknown]);
    assert_eq!(attempts(Chapter::Received), [Committed]);
    for chapter in [
        Chapter::Completed,
        Chapter::Failed,
        Chapter::Billed,
        Chapter::Cancelled,
    ] {
        assert_eq!(
            after[chapter as usize], before[chapter as usize],
            "{chapter:?} had ended"
        );
    }
    let parked = &after[Chapter::Unknown as usize];
    assert_eq!(parked.state, ExecutionState::NeedsDecision);
    assert_eq!(parked.steps[0].state, StepState::NeedsDecision);
    assert_eq!(parked.cost.unknown_held_nanos, CEILING_NANOS);
}

/// All money of an attempt counts in the day in which it was reserved, whichever version did the rest.
async fn check_money(place: &Place, records: &dyn RecordStore) {
    // Three as before, the answer that was staged, and the bill that was unknown; one outcome of then is unknown still.
    let first = (FIRST_DAY, 5 * PRICE_NANOS, 0, CEILING_NANOS);
    // What was pending, what was prepared and not sent, and what was decided to be drawn again.
    let second = (FIRST_DAY + 1, 3 * PRICE_NANOS, 0, 0);
    assert_eq!(place.days().await, in_both_scopes(&[first, second]));
    let total = Balance {
        spent_nanos: first.1 + second.1,
        reserved_nanos: 0,
        unknown_held_nanos: first.3,
    };
    let balances = records.balances().await.unwrap();
    assert_eq!(balances.into_values().collect::<Vec<_>>(), [total, total]);
}

/// Each movement counts for the client and for the session.
fn in_both_scopes(days: &[(i64, i64, i64, i64)]) -> Vec<Day> {
    let scopes = ["client", "session-s1"].map(|budget| format!("clients/{CLIENT}/budgets/{budget}"));
    let days = scopes.iter().flat_map(|scope| {
        days.iter()
            .map(|&(day, spent, reserved, held)| (scope.clone(), day, spent, reserved, held))
    });
    days.collect()
}

/// The books are right, and every history is whole and can be read.
async fn audit(records: &dyn RecordStore) {
    let balances = records.balances().await.unwrap();
    assert_eq!(records.ledger_sums().await.unwrap(), balances);
    assert_eq!(records.verify(None).await.unwrap().differences, []);
    for record in found(records).await {
        let stored = records.events_after(record.id, 0, u32::MAX).await.unwrap();
        let sequences: Vec<u64> = stored.iter().map(|event| event.sequence).collect();
        assert_eq!(sequences, (1..=record.last_sequence).collect::<Vec<_>>());
        for event in stored {
            let event = ExecutionEvent::decode(event.payload.as_slice()).unwrap();
            assert!(!matches!(event.event, None | Some(Event::Snapshot(_))));
        }
    }
}
