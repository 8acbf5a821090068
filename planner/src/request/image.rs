//! One image of a request, checked.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    format,
    string::String,
    vec::Vec,
};

use limn_proto::{
    digest::is_sha256_hex,
    name::is_step_id,
    plan::{DocumentSlot, ImageType, Importance, Label, Quality, Reference, Style},
    v1::{ImageRequest, Resolution},
};

use super::{
    continuity::ContinuityWish,
    door::{Door, guidance_milli, parse_ratio},
};
use crate::{
    catalog::{MEDIA_TYPES, Size},
    error::Problems,
    limits::{
        MAX_ALT_TEXT_BYTES, MAX_CAPTION_BYTES, MAX_FALLBACKS, MAX_KEY_TEXT_BYTES, MAX_NAME_BYTES,
        MAX_REFERENCES, MAX_SEED, MAX_TEXT_CHARS,
    },
    text::char_count,
};

/// A field that a target honours, maps or refuses, in the order of the notes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Field {
    NegativePrompt,
    AspectRatio,
    Width,
    Height,
    Resolution,
    Quality,
    Style,
    Seed,
    Guidance,
    MediaType,
    Options,
    References,
    Enrich,
    Anchors,
    Hint,
}

/// One image as it is wished for.
#[derive(Clone, Debug)]
pub(crate) struct ImageWish {
    path: String,
    /// Fields that the request says at another place than the rest, with that place.
    elsewhere: BTreeMap<&'static str, String>,
    pub step_id: String,
    pub prompt: String,
    pub negative_prompt: String,
    pub provider: String,
    pub model: String,
    pub preferred_provider: String,
    pub fallback_providers: Vec<String>,
    pub size: SizeWish,
    pub quality: Quality,
    pub style: Style,
    pub seed: Option<u32>,
    pub guidance_milli: Option<u32>,
    /// Empty: the model's default.
    pub media_type: String,
    pub options: BTreeMap<String, String>,
    pub references: Vec<Reference>,
    pub optional: BTreeSet<Field>,
    pub image_type: ImageType,
    pub alt_text: String,
    pub caption: String,
    pub labels: Vec<Label>,
    pub original_prompt: String,
    pub post_id: String,
    pub prompt_id: String,
    pub section_title: String,
    pub position: u32,
    pub importance: Importance,
    /// Where its prompt stands in the document of the request.
    pub slot: Option<DocumentSlot>,
    /// Characters of the prompt as it was written.
    pub written_chars: usize,
    /// What templates keep out; unlike the negative prompt it refuses nobody.
    pub added_negative: String,
    /// What enrichment added, in a sentence; empty: nothing.
    pub enrichment: String,
    pub continuity: ContinuityWish,
    /// Word of the view; empty outside of view sets.
    pub view: String,
    /// Seed that the images of a set derive together.
    pub derived_seed: Option<u32>,
}

/// The size as it is wished for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SizeWish {
    /// Exactly these pixels.
    Pixels(Size),
    /// A ratio, a size class, both, or neither: then the model's default.
    Shape {
        ratio: Option<(u32, u32)>,
        resolution: Option<Resolution>,
    },
}

impl Field {
    /// Fields that may be optional, in the order of the notes.
    pub(crate) const OPTIONAL: [Self; 12] = [
        Self::NegativePrompt,
        Self::AspectRatio,
        Self::Width,
        Self::Height,
        Self::Resolution,
        Self::Quality,
        Self::Style,
        Self::Seed,
        Self::Guidance,
        Self::MediaType,
        Self::Options,
        Self::References,
    ];

    /// Name of the field in `ImageRequest`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::NegativePrompt => "negative_prompt",
            Self::AspectRatio => "aspect_ratio",
            Self::Width => "width_px",
            Self::Height => "height_px",
            Self::Resolution => "resolution",
            Self::Quality => "quality",
            Self::Style => "style",
            Self::Seed => "seed",
            Self::Guidance => "guidance",
            Self::MediaType => "media_type",
            Self::Options => "options",
            Self::References => "references",
            Self::Enrich => "enrich",
            Self::Anchors => "continuity.anchors",
            Self::Hint => "continuity.previous_turn_hint",
        }
    }
}

impl ImageWish {
    /// Path of one of its fields in the request.
    pub(crate) fn path_of(&self, field: &str) -> String {
        match self.elsewhere.get(field) {
            Some(path) => path.clone(),
            None => format!("{}.{field}", self.path),
        }
    }

