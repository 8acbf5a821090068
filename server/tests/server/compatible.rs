//! A server of one's own that speaks OpenAI's API, set up as the documentation says.

use std::fs;

use limn_fakes::Fake;
use limn_proto::v1::{
    ExecutionOrder, ExecutionState, ImageRequest, PlanRequest, StartExecutionRequest,
    execution_order::Source, executor_service_client::ExecutorServiceClient, plan_request::Work,
    planner_service_client::PlannerServiceClient,
};
use limn_server::config::{Config, Sources};

use crate::support::Server;

const PAGE: &str = include_str!("../../../docs/providers/openai-compatible.md");
/// The address in the example.
const ADDRESS: &str = "http://10.0.0.7:8000/v1";

#[tokio::test]
async fn the_documented_example_draws_for_nothing() {
    let fake = Fake::start("vllm-omni").await;
    let (_, rest) = PAGE.split_once("```toml\n").unwrap();
    let (example, _) = rest.split_once("```").unwrap();
    assert!(example.contains(ADDRESS));
    let data_dir = tempfile::tempdir().unwrap();
    let file = data_dir.path().join("limn.toml");
    fs::write(&file, example.replace(ADDRESS, &fake.base_url())).unwrap();
    let config = Config::load(&Sources {
        file: Some(file),
        flags: vec![(
            "data_dir".to_owned(),
            data_dir.path().to_string_lossy().into_owned(),
        )],
        ..Sources::default()
    })
    .unwrap();
    let server = Server::start_with(&config, data_dir).await;
    let channel = server.channel().await;
    let request = PlanRequest {
        parent: "clients/alice".to_owned(),
        work: Some(Work::Image(ImageRequest {
            prompt: "a red fox in fresh snow".to_owned(),
            negative_prompt: "blur".to_owned(),
            provider: "studio".to_owned(),
            width_px: 512,
            height_px: 384,
            seed: Some(11),
            guidance: Some(4.5),
            options: [("steps".to_owned(), "30".to_owned())].into(),
            ..ImageRequest::default()
        })),
        ..PlanRequest::default()
    };
    let mut planner = PlannerServiceClient::new(channel.clone());
    let plan = planner.plan(request).await.unwrap().into_inner().plan.unwrap();
    let order = ExecutionOrder {
        parent: "clients/alice".to_owned(),
        source: Some(Source::Plan(plan)),
        ..ExecutionOrder::default()
    };
    let mut executor = ExecutorServiceClient::new(channel);
    let request = StartExecutionRequest { order: Some(order) };
    let started = executor.start_execution(request).await.unwrap().into_inner();
    let ended = server.rest(&started.execution.unwrap().name).await;
    assert_eq!(ended.state(), ExecutionState::Completed);
    let total = ended.cost.unwrap().total.unwrap();
    assert_eq!(total.nanos, 0);

    let requests = fake.requests();
    let [request] = requests.as_slice() else {
        panic!("{requests:?}")
    };
    assert!(
        !request.headers.contains_key("authorization"),
        "it asks for no key"
    );
    for (field, value) in [
        ("model", "Qwen/Qwen-Image".into()),
        ("size", "512x384".into()),
        ("negative_prompt", "blur".into()),
        ("seed", 11.into()),
        ("guidance_scale", 4.5.into()),
        ("num_inference_steps", 30.into()),
    ] {
        let value: serde_json::Value = value;
        assert_eq!(request.fields[field], value, "{field}");
    }
    server.stop().await;
}
