//! Records as messages of the contract: what a snapshot, an event and a library answer show.

use std::time::Duration;

use base64::{Engine as _, prelude::BASE64_STANDARD as STANDARD};
use limn_proto::{
    name::{Collection, resource_name},
    plan::Money,
    reason::Reason,
    v1,
};

use prost::Message as _;

use crate::{
    clock::UnixMicros,
    detection::{Confidence, Detected, Evidence},
    failure::Failure,
    quality::{Part, Quality},
    records::{
        AttemptRecord, AttemptState, CopyPurpose, CostRecord, CostSource, ExecutionMode, ExecutionRecord,
        ExecutionState, ImageRecord, SkippedTarget, StepRecord, StepState, StepWait, ThumbnailRecord,
        WaitReason,
    },
};

mod sessions;

pub use sessions::session;

/// A whole execution.
pub fn execution(record: &ExecutionRecord) -> v1::Execution {
    let name = |id: &dyn ToString| resource_name(&record.client, Collection::Executions, &id.to_string());
    v1::Execution {
        name: name(&record.id),
        plan_digest: record.plan_digest.clone(),
        request_id: record.request_id.clone(),
        mode: mode(record.mode).into(),
        state: execution_state(record.state).into(),
        steps: record
            .steps
            .iter()
            .map(|step| step_status(step, &record.client, &record.cost.currency))
            .collect(),
        cost: Some(cost(&record.cost)),
        failure: record.failure.as_ref().map(failure),
        cancel_requested: record.cancel_requested,
        create_time: Some(timestamp(record.created_at)),
        start_time: record.started_at.map(timestamp),
        end_time: record.ended_at.map(timestamp),
        last_sequence: record.last_sequence,
        previous: record.previous.as_ref().map_or_else(String::new, |id| name(id)),
        take: record.take,
        session_id: record.session_id.clone(),
        next_check_time: record.next_check_at.map(timestamp),
        crash_count: record.crash_count,
        progress_percent: sessions::progress_percent(record),
    }
}

/// A step with its attempts.
pub fn step_status(record: &StepRecord, client: &str, currency: &str) -> v1::StepStatus {
    v1::StepStatus {
        step_id: record.step_id.clone(),
        state: step_state(record.state).into(),
        attempts: record
            .attempts
            .iter()
            .map(|record| attempt(record, currency))
            .collect(),
        image: record.image.map_or_else(String::new, |id| {
            resource_name(client, Collection::Images, &id.to_string())
        }),
        reused: record.reused,
        failure: record.failure.as_ref().map(failure),
        wait: record.wait.as_ref().map(step_wait),
        skipped_targets: record.skipped_targets.iter().map(skipped_target).collect(),
        below_threshold: record.below_threshold,
    }
}

/// What a step waits for.
pub fn step_wait(record: &StepWait) -> v1::StepWait {
    let reason = match record.reason {
        WaitReason::Concurrency => v1::WaitReason::Concurrency,
        WaitReason::Rate => v1::WaitReason::Rate,
        WaitReason::Cooldown => v1::WaitReason::Cooldown,
        WaitReason::Unavailable => v1::WaitReason::Unavailable,
    };
    v1::StepWait {
        provider: record.provider.clone(),
        reason: reason.into(),
        position: record.position,
        attempt: record.attempt,
        since_time: Some(timestamp(record.since)),
        until_time: record.until.map(timestamp),
    }
}

/// The wait that was encoded from [`step_wait`]; nothing when this version does not know it.
pub fn parse_step_wait(bytes: &[u8]) -> Option<StepWait> {
    let message = v1::StepWait::decode(bytes).ok()?;
    let reason = match message.reason() {
        v1::WaitReason::Unspecified => return None,
        v1::WaitReason::Concurrency => WaitReason::Concurrency,
        v1::WaitReason::Rate => WaitReason::Rate,
        v1::WaitReason::Cooldown => WaitReason::Cooldown,
        v1::WaitReason::Unavailable => WaitReason::Unavailable,
    };
    Some(StepWait {
        provider: message.provider,
        reason,
        position: message.position,
        attempt: message.attempt,
        since: parse_timestamp(message.since_time?),
        until: message.until_time.map(parse_timestamp),
    })
}

fn skipped_target(record: &SkippedTarget) -> v1::SkippedTarget {
    v1::SkippedTarget {
        target: record.target,
        provider: record.provider.clone(),
        reason: record.why.clone(),
        event_time: Some(timestamp(record.at)),
    }
}

