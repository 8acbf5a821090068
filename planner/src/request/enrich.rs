//! Enrichment: the template of a class of images around a prompt, and its defaults.
//!
//! What a template adds is a service, not a wish: where a provider cannot honour it, it is left out with a note and
//! refuses nobody.

use alloc::{format, string::String, vec::Vec};

use limn_proto::{
    plan::{ImageType, Style},
    reason::Reason,
};

use super::image::{Field, ImageWish, SizeWish};
use crate::{
    catalog::{Catalog, type_word},
    error::Problems,
    stages::settings::style_name,
    template,
    text::normalize,
};

/// Puts the template of its class around the prompt of an image, and fills what was not given.
pub(super) fn apply(wish: &mut ImageWish, catalog: &Catalog, problems: &mut Problems) {
    let Some(template) = catalog.image_type(wish.image_type) else {
        let description = match wish.image_type {
            ImageType::Unspecified => "needs an image_type, whose template is put around the prompt".into(),
            other => format!("the catalog has no template for {}", type_word(other)),
        };
        problems.add(Reason::InvalidRequest, wish.path_of("enrich"), description);
        return;
    };
    wish.keep_original();
    wish.prompt = normalize(&template::fill(
        &template.prompt,
        &[("prompt", template::subject(&wish.prompt))],
    ));
    let mut added: Vec<String> = Vec::new();
    added.push(format!(
        "the template of {} stands around the prompt",
        type_word(wish.image_type)
    ));
    if !template.negative_prompt.is_empty() {
        wish.add_negative(&template.negative_prompt);
        added.push(format!("negative prompt \"{}\"", template.negative_prompt));
    }
    if let (
        Some(ratio),
        SizeWish::Shape {
            ratio: own @ None, ..
        },
    ) = (template.aspect_ratio, &mut wish.size)
    {
        *own = Some(ratio);
        wish.optional.insert(Field::AspectRatio);
        added.push(format!("aspect ratio {}:{}", ratio.0, ratio.1));
    }
    if wish.style == Style::Unspecified && template.style != Style::Unspecified {
        wish.style = template.style;
        wish.optional.insert(Field::Style);
        added.push(format!("style {}", style_name(template.style)));
    }
    wish.enrichment = added.join(", ");
}
