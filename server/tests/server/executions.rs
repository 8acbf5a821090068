//! `ExecutorService` and `ImageLibraryService`, with the local renderer.

use limn_proto::v1::{
    CancelExecutionRequest, ExecutePlanRequest, Execution, ExecutionOrder, ExecutionState,
    GetExecutionRequest, GetImageRequest, Image, ImageFilter, ImageGenerationPlan, ListExecutionsRequest,
    ListImagesRequest, ReadImageRequest, SavePlanRequest, StartExecutionRequest, WatchExecutionRequest,
    execution_event::Event, execution_order::Source, executor_service_client::ExecutorServiceClient,
    image_library_service_client::ImageLibraryServiceClient,
    plan_store_service_client::PlanStoreServiceClient, planner_service_client::PlannerServiceClient,
};
use pbjson_types::Timestamp;
use tonic::{Code, transport::Channel};
use tonic_types::StatusExt as _;

use crate::support::{InProcess, one_picture, refused};

const NOBODY: &str = "clients/alice/executions/01900000-0000-7000-8000-000000000000";

pub(crate) async fn plan(channel: &Channel, prompt: &str) -> ImageGenerationPlan {
    let mut planner = PlannerServiceClient::new(channel.clone());
    let answer = planner.plan(one_picture("alice", prompt)).await.unwrap();
    answer.into_inner().plan.unwrap()
}

fn order(source: Source) -> ExecutionOrder {
    ExecutionOrder {
        parent: "clients/alice".to_owned(),
        source: Some(source),
        ..ExecutionOrder::default()
    }
}

fn execute(order: ExecutionOrder) -> ExecutePlanRequest {
    ExecutePlanRequest {
        order: Some(order),
        ..ExecutePlanRequest::default()
    }
}

fn start(order: ExecutionOrder) -> StartExecutionRequest {
    StartExecutionRequest { order: Some(order) }
}

/// Executes to the end and returns the last snapshot with the sequences of all events.
async fn finish(channel: &Channel, order: ExecutionOrder) -> (Execution, Vec<u64>) {
    let mut executor = ExecutorServiceClient::new(channel.clone());
    let mut events = executor.execute_plan(execute(order)).await.unwrap().into_inner();
    let (mut last, mut sequences) = (None, Vec::new());
    while let Some(answer) = events.message().await.unwrap() {
        let event = answer.event.unwrap();
        sequences.push(event.sequence);
        if let Some(Event::Snapshot(snapshot)) = event.event {
            last = Some(*snapshot);
        }
    }
    (last.expect("a stream ends with a snapshot"), sequences)
}

pub(crate) async fn one_image(channel: &Channel, prompt: &str) -> (Execution, Image) {
    let plan = plan(channel, prompt).await;
    let (execution, _) = finish(channel, order(Source::Plan(plan))).await;
    assert_eq!(execution.state(), ExecutionState::Completed, "{execution:?}");
    let name = execution.steps[0].image.clone();
    let mut library = ImageLibraryServiceClient::new(channel.clone());
    let answer = library.get_image(GetImageRequest { name }).await.unwrap();
    (execution, answer.into_inner().image.unwrap())
}

async fn read(channel: &Channel, name: &str, offset: i64) -> Vec<u8> {
    let mut library = ImageLibraryServiceClient::new(channel.clone());
    let request = ReadImageRequest {
        name: name.to_owned(),
        offset,
    };
    let mut chunks = library.read_image(request).await.unwrap().into_inner();
    let mut bytes = Vec::new();
    while let Some(chunk) = chunks.message().await.unwrap() {
        assert!(chunk.data.len() <= 65_536);
        bytes.extend(chunk.data);
    }
    bytes
}

