//! The gRPC services: one file each, which decodes, calls and encodes.
//!
//! A service speaks in [`Refusal`](crate::refusal::Refusal)s; what a caller sees of one is decided in
//! [`status`](crate::status).

use std::sync::Arc;

use limn_executor::{clock::Clock, executor::Executor};
use limn_planner::Catalog;

use crate::paging::PageTokens;

mod account;
mod call;
mod catalog;
mod executor;
mod image_library;
mod plan_store;
mod planner;
mod request;

pub(crate) use account::AccountServer;
pub(crate) use catalog::CatalogServer;
pub(crate) use executor::ExecutorServer;
pub(crate) use image_library::ImageLibraryServer;
pub(crate) use plan_store::PlanStoreServer;
pub(crate) use planner::PlannerServer;

/// What the services work with.
#[derive(Debug)]
pub(crate) struct Context {
    /// What can be planned.
    pub(crate) catalog: Catalog,
    /// What runs plans, with its records and blobs.
    pub(crate) executor: Executor,
    /// Signs page tokens.
    pub(crate) pages: PageTokens,
    /// Time.
    pub(crate) clock: Arc<dyn Clock>,
    /// Largest message that is accepted, in bytes.
    pub(crate) max_message_bytes: usize,
}
