//! Messages of `:predict`: the request as it is sent, and the answer as far as it is needed.

use limn_proto::{plan::SeedMode, reason::Reason};
use serde_json::{Map, Value, json};

use crate::{
    ids::AttemptId,
    plan::{ImageFormat, Render},
    provider::{Bill, InterpretError, Rendered},
    providers::{
        google::size::Size,
        http::{Redaction, decode},
    },
};

/// Highest seed: the field has 32 bits with a sign. Zero is not taken.
const MAX_SEED: u32 = i32::MAX.unsigned_abs();

/// Label with the attempt.
const ATTEMPT_LABEL: &str = "limn-attempt";

/// Body of `:predict`. An error names what the API has no field for.
pub(super) fn body(render: &Render, watermark: bool, attempt: AttemptId) -> Result<Value, String> {
    let unknown_fields = [
        ("a style", !render.style_token.is_empty()),
        ("a quality", !render.quality_token.is_empty()),
        ("no word for the size", render.size_token.is_empty()),
        ("the format image/webp", render.format == ImageFormat::Webp),
    ];
    if let Some((field, _)) = unknown_fields.iter().find(|(_, is_set)| *is_set) {
        return Err(format!("the plan sets {field}, which vertex does not take"));
    }
    let size = Size::parse(&render.size_token)?;
    let mut output = json!({ "mimeType": render.format.media_type() });
    let mut parameters = Map::new();
    for (name, value) in &render.options {
        match name.as_str() {
            "person_generation" => parameters.insert("personGeneration".to_owned(), value.as_str().into()),
            "safety_setting" => parameters.insert("safetySetting".to_owned(), value.as_str().into()),
            "language" => parameters.insert("language".to_owned(), value.as_str().into()),
            "enhance_prompt" => parameters.insert("enhancePrompt".to_owned(), truth(name, value)?.into()),
            "compression_quality" => {
                let percent = value.parse::<u8>().ok().filter(|percent| *percent <= 100);
                let percent =
                    percent.ok_or_else(|| format!("{name} is {value:?}, not a number from 0 to 100"))?;
                output["compressionQuality"] = percent.into();
                None
            }
            _ => return Err(format!("vertex has no option {name:?}")),
        };
    }
    let optional = [
        ("sampleImageSize", size.class.map(Value::from)),
        (
            "negativePrompt",
            Some(render.negative_prompt.as_str())
                .filter(|text| !text.is_empty())
                .map(Value::from),
        ),
        (
            "guidanceScale",
            render
                .guidance_milli
                .map(|milli| Value::from(f64::from(milli) / 1000.0)),
        ),
        ("seed", seed(render, watermark)?.map(Value::from)),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            parameters.insert(name.to_owned(), value);
        }
    }
    parameters.insert("sampleCount".to_owned(), 1.into());
    parameters.insert("aspectRatio".to_owned(), size.ratio.into());
    parameters.insert("addWatermark".to_owned(), watermark.into());
    // Without it, a picture that was filtered leaves nothing behind.
    parameters.insert("includeRaiReason".to_owned(), true.into());
    parameters.insert("outputOptions".to_owned(), output);
    Ok(json!({
        "instances": [{ "prompt": render.prompt }],
        "parameters": parameters,
        "labels": { ATTEMPT_LABEL: attempt.to_string() },
    }))
}

fn truth(name: &str, value: &str) -> Result<bool, String> {
    value
        .parse()
        .map_err(|_| format!("{name} is {value:?}, not true or false"))
}

fn seed(render: &Render, watermark: bool) -> Result<Option<u32>, String> {
    match (render.seed_mode, render.seed) {
        (SeedMode::Unsupported, _) => Ok(None),
        (_, seed) if seed == 0 || seed > MAX_SEED => Err(format!(
            "the seed {seed} is not one from 1 to {MAX_SEED}, which vertex takes"
        )),
        (_, _) if watermark => Err(
            "vertex takes no seed for a picture with a watermark: set providers.vertex.watermark = false"
                .to_owned(),
        ),
        (_, seed) => Ok(Some(seed)),
    }
}

/// Reads a success. A filtered picture is not among the predictions, so that there are none at all.
pub(super) fn read(body: &[u8], render: &Render) -> Result<Rendered, InterpretError> {
    let Ok(answer) = serde_json::from_slice::<Value>(body) else {
        return Err(unusable(Reason::NoImage, "the answer is not JSON"));
    };
    let predictions = || answer["predictions"].as_array().into_iter().flatten();
    let drawn = predictions().find_map(|prediction| {
        let encoded = prediction["bytesBase64Encoded"].as_str()?;
        Some((prediction, encoded)).filter(|(_, encoded)| !encoded.is_empty())
    });
    let Some((prediction, encoded)) = drawn else {
        let why = predictions().find_map(|prediction| prediction["raiFilteredReason"].as_str());
        return Err(match why {
            Some(why) => {
                let redaction = Redaction {
                    secrets: &[],
                    prompt: &render.prompt,
                };
                let why = redaction.apply(why);
                unusable(
                    Reason::ContentBlocked,
                    &format!("the picture was filtered by content moderation: {why}"),
                )
            }
            None if predictions().next().is_none() => unusable(
                Reason::ContentBlocked,
                "the answer has no predictions: the picture was filtered by content moderation",
            ),
            None => unusable(Reason::NoImage, "the answer has no picture"),
        });
    };
    match decode(encoded) {
        Ok(picture) => Ok(Rendered {
            image: picture,
            revised_prompt: prediction["prompt"].as_str().unwrap_or_default().to_owned(),
            model_version: answer["modelVersionId"].as_str().unwrap_or_default().to_owned(),
            ..Rendered::default()
        }),
        Err(error) => Err(unusable(
            Reason::ImageInvalid,
            &format!("the picture is not in base64: {error}"),
        )),
    }
}

fn unusable(reason: Reason, message: &str) -> InterpretError {
    InterpretError {
        reason,
        message: message.to_owned(),
        bill: Bill::default(),
    }
}
