//! `POST /images/edits`: a drawing that refers to pictures, as a form.

use reqwest::multipart::{Form, Part};
use serde_json::{Map, Value};

use crate::provider::Reference;

/// Most pictures that one drawing may refer to.
const MAX_REFERENCES: usize = 16;
/// A picture must be smaller than 50 MB; whether these are of 1000 or of 1024 is not said.
const MAX_REFERENCE_BYTES: usize = 50_000_000;
/// Fields of generations that edits do not have.
const NOT_IN_EDITS: &[&str] = &["moderation"];

/// The form of a request with these fields. An error says what the API would refuse, before anything is sent.
pub(super) fn form(fields: Map<String, Value>, references: &[Reference]) -> Result<Form, String> {
    if references.len() > MAX_REFERENCES {
        return Err(format!(
            "the plan refers to {} pictures; openai takes up to {MAX_REFERENCES}",
            references.len()
        ));
    }
    let mut form = Form::new();
    for (index, reference) in references.iter().enumerate() {
        form = form.part("image[]", part(index, reference)?);
    }
    for (name, value) in fields {
        if NOT_IN_EDITS.contains(&name.as_str()) {
            return Err(format!(
                "openai takes no {name} for a drawing that refers to pictures"
            ));
        }
        let text = match value {
            Value::String(text) => text,
            other => other.to_string(),
        };
        form = form.text(name, text);
    }
    Ok(form)
}

/// The API tells pictures by their media type and by the end of their name.
fn part(index: usize, reference: &Reference) -> Result<Part, String> {
    let number = index + 1;
    let extension = match reference.media_type.as_str() {
        "image/png" => "png",
        "image/jpeg" => "jpg",
        "image/webp" => "webp",
        other => {
            return Err(format!(
                "reference {number} is {other:?}; openai takes image/png, image/jpeg and image/webp"
            ));
        }
    };
    let size_bytes = reference.bytes.len();
    if size_bytes >= MAX_REFERENCE_BYTES {
        return Err(format!(
            "reference {number} has {size_bytes} bytes; openai takes fewer than {MAX_REFERENCE_BYTES}"
        ));
    }
    // The length is known, so that the request has one.
    let length = u64::try_from(size_bytes).unwrap_or(u64::MAX);
    Part::stream_with_length(reference.bytes.clone(), length)
        .file_name(format!("reference-{number}.{extension}"))
        .mime_str(&reference.media_type)
        .map_err(|error| format!("reference {number}: {error}"))
}
