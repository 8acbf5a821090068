//! Budgets under load, on real databases: whatever runs at the same time and whoever dies, no more is paid than the
//! limit allows, and nothing stays reserved.
//!
//! Postgres is the server that `LIMN_TEST_POSTGRES_URL` names. Without the variable those tests say that they were
//! skipped.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod limits;
mod reruns;
mod studio;
mod world;
