//! Attempts per second from intent to image: prepare, dispatch, received and commit, each durable when it returns.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures::future::BoxFuture;
use limn_executor::{
    clock::UnixMicros,
    records::{Dispatch, Fence, NewExecution, Preparation, RecordStore},
};

use crate::{
    place::Place,
    work::{self, LEASE},
};

/// Attempts in one measurement, at least.
const ATTEMPTS: usize = 3200;
/// Most attempts of one task: the history of its execution grows with them.
const PER_TASK: usize = 400;
/// How long after the dispatch the first byte may leave.
const SEND_MARGIN: Duration = Duration::from_secs(5);

pub(crate) async fn measure(name: &str, new: fn() -> BoxFuture<'static, Option<Place>>) {
    for tasks in [1, 16, 64, 256] {
        for clients in [Clients::One, Clients::Many] {
            if tasks == 1 && clients == Clients::Many {
                continue;
            }
            let Some(place) = new().await else {
                return;
            };
            let attempts = PER_TASK.min(ATTEMPTS / tasks);
            let took = run(&place.open().await, tasks, attempts, clients).await;
            let rate = (tasks * attempts) as f64 / took.as_secs_f64();
            println!("{name}: {tasks} tasks, {}: {rate:.0} attempts/s", clients.words());
        }
    }
}

/// Whose money is spent. That of one client is counted in one row.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Clients {
    One,
    Many,
}

impl Clients {
    fn words(self) -> &'static str {
        match self {
            Self::One => "one client",
            Self::Many => "a client each",
        }
    }

    fn name(self, task: usize) -> String {
        match self {
            Self::One => "acme".to_owned(),
            Self::Many => format!("client-{task}"),
        }
    }
}

/// So many tasks at once, each on an execution of its own; returns how long all of them took.
async fn run(records: &Arc<dyn RecordStore>, tasks: usize, attempts: usize, clients: Clients) -> Duration {
    let mut ready = Vec::new();
    for task in 0..tasks {
        let order = work::order(&clients.name(task), task as u128, attempts);
        ready.push((begin(records, &order).await, order));
    }
    let started = Instant::now();
    let mut running = tokio::task::JoinSet::new();
    for (fence, order) in ready {
        let records = Arc::clone(records);
        running.spawn(async move {
            for step in 0..order.steps.len() {
                draw(records.as_ref(), &fence, &order, step).await;
            }
        });
    }
    running.join_all().await;
    started.elapsed()
}

/// Accepts and claims an execution, and opens the units of all its steps.
async fn begin(records: &Arc<dyn RecordStore>, order: &NewExecution) -> Fence {
    records.accept(order).await.unwrap();
    let claims = records.claim(work::boot(), LEASE, 1, &[]).await.unwrap();
    let fence = claims[0].fence;
    let now = UnixMicros(1);
    records.start_execution(&fence, now).await.unwrap();
    for step in &order.steps {
        records.start_step(&fence, &step.step_id, now).await.unwrap();
        let units = &step.render_digests;
        records
            .acquire_unit(&fence, &step.step_id, units, 0)
            .await
            .unwrap();
    }
    fence
}

async fn draw(records: &dyn RecordStore, fence: &Fence, order: &NewExecution, step: usize) {
    let attempt = work::attempt(&order.steps[step]);
    let prepared = records.prepare(fence, &attempt).await.unwrap();
    assert_eq!(prepared, Preparation::Prepared(1));
    let granted = records
        .dispatch(fence, attempt.id, SEND_MARGIN, attempt.now)
        .await;
    assert_eq!(granted.unwrap(), Dispatch::Granted);
    let receipt = work::receipt(&attempt);
    records.received(fence, attempt.id, &receipt).await.unwrap();
    let commit = work::commit(fence, order, &attempt);
    records.commit(fence, &commit).await.unwrap();
}
