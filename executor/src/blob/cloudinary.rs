//! Blobs as assets of Cloudinary.
//!
//! Pictures are assets of the type `image`, so that the delivery network can resize and convert them; everything else,
//! such as staged answers, is `raw`. The extension of a key decides. Cloudinary keeps no empty assets, so an empty blob
//! is a few bytes that say so.
//!
//! Bytes are read through the signed download of the API and not through the delivery network, which may go on with what
//! was deleted. Overwriting is refused by `overwrite=false`: the answer says then that the asset existed. That is all
//! Cloudinary promises about two uploads at once.

use std::{collections::BTreeMap, fmt, fmt::Write as _, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use limn_proto::digest::sha256_hex;
use reqwest::{
    Client, StatusCode,
    multipart::{Form, Part},
};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use sha1::{Digest as _, Sha1};

use super::{
    BlobEntry, BlobError, BlobInfo, BlobKey, BlobMetadata, BlobPage, BlobStore,
    http::{self, Answer, ask},
};
use crate::clock::{Clock, UnixMicros};

/// Where the API is.
pub const API_URL: &str = "https://api.cloudinary.com";
/// Where assets are delivered.
pub const DELIVERY_URL: &str = "https://res.cloudinary.com";
/// What an empty blob is stored as.
const EMPTY: &[u8] = b"limn: an empty blob\n";
/// Largest page that the API gives.
const MAX_PAGE: u32 = 500;
/// How long an address works that is only made to be read at once.
const READ_TTL: Duration = Duration::from_secs(300);

/// An account, and who asks.
#[derive(Clone, Debug)]
pub struct CloudinarySettings {
    /// The product environment.
    pub cloud_name: String,
    /// The public half of the key.
    pub api_key: String,
    /// The secret half of the key.
    pub api_secret: SecretString,
    /// Everybody can read what is stored, who knows its address: assets of the type `upload`. Else `authenticated`.
    pub is_public: bool,
    /// Address of the API, without a slash at the end.
    pub api_url: String,
    /// Address of the delivery network, without a slash at the end.
    pub delivery_url: String,
}

impl CloudinarySettings {
    /// Settings of an address as the console shows it, `cloudinary://{key}:{secret}@{cloud}`; private.
    pub fn parse(url: &str) -> Option<Self> {
        let (keys, cloud_name) = url.strip_prefix("cloudinary://")?.split_once('@')?;
        let (api_key, api_secret) = keys.split_once(':')?;
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let is_name = |text: &str| !text.is_empty() && text.bytes().all(allowed);
        (is_name(cloud_name) && is_name(api_key) && !api_secret.is_empty()).then(|| Self {
            cloud_name: cloud_name.to_owned(),
            api_key: api_key.to_owned(),
            api_secret: api_secret.into(),
            is_public: false,
            api_url: API_URL.to_owned(),
            delivery_url: DELIVERY_URL.to_owned(),
        })
    }
}

/// Stores blobs as assets.
#[derive(Clone)]
pub struct CloudinaryStore {
    client: Client,
    settings: Arc<CloudinarySettings>,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for CloudinaryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CloudinaryStore")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// What a key is there.
struct Asset<'k> {
    /// `image` or `raw`.
    resource_type: &'static str,
    /// Without the extension for pictures.
    public_id: &'k str,
    /// Extension of a picture; empty for everything else.
    format: &'k str,
}

impl<'k> Asset<'k> {
    fn of(key: &'k BlobKey) -> Self {
        let is_picture = key.media_type().starts_with("image/");
        match key.as_str().rsplit_once('.').filter(|_| is_picture) {
            Some((public_id, format)) => Self {
                resource_type: "image",
                public_id,
                format,
            },
            None => Self {
                resource_type: "raw",
                public_id: key.as_str(),
                format: "",
            },
        }
    }
}

impl CloudinaryStore {
    /// A store with these settings; asks nobody yet.
    ///
    /// # Errors
    /// No HTTP client can be made.
    pub fn new(settings: CloudinarySettings, clock: Arc<dyn Clock>) -> Result<Self, String> {
        Ok(Self {
            client: http::client()?,
            settings: Arc::new(settings),
            clock,
        })
    }

    /// A word for this account, the same in every process that works with it.
    pub fn identity(&self) -> String {
        format!("cloudinary {}", self.settings.cloud_name)
    }

    /// How assets are delivered.
    fn delivery(&self) -> &'static str {
        if self.settings.is_public {
            "upload"
        } else {
            "authenticated"
        }
    }

    fn endpoint(&self, path: &str) -> String {
        let CloudinarySettings {
            api_url, cloud_name, ..
        } = &*self.settings;
        format!("{api_url}/v1_1/{cloud_name}/{path}")
    }

    /// The parameters with time, signature and key. What is empty is left out, as the signature wants it.
    fn signed<'p>(&self, parameters: &[(&'p str, String)]) -> Vec<(&'p str, String)> {
        let mut all = parameters.to_vec();
        all.push(("timestamp", self.clock.now().seconds().to_string()));
        all.retain(|(_, value)| !value.is_empty());
        let signature = sign(&all, self.settings.api_secret.expose_secret());
        all.push(("signature", signature));
        all.push(("api_key", self.settings.api_key.clone()));
        all
    }

    /// The address of the bytes, for whoever has it, until a time.
    fn download_url(&self, key: &BlobKey, expires_at: UnixMicros) -> String {
        let asset = Asset::of(key);
        let parameters = self.signed(&[
            ("public_id", asset.public_id.to_owned()),
            ("format", asset.format.to_owned()),
            ("type", self.delivery().to_owned()),
            ("expires_at", expires_at.seconds().to_string()),
        ]);
        let endpoint = self.endpoint(&format!("{}/download", asset.resource_type));
        let query: Vec<_> = parameters
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        http::with_query(&endpoint, &query)
    }

    /// The bytes as they are stored.
    async fn read(&self, key: &BlobKey) -> Result<Bytes, BlobError> {
        let url = self.download_url(key, self.clock.now().plus(READ_TTL));
        let answer = ask(key, self.client.get(url)).await?;
        match answer.status {
            StatusCode::OK => Ok(answer.body),
            StatusCode::NOT_FOUND => Err(BlobError::NotFound(key.clone())),
            _ => Err(refusal(&answer, key)),
        }
    }

    fn admin(&self, path: &str, query: &[(&str, &str)]) -> reqwest::RequestBuilder {
        let settings = &self.settings;
        let secret = settings.api_secret.expose_secret();
        self.client
            .get(http::with_query(&self.endpoint(path), query))
            .basic_auth(&settings.api_key, Some(secret))
    }

    async fn list_of(
        &self,
        resource_type: &str,
        prefix: &str,
        from: &str,
        limit: u32,
    ) -> Result<BlobPage, BlobError> {
        let whole = BlobKey("staging".to_owned());
        let within = match resource_type {
            // Extensions are no part of the names of pictures.
            "image" => prefix
                .strip_suffix(".png")
                .or_else(|| prefix.strip_suffix(".jpg"))
                .or_else(|| prefix.strip_suffix(".webp"))
                .unwrap_or(prefix),
            _ => prefix,
        };
        let max_results = limit.clamp(1, MAX_PAGE).to_string();
        let mut query = vec![("max_results", max_results.as_str())];
        query.extend(Some(("prefix", within)).filter(|_| !within.is_empty()));
        query.extend(Some(("next_cursor", from)).filter(|_| !from.is_empty()));
        let path = format!("resources/{resource_type}/{}", self.delivery());
        let answer = ask(&whole, self.admin(&path, &query)).await?;
        if answer.status != StatusCode::OK {
            return Err(refusal(&answer, &whole));
        }
        let found = answer.json(&whole)?;
        let entry = |asset: &Value| {
            let public_id = asset["public_id"].as_str()?;
            let key = match resource_type {
                "image" => format!("{public_id}.{}", asset["format"].as_str()?),
                _ => public_id.to_owned(),
            };
            Some(BlobEntry {
                key: BlobKey::parse(&key).filter(|key| key.as_str().starts_with(prefix))?,
                size_bytes: asset["bytes"].as_u64().unwrap_or_default(),
                stored_at: http::time(asset["created_at"].as_str().unwrap_or_default()),
            })
        };
        Ok(BlobPage {
            blobs: found["resources"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(entry)
                .collect(),
            next: found["next_cursor"].as_str().map(str::to_owned),
        })
    }
}

