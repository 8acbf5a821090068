//! Blobs in a store of Vercel Blob.
//!
//! The HTTP interface is not a published contract; this follows version 2.8.0 of the official client (`x-api-version`
//! 12). Overwriting is refused by `x-allow-overwrite: 0`, and the name stays as it is by `x-add-random-suffix: 0`. The
//! store keeps a content type and a time for caches, but no metadata of ours.
//!
//! Every read asks the store itself first whether the blob is there: what serves the bytes is a cache, which may go on
//! for a minute with what was deleted.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use reqwest::{Client, Method, RequestBuilder, StatusCode, header};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use super::{
    BlobEntry, BlobError, BlobInfo, BlobKey, BlobMetadata, BlobPage, BlobStore,
    http::{self, Answer, ask},
    link::LinkSigner,
};
use crate::clock::UnixMicros;

/// Where the API is.
pub const API_URL: &str = "https://vercel.com/api/blob";
/// Version of the interface that is spoken here.
const API_VERSION: &str = "12";
/// How long caches may keep what never changes, in seconds.
const MAX_AGE: &str = "31536000";
/// The shortest time that the store takes, for what is gone soon.
const SHORT_MAX_AGE: &str = "60";

/// A store, and who asks.
#[derive(Clone, Debug)]
pub struct VercelBlobSettings {
    /// The read-write token, `vercel_blob_rw_{store}_{secret}`.
    pub token: SecretString,
    /// Everybody can read what is stored, who knows its address. The store itself is of one kind or the other.
    pub is_public: bool,
    /// Address of the API, without a slash at the end.
    pub api_url: String,
    /// Address of the blobs instead of the store's own, without a slash at the end.
    pub blob_url: Option<String>,
}

impl VercelBlobSettings {
    /// The store that a token is for; nothing when it is no token.
    pub fn store_id(token: &str) -> Option<&str> {
        let rest = token.strip_prefix("vercel_blob_rw_")?;
        let (store, secret) = rest.split_once('_')?;
        (!store.is_empty() && !secret.is_empty()).then_some(store)
    }
}

/// Stores blobs in Vercel Blob.
#[derive(Clone)]
pub struct VercelBlobStore {
    client: Client,
    settings: Arc<VercelBlobSettings>,
    store_id: String,
    blob_url: String,
    links: Option<Arc<LinkSigner>>,
}

impl fmt::Debug for VercelBlobStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VercelBlobStore")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl VercelBlobStore {
    /// A store with these settings; asks nobody yet. Signed links lead to the server of the signer: the store has none
    /// that a token alone could make.
    ///
    /// # Errors
    /// The token is none.
    pub fn new(settings: VercelBlobSettings, links: Option<Arc<LinkSigner>>) -> Result<Self, String> {
        let store_id = VercelBlobSettings::store_id(settings.token.expose_secret())
            .ok_or("the token must be a read-write token, vercel_blob_rw_{store}_{secret}")?
            .to_owned();
        let access = access(settings.is_public);
        let blob_url = settings.blob_url.clone().unwrap_or_else(|| {
            let host = store_id.to_ascii_lowercase();
            format!("https://{host}.{access}.blob.vercel-storage.com")
        });
        Ok(Self {
            client: http::client()?,
            settings: Arc::new(settings),
            store_id,
            blob_url,
            links,
        })
    }

    /// A word for this store, the same in every process that works with it.
    pub fn identity(&self) -> String {
        format!("vercel-blob {}", self.store_id)
    }

    fn api(&self, method: Method, path: &str, query: &[(&str, &str)]) -> RequestBuilder {
        self.client
            .request(
                method,
                http::with_query(&format!("{}{path}", self.settings.api_url), query),
            )
            .bearer_auth(self.settings.token.expose_secret())
            .header("x-api-version", API_VERSION)
            .header("x-vercel-blob-store-id", &self.store_id)
    }

    fn url(&self, key: &BlobKey) -> String {
        format!("{}/{key}", self.blob_url)
    }

    /// The bytes of a blob that is there.
    async fn read(&self, key: &BlobKey, range: Option<String>) -> Result<Answer, BlobError> {
        // A private blob is asked for beside the cache.
        let beside: &[_] = if self.settings.is_public {
            &[]
        } else {
            &[("cache", "0")]
        };
        let mut request = self
            .client
            .get(http::with_query(&self.url(key), beside))
            .bearer_auth(self.settings.token.expose_secret());
        if let Some(range) = range {
            request = request.header(header::RANGE, range);
        }
        ask(key, request).await
    }
}

fn access(is_public: bool) -> &'static str {
    if is_public { "public" } else { "private" }
}

/// The error of an answer that was not expected.
fn refusal(answer: &Answer, key: &BlobKey) -> BlobError {
    answer.refusal(key, "/error/message", "\n")
}

fn is_absence(answer: &Answer) -> bool {
    answer.status == StatusCode::NOT_FOUND
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_default()
}

