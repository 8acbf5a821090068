//! Tasks: how they are named, and what is read from them.

use std::fmt;

use serde_json::Value;

/// Nanos of a dollar in a credit, which is a cent.
const NANOS_PER_CREDIT: f64 = 10_000_000.0;
/// Longest id and longest address that is taken.
const MAX_ID: usize = 128;
const MAX_URL: usize = 1024;

/// A task that was accepted. As text it is the address to ask at, with what else is known in the fragment, which is
/// never sent: `https://api.eu.bfl.ai/v1/get_result?id=1f#id=1f&cost_nanos=30000000`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Job {
    pub(super) id: String,
    /// Where to ask for it.
    pub(super) url: String,
    /// What it costs, where the answer to the creation said so.
    pub(super) cost_nanos: Option<i64>,
}

impl Job {
    /// Reads the answer to a creation, or a webhook. Without an address of its own it is asked for where `elsewhere` says.
    pub(super) fn accepted(body: &[u8], elsewhere: impl FnOnce(&str) -> String) -> Option<Self> {
        let value: Value = serde_json::from_slice(body).ok()?;
        let id = value["id"].as_str().filter(|id| is_id(id))?;
        let given = value["polling_url"].as_str().filter(|url| is_url(url));
        Some(Self {
            id: id.to_owned(),
            url: given.map_or_else(|| elsewhere(id), str::to_owned),
            cost_nanos: cost_nanos(&value["cost"]),
        })
    }

    /// Reads what [`fmt::Display`] wrote.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (url, known) = text.split_once('#')?;
        let value = |name: &str| {
            let mut pairs = known.split('&').filter_map(|pair| pair.split_once('='));
            pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
        };
        Some(Self {
            id: value("id")?.to_owned(),
            url: url.to_owned(),
            cost_nanos: value("cost_nanos").and_then(|nanos| nanos.parse().ok()),
        })
    }
}

impl fmt::Display for Job {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}#id={}", self.url, self.id)?;
        match self.cost_nanos {
            Some(nanos) => write!(formatter, "&cost_nanos={nanos}"),
            None => Ok(()),
        }
    }
}

/// Where a task stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Pending,
    Ready,
    RequestModerated,
    ContentModerated,
    Error,
    NotFound,
}

/// A task, as far as it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Task {
    pub(super) id: String,
    pub(super) status: Status,
    /// The status as it was said.
    pub(super) word: String,
    /// Address of the picture; empty: there is none.
    pub(super) sample: String,
    pub(super) seed: Option<u64>,
    /// The prompt that was drawn; empty: it does not say.
    pub(super) prompt: String,
    pub(super) cost_nanos: Option<i64>,
    /// What it says about a refusal or a failure.
    pub(super) details: String,
}

impl Task {
    /// Nothing when the body is no task. A status that nobody knows is taken for work in progress.
    pub(super) fn parse(body: &[u8]) -> Option<Self> {
        let value: Value = serde_json::from_slice(body).ok()?;
        let word = value["status"].as_str()?;
        let result = &value["result"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Some(Self {
            id: text(&value["id"]),
            status: match word {
                "Ready" => Status::Ready,
                "Request Moderated" => Status::RequestModerated,
                "Content Moderated" => Status::ContentModerated,
                "Error" | "Failed" => Status::Error,
                "Task not found" => Status::NotFound,
                _ => Status::Pending,
            },
            word: word.to_owned(),
            sample: text(&result["sample"]),
            seed: result["seed"].as_u64(),
            prompt: text(&result["prompt"]),
            cost_nanos: cost_nanos(&value["cost"]).or_else(|| cost_nanos(&result["cost"])),
            details: details(&value["details"]),
        })
    }
}

/// Credits that are left, where an answer says so.
pub(super) fn credits(body: &[u8]) -> Option<f64> {
    serde_json::from_slice::<Value>(body).ok()?["credits"].as_f64()
}

/// True for what can be a part of a path.
pub(super) fn is_path_word(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    !text.is_empty() && text.bytes().all(is_plain) && !text.starts_with('.')
}

fn is_id(text: &str) -> bool {
    text.len() <= MAX_ID && is_path_word(text)
}

fn is_url(text: &str) -> bool {
    text.len() <= MAX_URL
        && (text.starts_with("https://") || text.starts_with("http://"))
        && !text.contains('#')
        && !text.contains(char::is_whitespace)
}

fn cost_nanos(credits: &Value) -> Option<i64> {
    let credits = credits.as_f64()?;
    let is_sane = credits.is_finite() && (0.0..1e6).contains(&credits);
    #[expect(clippy::cast_possible_truncation, reason = "it was bounded just before")]
    is_sane.then(|| (credits * NANOS_PER_CREDIT).round() as i64)
}

/// The texts of an object, one after the other.
fn details(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(values) => joined(values.iter().map(details)),
        Value::Object(fields) => joined(fields.values().map(details)),
        Value::Null | Value::Bool(_) | Value::Number(_) => String::new(),
    }
}

