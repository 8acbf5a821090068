//! Clients: they order, lose their patience, order again, watch, and cancel.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use futures::StreamExt as _;
use limn_executor::{
    executor::{Executor, Order, SubmitError},
    ids::ExecutionId,
    plan::Plan,
    watch::WatchError,
};
use limn_proto::v1::{self, execution_event::Event};
use tokio::sync::oneshot;

use crate::{
    check::Violation,
    desk::{Desk, Work, about},
    rng::Rng,
};

/// What comes back to a client.
pub(crate) enum Message {
    Submitted {
        order: usize,
        result: Result<ExecutionId, SubmitError>,
    },
    Watched {
        watch: usize,
        event: Box<v1::ExecutionEvent>,
    },
    WatchFailed {
        watch: usize,
        error: WatchError,
    },
    WatchEnded {
        watch: usize,
    },
    /// A process that was asked to end has ended.
    Stopped {
        process: u32,
    },
}

/// Where messages arrive.
pub(crate) type Inbox = Arc<Mutex<Vec<Message>>>;

/// An order and how far it is.
pub(crate) struct Placed {
    pub(crate) plan: Arc<Plan>,
    pub(crate) order: Order,
    pub(crate) waits_at: Option<u32>,
    /// Accepted or refused for good.
    pub(crate) done: bool,
}

/// Somebody who follows an execution.
pub(crate) struct Watch {
    pub(crate) client: String,
    pub(crate) execution: ExecutionId,
    pub(crate) at: Option<u32>,
    /// Sequence of the last event that was seen.
    cursor: Option<u64>,
    /// The last message was a snapshot in this state, which a stream may end with.
    resting: Option<v1::ExecutionState>,
    /// Saw the end.
    pub(crate) done: bool,
}

/// All clients of a world.
#[derive(Default)]
pub(crate) struct Callers {
    pub(crate) inbox: Inbox,
    pub(crate) orders: Vec<Placed>,
    pub(crate) watches: Vec<Watch>,
    /// What each request id stands for.
    requests: BTreeMap<(String, String), ExecutionId>,
}

impl Callers {
    /// An order like no other, or one with the request id of an earlier one.
    pub(crate) fn place(&mut self, rng: &mut Rng, plans: &[Arc<Plan>]) -> usize {
        let number = self.orders.len();
        let mut plan = Arc::clone(&plans[rng.index(plans.len())]);
        let mut order = crate::orders::order(rng, format!("r{number}"));
        if number > 0 && rng.chance(250) {
            let earlier = &self.orders[rng.index(number)];
            if rng.chance(700) {
                order = earlier.order.clone();
                plan = Arc::clone(&earlier.plan);
            } else {
                order.request_id.clone_from(&earlier.order.request_id);
            }
        }
        self.orders.push(Placed {
            plan,
            order,
            waits_at: None,
            done: false,
        });
        number
    }

    /// The task that sends an order to a process.
    pub(crate) fn submit(
        &mut self,
        number: usize,
        process: u32,
        executor: Executor,
    ) -> impl Future<Output = ()> + Send + use<> {
        let placed = &mut self.orders[number];
        placed.waits_at = Some(process);
        let (plan, order, inbox) = (
            Arc::clone(&placed.plan),
            placed.order.clone(),
            Arc::clone(&self.inbox),
        );
        async move {
            let submitted = executor.submit(&plan, &order).await;
            inbox.lock().unwrap().push(Message::Submitted {
                order: number,
                result: submitted.map(|submitted| submitted.execution.id),
            });
        }
    }

    /// True when the answer means that the order is to be sent again.
    pub(crate) fn submitted(
        &mut self,
        number: usize,
        result: &Result<ExecutionId, SubmitError>,
        is_gone: impl FnOnce(ExecutionId) -> bool,
    ) -> Result<bool, Violation> {
        let placed = &mut self.orders[number];
        placed.waits_at = None;
        match result {
            Ok(execution) => {
                placed.done = true;
                let request = placed.order.request_id.clone().unwrap_or_default();
                let key = (placed.plan.client.clone(), request);
                // A request id is forgotten with its execution.
                if let Some(stands_for) = self.requests.insert(key, *execution)
                    && stands_for != *execution
                    && !is_gone(stands_for)
                {
                    let both = format!("{} and {}", about(stands_for), about(*execution));
                    return Err(Violation::new("one request id stands for two executions", both));
                }
                Ok(false)
            }
            Err(SubmitError::Records(_) | SubmitError::ShuttingDown) => Ok(!placed.done),
            Err(_) => {
                placed.done = true;
                Ok(false)
            }
        }
    }

    /// Executions that clients know of, with their client.
    pub(crate) fn known(&self) -> Vec<(String, ExecutionId)> {
        let mut known: Vec<_> = self
            .requests
            .iter()
            .map(|((client, _), execution)| (client.clone(), *execution))
            .collect();
        known.sort();
        known.dedup();
        known
    }

