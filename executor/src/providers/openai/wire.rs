//! Messages of the API: the request as it is sent, and the answer as far as it is needed.

use std::collections::BTreeMap;

use limn_proto::reason::Reason;
use serde::Serialize;
use serde_json::Value;

use crate::{
    plan::{ImageFormat, Render},
    provider::{Bill, InterpretError, Rendered},
    providers::http::decode,
};

/// Body of `POST /images/generations`. `response_format`, `style`, `user` and `seed` are missing because the API
/// refuses the first two and knows no seed.
#[derive(Debug, Serialize)]
pub(super) struct GenerationRequest<'a> {
    model: &'a str,
    prompt: &'a str,
    n: u32,
    size: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    quality: &'a str,
    output_format: &'static str,
    #[serde(flatten)]
    options: BTreeMap<&'a str, Value>,
}

impl<'a> GenerationRequest<'a> {
    /// Writes a render down. An error names what the API has no field for; such a plan would be
    /// honoured in part only.
    pub(super) fn new(render: &'a Render) -> Result<Self, String> {
        let unknown_fields = [
            ("a negative prompt", !render.negative_prompt.is_empty()),
            ("a style", !render.style_token.is_empty()),
            ("a guidance scale", render.guidance_milli.is_some()),
        ];
        if let Some((field, _)) = unknown_fields.iter().find(|(_, is_set)| *is_set) {
            return Err(format!("the plan sets {field}, which openai does not take"));
        }
        Ok(Self {
            model: first_non_empty(&render.model_revision, &render.model),
            prompt: &render.prompt,
            n: 1,
            size: if render.size_token.is_empty() {
                format!("{}x{}", render.width_px, render.height_px)
            } else {
                render.size_token.clone()
            },
            quality: &render.quality_token,
            output_format: match render.format {
                ImageFormat::Png => "png",
                ImageFormat::Jpeg => "jpeg",
                ImageFormat::Webp => "webp",
            },
            options: options(&render.options)?,
        })
    }
}

/// The snapshot that was pinned goes before the alias, which may move.
fn first_non_empty<'a>(first: &'a str, second: &'a str) -> &'a str {
    if first.is_empty() { second } else { first }
}

fn options(options: &[(String, String)]) -> Result<BTreeMap<&str, Value>, String> {
    let typed = options.iter().map(|(name, value)| {
        let typed = match name.as_str() {
            "background" | "moderation" => Value::from(value.as_str()),
            "output_compression" => match value.parse::<u8>() {
                Ok(percent) if percent <= 100 => Value::from(percent),
                _ => {
                    return Err(format!(
                        "output_compression is {value:?}, not a number from 0 to 100"
                    ));
                }
            },
            _ => return Err(format!("openai has no option {name:?}")),
        };
        Ok((name.as_str(), typed))
    });
    typed.collect()
}

/// Reads a successful answer. Only `data[0].b64_json` must be there: a paid image is not lost to a field
/// that moved.
pub(super) fn read_answer(body: &[u8]) -> Result<Rendered, InterpretError> {
    let Ok(answer) = serde_json::from_slice::<Value>(body) else {
        return Err(without_image("the answer is not JSON", Bill::default()));
    };
    let bill = bill(&answer["usage"]);
    let image = &answer["data"][0];
    let Some(encoded) = image["b64_json"].as_str().filter(|text| !text.is_empty()) else {
        let message = if image["url"].is_string() {
            "the answer has an address instead of an image; addresses are not followed"
        } else {
            "the answer has no image"
        };
        return Err(without_image(message, bill));
    };
    match decode(encoded) {
        Ok(bytes) => Ok(Rendered {
            image: bytes,
            revised_prompt: image["revised_prompt"].as_str().unwrap_or_default().to_owned(),
            bill,
            ..Rendered::default()
        }),
        Err(error) => Err(InterpretError {
            reason: Reason::ImageInvalid,
            message: format!("the image is not in base64: {error}"),
            bill,
        }),
    }
}

fn without_image(message: &str, bill: Bill) -> InterpretError {
    InterpretError {
        reason: Reason::NoImage,
        message: message.to_owned(),
        bill,
    }
}

/// Usage in the units of the price pins. Without details all input counts as text, the only input that is sent.
fn bill(usage: &Value) -> Bill {
    let details = &usage["input_tokens_details"];
    let text_input = match (&details["text_tokens"], &details["image_tokens"]) {
        (Value::Null, Value::Null) => &usage["input_tokens"],
        (text_tokens, _) => text_tokens,
    };
    let counts = [
        ("text_input_token", text_input),
        ("image_input_token", &details["image_tokens"]),
        ("image_output_token", &usage["output_tokens"]),
    ];
    let known = counts.into_iter().filter_map(|(unit, count)| {
        let count = count.as_i64().filter(|count| *count >= 0)?;
        Some((unit.to_owned(), count))
    });
    Bill {
        cost_nanos: None,
        usage: known.collect(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(body: &Value) -> Result<Rendered, InterpretError> {
        read_answer(body.to_string().as_bytes())
    }

    #[test]
    fn only_the_image_must_be_there() {
        for usage in [
            json!(null),
            json!("free"),
            json!([]),
            json!({"output_tokens": -1}),
        ] {
            let image = json!({"b64_json": "aGk=", "url": 7, "revised_prompt": []});
            let rendered = read(&json!({"data": [image], "usage": usage, "size": {}})).unwrap();
            assert_eq!(rendered.image, "hi");
            assert!(rendered.bill.usage.is_empty());
        }
        let image = json!({"b64_json": "aGk", "revised_prompt": "b"});
        let rendered = read(&json!({"data": [image]})).unwrap();
        assert_eq!((&*rendered.image, &*rendered.revised_prompt), (&b"hi"[..], "b"));
    }

    #[test]
    fn input_without_details_is_text() {
        let tokens = |usage: Value| {
            let usage = read(&json!({"data": [{"b64_json": "aGk="}], "usage": usage}))
                .unwrap()
                .bill
                .usage;
            ["text_input_token", "image_input_token", "image_output_token"]
                .map(|unit| usage.get(unit).copied())
        };
        let plain = json!({"input_tokens": 5, "output_tokens": 9});
        assert_eq!(tokens(plain), [Some(5), None, Some(9)]);
        let details = json!({"text_tokens": 2, "image_tokens": 3});
        let detailed = json!({"input_tokens": 5, "input_tokens_details": details, "output_tokens": 9});
        assert_eq!(tokens(detailed), [Some(2), Some(3), Some(9)]);
    }

    #[test]
    fn a_lost_image_still_tells_its_bill() {
        let error = read(&json!({"data": [{"b64_json": "?"}], "usage": {"output_tokens": 9}})).unwrap_err();
        assert_eq!(error.reason, Reason::ImageInvalid);
        assert_eq!(error.bill.usage["image_output_token"], 9);
        for empty in [
            json!({}),
            json!([]),
            json!({"data": null}),
            json!({"data": []}),
            json!({"data": [null]}),
        ] {
            assert_eq!(read(&empty).unwrap_err().reason, Reason::NoImage);
        }
    }
}
