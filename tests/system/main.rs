//! Stories of the whole system through its public API: a real server on a real port, real SQLite, a real folder,
//! and a loopback provider that counts what it would charge.

#![expect(clippy::unwrap_used, reason = "a story that cannot go on has failed")]

#[expect(dead_code, reason = "the suite of the scorer draws more of them")]
#[path = "../../executor/tests/quality/pictures.rs"]
mod pictures;
mod support;

mod bad_input;
mod budgets;
mod contract_tools;
mod decisions;
mod dedup;
mod documents;
mod failures;
mod joining;
mod library;
mod plans;
mod quality;
mod restart;
mod second_choice;
mod sessions;
mod several;
mod views;
mod watching;
