//! crate essay comes with the engine

pub mod artifact;
pub mod backoff;
pub mod blob;
pub mod clock;
pub mod failure;
pub mod ids;
pub mod plan;
pub mod provider;
pub mod providers;
pub mod records;

#[cfg(feature = "testing")]
pub mod conformance;
#[cfg(feature = "testing")]
pub mod testing;
