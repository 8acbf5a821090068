//! One provider call: prepare, dispatch, send once, and write down what is proven.
//!
//! The order of writes is the promise. T1 reserves the ceiling before anything can be billed; T2 is durable
//! before the first byte leaves, so a crash after it is never mistaken for "not sent"; the answer is staged and
//! recorded (T4) before anything else is done with it. Nothing here sends twice what may be paid twice.

use std::{sync::Arc, time::Duration};

use limn_proto::{digest, reason::Reason};
use tokio_util::sync::CancellationToken;

use crate::{
    blob::BlobKey,
    clock::UnixMicros,
    executor::Inner,
    failure::Failure,
    finish,
    ids::AttemptId,
    pace, persist,
    plan::{Plan, Step, Target},
    provider::{Answer, Call, CallError, ImageProvider, Poll, Reference, Rejection, Submission, WebhookUrl},
    records::{
        AttemptOutcome, Dispatch, ImageRecord, NewAttempt, Preparation, Receipt, ReceiptKind, RecordError,
    },
    references,
    run::Run,
};

mod conclude;
mod evidence;
mod reconcile;
mod unknown;

pub(crate) use conclude::{Refusal, end, write_end};
pub(crate) use evidence::{Evidence, read as evidence};
pub(crate) use reconcile::{Word, ask, ask_for, resume, sendable_until};
pub(crate) use unknown::{LONGEST, given_up, pause};

/// What became of an attempt.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Outcome {
    /// The image is stored, recorded and settled; the step is complete.
    Committed,
    /// The image is stored, recorded and settled, and its quality is below the threshold of the plan: the step goes on.
    Rejected(Box<ImageRecord>),
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
    if !run.may_send() {
        return Ok(Outcome::Paused);
    }
    // Before anything is reserved: without them there is nothing to send.
    let references = match references::load(
        &run.inner.parts.blobs,
        &run.inner.parts.records,
        &run.plan.client,
        &target.render,
    )
    .await?
    {
        Ok(references) => references,
        Err(missing) => return Ok(Outcome::Failed(missing)),
    };
    let clock = &run.inner.parts.clock;
    let attempt = AttemptId(run.inner.parts.ids.next());
    let new = NewAttempt {
        id: attempt,
        step_id: step.step_id.clone(),
        target: u32::try_from(target_index).unwrap_or(u32::MAX),
        reroll: step.reroll,
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
        Preparation::BudgetExceeded(shortage) => {
            return Ok(Outcome::Failed(Failure::budget_exceeded(&shortage)));
        }
    }
    if !run.may_send() {
        // The next owner need not find out that nothing was sent, and the money is free at once.
        let failure =
            Failure::new(Reason::ProviderUnavailable, "the process stopped before the call").retryable();
        end(run, attempt, AttemptOutcome::Abandoned, &failure, "").await?;
        return Ok(Outcome::Paused);
    }
    let ready = match provider
        .get_ready(&with_references(run, target, provider, attempt, &references))
        .await
    {
        Ok(ready) => ready,
        Err(error) => return conclude::unready(run, attempt, error).await,
    };
    let send_margin = run.inner.parts.settings.send_margin;
    // Counted from before the write: the database begins to count only after this.
    let send_before = clock.uptime().saturating_add(send_margin);
    let now = clock.now();
    // Asked again while the database is away: this process knows that it has sent nothing yet, and the next one would not.
    let write = || run.records().dispatch(&run.fence, attempt, send_margin, now);
    match persist::record(run, write).await? {
        Dispatch::Granted => run.notify(),
        Dispatch::Cancelled => {
            let failure = crate::run::cancelled();
            end(run, attempt, AttemptOutcome::Abandoned, &failure, "").await?;
            return Ok(Outcome::Cancelled);
        }
    }
    send(
        run,
        step,
        target,
        provider,
        attempt,
        (&references, &ready),
        (Sending::First, send_before),
    )
    .await
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

fn outcome_unknown(message: &str) -> Failure {
    Failure::new(Reason::OutcomeUnknown, message)
}

/// A call of an attempt, as it is sent and asked about.
pub(crate) fn call<'a>(
    plan: &Plan,
    target: &'a Target,
    provider: &Arc<dyn ImageProvider>,
    attempt: AttemptId,
) -> Call<'a> {
    let deadline = || provider.deadline(&target.render);
    Call {
        attempt,
        render: &target.render,
        timeout: plan.policy.attempt_timeout.unwrap_or_else(deadline),
        references: &[],
        ready: &[],
        webhook_url: None,
        previews: None,
    }
}

/// The same with the pictures that the drawing refers to.
fn with_references<'a>(
    run: &Run<'_>,
    target: &'a Target,
    provider: &Arc<dyn ImageProvider>,
    attempt: AttemptId,
    references: &'a [Reference],
) -> Call<'a> {
    Call {
        references,
        ..call(run.plan, target, provider, attempt)
    }
}

