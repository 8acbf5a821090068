//! What a catalog is made of: plain values, given by whoever loads them.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    string::String,
    vec::Vec,
};

use limn_proto::plan::{ImageType, Quality, Style, ThumbnailSpec};

use super::{ContinuityTemplates, TypeTemplate, ViewTemplates};

/// All that the planner may know, before it is validated.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CatalogParts {
    /// The one currency of all prices: ISO 4217, three uppercase letters.
    pub currency: String,
    /// Providers in any order.
    pub providers: Vec<Provider>,
    /// Models that their providers have shut down, in any order.
    pub retired: Vec<RetiredModel>,
    /// How a provider is chosen when the request names none.
    pub selection: SelectionRules,
    /// A phrase for each style, for models that take the style in words only.
    pub style_phrases: BTreeMap<Style, String>,
    /// Views that a subject can be drawn from.
    pub views: ViewTemplates,
    /// What enrichment does, by the class of the image. A class that is missing cannot be enriched.
    pub image_types: BTreeMap<ImageType, TypeTemplate>,
    /// Wording of what keeps subjects alike.
    pub continuity: ContinuityTemplates,
    /// Small copies made of every image.
    pub thumbnails: Vec<ThumbnailSpec>,
}

/// A provider and its models.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Provider {
    /// A lowercase letter, then up to 62 lowercase letters, digits or hyphens.
    pub id: String,
    /// Name for people.
    pub title: String,
    /// True when plans may use it.
    pub enabled: bool,
    /// Why it is not enabled, and what to do about it. Empty when it is.
    pub disabled_reason: String,
    /// True for a renderer that never costs anything. A free provider never stands in for a paid one by
    /// itself, nor a paid one for a free one.
    pub free: bool,
    /// Id of the model that is used when none is named.
    pub default_model: String,
    /// Models in any order.
    pub models: Vec<Model>,
}

/// A model: what it takes and what it costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    /// Id as the provider spells it.
    pub id: String,
    /// Version or snapshot that is pinned. Empty: none.
    pub revision: String,
    /// Sizes that are drawn.
    pub sizes: SizeRule,
    /// Size that is drawn when none is asked for.
    pub default_size: Size,
    /// Sizes of more pixels than this are experimental.
    pub experimental_above_pixels: Option<u64>,
    /// Media types; the first is the default.
    pub formats: Vec<String>,
    /// Qualities that can be asked for.
    pub qualities: Qualities,
    /// How a style is asked for.
    pub styles: Styles,
    /// How a negative prompt is asked for.
    pub negative_prompt: NegativePrompt,
    /// True when it takes a seed.
    pub takes_seed: bool,
    /// Guidance scale that it takes.
    pub guidance: Option<GuidanceRange>,
    /// Longest prompt in characters, with everything that the planner appends.
    pub max_prompt_chars: u32,
    /// Pictures to draw from that it takes. Absent: none.
    pub references: Option<ReferenceRule>,
    /// Settings that only this model knows, with the values it takes.
    pub options: BTreeMap<String, BTreeSet<String>>,
    /// What it costs. Absent: the price is unknown, and the model is not planned.
    pub pricing: Option<Pricing>,
    /// Day of the prices, "YYYY-MM-DD". Empty only without prices.
    pub prices_as_of: String,
    /// Where the prices come from, in words. Empty only without prices.
    pub prices_source: String,
    /// Day on which the provider shuts the model down, "YYYY-MM-DD". Empty: none is known.
    pub shutdown_date: String,
}

/// Width and height in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size {
    /// Width in pixels.
    pub width_px: u32,
    /// Height in pixels.
    pub height_px: u32,
}

/// Sizes that a model draws.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SizeRule {
    /// These and no others.
    Listed(Vec<ListedSize>),
    /// Every size inside these limits.
    Grid(SizeGrid),
}

/// One size of a list.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ListedSize {
    /// The size in pixels.
    pub size: Size,
    /// The provider's own word for it. Empty: it takes pixels.
    pub token: String,
}

/// Limits of a grid of sizes. All hold at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SizeGrid {
    /// Both sides are multiples of this many pixels.
    pub multiple_of_px: u32,
    /// Shortest side in pixels.
    pub min_side_px: u32,
    /// Longest side in pixels.
    pub max_side_px: u32,
    /// Fewest pixels.
    pub min_pixels: u64,
    /// Most pixels.
    pub max_pixels: u64,
    /// Longer side to shorter side at most, in thousandths.
    pub max_ratio_milli: u32,
    /// The provider's own word for a size, with `{width}` and `{height}` in it. Absent: it takes pixels.
    pub token_format: Option<String>,
}

/// Qualities of a model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Qualities {
    /// The provider's own words. What is missing here cannot be asked for.
    pub tokens: BTreeMap<Quality, String>,
    /// Quality that is used when none is asked for. Absent only when `tokens` is empty.
    pub default: Option<Quality>,
}

/// How a style is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Styles {
    /// Not at all.
    Unsupported,
    /// With the phrase of the catalog, appended to the prompt.
    Phrase,
    /// With the provider's own words. What is missing here cannot be asked for.
    Tokens(BTreeMap<Style, String>),
}

