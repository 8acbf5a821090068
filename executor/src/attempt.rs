//! One provider call: prepare, dispatch, send once, and write down what is proven.
//!
//! The order of writes is the promise. T1 reserves the ceiling before anything can be billed; T2 is durable
//! before the first byte leaves, so a crash after it is never mistaken for "not sent"; the answer is staged and
//! recorded (T4) before anything else is done with it. Nothing here sends twice.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use limn_proto::{digest, reason::Reason};

use crate::{
    blob::{BlobError, BlobKey},
    clock::UnixMicros,
    failure::Failure,
    finish,
    ids::AttemptId,
    plan::{Step, Target},
    provider::{
        Answer, Billing, Call, CallError, CapabilityClass, ImageProvider, Poll, Rejection, Submission,
    },
    records::{
        AttemptEnd, AttemptOutcome, AttemptRecord, AttemptState, Dispatch, NewAttempt, Preparation, Receipt,
        RecordError,
    },
    run::Run,
};

/// What became of an attempt.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Outcome {
    /// The image is stored, recorded and settled; the step is complete.
    Committed,
    /// Proven not accepted and not billed: a retry or a fallback may follow.
    Unpaid(Failure),
    /// Never sent, for a reason that uses up no try.
    NotSent,
    /// The step fails: the content was refused, it was paid without an image, or a limit was reached.
    Failed(Failure),
    /// Perhaps billed: the step is parked.
    Parked(Failure),
    /// A cancel came before anything was sent.
    Cancelled,
    /// The process is shutting down.
    Paused,
}

/// Makes one attempt at a target under the unit that the step has open.
pub(crate) async fn make(run: &Run<'_>, step: &Step, target_index: usize) -> Result<Outcome, RecordError> {
    let target = &step.targets[target_index];
    let Some(provider) = run.inner.parts.providers.get(&target.render.provider) else {
        let message = format!(
            "provider {} is not available on this server",
            target.render.provider
        );
        return Ok(Outcome::Unpaid(Failure::new(
            Reason::ProviderUnavailable,
            message,
        )));
    };
    if run.inner.stopping.is_cancelled() || run.interrupted.is_cancelled() {
        return Ok(Outcome::Paused);
    }
    let clock = &run.inner.parts.clock;
    let attempt = AttemptId(run.inner.parts.ids.next());
    let new = NewAttempt {
        id: attempt,
        step_id: step.step_id.clone(),
        target: u32::try_from(target_index).unwrap_or(u32::MAX),
        provider: target.render.provider.clone(),
        model: target.render.model.clone(),
        render_digest: target.render_digest.clone(),
        class: provider.class(),
        ceiling_nanos: target.price.ceiling_nanos,
        max_cost_nanos: run.plan.policy.max_cost_nanos,
        now: clock.now(),
    };
    match run.records().prepare(&run.fence, &new).await? {
        Preparation::Prepared(_) => run.notify(),
        Preparation::Cancelled => return Ok(Outcome::Cancelled),
        Preparation::CostLimit { committed_nanos } => {
            return Ok(Outcome::Failed(cost_limit(target, committed_nanos, run)));
        }
    }
    let now = clock.now();
    let send_by = now.plus(run.inner.parts.settings.send_margin);
    match run.records().dispatch(&run.fence, attempt, send_by, now).await? {
        Dispatch::Granted => run.notify(),
        Dispatch::Cancelled => {
            let failure = crate::run::cancelled();
            end(run, attempt, AttemptOutcome::Abandoned, &failure, "").await?;
            return Ok(Outcome::Cancelled);
        }
    }
    send(run, step, target, provider, attempt, Sending::First { send_by }).await
}

