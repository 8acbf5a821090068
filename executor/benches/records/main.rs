//! What durability costs: attempts per second from intent to image, and a claim beside a million ended executions.
//!
//! `cargo bench -p limn-executor --bench records` measures SQLite on the disk of the build folder, and Postgres where
//! `LIMN_TEST_POSTGRES_URL` names a server (`tests/postgres cargo bench …` starts one).

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench that cannot go on has failed, and its result is what it prints"
)]

mod attempts;
mod claims;
mod place;
mod work;

use place::Place;

#[tokio::main]
async fn main() {
    for (name, new) in [
        ("SQLite", Place::sqlite as fn() -> _),
        ("Postgres", Place::postgres as fn() -> _),
    ] {
        attempts::measure(name, new).await;
        claims::measure(name, new).await;
    }
}
