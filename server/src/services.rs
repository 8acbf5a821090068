//! The gRPC services: one file each, which decodes, calls and encodes.
//!
//! A service speaks in [`Refusal`](crate::refusal::Refusal)s; what a caller sees of one is decided in
//! [`status`](crate::status).

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use limn_executor::{clock::Clock, executor::Executor, ids::ExecutionId, providers::Traits};
use limn_planner::Catalog;
use limn_proto::name::Collection;

use crate::{config::StoragePrice, paging::PageTokens, refusal::Refusal};

mod account;
mod call;
mod catalog;
mod document;
mod executor;
mod image_library;
mod plan_store;
mod planner;
mod request;
mod session;

pub(crate) use account::AccountServer;
pub(crate) use catalog::CatalogServer;
pub(crate) use document::DocumentServer;
pub(crate) use executor::ExecutorServer;
pub(crate) use image_library::ImageLibraryServer;
pub(crate) use plan_store::PlanStoreServer;
pub(crate) use planner::PlannerServer;
pub(crate) use session::SessionServer;

/// What the services work with.
#[derive(Debug)]
pub(crate) struct Context {
    /// What can be planned.
    pub(crate) catalog: Catalog,
    /// How each provider is worked with, by its id.
    pub(crate) traits: BTreeMap<String, Traits>,
    /// What runs plans, with its records and blobs.
    pub(crate) executor: Executor,
    /// Signs page tokens.
    pub(crate) pages: PageTokens,
    /// Time.
    pub(crate) clock: Arc<dyn Clock>,
    /// Largest message that is accepted, in bytes.
    pub(crate) max_message_bytes: usize,
    /// What keeping pictures costs; nothing: it is not estimated.
    pub(crate) storage_price: Option<StoragePrice>,
    /// How long a reader of progress may not read.
    pub(crate) watch_stall: Duration,
}

impl Context {
    /// Why an execution of a client cannot be found: it never was, or it is gone.
    pub(crate) async fn missing_execution(&self, client: &str, id: ExecutionId, name: &str) -> Refusal {
        match self.executor.records().pruned(client, id).await {
            Ok(Some(pruned)) => Refusal::pruned(name, pruned),
            Ok(None) => Refusal::not_found(Collection::Executions, name),
            Err(error) => error.into(),
        }
    }
}
