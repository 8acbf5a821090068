//! The plan in checked form.
//!
//! A plan arrives over the wire, so nothing in it is taken for granted. [`Plan::parse`] is the door: behind it
//! every digest is computed, every enumeration known, every price present and in one currency.
//! What only the planner can know, such as whether a size is offered, is not checked again.

use limn_proto::plan as wire;

mod parse;
mod rerolls;

pub use parse::{PlanProblem, PlanRefused};
pub use rerolls::QualityGate;

/// Largest amount of one line of a plan, in billionths: a million units of the currency. Sums of the most that a
/// plan may hold stay far below what 64 bits can.
pub const MAX_AMOUNT_NANOS: i64 = 1_000_000 * 1_000_000_000;
/// Most steps of a plan; the contract says so.
pub const MAX_STEPS: usize = 500;
/// Most targets of a step, and most thumbnails.
const MAX_PER_STEP: usize = 32;
/// Most pictures that a drawing refers to; the contract says so.
const MAX_REFERENCES: usize = 16;
/// Most anchors of a step; the contract says so.
const MAX_ANCHORS: usize = 16;
/// Longest name of an anchor in bytes; the contract says so.
const MAX_ANCHOR_NAME_BYTES: usize = 64;
/// Most attempts per target; the contract says so.
const MAX_ATTEMPTS: u32 = 10;

/// A plan that can be executed.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Digest computed from the content.
    pub digest: String,
    /// The LCE-1 bytes that the digest is over.
    pub canonical_bytes: Vec<u8>,
    /// Client that owns the plan.
    pub client: String,
    /// Grouping key, copied onto images.
    pub session_id: String,
    /// Kind of request behind the plan.
    pub kind: wire::PlanKind,
    /// Steps in order; at least one.
    pub steps: Vec<Step>,
    /// How to run them.
    pub policy: Policy,
    /// ISO 4217 code of every amount in the plan.
    pub currency: String,
    /// Expected cost in billionths of the currency.
    pub expected_nanos: i64,
    /// Worst-case cost in billionths of the currency.
    pub worst_case_nanos: i64,
    /// Unix seconds after which no execution is accepted.
    pub not_after_unix: Option<i64>,
}

/// One image to produce.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Unique in the plan.
    pub step_id: String,
    /// Primary and fallbacks; at least one.
    pub targets: Vec<Target>,
    /// Small copies to make.
    pub thumbnails: Vec<Thumbnail>,
    /// Labels of the plan and of the step, merged, in order of the key.
    pub labels: Vec<(String, String)>,
    /// What the record copies from the plan.
    pub description: Description,
    /// Most times that the step is drawn again because of the quality of its pictures.
    pub max_rerolls: u32,
    /// Which of its re-rolls the targets draw; zero, as in every plan: the first picture.
    pub reroll: u32,
}

/// Fields of a step that are copied onto the image and change nothing else.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Description {
    /// Class of the image.
    pub image_type: wire::ImageType,
    /// Text for readers who cannot see the image.
    pub alt_text: String,
    /// Text shown with the image.
    pub caption: String,
    /// The caller's own id of the post.
    pub post_id: String,
    /// The caller's own id of the prompt.
    pub prompt_id: String,
    /// What a person wrote; empty when the prompt is the original.
    pub original_prompt: String,
    /// Title of the section of the post.
    pub section_title: String,
    /// Place of the image in its post.
    pub position: u32,
    /// Weight of the image in its post.
    pub importance: wire::Importance,
}

/// One provider call that may be made, with its price.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// What is sent.
    pub render: Render,
    /// Digest of what is sent.
    pub render_digest: String,
    /// Digests of what the re-rolls of the step send, in order.
    pub reroll_digests: Vec<String>,
    /// What it costs.
    pub price: Price,
}

