//! A storm from its first order to the audit.

use std::{sync::Arc, time::Duration};

use limn_proto::v1::{ExecutionMode, ExecutionState};
use tokio::{
    task::JoinSet,
    time::{Instant, timeout},
};

use crate::{
    audit,
    callers::{self, place},
    database::Place,
    nemesis,
    orders::Book,
    random::Random,
    stage::Stage,
    watching::{Sight, Watcher},
};

/// Callers that order, watch and cancel at the same time.
const CALLERS: usize = 6;
/// Longest time after the storm in which nothing happens before everything rests. A lease must pass before what a dead
/// process owned is taken over; a machine that is busy with other things may take its time.
const STANDSTILL: Duration = Duration::from_secs(180);
/// Finished executions that are ordered once more at the end.
const REPLAYS: usize = 20;

/// What to play.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Script {
    pub(crate) seed: u64,
    pub(crate) storm: Duration,
    pub(crate) processes: usize,
}

/// Plays a storm on a place and checks what is left. What it finds is what is wrong.
pub(crate) async fn play(script: Script, place: &Place, folder: &std::path::Path) -> Vec<String> {
    let seed = script.seed;
    let stage = Stage::open(folder, place, script.processes, seed).await;
    let book = Arc::new(Book::default());
    let until = Instant::now() + script.storm;

    let mut callers = JoinSet::new();
    let random = Random::of(seed, "big batch");
    callers.spawn(callers::big(Arc::clone(&stage), Arc::clone(&book), random));
    for caller in 0..CALLERS {
        let random = Random::of(seed, &format!("caller {caller}"));
        callers.spawn(callers::work(
            Arc::clone(&stage),
            Arc::clone(&book),
            random,
            until,
        ));
    }
    let mut nemeses = JoinSet::new();
    for slot in 0..script.processes {
        let random = Random::of(seed, &format!("nemesis {slot}"));
        nemeses.spawn(nemesis::torment(Arc::clone(&stage), slot, random, until));
    }
    while let Some(ended) = nemeses.join_next().await {
        ended.unwrap();
    }

    // From here on all processes are well.
    let mut sights = Vec::new();
    let resting = async {
        while let Some(watched) = callers.join_next().await {
            sights.extend(watched.unwrap());
        }
        sights.extend(watch_everything(&stage, &book, seed).await);
        replay(&stage, &book, &sights, seed).await;
    };
    tokio::select! {
        () = resting => {}
        () = standstill(&stage) => stage.find(format!("not everything rests, and nothing moves for {STANDSTILL:?}")),
    }
    for slot in &stage.slots {
        stage.terminate(slot).await;
    }
    println!("{:?}", stage.counts());
    // A log calls error what somebody must look at, and nothing was wrong but the processes themselves.
    for (error, count) in stage.logged_errors() {
        stage.find(format!("logged as an error {count} times: {error}"));
    }
    audit::audit(&stage, place.open().await, &book.entries(), &sights).await;
    check_strength(&stage);
    stage.findings()
}

/// Returns when nothing has happened for too long.
async fn standstill(stage: &Stage) {
    let mut moves = stage.moves.subscribe();
    while timeout(STANDSTILL, moves.changed()).await.is_ok() {}
}

/// Everything that was ever ordered, from its first event to its end, also what its caller left alone.
async fn watch_everything(stage: &Arc<Stage>, book: &Book, seed: u64) -> Vec<Sight> {
    let mut watchers = JoinSet::new();
    let mut sights = Vec::new();
    for execution in book.executions() {
        let stage = Arc::clone(stage);
        let mut random = Random::of(seed, &execution);
        watchers.spawn(async move {
            let watcher = Watcher::new(&stage, &mut random, &execution, Some(0), 1);
            watcher.watch(usize::MAX).await
        });
        if watchers.len() >= 16 {
            sights.extend(watchers.join_next().await.map(Result::unwrap));
        }
    }
    sights.extend(watchers.join_all().await);
    sights
}

/// What is complete is never paid again, whoever asks for it.
async fn replay(stage: &Stage, book: &Book, sights: &[Sight], seed: u64) {
    let mut random = Random::of(seed, "replay");
    let is_complete = |name: &String| {
        let mut ends = sights.iter().filter(|sight| sight.execution == *name);
        ends.any(|sight| {
            sight
                .last
                .as_ref()
                .is_some_and(|last| last.state() == ExecutionState::Completed)
        })
    };
    let complete: Vec<_> = book
        .entries()
        .into_values()
        .filter(|entry| entry.execution.as_ref().is_some_and(is_complete))
        .take(REPLAYS)
        .collect();
    let calls = stage.provider.calls();
    for entry in complete {
        let mut order = entry.order;
        order.request_id = format!("replay-{:016x}", random.next());
        order.set_mode(ExecutionMode::Reuse);
        let Some(execution) = place(stage, book, &mut random, &order).await else {
            continue;
        };
        let watcher = Watcher::new(stage, &mut random, &execution, Some(0), 0);
        let last = watcher.watch(usize::MAX).await.last;
        let reused = |last: &limn_proto::v1::Execution| last.steps.iter().all(|step| step.reused);
        if !last.as_ref().is_some_and(reused) {
            stage.find(format!("a replay of {:?} is {last:?}", entry.execution));
        }
    }
    if stage.provider.calls() != calls {
        stage.find("what was complete was drawn again");
    }
}

/// A storm in which nothing happened proves nothing.
fn check_strength(stage: &Stage) {
    let counts = stage.counts();
    for what in ["kills", "re-attachments of watchers", "answers to orders"] {
        if !counts.contains_key(what) {
            stage.find(format!("the storm was too weak: no {what}"));
        }
    }
}
