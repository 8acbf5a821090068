//! What stores behind plain HTTP have in common: a client, and answers that are read whole.

use std::time::Duration;

use bytes::Bytes;
use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::Value;

use super::{BlobError, BlobKey};

/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a request may take with its answer.
const TIMEOUT: Duration = Duration::from_secs(120);
/// Most characters of a store's complaint that are passed on.
const MAX_COMPLAINT: usize = 300;

/// A client that follows no redirect: a store that moves is to be configured, not believed.
///
/// # Errors
/// No client can be made, for want of certificates or the like.
pub(super) fn client() -> Result<Client, String> {
    Client::builder()
        .user_agent(concat!("limn/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(TIMEOUT)
        .build()
        .map_err(|error| format!("no HTTP client: {error}"))
}

/// An address with a query.
pub(super) fn with_query(url: &str, query: &[(&str, &str)]) -> String {
    let mut pairs = form_urlencoded(query);
    if !pairs.is_empty() {
        pairs.insert(0, '?');
    }
    format!("{url}{pairs}")
}

/// Names and values, everything escaped that is not a letter, a digit or one of `-._~`.
fn form_urlencoded(pairs: &[(&str, &str)]) -> String {
    let escaped = |text: &str| {
        let mut escaped = String::new();
        for byte in text.bytes() {
            if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
                escaped.push(char::from(byte));
            } else {
                escaped.push_str(&format!("%{byte:02X}"));
            }
        }
        escaped
    };
    let pairs: Vec<_> = pairs
        .iter()
        .map(|(name, value)| format!("{}={}", escaped(name), escaped(value)))
        .collect();
    pairs.join("&")
}

/// An answer, read whole.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) body: Bytes,
}

/// Asks once. Addresses are left out of errors: they may be signed.
pub(super) async fn ask(key: &BlobKey, request: RequestBuilder) -> Result<Answer, BlobError> {
    let failed = |error: reqwest::Error| BlobError::unavailable(key, error.without_url());
    let response = request.send().await.map_err(failed)?;
    let status = response.status();
    let body = response.bytes().await.map_err(failed)?;
    Ok(Answer { status, body })
}

impl Answer {
    /// The body as JSON.
    pub(super) fn json(&self, key: &BlobKey) -> Result<Value, BlobError> {
        serde_json::from_slice(&self.body)
            .map_err(|error| BlobError::unavailable(key, format!("the store answered no JSON: {error}")))
    }

    /// The error of an answer that is none of those that were expected. Only the named member of the body is passed
    /// on, and nothing of it that stands after `hidden`.
    pub(super) fn refusal(&self, key: &BlobKey, member: &str, hidden: &str) -> BlobError {
        let body: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        let told = body.pointer(member).and_then(Value::as_str).unwrap_or_default();
        let told = told.split(hidden).next().unwrap_or_default().trim();
        let told: String = told.chars().take(MAX_COMPLAINT).collect();
        let status = self.status.as_u16();
        BlobError::unavailable(key, format!("the store answered {status}: {told}"))
    }
}

/// Time of an RFC 3339 text in UTC, to the second; the beginning of time when it is none.
pub(super) fn time(text: &str) -> crate::clock::UnixMicros {
    let number = |range| {
        text.get(range)
            .and_then(|digits: &str| digits.parse::<i64>().ok())
    };
    let parts = (number(0..4), number(5..7), number(8..10));
    let clock = (number(11..13), number(14..16), number(17..19));
    let ((Some(year), Some(month), Some(day)), (Some(hour), Some(minute), Some(second))) = (parts, clock)
    else {
        return crate::clock::UnixMicros(0);
    };
    // Days since the epoch, after Howard Hinnant's days_from_civil.
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    let days = era * 146_097 + day_of_era - 719_468;
    crate::clock::UnixMicros((((days * 24 + hour) * 60 + minute) * 60 + second) * 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::UnixMicros;

    #[test]
    fn times_are_read_to_the_second() {
        assert_eq!(time("1970-01-01T00:00:00Z"), UnixMicros(0));
        assert_eq!(
            time("2026-11-21T20:33:30.123Z"),
            UnixMicros(1_795_293_210_000_000)
        );
        assert_eq!(time("2024-02-29T23:59:59Z"), UnixMicros(1_709_251_199_000_000));
        assert_eq!(time("soon"), UnixMicros(0));
    }
}
