//! Watchers: they lose their connection in the middle, go on at another process, and miss nothing.

use futures::{StreamExt as _, stream::BoxStream};
use limn_proto::v1::{
    Execution, ExecutionEvent, ExecutionState, WatchExecutionRequest, execution_event::Event,
    executor_service_client::ExecutorServiceClient,
};
use tokio::time::timeout;
use tonic::Status;

use crate::{
    calling::{PATIENCE, Verdict, verdict},
    random::Random,
    stage::{Stage, pause},
};

/// Events of an execution as they come over one connection.
pub(crate) type Events = BoxStream<'static, Result<ExecutionEvent, Status>>;

/// What one watcher saw of one execution.
#[derive(Debug, Default)]
pub(crate) struct Sight {
    pub(crate) execution: String,
    /// Sequence after which it began to watch.
    pub(crate) after: u64,
    /// Stored events, in the order in which they came.
    pub(crate) events: Vec<ExecutionEvent>,
    /// The snapshot at the end; nothing when the watcher left before.
    pub(crate) last: Option<Execution>,
}

/// A watcher of one execution.
pub(crate) struct Watcher<'a> {
    stage: &'a Stage,
    random: &'a mut Random,
    /// How often, in percent of its messages, it leaves to go on elsewhere.
    restless: u64,
    cursor: Option<u64>,
    sight: Sight,
}

/// What a message means to a watcher.
enum Next {
    More,
    /// It was the last one.
    End(Box<Execution>),
    /// It makes no sense; the finding is written down.
    Nonsense,
}

impl<'a> Watcher<'a> {
    /// A watcher that begins after a sequence; nothing: with a snapshot.
    pub(crate) fn new(
        stage: &'a Stage,
        random: &'a mut Random,
        execution: &str,
        after: Option<u64>,
        restless: u64,
    ) -> Self {
        Self {
            stage,
            random,
            restless,
            cursor: after,
            sight: Sight {
                execution: execution.to_owned(),
                after: after.unwrap_or_default(),
                ..Sight::default()
            },
        }
    }

    /// Watches until the execution rests, or until so many events have come.
    pub(crate) async fn watch(mut self, at_most: usize) -> Sight {
        loop {
            if let Some(events) = self.attach().await
                && self.follow(events, at_most).await
            {
                return self.sight;
            }
            if self.sight.events.len() >= at_most {
                return self.sight;
            }
            self.stage.count("re-attachments of watchers");
            pause(self.random.millis(10..=150)).await;
        }
    }

    /// The same, beginning with a stream that was opened otherwise.
    pub(crate) async fn watch_from(mut self, events: Events, at_most: usize) -> Sight {
        if self.follow(events, at_most).await {
            return self.sight;
        }
        self.watch(at_most).await
    }

    async fn attach(&mut self) -> Option<Events> {
        let channel = self.stage.somebody(self.random).await;
        let mut executor = ExecutorServiceClient::new(channel);
        let request = WatchExecutionRequest {
            name: self.sight.execution.clone(),
            after_sequence: self.cursor,
            ..WatchExecutionRequest::default()
        };
        match timeout(PATIENCE, executor.watch_execution(request)).await {
            Err(_) => None,
            Ok(Err(status)) => {
                self.refused(&status);
                None
            }
            Ok(Ok(answer)) => Some(
                answer
                    .into_inner()
                    .map(|answer| Ok(answer?.event.unwrap_or_default()))
                    .boxed(),
            ),
        }
    }

    /// Reads a stream. True when there is no more to watch.
    async fn follow(&mut self, mut events: Events, at_most: usize) -> bool {
        while let Ok(Some(message)) = timeout(PATIENCE, events.next()).await {
            let event = match message {
                Ok(event) => event,
                Err(status) => return self.refused(&status),
            };
            match self.take(event) {
                Next::More => {}
                Next::End(last) => {
                    self.sight.last = Some(*last);
                    return true;
                }
                Next::Nonsense => return true,
            }
            if self.sight.events.len() >= at_most {
                return true;
            }
            if self.random.chance(self.restless) {
                return false;
            }
        }
        // Cut, or silent for longer than a stream that is alive.
        false
    }

    fn take(&mut self, event: ExecutionEvent) -> Next {
        let sequence = event.sequence;
        match &event.event {
            Some(Event::Snapshot(snapshot)) if self.cursor.is_none() => {
                self.cursor = Some(sequence);
                self.sight.after = sequence;
                // Of an execution that rests it is the first message and the last.
                if is_resting(snapshot) {
                    return Next::End(snapshot.clone());
                }
                Next::More
            }
            Some(Event::Snapshot(snapshot)) => {
                if self.cursor != Some(sequence) || snapshot.last_sequence != sequence {
                    return self.nonsense(format!("a last snapshot with sequence {sequence}"));
                }
                if !is_resting(snapshot) {
                    return self.nonsense(format!("a last snapshot in {:?}", snapshot.state()));
                }
                Next::End(snapshot.clone())
            }
            Some(Event::KeepAlive(_)) => {
                if self.cursor == Some(sequence) {
                    Next::More
                } else {
                    self.nonsense(format!("a keep-alive with sequence {sequence}"))
                }
            }
            Some(_) => {
                if self.cursor.map(|cursor| cursor + 1) != Some(sequence) {
                    return self.nonsense(format!("an event with sequence {sequence}"));
                }
                self.cursor = Some(sequence);
                self.stage.moves.send_replace(());
                self.sight.events.push(event);
                Next::More
            }
            None => self.nonsense("a message without an event".to_owned()),
        }
    }

    fn nonsense(&self, what: String) -> Next {
        let (execution, cursor) = (&self.sight.execution, self.cursor);
        self.stage.find(format!(
            "a watcher of {execution} after {cursor:?} was sent {what}"
        ));
        Next::Nonsense
    }

    /// True when the refusal is final, which it never should be: the execution is there for everybody.
    fn refused(&self, status: &Status) -> bool {
        match verdict(self.stage, status) {
            Verdict::Again => false,
            Verdict::Refused(reason) => {
                let (execution, cursor) = (&self.sight.execution, self.cursor);
                self.stage.find(format!(
                    "a watcher of {execution} after {cursor:?} was refused with {reason}: {}",
                    status.message()
                ));
                true
            }
        }
    }
}

/// True for states in which nothing happens any more by itself.
fn is_resting(execution: &Execution) -> bool {
    match execution.state() {
        ExecutionState::Completed
        | ExecutionState::Failed
        | ExecutionState::Cancelled
        | ExecutionState::NeedsDecision => true,
        ExecutionState::Unspecified
        | ExecutionState::Pending
        | ExecutionState::Processing
        | ExecutionState::Cancelling => false,
    }
}
