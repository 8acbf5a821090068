//! Executions that are parked: what of one is parked still, and when to look again; and those that cannot be run.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use limn_proto::reason::Reason;

use super::{Run, lock};
use crate::{
    attempt,
    backoff::Backoff,
    executor::Inner,
    failure::Failure,
    plan::Step,
    records::{ExecutionRecord, ExecutionState, Fence, RecordError, StepState},
};

/// What of an execution is parked while it is looked at.
#[derive(Debug)]
pub(super) struct Parked {
    /// The execution: nothing was found yet.
    execution: AtomicBool,
    /// Steps for which nothing was found yet.
    steps: Mutex<HashSet<String>>,
    /// How long to leave each step alone that stays parked.
    looks: Mutex<HashMap<String, Duration>>,
}

impl Parked {
    /// As it was at the claim.
    pub(super) fn of(record: &ExecutionRecord) -> Self {
        let steps = record.steps.iter();
        let steps = steps.filter(|step| step.state == StepState::NeedsDecision);
        Self {
            execution: AtomicBool::new(record.state == ExecutionState::NeedsDecision),
            steps: Mutex::new(steps.map(|step| step.step_id.clone()).collect()),
            looks: Mutex::default(),
        }
    }

    /// True while nothing was found for any step.
    pub(super) fn is_parked(&self) -> bool {
        self.execution.load(Ordering::Relaxed)
    }

    /// How long to leave the execution alone.
    pub(super) fn next_look(&self) -> Duration {
        let soonest = lock(&self.looks).values().min().copied();
        soonest.unwrap_or(attempt::LONGEST)
    }
}

impl Run<'_> {
    /// Something was found for a step: the execution and the step are parked no longer. Nothing happens when they
    /// are not.
    pub(crate) async fn go_on(&self, step: &Step) -> Result<(), RecordError> {
        if !self.is_parked_step(&step.step_id) {
            return Ok(());
        }
        self.unpark().await?;
        let now = self.inner.parts.clock.now();
        self.records().start_step(&self.fence, &step.step_id, now).await?;
        lock(&self.parked.steps).remove(&step.step_id);
        self.notify();
        Ok(())
    }

    /// There is something to do: the execution is parked no longer.
    pub(crate) async fn unpark(&self) -> Result<(), RecordError> {
        if self.parked.is_parked() {
            let now = self.inner.parts.clock.now();
            self.records().start_execution(&self.fence, now).await?;
            self.parked.execution.store(false, Ordering::Relaxed);
            self.notify();
        }
        Ok(())
    }

    /// True while nothing was found for a step that was parked at the claim.
    pub(crate) fn is_parked_step(&self, step_id: &str) -> bool {
        lock(&self.parked.steps).contains(step_id)
    }

    /// A step stays parked, and is looked at again after this time.
    pub(crate) fn look_again(&self, step: &Step, delay: Duration) {
        lock(&self.parked.looks).insert(step.step_id.clone(), delay);
    }
}

/// Delays between tries to run what cannot be run here.
const STUCK: Backoff = Backoff {
    initial: Duration::from_secs(30),
    max: Duration::from_secs(600),
    multiplier_milli: 2000,
};

/// How long to leave an execution alone that cannot be run here. Grows with its claims, which count the tries.
pub(super) fn until_next_try(fence: &Fence) -> Duration {
    // After ten the delay grows no more.
    STUCK.bound(u32::try_from(fence.epoch).unwrap_or(u32::MAX).min(10))
}

/// Why an execution is left alone whose owners died.
pub(super) fn poisoned(crash_count: u32) -> Failure {
    Failure::new(
        Reason::ExecutionPoisoned,
        "the processes that owned the execution died too often; it waits until somebody unparks or cancels it",
    )
    .with("crashCount", crash_count)
}

/// Parks an execution that cannot be run, until it is looked at again or somebody unparks it.
pub(super) async fn park(
    inner: &Inner,
    fence: &Fence,
    failure: Failure,
    next_check: Option<Duration>,
) -> Result<(), RecordError> {
    tracing::error!(
        execution = %fence.execution,
        reason = failure.reason.as_str(),
        message = failure.message,
        ?next_check,
        "the execution is parked"
    );
    let now = inner.parts.clock.now();
    let parked = inner.parts.records.park(fence, &failure, next_check, now).await;
    inner.signals.notify(fence.execution);
    parked
}
