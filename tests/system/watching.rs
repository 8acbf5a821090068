//! Progress survives its readers.

use limn_proto::v1::{ExecutionState, WatchExecutionRequest, execution_event::Event};

use crate::support::{World, order, paid, reason};

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_begins_and_ends_with_a_snapshot_and_its_sequences_have_no_gaps() {
    let world = World::new().await;
    let server = world.serve().await;
    let plan = server.plan(paid("a red fox in fresh snow")).await;

    let run = server.execute(order(&plan)).await;

    assert!(matches!(run.events[0].event, Some(Event::Snapshot(_))));
    let mut sequence = run.events[0].sequence;
    for delta in run.deltas() {
        sequence += 1;
        assert_eq!(delta.sequence, sequence);
    }
    assert_eq!(run.last().last_sequence, sequence);
    assert_eq!(run.last().state(), ExecutionState::Completed);
    let whole = server.watch(&run.last().name, Some(0)).await;
    let kinds: Vec<_> = whole
        .deltas()
        .iter()
        .map(|event| std::mem::discriminant(event.event.as_ref().unwrap()))
        .collect();
    for kind in [
        Event::StepChanged(Default::default()),
        Event::AttemptChanged(Default::default()),
        Event::CostChanged(Default::default()),
        Event::StateChanged(Default::default()),
    ] {
        assert!(kinds.contains(&std::mem::discriminant(&kind)), "no {kind:?}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn watching_from_a_sequence_gives_exactly_what_follows_and_the_last_snapshot() {
    let world = World::new().await;
    let server = world.serve().await;
    let plan = server.plan(paid("a red fox in fresh snow")).await;
    let name = server.execute(order(&plan)).await.last().name.clone();
    let whole = server.watch(&name, Some(0)).await;
    let last = whole.last().last_sequence;
    assert_eq!(whole.deltas().len() as u64, last);

    for after in 0..=last {
        let rest = server.watch(&name, Some(after)).await;
        let expected: Vec<_> = whole
            .deltas()
            .into_iter()
            .filter(|event| event.sequence > after)
            .collect();
        assert_eq!(rest.deltas(), expected);
        assert_eq!(
            rest.events.len(),
            expected.len() + 1,
            "the events and one snapshot"
        );
        assert_eq!(rest.last(), whole.last());
    }

    let request = WatchExecutionRequest {
        name,
        after_sequence: Some(last + 1),
        ..WatchExecutionRequest::default()
    };
    let mut past = server
        .executor()
        .watch_execution(request)
        .await
        .unwrap()
        .into_inner();
    let refused = past.message().await.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (tonic::Code::OutOfRange, "CURSOR_OUT_OF_RANGE")
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_dies_in_mid_stream_loses_nothing() {
    let world = World::new().await;
    let gate = world.hold();
    let server = world.serve().await;
    let plan = server.plan(paid("a red fox in fresh snow")).await;

    let request = limn_proto::v1::ExecutePlanRequest {
        order: Some(order(&plan)),
        ..limn_proto::v1::ExecutePlanRequest::default()
    };
    let mut stream = server
        .executor()
        .execute_plan(request)
        .await
        .unwrap()
        .into_inner();
    let first = stream.message().await.unwrap().unwrap().event.unwrap();
    let Some(Event::Snapshot(execution)) = first.event else {
        panic!("no snapshot first")
    };
    world.openai.wait_for_calls(1).await;
    drop(stream);
    gate.open();

    let rest = server.watch(&execution.name, Some(first.sequence)).await;
    assert_eq!(rest.last().state(), ExecutionState::Completed);
    assert_eq!(world.openai.calls(), 1);
    let sequences: Vec<u64> = rest.deltas().iter().map(|event| event.sequence).collect();
    let expected: Vec<u64> = (first.sequence + 1..=rest.last().last_sequence).collect();
    assert_eq!(sequences, expected);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_during_a_paid_call_keeps_the_picture() {
    let world = World::new().await;
    let gate = world.hold();
    let server = world.serve().await;
    let request = |prompt: &str| limn_proto::v1::ImageRequest {
        prompt: prompt.to_owned(),
        provider: "openai".to_owned(),
        ..Default::default()
    };
    let batch = crate::support::batch(vec![request("a fox"), request("a wolf"), request("a bear")]);
    let mut order = order(&server.plan(batch).await);
    order.max_concurrency = 1;
    let name = server.start(order).await;
    world.openai.wait_for_calls(1).await;

    let cancel = || limn_proto::v1::CancelExecutionRequest { name: name.clone() };
    let cancelled = server
        .executor()
        .cancel_execution(cancel())
        .await
        .unwrap()
        .into_inner()
        .execution
        .unwrap();
    assert_eq!(cancelled.state(), ExecutionState::Cancelling);
    gate.open();

    let end = server.watch(&name, None).await;
    assert_eq!(end.last().state(), ExecutionState::Cancelled);
    assert_eq!(end.last().failure.as_ref().unwrap().reason, "CANCELLED_BY_CLIENT");
    let states: Vec<_> = end.last().steps.iter().map(|step| step.state()).collect();
    use limn_proto::v1::StepState::{Cancelled, Completed};
    assert_eq!(states, [Completed, Cancelled, Cancelled]);
    assert_eq!(world.openai.calls(), 1);
    let again = server
        .executor()
        .cancel_execution(cancel())
        .await
        .unwrap()
        .into_inner()
        .execution
        .unwrap();
    assert_eq!(&again, end.last());
    server.stop().await;
}
