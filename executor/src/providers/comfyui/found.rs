//! Where a prompt is: in the queue, in the history, or nowhere.

use serde_json::Value;

/// Where a prompt is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Place {
    /// It waits, or is being drawn.
    Queue {
        /// It is being drawn.
        is_running: bool,
    },
    /// It is over. The entry says how.
    History(Value),
    /// Neither.
    Nowhere,
}

/// A file of the server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct File {
    pub(super) name: String,
    pub(super) subfolder: String,
    /// `output`, `temp` or `input`.
    pub(super) folder: String,
}

/// Looks a prompt up in the answer of `GET /queue`. An error says that it is no such answer.
pub(super) fn in_queue(body: &[u8], prompt_id: &str) -> Result<Option<Place>, String> {
    let queue: Value =
        serde_json::from_slice(body).map_err(|error| format!("the queue is not JSON: {error}"))?;
    for (list, is_running) in [("queue_running", true), ("queue_pending", false)] {
        let items = queue[list]
            .as_array()
            .ok_or_else(|| format!("the queue has no {list}"))?;
        // Number, id, graph and more.
        if items.iter().any(|item| item[1] == prompt_id) {
            return Ok(Some(Place::Queue { is_running }));
        }
    }
    Ok(None)
}

/// Looks a prompt up in the answer of `GET /history/{prompt_id}`. An error says that it is no such answer.
pub(super) fn in_history(body: &[u8], prompt_id: &str) -> Result<Option<Place>, String> {
    let history: Value =
        serde_json::from_slice(body).map_err(|error| format!("the history is not JSON: {error}"))?;
    let entries = history.as_object().ok_or("the history is no object")?;
    Ok(entries.get(prompt_id).map(|entry| Place::History(entry.clone())))
}

/// True when the entry says that the prompt failed.
pub(super) fn has_failed(entry: &Value) -> bool {
    entry["status"]["status_str"] == "error"
}

/// The picture of a prompt: of the node that was named, else of the first one that saved one, else of the first one that shows one.
pub(super) fn picture(entry: &Value, output_node: &str) -> Option<File> {
    let outputs = entry["outputs"].as_object()?;
    let of_node = |(id, _): &(&String, &Value)| output_node.is_empty() || id.as_str() == output_node;
    let mut nodes: Vec<(&String, &Value)> = outputs.iter().filter(of_node).collect();
    // Ids are numbers in text.
    nodes.sort_by_key(|(id, _)| (id.parse::<u64>().unwrap_or(u64::MAX), (*id).clone()));
    let files: Vec<File> = nodes
        .iter()
        .flat_map(|(_, output)| output["images"].as_array().into_iter().flatten())
        .filter_map(file)
        .collect();
    let saved = files.iter().find(|file| file.folder == "output");
    saved.or_else(|| files.first()).cloned()
}

fn file(image: &Value) -> Option<File> {
    let text = |name: &str| image[name].as_str().unwrap_or_default().to_owned();
    let folder = match text("type") {
        folder if folder.is_empty() => "output".to_owned(),
        folder => folder,
    };
    let name = text("filename");
    (!name.is_empty()).then(|| File {
        name,
        subfolder: text("subfolder"),
        folder,
    })
}

/// The file that a prefix gives to the first picture that is saved under it.
pub(super) fn first_file(prefix: &str) -> File {
    let (subfolder, name) = prefix.rsplit_once('/').unwrap_or(("", prefix));
    File {
        name: format!("{name}_00001_.png"),
        subfolder: subfolder.to_owned(),
        folder: "output".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_a_real_answer_says_that_a_prompt_is_not_there() {
        let queue = json!({"queue_running": [[0, "a", {}]], "queue_pending": [[1, "b", {}]]}).to_string();
        let queue = |id: &str| in_queue(queue.as_bytes(), id).unwrap();
        assert_eq!(queue("a"), Some(Place::Queue { is_running: true }));
        assert_eq!(queue("b"), Some(Place::Queue { is_running: false }));
        assert_eq!(queue("c"), None);
        for body in [&b"{}"[..], b"<html>", b"[]", br#"{"queue_running": []}"#] {
            in_queue(body, "a").unwrap_err();
        }
        assert_eq!(in_history(b"{}", "a").unwrap(), None);
        for body in [&b"[]"[..], b"<html>", b"null"] {
            in_history(body, "a").unwrap_err();
        }
    }

    #[test]
    fn a_saved_picture_goes_before_one_that_is_shown() {
        let image = |name: &str, folder: &str| json!({"filename": name, "subfolder": "", "type": folder});
        let entry = json!({"outputs": {
            "10": {"images": [image("c", "output")]},
            "9": {"images": [image("b", "output"), image("b2", "output")]},
            "2": {"images": [image("a", "temp")]},
            "1": {"text": ["no picture"]},
        }});
        for (node, expected) in [("", "b"), ("10", "c"), ("2", "a")] {
            assert_eq!(picture(&entry, node).unwrap().name, expected, "{node}");
        }
        assert_eq!(picture(&entry, "1"), None);
        assert_eq!(picture(&json!({"outputs": {}}), ""), None);
    }

    #[test]
    fn the_first_file_has_a_known_name() {
        let file = first_file("limn/a-b");
        assert_eq!(
            (file.subfolder.as_str(), file.name.as_str()),
            ("limn", "a-b_00001_.png")
        );
        assert_eq!(first_file("a").subfolder, "");
    }
}
