//! Attempts whose outcome is unknown, looked at again: evidence, questions, and at last the policy of the plan.

use std::{sync::Arc, time::Duration};

use limn_proto::reason::Reason;

use super::{
    Outcome, Sending, accepted, call,
    conclude::{self, end},
    evidence::{self, Found},
    outcome_unknown, poll, received,
    reconcile::{Word, ask, ask_for, is_repeatable, send_after_absence, sendable_until},
    send_again,
};
use crate::{
    clock::UnixMicros,
    executor::Settings,
    failure::Failure,
    plan::{Step, Target, UnknownPolicy},
    provider::{CapabilityClass, ImageProvider},
    records::{AttemptOutcome, AttemptRecord, Decision, FollowUp, RecordError},
    run::Run,
};

/// Longest time between two looks. By then only a late answer or a person will say more.
pub(crate) const LONGEST: Duration = Duration::from_secs(3600);

/// Looks again at an unknown attempt. `Parked` means that nothing was found; then nothing was told either.
pub(super) async fn reconsider(
    run: &Run<'_>,
    step: &Step,
    target: &Target,
    provider: Option<&Arc<dyn ImageProvider>>,
    record: &AttemptRecord,
) -> Result<Outcome, RecordError> {
    if let Some(provider) = provider
        && let Look::Concluded(outcome) = look(run, step, target, provider, record).await?
    {
        return Ok(outcome);
    }
    let remaining = decide_at(run, record).since(run.database_now());
    // Where nobody could be asked nothing is given up, and nothing is for a client that has cancelled.
    let decides = provider.is_some() && remaining.is_zero() && !run.stops.cancelled.is_cancelled();
    if decides && let Some(outcome) = decide(run, step, record).await? {
        return Ok(outcome);
    }
    let known = record.failure.clone();
    let failure = known.unwrap_or_else(|| outcome_unknown("its outcome is not known"));
    let since = record.unknown_at.map(|unknown| run.database_now().since(unknown));
    let delay = next_look(run, record.class, since.unwrap_or(LONGEST), remaining);
    run.look_again(step, delay);
    Ok(Outcome::Parked(failure))
}

/// An attempt has just become unknown: the step is parked, and looked at again before long.
pub(super) fn parked(run: &Run<'_>, step: &Step, class: CapabilityClass, failure: Failure) -> Outcome {
    let grace = run.inner.parts.settings.unknown_grace;
    run.look_again(step, next_look(run, class, Duration::ZERO, grace));
    Outcome::Parked(failure)
}

/// When the policy of the plan may decide, by the database's clock. Work that the provider took is unknown once its
/// deadline has passed, so the policy decides about it at the deadline and the grace, even when the provider still says
/// that it is at work.
fn decide_at(run: &Run<'_>, record: &AttemptRecord) -> UnixMicros {
    let grace = run.inner.parts.settings.unknown_grace;
    let sendable_until = sendable_until(&run.inner.parts.settings, record);
    record
        .unknown_at
        .map_or(sendable_until, |unknown| unknown.plus(grace).max(sendable_until))
}

/// How long to leave an unknown attempt alone: where something can be asked, for as long as it has been unknown, which
/// doubles from look to look.
pub(crate) fn pause(settings: &Settings, can_be_asked: bool, unknown_for: Duration) -> Duration {
    let shortest = (settings.unknown_grace / 2).clamp(settings.poll, LONGEST);
    if can_be_asked {
        unknown_for.clamp(shortest, LONGEST)
    } else {
        LONGEST
    }
}

/// How long to leave an unknown attempt of a step alone: where the policy decides, not longer than until then.
fn next_look(run: &Run<'_>, class: CapabilityClass, unknown_for: Duration, remaining: Duration) -> Duration {
    let mut delay = pause(
        &run.inner.parts.settings,
        class != CapabilityClass::D,
        unknown_for,
    );
    let decides = run.plan.policy.on_unknown != UnknownPolicy::Hold || class == CapabilityClass::B;
    if decides && !remaining.is_zero() {
        delay = delay.min(remaining);
    }
    delay
}

/// What a look at an unknown attempt found.
enum Look {
    /// The attempt went on.
    Concluded(Outcome),
    /// Nothing new, or that the provider is still at work.
    Nothing,
}

