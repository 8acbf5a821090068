//! View sets: one description becomes an image for each view.

use alloc::{borrow::ToOwned, collections::BTreeSet, format, string::String, vec::Vec};

use limn_proto::{
    name::is_step_id,
    plan::ImageType,
    reason::Reason,
    v1::{View, ViewSetRequest},
};

use super::{Context, door::Door, image::ImageWish};
use crate::{
    catalog::{VIEW_PLACES, ViewTemplate, ViewTemplates, category_key},
    error::Problems,
    limits::{MAX_CATEGORY_BYTES, MAX_KEYWORD_BYTES, MAX_KEYWORDS, MAX_VIEW_CHARS, MAX_VIEWS},
    stages::seed,
    template,
    text::normalize,
};

const PATH: &str = "view_set";

/// One view that was asked for.
struct Wanted {
    word: String,
    /// Template of the prompt.
    prompt: String,
    /// What the request itself says it shows; `{view}` stands for it. Empty: the template says it.
    own_words: String,
    /// Path of the view in the request; empty: only the count asks for it.
    path: String,
    /// What the request itself keeps out.
    own_negative: String,
    /// What the template keeps out.
    negative: String,
}

/// Checks a view set. Everything but prompt, name and what a view keeps out is that of the base.
pub(super) fn parse(
    message: &ViewSetRequest,
    variation: u32,
    context: &Context<'_>,
    problems: &mut Problems,
) -> Vec<ImageWish> {
    let templates = context.catalog.views();
    let mut door = Door::new(problems, PATH.into());
    let category = door.text("category", &message.category, MAX_CATEGORY_BYTES);
    let keywords = keywords(&message.keywords, &mut door);
    let views = views(message, &category, templates, &mut door);
    let Some(base) = &message.base else {
        let description = "is missing; its prompt describes the subject";
        problems.add(Reason::InvalidRequest, "view_set.base", description);
        return Vec::new();
    };
    let path = format!("{PATH}.base");
    if !base.step_id.is_empty() {
        let description = "is not taken in a view set; its steps are named by their views";
        problems.add(Reason::InvalidRequest, format!("{path}.step_id"), description);
    }
    let mut shared = context.image(base, path, 0, None, problems);
    if shared.image_type == ImageType::Unspecified && base.image_type == 0 {
        shared.image_type = ImageType::Product;
    }
    shared.keep_original();
    shared.derived_seed = Some(seed::of_set(&shared.prompt, variation));
    let mut images = Vec::with_capacity(views.len());
    for view in views {
        let mut image = shared.clone();
        image.prompt = normalize(&template::fill(
            &view.prompt,
            &[
                ("description", template::subject(&shared.prompt)),
                ("keywords", &keywords),
                ("category", category.trim()),
                ("view", &view.own_words),
            ],
        ));
        image.step_id.clone_from(&view.word);
        image.view = view.word;
        if !view.own_words.is_empty() {
            image.stands_at("prompt", format!("{}.prompt", view.path));
        }
        if !view.own_negative.is_empty() {
            if image.negative_prompt.is_empty() {
                image.stands_at("negative_prompt", format!("{}.negative_prompt", view.path));
                image.negative_prompt = view.own_negative;
            } else {
                image.negative_prompt = format!("{}, {}", image.negative_prompt, view.own_negative);
            }
        }
        image.add_negative(&view.negative);
        if base.enrich {
            super::enrich::apply(&mut image, context.catalog, problems);
        }
        images.push(image);
    }
    images
}

fn keywords(messages: &[String], door: &mut Door<'_>) -> String {
    if messages.len() > MAX_KEYWORDS {
        door.refuse(
            "keywords",
            format!("has {} words; at most {MAX_KEYWORDS} are taken", messages.len()),
        );
        return String::new();
    }
    let mut keywords = Vec::with_capacity(messages.len());
    for (index, keyword) in messages.iter().enumerate() {
        let field = format!("keywords[{index}]");
        let text = door.text(&field, keyword, MAX_KEYWORD_BYTES);
        if keyword.trim().is_empty() {
            door.refuse(&field, "is empty; leave it out");
        }
        keywords.push(text.trim().to_owned());
    }
    keywords.join(", ")
}

