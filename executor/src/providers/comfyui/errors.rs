//! What an answer of the server to `POST /prompt` proves, and what became of a prompt that failed.

use limn_proto::reason::Reason;
use serde_json::Value;

use crate::{
    provider::Billing,
    providers::http::{Body, Refusal, Row, proven, row},
};

/// The first row that matches decides. Source: `server.py` of ComfyUI, which validates a graph before it queues it. Not listed, and so
/// unknown: 500, which may come after the prompt was queued. The queue and the history tell.
const TABLE: &[Row] = &[
    // Turned away at the door: by a proxy, or for the origin of the request.
    row(401, &[], Body::Any, Reason::ProviderAccount),
    row(403, &[], Body::Any, Reason::ProviderAccount),
    row(404, &[], Body::Any, Reason::ProviderRejected),
    row(405, &[], Body::Any, Reason::ProviderRejected),
    row(413, &[], Body::Any, Reason::ProviderRejected),
    row(429, &[], Body::Any, Reason::ProviderRateLimited),
    row(400, &[], Body::Own, Reason::ProviderRejected),
];

/// What an answer with an error status proves; nothing: nothing. A server of one's own bills nothing.
pub(super) fn refusal(status: u16, body: Option<&[u8]>) -> Option<Refusal> {
    let parsed: Option<Value> = body.and_then(|body| serde_json::from_slice(body).ok());
    let own = parsed.as_ref().filter(|body| body["error"].is_object());
    let kind = own.map(|body| [body["error"]["type"].as_str().unwrap_or_default()]);
    let reason = proven(TABLE, status, kind.as_ref().map(<[&str; 1]>::as_slice))?;
    let mut refusal = Refusal::new(reason, Billing::No, own.map_or_else(String::new, words));
    refusal.facts = vec![(
        "providerCode",
        kind.map_or_else(String::new, |[kind]| kind.to_owned()),
    )];
    Some(refusal)
}

/// The error of the graph, then those of its nodes.
fn words(body: &Value) -> String {
    let mut words = vec![sentence(&body["error"])];
    for (id, node) in body["node_errors"].as_object().into_iter().flatten() {
        let class = node["class_type"].as_str().unwrap_or_default();
        for error in node["errors"].as_array().into_iter().flatten() {
            words.push(format!("node {id} ({class}): {}", sentence(error)));
        }
    }
    words.join("; ")
}

fn sentence(error: &Value) -> String {
    let text = |name: &str| error[name].as_str().unwrap_or_default();
    match (text("message"), text("details")) {
        (message, "") => message.to_owned(),
        ("", details) => details.to_owned(),
        (message, details) => format!("{message}: {details}"),
    }
}

/// What became of a prompt whose history says that it failed.
pub(super) fn failure(status: &Value) -> Refusal {
    let messages = status["messages"].as_array().map_or(&[][..], Vec::as_slice);
    let last = |kind: &str| {
        messages
            .iter()
            .rev()
            .find(|message| message[0] == kind)
            .map(|message| &message[1])
    };
    if last("execution_interrupted").is_some() {
        let words = "the prompt was interrupted";
        return Refusal::new(Reason::CancelledByClient, Billing::No, words);
    }
    let Some(error) = last("execution_error") else {
        return Refusal::new(Reason::ProviderRejected, Billing::No, "the prompt failed");
    };
    let text = |name: &str| error[name].as_str().unwrap_or_default();
    let (kind, message) = (text("exception_type"), text("exception_message"));
    // Memory is free again in a while; everything else would fail again.
    let is_full = kind.contains("OutOfMemory") || message.to_ascii_lowercase().contains("out of memory");
    let reason = if is_full {
        Reason::ProviderUnavailable
    } else {
        Reason::ProviderRejected
    };
    let words = format!(
        "node {} ({}): {}",
        text("node_id"),
        text("node_type"),
        message.trim()
    );
    let mut refusal = Refusal::new(reason, Billing::No, words);
    refusal.facts = vec![("providerCode", kind.to_owned())];
    refusal
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_listed_answer_has_its_verdict() {
        use Reason::*;
        let own = json!({"error": {"type": "no_prompt", "message": "No prompt provided"}}).to_string();
        let page = "<html>";
        for (status, body, reason) in [
            (400, own.as_str(), Some(ProviderRejected)),
            (400, page, None),
            (401, page, Some(ProviderAccount)),
            (403, page, Some(ProviderAccount)),
            (404, page, Some(ProviderRejected)),
            (413, page, Some(ProviderRejected)),
            (429, page, Some(ProviderRateLimited)),
            (500, own.as_str(), None),
            (502, page, None),
        ] {
            let refusal = refusal(status, Some(body.as_bytes()));
            assert_eq!(refusal.map(|refusal| refusal.reason), reason, "{status} {body}");
        }
    }

    #[test]
    fn errors_of_nodes_are_named() {
        let body = json!({
            "error": {"type": "prompt_outputs_failed_validation", "message": "Prompt outputs failed validation", "details": ""},
            "node_errors": {"1": {
                "class_type": "CheckpointLoaderSimple",
                "errors": [{"type": "value_not_in_list", "message": "Value not in list", "details": "ckpt_name: 'x' not in []"}],
            }},
        });
        let refusal = refusal(400, Some(body.to_string().as_bytes())).unwrap();
        assert_eq!(
            refusal.message,
            "Prompt outputs failed validation; node 1 (CheckpointLoaderSimple): Value not in list: ckpt_name: 'x' not in []"
        );
    }

    #[test]
    fn failures_are_told_apart() {
        let error = |kind: &str, message: &str| {
            let facts = json!({"node_id": "5", "node_type": "KSampler", "exception_type": kind, "exception_message": message});
            json!({"messages": [["execution_start", {}], ["execution_error", facts]]})
        };
        for (status, reason) in [
            (
                error("torch.OutOfMemoryError", "Allocation on device"),
                Reason::ProviderUnavailable,
            ),
            (
                error("RuntimeError", "CUDA error: out of memory"),
                Reason::ProviderUnavailable,
            ),
            (error("ValueError", "bad seed"), Reason::ProviderRejected),
            (
                json!({"messages": [["execution_interrupted", {}]]}),
                Reason::CancelledByClient,
            ),
            (json!({"status_str": "error"}), Reason::ProviderRejected),
        ] {
            assert_eq!(failure(&status).reason, reason, "{status}");
        }
    }
}
