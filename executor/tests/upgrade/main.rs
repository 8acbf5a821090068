//! Databases of every released schema: the present version opens them, and goes on with what is in them.
//!
//! `golden/NNNN/` holds what the version with schema `NNNN` wrote, as SQL for each database; `README.md` beside it says
//! how one is made. Each is loaded into the schema of its time, migrated by the product, audited, and handed to an
//! executor.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod dump;
mod easel;
mod golden;
mod place;
mod story;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use futures::StreamExt as _;
use limn_executor::{
    executor::{Executor, Order},
    ids::ExecutionId,
    records::{AttemptState, ExecutionRecord, ExecutionState, RecordStore, StepState},
};
use limn_proto::v1::{ExecutionEvent, execution_event::Event};
use prost::Message as _;

use crate::{
    easel::{CEILING_NANOS, PRICE_NANOS, plan},
    place::Place,
    story::{CLIENT, Chapter},
};

#[tokio::test]
async fn what_earlier_versions_wrote_in_sqlite_is_gone_on_with() {
    for schema in golden::schemas() {
        let place = Place::sqlite();
        place.load(schema).await;
        check(&place).await;
    }
}

#[tokio::test]
async fn what_earlier_versions_wrote_in_postgres_is_gone_on_with() {
    for schema in golden::schemas() {
        let Some(place) = Place::postgres().await else {
            return;
        };
        place.load(schema).await;
        check(&place).await;
    }
}

/// The story as this version writes it, told from a dump: the next golden.
async fn check_dump(written: &Place, loaded: &Place) {
    let staged = story::write(written.open().await.as_ref(), &written.clock).await;
    let text = dump::dump(written, &staged).await;
    loaded.load_text(golden::newest_schema(), &text).await;
    assert_eq!(
        dump::dump(loaded, &staged).await,
        text,
        "nothing is lost on the way"
    );
    golden::write(written, &text);
    check(loaded).await;
}

#[tokio::test]
async fn what_this_version_writes_in_sqlite_can_be_kept_as_a_golden() {
    check_dump(&Place::sqlite(), &Place::sqlite()).await;
}

#[tokio::test]
async fn what_this_version_writes_in_postgres_can_be_kept_as_a_golden() {
    if let (Some(written), Some(loaded)) = (Place::postgres().await, Place::postgres().await) {
        check_dump(&written, &loaded).await;
    }
}

#[test]
fn every_schema_that_was_followed_by_another_has_a_golden() {
    let followed: BTreeSet<u32> = (1..golden::newest_schema()).collect();
    let kept: BTreeSet<u32> = golden::schemas().into_iter().collect();
    assert!(
        followed.is_subset(&kept),
        "a golden is missing: executor/tests/upgrade/README.md says how to write it"
    );
}

/// Opens the database as it is, looks through it, and lets an executor go on.
async fn check(place: &Place) {
    // Later than every lease of the story, and long before anything is too old to keep.
    place.clock.advance(Duration::from_secs(3600));
    let records = place.open().await;
    audit(records.as_ref()).await;
    let before = found(records.as_ref()).await;
    for (chapter, state) in story::STATES {
        assert_eq!(before[chapter as usize].state, state, "{chapter:?}");
    }

    let (executor, easel) = place.start(Arc::clone(&records));
    for (chapter, state) in [
        (Chapter::Pending, ExecutionState::Completed),
        (Chapter::Prepared, ExecutionState::Completed),
        (Chapter::Dispatching, ExecutionState::NeedsDecision),
        (Chapter::Received, ExecutionState::Completed),
    ] {
        let ended = rest(&executor, chapter.id()).await;
        assert_eq!(ended.state, state, "{chapter:?}: {ended:?}");
    }
    assert_eq!(easel.calls(), 2, "only what was never sent is sent");
    check_attempts(records.as_ref(), &before).await;
    check_money(records.as_ref()).await;

    // What was drawn before the upgrade is not paid again after it.
    let order = Order::default();
    let submitted = executor.submit(&plan("completed", 2), &order).await.unwrap();
    let again = rest(&executor, submitted.execution.id).await;
    assert_eq!(again.state, ExecutionState::Completed);
    assert!(again.steps.iter().all(|step| step.reused), "{again:?}");
    assert_eq!(easel.calls(), 2);
    executor.shutdown().await;
    audit(records.as_ref()).await;
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

async fn check_money(records: &dyn RecordStore) {
    let balances = records.balances().await.unwrap();
    let balance = balances
        .iter()
        .find(|(key, _)| key.scope == "clients/golden/budgets/client");
    let (_, balance) = balance.unwrap();
    // Two pictures and a bill without one before; three pictures since.
    assert_eq!(balance.spent_nanos, 6 * PRICE_NANOS);
    assert_eq!(balance.reserved_nanos, 0);
    // An unknown bill of before, an unknown outcome of before, and one of now.
    assert_eq!(balance.unknown_held_nanos, 3 * CEILING_NANOS);
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
