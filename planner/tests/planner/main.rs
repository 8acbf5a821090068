//! Tests of the planner through its public API.
//!
//! One binary, so that the fixture is compiled once. `goldens.rs` says how goldens are updated.

#![cfg(test)]

#[path = "../support/mod.rs"]
mod support;

mod canonical;
mod catalog;
mod check;
mod continuity;
mod cost;
mod determinism;
mod documents;
mod encoder;
mod enrich;
mod fidelity;
mod goldens;
mod properties;
mod references;
mod selection;
mod shape;
mod views;
mod violations;
