//! Flags to `PlanRequest`. What the values mean is the planner's business; only their form is checked here.

use std::{collections::BTreeMap, path::PathBuf};

use clap::Args;
use limn_proto::{name::client_name, plan, v1};

use super::{
    continuity::{ContinuityFlags, Earlier},
    failure::Failure,
    input, money, names, percent,
    settings::Settings,
    words::{
        FormatWord, ImageTypeWord, ImportanceWord, QualityWord, ResolutionWord, StyleWord, UnknownPolicyWord,
    },
};

mod document;

pub(crate) use document::Document;

/// What to draw.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Request")]
pub(crate) struct RequestFlags {
    /// What to draw. Several prompts are drawn as one plan.
    #[arg(value_name = "PROMPT", required_unless_present = "request")]
    prompts: Vec<String>,
    /// A whole request as JSON (`limn.v1.PlanRequest`) instead of flags; `-` for stdin.
    #[arg(long, value_name = "FILE", conflicts_with_all = IMAGE_AND_PLAN_FLAGS)]
    request: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) wish: WishFlags,
}

/// How to draw it, whatever it is.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Request")]
pub(crate) struct WishFlags {
    /// What to keep out of the picture.
    #[arg(long, value_name = "TEXT")]
    negative: Option<String>,
    /// Style of the picture.
    #[arg(long, value_enum)]
    style: Option<StyleWord>,
    /// Width to height, for example 16:9.
    #[arg(long, value_name = "W:H")]
    aspect: Option<String>,
    /// Exact size in pixels, for example 1024x768.
    #[arg(long, value_name = "WxH", value_parser = parse_size)]
    size: Option<(u32, u32)>,
    /// Size class.
    #[arg(long, value_enum)]
    resolution: Option<ResolutionWord>,
    /// Quality of the picture.
    #[arg(long, value_enum)]
    quality: Option<QualityWord>,
    /// Provider to use, and no other unless --fallback names one.
    #[arg(long, value_name = "ID")]
    provider: Option<String>,
    /// Provider to use when it can draw the request.
    #[arg(long, value_name = "ID")]
    preferred_provider: Option<String>,
    /// Model to use.
    #[arg(long, value_name = "ID")]
    model: Option<String>,
    /// Providers to fall back to, in order.
    #[arg(long, value_name = "IDS", value_delimiter = ',')]
    fallback: Vec<String>,
    /// Never fall back.
    #[arg(long, conflicts_with = "fallback")]
    no_fallback: bool,
    /// Seed, 0 to 2147483647 [default: derived from the request].
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    seed: Option<u32>,
    /// Guidance scale.
    #[arg(long, value_name = "SCALE", allow_negative_numbers = true)]
    guidance: Option<f64>,
    /// File format [default: the model's].
    #[arg(long, value_enum)]
    format: Option<FormatWord>,
    /// Setting that only this provider knows; may be repeated.
    #[arg(long, value_name = "KEY=VALUE", value_parser = names::parse_pair)]
    option: Vec<(String, String)>,
    #[command(flatten)]
    pub(crate) continuity: ContinuityFlags,
    /// Fields that may stay unhonoured, for example `seed,style`: names in `ImageRequest`.
    #[arg(long, value_name = "FIELDS", value_delimiter = ',')]
    optional: Vec<String>,
    /// Class of the image, for listing; with --enrich its template.
    #[arg(long = "type", value_enum)]
    image_type: Option<ImageTypeWord>,
    /// Put the catalog's template of the --type around the prompt, and take its defaults for aspect ratio and style.
    #[arg(long, requires = "image_type")]
    enrich: bool,
    /// Text for readers who cannot see the image.
    #[arg(long, value_name = "TEXT")]
    alt: Option<String>,
    /// Text shown with the image.
    #[arg(long, value_name = "TEXT")]
    caption: Option<String>,
    /// Your own id of the post that the image belongs to.
    #[arg(long, value_name = "ID")]
    post: Option<String>,
    /// Weight of the image in its post.
    #[arg(long, value_enum)]
    importance: Option<ImportanceWord>,
    /// Label for every image of the plan; may be repeated.
    #[arg(long, value_name = "KEY=VALUE", value_parser = names::parse_pair)]
    label: Vec<(String, String)>,
    /// Your own grouping key [default: that of --continue-session].
    #[arg(long, value_name = "ID")]
    session: Option<String>,
    /// The same request with another number is another plan, with other derived seeds.
    #[arg(long, value_name = "N")]
    variation: Option<u32>,
    /// Refuse the plan when it should cost more, for example 0.10 or "0.10 EUR".
    #[arg(long, value_name = "AMOUNT", value_parser = money::parse, allow_negative_numbers = true)]
    max_cost: Option<plan::Money>,
    /// What to do when nobody can say whether a call was billed [default: hold].
    #[arg(long, value_enum, value_name = "POLICY")]
    on_unknown: Option<UnknownPolicyWord>,
    /// Most to spend on drawing again with --on-unknown retry-once: at least the price ceiling of one picture.
    #[arg(long, value_name = "AMOUNT", value_parser = money::parse, allow_negative_numbers = true)]
    max_duplicate_spend: Option<plan::Money>,
    /// Least quality of every picture, for example 60%; what is worse is kept and paid, but not taken.
    #[arg(long, value_name = "PERCENT", value_parser = percent::parse)]
    min_quality: Option<u32>,
    /// Most times that a picture is drawn, and paid, again because of its quality [default: 0].
    #[arg(long, value_name = "N", requires = "min_quality")]
    rerolls: Option<u32>,
    /// Take the best picture when none is good enough, instead of failing.
    #[arg(long, requires = "min_quality")]
    accept_best: bool,
    /// Start no other picture after the first that failed.
    #[arg(long)]
    stop_on_first_error: bool,
}

