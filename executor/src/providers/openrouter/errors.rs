//! What an error of the API proves.

use std::time::Duration;

use limn_proto::reason::Reason;
use serde_json::Value;

use crate::providers::http::{Body, Row, proven, row};

/// The error object of the API.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ErrorBody {
    /// The status that it stands for.
    pub(super) code: u16,
    pub(super) message: String,
    /// OpenRouter's own name of the error, the same in all of its forms; empty: none.
    error_type: String,
    /// The provider that the work was passed on to.
    upstream: String,
    /// What moderation objected to.
    flagged_for: Vec<String>,
    /// The input was flagged, whatever for.
    is_flagged: bool,
    /// How long it asks to wait, where the body says so.
    pub(super) wait: Option<Duration>,
}

impl ErrorBody {
    /// Reads `{"error": {"code", "message", "metadata"}}`. Nothing when the body is not the API's own.
    pub(super) fn parse(body: &[u8]) -> Option<Self> {
        let parsed: Value = serde_json::from_slice(body).ok()?;
        Self::of(&parsed["error"])
    }

    /// Reads the error object. Nothing when it is none.
    pub(super) fn of(error: &Value) -> Option<Self> {
        let message = error["message"].as_str()?;
        let code = match &error["code"] {
            // Seen as text where the words of an upstream provider are passed on.
            Value::String(code) => code.parse().ok(),
            code => code.as_u64().and_then(|code| u16::try_from(code).ok()),
        };
        let metadata = &error["metadata"];
        let text = |name: &str| metadata[name].as_str().unwrap_or_default().to_owned();
        let reasons = metadata["reasons"].as_array();
        let listed = reasons.into_iter().flatten().filter_map(Value::as_str);
        let seconds = metadata["retry_after_seconds"].as_f64();
        Some(Self {
            code: code.unwrap_or_default(),
            message: message.to_owned(),
            error_type: text("error_type"),
            upstream: text("provider_name"),
            flagged_for: listed.map(str::to_owned).collect(),
            is_flagged: reasons.is_some() || metadata["flagged_input"].is_string(),
            wait: seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
        })
    }

    /// What is worth keeping beside the words. `flagged_input` is part of the prompt, and left out.
    pub(super) fn facts(&self) -> Vec<(&'static str, String)> {
        let code = match self.code {
            0 => String::new(),
            code => code.to_string(),
        };
        vec![
            ("providerCode", code),
            ("providerType", self.error_type.clone()),
            ("upstream", self.upstream.clone()),
            ("moderationCategories", self.flagged_for.join(",")),
        ]
    }
}

/// Stands in for an error type where the metadata say that the input was flagged.
const FLAGGED: &str = "flagged";
/// Refusals for the content.
const MODERATION: &[&str] = &["content_policy_violation", "refusal", FLAGGED];
/// The time ran out, and nobody says whether the work was stopped.
const TIMEOUT: &str = "timeout";

/// The first row that matches decides.
///
/// Sources: statuses and error types of OpenRouter's OpenAPI document, August 2026, and its guide to errors; that failed answers
/// are not billed, <https://openrouter.ai/docs/features/zero-completion-insurance>. Not listed, and so unknown: 408 and 524. What
/// ran out of time in front of a provider may go on behind it, and be billed when it is done.
const TABLE: &[Row] = &[
    row(400, MODERATION, Body::Own, Reason::ContentBlocked),
    row(403, MODERATION, Body::Own, Reason::ContentBlocked),
    row(422, MODERATION, Body::Own, Reason::ContentBlocked),
    row(502, MODERATION, Body::Own, Reason::ContentBlocked),
    // Turned away at the door, whoever keeps it.
    row(401, &[], Body::Any, Reason::ProviderAccount),
    row(402, &[], Body::Any, Reason::ProviderAccount),
    row(403, &[], Body::Any, Reason::ProviderAccount),
    row(404, &[], Body::Any, Reason::ProviderRejected),
    row(413, &[], Body::Any, Reason::ProviderRejected),
    row(429, &["payment_required"], Body::Own, Reason::ProviderAccount),
    row(429, &[], Body::Any, Reason::ProviderRateLimited),
    row(400, &[], Body::Own, Reason::ProviderRejected),
    row(422, &[], Body::Own, Reason::ProviderRejected),
    // OpenRouter says itself that it, or whoever it asked, failed. A page of a gateway would not.
    row(500, &[], Body::Own, Reason::ProviderUnavailable),
    row(502, &[], Body::Own, Reason::ProviderUnavailable),
    row(503, &[], Body::Own, Reason::ProviderUnavailable),
    row(529, &[], Body::Own, Reason::ProviderUnavailable),
];

