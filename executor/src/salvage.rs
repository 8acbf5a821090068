//! What is found out after the end of an execution: an outcome that was unknown then still holds money, and perhaps a
//! picture that is paid. Evidence and questions count as before the end; only the policy of the plan does not,
//! for nobody waits any more.

use std::{borrow::Cow, collections::BTreeMap, sync::Arc, time::Duration};

use futures::{StreamExt as _, stream};
use limn_proto::reason::Reason;

use crate::{
    attempt::{self, Evidence, Refusal, Word},
    cost::Cost,
    executor::Inner,
    failure::Failure,
    finish::{self, Drawing},
    plan::{Plan, Step, Target},
    provider::{Answer, CapabilityClass, ImageProvider},
    records::{
        AttemptEnd, AttemptOutcome, AttemptRecord, AttemptState, Find, Receipt, ReceiptKind, RecordError,
        Salvage, Stranded,
    },
    run::load_plan,
};

/// How many executions are taken at once.
const PAGE: u32 = 50;
/// How many executions are looked at at the same time: most of a look is waiting for a provider.
const AT_ONCE: usize = 8;

/// Looks at every execution that ended with unknown outcomes and is due. What cannot be found out or booked now is
/// tried again.
pub(crate) async fn all(inner: &Inner) -> Result<(), RecordError> {
    while !inner.stopping.is_cancelled() {
        let lease = inner.parts.settings.lease;
        let stranded = inner.parts.records.stranded(lease, PAGE).await?;
        stream::iter(&stranded)
            .for_each_concurrent(AT_ONCE, |stranded| look(inner, stranded))
            .await;
        if stranded.len() < PAGE as usize {
            break;
        }
    }
    Ok(())
}

/// Looks at the unknown attempts of an execution. After an error it is not left, and so is due again when the time
/// for which it was taken is over.
async fn look(inner: &Inner, stranded: &Stranded) {
    let execution = stranded.execution.id;
    let mut next_look: Option<Duration> = None;
    let mut has_failed = false;
    for (step_id, attempt) in unknown(stranded) {
        let found = tokio::select! {
            biased;
            // A question can be asked again, and an answer that is staged is evidence.
            () = inner.stopping.cancelled() => return,
            found = one(inner, stranded, step_id, attempt) => found,
        };
        match found {
            Ok(Found::Booked) => {}
            Ok(Found::Nothing) => {
                let pause = pause(inner, stranded, attempt);
                next_look = Some(next_look.map_or(pause, |next| next.min(pause)));
            }
            Err(error) => {
                tracing::error!(
                    %execution,
                    attempt = %attempt.id,
                    %error,
                    "an unknown outcome of an execution that ended could not be looked at or booked"
                );
                has_failed = true;
            }
        }
    }
    if let Some(next_look) = next_look.filter(|_| !has_failed)
        && let Err(error) = inner
            .parts
            .records
            .leave_stranded(execution, stranded.until, next_look)
            .await
    {
        tracing::error!(%execution, %error, "an ended execution with unknown outcomes could not be left");
    }
}

/// The unknown attempts of an execution, with their steps.
fn unknown(stranded: &Stranded) -> Vec<(&str, &AttemptRecord)> {
    let mut unknown = Vec::new();
    for step in &stranded.execution.steps {
        for attempt in &step.attempts {
            if attempt.state == AttemptState::Unknown {
                unknown.push((step.step_id.as_str(), attempt));
            }
        }
    }
    unknown
}

/// How long to leave an attempt alone about which nothing was found.
fn pause(inner: &Inner, stranded: &Stranded, attempt: &AttemptRecord) -> Duration {
    // A call that is repeated could be billed, and nobody waits for its picture: class A is not asked.
    let can_be_asked = matches!(attempt.class, CapabilityClass::B | CapabilityClass::C);
    let unknown_for = attempt
        .unknown_at
        .map_or(attempt::LONGEST, |unknown| stranded.at.since(unknown));
    attempt::pause(&inner.parts.settings, can_be_asked, unknown_for)
}

