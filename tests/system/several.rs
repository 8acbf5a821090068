//! Several servers on one Postgres: any of them answers for all of them.

use std::io::{Read as _, Write as _};

use limn_proto::v1::{
    CancelExecutionRequest, ExecutePlanRequest, ExecutionState, ImageRequest, IssueImageUrlsRequest,
    ListImagesRequest, PlanRequest, execution_event::Event,
};
use tonic::Code;

use crate::support::{PARENT, World, batch, order, paid, reason};

/// So many paid pictures, one after the other.
fn row(prompts: &[&str]) -> PlanRequest {
    let image = |prompt: &&str| ImageRequest {
        prompt: (*prompt).to_owned(),
        provider: "openai".to_owned(),
        width_px: 1024,
        height_px: 1024,
        ..ImageRequest::default()
    };
    let mut request = batch(prompts.iter().map(image).collect());
    request.policy.as_mut().unwrap().max_concurrency = 1;
    request
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_at_another_server_sees_the_whole_history() {
    let Some(world) = World::on_postgres().await else {
        return;
    };
    let gate = world.hold();
    let one = world.serve().await;
    let plan = one.plan(row(&["a red fox", "a blue fox"])).await;
    let name = one.start(order(&plan)).await;
    world.openai.wait_for_calls(1).await;
    let other = world.serve().await;
    let watching = tokio::spawn(async move {
        let progress = other.watch(&name, Some(0)).await;
        (other, progress)
    });
    gate.open();
    let (other, elsewhere) = watching.await.unwrap();
    let last = elsewhere.last();
    assert_eq!(last.state(), ExecutionState::Completed);
    let sequences: Vec<u64> = elsewhere.deltas().iter().map(|event| event.sequence).collect();
    assert_eq!(sequences, (1..=last.last_sequence).collect::<Vec<_>>());
    let here = one.watch(&last.name, Some(0)).await;
    assert_eq!(here.deltas(), elsewhere.deltas());
    one.stop().await;
    other.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_at_another_server_stops_the_run_and_keeps_what_is_paid() {
    let Some(world) = World::on_postgres().await else {
        return;
    };
    let gate = world.hold();
    let one = world.serve().await;
    let plan = one.plan(row(&["a red fox", "a blue fox"])).await;
    let name = one.start(order(&plan)).await;
    world.openai.wait_for_calls(1).await;
    let other = world.serve().await;
    let request = CancelExecutionRequest { name: name.clone() };
    let answer = other.executor().cancel_execution(request).await.unwrap();
    let asked = answer.into_inner().execution.unwrap();
    assert_eq!(asked.state(), ExecutionState::Cancelling);
    gate.open();
    let ended = other.watch(&name, None).await;
    assert_eq!(ended.last().state(), ExecutionState::Cancelled);
    assert!(
        !ended.last().steps[0].image.is_empty(),
        "the paid picture is kept"
    );
    assert_eq!(world.openai.calls(), 1);
    one.stop().await;
    other.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_at_a_busy_server_is_run_by_a_free_one() {
    let Some(world) = World::on_postgres().await else {
        return;
    };
    let world = world.with("executor.max_running_executions", "1");
    let gate = world.hold();
    let one = world.serve().await;
    let busy = one.plan(paid("a red fox")).await;
    let first = one.start(order(&busy)).await;
    world.openai.wait_for_calls(1).await;
    let other = world.serve().await;
    let plan = one.plan(paid("a blue fox")).await;
    let second = one.execute(order(&plan)).await;
    assert_eq!(second.last().state(), ExecutionState::Completed);
    assert_eq!(world.openai.calls(), 2);
    gate.open();
    let first = other.watch(&first, None).await;
    assert_eq!(first.last().state(), ExecutionState::Completed);
    one.stop().await;
    other.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_ends_with_its_server_goes_on_at_another_one() {
    let Some(world) = World::on_postgres().await else {
        return;
    };
    let gate = world.hold();
    let one = world.serve().await;
    let plan = one.plan(row(&["a red fox", "a blue fox", "a green fox"])).await;
    let request = ExecutePlanRequest {
        order: Some(order(&plan)),
        ..ExecutePlanRequest::default()
    };
    let mut stream = one.executor().execute_plan(request).await.unwrap().into_inner();
    let first = stream.message().await.unwrap().unwrap().event.unwrap();
    let Some(Event::Snapshot(execution)) = first.event else {
        panic!("no snapshot first")
    };
    world.openai.wait_for_calls(1).await;
    let other = world.serve().await;
    let stopping = tokio::spawn(one.stop());
    let mut seen = first.sequence;
    let cut = loop {
        match stream.message().await {
            Ok(message) => {
                let event = message.expect("the execution has not ended").event.unwrap();
                assert_eq!(event.sequence, seen + 1);
                seen = event.sequence;
            }
            Err(status) => break status,
        }
    };
    assert_eq!(cut.code(), Code::Unavailable, "{cut:?}");
    assert!(!stopping.is_finished(), "the call in flight is waited for");
    gate.open();
    stopping.await.unwrap();
    let rest = other.watch(&execution.name, Some(seen)).await;
    assert_eq!(rest.last().state(), ExecutionState::Completed);
    let sequences: Vec<u64> = rest.deltas().iter().map(|event| event.sequence).collect();
    let expected: Vec<u64> = (seen + 1..=rest.last().last_sequence).collect();
    assert_eq!(sequences, expected);
    assert_eq!(world.openai.calls(), 3, "no picture is paid twice");
    other.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn page_tokens_and_links_of_one_server_work_at_another() {
    let Some(world) = World::on_postgres().await else {
        return;
    };
    let (one, other) = (world.serve().await, world.serve().await);
    let plan = one.plan(row(&["a red fox", "a blue fox"])).await;
    let images: Vec<String> = one
        .execute(order(&plan))
        .await
        .last()
        .steps
        .iter()
        .map(|step| step.image.clone())
        .collect();
    let page = |page_token: String| ListImagesRequest {
        parent: PARENT.to_owned(),
        page_size: 1,
        page_token,
        ..ListImagesRequest::default()
    };
    let first = one
        .library()
        .list_images(page(String::new()))
        .await
        .unwrap()
        .into_inner();
    let second = other
        .library()
        .list_images(page(first.next_page_token.clone()))
        .await
        .unwrap()
        .into_inner();
    let mut listed = [first.images[0].name.clone(), second.images[0].name.clone()];
    listed.sort();
    let mut expected = images.clone();
    expected.sort();
    assert_eq!(listed.as_slice(), expected);

    let request = IssueImageUrlsRequest {
        names: vec![images[0].clone()],
        ..IssueImageUrlsRequest::default()
    };
    let answer = one
        .library()
        .issue_image_urls(request)
        .await
        .unwrap()
        .into_inner();
    let url = &answer.urls[0].url;
    let target = url
        .strip_prefix(&format!("http://{}", one.address))
        .unwrap()
        .to_owned();
    let address = other.address;
    let served = tokio::task::spawn_blocking(move || {
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        let request = format!("GET {target} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        answer
    });
    let served = served.await.unwrap();
    assert!(
        served.starts_with(b"HTTP/1.1 200"),
        "{}",
        String::from_utf8_lossy(&served[..200])
    );
    assert!(served.ends_with(&other.read_image(&images[0]).await));

    let own_key = world.folder().join("own.key").to_string_lossy().into_owned();
    let stranger = world.with("storage.signing_key_file", &own_key).serve().await;
    let request = page(first.next_page_token);
    let refused = stranger.library().list_images(request).await.unwrap_err();
    assert_eq!(reason(&refused), "BAD_PAGE_TOKEN");
    for server in [one, other, stranger] {
        server.stop().await;
    }
}
