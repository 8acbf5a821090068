//! crate essay comes with the engine

pub mod backoff;
pub mod blob;
pub mod clock;
pub mod failure;
pub mod ids;
pub mod plan;
pub mod provider;
pub mod records;
