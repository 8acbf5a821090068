//! Stories of the whole system through its public API: a real server on a real port, real SQLite, a real folder,
//! and a loopback provider that counts what it would charge.

#![expect(clippy::unwrap_used, reason = "a story that cannot go on has failed")]

mod support;

mod bad_input;
mod budgets;
mod contract_tools;
mod decisions;
mod dedup;
mod failures;
mod joining;
mod library;
mod plans;
mod restart;
mod second_choice;
mod sessions;
mod several;
mod watching;