fn joined(texts: impl Iterator<Item = String>) -> String {
    let texts: Vec<String> = texts.filter(|text| !text.is_empty()).collect();
    texts.join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn accepted(body: &Value) -> Option<Job> {
        Job::accepted(body.to_string().as_bytes(), |id| {
            format!("https://api.bfl.ai/v1/get_result?id={id}")
        })
    }

    #[test]
    fn a_job_is_its_address_and_what_is_known_of_it() {
        let url = "https://api.us1.bfl.ai/v1/get_result?id=ab-1";
        let job = accepted(&json!({"id": "ab-1", "polling_url": url, "cost": 3.5})).unwrap();
        assert_eq!(job.to_string(), format!("{url}#id=ab-1&cost_nanos=35000000"));
        assert_eq!(Job::parse(&job.to_string()), Some(job));
        let job = accepted(&json!({"id": "ab-1", "status": "Pending", "webhook_url": "x"})).unwrap();
        assert_eq!(
            job.to_string(),
            "https://api.bfl.ai/v1/get_result?id=ab-1#id=ab-1"
        );
        assert_eq!(Job::parse(&job.to_string()), Some(job));
        assert_eq!(Job::parse("ab-1"), None);
    }

    #[test]
    fn an_odd_id_is_no_job_and_an_odd_address_is_not_asked() {
        for id in ["", "a/b", "a&b", "a b", "..", &"x".repeat(129)] {
            assert_eq!(accepted(&json!({"id": id, "polling_url": "https://a/"})), None);
        }
        for url in ["file:///etc/passwd", "https://a/#b", "https://a/ b", ""] {
            let job = accepted(&json!({"id": "1", "polling_url": url})).unwrap();
            assert_eq!(job.url, "https://api.bfl.ai/v1/get_result?id=1");
        }
    }

    #[test]
    fn a_task_is_read_as_far_as_it_goes() {
        let task = |value: Value| Task::parse(value.to_string().as_bytes());
        let ready = task(json!({
            "id": "1", "status": "Ready", "cost": 6,
            "result": {"sample": "https://delivery/x.png", "seed": 7, "prompt": "a fox"},
        }))
        .unwrap();
        assert_eq!((ready.status, ready.seed), (Status::Ready, Some(7)));
        assert_eq!(ready.cost_nanos, Some(60_000_000));
        let moderated = json!({"id": "1", "status": "Content Moderated", "details": {"Moderation Reasons": ["Derivative Works"]}});
        assert_eq!(task(moderated).unwrap().details, "Derivative Works");
        let unheard = task(json!({"status": "Queued", "result": "?", "details": 7})).unwrap();
        assert_eq!((unheard.status, &*unheard.sample), (Status::Pending, ""));
        for none in [json!({"detail": "x"}), json!([]), json!({"status": 1})] {
            assert_eq!(task(none), None);
        }
        for odd in [json!(-1), json!(1e300), json!("3"), json!(null)] {
            assert_eq!(cost_nanos(&odd), None);
        }
    }
}
