//! Providers, models and what goes with them, from tables to parts of the catalog.

use std::collections::BTreeMap;

use limn_executor::providers::{Inputs, Traits};
use limn_planner::catalog::{
    GuidanceRange, ListedSize, Model, NegativePrompt, Provider, Qualities, ReferenceRule, RetiredModel,
    SizeGrid, SizeRule, Styles,
};
use limn_proto::plan::{ThumbnailFit, ThumbnailSpec};

use super::{prices, section::Section, traits, words};

/// Quality of thumbnails when none is given, in percent.
const DEFAULT_THUMBNAIL_QUALITY_PERCENT: u32 = 70;

/// Reads a provider. Whether it is enabled is not the catalog's to say.
pub(super) fn provider(id: &str, section: &mut Section<'_>) -> (Provider, Traits) {
    let mut traits = traits::of_provider(section);
    let provider = Provider {
        id: id.into(),
        title: section.text("title").unwrap_or_else(|| id.into()),
        free: section.flag("free"),
        default_model: section.required_text("default_model"),
        models: section.each("models", |id, section| {
            if let Some(deadlines) = traits::of_model(section) {
                traits.deadlines.models.insert(id.to_owned(), deadlines);
            }
            let inputs = traits::inputs(section);
            let model = model(id, section);
            if let Some(inputs) = inputs {
                check_inputs(section, &model, &inputs);
                traits.inputs.insert(id.to_owned(), inputs);
            }
            model
        }),
        ..Provider::default()
    };
    (provider, traits)
}

fn model(id: &str, section: &mut Section<'_>) -> Model {
    let pricing = section.within("pricing", prices::pricing).flatten();
    let mut model = Model {
        id: id.into(),
        revision: section.text("revision").unwrap_or_default(),
        sizes: required(section, "sizes", sizes).unwrap_or(SizeRule::Listed(Vec::new())),
        default_size: section.required_size("default_size"),
        experimental_above_pixels: section.number("experimental_above_pixels"),
        formats: section.texts("formats").unwrap_or_default(),
        qualities: section.within("qualities", qualities).unwrap_or_default(),
        styles: section.within("styles", styles).unwrap_or(Styles::Unsupported),
        negative_prompt: negative_prompt(section),
        takes_seed: section.flag("takes_seed"),
        guidance: section.within("guidance", guidance),
        max_prompt_chars: section.required_number("max_prompt_chars"),
        references: section.within("references", references),
        options: options(section),
        pricing,
        prices_as_of: section.text("prices_as_of").unwrap_or_default(),
        prices_source: section.text("prices_source").unwrap_or_default(),
        shutdown_date: section.text("shutdown_date").unwrap_or_default(),
    };
    if model.pricing.is_none() {
        // An override may take the price away from a model that had one; day and source go with it.
        model.prices_as_of.clear();
        model.prices_source.clear();
    }
    model
}

/// Whatever can be asked of a model must be said to it.
fn check_inputs(section: &mut Section<'_>, model: &Model, inputs: &Inputs) {
    let options: Vec<String> = model
        .options
        .keys()
        .map(|name| format!("{{options.{name}}}"))
        .collect();
    let mut fields: Vec<&str> = options.iter().map(String::as_str).collect();
    let in_words = match &model.sizes {
        SizeRule::Listed(sizes) => sizes.iter().all(|size| !size.token.is_empty()),
        SizeRule::Grid(grid) => grid.token_format.is_some(),
    };
    let size: &[&str] = if in_words {
        &["{size}"]
    } else {
        &["{width}", "{height}"]
    };
    fields.extend(size);
    let takes = [
        ("{seed}", model.takes_seed),
        ("{guidance}", model.guidance.is_some()),
        (
            "{negative_prompt}",
            model.negative_prompt == NegativePrompt::Native,
        ),
        ("{quality}", !model.qualities.tokens.is_empty()),
        ("{style}", matches!(model.styles, Styles::Tokens(_))),
    ];
    fields.extend(takes.iter().filter(|(_, takes)| *takes).map(|(field, _)| *field));
    for field in inputs.missing(&fields) {
        section.problem(
            "inputs",
            format!("has no input for {field}, which the model takes"),
        );
    }
}

