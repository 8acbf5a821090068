//! Attempts that end without an image: what each outcome proves, and what may follow it.

use std::collections::BTreeMap;

use bytes::Bytes;
use limn_proto::reason::Reason;

use super::{Outcome, evidence, outcome_unknown, receipt, unknown};
use crate::{
    blob::{BlobKey, BlobMetadata},
    failure::Failure,
    ids::AttemptId,
    persist,
    plan::Step,
    provider::{Answer, Billing, CallError, CapabilityClass, Rejection},
    records::{AttemptEnd, AttemptOutcome, ReceiptKind, RecordError},
    run::Run,
};

/// Writes down a call that gave no answer to keep, by what is proven about it.
pub(super) async fn call_error(
    run: &Run<'_>,
    step: &Step,
    class: CapabilityClass,
    attempt: AttemptId,
    error: CallError,
) -> Result<Outcome, RecordError> {
    match error {
        CallError::Unsent { message } => {
            let failure = Failure::new(Reason::ProviderUnavailable, message).retryable();
            run.go_on(step).await?;
            own(run, attempt, AttemptOutcome::Abandoned, &failure, "").await?;
            Ok(Outcome::Unpaid(failure))
        }
        CallError::Rejected(rejection) => rejected(run, step, attempt, rejection).await,
        CallError::Unknown {
            message,
            http_status,
            request_id,
            partial_body,
        } => {
            let mut failure = outcome_unknown(&message);
            if let Some(status) = http_status {
                failure = failure.with("httpStatus", status);
            }
            if !partial_body.is_empty() {
                failure = failure.with("receivedBytes", partial_body.len());
                keep_partial(run, attempt, partial_body, &request_id).await?;
            }
            end(run, attempt, AttemptOutcome::Unknown, &failure, &request_id).await?;
            Ok(unknown::parked(run, step, class, failure))
        }
    }
}

/// Writes down that the call could not be made ready. Nothing that costs was sent, whatever the provider said.
pub(super) async fn unready(
    run: &Run<'_>,
    attempt: AttemptId,
    error: CallError,
) -> Result<Outcome, RecordError> {
    let failure = match error {
        CallError::Rejected(rejection) => Refusal::from(rejection).failure,
        CallError::Unsent { message } | CallError::Unknown { message, .. } => {
            Failure::new(Reason::ProviderUnavailable, message).retryable()
        }
    };
    end(run, attempt, AttemptOutcome::Abandoned, &failure, "").await?;
    Ok(if failure.reason == Reason::ContentBlocked {
        Outcome::Failed(failure)
    } else {
        Outcome::Unpaid(failure)
    })
}

/// Writes down that the provider refused the call.
pub(super) async fn rejected(
    run: &Run<'_>,
    step: &Step,
    attempt: AttemptId,
    rejection: Rejection,
) -> Result<Outcome, RecordError> {
    let Refusal {
        outcome,
        failure,
        request_id,
    } = rejection.into();
    // What may have been billed is followed by no other call.
    let is_final = outcome == AttemptOutcome::RejectedBillUnknown || failure.reason == Reason::ContentBlocked;
    if failure.reason == Reason::ProviderAccount {
        tracing::error!(
            execution = %run.fence.execution,
            message = failure.message,
            "the provider refuses the account: check its key and its credit"
        );
    }
    run.go_on(step).await?;
    own(run, attempt, outcome, &failure, &request_id).await?;
    Ok(if is_final {
        Outcome::Failed(failure)
    } else {
        Outcome::Unpaid(failure)
    })
}

/// A refusal as it is written down.
pub(crate) struct Refusal {
    /// Where the money goes.
    pub(crate) outcome: AttemptOutcome,
    /// Why.
    pub(crate) failure: Failure,
    /// The provider's own id of the call.
    pub(crate) request_id: String,
}

impl From<Rejection> for Refusal {
    fn from(rejection: Rejection) -> Self {
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
        Self {
            outcome: match rejection.billing {
                Billing::No => AttemptOutcome::Rejected,
                Billing::Unknown => AttemptOutcome::RejectedBillUnknown,
            },
            failure,
            request_id: rejection.request_id,
        }
    }
}

/// Ends an attempt by what its own call proved. What is proven is evidence, even for another owner.
pub(super) async fn own(
    run: &Run<'_>,
    attempt: AttemptId,
    outcome: AttemptOutcome,
    failure: &Failure,
    request_id: &str,
) -> Result<(), RecordError> {
    match end(run, attempt, outcome, failure, request_id).await {
        Err(RecordError::Fenced) => match evidence::of_end(run, attempt, outcome, failure, request_id) {
            Some(receipt) => evidence::leave(run, receipt).await,
            None => Err(RecordError::Fenced),
        },
        ended => ended,
    }
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
    let mut evidence = receipt(run.inner, attempt, ReceiptKind::PartialAnswer, &answer);
    evidence.staging_key = key.to_string();
    if let Err(error) = run
        .inner
        .parts
        .blobs
        .put(&key, &BlobMetadata::new("application/octet-stream"), body)
        .await
    {
        tracing::warn!(%attempt, %error, "the part of an answer that came could not be kept");
        evidence.staging_key = String::new();
    }
    persist::record(run, || run.records().add_receipt(&evidence)).await
}

/// Ends an attempt without an image and without an answer.
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
        usage: BTreeMap::new(),
        now: run.inner.parts.clock.now(),
    };
    write_end(run, attempt, &end).await
}

/// Writes the end of an attempt without an image.
pub(crate) async fn write_end(
    run: &Run<'_>,
    attempt: AttemptId,
    end: &AttemptEnd,
) -> Result<(), RecordError> {
    persist::record(run, || run.records().end_attempt(&run.fence, attempt, end)).await?;
    tracing::info!(
        execution = %run.fence.execution,
        %attempt,
        state = end.outcome.state().as_str(),
        reason = end.failure.reason.as_str(),
        "attempt ended without an image"
    );
    run.notify();
    Ok(())
}
