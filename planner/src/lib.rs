//! The planner of Limn: a request and a catalog go in, a plan comes out.
//!
//! Planning is a function. The same request and the same catalog give the same plan, byte for byte, on any
//! machine and on any day. The plan says everything before anything is spent: the final prompt, the provider,
//! the model, the size, the seed, the fallbacks and the price. Who reads it needs neither trust nor luck.
//!
//! What is deliberately absent, and stays absent: a clock, randomness, the environment, files, the network,
//! threads, hidden state. `no_std` takes most of these away by name, `clippy.toml` the rest, and
//! `tests/purity.rs` at the root watches the dependencies. What the planner must know is in the [`Catalog`];
//! what time it is, is an argument.
//!
//! The life of one request, in [`Planner::plan`]:
//!
//! 1. The message is parsed into checked values; every wrong field is collected.
//! 2. For each image a target is selected: an explicit one, the client's preference, the style rule or the
//!    default. A target is a provider's model with everything that would be sent, fitted and priced.
//! 3. Fallbacks are fitted and priced in the same way.
//! 4. Seeds are derived, costs are summed and compared with the limit.
//! 5. The plan is verified by the same rules that hold for plans from outside ([`canonical::verify`]).
//!
//! Planning is total: it gives a plan, or a [`PlanError`] that names every problem; it does not panic.
//! [`Planner::check`] holds a stored plan against a newer catalog, and [`explain()`] describes a plan to people.
//! Start reading in `planner.rs`.

#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::indexing_slicing))]

extern crate alloc;

pub mod canonical;
pub mod catalog;
mod check;
mod document;
mod error;
mod explain;
mod limits;
mod money;
mod planner;
mod request;
mod stages;
mod template;
mod text;

pub use catalog::{Catalog, CatalogParts, CatalogProblem};
pub use document::extract_prompts;
pub use error::{PlanError, Violation};
pub use explain::explain;
pub use limits::{MAX_DOCUMENT_BYTES, MAX_STEPS};
pub use money::display_nanos;
pub use planner::Planner;
