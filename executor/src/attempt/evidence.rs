//! Evidence about attempts, left and read: what a process that lost its execution still knows.
//!
//! Its call was the only one where the provider can be asked nothing, or only about work that it took (classes C
//! and D), so what it says about its own call settles the attempt. At a provider that was perhaps sent the same call
//! again (A and B) only an answer says something about all of them.

use std::{collections::BTreeMap, sync::Arc};

use limn_proto::reason::Reason;

use super::{Outcome, conclude, receipt, record_received};
use crate::{
    blob::{BlobError, BlobKey},
    executor::Inner,
    failure::Failure,
    finish,
    ids::AttemptId,
    persist,
    plan::{Step, Target},
    provider::{Answer, Billing, CapabilityClass, ImageProvider, Rejection},
    records::{AttemptOutcome, AttemptRecord, Receipt, ReceiptKind, RecordError},
    run::Run,
};

/// Names of the facts of a refusal among the headers of its receipt.
const REASON: &str = "limn-reason";
const MESSAGE: &str = "limn-message";

/// Leaves evidence for the owner of the execution, which this process is no longer.
pub(super) async fn leave<T>(run: &Run<'_>, receipt: Receipt) -> Result<T, RecordError> {
    persist::evidence(run.inner, &receipt).await?;
    tracing::info!(
        execution = %run.fence.execution,
        attempt = %receipt.attempt,
        kind = receipt.kind.as_str(),
        "evidence was left for the owner of the execution"
    );
    // Perhaps that owner is this process again.
    run.inner.work.notify_one();
    Err(RecordError::Fenced)
}

/// What the end of an attempt proves to others, when it proves anything.
pub(super) fn of_end(
    run: &Run<'_>,
    attempt: AttemptId,
    outcome: AttemptOutcome,
    failure: &Failure,
    request_id: &str,
) -> Option<Receipt> {
    let kind = match outcome {
        AttemptOutcome::Abandoned => ReceiptKind::Unsent,
        AttemptOutcome::Rejected => ReceiptKind::Rejection,
        AttemptOutcome::RejectedBillUnknown
        | AttemptOutcome::FailedPaid { .. }
        | AttemptOutcome::Unknown
        | AttemptOutcome::WrittenOff { .. } => return None,
    };
    let answer = Answer {
        request_id: request_id.to_owned(),
        headers: BTreeMap::from([
            (REASON.to_owned(), failure.reason.as_str().to_owned()),
            (MESSAGE.to_owned(), failure.message.clone()),
        ]),
        ..Answer::default()
    };
    Some(Receipt {
        staging_key: String::new(),
        body_sha256: String::new(),
        ..receipt(run.inner, attempt, kind, &answer)
    })
}

/// What the evidence about an attempt leads to.
pub(super) enum Found {
    /// The attempt was concluded.
    Concluded(Outcome),
    /// The provider took the work under this job id.
    Job(String),
    /// Nothing that settles anything.
    Nothing,
}

/// Goes on by the evidence about an attempt, without the network.
pub(super) async fn examine(
    run: &Run<'_>,
    step: &Step,
    target: &Target,
    provider: &Arc<dyn ImageProvider>,
    record: &AttemptRecord,
) -> Result<Found, RecordError> {
    match read(run.inner, record).await? {
        Evidence::Answer(receipt, answer) => adopt(run, step, target, provider, record, &receipt, answer)
            .await
            .map(Found::Concluded),
        Evidence::Unsent(failure) => {
            run.go_on(step).await?;
            conclude::end(run, record.id, AttemptOutcome::Abandoned, &failure, "").await?;
            Ok(Found::Concluded(Outcome::Unpaid(failure)))
        }
        Evidence::Refused(rejection) => conclude::rejected(run, step, record.id, rejection)
            .await
            .map(Found::Concluded),
        Evidence::Job(job_id) => Ok(Found::Job(job_id)),
        Evidence::Nothing => Ok(Found::Nothing),
    }
}

