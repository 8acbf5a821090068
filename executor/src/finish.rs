//! From a staged answer to a recorded image: read, check, store, and only then commit (T5).
//!
//! Everything before the commit may run again after a crash: reading is pure, keys follow from ids, and a
//! put of the same bytes is a success.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bytes::Bytes;

use crate::{
    artifact::{self, Artifact, Expected},
    attempt::{Outcome, end},
    blob::{BlobError, BlobKey},
    failure::Failure,
    ids::{AttemptId, ImageId},
    persist::{self, Saved},
    plan::{MAX_AMOUNT_NANOS, Price, Render, Step, Target, Thumbnail},
    provider::{Answer, Bill, ImageProvider, Rendered},
    records::{AttemptOutcome, AttemptRecord, Commit, ImageRecord, RecordError, ThumbnailRecord},
    run::Run,
};

/// Stages the body of an answer and returns what is staged. After a crash an earlier answer of the same
/// attempt may be there already; then that one counts.
pub(crate) async fn stage(run: &Run<'_>, attempt: AttemptId, body: Bytes) -> Result<Bytes, RecordError> {
    let key = BlobKey::staged(attempt);
    match persist::save(run, &key, "application/octet-stream", &body).await? {
        Saved::Stored => Ok(body),
        Saved::OtherBytes => read_blob(run, &key).await,
    }
}

/// Goes on from the staged answer of an earlier owner, without the network.
pub(crate) async fn from_staging(
    run: &Run<'_>,
    step: &Step,
    target: &Target,
    provider: &Arc<dyn ImageProvider>,
    record: &AttemptRecord,
) -> Result<Outcome, RecordError> {
    let receipt = record.answer.as_ref().ok_or_else(|| {
        RecordError::Damaged(format!("attempt {} is received without a receipt", record.id))
    })?;
    let answer = Answer {
        media_type: receipt.media_type.clone(),
        request_id: receipt.request_id.clone(),
        headers: receipt.headers.clone(),
        body: read_blob(run, &BlobKey::staged(record.id)).await?,
    };
    let generation_time = match (record.dispatched_at, record.received_at) {
        (Some(dispatched), Some(received)) => received.since(dispatched),
        _ => Duration::ZERO,
    };
    self::answer(run, step, target, provider, record.id, answer, generation_time).await
}

/// Makes the image of a recorded answer.
pub(crate) async fn answer(
    run: &Run<'_>,
    step: &Step,
    target: &Target,
    provider: &Arc<dyn ImageProvider>,
    attempt: AttemptId,
    answer: Answer,
    generation_time: Duration,
) -> Result<Outcome, RecordError> {
    let request_id = answer.request_id.clone();
    let picture = match develop(run, step, target, provider, answer).await? {
        Ok(picture) => picture,
        Err(Flaw { failure, bill }) => {
            let (cost_nanos, estimated) = settle(&target.price, &bill);
            let failure = failure
                .with("stagedKey", BlobKey::staged(attempt))
                .with("paidNanos", cost_nanos);
            let outcome = AttemptOutcome::FailedPaid {
                cost_nanos,
                estimated,
            };
            end(run, attempt, outcome, &failure, &request_id).await?;
            return Ok(Outcome::Failed(failure));
        }
    };
    let image = store(run, step, target, attempt, &picture, request_id, generation_time).await?;
    let (cost_nanos, cost_estimated) = settle(&target.price, &picture.rendered.bill);
    if cost_nanos > target.price.ceiling_nanos {
        tracing::error!(
            execution = %run.fence.execution,
            %attempt,
            cost_nanos,
            ceiling_nanos = target.price.ceiling_nanos,
            "the provider billed more than the ceiling of the plan"
        );
    }
    let commit = Commit {
        attempt,
        image: ImageRecord {
            cost_nanos: Some(cost_nanos),
            cost_estimated,
            ..image
        },
        cost_nanos,
        cost_estimated,
        revised_prompt: picture.rendered.revised_prompt.clone(),
        now: run.inner.parts.clock.now(),
    };
    persist::record(run, || run.records().commit(&run.fence, &commit)).await?;
    run.notify();
    tracing::info!(
        execution = %run.fence.execution,
        step = step.step_id,
        %attempt,
        provider = target.render.provider,
        cost_nanos,
        generation_time_ms = generation_time.as_millis(),
        "image recorded"
    );
    // The image is safe; a staged answer that stays behind is only untidy.
    if let Err(error) = run.inner.parts.blobs.delete(&BlobKey::staged(attempt)).await {
        tracing::warn!(%attempt, %error, "a staged answer could not be removed");
    }
    Ok(Outcome::Committed)
}