async fn look(
    run: &Run<'_>,
    step: &Step,
    target: &Target,
    provider: &Arc<dyn ImageProvider>,
    record: &AttemptRecord,
) -> Result<Look, RecordError> {
    let attempt = record.id;
    let since = record.dispatched_at;
    match evidence::examine(run, step, target, provider, record).await? {
        Found::Concluded(outcome) => return Ok(Look::Concluded(outcome)),
        Found::Job(job_id) => return go_on_asking(run, step, target, provider, record, &job_id).await,
        Found::Nothing => {}
    }
    if !record.job_id.is_empty() && run.stops.cancelled.is_cancelled() {
        // It is stopped, and asked for to its end.
        return go_on_asking(run, step, target, provider, record, &record.job_id).await;
    }
    if !record.job_id.is_empty() {
        // It was asked for until its time was over, and is asked for once at each look.
        let call = call(run.plan, target, provider, attempt);
        return match ask_for(&call, provider, &record.job_id).await {
            Word::Received(answer) => received(run, step, target, provider, attempt, answer, since)
                .await
                .map(Look::Concluded),
            Word::Refused(rejection) => conclude::rejected(run, step, attempt, rejection)
                .await
                .map(Look::Concluded),
            // A provider may say for ever that it is at work: that is no reason to wait for ever.
            Word::Pending(_) | Word::Absent | Word::Silent(_) => Ok(Look::Nothing),
        };
    }
    if is_repeatable(run, provider, record) && !run.stops.cancelled.is_cancelled() {
        return match send_again(run, step, target, provider, attempt, Sending::Again).await? {
            Outcome::Parked(_) => Ok(Look::Nothing),
            outcome => Ok(Look::Concluded(outcome)),
        };
    }
    match ask(&call(run.plan, target, provider, attempt), provider, record).await {
        Word::Received(answer) => received(run, step, target, provider, attempt, answer, since)
            .await
            .map(Look::Concluded),
        Word::Pending(job_id) => go_on_asking(run, step, target, provider, record, &job_id).await,
        Word::Refused(rejection) => conclude::rejected(run, step, attempt, rejection)
            .await
            .map(Look::Concluded),
        Word::Absent
            if record.class == CapabilityClass::B
                && sendable_until(&run.inner.parts.settings, record)
                    .since(run.database_now())
                    .is_zero() =>
        {
            match send_after_absence(run, step, target, provider, record).await? {
                Outcome::Parked(_) => Ok(Look::Nothing),
                outcome => Ok(Look::Concluded(outcome)),
            }
        }
        Word::Absent | Word::Silent(_) => Ok(Look::Nothing),
    }
}

/// The provider took the work after all: it is accepted work as any other.
async fn go_on_asking(
    run: &Run<'_>,
    step: &Step,
    target: &Target,
    provider: &Arc<dyn ImageProvider>,
    record: &AttemptRecord,
    job_id: &str,
) -> Result<Look, RecordError> {
    accepted(run, step, record.id, job_id).await?;
    let call = call(run.plan, target, provider, record.id);
    poll(run, step, target, provider, &call, job_id, None)
        .await
        .map(Look::Concluded)
}

/// What became of the step when the policy of the plan gave the attempt up; nothing when it did not.
pub(crate) fn given_up(record: &AttemptRecord) -> Option<FollowUp> {
    let decided = record.decision.as_ref();
    let by_policy = decided.filter(|decided| decided.decision == Decision::WrittenOff)?;
    by_policy.follow_up
}

/// Everything that can give evidence was asked: the policy of the plan decides. Nothing when it waits.
async fn decide(run: &Run<'_>, step: &Step, record: &AttemptRecord) -> Result<Option<Outcome>, RecordError> {
    let (follow_up, why) = match run.plan.policy.on_unknown {
        UnknownPolicy::Hold => return Ok(None),
        UnknownPolicy::WriteOffAndFail => (FollowUp::Fail, "the plan gives up what is unknown"),
        UnknownPolicy::WriteOffAndRetryOnce if run.spend_again(step, record.ceiling_nanos) => (
            FollowUp::Retry,
            "the plan gives up what is unknown and draws once more",
        ),
        UnknownPolicy::WriteOffAndRetryOnce => (
            FollowUp::Fail,
            "the plan gives up what is unknown, and does not allow that it is drawn again",
        ),
    };
    let failure = Failure::new(
        Reason::OutcomeWrittenOff,
        format!("nobody can say what became of the call: {why}"),
    )
    .with("attemptId", record.id)
    .with("ceilingNanos", record.ceiling_nanos);
    run.go_on(step).await?;
    let outcome = AttemptOutcome::WrittenOff { follow_up };
    end(run, record.id, outcome, &failure, "").await?;
    tracing::warn!(
        execution = %run.fence.execution,
        step = step.step_id,
        attempt = %record.id,
        ceiling_nanos = record.ceiling_nanos,
        follow_up = follow_up.as_str(),
        "an unknown outcome was written off"
    );
    Ok(Some(match follow_up {
        FollowUp::Retry => Outcome::NotSent,
        FollowUp::Fail => Outcome::Failed(failure),
    }))
}