fn cost_limit(target: &Target, committed_nanos: i64, run: &Run<'_>) -> Failure {
    Failure::new(
        Reason::CostLimitReached,
        "the next call could pass the plan's max_cost: plan again with a higher one",
    )
    .with("committedNanos", committed_nanos)
    .with("ceilingNanos", target.price.ceiling_nanos)
    .with("maxCostNanos", run.plan.policy.max_cost_nanos.unwrap_or_default())
    .with("currency", &run.plan.currency)
}

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
            let call = call(run, target, provider, record.id);
            poll(
                run,
                step,
                target,
                provider,
                &call,
                &record.job_id,
                record.dispatched_at,
            )
            .await
        }
        (AttemptState::Dispatching, Some(provider)) if provider.class() == CapabilityClass::A => {
            send(run, step, target, provider, record.id, Sending::Again).await
        }
        (AttemptState::Dispatching, Some(provider)) => {
            reconcile_lost(run, step, target, provider, record).await
        }
        // Nothing is judged and nothing is lost: the attempt stays as it is until its provider is back.
        (AttemptState::Accepted | AttemptState::Received | AttemptState::Dispatching, None) => {
            let message = format!(
                "attempt {} has an open call at provider {}, which is not available on this server",
                record.id, record.provider
            );
            Err(RecordError::Unavailable(message.into()))
        }
        (AttemptState::Unknown, _) => {
            let known = record.failure.clone();
            Ok(Outcome::Parked(
                known.unwrap_or_else(|| unknown("its outcome is not known")),
            ))
        }
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

/// The process ended between dispatch and receipt, and the provider can be asked nothing. A complete staged
/// answer is the only evidence there can be; staging is atomic, so what is there is whole.
async fn reconcile_lost(
    run: &Run<'_>,
    step: &Step,
    target: &Target,
    provider: &Arc<dyn ImageProvider>,
    record: &AttemptRecord,
) -> Result<Outcome, RecordError> {
    let parts = &run.inner.parts;
    match parts.blobs.get(&BlobKey::staged(record.id)).await {
        Ok(body) => {
            let answer = Answer {
                body,
                ..Answer::default()
            };
            let since = record.dispatched_at;
            return received(run, step, target, provider, record.id, answer, since).await;
        }
        Err(BlobError::NotFound(_)) => {}
        // A store that is away proves nothing: the paid answer may be in it.
        Err(error) => return Err(RecordError::Unavailable(Box::new(error))),
    }
    // Nobody may judge an attempt before its last moment to be sent has passed. A clock that was set back does
    // not make the wait longer than it can be.
    if let Some(send_by) = record.send_by {
        let remaining = send_by.since(parts.clock.now());
        parts.clock.sleep(remaining.min(parts.settings.send_margin)).await;
    }
    let failure = unknown("the process ended while the call was in flight, and the provider cannot be asked");
    end(run, record.id, AttemptOutcome::Unknown, &failure, "").await?;
    Ok(Outcome::Parked(failure))
}

fn unknown(message: &str) -> Failure {
    Failure::new(Reason::OutcomeUnknown, message)
}

fn call<'a>(
    run: &Run<'_>,
    target: &'a Target,
    provider: &Arc<dyn ImageProvider>,
    attempt: AttemptId,
) -> Call<'a> {
    let deadline = || provider.deadline(&target.render);
    Call {
        attempt,
        render: &target.render,
        timeout: run.plan.policy.attempt_timeout.unwrap_or_else(deadline),
    }
}

/// Which time a call is sent.
#[derive(Clone, Copy, Debug)]
enum Sending {
    /// The first, if it is not too late for that.
    First { send_by: UnixMicros },
    /// Again, to a provider that draws once for all of them; an earlier one may have reached it.
    Again,
}

