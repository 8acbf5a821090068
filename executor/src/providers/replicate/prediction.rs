//! Predictions, as far as they are read.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::providers::http::JobResult;

/// Longest id that is taken; theirs have 26 characters.
const MAX_ID: usize = 64;

/// A prediction of the API.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Prediction(Value);

/// What came out of a prediction that succeeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Output<'a> {
    /// The picture is there.
    Address(&'a str),
    /// The picture itself.
    DataUrl(&'a str),
    /// Nothing, and why.
    None(&'static str),
}

impl Prediction {
    /// Reads one. Only its id and its status must be there.
    pub(super) fn parse(body: &[u8]) -> Option<Self> {
        let value: Value = serde_json::from_slice(body).ok()?;
        let has_id = value["id"].as_str().is_some_and(is_id);
        (has_id && value["status"].is_string()).then_some(Self(value))
    }

    pub(super) fn id(&self) -> &str {
        self.text("id")
    }

    /// `starting`, `processing`, `succeeded`, `failed`, `canceled` or `aborted`; more may come.
    pub(super) fn status(&self) -> &str {
        self.text("status")
    }

    /// True when nothing more comes of it.
    pub(super) fn is_ended(&self) -> bool {
        matches!(self.status(), "succeeded" | "failed" | "canceled" | "aborted")
    }

    /// Why it failed.
    pub(super) fn error(&self) -> &str {
        self.text("error")
    }

    /// True unless it is certain that the model never ran.
    pub(super) fn may_have_run(&self) -> bool {
        self.0["started_at"].is_string() || self.predict_seconds().is_some_and(|seconds| seconds > 0)
    }

    /// True when it ended at its deadline or later, to the second.
    pub(super) fn is_past_deadline(&self) -> bool {
        let second = |name: &str| self.text(name).get(..19);
        match (second("deadline"), second("completed_at")) {
            (Some(deadline), Some(completed)) => completed >= deadline,
            _ => false,
        }
    }

    /// The first picture of the output, whose shape differs from model to model: one address, a list of them, or an
    /// object with one.
    pub(super) fn output(&self) -> Output<'_> {
        let output = &self.0["output"];
        let first = match output {
            Value::Array(list) => list.first().unwrap_or(&Value::Null),
            output => output,
        };
        let address = match first {
            Value::Object(fields) => {
                let named = ["url", "image", "images", "output"];
                let mut found = named.iter().filter_map(|name| fields.get(*name));
                found.find_map(|value| value.as_str().or_else(|| value[0].as_str()))
            }
            first => first.as_str(),
        };
        match address {
            Some(url) if url.starts_with("data:") => Output::DataUrl(url),
            Some(url) if url.starts_with("http://") || url.starts_with("https://") => Output::Address(url),
            _ if self.0["data_removed"] == true => {
                Output::None("replicate has deleted the picture: it keeps them for an hour")
            }
            Some(_) => Output::None("the output is text, and no address of a picture"),
            None => Output::None("the output has no picture"),
        }
    }

    /// What it says beside its picture.
    pub(super) fn result(&self) -> JobResult {
        let version = self.text("version");
        JobResult {
            request_id: self.id().to_owned(),
            seed: self.seed(),
            // Official models do not show their version.
            model_version: if version == "hidden" { "" } else { version }.to_owned(),
            usage: self
                .predict_seconds()
                .map(|seconds| BTreeMap::from([("second".to_owned(), seconds)]))
                .unwrap_or_default(),
            ..JobResult::default()
        }
    }

    /// Seconds of the machine, begun ones counted whole.
    fn predict_seconds(&self) -> Option<i64> {
        let seconds = self.0["metrics"]["predict_time"].as_f64()?;
        let is_sane = seconds.is_finite() && (0.0..1e9).contains(&seconds);
        #[expect(clippy::cast_possible_truncation, reason = "it was bounded just before")]
        is_sane.then(|| seconds.ceil() as i64)
    }

    /// The seed that was used. No field has it, but most models write it into their log: `Using seed: 1234`.
    fn seed(&self) -> Option<u64> {
        let logs = self.text("logs");
        logs.lines().find_map(|line| {
            let line = line.to_ascii_lowercase();
            let (_, rest) = line.split_once("seed:").or_else(|| line.split_once("seed ="))?;
            let digits: String = rest
                .trim_start()
                .chars()
                .take_while(char::is_ascii_digit)
                .collect();
            digits.parse().ok()
        })
    }

    fn text(&self, name: &str) -> &str {
        self.0[name].as_str().unwrap_or_default()
    }
}

/// True for what can be an id, and a part of a path.
pub(super) fn is_id(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    !text.is_empty() && text.len() <= MAX_ID && text.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn prediction(mut value: Value) -> Prediction {
        value["id"] = "abc".into();
        value["status"] = "succeeded".into();
        Prediction::parse(value.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn every_shape_of_output_is_read() {
        const URL: &str = "https://replicate.delivery/x/out.webp";
        for output in [
            json!(URL),
            json!([URL, "https://replicate.delivery/x/2.webp"]),
            json!({"url": URL}),
            json!([{"url": URL}]),
            json!({"images": [URL]}),
        ] {
            let prediction = prediction(json!({"output": output}));
            assert_eq!(prediction.output(), Output::Address(URL), "{prediction:?}");
        }
        let data = "data:image/png;base64,AAAA";
        assert_eq!(
            prediction(json!({"output": [data]})).output(),
            Output::DataUrl(data)
        );
        for (value, why) in [
            (json!({"output": null}), "no picture"),
            (json!({"output": []}), "no picture"),
            (json!({"output": ["a ", "text"]}), "text"),
            (json!({"output": "file:///etc/passwd"}), "text"),
            (json!({"output": null, "data_removed": true}), "deleted"),
        ] {
            let prediction = prediction(value);
            assert!(matches!(prediction.output(), Output::None(said) if said.contains(why)));
        }
    }

    #[test]
    fn the_log_tells_the_seed_and_the_metrics_the_time() {
        let result = prediction(json!({
            "version": "hidden", "logs": "Loading\nUsing seed: 4217\n100%", "metrics": {"predict_time": 2.01},
        }))
        .result();
        assert_eq!((result.seed, result.usage["second"]), (Some(4217), 3));
        assert!(result.model_version.is_empty());
        for (logs, seed) in [
            ("seed = 12,", Some(12)),
            ("no seed at all", None),
            ("seed: none", None),
        ] {
            assert_eq!(prediction(json!({"logs": logs})).result().seed, seed);
        }
        for odd in [json!(-1), json!("1"), json!(1e30), json!(null)] {
            let odd = prediction(json!({"metrics": {"predict_time": odd}}));
            assert!(odd.result().usage.is_empty());
        }
    }

    #[test]
    fn an_id_that_is_no_part_of_a_path_is_none() {
        for id in ["", "../account", "a b", "a/b", &"x".repeat(65)] {
            let body = json!({"id": id, "status": "starting"});
            assert_eq!(Prediction::parse(body.to_string().as_bytes()), None);
        }
        assert_eq!(Prediction::parse(b"[]"), None);
    }
}
