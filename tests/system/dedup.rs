//! Nobody pays twice for the same picture.

use futures::future::join_all;
use limn_proto::v1::{ExecutionState, ImageRequest, StepState};

use crate::support::{World, batch, nanos, order, paid, reason};

#[tokio::test(flavor = "multi_thread")]
async fn the_same_plan_twice_is_one_provider_call_and_the_second_is_free() {
    let world = World::new().await;
    let server = world.serve().await;
    let plan = server.plan(paid("a red fox in fresh snow")).await;

    let first = server.execute(order(&plan)).await;
    let second = server.execute(order(&plan)).await;

    assert_eq!(first.last().state(), ExecutionState::Completed);
    assert_eq!(second.last().state(), ExecutionState::Completed);
    assert_ne!(first.last().name, second.last().name);
    assert_eq!(world.openai.calls(), 1);
    assert!(!first.step().reused);
    assert!(second.step().reused);
    let first_cost = first.last().cost.clone().unwrap();
    assert!(nanos(first_cost.total.as_ref()) > 0 && first_cost.r#final);
    let second_cost = second.last().cost.clone().unwrap();
    assert_eq!(nanos(second_cost.total.as_ref()), 0);

    let (first_image, second_image) = (
        server.image(&first.step().image).await,
        server.image(&second.step().image).await,
    );
    assert_ne!(first_image.name, second_image.name);
    assert_eq!(first_image.stored_sha256, second_image.stored_sha256);
    assert_eq!(first_image.storage_key, second_image.storage_key);
    assert!(second_image.reused);
    assert_eq!(nanos(second_image.generation_cost.as_ref()), 0);
    assert_eq!(world.blobs("clients/").len(), 2, "one picture and one thumbnail");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_higher_take_draws_again_and_the_same_take_does_not() {
    let world = World::new().await;
    let server = world.serve().await;
    let plan = server.plan(paid("a red fox in fresh snow")).await;
    server.execute(order(&plan)).await;

    let mut second_take = order(&plan);
    second_take.take = 1;
    let drawn = server.execute(second_take.clone()).await;
    let repeated = server.execute(second_take).await;

    assert_eq!(world.openai.calls(), 2);
    assert!(!drawn.step().reused);
    assert!(repeated.step().reused);
    assert_eq!(drawn.last().take, 1);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_id_is_one_execution_and_refused_for_another_order() {
    let world = World::new().await;
    let server = world.serve().await;
    let plan = server.plan(paid("a red fox in fresh snow")).await;
    let other = server.plan(paid("a grey wolf in fresh snow")).await;
    let mut first = order(&plan);
    first.request_id = "agent-7/turn-3".to_owned();

    let name = server.execute(first.clone()).await.last().name.clone();
    assert_eq!(server.execute(first.clone()).await.last().name, name);

    for mut changed in [order(&other), {
        let mut taken = order(&plan);
        taken.take = 1;
        taken
    }] {
        changed.request_id.clone_from(&first.request_id);
        let request = limn_proto::v1::StartExecutionRequest { order: Some(changed) };
        let refused = server.executor().start_execution(request).await.unwrap_err();
        assert_eq!(reason(&refused), "REQUEST_ID_REUSED");
        assert_eq!(refused.code(), tonic::Code::InvalidArgument);
    }
    assert_eq!(world.openai.calls(), 1);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn thirty_two_callers_of_one_plan_at_once_are_one_provider_call_with_equal_results() {
    let world = World::new().await;
    let server = world.serve().await;
    let plan = server.plan(paid("a red fox in fresh snow")).await;

    let runs = join_all((0..32).map(|_| server.execute(order(&plan)))).await;

    assert_eq!(world.openai.calls(), 1);
    let mut contents = Vec::new();
    for run in &runs {
        assert_eq!(run.last().state(), ExecutionState::Completed);
        contents.push(server.image(&run.step().image).await.stored_sha256);
    }
    contents.dedup();
    assert_eq!(contents.len(), 1);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn different_plans_that_need_the_same_picture_share_one_call() {
    let world = World::new().await;
    let server = world.serve().await;
    // Labels change the plan and not the picture.
    let plans = join_all((0..8).map(|number| {
        let mut request = paid("a red fox in fresh snow");
        request.labels.insert("caller".to_owned(), number.to_string());
        server.plan(request)
    }))
    .await;
    let runs = join_all(plans.iter().map(|plan| server.execute(order(plan)))).await;

    assert_eq!(world.openai.calls(), 1);
    assert_eq!(runs.iter().filter(|run| !run.step().reused).count(), 1);
    assert!(
        runs.iter()
            .all(|run| run.last().state() == ExecutionState::Completed)
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn equal_prompts_of_one_batch_are_different_pictures_with_bounded_concurrency() {
    let world = World::new().await;
    let server = world.serve().await;
    let request = |prompt: &str| ImageRequest {
        prompt: prompt.to_owned(),
        provider: "openai".to_owned(),
        ..ImageRequest::default()
    };
    let mut order = order(&server.plan(batch(vec![request("a red fox"); 6])).await);
    order.max_concurrency = 2;

    let run = server.execute(order).await;

    assert_eq!(run.last().state(), ExecutionState::Completed);
    assert!(
        run.last()
            .steps
            .iter()
            .all(|step| step.state() == StepState::Completed)
    );
    assert_eq!(world.openai.calls(), 6);
    assert!(
        world.openai.most_at_once() <= 2,
        "{} calls at once",
        world.openai.most_at_once()
    );
    server.stop().await;
}
