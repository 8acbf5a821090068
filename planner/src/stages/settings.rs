//! Quality, style, seed, guidance, media type and options in the words of the model.

use alloc::{
    collections::BTreeMap,
    format,
    string::{String, ToString},
    vec::Vec,
};

use limn_proto::plan::{Quality, Reference, SeedMode, Style};

use super::fit::Fitting;
use crate::{
    catalog::{Model, Styles, describe_sizes, milli},
    request::Field,
};

/// A word of Limn and the provider's own word for it.
#[derive(Debug)]
pub(crate) struct Word<T> {
    /// What was asked for and is honoured or mapped; unspecified when it is neither.
    pub word: T,
    /// What is sent; empty: nothing.
    pub token: String,
}

/// The quality, else the model's default.
pub(crate) fn quality(model: &Model, fitting: &mut Fitting<'_>) -> Word<Quality> {
    let asked = fitting.wish.quality;
    if asked != Quality::Unspecified {
        if let Some(token) = model.qualities.tokens.get(&asked) {
            fitting.honoured(Field::Quality, format!("\"{token}\""));
            return Word {
                word: asked,
                token: token.clone(),
            };
        }
        let offered = model
            .qualities
            .tokens
            .keys()
            .map(|quality| quality_name(*quality));
        let why = format!(
            "{} is not offered; {}",
            quality_name(asked),
            offered_list(offered)
        );
        fitting.cannot(Field::Quality, &why, "the model's default is used");
    }
    let default = model
        .qualities
        .default
        .and_then(|quality| model.qualities.tokens.get(&quality));
    Word {
        word: Quality::Unspecified,
        token: default.cloned().unwrap_or_default(),
    }
}

/// The style, when the model has words of its own for it. Phrases are the prompt's.
pub(crate) fn style(model: &Model, fitting: &mut Fitting<'_>) -> Word<Style> {
    let asked = fitting.wish.style;
    let none = Word {
        word: Style::Unspecified,
        token: String::new(),
    };
    if asked == Style::Unspecified {
        return none;
    }
    let offered = match &model.styles {
        Styles::Phrase => {
            return Word {
                word: asked,
                token: String::new(),
            };
        }
        Styles::Tokens(tokens) => {
            if let Some(token) = tokens.get(&asked) {
                fitting.honoured(Field::Style, format!("\"{token}\""));
                return Word {
                    word: asked,
                    token: token.clone(),
                };
            }
            offered_list(tokens.keys().map(|style| style_name(*style)))
        }
        Styles::Unsupported => "the model takes no style".into(),
    };
    let why = format!("{} is not offered; {offered}", style_name(asked));
    fitting.cannot(Field::Style, &why, "no style is sent");
    none
}

/// How far the seed is under control.
pub(crate) fn seed_mode(model: &Model, fitting: &mut Fitting<'_>) -> SeedMode {
    match (fitting.wish.seed, model.takes_seed) {
        (Some(seed), true) => {
            fitting.honoured(Field::Seed, seed.to_string());
            SeedMode::Given
        }
        (None, true) => SeedMode::Derived,
        (Some(_), false) => {
            fitting.cannot(
                Field::Seed,
                "the model takes no seed",
                "it is not sent and only names the picture",
            );
            SeedMode::Unsupported
        }
        (None, false) => SeedMode::Unsupported,
    }
}

/// The guidance scale in thousandths.
pub(crate) fn guidance(model: &Model, fitting: &mut Fitting<'_>) -> Option<u32> {
    let asked = fitting.wish.guidance_milli?;
    let why = match model.guidance {
        Some(range) if (range.min_milli..=range.max_milli).contains(&asked) => {
            fitting.honoured(Field::Guidance, milli(asked));
            return Some(asked);
        }
        Some(range) => {
            let (least, most) = (milli(range.min_milli), milli(range.max_milli));
            format!(
                "{} is not offered; the model takes {least} to {most}",
                milli(asked)
            )
        }
        None => "the model takes no guidance scale".into(),
    };
    fitting.cannot(Field::Guidance, &why, "the provider's default is used");
    None
}

/// The media type, else the model's default.
pub(crate) fn media_type(model: &Model, fitting: &mut Fitting<'_>) -> String {
    let asked = fitting.wish.media_type.as_str();
    let default = model.formats.first().cloned().unwrap_or_default();
    if asked.is_empty() {
        return default;
    }
    if model.formats.iter().any(|format| format == asked) {
        fitting.honoured(Field::MediaType, asked);
        return asked.into();
    }
    let why = format!("{asked} is not offered; {}", offered_list(model.formats.iter()));
    fitting.cannot(Field::MediaType, &why, &format!("{default} is used"));
    default
}

