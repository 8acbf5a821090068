//! Which executions an executor takes.

use std::{
    collections::HashSet,
    sync::{Mutex, MutexGuard, PoisonError},
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
