//! A server that stops and starts again goes on where it was.

use limn_proto::v1::ExecutionState;

use crate::support::{World, order, paid};

#[tokio::test(flavor = "multi_thread")]
async fn a_graceful_stop_waits_for_the_call_in_flight_and_keeps_its_picture() {
    let world = World::new().await;
    let gate = world.hold();
    let server = world.serve().await;
    let plan = server.plan(paid("a red fox in fresh snow")).await;
    let name = server.start(order(&plan)).await;
    world.openai.wait_for_calls(1).await;

    let stopping = tokio::spawn(server.stop());
    gate.open();
    stopping.await.unwrap();

    let server = world.serve().await;
    let rest = server.watch(&name, None).await;
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
