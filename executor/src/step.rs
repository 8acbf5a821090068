//! One step: find out who draws the picture, then attempts at the primary and, if it is proven that
//! nothing was paid, at the fallbacks.

use std::time::Duration;

use limn_proto::reason::Reason;

use crate::{
    attempt::{self, Outcome},
    failure::Failure,
    ids::{ExecutionId, ImageId},
    pace::{self, Passage, Stop},
    plan::Step,
    records::{
        AttemptRecord, AttemptState, FollowUp, ImageRecord, RecordError, Reuse, Sign, StepEnd, StepRecord,
        StepState, UnitGrant,
    },
    run::{Left, Run, cancelled},
};

/// Drives a step until it ends, is parked, or the process stops. May be called again for a step that an
/// earlier owner left half done: what its last attempt left behind is reconciled first. A parked step is looked at
/// again.
pub(crate) async fn drive(run: &Run<'_>, step: &Step, record: &StepRecord) -> Result<Left, RecordError> {
    match try_drive(run, step, record).await {
        Err(error @ RecordError::WrongState { .. }) if !is_decided(run, step).await? => Err(error),
        // Somebody decided about the attempt meanwhile; the step is as they left it.
        Err(RecordError::WrongState { .. }) => Ok(Left::Ended),
        left => left,
    }
}

/// Why the step can do nothing here: the provider of its open call, or of every target that is left, is not available.
/// Nothing is judged and nothing is lost; it goes on when one of them is back.
fn stuck(run: &Run<'_>, step: &Step, open: Option<&AttemptRecord>, target: usize) -> Option<Failure> {
    let is_here = |provider: &str| run.inner.parts.providers.get(provider).is_some();
    let needed = match open {
        Some(attempt) if is_here(&attempt.provider) => return None,
        // Neither needs its provider.
        Some(attempt) if matches!(attempt.state, AttemptState::Prepared | AttemptState::Unknown) => {
            return None;
        }
        Some(attempt) => &attempt.provider,
        None => {
            let left = step.targets.get(target..).unwrap_or_default();
            if left.is_empty() || left.iter().any(|target| is_here(&target.render.provider)) {
                return None;
            }
            &left[0].render.provider
        }
    };
    let message = format!(
        "step {} waits for provider {needed}, which is not available on this server: configure it, and the \
         execution goes on",
        step.step_id
    );
    Some(Failure::new(Reason::ProviderUnavailable, message).with("stepId", &step.step_id))
}

/// True when the step was put back or ended by somebody else: what its owner last did leaves it otherwise.
async fn is_decided(run: &Run<'_>, step: &Step) -> Result<bool, RecordError> {
    let record = run.records().open_execution(&run.fence).await?;
    let now = record.steps.iter().find(|record| record.step_id == step.step_id);
    Ok(now.is_some_and(|now| now.state == StepState::Pending || now.state.is_terminal()))
}

async fn try_drive(run: &Run<'_>, step: &Step, record: &StepRecord) -> Result<Left, RecordError> {
    let open = record.attempts.iter().find(|attempt| attempt.state.is_open());
    if open.is_none() {
        if run.stops.cancelled.is_cancelled() {
            return end(run, step, StepState::Cancelled, cancelled()).await;
        }
        if let Some(why) = run.halted() {
            return end(run, step, StepState::Skipped, why).await;
        }
        if run.inner.stopping.is_cancelled() || run.interrupted.is_cancelled() {
            return Ok(Left::Paused);
        }
    }
    let mut progress = Progress::of(record);
    if let Some(why) = stuck(run, step, open, progress.target) {
        run.note_stuck(why);
        return Ok(Left::Stuck);
    }
    // A parked step is told of when something is found.
    if record.state != StepState::NeedsDecision {
        run.unpark().await?;
        let now = run.inner.parts.clock.now();
        run.records().start_step(&run.fence, &step.step_id, now).await?;
        run.notify();
    }
    let earlier = match open {
        Some(attempt) => Some(resume(run, step, attempt).await?),
        None => progress.take_back(record),
    };
    if let Some(outcome) = earlier
        && let delay = progress.delay(run, &outcome)
        && let Some(left) = progress.conclude(run, step, outcome, delay).await?
    {
        return Ok(left);
    }
    loop {
        if let Some(left) = acquire(run, step, progress.target).await? {
            return Ok(left);
        }
        let pass = match pace::pass(run, step, progress.target).await? {
            Passage::Open(pass) => pass,
            Passage::Skip(why) => {
                pace::skip(run, step, progress.target, &why).await?;
                progress.fall_back();
                continue;
            }
            Passage::Stopped(Stop::Paused) => return Ok(Left::Paused),
            Passage::Stopped(Stop::Cancelled) => {
                return end(run, step, StepState::Cancelled, cancelled()).await;
            }
            Passage::Stopped(Stop::Halted(why)) => return end(run, step, StepState::Skipped, why).await,
        };
        let outcome = attempt::make(run, step, progress.target).await;
        let delay = outcome
            .as_ref()
            .map_or(Duration::ZERO, |outcome| progress.delay(run, outcome));
        if let Ok(Outcome::Unpaid(failure)) = &outcome {
            // Before the turn is given back: the next call would be refused as well.
            cool_down(
                run,
                &step.targets[progress.target].render.provider,
                failure,
                delay,
            )
            .await;
        }
        pass.give_back(run.inner).await;
        if let Some(left) = progress.conclude(run, step, outcome?, delay).await? {
            return Ok(left);
        }
    }
}

