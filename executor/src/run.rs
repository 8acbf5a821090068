//! One execution, from claim to end: its steps in order, as many at once as the order allows.

use std::{
    any::Any,
    collections::HashSet,
    panic::AssertUnwindSafe,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::{FutureExt as _, StreamExt as _, stream::FuturesUnordered};
use limn_proto::{plan::PlanSpec, reason::Reason};
use prost::Message as _;
use tokio_util::sync::CancellationToken;

use crate::{
    attempt,
    blob::BlobKey,
    clock::UnixMicros,
    executor::Inner,
    failure::Failure,
    plan::{Plan, Step},
    records::{
        AttemptState, Claim, ExecutionRecord, ExecutionState, Fence, FollowUp, RecordError, RecordStore,
        StepRecord, StepState,
    },
    running::Stops,
    step,
};

mod parked;

use parked::{Parked, park, poisoned, until_next_try};

/// What the steps of an execution share.
#[derive(Debug)]
pub(crate) struct Run<'a> {
    pub(crate) inner: &'a Inner,
    pub(crate) fence: Fence,
    pub(crate) plan: &'a Plan,
    pub(crate) take: u32,
    pub(crate) stops: Stops,
    /// The database's clock at the claim, and the uptime after it.
    claimed_at: (UnixMicros, Duration),
    /// What of it is still parked.
    parked: Parked,
    /// Ceilings of the attempts that were given up and drawn again, and their steps.
    again: Mutex<(i64, HashSet<String>)>,
    /// Why a step cannot be run here at present.
    stuck: Mutex<Option<Failure>>,
    /// Why no further step starts.
    halt: Mutex<Option<Failure>>,
    halted: CancellationToken,
    /// A step could not be recorded: what has not begun is left for the next claim.
    pub(crate) interrupted: CancellationToken,
    /// A step was left as it was, perhaps with a unit: who waits for a picture of this execution leaves, too.
    pub(crate) deserted: CancellationToken,
    /// Why the execution fails: the first failure of a step.
    failure: Mutex<Option<Failure>>,
}

/// How a step was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Left {
    /// Ended or parked.
    Ended,
    /// As it was, because what it needs is not here.
    Stuck,
    /// Untouched or half done, because the process is shutting down or cannot record; it goes on after the next
    /// claim.
    Paused,
}

