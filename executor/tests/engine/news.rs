//! News of providers: evidence and a hint, never an outcome.

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use bytes::Bytes;
use limn_executor::{
    clock::UnixMicros,
    executor::Order,
    ids::{AttemptId, ExecutionId},
    news::NewsError,
    provider::{CapabilityClass, Webhook},
    records::{AttemptState, ExecutionRecord, ExecutionState, Receipt, ReceiptKind},
};
use uuid::Uuid;

use crate::{
    scripted::{Act, PROOF, Scripted},
    support::{PRICE_NANOS, Process, plan, spec},
};

/// A process whose first call is in a state.
fn at_work(act: Act, state: AttemptState) -> (Arc<Scripted>, tempfile::TempDir, Process, ExecutionRecord) {
    let folder = tempfile::tempdir().unwrap();
    let provider = Scripted::new("first", CapabilityClass::C);
    provider.script([act]);
    *provider.poll_every.lock().unwrap() = Duration::from_secs(3600);
    let process = Process::start(folder.path(), &[Arc::clone(&provider)]);
    let plan = plan(&spec(1, &["first"]));
    let submitted = process.block_on(process.executor.submit(&plan, &Order::default()));
    let record = process.until(submitted.unwrap().execution.id, |now| {
        let attempt = now.steps[0].attempts.first();
        attempt.is_some_and(|attempt| attempt.state == state)
    });
    (provider, folder, process, record)
}

fn tell(process: &Process, provider: &str, attempt: AttemptId, proof: &str) -> Result<(), NewsError> {
    let headers = BTreeMap::from([("x-proof".to_owned(), proof.to_owned())]);
    let webhook = Webhook {
        headers: &headers,
        body: &Bytes::from_static(b"job-0"),
        now: UnixMicros(1),
    };
    process.block_on(process.executor.take_news(provider, attempt, &webhook))
}

fn accepted_receipts(process: &Process, attempt: AttemptId) -> Vec<Receipt> {
    let receipts = process.block_on(process.executor.records().receipts(attempt));
    let mut receipts = receipts.unwrap();
    receipts.retain(|receipt| receipt.kind == ReceiptKind::Accepted);
    receipts
}

fn completed(process: &Process, execution: ExecutionId) -> ExecutionRecord {
    process.until(execution, |now| now.state == ExecutionState::Completed)
}

#[test]
fn work_that_is_waited_for_is_asked_for_at_once() {
    let (provider, _folder, process, record) = at_work(Act::Job(1), AttemptState::Accepted);
    process.until(record.id, |_| provider.polls.load(Ordering::SeqCst) == 1);
    // The next question would come in an hour.
    tell(&process, "first", record.steps[0].attempts[0].id, PROOF).unwrap();
    completed(&process, record.id);
    assert_eq!(provider.polls.load(Ordering::SeqCst), 2);
    assert_eq!(process.balance().spent_nanos, PRICE_NANOS);
}

#[test]
fn a_call_whose_answer_was_lost_is_fetched_and_never_sent_again() {
    let (provider, _folder, process, record) = at_work(Act::Lose, AttemptState::Unknown);
    let attempt = record.steps[0].attempts[0].id;
    process.until(record.id, |now| now.state == ExecutionState::NeedsDecision);
    tell(&process, "first", attempt, PROOF).unwrap();
    let record = completed(&process, record.id);
    assert_eq!(record.steps[0].attempts.len(), 1);
    assert_eq!(record.steps[0].attempts[0].job_id, "job-0");
    assert_eq!(provider.calls(), 1);
    assert_eq!(process.balance().spent_nanos, PRICE_NANOS);
    assert_eq!(process.balance().unknown_held_nanos, 0);
    // Whatever comes later is taken, and changes nothing.
    tell(&process, "first", attempt, PROOF).unwrap();
    assert_eq!(accepted_receipts(&process, attempt).len(), 1);
}

#[test]
fn the_same_news_are_written_down_once() {
    let (_provider, _folder, process, record) = at_work(Act::Job(u32::MAX), AttemptState::Accepted);
    let attempt = record.steps[0].attempts[0].id;
    for _ in 0..3 {
        tell(&process, "first", attempt, PROOF).unwrap();
    }
    assert_eq!(accepted_receipts(&process, attempt).len(), 1);
}

#[test]
fn what_is_not_proven_or_of_nobody_has_no_effect() {
    let (provider, _folder, process, record) = at_work(Act::Job(u32::MAX), AttemptState::Accepted);
    let attempt = record.steps[0].attempts[0].id;
    process.until(record.id, |_| provider.polls.load(Ordering::SeqCst) == 1);
    let unproven = tell(&process, "first", attempt, "forged");
    assert!(matches!(unproven, Err(NewsError::Unproven)), "{unproven:?}");
    let nobody = AttemptId(Uuid::from_u128(1));
    for unknown in [
        tell(&process, "first", nobody, PROOF),
        tell(&process, "second", attempt, PROOF),
    ] {
        assert!(matches!(unknown, Err(NewsError::Unknown)), "{unknown:?}");
    }
    assert_eq!(accepted_receipts(&process, attempt), []);
    assert_eq!(provider.polls.load(Ordering::SeqCst), 1);
}
