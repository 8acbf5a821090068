//! Answers of a success, which either API has in more than one shape. A success is not always a picture.

use bytes::Bytes;
use limn_proto::reason::Reason;
use serde_json::Value;

use crate::{
    provider::{Answer, Bill, InterpretError, Rendered},
    providers::http::decode,
};

/// Header with the outcome, beside a picture in bytes.
const FINISH_REASON: &str = "finish-reason";
/// Header with the seed, beside a picture in bytes.
const SEED: &str = "seed";

/// Headers of a success that are kept.
pub(super) const KEPT_HEADERS: &[&str] = &["date", FINISH_REASON, SEED, super::REQUEST_ID];

/// Reads a success: the bytes of a picture with headers, or JSON in one of three shapes.
pub(super) fn read(answer: &Answer) -> Result<Rendered, InterpretError> {
    // "application/json; type=image/png" is JSON too.
    if answer.media_type.starts_with("application/json") {
        return read_json(&answer.body);
    }
    let header = |name: &str| answer.headers.get(name).map_or("", String::as_str);
    check_outcome(header(FINISH_REASON))?;
    rendered(answer.body.clone(), header(SEED).parse().ok())
}

fn read_json(body: &[u8]) -> Result<Rendered, InterpretError> {
    let Ok(parsed) = serde_json::from_slice::<Value>(body) else {
        return Err(without_picture(Reason::NoImage, "the answer is not JSON"));
    };
    // v1 wraps its pictures in an object, its documents show them bare; v2beta has one picture and no list.
    let item = match &parsed {
        Value::Array(items) => items.first().unwrap_or(&Value::Null),
        Value::Object(fields) if fields.contains_key("artifacts") => &parsed["artifacts"][0],
        parsed => parsed,
    };
    let text = |names: [&str; 2]| names.iter().find_map(|name| item[*name].as_str());
    check_outcome(text(["finishReason", "finish_reason"]).unwrap_or_default())?;
    let Some(encoded) = text(["base64", "image"]) else {
        return Err(without_picture(Reason::NoImage, "the answer has no picture"));
    };
    match decode(encoded) {
        Ok(picture) => rendered(picture, item["seed"].as_u64()),
        Err(error) => Err(without_picture(
            Reason::ImageInvalid,
            &format!("the picture is not in base64: {error}"),
        )),
    }
}

/// A filtered picture comes blurred, and as a success.
fn check_outcome(outcome: &str) -> Result<(), InterpretError> {
    match outcome {
        "CONTENT_FILTERED" => Err(without_picture(
            Reason::ContentBlocked,
            "the picture was filtered by content moderation (CONTENT_FILTERED)",
        )),
        "ERROR" => Err(without_picture(
            Reason::NoImage,
            "the picture was not finished (ERROR)",
        )),
        _ => Ok(()),
    }
}

fn rendered(picture: Bytes, seed: Option<u64>) -> Result<Rendered, InterpretError> {
    if picture.is_empty() {
        return Err(without_picture(Reason::NoImage, "the answer has no picture"));
    }
    if image::guess_format(&picture).is_err() {
        return Err(without_picture(
            Reason::ImageInvalid,
            "what the answer has in it is no picture",
        ));
    }
    Ok(Rendered {
        image: picture,
        seed,
        ..Rendered::default()
    })
}

fn without_picture(reason: Reason, message: &str) -> InterpretError {
    InterpretError {
        reason,
        message: message.to_owned(),
        bill: Bill::default(),
    }
}