impl Run<'_> {
    pub(crate) fn records(&self) -> &dyn RecordStore {
        self.inner.parts.records.as_ref()
    }

    /// The time by the database's clock; a little less than that, for it is counted from the claim.
    pub(crate) fn database_now(&self) -> UnixMicros {
        let (at, uptime) = self.claimed_at;
        at.plus(self.inner.parts.clock.uptime().saturating_sub(uptime))
    }

    /// True while a call may be sent: nobody else can own the execution, and nothing stops it here.
    pub(crate) fn may_send(&self) -> bool {
        let stops = &self.stops;
        let stopped = self.inner.stopping.is_cancelled()
            || self.interrupted.is_cancelled()
            || stops.lost.is_cancelled();
        !stopped && stops.is_leased(self.inner.parts.clock.uptime())
    }

    /// Decides whether the step is drawn again after its attempt was given up: once, and within what the plan allows
    /// for that.
    pub(crate) fn spend_again(&self, step: &Step, ceiling_nanos: i64) -> bool {
        let Some(limit_nanos) = self.plan.policy.max_duplicate_spend_nanos else {
            return false;
        };
        let mut again = lock(&self.again);
        let spent_nanos = again.0.saturating_add(ceiling_nanos);
        let allowed = spent_nanos <= limit_nanos && !again.1.contains(&step.step_id);
        if allowed {
            again.0 = spent_nanos;
            again.1.insert(step.step_id.clone());
        }
        allowed
    }

    /// Notes why a step cannot be run here at present.
    pub(crate) fn note_stuck(&self, why: Failure) {
        lock(&self.stuck).get_or_insert(why);
    }

    /// A step failed: notes it, and stops the others where the plan says so.
    pub(crate) fn note_failed(&self, step_id: &str, failure: &Failure) {
        self.note_failure(step_id, failure);
        if matches!(failure.reason, Reason::CostLimitReached | Reason::BudgetExceeded) {
            self.halt(failure.clone());
        } else if self.plan.policy.stop_on_first_error {
            let why = format!("step {step_id} failed, and the plan stops on the first error");
            self.halt(Failure::new(Reason::StoppedByPolicy, why));
        }
    }

    /// Tells watchers to look.
    pub(crate) fn notify(&self) {
        self.inner.signals.notify(self.fence.execution);
    }

    /// No further step starts.
    fn halt(&self, why: Failure) {
        lock(&self.halt).get_or_insert(why);
        self.halted.cancel();
    }

    /// Returns once no further step starts, with the reason.
    pub(crate) async fn until_halted(&self) -> Failure {
        self.halted.cancelled().await;
        let why = self.halted();
        why.unwrap_or_else(|| Failure::new(Reason::StoppedByPolicy, "no further step starts"))
    }

    /// Why no further step starts, when that is so.
    pub(crate) fn halted(&self) -> Option<Failure> {
        lock(&self.halt).clone()
    }

    /// Notes the failure of a step; the first one becomes the failure of the execution.
    pub(crate) fn note_failure(&self, step_id: &str, failure: &Failure) {
        lock(&self.failure).get_or_insert_with(|| Failure {
            message: format!("step {step_id}: {}", failure.message),
            ..failure.clone().with("stepId", step_id)
        });
    }

    fn failure(&self) -> Failure {
        if self.stops.cancelled.is_cancelled() {
            return cancelled();
        }
        let first = lock(&self.failure).clone();
        first.unwrap_or_else(|| Failure::new(Reason::StepsFailed, "a step did not complete"))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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
    let uptime = inner.parts.clock.uptime();
    let fence = claim.fence;
    if claim.crash_count > 0 {
        tracing::warn!(execution = %fence.execution, crash_count = claim.crash_count, "taking over an execution");
    }
    if claim.crash_count > inner.parts.settings.max_crashes {
        return park(inner, &fence, poisoned(claim.crash_count), None).await;
    }
    match attempt_to_run(inner, claim, stops, uptime).await {
        Err(RecordError::Fenced) => {
            tracing::warn!(execution = %fence.execution, "stopped: the execution is owned elsewhere");
            Ok(())
        }
        // It would be found the same after each lease.
        Err(error @ (RecordError::Damaged(_) | RecordError::WrongState { .. })) => {
            let failure = Failure::new(Reason::Internal, format!("the execution cannot be run: {error}"));
            park(inner, &fence, failure, Some(until_next_try(&fence))).await
        }
        ended => ended,
    }
}

