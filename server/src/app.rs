//! A whole Limn in one value: opened from a configuration, reached through a channel or a port.

use std::{fmt, io, path::PathBuf, sync::Arc};

use limn_executor::{blob::link::LinkSigner, clock::SystemClock, executor::Executor, records::RecordError};
use limn_planner::{Catalog, CatalogProblem};
use limn_proto::v1::{
    account_service_server::AccountServiceServer, catalog_service_server::CatalogServiceServer,
    document_service_server::DocumentServiceServer, executor_service_server::ExecutorServiceServer,
    image_library_service_server::ImageLibraryServiceServer,
    plan_store_service_server::PlanStoreServiceServer, planner_service_server::PlannerServiceServer,
    session_service_server::SessionServiceServer,
};
use tonic::{
    service::{Routes, RoutesBuilder},
    transport::Channel,
};
use tonic_health::{
    ServingStatus,
    pb::health_server::HealthServer,
    server::{HealthReporter, HealthService},
};

use crate::{
    catalog::Loaded,
    config::Config,
    http::{self, Hooks, Links},
    in_process,
    lock::{DataLock, LockError},
    paging::PageTokens,
    services::{
        AccountServer, CatalogServer, Context, DocumentServer, ExecutorServer, ImageLibraryServer,
        PlanStoreServer, PlannerServer, SessionServer,
    },
    wiring,
};

/// Largest message that is sent: whatever is larger is a mistake of ours, and better found here than at a caller.
const MAX_SENT_BYTES: usize = 64 * 1024 * 1024;

/// A whole Limn: it owns its data folder and runs executions from the moment it is opened.
///
/// Call [`App::shutdown`] before dropping it, or hand it to [`run`](crate::run), which does.
#[derive(Debug)]
pub struct App {
    context: Arc<Context>,
    pub(crate) links: Arc<LinkSigner>,
    pub(crate) lock: DataLock,
    pub(crate) health: HealthReporter,
    pub(crate) public_url: Option<String>,
}

/// What a Limn is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It stays, and does whatever there is to do.
    Server,
    /// It is gone after one command. On a database that others may serve, it only does what the command is about.
    Command,
}

/// Why a Limn cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// Another process works with the data folder, or the folder cannot be used.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The catalog, or a change to it, is wrong: everything that is.
    #[error("the catalog is wrong:{}", listed(.0))]
    Catalog(Vec<CatalogProblem>),
    /// The database cannot be opened.
    #[error("cannot open {database}: {source}")]
    Database {
        /// Which one it is, without user and password.
        database: String,
        /// What it said.
        #[source]
        source: RecordError,
    },
    /// A file or folder cannot be used.
    #[error("cannot use {file}: {source}", file = .file.display())]
    File {
        /// The file or folder.
        file: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// The store of images is not the one that the other processes of the database use.
    #[error("{store} is not the store that belongs to {database}: {remedy}")]
    OtherStore {
        /// The store.
        store: String,
        /// The database, without user and password.
        database: String,
        /// What to do.
        remedy: String,
    },
    /// The store of images cannot be set up.
    #[error("cannot use {store}: {message}")]
    Store {
        /// The store.
        store: String,
        /// What is wrong.
        message: String,
    },
    /// Nobody can sign pictures.
    #[error("cannot sign pictures, as provenance.enabled says: {message}")]
    Provenance {
        /// What is wrong.
        message: String,
    },
    /// A provider cannot be set up.
    #[error("cannot set up providers.{provider}: {message}")]
    Provider {
        /// Its id.
        provider: String,
        /// What is wrong.
        message: String,
    },
}

impl App {
    /// Takes the data folder and opens everything in it. Executions that an earlier process left go on.
    ///
    /// # Errors
    ///
    /// The folder is in use, or a part cannot be opened.
    pub async fn open(config: &Config) -> Result<Self, AppError> {
        Self::open_as(config, Role::Server).await
    }

    /// The same for a role.
    ///
    /// # Errors
    ///
    /// As [`App::open`].
    pub async fn open_as(config: &Config, role: Role) -> Result<Self, AppError> {
        // The catalog first: a wrong one should not leave a folder behind.
        let loaded = wiring::load_catalog(config).map_err(AppError::Catalog)?;
        let lock = DataLock::acquire(&config.data_dir, false)?;
        Self::assemble(config, loaded, lock, role).await
    }

    /// The same with a data folder that was taken before.
    ///
    /// # Errors
    ///
    /// A part cannot be opened.
    pub async fn open_locked(config: &Config, lock: DataLock) -> Result<Self, AppError> {
        let loaded = wiring::load_catalog(config).map_err(AppError::Catalog)?;
        Self::assemble(config, loaded, lock, Role::Server).await
    }