/// One provider call, complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Render {
    /// Provider id.
    pub provider: String,
    /// Model id, as the provider spells it.
    pub model: String,
    /// Snapshot that the catalog pinned; empty: none.
    pub model_revision: String,
    /// Text as sent.
    pub prompt: String,
    /// Text for the provider's own negative prompt field; empty: none is sent.
    pub negative_prompt: String,
    /// Width in pixels.
    pub width_px: u32,
    /// Height in pixels.
    pub height_px: u32,
    /// The provider's own word for the size; empty: it takes pixels.
    pub size_token: String,
    /// The provider's own word for the quality; empty: none is sent.
    pub quality_token: String,
    /// The provider's own word for the style; empty: none is sent.
    pub style_token: String,
    /// How far the seed is under control; it is sent unless this is `Unsupported`.
    pub seed_mode: wire::SeedMode,
    /// The seed.
    pub seed: u32,
    /// Guidance scale in thousandths; nothing: the provider's default.
    pub guidance_milli: Option<u32>,
    /// Wanted image format.
    pub format: ImageFormat,
    /// Settings that only this provider knows, in order of the key.
    pub options: Vec<(String, String)>,
    /// Pictures that the drawing refers to, in order.
    pub references: Vec<Reference>,
}

/// A picture that a drawing refers to, by what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// SHA-256 of its bytes, 64 lowercase hexadecimal digits.
    pub sha256: String,
    /// Its format.
    pub format: ImageFormat,
}

/// Image formats that are rendered and stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ImageFormat {
    /// `image/png`
    Png,
    /// `image/jpeg`
    Jpeg,
    /// `image/webp`
    Webp,
}

impl ImageFormat {
    /// Reads a media type.
    pub fn from_media_type(text: &str) -> Option<Self> {
        match text {
            "image/png" => Some(Self::Png),
            "image/jpeg" => Some(Self::Jpeg),
            "image/webp" => Some(Self::Webp),
            _ => None,
        }
    }

    /// The media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Webp => "image/webp",
        }
    }

    /// The usual file name extension, without the dot.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpg",
            Self::Webp => "webp",
        }
    }
}

/// A small copy to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thumbnail {
    /// Width of the box in pixels.
    pub width_px: u32,
    /// Height of the box in pixels.
    pub height_px: u32,
    /// Fill the box and cut what stands over; else fit into it.
    pub cover: bool,
    /// 1 to 100.
    pub quality_percent: u8,
    /// `Jpeg` or `Png`.
    pub format: ImageFormat,
}

/// The price pins of a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Price {
    /// Expected cost of one attempt, in billionths of the plan's currency.
    pub expected_nanos: i64,
    /// Most that one attempt can be billed.
    pub ceiling_nanos: i64,
    /// Price of one unit, by unit.
    pub unit_nanos: Vec<(String, i64)>,
}

/// How to run a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Most steps in progress at once.
    pub max_concurrency: u32,
    /// After the first failed step no other step starts.
    pub stop_on_first_error: bool,
    /// Attempts per target, the first included.
    pub max_attempts: u32,
    /// Delays between attempts.
    pub backoff: crate::backoff::Backoff,
    /// Hard stop for the whole plan, in billionths of the plan's currency.
    pub max_cost_nanos: Option<i64>,
    /// Longest time of one call; nothing: the provider's own deadline.
    pub attempt_timeout: Option<std::time::Duration>,
    /// What to do about an attempt when nobody can say whether it was billed.
    pub on_unknown: UnknownPolicy,
    /// Most that may be spent on drawing pictures again after unknown outcomes were written off, in billionths
    /// of the plan's currency. Present, and above zero, with [`UnknownPolicy::WriteOffAndRetryOnce`] only.
    pub max_duplicate_spend_nanos: Option<i64>,
    /// How good a picture must be; nothing: every picture is taken as it comes.
    pub quality_gate: Option<QualityGate>,
}

/// What to do about an unknown outcome once everything that can give evidence was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownPolicy {
    /// The step is parked and the ceiling held. Nothing is spent again by itself.
    Hold,
    /// The attempt counts as billed at its ceiling, and the step is drawn once more, within
    /// [`Policy::max_duplicate_spend_nanos`].
    WriteOffAndRetryOnce,
    /// The attempt counts as billed at its ceiling, and the step fails.
    WriteOffAndFail,
}