/// Goes on with a call of an earlier owner, which counts as one in progress again. So does one whose outcome is unknown: it
/// may still go on, and where that is the same call it is sent again.
async fn resume(run: &Run<'_>, step: &Step, attempt: &AttemptRecord) -> Result<Outcome, RecordError> {
    let may_go_on = matches!(
        attempt.state,
        AttemptState::Dispatching | AttemptState::Accepted | AttemptState::Unknown
    );
    if !may_go_on {
        return attempt::resume(run, step, attempt).await;
    }
    let pass = pace::count(run, &attempt.provider).await;
    let outcome = attempt::resume(run, step, attempt).await;
    pass.give_back(run.inner).await;
    outcome
}

/// A provider that asked one for a pause is left alone by everybody.
async fn cool_down(run: &Run<'_>, provider: &str, failure: &Failure, pause: Duration) {
    if failure.reason == Reason::ProviderRateLimited {
        let sign = Sign::Busy {
            pause: pause.min(MAX_ASKED_WAIT),
            why: failure.message.clone(),
        };
        pace::learn(run.inner, provider, Some(sign)).await;
    }
}

/// Longest wait that a provider may ask for: as long as the longest backoff of a plan. Who asks for more is left for
/// a fallback, or the step fails and can be ordered again later.
const MAX_ASKED_WAIT: Duration = Duration::from_secs(600);

/// Where a step stands among its targets.
struct Progress {
    /// The target to try next.
    target: usize,
    /// Attempts that failed unpaid at that target.
    failures: u32,
}

impl Progress {
    fn of(record: &StepRecord) -> Self {
        let target = record.attempts.last().map_or(0, |attempt| attempt.target);
        let failures = record
            .attempts
            .iter()
            .filter(|attempt| attempt.target == target && counts(attempt))
            .count();
        Self {
            target: usize::try_from(target).unwrap_or(usize::MAX),
            failures: u32::try_from(failures).unwrap_or(u32::MAX),
        }
    }

    /// What became of the last attempt of a step whose owner ended before it drew its conclusion, which is now drawn
    /// as it would have been then: what was paid for nothing, or may have been, is not followed by another call.
    fn take_back(&mut self, record: &StepRecord) -> Option<Outcome> {
        let last = record.attempts.last()?;
        let failure = last.failure.clone()?;
        match last.state {
            // Who decided about it decided what follows, too: a person by the state of the step.
            _ if attempt::given_up(last) == Some(FollowUp::Fail) => Some(Outcome::Failed(failure)),
            _ if last.decision.is_some() => None,
            AttemptState::FailedPaid => Some(Outcome::Failed(failure)),
            AttemptState::Rejected if last.held_nanos > 0 || failure.reason == Reason::ContentBlocked => {
                Some(Outcome::Failed(failure))
            }
            _ if counts(last) => {
                // It is counted again by its conclusion.
                self.failures = self.failures.saturating_sub(1);
                Some(Outcome::Unpaid(failure))
            }
            _ => None,
        }
    }

