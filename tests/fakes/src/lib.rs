//! Providers on the loopback interface: one server for each API, faithful to what the provider documents.
//!
//! They are for the tests of Limn, and for trying it without a key: `cargo run -p limn-fakes -- openai` starts one and
//! says how to configure Limn for it. A fake draws gradients, counts what it would charge, remembers what it was asked,
//! and does what it is told: a [`Case`] is something that can become of a call, in words that hold for every provider, and
//! each API says it in its own way.

mod case;
mod desk;
mod dialects;
mod exchange;
mod fake;
mod form;
mod gateway;
mod hook;
mod picture;
pub mod storage;

pub use case::{Case, Gate, Gateway};
pub use desk::Recorded;
pub use exchange::Request;
pub use fake::Fake;