/// Targets that were passed over, as they are stored; nothing when there are none.
pub fn skipped_targets_bytes(records: &[SkippedTarget]) -> Option<Vec<u8>> {
    let status = v1::StepStatus {
        skipped_targets: records.iter().map(skipped_target).collect(),
        ..v1::StepStatus::default()
    };
    (!records.is_empty()).then(|| status.encode_to_vec())
}

/// What was stored by [`skipped_targets_bytes`].
pub fn parse_skipped_targets(bytes: &[u8]) -> Option<Vec<SkippedTarget>> {
    let status = v1::StepStatus::decode(bytes).ok()?;
    let records = status.skipped_targets.into_iter().map(|passed| {
        Some(SkippedTarget {
            target: passed.target,
            provider: passed.provider,
            why: passed.reason,
            at: parse_timestamp(passed.event_time?),
        })
    });
    records.collect()
}

/// One provider call.
pub fn attempt(record: &AttemptRecord, currency: &str) -> v1::Attempt {
    let decided = record.decision.as_ref();
    v1::Attempt {
        number: record.number,
        target: record.target,
        provider: record.provider.clone(),
        model: record.model.clone(),
        render_digest: record.render_digest.clone(),
        provider_request_id: record.provider_request_id.clone(),
        start_time: Some(timestamp(record.prepared_at)),
        end_time: record.ended_at.map(timestamp),
        quality_score_bp: record.quality_score_bp,
        cost: record.cost_nanos.map(|nanos| money(currency, nanos)),
        revised_prompt: record.revised_prompt.clone(),
        failure: record.failure.as_ref().map(failure),
        state: attempt_state(record.state).into(),
        attempt_id: record.id.to_string(),
        cost_estimated: record.cost_source == Some(CostSource::Estimated),
        cost_source: cost_source(record.cost_source).into(),
        effective_seed: record.effective_seed,
        model_version: record.model_version.clone(),
        ceiling: Some(money(currency, record.ceiling_nanos)),
        held: (record.held_nanos > 0).then(|| money(currency, record.held_nanos)),
        job_id: record.job_id.clone(),
        resolution_actor: decided.map_or_else(String::new, |decided| decided.actor.clone()),
        usage: record.usage.clone(),
        reroll: record.reroll,
        resolution_reason: decided.map_or_else(String::new, |decided| decided.reason.clone()),
    }
}

/// The money of an execution. It is final when nothing is reserved and nothing held.
pub fn cost(record: &CostRecord) -> v1::SettledCost {
    let lines = record.lines.iter().map(|line| v1::SettledLine {
        step_id: line.step_id.clone(),
        attempt: line.attempt_number,
        provider: line.provider.clone(),
        amount: Some(money(&record.currency, line.amount_nanos)),
        estimated: line.source == Some(CostSource::Estimated),
        source: cost_source(line.source).into(),
    });
    v1::SettledCost {
        total: Some(money(&record.currency, record.settled_nanos)),
        lines: lines.collect(),
        r#final: record.reserved_nanos == 0 && record.unknown_held_nanos == 0,
        reserved: Some(money(&record.currency, record.reserved_nanos)),
        unknown_held: Some(money(&record.currency, record.unknown_held_nanos)),
    }
}

fn cost_source(source: Option<CostSource>) -> v1::CostSource {
    match source {
        None => v1::CostSource::Unspecified,
        Some(CostSource::Reported) => v1::CostSource::Reported,
        Some(CostSource::Usage) => v1::CostSource::Usage,
        Some(CostSource::Estimated) => v1::CostSource::Estimated,
        Some(CostSource::Decided) => v1::CostSource::Decided,
    }
}

/// A failure as data.
pub fn failure(failure: &Failure) -> v1::Failure {
    v1::Failure {
        code: failure.reason.code() as i32,
        reason: failure.reason.as_str().to_owned(),
        message: failure.message.clone(),
        retryable: failure.retryable,
        retry_delay: failure.retry_delay.map(|delay| pbjson_types::Duration {
            seconds: i64::try_from(delay.as_secs()).unwrap_or(i64::MAX),
            nanos: delay.subsec_nanos().cast_signed(),
        }),
        metadata: failure.metadata.clone(),
    }
}

/// A failure as it was before [`failure()`]; nothing when its reason is not a word of this version.
pub fn parse_failure(message: v1::Failure) -> Option<Failure> {
    let retry_delay = match message.retry_delay {
        Some(delay) => Some(Duration::new(
            u64::try_from(delay.seconds).ok()?,
            u32::try_from(delay.nanos).ok()?,
        )),
        None => None,
    };
    Some(Failure {
        reason: Reason::parse(&message.reason)?,
        message: message.message,
        retryable: message.retryable,
        retry_delay,
        metadata: message.metadata,
    })
}

