//! What an error answer of such a server proves.
//!
//! They report errors in three forms: OpenAI's object; `{"error": "words"}` (stable-diffusion.cpp, which may add a `message`);
//! and `{"detail": ...}` of `FastAPI` (vLLM-Omni, `SGLang`).

use limn_proto::reason::Reason;
use serde_json::Value;

use crate::{
    provider::Billing,
    providers::openai::errors::{ErrorBody, Verdict, classify as classify_own},
};

/// Statuses with which gateways speak for a server that does not. Only an error object tells the two apart.
const GATEWAY: &[u16] = &[502, 503, 504];

/// Reads the body of an error. Nothing when it is not the server's own.
pub(super) fn read(status: u16, body: &[u8]) -> Option<ErrorBody> {
    if let Some(error) = ErrorBody::parse(body) {
        return Some(error);
    }
    if GATEWAY.contains(&status) {
        return None;
    }
    let parsed: Value = serde_json::from_slice(body).ok()?;
    let message = match (&parsed["error"], &parsed["detail"]) {
        (Value::String(error), _) => match parsed["message"].as_str() {
            Some(message) => format!("{error}: {message}"),
            None => error.clone(),
        },
        (_, Value::String(detail)) => detail.clone(),
        // Fields that were refused, and why.
        (_, Value::Array(problems)) if !problems.is_empty() => {
            let words = problems.iter().filter_map(|problem| problem["msg"].as_str());
            words.collect::<Vec<_>>().join("; ")
        }
        _ => return None,
    };
    Some(ErrorBody {
        message,
        ..ErrorBody::default()
    })
}

/// What it proves; nothing: nothing.
pub(super) fn classify(status: u16, error: Option<&ErrorBody>) -> Option<(Reason, Billing)> {
    match classify_own(status, error) {
        Verdict::Refused(reason, billing) => Some((reason, billing)),
        Verdict::Unknown => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proves(status: u16, body: &str) -> Option<Reason> {
        classify(status, read(status, body.as_bytes()).as_ref()).map(|(reason, _)| reason)
    }

    #[test]
    fn every_form_of_an_error_is_read() {
        use Reason::{ProviderRejected, ProviderUnavailable};
        for (status, body, reason, words) in [
            (
                400,
                r#"{"error": "prompt required"}"#,
                ProviderRejected,
                "prompt required",
            ),
            (
                500,
                r#"{"error": "server_error", "message": "out of memory"}"#,
                ProviderUnavailable,
                "server_error: out of memory",
            ),
            (
                422,
                r#"{"detail": [{"loc": ["body", "size"], "msg": "bad size"}, {"msg": "bad seed"}]}"#,
                ProviderRejected,
                "bad size; bad seed",
            ),
            (
                400,
                r#"{"detail": "no such model"}"#,
                ProviderRejected,
                "no such model",
            ),
            (
                500,
                r#"{"error": {"code": 500, "message": "could not load model", "type": ""}}"#,
                ProviderUnavailable,
                "could not load model",
            ),
        ] {
            assert_eq!(proves(status, body), Some(reason), "{body}");
            assert_eq!(read(status, body.as_bytes()).unwrap().words(), words);
        }
    }

    #[test]
    fn what_a_gateway_could_say_proves_nothing() {
        for (status, body) in [
            (502, r#"{"error": "upstream"}"#),
            (504, r#"{"detail": "timeout"}"#),
            (500, "<html>"),
            (500, "{}"),
            (500, r#"{"detail": []}"#),
            (408, r#"{"error": "timeout"}"#),
        ] {
            assert_eq!(proves(status, body), None, "{status} {body}");
        }
    }
}