#[async_trait]
impl BlobStore for VercelBlobStore {
    async fn put(&self, key: &BlobKey, metadata: &BlobMetadata, bytes: Bytes) -> Result<(), BlobError> {
        let max_age = if key.client().is_some() {
            MAX_AGE
        } else {
            SHORT_MAX_AGE
        };
        let request = self
            .api(Method::PUT, "/", &[("pathname", key.as_str())])
            .header("x-vercel-blob-access", access(self.settings.is_public))
            .header("x-content-type", &metadata.media_type)
            .header("x-add-random-suffix", "0")
            .header("x-allow-overwrite", "0")
            .header("x-cache-control-max-age", max_age)
            .body(bytes.clone());
        let answer = ask(key, request).await?;
        if answer.status.is_success() {
            return Ok(());
        }
        // The store says in words only that the name is taken; whether it is, it says for certain when asked.
        if !answer.status.is_client_error() || self.head(key).await?.is_none() {
            return Err(refusal(&answer, key));
        }
        match self.get(key).await? == bytes {
            true => Ok(()),
            false => Err(BlobError::Conflict(key.clone())),
        }
    }

    async fn get(&self, key: &BlobKey) -> Result<Bytes, BlobError> {
        let Some(info) = self.head(key).await? else {
            return Err(BlobError::NotFound(key.clone()));
        };
        let answer = self.read(key, None).await?;
        match answer.status {
            StatusCode::OK if answer.body.len() as u64 == info.size_bytes => Ok(answer.body),
            StatusCode::OK => Err(BlobError::Damaged(key.clone())),
            StatusCode::NOT_FOUND => Err(BlobError::NotFound(key.clone())),
            _ => Err(refusal(&answer, key)),
        }
    }

    async fn get_range(&self, key: &BlobKey, offset: u64, length: u64) -> Result<Bytes, BlobError> {
        let Some(info) = self.head(key).await? else {
            return Err(BlobError::NotFound(key.clone()));
        };
        let end = offset.saturating_add(length).min(info.size_bytes);
        if offset >= end {
            return Ok(Bytes::new());
        }
        let answer = self
            .read(key, Some(format!("bytes={offset}-{}", end - 1)))
            .await?;
        match answer.status {
            StatusCode::PARTIAL_CONTENT => Ok(answer.body),
            // A cache may answer with everything.
            StatusCode::OK => {
                let place = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(answer.body.len());
                Ok(answer.body.slice(place(offset)..place(end)))
            }
            StatusCode::NOT_FOUND => Err(BlobError::NotFound(key.clone())),
            _ => Err(refusal(&answer, key)),
        }
    }

    async fn head(&self, key: &BlobKey) -> Result<Option<BlobInfo>, BlobError> {
        let answer = ask(key, self.api(Method::GET, "", &[("url", &self.url(key))])).await?;
        if is_absence(&answer) {
            return Ok(None);
        }
        if !answer.status.is_success() {
            return Err(refusal(&answer, key));
        }
        let found = answer.json(key)?;
        Ok(Some(BlobInfo {
            size_bytes: found["size"].as_u64().unwrap_or_default(),
            stored_at: http::time(text(&found, "uploadedAt")),
            media_type: found["contentType"].as_str().map(str::to_owned),
            plan_digest: None,
            sha256: None,
        }))
    }

    async fn delete(&self, key: &BlobKey) -> Result<(), BlobError> {
        let urls = json!({ "urls": [self.url(key)] });
        let answer = ask(key, self.api(Method::POST, "/delete", &[]).json(&urls)).await?;
        match answer.status.is_success() || is_absence(&answer) {
            true => Ok(()),
            false => Err(refusal(&answer, key)),
        }
    }

    async fn list_page(&self, prefix: &str, from: Option<&str>, limit: u32) -> Result<BlobPage, BlobError> {
        let limit = limit.clamp(1, 1000).to_string();
        let mut query = vec![("limit", limit.as_str())];
        query.extend(Some(("prefix", prefix)).filter(|_| !prefix.is_empty()));
        query.extend(from.map(|cursor| ("cursor", cursor)));
        let whole = BlobKey("staging".to_owned());
        let answer = ask(&whole, self.api(Method::GET, "", &query)).await?;
        if !answer.status.is_success() {
            return Err(refusal(&answer, &whole));
        }
        let found = answer.json(&whole)?;
        let entry = |blob: &Value| {
            Some(BlobEntry {
                key: BlobKey::parse(text(blob, "pathname"))?,
                size_bytes: blob["size"].as_u64().unwrap_or_default(),
                stored_at: http::time(text(blob, "uploadedAt")),
            })
        };
        let blobs = found["blobs"].as_array().into_iter().flatten().filter_map(entry);
        Ok(BlobPage {
            blobs: blobs
                .filter(|blob| blob.key.as_str().starts_with(prefix))
                .collect(),
            next: match found["hasMore"].as_bool() {
                Some(true) => found["cursor"].as_str().map(str::to_owned),
                _ => None,
            },
        })
    }

    fn public_url(&self, key: &BlobKey) -> Option<String> {
        self.settings.is_public.then(|| self.url(key))
    }

    async fn signed_url(&self, key: &BlobKey, expires_at: UnixMicros) -> Result<Option<String>, BlobError> {
        Ok(self.links.as_ref().and_then(|links| links.sign(key, expires_at)))
    }

    async fn check(&self) -> Result<(), BlobError> {
        super::check(self).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_names_its_store() {
        assert_eq!(
            VercelBlobSettings::store_id("vercel_blob_rw_AbC123_secret_part"),
            Some("AbC123")
        );
        for wrong in [
            "",
            "vercel_blob_rw_",
            "vercel_blob_rw_AbC123_",
            "vercel_blob_client_AbC_x",
        ] {
            assert_eq!(VercelBlobSettings::store_id(wrong), None, "{wrong}");
        }
    }
}
