//! Attempts that an earlier owner left open: each goes on from what is written down about it, and from what its
//! provider can be asked.
//!
//! | found | A: repeats | B: our job id | C: its job id | D: nothing |
//! | --- | --- | --- | --- | --- |
//! | prepared | abandoned | abandoned | abandoned | abandoned |
//! | dispatching | sent again | asked; never came: sent again | asked | unknown |
//! | accepted | asked for | asked for | asked for | |
//! | received | from staging | from staging | from staging | from staging |
//! | unknown | as dispatching | as dispatching | as dispatching | evidence |
//!
//! Evidence goes before every question. Nobody is judged before the last moment at which the call may have been sent.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use limn_proto::reason::Reason;

use super::{
    Outcome, Sending, Unanswered, accepted, call,
    conclude::{self, end},
    evidence::{self, Found},
    outcome_unknown, poll, question, received, send_again, unknown,
};
use crate::{
    clock::UnixMicros,
    executor::Settings,
    failure::Failure,
    finish,
    plan::{Step, Target},
    provider::{Answer, Call, CallError, CapabilityClass, ImageProvider, Lookup, Poll, Rejection},
    records::{AttemptOutcome, AttemptRecord, AttemptState, RecordError},
    run::Run,
};

/// Goes on with an attempt that an earlier owner left open, by what is written down about it.
pub(crate) async fn resume(
    run: &Run<'_>,
    step: &Step,
    record: &AttemptRecord,
) -> Result<Outcome, RecordError> {
    let index = usize::try_from(record.target).unwrap_or(usize::MAX);
    let target = step
        .targets
        .get(index)
        .ok_or_else(|| RecordError::Damaged(format!("attempt {} has no target", record.id)))?;
    let provider = run.inner.parts.providers.get(&record.provider);
    match (record.state, provider) {
        (AttemptState::Prepared, _) => {
            let failure = Failure::new(
                Reason::ProviderUnavailable,
                "the process ended before the call was sent",
            );
            end(run, record.id, AttemptOutcome::Abandoned, &failure, "").await?;
            Ok(Outcome::NotSent)
        }
        (AttemptState::Received, Some(provider)) => {
            finish::from_staging(run, step, target, provider, record).await
        }
        (AttemptState::Accepted, Some(provider)) => {
            let call = call(run.plan, target, provider, record.id);
            let started = record.dispatched_at;
            poll(run, step, target, provider, &call, &record.job_id, started).await
        }
        (AttemptState::Dispatching, Some(provider)) => reconcile(run, step, target, provider, record).await,
        (AttemptState::Accepted | AttemptState::Received | AttemptState::Dispatching, None) => {
            let message = format!("attempt {} waits for provider {}", record.id, record.provider);
            Err(RecordError::Unavailable(message.into()))
        }
        (AttemptState::Unknown, provider) => unknown::reconsider(run, step, target, provider, record).await,
        (
            AttemptState::Committed
            | AttemptState::Abandoned
            | AttemptState::Rejected
            | AttemptState::FailedPaid
            | AttemptState::WrittenOff,
            _,
        ) => Ok(Outcome::NotSent),
    }
}

/// The owner was lost between dispatch and receipt.
async fn reconcile(
    run: &Run<'_>,
    step: &Step,
    target: &Target,
    provider: &Arc<dyn ImageProvider>,
    record: &AttemptRecord,
) -> Result<Outcome, RecordError> {
    let attempt = record.id;
    match evidence::examine(run, step, target, provider, record).await? {
        Found::Concluded(outcome) => return Ok(outcome),
        Found::Job(job_id) => {
            accepted(run, step, attempt, &job_id).await?;
            let call = call(run.plan, target, provider, attempt);
            return poll(run, step, target, provider, &call, &job_id, record.dispatched_at).await;
        }
        Found::Nothing => {}
    }
    if is_repeatable(run, provider, record) {
        return send_again(run, step, target, provider, attempt, Sending::Again).await;
    }
    loop {
        let word = ask(&call(run.plan, target, provider, attempt), provider, record).await;
        // What is not there yet may still come.
        if matches!(word, Word::Absent | Word::Silent(_)) {
            let remaining = sendable_until(&run.inner.parts.settings, record).since(run.database_now());
            if !remaining.is_zero() {
                match wait(run, remaining).await? {
                    Some(outcome) => return Ok(outcome),
                    None => continue,
                }
            }
        }
        let silent = match word {
            Word::Received(answer) => {
                let since = record.dispatched_at;
                return received(run, step, target, provider, attempt, answer, since).await;
            }
            Word::Pending(job_id) => {
                accepted(run, step, attempt, &job_id).await?;
                let call = call(run.plan, target, provider, attempt);
                return poll(run, step, target, provider, &call, &job_id, None).await;
            }
            Word::Refused(rejection) => return conclude::rejected(run, step, attempt, rejection).await,
            Word::Absent if record.class == CapabilityClass::B => {
                return send_after_absence(run, step, target, provider, record).await;
            }
            Word::Absent => {
                "the process ended while the call was in flight, and the provider does not list it".to_owned()
            }
            Word::Silent(why) => {
                format!("the process ended while the call was in flight, and {why}")
            }
        };
        let failure = outcome_unknown(&silent);
        end(run, attempt, AttemptOutcome::Unknown, &failure, "").await?;
        return Ok(unknown::parked(run, step, record.class, failure));
    }
}

