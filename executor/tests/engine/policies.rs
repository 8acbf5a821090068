//! What a plan says about unknown outcomes, once everything that can give evidence was asked.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use limn_executor::{clock::UnixMicros, failure::Failure};
use limn_executor::{
    executor::{Order, Settings},
    ids::BootId,
    provider::CapabilityClass,
    records::{
        AttemptEnd, AttemptOutcome, AttemptState, AuditAction, AuditFilter, Balance, ExecutionRecord,
        ExecutionState, FollowUp, Page, RecordStore as _, StepState, sqlite::SqliteRecords,
    },
};
use limn_proto::{
    plan::{Money, PlanSpec, UnknownPolicy},
    reason::Reason,
};
use uuid::Uuid;

use crate::{
    scripted::{Act, Scripted},
    support::{CEILING_NANOS, PRICE_NANOS, Process, plan, spec},
};

fn with_policy(steps: usize, policy: UnknownPolicy, duplicates: i64) -> PlanSpec {
    let mut spec = spec(steps, &["first"]);
    let run = spec.policy.as_mut().unwrap();
    run.on_unknown = policy.into();
    run.max_duplicate_spend = (policy == UnknownPolicy::WriteOffAndRetryOnce).then(|| Money {
        currency_code: "USD".to_owned(),
        nanos: duplicates,
    });
    spec
}

/// Runs a plan at a provider that can be asked nothing, to its end.
fn run(spec: &PlanSpec, acts: &[Act]) -> (Arc<Scripted>, Process, tempfile::TempDir, ExecutionRecord) {
    let folder = tempfile::tempdir().unwrap();
    let provider = Scripted::new("first", CapabilityClass::D);
    provider.script(acts.to_vec());
    let process = Process::start_with(folder.path(), &[Arc::clone(&provider)], hasty);
    let first = process.run(&plan(spec), &Order::default());
    let record = process.until(first.id, |now| now.state.is_terminal());
    (provider, process, folder, record)
}

fn hasty(settings: Settings) -> Settings {
    Settings {
        unknown_grace: Duration::from_millis(80),
        ..settings
    }
}

fn spent(nanos: i64) -> Balance {
    Balance {
        spent_nanos: nanos,
        ..Balance::default()
    }
}

#[test]
fn what_is_given_up_is_paid_and_the_step_fails() {
    let spec = with_policy(1, UnknownPolicy::WriteOffAndFail, 0);
    let (provider, process, _folder, record) = run(&spec, &[Act::Lose]);
    assert_eq!(record.state, ExecutionState::Failed);
    let failure = record.failure.as_ref().unwrap();
    assert_eq!(failure.reason, Reason::OutcomeWrittenOff);
    assert_eq!(record.steps[0].attempts[0].state, AttemptState::WrittenOff);
    assert_eq!(provider.calls(), 1);
    assert_eq!(process.balance(), spent(CEILING_NANOS));
    let page = Page {
        limit: 10,
        after: None,
    };
    let records = process.executor.records();
    let entries = process.block_on(records.audit_events("tester", &AuditFilter::default(), &page));
    let entries = entries.unwrap();
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0].action, AuditAction::AttemptWrittenOff);
    assert_eq!(entries[0].actor, "policy");

    // Ordered again it is drawn again: the unit is free.
    let again = process.run(&plan(&spec), &Order::default());
    assert_eq!(again.state, ExecutionState::Completed);
}

#[test]
fn what_is_given_up_is_drawn_once_more_where_the_plan_says_so() {
    let spec = with_policy(1, UnknownPolicy::WriteOffAndRetryOnce, CEILING_NANOS);
    let (provider, process, _folder, record) = run(&spec, &[Act::Lose]);
    assert_eq!(record.state, ExecutionState::Completed);
    assert_eq!(record.steps[0].attempts.len(), 2);
    assert_eq!(provider.calls(), 2);
    assert_eq!(process.balance(), spent(CEILING_NANOS + PRICE_NANOS));
}

#[test]
fn a_second_unknown_outcome_of_a_step_fails_it() {
    let spec = with_policy(1, UnknownPolicy::WriteOffAndRetryOnce, 10 * CEILING_NANOS);
    let (provider, process, _folder, record) = run(&spec, &[Act::Lose, Act::Lose]);
    assert_eq!(record.state, ExecutionState::Failed);
    assert_eq!(provider.calls(), 2);
    assert_eq!(process.balance(), spent(2 * CEILING_NANOS));
}

#[test]
fn no_more_is_drawn_again_than_the_plan_pays_for() {
    let spec = with_policy(3, UnknownPolicy::WriteOffAndRetryOnce, 2 * CEILING_NANOS);
    let (provider, process, _folder, record) = run(&spec, &[Act::Lose, Act::Lose, Act::Lose]);
    assert_eq!(record.state, ExecutionState::Failed);
    let failed = record.steps.iter().filter(|step| step.state == StepState::Failed);
    assert_eq!(failed.count(), 1);
    assert_eq!(provider.calls(), 5);
    assert_eq!(process.balance(), spent(3 * CEILING_NANOS + 2 * PRICE_NANOS));
}

