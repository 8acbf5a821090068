//! The record seam on real databases: the conformance suite, and what only two connections can show.
//!
//! Postgres is the one that `LIMN_TEST_POSTGRES_URL` names; each test has a schema of its own in it. Without the
//! variable those tests say that they were skipped.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod books;
mod decisions;
mod postgres;
mod replay;
mod rivals;
mod sqlite;
mod support;
