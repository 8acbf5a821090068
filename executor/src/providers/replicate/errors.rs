//! What error answers prove, and what the end of a prediction means.

use std::time::Duration;

use limn_proto::reason::Reason;
use serde_json::Value;

use super::{REQUEST_ID, prediction::Prediction};
use crate::{
    provider::{Billing, Call, CallError, Rejection},
    providers::{
        RefusalBilling,
        http::{Api, Body, Ending, Received, Refusal, Row, proven, row, rows},
    },
};

/// An error of the API: `{"title", "detail", "status"}`, or only a part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    title: String,
    detail: String,
    /// Names of the inputs that are wrong, with why.
    invalid_fields: String,
}

impl Problem {
    /// Nothing when the body is not the API's own.
    pub(super) fn parse(body: &[u8]) -> Option<Self> {
        let value: Value = serde_json::from_slice(body).ok()?;
        let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
        let invalid = value["invalid_fields"].as_array().into_iter().flatten();
        let invalid: Vec<String> = invalid
            .map(
                |field| match (field["field"].as_str(), field["description"].as_str()) {
                    (Some(name), Some(why)) => format!("{name}: {why}"),
                    _ => field.as_str().map_or_else(|| field.to_string(), str::to_owned),
                },
            )
            .collect();
        (value["detail"].is_string() || value["title"].is_string()).then(|| Self {
            title: text("title"),
            detail: text("detail"),
            invalid_fields: invalid.join("; "),
        })
    }

    /// What it says, in its own words.
    pub(super) fn words(&self) -> String {
        if self.detail.is_empty() {
            self.title.clone()
        } else {
            self.detail.clone()
        }
    }

    /// `Your rate limit resets in ~30s.`: the number is there and nowhere else.
    fn wait(&self) -> Option<Duration> {
        let (_, rest) = self.detail.split_once("resets in")?;
        let digits: String = rest
            .trim_start_matches(['~', ' '])
            .chars()
            .take_while(char::is_ascii_digit)
            .collect();
        digits.parse().ok().map(Duration::from_secs)
    }
}

/// The first row that matches decides.
///
/// Sources: the API document of Replicate; <https://replicate.com/docs/topics/predictions/rate-limits> for 429; the
/// official JavaScript client, which repeats a creation after 429 only, so anything above 499 leaves open what happened
/// unless the API itself says that it failed.
const TABLE: &[Row] = &[
    row(401, &[], Body::Any, Reason::ProviderAccount),
    row(402, &[], Body::Any, Reason::ProviderAccount),
    row(403, &[], Body::Any, Reason::ProviderAccount),
    row(404, &[], Body::Any, Reason::ProviderRejected),
    row(413, &[], Body::Any, Reason::ProviderRejected),
    row(429, &[], Body::Any, Reason::ProviderRateLimited),
    row(400, &[], Body::Own, Reason::ProviderRejected),
    row(422, &[], Body::Own, Reason::ProviderRejected),
    rows(500, 599, &[], Body::Own, Reason::ProviderUnavailable),
];

/// Reads an answer to a creation that is no success. No prediction came to be, so nothing is billed.
pub(super) fn refusal(api: &Api, received: Received, prompt: &str) -> CallError {
    let problem = match received.ending {
        Ending::Whole => Problem::parse(&received.body),
        Ending::Oversize | Ending::Broken(_) => None,
    };
    let words = problem.as_ref().map(|problem| [problem.title.as_str()]);
    let words = words.as_ref().map(<[&str; 1]>::as_slice);
    let Some(reason) = proven(TABLE, received.status, words) else {
        return api.unproven(received, REQUEST_ID);
    };
    let mut refusal = Refusal::new(reason, Billing::No, "");
    if let Some(problem) = problem {
        refusal.message = problem.words();
        refusal.wait = problem.wait();
        refusal.facts = vec![
            ("providerTitle", problem.title),
            ("invalidFields", problem.invalid_fields),
        ];
    }
    api.rejected(&received, REQUEST_ID, prompt, refusal)
}