    pub(crate) fn begin_watch(&mut self, client: &str, execution: ExecutionId) -> usize {
        self.watches.push(Watch {
            client: client.to_owned(),
            execution,
            at: None,
            cursor: None,
            resting: None,
            done: false,
        });
        self.watches.len() - 1
    }

    /// The task that reads a stream at a process, from where the reader was before.
    pub(crate) fn attach(
        &mut self,
        number: usize,
        process: u32,
        executor: &Executor,
        desk: Arc<Desk>,
    ) -> impl Future<Output = ()> + Send + use<> {
        let watch = &mut self.watches[number];
        watch.at = Some(process);
        watch.resting = None;
        let mut stream = executor.watch(&watch.client, watch.execution, watch.cursor);
        let inbox = Arc::clone(&self.inbox);
        async move {
            loop {
                let (resume, resumed) = oneshot::channel();
                desk.arrive(process, format!("reader {number}"), Work::Pause(resume));
                let _ = resumed.await;
                let message = match stream.next().await {
                    Some(Ok(event)) => Message::Watched {
                        watch: number,
                        event: Box::new(event),
                    },
                    Some(Err(error)) => Message::WatchFailed { watch: number, error },
                    None => Message::WatchEnded { watch: number },
                };
                let goes_on = matches!(message, Message::Watched { .. });
                inbox.lock().unwrap().push(message);
                if !goes_on {
                    return;
                }
            }
        }
    }

    /// A message of a stream.
    pub(crate) fn watched(
        &mut self,
        number: usize,
        event: &v1::ExecutionEvent,
        has_no_events: impl FnOnce(ExecutionId) -> bool,
    ) -> Result<(), Violation> {
        let watch = &mut self.watches[number];
        let subject = |what: &str| format!("watch {number} of {}: {what}", about(watch.execution));
        let (sequence, cursor) = (event.sequence, watch.cursor);
        watch.resting = None;
        let is_next = match (&event.event, cursor) {
            (Some(Event::Snapshot(snapshot)), _) => {
                watch.resting = v1::ExecutionState::try_from(snapshot.state).ok();
                // It stands for events that were removed.
                cursor.is_none_or(|cursor| cursor == sequence || has_no_events(watch.execution))
            }
            (Some(Event::KeepAlive(_)), Some(cursor)) => cursor == sequence,
            (Some(_), Some(cursor)) => sequence == cursor + 1,
            (_, None) | (None, _) => false,
        };
        watch.cursor = Some(sequence);
        if is_next {
            Ok(())
        } else {
            let what = format!("{sequence} came after {cursor:?}");
            Err(Violation::new("a watcher saw a gap", subject(&what)))
        }
    }

    /// The stream ended without an error. True when there may be more later.
    pub(crate) fn watch_ended(&mut self, number: usize) -> Result<bool, Violation> {
        use v1::ExecutionState as S;
        let watch = &mut self.watches[number];
        watch.at = None;
        match watch.resting {
            Some(S::Completed | S::Failed | S::Cancelled) => {
                watch.done = true;
                Ok(false)
            }
            Some(S::NeedsDecision) => Ok(true),
            other => Err(Violation::new(
                "a stream ended without its last snapshot",
                format!("watch {number} of {}: {other:?}", about(watch.execution)),
            )),
        }
    }

    /// The stream ended with an error. True when it is to be read on.
    pub(crate) fn watch_failed(&mut self, number: usize, error: &WatchError) -> Result<bool, Violation> {
        let watch = &mut self.watches[number];
        watch.at = None;
        match error {
            WatchError::ShuttingDown | WatchError::Records(_) => Ok(true),
            // Only what has ended is removed.
            WatchError::Pruned(_) => {
                watch.done = true;
                watch.cursor = None;
                Ok(false)
            }
            WatchError::NotFound | WatchError::OutOfRange { .. } => Err(Violation::new(
                "a stream was refused",
                format!("watch {number} of {}: {error}", about(watch.execution)),
            )),
        }
    }

    /// What watchers who saw the end saw last.
    pub(crate) fn ends_seen(&self) -> impl Iterator<Item = (ExecutionId, u64)> {
        let done = self.watches.iter().filter(|watch| watch.done);
        done.filter_map(|watch| Some((watch.execution, watch.cursor?)))
    }

    /// Forgets what waited at a process that is gone; returns the orders and watches to begin again.
    pub(crate) fn lost(&mut self, process: u32) -> (Vec<usize>, Vec<usize>) {
        let mut orders = Vec::new();
        for (number, placed) in self.orders.iter_mut().enumerate() {
            if placed.waits_at == Some(process) {
                placed.waits_at = None;
                if !placed.done {
                    orders.push(number);
                }
            }
        }
        let mut watches = Vec::new();
        for (number, watch) in self.watches.iter_mut().enumerate() {
            if watch.at == Some(process) {
                watch.at = None;
                watches.push(number);
            }
        }
        (orders, watches)
    }

    /// Nobody waits for an answer or a stream any more.
    pub(crate) fn are_done(&self) -> bool {
        self.orders.iter().all(|placed| placed.done) && self.watches.iter().all(|watch| watch.at.is_none())
    }
}