/// The record of an image.
pub fn image(record: &ImageRecord) -> v1::Image {
    let execution = record.execution.to_string();
    let about = &record.description;
    v1::Image {
        name: resource_name(&record.client, Collection::Images, &record.id.to_string()),
        state: v1::ImageState::Completed.into(),
        execution: resource_name(&record.client, Collection::Executions, &execution),
        step_id: record.step_id.clone(),
        plan_digest: record.plan_digest.clone(),
        render_digest: record.render_digest.clone(),
        take: record.take,
        attempt_id: record.attempt.to_string(),
        reused: record.reused,
        rendered_sha256: record.rendered_sha256.clone(),
        stored_sha256: record.stored_sha256.clone(),
        media_type: record.format.media_type().to_owned(),
        width_px: record.width_px,
        height_px: record.height_px,
        size_bytes: record.size_bytes,
        storage_key: record.storage_key.clone(),
        public_url: record.public_url.clone(),
        thumbnails: copies(record, CopyPurpose::Thumbnail).collect(),
        optimised: copies(record, CopyPurpose::Optimised).next(),
        thumbhash: STANDARD.encode(&record.assessment.thumbhash),
        quality: quality(record),
        image_type: about.image_type.into(),
        session_id: record.session_id.clone(),
        post_id: about.post_id.clone(),
        prompt_id: about.prompt_id.clone(),
        original_prompt: if about.original_prompt.is_empty() {
            record.prompt.clone()
        } else {
            about.original_prompt.clone()
        },
        prompt: record.prompt.clone(),
        revised_prompt: record.revised_prompt.clone(),
        alt_text: about.alt_text.clone(),
        caption: about.caption.clone(),
        section_title: about.section_title.clone(),
        position: about.position,
        importance: about.importance.into(),
        provider: record.provider.clone(),
        model: record.model.clone(),
        seed_mode: record.seed_mode.into(),
        seed: record.seed,
        generation_time_ms: i64::try_from(record.generation_time.as_millis()).unwrap_or(i64::MAX),
        generation_cost: record.cost_nanos.map(|nanos| money(&record.currency, nanos)),
        cost_estimated: record.cost_source == Some(CostSource::Estimated),
        cost_source: cost_source(record.cost_source).into(),
        effective_seed: record.effective_seed,
        model_version: record.model_version.clone(),
        quality_score_bp: record.quality_score_bp,
        rejected: record.rejected,
        review: record.review.as_ref().map(sessions::review),
        etag: record.etag(),
        labels: record.labels.iter().cloned().collect(),
        create_time: Some(timestamp(record.created_at)),
        update_time: Some(timestamp(record.updated_at)),
        provider_request_id: record.provider_request_id.clone(),
    }
}

/// An image that a picture is, or seems to be.
pub fn detected(detected: &Detected) -> v1::DetectedImage {
    let (evidence, distance_bits) = match detected.evidence {
        Evidence::Exact => (v1::DetectionEvidence::Exact, None),
        Evidence::Credentials => (v1::DetectionEvidence::Credentials, None),
        Evidence::Fingerprint { distance } => (v1::DetectionEvidence::Fingerprint, Some(distance)),
    };
    let confidence = match detected.evidence.confidence() {
        Confidence::Certain => v1::DetectionConfidence::Certain,
        Confidence::Likely => v1::DetectionConfidence::Likely,
        Confidence::Possible => v1::DetectionConfidence::Possible,
    };
    v1::DetectedImage {
        image: Some(image(&detected.image)),
        evidence: evidence.into(),
        confidence: confidence.into(),
        distance_bits,
    }
}

fn copies(record: &ImageRecord, purpose: CopyPurpose) -> impl Iterator<Item = v1::Thumbnail> {
    let copies = record.thumbnails.iter();
    copies.filter(move |copy| copy.purpose == purpose).map(thumbnail)
}

/// Nothing when the image was not scored, or by a version that kept no parts.
fn quality(record: &ImageRecord) -> Option<v1::QualityScore> {
    let quality = Quality {
        score_bp: record.quality_score_bp?,
        parts_bp: record.assessment.parts_bp.clone(),
        scorer: record.assessment.scorer.clone(),
    };
    let worst_part = quality.worst_part().map_or("", Part::as_str).to_owned();
    (!quality.scorer.is_empty()).then_some(v1::QualityScore {
        score_bp: quality.score_bp,
        parts_bp: quality.parts_bp,
        worst_part,
        scorer: quality.scorer,
    })
}

