//! A call whose outcome nobody knows, and the people who decide about it.

use std::time::Duration;

use limn_executor::{
    clock::{Clock as _, SystemClock},
    executor::Settings,
    ids::{BootId, IdSource as _, TimeOrderedIds},
    records::{
        ExecutionFilter, FollowUp, Page, RecordStore as _, Resolution, Resolved, Verdict,
        sqlite::SqliteRecords,
    },
};
use limn_fakes::Case;
use limn_proto::{
    plan::Money,
    v1::{
        Attempt, AttemptResolution, AttemptState, Execution, ExecutionState, GetExecutionRequest,
        ResolutionFollowUp, ResolveAttemptRequest, StepState, UnparkExecutionRequest,
    },
};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::support::{TestServer, World, nanos, order, paid, reason, violations};

/// An execution that is parked on its only call.
struct Parked {
    execution: Execution,
    attempt: Attempt,
}

impl Parked {
    async fn new(world: &World, server: &TestServer) -> Self {
        world.openai.next(Case::Disconnect);
        let plan = server.plan(paid("a red fox in fresh snow")).await;
        let run = server.execute(order(&plan)).await;
        let execution = run.last().clone();
        assert_eq!(execution.state(), ExecutionState::NeedsDecision);
        let attempt = run.step().attempts[0].clone();
        assert_eq!(attempt.state(), AttemptState::Unknown);
        assert_eq!(attempt.held, attempt.ceiling);
        Self { execution, attempt }
    }

    fn ceiling(&self) -> i64 {
        nanos(self.attempt.ceiling.as_ref())
    }

    fn resolution(
        &self,
        resolution: AttemptResolution,
        follow_up: ResolutionFollowUp,
    ) -> ResolveAttemptRequest {
        ResolveAttemptRequest {
            name: self.execution.name.clone(),
            attempt_id: self.attempt.attempt_id.clone(),
            resolution: resolution.into(),
            cost: None,
            follow_up: follow_up.into(),
            actor: "ada".to_owned(),
            reason: "the dashboard shows nothing".to_owned(),
        }
    }
}

async fn resolve(server: &TestServer, request: ResolveAttemptRequest) -> Result<Execution, Status> {
    let answer = server.executor().resolve_attempt(request).await?;
    Ok(answer.into_inner().execution.unwrap())
}

fn usd(nanos: i64) -> Option<Money> {
    Some(Money {
        currency_code: "USD".to_owned(),
        nanos,
    })
}

/// What was spent, reserved and held.
fn money(execution: &Execution) -> [i64; 3] {
    let cost = execution.cost.as_ref().unwrap();
    [&cost.total, &cost.reserved, &cost.unknown_held].map(|money| nanos(money.as_ref()))
}

