//! Where a command runs: at a named server, at the server that holds the data folder, or in this process.
//!
//! After this file there is one code path: tonic clients over a channel.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use limn_executor::clock::{Clock as _, SystemClock};
use limn_proto::{
    reason::Reason,
    v1::{
        account_service_client::AccountServiceClient, catalog_service_client::CatalogServiceClient,
        document_service_client::DocumentServiceClient, executor_service_client::ExecutorServiceClient,
        image_library_service_client::ImageLibraryServiceClient,
        plan_store_service_client::PlanStoreServiceClient, planner_service_client::PlannerServiceClient,
        session_service_client::SessionServiceClient,
    },
};
use limn_server::{
    app::{App, AppError, Role},
    config::Config,
    lock::LockError,
    telemetry,
};
use tonic::transport::{Channel, Endpoint};

use super::{
    failure::{Exit, Failure, with_causes},
    offline::wrong_catalog,
    output::Output,
    settings::Settings,
};

/// How long a server may take to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How often a connection in use is asked whether it lives.
const PING_EVERY: Duration = Duration::from_secs(20);
/// How long the answer may take.
const PING_TIMEOUT: Duration = Duration::from_secs(20);
/// Largest answer that is taken: a plan of 500 steps with long prompts.
const MAX_ANSWER_BYTES: usize = 64 * 1024 * 1024;

/// How often to look whether the data folder is free, or its holder answers by now.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// A channel to the services, and what is known about the other end.
#[derive(Debug)]
pub(crate) struct Connection {
    channel: Channel,
    place: Place,
    /// Where stored pictures are, when that is on this machine.
    blobs: Option<PathBuf>,
}

#[derive(Debug)]
enum Place {
    /// A server that the caller named, by its address.
    NamedServer(String),
    /// The server that holds the data folder.
    LocalServer,
    /// This process, which holds the data folder.
    InProcess(Box<App>),
}

impl Connection {
    /// Opens the place that the flags and the lock of the data folder lead to.
    ///
    /// # Errors
    /// The configuration is wrong, a named server does not answer, or the data folder cannot be used.
    pub(crate) async fn open(settings: &Settings, output: &Output) -> Result<Self, Failure> {
        if let Some(url) = settings.server() {
            return Self::at_named_server(url).await;
        }
        let config = settings.load()?;
        telemetry::init(&config.log, settings.is_quiet());
        let mut told_to_wait = false;
        // The holder may be a server that is about to answer, so this looks again instead of waiting for the lock.
        loop {
            let holder = match App::open_as(&config, Role::Command).await {
                Ok(app) => return Ok(Self::in_process(app, &config)),
                Err(AppError::Lock(LockError::Held { holder, .. })) => holder,
                Err(error) => return Err(unusable(&error)),
            };
            if let Some(url) = &holder.address {
                // It may be gone by now; then the lock is free.
                if let Ok(channel) = connect(url).await {
                    output.note(&format!("using the running server at {url}"));
                    let blobs = config.storage.folder().map(Path::to_owned);
                    return Ok(Self {
                        channel,
                        place: Place::LocalServer,
                        blobs,
                    });
                }
            } else if !told_to_wait && holder.pid != 0 {
                output.note(&format!(
                    "waiting for process {}, which uses the data folder",
                    holder.pid
                ));
                told_to_wait = true;
            }
            SystemClock.sleep(LOOK_AGAIN).await;
        }
    }

    /// Connects to a server by its address.
    ///
    /// # Errors
    /// It is no address, or nobody answers there.
    pub(crate) async fn at_named_server(url: &str) -> Result<Self, Failure> {
        let channel = connect(url).await?;
        Ok(Self {
            channel,
            place: Place::NamedServer(url.to_owned()),
            blobs: None,
        })
    }

    fn in_process(app: App, config: &Config) -> Self {
        Self {
            channel: app.channel(),
            place: Place::InProcess(Box::new(app)),
            blobs: config.storage.folder().map(Path::to_owned),
        }
    }