/// A checked picture and its small copies, in memory.
struct Picture {
    rendered: Rendered,
    artifact: Artifact,
    thumbnails: Vec<(Thumbnail, Bytes)>,
}

/// A paid answer without a picture of the plan.
struct Flaw {
    failure: Failure,
    bill: Bill,
}

/// Reads and checks an answer and makes the small copies, off the async threads.
async fn develop(
    run: &Run<'_>,
    step: &Step,
    target: &Target,
    provider: &Arc<dyn ImageProvider>,
    answer: Answer,
) -> Result<Result<Picture, Flaw>, RecordError> {
    let provider = Arc::clone(provider);
    let render = target.render.clone();
    let thumbnails = step.thumbnails.clone();
    let limits = run.inner.parts.settings.limits;
    // A decoded picture takes hundreds of megabytes at worst: no more at once than there are cores to decode them.
    let _permit = run.inner.developing.acquire().await;
    let work = move || develop_blocking(&provider, &render, &thumbnails, &limits, &answer);
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|panic| RecordError::Damaged(format!("reading the answer stopped: {panic}")))
}

fn develop_blocking(
    provider: &Arc<dyn ImageProvider>,
    render: &Render,
    thumbnails: &[Thumbnail],
    limits: &artifact::Limits,
    answer: &Answer,
) -> Result<Picture, Flaw> {
    let rendered = provider.interpret(render, answer).map_err(|error| Flaw {
        failure: Failure::new(error.reason, error.message),
        bill: error.bill,
    })?;
    let expected = Expected {
        format: render.format,
        width_px: render.width_px,
        height_px: render.height_px,
    };
    let flawed = |error: artifact::ArtifactError| Flaw {
        failure: error.failure(),
        bill: rendered.bill.clone(),
    };
    let artifact = artifact::inspect(&rendered.image, &expected, limits).map_err(flawed)?;
    let thumbnails = thumbnails
        .iter()
        .filter_map(|spec| copy(&artifact, spec))
        .collect();
    Ok(Picture {
        rendered,
        artifact,
        thumbnails,
    })
}

/// A small copy. The picture is paid and whole: it is not given up for a copy that cannot be made.
fn copy(artifact: &Artifact, spec: &Thumbnail) -> Option<(Thumbnail, Bytes)> {
    match artifact::thumbnail(&artifact.pixels, spec) {
        Ok(bytes) => Some((*spec, Bytes::from(bytes))),
        Err(error) => {
            tracing::error!(%error, "a thumbnail could not be made");
            None
        }
    }
}

