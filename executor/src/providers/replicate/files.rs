//! Pictures that are too large for a request: uploaded before it, and named by their address in it.
//!
//! An upload is no work and costs nothing. When it fails, nothing that costs was sent. Replicate deletes an uploaded file by itself, at
//! the time that it tells as `expires_at`.

use std::time::Duration;

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
pub(super) const NOT_UPLOADED: &str = "https://api.replicate.com/v1/files/";

/// The pictures of a call as its inputs take them, without the addresses that are not known yet. An error says what cannot be sent at all.
pub(super) fn inline(references: &[Reference]) -> Result<Vec<String>, String> {
    let written = references.iter().map(|reference| {
        let size_bytes = reference.bytes.len();
        if size_bytes > MAX_FILE_BYTES {
            return Err(format!(
                "a reference picture has {size_bytes} bytes, and replicate takes at most {MAX_FILE_BYTES}"
            ));
        }
        Ok(if size_bytes > MAX_INLINE_BYTES {
            NOT_UPLOADED.to_owned()
        } else {
            data_url(&reference.media_type, &reference.bytes)
        })
    });
    written.collect()
}

impl Replicate {
    /// Uploads what is too large, within this time all together. An error proves that nothing was sent that costs.
    pub(super) async fn upload(&self, call: &Call<'_>, written: &mut [String]) -> Result<(), CallError> {
        let large = written
            .iter_mut()
            .zip(call.references)
            .enumerate()
            .filter(|(_, (text, _))| *text == NOT_UPLOADED);
        let uploads = async {
            for (index, (text, reference)) in large {
                *text = self.upload_one(call, index + 1, reference).await?;
            }
            Ok(())
        };
        let longest = self.longest_upload(call);
        tokio::time::timeout(longest, uploads).await.unwrap_or_else(|_| {
            Err(not_uploaded(&format!(
                "not done within {} seconds",
                longest.as_secs()
            )))
        })
    }

    /// The time of a call is that of its request; an upload before it has as long as a question, so that the request is not sent long
    /// after it was decided about.
    fn longest_upload(&self, call: &Call<'_>) -> Duration {
        self.api.question_timeout().min(call.timeout)
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
            .timeout(self.longest_upload(call));
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
