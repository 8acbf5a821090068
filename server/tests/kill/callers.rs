//! Callers: they order, watch, lose patience, come back, and cancel.

use std::sync::Arc;

use futures::StreamExt as _;
use limn_proto::v1::{
    CancelExecutionRequest, ExecutePlanRequest, ExecutionOrder, StartExecutionRequest,
    execution_event::Event, executor_service_client::ExecutorServiceClient,
};
use tokio::{
    task::JoinSet,
    time::{Instant, timeout},
};

use crate::{
    calling::{PATIENCE, call},
    orders::{self, Book},
    random::Random,
    stage::{Stage, pause},
    watching::{Events, Sight, Watcher},
};

/// Percent of its messages after which a watcher in a storm goes on at another process.
const RESTLESS: u64 = 4;
/// Refusals that an order to resume may meet; every other order is accepted.
const RESUMES: [&str; 2] = ["EXECUTION_RUNNING", "NO_EARLIER_EXECUTION"];

/// Orders until the time is over, and follows what was ordered meanwhile; returns when nothing of it is left to see.
pub(crate) async fn work(
    stage: Arc<Stage>,
    book: Arc<Book>,
    mut random: Random,
    until: Instant,
) -> Vec<Sight> {
    let mut following = JoinSet::new();
    while Instant::now() < until {
        let order = orders::draw(&stage, &book, &mut random).await;
        let crowd = if random.chance(10) { 3 } else { 1 };
        for _ in 0..crowd {
            let mut order = order.clone();
            // Callers of one crowd come with the same request id, or each with its own.
            if crowd > 1 && random.chance(50) {
                order.request_id = orders::request_id(&mut random);
            }
            let (stage, book) = (Arc::clone(&stage), Arc::clone(&book));
            let mut random = Random::of(random.next(), "follower");
            following.spawn(async move { follow(&stage, &book, &mut random, &order).await });
        }
        pause(random.millis(200..=1200)).await;
    }
    following.join_all().await.into_iter().flatten().collect()
}

/// Orders many pictures at once and watches them to the end.
pub(crate) async fn big(stage: Arc<Stage>, book: Arc<Book>, mut random: Random) -> Vec<Sight> {
    let order = orders::big(&stage, &book, &mut random).await;
    let Some(execution) = place(&stage, &book, &mut random, &order).await else {
        return Vec::new();
    };
    let watcher = Watcher::new(&stage, &mut random, &execution, Some(0), RESTLESS);
    vec![watcher.watch(usize::MAX).await]
}

/// Places an order and does with it what callers do.
async fn follow(stage: &Stage, book: &Book, random: &mut Random, order: &ExecutionOrder) -> Option<Sight> {
    if random.chance(35) {
        return execute(stage, book, random, order).await;
    }
    let execution = place(stage, book, random, order).await?;
    let after = random.chance(70).then_some(0);
    match random.between(0..=9) {
        // Orders and goes away.
        0 => return None,
        1 => {
            let after_events = usize::try_from(random.between(0..=8)).unwrap();
            let watcher = Watcher::new(stage, random, &execution, Some(0), RESTLESS);
            let sight = watcher.watch(after_events).await;
            cancel(stage, random, &execution).await;
            return Some(sight);
        }
        // Watches for a while and goes away.
        2 => {
            let events = usize::try_from(random.between(1..=10)).unwrap();
            let watcher = Watcher::new(stage, random, &execution, after, RESTLESS);
            return Some(watcher.watch(events).await);
        }
        _ => {}
    }
    let watcher = Watcher::new(stage, random, &execution, after, RESTLESS);
    Some(watcher.watch(usize::MAX).await)
}

/// Places an order: calls until there is an answer. Nothing when the answer is a refusal that may be.
pub(crate) async fn place(
    stage: &Stage,
    book: &Book,
    random: &mut Random,
    order: &ExecutionOrder,
) -> Option<String> {
    book.submit(order);
    let answer = call(stage, random, |channel| {
        let request = StartExecutionRequest {
            order: Some(order.clone()),
        };
        async move { ExecutorServiceClient::new(channel).start_execution(request).await }
    });
    let answer = answer.await.map(|answer| answer.execution.unwrap().name);
    settle(stage, book, order, answer)
}

fn settle(
    stage: &Stage,
    book: &Book,
    order: &ExecutionOrder,
    answer: Result<String, String>,
) -> Option<String> {
    let request_id = &order.request_id;
    book.answer(stage, request_id, &answer);
    stage.count("answers to orders");
    if let Err(reason) = &answer
        && !RESUMES.contains(&reason.as_str())
    {
        stage.find(format!("order {request_id} was refused with {reason}"));
    }
    answer.ok()
}

/// Orders and watches in one call.
async fn execute(stage: &Stage, book: &Book, random: &mut Random, order: &ExecutionOrder) -> Option<Sight> {
    book.submit(order);
    let Some((execution, events)) = open(stage, random, order).await else {
        // Perhaps it arrived, perhaps not: the same order again tells.
        let execution = place(stage, book, random, order).await?;
        let watcher = Watcher::new(stage, random, &execution, Some(0), RESTLESS);
        return Some(watcher.watch(usize::MAX).await);
    };
    let execution = settle(stage, book, order, Ok(execution))?;
    let watcher = Watcher::new(stage, random, &execution, None, RESTLESS);
    Some(watcher.watch_from(events, usize::MAX).await)
}

/// The stream, and the name in its first message. Nothing when the call broke off before that.
async fn open(stage: &Stage, random: &mut Random, order: &ExecutionOrder) -> Option<(String, Events)> {
    let channel = stage.somebody(random).await;
    let request = ExecutePlanRequest {
        order: Some(order.clone()),
        ..ExecutePlanRequest::default()
    };
    let mut executor = ExecutorServiceClient::new(channel);
    let opened = timeout(PATIENCE, executor.execute_plan(request)).await;
    let mut messages = opened.ok()?.ok()?.into_inner();
    let first = timeout(PATIENCE, messages.message())
        .await
        .ok()?
        .ok()??
        .event
        .unwrap_or_default();
    let Some(Event::Snapshot(snapshot)) = &first.event else {
        stage.find(format!("order {} began with {first:?}", order.request_id));
        return None;
    };
    let execution = snapshot.name.clone();
    let rest = messages.map(|message| Ok(message?.event.unwrap_or_default()));
    let events = futures::stream::iter([Ok(first)]).chain(rest).boxed();
    Some((execution, events))
}

async fn cancel(stage: &Stage, random: &mut Random, execution: &str) {
    let answer = call(stage, random, |channel| {
        let request = CancelExecutionRequest {
            name: execution.to_owned(),
        };
        async move {
            ExecutorServiceClient::new(channel)
                .cancel_execution(request)
                .await
        }
    });
    stage.count("cancels");
    if let Err(reason) = answer.await {
        stage.find(format!("the cancel of {execution} was refused with {reason}"));
    }
}