    /// The request says this field at another place.
    pub(super) fn stands_at(&mut self, field: &'static str, path: String) {
        self.elsewhere.insert(field, path);
    }

    /// Keeps the prompt as it was written, before something is put around it.
    pub(super) fn keep_original(&mut self) {
        if self.original_prompt.is_empty() {
            self.original_prompt.clone_from(&self.prompt);
        }
    }

    /// Keeps something out that a template names.
    pub(super) fn add_negative(&mut self, text: &str) {
        if !self.added_negative.is_empty() && !text.is_empty() {
            self.added_negative.push_str(", ");
        }
        self.added_negative.push_str(text);
    }
}

/// Checks one image. `index` counts from 0.
pub(super) fn parse(
    message: &ImageRequest,
    path: String,
    index: usize,
    fallback_disabled: bool,
    problems: &mut Problems,
) -> ImageWish {
    let mut door = Door::new(problems, path.clone());
    let prompt = door.long_text("prompt", &message.prompt, MAX_TEXT_CHARS);
    if message.prompt.trim().is_empty() {
        door.refuse("prompt", "is empty; say what to draw");
    }
    let written_chars = char_count(&prompt);
    let negative_prompt = door.long_text("negative_prompt", &message.negative_prompt, MAX_TEXT_CHARS);
    ImageWish {
        step_id: step_id(message, index, &mut door),
        prompt,
        // Blank text keeps nothing out.
        negative_prompt: if negative_prompt.trim().is_empty() {
            String::new()
        } else {
            negative_prompt
        },
        provider: door.text("provider", &message.provider, MAX_NAME_BYTES),
        model: door.text("model", &message.model, MAX_NAME_BYTES),
        preferred_provider: door.text("preferred_provider", &message.preferred_provider, MAX_NAME_BYTES),
        fallback_providers: fallbacks(message, fallback_disabled, &mut door),
        size: size(message, &mut door),
        quality: door.known("quality", message.quality),
        style: door.known("style", message.style),
        seed: seed(message, &mut door),
        guidance_milli: guidance(message, &mut door),
        media_type: media_type(message, &mut door),
        options: options(message, &mut door),
        references: references(message, &mut door),
        optional: optional_fields(message, &mut door),
        image_type: door.known::<ImageType>("image_type", message.image_type),
        alt_text: door.text("alt_text", &message.alt_text, MAX_ALT_TEXT_BYTES),
        caption: door.text("caption", &message.caption, MAX_CAPTION_BYTES),
        labels: door.labels("labels", &message.labels),
        original_prompt: door.long_text("original_prompt", &message.original_prompt, MAX_TEXT_CHARS),
        post_id: door.text("post_id", &message.post_id, MAX_KEY_TEXT_BYTES),
        prompt_id: door.text("prompt_id", &message.prompt_id, MAX_KEY_TEXT_BYTES),
        section_title: door.text("section_title", &message.section_title, MAX_KEY_TEXT_BYTES),
        position: message.position,
        importance: door.known("importance", message.importance),
        slot: None,
        written_chars,
        added_negative: String::new(),
        enrichment: String::new(),
        continuity: ContinuityWish::default(),
        view: String::new(),
        derived_seed: None,
        elsewhere: BTreeMap::new(),
        path,
    }
}

fn step_id(message: &ImageRequest, index: usize, door: &mut Door<'_>) -> String {
    if !message.step_id.is_empty() {
        if is_step_id(&message.step_id) {
            return message.step_id.clone();
        }
        door.refuse("step_id", "must be 1 to 63 lowercase letters, digits or hyphens");
    }
    format!("image-{}", index + 1)
}

fn fallbacks(message: &ImageRequest, disabled: bool, door: &mut Door<'_>) -> Vec<String> {
    let names = &message.fallback_providers;
    if disabled && !names.is_empty() {
        door.refuse("fallback_providers", "contradicts policy.disable_fallback");
        return Vec::new();
    }
    if names.len() > MAX_FALLBACKS {
        door.refuse(
            "fallback_providers",
            format!("has {} names; at most {MAX_FALLBACKS} are taken", names.len()),
        );
        return Vec::new();
    }
    names
        .iter()
        .map(|name| door.text("fallback_providers", name, MAX_NAME_BYTES))
        .collect()
}

