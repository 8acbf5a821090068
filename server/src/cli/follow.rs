//! Follows an execution to its end: attaches again when a stream is cut, and stands by Ctrl-C.

use std::time::Duration;

use futures::{StreamExt as _, stream::BoxStream};
use limn_executor::clock::{Clock as _, SystemClock};
use limn_proto::{
    reason::Reason,
    v1::{self, execution_event::Event},
};
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;
use tonic::{Code, Status};

use super::{
    connect::Connection, decisions, failure::Failure, output::Output, progress::Progress, report, words,
};

/// Attaching again without a single new event in between; more is no hiccup.
const MAX_FRUITLESS_ATTACHES: u32 = 8;
/// First pause before attaching again; it doubles each time.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// Longest pause before attaching again.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

type Events = BoxStream<'static, Result<v1::ExecutionEvent, Status>>;

/// What to attach to.
pub(crate) enum Subject {
    /// An order. It must have a request id: sending it again is then the same execution.
    Order(Box<v1::ExecutionOrder>),
    /// An execution, from a sequence on.
    Execution { name: String, after: Option<u64> },
}

/// Follows to the last snapshot, which is in a settled state; nothing when nobody reads stdout any more.
///
/// # Errors
/// The order is refused, the execution is not there, the server stays away, or Ctrl-C.
pub(crate) async fn follow(
    connection: &Connection,
    subject: Subject,
    output: &Output,
    progress: &mut Progress<'_>,
) -> Result<Option<Ended>, Failure> {
    let mut follower = Follower::new(connection, subject);
    let mut interrupts = Interrupts::listen();
    let mut fruitless = 0;
    loop {
        let attached = tokio::select! {
            attached = follower.attach() => attached,
            () = interrupts.next(), if !connection.is_in_process() => {
                return Err(follower.detached("stopped waiting for the server"));
            }
        };
        let end = match attached {
            Ok(mut events) => {
                follower
                    .drain(&mut events, progress, &mut interrupts, output)
                    .await?
            }
            Err(status) => End::Cut(status),
        };
        let status = match end {
            End::Settled(execution) => {
                return Ok(Some(Ended {
                    execution: *execution,
                    cancel_asked: interrupts.cancel_asked,
                }));
            }
            End::ReaderGone => return Ok(None),
            End::Cut(status) => status,
        };
        fruitless = if follower.advanced() { 0 } else { fruitless + 1 };
        let failure = Failure::from(status.clone());
        if !is_worth_another_try(&status, &failure) {
            return Err(failure);
        }
        if fruitless >= MAX_FRUITLESS_ATTACHES {
            return Err(follower.with_way_back(gone(failure)));
        }
        if fruitless > 1 {
            progress.remark("the connection was lost, attaching again");
        }
        let pause = FIRST_PAUSE
            .saturating_mul(1 << fruitless.min(10))
            .min(LONGEST_PAUSE);
        tokio::select! {
            () = SystemClock.sleep(pause) => {}
            () = interrupts.next() => return Err(follower.detached("stopped waiting for the server")),
        }
    }
}

/// An execution in a settled state.
pub(crate) struct Ended {
    pub(crate) execution: v1::Execution,
    /// Ctrl-C asked for a cancel on the way.
    cancel_asked: bool,
}

impl Ended {
    /// Why the command did not do what it was asked to; nothing when it did.
    pub(crate) fn into_result(self) -> Result<(), Failure> {
        let is_cancelled = self.execution.state() == v1::ExecutionState::Cancelled;
        match self.cancel_asked && is_cancelled && !decisions::has_unknown_outcome(&self.execution) {
            true => {
                let mut failure =
                    Failure::interrupted("cancelled; what was paid until then is settled and kept");
                failure
                    .metadata
                    .insert("execution".to_owned(), self.execution.name);
                Err(failure)
            }
            false => report::failure_of(&self.execution),
        }
    }
}

/// How one stream ended.
enum End {
    Settled(Box<v1::Execution>),
    ReaderGone,
    Cut(Status),
}

struct Follower<'a> {
    connection: &'a Connection,
    subject: Subject,
    last_sequence: Option<u64>,
    sequence_at_attach: Option<u64>,
}

impl<'a> Follower<'a> {
    fn new(connection: &'a Connection, subject: Subject) -> Self {
        let last_sequence = match &subject {
            Subject::Order(_) => None,
            Subject::Execution { after, .. } => *after,
        };
        Self {
            connection,
            subject,
            last_sequence,
            sequence_at_attach: last_sequence,
        }
    }

    fn name(&self) -> Option<String> {
        match &self.subject {
            Subject::Order(_) => None,
            Subject::Execution { name, .. } => Some(name.clone()),
        }
    }

    fn advanced(&self) -> bool {
        self.last_sequence > self.sequence_at_attach
    }

    async fn attach(&mut self) -> Result<Events, Status> {
        self.sequence_at_attach = self.last_sequence;
        let mut executor = self.connection.executor();
        let missing = || Status::internal("the stream sent a message without an event");
        match &self.subject {
            Subject::Order(order) => {
                let request = v1::ExecutePlanRequest {
                    order: Some(v1::ExecutionOrder::clone(order)),
                    ..v1::ExecutePlanRequest::default()
                };
                let stream = executor.execute_plan(request).await?.into_inner();
                Ok(stream
                    .map(move |message| message?.event.ok_or_else(missing))
                    .boxed())
            }
            Subject::Execution { name, .. } => {
                let request = v1::WatchExecutionRequest {
                    name: name.clone(),
                    after_sequence: self.last_sequence,
                    ..v1::WatchExecutionRequest::default()
                };
                let stream = executor.watch_execution(request).await?.into_inner();
                Ok(stream
                    .map(move |message| message?.event.ok_or_else(missing))
                    .boxed())
            }
        }
    }

