//! What a success is worth. Refusals come as successes too, and a model may talk instead of drawing.

use bytes::Bytes;
use limn_proto::reason::Reason;
use serde_json::Value;

use crate::{
    artifact::{self, Expected, Limits},
    plan::{ImageFormat, Render},
    provider::{Bill, InterpretError, Rendered},
    providers::http::decode,
};

/// Why a model stopped, when the content was the reason.
const REFUSALS: &[&str] = &[
    "SAFETY",
    "RECITATION",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "IMAGE_SAFETY",
    "IMAGE_PROHIBITED_CONTENT",
    "IMAGE_RECITATION",
];

/// Quality of a picture that is written again as a JPEG, in percent.
const JPEG_QUALITY_PERCENT: u8 = 95;

/// Reads a success. Only the picture must be there: one that was paid for is not lost to a field that moved.
pub(super) fn read(body: &[u8], render: &Render) -> Result<Rendered, InterpretError> {
    let Ok(answer) = serde_json::from_slice::<Value>(body) else {
        return Err(unusable(
            Reason::NoImage,
            "the answer is not JSON".to_owned(),
            Bill::default(),
        ));
    };
    let bill = bill(&answer["usageMetadata"]);
    let candidates = || answer["candidates"].as_array().into_iter().flatten();
    let stopped = candidates()
        .find_map(|candidate| candidate["finishReason"].as_str())
        .unwrap_or_default();
    if REFUSALS.contains(&stopped) {
        let message = format!("the picture was refused by content moderation ({stopped})");
        return Err(unusable(Reason::ContentBlocked, message, bill));
    }
    let parts =
        candidates().flat_map(|candidate| candidate["content"]["parts"].as_array().into_iter().flatten());
    // What a model draws while it thinks is a draft, and is not what was asked for.
    let mut said = parts.filter(|part| part["thought"] != true);
    let Some(encoded) = said.clone().find_map(|part| part["inlineData"]["data"].as_str()) else {
        let has_words = said.any(|part| part["text"].is_string());
        return Err(without_picture(&answer, stopped, has_words, bill));
    };
    match decode(encoded) {
        Ok(picture) => Ok(Rendered {
            image: in_format(picture, render),
            model_version: answer["modelVersion"].as_str().unwrap_or_default().to_owned(),
            bill,
            ..Rendered::default()
        }),
        Err(error) => {
            let message = format!("the picture is not in base64: {error}");
            Err(unusable(Reason::ImageInvalid, message, bill))
        }
    }
}

fn without_picture(answer: &Value, stopped: &str, has_words: bool, bill: Bill) -> InterpretError {
    let blocked = answer["promptFeedback"]["blockReason"]
        .as_str()
        .unwrap_or_default();
    if !blocked.is_empty() && blocked != "BLOCK_REASON_UNSPECIFIED" {
        let message = format!("the prompt was refused by content moderation ({blocked})");
        return unusable(Reason::ContentBlocked, message, bill);
    }
    let what = if has_words {
        "the model answered in words and drew nothing"
    } else {
        "the answer has no picture"
    };
    let message = if stopped.is_empty() {
        what.to_owned()
    } else {
        format!("{what} ({stopped})")
    };
    unusable(Reason::NoImage, message, bill)
}

fn unusable(reason: Reason, message: String, bill: Bill) -> InterpretError {
    InterpretError {
        reason,
        message,
        bill,
    }
}

/// Usage in the units of the price pins. Words and thoughts have a unit too, so that a price without one is not taken for
/// the whole. Without details all input counts as text and all output as picture.
fn bill(usage: &Value) -> Bill {
    let of = |details: &str, modality: &str| {
        let details = usage[details].as_array().into_iter().flatten();
        let counts = details.filter(|detail| detail["modality"] == modality);
        counts
            .filter_map(|detail| detail["tokenCount"].as_i64())
            .reduce(i64::saturating_add)
    };
    let total = |name: &str| usage[name].as_i64();
    let image_input = of("promptTokensDetails", "IMAGE");
    let text_input = total("promptTokenCount").map(|all| all - image_input.unwrap_or(0));
    let image_output = of("candidatesTokensDetails", "IMAGE").or_else(|| total("candidatesTokenCount"));
    let words = total("candidatesTokenCount").map(|all| all - image_output.unwrap_or(0));
    let text_output = words
        .unwrap_or(0)
        .saturating_add(total("thoughtsTokenCount").unwrap_or(0));
    let counts = [
        ("text_input_token", text_input),
        ("image_input_token", image_input),
        ("image_output_token", image_output),
        ("text_output_token", Some(text_output).filter(|count| *count > 0)),
    ];
    let known = counts.into_iter().filter_map(|(unit, count)| {
        let count = count.filter(|count| *count >= 0)?;
        Some((unit.to_owned(), count))
    });
    Bill {
        cost_nanos: None,
        usage: known.collect(),
        is_unbilled: false,
    }
}

/// The picture in the format that was ordered. The API has no field for it, each model has a format of its own, and what
/// it declares is not always what it sends. A picture that is not as ordered otherwise stays as it is, to be refused.
fn in_format(picture: Bytes, render: &Render) -> Bytes {
    let format = match image::guess_format(&picture) {
        Ok(image::ImageFormat::Png) => ImageFormat::Png,
        Ok(image::ImageFormat::Jpeg) => ImageFormat::Jpeg,
        Ok(image::ImageFormat::WebP) => ImageFormat::Webp,
        _ => return picture,
    };
    if format == render.format {
        return picture;
    }
    let expected = Expected {
        format,
        width_px: render.width_px,
        height_px: render.height_px,
    };
    let Ok(artifact) = artifact::inspect(&picture, &expected, &Limits::default()) else {
        return picture;
    };
    artifact::encode(&artifact.pixels, render.format, JPEG_QUALITY_PERCENT).map_or(picture, Bytes::from)
}
