//! Calls whose answer was lost, at providers that can be asked or sent the same call again.

use std::{sync::Arc, time::Duration};

use limn_executor::{
    executor::Order,
    provider::CapabilityClass,
    records::{AttemptState, ExecutionRecord, ExecutionState},
};
use limn_proto::reason::Reason;

use crate::{
    crashes::crash_in_flight,
    scripted::{Act, Scripted, Word},
    support::{CEILING_NANOS, PRICE_NANOS, Process, plan, spec},
};

/// Starts a process that finds a call in flight of a provider that says this, and lets it work until `is_so`.
fn found(
    class: CapabilityClass,
    words: &[Word],
    is_so: impl Fn(&ExecutionRecord) -> bool,
) -> (Arc<Scripted>, tempfile::TempDir, Process, ExecutionRecord) {
    let (provider, folder) = crash_in_flight(class);
    provider.say(words.to_vec());
    let process = Process::start_with(folder.path(), &[Arc::clone(&provider)], |settings| {
        limn_executor::executor::Settings {
            unknown_grace: Duration::from_millis(200),
            ..settings
        }
    });
    let execution = process.execution_of("first").id;
    let record = process.until(execution, is_so);
    (provider, folder, process, record)
}

fn is_completed(record: &ExecutionRecord) -> bool {
    record.state == ExecutionState::Completed
}

fn is_parked(record: &ExecutionRecord) -> bool {
    record.state == ExecutionState::NeedsDecision
}

#[test]
fn work_that_the_provider_knows_is_fetched_and_never_sent_again() {
    for class in [CapabilityClass::B, CapabilityClass::C] {
        for words in [&[Word::Done][..], &[Word::Job(2)], &[Word::Absent, Word::Done]] {
            let (provider, _folder, process, record) = found(class, words, is_completed);
            let attempts = &record.steps[0].attempts;
            assert_eq!(attempts.len(), 1, "{class:?} {words:?}: {attempts:?}");
            assert_eq!(provider.calls(), 2, "one for each step: {class:?} {words:?}");
            assert_eq!(process.balance().spent_nanos, 2 * PRICE_NANOS);
        }
    }
}

#[test]
fn a_call_that_never_came_is_sent_again_where_the_job_id_is_ours() {
    let (provider, _folder, process, record) = found(CapabilityClass::B, &[Word::Absent], is_completed);
    assert_eq!(record.steps[0].attempts.len(), 1, "under the same attempt");
    assert_eq!(provider.calls(), 3);
    assert_eq!(process.balance().spent_nanos, 2 * PRICE_NANOS);
}

#[test]
fn a_call_that_is_not_listed_is_unknown_where_the_job_id_is_not_ours() {
    let (provider, _folder, process, record) = found(CapabilityClass::C, &[Word::Absent], is_parked);
    assert_eq!(record.steps[0].attempts[0].state, AttemptState::Unknown);
    assert_eq!(provider.calls(), 2);
    // It is asked about again, and again; nothing new is told until something is found.
    let asked = provider.lookups.load(std::sync::atomic::Ordering::SeqCst);
    let looked_at = |times: u32| {
        process.until(record.id, |_| {
            provider.lookups.load(std::sync::atomic::Ordering::SeqCst) >= asked + times
        })
    };
    looked_at(2);
    assert_eq!(
        process.until(record.id, is_parked).last_sequence,
        record.last_sequence
    );
    provider.say([Word::Done]);
    let completed = process.until(record.id, is_completed);
    assert_eq!(provider.calls(), 2);
    assert_eq!(completed.cost.settled_nanos, 2 * PRICE_NANOS);
    assert_eq!(completed.cost.unknown_held_nanos, 0);
}

