//! From a staged answer to a recorded image: read, check, store, and only then commit (T5).
//!
//! Everything before the commit may run again after a crash: reading is pure, keys follow from ids, a put of the same
//! bytes is a success, and an object with other signatures of the same picture is taken as it is ([`marking`]).

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use limn_proto::digest;
use tokio_util::sync::CancellationToken;

use crate::{
    artifact::{self, Expected},
    attempt::{Outcome, write_end},
    blob::{BlobError, BlobKey, BlobMetadata},
    clock::UnixMicros,
    copies::{self, Copy, Wanted},
    cost::Cost,
    executor::Inner,
    failure::Failure,
    ids::{AttemptId, ExecutionId, ImageId},
    look::Look,
    marking::{self, Marking},
    persist::{self, Saved},
    plan::{ImageFormat, Plan, Render, Step, Target},
    provider::{Answer, Bill, ImageProvider, Rendered},
    records::{
        AttemptEnd, AttemptOutcome, AttemptRecord, Commit, CopyPurpose, ImageRecord, Receipt, RecordError,
        ThumbnailRecord,
    },
    run::Run,
    score::{self, Scorer, Subject},
};

/// Stages the body of an answer and returns what is staged. After a crash an earlier answer of the same
/// attempt may be there already; then that one counts. `lost` ends the tries while the store is away.
pub(crate) async fn stage(
    inner: &Inner,
    lost: &CancellationToken,
    attempt: AttemptId,
    body: Bytes,
) -> Result<Bytes, RecordError> {
    let key = BlobKey::staged(attempt);
    let metadata = BlobMetadata::new("application/octet-stream");
    match persist::save(inner, lost, &key, &metadata, &body).await? {
        Saved::Stored => Ok(body),
        Saved::OtherBytes => read_blob(inner, &key).await,
    }
}

/// The answer that a receipt tells of, when its bytes are there and whole.
pub(crate) async fn staged(inner: &Inner, receipt: &Receipt) -> Result<Option<Answer>, RecordError> {
    let Some(key) = BlobKey::parse(&receipt.staging_key) else {
        return Ok(None);
    };
    let body = match inner.parts.blobs.get(&key).await {
        Ok(body) => body,
        Err(BlobError::NotFound(_)) => return Ok(None),
        // A store that is away proves nothing: the paid answer may be in it.
        Err(error) => return Err(RecordError::Unavailable(Box::new(error))),
    };
    if digest::sha256_hex(&body) != receipt.body_sha256 {
        tracing::error!(attempt = %receipt.attempt, %key, "the staged answer is not the one of its receipt");
        return Ok(None);
    }
    Ok(Some(Answer {
        media_type: receipt.media_type.clone(),
        request_id: receipt.request_id.clone(),
        headers: receipt.headers.clone(),
        body,
    }))
}

/// What a picture is made for, and what its record copies.
#[derive(Clone, Copy)]
pub(crate) struct Drawing<'a> {
    pub(crate) inner: &'a Inner,
    pub(crate) plan: &'a Plan,
    pub(crate) execution: ExecutionId,
    pub(crate) take: u32,
    pub(crate) step: &'a Step,
    pub(crate) target: &'a Target,
    pub(crate) provider: &'a Arc<dyn ImageProvider>,
    pub(crate) attempt: AttemptId,
    /// When its answer was here.
    pub(crate) received_at: UnixMicros,
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
    let answer = staged(run.inner, receipt).await?.ok_or_else(|| {
        RecordError::Damaged(format!(
            "the staged answer of attempt {} is gone or damaged",
            record.id
        ))
    })?;
    let generation_time = match (record.dispatched_at, record.received_at) {
        (Some(dispatched), Some(received)) => received.since(dispatched),
        _ => Duration::ZERO,
    };
    let received_at = record.received_at.unwrap_or(receipt.at);
    let received = Received {
        attempt: record.id,
        answer,
        received_at,
        generation_time,
    };
    self::answer(run, step, target, provider, received).await
}

/// A recorded answer.
pub(crate) struct Received {
    pub(crate) attempt: AttemptId,
    pub(crate) answer: Answer,
    pub(crate) received_at: UnixMicros,
    /// From sending the request to the last byte of the answer.
    pub(crate) generation_time: Duration,
}

