//! A process that lost its execution, and is still at work: what it knows counts, what it does not own it leaves alone.

use std::{sync::Arc, time::Duration};

use limn_executor::{
    executor::{Order, Settings},
    ids::ExecutionId,
    provider::{Billing, CapabilityClass},
    records::{AttemptState, Balance, ExecutionRecord, ExecutionState, StepState},
};
use limn_proto::reason::Reason;

use crate::{
    scripted::{Act, Scripted},
    support::{PRICE_NANOS, Process, plan, spec},
};

/// Two processes: the first is held in its call, the second has taken its execution over and knows nothing.
pub(crate) struct Takeover {
    pub(crate) provider: Arc<Scripted>,
    zombie: Process,
    pub(crate) heir: Process,
    pub(crate) execution: ExecutionId,
    _folder: tempfile::TempDir,
}

impl Takeover {
    pub(crate) fn of(class: CapabilityClass, act: Act) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let provider = Scripted::new("first", class);
        provider.script([Act::HoldThen(Box::new(act))]);
        let often = |settings| Settings {
            reconcile: Duration::from_millis(30),
            ..settings
        };
        let zombie = Process::start_with(folder.path(), &[Arc::clone(&provider)], often);
        let execution = zombie.block_on(async {
            let plan = plan(&spec(1, &["first"]));
            let submitted = zombie.executor.submit(&plan, &Order::default()).await;
            provider.reached.acquire().await.unwrap().forget();
            submitted.unwrap().execution.id
        });
        let heir = Process::start_with(folder.path(), &[Arc::clone(&provider)], often);
        heir.until(execution, |now| {
            now.state == ExecutionState::NeedsDecision
                && now.steps[0].attempts[0].state == AttemptState::Unknown
        });
        Self {
            provider,
            zombie,
            heir,
            execution,
            _folder: folder,
        }
    }

    /// The call that is held goes on.
    pub(crate) fn wake(&self) {
        self.provider.gate.add_permits(1);
    }

    /// The execution is cancelled, and ends while nobody knows what became of its call.
    pub(crate) fn cancel(&self) -> ExecutionRecord {
        let cancelled = self.heir.executor.cancel("tester", self.execution);
        self.heir.block_on(cancelled).unwrap();
        let ended = self.heir.until(self.execution, |now| now.state.is_terminal());
        assert_eq!(ended.state, ExecutionState::Cancelled);
        ended
    }
}

pub(crate) const SPENT_ONE: Balance = Balance {
    spent_nanos: PRICE_NANOS,
    reserved_nanos: 0,
    unknown_held_nanos: 0,
};

#[test]
fn a_late_answer_is_recorded_and_paid_once() {
    let world = Takeover::of(CapabilityClass::D, Act::Draw);
    world.wake();
    let record = world.heir.until(world.execution, |now| now.state.is_terminal());
    assert_eq!(record.state, ExecutionState::Completed);
    assert_eq!(record.steps[0].attempts.len(), 1);
    assert_eq!(world.provider.calls(), 1);
    assert_eq!(world.heir.balance(), SPENT_ONE);
    assert_eq!(world.zombie.balance(), SPENT_ONE);
    assert_eq!(world.heir.blobs("staging/"), Vec::<String>::new());
}

#[test]
fn a_call_that_was_not_sent_after_all_is_made_again() {
    let world = Takeover::of(CapabilityClass::D, Act::Unsent);
    world.wake();
    let record = world.heir.until(world.execution, |now| now.state.is_terminal());
    assert_eq!(record.state, ExecutionState::Completed);
    let states: Vec<_> = record.steps[0]
        .attempts
        .iter()
        .map(|attempt| attempt.state)
        .collect();
    assert_eq!(states, [AttemptState::Abandoned, AttemptState::Committed]);
    assert_eq!(world.heir.balance(), SPENT_ONE);
}

