//! Templates of prompts: views of a subject, classes of images, and what keeps subjects alike.
//!
//! How a template is written stands in [`crate::template`]: `{place}` and `[section]`.

use alloc::{collections::BTreeMap, format, string::String, vec::Vec};

use limn_proto::{
    name::is_step_id,
    plan::{ImageType, Style},
};

use super::{CatalogParts, CatalogProblem};
use crate::{
    limits::{MAX_CATEGORY_BYTES, MAX_VIEWS},
    template,
};

/// Places of a view's template.
pub(crate) const VIEW_PLACES: [&str; 3] = ["description", "keywords", "category"];

/// Views that a subject can be drawn from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ViewTemplates {
    /// How many views are drawn when nobody says which or how many.
    pub default_count: u32,
    /// Words of templates in the order in which a count takes them. The others are drawn when they are named.
    pub order: Vec<String>,
    /// Template of a view that the request describes itself: the places of the others, and `{view}` for what it says.
    pub own: String,
    /// Templates by their word.
    pub templates: BTreeMap<String, ViewTemplate>,
}

/// How one view is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ViewTemplate {
    /// Prompt with `{description}`, `{keywords}` and `{category}`.
    pub prompt: String,
    /// What to keep out of the picture. Empty: nothing.
    pub negative_prompt: String,
    /// Prompts for single categories, by the category in lowercase.
    pub categories: BTreeMap<String, String>,
}

/// What enrichment does with an image of one class.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TypeTemplate {
    /// Text around the prompt, which stands in it as `{prompt}`.
    pub prompt: String,
    /// What to keep out of the picture. Empty: nothing.
    pub negative_prompt: String,
    /// Width to height when neither a ratio nor pixels were given.
    pub aspect_ratio: Option<(u32, u32)>,
    /// Style when none was given. Unspecified: none.
    pub style: Style,
}

/// Wording of what keeps subjects alike.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContinuityTemplates {
    /// One anchor, with `{name}` and `{description}`.
    pub anchor: String,
    /// What the picture before showed, as `{hint}`.
    pub hint: String,
}

/// Every problem of the templates.
pub(super) fn find(parts: &CatalogParts, problems: &mut Vec<CatalogProblem>) {
    let mut add = |path: String, message: String| problems.push(CatalogProblem { path, message });
    check_views(&parts.views, &mut add);
    for (image_type, template) in &parts.image_types {
        let path = format!("image_types.{}", type_word(*image_type));
        if *image_type == ImageType::Unspecified {
            add(path.clone(), "is no class of images".into());
        }
        if let Err(message) = template::check(&template.prompt, &["prompt"], "prompt") {
            add(format!("{path}.prompt"), message);
        }
        let side_fits = |side: u32| (1..=100).contains(&side);
        if template
            .aspect_ratio
            .is_some_and(|(width, height)| !side_fits(width) || !side_fits(height))
        {
            let message = "must be two whole numbers from 1 to 100".into();
            add(format!("{path}.aspect_ratio"), message);
        }
    }
    let continuity = &parts.continuity;
    if let Err(message) = template::check(&continuity.anchor, &["name", "description"], "description") {
        add("continuity.anchor".into(), message);
    }
    if let Err(message) = template::check(&continuity.hint, &["hint"], "hint") {
        add("continuity.hint".into(), message);
    }
}

fn check_views(views: &ViewTemplates, add: &mut impl FnMut(String, String)) {
    for (word, view) in &views.templates {
        let path = format!("views.templates.{word}");
        if !is_step_id(word) {
            let message = "the word must be 1 to 63 lowercase letters, digits or hyphens";
            add(path.clone(), message.into());
        }
        if let Err(message) = template::check(&view.prompt, &VIEW_PLACES, "description") {
            add(format!("{path}.prompt"), message);
        }
        for (category, prompt) in &view.categories {
            let path = format!("{path}.categories.{category}");
            if category.is_empty()
                || *category != category_key(category)
                || category.len() > MAX_CATEGORY_BYTES
            {
                let message = "the category must be lowercase, without space around it, of at most 64 bytes";
                add(path.clone(), message.into());
            }
            if let Err(message) = template::check(prompt, &VIEW_PLACES, "description") {
                add(path, message);
            }
        }
    }
    for (index, word) in views.order.iter().enumerate() {
        if !views.templates.contains_key(word) {
            let message = format!("\"{}\" has no template", word.escape_debug());
            add(format!("views.order[{index}]"), message);
        }
        if views.order.iter().take(index).any(|earlier| earlier == word) {
            add(format!("views.order[{index}]"), "is listed twice".into());
        }
    }
    // A catalog without views plans no view sets, and needs neither.
    if views.templates.is_empty() {
        return;
    }
    if views.order.len() > MAX_VIEWS {
        add(
            "views.order".into(),
            format!("must have at most {MAX_VIEWS} views"),
        );
    }
    let count = usize::try_from(views.default_count).unwrap_or(usize::MAX);
    if !(1..=views.order.len()).contains(&count) {
        let message = format!("must be 1 to {}, the number of views in order", views.order.len());
        add("views.default_count".into(), message);
    }
    let places = ["description", "keywords", "category", "view"];
    let own = template::check(&views.own, &places, "description")
        .and_then(|()| template::check(&views.own, &places, "view"));
    if let Err(message) = own {
        add("views.own".into(), message);
    }
}

/// The form in which categories are compared.
pub(crate) fn category_key(category: &str) -> String {
    category.trim().to_lowercase()
}

/// The class as people write it.
pub(crate) fn type_word(image_type: ImageType) -> &'static str {
    match image_type {
        ImageType::Unspecified => "none",
        ImageType::CharacterPortrait => "character-portrait",
        ImageType::Scene => "scene",
        ImageType::Item => "item",
        ImageType::BattleMap => "battle-map",
        ImageType::Product => "product",
        ImageType::Illustration => "illustration",
    }
}
