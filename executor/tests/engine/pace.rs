//! Limits of providers: they hold for all steps of all processes, everybody has a turn, and waiting is seen.

use std::{sync::Arc, time::Duration};

use limn_executor::{
    executor::{Executor, Order},
    provider::CapabilityClass,
    providers::Limits,
    records::{
        ExecutionRecord, ExecutionState, StepState, WaitReason, postgres::PostgresRecords,
        sqlite::SqliteRecords,
    },
    testing::scratch_postgres,
};

use crate::{
    scripted::{Act, Scripted},
    studios::{Studio, check_events, executor, follow, plan_of},
    support::{Process, plan, spec},
};

const LIMITS: [(&str, u32); 3] = [("openai", 2), ("stability", 5), ("workshop", 10)];

async fn studios() -> Vec<Studio> {
    let mut studios = Vec::new();
    for (id, limit) in LIMITS {
        studios.push(Studio::open(id, Some(limit), Duration::from_millis(10)).await);
    }
    studios
}

/// All steps are drawn, each by one call, and at no time more of them at once than a provider takes.
async fn check(executor: &Executor, studios: &[Studio], executions: &[ExecutionRecord]) {
    let mut steps = 0;
    for execution in executions {
        assert_eq!(execution.state, ExecutionState::Completed);
        steps += execution.steps.len();
        assert!(
            execution
                .steps
                .iter()
                .all(|step| step.attempts.len() == 1 && step.wait.is_none())
        );
    }
    let calls: u64 = studios.iter().map(|studio| studio.fake.calls()).sum();
    assert_eq!(calls, u64::try_from(steps).unwrap());
    for (studio, (id, limit)) in studios.iter().zip(LIMITS) {
        let most = studio.fake.most_at_once();
        assert!(most <= u64::from(limit), "{most} calls at once at {id}");
        assert!(most > 1, "calls at {id} are not made one by one");
    }
    let (gates, _) = executor.records().gates().await.unwrap();
    for gate in gates {
        assert_eq!(
            (gate.calling, gate.waiting, gate.failures),
            (0, 0, 0),
            "{}",
            gate.provider
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_steps_at_three_providers_stay_within_the_limits_of_each() {
    let folder = tempfile::tempdir().unwrap();
    let studios = studios().await;
    let records = SqliteRecords::open(&folder.path().join("limn.db")).await.unwrap();
    let executor = executor(Arc::new(records), folder.path(), &studios, |settings| settings);
    let targets = LIMITS.each_ref().map(|(id, _)| std::slice::from_ref(id));
    let (big, small) = (plan_of("big", 150, &targets), plan_of("small", 50, &targets));
    let ((big, big_events), (small, small_events)) =
        tokio::join!(follow(&executor, &big), follow(&executor, &small));
    for (events, steps) in [(&big_events, 150), (&small_events, 50)] {
        let waits = check_events(events);
        assert!(waits > 0, "nobody was told of a wait");
        // A wait is told each time that it has lasted twice as long.
        assert!(waits <= steps * 16, "{waits} notes about {steps} steps");
    }
    check(&executor, &studios, &[big, small]).await;
    executor.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_steps_of_two_processes_share_the_limits_of_three_providers() {
    let Some(url) = scratch_postgres().await else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let studios = studios().await;
    let open = async || Arc::new(PostgresRecords::open(&url, 4).await.unwrap());
    let one = executor(open().await, folder.path(), &studios, |settings| settings);
    let other = executor(open().await, folder.path(), &studios, |settings| settings);
    let targets = LIMITS.each_ref().map(|(id, _)| std::slice::from_ref(id));
    let (here, there) = (plan_of("here", 120, &targets), plan_of("there", 80, &targets));
    let ((here, events_here), (there, events_there)) =
        tokio::join!(follow(&one, &here), follow(&other, &there));
    check_events(&events_here);
    check_events(&events_there);
    check(&one, &studios, &[here, there]).await;
    one.shutdown().await;
    other.shutdown().await;
}

fn one_at_once() -> [(&'static str, Limits); 1] {
    let limits = Limits {
        max_concurrency: Some(1),
        calls_per_minute: None,
    };
    [("first", limits)]
}

#[test]
fn a_wait_is_seen_and_a_cancel_ends_it_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let provider = Scripted::new("first", CapabilityClass::D);
    provider.script([Act::Hold]);
    let process = Process::start_limited(folder.path(), &[Arc::clone(&provider)], &one_at_once(), |s| s);
    let mut wide = spec(3, &["first"]);
    wide.policy.as_mut().unwrap().max_concurrency = 3;
    let executor = &process.executor;
    let submitted = process
        .block_on(executor.submit(&plan(&wide), &Order::default()))
        .unwrap();
    let id = submitted.execution.id;
    let waiting = process.until(id, |now| {
        now.steps.iter().filter(|step| step.wait.is_some()).count() == 2
    });
    let mut positions = Vec::new();
    for step in waiting.steps.iter().filter(|step| step.wait.is_some()) {
        assert!(
            step.attempts.is_empty(),
            "nothing is prepared for a step that waits"
        );
        let wait = step.wait.as_ref().unwrap();
        assert_eq!(
            (wait.reason, wait.provider.as_str(), wait.attempt),
            (WaitReason::Concurrency, "first", 1)
        );
        positions.push(wait.position);
    }
    assert_eq!(positions, [1, 2]);
    assert_eq!(
        waiting.cost.reserved_nanos,
        waiting.steps[0].attempts[0].ceiling_nanos
    );

    process.block_on(executor.cancel("tester", id)).unwrap();
    let count = |now: &ExecutionRecord, state| now.steps.iter().filter(|step| step.state == state).count();
    // The call that is held is still in progress.
    process.until(id, |now| count(now, StepState::Cancelled) == 2);
    assert_eq!(provider.calls(), 1);
    provider.gate.add_permits(1);
    let ended = process.until(id, |now| now.state.is_terminal());
    assert_eq!(count(&ended, StepState::Completed), 1, "what was paid is kept");
    let (gates, _) = process.block_on(executor.records().gates()).unwrap();
    assert_eq!((gates[0].calling, gates[0].waiting), (0, 0));
}

#[test]
fn a_big_execution_does_not_keep_a_small_one_waiting() {
    let folder = tempfile::tempdir().unwrap();
    let provider = Scripted::new("first", CapabilityClass::D);
    provider.script(std::iter::repeat_n(Act::Hold, 9));
    let process = Process::start_limited(folder.path(), &[Arc::clone(&provider)], &one_at_once(), |s| s);
    let mut big = spec(8, &["first"]);
    big.policy.as_mut().unwrap().max_concurrency = 8;
    let mut small = spec(1, &["first"]);
    small.steps[0].targets[0].prompt = "a small one".to_owned();
    let submit = |spec| {
        let order = Order::default();
        let plan = plan(spec);
        let submitted = process.executor.submit(&plan, &order);
        process.block_on(submitted).unwrap().execution.id
    };
    let big = submit(&big);
    let waits = |now: &ExecutionRecord| now.steps.iter().filter(|step| step.wait.is_some()).count();
    process.until(big, |now| waits(now) == 7);
    let small = submit(&small);
    process.until(small, |now| waits(now) == 1);

    provider.gate.add_permits(3);
    let drawn = process.until(small, |now| now.state.is_terminal());
    assert_eq!(drawn.state, ExecutionState::Completed);
    let seen = process.until(big, |_| true);
    let completed = seen
        .steps
        .iter()
        .filter(|step| step.state == StepState::Completed);
    assert!(
        completed.count() <= 2,
        "it came after the call in progress and at most one more"
    );
    provider.gate.add_permits(6);
    let ended = process.until(big, |now| now.state.is_terminal());
    assert_eq!(ended.state, ExecutionState::Completed);
}

#[test]
fn no_more_calls_begin_in_a_minute_than_the_provider_takes() {
    let folder = tempfile::tempdir().unwrap();
    let provider = Scripted::new("first", CapabilityClass::D);
    let limits = Limits {
        max_concurrency: None,
        calls_per_minute: Some(2),
    };
    let process = Process::start_limited(
        folder.path(),
        &[Arc::clone(&provider)],
        &[("first", limits)],
        |s| s,
    );
    let mut wide = spec(3, &["first"]);
    wide.policy.as_mut().unwrap().max_concurrency = 3;
    let submitted = process.block_on(process.executor.submit(&plan(&wide), &Order::default()));
    let id = submitted.unwrap().execution.id;
    let seen = process.until(id, |now| now.steps.iter().any(|step| step.wait.is_some()));
    let wait = seen.steps.iter().find_map(|step| step.wait.as_ref()).unwrap();
    assert_eq!((wait.reason, wait.position), (WaitReason::Rate, 1));
    assert!(wait.until.unwrap() > wait.since, "it is known how long");
    process.until(id, |now| {
        now.steps
            .iter()
            .filter(|step| step.state == StepState::Completed)
            .count()
            == 2
    });
    assert_eq!(provider.calls(), 2);
    process.block_on(process.executor.cancel("tester", id)).unwrap();
    process.until(id, |now| now.state == ExecutionState::Cancelled);
    assert_eq!(provider.calls(), 2);
}

#[test]
fn a_crash_gives_turns_back() {
    let folder = tempfile::tempdir().unwrap();
    let provider = Scripted::new("first", CapabilityClass::C);
    provider.script([Act::Job(u32::MAX - 1)]);
    let start = || Process::start_limited(folder.path(), &[Arc::clone(&provider)], &one_at_once(), |s| s);
    let process = start();
    let submitted = process.block_on(
        process
            .executor
            .submit(&plan(&spec(2, &["first"])), &Order::default()),
    );
    let id = submitted.unwrap().execution.id;
    let accepted = |now: &ExecutionRecord| {
        now.steps[0]
            .attempts
            .iter()
            .any(|attempt| !attempt.job_id.is_empty())
    };
    process.until(id, accepted);
    process.crash();

    // The job goes on and counts again, so that another one waits for it.
    let process = start();
    let mut other = spec(1, &["first"]);
    other.steps[0].targets[0].prompt = "another one".to_owned();
    let calling = async || {
        let gates = process.executor.records().gates().await.unwrap().0;
        gates.first().map(|gate| gate.calling)
    };
    process.block_on(async {
        while calling().await != Some(1) {
            tokio::task::yield_now().await;
        }
    });
    let submitted = process.block_on(process.executor.submit(&plan(&other), &Order::default()));
    let second = submitted.unwrap().execution.id;
    process.until(second, |now| now.steps[0].wait.is_some());
    assert_eq!(provider.calls(), 1);
    for id in [second, id] {
        process.block_on(process.executor.cancel("tester", id)).unwrap();
    }
    process.until(second, |now| now.state == ExecutionState::Cancelled);
}