/// Everything that a request file says itself.
const IMAGE_AND_PLAN_FLAGS: [&str; 38] = [
    "prompts",
    "negative",
    "style",
    "aspect",
    "size",
    "resolution",
    "quality",
    "provider",
    "preferred_provider",
    "model",
    "fallback",
    "no_fallback",
    "seed",
    "guidance",
    "format",
    "option",
    "reference",
    "optional",
    "anchor",
    "previous",
    "continue_session",
    "continue_count",
    "image_type",
    "enrich",
    "alt",
    "caption",
    "post",
    "importance",
    "label",
    "session",
    "variation",
    "max_cost",
    "on_unknown",
    "max_duplicate_spend",
    "min_quality",
    "rerolls",
    "accept_best",
    "stop_on_first_error",
];

impl RequestFlags {
    /// The request that the flags describe, with these pictures to draw from.
    ///
    /// # Errors
    /// A request file that cannot be read, or a key that was given twice.
    pub(crate) fn to_request(
        &self,
        settings: &Settings,
        earlier: &Earlier,
    ) -> Result<v1::PlanRequest, Failure> {
        match &self.request {
            Some(path) => from_file(&input::read(path)?, settings),
            None => self.build(settings.parent(), earlier),
        }
    }

    fn build(&self, parent: String, earlier: &Earlier) -> Result<v1::PlanRequest, Failure> {
        self.refuse_loose_words()?;
        let continuity = self.wish.continuity.to_message(earlier);
        let image = |prompt: &String| self.wish.image(prompt, earlier);
        let work = match self.prompts.as_slice() {
            [prompt] => v1::plan_request::Work::Image(v1::ImageRequest {
                continuity,
                ..image(prompt)?
            }),
            prompts => v1::plan_request::Work::Batch(v1::BatchRequest {
                images: prompts.iter().map(image).collect::<Result<_, Failure>>()?,
                continuity,
            }),
        };
        self.wish.plan_request(parent, work, earlier)
    }

    /// Several prompts of one word each are a prompt whose quotes were forgotten, and every word would be paid for.
    fn refuse_loose_words(&self) -> Result<(), Failure> {
        let is_word = |prompt: &String| !prompt.trim().contains(char::is_whitespace);
        if self.prompts.len() < 2 || !self.prompts.iter().all(is_word) {
            return Ok(());
        }
        let message = format!(
            "{} prompts of one word each; quote a prompt of several words: {:?}. \
             Pictures of single words can be asked for with --request",
            self.prompts.len(),
            self.prompts.join(" "),
        );
        Err(Failure::usage(message))
    }
}