/// Makes the image of a recorded answer.
pub(crate) async fn answer(
    run: &Run<'_>,
    step: &Step,
    target: &Target,
    provider: &Arc<dyn ImageProvider>,
    received: Received,
) -> Result<Outcome, RecordError> {
    let Received {
        attempt,
        answer,
        received_at,
        generation_time,
    } = received;
    let request_id = answer.request_id.clone();
    let drawing = Drawing {
        inner: run.inner,
        plan: run.plan,
        execution: run.fence.execution,
        take: run.take,
        step,
        target,
        provider,
        attempt,
        received_at,
    };
    let picture = match develop(&drawing, answer).await? {
        Ok(picture) => picture,
        Err(flaw) => {
            let (failure, cost) = flaw.settle(&drawing);
            let end = AttemptEnd {
                outcome: AttemptOutcome::FailedPaid {
                    cost_nanos: cost.nanos,
                    source: cost.source,
                },
                failure: failure.clone(),
                provider_request_id: request_id,
                usage: cost.usage,
                now: run.inner.parts.clock.now(),
            };
            write_end(run, attempt, &end).await?;
            return Ok(Outcome::Failed(failure));
        }
    };
    let cost = Cost::of(&target.price, &picture.rendered.bill);
    let image = store(
        &drawing,
        &run.stops.lost,
        &picture,
        &cost,
        request_id,
        generation_time,
    )
    .await?;
    let cost_nanos = cost.nanos;
    let rejection = image.rejected.then(|| score::too_low(run.plan, &image));
    let commit = Commit {
        attempt,
        image,
        rejection,
        cost_nanos,
        cost_source: cost.source,
        usage: cost.usage,
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
        quality_score_bp = commit.image.quality_score_bp,
        rejected = commit.image.rejected,
        "image recorded"
    );
    tidy(run.inner, attempt).await;
    Ok(if commit.image.rejected {
        Outcome::Rejected(Box::new(commit.image))
    } else {
        Outcome::Committed
    })
}

/// Removes the staged answer of an image that is safe. One that stays behind is only untidy.
pub(crate) async fn tidy(inner: &Inner, attempt: AttemptId) {
    if let Err(error) = inner.parts.blobs.delete(&BlobKey::staged(attempt)).await {
        tracing::warn!(%attempt, %error, "a staged answer could not be removed");
    }
}

/// A checked picture, as encoded. Its pixels are gone: they are by far the largest part, and saving may take long.
pub(crate) struct Picture {
    pub(crate) rendered: Rendered,
    pub(crate) sha256: String,
    /// The picture as it is stored: what was rendered, with its provenance.
    pub(crate) marked: Bytes,
    copies: Vec<Copy>,
    look: Look,
}

/// A paid answer without a picture of the plan.
pub(crate) struct Flaw {
    failure: Failure,
    bill: Bill,
}

impl Flaw {
    /// The failure as it is kept, and what the answer costs.
    pub(crate) fn settle(self, drawing: &Drawing<'_>) -> (Failure, Cost) {
        let cost = Cost::of(&drawing.target.price, &self.bill);
        let failure = self
            .failure
            .with("stagedKey", BlobKey::staged(drawing.attempt))
            .with("paidNanos", cost.nanos);
        (failure, cost)
    }
}

/// Reads and checks an answer and makes the small copies, off the async threads.
pub(crate) async fn develop(
    drawing: &Drawing<'_>,
    answer: Answer,
) -> Result<Result<Picture, Flaw>, RecordError> {
    let settings = &drawing.inner.parts.settings;
    let development = Development {
        provider: Arc::clone(drawing.provider),
        render: drawing.target.render.clone(),
        wanted: Wanted {
            thumbnails: drawing.step.thumbnails.clone(),
            optimised: settings.optimised,
        },
        limits: settings.limits,
        scorer: settings.scorer.clone(),
        marking: Marking::of(drawing),
    };
    let render = &drawing.target.render;
    let _place = drawing
        .inner
        .darkroom
        .enter(render.width_px, render.height_px)
        .await;
    tokio::task::spawn_blocking(move || development.run(&answer))
        .await
        .map_err(|panic| RecordError::Damaged(format!("reading the answer stopped: {panic}")))
}

/// What it takes to make a picture of an answer.
struct Development {
    provider: Arc<dyn ImageProvider>,
    render: Render,
    wanted: Wanted,
    limits: artifact::Limits,
    scorer: Option<Arc<dyn Scorer>>,
    marking: Marking,
}

impl Development {
    fn run(self, answer: &Answer) -> Result<Picture, Flaw> {
        let interpreted = self.provider.interpret(&self.render, answer);
        let rendered = interpreted.map_err(|error| Flaw {
            failure: Failure::new(error.reason, error.message),
            bill: error.bill,
        })?;
        let expected = expected(&self.render);
        let flawed = |error: artifact::ArtifactError| Flaw {
            failure: error.failure(),
            bill: rendered.bill.clone(),
        };
        let artifact = artifact::inspect(&rendered.image, &expected, &self.limits).map_err(flawed)?;
        let subject = Subject {
            pixels: &artifact.pixels,
            encoded: &rendered.image,
            expected: &expected,
        };
        let marking = self.marking.answered(&rendered, &artifact.sha256);
        let mut copies = copies::make(&artifact, &self.wanted);
        // Thumbnails are small and made anew at will; a copy of the whole picture says where it comes from, too.
        for copy in &mut copies {
            if copy.purpose == CopyPurpose::Optimised {
                copy.bytes = marking.mark(&copy.bytes, copy.format);
            }
        }
        Ok(Picture {
            look: Look::at(&subject, self.scorer.as_deref()),
            copies,
            marked: marking.mark(&rendered.image, expected.format),
            sha256: artifact.sha256,
            rendered,
        })
    }
}

