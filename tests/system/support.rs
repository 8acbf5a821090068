//! The harness: one `limn` server with its own data folder and a counting provider beside it.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

use futures::{Stream, StreamExt as _};
use limn_executor::testing::scratch_postgres;
use limn_fakes::{Case, Fake, Gate};
use limn_proto::{
    plan::Money,
    v1::{
        self, ExecutePlanRequest, ExecutionEvent, ExecutionOrder, ImageGenerationPlan, ImageRequest,
        PlanRequest, execution_event::Event, execution_order::Source,
        executor_service_client::ExecutorServiceClient,
        image_library_service_client::ImageLibraryServiceClient,
        plan_store_service_client::PlanStoreServiceClient, planner_service_client::PlannerServiceClient,
    },
};
use limn_server::{
    app::App,
    config::{Config, Sources},
};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};
use tonic::{Status, transport::Channel};
use tonic_types::StatusExt as _;

/// The client that all stories act for.
pub(crate) const PARENT: &str = "clients/tester";
/// A key that must never be seen anywhere but at the provider.
pub(crate) const SECRET: &str = "sk-system-test-secret-0123456789";

/// A running server.
pub(crate) struct TestServer {
    pub(crate) address: SocketAddr,
    pub(crate) channel: Channel,
    stop: Option<oneshot::Sender<()>>,
    serving: JoinHandle<()>,
}

/// A data folder and a provider; servers come and go on it.
pub(crate) struct World {
    folder: tempfile::TempDir,
    pub(crate) openai: Fake,
    settings: Vec<(String, String)>,
    /// Servers so far, where each has a data folder of its own.
    servers: Option<AtomicU32>,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            openai: Fake::start("openai").await,
            settings: Vec::new(),
            servers: None,
        }
    }

    /// Any number of servers at once, on one Postgres, one store and one key. Nothing when there is no database to
    /// test with.
    pub(crate) async fn on_postgres() -> Option<Self> {
        let url = scratch_postgres().await?;
        let mut world = Self::new().await;
        world.servers = Some(AtomicU32::new(0));
        let shared = |name: &str| world.folder().join(name).to_string_lossy().into_owned();
        let settings = [
            ("database.url", url),
            ("storage.folder", shared("blobs")),
            ("storage.signing_key_file", shared("link.key")),
        ];
        world.settings = settings.map(|(key, value)| (key.to_owned(), value)).to_vec();
        Some(world)
    }

    /// The same world with one more setting.
    pub(crate) fn with(mut self, key: &str, value: &str) -> Self {
        self.settings.push((key.to_owned(), value.to_owned()));
        self
    }

    /// Holds back the provider's next answer until the gate is opened.
    pub(crate) fn hold(&self) -> Gate {
        let gate = Gate::closed();
        self.openai.next(Case::after(&gate, Case::Success));
        gate
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn config(&self) -> Config {
        let data_dir = match &self.servers {
            None => self.folder().to_owned(),
            Some(servers) => {
                let number = servers.fetch_add(1, Ordering::Relaxed);
                self.folder().join(format!("server-{number}"))
            }
        };
        let mut flags = vec![
            ("data_dir".to_owned(), data_dir.to_string_lossy().into_owned()),
            ("providers.openai.api_key".to_owned(), SECRET.to_owned()),
            ("providers.openai.base_url".to_owned(), self.openai.base_url()),
        ];
        flags.extend(self.settings.iter().cloned());
        let sources = Sources {
            flags,
            ..Sources::default()
        };
        Config::load(&sources).unwrap()
    }

    pub(crate) async fn serve(&self) -> TestServer {
        let app = App::open(&self.config()).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = tokio::spawn(async move {
            let shutdown = async {
                let _ = stopped.await;
            };
            limn_server::run(app, listener, shutdown).await.unwrap();
        });
        let endpoint = Channel::from_shared(format!("http://{address}")).unwrap();
        TestServer {
            address,
            channel: endpoint.connect().await.unwrap(),
            stop: Some(stop),
            serving,
        }
    }

    /// Every file below the data folder that is an image or a staged answer, by its path in the store.
    pub(crate) fn blobs(&self, prefix: &str) -> Vec<String> {
        let root = self.folder().join("blobs");
        let mut found = Vec::new();
        walk(&root, &mut found);
        let mut keys: Vec<String> = found
            .iter()
            .map(|path| path.strip_prefix(&root).unwrap().to_string_lossy().into_owned())
            .filter(|key| key.starts_with(prefix))
            .collect();
        keys.sort();
        keys
    }
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, found);
        } else {
            found.push(path);
        }
    }
}