/// What an answer with an error status proves; nothing: nothing.
pub(super) fn classify(status: u16, error: Option<&ErrorBody>) -> Option<Reason> {
    let error_type = error.map_or("", |error| error.error_type.as_str());
    if error_type.eq_ignore_ascii_case(TIMEOUT) {
        return None;
    }
    let flagged = if error.is_some_and(|error| error.is_flagged) {
        FLAGGED
    } else {
        ""
    };
    let words = [error_type, flagged];
    proven(TABLE, status, error.map(|_| &words[..]))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn verdict(status: u16, metadata: Value) -> Option<Reason> {
        let error = ErrorBody::of(&json!({"code": status, "message": "m", "metadata": metadata}));
        classify(status, error.as_ref())
    }

    #[test]
    fn every_listed_error_has_its_verdict() {
        use Reason::*;
        for (status, metadata, reason) in [
            (400, json!(null), Some(ProviderRejected)),
            (
                400,
                json!({"error_type": "invalid_request"}),
                Some(ProviderRejected),
            ),
            (
                400,
                json!({"error_type": "content_policy_violation"}),
                Some(ContentBlocked),
            ),
            (
                401,
                json!({"error_type": "authentication"}),
                Some(ProviderAccount),
            ),
            (
                402,
                json!({"error_type": "payment_required"}),
                Some(ProviderAccount),
            ),
            (
                403,
                json!({"error_type": "permission_denied"}),
                Some(ProviderAccount),
            ),
            (403, json!({"reasons": ["violence"]}), Some(ContentBlocked)),
            (403, json!({"flagged_input": "a…"}), Some(ContentBlocked)),
            (404, json!(null), Some(ProviderRejected)),
            (408, json!({"error_type": "timeout"}), None),
            (408, json!(null), None),
            (413, json!(null), Some(ProviderRejected)),
            (
                422,
                json!({"error_type": "unprocessable"}),
                Some(ProviderRejected),
            ),
            (422, json!({"error_type": "refusal"}), Some(ContentBlocked)),
            (
                429,
                json!({"error_type": "rate_limit_exceeded"}),
                Some(ProviderRateLimited),
            ),
            (
                429,
                json!({"error_type": "payment_required"}),
                Some(ProviderAccount),
            ),
            (500, json!({"error_type": "server"}), Some(ProviderUnavailable)),
            (502, json!({"provider_name": "Google"}), Some(ProviderUnavailable)),
            (502, json!({"error_type": "timeout"}), None),
            (
                503,
                json!({"error_type": "provider_unavailable"}),
                Some(ProviderUnavailable),
            ),
            (504, json!(null), None),
            (524, json!(null), None),
            (
                529,
                json!({"error_type": "provider_overloaded"}),
                Some(ProviderUnavailable),
            ),
        ] {
            assert_eq!(verdict(status, metadata.clone()), reason, "{status} {metadata}");
        }
    }

    #[test]
    fn pages_in_between_prove_only_what_is_proven_at_the_door() {
        for (status, reason) in [
            (401, Some(Reason::ProviderAccount)),
            (429, Some(Reason::ProviderRateLimited)),
            (400, None),
            (500, None),
            (502, None),
            (503, None),
            (529, None),
        ] {
            assert_eq!(classify(status, None), reason, "{status}");
        }
        for body in [
            &b"<html>"[..],
            b"{}",
            br#"{"error": "x"}"#,
            br#"{"error": {"code": 502}}"#,
        ] {
            assert_eq!(ErrorBody::parse(body), None);
        }
    }

    #[test]
    fn the_prompt_is_no_fact() {
        let metadata = json!({
            "reasons": ["violence", "hate"], "flagged_input": "a red fox", "provider_name": "OpenAI",
            "model_slug": "openai/gpt-image-2", "retry_after_seconds": 1.5,
        });
        let error = ErrorBody::of(&json!({"code": "403", "message": "m", "metadata": metadata})).unwrap();
        assert_eq!((error.code, error.wait), (403, Some(Duration::from_millis(1500))));
        let facts = format!("{:?}", error.facts());
        assert!(
            facts.contains("violence,hate") && facts.contains("OpenAI"),
            "{facts}"
        );
        assert!(!facts.contains("fox"), "{facts}");
    }
}
