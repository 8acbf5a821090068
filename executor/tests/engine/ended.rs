//! What is found out after the end of an execution: an outcome that was unknown then holds money no longer than it must.

use std::{sync::Arc, time::Duration};

use limn_executor::{
    executor::{Order, Settings},
    provider::{Billing, CapabilityClass},
    records::{AttemptState, Balance, ExecutionRecord, ExecutionState},
};
use limn_proto::reason::Reason;

use crate::{
    scripted::{Act, Scripted, Word},
    support::{CEILING_NANOS, Process, plan, spec},
    zombies::{SPENT_ONE, Takeover},
};

/// The state of the only attempt.
fn state(record: &ExecutionRecord) -> AttemptState {
    record.steps[0].attempts[0].state
}

#[test]
fn evidence_that_nothing_was_billed_gives_the_held_money_back() {
    for (act, expected) in [
        (Act::Unsent, AttemptState::Abandoned),
        (
            Act::Reject(Reason::ContentBlocked, Billing::No),
            AttemptState::Rejected,
        ),
    ] {
        let world = Takeover::of(CapabilityClass::D, act);
        let ended = world.cancel();
        assert_eq!(world.heir.balance().unknown_held_nanos, CEILING_NANOS);
        world.wake();
        let record = world.heir.until(world.execution, |now| state(now) == expected);
        assert_eq!(world.heir.balance(), Balance::default());
        assert_eq!(record.state, ExecutionState::Cancelled);
        assert_eq!(record.last_sequence, ended.last_sequence, "nothing is told");
        // The unit is free.
        let again = world.heir.run(&plan(&spec(1, &["first"])), &Order::default());
        assert_eq!(again.state, ExecutionState::Completed);
        assert_eq!(world.heir.balance(), SPENT_ONE);
    }
}

#[test]
fn a_job_id_that_came_after_the_end_is_asked_for() {
    let world = Takeover::of(CapabilityClass::C, Act::Job(2));
    world.cancel();
    world.wake();
    world
        .heir
        .until(world.execution, |now| state(now) == AttemptState::Committed);
    assert_eq!(world.heir.balance(), SPENT_ONE);
    assert_eq!(world.provider.calls(), 1);
}

/// An execution that ended while the outcome of its only call was unknown: nobody answered the questions about it.
struct Ended {
    provider: Arc<Scripted>,
    process: Process,
    record: ExecutionRecord,
    _folder: tempfile::TempDir,
}

impl Ended {
    fn of(class: CapabilityClass, act: Act) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let provider = Scripted::new("first", class);
        provider.script([act]);
        provider.say([Word::Lost]);
        let process = Process::start_with(folder.path(), &[Arc::clone(&provider)], |settings| Settings {
            unknown_grace: Duration::from_millis(40),
            reconcile: Duration::from_millis(30),
            ..settings
        });
        let mut hasty = spec(1, &["first"]);
        hasty.policy.as_mut().unwrap().attempt_timeout_ms = 1;
        let parked = process.run(&plan(&hasty), &Order::default());
        assert_eq!(parked.state, ExecutionState::NeedsDecision);
        process
            .block_on(process.executor.cancel("tester", parked.id))
            .unwrap();
        let record = process.until(parked.id, |now| now.state.is_terminal());
        assert_eq!(record.state, ExecutionState::Cancelled);
        assert_eq!(state(&record), AttemptState::Unknown);
        assert_eq!(process.balance().unknown_held_nanos, CEILING_NANOS);
        Self {
            provider,
            process,
            record,
            _folder: folder,
        }
    }

    fn until(&self, expected: AttemptState) {
        self.process.until(self.record.id, |now| state(now) == expected);
    }

    fn lookups(&self) -> u32 {
        self.provider.lookups.load(std::sync::atomic::Ordering::SeqCst)
    }
}

#[test]
fn what_the_provider_says_after_the_end_is_booked() {
    let refused = Word::Refused(Reason::ProviderUnavailable);
    for (class, word, expected, balance) in [
        (
            CapabilityClass::B,
            Word::Absent,
            AttemptState::Rejected,
            Balance::default(),
        ),
        (
            CapabilityClass::B,
            refused.clone(),
            AttemptState::Rejected,
            Balance::default(),
        ),
        (CapabilityClass::B, Word::Done, AttemptState::Committed, SPENT_ONE),
        (
            CapabilityClass::C,
            refused,
            AttemptState::Rejected,
            Balance::default(),
        ),
        (
            CapabilityClass::C,
            Word::Job(3),
            AttemptState::Committed,
            SPENT_ONE,
        ),
    ] {
        let world = Ended::of(class, Act::Lose);
        // Somebody else waits for the picture.
        let mut other = spec(1, &["first"]);
        other.session_id = "another plan, the same picture".to_owned();
        let waiting = world.process.run(&plan(&other), &Order::default());
        assert_eq!(waiting.state, ExecutionState::NeedsDecision);
        world.provider.say([word.clone()]);
        world.until(expected);
        let drawn = world.process.until(waiting.id, |now| now.state.is_terminal());
        assert_eq!(drawn.state, ExecutionState::Completed, "{class:?} {word:?}");
        assert_eq!(drawn.steps[0].reused, balance == SPENT_ONE, "{class:?} {word:?}");
        assert_eq!(world.process.balance(), SPENT_ONE, "{class:?} {word:?}");
    }
}

/// A list that lags behind proves nothing: that a job of the provider's own is not listed is not that it is not billed.
#[test]
fn what_the_provider_cannot_say_stays_held_and_is_asked_again() {
    let world = Ended::of(CapabilityClass::C, Act::Lose);
    world.provider.say([Word::Absent]);
    let asked = world.lookups();
    let record = world
        .process
        .until(world.record.id, |_| world.lookups() >= asked + 3);
    assert_eq!(state(&record), AttemptState::Unknown);
    assert_eq!(world.process.balance().unknown_held_nanos, CEILING_NANOS);
}

#[test]
fn work_that_goes_on_after_the_end_is_stopped() {
    let world = Ended::of(CapabilityClass::C, Act::Job(u32::MAX));
    world
        .provider
        .is_stoppable
        .store(true, std::sync::atomic::Ordering::SeqCst);
    world.until(AttemptState::Rejected);
    assert_eq!(world.process.balance(), Balance::default());
    assert_eq!(world.provider.calls(), 1);
}