impl WishFlags {
    /// A request for this work.
    ///
    /// # Errors
    /// A key that was given twice.
    pub(crate) fn plan_request(
        &self,
        parent: String,
        work: v1::plan_request::Work,
        earlier: &Earlier,
    ) -> Result<v1::PlanRequest, Failure> {
        let policy = plan::RunPolicy {
            stop_on_first_error: self.stop_on_first_error,
            disable_fallback: self.no_fallback,
            max_cost: self.max_cost.clone(),
            on_unknown: self
                .on_unknown
                .map_or(0, |word| plan::UnknownPolicy::from(word).into()),
            max_duplicate_spend: self.max_duplicate_spend.clone(),
            quality_gate: self.min_quality.map(|min_score_bp| plan::QualityGate {
                min_score_bp,
                max_rerolls: self.rerolls.unwrap_or_default(),
                accept_best: self.accept_best,
            }),
            ..plan::RunPolicy::default()
        };
        let session_id = self.session.as_ref().or(earlier.session.as_ref());
        Ok(v1::PlanRequest {
            parent,
            session_id: session_id.cloned().unwrap_or_default(),
            work: Some(work),
            policy: Some(policy),
            labels: unique("--label", &self.label)?,
            variation: self.variation.unwrap_or_default(),
            not_after_time: None,
        })
    }

    /// One image of this prompt, without anchors and hint.
    ///
    /// # Errors
    /// A key that was given twice.
    pub(crate) fn image(&self, prompt: &str, earlier: &Earlier) -> Result<v1::ImageRequest, Failure> {
        let (width_px, height_px) = self.size.unwrap_or_default();
        let mut optional_fields = self.optional.clone();
        // Pictures of a session are an offer: who cannot draw from them draws without.
        if earlier.is_offer() && !optional_fields.iter().any(|field| field == "references") {
            optional_fields.push("references".to_owned());
        }
        Ok(v1::ImageRequest {
            prompt: prompt.to_owned(),
            negative_prompt: self.negative.clone().unwrap_or_default(),
            provider: self.provider.clone().unwrap_or_default(),
            preferred_provider: self.preferred_provider.clone().unwrap_or_default(),
            model: self.model.clone().unwrap_or_default(),
            fallback_providers: self.fallback.clone(),
            aspect_ratio: self.aspect.clone().unwrap_or_default(),
            width_px,
            height_px,
            resolution: self
                .resolution
                .map_or(0, |word| v1::Resolution::from(word).into()),
            quality: self.quality.map_or(0, |word| plan::Quality::from(word).into()),
            style: self.style.map_or(0, |word| plan::Style::from(word).into()),
            seed: self.seed,
            guidance: self.guidance,
            media_type: self
                .format
                .map_or_else(String::new, |word| word.media_type().to_owned()),
            options: unique("--option", &self.option)?,
            references: earlier.references.clone(),
            optional_fields,
            image_type: self
                .image_type
                .map_or(0, |word| plan::ImageType::from(word).into()),
            enrich: self.enrich,
            importance: self
                .importance
                .map_or(0, |word| plan::Importance::from(word).into()),
            alt_text: self.alt.clone().unwrap_or_default(),
            caption: self.caption.clone().unwrap_or_default(),
            post_id: self.post.clone().unwrap_or_default(),
            ..v1::ImageRequest::default()
        })
    }
}

fn from_file(bytes: &[u8], settings: &Settings) -> Result<v1::PlanRequest, Failure> {
    let mut request: v1::PlanRequest = input::parse_json(bytes, "the request")?;
    if request.parent.is_empty() {
        request.parent = settings.parent();
    }
    match settings.client_flag() {
        Some(client) if request.parent != client_name(client) => Err(Failure::usage(format!(
            "the request belongs to {}, but --client says {client}",
            request.parent
        ))),
        Some(_) | None => Ok(request),
    }
}

/// Pairs as a map. A key that stands twice would lose one of its values, so it is refused.
pub(crate) fn unique(flag: &str, pairs: &[(String, String)]) -> Result<BTreeMap<String, String>, Failure> {
    let mut map = BTreeMap::new();
    for (key, value) in pairs {
        if map.insert(key.clone(), value.clone()).is_some() {
            return Err(Failure::usage(format!("{flag} gives \"{key}\" twice")));
        }
    }
    Ok(map)
}

fn parse_size(text: &str) -> Result<(u32, u32), String> {
    text.split_once(['x', 'X', '×'])
        .and_then(|(width, height)| Some((width.trim().parse().ok()?, height.trim().parse().ok()?)))
        .filter(|(width, height)| *width > 0 && *height > 0)
        .ok_or_else(|| format!("\"{text}\" is no size; write it like 1024x768"))
}
