//! Orders of what is already running join it; orders of what has ended get its pictures.

use std::time::Duration;

use limn_proto::v1::{
    CancelExecutionRequest, ExecutePlanRequest, ExecutionOrder, ExecutionState, ImageRequest,
    SavePlanRequest, StartExecutionRequest, StepState, execution_event::Event, execution_order::Source,
};

use crate::support::{PARENT, TestServer, World, batch, nanos, order, paid};

fn three_pictures() -> limn_proto::v1::PlanRequest {
    let request = |prompt: &str| ImageRequest {
        prompt: prompt.to_owned(),
        provider: "openai".to_owned(),
        ..ImageRequest::default()
    };
    batch(vec![request("a fox"), request("a wolf"), request("a bear")])
}

/// Orders and says whether the execution was there before.
async fn start(server: &TestServer, order: ExecutionOrder) -> (String, bool) {
    let request = StartExecutionRequest { order: Some(order) };
    let answer = server.executor().start_execution(request).await.unwrap();
    let answer = answer.into_inner();
    (answer.execution.unwrap().name, answer.existing)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_deadline_of_who_joins_ends_its_own_watch_alone() {
    let world = World::new().await;
    let gate = world.hold();
    let server = world.serve().await;
    let plan = server.plan(paid("a red fox in fresh snow")).await;
    let (name, _) = start(&server, order(&plan)).await;
    world.openai.wait_for_calls(1).await;

    let request = ExecutePlanRequest {
        order: Some(order(&plan)),
        ..ExecutePlanRequest::default()
    };
    let mut joined = server
        .executor()
        .execute_plan(request)
        .await
        .unwrap()
        .into_inner();
    let first = joined.message().await.unwrap().unwrap().event.unwrap();
    let Some(Event::Snapshot(execution)) = first.event else {
        panic!("no snapshot first")
    };
    assert_eq!(execution.name, name, "it joined what runs");
    let patience = Duration::from_millis(50);
    let cut = tokio::time::timeout(patience, joined.message()).await;
    assert!(cut.is_err(), "nothing comes while the provider draws: {cut:?}");
    drop(joined);

    gate.open();
    let end = server.watch(&name, None).await;
    assert_eq!(end.last().state(), ExecutionState::Completed);
    assert!(!end.last().cancel_requested);
    assert_eq!(world.openai.calls(), 1);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_by_who_joined_stops_the_execution_for_all() {
    let world = World::new().await;
    let gate = world.hold();
    let server = world.serve().await;
    let plan = server.plan(three_pictures()).await;
    let mut first = order(&plan);
    first.max_concurrency = 1;
    first.request_id = "first".to_owned();
    let mut second = first.clone();
    second.request_id = "second".to_owned();
    let (name, existing) = start(&server, first.clone()).await;
    assert!(!existing);
    world.openai.wait_for_calls(1).await;
    assert_eq!(start(&server, second.clone()).await, (name.clone(), true));

    let watched = server.watch(&name, None);
    let cancelled = async {
        let cancel = CancelExecutionRequest { name: name.clone() };
        server.executor().cancel_execution(cancel).await.unwrap();
        gate.open();
    };
    let (watched, ()) = tokio::join!(watched, cancelled);
    assert_eq!(watched.last().state(), ExecutionState::Cancelled);
    let states: Vec<_> = watched.last().steps.iter().map(|step| step.state()).collect();
    assert_eq!(
        states,
        [StepState::Completed, StepState::Cancelled, StepState::Cancelled]
    );
    assert_eq!(world.openai.calls(), 1);
    // Both request ids stand for what was cancelled.
    for order in [first, second] {
        assert_eq!(start(&server, order).await, (name.clone(), true));
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stored_plan_by_name_is_free_until_a_higher_take() {
    let world = World::new().await;
    let server = world.serve().await;
    let plan = server.plan(three_pictures()).await;
    let save = SavePlanRequest {
        parent: PARENT.to_owned(),
        plan: Some(plan),
    };
    let saved = server.plan_store().save_plan(save).await.unwrap().into_inner();
    let name = saved.stored_plan.unwrap().name;
    let by_name = |request_id: &str, take| ExecutionOrder {
        parent: PARENT.to_owned(),
        source: Some(Source::PlanName(name.clone())),
        request_id: request_id.to_owned(),
        take,
        ..ExecutionOrder::default()
    };

    let mut names = Vec::new();
    for (request_id, take, calls, is_reused) in [
        ("turn-1", 0, 3, false),
        ("turn-2", 0, 3, true),
        ("turn-3", 1, 6, false),
        ("turn-4", 1, 6, true),
        ("turn-5", 0, 6, true),
    ] {
        let run = server.execute(by_name(request_id, take)).await;
        let execution = run.last();
        assert_eq!(execution.state(), ExecutionState::Completed, "{request_id}");
        assert!(
            execution.steps.iter().all(|step| step.reused == is_reused),
            "{request_id}"
        );
        assert_eq!(world.openai.calls(), calls, "{request_id}");
        let total = execution.cost.as_ref().unwrap().total.as_ref();
        assert_eq!(nanos(total) == 0, is_reused, "{request_id}");
        names.push(execution.name.clone());
    }
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 5, "each request is an execution of its own");
    server.stop().await;
}
