//! crate

pub mod catalog;
