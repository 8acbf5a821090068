//! The executions that this process owns right now.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::ids::ExecutionId;

/// Two ways to stop one execution.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stops {
    /// The client asked for a stop: no new call, calls in flight are settled.
    pub(crate) cancelled: CancellationToken,
    /// Another process owns the execution now: write nothing more.
    pub(crate) lost: CancellationToken,
}

/// The executions in progress, with the means to stop them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Running {
    executions: Arc<Mutex<HashMap<ExecutionId, Stops>>>,
    left: Arc<Notify>,
}

impl Running {
    /// Enters an execution; the entry leaves with the guard.
    pub(crate) fn enter(&self, execution: ExecutionId) -> Entry {
        let stops = Stops::default();
        self.lock().insert(execution, stops.clone());
        Entry {
            running: self.clone(),
            execution,
            stops,
        }
    }

    /// Ids of all executions in progress.
    pub(crate) fn ids(&self) -> Vec<ExecutionId> {
        self.lock().keys().copied().collect()
    }

    /// Returns once an execution has left since the last call.
    pub(crate) async fn left(&self) {
        self.left.notified().await;
    }

    /// True for an execution in progress that was not lost to another process.
    pub(crate) fn holds(&self, execution: ExecutionId) -> bool {
        let executions = self.lock();
        executions
            .get(&execution)
            .is_some_and(|stops| !stops.lost.is_cancelled())
    }

    /// Tells an execution that its client asked for a stop.
    pub(crate) fn cancel(&self, execution: ExecutionId) {
        if let Some(stops) = self.lock().get(&execution) {
            stops.cancelled.cancel();
        }
    }

    /// Tells an execution that it is owned elsewhere.
    pub(crate) fn lose(&self, execution: ExecutionId) {
        if let Some(stops) = self.lock().get(&execution) {
            stops.lost.cancel();
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ExecutionId, Stops>> {
        self.executions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Membership of one execution; dropping it ends it.
#[derive(Debug)]
pub(crate) struct Entry {
    running: Running,
    execution: ExecutionId,
    pub(crate) stops: Stops,
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.running.lock().remove(&self.execution);
        self.running.left.notify_one();
    }
}
