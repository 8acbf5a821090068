//! The blob seam of a process.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use limn_executor::{
    blob::{BlobError, BlobInfo, BlobKey, BlobMetadata, BlobPage, BlobStore},
    clock::UnixMicros,
};

use crate::seams::{Injected, Seams, Side};

/// Blobs that are kept in another store, when nothing goes wrong on the way.
#[derive(Debug)]
pub(crate) struct FaultyBlobs {
    pub(crate) inner: Arc<dyn BlobStore>,
    pub(crate) seams: Arc<Seams>,
}

impl FaultyBlobs {
    async fn call<T>(
        &self,
        operation: &'static str,
        key: &BlobKey,
        work: impl Future<Output = Result<T, BlobError>>,
    ) -> Result<T, BlobError> {
        let away = |injected: Injected| BlobError::Unavailable {
            key: key.clone(),
            source: Box::new(injected),
        };
        let outages = &self.seams.outages;
        self.seams.pass(operation, Side::Before).await.map_err(away)?;
        outages.of_store().map_err(away)?;
        let answer = self.seams.carry_out(work).await?;
        self.seams.pass(operation, Side::After).await.map_err(away)?;
        outages.of_store().map_err(away)?;
        Ok(answer)
    }
}

/// What is stored under a key.
enum Kind {
    Answer,
    Partial,
    Image,
    Thumbnail,
}

impl Kind {
    fn of(key: &BlobKey) -> Self {
        let key = key.as_str();
        if key.starts_with("staging/") {
            return if key.ends_with(".partial") {
                Self::Partial
            } else {
                Self::Answer
            };
        }
        // The size is what tells the two apart: "…-16x16.jpg".
        let name = key.rsplit_once('-').map_or("", |(_, name)| name);
        if name.contains('x') {
            Self::Thumbnail
        } else {
            Self::Image
        }
    }
}

#[async_trait]
impl BlobStore for FaultyBlobs {
    async fn put(&self, key: &BlobKey, metadata: &BlobMetadata, bytes: Bytes) -> Result<(), BlobError> {
        let operation = match Kind::of(key) {
            Kind::Answer => "stage",
            Kind::Partial => "stage_partial",
            Kind::Image => "put_image",
            Kind::Thumbnail => "put_thumbnail",
        };
        self.call(operation, key, self.inner.put(key, metadata, bytes))
            .await
    }

    async fn get(&self, key: &BlobKey) -> Result<Bytes, BlobError> {
        let operation = match Kind::of(key) {
            Kind::Answer | Kind::Partial => "read_staged",
            Kind::Image | Kind::Thumbnail => "read_stored",
        };
        self.call(operation, key, self.inner.get(key)).await
    }

    async fn get_range(&self, key: &BlobKey, offset: u64, length: u64) -> Result<Bytes, BlobError> {
        self.call("read_range", key, self.inner.get_range(key, offset, length))
            .await
    }

    async fn head(&self, key: &BlobKey) -> Result<Option<BlobInfo>, BlobError> {
        self.call("size", key, self.inner.head(key)).await
    }

    async fn delete(&self, key: &BlobKey) -> Result<(), BlobError> {
        self.call("unstage", key, self.inner.delete(key)).await
    }

    async fn list_page(&self, prefix: &str, from: Option<&str>, limit: u32) -> Result<BlobPage, BlobError> {
        self.seams
            .carry_out(self.inner.list_page(prefix, from, limit))
            .await
    }

    fn public_url(&self, key: &BlobKey) -> Option<String> {
        self.inner.public_url(key)
    }

    async fn signed_url(&self, key: &BlobKey, expires_at: UnixMicros) -> Result<Option<String>, BlobError> {
        self.inner.signed_url(key, expires_at).await
    }

    async fn check(&self) -> Result<(), BlobError> {
        self.seams.carry_out(self.inner.check()).await
    }
}