    /// Ends what runs in this process in order: calls in flight, which may be paid, are settled first. After
    /// Ctrl-C, before or during that, nothing is waited for.
    pub(crate) async fn close(self, result: &Result<(), Failure>) {
        let Place::InProcess(app) = self.place else {
            return;
        };
        let was_interrupted = result
            .as_ref()
            .is_err_and(|failure| failure.exit == Exit::Interrupted);
        let is_drained = !was_interrupted
            && tokio::select! {
                () = app.shutdown() => true,
                _ = tokio::signal::ctrl_c() => false,
            };
        if !is_drained {
            // Its tasks run until the process ends, so until then nobody else may take the data folder.
            std::mem::forget(app);
        }
    }

    /// True when executions end with this process.
    pub(crate) fn is_in_process(&self) -> bool {
        matches!(self.place, Place::InProcess(_))
    }

    /// True when somebody answers at an address of a picture: a server, or the store itself.
    pub(crate) fn has_addresses(&self) -> bool {
        !self.is_in_process() || self.blobs.is_none()
    }

    /// The file of a stored picture, when it is on this machine.
    pub(crate) fn stored_file(&self, storage_key: &str) -> Option<PathBuf> {
        let path = self.blobs.as_ref()?.join(storage_key);
        path.is_file().then_some(path)
    }

    /// The flag that a later command needs to reach the same server.
    pub(crate) fn server_flag(&self) -> String {
        match &self.place {
            Place::NamedServer(url) => format!(" --server {url}"),
            Place::LocalServer | Place::InProcess(_) => String::new(),
        }
    }

    pub(crate) fn planner(&self) -> PlannerServiceClient<Channel> {
        PlannerServiceClient::new(self.channel.clone()).max_decoding_message_size(MAX_ANSWER_BYTES)
    }

    pub(crate) fn plans(&self) -> PlanStoreServiceClient<Channel> {
        PlanStoreServiceClient::new(self.channel.clone()).max_decoding_message_size(MAX_ANSWER_BYTES)
    }

    pub(crate) fn executor(&self) -> ExecutorServiceClient<Channel> {
        ExecutorServiceClient::new(self.channel.clone()).max_decoding_message_size(MAX_ANSWER_BYTES)
    }

    pub(crate) fn images(&self) -> ImageLibraryServiceClient<Channel> {
        ImageLibraryServiceClient::new(self.channel.clone()).max_decoding_message_size(MAX_ANSWER_BYTES)
    }

    pub(crate) fn accounts(&self) -> AccountServiceClient<Channel> {
        AccountServiceClient::new(self.channel.clone()).max_decoding_message_size(MAX_ANSWER_BYTES)
    }

    pub(crate) fn documents(&self) -> DocumentServiceClient<Channel> {
        DocumentServiceClient::new(self.channel.clone()).max_decoding_message_size(MAX_ANSWER_BYTES)
    }

    pub(crate) fn sessions(&self) -> SessionServiceClient<Channel> {
        SessionServiceClient::new(self.channel.clone()).max_decoding_message_size(MAX_ANSWER_BYTES)
    }

    pub(crate) fn catalog(&self) -> CatalogServiceClient<Channel> {
        CatalogServiceClient::new(self.channel.clone()).max_decoding_message_size(MAX_ANSWER_BYTES)
    }
}

/// Connects at once, so that a wrong address is told before anything else happens.
async fn connect(url: &str) -> Result<Channel, Failure> {
    let endpoint = Endpoint::from_shared(url.to_owned())
        .ok()
        .filter(|endpoint| endpoint.uri().scheme_str() == Some("http"))
        .ok_or_else(|| {
            Failure::usage(format!("\"{url}\" is no address of a server"))
                .advise("write it like http://127.0.0.1:50051; for https, go through a local proxy")
        })?;
    endpoint
        .connect_timeout(CONNECT_TIMEOUT)
        .http2_keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PING_TIMEOUT)
        .connect()
        .await
        .map_err(|error| {
            let source =
                std::error::Error::source(&error).map_or_else(String::new, |source| format!(": {source}"));
            let message = format!("no server answers at {url}{source}");
            Failure::unavailable("SERVER_UNREACHABLE", message)
                .advise("is it running? `limn serve` starts one")
        })
}

/// The data folder, the database or the catalog cannot be used.
pub(crate) fn unusable(error: &AppError) -> Failure {
    if let AppError::Catalog(problems) = error {
        return wrong_catalog(problems);
    }
    Failure::new(Reason::StoreUnavailable, with_causes(error))
        .advise("`limn doctor` says what works and what does not")
}