#[test]
fn a_late_refusal_is_one() {
    let act = Act::Reject(Reason::ContentBlocked, Billing::No);
    let world = Takeover::of(CapabilityClass::D, act);
    world.wake();
    let record = world.heir.until(world.execution, |now| now.state.is_terminal());
    assert_eq!(record.state, ExecutionState::Failed);
    assert_eq!(record.failure.unwrap().reason, Reason::ContentBlocked);
    assert_eq!(record.steps[0].attempts[0].state, AttemptState::Rejected);
    assert_eq!(world.heir.balance(), Balance::default());
}

/// At a provider that was perhaps sent the call again, what became of one call says nothing about the other.
#[test]
fn a_late_refusal_proves_nothing_where_the_call_may_have_been_sent_again() {
    let act = Act::Reject(Reason::ContentBlocked, Billing::No);
    let world = Takeover::of(CapabilityClass::B, act);
    let parked = world.heir.until(world.execution, |_| true);
    world.wake();
    let attempt = parked.steps[0].attempts[0].id;
    let records = world.heir.executor.records();
    world.heir.block_on(async {
        while records.receipts(attempt).await.unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
    });
    let asked = world.provider.lookups.load(std::sync::atomic::Ordering::SeqCst);
    world.heir.until(world.execution, |_| {
        world.provider.lookups.load(std::sync::atomic::Ordering::SeqCst) > asked
    });
    let record = world.heir.until(world.execution, |_| true);
    assert_eq!(record.state, ExecutionState::NeedsDecision);
    assert_eq!(record.steps[0].attempts[0].state, AttemptState::Unknown);
}

#[test]
fn a_late_job_id_is_asked_for() {
    let world = Takeover::of(CapabilityClass::C, Act::Job(2));
    world.wake();
    let record = world.heir.until(world.execution, |now| now.state.is_terminal());
    assert_eq!(record.state, ExecutionState::Completed);
    assert_eq!(record.steps[0].attempts[0].job_id, "job-2");
    assert_eq!(world.provider.calls(), 1);
    assert_eq!(world.heir.balance(), SPENT_ONE);
}

#[test]
fn an_answer_after_the_end_is_kept_for_the_next_order() {
    let world = Takeover::of(CapabilityClass::D, Act::Draw);
    let ended = world.cancel();
    world.wake();
    let record = world.heir.until(world.execution, |now| {
        now.steps[0].attempts[0].state == AttemptState::Committed
    });
    assert_eq!(record.last_sequence, ended.last_sequence, "nothing is told");
    assert_eq!(record.steps[0].state, StepState::Cancelled);
    assert_eq!(world.heir.balance(), SPENT_ONE);

    let again = world.heir.run(&plan(&spec(1, &["first"])), &Order::default());
    assert_eq!(again.state, ExecutionState::Completed);
    assert!(again.steps[0].reused);
    assert_eq!(world.provider.calls(), 1);
}

#[test]
fn an_answer_without_a_picture_after_the_end_is_paid_in_vain() {
    let world = Takeover::of(CapabilityClass::D, Act::WrongSize);
    world.cancel();
    world.wake();
    let record = world.heir.until(world.execution, |now| {
        now.steps[0].attempts[0].state == AttemptState::FailedPaid
    });
    assert_eq!(record.state, ExecutionState::Cancelled);
    assert_eq!(world.heir.balance(), SPENT_ONE);
}

/// Whoever waits for the picture has it as soon as it is there.
#[test]
fn who_waits_for_an_unknown_picture_has_it_when_it_turns_up() {
    let world = Takeover::of(CapabilityClass::D, Act::Draw);
    let mut other = spec(1, &["first"]);
    other.session_id = "another plan, the same picture".to_owned();
    let waiting = world.heir.run(&plan(&other), &Order::default());
    assert_eq!(waiting.state, ExecutionState::NeedsDecision);
    assert!(waiting.next_check_at.is_some());
    world.wake();
    let record = world.heir.until(waiting.id, |now| now.state.is_terminal());
    assert_eq!(record.state, ExecutionState::Completed);
    assert!(record.steps[0].reused);
    assert_eq!(world.provider.calls(), 1);
    assert_eq!(world.heir.balance(), SPENT_ONE);
}
