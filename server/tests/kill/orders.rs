//! What is ordered: new plans, plans that share pictures with others, the same again.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use limn_proto::{
    plan::{RetryPolicy, RunPolicy},
    v1::{
        BatchRequest, ExecutionMode, ExecutionOrder, ImageGenerationPlan, ImageRequest, PlanRequest,
        execution_order::Source, plan_request::Work, planner_service_client::PlannerServiceClient,
    },
};

use crate::{calling::call, random::Random, stage::Stage};

/// Two clients, so that a picture of one is never taken for that of the other.
const CLIENTS: [&str; 2] = ["clients/ada", "clients/grace"];
/// Steps of the big batch.
const BIG_BATCH: usize = 40;

/// Everything that was ordered.
#[derive(Debug, Default)]
pub(crate) struct Book(Mutex<Entries>);

#[derive(Debug, Default)]
struct Entries {
    plans: Vec<Arc<Planned>>,
    orders: BTreeMap<String, Entry>,
    prompts: u64,
}

/// A plan and the request that it was made from.
#[derive(Debug)]
pub(crate) struct Planned {
    pub(crate) request: PlanRequest,
    pub(crate) plan: ImageGenerationPlan,
}

/// An order, and what became of it.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) order: ExecutionOrder,
    /// The execution that stands for it; nothing while no answer came.
    pub(crate) execution: Option<String>,
    /// The reason for which it was refused.
    pub(crate) refused: Option<String>,
}

impl Book {
    /// Enters an order before it is sent: whatever becomes of the call, the order may have arrived.
    pub(crate) fn submit(&self, order: &ExecutionOrder) {
        let entry = Entry {
            order: order.clone(),
            execution: None,
            refused: None,
        };
        let mut entries = self.0.lock().unwrap();
        entries.orders.entry(order.request_id.clone()).or_insert(entry);
    }

    /// Enters the answer to an order. One request id has one answer for ever.
    pub(crate) fn answer(&self, stage: &Stage, request_id: &str, answer: &Result<String, String>) {
        let mut entries = self.0.lock().unwrap();
        let entry = entries.orders.get_mut(request_id).unwrap();
        match answer {
            Ok(execution) => {
                let before = entry.execution.replace(execution.clone());
                if let Some(other) = before.filter(|before| before != execution) {
                    stage.find(format!("order {request_id} is {other} and {execution}"));
                }
            }
            Err(reason) => entry.refused = Some(reason.clone()),
        }
    }

    pub(crate) fn entries(&self) -> BTreeMap<String, Entry> {
        self.0.lock().unwrap().orders.clone()
    }

    /// Names of all executions that answers named.
    pub(crate) fn executions(&self) -> Vec<String> {
        let entries = self.0.lock().unwrap();
        let mut names: Vec<String> = entries
            .orders
            .values()
            .filter_map(|entry| entry.execution.clone())
            .collect();
        names.sort();
        names.dedup();
        names
    }

    fn earlier_order(&self, random: &mut Random) -> Option<ExecutionOrder> {
        let entries = self.0.lock().unwrap();
        let orders: Vec<&Entry> = entries.orders.values().collect();
        random.pick(&orders).map(|entry| entry.order.clone())
    }

    fn earlier_plan(&self, random: &mut Random) -> Option<Arc<Planned>> {
        random.pick(&self.0.lock().unwrap().plans).cloned()
    }

    /// A prompt that is new, or one of those that are being drawn right now.
    fn prompt(&self, random: &mut Random) -> String {
        let mut entries = self.0.lock().unwrap();
        let recent = entries.prompts.min(12);
        let number = if recent > 0 && random.chance(30) {
            entries.prompts - random.between(0..=recent - 1)
        } else {
            entries.prompts += 1;
            entries.prompts
        };
        format!("a lighthouse in a storm, number {number}")
    }
}