/// What a call that was sent again proves about all of them: that this one was not accepted says nothing about
/// the earlier one, which may be billed.
fn of_repetition(error: CallError) -> CallError {
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

/// Sends the call. From here on the future is driven to its end: a call that may be billed is never dropped.
async fn send(
    run: &Run<'_>,
    step: &Step,
    target: &Target,
    provider: &Arc<dyn ImageProvider>,
    attempt: AttemptId,
    sending: Sending,
) -> Result<Outcome, RecordError> {
    let started = run.inner.parts.clock.now();
    let lost = run.stops.lost.is_cancelled();
    if let Sending::First { send_by } = sending
        && (started > send_by || lost)
    {
        let failure =
            Failure::new(Reason::ProviderUnavailable, "the call could not be sent in time").retryable();
        end(run, attempt, AttemptOutcome::Abandoned, &failure, "").await?;
        return Ok(Outcome::NotSent);
    }
    let call = call(run, target, provider, attempt);
    match provider.submit(&call).await {
        Ok(Submission::Received(answer)) => {
            received(run, step, target, provider, attempt, answer, Some(started)).await
        }
        Ok(Submission::Accepted { job_id }) => {
            let now = run.inner.parts.clock.now();
            run.records().accepted(&run.fence, attempt, &job_id, now).await?;
            run.notify();
            poll(run, step, target, provider, &call, &job_id, Some(started)).await
        }
        Err(error) => {
            let error = match sending {
                Sending::First { .. } => error,
                Sending::Again => of_repetition(error),
            };
            conclude_error(run, attempt, error).await
        }
    }
}

/// Asks for accepted work until it is done or its time is over.
async fn poll(
    run: &Run<'_>,
    step: &Step,
    target: &Target,
    provider: &Arc<dyn ImageProvider>,
    call: &Call<'_>,
    job_id: &str,
    started: Option<UnixMicros>,
) -> Result<Outcome, RecordError> {
    let clock = &run.inner.parts.clock;
    let give_up_at = started.unwrap_or_else(|| clock.now()).plus(call.timeout);
    loop {
        let delay = match provider.poll(call, job_id).await {
            Ok(Poll::Received(answer)) => {
                return received(run, step, target, provider, call.attempt, answer, started).await;
            }
            Ok(Poll::Pending(delay)) => delay,
            // The question was lost, not the work.
            Err(CallError::Unsent { .. }) => run.inner.parts.settings.poll,
            Err(CallError::Rejected(rejection)) if rejection.reason == Reason::ProviderRateLimited => {
                rejection.retry_after.unwrap_or(run.inner.parts.settings.poll)
            }
            Err(error) => return conclude_error(run, call.attempt, error).await,
        };
        if clock.now() >= give_up_at {
            let failure =
                unknown("the provider accepted the work and did not finish it in time").with("jobId", job_id);
            end(run, call.attempt, AttemptOutcome::Unknown, &failure, "").await?;
            return Ok(Outcome::Parked(failure));
        }
        tokio::select! {
            () = clock.sleep(delay) => {}
            () = run.stops.lost.cancelled() => return Err(RecordError::Fenced),
            // The job id is durable: the next process goes on asking.
            () = run.inner.stopping.cancelled() => return Ok(Outcome::Paused),
        }
    }
}

/// T4: stages the answer, then records it, then goes on to the image.
async fn received(
    run: &Run<'_>,
    step: &Step,
    target: &Target,
    provider: &Arc<dyn ImageProvider>,
    attempt: AttemptId,
    mut answer: Answer,
    started: Option<UnixMicros>,
) -> Result<Outcome, RecordError> {
    let generation_time = generation_time(run, started);
    answer.body = finish::stage(run, attempt, answer.body).await?;
    let receipt = receipt(run, attempt, "answer", &answer);
    match run.records().received(&run.fence, attempt, &receipt).await {
        Ok(()) => run.notify(),
        Err(RecordError::Fenced) => {
            // Another process owns the execution, but only this one has the answer: leave it as evidence.
            run.records().add_receipt(&receipt).await?;
            return Err(RecordError::Fenced);
        }
        Err(error) => return Err(error),
    }
    finish::answer(run, step, target, provider, attempt, answer, generation_time).await
}

fn generation_time(run: &Run<'_>, started: Option<UnixMicros>) -> Duration {
    let now = run.inner.parts.clock.now();
    started.map_or(Duration::ZERO, |started| now.since(started))
}

fn receipt(run: &Run<'_>, attempt: AttemptId, kind: &str, answer: &Answer) -> Receipt {
    Receipt {
        attempt,
        kind: kind.to_owned(),
        staging_key: BlobKey::staged(attempt).to_string(),
        body_sha256: digest::sha256_hex(&answer.body),
        size_bytes: i64::try_from(answer.body.len()).unwrap_or(i64::MAX),
        media_type: answer.media_type.clone(),
        request_id: answer.request_id.clone(),
        headers: answer.headers.clone(),
        at: run.inner.parts.clock.now(),
    }
}

/// Writes down a call that gave no answer to keep, by what is proven about it.
async fn conclude_error(run: &Run<'_>, attempt: AttemptId, error: CallError) -> Result<Outcome, RecordError> {
    match error {
        CallError::Unsent { message } => {
            let failure = Failure::new(Reason::ProviderUnavailable, message).retryable();
            end(run, attempt, AttemptOutcome::Abandoned, &failure, "").await?;
            Ok(Outcome::Unpaid(failure))
        }
        CallError::Rejected(rejection) => conclude_rejection(run, attempt, rejection).await,
        CallError::Unknown {
            message,
            http_status,
            request_id,
            partial_body,
        } => {
            let mut failure = unknown(&message);
            if let Some(status) = http_status {
                failure = failure.with("httpStatus", status);
            }
            if !partial_body.is_empty() {
                failure = failure.with("receivedBytes", partial_body.len());
                keep_partial(run, attempt, partial_body, &request_id).await?;
            }
            end(run, attempt, AttemptOutcome::Unknown, &failure, &request_id).await?;
            Ok(Outcome::Parked(failure))
        }
    }
}

async fn conclude_rejection(
    run: &Run<'_>,
    attempt: AttemptId,
    rejection: Rejection,
) -> Result<Outcome, RecordError> {
    let mut failure = Failure::new(rejection.reason, rejection.message);
    failure.metadata = rejection.metadata;
    failure.retry_delay = rejection.retry_after;
    failure.retryable = matches!(
        rejection.reason,
        Reason::ProviderUnavailable | Reason::ProviderRateLimited
    );
    if let Some(status) = rejection.http_status {
        failure = failure.with("httpStatus", status);
    }
    let (outcome, next): (_, fn(Failure) -> Outcome) = match rejection.billing {
        Billing::No if rejection.reason == Reason::ContentBlocked => {
            (AttemptOutcome::Rejected, Outcome::Failed)
        }
        Billing::No => (AttemptOutcome::Rejected, Outcome::Unpaid),
        // What may have been billed is followed by no other call.
        Billing::Unknown => (AttemptOutcome::RejectedBillUnknown, Outcome::Failed),
    };
    if rejection.reason == Reason::ProviderAccount {
        tracing::error!(
            execution = %run.fence.execution,
            message = failure.message,
            "the provider refuses the account: check its key and its credit"
        );
    }
    end(run, attempt, outcome, &failure, &rejection.request_id).await?;
    Ok(next(failure))
}

/// A part of an answer is evidence that the provider took the work.
async fn keep_partial(
    run: &Run<'_>,
    attempt: AttemptId,
    body: Bytes,
    request_id: &str,
) -> Result<(), RecordError> {
    let key = BlobKey::partial(attempt);
    let answer = Answer {
        body: body.clone(),
        request_id: request_id.to_owned(),
        ..Answer::default()
    };
    let mut evidence = receipt(run, attempt, "partial_answer", &answer);
    evidence.staging_key = key.to_string();
    if let Err(error) = run
        .inner
        .parts
        .blobs
        .put(&key, "application/octet-stream", body)
        .await
    {
        tracing::warn!(%attempt, %error, "the part of an answer that came could not be kept");
        evidence.staging_key = String::new();
    }
    run.records().add_receipt(&evidence).await
}

/// Ends an attempt without an image.
pub(crate) async fn end(
    run: &Run<'_>,
    attempt: AttemptId,
    outcome: AttemptOutcome,
    failure: &Failure,
    request_id: &str,
) -> Result<(), RecordError> {
    let end = AttemptEnd {
        outcome,
        failure: failure.clone(),
        provider_request_id: request_id.to_owned(),
        now: run.inner.parts.clock.now(),
    };
    run.records().end_attempt(&run.fence, attempt, &end).await?;
    tracing::info!(
        execution = %run.fence.execution,
        %attempt,
        state = outcome.state().as_str(),
        reason = failure.reason.as_str(),
        "attempt ended without an image"
    );
    run.notify();
    Ok(())
}