#[tokio::test]
async fn an_execution_runs_to_its_last_snapshot_and_its_image_can_be_read_from_anywhere() {
    let server = InProcess::start(&[]).await;
    let channel = &server.channel;
    let (execution, image) = one_image(channel, "a red fox").await;

    let whole = read(channel, &image.name, 0).await;
    assert_eq!(i64::try_from(whole.len()).unwrap(), image.size_bytes);
    assert_eq!(limn_proto::digest::sha256_hex(&whole), image.stored_sha256);
    assert_eq!(read(channel, &image.name, 10).await, whole[10..]);
    assert_eq!(read(channel, &image.name, image.size_bytes).await, b"");
    let mut library = ImageLibraryServiceClient::new(channel.clone());
    let past = ReadImageRequest {
        name: image.name.clone(),
        offset: image.size_bytes + 1,
    };
    let past = refused(library.read_image(past).await);
    assert_eq!(
        (past.code, past.reason.as_str()),
        (Code::OutOfRange, "CURSOR_OUT_OF_RANGE")
    );

    let mut executor = ExecutorServiceClient::new(channel.clone());
    let name = execution.name.clone();
    let got = executor
        .get_execution(GetExecutionRequest { name: name.clone() })
        .await
        .unwrap();
    assert_eq!(got.into_inner().execution, Some(execution.clone()));
    // Cancelling what has ended changes nothing.
    let cancelled = executor
        .cancel_execution(CancelExecutionRequest { name })
        .await
        .unwrap();
    assert_eq!(cancelled.into_inner().execution, Some(execution));
    server.stop().await;
}

#[tokio::test]
async fn a_watch_goes_on_after_its_cursor_and_refuses_one_from_the_future() {
    let server = InProcess::start(&[]).await;
    let (execution, _) = one_image(&server.channel, "a red fox").await;
    let mut executor = ExecutorServiceClient::new(server.channel.clone());
    let watch = |after| WatchExecutionRequest {
        name: execution.name.clone(),
        after_sequence: Some(after),
        ..WatchExecutionRequest::default()
    };
    let mut events = executor.watch_execution(watch(1)).await.unwrap().into_inner();
    let mut expected = 2;
    while let Some(answer) = events.message().await.unwrap() {
        let event = answer.event.unwrap();
        if matches!(event.event, Some(Event::Snapshot(_))) {
            assert_eq!(event.sequence, execution.last_sequence);
        } else {
            assert_eq!(event.sequence, expected);
            expected += 1;
        }
    }
    assert_eq!(expected, execution.last_sequence + 1);

    let mut future = executor
        .watch_execution(watch(10_000))
        .await
        .unwrap()
        .into_inner();
    let refusal = refused(future.message().await);
    assert_eq!(
        (refusal.code, refusal.reason.as_str()),
        (Code::OutOfRange, "CURSOR_OUT_OF_RANGE")
    );
    let stranger = WatchExecutionRequest {
        name: NOBODY.to_owned(),
        after_sequence: None,
        ..WatchExecutionRequest::default()
    };
    let mut stranger = executor.watch_execution(stranger).await.unwrap().into_inner();
    assert_eq!(refused(stranger.message().await).reason, "EXECUTION_NOT_FOUND");
    server.stop().await;
}

#[tokio::test]
async fn the_same_request_id_is_the_same_execution_and_never_another_order() {
    let server = InProcess::start(&[]).await;
    let mut executor = ExecutorServiceClient::new(server.channel.clone());
    let plan = plan(&server.channel, "a red fox").await;
    let mut order = order(Source::Plan(plan));
    order.request_id = "order-1".to_owned();
    let first = executor
        .start_execution(start(order.clone()))
        .await
        .unwrap()
        .into_inner();
    let again = executor
        .start_execution(start(order.clone()))
        .await
        .unwrap()
        .into_inner();
    assert!(!first.existing && again.existing);
    let name = first.execution.unwrap().name;
    assert_eq!(again.execution.unwrap().name, name);

    order.take = 1;
    let reused = refused(executor.start_execution(start(order)).await);
    assert_eq!(
        (reused.code, reused.reason.as_str()),
        (Code::InvalidArgument, "REQUEST_ID_REUSED")
    );
    assert_eq!(
        (&reused.metadata["execution"], reused.metadata["phase"].as_str()),
        (&name, "start")
    );
    server.stop().await;
}