fn required<T>(section: &mut Section<'_>, key: &str, read: fn(&mut Section<'_>) -> T) -> Option<T> {
    let found = section.within(key, read);
    if found.is_none() {
        section.problem(key, "is missing");
    }
    found
}

fn sizes(section: &mut Section<'_>) -> SizeRule {
    match section.required_text("kind").as_str() {
        "grid" => SizeRule::Grid(SizeGrid {
            multiple_of_px: section.required_number("multiple_of_px"),
            min_side_px: section.required_number("min_side_px"),
            max_side_px: section.required_number("max_side_px"),
            min_pixels: section.number("min_pixels").unwrap_or(0),
            max_pixels: section.number("max_pixels").unwrap_or(u64::MAX),
            max_ratio_milli: section.number("max_ratio_milli").unwrap_or(u32::MAX),
            token_format: section.text("token_format"),
        }),
        "listed" => SizeRule::Listed(section.list("sizes", |size| ListedSize {
            size: size.required_size("size"),
            token: size.text("token").unwrap_or_default(),
        })),
        _ => {
            section.problem("kind", "must be grid or listed");
            SizeRule::Listed(Vec::new())
        }
    }
}

fn qualities(section: &mut Section<'_>) -> Qualities {
    let default = section.required_text("default");
    let default = words::quality(&default);
    if default.is_none() {
        section.problem("default", "must be draft, standard or high");
    }
    Qualities {
        tokens: section.within("tokens", words::quality_texts).unwrap_or_default(),
        default,
    }
}

fn styles(section: &mut Section<'_>) -> Styles {
    match section.required_text("kind").as_str() {
        "unsupported" => Styles::Unsupported,
        "phrase" => Styles::Phrase,
        "tokens" => Styles::Tokens(words::style_texts(section)),
        _ => {
            section.problem("kind", "must be tokens, phrase or unsupported");
            Styles::Unsupported
        }
    }
}

fn negative_prompt(section: &mut Section<'_>) -> NegativePrompt {
    match section.text("negative_prompt").as_deref() {
        None | Some("unsupported") => NegativePrompt::Unsupported,
        Some("native") => NegativePrompt::Native,
        Some("merged") => NegativePrompt::Merged,
        Some(_) => {
            section.problem("negative_prompt", "must be native, merged or unsupported");
            NegativePrompt::Unsupported
        }
    }
}

fn guidance(section: &mut Section<'_>) -> GuidanceRange {
    GuidanceRange {
        min_milli: section.required_number("min_milli"),
        max_milli: section.required_number("max_milli"),
    }
}

fn references(section: &mut Section<'_>) -> ReferenceRule {
    ReferenceRule {
        max_count: section.required_number("max_count"),
        media_types: section.texts("media_types").unwrap_or_default(),
        max_tokens: section.number("max_tokens").unwrap_or_default(),
    }
}

fn options(section: &mut Section<'_>) -> BTreeMap<String, std::collections::BTreeSet<String>> {
    let options = section.within("options", |options| {
        let keys = options.keys().into_iter();
        let read = keys.filter_map(|key| Some((key.clone(), options.texts(&key)?.into_iter().collect())));
        read.collect()
    });
    options.unwrap_or_default()
}

/// Reads a retired model.
pub(super) fn retired(id: &str, section: &mut Section<'_>) -> RetiredModel {
    RetiredModel {
        id: id.into(),
        provider: section.required_text("provider"),
        retired_on: section.required_text("retired_on"),
        replacement: section.required_text("replacement"),
    }
}

/// Reads a thumbnail.
pub(super) fn thumbnail(section: &mut Section<'_>) -> ThumbnailSpec {
    let fit = match section.text("fit").as_deref() {
        None | Some("cover") => ThumbnailFit::Cover,
        Some("contain") => ThumbnailFit::Contain,
        Some(_) => {
            section.problem("fit", "must be cover or contain");
            ThumbnailFit::Cover
        }
    };
    ThumbnailSpec {
        width_px: section.required_number("width_px"),
        height_px: section.required_number("height_px"),
        fit: fit.into(),
        quality_percent: section
            .number("quality_percent")
            .unwrap_or(DEFAULT_THUMBNAIL_QUALITY_PERCENT),
        media_type: section.text("media_type").unwrap_or_else(|| "image/jpeg".into()),
    }
}
