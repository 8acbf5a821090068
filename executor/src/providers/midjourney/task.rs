//! Messages of the proxy: what it says to a submission, and what it says of a task.

use limn_proto::reason::Reason;
use serde_json::Value;

use crate::{provider::Billing, providers::http::Refusal};

/// What the proxy said to a submission. It says it with status 200, whatever it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Submitted {
    /// Taken, at once or into its queue, or there already.
    Task(String),
    /// Refused before anything was handed on.
    Refused(Refusal),
    /// Nothing that it is known to say.
    Unclear,
}

/// Reads `{"code", "description", "result", "properties"}`.
pub(super) fn submitted(body: &[u8]) -> Submitted {
    let answer: Value = serde_json::from_slice(body).unwrap_or_default();
    let Some(code) = answer["code"].as_i64() else {
        return Submitted::Unclear;
    };
    let task = match &answer["result"] {
        Value::String(id) => id.clone(),
        // Seen as a number where a reseller wrote the proxy anew.
        Value::Number(id) => id.to_string(),
        _ => String::new(),
    };
    let words = answer["description"].as_str().unwrap_or_default();
    let refused = |reason: Reason| {
        let mut refusal = Refusal::new(reason, Billing::No, words);
        refusal.facts = vec![("providerCode", code.to_string())];
        Submitted::Refused(refusal)
    };
    match code {
        // Taken; there already; queued.
        1 | 21 | 22 if !task.is_empty() => Submitted::Task(task),
        // Its queue is full.
        23 => refused(Reason::ProviderRateLimited),
        // A word that is banned. Which one is part of the prompt, and not kept.
        24 => refused(Reason::ContentBlocked),
        // No account that could draw.
        3 => refused(Reason::ProviderAccount),
        // A field of the request.
        4 => refused(Reason::ProviderRejected),
        // It could not hand the work on.
        9 => refused(Reason::ProviderUnavailable),
        _ => Submitted::Unclear,
    }
}

/// How far a task is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Not done, whatever picture it shows meanwhile.
    Working,
    /// Done.
    Done,
    /// Over, without a picture.
    Failed(Refusal),
}

/// A task of the proxy.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Task(Value);

impl Task {
    /// Reads an answer to a question after one task. Nothing when the proxy does not know it, which it says with `null`, or with nothing at
    /// all.
    pub(super) fn parse(body: &[u8]) -> Option<Self> {
        let task: Value = serde_json::from_slice(body).ok()?;
        task["id"].is_string().then_some(Self(task))
    }

    /// Reads a list of tasks. Nothing when it is none.
    pub(super) fn parse_list(body: &[u8]) -> Option<Vec<Self>> {
        let tasks: Value = serde_json::from_slice(body).ok()?;
        let tasks = tasks.as_array()?.iter().filter(|task| task["id"].is_string());
        Some(tasks.cloned().map(Self).collect())
    }

    /// Its id.
    pub(super) fn id(&self) -> &str {
        self.text("id")
    }

    /// True when it is of this kind and carries this text of ours.
    pub(super) fn is(&self, action: &str, state: &str) -> bool {
        self.text("action") == action && self.text("state") == state
    }

    /// Address of its picture; empty: it has none.
    pub(super) fn picture(&self) -> &str {
        self.text("imageUrl")
    }

    /// The prompt as it was sent on; empty: it does not say.
    pub(super) fn final_prompt(&self) -> &str {
        self.0["properties"]["finalPrompt"].as_str().unwrap_or_default()
    }

    /// The button that takes one picture out of the grid, where the proxy lists buttons.
    pub(super) fn upscale_button(&self, index: u8) -> Option<&str> {
        let begin = format!("MJ::JOB::upsample::{index}::");
        let buttons = self.0["buttons"].as_array()?.iter();
        let mut ids = buttons.filter_map(|button| button["customId"].as_str());
        ids.find(|id| id.starts_with(&begin))
    }

    /// How far it is.
    pub(super) fn stage(&self) -> Stage {
        let words = self.text("failReason");
        match self.text("status") {
            "SUCCESS" => Stage::Done,
            "FAILURE" => Stage::Failed(failure(words)),
            "CANCEL" => Stage::Failed(Refusal::new(Reason::CancelledByClient, Billing::No, words)),
            // Also a dialog that somebody has to answer.
            _ => Stage::Working,
        }
    }

    fn text(&self, name: &str) -> &str {
        self.0[name].as_str().unwrap_or_default()
    }
}

