//! Answers of either form, as far as they are needed.

use bytes::Bytes;
use limn_proto::reason::Reason;
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use super::{cost, errors, errors::ErrorBody};
use crate::{
    provider::{Bill, InterpretError, Rendered},
    providers::http::decode,
};

/// Finish reasons of a picture that was stopped for what it shows.
const STOPPED: &[&str] = &[
    "content_filter",
    "refusal",
    "safety",
    "image_safety",
    "prohibited_content",
];

/// The charge alone, so that its decimal text survives.
#[derive(Debug, Default, Deserialize)]
struct Charged<'b> {
    #[serde(borrow, default)]
    usage: Option<&'b RawValue>,
}

#[derive(Debug, Default, Deserialize)]
struct Usage<'b> {
    #[serde(borrow, default)]
    cost: Option<&'b RawValue>,
}

/// The error of an answer that has no picture and was not charged. Such a failure came after the work had begun, which is why its status
/// is that of a success.
pub(super) fn unbilled_failure(body: &[u8]) -> Option<ErrorBody> {
    let answer: Value = serde_json::from_slice(body).ok()?;
    let error = error_of(&answer)?;
    let was_charged = charge(body).is_some_and(|nanos| nanos > 0);
    (picture(&answer).is_none() && !was_charged).then_some(error)
}

/// OpenRouter's id of the work, where the body says it; empty: it does not.
pub(super) fn generation_id(body: &[u8]) -> String {
    let answer: Value = serde_json::from_slice(body).unwrap_or_default();
    answer["id"].as_str().unwrap_or_default().to_owned()
}

/// What is left of the limit of a key, in dollars; nothing: it has none.
pub(super) fn credit_left(body: &[u8]) -> Option<String> {
    let answer: Value = serde_json::from_slice(body).ok()?;
    let left = &answer["data"]["limit_remaining"];
    left.is_number().then(|| left.to_string())
}

/// Reads a successful answer. Only the picture must be there: a paid one is not lost to a field that moved.
pub(super) fn read(body: &[u8]) -> Result<Rendered, InterpretError> {
    let Ok(answer) = serde_json::from_slice::<Value>(body) else {
        return Err(unusable(
            Reason::NoImage,
            "the answer is not JSON",
            Bill::default(),
        ));
    };
    let bill = Bill {
        cost_nanos: charge(body),
        ..Bill::default()
    };
    let Some(text) = picture(&answer) else {
        let (reason, message) = why_there_is_none(&answer);
        return Err(unusable(reason, &message, bill));
    };
    if text.starts_with("http:") || text.starts_with("https:") {
        let message = "the answer has an address instead of an image; addresses are not followed";
        return Err(unusable(Reason::NoImage, message, bill));
    }
    match decode(text) {
        Ok(image) if image.is_empty() => Err(unusable(Reason::NoImage, "the image is empty", bill)),
        Ok(image) => Ok(rendered(&answer, image, bill)),
        Err(error) => {
            let message = format!("the image is not in base64: {error}");
            Err(unusable(Reason::ImageInvalid, &message, bill))
        }
    }
}

fn rendered(answer: &Value, image: Bytes, bill: Bill) -> Rendered {
    Rendered {
        image,
        // The model that drew it, which may not be the one that was asked for.
        model_version: answer["model"].as_str().unwrap_or_default().to_owned(),
        bill,
        ..Rendered::default()
    }
}

/// Base64 or a data URL, wherever the form has it; nothing: there is no picture.
fn picture(answer: &Value) -> Option<&str> {
    let of_images = answer["data"][0]["b64_json"].as_str();
    let of_chat = answer["choices"][0]["message"]["images"][0]["image_url"]["url"].as_str();
    of_images.or(of_chat).filter(|text| !text.is_empty())
}

fn error_of(answer: &Value) -> Option<ErrorBody> {
    ErrorBody::of(&answer["error"]).or_else(|| ErrorBody::of(&answer["choices"][0]["error"]))
}

fn why_there_is_none(answer: &Value) -> (Reason, String) {
    if let Some(error) = error_of(answer) {
        let reason = match errors::classify(error.code, Some(&error)) {
            Some(Reason::ContentBlocked) => Reason::ContentBlocked,
            _ => Reason::NoImage,
        };
        return (reason, "the work failed after it had been charged".to_owned());
    }
    let choice = &answer["choices"][0];
    let finish = [&choice["finish_reason"], &choice["native_finish_reason"]];
    let stopped = finish
        .iter()
        .filter_map(|reason| reason.as_str())
        .find(|reason| STOPPED.iter().any(|known| known.eq_ignore_ascii_case(reason)));
    match stopped {
        Some(reason) => (Reason::ContentBlocked, format!("the model stopped with {reason}")),
        None => (Reason::NoImage, "the answer has no image".to_owned()),
    }
}

