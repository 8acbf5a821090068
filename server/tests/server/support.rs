//! A server on a port of its own, with a data folder of its own.

use std::{collections::HashMap, net::SocketAddr, path::Path};

use futures::StreamExt as _;
use limn_executor::ids::ExecutionId;
use limn_proto::{
    name::{Collection, parse_resource_name},
    v1::{Execution, ImageRequest, PlanRequest, execution_event::Event, plan_request::Work},
};
use limn_server::{
    App, RunError,
    config::{Config, Sources},
};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};
use tonic::{
    Code, Status,
    transport::{Channel, Endpoint},
};
use tonic_types::StatusExt as _;

/// The configuration of a test: a data folder, and flags.
pub(crate) fn config(data_dir: &Path, flags: &[(&str, &str)]) -> Config {
    let data_dir = [("data_dir", data_dir.to_str().unwrap())];
    let flags = data_dir.iter().chain(flags);
    Config::load(&Sources {
        flags: flags
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect(),
        ..Sources::default()
    })
    .unwrap()
}

/// An app without a port, and the channel to it.
pub(crate) struct InProcess {
    pub(crate) channel: Channel,
    pub(crate) app: App,
    data_dir: tempfile::TempDir,
}

impl InProcess {
    pub(crate) async fn start(flags: &[(&str, &str)]) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), flags).await
    }

    /// Starts on a data folder that may have seen a server before.
    pub(crate) async fn start_in(data_dir: tempfile::TempDir, flags: &[(&str, &str)]) -> Self {
        let app = App::open(&config(data_dir.path(), flags)).await.unwrap();
        Self {
            channel: app.channel(),
            app,
            data_dir,
        }
    }

    /// Stops, and leaves the data folder to the next one.
    pub(crate) async fn stop(self) -> tempfile::TempDir {
        self.app.shutdown().await;
        self.data_dir
    }
}

/// What a refusal says to programs: code, reason, fields, metadata.
pub(crate) struct Refused {
    pub(crate) code: Code,
    pub(crate) reason: String,
    pub(crate) fields: Vec<String>,
    pub(crate) metadata: HashMap<String, String>,
}

pub(crate) fn refused<T: std::fmt::Debug>(answer: Result<T, Status>) -> Refused {
    let status = answer.unwrap_err();
    let details = status.get_error_details();
    let info = details.error_info().expect("every refusal has an ErrorInfo");
    let violations = details.bad_request().map(|bad| bad.field_violations.clone());
    Refused {
        code: status.code(),
        reason: info.reason.clone(),
        fields: violations
            .unwrap_or_default()
            .into_iter()
            .map(|violation| violation.field)
            .collect(),
        metadata: info.metadata.clone(),
    }
}

/// A request for one picture at the local renderer.
pub(crate) fn one_picture(client: &str, prompt: &str) -> PlanRequest {
    PlanRequest {
        parent: format!("clients/{client}"),
        work: Some(Work::Image(ImageRequest {
            prompt: prompt.to_owned(),
            ..ImageRequest::default()
        })),
        ..PlanRequest::default()
    }
}

/// A running server.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) executor: limn_executor::executor::Executor,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), RunError>>,
    _data_dir: tempfile::TempDir,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let data_dir = tempfile::tempdir().unwrap();
        Self::start_with(&config(data_dir.path(), &[]), data_dir).await
    }

    /// Starts with a configuration of a data folder.
    pub(crate) async fn start_with(config: &Config, data_dir: tempfile::TempDir) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::start_on(listener, config, data_dir).await
    }

    /// The same on a port that was taken before, for a configuration that names it.
    pub(crate) async fn start_on(
        listener: TcpListener,
        config: &Config,
        data_dir: tempfile::TempDir,
    ) -> Self {
        let app = App::open(config).await.unwrap();
        let executor = app.executor().clone();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(limn_server::run(app, listener, async {
            let _ = stopped.await;
        }));
        Self {
            address,
            executor,
            stop,
            task,
            _data_dir: data_dir,
        }
    }

    pub(crate) async fn channel(&self) -> Channel {
        let endpoint = Endpoint::from_shared(format!("http://{}", self.address)).unwrap();
        endpoint.connect().await.unwrap()
    }

    /// The execution once it rests.
    pub(crate) async fn rest(&self, name: &str) -> Execution {
        let (client, id) = parse_resource_name(name, Collection::Executions).unwrap();
        let id = ExecutionId(id.parse().unwrap());
        let mut events = self.executor.watch(client, id, None);
        let mut last = None;
        while let Some(event) = events.next().await {
            last = event.unwrap().event;
        }
        match last {
            Some(Event::Snapshot(execution)) => *execution,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn stop(self) {
        self.stop.send(()).unwrap();
        self.task.await.unwrap().unwrap();
    }
}
