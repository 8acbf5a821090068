//! What an error answer of the API proves.

use limn_proto::reason::Reason;
use serde_json::Value;

use crate::{
    provider::Billing,
    providers::http::{Body, Row, proven, row, rows},
};

/// The error object of the API.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::providers) struct ErrorBody {
    pub(in crate::providers) message: String,
    pub(in crate::providers) kind: String,
    pub(in crate::providers) code: String,
    pub(in crate::providers) param: String,
    /// Where moderation stopped the call: `input` or `output`; empty: it does not say.
    pub(in crate::providers) moderation_stage: String,
    /// What moderation objected to.
    pub(in crate::providers) moderation_categories: Vec<String>,
}

impl ErrorBody {
    /// Reads `{"error": {"message", "type", "param", "code"}}`. Nothing when the body is not the API's own.
    pub(in crate::providers) fn parse(body: &[u8]) -> Option<Self> {
        let parsed: Value = serde_json::from_slice(body).ok()?;
        Self::read(parsed.get("error").filter(|error| error.is_object())?)
    }

    /// Reads the error object without anything around it, as an event of a stream may have it.
    pub(in crate::providers) fn parse_bare(body: &[u8]) -> Option<Self> {
        let parsed: Value = serde_json::from_slice(body).ok()?;
        Self::read(&parsed)
    }

