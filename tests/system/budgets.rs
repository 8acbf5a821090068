//! Money that runs out: before anything is drawn, and in the middle of it.

use limn_proto::{
    plan::Money,
    v1::{
        Budget, BudgetPeriod, ExecutionState, GetUsageRequest, ImageRequest, StartExecutionRequest,
        StepState, UpdateBudgetRequest, VerifyLedgerRequest, account_service_client::AccountServiceClient,
    },
};
use pbjson_types::FieldMask;
use tonic::{Code, transport::Channel};
use tonic_types::StatusExt as _;

use crate::support::{PARENT, TestServer, World, batch, nanos, order, paid};

fn accounts(server: &TestServer) -> AccountServiceClient<Channel> {
    AccountServiceClient::new(server.channel.clone())
}

/// Limits the budget of the client for a month, or takes the limit away.
pub(crate) async fn limit(server: &TestServer, limit_nanos: Option<i64>) {
    let limit = limit_nanos.map(|nanos| Money {
        currency_code: "USD".to_owned(),
        nanos,
    });
    let request = UpdateBudgetRequest {
        budget: Some(Budget {
            name: format!("{PARENT}/budgets/client"),
            limit,
            period: BudgetPeriod::Month.into(),
            ..Budget::default()
        }),
        update_mask: Some(FieldMask {
            paths: vec!["limit".to_owned(), "period".to_owned()],
        }),
        actor: "ada".to_owned(),
        reason: "a test".to_owned(),
    };
    accounts(server).update_budget(request).await.unwrap();
}

pub(crate) async fn books_are_right(server: &TestServer) {
    let request = VerifyLedgerRequest {
        parent: PARENT.to_owned(),
    };
    let verified = accounts(server)
        .verify_ledger(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(verified.differences, []);
    assert!(verified.executions > 0 && verified.entries > 0, "{verified:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_above_the_budget_is_refused_with_all_that_a_caller_needs_to_know() {
    let world = World::new().await;
    let server = world.serve().await;
    let plan = server.plan(paid("a red fox in fresh snow")).await;
    let expected = nanos(
        plan.spec
            .as_ref()
            .unwrap()
            .cost
            .as_ref()
            .unwrap()
            .expected
            .as_ref(),
    );
    limit(&server, Some(expected - 1)).await;
    let request = StartExecutionRequest {
        order: Some(order(&plan)),
    };
    let refused = server.executor().start_execution(request).await.unwrap_err();

    assert_eq!(refused.code(), Code::ResourceExhausted);
    let details = refused.get_error_details();
    let info = details.error_info().unwrap();
    assert_eq!(info.reason, "BUDGET_EXCEEDED");
    let fact = |name: &str| info.metadata[name].clone();
    assert_eq!(fact("phase"), "start");
    assert_eq!(fact("budget"), "clients/tester/budgets/client");
    assert_eq!(fact("currency"), "USD");
    assert_eq!(fact("limitNanos"), (expected - 1).to_string());
    assert_eq!(fact("committedNanos"), "0");
    assert_eq!(fact("expectedNanos"), expected.to_string());
    assert!(
        fact("resetTime").ends_with("-01T00:00:00Z"),
        "{}",
        fact("resetTime")
    );
    let quota = details.quota_failure().unwrap();
    assert_eq!(quota.violations[0].subject, "clients/tester/budgets/client");
    assert!(details.retry_info().is_none());
    assert_eq!(world.openai.calls(), 0);

    limit(&server, None).await;
    let run = server.execute(order(&plan)).await;
    assert_eq!(run.last().state(), ExecutionState::Completed);
    // A picture that exists costs nothing, so it needs no budget.
    limit(&server, Some(0)).await;
    let again = server.execute(order(&plan)).await;
    assert!(again.step().reused);
    books_are_right(&server).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_budget_that_runs_out_stops_the_rest_and_keeps_what_is_finished() {
    let world = World::new().await;
    let server = world.serve().await;
    let images = ["one hill", "two hills", "three hills"].map(|prompt| ImageRequest {
        prompt: prompt.to_owned(),
        provider: "openai".to_owned(),
        width_px: 1024,
        height_px: 1024,
        ..ImageRequest::default()
    });
    let mut request = batch(images.to_vec());
    request.policy.as_mut().unwrap().max_concurrency = 1;
    let plan = server.plan(request).await;
    let cost = plan.spec.as_ref().unwrap().cost.as_ref().unwrap();
    let ceiling = nanos(cost.lines[1].attempt_ceiling.as_ref());
    let expected = nanos(cost.expected.as_ref());
    limit(&server, Some(expected)).await;
    // It passes the start, and while the first picture is drawn somebody leaves room for that one only.
    let gate = world.hold();
    let name = server.start(order(&plan)).await;
    world.openai.wait_for_calls(1).await;
    limit(&server, Some(ceiling)).await;
    gate.open();
    let run = server.watch(&name, None).await;

    let execution = run.last();
    assert_eq!(execution.state(), ExecutionState::Failed);
    let failure = execution.failure.as_ref().unwrap();
    assert_eq!(failure.reason, "BUDGET_EXCEEDED");
    assert_eq!(failure.metadata["ceilingNanos"], ceiling.to_string());
    assert_eq!(failure.metadata["limitNanos"], ceiling.to_string());
    let spent = nanos(execution.cost.as_ref().unwrap().total.as_ref());
    assert_eq!(failure.metadata["committedNanos"], spent.to_string());
    let states: Vec<StepState> = execution.steps.iter().map(|step| step.state()).collect();
    let completed = states
        .iter()
        .filter(|state| **state == StepState::Completed)
        .count();
    let after: Vec<_> = states.iter().skip(completed).collect();
    assert_eq!(after.first(), Some(&&StepState::Failed), "{states:?}");
    assert!(
        after.iter().skip(1).all(|state| **state == StepState::Skipped),
        "{states:?}"
    );
    assert_eq!((completed, world.openai.calls()), (1, 1));

    let request = GetUsageRequest {
        parent: PARENT.to_owned(),
        ..GetUsageRequest::default()
    };
    let usage = accounts(&server).get_usage(request).await.unwrap().into_inner();
    let total = usage.total.unwrap();
    assert_eq!(
        (total.images, nanos(total.cost.as_ref())),
        (i64::try_from(completed).unwrap(), spent)
    );

    // With more money the rest is drawn, and nothing twice.
    limit(&server, None).await;
    let rest = server.execute(order(&plan)).await;
    assert_eq!(rest.last().state(), ExecutionState::Completed);
    assert_eq!(world.openai.calls(), 3);
    books_are_right(&server).await;
    server.stop().await;
}