/// Signature of parameters: SHA-1 over them in order, `&` within a value escaped, followed by the secret.
fn sign(parameters: &[(&str, String)], secret: &str) -> String {
    let ordered: BTreeMap<_, _> = parameters.iter().map(|(name, value)| (*name, value)).collect();
    let pairs: Vec<_> = ordered
        .iter()
        .map(|(name, value)| format!("{name}={}", value.replace('&', "%26")))
        .collect();
    let mut hex = String::new();
    for byte in Sha1::digest(format!("{}{secret}", pairs.join("&"))) {
        // Writing into a string never fails.
        let _written = write!(hex, "{byte:02x}");
    }
    hex
}

/// The error of an answer that was not expected. A wrong signature is answered with what was to be signed.
fn refusal(answer: &Answer, key: &BlobKey) -> BlobError {
    answer.refusal(key, "/error/message", "String to sign")
}

#[async_trait]
impl BlobStore for CloudinaryStore {
    async fn put(&self, key: &BlobKey, metadata: &BlobMetadata, bytes: Bytes) -> Result<(), BlobError> {
        let asset = Asset::of(key);
        let mut context = format!("sha256={}", sha256_hex(&bytes));
        if !metadata.plan_digest.is_empty() {
            // `=` and `|` part the entries of a context.
            context.push_str(&format!("|plan_digest={}", metadata.plan_digest));
        }
        let parameters = self.signed(&[
            ("public_id", asset.public_id.to_owned()),
            ("overwrite", "false".to_owned()),
            ("type", self.delivery().to_owned()),
            ("context", context),
        ]);
        let content = if bytes.is_empty() {
            Bytes::from_static(EMPTY)
        } else {
            bytes.clone()
        };
        let mut form = Form::new();
        for (name, value) in parameters {
            form = form.text(name.to_owned(), value);
        }
        let length = content.len() as u64;
        form = form.part(
            "file",
            Part::stream_with_length(content, length).file_name("file"),
        );
        let endpoint = self.endpoint(&format!("{}/upload", asset.resource_type));
        let answer = ask(key, self.client.post(endpoint).multipart(form)).await?;
        if answer.status != StatusCode::OK {
            return Err(refusal(&answer, key));
        }
        if answer.json(key)?["existing"].as_bool() != Some(true) {
            return Ok(());
        }
        match self.get(key).await? == bytes {
            true => Ok(()),
            false => Err(BlobError::Conflict(key.clone())),
        }
    }