/// Which time a call is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sending {
    /// The first.
    First,
    /// Again, to a provider that draws once for all of them; an earlier one may have reached it.
    Again,
    /// Again under the same job id, after the provider said that the one before never came.
    AfterAbsence,
}

/// Writes down that the call is sent again, and sends it.
async fn send_again(
    run: &Run<'_>,
    step: &Step,
    target: &Target,
    provider: &Arc<dyn ImageProvider>,
    attempt: AttemptId,
    sending: Sending,
) -> Result<Outcome, RecordError> {
    if !run.may_send() {
        return Ok(Outcome::Paused);
    }
    let references = match references::load(
        &run.inner.parts.blobs,
        &run.inner.parts.records,
        &run.plan.client,
        &target.render,
    )
    .await?
    {
        Ok(references) => references,
        // They were there when it was first sent. Whoever looks at it next may find them again.
        Err(missing) => return Err(RecordError::Unavailable(missing.message.into())),
    };
    let ready = provider
        .get_ready(&with_references(run, target, provider, attempt, &references))
        .await;
    // An earlier call may be billed, so this one is not given up: it is tried again later.
    let ready = ready.map_err(|error| RecordError::Unavailable(Box::new(error)))?;
    let send_margin = run.inner.parts.settings.send_margin;
    let send_before = run.inner.parts.clock.uptime().saturating_add(send_margin);
    run.records()
        .dispatch_again(&run.fence, attempt, send_margin)
        .await?;
    send(
        run,
        step,
        target,
        provider,
        attempt,
        (&references, &ready),
        (sending, send_before),
    )
    .await
}

/// Sends the call. From here on the future is driven to its end: a call that may be billed is never dropped.
async fn send(
    run: &Run<'_>,
    step: &Step,
    target: &Target,
    provider: &Arc<dyn ImageProvider>,
    attempt: AttemptId,
    (references, ready): (&[Reference], &[String]),
    (sending, send_before): (Sending, Duration),
) -> Result<Outcome, RecordError> {
    let started = run.inner.parts.clock.now();
    // The last look before the first byte. A process that was frozen since may not send any more, even when the clock
    // of the machine was set back.
    if run.inner.parts.clock.uptime() > send_before || run.stops.lost.is_cancelled() {
        return too_late(run, attempt, sending).await;
    }
    let previews = run.inner.previews.of(run.fence.execution, &step.step_id, attempt);
    let public_url = run.inner.parts.settings.public_url.as_deref();
    let call = Call {
        ready,
        previews: Some(&previews),
        webhook_url: public_url.map(|base| WebhookUrl {
            base,
            provider: &target.render.provider,
            attempt,
        }),
        ..with_references(run, target, provider, attempt, references)
    };
    let submitted = provider.submit(&call).await;
    let sign = pace::sign_of(run.inner, &submitted);
    let outcome = match submitted {
        Ok(Submission::Received(answer)) => {
            received(run, step, target, provider, attempt, answer, Some(started)).await
        }
        Ok(Submission::Accepted { job_id }) => {
            accepted(run, step, attempt, &job_id).await?;
            // Its work may take long, and somebody may wait for this sign.
            pace::learn(run.inner, provider.id(), sign).await;
            return poll(run, step, target, provider, &call, &job_id, Some(started)).await;
        }
        Err(error) => {
            let error = match sending {
                Sending::First | Sending::AfterAbsence => error,
                Sending::Again => reconcile::of_repetition(error),
            };
            conclude::call_error(run, step, provider.class(), attempt, error).await
        }
    };
    // Only now: what the call proved goes before.
    pace::learn(run.inner, provider.id(), sign).await;
    outcome
}

async fn too_late(run: &Run<'_>, attempt: AttemptId, sending: Sending) -> Result<Outcome, RecordError> {
    if sending != Sending::First {
        // Nothing is known that was not known before: whoever owns the execution looks at it again.
        return Ok(Outcome::Paused);
    }
    let failure = Failure::new(Reason::ProviderUnavailable, "the call could not be sent in time").retryable();
    conclude::own(run, attempt, AttemptOutcome::Abandoned, &failure, "").await?;
    // Counts as a try: a process that is always too late must not go round for ever.
    Ok(Outcome::Unpaid(failure))
}

