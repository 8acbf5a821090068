//! Templates of prompts, from tables to parts of the catalog. The catalog itself checks what they say.

use std::collections::BTreeMap;

use limn_planner::catalog::{ContinuityTemplates, TypeTemplate, ViewTemplate, ViewTemplates};
use limn_proto::plan::{ImageType, Style};

use super::{section::Section, words};

/// Reads `[views]`.
pub(super) fn views(section: &mut Section<'_>) -> ViewTemplates {
    ViewTemplates {
        default_count: section.required_number("default_count"),
        order: section.texts("order").unwrap_or_default(),
        own: section.required_text("own"),
        templates: section.each("templates", view).into_iter().collect(),
    }
}

fn view(word: &str, section: &mut Section<'_>) -> (String, ViewTemplate) {
    let categories = section.within("categories", |section| {
        let keys = section.keys().into_iter();
        let read = keys.filter_map(|key| Some((key.clone(), section.text(&key)?)));
        read.collect::<BTreeMap<_, _>>()
    });
    let view = ViewTemplate {
        prompt: section.required_text("prompt"),
        negative_prompt: section.text("negative_prompt").unwrap_or_default(),
        categories: categories.unwrap_or_default(),
    };
    (word.to_owned(), view)
}

/// Reads `[image_types]`. A class that is not known is a problem.
pub(super) fn image_types(section: &mut Section<'_>) -> BTreeMap<ImageType, TypeTemplate> {
    words::by_word(section, words::image_type, |section, key| {
        section.within(key, image_type)
    })
}

fn image_type(section: &mut Section<'_>) -> TypeTemplate {
    let style = section.text("style").map(|word| {
        words::style(&word).unwrap_or_else(|| {
            section.problem(
                "style",
                "must be photorealistic, editorial, cinematic, illustration, painterly or line_art",
            );
            Style::Unspecified
        })
    });
    let aspect_ratio = section.take("aspect_ratio", "a ratio such as \"16:9\"", |value| {
        let (width, height) = value.as_str()?.split_once(':')?;
        Some((width.parse().ok()?, height.parse().ok()?))
    });
    TypeTemplate {
        prompt: section.required_text("prompt"),
        negative_prompt: section.text("negative_prompt").unwrap_or_default(),
        aspect_ratio,
        style: style.unwrap_or_default(),
    }
}

/// Reads `[continuity]`.
pub(super) fn continuity(section: &mut Section<'_>) -> ContinuityTemplates {
    ContinuityTemplates {
        anchor: section.required_text("anchor"),
        hint: section.required_text("hint"),
    }
}
