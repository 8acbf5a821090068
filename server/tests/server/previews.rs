//! Unfinished pictures, from the provider to whoever looks on.

use limn_fakes::{Case, Fake, Gate};
use limn_proto::v1::{
    ExecutePlanRequest, ExecutionEvent, ExecutionOrder, ExecutionState, ImageRequest, PlanRequest, Preview,
    WatchExecutionRequest, execution_event::Event, execution_order::Source,
    executor_service_client::ExecutorServiceClient, plan_request::Work,
    planner_service_client::PlannerServiceClient,
};
use tonic::transport::Channel;

use crate::support::{Server, config};

/// A server that draws at a fake, and an order that asks it for two unfinished pictures.
struct Studio {
    fake: Fake,
    server: Server,
    channel: Channel,
}

impl Studio {
    async fn open() -> Self {
        let fake = Fake::start("openai").await;
        let data_dir = tempfile::tempdir().unwrap();
        let flags = [
            ("providers.openai.api_key", Fake::KEY),
            ("providers.openai.base_url", &fake.base_url()),
        ];
        let server = Server::start_with(&config(data_dir.path(), &flags), data_dir).await;
        Self {
            channel: server.channel().await,
            fake,
            server,
        }
    }

    async fn order(&self) -> ExecutionOrder {
        let request = PlanRequest {
            parent: "clients/alice".to_owned(),
            work: Some(Work::Image(ImageRequest {
                prompt: "a red fox in fresh snow".to_owned(),
                provider: "openai".to_owned(),
                options: [("partial_images".to_owned(), "2".to_owned())].into(),
                ..ImageRequest::default()
            })),
            ..PlanRequest::default()
        };
        let mut planner = PlannerServiceClient::new(self.channel.clone());
        let plan = planner.plan(request).await.unwrap().into_inner().plan.unwrap();
        ExecutionOrder {
            parent: "clients/alice".to_owned(),
            source: Some(Source::Plan(plan)),
            ..ExecutionOrder::default()
        }
    }

    fn executor(&self) -> ExecutorServiceClient<Channel> {
        ExecutorServiceClient::new(self.channel.clone())
    }
}

fn preview(event: &ExecutionEvent) -> Option<&Preview> {
    match &event.event {
        Some(Event::Preview(preview)) => Some(preview),
        _ => None,
    }
}

#[tokio::test]
async fn previews_are_seen_while_the_picture_is_drawn_and_are_kept_nowhere() {
    let studio = Studio::open().await;
    let gate = Gate::closed();
    studio.fake.next(Case::Halfway(gate.clone()));
    let request = ExecutePlanRequest {
        order: Some(studio.order().await),
        previews: true,
    };
    let mut executor = studio.executor();
    let mut events = executor.execute_plan(request).await.unwrap().into_inner();
    let mut seen: Vec<ExecutionEvent> = Vec::new();
    while let Some(message) = events.message().await.unwrap() {
        let event = message.event.unwrap();
        // The provider holds the finished picture back until the first preview has come all the way.
        if preview(&event).is_some() {
            gate.open();
        }
        seen.push(event);
    }
    let previews: Vec<&Preview> = seen.iter().filter_map(preview).collect();
    let indexes: Vec<u32> = previews.iter().map(|preview| preview.index).collect();
    assert_eq!(indexes, [0, 1]);
    let Some(Event::Snapshot(execution)) = &seen.last().unwrap().event else {
        panic!("{:?}", seen.last())
    };
    assert_eq!(execution.state(), ExecutionState::Completed);
    let step = &execution.steps[0];
    for preview in previews {
        assert_eq!(preview.step_id, step.step_id);
        assert_eq!(preview.attempt_id, step.attempts[0].attempt_id);
        assert_eq!(preview.media_type, "image/png");
        assert!(preview.image.starts_with(b"\x89PNG"));
    }
    // They take no place in the history, and come before what is stored after them.
    let (mut last, mut completed) = (0, false);
    for event in &seen {
        assert!(event.sequence >= last, "{event:?}");
        if preview(event).is_some() {
            assert_eq!(event.sequence, last);
            assert!(!completed, "a preview after the picture");
        }
        last = event.sequence;
        completed |= matches!(&event.event, Some(Event::StepChanged(step)) if !step.image.is_empty());
    }
    assert!(completed);

    let again = WatchExecutionRequest {
        name: execution.name.clone(),
        after_sequence: Some(0),
        previews: true,
    };
    let mut again = executor.watch_execution(again).await.unwrap().into_inner();
    let mut stored = 0;
    while let Some(message) = again.message().await.unwrap() {
        let event = message.event.unwrap();
        assert!(preview(&event).is_none(), "{event:?}");
        stored += u64::from(!matches!(event.event, Some(Event::Snapshot(_))));
    }
    assert_eq!(stored, execution.last_sequence);
    assert_eq!((studio.fake.calls(), studio.fake.charged()), (1, 1));
    studio.server.stop().await;
}

#[tokio::test]
async fn previews_go_only_to_those_who_ask_for_them() {
    let studio = Studio::open().await;
    let request = ExecutePlanRequest {
        order: Some(studio.order().await),
        previews: false,
    };
    let mut events = studio
        .executor()
        .execute_plan(request)
        .await
        .unwrap()
        .into_inner();
    let mut last = None;
    while let Some(message) = events.message().await.unwrap() {
        let event = message.event.unwrap();
        assert!(preview(&event).is_none(), "{event:?}");
        last = event.event;
    }
    assert!(
        matches!(&last, Some(Event::Snapshot(execution)) if execution.state() == ExecutionState::Completed),
        "{last:?}"
    );
    assert_eq!(studio.fake.requests()[0].fields["partial_images"], 2);
    studio.server.stop().await;
}
