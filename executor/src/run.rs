//! One execution, from claim to end: its steps in order, as many at once as the order allows.

use std::{
    any::Any,
    panic::AssertUnwindSafe,
    sync::{Mutex, PoisonError},
};

use futures::{FutureExt as _, StreamExt as _, stream};
use limn_proto::{plan::PlanSpec, reason::Reason};
use prost::Message as _;
use tokio_util::sync::CancellationToken;

use crate::{
    blob::BlobKey,
    executor::Inner,
    failure::Failure,
    plan::{Plan, Step},
    records::{
        AttemptState, Claim, ExecutionRecord, ExecutionState, Fence, RecordError, RecordStore, StepRecord,
        StepState,
    },
    running::Stops,
    step,
};

/// What the steps of an execution share.
#[derive(Debug)]
pub(crate) struct Run<'a> {
    pub(crate) inner: &'a Inner,
    pub(crate) fence: Fence,
    pub(crate) plan: &'a Plan,
    pub(crate) take: u32,
    pub(crate) stops: Stops,
    /// Why no further step starts.
    halt: Mutex<Option<Failure>>,
    /// A step could not be recorded: what has not begun is left for the next claim.
    pub(crate) interrupted: CancellationToken,
    /// Why the execution fails: the first failure of a step.
    failure: Mutex<Option<Failure>>,
}

/// How a step was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Left {
    /// Ended or parked.
    Ended,
    /// Untouched or half done, because the process is shutting down or cannot record; it goes on after the next
    /// claim.
    Paused,
}

impl Run<'_> {
    pub(crate) fn records(&self) -> &dyn RecordStore {
        self.inner.parts.records.as_ref()
    }

    /// Tells watchers to look.
    pub(crate) fn notify(&self) {
        self.inner.signals.notify(self.fence.execution);
    }

    /// No further step starts.
    pub(crate) fn halt(&self, why: Failure) {
        let mut halt = self.halt.lock().unwrap_or_else(PoisonError::into_inner);
        halt.get_or_insert(why);
    }

    /// Why no further step starts, when that is so.
    pub(crate) fn halted(&self) -> Option<Failure> {
        self.halt.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes the failure of a step; the first one becomes the failure of the execution.
    pub(crate) fn note_failure(&self, step_id: &str, failure: &Failure) {
        let mut first = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        first.get_or_insert_with(|| Failure {
            message: format!("step {step_id}: {}", failure.message),
            ..failure.clone().with("stepId", step_id)
        });
    }

    fn failure(&self) -> Failure {
        if self.stops.cancelled.is_cancelled() {
            return cancelled();
        }
        let first = self
            .failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        first.unwrap_or_else(|| Failure::new(Reason::StepsFailed, "a step did not complete"))
    }
}

/// The failure of everything that a cancel stops.
pub(crate) fn cancelled() -> Failure {
    Failure::new(
        Reason::CancelledByClient,
        "the execution was cancelled by its client",
    )
}

/// Runs a claimed execution until it ends, is parked, is lost, or the process stops.
pub(crate) async fn execution(inner: &Inner, claim: &Claim, stops: Stops) -> Result<(), RecordError> {
    let fence = claim.fence;
    let records = inner.parts.records.as_ref();
    let record = records.open_execution(&fence).await?;
    if record.cancel_requested {
        stops.cancelled.cancel();
    }
    let plan = load_plan(records, &record).await?;
    if claim.crash_count > 0 {
        tracing::warn!(execution = %fence.execution, crash_count = claim.crash_count, "taking over an execution");
        sweep(inner, &record).await;
    }
    records.start_execution(&fence, inner.parts.clock.now()).await?;
    inner.signals.notify(fence.execution);
    let run = Run {
        inner,
        fence,
        plan: &plan,
        take: record.take,
        stops,
        halt: Mutex::default(),
        interrupted: CancellationToken::new(),
        failure: Mutex::default(),
    };
    match steps(&run, &record).await {
        Ok(Left::Ended) => end(&run).await,
        Ok(Left::Paused) => records.release(&fence).await,
        Err(RecordError::Fenced) => {
            tracing::warn!(execution = %fence.execution, "stopped: the execution is owned elsewhere");
            Ok(())
        }
        Err(error) => Err(error),
    }
}

