//! A server that stops and starts again goes on where it was.

use limn_proto::v1::{ExecutionState, StartExecutionRequest, WatchExecutionRequest};

use futures::StreamExt as _;

use crate::support::{Progress, World, order, paid};

#[tokio::test(flavor = "multi_thread")]
async fn a_graceful_stop_waits_for_the_call_in_flight_and_keeps_its_picture() {
    let world = World::new().await;
    let gate = world.hold();
    let server = world.serve().await;
    let plan = server.plan(paid("a red fox in fresh snow")).await;
    let start = StartExecutionRequest {
        order: Some(order(&plan)),
    };
    let name = server
        .executor()
        .start_execution(start)
        .await
        .unwrap()
        .into_inner()
        .execution
        .unwrap()
        .name;
    world.openai.wait_for_calls(1).await;

    let stopping = tokio::spawn(server.stop());
    gate.open();
    stopping.await.unwrap();

    let server = world.serve().await;
    let request = WatchExecutionRequest {
        name,
        after_sequence: None,
    };
    let stream = server
        .executor()
        .watch_execution(request)
        .await
        .unwrap()
        .into_inner();
    let rest = Progress::read(stream.map(|response| response.map(|response| response.event.unwrap()))).await;
    assert_eq!(rest.last().state(), ExecutionState::Completed);
    assert_eq!(world.openai.calls(), 1);
    assert_eq!(
        server.read_image(&rest.step().image).await.len() as i64,
        server.image(&rest.step().image).await.size_bytes
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_finished_before_a_restart_is_free_after_it() {
    let world = World::new().await;
    let server = world.serve().await;
    let plan = server.plan(paid("a red fox in fresh snow")).await;
    server.execute(order(&plan)).await;
    server.stop().await;

    let server = world.serve().await;
    let again = server.execute(order(&plan)).await;
    assert!(again.step().reused);
    assert_eq!(world.openai.calls(), 1);
    server.stop().await;
}
