//! crate essay comes with the engine

pub mod backoff;
pub mod blob;
pub mod clock;
#[cfg(feature = "testing")]
pub mod conformance;
pub mod events;
pub mod failure;
pub mod ids;
pub mod plan;
pub mod provider;
pub mod records;
pub mod snapshot;
