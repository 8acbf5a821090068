//! The request as it is sent.

use limn_proto::plan::SeedMode;
use serde_json::{Map, Value, json};

use super::size::Size;
use crate::{plan::Render, provider::Reference, providers::http::encode};

/// Highest seed: the field has 32 bits with a sign.
const MAX_SEED: u32 = i32::MAX.unsigned_abs();

/// What one threshold is set for. The API takes a list; these are the categories that it filters by default.
const CATEGORIES: &[&str] = &[
    "HARM_CATEGORY_HARASSMENT",
    "HARM_CATEGORY_HATE_SPEECH",
    "HARM_CATEGORY_SEXUALLY_EXPLICIT",
    "HARM_CATEGORY_DANGEROUS_CONTENT",
];

/// Path of the request. The snapshot that was pinned goes before the alias, which may move.
pub(super) fn path(render: &Render) -> Result<String, String> {
    let model = if render.model_revision.is_empty() {
        &render.model
    } else {
        &render.model_revision
    };
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "-_.".contains(character);
    if model.is_empty() || model.starts_with('.') || !model.chars().all(is_plain) {
        return Err(format!(
            "{model:?} is no model of google: write it as the API lists it, without models/"
        ));
    }
    Ok(format!("/models/{model}:generateContent"))
}

/// Body of `generateContent`. An error names what the API has no field for.
pub(super) fn body(render: &Render, references: &[Reference]) -> Result<Value, String> {
    let unknown_fields = [
        ("a negative prompt", !render.negative_prompt.is_empty()),
        ("a style", !render.style_token.is_empty()),
        ("a quality", !render.quality_token.is_empty()),
        ("a guidance scale", render.guidance_milli.is_some()),
        ("no word for the size", render.size_token.is_empty()),
    ];
    if let Some((field, _)) = unknown_fields.iter().find(|(_, is_set)| *is_set) {
        return Err(format!("the plan sets {field}, which google does not take"));
    }
    let mut parts = vec![json!({ "text": render.prompt })];
    parts.extend(references.iter().map(|reference| {
        let data = encode(&reference.bytes);
        json!({"inlineData": {"mimeType": reference.media_type, "data": data}})
    }));
    let size = Size::parse(&render.size_token)?;
    let mut image = json!({ "aspectRatio": size.ratio });
    if let Some(class) = size.class {
        image["imageSize"] = class.into();
    }
    // Without TEXT among the modalities, fewer models talk instead of drawing.
    let mut config = json!({"responseModalities": ["IMAGE"], "imageConfig": image});
    if let Some(seed) = seed(render)? {
        config["seed"] = seed.into();
    }
    let mut body = Map::new();
    for (name, value) in &render.options {
        match name.as_str() {
            "thinking_level" => config["thinkingConfig"] = json!({ "thinkingLevel": value }),
            "temperature" => match value.parse::<f64>() {
                Ok(temperature) if temperature.is_finite() => config["temperature"] = temperature.into(),
                _ => return Err(format!("temperature is {value:?}, not a number")),
            },
            "safety_threshold" => {
                let settings = CATEGORIES
                    .iter()
                    .map(|category| json!({"category": category, "threshold": value}));
                body.insert("safetySettings".to_owned(), settings.collect());
            }
            _ => return Err(format!("google has no option {name:?}")),
        }
    }
    body.insert("contents".to_owned(), json!([{"role": "user", "parts": parts}]));
    body.insert("generationConfig".to_owned(), config);
    Ok(Value::Object(body))
}

fn seed(render: &Render) -> Result<Option<u32>, String> {
    if render.seed_mode == SeedMode::Unsupported {
        return Ok(None);
    }
    if render.seed > MAX_SEED {
        return Err(format!(
            "the seed {} is above {MAX_SEED}, the highest that google takes",
            render.seed
        ));
    }
    Ok(Some(render.seed))
}
