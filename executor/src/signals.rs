//! Wake-ups inside one process: "something about this execution changed, look again".
//!
//! A signal carries nothing and may be missed; whoever waits also looks by itself now and then.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use tokio::sync::watch;

use crate::ids::ExecutionId;

/// One channel for each execution that somebody waits for.
#[derive(Debug, Default)]
pub(crate) struct Signals {
    channels: Mutex<HashMap<ExecutionId, watch::Sender<()>>>,
}

impl Signals {
    /// A receiver that is woken by every change from now on.
    pub(crate) fn subscribe(&self, execution: ExecutionId) -> watch::Receiver<()> {
        let mut channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever waited for other executions may have gone since.
        channels.retain(|id, channel| *id == execution || channel.receiver_count() > 0);
        channels
            .entry(execution)
            .or_insert_with(|| watch::channel(()).0)
            .subscribe()
    }

    /// Wakes everybody who waits for the execution.
    pub(crate) fn notify(&self, execution: ExecutionId) {
        let channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(channel) = channels.get(&execution) {
            channel.send_replace(());
        }
    }
}
