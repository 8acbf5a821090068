//! A render in the words of either form of the API.

use limn_proto::plan::SeedMode;
use serde_json::{Map, Value, json};

use crate::{
    plan::{ImageFormat, Render},
    provider::Reference,
    providers::http::data_url,
};

/// Most references that the images endpoint takes.
const MAX_REFERENCES: usize = 16;

/// A request, ready to be sent.
#[derive(Debug)]
pub(super) struct Order {
    pub(super) path: &'static str,
    pub(super) body: Value,
}

/// Whom OpenRouter may pass the work on to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Upstream<'a> {
    pub(super) only: &'a [String],
    pub(super) ignore: &'a [String],
    pub(super) allow_fallbacks: Option<bool>,
}

/// Which form draws a model, by the beginning of its id in the catalog. No id at OpenRouter has a colon before its
/// first slash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// `POST /images`.
    Images,
    /// `POST /chat/completions`, with what the model may answer with.
    Chat(&'static [&'static str]),
}

/// Writes a render down. An error names what the API has no field for; such a plan would be honoured in part only.
pub(super) fn order(
    render: &Render,
    references: &[Reference],
    upstream: Upstream<'_>,
) -> Result<Order, String> {
    let unknown_fields = [
        ("a negative prompt", !render.negative_prompt.is_empty()),
        ("a style", !render.style_token.is_empty()),
        ("a guidance scale", render.guidance_milli.is_some()),
    ];
    if let Some((field, _)) = unknown_fields.iter().find(|(_, is_set)| *is_set) {
        return Err(format!("the plan sets {field}, which openrouter does not take"));
    }
    let (form, model) = form(&render.model);
    let model = match render.model_revision.as_str() {
        "" => model,
        revision => revision,
    };
    let mut body = Map::new();
    body.insert("model".to_owned(), model.into());
    if let Some(upstream) = upstream.field() {
        body.insert("provider".to_owned(), upstream);
    }
    if render.seed_mode != SeedMode::Unsupported {
        body.insert("seed".to_owned(), render.seed.into());
    }
    match form {
        Form::Images => {
            images(&mut body, render, references)?;
            Ok(Order {
                path: "/images",
                body: body.into(),
            })
        }
        Form::Chat(modalities) => {
            chat(&mut body, modalities, render, references)?;
            Ok(Order {
                path: "/chat/completions",
                body: body.into(),
            })
        }
    }
}

/// The form of a model, and its id at OpenRouter.
fn form(id: &str) -> (Form, &str) {
    if let Some(model) = id.strip_prefix("chat:") {
        (Form::Chat(&["image", "text"]), model)
    } else if let Some(model) = id.strip_prefix("chat-image:") {
        (Form::Chat(&["image"]), model)
    } else {
        (Form::Images, id)
    }
}

fn images(body: &mut Map<String, Value>, render: &Render, references: &[Reference]) -> Result<(), String> {
    if references.len() > MAX_REFERENCES {
        return Err(format!(
            "the plan refers to {} pictures; openrouter takes {MAX_REFERENCES}",
            references.len()
        ));
    }
    body.insert("prompt".to_owned(), render.prompt.as_str().into());
    body.insert("n".to_owned(), 1.into());
    for (name, value) in size(render)? {
        body.insert(name.to_owned(), value.into());
    }
    if !render.quality_token.is_empty() {
        body.insert("quality".to_owned(), render.quality_token.as_str().into());
    }
    body.insert("output_format".to_owned(), format_word(render.format).into());
    for (name, value) in &render.options {
        body.insert(name.clone(), option(name, value)?);
    }
    if !references.is_empty() {
        let references = references.iter().map(reference_part);
        body.insert("input_references".to_owned(), references.collect());
    }
    Ok(())
}

