//! Where every call of every process waits until the scheduler lets it go on.

use std::{fmt, sync::Mutex};

use futures::{
    StreamExt as _,
    future::BoxFuture,
    stream::{self, BoxStream},
};
use limn_executor::{
    clock::UnixMicros,
    ids::{AttemptId, ExecutionId},
    records::{Fence, Hint, sqlite::SqliteRecords},
};
use std::sync::Arc;
use tokio::{
    sync::{mpsc, oneshot},
    task,
};

use crate::{turns::TurnFact, vendor::VendorCall};

/// Tells a waiting call its answer.
pub(crate) type Deliver = Box<dyn FnOnce() + Send>;

/// What goes wrong with one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Nothing,
    /// It fails and did nothing.
    Before,
    /// It is done, and its answer is lost.
    After,
}

/// A call that was carried out.
pub(crate) struct Applied {
    /// The result in a word.
    pub(crate) brief: String,
    /// It changed something for certain, or perhaps.
    pub(crate) is_ok: bool,
    /// A caller that made no mistake never sees this.
    pub(crate) is_mistake: bool,
    pub(crate) facts: Vec<Fact>,
    /// Whoever hears of it may begin to decode a picture, on another thread.
    pub(crate) decodes: bool,
    pub(crate) deliver: Deliver,
}

/// What the scheduler has to know about the result of a call.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fact {
    /// This process owns the execution.
    Claimed(Fence),
    /// A person decided about an attempt of the execution: what its owner knows may be out of date.
    Decided(ExecutionId),
    /// This process may send the call of an attempt.
    Granted(AttemptId),
    /// Something about a turn at a vendor.
    Turn(TurnFact),
}

/// A call of a verb of the records.
pub(crate) struct StoreCall {
    pub(crate) verb: &'static str,
    pub(crate) fence: Option<Fence>,
    pub(crate) reads: bool,
    pub(crate) run: Box<dyn FnOnce(Arc<SqliteRecords>, Fault) -> BoxFuture<'static, Applied> + Send>,
}

/// A call of the blob store.
pub(crate) struct BlobCall {
    pub(crate) run: Box<dyn FnOnce(Fault) -> Applied + Send>,
}

/// What a process waits for.
pub(crate) enum Work {
    Sleep {
        until: UnixMicros,
        wake: oneshot::Sender<()>,
    },
    Store(StoreCall),
    Blob(BlobCall),
    Vendor(VendorCall),
    /// Nothing: a word for the other processes goes its way.
    Hint(Hint),
    /// Somebody outside takes his time, for example the reader of a stream.
    Pause(oneshot::Sender<()>),
}

/// A call that came in and has no place in the schedule yet.
pub(crate) struct Arrival {
    pub(crate) process: u32,
    pub(crate) label: String,
    pub(crate) work: Work,
    task: Option<task::Id>,
}

/// Where calls come in.
#[derive(Default)]
pub(crate) struct Desk {
    arrivals: Mutex<Vec<Arrival>>,
    listeners: Mutex<Vec<(u32, mpsc::UnboundedSender<Hint>)>>,
}

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Desk")
    }
}

impl Desk {
    pub(crate) fn arrive(&self, process: u32, label: String, work: Work) {
        self.arrivals.lock().unwrap().push(Arrival {
            process,
            label,
            work,
            task: task::try_id(),
        });
    }

    /// The hints that come to a process.
    pub(crate) fn listen(&self, process: u32) -> BoxStream<'static, Hint> {
        let (sender, mut hints) = mpsc::unbounded_channel();
        // The word with which every listener begins.
        let _ = sender.send(Hint::Missed);
        self.listeners.lock().unwrap().push((process, sender));
        stream::poll_fn(move |context| hints.poll_recv(context)).boxed()
    }

    /// A process hears a hint.
    pub(crate) fn hear(&self, process: u32, hint: Hint) {
        let listeners = self.listeners.lock().unwrap();
        for (_, listener) in listeners.iter().filter(|(number, _)| *number == process) {
            // A process that ended hears nothing.
            let _ = listener.send(hint);
        }
    }

    /// What came in since the last look, in an order that does not depend on the speed of threads.
    pub(crate) fn take(&self) -> Vec<Arrival> {
        let mut arrivals = std::mem::take(&mut *self.arrivals.lock().unwrap());
        arrivals.sort_by(|a, b| (a.process, &a.label, a.task).cmp(&(b.process, &b.label, b.task)));
        arrivals
    }
}

/// Which execution a label is about.
pub(crate) fn about(execution: ExecutionId) -> String {
    crate::ids::Short(execution.0).to_string()
}
