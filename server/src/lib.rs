//! The server of Limn.

pub mod config;
mod json;
mod keys;
pub mod lock;
mod paging;
mod refusal;
mod status;
pub mod telemetry;
mod services;
