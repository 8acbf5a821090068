//! Readers of progress that do not read.

use std::{
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use limn_proto::v1::{
    BatchRequest, ExecutePlanRequest, ExecutionEvent, ExecutionOrder, ExecutionState, ImageRequest,
    PlanRequest, WatchExecutionRequest, execution_event::Event, execution_order::Source,
    executor_service_client::ExecutorServiceClient, plan_request::Work,
    planner_service_client::PlannerServiceClient,
};
use tokio::sync::Notify;
use tonic::{Code, transport::Endpoint};
use tracing_subscriber::fmt::MakeWriter;

use crate::support::{Server, config, refused};

/// Waits for a line in the log of this thread.
#[derive(Clone, Default)]
struct Log(Arc<(Mutex<Vec<u8>>, Notify)>);

impl Log {
    async fn has(&self, words: &str) {
        loop {
            let told = self.0.1.notified();
            if String::from_utf8_lossy(&self.0.0.lock().unwrap()).contains(words) {
                return;
            }
            told.await;
        }
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.0.lock().unwrap().extend_from_slice(bytes);
        self.0.1.notify_one();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// A request for so many small pictures at the local renderer.
fn pictures(count: usize) -> PlanRequest {
    let image = |number: usize| ImageRequest {
        prompt: format!("picture {number}"),
        width_px: 64,
        height_px: 64,
        ..ImageRequest::default()
    };
    PlanRequest {
        parent: "clients/alice".to_owned(),
        work: Some(Work::Batch(BatchRequest {
            images: (0..count).map(image).collect(),
            continuity: None,
        })),
        ..PlanRequest::default()
    }
}

fn is_snapshot(event: &ExecutionEvent) -> bool {
    matches!(event.event, Some(Event::Snapshot(_)))
}

#[tokio::test]
async fn a_reader_that_does_not_read_is_cut_and_goes_on_from_its_last_event() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(log.clone())
        .finish();
    // For this thread, on which the whole runtime of the test runs.
    let _guard = tracing::subscriber::set_default(subscriber);
    let data_dir = tempfile::tempdir().unwrap();
    let mut config = config(data_dir.path(), &[]);
    config.executor.watch_stall = Duration::from_millis(1);
    let server = Server::start_with(&config, data_dir).await;
    let channel = server.channel().await;
    let mut planner = PlannerServiceClient::new(channel.clone());
    let answer = planner.plan(pictures(60)).await.unwrap();
    let plan = answer.into_inner().plan.unwrap();
    let order = ExecutionOrder {
        parent: "clients/alice".to_owned(),
        source: Some(Source::Plan(plan)),
        ..ExecutionOrder::default()
    };

    // A window that a few events fill.
    let narrow = Endpoint::from_shared(format!("http://{}", server.address)).unwrap();
    let narrow = narrow.initial_stream_window_size(1024).connect().await.unwrap();
    let mut slow = ExecutorServiceClient::new(narrow.clone());
    let request = ExecutePlanRequest {
        order: Some(order),
        ..ExecutePlanRequest::default()
    };
    let mut unread = slow.execute_plan(request).await.unwrap().into_inner();
    let first = unread.message().await.unwrap().unwrap().event.unwrap();
    let Some(Event::Snapshot(execution)) = &first.event else {
        panic!("a stream begins with a snapshot")
    };
    let watch = |after_sequence| WatchExecutionRequest {
        name: execution.name.clone(),
        after_sequence,
        ..WatchExecutionRequest::default()
    };

    // It holds up nobody: the execution ends, and others see it.
    let ended = server.rest(&execution.name).await;
    assert_eq!(ended.state(), ExecutionState::Completed);
    let cut = log.has("a watcher that does not read was cut");
    tokio::time::timeout(Duration::from_secs(60), cut)
        .await
        .expect("nobody was cut");

    let mut read = vec![first.clone()];
    let refusal = loop {
        match unread.message().await {
            Ok(answer) => read.extend(answer.expect("cut before the last snapshot").event),
            Err(status) => break refused::<()>(Err(status)),
        }
    };
    assert_eq!(
        (refusal.code, refusal.reason.as_str()),
        (Code::Aborted, "WATCHER_TOO_SLOW")
    );
    let cursor: u64 = refusal.metadata["lastSequence"].parse().unwrap();
    assert_eq!(cursor, read.last().unwrap().sequence);
    assert!(cursor < ended.last_sequence, "something was left to read");

    // Who reads is not cut, however short the patience.
    let mut executor = ExecutorServiceClient::new(channel);
    let mut rest = executor
        .watch_execution(watch(Some(cursor)))
        .await
        .unwrap()
        .into_inner();
    loop {
        match rest.message().await {
            Ok(Some(answer)) => read.extend(answer.event),
            Ok(None) => break,
            // A busy machine may be slower than the patience of this test; the way on is the same.
            Err(status) => {
                let again = refused::<()>(Err(status));
                assert_eq!(again.reason, "WATCHER_TOO_SLOW");
                let after = again.metadata["lastSequence"].parse().unwrap();
                rest = executor
                    .watch_execution(watch(Some(after)))
                    .await
                    .unwrap()
                    .into_inner();
            }
        }
    }
    let last = read.pop().unwrap();
    assert!(is_snapshot(&last));
    assert_eq!(last.sequence, ended.last_sequence);
    let deltas: Vec<u64> = read
        .iter()
        .filter(|event| !is_snapshot(event) && !matches!(event.event, Some(Event::KeepAlive(_))))
        .map(|event| event.sequence)
        .collect();
    assert_eq!(
        deltas,
        (first.sequence + 1..=ended.last_sequence).collect::<Vec<_>>()
    );
    server.stop().await;
}
