//! The protocol of Limn: generated messages and stubs, and the definition of the plan digest.
//!
//! The messages come from `proto/**/*.proto`; the comments there are the documentation of the contract.
//! [`plan`](limn::plan::v1) is the package that is hashed, [`limn::v1`] everything else. What is written by
//! hand is what both halves of the system must agree on and neither owns: the canonical encoding
//! ([`digest`]), the seeds of re-rolls ([`reroll`]), the vocabulary of reasons ([`reason`]), the names of
//! resources ([`name`]) and how percentages are written ([`percent`]).
//!
//! Without features this crate is `no_std` and knows nothing but messages; the planner uses it so.
//! `client` and `server` add tonic stubs, `json` adds canonical protobuf JSON.

#![cfg_attr(not(any(feature = "json", feature = "client", feature = "server")), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod digest;
pub mod name;
pub mod percent;
pub mod reason;
pub mod reroll;

#[expect(
    clippy::large_enum_variant,
    reason = "the messages are generated, and boxing would show in their API"
)]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/_all.rs"));
}

pub use generated::limn;
/// Short name of the package that is hashed.
pub use generated::limn::plan::v1 as plan;
/// Short name of the package with services and everything that is not hashed.
pub use generated::limn::v1;

/// All files of `proto/` and their imports as an encoded `google.protobuf.FileDescriptorSet`, for
/// reflection and for tests over the contract.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.binpb"));