/// What the plan says of the picture.
pub(crate) fn expected(render: &Render) -> Expected {
    Expected {
        format: render.format,
        width_px: render.width_px,
        height_px: render.height_px,
    }
}

/// Stores the picture and its copies, and returns its record with its cost; the objects come before the row that names
/// them.
pub(crate) async fn store(
    drawing: &Drawing<'_>,
    lost: &CancellationToken,
    picture: &Picture,
    cost: &Cost,
    provider_request_id: String,
    generation_time: Duration,
) -> Result<ImageRecord, RecordError> {
    let Drawing {
        inner,
        plan,
        execution,
        step,
        target,
        attempt,
        ..
    } = *drawing;
    let blobs = &inner.parts.blobs;
    let client = &plan.client;
    let id = ImageId::of_reroll(execution, &step.step_id, step.reroll);
    // The picture is checked: it has the format and the size of the plan.
    let format = target.render.format;
    let key = BlobKey::image(client, id, format);
    let metadata = |format: ImageFormat| BlobMetadata::new(format.media_type()).of_plan(&plan.digest);
    let stored = marking::save(drawing, lost, &key, picture).await?;
    let mut thumbnails = Vec::with_capacity(picture.copies.len());
    for copy in &picture.copies {
        let key = copy.key(client, id);
        let size_bytes = keep_copy(inner, lost, &key, &metadata(copy.format), &copy.bytes).await?;
        thumbnails.push(ThumbnailRecord {
            purpose: copy.purpose,
            public_url: blobs.public_url(&key).unwrap_or_default(),
            storage_key: key.to_string(),
            width_px: copy.width_px,
            height_px: copy.height_px,
            format: copy.format,
            size_bytes,
        });
    }
    if cost.nanos > target.price.ceiling_nanos {
        tracing::error!(
            %execution,
            %attempt,
            cost_nanos = cost.nanos,
            ceiling_nanos = target.price.ceiling_nanos,
            "the provider billed more than the ceiling of the plan"
        );
    }
    let quality = picture.look.quality_beside(drawing, id).await;
    let score_bp = quality.as_ref().map(|quality| quality.score_bp);
    let now = inner.parts.clock.now();
    Ok(ImageRecord {
        id,
        client: client.clone(),
        execution,
        step_id: step.step_id.clone(),
        plan_digest: plan.digest.clone(),
        render_digest: target.render_digest.clone(),
        take: drawing.take,
        attempt,
        reused: false,
        rendered_sha256: picture.sha256.clone(),
        stored_sha256: stored.sha256,
        format,
        width_px: target.render.width_px,
        height_px: target.render.height_px,
        size_bytes: stored.size_bytes,
        public_url: blobs.public_url(&key).unwrap_or_default(),
        storage_key: key.to_string(),
        thumbnails,
        description: step.description.clone(),
        session_id: plan.session_id.clone(),
        prompt: target.render.prompt.clone(),
        revised_prompt: picture.rendered.revised_prompt.clone(),
        effective_seed: picture.rendered.seed,
        model_version: picture.rendered.model_version.clone(),
        provider: target.render.provider.clone(),
        model: target.render.model.clone(),
        provider_request_id,
        seed_mode: target.render.seed_mode,
        seed: target.render.seed,
        generation_time,
        currency: plan.currency.clone(),
        cost_nanos: Some(cost.nanos),
        cost_source: Some(cost.source),
        rejected: score::is_too_low(plan, score_bp),
        review: None,
        quality_score_bp: score_bp,
        assessment: picture.look.assessment(quality),
        labels: step.labels.clone(),
        created_at: now,
        updated_at: now,
    })
}

/// Saves a small copy and returns its size. Another encoder may have made other bytes of the same picture before a
/// crash; those are as good.
async fn keep_copy(
    inner: &Inner,
    lost: &CancellationToken,
    key: &BlobKey,
    metadata: &BlobMetadata,
    bytes: &Bytes,
) -> Result<i64, RecordError> {
    let size_bytes = match persist::save(inner, lost, key, metadata, bytes).await? {
        Saved::Stored => bytes.len(),
        Saved::OtherBytes => read_blob(inner, key).await?.len(),
    };
    Ok(i64::try_from(size_bytes).unwrap_or(i64::MAX))
}

pub(crate) async fn read_blob(inner: &Inner, key: &BlobKey) -> Result<Bytes, RecordError> {
    let unavailable = |error: BlobError| RecordError::Unavailable(Box::new(error));
    inner.parts.blobs.get(key).await.map_err(unavailable)
}
