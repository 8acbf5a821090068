//! Columns of an image, in both directions.

use std::time::Duration;

use base64::{Engine as _, prelude::BASE64_STANDARD as STANDARD};
use limn_proto::plan::{ImageType, Importance, SeedMode};

use super::{
    super::{CopyPurpose, CostSource, ImageRecord, Result, ThumbnailRecord},
    answers::{seed_text, source_word},
    assessments::parts_text,
    rows::Fields,
    statement::{Statement, sql},
};
use crate::{
    ids::{AttemptId, ExecutionId, ImageId},
    plan::{Description, ImageFormat},
};

pub(super) const IMAGES: &str = "SELECT id, client, execution_id, step_id, plan_digest, render_digest, take, \
    attempt_id, reused, rendered_sha256, stored_sha256, storage_path, image_url, format, width, height, \
    file_size, image_type, session_id, post_id, prompt_id, original_prompt, prompt, revised_prompt, alt_text, \
    caption, section_title, position, importance, provider, model, provider_request_id, seed_mode, seed, \
    generation_time_ms, currency, generation_cost_nanos, cost_estimated, quality_score_bp, created_us, \
    updated_us, effective_seed, model_version, cost_source, rejected, quality_parts, quality_scorer, thumbhash, \
    verdict, reviewer, review_note, reviewed_us, \
    (SELECT bits FROM fingerprints WHERE storage_key = images.storage_path) AS fingerprint_bits, \
    (SELECT is_flat FROM fingerprints WHERE storage_key = images.storage_path) AS fingerprint_is_flat \
    FROM images";

/// The statement that writes a record, without its thumbnails and labels.
pub(super) fn bind_image(image: &ImageRecord) -> Statement {
    let about = &image.description;
    let review = image.review.as_ref();
    let thumbnail_url = image
        .thumbnails
        .iter()
        .find(|copy| copy.purpose == CopyPurpose::Thumbnail)
        .map_or("", |thumbnail| thumbnail.public_url.as_str());
    let generation_time_ms = i64::try_from(image.generation_time.as_millis()).unwrap_or(i64::MAX);
    sql(
        "INSERT INTO images (id, client, execution_id, step_id, plan_digest, render_digest, take, attempt_id, \
         reused, status, rendered_sha256, stored_sha256, storage_path, image_url, format, width, height, \
         file_size, thumbnail_url, image_type, session_id, post_id, prompt_id, original_prompt, prompt, \
         revised_prompt, alt_text, caption, section_title, position, importance, provider, model, \
         provider_request_id, seed_mode, seed, generation_time_ms, currency, generation_cost_nanos, \
         cost_estimated, quality_score_bp, created_us, updated_us, effective_seed, model_version, cost_source, \
         rejected, quality_parts, quality_scorer, thumbhash, verdict, reviewer, review_note, reviewed_us) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'completed', $10, $11, $12, $13, $14, $15, $16, $17, $18, \
         $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, \
         $39, $40, $41, $42, $43, $44, $45, $46, $47, $48, $49, $50, $51, $52, $53)",
    )
    .bind(image.id.to_string())
    .bind(&image.client)
    .bind(image.execution.to_string())
    .bind(&image.step_id)
    .bind(&image.plan_digest)
    .bind(&image.render_digest)
    .bind(image.take)
    .bind(image.attempt.to_string())
    .bind(image.reused)
    .bind(&image.rendered_sha256)
    .bind(&image.stored_sha256)
    .bind(&image.storage_key)
    .bind(&image.public_url)
    .bind(image.format.media_type())
    .bind(image.width_px)
    .bind(image.height_px)
    .bind(image.size_bytes)
    .bind(thumbnail_url)
    .bind(about.image_type.as_str_name())
    .bind(&image.session_id)
    .bind(&about.post_id)
    .bind(&about.prompt_id)
    .bind(&about.original_prompt)
    .bind(&image.prompt)
    .bind(&image.revised_prompt)
    .bind(&about.alt_text)
    .bind(&about.caption)
    .bind(&about.section_title)
    .bind(about.position)
    .bind(about.importance.as_str_name())
    .bind(&image.provider)
    .bind(&image.model)
    .bind(&image.provider_request_id)
    .bind(image.seed_mode.as_str_name())
    .bind(image.seed)
    .bind(generation_time_ms)
    .bind(&image.currency)
    .bind(image.cost_nanos)
    .bind(image.cost_source == Some(CostSource::Estimated))
    .bind(image.quality_score_bp)
    .bind(image.created_at.0)
    .bind(image.updated_at.0)
    .bind(seed_text(image.effective_seed))
    .bind(&image.model_version)
    .bind(source_word(image.cost_source))
    .bind(image.rejected)
    .bind(parts_text(&image.assessment.parts_bp))
    .bind(&image.assessment.scorer)
    .bind(STANDARD.encode(&image.assessment.thumbhash))
    .bind(review.map_or("", |review| review.verdict.as_str()))
    .bind(review.map_or("", |review| review.reviewer.as_str()))
    .bind(review.map_or("", |review| review.note.as_str()))
    .bind(review.map(|review| review.at.0))
}