#[test]
fn nothing_is_given_up_or_drawn_again_for_a_client_that_has_cancelled() {
    let folder = tempfile::tempdir().unwrap();
    let provider = Scripted::new("first", CapabilityClass::D);
    provider.script([Act::Lose]);
    let process = Process::start(folder.path(), &[Arc::clone(&provider)]);
    let spec = with_policy(1, UnknownPolicy::WriteOffAndRetryOnce, CEILING_NANOS);
    let parked = process.run(&plan(&spec), &Order::default());
    process
        .block_on(process.executor.cancel("tester", parked.id))
        .unwrap();
    let record = process.until(parked.id, |now| now.state.is_terminal());
    assert_eq!(record.state, ExecutionState::Cancelled);
    assert_eq!(provider.calls(), 1);
    assert_eq!(process.balance().unknown_held_nanos, CEILING_NANOS);
}

/// What the owner wrote down before it died holds for the next one, whatever that would decide.
#[test]
fn a_decision_survives_the_owner_that_made_it() {
    for (follow_up, state, calls) in [
        (FollowUp::Retry, ExecutionState::Completed, 2),
        (FollowUp::Fail, ExecutionState::Failed, 1),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let provider = Scripted::new("first", CapabilityClass::D);
        provider.script([Act::Hold]);
        let process = Process::start(folder.path(), &[Arc::clone(&provider)]);
        let spec = with_policy(1, UnknownPolicy::WriteOffAndRetryOnce, CEILING_NANOS);
        let execution = process.block_on(async {
            let submitted = process.executor.submit(&plan(&spec), &Order::default()).await;
            provider.reached.acquire().await.unwrap().forget();
            submitted.unwrap().execution.id
        });
        process.crash();
        tokio::runtime::Runtime::new().unwrap().block_on(async {
            let records = SqliteRecords::open(&folder.path().join("limn.db")).await.unwrap();
            records.expire_leases().await.unwrap();
            let boot = BootId(Uuid::from_u128(1));
            let claims = records
                .claim(boot, Duration::from_secs(30), 1, &[])
                .await
                .unwrap();
            let fence = claims[0].fence;
            let record = records.open_execution(&fence).await.unwrap();
            for outcome in [AttemptOutcome::Unknown, AttemptOutcome::WrittenOff { follow_up }] {
                let end = AttemptEnd {
                    outcome,
                    failure: Failure::new(Reason::OutcomeWrittenOff, "given up"),
                    provider_request_id: String::new(),
                    usage: BTreeMap::new(),
                    now: UnixMicros(1),
                };
                let attempt = record.steps[0].attempts[0].id;
                records.end_attempt(&fence, attempt, &end).await.unwrap();
            }
            records.close().await;
        });
        let process = Process::start(folder.path(), &[Arc::clone(&provider)]);
        let record = process.until(execution, |now| now.state.is_terminal());
        assert_eq!(record.state, state, "{follow_up:?}");
        assert_eq!(provider.calls(), calls, "{follow_up:?}");
    }
}

/// Runs a plan whose only call becomes a job that is never done, at a provider that says for ever that it is at work.
fn pend(policy: UnknownPolicy) -> (Arc<Scripted>, Process, tempfile::TempDir, ExecutionRecord) {
    let folder = tempfile::tempdir().unwrap();
    let provider = Scripted::new("first", CapabilityClass::C);
    provider.script([Act::Job(u32::MAX)]);
    let process = Process::start_with(folder.path(), &[Arc::clone(&provider)], hasty);
    let mut spec = with_policy(1, policy, CEILING_NANOS);
    spec.policy.as_mut().unwrap().attempt_timeout_ms = 1;
    let parked = process.run(&plan(&spec), &Order::default());
    (provider, process, folder, parked)
}

#[test]
fn a_provider_that_is_at_work_for_ever_is_given_up_as_the_plan_says() {
    for (policy, state, calls, balance) in [
        (
            UnknownPolicy::WriteOffAndFail,
            ExecutionState::Failed,
            1,
            CEILING_NANOS,
        ),
        (
            UnknownPolicy::WriteOffAndRetryOnce,
            ExecutionState::Completed,
            2,
            CEILING_NANOS + PRICE_NANOS,
        ),
    ] {
        let (provider, process, _folder, first) = pend(policy);
        let record = process.until(first.id, |now| now.state.is_terminal());
        assert_eq!(record.state, state, "{policy:?}");
        let given_up = &record.steps[0].attempts[0];
        assert_eq!(given_up.state, AttemptState::WrittenOff, "{policy:?}");
        assert!(!given_up.job_id.is_empty(), "the provider took it: {policy:?}");
        assert_eq!(provider.calls(), calls, "{policy:?}");
        assert_eq!(process.balance(), spent(balance), "{policy:?}");
    }
}

#[test]
fn a_provider_that_is_at_work_for_ever_is_asked_on_where_the_plan_holds() {
    let (provider, process, _folder, parked) = pend(UnknownPolicy::Hold);
    assert_eq!(parked.state, ExecutionState::NeedsDecision);
    let asked = provider.polls.load(std::sync::atomic::Ordering::SeqCst);
    let record = process.until(parked.id, |_| {
        provider.polls.load(std::sync::atomic::Ordering::SeqCst) >= asked + 3
    });
    assert_eq!(record.state, ExecutionState::NeedsDecision);
    assert_eq!(process.balance().unknown_held_nanos, CEILING_NANOS);
}