/// Stops the server and reads its books.
async fn books_are_right(world: &World, server: TestServer, spent_nanos: i64, held_nanos: i64) {
    server.stop().await;
    let records = SqliteRecords::open(&world.folder().join("limn.db"))
        .await
        .unwrap();
    let balances = records.balances().await.unwrap();
    assert_eq!(balances, records.ledger_sums().await.unwrap());
    assert!(balances.len() <= 1, "{balances:?}");
    let balance = balances.into_values().next().unwrap_or_default();
    assert_eq!(
        (
            balance.spent_nanos,
            balance.reserved_nanos,
            balance.unknown_held_nanos
        ),
        (spent_nanos, 0, held_nanos)
    );
    records.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_billed_is_drawn_again_and_paid_once() {
    let world = World::new().await;
    let server = world.serve().await;
    let parked = Parked::new(&world, &server).await;
    assert_eq!(money(&parked.execution), [0, 0, parked.ceiling()]);

    let request = parked.resolution(AttemptResolution::NotCharged, ResolutionFollowUp::Retry);
    let decided = resolve(&server, request.clone()).await.unwrap();
    let attempt = &decided.steps[0].attempts[0];
    assert_eq!(attempt.state(), AttemptState::Rejected);
    assert_eq!(attempt.resolution_actor, "ada");
    assert_eq!(attempt.resolution_reason, "the dashboard shows nothing");

    let run = server
        .watch(&parked.execution.name, Some(decided.last_sequence))
        .await;
    let completed = run.last();
    assert_eq!(completed.state(), ExecutionState::Completed);
    assert_eq!((world.openai.calls(), completed.steps[0].attempts.len()), (2, 2));
    let [paid, 0, 0] = money(completed) else {
        panic!("something is still open: {:?}", completed.cost);
    };
    assert!(paid > 0 && completed.cost.as_ref().unwrap().r#final);
    assert_eq!(completed.cost.as_ref().unwrap().lines.len(), 1);

    // The same decision again, after everything: nothing is sent and nothing moves.
    let again = resolve(&server, request).await.unwrap();
    assert_eq!(&again, completed);
    assert_eq!(world.openai.calls(), 2);
    books_are_right(&world, server, paid, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_billed_is_settled_and_its_step_fails() {
    for cost in [None, Some(7_000_000)] {
        let world = World::new().await;
        let server = world.serve().await;
        let parked = Parked::new(&world, &server).await;
        let mut request = parked.resolution(AttemptResolution::Charged, ResolutionFollowUp::Fail);
        request.cost = cost.and_then(usd);
        let decided = resolve(&server, request.clone()).await.unwrap();
        let run = server
            .watch(&parked.execution.name, Some(decided.last_sequence))
            .await;

        assert_eq!(run.last().state(), ExecutionState::Failed);
        assert_eq!(run.step().state(), StepState::Failed);
        assert_eq!(run.step().failure.as_ref().unwrap().reason, "OUTCOME_UNKNOWN");
        let attempt = &run.step().attempts[0];
        assert_eq!(
            (attempt.state(), attempt.cost_estimated),
            (AttemptState::WrittenOff, cost.is_none())
        );
        let bill = cost.unwrap_or(parked.ceiling());
        assert_eq!(money(run.last()), [bill, 0, 0]);
        assert_eq!(world.openai.calls(), 1, "nothing is sent again");

        let other = parked.resolution(AttemptResolution::NotCharged, ResolutionFollowUp::Retry);
        let refused = resolve(&server, other).await.unwrap_err();
        assert_eq!(
            (refused.code(), reason(&refused).as_str()),
            (Code::FailedPrecondition, "ATTEMPT_NOT_UNKNOWN")
        );
        let facts = refused.get_details_error_info().unwrap().metadata;
        assert_eq!(facts["state"], "ATTEMPT_STATE_WRITTEN_OFF");
        assert_eq!(resolve(&server, request).await.unwrap(), *run.last());
        books_are_right(&world, server, bill, 0).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_decisions_at_once_one_counts() {
    let world = World::new().await;
    let server = world.serve().await;
    let parked = Parked::new(&world, &server).await;
    let retry = parked.resolution(AttemptResolution::NotCharged, ResolutionFollowUp::Retry);
    let fail = parked.resolution(AttemptResolution::Charged, ResolutionFollowUp::Fail);
    let requests =
        [&retry, &fail, &retry, &fail, &retry, &fail].map(|request| resolve(&server, request.clone()));
    let answers = futures::future::join_all(requests).await;
    let [retried, failed] = [0, 1].map(|first| {
        let of_kind = answers.iter().skip(first).step_by(2);
        of_kind.filter(|answer| answer.is_ok()).count()
    });
    assert!([(3, 0), (0, 3)].contains(&(retried, failed)), "{answers:?}");
    let refused = answers.iter().filter_map(|answer| answer.as_ref().err());
    assert!(
        refused
            .into_iter()
            .all(|status| reason(status) == "ATTEMPT_NOT_UNKNOWN")
    );

    let run = server.watch(&parked.execution.name, None).await;
    let spent = if retried > 0 {
        assert_eq!(run.last().state(), ExecutionState::Completed);
        money(run.last())[0]
    } else {
        assert_eq!(run.last().state(), ExecutionState::Failed);
        parked.ceiling()
    };
    assert_eq!(world.openai.calls(), if retried > 0 { 2 } else { 1 });
    books_are_right(&world, server, spent, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bill_of_a_refusal_is_decided_after_the_end() {
    let world = World::new().await;
    world.openai.next(Case::Refusal("moderation of the picture"));
    let server = world.serve().await;
    let plan = server.plan(paid("a red fox in fresh snow")).await;
    let run = server.execute(order(&plan)).await;
    assert_eq!(run.last().state(), ExecutionState::Failed);
    let parked = Parked {
        execution: run.last().clone(),
        attempt: run.step().attempts[0].clone(),
    };
    assert_eq!(money(&parked.execution), [0, 0, parked.ceiling()]);

    let request = parked.resolution(AttemptResolution::NotCharged, ResolutionFollowUp::Unspecified);
    let decided = resolve(&server, request).await.unwrap();
    assert_eq!(money(&decided), [0, 0, 0]);
    assert_eq!(
        (decided.state(), decided.last_sequence),
        (ExecutionState::Failed, parked.execution.last_sequence)
    );
    books_are_right(&world, server, 0, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_is_checked_as_a_whole_and_strangers_learn_nothing() {
    let world = World::new().await;
    let server = world.serve().await;
    let parked = Parked::new(&world, &server).await;
    let wrong = ResolveAttemptRequest {
        name: "executions/1".to_owned(),
        attempt_id: "1".to_owned(),
        follow_up: 99,
        reason: "x".repeat(1025),
        ..ResolveAttemptRequest::default()
    };
    let refused = resolve(&server, wrong).await.unwrap_err();
    let fields: Vec<String> = violations(&refused).into_iter().map(|(field, _)| field).collect();
    assert_eq!(
        fields,
        ["name", "attempt_id", "resolution", "follow_up", "actor", "reason"]
    );

    let right = parked.resolution(AttemptResolution::Charged, ResolutionFollowUp::Fail);
    let stranger = parked.execution.name.replace("tester", "stranger");
    let nothing = "clients/stranger/executions/01900000-0000-7000-8000-000000000000".to_owned();
    let mut told = Vec::new();
    for name in [stranger.clone(), nothing.clone()] {
        for cost in [None, usd(1)] {
            let refused = resolve(
                &server,
                ResolveAttemptRequest {
                    name: name.clone(),
                    cost,
                    ..right.clone()
                },
            )
            .await
            .unwrap_err();
            told.push((
                refused.code(),
                reason(&refused),
                refused.message().replace(&name, "it"),
            ));
        }
    }
    assert_eq!(
        (told[0].0, told[0].1.as_str()),
        (Code::NotFound, "EXECUTION_NOT_FOUND")
    );
    assert!(
        told.iter().all(|one| one == &told[0]),
        "existence is no secret that leaks: {told:?}"
    );

    type Change = fn(&mut ResolveAttemptRequest);
    let cases: [(Change, &str, &str); 5] = [
        (
            |request| request.attempt_id = uuid_of_nobody(),
            "ATTEMPT_NOT_FOUND",
            "",
        ),
        (|request| request.follow_up = 0, "INVALID_REQUEST", "follow_up"),
        (|request| request.cost = usd(-1), "INVALID_REQUEST", "cost.nanos"),
        (
            |request| {
                request.cost = Some(Money {
                    currency_code: "EUR".to_owned(),
                    nanos: 1,
                });
            },
            "INVALID_REQUEST",
            "cost.currency_code",
        ),
        (
            |request| {
                request.resolution = AttemptResolution::NotCharged.into();
                request.cost = usd(1);
            },
            "INVALID_REQUEST",
            "cost",
        ),
    ];
    for (change, expected, field) in cases {
        let mut request = right.clone();
        change(&mut request);
        let refused = resolve(&server, request).await.unwrap_err();
        assert_eq!(reason(&refused), expected, "{refused:?}");
        if !field.is_empty() {
            assert_eq!(violations(&refused)[0].0, field);
        }
    }
    assert_eq!(world.openai.calls(), 1);
    books_are_right(&world, server, 0, parked.ceiling()).await;
}

fn uuid_of_nobody() -> String {
    "01900000-0000-7000-8000-000000000000".to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_execution_that_waits_for_a_decision_is_not_unparked() {
    let world = World::new().await;
    let server = world.serve().await;
    let parked = Parked::new(&world, &server).await;
    let unpark = async |name: &str, actor: &str| {
        let request = UnparkExecutionRequest {
            name: name.to_owned(),
            actor: actor.to_owned(),
            reason: "the disk is mended".to_owned(),
        };
        server.executor().unpark_execution(request).await.unwrap_err()
    };
    let name = &parked.execution.name;
    let refused = unpark(name, "ada").await;
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::FailedPrecondition, "EXECUTION_NOT_PARKED")
    );
    let facts = refused.get_details_error_info().unwrap().metadata;
    assert_eq!(facts["state"], "EXECUTION_STATE_NEEDS_DECISION");
    let stranger = unpark(&name.replace("tester", "stranger"), "ada").await;
    assert_eq!(reason(&stranger), "EXECUTION_NOT_FOUND");
    let nobody = unpark("x", " ").await;
    let fields: Vec<String> = violations(&nobody).into_iter().map(|(field, _)| field).collect();
    assert_eq!(fields, ["name", "actor"]);
    server.stop().await;
}

/// The processes that run it die again and again, until somebody has mended what they died of.
#[tokio::test(flavor = "multi_thread")]
async fn an_execution_whose_processes_died_goes_on_when_it_is_unparked() {
    let world = World::new().await;
    let server = world.serve().await;
    let parked = Parked::new(&world, &server).await;
    let name = &parked.execution.name;
    server.stop().await;
    let records = SqliteRecords::open(&world.folder().join("limn.db"))
        .await
        .unwrap();
    let page = Page {
        limit: 1,
        after: None,
    };
    let listed = records
        .executions("tester", &ExecutionFilter::default(), &page)
        .await;
    let lost = listed.unwrap().remove(0);
    let redraw = Resolution {
        client: "tester".to_owned(),
        execution: lost.id,
        attempt: lost.steps[0].attempts[0].id,
        verdict: Verdict::NotCharged,
        follow_up: Some(FollowUp::Retry),
        actor: "ada".to_owned(),
        reason: "the dashboard shows nothing".to_owned(),
        audit_id: TimeOrderedIds.next(),
        now: SystemClock.now(),
    };
    let decided = records.resolve_attempt(&redraw).await.unwrap();
    assert!(matches!(decided, Resolved::Done(_)), "{decided:?}");
    for _ in 0..=Settings::default().max_crashes {
        let boot = BootId(TimeOrderedIds.next());
        let claims = records.claim(boot, Duration::from_secs(30), 1, &[]).await;
        assert_eq!(claims.unwrap().len(), 1);
        records.expire_leases().await.unwrap();
    }
    records.close().await;

    let server = world.serve().await;
    let request = GetExecutionRequest { name: name.clone() };
    let poisoned = loop {
        let answer = server.executor().get_execution(request.clone()).await.unwrap();
        let execution = answer.into_inner().execution.unwrap();
        if execution.state() == ExecutionState::NeedsDecision {
            break execution;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(poisoned.failure.unwrap().reason, "EXECUTION_POISONED");
    assert_eq!(world.openai.calls(), 1, "nobody draws it");

    let request = UnparkExecutionRequest {
        name: name.clone(),
        actor: "ada".to_owned(),
        reason: "the disk is mended".to_owned(),
    };
    let answer = server.executor().unpark_execution(request.clone()).await.unwrap();
    let unparked = answer.into_inner().execution.unwrap();
    assert_eq!(unparked.failure, None);
    let run = server.watch(name, Some(unparked.last_sequence)).await;
    assert_eq!(run.last().state(), ExecutionState::Completed);
    assert_eq!(world.openai.calls(), 2);
    let again = server.executor().unpark_execution(request).await.unwrap_err();
    assert_eq!(reason(&again), "EXECUTION_NOT_PARKED");
    let [paid, 0, 0] = money(run.last()) else {
        panic!("something is still open: {:?}", run.last().cost);
    };
    books_are_right(&world, server, paid, 0).await;
}