/// Stores the picture and its copies; the objects come before the row that names them.
async fn store(
    run: &Run<'_>,
    step: &Step,
    target: &Target,
    attempt: AttemptId,
    picture: &Picture,
    provider_request_id: String,
    generation_time: Duration,
) -> Result<ImageRecord, RecordError> {
    let blobs = &run.inner.parts.blobs;
    let client = &run.plan.client;
    let id = ImageId::of_step(run.fence.execution, &step.step_id);
    let artifact = &picture.artifact;
    let key = BlobKey::image(client, id, artifact.format);
    must_save(run, &key, artifact.format.media_type(), &picture.rendered.image).await?;
    let mut thumbnails = Vec::with_capacity(picture.thumbnails.len());
    for (spec, copy) in &picture.thumbnails {
        let key = BlobKey::thumbnail(client, id, spec.width_px, spec.height_px, spec.format);
        let size_bytes = keep_copy(run, &key, spec.format.media_type(), copy).await?;
        let (width_px, height_px) = artifact::thumbnail_size(artifact.width_px, artifact.height_px, spec);
        thumbnails.push(ThumbnailRecord {
            public_url: blobs.public_url(&key).unwrap_or_default(),
            storage_key: key.to_string(),
            width_px,
            height_px,
            format: spec.format,
            size_bytes,
        });
    }
    let now = run.inner.parts.clock.now();
    let sha256 = artifact.sha256.clone();
    Ok(ImageRecord {
        id,
        client: client.clone(),
        execution: run.fence.execution,
        step_id: step.step_id.clone(),
        plan_digest: run.plan.digest.clone(),
        render_digest: target.render_digest.clone(),
        take: run.take,
        attempt,
        reused: false,
        rendered_sha256: sha256.clone(),
        stored_sha256: sha256,
        format: artifact.format,
        width_px: artifact.width_px,
        height_px: artifact.height_px,
        size_bytes: i64::try_from(picture.rendered.image.len()).unwrap_or(i64::MAX),
        public_url: blobs.public_url(&key).unwrap_or_default(),
        storage_key: key.to_string(),
        thumbnails,
        description: step.description.clone(),
        session_id: run.plan.session_id.clone(),
        prompt: target.render.prompt.clone(),
        revised_prompt: picture.rendered.revised_prompt.clone(),
        provider: target.render.provider.clone(),
        model: target.render.model.clone(),
        provider_request_id,
        seed_mode: target.render.seed_mode,
        seed: target.render.seed,
        generation_time,
        currency: run.plan.currency.clone(),
        cost_nanos: None,
        cost_estimated: false,
        quality_score_bp: None,
        labels: step.labels.clone(),
        created_at: now,
        updated_at: now,
    })
}

/// What an answer costs by the pinned prices, and whether that is only our own price. A bill that is negative or
/// absurd is not believed.
pub(crate) fn settle(price: &Price, bill: &Bill) -> (i64, bool) {
    let believable = |cost_nanos: &i64| (0..=MAX_AMOUNT_NANOS).contains(cost_nanos);
    if let Some(cost_nanos) = bill.cost_nanos.filter(believable) {
        return (cost_nanos, false);
    }
    if price.ceiling_nanos == 0 {
        return (0, false);
    }
    let unit_nanos: BTreeMap<&str, i64> = price
        .unit_nanos
        .iter()
        .map(|(unit, nanos)| (unit.as_str(), *nanos))
        .collect();
    // Nothing of a unit needs no price.
    let mut used = bill.usage.iter().filter(|(_, quantity)| **quantity != 0);
    let by_usage = used.try_fold(0_i64, |sum, (unit, quantity)| {
        let amount = unit_nanos.get(unit.as_str())?.checked_mul(*quantity)?;
        sum.checked_add(amount)
    });
    match by_usage.filter(believable) {
        Some(cost_nanos) if !bill.usage.is_empty() => (cost_nanos, false),
        _ => (price.expected_nanos, true),
    }
}

/// Saves under a key that follows from ids; other bytes there mean that two pictures claim the same name.
async fn must_save(run: &Run<'_>, key: &BlobKey, media_type: &str, bytes: &Bytes) -> Result<(), RecordError> {
    match persist::save(run, key, media_type, bytes).await? {
        Saved::Stored => Ok(()),
        Saved::OtherBytes => Err(RecordError::Damaged(format!(
            "other bytes are stored under {key}"
        ))),
    }
}

/// Saves a small copy and returns its size. Another encoder may have made other bytes of the same picture before a
/// crash; those are as good.
async fn keep_copy(
    run: &Run<'_>,
    key: &BlobKey,
    media_type: &str,
    bytes: &Bytes,
) -> Result<i64, RecordError> {
    let size_bytes = match persist::save(run, key, media_type, bytes).await? {
        Saved::Stored => bytes.len(),
        Saved::OtherBytes => read_blob(run, key).await?.len(),
    };
    Ok(i64::try_from(size_bytes).unwrap_or(i64::MAX))
}

async fn read_blob(run: &Run<'_>, key: &BlobKey) -> Result<Bytes, RecordError> {
    let unavailable = |error: BlobError| RecordError::Unavailable(Box::new(error));
    run.inner.parts.blobs.get(key).await.map_err(unavailable)
}