impl TestServer {
    pub(crate) fn planner(&self) -> PlannerServiceClient<Channel> {
        PlannerServiceClient::new(self.channel.clone())
    }

    pub(crate) fn plan_store(&self) -> PlanStoreServiceClient<Channel> {
        PlanStoreServiceClient::new(self.channel.clone())
    }

    pub(crate) fn executor(&self) -> ExecutorServiceClient<Channel> {
        ExecutorServiceClient::new(self.channel.clone())
    }

    pub(crate) fn library(&self) -> ImageLibraryServiceClient<Channel> {
        ImageLibraryServiceClient::new(self.channel.clone())
    }

    /// Stops the server as a signal would, and waits until it has drained.
    pub(crate) async fn stop(mut self) {
        self.stop.take().unwrap().send(()).unwrap();
        self.serving.await.unwrap();
    }

    pub(crate) async fn plan(&self, request: PlanRequest) -> ImageGenerationPlan {
        self.planner()
            .plan(request)
            .await
            .unwrap()
            .into_inner()
            .plan
            .unwrap()
    }

    /// Runs an order to its end.
    pub(crate) async fn execute(&self, order: ExecutionOrder) -> Progress {
        let request = ExecutePlanRequest {
            order: Some(order),
            ..ExecutePlanRequest::default()
        };
        let stream = self.executor().execute_plan(request).await.unwrap().into_inner();
        Progress::read(stream.map(|response| response.map(|response| response.event.unwrap()))).await
    }

    /// Accepts an order and returns the name of its execution at once.
    pub(crate) async fn start(&self, order: ExecutionOrder) -> String {
        let request = v1::StartExecutionRequest { order: Some(order) };
        let answer = self.executor().start_execution(request).await.unwrap();
        answer.into_inner().execution.unwrap().name
    }

    /// Watches an execution to the end of the stream.
    pub(crate) async fn watch(&self, name: &str, after_sequence: Option<u64>) -> Progress {
        let request = v1::WatchExecutionRequest {
            name: name.to_owned(),
            after_sequence,
            ..v1::WatchExecutionRequest::default()
        };
        let stream = self
            .executor()
            .watch_execution(request)
            .await
            .unwrap()
            .into_inner();
        Progress::read(stream.map(|response| response.map(|response| response.event.unwrap()))).await
    }

    pub(crate) async fn image(&self, name: &str) -> v1::Image {
        let request = v1::GetImageRequest {
            name: name.to_owned(),
        };
        self.library()
            .get_image(request)
            .await
            .unwrap()
            .into_inner()
            .image
            .unwrap()
    }

    pub(crate) async fn read_image(&self, name: &str) -> Vec<u8> {
        let request = v1::ReadImageRequest {
            name: name.to_owned(),
            offset: 0,
        };
        let mut chunks = self.library().read_image(request).await.unwrap().into_inner();
        let mut bytes = Vec::new();
        while let Some(chunk) = chunks.message().await.unwrap() {
            assert!(chunk.data.len() <= 65_536);
            bytes.extend_from_slice(&chunk.data);
        }
        bytes
    }
}

/// All messages of a stream.
#[derive(Debug)]
pub(crate) struct Progress {
    pub(crate) events: Vec<ExecutionEvent>,
}

impl Progress {
    pub(crate) async fn read(stream: impl Stream<Item = Result<ExecutionEvent, Status>>) -> Self {
        let events = stream.map(Result::unwrap).collect().await;
        Self { events }
    }