    /// How long to wait after an attempt before the next one at the same target.
    fn delay(&self, run: &Run<'_>, outcome: &Outcome) -> Duration {
        match outcome {
            Outcome::Unpaid(failure) => {
                let backoff = &run.plan.policy.backoff;
                let failures = self.failures.saturating_add(1);
                backoff.delay(failures, random_u32(run), failure.retry_delay)
            }
            _ => Duration::ZERO,
        }
    }

    /// Goes on with the next target.
    fn fall_back(&mut self) {
        self.target += 1;
        self.failures = 0;
    }

    /// Decides what follows from an attempt: nothing means go on with `self.target`, after the delay.
    async fn conclude(
        &mut self,
        run: &Run<'_>,
        step: &Step,
        outcome: Outcome,
        delay: Duration,
    ) -> Result<Option<Left>, RecordError> {
        let failure = match outcome {
            Outcome::Committed => return Ok(Some(Left::Ended)),
            Outcome::Paused => return Ok(Some(Left::Paused)),
            Outcome::NotSent => return Ok(None),
            Outcome::Unpaid(_) if run.stops.cancelled.is_cancelled() => {
                return end(run, step, StepState::Cancelled, cancelled()).await.map(Some);
            }
            Outcome::Cancelled => {
                return end(run, step, StepState::Cancelled, cancelled()).await.map(Some);
            }
            Outcome::Parked(failure) => {
                return end(run, step, StepState::NeedsDecision, failure).await.map(Some);
            }
            Outcome::Failed(failure) => return end(run, step, StepState::Failed, failure).await.map(Some),
            Outcome::Unpaid(failure) => failure,
        };
        self.failures += 1;
        let policy = &run.plan.policy;
        let is_patient = failure.retry_delay.is_none_or(|delay| delay <= MAX_ASKED_WAIT);
        if failure.retryable && is_patient && self.failures < policy.max_attempts {
            return wait(run, step, delay).await;
        }
        let may_fall_back = failure.reason != Reason::ContentBlocked;
        if may_fall_back && self.target + 1 < step.targets.len() {
            tracing::info!(
                execution = %run.fence.execution,
                step = step.step_id,
                reason = failure.reason.as_str(),
                "falling back to the next target"
            );
            self.fall_back();
            return Ok(None);
        }
        end(run, step, StepState::Failed, failure).await.map(Some)
    }
}

/// Waits out the backoff; a cancel or a shutdown ends the wait.
async fn wait(run: &Run<'_>, step: &Step, delay: Duration) -> Result<Option<Left>, RecordError> {
    tokio::select! {
        biased;
        () = run.stops.lost.cancelled() => Err(RecordError::Fenced),
        () = run.stops.cancelled.cancelled() => {
            end(run, step, StepState::Cancelled, cancelled()).await.map(Some)
        }
        () = run.inner.stopping.cancelled() => Ok(Some(Left::Paused)),
        () = run.interrupted.cancelled() => Ok(Some(Left::Paused)),
        () = run.inner.parts.clock.sleep(delay) => Ok(None),
    }
}

/// True for attempts that used up one of the tries at their target. One that a crash kept from being sent did not.
fn counts(attempt: &AttemptRecord) -> bool {
    match attempt.state {
        AttemptState::Rejected => true,
        AttemptState::Abandoned => attempt.dispatched_at.is_some(),
        AttemptState::Prepared
        | AttemptState::Dispatching
        | AttemptState::Accepted
        | AttemptState::Received
        | AttemptState::Committed
        | AttemptState::FailedPaid
        | AttemptState::Unknown
        | AttemptState::WrittenOff => false,
    }
}

/// The random bits of a fresh id: good enough to keep callers from coming back together.
fn random_u32(run: &Run<'_>) -> u32 {
    let [.., a, b, c, d] = run.inner.parts.ids.next().into_bytes();
    u32::from_be_bytes([a, b, c, d])
}