    async fn get(&self, key: &BlobKey) -> Result<Bytes, BlobError> {
        let bytes = self.read(key).await?;
        Ok(if bytes == EMPTY { Bytes::new() } else { bytes })
    }

    /// Reads everything: the download knows no ranges.
    async fn get_range(&self, key: &BlobKey, offset: u64, length: u64) -> Result<Bytes, BlobError> {
        let whole = self.get(key).await?;
        let place = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(whole.len());
        Ok(whole.slice(place(offset)..place(offset.saturating_add(length))))
    }

    async fn head(&self, key: &BlobKey) -> Result<Option<BlobInfo>, BlobError> {
        let asset = Asset::of(key);
        let path = format!(
            "resources/{}/{}/{}",
            asset.resource_type,
            self.delivery(),
            asset.public_id
        );
        let answer = ask(key, self.admin(&path, &[])).await?;
        match answer.status {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => return Ok(None),
            _ => return Err(refusal(&answer, key)),
        }
        let found = answer.json(key)?;
        let kept = |name: &str| found["context"]["custom"][name].as_str().map(str::to_owned);
        let is_empty = kept("sha256").is_some_and(|sha256| sha256 == sha256_hex(b""));
        Ok(Some(BlobInfo {
            size_bytes: if is_empty {
                0
            } else {
                found["bytes"].as_u64().unwrap_or_default()
            },
            stored_at: http::time(found["created_at"].as_str().unwrap_or_default()),
            media_type: Some(key.media_type().to_owned()).filter(|_| asset.resource_type == "image"),
            plan_digest: kept("plan_digest"),
            sha256: kept("sha256"),
        }))
    }

