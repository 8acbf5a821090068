//! What an error answer of either API proves.

use limn_proto::reason::Reason;
use serde_json::Value;

use crate::{
    provider::Billing,
    providers::http::{Body, Row, proven, row, rows},
};

/// The error object of either API: `{id, name, message}` or `{id, name, errors[]}`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ErrorBody {
    pub(super) id: String,
    pub(super) name: String,
    /// What it says, in its own words.
    pub(super) words: String,
}

impl ErrorBody {
    /// Nothing when the body is not the API's own.
    pub(super) fn parse(body: &[u8]) -> Option<Self> {
        let parsed: Value = serde_json::from_slice(body).ok()?;
        let text = |name: &str| parsed[name].as_str().unwrap_or_default().to_owned();
        let name = text("name");
        if name.is_empty() {
            return None;
        }
        let errors = parsed["errors"].as_array().into_iter().flatten();
        let errors: Vec<&str> = errors.filter_map(Value::as_str).collect();
        let words = [text("message"), errors.join("; "), name.clone()];
        Some(Self {
            id: text("id"),
            name,
            words: words.into_iter().find(|words| !words.is_empty())?,
        })
    }

    /// What is worth keeping beside the words.
    pub(super) fn facts(&self) -> Vec<(&'static str, String)> {
        vec![
            ("providerCode", self.name.clone()),
            ("providerErrorId", self.id.clone()),
        ]
    }
}

/// Refusals for the content, all of them before anything is drawn.
const MODERATION: &[&str] = &["content_moderation", "invalid_prompts", "public_figure"];

/// An account that cannot pay.
const ACCOUNT: &[&str] = &["payment_required", "insufficient_balance"];

/// The first row that matches decides.
///
/// Sources: the documents of v1 (<https://github.com/Stability-AI/rest-api-support>) and v2beta
/// (<https://platform.stability.ai/docs/api-reference>), which say that failed generations and refused requests are not charged.
/// The names for an empty account are seen in practice, not documented.
const TABLE: &[Row] = &[
    row(400, MODERATION, Body::Own, Reason::ContentBlocked),
    row(403, MODERATION, Body::Own, Reason::ContentBlocked),
    row(422, MODERATION, Body::Own, Reason::ContentBlocked),
    rows(400, 429, ACCOUNT, Body::Own, Reason::ProviderAccount),
    // Turned away at the door, whoever keeps it.
    row(401, &[], Body::Any, Reason::ProviderAccount),
    row(402, &[], Body::Any, Reason::ProviderAccount),
    row(403, &[], Body::Any, Reason::ProviderAccount),
    row(404, &[], Body::Any, Reason::ProviderRejected),
    row(413, &[], Body::Any, Reason::ProviderRejected),
    row(429, &[], Body::Any, Reason::ProviderRateLimited),
    row(400, &[], Body::Own, Reason::ProviderRejected),
    row(422, &[], Body::Own, Reason::ProviderRejected),
    // The API says itself that it failed; a gateway's page would leave open what happened behind it.
    rows(500, 599, &[], Body::Own, Reason::ProviderUnavailable),
];

/// What an error answer proves; nothing: nothing. No refusal by an error answer is billed.
pub(super) fn classify(status: u16, error: Option<&ErrorBody>) -> Option<(Reason, Billing)> {
    let words = error.map(|error| [error.name.as_str()]);
    let words = words.as_ref().map(<[&str; 1]>::as_slice);
    proven(TABLE, status, words).map(|reason| (reason, Billing::No))
}
