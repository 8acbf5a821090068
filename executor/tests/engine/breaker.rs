//! Providers that do not work, or ask for a pause, are left alone by everybody; what they refuse for a reason of its
//! own is no such sign.

use std::{sync::Arc, time::Duration};

use limn_executor::{
    executor::{Order, Settings},
    provider::{Billing, CapabilityClass},
    records::{AttemptState, Breaker, ExecutionRecord, ExecutionState, WaitReason},
    snapshot,
};
use limn_proto::reason::Reason;

use crate::{
    scripted::{Act, Scripted},
    support::{PRICE_NANOS, Process, plan, spec},
};

struct World {
    _folder: tempfile::TempDir,
    process: Process,
    first: Arc<Scripted>,
    second: Arc<Scripted>,
}

/// The breaker opens after two failures for this long.
fn world(open: Duration) -> World {
    let folder = tempfile::tempdir().unwrap();
    let first = Scripted::new("first", CapabilityClass::D);
    let second = Scripted::new("second", CapabilityClass::D);
    let providers = [Arc::clone(&first), Arc::clone(&second)];
    let process = Process::start_with(folder.path(), &providers, |settings| Settings {
        breaker: Breaker { failures: 2, open },
        ..settings
    });
    World {
        _folder: folder,
        process,
        first,
        second,
    }
}

const HOUR: Duration = Duration::from_secs(3600);

impl World {
    fn submit(&self, prompt: &str, providers: &[&str], attempts: u32) -> ExecutionRecord {
        let mut spec = spec(1, providers);
        for target in &mut spec.steps[0].targets {
            target.prompt = prompt.to_owned();
        }
        spec.policy.as_mut().unwrap().retry.as_mut().unwrap().max_attempts = attempts;
        let (plan, order) = (plan(&spec), Order::default());
        let submitted = self.process.executor.submit(&plan, &order);
        self.process.block_on(submitted).unwrap().execution
    }

    fn run(&self, prompt: &str, providers: &[&str], attempts: u32) -> ExecutionRecord {
        let submitted = self.submit(prompt, providers, attempts);
        self.process.block_on(self.process.rest(submitted))
    }

    /// Lets the first provider fail until its breaker opens.
    fn open(&self) {
        self.first
            .script([Act::Unsent, Act::Reject(Reason::ProviderUnavailable, Billing::No)]);
        let failed = self.run("in vain", &["first"], 2);
        assert_eq!(failed.state, ExecutionState::Failed);
    }
}

#[test]
fn an_open_breaker_sends_steps_to_their_fallback_without_a_call() {
    let world = world(HOUR);
    world.open();
    let ended = world.run("with a way out", &["first", "second"], 2);
    assert_eq!(ended.state, ExecutionState::Completed);
    assert_eq!((world.first.calls(), world.second.calls()), (2, 1));
    let attempts = &ended.steps[0].attempts;
    assert_eq!(
        (attempts.len(), attempts[0].target, attempts[0].provider.as_str()),
        (1, 1, "second")
    );
    assert_eq!(attempts[0].cost_nanos, Some(PRICE_NANOS));
    let shown = snapshot::execution(&ended);
    let skipped = &shown.steps[0].skipped_targets;
    assert_eq!(
        (skipped.len(), skipped[0].target, skipped[0].provider.as_str()),
        (1, 0, "first")
    );
    assert!(
        skipped[0].reason.contains("refused by the script"),
        "{}",
        skipped[0].reason
    );
    assert_eq!(world.process.balance().spent_nanos, PRICE_NANOS);
}

#[test]
fn a_step_without_a_fallback_waits_and_others_pass_it() {
    let world = world(HOUR);
    world.open();
    let stays = world.submit("no way out", &["first"], 2);
    let seen = world.process.until(stays.id, |now| now.steps[0].wait.is_some());
    let wait = seen.steps[0].wait.as_ref().unwrap();
    assert_eq!(wait.reason, WaitReason::Unavailable);
    assert!(wait.until.is_some(), "it is known when somebody tries again");
    let ended = world.run("with a way out", &["first", "second"], 2);
    assert_eq!(ended.state, ExecutionState::Completed);
    assert_eq!((world.first.calls(), world.second.calls()), (2, 1));
    world
        .process
        .block_on(world.process.executor.cancel("tester", stays.id))
        .unwrap();
    let ended = world.process.until(stays.id, |now| now.state.is_terminal());
    assert_eq!(ended.state, ExecutionState::Cancelled);
    assert_eq!(ended.steps[0].attempts, []);
}

#[test]
fn one_call_tries_and_closes_the_breaker() {
    let world = world(Duration::from_millis(40));
    world.open();
    world
        .first
        .script([Act::Reject(Reason::ProviderUnavailable, Billing::No), Act::Draw]);
    let ended = world.run("waits", &["first"], 3);
    assert_eq!(ended.state, ExecutionState::Completed);
    let states: Vec<AttemptState> = ended.steps[0]
        .attempts
        .iter()
        .map(|attempt| attempt.state)
        .collect();
    assert_eq!(states, [AttemptState::Rejected, AttemptState::Committed]);
    assert_eq!(world.first.calls(), 4);
    let (gates, _) = world
        .process
        .block_on(world.process.executor.records().gates())
        .unwrap();
    assert_eq!(
        (gates[0].failures, gates[0].trips, gates[0].open_until),
        (0, 0, None)
    );
}

#[test]
fn an_answer_of_any_kind_is_no_failure() {
    let world = world(HOUR);
    for (number, reason) in [
        Reason::ContentBlocked,
        Reason::ProviderRejected,
        Reason::ProviderAccount,
    ]
    .into_iter()
    .cycle()
    .take(6)
    .enumerate()
    {
        world.first.script([Act::Reject(reason, Billing::No)]);
        let refused = world.run(&format!("refused {number}"), &["first"], 3);
        assert_eq!(refused.failure.unwrap().reason, reason);
    }
    world.first.script([Act::Unsent]);
    let ended = world.run("after one failure", &["first"], 3);
    assert_eq!(ended.state, ExecutionState::Completed);
    assert_eq!(
        world.first.calls(),
        8,
        "a refusal is not repeated, and the breaker never opened"
    );
}

#[test]
fn a_pause_that_one_call_is_asked_for_is_kept_by_all() {
    let world = world(HOUR);
    world.first.script([Act::Busy(Duration::from_secs(300))]);
    let asked = world.submit("asked", &["first"], 3);
    world.process.until(asked.id, |now| {
        now.steps[0]
            .attempts
            .first()
            .is_some_and(|attempt| attempt.state == AttemptState::Rejected)
    });
    let records = world.process.executor.records();
    world.process.block_on(async {
        while records.gates().await.unwrap().0.is_empty() {
            tokio::task::yield_now().await;
        }
    });
    let other = world.submit("another", &["first"], 3);
    let seen = world.process.until(other.id, |now| now.steps[0].wait.is_some());
    let wait = seen.steps[0].wait.as_ref().unwrap();
    assert_eq!(wait.reason, WaitReason::Cooldown);
    assert!(wait.until.is_some());
    assert_eq!(world.first.calls(), 1);
    for id in [asked.id, other.id] {
        world
            .process
            .block_on(world.process.executor.cancel("tester", id))
            .unwrap();
        let ended = world.process.until(id, |now| now.state.is_terminal());
        assert_eq!(ended.state, ExecutionState::Cancelled);
    }
    assert_eq!(world.first.calls(), 1);
    assert_eq!(world.process.balance().spent_nanos, 0);
}
