//! Who says how good a picture is, and what is too bad for a plan.

use std::fmt;

use bytes::Bytes;
use image::DynamicImage;
use limn_proto::{
    name::{Collection, resource_name},
    percent,
    reason::Reason,
};

use crate::{
    artifact::{self, Expected},
    blob::{BlobError, BlobKey},
    executor::Inner,
    failure::Failure,
    plan::Plan,
    quality::Quality,
    records::{ImageRecord, RecordError},
};

/// A picture to score. It is whole, and has the format and the size of the plan.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'p> {
    /// The decoded picture.
    pub pixels: &'p DynamicImage,
    /// Its bytes, as the provider gave them.
    pub encoded: &'p Bytes,
    /// What the plan promised.
    pub expected: &'p Expected,
}

/// Says how good a picture is. Called on threads that may block, at most one call for each core. The same picture
/// always has the same score: it is recorded, and paid drawings follow from it.
pub trait Scorer: fmt::Debug + Send + Sync {
    /// The quality, with a score of at most 10000.
    fn quality(&self, picture: &Subject<'_>) -> Quality;
}

/// Scores by the pixels, as [`quality`](crate::quality) tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PixelScorer;

impl Scorer for PixelScorer {
    fn quality(&self, picture: &Subject<'_>) -> Quality {
        Quality::of_pixels(picture.pixels, picture.expected.format)
    }
}

/// The score of a picture that is stored: the recorded one, else it is read and scored now. Nothing: it is no longer
/// there, or cannot be read.
pub(crate) async fn of_stored(inner: &Inner, image: &ImageRecord) -> Result<Option<u32>, RecordError> {
    if image.quality_score_bp.is_some() {
        return Ok(image.quality_score_bp);
    }
    let Some(key) = BlobKey::parse(&image.storage_key) else {
        return Ok(None);
    };
    let encoded = match inner.parts.blobs.get(&key).await {
        Ok(encoded) => encoded,
        Err(BlobError::NotFound(_)) => return Ok(None),
        Err(error) => return Err(RecordError::Unavailable(Box::new(error))),
    };
    let expected = Expected {
        format: image.format,
        width_px: image.width_px,
        height_px: image.height_px,
    };
    let limits = inner.parts.settings.limits.of_stored();
    let Some(scorer) = inner.parts.settings.scorer.clone() else {
        return Ok(None);
    };
    let _place = inner.darkroom.enter(expected.width_px, expected.height_px).await;
    let work = move || {
        let artifact = artifact::inspect(&encoded, &expected, &limits).ok()?;
        let subject = Subject {
            pixels: &artifact.pixels,
            encoded: &encoded,
            expected: &expected,
        };
        Some(scorer.quality(&subject).score_bp)
    };
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|panic| RecordError::Damaged(format!("scoring a picture stopped: {panic}")))
}

/// True when the plan does not take a picture with this score. What has no score is not taken either.
pub(crate) fn is_too_low(plan: &Plan, score_bp: Option<u32>) -> bool {
    let gate = plan.policy.quality_gate;
    gate.is_some_and(|gate| score_bp.is_none_or(|score_bp| score_bp < gate.min_score_bp))
}

/// Why a picture does not complete its step.
pub(crate) fn too_low(plan: &Plan, image: &ImageRecord) -> Failure {
    let min_score_bp = plan.policy.quality_gate.map_or(0, |gate| gate.min_score_bp);
    let message = format!(
        "the picture scores {}, and the plan takes {}: it is kept, and its step goes on without it",
        shown(image.quality_score_bp),
        percent::show(min_score_bp)
    );
    let failure = Failure::new(Reason::QualityBelowThreshold, message)
        .with("minScoreBp", min_score_bp)
        .with("image", name(image));
    match image.quality_score_bp {
        Some(score_bp) => failure.with("scoreBp", score_bp),
        None => failure,
    }
}

/// The name of an image in the contract.
pub(crate) fn name(image: &ImageRecord) -> String {
    resource_name(&image.client, Collection::Images, &image.id.to_string())
}

/// A score as people write it.
pub(crate) fn shown(score_bp: Option<u32>) -> String {
    score_bp.map_or_else(|| "nothing".to_owned(), percent::show)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_written_as_percentages() {
        for (basis_points, text) in [
            (0, "0 %"),
            (1, "0.01 %"),
            (6_000, "60 %"),
            (6_050, "60.5 %"),
            (10_000, "100 %"),
        ] {
            assert_eq!(percent::show(basis_points), text);
        }
    }
}