    async fn assemble(config: &Config, loaded: Loaded, lock: DataLock, role: Role) -> Result<Self, AppError> {
        let Loaded { catalog, traits } = loaded;
        let wired = wiring::open(config, &traits, role).await?;
        let public_url = config.server.public_url.clone();
        if let Some(url) = &public_url {
            wired.links.set_base_url(url);
        }
        let context = Context {
            catalog,
            traits,
            executor: wired.executor,
            pages: PageTokens::new(wired.key),
            clock: Arc::new(SystemClock),
            max_message_bytes: config.server.max_message_bytes,
            storage_price: config.storage.price.clone(),
            watch_stall: config.executor.watch_stall,
        };
        Ok(Self {
            context: Arc::new(context),
            links: wired.links,
            lock,
            health: HealthReporter::new(),
            public_url,
        })
    }

    /// A client in this process: the same services as on the network, without a port.
    ///
    /// Needs a tokio runtime. The channel works for as long as the app does.
    pub fn channel(&self) -> Channel {
        in_process::channel(self.services().routes())
    }

    /// What can be planned.
    pub fn catalog(&self) -> &Catalog {
        &self.context.catalog
    }

    /// What runs plans, with its records, blobs and providers.
    pub fn executor(&self) -> &Executor {
        &self.context.executor
    }

    /// Begins no new work and waits for calls in flight, within the bound of the configuration.
    pub async fn shutdown(&self) {
        self.context.executor.shutdown().await;
    }

    /// Everything that the port serves.
    pub(crate) fn router(&self) -> Result<axum::Router, tonic_reflection::server::Error> {
        let mut services = self.services();
        services.add_service(HealthServer::new(HealthService::from_health_reporter(
            self.health.clone(),
        )));
        let reflection = || {
            tonic_reflection::server::Builder::configure()
                .register_encoded_file_descriptor_set(limn_proto::DESCRIPTORS)
                .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        };
        // Each version describes itself; clients of one are told about the other, too.
        let other = tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET;
        let v1 = reflection().register_encoded_file_descriptor_set(other);
        services.add_service(v1.build_v1()?);
        let other = tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET;
        let v1alpha = reflection().register_encoded_file_descriptor_set(other);
        services.add_service(v1alpha.build_v1alpha()?);
        let links = Links {
            blobs: Arc::clone(self.context.executor.blobs()),
            signer: Arc::clone(&self.links),
            clock: Arc::clone(&self.context.clock),
        };
        let hooks = Hooks {
            executor: self.context.executor.clone(),
            clock: Arc::clone(&self.context.clock),
        };
        Ok(http::router(services.routes(), links, hooks))
    }

    /// Says of every service, and of the server as a whole, whether it serves.
    pub(crate) async fn report(&self, status: ServingStatus) {
        let services = [
            "",
            limn_proto::v1::planner_service_server::SERVICE_NAME,
            limn_proto::v1::plan_store_service_server::SERVICE_NAME,
            limn_proto::v1::executor_service_server::SERVICE_NAME,
            limn_proto::v1::image_library_service_server::SERVICE_NAME,
            limn_proto::v1::catalog_service_server::SERVICE_NAME,
            limn_proto::v1::account_service_server::SERVICE_NAME,
            limn_proto::v1::document_service_server::SERVICE_NAME,
            limn_proto::v1::session_service_server::SERVICE_NAME,
        ];
        for service in services {
            self.health.set_service_status(service, status).await;
        }
    }

    fn services(&self) -> RoutesBuilder {
        let context = || Arc::clone(&self.context);
        let limit = self.context.max_message_bytes;
        let mut services = Routes::builder();
        services
            .add_service(
                PlannerServiceServer::new(PlannerServer(context()))
                    .max_decoding_message_size(limit)
                    .max_encoding_message_size(MAX_SENT_BYTES),
            )
            .add_service(
                PlanStoreServiceServer::new(PlanStoreServer(context()))
                    .max_decoding_message_size(limit)
                    .max_encoding_message_size(MAX_SENT_BYTES),
            )
            .add_service(
                ExecutorServiceServer::new(ExecutorServer(context()))
                    .max_decoding_message_size(limit)
                    .max_encoding_message_size(MAX_SENT_BYTES),
            )
            .add_service(
                ImageLibraryServiceServer::new(ImageLibraryServer(context()))
                    .max_decoding_message_size(limit)
                    .max_encoding_message_size(MAX_SENT_BYTES),
            )
            .add_service(
                CatalogServiceServer::new(CatalogServer(context()))
                    .max_decoding_message_size(limit)
                    .max_encoding_message_size(MAX_SENT_BYTES),
            )
            .add_service(
                AccountServiceServer::new(AccountServer(context()))
                    .max_decoding_message_size(limit)
                    .max_encoding_message_size(MAX_SENT_BYTES),
            )
            .add_service(
                DocumentServiceServer::new(DocumentServer(context()))
                    .max_decoding_message_size(limit)
                    .max_encoding_message_size(MAX_SENT_BYTES),
            )
            .add_service(
                SessionServiceServer::new(SessionServer(context()))
                    .max_decoding_message_size(limit)
                    .max_encoding_message_size(MAX_SENT_BYTES),
            );
        services
    }
}

/// Problems of a catalog, one to a line.
fn listed(problems: &[CatalogProblem]) -> impl fmt::Display {
    let lines = problems
        .iter()
        .map(|problem| format!("\n  {}: {}", problem.path, problem.message));
    lines.collect::<String>()
}