#[test]
fn work_that_was_refused_is_released_and_a_lost_question_proves_nothing() {
    let words = [Word::Refused(Reason::ProviderUnavailable)];
    let (provider, _folder, process, record) = found(CapabilityClass::C, &words, is_completed);
    let states: Vec<_> = record.steps[0]
        .attempts
        .iter()
        .map(|attempt| attempt.state)
        .collect();
    assert_eq!(states, [AttemptState::Rejected, AttemptState::Committed]);
    assert_eq!(provider.calls(), 3);
    assert_eq!(process.balance().spent_nanos, 2 * PRICE_NANOS);

    let words = [Word::Lost, Word::Refused(Reason::ProviderRateLimited), Word::Lost];
    let (provider, _folder, process, record) = found(CapabilityClass::B, &words, is_parked);
    assert_eq!(record.steps[0].attempts[0].state, AttemptState::Unknown);
    assert_eq!(provider.calls(), 2);
    assert_eq!(process.balance().unknown_held_nanos, CEILING_NANOS);
}

/// Runs one step whose first answer is lost, to the end.
fn lost(class: CapabilityClass, words: &[Word]) -> (Arc<Scripted>, ExecutionRecord) {
    let folder = tempfile::tempdir().unwrap();
    let provider = Scripted::new("first", class);
    provider.script([Act::Lose]);
    provider.say(words.to_vec());
    let process = Process::start_with(folder.path(), &[Arc::clone(&provider)], |settings| {
        limn_executor::executor::Settings {
            unknown_grace: Duration::from_millis(100),
            ..settings
        }
    });
    let parked = process.run(&plan(&spec(1, &["first"])), &Order::default());
    let record = process.until(parked.id, is_completed);
    assert_eq!(process.balance().spent_nanos, PRICE_NANOS);
    (provider, record)
}

#[test]
fn an_unknown_outcome_is_cleared_up_by_whatever_the_provider_allows() {
    for (class, words, calls) in [
        (CapabilityClass::A, &[][..], 2),
        (CapabilityClass::B, &[Word::Absent], 2),
        (CapabilityClass::B, &[Word::Lost, Word::Job(1)], 1),
        (CapabilityClass::C, &[Word::Absent, Word::Done], 1),
        (CapabilityClass::C, &[Word::Job(3)], 1),
    ] {
        let (provider, record) = lost(class, words);
        assert_eq!(record.steps[0].attempts.len(), 1, "{class:?} {words:?}");
        assert_eq!(provider.calls(), calls, "{class:?} {words:?}");
    }
}

#[test]
fn a_key_that_the_provider_has_forgotten_is_not_used_again() {
    let (provider, folder) = crash_in_flight(CapabilityClass::A);
    *provider.repeatable_for.lock().unwrap() = Duration::ZERO;
    let process = Process::start(folder.path(), &[Arc::clone(&provider)]);
    let execution = process.execution_of("first").id;
    let record = process.until(execution, is_parked);
    assert_eq!(record.steps[0].attempts[0].state, AttemptState::Unknown);
    assert_eq!(provider.calls(), 2, "one for each step");
}

#[test]
fn accepted_work_that_takes_too_long_is_asked_for_until_it_is_done() {
    let folder = tempfile::tempdir().unwrap();
    let provider = Scripted::new("first", CapabilityClass::C);
    provider.script([Act::Job(40)]);
    let process = Process::start_with(folder.path(), &[Arc::clone(&provider)], |settings| {
        limn_executor::executor::Settings {
            unknown_grace: Duration::from_millis(40),
            ..settings
        }
    });
    let mut hasty = spec(1, &["first"]);
    hasty.policy.as_mut().unwrap().attempt_timeout_ms = 1;
    let parked = process.run(&plan(&hasty), &Order::default());
    assert_eq!(parked.state, ExecutionState::NeedsDecision);
    assert_eq!(parked.steps[0].attempts[0].state, AttemptState::Unknown);
    // Done before the next look, so that the test is not one of patience.
    provider.polls.store(40, std::sync::atomic::Ordering::SeqCst);
    let record = process.until(parked.id, is_completed);
    assert_eq!(record.steps[0].attempts.len(), 1);
    assert_eq!(provider.calls(), 1);
}
