//! The seeded simulator: whole worlds of executors, records, vendors and clients in virtual time, thousands of them,
//! each decided by a seed down to the last call; docs/testing.md says how to use it.

#![cfg(test)]

mod acts;
mod asking;
mod blobs;
mod brief;
mod callers;
mod check;
mod clock;
mod decisions;
mod desk;
mod faults;
mod ids;
mod market;
mod orders;
mod process;
mod records;
mod reply;
mod rest;
mod rng;
mod trace;
mod traffic;
mod turns;
mod vendor;
mod world;

use std::{
    collections::BTreeMap,
    env,
    fmt::Write as _,
    panic::catch_unwind,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Instant,
};

use check::Violation;
use world::World;

/// Schedules of a run that is not told how many.
const SHORT: u64 = 1_000;
/// Lines of the trace that a failure shows.
const SHOWN: usize = 60;

/// What became of one seed.
struct Outcome {
    result: Result<(), Violation>,
    steps: u64,
    changes: Vec<String>,
    lines: Vec<String>,
}

fn play(seed: u64) -> Outcome {
    trace::note_panics();
    tracing::subscriber::with_default(trace::Logger, || {
        let mut world = World::new(seed);
        let result = world.run();
        Outcome {
            result,
            steps: world.trace.steps(),
            changes: world.database.changes(),
            lines: world.trace.lines().to_vec(),
        }
    })
}

/// What a person needs to look into it.
fn report(seed: u64, outcome: &Outcome, violation: &Violation) -> String {
    let mut text = format!(
        "seed {seed}, step {}: {}: {}\n",
        outcome.steps, violation.rule, violation.subject
    );
    // A whole trace is for LIMN_SIM_TRACE; who looks for work and finds none only takes the room of what matters.
    let told: Vec<&String> = outcome.lines.iter().filter(|line| !is_idle(line)).collect();
    for line in &told[told.len().saturating_sub(SHOWN)..] {
        let _ = writeln!(text, "{line}");
    }
    let _ = write!(
        text,
        "again: LIMN_SIM_SEED={seed} cargo test -p limn-executor --test simulator"
    );
    text
}

/// True for steps in which somebody looks for something to do and finds nothing.
fn is_idle(line: &str) -> bool {
    let line = line.trim_end();
    let looks = [
        " claim : []",
        " stranded : []",
        " Pruned { events: 0, executions: 0 }",
        " wakes",
    ];
    looks.iter().any(|look| line.ends_with(look))
}

#[expect(
    clippy::disallowed_methods,
    reason = "a person says here which schedules to run"
)]
fn setting(name: &str) -> Option<u64> {
    let text = env::var(name).ok()?;
    let number = text.parse();
    Some(number.unwrap_or_else(|_| panic!("{name} is {text:?}, which is no number")))
}

/// What all schedules of a run did together.
#[derive(Default)]
struct Sum {
    schedules: u64,
    steps: u64,
    /// How many schedules made each change of state, and the least seed of them.
    changes: BTreeMap<String, (u64, u64)>,
    failure: Option<String>,
}

impl Sum {
    fn add(&mut self, seed: u64, outcome: &Outcome) {
        self.schedules += 1;
        self.steps += outcome.steps;
        for change in &outcome.changes {
            let (schedules, least) = self.changes.entry(change.clone()).or_insert((0, seed));
            *schedules += 1;
            *least = seed.min(*least);
        }
        if let Err(violation) = &outcome.result {
            self.failure
                .get_or_insert_with(|| report(seed, outcome, violation));
        }
    }
}

/// Runs seeds on all cores until one fails.
fn play_all(seeds: &[u64]) -> Sum {
    let next = AtomicUsize::new(0);
    let sum = Mutex::new(Sum::default());
    let started = Instant::now();
    let work = || {
        while let Some(seed) = seeds.get(next.fetch_add(1, Ordering::Relaxed)) {
            let outcome = catch_unwind(|| play(*seed)).unwrap_or_else(|_| panic!("seed {seed} panicked"));
            if setting("LIMN_SIM_TRACE").is_some() {
                println!("{}", outcome.lines.join("\n"));
            }
            let mut sum = sum.lock().unwrap();
            sum.add(*seed, &outcome);
            if sum.failure.is_some() {
                return;
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    let sum = sum.into_inner().unwrap();
    let seconds = started.elapsed().as_secs();
    println!("{} schedules, {} steps, {seconds} s", sum.schedules, sum.steps);
    for (change, (schedules, seed)) in &sum.changes {
        println!("{schedules:>6} {change}, for example seed {seed}");
    }
    sum
}

/// Seeds that are kept: they once found something, or make a rare change.
fn kept_seeds() -> Vec<u64> {
    include_str!("seeds.txt")
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default().trim())
        .filter(|line| !line.is_empty())
        .map(|line| {
            line.parse()
                .unwrap_or_else(|_| panic!("seeds.txt: {line:?} is no seed"))
        })
        .collect()
}

#[test]
fn every_schedule_keeps_its_promises() {
    let count = setting("LIMN_SIM_SCHEDULES");
    let seeds: Vec<u64> = match (setting("LIMN_SIM_SEED"), count) {
        (Some(seed), count) => (0..count.unwrap_or(1))
            .map(|more| seed.wrapping_add(more))
            .collect(),
        (None, Some(count)) => {
            let first = uuid::Uuid::new_v4().as_u64_pair().0 >> 16;
            println!("schedules from seed {first}");
            let further = (0..count).map(|more| first + more);
            kept_seeds().into_iter().chain(further).collect()
        }
        (None, None) => kept_seeds().into_iter().chain(1..=SHORT).collect(),
    };
    let sum = play_all(&seeds);
    if let Some(failure) = sum.failure {
        panic!("{failure}");
    }
    // Schedules that do nothing keep every promise.
    let clock = Arc::new(clock::WorldClock::new());
    let mut missing = check::Database::open(clock).changes_asked_of(sum.schedules);
    missing.retain(|change| !sum.changes.contains_key(change));
    assert!(missing.is_empty(), "no schedule made these changes: {missing:?}");
}

#[test]
fn a_seed_gives_the_same_schedule_every_time() {
    for seed in 1..=20 {
        let (once, again) = (play(seed), play(seed));
        for (place, (first, second)) in once.lines.iter().zip(&again.lines).enumerate() {
            let before = once.lines[place.saturating_sub(20)..place].join("\n");
            assert_eq!(first, second, "seed {seed} went two ways after\n{before}");
        }
        assert_eq!(once.lines.len(), again.lines.len(), "seed {seed}");
    }
}
