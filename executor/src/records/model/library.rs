//! Images, and pages of lists.

use std::{collections::BTreeMap, time::Duration};

use limn_proto::plan::{ImageType, SeedMode};

use super::{
    super::state::{CostSource, ReviewVerdict},
    review::Review,
};
use crate::{
    clock::UnixMicros,
    fingerprint::Fingerprint,
    ids::{AttemptId, ExecutionId, ImageId},
    plan::{Description, ImageFormat},
};

/// Part of a list: newest first, after a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Most records to return.
    pub limit: u32,
    /// Creation time and id of the last record before this page; for plans the id is the digest.
    pub after: Option<(UnixMicros, String)>,
}

/// The record of an image.
#[derive(Clone, Debug, PartialEq)]
pub struct ImageRecord {
    /// Id.
    pub id: ImageId,
    /// Client that owns it.
    pub client: String,
    /// Execution that it belongs to.
    pub execution: ExecutionId,
    /// Step that it belongs to.
    pub step_id: String,
    /// Digest of the plan, with its prefix.
    pub plan_digest: String,
    /// Digest of the call that drew it, with its prefix.
    pub render_digest: String,
    /// Which drawing.
    pub take: u32,
    /// The attempt that drew it.
    pub attempt: AttemptId,
    /// The picture was there before this execution.
    pub reused: bool,
    /// SHA-256 of the bytes as the provider gave them.
    pub rendered_sha256: String,
    /// SHA-256 of the bytes as stored.
    pub stored_sha256: String,
    /// Format of the stored bytes.
    pub format: ImageFormat,
    /// Width in pixels.
    pub width_px: u32,
    /// Height in pixels.
    pub height_px: u32,
    /// Size of the stored bytes.
    pub size_bytes: i64,
    /// Key in the store.
    pub storage_key: String,
    /// Lasting public address; empty: none.
    pub public_url: String,
    /// Copies: thumbnails and, at the end, the optimised one.
    pub thumbnails: Vec<ThumbnailRecord>,
    /// Fields of the step that are copied.
    pub description: Description,
    /// Grouping key of the plan.
    pub session_id: String,
    /// Final prompt as sent.
    pub prompt: String,
    /// Prompt as the provider rewrote it.
    pub revised_prompt: String,
    /// The seed that the provider says it used.
    pub effective_seed: Option<u64>,
    /// Version of the model that drew it, in the words of the provider; empty: it did not say.
    pub model_version: String,
    /// Provider that drew it.
    pub provider: String,
    /// Model that drew it.
    pub model: String,
    /// The provider's own id of the call.
    pub provider_request_id: String,
    /// How far the seed was under control.
    pub seed_mode: SeedMode,
    /// Seed of the plan.
    pub seed: u32,
    /// From sending the request to the last byte of the answer; kept in whole milliseconds.
    pub generation_time: Duration,
    /// ISO 4217 code of the cost.
    pub currency: String,
    /// What was paid for this record, in billionths; zero when reused; nothing: not known.
    pub cost_nanos: Option<i64>,
    /// How that is known; nothing: the picture was reused, or a version recorded it that did not keep this.
    pub cost_source: Option<CostSource>,
    /// 0 to 10000; nothing: not scored.
    pub quality_score_bp: Option<u32>,
    /// Its score is below the threshold of its plan, and its step did not take it. It is kept because it was paid.
    pub rejected: bool,
    /// How the score came about, and how the picture looks.
    pub assessment: Assessment,
    /// What a person says about it; nothing: nobody said anything.
    pub review: Option<Review>,
    /// Labels, in order of the key: those of plan and step until somebody corrected them.
    pub labels: Vec<(String, String)>,
    /// Made at.
    pub created_at: UnixMicros,
    /// Last changed at.
    pub updated_at: UnixMicros,
}

/// An image that looks like another picture.
#[derive(Clone, Debug, PartialEq)]
pub struct LookAlike {
    /// The image.
    pub image: ImageRecord,
    /// In how many of the 64 bits of their fingerprints they differ.
    pub distance: u32,
}

impl LookAlike {
    /// Most bits in which pictures differ that are said to look alike.
    pub const MAX_DISTANCE: u32 = 7;
}

/// What is known about a picture from looking at it. A picture of a version that did not look has nothing of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assessment {
    /// Parts of the quality score by their words, each 0 to 10000.
    pub parts_bp: BTreeMap<String, u32>,
    /// Who scored, for example `limn.quality/1`; empty: nobody.
    pub scorer: String,
    /// What it looks like; nothing: it was recorded before this was kept, and it is made up for ([`crate::detection`]).
    pub fingerprint: Option<Fingerprint>,
    /// The `ThumbHash` that stands for the picture until it is there; empty: none.
    pub thumbhash: Vec<u8>,
}

/// What a copy is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CopyPurpose {
    /// A small one, as the plan says.
    Thumbnail,
    /// One of the same size with fewer bytes, as the configuration says.
    Optimised,
}

impl CopyPurpose {
    /// The word that is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Thumbnail => "thumbnail",
            Self::Optimised => "optimised",
        }
    }

    /// The purpose of a stored word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Thumbnail, Self::Optimised]
            .into_iter()
            .find(|purpose| purpose.as_str() == word)
    }
}

/// A copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThumbnailRecord {
    /// What it is for.
    pub purpose: CopyPurpose,
    /// Key in the store.
    pub storage_key: String,
    /// Lasting public address; empty: none.
    pub public_url: String,
    /// Width in pixels.
    pub width_px: u32,
    /// Height in pixels.
    pub height_px: u32,
    /// Format.
    pub format: ImageFormat,
    /// Size in bytes.
    pub size_bytes: i64,
}

/// Which images, by what people said about them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReviewFilter {
    /// With this verdict.
    Said(ReviewVerdict),
    /// Without a verdict, and not turned away by the quality gate.
    Waiting,
}

/// Which images. All given conditions must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageFilter {
    /// Of this session.
    pub session_id: Option<String>,
    /// Of one of these classes; empty: of any.
    pub image_types: Vec<ImageType>,
    /// Drawn by this provider.
    pub provider: Option<String>,
    /// Of this plan: digest with its prefix.
    pub plan_digest: Option<String>,
    /// Of this execution.
    pub execution: Option<ExecutionId>,
    /// Of this post.
    pub post_id: Option<String>,
    /// With all these labels.
    pub labels: Vec<(String, String)>,
    /// By what people said about it.
    pub review: Option<ReviewFilter>,
    /// Made at or after.
    pub created_from: Option<UnixMicros>,
    /// Made before.
    pub created_before: Option<UnixMicros>,
}