async fn attempt_to_run(
    inner: &Inner,
    claim: &Claim,
    stops: Stops,
    uptime: Duration,
) -> Result<(), RecordError> {
    let fence = claim.fence;
    let records = inner.parts.records.as_ref();
    let record = records.open_execution(&fence).await?;
    if record.cancel_requested {
        stops.cancelled.cancel();
    }
    let plan = load_plan(records, &record.client, &record.plan_digest).await?;
    if claim.crash_count > 0 {
        sweep(inner, &record).await;
    }
    if record.state != ExecutionState::NeedsDecision {
        records.start_execution(&fence, inner.parts.clock.now()).await?;
        inner.signals.notify(fence.execution);
    }
    let run = Run {
        inner,
        fence,
        plan: &plan,
        take: record.take,
        stops,
        claimed_at: (claim.at, uptime),
        parked: Parked::of(&record),
        again: Mutex::new(drawn_again(&record)),
        stuck: Mutex::default(),
        halt: Mutex::default(),
        halted: CancellationToken::new(),
        interrupted: CancellationToken::new(),
        deserted: CancellationToken::new(),
        failure: Mutex::default(),
    };
    match steps(&run, &record).await? {
        Left::Ended => end(&run).await,
        Left::Paused => records.release(&fence).await,
        Left::Stuck => {
            let why = lock(&run.stuck).clone();
            let why = why.unwrap_or_else(|| Failure::new(Reason::Internal, "a step cannot be run"));
            park(inner, &fence, why, Some(until_next_try(&fence))).await
        }
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

/// Ceilings of the attempts that were given up and drawn again, and their steps.
fn drawn_again(record: &ExecutionRecord) -> (i64, HashSet<String>) {
    let mut nanos: i64 = 0;
    let mut steps = HashSet::new();
    for step in &record.steps {
        for attempt in &step.attempts {
            if attempt::given_up(attempt) == Some(FollowUp::Retry) {
                nanos = nanos.saturating_add(attempt.ceiling_nanos);
                steps.insert(step.step_id.clone());
            }
        }
    }
    (nanos, steps)
}

/// The plan of an execution, by its digest with the prefix.
pub(crate) async fn load_plan(
    records: &dyn RecordStore,
    client: &str,
    plan_digest: &str,
) -> Result<Plan, RecordError> {
    let damaged = |what: String| RecordError::Damaged(format!("plan {plan_digest}: {what}"));
    let digest_hex = limn_proto::digest::digest_hex(plan_digest)
        .ok_or_else(|| damaged("its digest is no digest".to_owned()))?;
    let stored = records
        .plan(client, digest_hex)
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
        .filter(|(_, record)| !record.state.is_terminal())
        .collect();
    // What was in progress holds units, and the others may wait for their pictures.
    open.sort_by_key(|(_, record)| (!is_in_progress(record), record.state == StepState::Pending));
    let in_progress = open.iter().filter(|(_, record)| is_in_progress(record)).count();
    for (step, record) in run.plan.steps.iter().zip(&record.steps) {
        match (&record.failure, record.state) {
            (Some(failure), StepState::Failed) => run.note_failed(&step.step_id, failure),
            (Some(failure), StepState::Cancelled) => run.note_failure(&step.step_id, failure),
            // A skipped step is not the reason, and a parked one may still complete.
            _ => {}
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
    let mut drives = drives.into_iter();
    // All that was in progress at once, as it was: one that waited for its turn could be what keeps the turn from
    // coming.
    let at_once = concurrency.max(in_progress);
    let mut driven: FuturesUnordered<_> = drives.by_ref().take(at_once).collect();
    let mut left = Left::Ended;
    let mut first_error = None;
    while let Some(ending) = driven.next().await {
        if matches!(
            ending,
            Ok(Left::Stuck | Left::Paused) | Err(RecordError::Damaged(_) | RecordError::WrongState { .. })
        ) {
            run.deserted.cancel();
        }
        match ending {
            Ok(Left::Ended) => {}
            // Whoever comes next finds what is stuck by itself.
            Ok(Left::Paused) => left = Left::Paused,
            Ok(Left::Stuck) if left == Left::Ended => left = Left::Stuck,
            Ok(Left::Stuck) => {}
            Err(error) => {
                // The other steps may have paid calls in flight: let them settle. While nothing can be recorded,
                // start nothing new; what waits is not skipped, for nothing is wrong with it.
                if matches!(error, RecordError::Fenced | RecordError::Unavailable(_)) {
                    run.interrupted.cancel();
                }
                first_error.get_or_insert(error);
            }
        }
        if driven.len() < concurrency {
            driven.extend(drives.next());
        }
    }
    first_error.map_or(Ok(left), Err)
}

/// True for a step that its earlier owner had begun and neither ended nor parked: it may hold a unit that others wait
/// for, with a call in flight or between two.
fn is_in_progress(record: &StepRecord) -> bool {
    let mut attempts = record.attempts.iter().map(|attempt| attempt.state);
    record.state == StepState::Processing
        || attempts.any(|state| state.is_open() && state != AttemptState::Unknown)
}

fn stopped_by(panic: &(dyn Any + Send)) -> RecordError {
    let message = panic.downcast_ref::<&str>().copied();
    let message = message.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    RecordError::Damaged(format!("a step stopped: {}", message.unwrap_or("a panic")))
}

async fn end(run: &Run<'_>) -> Result<(), RecordError> {
    let now = run.inner.parts.clock.now();
    let failure = run.failure();
    let next_check = Some(run.parked.next_look());
    let state = run
        .records()
        .settle_execution(&run.fence, &failure, next_check, now)
        .await?;
    run.notify();
    match state {
        ExecutionState::Completed | ExecutionState::Failed | ExecutionState::Cancelled => {}
        ExecutionState::NeedsDecision if run.parked.is_parked() => {
            tracing::debug!(execution = %run.fence.execution, ?next_check, "nothing new about an execution");
            return Ok(());
        }
        ExecutionState::NeedsDecision => {}
        ExecutionState::Pending | ExecutionState::Processing | ExecutionState::Cancelling => {
            // Somebody decided about a parked step meanwhile: it is drawn after the next claim.
            return run.records().release(&run.fence).await;
        }
    }
    tracing::info!(
        execution = %run.fence.execution,
        client = run.plan.client,
        plan = run.plan.digest,
        state = state.as_str(),
        "execution ended or parked"
    );
    Ok(())
}