/// A record without its thumbnails and labels, from a row of [`IMAGES`].
pub(super) fn image_record(fields: Fields<'_>) -> Result<ImageRecord> {
    Ok(ImageRecord {
        id: fields.id("id", ImageId)?,
        client: fields.text("client")?,
        execution: fields.id("execution_id", ExecutionId)?,
        step_id: fields.text("step_id")?,
        plan_digest: fields.text("plan_digest")?,
        render_digest: fields.text("render_digest")?,
        take: fields.number("take")?,
        attempt: fields.id("attempt_id", AttemptId)?,
        reused: fields.flag("reused")?,
        rendered_sha256: fields.text("rendered_sha256")?,
        stored_sha256: fields.text("stored_sha256")?,
        format: fields.word("format", ImageFormat::from_media_type)?,
        width_px: fields.number("width")?,
        height_px: fields.number("height")?,
        size_bytes: fields.number("file_size")?,
        storage_key: fields.text("storage_path")?,
        public_url: fields.text("image_url")?,
        thumbnails: Vec::new(),
        description: Description {
            image_type: fields.word("image_type", ImageType::from_str_name)?,
            alt_text: fields.text("alt_text")?,
            caption: fields.text("caption")?,
            post_id: fields.text("post_id")?,
            prompt_id: fields.text("prompt_id")?,
            original_prompt: fields.text("original_prompt")?,
            section_title: fields.text("section_title")?,
            position: fields.number("position")?,
            importance: fields.word("importance", Importance::from_str_name)?,
        },
        session_id: fields.text("session_id")?,
        prompt: fields.text("prompt")?,
        revised_prompt: fields.text("revised_prompt")?,
        effective_seed: fields.effective_seed()?,
        model_version: fields.text("model_version")?,
        provider: fields.text("provider")?,
        model: fields.text("model")?,
        provider_request_id: fields.text("provider_request_id")?,
        seed_mode: fields.word("seed_mode", SeedMode::from_str_name)?,
        seed: fields.number("seed")?,
        generation_time: Duration::from_millis(fields.number("generation_time_ms")?),
        currency: fields.text("currency")?,
        cost_nanos: fields.optional_nanos("generation_cost_nanos")?,
        cost_source: fields.cost_source()?,
        quality_score_bp: fields.optional_number("quality_score_bp")?,
        rejected: fields.flag("rejected")?,
        assessment: fields.assessment()?,
        review: fields.review()?,
        labels: Vec::new(),
        created_at: fields.time("created_us")?,
        updated_at: fields.time("updated_us")?,
    })
}

/// A small copy, from a row of its table.
pub(super) fn thumbnail_record(fields: Fields<'_>) -> Result<ThumbnailRecord> {
    Ok(ThumbnailRecord {
        purpose: fields.word("purpose", CopyPurpose::parse)?,
        storage_key: fields.text("storage_key")?,
        public_url: fields.text("public_url")?,
        width_px: fields.number("width")?,
        height_px: fields.number("height")?,
        format: fields.word("format", ImageFormat::from_media_type)?,
        size_bytes: fields.number("file_size")?,
    })
}