/// Removes staged answers whose images are recorded: the earlier owner may have ended before it came to that.
async fn sweep(inner: &Inner, record: &ExecutionRecord) {
    let attempts = record.steps.iter().flat_map(|step| &step.attempts);
    for attempt in attempts.filter(|attempt| attempt.state == AttemptState::Committed) {
        // What stays behind is only untidy.
        if let Err(error) = inner.parts.blobs.delete(&BlobKey::staged(attempt.id)).await {
            tracing::warn!(attempt = %attempt.id, %error, "a staged answer could not be removed");
        }
    }
}

async fn load_plan(records: &dyn RecordStore, record: &ExecutionRecord) -> Result<Plan, RecordError> {
    let damaged = |what: String| RecordError::Damaged(format!("plan {}: {what}", record.plan_digest));
    let digest_hex = limn_proto::digest::digest_hex(&record.plan_digest)
        .ok_or_else(|| damaged("its digest is no digest".to_owned()))?;
    let stored = records
        .plan(&record.client, digest_hex)
        .await?
        .ok_or_else(|| damaged("is gone".to_owned()))?;
    let spec =
        PlanSpec::decode(stored.canonical_bytes.as_slice()).map_err(|error| damaged(error.to_string()))?;
    Plan::parse(&spec).map_err(|refused| damaged(refused.to_string()))
}

async fn steps(run: &Run<'_>, record: &ExecutionRecord) -> Result<Left, RecordError> {
    let mut open: Vec<(&Step, &StepRecord)> = run
        .plan
        .steps
        .iter()
        .zip(&record.steps)
        .filter(|(_, record)| !record.state.is_terminal() && record.state != StepState::NeedsDecision)
        .collect();
    // What was in progress goes first: a pending step may wait for a picture that one of these holds.
    open.sort_by_key(|(_, record)| record.state == StepState::Pending);
    for (step, record) in run.plan.steps.iter().zip(&record.steps) {
        if let Some(failure) = &record.failure {
            run.note_failure(&step.step_id, failure);
        }
    }
    let concurrency = usize::try_from(record.max_concurrency).unwrap_or(1).max(1);
    // Boxed because a step is large, and made ahead because nothing runs before it is polled.
    let drives: Vec<_> = open
        .into_iter()
        .map(|(step, record)| {
            // A panic may not tear down the calls of other steps, which may be paid.
            AssertUnwindSafe(step::drive(run, step, record))
                .catch_unwind()
                .map(|driven| driven.unwrap_or_else(|panic| Err(stopped_by(panic.as_ref()))))
                .boxed()
        })
        .collect();
    let mut endings = stream::iter(drives).buffer_unordered(concurrency);
    let mut left = Left::Ended;
    let mut first_error = None;
    while let Some(ending) = endings.next().await {
        match ending {
            Ok(Left::Ended) => {}
            Ok(Left::Paused) => left = Left::Paused,
            Err(error) => {
                // The other steps may have paid calls in flight: let them settle. While nothing can be recorded,
                // start nothing new; what waits is not skipped, for nothing is wrong with it.
                if matches!(error, RecordError::Fenced | RecordError::Unavailable(_)) {
                    run.interrupted.cancel();
                }
                first_error.get_or_insert(error);
            }
        }
    }
    first_error.map_or(Ok(left), Err)
}

fn stopped_by(panic: &(dyn Any + Send)) -> RecordError {
    let message = panic.downcast_ref::<&str>().copied();
    let message = message.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    RecordError::Damaged(format!("a step stopped: {}", message.unwrap_or("a panic")))
}

async fn end(run: &Run<'_>) -> Result<(), RecordError> {
    let now = run.inner.parts.clock.now();
    let failure = run.failure();
    let state = run.records().settle_execution(&run.fence, &failure, now).await?;
    if !state.is_terminal() && state != ExecutionState::NeedsDecision {
        // Somebody decided about a parked step meanwhile: it is drawn after the next claim.
        return run.records().release(&run.fence).await;
    }
    tracing::info!(
        execution = %run.fence.execution,
        client = run.plan.client,
        plan = run.plan.digest,
        state = state.as_str(),
        "execution ended"
    );
    Ok(())
}