/// What a look at an attempt came to.
enum Found {
    /// What became of it is known and booked, by this process or by another one.
    Booked,
    /// Nothing that settles anything.
    Nothing,
}

async fn one(
    inner: &Inner,
    stranded: &Stranded,
    step_id: &str,
    attempt: &AttemptRecord,
) -> Result<Found, RecordError> {
    let evidence = attempt::evidence(inner, attempt).await?;
    match &evidence {
        Evidence::Unsent(failure) => {
            return end(inner, stranded, attempt, AttemptOutcome::Abandoned, failure, "").await;
        }
        Evidence::Refused(rejection) => {
            return refused(inner, stranded, attempt, rejection.clone().into()).await;
        }
        Evidence::Answer(..) | Evidence::Job(_) | Evidence::Nothing => {}
    }
    let Some(provider) = inner.parts.providers.get(&attempt.provider) else {
        return Ok(Found::Nothing);
    };
    let (client, digest) = (&stranded.execution.client, &stranded.execution.plan_digest);
    let plan = load_plan(inner.parts.records.as_ref(), client, digest).await?;
    let step = step_of(&plan, step_id, attempt)?;
    let target = target_of(&step, attempt)?;
    let drawing = Drawing {
        inner,
        plan: &plan,
        execution: stranded.execution.id,
        take: stranded.execution.take,
        step: &step,
        target,
        provider,
        attempt: attempt.id,
        received_at: match &evidence {
            Evidence::Answer(receipt, _) => receipt.at,
            _ => inner.parts.clock.now(),
        },
    };
    let job_id = match evidence {
        Evidence::Answer(receipt, answer) => return book(&drawing, attempt, receipt, answer).await,
        Evidence::Job(job_id) => job_id,
        Evidence::Unsent(_) | Evidence::Refused(_) | Evidence::Nothing => attempt.job_id.clone(),
    };
    match ask(&drawing, attempt, job_id).await {
        Word::Received(answer) => keep(&drawing, attempt, answer).await,
        Word::Refused(rejection) => refused(inner, stranded, attempt, rejection.into()).await,
        Word::Absent if is_absence_proof(inner, stranded, attempt) => {
            let failure = Failure::new(
                Reason::ProviderUnavailable,
                "the provider has never seen the call, which is not sent again after the end of its execution",
            );
            end(inner, stranded, attempt, AttemptOutcome::Rejected, &failure, "").await
        }
        Word::Pending(_) | Word::Absent | Word::Silent(_) => Ok(Found::Nothing),
    }
}

/// The step of an attempt, as the re-roll that it drew.
fn step_of<'p>(plan: &'p Plan, step_id: &str, attempt: &AttemptRecord) -> Result<Cow<'p, Step>, RecordError> {
    let step = plan.steps.iter().find(|step| step.step_id == step_id);
    let step = step.ok_or_else(|| RecordError::Damaged(format!("attempt {} has no step", attempt.id)))?;
    let reroll = step.reroll_of(attempt.target, &attempt.render_digest);
    Ok(step.rerolled(reroll.unwrap_or(attempt.reroll)))
}

fn target_of<'s>(step: &'s Step, attempt: &AttemptRecord) -> Result<&'s Target, RecordError> {
    let target = usize::try_from(attempt.target).ok();
    let target = target.and_then(|target| step.targets.get(target));
    target.ok_or_else(|| RecordError::Damaged(format!("attempt {} has no target", attempt.id)))
}

/// Asks the provider. Work that it took is stopped first, and then asked for: only a cancel ends an execution while an
/// outcome is unknown.
async fn ask(drawing: &Drawing<'_>, attempt: &AttemptRecord, job_id: String) -> Word {
    let provider: &Arc<dyn ImageProvider> = drawing.provider;
    let call = attempt::call(drawing.plan, drawing.target, provider, attempt.id);
    let job_id = if job_id.is_empty() {
        match attempt::ask(&call, provider, attempt).await {
            Word::Pending(job_id) => job_id,
            word => return word,
        }
    } else {
        job_id
    };
    if let Err(error) = provider.cancel(&call, &job_id).await {
        tracing::warn!(attempt = %attempt.id, job_id, %error, "accepted work could not be stopped");
    }
    attempt::ask_for(&call, provider, &job_id).await
}