/// An order as callers make them: mostly something new, often something that was ordered before.
pub(crate) async fn draw(stage: &Stage, book: &Book, random: &mut Random) -> ExecutionOrder {
    match random.between(0..=99) {
        // The same call again, as after an answer that was lost.
        0..=14 => {
            if let Some(order) = book.earlier_order(random) {
                return order;
            }
        }
        // The same plan, in another order.
        15..=39 => {
            if let Some(planned) = book.earlier_plan(random) {
                return again(stage, &planned, random).await;
            }
        }
        _ => {}
    }
    let images = match random.between(0..=2) {
        0 => random.between(2..=6),
        _ => 1,
    };
    let images = (0..images).map(|_| image(book, random)).collect();
    let planned = plan(stage, book, random, images).await;
    order(&planned, random)
}

/// One order of very many pictures.
pub(crate) async fn big(stage: &Stage, book: &Book, random: &mut Random) -> ExecutionOrder {
    let images = (0..BIG_BATCH).map(|_| image(book, random)).collect();
    let planned = plan(stage, book, random, images).await;
    order(&planned, random)
}

/// The same plan once more: another drawing of it, what was left undone, or just the same.
async fn again(stage: &Stage, planned: &Planned, random: &mut Random) -> ExecutionOrder {
    if random.chance(25) {
        // Anybody makes the same plan of the same request.
        let plan = ask(stage, random, &planned.request).await;
        if plan.digest != planned.plan.digest {
            stage.find(format!(
                "one request is plan {} and {}",
                planned.plan.digest, plan.digest
            ));
        }
    }
    let mut order = order(planned, random);
    match random.between(0..=3) {
        0 => order.take = u32::try_from(random.between(1..=3)).unwrap(),
        1 => order.set_mode(ExecutionMode::Resume),
        _ => {}
    }
    order
}

fn image(book: &Book, random: &mut Random) -> ImageRequest {
    ImageRequest {
        prompt: book.prompt(random),
        provider: "openai".to_owned(),
        // The fewest pixels that the model draws.
        width_px: 1024,
        height_px: 640,
        ..ImageRequest::default()
    }
}

async fn plan(stage: &Stage, book: &Book, random: &mut Random, images: Vec<ImageRequest>) -> Arc<Planned> {
    let work = match <[ImageRequest; 1]>::try_from(images) {
        Ok([image]) => Work::Image(image),
        Err(images) => Work::Batch(BatchRequest {
            images,
            continuity: None,
        }),
    };
    let request = PlanRequest {
        parent: (*random.pick(&CLIENTS).unwrap()).to_owned(),
        session_id: format!("session-{}", random.between(1..=3)),
        work: Some(work),
        policy: Some(RunPolicy {
            max_concurrency: u32::try_from(random.between(1..=12)).unwrap(),
            stop_on_first_error: random.chance(10),
            retry: Some(RetryPolicy {
                initial_backoff_ms: 20,
                max_backoff_ms: 200,
                ..RetryPolicy::default()
            }),
            ..RunPolicy::default()
        }),
        ..PlanRequest::default()
    };
    let plan = ask(stage, random, &request).await;
    let planned = Arc::new(Planned { request, plan });
    book.0.lock().unwrap().plans.push(Arc::clone(&planned));
    planned
}

async fn ask(stage: &Stage, random: &mut Random, request: &PlanRequest) -> ImageGenerationPlan {
    let answer = call(stage, random, |channel| {
        let request = request.clone();
        async move { PlannerServiceClient::new(channel).plan(request).await }
    });
    answer.await.unwrap().plan.unwrap()
}

/// An order of a plan with a request id of its own.
pub(crate) fn order(planned: &Planned, random: &mut Random) -> ExecutionOrder {
    ExecutionOrder {
        parent: planned.request.parent.clone(),
        source: Some(Source::Plan(planned.plan.clone())),
        request_id: request_id(random),
        ..ExecutionOrder::default()
    }
}

pub(crate) fn request_id(random: &mut Random) -> String {
    format!("order-{:016x}", random.next())
}