/// The chat form has no field for the format: the catalog lists what the model answers with.
fn chat(
    body: &mut Map<String, Value>,
    modalities: &[&str],
    render: &Render,
    references: &[Reference],
) -> Result<(), String> {
    let content: Value = if references.is_empty() {
        render.prompt.as_str().into()
    } else {
        let text = json!({"type": "text", "text": render.prompt});
        std::iter::once(text)
            .chain(references.iter().map(reference_part))
            .collect()
    };
    let mut config = Map::new();
    for (name, value) in size(render)? {
        // The tier has another name here.
        let name = if name == "resolution" { "image_size" } else { name };
        config.insert(name.to_owned(), value.into());
    }
    if !render.quality_token.is_empty() {
        config.insert("quality".to_owned(), render.quality_token.as_str().into());
    }
    for (name, value) in &render.options {
        config.insert(name.clone(), option(name, value)?);
    }
    body.insert(
        "messages".to_owned(),
        json!([{"role": "user", "content": content}]),
    );
    body.insert("modalities".to_owned(), json!(modalities));
    body.insert("image_config".to_owned(), config.into());
    Ok(())
}

/// The size by the token of the catalog: pixels as `1024x1024`, a tier as `2K`, an aspect ratio as `16:9`, or a tier and a ratio as `2K 16:9`.
/// Without a token the pixels are sent.
fn size(render: &Render) -> Result<Vec<(&'static str, String)>, String> {
    if render.size_token.is_empty() {
        return Ok(vec![(
            "size",
            format!("{}x{}", render.width_px, render.height_px),
        )]);
    }
    let words: Vec<&str> = render.size_token.split_whitespace().collect();
    let fields: Vec<(&str, String)> = words
        .iter()
        .map(|word| (size_field(word), (*word).to_owned()))
        .collect();
    let names: Vec<&str> = fields.iter().map(|(name, _)| *name).collect();
    if matches!(
        names[..],
        ["size"] | ["resolution"] | ["aspect_ratio"] | ["resolution", "aspect_ratio"]
    ) {
        return Ok(fields);
    }
    Err(format!(
        "openrouter has no size {:?}; the catalog must say pixels such as 1024x1024, a tier such as 2K, a ratio such as 16:9, or a \
         tier and a ratio such as \"2K 16:9\"",
        render.size_token
    ))
}

fn size_field(word: &str) -> &'static str {
    let is_pixels = word
        .split_once('x')
        .is_some_and(|(width, height)| width.parse::<u32>().is_ok() && height.parse::<u32>().is_ok());
    if is_pixels {
        "size"
    } else if word.contains(':') || word == "auto" {
        "aspect_ratio"
    } else {
        "resolution"
    }
}

fn format_word(format: ImageFormat) -> &'static str {
    match format {
        ImageFormat::Png => "png",
        ImageFormat::Jpeg => "jpeg",
        ImageFormat::Webp => "webp",
    }
}

fn option(name: &str, value: &str) -> Result<Value, String> {
    match name {
        "background" => Ok(value.into()),
        "output_compression" => match value.parse::<u8>() {
            Ok(percent) if percent <= 100 => Ok(percent.into()),
            _ => Err(format!(
                "output_compression is {value:?}, not a number from 0 to 100"
            )),
        },
        _ => Err(format!("openrouter has no option {name:?}")),
    }
}

fn reference_part(reference: &Reference) -> Value {
    let url = data_url(&reference.media_type, &reference.bytes);
    json!({"type": "image_url", "image_url": {"url": url}})
}

impl Upstream<'_> {
    fn field(self) -> Option<Value> {
        let mut field = Map::new();
        for (name, slugs) in [("only", self.only), ("ignore", self.ignore)] {
            if !slugs.is_empty() {
                field.insert(name.to_owned(), json!(slugs));
            }
        }
        if let Some(allow) = self.allow_fallbacks {
            field.insert("allow_fallbacks".to_owned(), allow.into());
        }
        (!field.is_empty()).then(|| field.into())
    }
}
