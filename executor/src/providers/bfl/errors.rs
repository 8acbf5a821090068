//! What error answers to a creation prove.

use limn_proto::reason::Reason;
use serde_json::Value;

use super::REQUEST_ID;
use crate::{
    provider::{Billing, CallError},
    providers::http::{Api, Body, Ending, Received, Refusal, Row, proven, row, rows},
};

/// The first row that matches decides.
///
/// Source: <https://docs.bfl.ai/api_integration/errors>; 402 are used up credits, 429 too many tasks at once.
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

/// Reads an answer to a creation that is no success. No task came to be, so nothing is billed.
pub(super) fn refusal(api: &Api, received: Received, prompt: &str) -> CallError {
    let words = match received.ending {
        Ending::Whole => words(&received.body),
        Ending::Oversize | Ending::Broken(_) => String::new(),
    };
    let own = [words.as_str()];
    let own = (!words.is_empty()).then_some(own.as_slice());
    let Some(reason) = proven(TABLE, received.status, own) else {
        return api.unproven(received, REQUEST_ID);
    };
    api.rejected(
        &received,
        REQUEST_ID,
        prompt,
        Refusal::new(reason, Billing::No, words),
    )
}

/// What an error says: `{"detail": "text"}`, `{"detail": [{"loc", "msg"}]}` or `{"error", "message"}`. Empty when the body
/// is not the API's own.
pub(super) fn words(body: &[u8]) -> String {
    let Ok(value) = serde_json::from_slice::<Value>(body) else {
        return String::new();
    };
    if let Some(list) = value["detail"].as_array() {
        let problems: Vec<String> = list.iter().filter_map(problem).collect();
        return problems.join("; ");
    }
    let texts = [&value["detail"], &value["message"], &value["error"]];
    let first = texts.into_iter().find_map(Value::as_str);
    first.unwrap_or_default().to_owned()
}

/// A problem of validation: where and what. What was sent is not repeated.
fn problem(value: &Value) -> Option<String> {
    let what = value["msg"].as_str()?;
    let places = value["loc"].as_array().into_iter().flatten();
    let place: Vec<String> = places
        .map(|part| part.as_str().map_or_else(|| part.to_string(), str::to_owned))
        .collect();
    Some(format!("{}: {what}", place.join(".")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_of_error_has_words() {
        for (body, said) in [
            (r#"{"detail":"Insufficient credits"}"#, "Insufficient credits"),
            (
                r#"{"detail":[{"loc":["body","width"],"msg":"too small","type":"x","input":9}]}"#,
                "body.width: too small",
            ),
            (
                r#"{"error":"rate_limit_exceeded","message":"Slow down"}"#,
                "Slow down",
            ),
            (r#"{"error":"bad"}"#, "bad"),
            ("<html>", ""),
            ("{}", ""),
        ] {
            assert_eq!(words(body.as_bytes()), said);
        }
    }
}
