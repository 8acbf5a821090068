//! One step: find out who draws the picture, then attempts at the primary and, if it is proven that
//! nothing was paid, at the fallbacks. A picture that is not good enough for the plan is followed by a re-roll, which is
//! drawn in the same way.

use std::time::Duration;

use limn_proto::reason::Reason;

use crate::{
    attempt::{self, Outcome},
    failure::Failure,
    pace::{self, Passage, Stop},
    plan::Step,
    records::{
        AttemptRecord, AttemptState, FollowUp, ImageRecord, RecordError, Sign, StepEnd, StepRecord, StepState,
    },
    run::{Left, Run, cancelled},
};

mod gate;
mod unit;

use gate::{Judgement, Rejected};
use unit::{Acquired, acquire};

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

/// Why the step can do nothing here: the plan asks how good its pictures are, and nobody here says it. Drawing on would be
/// paying for what nobody judges.
fn unscored(run: &Run<'_>, step: &Step) -> Option<Failure> {
    let is_judged = run.plan.policy.quality_gate.is_none() || run.inner.parts.settings.scorer.is_some();
    let message = format!(
        "step {} has a quality gate, and this server does not score pictures: a server that does goes on",
        step.step_id
    );
    (!is_judged).then(|| Failure::new(Reason::QualityNotScored, message).with("stepId", &step.step_id))
}

/// True when the step was put back or ended by somebody else: what its owner last did leaves it otherwise.
async fn is_decided(run: &Run<'_>, step: &Step) -> Result<bool, RecordError> {
    let record = run.records().open_execution(&run.fence).await?;
    let now = record.steps.iter().find(|record| record.step_id == step.step_id);
    Ok(now.is_some_and(|now| now.state == StepState::Pending || now.state.is_terminal()))
}

