//! The executions that this process owns right now.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::ids::ExecutionId;

/// What stops one execution.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stops {
    /// The client asked for a stop: no new call, calls in flight are settled.
    pub(crate) cancelled: CancellationToken,
    /// Another process owns the execution now: write nothing more.
    pub(crate) lost: CancellationToken,
    /// Uptime in microseconds until which the execution is ours for certain.
    leased_until_us: Arc<AtomicU64>,
}

impl Stops {
    /// True while nobody else can own the execution. When the lease could not be renewed in time nothing new is begun,
    /// whatever the database would say; what is in flight goes on.
    pub(crate) fn is_leased(&self, uptime: Duration) -> bool {
        micros(uptime) < self.leased_until_us.load(Ordering::Relaxed)
    }

    fn lease(&self, until: Duration) {
        self.leased_until_us.fetch_max(micros(until), Ordering::Relaxed);
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// The executions in progress, with the means to stop them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Running {
    executions: Arc<Mutex<BTreeMap<ExecutionId, Stops>>>,
    left: Arc<Notify>,
}

impl Running {
    /// Enters an execution that is leased until this uptime; the entry leaves with the guard.
    pub(crate) fn enter(&self, execution: ExecutionId, leased_until: Duration) -> Entry {
        let stops = Stops::default();
        stops.lease(leased_until);
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

    /// Notes that the lease of an execution was renewed until this uptime.
    pub(crate) fn renewed(&self, execution: ExecutionId, leased_until: Duration) {
        if let Some(stops) = self.lock().get(&execution) {
            stops.lease(leased_until);
        }
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

    fn lock(&self) -> MutexGuard<'_, BTreeMap<ExecutionId, Stops>> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_that_was_not_renewed_in_time_is_doubted_until_it_is() {
        let running = Running::default();
        let execution = ExecutionId(uuid::Uuid::nil());
        let entry = running.enter(execution, Duration::from_secs(30));
        assert!(entry.stops.is_leased(Duration::from_secs(29)));
        assert!(!entry.stops.is_leased(Duration::from_secs(30)));
        running.renewed(execution, Duration::from_secs(60));
        assert!(entry.stops.is_leased(Duration::from_secs(59)));
        // A renewal that was asked for earlier and heard of later takes nothing back.
        running.renewed(execution, Duration::from_secs(50));
        assert!(entry.stops.is_leased(Duration::from_secs(59)));
    }
}
