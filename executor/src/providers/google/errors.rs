//! What an error answer of a Google API proves. Gemini and Vertex AI use the same error object.

use std::time::Duration;

use limn_proto::reason::Reason;
use serde_json::Value;

use crate::{
    provider::Billing,
    providers::http::{Body, Refusal, Row, proven, row, rows},
};

/// The error object: `{"error": {"code", "message", "status", "details": []}}`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::providers) struct ErrorBody {
    pub(in crate::providers) message: String,
    /// The status in words, such as `RESOURCE_EXHAUSTED`.
    pub(in crate::providers) status: String,
    /// Reasons of `ErrorInfo`, such as `API_KEY_INVALID`.
    pub(in crate::providers) reasons: Vec<String>,
    /// Ids of the quotas that are used up.
    pub(in crate::providers) quotas: Vec<String>,
    /// The wait of `RetryInfo`.
    pub(in crate::providers) wait: Option<Duration>,
}

/// Our word for a quota that is used up for the day: waiting seconds, as the answer asks for, brings nothing.
const DAILY_QUOTA: &str = "daily quota";
/// Our word for a prompt that was refused, which Vertex AI says in prose only.
const RESPONSIBLE_AI: &str = "responsible ai";

impl ErrorBody {
    /// Nothing when the body is not an API's own.
    pub(in crate::providers) fn parse(body: &[u8]) -> Option<Self> {
        let parsed: Value = serde_json::from_slice(body).ok()?;
        // Some endpoints wrap the object in a list.
        let error = match &parsed {
            Value::Array(items) => &items.first()?["error"],
            parsed => &parsed["error"],
        };
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let is_own = error["status"].is_string() || (error["message"].is_string() && error["code"].is_u64());
        if !is_own {
            return None;
        }
        let mut found = Self {
            message: text(&error["message"]),
            status: text(&error["status"]),
            ..Self::default()
        };
        for detail in error["details"].as_array().into_iter().flatten() {
            let kind = detail["@type"].as_str().unwrap_or_default();
            match kind.rsplit('.').next().unwrap_or_default() {
                "ErrorInfo" => found.reasons.push(text(&detail["reason"])),
                "RetryInfo" => found.wait = detail["retryDelay"].as_str().and_then(seconds),
                "QuotaFailure" => {
                    let violations = detail["violations"].as_array().into_iter().flatten();
                    found
                        .quotas
                        .extend(violations.map(|violation| text(&violation["quotaId"])));
                }
                _ => {}
            }
        }
        Some(found)
    }

    /// True when it says that the key is wrong, which comes with the status 400.
    pub(in crate::providers) fn is_about_key(&self) -> bool {
        self.reasons
            .iter()
            .any(|reason| KEY.iter().any(|word| reason == word))
    }

    fn words(&self) -> Vec<&str> {
        let mut words = vec![self.status.as_str()];
        words.extend(self.reasons.iter().map(String::as_str));
        if self.quotas.iter().any(|quota| quota.contains("PerDay")) {
            words.push(DAILY_QUOTA);
        }
        if self.message.contains("Responsible AI") {
            words.push(RESPONSIBLE_AI);
        }
        words
    }
}

/// Reads `34s` or `37.8s`.
fn seconds(text: &str) -> Option<Duration> {
    let seconds = text.strip_suffix('s')?.parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

/// Reasons of a key that is wrong.
const KEY: &[&str] = &["API_KEY_INVALID", "API_KEY_EXPIRED", "API_KEY_SERVICE_BLOCKED"];

/// An account that may not draw, or not from here.
const ACCOUNT: &[&str] = &["FAILED_PRECONDITION", "BILLING_DISABLED"];

/// The first row that matches decides.
///
/// Sources: <https://ai.google.dev/gemini-api/docs/troubleshooting> for the statuses, <https://cloud.google.com/apis/design/errors>
/// for the error object. That a request which fails with 400 or 500 is not billed is said on
/// <https://ai.google.dev/gemini-api/docs/billing>. What a used-up day looks like is quoted in
/// <https://github.com/itcon-pty-au/stremio-ai-search/issues/147>.
const TABLE: &[Row] = &[
    row(400, &[RESPONSIBLE_AI], Body::Own, Reason::ContentBlocked),
    row(400, KEY, Body::Own, Reason::ProviderAccount),
    row(400, ACCOUNT, Body::Own, Reason::ProviderAccount),
    row(429, &[DAILY_QUOTA], Body::Own, Reason::ProviderAccount),
    // Turned away at the door, whoever keeps it.
    row(401, &[], Body::Any, Reason::ProviderAccount),
    row(403, &[], Body::Any, Reason::ProviderAccount),
    row(404, &[], Body::Any, Reason::ProviderRejected),
    row(413, &[], Body::Any, Reason::ProviderRejected),
    row(429, &[], Body::Any, Reason::ProviderRateLimited),
    row(400, &[], Body::Own, Reason::ProviderRejected),
    // The API says itself that it failed; a gateway's page would leave open what happened behind it.
    rows(500, 599, &[], Body::Own, Reason::ProviderUnavailable),
];

/// What an error answer proves; nothing: nothing. No refusal by an error answer is billed.
pub(in crate::providers) fn classify(status: u16, error: Option<ErrorBody>) -> Option<Refusal> {
    let words = error.as_ref().map(ErrorBody::words);
    let reason = proven(TABLE, status, words.as_deref())?;
    let mut refusal = Refusal::new(reason, Billing::No, "");
    if let Some(error) = error {
        refusal.message = error.message;
        refusal.wait = error.wait;
        refusal.facts = vec![
            ("providerCode", error.status),
            ("providerReason", error.reasons.join(",")),
            ("quota", error.quotas.join(",")),
        ];
    }
    Some(refusal)
}