/// The views of the request, and those of the catalog that fill it up to its count.
fn views(
    message: &ViewSetRequest,
    category: &str,
    templates: &ViewTemplates,
    door: &mut Door<'_>,
) -> Vec<Wanted> {
    let given = &message.views;
    if given.len() > MAX_VIEWS {
        door.refuse(
            "views",
            format!("has {} views; at most {MAX_VIEWS} are taken", given.len()),
        );
        return Vec::new();
    }
    let mut seen = BTreeSet::new();
    let mut wanted = Vec::new();
    for (index, view) in given.iter().enumerate() {
        if !seen.insert(view.view.as_str()) {
            let description = format!("\"{}\" names an earlier view too", view.view.escape_debug());
            door.refuse(&format!("views[{index}].view"), description);
            continue;
        }
        wanted.extend(self::view(view, index, category, templates, door));
    }
    let mut others = templates
        .order
        .iter()
        .filter(|word| !seen.contains(word.as_str()));
    let count = match (message.count, given.is_empty()) {
        (0, true) => templates.default_count,
        (0, false) => 0,
        (count, _) => count,
    };
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    let most = (given.len() + others.clone().count()).min(MAX_VIEWS);
    if message.count > 0 && !(given.len().max(1)..=most).contains(&count) {
        let description = format!(
            "is {count}; with the views of this request and of the catalog it can be {} to {most}",
            given.len().max(1)
        );
        door.refuse("count", description);
        return wanted;
    }
    if most == 0 {
        door.refuse(
            "views",
            "is empty, and the catalog has no views; describe your own",
        );
    }
    for word in others.by_ref().take(count.saturating_sub(given.len())) {
        if let Some(template) = templates.templates.get(word) {
            wanted.push(of_catalog(word, template, category));
        }
    }
    wanted
}

fn of_catalog(word: &str, template: &ViewTemplate, category: &str) -> Wanted {
    let own = template.categories.get(&category_key(category));
    Wanted {
        word: word.into(),
        prompt: own.unwrap_or(&template.prompt).clone(),
        own_words: String::new(),
        path: String::new(),
        own_negative: String::new(),
        negative: template.negative_prompt.clone(),
    }
}

fn view(
    message: &View,
    index: usize,
    category: &str,
    templates: &ViewTemplates,
    door: &mut Door<'_>,
) -> Option<Wanted> {
    let field = |name: &str| format!("views[{index}].{name}");
    if !is_step_id(&message.view) {
        door.refuse(
            &field("view"),
            "must be 1 to 63 lowercase letters, digits or hyphens",
        );
        return None;
    }
    let words = door.long_text(&field("prompt"), &message.prompt, MAX_VIEW_CHARS);
    let words = words.trim();
    let own_negative = door.long_text(
        &field("negative_prompt"),
        &message.negative_prompt,
        MAX_VIEW_CHARS,
    );
    let template = templates.templates.get(&message.view);
    let path = format!("{PATH}.views[{index}]");
    let mut wanted = match (words, template) {
        ("", Some(template)) => of_catalog(&message.view, template, category),
        ("", None) => {
            let unordered = templates.templates.keys();
            let unordered = unordered.filter(|word| !templates.order.contains(word));
            let known: Vec<&str> = templates
                .order
                .iter()
                .chain(unordered)
                .map(String::as_str)
                .collect();
            let known = known.join(", ");
            let description = format!(
                "\"{}\" is no view of the catalog, which has {known}; say in prompt what it shows",
                message.view
            );
            door.refuse(&field("view"), description);
            return None;
        }
        (words, template) => {
            let is_template = words.contains("{description}");
            if is_template && let Err(problem) = template::check(words, &VIEW_PLACES, "description") {
                door.refuse(&field("prompt"), problem);
                return None;
            }
            Wanted {
                word: message.view.clone(),
                prompt: if is_template {
                    words.into()
                } else {
                    own_frame(templates).into()
                },
                own_words: words.into(),
                path: String::new(),
                own_negative: String::new(),
                negative: template
                    .map(|template| template.negative_prompt.clone())
                    .unwrap_or_default(),
            }
        }
    };
    // What the request keeps out of a view stands in place of what its template keeps out.
    if !own_negative.trim().is_empty() {
        wanted.negative = String::new();
        wanted.own_negative = own_negative.trim().into();
    }
    wanted.path = path;
    Some(wanted)
}

/// The frame for a view in the request's own words. A catalog without views has none of its own.
fn own_frame(templates: &ViewTemplates) -> &str {
    if templates.own.is_empty() {
        "{description}: {view}"
    } else {
        &templates.own
    }
}