/// What the evidence about an attempt proves.
pub(crate) enum Evidence {
    /// The answer came: its receipt, and its bytes.
    Answer(Receipt, Answer),
    /// The call was not sent, and will not be.
    Unsent(Failure),
    /// The provider refused the call, and does not bill that.
    Refused(Rejection),
    /// The provider took the work under this job id, which is not written down with the attempt.
    Job(String),
    /// Nothing that settles anything.
    Nothing,
}

/// Reads the evidence about an attempt, without the network.
pub(crate) async fn read(inner: &Inner, record: &AttemptRecord) -> Result<Evidence, RecordError> {
    let receipts = inner.parts.records.receipts(record.id).await?;
    for receipt in receipts.iter().filter(|receipt| receipt.is_whole_answer()) {
        if let Some(answer) = finish::staged(inner, receipt).await? {
            return Ok(Evidence::Answer(receipt.clone(), answer));
        }
    }
    if let Some((receipt, answer)) = staged_alone(inner, record).await? {
        return Ok(Evidence::Answer(receipt, answer));
    }
    let latest = |kind: ReceiptKind| receipts.iter().rev().find(|receipt| receipt.kind == kind);
    let is_only_call = matches!(record.class, CapabilityClass::C | CapabilityClass::D);
    if is_only_call && let Some(receipt) = latest(ReceiptKind::Unsent) {
        return Ok(Evidence::Unsent(failure_of(receipt).retryable()));
    }
    if is_only_call && let Some(receipt) = latest(ReceiptKind::Rejection) {
        let failure = failure_of(receipt);
        return Ok(Evidence::Refused(Rejection {
            reason: failure.reason,
            message: failure.message,
            http_status: None,
            request_id: receipt.request_id.clone(),
            retry_after: None,
            billing: Billing::No,
            metadata: BTreeMap::new(),
        }));
    }
    if record.job_id.is_empty()
        && let Some(receipt) = latest(ReceiptKind::Accepted)
    {
        return Ok(Evidence::Job(receipt.request_id.clone()));
    }
    Ok(Evidence::Nothing)
}

fn failure_of(receipt: &Receipt) -> Failure {
    let reason = receipt.headers.get(REASON).and_then(|word| Reason::parse(word));
    let message = receipt.headers.get(MESSAGE).cloned();
    Failure::new(
        reason.unwrap_or(Reason::ProviderUnavailable),
        message.unwrap_or_else(|| "the call was not sent".to_owned()),
    )
}

/// A process may have died between staging an answer and writing its receipt. Staging is atomic, so what is there is
/// whole.
async fn staged_alone(
    inner: &Inner,
    record: &AttemptRecord,
) -> Result<Option<(Receipt, Answer)>, RecordError> {
    match inner.parts.blobs.get(&BlobKey::staged(record.id)).await {
        Ok(body) => {
            let answer = Answer {
                body,
                ..Answer::default()
            };
            let receipt = receipt(inner, record.id, ReceiptKind::Answer, &answer);
            Ok(Some((receipt, answer)))
        }
        Err(BlobError::NotFound(_)) => Ok(None),
        // A store that is away proves nothing: the paid answer may be in it.
        Err(error) => Err(RecordError::Unavailable(Box::new(error))),
    }
}

/// T4 and T5 with an answer that is staged already.
async fn adopt(
    run: &Run<'_>,
    step: &Step,
    target: &Target,
    provider: &Arc<dyn ImageProvider>,
    record: &AttemptRecord,
    receipt: &Receipt,
    answer: Answer,
) -> Result<Outcome, RecordError> {
    record_received(run, step, receipt).await?;
    let generation_time = record
        .dispatched_at
        .map(|dispatched| receipt.at.since(dispatched))
        .unwrap_or_default();
    let received = finish::Received {
        attempt: record.id,
        answer,
        received_at: receipt.at,
        generation_time,
    };
    finish::answer(run, step, target, provider, received).await
}
