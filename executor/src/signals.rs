//! Wake-ups: "something about this execution changed, look again". Inside one process, and by hints to the others.
//!
//! A signal carries nothing and may be missed; whoever waits also looks by itself now and then.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::watch;

use crate::{
    ids::ExecutionId,
    records::{Hint, RecordStore},
};

/// One channel for each execution that somebody waits for.
#[derive(Debug)]
pub(crate) struct Signals {
    channels: Mutex<BTreeMap<ExecutionId, watch::Sender<()>>>,
    /// What the processes of one database tell each other goes through it.
    records: Arc<dyn RecordStore>,
}

impl Signals {
    pub(crate) fn new(records: Arc<dyn RecordStore>) -> Self {
        Self {
            channels: Mutex::default(),
            records,
        }
    }

    /// A receiver that is woken by every change from now on.
    pub(crate) fn subscribe(&self, execution: ExecutionId) -> watch::Receiver<()> {
        let mut channels = self.channels();
        // Whoever waited for other executions may have gone since.
        channels.retain(|id, channel| *id == execution || channel.receiver_count() > 0);
        channels
            .entry(execution)
            .or_insert_with(|| watch::channel(()).0)
            .subscribe()
    }

    /// Wakes everybody who waits for the execution, in every process.
    pub(crate) fn notify(&self, execution: ExecutionId) {
        self.notify_here(execution);
        self.records.announce(Hint::Changed(execution));
    }

    /// The same, and lets other processes look for work: the execution may be there for them.
    pub(crate) fn offer(&self, execution: ExecutionId) {
        self.notify_here(execution);
        self.records.announce(Hint::Claimable(execution));
    }

    /// Wakes everybody who waits for the execution in this process.
    pub(crate) fn notify_here(&self, execution: ExecutionId) {
        if let Some(channel) = self.channels().get(&execution) {
            channel.send_replace(());
        }
    }

    /// Wakes everybody who waits in this process.
    pub(crate) fn notify_all_here(&self) {
        for channel in self.channels().values() {
            channel.send_replace(());
        }
    }

    fn channels(&self) -> MutexGuard<'_, BTreeMap<ExecutionId, watch::Sender<()>>> {
        self.channels.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
