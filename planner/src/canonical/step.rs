//! Rules of steps and their targets.

use alloc::{collections::BTreeSet, format, string::String};

use limn_proto::{
    digest::RENDER_FORMAT,
    name::is_step_id,
    plan::{ImageType, Importance, Quality, RenderSpec, SeedMode, Step, Style, ThumbnailFit, ThumbnailSpec},
};

use super::rules::Rules;
use crate::{
    catalog::MEDIA_TYPES,
    limits::{
        MAX_ALT_TEXT_BYTES, MAX_ANCHOR_NAME_BYTES, MAX_ANCHORS, MAX_CAPTION_BYTES, MAX_FALLBACKS,
        MAX_KEY_TEXT_BYTES, MAX_NAME_BYTES, MAX_SEED, MAX_TEXT_BYTES, MAX_THUMBNAILS,
    },
    request::reference_problem,
};

/// Checks the steps, and that their ids are different.
pub(super) fn check_all(steps: &[Step], is_view_set: bool, rules: &mut Rules<'_>) {
    let mut ids = BTreeSet::new();
    for (index, step) in steps.iter().enumerate() {
        let path = format!("steps[{index}]");
        rules.hold(
            is_step_id(&step.step_id),
            &format!("{path}.step_id"),
            "is no step id",
        );
        if !ids.insert(step.step_id.as_str()) {
            rules.broken(format!("{path}.step_id"), "names an earlier step too");
        }
        check_step(&path, step, is_view_set, rules);
    }
}

fn check_step(path: &str, step: &Step, is_view_set: bool, rules: &mut Rules<'_>) {
    rules.known::<ImageType>(&format!("{path}.image_type"), step.image_type, false);
    rules.known::<Importance>(&format!("{path}.importance"), step.importance, false);
    rules.text(&format!("{path}.alt_text"), &step.alt_text, MAX_ALT_TEXT_BYTES);
    rules.text(&format!("{path}.caption"), &step.caption, MAX_CAPTION_BYTES);
    rules.text(&format!("{path}.post_id"), &step.post_id, MAX_KEY_TEXT_BYTES);
    rules.text(&format!("{path}.prompt_id"), &step.prompt_id, MAX_KEY_TEXT_BYTES);
    rules.text(
        &format!("{path}.original_prompt"),
        &step.original_prompt,
        MAX_TEXT_BYTES,
    );
    rules.text(
        &format!("{path}.section_title"),
        &step.section_title,
        MAX_KEY_TEXT_BYTES,
    );
    rules.labels(&format!("{path}.labels"), &step.labels);
    let view_fits = if is_view_set {
        is_step_id(&step.view)
    } else {
        step.view.is_empty()
    };
    rules.hold(
        view_fits,
        &format!("{path}.view"),
        "must be 1 to 63 lowercase letters, digits or hyphens in a view set, and nothing elsewhere",
    );
    check_anchors(&format!("{path}.anchors"), &step.anchors, rules);
    let thumbnails_fit = step.thumbnails.len() <= MAX_THUMBNAILS;
    rules.hold(thumbnails_fit, &format!("{path}.thumbnails"), "are more than 16");
    for (index, thumbnail) in step.thumbnails.iter().enumerate() {
        if let Err(message) = check_thumbnail(thumbnail) {
            rules.broken(format!("{path}.thumbnails[{index}]"), message);
        }
    }
    let count_fits = (1..=1 + MAX_FALLBACKS).contains(&step.targets.len());
    rules.hold(
        count_fits,
        &format!("{path}.targets"),
        "must be a primary and at most 16 fallbacks",
    );
    for (index, target) in step.targets.iter().enumerate() {
        check_target(&format!("{path}.targets[{index}]"), target, rules);
    }
    let seeds: BTreeSet<u32> = step.targets.iter().map(|target| target.seed).collect();
    rules.hold(
        seeds.len() <= 1,
        &format!("{path}.targets"),
        "must share one seed",
    );
}

fn check_anchors(path: &str, names: &[String], rules: &mut Rules<'_>) {
    rules.hold(names.len() <= MAX_ANCHORS, path, "are more than 16");
    let mut seen = BTreeSet::new();
    for name in names {
        rules.required_text(path, name, MAX_ANCHOR_NAME_BYTES);
        rules.hold(seen.insert(name.as_str()), path, "name an anchor twice");
    }
}

fn check_target(path: &str, target: &RenderSpec, rules: &mut Rules<'_>) {
    let field = |name: &str| -> String { format!("{path}.{name}") };
    rules.hold(
        target.format == RENDER_FORMAT,
        &field("format"),
        "must be limn.render/1",
    );
    rules.required_text(&field("provider"), &target.provider, MAX_NAME_BYTES);
    rules.required_text(&field("model"), &target.model, MAX_NAME_BYTES);
    rules.text(&field("model_revision"), &target.model_revision, MAX_NAME_BYTES);
    rules.text(&field("prompt"), &target.prompt, MAX_TEXT_BYTES);
    rules.hold(!target.prompt.trim().is_empty(), &field("prompt"), "is empty");
    rules.text(&field("negative_prompt"), &target.negative_prompt, MAX_TEXT_BYTES);
    rules.hold(target.width_px > 0, &field("width_px"), "is zero");
    rules.hold(target.height_px > 0, &field("height_px"), "is zero");
    rules.text(&field("size_token"), &target.size_token, MAX_NAME_BYTES);
    rules.known::<Quality>(&field("quality"), target.quality, false);
    rules.text(&field("quality_token"), &target.quality_token, MAX_NAME_BYTES);
    rules.known::<Style>(&field("style"), target.style, false);
    rules.text(&field("style_token"), &target.style_token, MAX_NAME_BYTES);
    rules.known::<SeedMode>(&field("seed_mode"), target.seed_mode, true);
    rules.range(&field("seed"), target.seed, 0, MAX_SEED);
    let media_type_known = MEDIA_TYPES.contains(&target.media_type.as_str());
    rules.hold(
        media_type_known,
        &field("media_type"),
        "is none of the media types of a picture",
    );
    rules.labels(&field("options"), &target.options);
    if let Some(problem) = reference_problem(&target.references) {
        rules.broken(field("references"), problem);
    }
}

/// Says what is wrong with a thumbnail.
pub(crate) fn check_thumbnail(thumbnail: &ThumbnailSpec) -> Result<(), &'static str> {
    let sides = 16..=2048;
    if !sides.contains(&thumbnail.width_px) || !sides.contains(&thumbnail.height_px) {
        return Err("must have sides of 16 to 2048 px");
    }
    match ThumbnailFit::try_from(thumbnail.fit) {
        Ok(ThumbnailFit::Cover | ThumbnailFit::Contain) => {}
        Ok(ThumbnailFit::Unspecified) | Err(_) => return Err("must fill its box by cover or contain"),
    }
    let quality_fits = match thumbnail.media_type.as_str() {
        "image/jpeg" => (1..=100).contains(&thumbnail.quality_percent),
        "image/png" => thumbnail.quality_percent <= 100,
        _ => return Err("must be image/jpeg or image/png"),
    };
    if quality_fits {
        Ok(())
    } else {
        Err("must have a quality of 1 to 100 percent")
    }
}
