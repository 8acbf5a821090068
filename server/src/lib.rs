//! The server of Limn.

pub mod config;