    /// The snapshot that the stream ended with.
    pub(crate) fn last(&self) -> &v1::Execution {
        match self.events.last().and_then(|event| event.event.as_ref()) {
            Some(Event::Snapshot(execution)) => execution,
            other => panic!("the stream ended with {other:?} instead of a snapshot"),
        }
    }

    /// The only step of a single image.
    pub(crate) fn step(&self) -> &v1::StepStatus {
        let [step] = self.last().steps.as_slice() else {
            panic!("not one step: {:?}", self.last().steps);
        };
        step
    }

    /// Stored events: all but snapshots and keep-alives.
    pub(crate) fn deltas(&self) -> Vec<&ExecutionEvent> {
        let is_delta = |event: &&ExecutionEvent| {
            !matches!(event.event, Some(Event::Snapshot(_) | Event::KeepAlive(_)) | None)
        };
        self.events.iter().filter(is_delta).collect()
    }
}

/// A request for one picture by the local renderer.
pub(crate) fn sketch(prompt: &str) -> PlanRequest {
    image(ImageRequest {
        prompt: prompt.to_owned(),
        width_px: 64,
        height_px: 64,
        ..ImageRequest::default()
    })
}

/// A request for one picture by the counting provider, small enough to be quick and large enough to be allowed.
pub(crate) fn paid(prompt: &str) -> PlanRequest {
    image(ImageRequest {
        prompt: prompt.to_owned(),
        provider: "openai".to_owned(),
        width_px: 1024,
        height_px: 1024,
        ..ImageRequest::default()
    })
}

pub(crate) fn image(image: ImageRequest) -> PlanRequest {
    PlanRequest {
        parent: PARENT.to_owned(),
        work: Some(v1::plan_request::Work::Image(image)),
        policy: Some(quick_retries()),
        ..PlanRequest::default()
    }
}

pub(crate) fn batch(images: Vec<ImageRequest>) -> PlanRequest {
    PlanRequest {
        parent: PARENT.to_owned(),
        work: Some(v1::plan_request::Work::Batch(v1::BatchRequest {
            images,
            ..v1::BatchRequest::default()
        })),
        policy: Some(quick_retries()),
        ..PlanRequest::default()
    }
}

/// Retries whose backoff is over at once.
pub(crate) fn quick_retries() -> limn_proto::plan::RunPolicy {
    limn_proto::plan::RunPolicy {
        retry: Some(limn_proto::plan::RetryPolicy {
            initial_backoff_ms: 1,
            max_backoff_ms: 2,
            ..Default::default()
        }),
        ..Default::default()
    }
}

pub(crate) fn order(plan: &ImageGenerationPlan) -> ExecutionOrder {
    ExecutionOrder {
        parent: PARENT.to_owned(),
        source: Some(Source::Plan(plan.clone())),
        ..ExecutionOrder::default()
    }
}

/// The stable word of a refusal.
pub(crate) fn reason(status: &Status) -> String {
    let info = status.get_details_error_info();
    info.unwrap_or_else(|| panic!("{status:?} carries no ErrorInfo"))
        .reason
}

/// Field paths of a refusal, in order.
pub(crate) fn violations(status: &Status) -> Vec<(String, String)> {
    let details = status.get_details_bad_request();
    let violations = details
        .unwrap_or_else(|| panic!("{status:?} lists no fields"))
        .field_violations;
    violations
        .into_iter()
        .map(|violation| (violation.field, violation.description))
        .collect()
}

pub(crate) fn nanos(money: Option<&Money>) -> i64 {
    money.map_or_else(|| panic!("the amount is absent"), |money| money.nanos)
}

/// Says loudly that something was not tested, or fails where nothing may be skipped.
pub(crate) fn skip(what: &str) {
    assert!(
        tool("LIMN_TEST_NO_SKIP").is_none(),
        "{what}: may not be skipped here"
    );
    eprintln!("SKIPPED: {what}; tests/run installs it");
}

/// A tool that `tests/run` installed.
#[expect(
    clippy::disallowed_methods,
    reason = "tests/run hands over its tools by the environment"
)]
pub(crate) fn tool(variable: &str) -> Option<String> {
    std::env::var(variable).ok().filter(|value| !value.is_empty())
}
