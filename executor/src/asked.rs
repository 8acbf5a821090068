//! Which executions an executor takes.

use std::{
    collections::{BTreeMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::ids::ExecutionId;

/// Which executions an executor takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Claiming {
    /// Whatever there is to do.
    #[default]
    Everything,
    /// Only what it is asked for: executions that are ordered, watched, cancelled or decided through it, and those
    /// whose pictures they wait for. For a process that is soon gone, beside others that stay.
    Asked,
}

/// What an executor that takes only some executions was asked for.
#[derive(Debug)]
pub(crate) struct Asked {
    executions: Option<Mutex<HashSet<ExecutionId>>>,
}

impl Asked {
    pub(crate) fn new(claiming: Claiming) -> Self {
        let executions = match claiming {
            Claiming::Everything => None,
            Claiming::Asked => Some(Mutex::default()),
        };
        Self { executions }
    }

    /// Notes an execution; true when that makes it one to take.
    pub(crate) fn note(&self, execution: ExecutionId) -> bool {
        self.lock()
            .is_some_and(|mut executions| executions.insert(execution))
    }

    /// The executions to take, without these; nothing when all are.
    pub(crate) fn without(&self, running: &[ExecutionId]) -> Option<Vec<ExecutionId>> {
        let executions = self.lock()?;
        let free = executions.iter().filter(|execution| !running.contains(execution));
        Some(free.copied().collect())
    }

    fn lock(&self) -> Option<MutexGuard<'_, HashSet<ExecutionId>>> {
        let executions = self.executions.as_ref()?;
        Some(executions.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Executions whose pictures others in this process wait for. They are taken even when it runs as many as it may: who
/// waits would keep its place for ever.
#[derive(Clone, Debug, Default)]
pub(crate) struct Awaited {
    waiters: Arc<Mutex<BTreeMap<ExecutionId, usize>>>,
}

impl Awaited {
    /// Notes that somebody waits, as long as the guard lives.
    pub(crate) fn wait(&self, execution: ExecutionId) -> Waiter {
        *self.lock().entry(execution).or_default() += 1;
        Waiter {
            awaited: self.clone(),
            execution,
        }
    }

    /// The executions that somebody waits for, without these.
    pub(crate) fn without(&self, running: &[ExecutionId]) -> Vec<ExecutionId> {
        let waiters = self.lock();
        let awaited = waiters.keys().filter(|execution| !running.contains(execution));
        awaited.copied().collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<ExecutionId, usize>> {
        self.waiters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody who waits.
#[derive(Debug)]
pub(crate) struct Waiter {
    awaited: Awaited,
    execution: ExecutionId,
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let mut waiters = self.awaited.lock();
        if let Some(count) = waiters.get_mut(&self.execution) {
            *count -= 1;
            if *count == 0 {
                waiters.remove(&self.execution);
            }
        }
    }
}
