//! The blob seam: stored bytes under keys.

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;

use crate::{clock::UnixMicros, ids::AttemptId, ids::ImageId, plan::ImageFormat};

pub mod folder;
pub mod link;

/// A key: parts of `a-z A-Z 0-9 . _ -` separated by slashes, no part empty, `.` or `..`, at most 512 bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlobKey(String);

impl BlobKey {
    /// Checks a key from outside.
    pub fn parse(text: &str) -> Option<Self> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        let well_formed = text.len() <= 512
            && text
                .split('/')
                .all(|part| !part.is_empty() && part != "." && part != ".." && part.bytes().all(allowed));
        well_formed.then(|| Self(text.to_owned()))
    }

    /// Key of an image: `clients/{client}/images/{image}.{extension}`.
    pub fn image(client: &str, image: ImageId, format: ImageFormat) -> Self {
        Self(format!("clients/{client}/images/{image}.{}", format.extension()))
    }

    /// Key of a small copy: `clients/{client}/images/{image}-{width}x{height}.{extension}`.
    pub fn thumbnail(
        client: &str,
        image: ImageId,
        width_px: u32,
        height_px: u32,
        format: ImageFormat,
    ) -> Self {
        let extension = format.extension();
        Self(format!(
            "clients/{client}/images/{image}-{width_px}x{height_px}.{extension}"
        ))
    }

    /// Key of the copy with fewer bytes: `clients/{client}/images/{image}-optimised.{extension}`.
    pub fn optimised(client: &str, image: ImageId, format: ImageFormat) -> Self {
        let extension = format.extension();
        Self(format!("clients/{client}/images/{image}-optimised.{extension}"))
    }

    /// Key of a picture to draw from: `clients/{client}/references/{sha256}.{extension}`.
    pub fn reference(client: &str, sha256: &str, format: ImageFormat) -> Self {
        let extension = format.extension();
        Self(format!("clients/{client}/references/{sha256}.{extension}"))
    }

    /// Key of the staged answer of an attempt: `staging/{attempt}`.
    pub fn staged(attempt: AttemptId) -> Self {
        Self(format!("staging/{attempt}"))
    }

    /// Key of the part of an answer that came before it broke off: `staging/{attempt}.partial`.
    pub fn partial(attempt: AttemptId) -> Self {
        Self(format!("staging/{attempt}.partial"))
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BlobKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a blob operation failed.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// Nothing is stored under the key.
    #[error("nothing is stored under {0}")]
    NotFound(BlobKey),
    /// Other bytes are stored under the key.
    #[error("other bytes are already stored under {0}")]
    Conflict(BlobKey),
    /// The store cannot be reached, is full, or refuses.
    #[error("the store failed on {key}: {source}")]
    Unavailable {
        /// The key.
        key: BlobKey,
        /// What the store said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Stores bytes under keys.
///
/// Bytes under a key never change: a put of the same bytes is a success that writes nothing, a put of other
/// bytes is a [`BlobError::Conflict`]. When `put` returns, the bytes survive a power cut, and no reader ever
/// saw a part of them. Every operation may be repeated.
#[async_trait]
pub trait BlobStore: fmt::Debug + Send + Sync {
    /// Stores bytes if the key is free.
    async fn put(&self, key: &BlobKey, media_type: &str, bytes: Bytes) -> Result<(), BlobError>;

    /// All bytes under a key.
    async fn get(&self, key: &BlobKey) -> Result<Bytes, BlobError>;

    /// At most `length` bytes from `offset`; fewer at the end, none past it.
    async fn get_range(&self, key: &BlobKey, offset: u64, length: u64) -> Result<Bytes, BlobError>;

    /// Size in bytes, or nothing when the key is free.
    async fn size_bytes(&self, key: &BlobKey) -> Result<Option<u64>, BlobError>;

    /// Removes what is stored; a success also when nothing is.
    async fn delete(&self, key: &BlobKey) -> Result<(), BlobError>;

    /// All keys that start with the prefix, in ascending order.
    async fn list(&self, prefix: &str) -> Result<Vec<BlobKey>, BlobError>;

    /// Lasting public address, when the store has one.
    fn public_url(&self, key: &BlobKey) -> Option<String>;

    /// Address that works for whoever has it until the time given. Nothing when the store cannot make one.
    fn signed_url(&self, key: &BlobKey, expires_at: UnixMicros) -> Option<String>;

    /// Writes, reads and deletes a small object. For `limn doctor`.
    async fn check(&self) -> Result<(), BlobError>;
}