#[tokio::test]
async fn a_stored_plan_runs_by_its_name_and_belongs_to_its_client() {
    let server = InProcess::start(&[]).await;
    let mut executor = ExecutorServiceClient::new(server.channel.clone());
    let plan = plan(&server.channel, "a red fox").await;
    let mut store = PlanStoreServiceClient::new(server.channel.clone());
    let save = SavePlanRequest {
        parent: "clients/alice".to_owned(),
        plan: Some(plan.clone()),
    };
    let name = store
        .save_plan(save)
        .await
        .unwrap()
        .into_inner()
        .stored_plan
        .unwrap()
        .name;
    let (execution, sequences) = finish(&server.channel, order(Source::PlanName(name.clone()))).await;
    assert_eq!(execution.state(), ExecutionState::Completed);
    assert!(sequences.is_sorted(), "{sequences:?}");

    for source in [Source::PlanName(name), Source::Plan(plan)] {
        let mut order = order(source);
        order.parent = "clients/bob".to_owned();
        let other = refused(executor.start_execution(start(order)).await);
        assert_eq!(
            (other.code, other.reason.as_str()),
            (Code::PermissionDenied, "CLIENT_MISMATCH")
        );
    }
    let missing = format!("clients/alice/plans/{}", "0".repeat(64));
    let missing = refused(
        executor
            .start_execution(start(order(Source::PlanName(missing))))
            .await,
    );
    assert_eq!(
        (missing.code, missing.reason.as_str()),
        (Code::NotFound, "PLAN_NOT_FOUND")
    );
    server.stop().await;
}

#[tokio::test]
async fn an_order_is_checked_as_a_whole() {
    let server = InProcess::start(&[]).await;
    let mut executor = ExecutorServiceClient::new(server.channel.clone());
    let wrong = ExecutionOrder {
        parent: "alice".to_owned(),
        source: None,
        request_id: "with a blank".to_owned(),
        mode: 99,
        take: 1_000_001,
        ..ExecutionOrder::default()
    };
    let wrong = refused(executor.start_execution(start(wrong)).await);
    assert_eq!(
        wrong.fields,
        [
            "order.parent",
            "order.source",
            "order.request_id",
            "order.mode",
            "order.take"
        ]
    );
    let empty = refused(executor.start_execution(StartExecutionRequest::default()).await);
    assert_eq!(empty.fields, ["order"]);

    let mut plan = plan(&server.channel, "a red fox").await;
    plan.spec.as_mut().unwrap().variation = 3;
    let changed = refused(executor.start_execution(start(order(Source::Plan(plan)))).await);
    assert_eq!(changed.reason, "PLAN_DIGEST_MISMATCH");
    server.stop().await;
}

#[tokio::test]
async fn a_plan_that_is_over_or_whose_provider_is_off_is_refused_before_anything_happens() {
    let on = InProcess::start(&[("providers.openai.api_key", "sk-test")]).await;
    let mut planner = PlannerServiceClient::new(on.channel.clone());
    let mut request = one_picture("alice", "a red fox");
    if let Some(limn_proto::v1::plan_request::Work::Image(image)) = &mut request.work {
        image.provider = "openai".to_owned();
    }
    let paid = planner.plan(request).await.unwrap().into_inner().plan.unwrap();
    let mut request = one_picture("alice", "a red fox");
    request.not_after_time = Some(Timestamp {
        seconds: 1000,
        nanos: 0,
    });
    let over = planner.plan(request).await.unwrap().into_inner().plan.unwrap();
    on.stop().await;

    let off = InProcess::start(&[]).await;
    let mut executor = ExecutorServiceClient::new(off.channel.clone());
    for (plan, reason) in [(paid, "PLAN_STALE"), (over, "PLAN_EXPIRED")] {
        let mut order = order(Source::Plan(plan));
        order.accept_price_drift = true;
        let refused = refused(executor.start_execution(start(order)).await);
        assert_eq!(
            (refused.code, refused.reason.as_str()),
            (Code::FailedPrecondition, reason)
        );
        assert_eq!(refused.metadata["phase"], "start");
    }
    let list = ListExecutionsRequest {
        parent: "clients/alice".to_owned(),
        ..ListExecutionsRequest::default()
    };
    assert!(
        executor
            .list_executions(list)
            .await
            .unwrap()
            .into_inner()
            .executions
            .is_empty()
    );
    off.stop().await;
}

