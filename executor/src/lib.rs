//! The executor of Limn: renders plans at providers, durably.
//!
//! A plan says everything before anything is spent; this crate spends. It walks the steps of a plan, performs
//! effects through four seams ([providers](provider), [blobs](blob), [records], and [clock] with [ids]), and
//! writes down what happened before it tells anyone. It decides nothing that the plan already decided, knows
//! no gRPC, and never sees the catalog: prices, fallbacks and limits are in the plan.
//!
//! # The life of a step
//!
//! 1. The step acquires its *unit of work*, (client, render digest, take): a picture that exists is reused
//!    at no cost, a picture that is being drawn is waited for, else this step draws it ([`records::UnitGrant`]).
//! 2. An attempt is prepared: its ceiling is reserved in the ledger, and nothing is sent.
//! 3. It is dispatched: written down durably *before* the first byte leaves.
//! 4. The provider is called once. What is not proven is unknown, and what is unknown is held, never re-sent.
//! 5. The answer is staged and recorded, then read, checked, stored, and committed with its actual cost.
//!
//! Only an attempt that is proven unpaid is followed by a retry or a fallback. A crash between any two of
//! these leaves a state from which the next owner goes on ([`records::RecordStore::claim`]).
//!
//! # Where to start reading
//!
//! [`executor::Executor`] is the handle; `run`, `step`, `attempt` and `finish` are the life of an
//! execution from the outside in; [`records::RecordStore`] says what each transaction promises.

pub mod artifact;
mod asked;
mod attempt;
pub mod backoff;
pub mod blob;
mod calendar;
pub mod clock;
#[cfg(feature = "testing")]
pub mod conformance;
mod copies;
mod cost;
mod darkroom;
pub mod deletion;
pub mod detection;
pub mod events;
pub mod executor;
pub mod failure;
pub mod fingerprint;
mod finish;
mod hints;
pub mod ids;
mod look;
mod marking;
pub mod news;
mod pace;
mod persist;
pub mod plan;
mod previews;
pub mod provenance;
pub mod provider;
pub mod providers;
pub mod quality;
pub mod records;
pub mod references;
mod retention;
mod run;
mod running;
mod salvage;
pub mod score;
mod signals;
pub mod snapshot;
mod step;
mod supervisor;
#[cfg(feature = "testing")]
pub mod testing;
pub mod watch;
