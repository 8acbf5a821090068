//! Large objects, in parts.
//!
//! The parts become an object by the last request, and by a conditional one as every put. An upload that fails is
//! aborted; one whose process was killed keeps its parts, which nobody can read and which cost money, until a sweep
//! or a rule of the bucket aborts it.

use aws_sdk_s3::{
    primitives::ByteStream,
    types::{CompletedMultipartUpload, CompletedPart},
};
use bytes::Bytes;

use super::{S3Store, kept, micros, refusals::Refused, whole};
use crate::{
    blob::{BlobError, BlobKey, BlobMetadata},
    clock::UnixMicros,
};

impl S3Store {
    /// Puts in parts. Where the store takes no condition for the last request, the object goes up whole instead.
    pub(super) async fn put_in_parts(
        &self,
        key: &BlobKey,
        metadata: &BlobMetadata,
        bytes: &Bytes,
        sha256: &str,
    ) -> Result<(), Refused> {
        let name = self.name(key.as_str());
        // Spares the parts when the key is taken already. What decides is the condition of the last request.
        let head = self.client.head_object().bucket(self.bucket()).key(&name).send();
        match head.await.map_err(Refused::of) {
            Ok(_) => return Err(Refused::taken()),
            Err(refused) if refused.is_absence() => {}
            Err(refused) => return Err(refused),
        }
        let begun = self
            .client
            .create_multipart_upload()
            .bucket(self.bucket())
            .key(&name)
            .content_type(&metadata.media_type)
            .cache_control(key.cache_control(self.settings.public_base_url.is_some()))
            .set_metadata(kept(metadata, sha256))
            .send()
            .await
            .map_err(Refused::of)?;
        let upload_id = begun.upload_id().unwrap_or_default();
        let done = self.send_parts(&name, upload_id, bytes).await;
        let Err(refused) = done else { return Ok(()) };
        self.abort(&name, upload_id).await;
        if refused.is_not_implemented() {
            return self.put_whole(key, metadata, bytes.clone(), sha256).await;
        }
        Err(refused)
    }

    async fn send_parts(&self, name: &str, upload_id: &str, bytes: &Bytes) -> Result<(), Refused> {
        let mut parts = Vec::new();
        let size = self.settings.part_bytes.max(1);
        for (number, start) in (1..).zip((0..bytes.len()).step_by(size)) {
            let part = bytes.slice(start..bytes.len().min(start.saturating_add(size)));
            let sent = self
                .client
                .upload_part()
                .bucket(self.bucket())
                .key(name)
                .upload_id(upload_id)
                .part_number(number)
                .body(ByteStream::from(part))
                .send()
                .await
                .map_err(Refused::of)?;
            let part = CompletedPart::builder()
                .part_number(number)
                .set_e_tag(sent.e_tag().map(str::to_owned));
            parts.push(part.build());
        }
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
        self.client
            .complete_multipart_upload()
            .bucket(self.bucket())
            .key(name)
            .upload_id(upload_id)
            .if_none_match("*")
            .multipart_upload(parts)
            .send()
            .await
            .map(drop)
            .map_err(Refused::of)
    }

    /// Gives parts up. What stays is swept later.
    async fn abort(&self, name: &str, upload_id: &str) {
        let asked = self
            .client
            .abort_multipart_upload()
            .bucket(self.bucket())
            .key(name)
            .upload_id(upload_id);
        if let Err(error) = asked.send().await.map_err(Refused::of) {
            tracing::warn!(name, %error, "the parts of a failed upload stay until they are swept");
        }
    }

    /// Aborts uploads that began before a time and never ended; returns how many there are.
    pub(super) async fn abort_uploads(&self, before: UnixMicros, dry_run: bool) -> Result<u64, BlobError> {
        let mut count = 0_u64;
        let (mut key_marker, mut id_marker) = (None, None);
        loop {
            let asked = self
                .client
                .list_multipart_uploads()
                .bucket(self.bucket())
                .prefix(self.name(""))
                .set_key_marker(key_marker)
                .set_upload_id_marker(id_marker)
                .send();
            let page = asked
                .await
                .map_err(|error| Refused::of(error).into_error(&whole()))?;
            for upload in page.uploads() {
                let (Some(name), Some(id)) = (upload.key(), upload.upload_id()) else {
                    continue;
                };
                if self.key(name).is_none() || micros(upload.initiated()) >= before {
                    continue;
                }
                count = count.saturating_add(1);
                if !dry_run {
                    self.abort(name, id).await;
                }
            }
            if page.is_truncated() != Some(true) {
                return Ok(count);
            }
            key_marker = page.next_key_marker().map(str::to_owned);
            id_marker = page.next_upload_id_marker().map(str::to_owned);
        }
    }
}
