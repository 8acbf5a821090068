//! The blob seam: stored bytes under keys.

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use limn_proto::digest::sha256_hex;
use uuid::Uuid;

use crate::{clock::UnixMicros, ids::AttemptId, ids::ImageId, plan::ImageFormat};

pub mod cloudinary;
pub mod folder;
mod http;
pub mod link;
pub mod memory;
pub mod partition;
#[cfg(feature = "s3")]
pub mod s3;
pub mod vercel_blob;

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

    /// The client whose blob it is. Nothing: of none, as staged answers are.
    pub fn client(&self) -> Option<&str> {
        let (client, _) = self.0.strip_prefix("clients/")?.split_once('/')?;
        Some(client)
    }

    /// Media type of what the extension stands for.
    pub fn media_type(&self) -> &'static str {
        match self.0.rsplit_once('.').map(|(_, extension)| extension) {
            Some("png") => "image/png",
            Some("jpg") => "image/jpeg",
            Some("webp") => "image/webp",
            _ => "application/octet-stream",
        }
    }

    /// How caches may keep the blob: bytes under a key never change, and what is staged is gone soon. Only what
    /// everybody may see may be kept by caches that many share.
    pub fn cache_control(&self, is_public: bool) -> &'static str {
        match (self.client(), is_public) {
            (None, _) => "no-store",
            (Some(_), true) => "public, max-age=31536000, immutable",
            (Some(_), false) => "private, max-age=31536000, immutable",
        }
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

/// What is kept beside the bytes of a blob, for readers who come without Limn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlobMetadata {
    /// Media type that readers are told.
    pub media_type: String,
    /// Digest of the plan that the bytes were drawn for. Empty: of no plan.
    pub plan_digest: String,
}

impl BlobMetadata {
    /// A blob of no plan.
    pub fn new(media_type: &str) -> Self {
        Self {
            media_type: media_type.to_owned(),
            plan_digest: String::new(),
        }
    }

    /// The same with the plan that the blob was drawn for.
    #[must_use]
    pub fn of_plan(mut self, plan_digest: &str) -> Self {
        plan_digest.clone_into(&mut self.plan_digest);
        self
    }
}

/// What a store knows about a blob without reading it. Stores differ in what they keep: what one does not know is
/// nothing, and what it tells is true.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlobInfo {
    /// Size of the bytes.
    pub size_bytes: u64,
    /// When they were stored, at least to the second.
    pub stored_at: UnixMicros,
    /// Media type that readers are told.
    pub media_type: Option<String>,
    /// Digest of the plan; nothing also when the blob is of no plan.
    pub plan_digest: Option<String>,
    /// SHA-256 of the bytes when they were put, 64 lowercase hexadecimal digits.
    pub sha256: Option<String>,
}

/// A blob in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlobEntry {
    /// Its key.
    pub key: BlobKey,
    /// Size of the bytes.
    pub size_bytes: u64,
    /// When they were stored, at least to the second.
    pub stored_at: UnixMicros,
}

/// A part of a list. It may be short, even empty, and yet not be the last one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BlobPage {
    /// The blobs, in an order of the store's own.
    pub blobs: Vec<BlobEntry>,
    /// Where the next page begins. Nothing: this was the last one.
    pub next: Option<String>,
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
    /// The bytes under the key are not those that were put.
    #[error("the bytes under {0} are not those that were stored: their hash differs")]
    Damaged(BlobKey),
    /// The store cannot be reached, is full, or refuses.
    #[error("the store failed on {key}: {source}")]
    Unavailable {
        /// The key.
        key: BlobKey,
        /// What the store said. Never holds a secret.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl BlobError {
    /// The store failed on a key.
    pub fn unavailable(key: &BlobKey, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Unavailable {
            key: key.clone(),
            source: source.into(),
        }
    }
}

/// Stores bytes under keys.
///
/// Bytes under a key never change: a put of the same bytes is a success that writes nothing, a put of other
/// bytes is a [`BlobError::Conflict`]. When `put` returns, the bytes survive a power cut, and no reader ever
/// saw a part of them. Every operation may be repeated.
#[async_trait]
pub trait BlobStore: fmt::Debug + Send + Sync {
    /// Stores bytes if the key is free. Metadata is that of the first put.
    async fn put(&self, key: &BlobKey, metadata: &BlobMetadata, bytes: Bytes) -> Result<(), BlobError>;