/// The last moment at which the call may have been sent, by the database's clock, with as much again for a connection
/// that is slow.
pub(crate) fn sendable_until(settings: &Settings, record: &AttemptRecord) -> UnixMicros {
    let send_by = record
        .send_by
        .or(record.dispatched_at)
        .unwrap_or(record.prepared_at);
    send_by.plus(settings.send_margin)
}

/// Waits; a stop or the loss of the execution ends it. A clock that was set back does not make it longer than it can
/// be.
async fn wait(run: &Run<'_>, remaining: Duration) -> Result<Option<Outcome>, RecordError> {
    let longest = run.inner.parts.settings.send_margin.saturating_mul(2);
    tokio::select! {
        biased;
        () = run.stops.lost.cancelled() => Err(RecordError::Fenced),
        () = run.inner.stopping.cancelled() => Ok(Some(Outcome::Paused)),
        () = run.inner.parts.clock.sleep(remaining.min(longest)) => Ok(None),
    }
}

/// True when the same call may be sent again, because the provider takes all of them for one. Both what it was when the
/// call was sent and what it is now must say so.
pub(super) fn is_repeatable(
    run: &Run<'_>,
    provider: &Arc<dyn ImageProvider>,
    record: &AttemptRecord,
) -> bool {
    if record.class != CapabilityClass::A || provider.class() != CapabilityClass::A {
        return false;
    }
    // By the clock of the database alone: the clocks of two processes may be minutes apart. The first byte left at
    // most a margin before the last moment for it, and this one may take as long to leave.
    let send_by = record.first_send_by.unwrap_or(record.prepared_at);
    let margins = run.inner.parts.settings.send_margin.saturating_mul(2);
    run.database_now().since(send_by).saturating_add(margins) < provider.repeatable_for()
}

/// What a provider says about a call.
pub(crate) enum Word {
    /// It is done.
    Received(Answer),
    /// It is at work under this job id.
    Pending(String),
    /// It refused the work.
    Refused(Rejection),
    /// It never saw the call.
    Absent,
    /// It cannot be asked, or did not answer: why.
    Silent(String),
}

/// Asks the provider about a call of which no job id is known.
pub(crate) async fn ask(call: &Call<'_>, provider: &Arc<dyn ImageProvider>, record: &AttemptRecord) -> Word {
    let impossible = || Word::Silent("the provider cannot be asked".to_owned());
    if !matches!(record.class, CapabilityClass::B | CapabilityClass::C) {
        return impossible();
    }
    match question(provider.lookup(call).await) {
        Ok(Lookup::Received(answer)) => Word::Received(answer),
        Ok(Lookup::Pending { job_id }) => Word::Pending(job_id),
        Ok(Lookup::Absent) => Word::Absent,
        Ok(Lookup::Impossible) => impossible(),
        Err(unanswered) => unanswered.into(),
    }
}

/// Asks the provider once for work that it took.
pub(crate) async fn ask_for(call: &Call<'_>, provider: &Arc<dyn ImageProvider>, job_id: &str) -> Word {
    match question(provider.poll(call, job_id).await) {
        Ok(Poll::Received(answer)) => Word::Received(answer),
        Ok(Poll::Pending(_)) => Word::Pending(job_id.to_owned()),
        Err(unanswered) => unanswered.into(),
    }
}

impl From<Unanswered> for Word {
    fn from(unanswered: Unanswered) -> Self {
        match unanswered {
            Unanswered::Refused(rejection) => Self::Refused(rejection),
            Unanswered::Lost(_) => {
                Self::Silent("the provider did not answer the question about it".to_owned())
            }
        }
    }
}

/// The provider never saw the job id that we chose. Sent again under the same id it is the same job, however late the
/// first one comes.
pub(super) async fn send_after_absence(
    run: &Run<'_>,
    step: &Step,
    target: &Target,
    provider: &Arc<dyn ImageProvider>,
    record: &AttemptRecord,
) -> Result<Outcome, RecordError> {
    if run.stops.cancelled.is_cancelled() {
        let failure = crate::run::cancelled();
        run.go_on(step).await?;
        end(run, record.id, AttemptOutcome::Rejected, &failure, "").await?;
        return Ok(Outcome::Cancelled);
    }
    send_again(run, step, target, provider, record.id, Sending::AfterAbsence).await
}

/// What a call that was sent again proves about all of them: that this one was not accepted says nothing about
/// the earlier one, which may be billed.
pub(super) fn of_repetition(error: CallError) -> CallError {
    match error {
        CallError::Unsent { message } => CallError::Unknown {
            message,
            http_status: None,
            request_id: String::new(),
            partial_body: Bytes::new(),
        },
        CallError::Rejected(rejection) => CallError::Unknown {
            message: rejection.message,
            http_status: rejection.http_status,
            request_id: rejection.request_id,
            partial_body: Bytes::new(),
        },
        unknown @ CallError::Unknown { .. } => unknown,
    }
}
