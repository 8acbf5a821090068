//! What an error answer of the server proves.

use limn_proto::reason::Reason;
use serde_json::Value;

use crate::providers::http::{Body, Row, proven, row};

/// An error of the server: its own `{"error", "detail", "body", "errors"}`, or its framework's `{"detail"}`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ErrorBody {
    /// Class of the exception; empty: it does not say.
    pub(super) kind: String,
    pub(super) message: String,
}

impl ErrorBody {
    /// Nothing when the body is not the server's own.
    pub(super) fn parse(body: &[u8]) -> Option<Self> {
        let parsed: Value = serde_json::from_slice(body).ok()?;
        let fields = parsed.as_object()?;
        if !fields.contains_key("detail") && !fields.contains_key("error") {
            return None;
        }
        let text = |name: &str| parsed[name].as_str().unwrap_or_default();
        let message = match &parsed["detail"] {
            Value::Array(problems) => problems.iter().map(problem).collect::<Vec<_>>().join("; "),
            _ => {
                let said = ["errors", "detail", "error"].map(text);
                said.into_iter()
                    .find(|words| !words.is_empty())
                    .unwrap_or_default()
                    .to_owned()
            }
        };
        Some(Self {
            kind: text("error").to_owned(),
            message,
        })
    }
}

/// One problem that the validation of the framework found.
fn problem(problem: &Value) -> String {
    let place = problem["loc"].as_array().into_iter().flatten();
    let place: Vec<String> = place
        .map(|part| part.as_str().map_or_else(|| part.to_string(), str::to_owned))
        .collect();
    format!(
        "{}: {}",
        place.join("."),
        problem["msg"].as_str().unwrap_or_default()
    )
}

/// The first row that matches decides. Source: `modules/api/api.py` of the web UI, whose handler of exceptions answers 500 with the class
/// of the exception, and the statuses of its framework. Before an answer of 500 the drawing is over, so it is proven.
const TABLE: &[Row] = &[
    // Turned away at the door, whoever keeps it: a server in the network is often behind a proxy.
    row(401, &[], Body::Any, Reason::ProviderAccount),
    row(403, &[], Body::Any, Reason::ProviderAccount),
    row(413, &[], Body::Any, Reason::ProviderRejected),
    row(429, &[], Body::Any, Reason::ProviderRateLimited),
    // A sampler, an upscaler or a script that it does not have, or no API at all.
    row(404, &[], Body::Any, Reason::ProviderRejected),
    row(400, &[], Body::Own, Reason::ProviderRejected),
    row(422, &[], Body::Own, Reason::ProviderRejected),
    // Also when the memory of the card is used up.
    row(500, &[], Body::Own, Reason::ProviderUnavailable),
];

/// What an answer with an error status proves; nothing: nothing.
pub(super) fn classify(status: u16, error: Option<&ErrorBody>) -> Option<Reason> {
    let words = error.map(|error| [error.kind.as_str()]);
    proven(TABLE, status, words.as_ref().map(<[&str; 1]>::as_slice))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_error_has_its_verdict() {
        use Reason::*;
        let own =
            br#"{"error": "OutOfMemoryError", "detail": "", "body": "", "errors": "CUDA out of memory"}"#;
        let plain = br#"{"detail": "Sampler not found"}"#;
        let page = b"<html>";
        for (status, body, reason) in [
            (400, &own[..], Some(ProviderRejected)),
            (400, page, None),
            (401, plain, Some(ProviderAccount)),
            (401, page, Some(ProviderAccount)),
            (403, page, Some(ProviderAccount)),
            (404, plain, Some(ProviderRejected)),
            (404, page, Some(ProviderRejected)),
            (408, plain, None),
            (422, plain, Some(ProviderRejected)),
            (429, page, Some(ProviderRateLimited)),
            (500, own, Some(ProviderUnavailable)),
            (500, page, None),
            (502, own, None),
            (504, page, None),
        ] {
            assert_eq!(
                classify(status, ErrorBody::parse(body).as_ref()),
                reason,
                "{status}"
            );
        }
    }

    #[test]
    fn every_form_of_an_error_has_words() {
        for (body, words) in [
            (
                r#"{"error": "RuntimeError", "detail": "", "errors": "no card"}"#,
                "no card",
            ),
            (r#"{"detail": "Sampler not found"}"#, "Sampler not found"),
            (
                r#"{"detail": [{"loc": ["body", "steps"], "msg": "not a number"}, {"loc": [0], "msg": "x"}]}"#,
                "body.steps: not a number; 0: x",
            ),
            (r#"{"error": "queue full"}"#, "queue full"),
        ] {
            assert_eq!(ErrorBody::parse(body.as_bytes()).unwrap().message, words);
        }
        for body in [&b"[]"[..], b"{}", b"7", br#"{"images": []}"#] {
            assert_eq!(ErrorBody::parse(body), None);
        }
    }
}