    /// All bytes under a key. A store that knows their hash compares it: [`BlobError::Damaged`].
    async fn get(&self, key: &BlobKey) -> Result<Bytes, BlobError>;

    /// At most `length` bytes from `offset`; fewer at the end, none past it.
    async fn get_range(&self, key: &BlobKey, offset: u64, length: u64) -> Result<Bytes, BlobError>;

    /// What is known about a blob, or nothing when the key is free.
    async fn head(&self, key: &BlobKey) -> Result<Option<BlobInfo>, BlobError>;

    /// Removes what is stored; a success also when nothing is.
    async fn delete(&self, key: &BlobKey) -> Result<(), BlobError>;

    /// At most `limit` blobs whose keys start with the prefix, from where the page before ended. What is stored or
    /// deleted meanwhile may be in the list or not; everything else is in it once.
    async fn list_page(&self, prefix: &str, from: Option<&str>, limit: u32) -> Result<BlobPage, BlobError>;

    /// Lasting public address, when the store has one.
    fn public_url(&self, key: &BlobKey) -> Option<String>;

    /// Address that works for whoever has it until the time given, in whole seconds. Nothing when the store cannot
    /// make one.
    async fn signed_url(&self, key: &BlobKey, expires_at: UnixMicros) -> Result<Option<String>, BlobError>;

    /// Tries everything that Limn relies on with a small object, which is gone afterwards. For `limn doctor`.
    async fn check(&self) -> Result<(), BlobError>;

    /// Removes what puts left unfinished that began before a time and never ended; returns how many. With `dry_run`
    /// it only counts. Nothing of it can be read as a blob.
    async fn sweep_unfinished(&self, _before: UnixMicros, _dry_run: bool) -> Result<u64, BlobError> {
        Ok(0)
    }

    /// Size in bytes, or nothing when the key is free.
    async fn size_bytes(&self, key: &BlobKey) -> Result<Option<u64>, BlobError> {
        Ok(self.head(key).await?.map(|info| info.size_bytes))
    }

    /// All keys that start with the prefix, in ascending order.
    async fn list(&self, prefix: &str) -> Result<Vec<BlobKey>, BlobError> {
        let mut keys = Vec::new();
        let mut from = None;
        loop {
            let page = self.list_page(prefix, from.as_deref(), LIST_PAGE).await?;
            keys.extend(page.blobs.into_iter().map(|blob| blob.key));
            match page.next {
                Some(next) => from = Some(next),
                None => break,
            }
        }
        keys.sort_unstable();
        Ok(keys)
    }
}

/// Page of [`BlobStore::list`]: what S3 gives at most.
const LIST_PAGE: u32 = 1000;

/// The bytes under a key, when they are those of a hash.
///
/// # Errors
///
/// [`BlobError::Damaged`] when they are others.
pub async fn get_verified(store: &dyn BlobStore, key: &BlobKey, sha256: &str) -> Result<Bytes, BlobError> {
    let bytes = store.get(key).await?;
    if sha256_hex(&bytes) == sha256 {
        return Ok(bytes);
    }
    Err(BlobError::Damaged(key.clone()))
}

/// Proves that a store keeps what Limn relies on: bytes come back, and a key that is taken stays as it is.
async fn check(store: &dyn BlobStore) -> Result<(), BlobError> {
    // A name of its own: several processes may check at once.
    let key = BlobKey(format!("staging/check-{}", Uuid::new_v4()));
    let outcome = check_with(store, &key).await;
    let deleted = store.delete(&key).await;
    outcome.and(deleted)
}

async fn check_with(store: &dyn BlobStore, key: &BlobKey) -> Result<(), BlobError> {
    let (ours, others) = (Bytes::from_static(b"limn"), Bytes::from_static(b"linn"));
    let metadata = BlobMetadata::new("text/plain");
    store.put(key, &metadata, ours.clone()).await?;
    match store.put(key, &metadata, others).await {
        Err(BlobError::Conflict(_)) => {}
        Err(error) => return Err(error),
        Ok(()) => {
            let what =
                "it replaces what is stored: Limn needs a store that refuses a second object under one key";
            return Err(BlobError::unavailable(key, what));
        }
    }
    if store.get(key).await? == ours {
        return Ok(());
    }
    Err(BlobError::Damaged(key.clone()))
}
