//! Attempts that an earlier owner left open: each goes on from what is written down about it.

use std::sync::Arc;

use bytes::Bytes;
use limn_proto::reason::Reason;

use super::{Outcome, Sending, call, conclude::end, poll, received, send, unknown};
use crate::{
    blob::{BlobError, BlobKey},
    failure::Failure,
    finish,
    plan::{Step, Target},
    provider::{Answer, CallError, CapabilityClass, ImageProvider},
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
