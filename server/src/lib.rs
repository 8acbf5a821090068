//! The server of Limn: it translates between callers and the two halves of the system, and wires them.
//!
//! Planning is in `limn-planner`, spending in `limn-executor`; here is what is left: reading the
//! [configuration](config), choosing adapters, decoding requests, encoding answers. Nothing in this crate makes
//! a decision that a test would want to make without a network.
//!
//! # Absent on purpose
//!
//! - Only `wiring` names an adapter: everything else sees traits.
//! - Only `status` writes a gRPC status: services speak in refusals.
//! - Only `config::layers` reads the environment.
//! - No log line, status or configuration listing shows a secret or a prompt.
//! - No handler owns an execution: when a caller goes away, its handler is dropped and the work goes on.
//!
//! # The life of a call
//!
//! [`run`] accepts a connection on the one port. The router leads a gRPC call to a service, which reads the
//! request (every wrong field is told at once), calls planner or executor, and writes the answer. A signed link
//! goes to `http` instead, which asks the signer and then the store. [`App::channel`] leads to the same services
//! without a port.
//!
//! Start reading in [`app`], then in one service.

pub mod app;
pub mod catalog;
pub mod config;
mod http;
mod in_process;
mod json;
mod keys;
mod listing;
pub mod lock;
mod paging;
mod refusal;
mod serve;
mod services;
mod status;
pub mod telemetry;
mod wiring;

pub use app::{App, AppError};
pub use keys::signing_key_fingerprint;
pub use listing::listing;
pub use serve::{RunError, run};
pub use wiring::{
    Gates, ReadPicture, check_database, check_provenance, check_providers, check_store, load_catalog,
    read_credentials, read_gates,
};
