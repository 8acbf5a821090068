//! Pictures that are too large for a request: uploaded before it, and named by their address in it.
//!
//! An upload is no work and costs nothing. When it fails, nothing that costs was sent. Replicate deletes an uploaded file by itself, at
//! the time that it tells as `expires_at`.

use reqwest::multipart::{Form, Part};
use serde_json::Value;

use super::{Replicate, errors};
use crate::{
    provider::{Call, CallError, Reference},
    providers::http::{Ending, data_url, not_sendable},
};

/// Largest picture that the API takes inside a request.
const MAX_INLINE_BYTES: usize = 256_000;
/// Largest file that the API takes.
const MAX_FILE_BYTES: usize = 100_000_000;

/// Stands for the address of a picture that is not uploaded yet.
const NOT_UPLOADED: &str = "https://api.replicate.com/v1/files/";

/// Pictures of a call that are too large for its request, with their numbers in it.
fn large<'a>(call: &Call<'a>) -> impl Iterator<Item = (usize, &'a Reference)> {
    let numbered = (1..).zip(call.references);
    numbered.filter(|(_, reference)| is_large(reference))
}

fn is_large(reference: &Reference) -> bool {
    reference.bytes.len() > MAX_INLINE_BYTES
}

/// The pictures of a call as its inputs take them, the large ones by these addresses. An error says what cannot be
/// sent at all.
pub(super) fn to_draw_from(call: &Call<'_>, addresses: &[String]) -> Result<Vec<String>, String> {
    let mut addresses = addresses.iter();
    let written = call.references.iter().map(|reference| {
        let size_bytes = reference.bytes.len();
        if size_bytes > MAX_FILE_BYTES {
            return Err(format!(
                "a reference picture has {size_bytes} bytes, and replicate takes at most {MAX_FILE_BYTES}"
            ));
        }
        if !is_large(reference) {
            return Ok(data_url(&reference.media_type, &reference.bytes));
        }
        let address = addresses.next();
        address
            .cloned()
            .ok_or_else(|| "a reference picture is not uploaded".to_owned())
    });
    written.collect()
}

/// The same before anything is uploaded.
pub(super) fn to_upload(call: &Call<'_>) -> Result<Vec<String>, String> {
    to_draw_from(call, &vec![NOT_UPLOADED.to_owned(); large(call).count()])
}

impl Replicate {
    /// Uploads what is too large for the request, and returns where it is.
    pub(super) async fn upload(&self, call: &Call<'_>) -> Result<Vec<String>, CallError> {
        let mut addresses = Vec::new();
        for (number, reference) in large(call) {
            addresses.push(self.upload_one(call, number, reference).await?);
        }
        Ok(addresses)
    }

    async fn upload_one(
        &self,
        call: &Call<'_>,
        number: usize,
        reference: &Reference,
    ) -> Result<String, CallError> {
        let extension = reference.media_type.trim_start_matches("image/");
        let length = u64::try_from(reference.bytes.len()).unwrap_or(u64::MAX);
        let part = Part::stream_with_length(reference.bytes.clone(), length)
            .file_name(format!("reference-{number}.{extension}"))
            .mime_str(&reference.media_type)
            .map_err(|error| not_sendable(format!("reference {number}: {error}")))?;
        let request = self.api.client.post(self.api.url("/files"));
        let request = self
            .with_key(request)
            .multipart(Form::new().part("content", part))
            .timeout(call.timeout);
        let received = self.api.send(request).await;
        let received = received.map_err(|error| not_uploaded(&error.to_string()))?;
        if !(200..300).contains(&received.status) {
            return Err(match errors::refusal(&self.api, received, &call.render.prompt) {
                CallError::Unknown { message, .. } => not_uploaded(&message),
                refused => refused,
            });
        }
        let file: Value = match received.ending {
            Ending::Whole => serde_json::from_slice(&received.body).unwrap_or_default(),
            Ending::Oversize | Ending::Broken(_) => Value::Null,
        };
        let address = file["urls"]["get"].as_str();
        let address = address.filter(|url| url.starts_with("https://") || url.starts_with("http://"));
        address
            .map(str::to_owned)
            .ok_or_else(|| not_uploaded("the answer does not say where the file is"))
    }
}

/// Nothing that costs was sent, whatever became of the file.
fn not_uploaded(why: &str) -> CallError {
    CallError::Unsent {
        message: format!("a reference picture was not uploaded: {why}"),
    }
}