    async fn delete(&self, key: &BlobKey) -> Result<(), BlobError> {
        let asset = Asset::of(key);
        let parameters = self.signed(&[
            ("public_id", asset.public_id.to_owned()),
            ("type", self.delivery().to_owned()),
            ("invalidate", "true".to_owned()),
        ]);
        let endpoint = self.endpoint(&format!("{}/destroy", asset.resource_type));
        let mut form = Form::new();
        for (name, value) in parameters {
            form = form.text(name.to_owned(), value);
        }
        let answer = ask(key, self.client.post(endpoint).multipart(form)).await?;
        let result = answer.json(key).ok();
        let result = result.as_ref().and_then(|body| body["result"].as_str());
        match (answer.status, result) {
            (StatusCode::OK, Some("ok" | "not found")) => Ok(()),
            _ => Err(refusal(&answer, key)),
        }
    }

    /// Pictures first, then everything else.
    async fn list_page(&self, prefix: &str, from: Option<&str>, limit: u32) -> Result<BlobPage, BlobError> {
        let (resource_type, cursor) = from
            .and_then(|from| from.split_once(':'))
            .unwrap_or(("image", ""));
        let mut page = self.list_of(resource_type, prefix, cursor, limit).await?;
        page.next = match (page.next, resource_type) {
            (Some(next), _) => Some(format!("{resource_type}:{next}")),
            (None, "image") => Some("raw:".to_owned()),
            (None, _) => None,
        };
        Ok(page)
    }

    fn public_url(&self, key: &BlobKey) -> Option<String> {
        let CloudinarySettings {
            delivery_url,
            cloud_name,
            is_public,
            ..
        } = &*self.settings;
        let resource_type = Asset::of(key).resource_type;
        is_public.then(|| format!("{delivery_url}/{cloud_name}/{resource_type}/upload/{key}"))
    }

    async fn signed_url(&self, key: &BlobKey, expires_at: UnixMicros) -> Result<Option<String>, BlobError> {
        Ok(Some(self.download_url(key, expires_at)))
    }

    async fn check(&self) -> Result<(), BlobError> {
        super::check(self).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_that_of_the_documentation() {
        let parameters = [
            ("timestamp", "1315060510".to_owned()),
            ("public_id", "sample_image".to_owned()),
            ("eager", "w_400,h_300,c_pad|w_260,h_200,c_crop".to_owned()),
        ];
        assert_eq!(
            sign(&parameters, "abcd"),
            "bfd09f95f331f558cbd1320e67aa8d488770583e"
        );
    }

    #[test]
    fn an_account_is_read_as_the_console_shows_it() {
        let settings = CloudinarySettings::parse("cloudinary://123456:se-cret@my-cloud").unwrap();
        assert_eq!(
            (settings.cloud_name.as_str(), settings.api_key.as_str()),
            ("my-cloud", "123456")
        );
        assert!(!format!("{settings:?}").contains("se-cret"));
        for wrong in [
            "",
            "cloudinary://my-cloud",
            "cloudinary://a@b",
            "cloudinary://a:@b",
            "https://a:b@c",
        ] {
            assert!(CloudinarySettings::parse(wrong).is_none(), "{wrong}");
        }
    }
}