/// The options that the model takes, by key.
pub(crate) fn options(model: &Model, fitting: &mut Fitting<'_>) -> BTreeMap<String, String> {
    let wish = fitting.wish;
    let mut taken = BTreeMap::new();
    let mut lacking = Vec::new();
    for (key, value) in &wish.options {
        match model.options.get(key) {
            Some(values) if values.contains(value) => {
                taken.insert(key.clone(), value.clone());
            }
            Some(values) => lacking.push(format!("{} takes {}", shown(key), listed(values.iter()))),
            None if model.options.is_empty() => lacking.push("the model takes no options".into()),
            None => {
                lacking.push(format!(
                    "{} is not known; there are {}",
                    shown(key),
                    listed(model.options.keys())
                ));
            }
        }
    }
    let sent = listed(taken.iter().map(|(key, value)| format!("{key}={value}")));
    if !lacking.is_empty() {
        lacking.dedup();
        let instead = if taken.is_empty() {
            "none is sent".into()
        } else {
            format!("{sent} is sent")
        };
        fitting.cannot(Field::Options, &lacking.join("; "), &instead);
    } else if !taken.is_empty() {
        fitting.honoured(Field::Options, sent);
    }
    taken
}

/// The pictures that the drawing refers to: all of them or none, for fewer would be another drawing.
pub(crate) fn references(model: &Model, fitting: &mut Fitting<'_>) -> Vec<Reference> {
    let asked = &fitting.wish.references;
    if asked.is_empty() {
        return Vec::new();
    }
    let Some(rule) = &model.references else {
        fitting.cannot(
            Field::References,
            "the model takes no pictures to draw from",
            "none is sent",
        );
        return Vec::new();
    };
    let is_taken = |reference: &&Reference| !rule.media_types.contains(&reference.media_type);
    let why = if asked.len() > usize::try_from(rule.max_count).unwrap_or(usize::MAX) {
        format!(
            "{} are not taken; the model takes at most {}",
            asked.len(),
            rule.max_count
        )
    } else if let Some(unfit) = asked.iter().find(is_taken) {
        format!(
            "{} is not taken; the model takes {}",
            unfit.media_type,
            listed(rule.media_types.iter())
        )
    } else {
        fitting.honoured(Field::References, format!("{} sent", asked.len()));
        return asked.clone();
    };
    fitting.cannot(Field::References, &why, "none is sent");
    Vec::new()
}

/// What a model takes in a field of `ImageRequest`, in words.
pub(crate) fn offered(model: &Model, field: &str) -> String {
    match field {
        "prompt" | "continuity.anchors" => format!("at most {} characters", model.max_prompt_chars),
        "quality" => listed(
            model
                .qualities
                .tokens
                .keys()
                .map(|quality| quality_name(*quality)),
        ),
        "style" => match &model.styles {
            Styles::Tokens(tokens) => listed(tokens.keys().map(|style| style_name(*style))),
            Styles::Phrase | Styles::Unsupported => String::new(),
        },
        "guidance" => model
            .guidance
            .map(|range| format!("{} to {}", milli(range.min_milli), milli(range.max_milli)))
            .unwrap_or_default(),
        "media_type" => listed(model.formats.iter()),
        "options" => {
            let options = model.options.iter();
            listed(options.map(|(key, values)| format!("{key}={}", listed(values.iter()).replace(", ", "|"))))
        }
        "references" => model.references.as_ref().map_or_else(String::new, |rule| {
            format!(
                "at most {} of {}",
                rule.max_count,
                listed(rule.media_types.iter())
            )
        }),
        "aspect_ratio" | "width_px" | "height_px" | "resolution" => describe_sizes(&model.sizes),
        _ => String::new(),
    }
}

/// The quality as people write it.
pub(crate) fn quality_name(quality: Quality) -> &'static str {
    match quality {
        Quality::Unspecified => "default",
        Quality::Draft => "draft",
        Quality::Standard => "standard",
        Quality::High => "high",
    }
}

/// The style as people write it.
pub(crate) fn style_name(style: Style) -> &'static str {
    match style {
        Style::Unspecified => "none",
        Style::Photorealistic => "photorealistic",
        Style::Editorial => "editorial",
        Style::Cinematic => "cinematic",
        Style::Illustration => "illustration",
        Style::Painterly => "painterly",
        Style::LineArt => "line art",
    }
}

fn offered_list(names: impl Iterator<Item = impl ToString>) -> String {
    let names = listed(names);
    if names.is_empty() {
        "there is no choice".into()
    } else {
        format!("the model takes {names}")
    }
}

fn listed(names: impl Iterator<Item = impl ToString>) -> String {
    let names: Vec<String> = names.map(|name| name.to_string()).collect();
    names.join(", ")
}

fn shown(key: &str) -> String {
    format!("\"{}\"", key.escape_debug())
}
