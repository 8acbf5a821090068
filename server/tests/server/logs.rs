//! What is logged: one line for each call, and never a prompt.

use std::{
    io,
    sync::{Arc, Mutex},
};

use limn_proto::v1::{
    ExecutePlanRequest, ExecutionOrder, execution_order::Source,
    executor_service_client::ExecutorServiceClient, planner_service_client::PlannerServiceClient,
};
use tracing_subscriber::fmt::MakeWriter;

use crate::support::{InProcess, one_picture, refused};

/// Collects what is written.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Written {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn each_call_leaves_one_line_and_no_prompt() {
    let written = Written::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(written.clone())
        .finish();
    // For this thread, on which the whole runtime of the test runs.
    let _guard = tracing::subscriber::set_default(subscriber);

    let server = InProcess::start(&[]).await;
    let mut planner = PlannerServiceClient::new(server.channel.clone());
    let request = one_picture("alice", "a vermilion pangolin");
    let plan = planner.plan(request).await.unwrap().into_inner().plan.unwrap();
    refused(planner.plan(one_picture("alice", "")).await);
    let order = ExecutionOrder {
        parent: "clients/alice".to_owned(),
        source: Some(Source::Plan(plan)),
        ..ExecutionOrder::default()
    };
    let mut executor = ExecutorServiceClient::new(server.channel.clone());
    let request = ExecutePlanRequest {
        order: Some(order),
        ..ExecutePlanRequest::default()
    };
    let mut events = executor.execute_plan(request).await.unwrap().into_inner();
    while events.message().await.unwrap().is_some() {}
    drop(events);
    server.stop().await;

    let log = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
    let ours = || log.lines().filter(|line| line.contains(" limn_"));
    assert!(ours().all(|line| !line.contains("pangolin")), "{log}");
    let calls: Vec<_> = ours().filter(|line| line.contains("latency_ms")).collect();
    let [good, bad, streamed] = calls.as_slice() else {
        panic!("{calls:#?}")
    };
    for expected in ["limn.v1.PlannerService/Plan", "Ok", "alice"] {
        assert!(good.contains(expected), "{good}");
    }
    for expected in ["InvalidArgument", "INVALID_REQUEST"] {
        assert!(bad.contains(expected), "{bad}");
    }
    for expected in ["limn.v1.ExecutorService/ExecutePlan", "Ok"] {
        assert!(streamed.contains(expected), "{streamed}");
    }
}
