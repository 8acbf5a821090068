//! The older API: JSON with sizes in pixels, and a picture in base64.

use serde::Serialize;
use serde_json::{Map, Value};

use super::route;
use crate::plan::{ImageFormat, Render};

/// Body of `POST /v1/generation/{engine}/text-to-image`.
#[derive(Debug, Serialize)]
pub(super) struct Generation<'a> {
    text_prompts: Vec<TextPrompt<'a>>,
    width: u32,
    height: u32,
    samples: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cfg_scale: Option<f64>,
    #[serde(skip_serializing_if = "str::is_empty")]
    style_preset: &'a str,
    #[serde(flatten)]
    options: Map<String, Value>,
}

#[derive(Debug, Serialize)]
struct TextPrompt<'a> {
    text: &'a str,
    /// Negative: away from the text.
    weight: f64,
}

impl<'a> Generation<'a> {
    /// Writes a render down. An error names what the API has no field for.
    pub(super) fn new(render: &'a Render) -> Result<Self, String> {
        let unknown_fields = [
            ("a word for the size", !render.size_token.is_empty()),
            ("a quality", !render.quality_token.is_empty()),
            ("another format than image/png", render.format != ImageFormat::Png),
        ];
        if let Some((field, _)) = unknown_fields.iter().find(|(_, is_set)| *is_set) {
            return Err(format!(
                "the plan sets {field}, which stability does not take at v1"
            ));
        }
        let negative = Some(TextPrompt {
            text: &render.negative_prompt,
            weight: -1.0,
        });
        let positive = TextPrompt {
            text: &render.prompt,
            weight: 1.0,
        };
        let texts = [Some(positive), negative.filter(|prompt| !prompt.text.is_empty())];
        Ok(Self {
            text_prompts: texts.into_iter().flatten().collect(),
            width: render.width_px,
            height: render.height_px,
            samples: 1,
            seed: route::seed(render, u32::MAX)?,
            cfg_scale: render.guidance_milli.map(|milli| f64::from(milli) / 1000.0),
            style_preset: &render.style_token,
            options: options(&render.options)?,
        })
    }
}

fn options(options: &[(String, String)]) -> Result<Map<String, Value>, String> {
    let typed = options.iter().map(|(name, value)| {
        let typed = match name.as_str() {
            "sampler" | "clip_guidance_preset" => Value::from(value.as_str()),
            "steps" => match value.parse::<u32>() {
                Ok(steps) => Value::from(steps),
                Err(_) => return Err(format!("steps is {value:?}, not a whole number")),
            },
            _ => return Err(format!("stability has no option {name:?} at v1")),
        };
        Ok((name.clone(), typed))
    });
    typed.collect()
}