async fn try_drive(run: &Run<'_>, step: &Step, record: &StepRecord) -> Result<Left, RecordError> {
    let open = record.attempts.iter().find(|attempt| attempt.state.is_open());
    let mut progress = Progress::of(step, record);
    if open.is_none() {
        if run.stops.cancelled.is_cancelled() {
            return end(run, step, StepState::Cancelled, cancelled()).await;
        }
        if let Some(why) = run.halted() {
            let drawings = match record.state {
                StepState::Pending => 0,
                _ => progress.reroll + 1,
            };
            let pictures = gate::earlier(run, step, drawings).await?;
            return gate::settle(run, step, pictures, Some((StepState::Skipped, why))).await;
        }
        if run.inner.stopping.is_cancelled() || run.interrupted.is_cancelled() {
            return Ok(Left::Paused);
        }
    }
    if let Some(why) = unscored(run, step).or_else(|| stuck(run, step, open, progress.target)) {
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
    let mut drawing = step.rerolled(progress.reroll);
    let earlier = match open {
        Some(attempt) => Some(resume(run, &drawing, attempt).await?),
        None => progress.take_back(record),
    };
    let mut next = match earlier {
        Some(outcome) => {
            let delay = progress.delay(run, &outcome);
            progress.conclude(run, &drawing, outcome, delay).await?
        }
        None => Next::Draw,
    };
    if let Next::Left(left) = next {
        return Ok(left);
    }
    let mut rejected = gate::earlier(run, step, progress.reroll).await?;
    loop {
        match next {
            Next::Draw => {}
            Next::Reroll(image) => {
                let reroll = progress.reroll;
                rejected.push(Rejected {
                    reroll,
                    image: *image,
                });
                if reroll >= step.max_rerolls {
                    return gate::settle(run, step, rejected, None).await;
                }
                progress.reroll();
                drawing = step.rerolled(progress.reroll);
            }
            Next::End(state, failure) => {
                return gate::settle(run, step, rejected, Some((state, failure))).await;
            }
            Next::Left(left) => return Ok(left),
        }
        next = draw(run, &drawing, &mut progress).await?;
    }
}

/// What follows.
enum Next {
    /// Another attempt at the target of the progress.
    Draw,
    /// The picture is paid and not good enough.
    Reroll(Box<ImageRecord>),
    /// No further attempt, and why. The step ends so, unless it has a picture.
    End(StepState, Failure),
    /// Nothing here.
    Left(Left),
}

/// Makes an attempt, unless the picture is there.
async fn draw(run: &Run<'_>, step: &Step, progress: &mut Progress) -> Result<Next, RecordError> {
    match acquire(run, step, progress.target).await? {
        Acquired::Unit => {}
        Acquired::Picture(image) => {
            return Ok(match gate::judge(run, step, progress, *image).await? {
                Judgement::Taken(left) => Next::Left(left),
                Judgement::Rejected(image) => Next::Reroll(image),
            });
        }
        Acquired::Left(left) => return Ok(Next::Left(left)),
    }
    let pass = match pace::pass(run, step, progress.target).await? {
        Passage::Open(pass) => pass,
        Passage::Skip(why) => {
            pace::skip(run, step, progress.target, &why).await?;
            progress.fall_back();
            return Ok(Next::Draw);
        }
        Passage::Stopped(Stop::Paused) => return Ok(Next::Left(Left::Paused)),
        Passage::Stopped(Stop::Cancelled) => {
            let left = end(run, step, StepState::Cancelled, cancelled()).await?;
            return Ok(Next::Left(left));
        }
        Passage::Stopped(Stop::Halted(why)) => return Ok(Next::End(StepState::Skipped, why)),
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
    progress.conclude(run, step, outcome?, delay).await
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

/// Where a step stands among its re-rolls and targets.
struct Progress {
    /// The re-roll to draw next; zero is the first picture.
    reroll: u32,
    /// The target to try next.
    target: usize,
    /// Attempts of that re-roll that failed unpaid at that target.
    failures: u32,
}

impl Progress {
    fn of(step: &Step, record: &StepRecord) -> Self {
        let reroll_of = |attempt: &AttemptRecord| {
            let number = step.reroll_of(attempt.target, &attempt.render_digest);
            number.unwrap_or(attempt.reroll)
        };
        let last = record.attempts.last();
        let (reroll, target) = last.map_or((0, 0), |attempt| (reroll_of(attempt), attempt.target));
        let failures = record
            .attempts
            .iter()
            .filter(|attempt| attempt.target == target && reroll_of(attempt) == reroll && counts(attempt))
            .count();
        Self {
            reroll,
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

    /// Goes on with the next re-roll, at the same target.
    fn reroll(&mut self) {
        self.reroll += 1;
        self.failures = 0;
    }

    /// Decides what follows from an attempt, after the delay.
    async fn conclude(
        &mut self,
        run: &Run<'_>,
        step: &Step,
        outcome: Outcome,
        delay: Duration,
    ) -> Result<Next, RecordError> {
        let failure = match outcome {
            Outcome::Committed => return Ok(Next::Left(Left::Ended)),
            Outcome::Rejected(image) => return Ok(Next::Reroll(image)),
            Outcome::Paused => return Ok(Next::Left(Left::Paused)),
            Outcome::NotSent => return Ok(Next::Draw),
            Outcome::Unpaid(_) if run.stops.cancelled.is_cancelled() => {
                return end(run, step, StepState::Cancelled, cancelled())
                    .await
                    .map(Next::Left);
            }
            Outcome::Cancelled => {
                return end(run, step, StepState::Cancelled, cancelled())
                    .await
                    .map(Next::Left);
            }
            Outcome::Parked(failure) => {
                return end(run, step, StepState::NeedsDecision, failure)
                    .await
                    .map(Next::Left);
            }
            Outcome::Failed(failure) => return Ok(Next::End(StepState::Failed, failure)),
            Outcome::Unpaid(failure) => failure,
        };
        self.failures += 1;
        let policy = &run.plan.policy;
        let is_patient = failure.retry_delay.is_none_or(|delay| delay <= MAX_ASKED_WAIT);
        if failure.retryable && is_patient && self.failures < policy.max_attempts {
            let left = wait(run, step, delay).await?;
            return Ok(left.map_or(Next::Draw, Next::Left));
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
            return Ok(Next::Draw);
        }
        Ok(Next::End(StepState::Failed, failure))
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
