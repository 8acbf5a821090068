//! Messages of the API: the request as it is sent, and the answer as far as it is needed.

use limn_proto::{plan::SeedMode, reason::Reason};
use serde_json::{Map, Value};

use crate::{
    plan::{ImageFormat, Render},
    provider::{Bill, InterpretError, Rendered},
    providers::http::decode,
};

/// Option that asks for unfinished pictures while one is drawn: how many.
const PARTIAL_IMAGES: &str = "partial_images";
/// Field that asks for an answer in events.
const STREAM: &str = "stream";

/// Fields of a request, for `POST /images/generations` in JSON and for `POST /images/edits` in a form. `response_format`,
/// `style`, `user` and `seed` are missing because the API refuses the first two and knows no seed.
///
/// An error names what the API has no field for; such a plan would be honoured in part only.
pub(super) fn fields(render: &Render) -> Result<Map<String, Value>, String> {
    let unknown_fields = [
        ("a negative prompt", !render.negative_prompt.is_empty()),
        ("a style", !render.style_token.is_empty()),
        ("a guidance scale", render.guidance_milli.is_some()),
        ("a seed", render.seed_mode != SeedMode::Unsupported),
    ];
    if let Some((field, _)) = unknown_fields.iter().find(|(_, is_set)| *is_set) {
        return Err(format!("the plan sets {field}, which openai does not take"));
    }
    let mut fields = Map::new();
    fields.insert("model".to_owned(), model(render).into());
    fields.insert("prompt".to_owned(), render.prompt.as_str().into());
    fields.insert("n".to_owned(), 1.into());
    fields.insert("size".to_owned(), size(render).into());
    if !render.quality_token.is_empty() {
        fields.insert("quality".to_owned(), render.quality_token.as_str().into());
    }
    fields.insert("output_format".to_owned(), format_name(render.format).into());
    for (name, value) in &render.options {
        option(&mut fields, name, value)?;
    }
    Ok(fields)
}

/// The snapshot that was pinned goes before the alias, which may move.
pub(in crate::providers) fn model(render: &Render) -> &str {
    if render.model_revision.is_empty() {
        &render.model
    } else {
        &render.model_revision
    }
}

/// The provider's own word for the size, else the pixels.
pub(in crate::providers) fn size(render: &Render) -> String {
    if render.size_token.is_empty() {
        format!("{}x{}", render.width_px, render.height_px)
    } else {
        render.size_token.clone()
    }
}

/// A format as the API calls it.
pub(in crate::providers) fn format_name(format: ImageFormat) -> &'static str {
    match format {
        ImageFormat::Png => "png",
        ImageFormat::Jpeg => "jpeg",
        ImageFormat::Webp => "webp",
    }
}

/// Reads a compression in percent.
pub(in crate::providers) fn compression(value: &str) -> Result<u8, String> {
    match value.parse::<u8>() {
        Ok(percent) if percent <= 100 => Ok(percent),
        _ => Err(format!(
            "output_compression is {value:?}, not a number from 0 to 100"
        )),
    }
}

fn option(fields: &mut Map<String, Value>, name: &str, value: &str) -> Result<(), String> {
    let typed = match name {
        "background" | "moderation" => Value::from(value),
        "output_compression" => compression(value)?.into(),
        PARTIAL_IMAGES => match value.parse::<u8>() {
            Ok(count @ 1..=3) => {
                fields.insert(STREAM.to_owned(), true.into());
                count.into()
            }
            _ => {
                return Err(format!("{PARTIAL_IMAGES} is {value:?}, not a number from 1 to 3"));
            }
        },
        _ => return Err(format!("openai has no option {name:?}")),
    };
    fields.insert(name.to_owned(), typed);
    Ok(())
}

/// Reads a successful answer. Only `data[0].b64_json` must be there: a paid image is not lost to a field
/// that moved.
pub(in crate::providers) fn read_answer(body: &[u8]) -> Result<Rendered, InterpretError> {
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

pub(in crate::providers) fn without_image(message: &str, bill: Bill) -> InterpretError {
    InterpretError {
        reason: Reason::NoImage,
        message: message.to_owned(),
        bill,
    }
}

/// Usage in the units of the price pins. Without details all input counts as text, the only input that is sent, and all output
/// as picture. Words have a unit of their own, so that a price without one is not taken for the whole.
fn bill(usage: &Value) -> Bill {
    let details = &usage["input_tokens_details"];
    let text_input = match (&details["text_tokens"], &details["image_tokens"]) {
        (Value::Null, Value::Null) => &usage["input_tokens"],
        (text_tokens, _) => text_tokens,
    };
    let text_output = usage["output_tokens_details"]["text_tokens"].as_i64();
    let text_output = text_output.filter(|count| *count > 0);
    let image_output = usage["output_tokens"]
        .as_i64()
        .map(|all| all - text_output.unwrap_or(0));
    let counts = [
        ("text_input_token", text_input.as_i64()),
        ("image_input_token", details["image_tokens"].as_i64()),
        ("image_output_token", image_output),
        ("text_output_token", text_output),
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
    fn input_without_details_is_text_and_output_a_picture() {
        let tokens = |usage: Value| {
            let usage = read(&json!({"data": [{"b64_json": "aGk="}], "usage": usage}))
                .unwrap()
                .bill
                .usage;
            [
                "text_input_token",
                "image_input_token",
                "image_output_token",
                "text_output_token",
            ]
            .map(|unit| usage.get(unit).copied())
        };
        let plain = json!({"input_tokens": 5, "output_tokens": 9});
        assert_eq!(tokens(plain), [Some(5), None, Some(9), None]);
        let words = json!({"text_tokens": 2, "image_tokens": 7});
        let wordy = json!({"input_tokens": 5, "output_tokens": 9, "output_tokens_details": words});
        assert_eq!(tokens(wordy), [Some(5), None, Some(7), Some(2)]);
        let details = json!({"text_tokens": 2, "image_tokens": 3});
        let detailed = json!({"input_tokens": 5, "input_tokens_details": details, "output_tokens": 9});
        assert_eq!(tokens(detailed), [Some(2), Some(3), Some(9), None]);
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