/// True when the provider keeps the job id that we chose, and nobody can send the call any more.
fn is_absence_proof(inner: &Inner, stranded: &Stranded, attempt: &AttemptRecord) -> bool {
    let sendable_until = attempt::sendable_until(&inner.parts.settings, attempt);
    attempt.class == CapabilityClass::B && sendable_until.since(stranded.at).is_zero()
}

async fn refused(
    inner: &Inner,
    stranded: &Stranded,
    attempt: &AttemptRecord,
    refusal: Refusal,
) -> Result<Found, RecordError> {
    let Refusal {
        outcome,
        failure,
        request_id,
    } = refusal;
    end(inner, stranded, attempt, outcome, &failure, &request_id).await
}

/// Ends an attempt that was not billed, or whose bill alone is unknown now.
async fn end(
    inner: &Inner,
    stranded: &Stranded,
    attempt: &AttemptRecord,
    outcome: AttemptOutcome,
    failure: &Failure,
    request_id: &str,
) -> Result<Found, RecordError> {
    let end = AttemptEnd {
        outcome,
        failure: failure.clone(),
        provider_request_id: request_id.to_owned(),
        usage: BTreeMap::new(),
        now: inner.parts.clock.now(),
    };
    let execution = stranded.execution.id;
    if inner
        .parts
        .records
        .end_stranded(execution, attempt.id, &end)
        .await?
    {
        tracing::info!(
            %execution,
            attempt = %attempt.id,
            state = outcome.state().as_str(),
            reason = failure.reason.as_str(),
            "an unknown outcome became known after the end of its execution"
        );
    }
    Ok(Found::Booked)
}

/// T4 after the end: the answer is staged and its receipt written before anything else is done with it.
async fn keep(
    drawing: &Drawing<'_>,
    attempt: &AttemptRecord,
    mut answer: Answer,
) -> Result<Found, RecordError> {
    let inner = drawing.inner;
    answer.body = finish::stage(inner, &inner.stopping, attempt.id, answer.body).await?;
    let receipt = attempt::receipt(inner, attempt.id, ReceiptKind::Answer, &answer);
    inner.parts.records.add_receipt(&receipt).await?;
    book(drawing, attempt, receipt, answer).await
}

/// Books an answer that is staged.
async fn book(
    drawing: &Drawing<'_>,
    attempt: &AttemptRecord,
    receipt: Receipt,
    answer: Answer,
) -> Result<Found, RecordError> {
    let inner = drawing.inner;
    let request_id = answer.request_id.clone();
    let (find, cost) = match finish::develop(drawing, answer).await? {
        Ok(picture) => {
            let generation_time = attempt
                .dispatched_at
                .map_or(Duration::ZERO, |dispatched| receipt.at.since(dispatched));
            // Nobody can take this over; two that do the same write the same.
            let cost = Cost::of(&drawing.target.price, &picture.rendered.bill);
            let (lost, id) = (&inner.stopping, request_id);
            let image = finish::store(drawing, lost, &picture, &cost, id, generation_time).await?;
            (Find::Image(Box::new(image)), cost)
        }
        Err(flaw) => {
            let (failure, cost) = flaw.settle(drawing);
            (Find::Nothing(failure), cost)
        }
    };
    let is_image = matches!(find, Find::Image(_));
    let salvage = Salvage {
        execution: drawing.execution,
        answer: receipt,
        find,
        cost_nanos: cost.nanos,
        cost_source: cost.source,
        usage: cost.usage,
        now: inner.parts.clock.now(),
    };
    if inner.parts.records.salvage(&salvage).await? {
        tracing::info!(
            execution = %drawing.execution,
            attempt = %attempt.id,
            "an answer that came after the end of its execution was booked"
        );
        if is_image {
            finish::tidy(inner, attempt.id).await;
        }
    }
    Ok(Found::Booked)
}