/// Words of a refusal for the content, in the languages of Midjourney and the proxies.
const BLOCKED: &[&str] = &[
    "banned prompt",
    "moderat",
    "sensitive",
    "blocked",
    "content policy",
    "community",
    "敏感",
];
/// Words of a parameter that is wrong.
const INVALID: &[&str] = &[
    "invalid parameter",
    "invalid value",
    "unrecognized parameter",
    "invalid link",
    "参数",
];
/// Words of a cancellation that was asked for.
const CANCELLED: &[&str] = &["取消任务", "任务取消", "cancel"];
/// Words of a proxy that waits no longer. The picture may come all the same.
const TIMEOUT: &[&str] = &["超时", "timeout", "timed out"];

fn failure(words: &str) -> Refusal {
    let lower = words.to_lowercase();
    let has = |known: &[&str]| known.iter().any(|known| lower.contains(known));
    let (reason, billing) = if has(BLOCKED) {
        (Reason::ContentBlocked, Billing::Unknown)
    } else if has(CANCELLED) {
        (Reason::CancelledByClient, Billing::No)
    } else if has(INVALID) {
        (Reason::ProviderRejected, Billing::No)
    } else if has(TIMEOUT) {
        (Reason::ProviderUnavailable, Billing::Unknown)
    } else {
        (Reason::ProviderUnavailable, Billing::No)
    };
    Refusal::new(reason, billing, words)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_code_has_its_meaning() {
        use Reason::*;
        let read = |code: Value, result: Value| {
            submitted(
                json!({"code": code, "description": "d", "result": result})
                    .to_string()
                    .as_bytes(),
            )
        };
        for code in [1, 21, 22] {
            assert_eq!(read(json!(code), json!("17")), Submitted::Task("17".to_owned()));
            assert_eq!(read(json!(code), json!(17)), Submitted::Task("17".to_owned()));
            assert_eq!(read(json!(code), json!(null)), Submitted::Unclear);
        }
        for (code, reason) in [
            (23, ProviderRateLimited),
            (24, ContentBlocked),
            (3, ProviderAccount),
            (4, ProviderRejected),
            (9, ProviderUnavailable),
        ] {
            let Submitted::Refused(refusal) = read(json!(code), json!(null)) else {
                panic!("{code}");
            };
            assert_eq!((refusal.reason, refusal.billing), (reason, Billing::No), "{code}");
        }
        for code in [json!(0), json!(2), json!(25), json!("1"), json!(null)] {
            assert_eq!(read(code, json!("17")), Submitted::Unclear);
        }
        assert_eq!(submitted(b"<html>"), Submitted::Unclear);
        assert_eq!(submitted(b""), Submitted::Unclear);
    }

    #[test]
    fn a_task_is_done_only_when_it_says_so() {
        for nothing in [&b"null"[..], b"", b"{}", b"<html>"] {
            assert_eq!(Task::parse(nothing), None);
        }
        let stage = |status: &str| {
            let task = json!({"id": "1", "status": status, "imageUrl": "https://cdn.example/preview.webp"});
            Task::parse(task.to_string().as_bytes()).unwrap().stage()
        };
        for status in ["NOT_START", "SUBMITTED", "IN_PROGRESS", "MODAL", "", "NEW_WORD"] {
            assert_eq!(stage(status), Stage::Working, "{status}");
        }
        assert_eq!(stage("SUCCESS"), Stage::Done);
        assert!(
            matches!(stage("CANCEL"), Stage::Failed(refusal) if refusal.reason == Reason::CancelledByClient)
        );
    }

    #[test]
    fn failures_are_told_apart_by_their_words() {
        use Billing::*;
        use Reason::*;
        for (words, reason, billing) in [
            ("[Banned prompt] Sorry!", ContentBlocked, Unknown),
            ("可能包含敏感词", ContentBlocked, Unknown),
            ("[Invalid parameter] --ar", ProviderRejected, No),
            ("任务超时", ProviderUnavailable, Unknown),
            ("取消任务", CancelledByClient, No),
            (
                "[Queue full] You have reached the maximum",
                ProviderUnavailable,
                No,
            ),
            ("", ProviderUnavailable, No),
        ] {
            let refusal = failure(words);
            assert_eq!((refusal.reason, refusal.billing), (reason, billing), "{words}");
        }
    }

    #[test]
    fn buttons_are_told_by_their_number() {
        let button = |id: &str| json!({"customId": id, "label": "U"});
        let buttons = [
            button("MJ::JOB::variation::1::abc"),
            button("MJ::JOB::upsample::1::abc"),
            button("MJ::JOB::upsample::2::abc"),
        ];
        let task = Task(json!({"id": "1", "buttons": buttons}));
        assert_eq!(task.upscale_button(2), Some("MJ::JOB::upsample::2::abc"));
        assert_eq!(task.upscale_button(3), None);
        assert_eq!(Task(json!({"id": "1"})).upscale_button(1), None);
    }
}
