//! What a plan puts into the placeholders of a workflow.

use std::collections::BTreeMap;

use limn_proto::plan::SeedMode;
use serde_json::{Value, json};

use super::workflow::{Workflow, reference_name};
use crate::plan::{ImageFormat, Render};

/// Everything that a plan can set has a placeholder, or the plan is refused: it would be honoured in part only.
pub(super) fn values(
    workflow: &Workflow,
    render: &Render,
    fixed_model: &str,
    attempt: &str,
    references: usize,
) -> Result<BTreeMap<String, Value>, String> {
    if !render.size_token.is_empty() {
        return Err(format!(
            "the plan sets the size {:?}, but a workflow takes pixels; leave the token out of the catalog",
            render.size_token
        ));
    }
    let model = match render.model_revision.as_str() {
        "" => &render.model,
        revision => revision,
    };
    if !workflow.has("model") && render.model != fixed_model {
        return Err(format!(
            "the workflow draws with {fixed_model:?} only, and the plan asks for {:?}",
            render.model
        ));
    }
    if workflow.references() != references {
        return Err(format!(
            "the plan refers to {references} pictures, and the workflow to {}; it has a placeholder {{{{reference_1}}}} and so on for each",
            workflow.references()
        ));
    }
    let mut values = BTreeMap::new();
    let mut set = |name: String, value: Value| values.insert(name, value);
    set("attempt".to_owned(), attempt.into());
    set("model".to_owned(), model.into());
    set("prompt".to_owned(), render.prompt.as_str().into());
    set("width".to_owned(), render.width_px.into());
    set("height".to_owned(), render.height_px.into());
    if render.seed_mode != SeedMode::Unsupported {
        set("seed".to_owned(), render.seed.into());
    }
    let mut needed = Vec::new();
    for (name, text) in [
        ("negative_prompt", &render.negative_prompt),
        ("style", &render.style_token),
    ] {
        if !text.is_empty() {
            set(name.to_owned(), text.as_str().into());
            needed.push(name.to_owned());
        }
    }
    if let Some(milli) = render.guidance_milli {
        set("guidance".to_owned(), json!(f64::from(milli) / 1000.0));
        needed.push("guidance".to_owned());
    }
    // Quality has no word of its own here: it is the number of steps.
    if !render.quality_token.is_empty() {
        set(
            "steps".to_owned(),
            steps("the quality of the catalog", &render.quality_token)?,
        );
        needed.push("steps".to_owned());
    }
    for (name, value) in &render.options {
        let (name, value) = match name.as_str() {
            "steps" => (name.clone(), steps("the option steps", value)?),
            "sampler" | "scheduler" => (name.clone(), value.as_str().into()),
            _ => (format!("option.{name}"), value.as_str().into()),
        };
        set(name.clone(), value);
        needed.push(name);
    }
    match needed.iter().find(|name| !workflow.has(name)) {
        Some(name) => Err(format!(
            "the plan sets {name}, and the workflow has no placeholder {{{{{name}}}}}"
        )),
        None => Ok(values),
    }
}

/// Puts uploaded pictures into their placeholders.
pub(super) fn set_references(values: &mut BTreeMap<String, Value>, uploaded: &[String]) {
    for (number, name) in (1..).zip(uploaded) {
        values.insert(reference_name(number), name.as_str().into());
    }
}

/// Nodes save PNG; the server converts while it hands a picture out.
pub(super) fn conversion(format: ImageFormat, file: &str) -> Option<&'static str> {
    let file = file.to_ascii_lowercase();
    let is_already = match format {
        ImageFormat::Png => file.ends_with(".png"),
        ImageFormat::Jpeg => file.ends_with(".jpg") || file.ends_with(".jpeg"),
        ImageFormat::Webp => file.ends_with(".webp"),
    };
    match format {
        _ if is_already => None,
        ImageFormat::Png => None,
        ImageFormat::Jpeg => Some("jpeg;95"),
        ImageFormat::Webp => Some("webp;95"),
    }
}

fn steps(what: &str, text: &str) -> Result<Value, String> {
    match text.parse::<u32>() {
        Ok(steps) if (1..=10_000).contains(&steps) => Ok(steps.into()),
        _ => Err(format!(
            "{what} is {text:?}, not a number of steps from 1 to 10000"
        )),
    }
}
