//! How long a provider asks to wait.

use std::time::Duration;

use reqwest::header::HeaderMap;

use super::header;

/// The wait that an answer asks for: `retry-after-ms`, else `retry-after` in seconds or as a date, else the
/// longest `x-ratelimit-reset-*` of what is used up.
pub(in crate::providers) fn asked_wait(headers: &HeaderMap) -> Option<Duration> {
    from_millis(header(headers, "retry-after-ms"))
        .or_else(|| from_retry_after(headers))
        .or_else(|| from_rate_limit(headers))
}

fn from_millis(text: &str) -> Option<Duration> {
    let seconds: f64 = text.trim().parse().ok()?;
    Duration::try_from_secs_f64(seconds / 1000.0).ok()
}

/// A date is taken relative to the date of the answer, so that no clock but the provider's is involved.
fn from_retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = header(headers, "retry-after").trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let until = httpdate::parse_http_date(text).ok()?;
    let answered = httpdate::parse_http_date(header(headers, "date")).ok()?;
    Some(until.duration_since(answered).unwrap_or_default())
}

fn from_rate_limit(headers: &HeaderMap) -> Option<Duration> {
    let limits = ["requests", "tokens", "images", "input-images"];
    let used_up = limits.iter().filter(|limit| {
        let remaining = header(headers, &format!("x-ratelimit-remaining-{limit}"));
        matches!(remaining, "" | "0")
    });
    used_up
        .filter_map(|limit| parse_span(header(headers, &format!("x-ratelimit-reset-{limit}"))))
        .max()
}

/// Reads `6m0s`, `1s`, `120ms`, `1.5s` or `1h2m3s`.
fn parse_span(text: &str) -> Option<Duration> {
    let mut total = Duration::ZERO;
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let number_end = rest.find(|character: char| !(character.is_ascii_digit() || character == '.'))?;
        let (number, tail) = rest.split_at(number_end);
        let unit_end = tail
            .find(|character: char| !character.is_ascii_alphabetic())
            .unwrap_or(tail.len());
        let (unit, next) = tail.split_at(unit_end);
        let unit_seconds = match unit {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 0.001,
            _ => return None,
        };
        let seconds = number.parse::<f64>().ok()? * unit_seconds;
        total = total.checked_add(Duration::try_from_secs_f64(seconds).ok()?)?;
        rest = next;
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderName, HeaderValue};

    use super::*;

    fn wait_ms(headers: &[(&'static str, &'static str)]) -> Option<u128> {
        let headers = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        asked_wait(&headers).map(|wait| wait.as_millis())
    }

    #[test]
    fn every_form_of_asking_is_understood() {
        const DATE: (&str, &str) = ("date", "Sat, 21 Nov 2026 12:00:00 GMT");
        for (headers, expected) in [
            (&[][..], None),
            (&[("retry-after-ms", "250"), ("retry-after", "9")], Some(250)),
            (&[("retry-after", "9")], Some(9000)),
            (&[("retry-after", "0.5")], Some(500)),
            (
                &[DATE, ("retry-after", "Sat, 21 Nov 2026 12:01:30 GMT")],
                Some(90_000),
            ),
            (&[DATE, ("retry-after", "Sat, 21 Nov 2026 11:00:00 GMT")], Some(0)),
            (&[("retry-after", "Sat, 21 Nov 2026 12:01:30 GMT")], None),
            (&[("retry-after", "-1")], None),
            (&[("retry-after", "soon")], None),
            (&[("x-ratelimit-reset-requests", "6m0s")], Some(360_000)),
            (
                &[
                    ("x-ratelimit-reset-tokens", "120ms"),
                    ("x-ratelimit-reset-requests", "1s"),
                ],
                Some(1000),
            ),
            (
                &[
                    ("x-ratelimit-remaining-tokens", "7"),
                    ("x-ratelimit-reset-tokens", "6m0s"),
                ],
                None,
            ),
            (&[("x-ratelimit-reset-requests", "1h2m3.5s")], Some(3_723_500)),
            (&[("x-ratelimit-reset-requests", "6 minutes")], None),
            (&[("x-ratelimit-reset-requests", "12")], None),
        ] {
            assert_eq!(wait_ms(headers), expected, "{headers:?}");
        }
    }
}