#[tokio::test]
async fn an_order_that_is_repeated_after_its_plan_went_stale_finds_its_execution() {
    let fresh = InProcess::start(&[]).await;
    let plan = plan(&fresh.channel, "a red fox").await;
    let mut order = order(Source::Plan(plan));
    order.request_id = "order-1".to_owned();
    let (execution, _) = finish(&fresh.channel, order.clone()).await;
    let data_dir = fresh.stop().await;

    let off = [
        ("providers.sketch.enabled", "false"),
        ("providers.openai.api_key", "sk-test"),
        ("selection.default_provider", "openai"),
    ];
    let stale = InProcess::start_in(data_dir, &off).await;
    let mut executor = ExecutorServiceClient::new(stale.channel.clone());
    let again = executor
        .start_execution(start(order.clone()))
        .await
        .unwrap()
        .into_inner();
    assert_eq!((again.existing, again.execution), (true, Some(execution)));
    let others = [
        ExecutionOrder {
            request_id: "order-2".to_owned(),
            ..order.clone()
        },
        ExecutionOrder { take: 1, ..order },
    ];
    for order in others {
        assert_eq!(
            refused(executor.start_execution(start(order)).await).reason,
            "PLAN_STALE"
        );
    }
    stale.stop().await;
}

#[tokio::test]
async fn lists_are_filtered_and_refuse_filters_that_mean_nothing() {
    let server = InProcess::start(&[]).await;
    let (execution, image) = one_image(&server.channel, "a red fox").await;
    one_image(&server.channel, "a blue fox").await;
    let mut library = ImageLibraryServiceClient::new(server.channel.clone());
    let list = |filter| ListImagesRequest {
        parent: "clients/alice".to_owned(),
        filter: Some(filter),
        ..ListImagesRequest::default()
    };
    let of_execution = ImageFilter {
        execution: execution.name.clone(),
        ..ImageFilter::default()
    };
    let found = library
        .list_images(list(of_execution))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(found.images, [image]);
    let all = library
        .list_images(list(ImageFilter::default()))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(all.images.len(), 2);
    let wrong = ImageFilter {
        plan_digest: "abc".to_owned(),
        image_types: vec![99],
        execution: "executions/1".to_owned(),
        created_after_time: Some(Timestamp {
            seconds: 0,
            nanos: -1,
        }),
        ..ImageFilter::default()
    };
    let mut wrong = refused(library.list_images(list(wrong)).await).fields;
    wrong.sort();
    let expected = ["created_after_time", "execution", "image_types[0]", "plan_digest"];
    assert_eq!(wrong, expected.map(|field| format!("filter.{field}")));

    let mut executor = ExecutorServiceClient::new(server.channel.clone());
    let list = |states: &[ExecutionState]| ListExecutionsRequest {
        parent: "clients/alice".to_owned(),
        states: states.iter().map(|state| i32::from(*state)).collect(),
        ..ListExecutionsRequest::default()
    };
    let failed = executor
        .list_executions(list(&[ExecutionState::Failed]))
        .await
        .unwrap();
    assert!(failed.into_inner().executions.is_empty());
    let completed = executor
        .list_executions(list(&[ExecutionState::Completed]))
        .await
        .unwrap();
    assert_eq!(completed.into_inner().executions.len(), 2);
    let wrong = refused(
        executor
            .list_executions(list(&[ExecutionState::Unspecified]))
            .await,
    );
    assert_eq!(wrong.fields, ["states[0]"]);
    server.stop().await;
}

#[tokio::test]
async fn a_server_that_shuts_down_refuses_orders_and_still_answers_questions() {
    let server = InProcess::start(&[]).await;
    let (execution, _) = one_image(&server.channel, "a red fox").await;
    let plan = plan(&server.channel, "a blue fox").await;
    let channel = server.channel.clone();
    server.app.shutdown().await;
    let mut executor = ExecutorServiceClient::new(channel);
    let status = executor
        .start_execution(start(order(Source::Plan(plan))))
        .await
        .unwrap_err();
    assert!(status.get_error_details().retry_info().is_some());
    let refused = refused::<()>(Err(status));
    assert_eq!(
        (refused.code, refused.reason.as_str()),
        (Code::Unavailable, "SHUTTING_DOWN")
    );
    let name = execution.name.clone();
    let got = executor
        .get_execution(GetExecutionRequest { name })
        .await
        .unwrap();
    assert_eq!(got.into_inner().execution, Some(execution));
}
