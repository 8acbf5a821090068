//! Hands the progress of an execution to its reader, as fast as the reader reads and no slower than is fair.
//!
//! A transport stops asking for messages while its windows are full. A task of its own therefore pulls the events
//! and notices when nobody takes them; what it holds for the reader is bounded.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures::{
    Stream, StreamExt as _,
    stream::{self, BoxStream},
};
use limn_executor::clock::Clock;
use limn_proto::{
    reason::Reason,
    v1::{ExecutionEvent, execution_event::Event},
};
use tokio::sync::mpsc;
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use crate::refusal::Refusal;

/// Events that wait for the reader. A transport has buffers of its own.
const WAITING: usize = 16;

/// What is handed over, and to whom.
pub(super) struct Handing {
    /// Name of the execution.
    pub(super) name: String,
    /// Sequence after which the reader goes on.
    pub(super) after: Option<u64>,
    /// How long the reader may not read.
    pub(super) stall: Duration,
    /// Time.
    pub(super) clock: Arc<dyn Clock>,
}

/// The same events. A reader that takes none for a while gets a refusal instead of the rest, which names the last
/// event that it was given; what still waited is dropped. Dropping the stream ends the task.
pub(super) fn hand_over(
    handing: Handing,
    events: BoxStream<'static, Result<ExecutionEvent, Refusal>>,
) -> impl Stream<Item = Result<ExecutionEvent, Refusal>> + Send + use<> {
    let (sender, waiting) = mpsc::channel(WAITING);
    let cut = CancellationToken::new();
    let given = Arc::new(AtomicU64::new(handing.after.unwrap_or_default()));
    let task = tokio::spawn(pull(handing, events, sender, cut.clone(), Arc::clone(&given)));
    let reader = Reader {
        waiting,
        cut,
        given,
        ended: false,
        _task: AbortOnDropHandle::new(task),
    };
    stream::unfold(reader, |mut reader| async move {
        let event = reader.next().await?;
        Some((event, reader))
    })
}

async fn pull(
    handing: Handing,
    mut events: BoxStream<'static, Result<ExecutionEvent, Refusal>>,
    sender: mpsc::Sender<Result<ExecutionEvent, Refusal>>,
    cut: CancellationToken,
    given: Arc<AtomicU64>,
) {
    while let Some(event) = events.next().await {
        // Unfinished pictures are large, and nobody waits for them.
        if is_preview(&event) && sender.capacity() < WAITING / 2 {
            continue;
        }
        tokio::select! {
            biased;
            sent = sender.send(event) => {
                if sent.is_err() {
                    return;
                }
            }
            () = handing.clock.sleep(handing.stall) => {
                let last_sequence = given.load(Ordering::Relaxed);
                tracing::info!(
                    execution = handing.name,
                    last_sequence,
                    "a watcher that does not read was cut"
                );
                cut.cancel();
                return;
            }
        }
    }
}

fn is_preview(event: &Result<ExecutionEvent, Refusal>) -> bool {
    matches!(event, Ok(event) if matches!(event.event, Some(Event::Preview(_))))
}

/// The end that the transport polls.
struct Reader {
    waiting: mpsc::Receiver<Result<ExecutionEvent, Refusal>>,
    cut: CancellationToken,
    /// Sequence of the last event that was given to the transport.
    given: Arc<AtomicU64>,
    ended: bool,
    _task: AbortOnDropHandle<()>,
}

impl Reader {
    async fn next(&mut self) -> Option<Result<ExecutionEvent, Refusal>> {
        if self.ended {
            return None;
        }
        let event = tokio::select! {
            biased;
            () = self.cut.cancelled() => Some(Err(self.too_slow())),
            event = self.waiting.recv() => event,
        };
        match &event {
            Some(Ok(event)) => self.given.store(event.sequence, Ordering::Relaxed),
            Some(Err(_)) | None => self.ended = true,
        }
        event
    }

    fn too_slow(&self) -> Refusal {
        let message = "the watcher did not read for too long: watch again from the last sequence";
        Refusal::new(Reason::WatcherTooSlow, message).with("lastSequence", self.given.load(Ordering::Relaxed))
    }
}