    fn read(error: &Value) -> Option<Self> {
        let text = |name: &str| {
            error
                .get(name)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let is_own = ["message", "type", "code"]
            .iter()
            .any(|name| error[*name].is_string());
        let moderation = &error["moderation_details"];
        let categories = moderation["categories"].as_array().into_iter().flatten();
        is_own.then(|| Self {
            message: text("message"),
            kind: text("type"),
            code: text("code"),
            param: text("param"),
            moderation_stage: moderation["moderation_stage"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
            moderation_categories: categories.filter_map(Value::as_str).map(str::to_owned).collect(),
        })
    }
}

impl ErrorBody {
    /// What it says, in its own words.
    pub(in crate::providers) fn words(&self) -> &str {
        if self.message.is_empty() {
            &self.code
        } else {
            &self.message
        }
    }

    /// What is worth keeping beside the words.
    pub(in crate::providers) fn facts(&self) -> Vec<(&'static str, String)> {
        vec![
            ("providerCode", self.code.clone()),
            ("providerType", self.kind.clone()),
            ("providerParam", self.param.clone()),
            ("moderationStage", self.moderation_stage.clone()),
            ("moderationCategories", self.moderation_categories.join(",")),
        ]
    }
}

/// What an error answer proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::providers) enum Verdict {
    /// Refused for this reason.
    Refused(Reason, Billing),
    /// Nothing is proven.
    Unknown,
}

/// Refusals for the content.
const MODERATION: &[&str] = &["moderation_blocked", "content_policy_violation"];

/// An account that cannot pay.
const ACCOUNT: &[&str] = &[
    "insufficient_quota",
    "billing_hard_limit_reached",
    "billing_not_active",
];

/// The first row that matches decides.
///
/// Sources: <https://platform.openai.com/docs/guides/error-codes> for statuses and their meaning; the status
/// classes and retry rules of the official Python client (`openai/_client.py`, `openai/_base_client.py`); for
/// moderation the error bodies quoted in <https://github.com/jeffstric/ZJT/issues/480>; for the spending limit, which images
/// answer with 400 and not with 429, <https://github.com/dfinke/PowerShellAI/issues/127>.
/// That failed requests are not billed is long practice and stated for no single status.
const TABLE: &[Row] = &[
    row(400, MODERATION, Body::Own, Reason::ContentBlocked),
    row(400, ACCOUNT, Body::Own, Reason::ProviderAccount),
    row(403, ACCOUNT, Body::Own, Reason::ProviderAccount),
    row(429, ACCOUNT, Body::Own, Reason::ProviderAccount),
    // Turned away at the door, whoever keeps it: no key, no permission, no such path, too large, too many.
    row(401, &[], Body::Any, Reason::ProviderAccount),
    row(403, &[], Body::Any, Reason::ProviderAccount),
    row(404, &[], Body::Any, Reason::ProviderRejected),
    row(413, &[], Body::Any, Reason::ProviderRejected),
    row(429, &[], Body::Any, Reason::ProviderRateLimited),
    // Validation. 408 is not here: a request that timed out may have been read.
    row(400, &[], Body::Own, Reason::ProviderRejected),
    row(409, &[], Body::Own, Reason::ProviderRejected),
    row(422, &[], Body::Own, Reason::ProviderRejected),
    // The API says itself that it failed; a gateway's page would leave open what happened behind it.
    rows(500, 599, &[], Body::Own, Reason::ProviderUnavailable),
];

/// What an answer with an error status proves.
pub(in crate::providers) fn classify(status: u16, error: Option<&ErrorBody>) -> Verdict {
    let words = error.map(|error| [error.code.as_str(), error.kind.as_str()]);
    let words = words.as_ref().map(<[&str; 2]>::as_slice);
    match proven(TABLE, status, words) {
        None => Verdict::Unknown,
        Some(reason) => Verdict::Refused(reason, billing(reason, error)),
    }
}

/// A picture that moderation looked at was drawn. Nobody says whether it is billed, so it is not taken for free.
fn billing(reason: Reason, error: Option<&ErrorBody>) -> Billing {
    let stage = error.map_or("", |error| error.moderation_stage.as_str());
    match (reason, stage) {
        (Reason::ContentBlocked, "" | "input") => Billing::No,
        (Reason::ContentBlocked, _) => Billing::Unknown,
        _ => Billing::No,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(kind: &str, code: &str, stage: &str) -> ErrorBody {
        ErrorBody {
            kind: kind.to_owned(),
            code: code.to_owned(),
            moderation_stage: stage.to_owned(),
            ..ErrorBody::default()
        }
    }

    #[test]
    fn every_listed_answer_has_its_verdict() {
        use Reason::*;
        let blocked = "image_generation_user_error";
        for (status, error, reason, billing) in [
            (
                400,
                body("invalid_request_error", "invalid_size", ""),
                ProviderRejected,
                Billing::No,
            ),
            (
                404,
                body("invalid_request_error", "model_not_found", ""),
                ProviderRejected,
                Billing::No,
            ),
            (409, body("", "conflict", ""), ProviderRejected, Billing::No),
            (413, body("", "too_large", ""), ProviderRejected, Billing::No),
            (422, body("", "unprocessable", ""), ProviderRejected, Billing::No),
            (
                400,
                body(blocked, "moderation_blocked", ""),
                ContentBlocked,
                Billing::No,
            ),
            (
                400,
                body(blocked, "moderation_blocked", "input"),
                ContentBlocked,
                Billing::No,
            ),
            (
                400,
                body(blocked, "moderation_blocked", "output"),
                ContentBlocked,
                Billing::Unknown,
            ),
            (
                400,
                body(blocked, "moderation_blocked", "between"),
                ContentBlocked,
                Billing::Unknown,
            ),
            (
                400,
                body("invalid_request_error", "content_policy_violation", ""),
                ContentBlocked,
                Billing::No,
            ),
            (
                401,
                body("invalid_request_error", "invalid_api_key", ""),
                ProviderAccount,
                Billing::No,
            ),
            (
                403,
                body("", "unsupported_country", ""),
                ProviderAccount,
                Billing::No,
            ),
            (
                429,
                body("insufficient_quota", "insufficient_quota", ""),
                ProviderAccount,
                Billing::No,
            ),
            (
                429,
                body("insufficient_quota", "", ""),
                ProviderAccount,
                Billing::No,
            ),
            (
                429,
                body("", "billing_not_active", ""),
                ProviderAccount,
                Billing::No,
            ),
            (
                400,
                body("invalid_request_error", "billing_hard_limit_reached", ""),
                ProviderAccount,
                Billing::No,
            ),
            (
                429,
                body("tokens", "rate_limit_exceeded", ""),
                ProviderRateLimited,
                Billing::No,
            ),
            (
                500,
                body("server_error", "", ""),
                ProviderUnavailable,
                Billing::No,
            ),
            (
                503,
                body("server_error", "overloaded", ""),
                ProviderUnavailable,
                Billing::No,
            ),
        ] {
            assert_eq!(
                classify(status, Some(&error)),
                Verdict::Refused(reason, billing),
                "{status} {error:?}"
            );
        }
    }

    #[test]
    fn only_the_door_is_believed_without_an_own_body() {
        let refused: Vec<u16> = (100..=999)
            .filter(|status| classify(*status, None) != Verdict::Unknown)
            .collect();
        assert_eq!(refused, [401, 403, 404, 413, 429]);
    }

    #[test]
    fn whatever_is_unlisted_is_unknown() {
        let own = body("server_error", "anything", "");
        let listed: Vec<u16> = (100..500)
            .filter(|status| classify(*status, Some(&own)) != Verdict::Unknown)
            .collect();
        assert_eq!(listed, [400, 401, 403, 404, 409, 413, 422, 429]);
        assert_eq!(classify(600, Some(&own)), Verdict::Unknown);
    }

    #[test]
    fn foreign_bodies_are_not_the_providers_own() {
        for foreign in [
            &b"<html>502 Bad Gateway</html>"[..],
            b"",
            b"{}",
            b"{\"error\": \"upstream\"}",
            b"{\"error\": {}}",
            b"{\"error\": {\"message\": null}}",
            b"[1]",
            b"{\"error\": {\"message\": \"cut of",
        ] {
            assert_eq!(ErrorBody::parse(foreign), None);
        }
    }
}