    /// Reads one stream to its end. The last snapshot counts only at the end, because a stream may also begin
    /// with one of an execution that waits for a decision.
    async fn drain(
        &mut self,
        events: &mut Events,
        progress: &mut Progress<'_>,
        interrupts: &mut Interrupts,
        output: &Output,
    ) -> Result<End, Failure> {
        let mut last_snapshot = None;
        loop {
            let event = tokio::select! {
                event = events.next() => event,
                () = interrupts.next() => {
                    self.interrupted(interrupts, progress).await?;
                    continue;
                }
            };
            let event = match event {
                Some(Ok(event)) => event,
                Some(Err(status)) => return Ok(settled(last_snapshot).unwrap_or(End::Cut(status))),
                None => {
                    let cut = || End::Cut(Status::unavailable("the stream ended before the execution did"));
                    return Ok(settled(last_snapshot).unwrap_or_else(cut));
                }
            };
            progress.show(&event)?;
            if output.is_closed() && !self.connection.is_in_process() {
                return Ok(End::ReaderGone);
            }
            self.last_sequence = self.last_sequence.max(Some(event.sequence));
            last_snapshot = match event.event {
                Some(Event::Snapshot(execution)) => {
                    self.learn_name(&execution.name);
                    interrupts.ask_for_cancel_if_due(self, progress).await;
                    Some(execution)
                }
                // These change nothing; anything else makes the snapshot old.
                Some(Event::KeepAlive(_) | Event::Preview(_)) | None => last_snapshot,
                Some(_) => None,
            };
        }
    }

    /// From the first snapshot on, attaching again needs no order.
    fn learn_name(&mut self, name: &str) {
        self.subject = Subject::Execution {
            name: name.to_owned(),
            after: None,
        };
    }

    /// In process, Ctrl-C asks for a cancel and waits until paid calls are settled; a second one leaves. At a
    /// server, it only stops watching.
    async fn interrupted(&self, interrupts: &mut Interrupts, progress: &Progress<'_>) -> Result<(), Failure> {
        if !self.connection.is_in_process() {
            return Err(self.detached("stopped watching; the execution goes on at the server"));
        }
        if interrupts.count > 1 {
            return Err(self.detached("left before calls in flight were settled; the next limn settles them"));
        }
        progress.remark(
            "cancelling: calls that are already paid are settled and their pictures kept; Ctrl-C again leaves at once",
        );
        interrupts.ask_for_cancel_if_due(self, progress).await;
        Ok(())
    }

    fn detached(&self, message: &str) -> Failure {
        self.with_way_back(Failure::interrupted(message))
    }

    /// Adds how to go on, once the execution is known.
    fn with_way_back(&self, failure: Failure) -> Failure {
        match self.name() {
            Some(name) => {
                let flag = self.connection.server_flag();
                failure.advise(format!("watch it again with: limn watch {name}{flag}"))
            }
            None => failure,
        }
    }
}

fn settled(snapshot: Option<Box<v1::Execution>>) -> Option<End> {
    snapshot
        .filter(|execution| words::is_settled(execution.state()))
        .map(End::Settled)
}

/// Says who did not answer: what comes from the connection itself does not.
fn gone(mut failure: Failure) -> Failure {
    if Reason::parse(&failure.reason).is_none() {
        failure.message = format!("the server does not answer any more: {}", failure.message);
    }
    failure
}

/// A status with a reason is an answer of the server; one without comes from the connection.
fn is_worth_another_try(status: &Status, failure: &Failure) -> bool {
    match Reason::parse(&failure.reason) {
        Some(reason) => matches!(
            reason,
            Reason::ShuttingDown | Reason::StoreUnavailable | Reason::WatcherTooSlow
        ),
        None => matches!(
            status.code(),
            Code::Unavailable | Code::Unknown | Code::Internal | Code::Cancelled | Code::DeadlineExceeded
        ),
    }
}

/// Ctrl-C, counted. A task listens, so that no press is lost between two looks.
#[derive(Debug)]
struct Interrupts {
    presses: mpsc::UnboundedReceiver<()>,
    count: u32,
    cancel_asked: bool,
    _listener: AbortOnDropHandle<()>,
}

impl Interrupts {
    fn listen() -> Self {
        let (sender, presses) = mpsc::unbounded_channel();
        let listener = tokio::spawn(async move {
            // Without a handler the default of the system stands: Ctrl-C ends the process.
            while tokio::signal::ctrl_c().await.is_ok() && sender.send(()).is_ok() {}
        });
        Self {
            presses,
            count: 0,
            cancel_asked: false,
            _listener: AbortOnDropHandle::new(listener),
        }
    }

    async fn next(&mut self) {
        if self.presses.recv().await.is_none() {
            std::future::pending::<()>().await;
        }
        self.count += 1;
    }

    /// Asks once, as soon as the name of the execution is known.
    async fn ask_for_cancel_if_due(&mut self, follower: &Follower<'_>, progress: &Progress<'_>) {
        let Some(name) = follower.name().filter(|_| self.count > 0 && !self.cancel_asked) else {
            return;
        };
        self.cancel_asked = true;
        let request = v1::CancelExecutionRequest { name };
        if let Err(status) = follower.connection.executor().cancel_execution(request).await {
            progress.remark(&format!("the cancel was not accepted: {}", status.message()));
        }
    }
}