/// T3: writes the job id down, before anything is asked about it.
async fn accepted(run: &Run<'_>, step: &Step, attempt: AttemptId, job_id: &str) -> Result<(), RecordError> {
    let now = run.inner.parts.clock.now();
    let write = async || {
        run.go_on(step).await?;
        run.records().accepted(&run.fence, attempt, job_id, now).await
    };
    match persist::record(run, write).await {
        Ok(()) => {
            run.notify();
            Ok(())
        }
        Err(RecordError::Fenced) => {
            let answer = Answer {
                request_id: job_id.to_owned(),
                ..Answer::default()
            };
            let evidence = receipt(run.inner, attempt, ReceiptKind::Accepted, &answer);
            evidence::leave(run, evidence).await
        }
        Err(error) => Err(error),
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
    let mut is_stopped = false;
    let news = run.inner.news.listen(call.attempt);
    loop {
        if run.stops.cancelled.is_cancelled() && !is_stopped {
            is_stopped = true;
            // What comes of the work is learnt by asking on, whatever the answer to this is.
            if let Err(error) = provider.cancel(call, job_id).await {
                tracing::warn!(attempt = %call.attempt, job_id, %error, "accepted work could not be stopped");
            }
        }
        let delay = match question(provider.poll(call, job_id).await) {
            Ok(Poll::Received(answer)) => {
                return received(run, step, target, provider, call.attempt, answer, started).await;
            }
            Ok(Poll::Pending(delay)) => delay,
            Err(Unanswered::Lost(delay)) => delay.unwrap_or(run.inner.parts.settings.poll),
            Err(Unanswered::Refused(rejection)) => {
                return conclude::rejected(run, step, call.attempt, rejection).await;
            }
        };
        let remaining = give_up_at.since(clock.now());
        if remaining.is_zero() {
            let failure = outcome_unknown("the provider accepted the work and did not finish it in time")
                .with("jobId", job_id);
            end(run, call.attempt, AttemptOutcome::Unknown, &failure, "").await?;
            return Ok(unknown::parked(run, step, provider.class(), failure));
        }
        tokio::select! {
            biased;
            () = run.stops.lost.cancelled() => return Err(RecordError::Fenced),
            // The job id is durable: the next process goes on asking.
            () = run.inner.stopping.cancelled() => return Ok(Outcome::Paused),
            () = run.stops.cancelled.cancelled(), if !is_stopped => {}
            () = news.came() => {}
            // A provider that asks for a long wait is asked once more before its time is over.
            () = clock.sleep(delay.min(remaining)) => {}
        }
    }
}

/// Why a question about work has no answer.
enum Unanswered {
    /// The question was lost, not the work. Perhaps with the time to wait that was asked for.
    Lost(Option<Duration>),
    /// The work itself was refused, or failed.
    Refused(Rejection),
}

/// What an answer to a question about work proves.
fn question<T>(answer: Result<T, CallError>) -> Result<T, Unanswered> {
    answer.map_err(|error| match error {
        CallError::Unsent { .. } | CallError::Unknown { .. } => Unanswered::Lost(None),
        CallError::Rejected(rejection) if rejection.reason == Reason::ProviderRateLimited => {
            Unanswered::Lost(rejection.retry_after)
        }
        CallError::Rejected(rejection) => Unanswered::Refused(rejection),
    })
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
    // Also for an execution that is lost: nobody else has the answer.
    let never = CancellationToken::new();
    answer.body = finish::stage(run.inner, &never, attempt, answer.body).await?;
    let receipt = receipt(run.inner, attempt, ReceiptKind::Answer, &answer);
    if let Err(error) = record_received(run, step, &receipt).await {
        return match error {
            // Another process owns the execution, but only this one has the answer.
            RecordError::Fenced => evidence::leave(run, receipt).await,
            error => Err(error),
        };
    }
    let received = finish::Received {
        attempt,
        answer,
        received_at: receipt.at,
        generation_time,
    };
    finish::answer(run, step, target, provider, received).await
}

async fn record_received(run: &Run<'_>, step: &Step, receipt: &Receipt) -> Result<(), RecordError> {
    let write = async || {
        run.go_on(step).await?;
        run.records().received(&run.fence, receipt.attempt, receipt).await
    };
    persist::record(run, write).await?;
    run.notify();
    Ok(())
}

fn generation_time(run: &Run<'_>, started: Option<UnixMicros>) -> Duration {
    let now = run.inner.parts.clock.now();
    started.map_or(Duration::ZERO, |started| now.since(started))
}

/// Evidence that came with an answer, which is staged when it has a body.
pub(crate) fn receipt(inner: &Inner, attempt: AttemptId, kind: ReceiptKind, answer: &Answer) -> Receipt {
    Receipt {
        attempt,
        kind,
        staging_key: BlobKey::staged(attempt).to_string(),
        body_sha256: digest::sha256_hex(&answer.body),
        size_bytes: i64::try_from(answer.body.len()).unwrap_or(i64::MAX),
        media_type: answer.media_type.clone(),
        request_id: answer.request_id.clone(),
        headers: answer.headers.clone(),
        at: inner.parts.clock.now(),
    }
}