/// How a prediction ended without a picture.
#[derive(Debug)]
pub(super) enum End {
    /// It is a refusal of the work.
    Refused(CallError),
    /// Refused, and billed like a picture: why.
    Billed(Reason, String),
}

/// What the end of a prediction that did not succeed means.
///
/// <https://replicate.com/docs/topics/predictions/lifecycle>: one that is aborted never started and is not charged; one that is
/// canceled is charged for the time that it ran. Nobody says whether one that failed is, so what ran is not taken for free.
pub(super) fn end(api: &Api, prediction: &Prediction, call: &Call<'_>, safety_words: &[String]) -> End {
    let by_time = if prediction.may_have_run() {
        Billing::Unknown
    } else {
        Billing::No
    };
    let error = prediction.error();
    let (reason, billing, words) = match prediction.status() {
        "aborted" => (
            Reason::ProviderUnavailable,
            Billing::No,
            "it did not start before its deadline",
        ),
        "canceled" if prediction.is_past_deadline() => (
            Reason::ProviderUnavailable,
            by_time,
            "it was not done by its deadline",
        ),
        "canceled" => (Reason::CancelledByClient, by_time, "it was cancelled"),
        _ if is_refused(error, safety_words) => {
            if api.refusals == RefusalBilling::Yes {
                let words = api.redaction(&call.render.prompt).apply(error);
                return End::Billed(Reason::ContentBlocked, words);
            }
            (Reason::ContentBlocked, by_time, error)
        }
        _ if error.is_empty() => (Reason::ProviderUnavailable, by_time, "it failed without a word"),
        _ => (Reason::ProviderUnavailable, by_time, error),
    };
    let redaction = api.redaction(&call.render.prompt);
    let mut metadata = std::collections::BTreeMap::new();
    if let Some(code) = error_code(error) {
        metadata.insert("providerCode".to_owned(), code.to_owned());
    }
    metadata.insert("providerStatus".to_owned(), prediction.status().to_owned());
    End::Refused(CallError::Rejected(Rejection {
        reason,
        message: format!(
            "{} ended prediction {}: {}",
            api.id,
            prediction.id(),
            redaction.apply(words)
        ),
        http_status: None,
        request_id: prediction.id().to_owned(),
        retry_after: None,
        billing: api.billing(reason, billing),
        metadata,
    }))
}

fn is_refused(error: &str, safety_words: &[String]) -> bool {
    let error = error.to_lowercase();
    let mut words = safety_words.iter().filter(|word| !word.is_empty());
    words.any(|word| error.contains(&word.to_lowercase()))
}

/// The platform's own code in a message, for example `E1001`.
fn error_code(error: &str) -> Option<&str> {
    let mut words = error.split(|character: char| !character.is_ascii_alphanumeric());
    words.find(|word| {
        let digits = word.strip_prefix('E').unwrap_or_default();
        (3..=4).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_stands_in_the_text() {
        let problem =
            Problem::parse(br#"{"detail":"Request was throttled. Your rate limit resets in ~30s."}"#);
        assert_eq!(problem.unwrap().wait(), Some(Duration::from_secs(30)));
        let problem = Problem::parse(br#"{"detail":"Request was throttled."}"#);
        assert_eq!(problem.unwrap().wait(), None);
        assert_eq!(Problem::parse(b"<html>"), None);
        assert_eq!(Problem::parse(b"{}"), None);
    }

    #[test]
    fn codes_are_found_in_messages() {
        for (error, code) in [
            ("Prediction failed: (E1001) out of memory", Some("E1001")),
            ("flagged as sensitive. (E005)", Some("E005")),
            ("E4 and E12345", None),
            ("", None),
        ] {
            assert_eq!(error_code(error), code, "{error}");
        }
    }

    #[test]
    fn safety_words_match_in_any_case_and_an_empty_one_matches_nothing() {
        let words = [String::new(), "NSFW".to_owned()];
        assert!(is_refused("nsfw content detected", &words));
        assert!(!is_refused("CUDA out of memory", &words));
    }
}
