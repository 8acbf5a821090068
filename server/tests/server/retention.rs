//! What callers see of executions whose history was removed.

use std::time::Duration;

use limn_executor::records::Retention;
use limn_proto::v1::{
    AttemptResolution, CancelExecutionRequest, Execution, ExecutionEvent, ExecutionOrder,
    GetExecutionRequest, GetImageRequest, ResolveAttemptRequest, StartExecutionRequest,
    UnparkExecutionRequest, WatchExecutionRequest, execution_event::Event, execution_order::Source,
    executor_service_client::ExecutorServiceClient, image_library_service_client::ImageLibraryServiceClient,
};
use tonic::{Code, Status, transport::Channel};

use crate::{
    executions::{one_image, plan},
    support::{InProcess, Refused, refused},
};

/// Removes what the retention allows, counted from now.
async fn prune(server: &InProcess, retention: Retention) {
    let records = server.app.executor().records();
    assert!(!records.prune(&retention, 1).await.unwrap().is_nothing());
    assert!(records.prune(&retention, 1).await.unwrap().is_nothing());
}

async fn watch(
    channel: &Channel,
    name: &str,
    after_sequence: Option<u64>,
) -> Result<Vec<ExecutionEvent>, Status> {
    let request = WatchExecutionRequest {
        name: name.to_owned(),
        after_sequence,
        ..WatchExecutionRequest::default()
    };
    let mut executor = ExecutorServiceClient::new(channel.clone());
    let mut answers = executor.watch_execution(request).await?.into_inner();
    let mut events = Vec::new();
    while let Some(answer) = answers.message().await? {
        events.extend(answer.event);
    }
    Ok(events)
}

#[tokio::test]
async fn a_history_without_events_is_told_by_its_last_snapshot() {
    let server = InProcess::start(&[]).await;
    let (execution, _) = one_image(&server.channel, "a red fox").await;
    prune(
        &server,
        Retention {
            events: Some(Duration::ZERO),
            executions: None,
        },
    )
    .await;

    let last = execution.last_sequence;
    for after in [None, Some(0), Some(1), Some(last)] {
        let events = watch(&server.channel, &execution.name, after).await.unwrap();
        let [only] = events.as_slice() else {
            panic!("after {after:?}: {events:?}")
        };
        assert_eq!(only.sequence, last);
        assert_eq!(only.event, Some(Event::Snapshot(Box::new(execution.clone()))));
    }
    let future = refused(watch(&server.channel, &execution.name, Some(last + 1)).await);
    assert_eq!(future.reason, "CURSOR_OUT_OF_RANGE");
    server.stop().await;
}

/// What each call that names an execution answers.
async fn answers(channel: &Channel, name: &str) -> [Refused; 5] {
    let mut executor = ExecutorServiceClient::new(channel.clone());
    let name = name.to_owned();
    let get = GetExecutionRequest { name: name.clone() };
    let cancel = CancelExecutionRequest { name: name.clone() };
    let unpark = UnparkExecutionRequest {
        name: name.clone(),
        actor: "alice".to_owned(),
        reason: "mended".to_owned(),
    };
    let resolve = ResolveAttemptRequest {
        name: name.clone(),
        attempt_id: "01900000-0000-7000-8000-000000000000".to_owned(),
        resolution: AttemptResolution::NotCharged.into(),
        actor: "alice".to_owned(),
        reason: "not on the bill".to_owned(),
        ..ResolveAttemptRequest::default()
    };
    [
        refused(executor.get_execution(get).await),
        refused(executor.cancel_execution(cancel).await),
        refused(executor.unpark_execution(unpark).await),
        refused(executor.resolve_attempt(resolve).await),
        refused(watch(channel, &name, Some(1)).await),
    ]
}

#[tokio::test]
async fn the_name_of_an_execution_that_is_gone_says_so_to_its_client_alone() {
    let server = InProcess::start(&[]).await;
    let (execution, image) = one_image(&server.channel, "a red fox").await;
    let all = Retention {
        events: None,
        executions: Some(Duration::ZERO),
    };
    prune(&server, all).await;

    let end = serde_json::to_value(execution.end_time).unwrap();
    let to_the_second = &end.as_str().unwrap()[..19];
    for refused in answers(&server.channel, &execution.name).await {
        assert_eq!(
            (refused.code, refused.reason.as_str()),
            (Code::NotFound, "EXECUTION_PRUNED")
        );
        assert_eq!(refused.metadata["endTime"], format!("{to_the_second}Z"));
    }
    let others = execution.name.replace("clients/alice", "clients/mallory");
    for refused in answers(&server.channel, &others).await {
        assert_eq!(refused.reason, "EXECUTION_NOT_FOUND");
        assert!(!refused.metadata.contains_key("endTime"));
    }
    let mut library = ImageLibraryServiceClient::new(server.channel.clone());
    let name = image.name.clone();
    let kept = library.get_image(GetImageRequest { name }).await.unwrap();
    assert_eq!(kept.into_inner().image, Some(image));
    server.stop().await;
}

async fn start(channel: &Channel, order: &ExecutionOrder) -> (Execution, bool) {
    let mut executor = ExecutorServiceClient::new(channel.clone());
    let request = StartExecutionRequest {
        order: Some(order.clone()),
    };
    let answer = executor.start_execution(request).await.unwrap().into_inner();
    (answer.execution.unwrap(), answer.existing)
}

#[tokio::test]
async fn an_order_whose_execution_is_gone_begins_anew_and_is_free() {
    let server = InProcess::start(&[]).await;
    let order = ExecutionOrder {
        parent: "clients/alice".to_owned(),
        source: Some(Source::Plan(plan(&server.channel, "a red fox").await)),
        request_id: "agent-7".to_owned(),
        ..ExecutionOrder::default()
    };
    let (first, _) = start(&server.channel, &order).await;
    watch(&server.channel, &first.name, None).await.unwrap();
    assert!(
        start(&server.channel, &order).await.1,
        "the same order is the same execution"
    );
    let all = Retention {
        events: None,
        executions: Some(Duration::ZERO),
    };
    prune(&server, all).await;

    let (again, existing) = start(&server.channel, &order).await;
    assert!(!existing);
    assert_ne!(again.name, first.name);
    let events = watch(&server.channel, &again.name, None).await.unwrap();
    let Some(Event::Snapshot(ended)) = &events.last().unwrap().event else {
        panic!("{events:?}")
    };
    assert!(ended.steps[0].reused);
    server.stop().await;
}
