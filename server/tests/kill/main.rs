//! The kill harness: real processes that are killed, frozen and restarted under load, and gates that must hold
//! whatever was done to them.
//!
//! | variable | default | meaning |
//! | --- | --- | --- |
//! | `LIMN_KILL_SECONDS` | 25 | length of the storm; what follows it takes as long as it takes |
//! | `LIMN_KILL_KEEP` | unset | folder to keep logs and blobs in, also when nothing is found |
//! | `LIMN_KILL_SEED` | drawn | where all chance comes from; a run says which one it had |

#![cfg(test)]

use std::{env, time::Duration};

use database::Place;
use random::Random;
use story::Script;

mod audit;
mod callers;
mod calling;
mod database;
mod nemesis;
mod orders;
mod process;
mod random;
mod stage;
mod story;
mod watching;
mod weather;

#[tokio::test(flavor = "multi_thread")]
async fn one_process_on_sqlite_pays_once_and_loses_nothing() {
    let folder = folder();
    let place = Place::file(folder.path());
    play("sqlite", 1, &place, folder).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn three_processes_on_postgres_pay_once_and_lose_nothing() {
    let Some(server) = variable("LIMN_TEST_POSTGRES_URL") else {
        assert!(
            variable("LIMN_TEST_NO_SKIP").is_none(),
            "LIMN_TEST_POSTGRES_URL is not set; tests/run starts a server"
        );
        eprintln!("SKIPPED: LIMN_TEST_POSTGRES_URL is not set; tests/run starts a server");
        return;
    };
    let folder = folder();
    let place = Place::on_server(&server, seed()).await;
    play("postgres", 3, &place, folder).await;
    place.remove().await;
}

async fn play(name: &str, processes: usize, place: &Place, folder: tempfile::TempDir) {
    let script = Script {
        seed: seed(),
        storm: Duration::from_secs(number("LIMN_KILL_SECONDS").unwrap_or(25)),
        processes,
    };
    println!(
        "{name}: LIMN_KILL_SEED={} LIMN_KILL_SECONDS={}",
        script.seed,
        script.storm.as_secs()
    );
    let findings = story::play(script, place, folder.path()).await;
    if findings.is_empty() {
        return;
    }
    let shown: Vec<&String> = findings.iter().take(30).collect();
    let folder = folder.keep();
    panic!(
        "{name}, LIMN_KILL_SEED={}: {} findings; logs, blobs and SQLite file are in {}\n{shown:#?}",
        script.seed,
        findings.len(),
        folder.display()
    );
}

/// A folder that goes away with its story, unless somebody wants to look at what is in it.
fn folder() -> tempfile::TempDir {
    let Some(parent) = variable("LIMN_KILL_KEEP") else {
        return tempfile::tempdir().unwrap();
    };
    let mut folder = tempfile::tempdir_in(parent).unwrap();
    folder.disable_cleanup(true);
    folder
}

/// The seed that was asked for, or one that nobody chose.
fn seed() -> u64 {
    number("LIMN_KILL_SEED").unwrap_or_else(|| {
        let (id, _) = uuid::Uuid::new_v4().as_u64_pair();
        Random::of(id, "seed").next() % 1_000_000_000
    })
}

fn number(name: &str) -> Option<u64> {
    let text = variable(name)?;
    let parsed = text.parse();
    Some(parsed.unwrap_or_else(|_| panic!("{name} is {text:?}, which is no whole number")))
}

#[expect(
    clippy::disallowed_methods,
    reason = "switches of whoever runs the tests, no settings of the product"
)]
fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|text| !text.is_empty())
}
