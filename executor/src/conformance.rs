//! Suites that every implementation of a seam must pass. Each panics at the first broken promise.

pub mod blobs;
pub mod records;
