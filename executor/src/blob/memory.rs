//! Blobs in memory: gone with the process. For trials, and for tests that need no disk.

use std::{
    collections::BTreeMap,
    fmt,
    ops::Bound,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use bytes::Bytes;
use limn_proto::digest::sha256_hex;

use super::{BlobEntry, BlobError, BlobInfo, BlobKey, BlobMetadata, BlobPage, BlobStore, link::LinkSigner};
use crate::clock::{Clock, UnixMicros};

/// Stores blobs in memory.
pub struct MemoryStore {
    blobs: Mutex<BTreeMap<BlobKey, Stored>>,
    links: Option<Arc<LinkSigner>>,
    clock: Arc<dyn Clock>,
}

struct Stored {
    bytes: Bytes,
    info: BlobInfo,
}

impl MemoryStore {
    /// An empty store. Without a signer there are no signed links.
    pub fn new(clock: Arc<dyn Clock>, links: Option<Arc<LinkSigner>>) -> Self {
        Self {
            blobs: Mutex::default(),
            links,
            clock,
        }
    }

    fn blobs(&self) -> MutexGuard<'_, BTreeMap<BlobKey, Stored>> {
        self.blobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}

#[async_trait]
impl BlobStore for MemoryStore {
    async fn put(&self, key: &BlobKey, metadata: &BlobMetadata, bytes: Bytes) -> Result<(), BlobError> {
        let sha256 = sha256_hex(&bytes);
        let stored_at = self.clock.now();
        let mut blobs = self.blobs();
        if let Some(stored) = blobs.get(key) {
            return match stored.bytes == bytes {
                true => Ok(()),
                false => Err(BlobError::Conflict(key.clone())),
            };
        }
        let info = BlobInfo {
            size_bytes: bytes.len() as u64,
            stored_at,
            media_type: Some(metadata.media_type.clone()),
            plan_digest: Some(metadata.plan_digest.clone()).filter(|digest| !digest.is_empty()),
            sha256: Some(sha256),
        };
        blobs.insert(key.clone(), Stored { bytes, info });
        Ok(())
    }

    async fn get(&self, key: &BlobKey) -> Result<Bytes, BlobError> {
        let found = self.blobs().get(key).map(|stored| stored.bytes.clone());
        found.ok_or_else(|| BlobError::NotFound(key.clone()))
    }

    async fn get_range(&self, key: &BlobKey, offset: u64, length: u64) -> Result<Bytes, BlobError> {
        let whole = self.get(key).await?;
        let place = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(whole.len());
        Ok(whole.slice(place(offset)..place(offset.saturating_add(length))))
    }

    async fn head(&self, key: &BlobKey) -> Result<Option<BlobInfo>, BlobError> {
        Ok(self.blobs().get(key).map(|stored| stored.info.clone()))
    }

    async fn delete(&self, key: &BlobKey) -> Result<(), BlobError> {
        self.blobs().remove(key);
        Ok(())
    }

    async fn list_page(&self, prefix: &str, from: Option<&str>, limit: u32) -> Result<BlobPage, BlobError> {
        let blobs = self.blobs();
        let after = match from.and_then(BlobKey::parse) {
            Some(key) => Bound::Excluded(key),
            None => Bound::Unbounded,
        };
        let mut rest = blobs
            .range((after, Bound::Unbounded))
            .filter(|(key, _)| key.as_str().starts_with(prefix));
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let page: Vec<_> = rest
            .by_ref()
            .take(limit)
            .map(|(key, stored)| BlobEntry {
                key: key.clone(),
                size_bytes: stored.info.size_bytes,
                stored_at: stored.info.stored_at,
            })
            .collect();
        let next = rest
            .next()
            .and_then(|_| page.last())
            .map(|last| last.key.to_string());
        Ok(BlobPage { blobs: page, next })
    }

    fn public_url(&self, _key: &BlobKey) -> Option<String> {
        None
    }

    async fn signed_url(&self, key: &BlobKey, expires_at: UnixMicros) -> Result<Option<String>, BlobError> {
        Ok(self.links.as_ref().and_then(|links| links.sign(key, expires_at)))
    }

    async fn check(&self) -> Result<(), BlobError> {
        super::check(self).await
    }
}