/// Waits until this step may draw target `first`, or the picture is there. Nothing means: draw.
async fn acquire(run: &Run<'_>, step: &Step, first: usize) -> Result<Option<Left>, RecordError> {
    let digests: Vec<String> = step
        .targets
        .iter()
        .map(|target| target.render_digest.clone())
        .collect();
    loop {
        let grant = run
            .records()
            .acquire_unit(&run.fence, &step.step_id, &digests, first)
            .await?;
        match grant {
            UnitGrant::Open => {
                run.go_on(step).await?;
                return Ok(None);
            }
            UnitGrant::Completed(image) => {
                run.go_on(step).await?;
                return reuse(run, step, *image).await.map(Some);
            }
            UnitGrant::Busy {
                execution,
                unknown: true,
            } => {
                let failure = Failure::new(
                    Reason::OutcomeUnknown,
                    "an earlier call for this picture has an unknown outcome and may have been billed; \
                     it is not sent again by itself: a higher take draws another picture",
                )
                .with("execution", execution);
                // Asking the database costs little, and the wake-up of whoever knows more may have been missed.
                let settings = &run.inner.parts.settings;
                run.look_again(step, settings.unknown_grace.max(settings.poll));
                return end(run, step, StepState::NeedsDecision, failure).await.map(Some);
            }
            UnitGrant::Busy {
                execution,
                unknown: false,
            } => {
                if execution == run.fence.execution && run.deserted.is_cancelled() {
                    return Ok(Some(Left::Stuck));
                }
                run.go_on(step).await?;
                if let Some(left) = wait_for(run, step, execution).await? {
                    return Ok(Some(left));
                }
            }
        }
    }
}

/// Waits for a change of the execution that draws the same picture.
async fn wait_for(run: &Run<'_>, step: &Step, holder: ExecutionId) -> Result<Option<Left>, RecordError> {
    let mut changes = run.inner.signals.subscribe(holder);
    run.inner.ask(holder);
    let _waiter = run.inner.awaited.wait(holder);
    tokio::select! {
        biased;
        () = run.stops.lost.cancelled() => Err(RecordError::Fenced),
        () = run.stops.cancelled.cancelled() => {
            end(run, step, StepState::Cancelled, cancelled()).await.map(Some)
        }
        () = run.inner.stopping.cancelled() => Ok(Some(Left::Paused)),
        () = run.interrupted.cancelled() => Ok(Some(Left::Paused)),
        () = run.deserted.cancelled(), if holder == run.fence.execution => Ok(None),
        // A closed channel wakes too; the next look tells.
        _ = changes.changed() => Ok(None),
        // A change between the look and the subscription is found here.
        () = run.inner.parts.clock.sleep(run.inner.parts.settings.poll) => Ok(None),
    }
}

/// Completes the step with a picture that was drawn before: a record of its own on the same bytes, at no cost.
async fn reuse(run: &Run<'_>, step: &Step, earlier: ImageRecord) -> Result<Left, RecordError> {
    let now = run.inner.parts.clock.now();
    let image = ImageRecord {
        id: ImageId::of_step(run.fence.execution, &step.step_id),
        execution: run.fence.execution,
        step_id: step.step_id.clone(),
        plan_digest: run.plan.digest.clone(),
        reused: true,
        description: step.description.clone(),
        session_id: run.plan.session_id.clone(),
        labels: step.labels.clone(),
        cost_nanos: Some(0),
        cost_source: None,
        created_at: now,
        updated_at: now,
        ..earlier
    };
    run.records()
        .complete_reused(&run.fence, &Reuse { image, now })
        .await?;
    run.notify();
    Ok(Left::Ended)
}

async fn end(run: &Run<'_>, step: &Step, state: StepState, failure: Failure) -> Result<Left, RecordError> {
    let is_news = state != StepState::NeedsDecision || !run.is_parked_step(&step.step_id);
    if matches!(state, StepState::Failed | StepState::NeedsDecision) && is_news {
        tracing::warn!(
            execution = %run.fence.execution,
            step = step.step_id,
            state = state.as_str(),
            reason = failure.reason.as_str(),
            message = failure.message,
            "step ended without an image"
        );
    }
    match state {
        StepState::Failed => run.note_failed(&step.step_id, &failure),
        StepState::Skipped => {}
        _ => run.note_failure(&step.step_id, &failure),
    }
    let end = StepEnd {
        step_id: step.step_id.clone(),
        state,
        failure,
        now: run.inner.parts.clock.now(),
    };
    run.records().end_step(&run.fence, &end).await?;
    run.notify();
    Ok(Left::Ended)
}
