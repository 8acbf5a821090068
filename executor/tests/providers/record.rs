//! The record of what a provider was sent, and of what came of it.

use std::{collections::BTreeMap, env, fmt::Write as _, fs, path::PathBuf};

use limn_executor::provider::{Bill, Billing};
use limn_fakes::{Fake, Recorded};
use serde_json::Value;

use crate::drive::Ended;

/// Headers that say nothing about the adapter.
const PLAIN_HEADERS: &[&str] = &[
    "accept-encoding",
    "connection",
    "content-length",
    "host",
    "user-agent",
];
/// Longest text that stands in a record as it is.
const MAX_SHOWN: usize = 160;

/// What happened in one case.
pub(crate) fn of(fake: &Fake, ended: &Ended) -> String {
    let mut text = String::new();
    let own = format!("http://{}", fake.address());
    for request in fake.requests() {
        text.push_str(&request_text(&request).replace(&own, "http://fake"));
    }
    let outcome = outcome(ended)
        .replace(&own, "http://fake")
        .replace(&fake.address().to_string(), "fake");
    let (calls, charged) = (fake.calls(), fake.charged());
    let _ = writeln!(text, "= {outcome}\n= {calls} calls, {charged} charged");
    text
}

fn request_text(request: &Recorded) -> String {
    let query = if request.query.is_empty() {
        String::new()
    } else {
        format!("?{}", request.query)
    };
    let key = if request.had_the_key { ", with the key" } else { "" };
    let mut text = format!("{} {}{query}{key}\n", request.method, request.path);
    for (name, value) in &request.headers {
        if !PLAIN_HEADERS.contains(&name.as_str()) {
            let value = value.split("; boundary=").next().unwrap_or_default();
            let _ = writeln!(text, "  {name}: {value}");
        }
    }
    if !request.fields.is_null() {
        let mut fields = shortened(request.fields.clone());
        // What order they are kept in is up to the features that serde_json is built with.
        fields.sort_all_objects();
        let shown = serde_json::to_string_pretty(&fields).unwrap();
        for line in shown.lines() {
            let _ = writeln!(text, "  {line}");
        }
    }
    for (name, content) in &request.files {
        let _ = writeln!(text, "  file {name}: {} bytes", content.len());
    }
    text
}

fn shortened(value: Value) -> Value {
    match value {
        Value::String(text) if text.len() > MAX_SHOWN => {
            let head: String = text.chars().take(40).collect();
            Value::String(format!("{head}… ({} bytes)", text.len()))
        }
        Value::Array(values) => values.into_iter().map(shortened).collect(),
        Value::Object(fields) => {
            let shortened = fields.into_iter().map(|(name, value)| (name, shortened(value)));
            Value::Object(shortened.collect())
        }
        value => value,
    }
}

fn outcome(ended: &Ended) -> String {
    match ended {
        Ended::Drawn(answer, rendered) => {
            let mut text = "drawn".to_owned();
            let seed = rendered.seed.map(|seed| seed.to_string()).unwrap_or_default();
            for (name, value) in [
                ("request id", &answer.request_id),
                ("revised prompt", &rendered.revised_prompt),
                ("seed", &seed),
                ("model version", &rendered.model_version),
            ] {
                if !value.is_empty() {
                    let _ = write!(text, ", {name} {value:?}");
                }
            }
            text.push_str(&bill_text(&rendered.bill));
            text
        }
        Ended::Unusable(error) => {
            format!(
                "paid in vain: {:?}: {}{}",
                error.reason,
                error.message,
                bill_text(&error.bill)
            )
        }
        Ended::Rejected(rejection) => {
            let billing = match rejection.billing {
                Billing::No => "not billed",
                Billing::Unknown => "bill unknown",
            };
            let mut text = format!(
                "rejected, {billing}: {:?}: {}",
                rejection.reason, rejection.message
            );
            if let Some(wait) = rejection.retry_after {
                let _ = write!(text, ", again after {} ms", wait.as_millis());
            }
            for (name, value) in &rejection.metadata {
                let _ = write!(text, ", {name} {value:?}");
            }
            text
        }
        Ended::Unknown(message) => format!("unknown: {message}"),
        Ended::Unsent(message) => format!("not sent: {message}"),
        Ended::Pending => "still pending".to_owned(),
    }
}

fn bill_text(bill: &Bill) -> String {
    let mut text = String::new();
    if let Some(nanos) = bill.cost_nanos {
        let _ = write!(text, ", costs {nanos} nanos");
    }
    for (unit, count) in &bill.usage {
        let _ = write!(text, ", {count} {unit}");
    }
    text
}

/// The case that the others are compared with.
const SUCCESS: &str = "success";

/// The first request of a record.
fn first_request(record: &str) -> Option<&str> {
    let end = record
        .match_indices('\n')
        .map(|(end, _)| end + 1)
        .find(|end| !record[*end..].starts_with(' '))?;
    Some(&record[..end])
}

/// The records of a variant, by case.
#[derive(Debug, Default)]
pub(crate) struct Records(BTreeMap<String, String>);

impl Records {
    pub(crate) fn add(&mut self, case: &str, text: String) {
        self.0.insert(case.to_owned(), text);
    }

    /// All of them. What was sent in every case stands there once, with the success.
    fn text(&self) -> String {
        let first = self.0.get(SUCCESS).and_then(|record| first_request(record));
        let mut text = String::new();
        for (case, record) in &self.0 {
            let record = match first {
                Some(first) if case != SUCCESS => {
                    record.replacen(first, "(the first request of success)\n", 1)
                }
                _ => record.clone(),
            };
            let _ = writeln!(text, "## {case}\n\n{record}");
        }
        text
    }

    /// Fails when these are not the records that are kept; writes them down when that is wanted.
    pub(crate) fn check(&self, kind: &str, variant: &str) {
        let text = self.text();
        let file = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("tests/providers/fixtures")
            .join(kind)
            .join(format!("{variant}.txt"));
        #[expect(
            clippy::disallowed_methods,
            reason = "a person says here that records are written again"
        )]
        if env::var_os("LIMN_WRITE_FIXTURES").is_some() {
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, &text).unwrap();
        }
        let kept = fs::read_to_string(&file).unwrap_or_default();
        for (now, then) in text.lines().zip(kept.lines().chain(std::iter::repeat(""))) {
            assert_eq!(
                now,
                then,
                "{} has changed: LIMN_WRITE_FIXTURES=1 writes it again",
                file.display()
            );
        }
        assert_eq!(text.len(), kept.len(), "{} has more", file.display());
    }
}
