//! Executing a plan whose picture exists: what a retry of an agent costs.
//!
//! `cargo bench --bench replay`

#![expect(clippy::unwrap_used, reason = "a bench that cannot go on has failed")]

use criterion::{Criterion, criterion_group, criterion_main};
use futures::StreamExt as _;
use limn_proto::v1::{
    ExecutePlanRequest, ExecutionOrder, ImageRequest, PlanRequest, execution_order::Source,
    executor_service_client::ExecutorServiceClient, plan_request::Work,
    planner_service_client::PlannerServiceClient,
};
use limn_server::{
    app::App,
    config::{Config, Sources},
};

fn replay(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let flags = vec![(
        "data_dir".to_owned(),
        folder.path().to_string_lossy().into_owned(),
    )];
    let sources = Sources {
        flags,
        ..Sources::default()
    };
    let app = runtime
        .block_on(App::open(&Config::load(&sources).unwrap()))
        .unwrap();
    let channel = runtime.block_on(async { app.channel() });
    let order = runtime.block_on(async {
        let request = PlanRequest {
            parent: "clients/bench".to_owned(),
            work: Some(Work::Image(ImageRequest {
                prompt: "a red fox".to_owned(),
                ..ImageRequest::default()
            })),
            ..PlanRequest::default()
        };
        let plan = PlannerServiceClient::new(channel.clone())
            .plan(request)
            .await
            .unwrap()
            .into_inner()
            .plan;
        ExecutionOrder {
            parent: "clients/bench".to_owned(),
            source: plan.map(Source::Plan),
            ..ExecutionOrder::default()
        }
    });
    let execute = || async {
        let request = ExecutePlanRequest {
            order: Some(order.clone()),
            ..ExecutePlanRequest::default()
        };
        let stream = ExecutorServiceClient::new(channel.clone())
            .execute_plan(request)
            .await
            .unwrap();
        assert!(
            stream
                .into_inner()
                .all(|message| async move { message.is_ok() })
                .await
        );
    };
    runtime.block_on(execute());
    criterion.bench_function("replay a finished plan, gRPC in process, SQLite", |bencher| {
        bencher.iter(|| runtime.block_on(execute()));
    });
}

criterion_group!(benches, replay);
criterion_main!(benches);