/// How a negative prompt is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NegativePrompt {
    /// Not at all.
    Unsupported,
    /// In a field of its own.
    Native,
    /// With a sentence, appended to the prompt.
    Merged,
}

/// Guidance scales that a model takes, in thousandths, ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GuidanceRange {
    /// Lowest scale.
    pub min_milli: u32,
    /// Highest scale.
    pub max_milli: u32,
}

/// Pictures to draw from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReferenceRule {
    /// Most of them, 1 to 16.
    pub max_count: u32,
    /// Media types that are taken.
    pub media_types: Vec<String>,
    /// Most tokens that one of them has, where they are billed by token. Zero elsewhere.
    pub max_tokens: u64,
}

/// How a model is billed. Every price is in billionths of the catalog's currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pricing {
    /// Costs nothing, and says so.
    Free,
    /// For each image, by quality. [`Quality::Unspecified`] is the price of every quality that is not listed.
    PerImage(BTreeMap<Quality, i64>),
    /// For each 1,048,576 pixels.
    PerMegapixel {
        /// Price of the first megapixel, however small the picture. Absent: as of every other.
        first_nanos: Option<i64>,
        /// Price of a megapixel.
        nanos: i64,
    },
    /// For each second of the provider's machine.
    PerSecond {
        /// Price of a second.
        nanos: i64,
        /// How long a picture should take, in thousandths of a second.
        expected_milli: u64,
        /// How long one can take at most, in thousandths of a second.
        ceiling_milli: u64,
    },
    /// For each token of text and picture.
    Tokens(TokenPricing),
}

/// Prices of tokens, and how many a picture has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenPricing {
    /// Price of one token of text that is sent.
    pub text_input_nanos: i64,
    /// Price of one token of picture that is sent. Absent: none are taken.
    pub image_input_nanos: Option<i64>,
    /// Price of one token of the picture that comes back.
    pub image_output_nanos: i64,
    /// Words and thoughts that come back beside the picture, where they are billed. Absent: none are.
    pub text_output: Option<TextOutput>,
    /// Tokens of a picture by quality. [`Quality::Unspecified`] stands for every quality that is not listed.
    pub output_tokens: BTreeMap<Quality, OutputTokens>,
    /// Tokens of picture that an option adds for each one that it counts, by the name of the option.
    pub tokens_per_option: BTreeMap<String, u64>,
    /// Ceiling of the picture's tokens, in percent of the most that the planner expects. At least 100.
    pub ceiling_percent: u32,
}

/// Words that a model writes, and thoughts that it has, beside a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextOutput {
    /// Price of one token.
    pub nanos: i64,
    /// Tokens that a picture should come with.
    pub expected: u64,
    /// Most tokens that one is reserved for. At least the expected ones.
    pub most: u64,
}

/// Tokens of a picture at one quality.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OutputTokens {
    /// Tokens at 1,048,576 pixels.
    pub base: u64,
    /// Tokens that were observed at other sizes.
    pub observed: BTreeMap<Size, u64>,
    /// True where the provider states these numbers: then a picture of such a size has no more of them.
    pub is_exact: bool,
}

/// A model that its provider has shut down.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RetiredModel {
    /// Id as the provider spelled it.
    pub id: String,
    /// Id of the provider.
    pub provider: String,
    /// Day of the shutdown, "YYYY-MM-DD".
    pub retired_on: String,
    /// Id of the provider's model to use instead.
    pub replacement: String,
}

/// How a provider is chosen when the request names none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SelectionRules {
    /// Used when no other rule fires.
    pub default_provider: String,
    /// Provider for photorealistic, editorial and cinematic pictures.
    pub photographic: Option<String>,
    /// Provider for every other style that is asked for.
    pub other_styles: Option<String>,
    /// Providers to fall back to, in order.
    pub fallbacks: Vec<String>,
    /// Rules of single clients, by client id.
    pub clients: BTreeMap<String, ClientRules>,
}

/// What one client prefers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientRules {
    /// Asked before the style rule.
    pub preferred_provider: Option<String>,
    /// Replaces the list of the catalog. Empty: no fallbacks.
    pub fallbacks: Option<Vec<String>>,
}

impl Size {
    /// A size from width and height in pixels.
    pub fn new(width_px: u32, height_px: u32) -> Self {
        Self { width_px, height_px }
    }

    /// Number of pixels.
    pub fn pixels(self) -> u64 {
        u64::from(self.width_px) * u64::from(self.height_px)
    }

    /// The size turned on its side.
    pub fn turned(self) -> Self {
        Self {
            width_px: self.height_px,
            height_px: self.width_px,
        }
    }
}

impl core::fmt::Display for Size {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(formatter, "{} x {}", self.width_px, self.height_px)
    }
}

impl Provider {
    /// The model of that id.
    pub fn model(&self, id: &str) -> Option<&Model> {
        self.models.iter().find(|model| model.id == id)
    }
}

impl Qualities {
    /// The quality that is drawn when this one is asked for. Nothing: the model knows no qualities.
    pub(crate) fn effective(&self, asked: Quality) -> Option<Quality> {
        if asked == Quality::Unspecified {
            self.default
        } else {
            Some(asked)
        }
    }
}