/// The charge in billionths of a dollar, where the answer tells it.
fn charge(body: &[u8]) -> Option<i64> {
    let charged: Charged<'_> = serde_json::from_slice(body).ok()?;
    let usage: Usage<'_> = serde_json::from_str(charged.usage?.get()).ok()?;
    cost::nanos(usage.cost?)
}

fn unusable(reason: Reason, message: &str, bill: Bill) -> InterpretError {
    InterpretError {
        reason,
        message: message.to_owned(),
        bill,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read_text(text: &str) -> Result<Rendered, InterpretError> {
        read(text.as_bytes())
    }

    #[test]
    fn the_charge_is_exact_and_optional() {
        for (usage, nanos) in [
            (r#"{"cost": 0.038999999999999996}"#, Some(39_000_000)),
            (r#"{"cost": 1.5e-05, "total_tokens": 7}"#, Some(15_000)),
            (r#"{"cost": 0}"#, Some(0)),
            (r#"{"cost": null}"#, None),
            (r#"{"cost": "0.04"}"#, None),
            (r#"{"total_tokens": 7}"#, None),
            ("[]", None),
            ("null", None),
        ] {
            let text = format!(r#"{{"data": [{{"b64_json": "aGk="}}], "usage": {usage}}}"#);
            let rendered = read_text(&text).unwrap();
            assert_eq!(
                (&rendered.image[..], rendered.bill.cost_nanos),
                (&b"hi"[..], nanos),
                "{usage}"
            );
        }
    }

    #[test]
    fn a_picture_is_found_in_either_form() {
        let url = json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}});
        let message = json!({"content": "", "images": [url]});
        let chat = json!({"id": "gen-1", "model": "google/gemini", "choices": [{"message": message}]});
        let rendered = read_text(&chat.to_string()).unwrap();
        assert_eq!(
            (&*rendered.image, &*rendered.model_version),
            (&b"hi"[..], "google/gemini")
        );
        assert_eq!(generation_id(chat.to_string().as_bytes()), "gen-1");
        let elsewhere = json!({"images": [{"image_url": {"url": "https://a.example/b.png"}}]});
        let chat = json!({"choices": [{"message": elsewhere}], "usage": {"cost": 0.1}});
        let error = read_text(&chat.to_string()).unwrap_err();
        assert_eq!(
            (error.reason, error.bill.cost_nanos),
            (Reason::NoImage, Some(100_000_000))
        );
    }

    #[test]
    fn a_failure_in_a_success_is_free_unless_it_was_charged() {
        let error = json!({"code": 502, "message": "Provider returned error"});
        let usage = |cost: f64| json!({"cost": cost});
        for (body, is_free) in [
            (json!({"error": error}), true),
            (
                json!({"choices": [{"error": error, "message": {"content": ""}}]}),
                true,
            ),
            (json!({"error": error, "usage": usage(0.0)}), true),
            (json!({"error": error, "usage": usage(0.04)}), false),
            (json!({"error": error, "data": [{"b64_json": "aGk="}]}), false),
            (json!({"data": []}), false),
        ] {
            assert_eq!(
                unbilled_failure(body.to_string().as_bytes()).is_some(),
                is_free,
                "{body}"
            );
        }
    }

    #[test]
    fn a_stopped_picture_is_told_from_one_that_is_missing() {
        for (choice, reason) in [
            (json!({"finish_reason": "content_filter"}), Reason::ContentBlocked),
            (
                json!({"finish_reason": "stop", "native_finish_reason": "IMAGE_SAFETY"}),
                Reason::ContentBlocked,
            ),
            (
                json!({"finish_reason": "stop", "message": {"content": "I cannot"}}),
                Reason::NoImage,
            ),
        ] {
            let error = read_text(&json!({"choices": [choice]}).to_string()).unwrap_err();
            assert_eq!(error.reason, reason, "{choice}");
        }
        let error = json!({"code": 403, "message": "m", "metadata": {"reasons": ["x"]}});
        let charged = json!({"error": error, "usage": {"cost": 0.5}});
        let error = read_text(&charged.to_string()).unwrap_err();
        assert_eq!(
            (error.reason, error.bill.cost_nanos),
            (Reason::ContentBlocked, Some(500_000_000))
        );
    }
}