fn thumbnail(record: &ThumbnailRecord) -> v1::Thumbnail {
    v1::Thumbnail {
        storage_key: record.storage_key.clone(),
        public_url: record.public_url.clone(),
        width_px: record.width_px,
        height_px: record.height_px,
        media_type: record.format.media_type().to_owned(),
        size_bytes: record.size_bytes,
    }
}

/// A time, to the microsecond.
pub fn timestamp(time: UnixMicros) -> pbjson_types::Timestamp {
    let micros = time.0.rem_euclid(1_000_000);
    pbjson_types::Timestamp {
        seconds: time.seconds(),
        // Below a billion, so it always fits.
        nanos: i32::try_from(micros * 1000).unwrap_or_default(),
    }
}

fn parse_timestamp(time: pbjson_types::Timestamp) -> UnixMicros {
    UnixMicros(
        time.seconds
            .saturating_mul(1_000_000)
            .saturating_add(i64::from(time.nanos / 1000)),
    )
}

/// The word of the contract for a state.
pub fn execution_state(state: ExecutionState) -> v1::ExecutionState {
    match state {
        ExecutionState::Pending => v1::ExecutionState::Pending,
        ExecutionState::Processing => v1::ExecutionState::Processing,
        ExecutionState::Cancelling => v1::ExecutionState::Cancelling,
        ExecutionState::NeedsDecision => v1::ExecutionState::NeedsDecision,
        ExecutionState::Completed => v1::ExecutionState::Completed,
        ExecutionState::Failed => v1::ExecutionState::Failed,
        ExecutionState::Cancelled => v1::ExecutionState::Cancelled,
    }
}

fn step_state(state: StepState) -> v1::StepState {
    match state {
        StepState::Pending => v1::StepState::Pending,
        StepState::Processing => v1::StepState::Processing,
        StepState::NeedsDecision => v1::StepState::NeedsDecision,
        StepState::Completed => v1::StepState::Completed,
        StepState::Failed => v1::StepState::Failed,
        StepState::Cancelled => v1::StepState::Cancelled,
        StepState::Skipped => v1::StepState::Skipped,
    }
}

/// The word of the contract for a state.
pub fn attempt_state(state: AttemptState) -> v1::AttemptState {
    match state {
        AttemptState::Prepared => v1::AttemptState::Prepared,
        AttemptState::Dispatching => v1::AttemptState::Dispatching,
        AttemptState::Accepted => v1::AttemptState::Accepted,
        AttemptState::Received => v1::AttemptState::Received,
        AttemptState::Committed => v1::AttemptState::Committed,
        AttemptState::Abandoned => v1::AttemptState::Abandoned,
        AttemptState::Rejected => v1::AttemptState::Rejected,
        AttemptState::FailedPaid => v1::AttemptState::FailedPaid,
        AttemptState::Unknown => v1::AttemptState::Unknown,
        AttemptState::WrittenOff => v1::AttemptState::WrittenOff,
    }
}

fn mode(mode: ExecutionMode) -> v1::ExecutionMode {
    match mode {
        ExecutionMode::Reuse => v1::ExecutionMode::Reuse,
        ExecutionMode::Resume => v1::ExecutionMode::Resume,
    }
}

fn money(currency: &str, nanos: i64) -> Money {
    Money {
        currency_code: currency.to_owned(),
        nanos,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_survives_the_way_to_a_message_and_back() {
        let mut there = Failure::new(Reason::ProviderRateLimited, "slow down")
            .retryable()
            .with("httpStatus", 429);
        there.retry_delay = Some(Duration::from_millis(1500));

        let message = failure(&there);

        assert_eq!(message.code, 8);
        assert_eq!(message.reason, "PROVIDER_RATE_LIMITED");
        assert_eq!(parse_failure(message), Some(there));
    }

    #[test]
    fn a_reason_of_a_newer_version_is_not_read_as_another() {
        let message = v1::Failure {
            reason: "FROM_THE_FUTURE".into(),
            ..Default::default()
        };
        assert_eq!(parse_failure(message), None);
    }

    #[test]
    fn a_time_before_the_epoch_has_positive_nanos() {
        let time = timestamp(UnixMicros(-1));
        assert_eq!((time.seconds, time.nanos), (-1, 999_999_000));
    }
}