fn size(message: &ImageRequest, door: &mut Door<'_>) -> SizeWish {
    let resolution: Resolution = door.known("resolution", message.resolution);
    let resolution = Some(resolution).filter(|resolution| *resolution != Resolution::Unspecified);
    let ratio = if message.aspect_ratio.is_empty() {
        None
    } else {
        parse_ratio(&message.aspect_ratio)
    };
    if ratio.is_none() && !message.aspect_ratio.is_empty() {
        door.refuse(
            "aspect_ratio",
            "must be two whole numbers from 1 to 100, for example 16:9",
        );
    }
    let (width, height) = (message.width_px, message.height_px);
    if width == 0 && height == 0 {
        return SizeWish::Shape { ratio, resolution };
    }
    if !message.aspect_ratio.is_empty() {
        door.refuse(
            "aspect_ratio",
            "contradicts width_px and height_px; give a ratio or pixels",
        );
    }
    if resolution.is_some() {
        door.refuse(
            "resolution",
            "contradicts width_px and height_px; give a size class or pixels",
        );
    }
    if width == 0 || height == 0 {
        let missing = if width == 0 { "width_px" } else { "height_px" };
        door.refuse(missing, "is missing; width_px and height_px are given together");
        return SizeWish::Shape {
            ratio: None,
            resolution: None,
        };
    }
    SizeWish::Pixels(Size::new(width, height))
}

fn seed(message: &ImageRequest, door: &mut Door<'_>) -> Option<u32> {
    let seed = message.seed?;
    if seed > MAX_SEED {
        door.refuse("seed", format!("is {seed}; must be 0 to {MAX_SEED}"));
        return None;
    }
    Some(seed)
}

fn guidance(message: &ImageRequest, door: &mut Door<'_>) -> Option<u32> {
    let milli = guidance_milli(message.guidance?);
    if milli.is_none() {
        door.refuse("guidance", "must be a number from 0 to 1000");
    }
    milli
}

fn media_type(message: &ImageRequest, door: &mut Door<'_>) -> String {
    if message.media_type.is_empty() || MEDIA_TYPES.contains(&message.media_type.as_str()) {
        return message.media_type.clone();
    }
    door.refuse("media_type", format!("must be one of {}", MEDIA_TYPES.join(", ")));
    String::new()
}

fn options(message: &ImageRequest, door: &mut Door<'_>) -> BTreeMap<String, String> {
    let labels = door.labels("options", &message.options);
    labels.into_iter().map(|label| (label.key, label.value)).collect()
}

fn references(message: &ImageRequest, door: &mut Door<'_>) -> Vec<Reference> {
    match reference_problem(&message.references) {
        None => message.references.clone(),
        Some(problem) => {
            door.refuse("references", problem);
            Vec::new()
        }
    }
}

/// What is wrong with the references of a picture.
pub(crate) fn reference_problem(references: &[Reference]) -> Option<String> {
    if references.len() > MAX_REFERENCES {
        return Some(format!(
            "has {} pictures; at most {MAX_REFERENCES} are taken",
            references.len()
        ));
    }
    let mut seen = BTreeSet::new();
    for (index, reference) in references.iter().enumerate() {
        if !is_sha256_hex(&reference.sha256) {
            return Some(format!(
                "[{index}].sha256 must be 64 lowercase hexadecimal digits"
            ));
        }
        if !MEDIA_TYPES.contains(&reference.media_type.as_str()) {
            return Some(format!(
                "[{index}].media_type must be one of {}",
                MEDIA_TYPES.join(", ")
            ));
        }
        if !seen.insert(reference.sha256.as_str()) {
            return Some(format!("[{index}] names an earlier picture once more"));
        }
    }
    None
}

fn optional_fields(message: &ImageRequest, door: &mut Door<'_>) -> BTreeSet<Field> {
    let mut optional = BTreeSet::new();
    for name in &message.optional_fields {
        match Field::OPTIONAL.into_iter().find(|field| field.name() == name) {
            Some(field) => {
                optional.insert(field);
            }
            None => {
                let names = Field::OPTIONAL.map(Field::name).join(", ");
                let name: String = name.chars().take(64).collect();
                door.refuse(
                    "optional_fields",
                    format!("\"{}\" is none of {names}", name.escape_debug()),
                );
            }
        }
    }
    optional
}
