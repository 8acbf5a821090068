//! Blobs in a bucket of a store that speaks the protocol of S3: Amazon S3, Cloudflare R2, Ceph and others.
//!
//! A put is a conditional one (`If-None-Match: *`): the store itself refuses a second object under a key, whoever
//! asks first. So every request may be repeated, and the client library does so. What is large goes up in parts that
//! become an object all at once. The SHA-256 and the plan digest of an object are in its metadata.
//!
//! Checksums beyond the signature go along only where the protocol requires them: several stores refuse others.

use std::{
    collections::HashMap,
    fmt,
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

use async_trait::async_trait;
use aws_sdk_s3::{
    Client,
    config::{
        BehaviorVersion, Credentials, Region, RequestChecksumCalculation, ResponseChecksumValidation,
        retry::RetryConfig, timeout::TimeoutConfig,
    },
    presigning::PresigningConfig,
    primitives::{ByteStream, DateTime},
};
use bytes::Bytes;
use limn_proto::digest::sha256_hex;
use secrecy::{ExposeSecret as _, SecretString};

mod multipart;
mod refusals;

use super::{BlobEntry, BlobError, BlobInfo, BlobKey, BlobMetadata, BlobPage, BlobStore};
use crate::clock::{Clock, UnixMicros};
use refusals::{Refused, unavailable};

/// Metadata with the SHA-256 of the bytes.
const SHA256: &str = "sha256";
/// Metadata with the digest of the plan.
const PLAN_DIGEST: &str = "plan-digest";
/// Most tries of one request by the client library. Who puts tries on after that.
const TRIES: u32 = 3;
/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long one try may take: a part of some megabytes over a slow line.
const TRY_TIMEOUT: Duration = Duration::from_secs(120);
/// The longest that a presigned address may work, by the protocol.
const MAX_PRESIGNED: Duration = Duration::from_secs(7 * 24 * 3600);
/// How often a put is asked for again while another put of the same key is under way.
const RACES: u32 = 5;

/// Where a bucket is, and who asks.
#[derive(Clone, Debug)]
pub struct S3Settings {
    /// The bucket.
    pub bucket: String,
    /// Put before every key, without slashes at its ends. Empty: nothing.
    pub prefix: String,
    /// Address of the store. Nothing: that of Amazon for the region.
    pub endpoint: Option<String>,
    /// Region; `auto` for R2.
    pub region: String,
    /// The bucket is a part of the path instead of the host name.
    pub path_style: bool,
    /// Who asks: the public half of the key.
    pub access_key_id: String,
    /// The secret half of the key.
    pub secret_access_key: SecretString,
    /// For keys that expire.
    pub session_token: Option<SecretString>,
    /// Address under which everybody can read the bucket, without a slash at the end. Nothing: images are private.
    pub public_base_url: Option<String>,
    /// Objects larger than this go up in parts, in bytes.
    pub multipart_above_bytes: usize,
    /// Size of a part in bytes; the protocol wants at least 5 MiB. All but the last are of this size, as R2 wants.
    pub part_bytes: usize,
}

impl S3Settings {
    /// Objects above 16 MiB go up in parts.
    pub const MULTIPART_ABOVE_BYTES: usize = 16 * 1024 * 1024;
    /// Parts of 8 MiB.
    pub const PART_BYTES: usize = 8 * 1024 * 1024;
}

/// Stores blobs as objects of a bucket.
#[derive(Clone)]
pub struct S3Store {
    client: Client,
    settings: Arc<S3Settings>,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for S3Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Store")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl S3Store {
    /// A store with these settings. Asks nobody yet.
    pub fn new(settings: S3Settings, clock: Arc<dyn Clock>) -> Self {
        let credentials = Credentials::new(
            settings.access_key_id.clone(),
            settings.secret_access_key.expose_secret(),
            settings
                .session_token
                .as_ref()
                .map(|token| token.expose_secret().to_owned()),
            None,
            "limn",
        );
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .operation_attempt_timeout(TRY_TIMEOUT)
            .build();
        let mut config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new(settings.region.clone()))
            .credentials_provider(credentials)
            .force_path_style(settings.path_style)
            .retry_config(RetryConfig::standard().with_max_attempts(TRIES))
            .timeout_config(timeouts)
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
        if let Some(endpoint) = &settings.endpoint {
            config = config.endpoint_url(endpoint);
        }
        Self {
            client: Client::from_conf(config.build()),
            settings: Arc::new(settings),
            clock,
        }
    }

    /// A word for this bucket and prefix, the same in every process that works with them.
    pub fn identity(&self) -> String {
        let S3Settings {
            bucket,
            prefix,
            endpoint,
            ..
        } = &*self.settings;
        match endpoint {
            Some(endpoint) => format!("s3://{bucket}/{prefix} at {endpoint}"),
            None => format!("s3://{bucket}/{prefix}"),
        }
    }

    fn bucket(&self) -> &str {
        &self.settings.bucket
    }

    /// The name of an object.
    fn name(&self, key: &str) -> String {
        match self.settings.prefix.as_str() {
            "" => key.to_owned(),
            prefix => format!("{prefix}/{key}"),
        }
    }

    /// The key of an object; nothing when it is not ours.
    fn key(&self, name: &str) -> Option<BlobKey> {
        let rest = match self.settings.prefix.as_str() {
            "" => name,
            prefix => name.strip_prefix(prefix)?.strip_prefix('/')?,
        };
        BlobKey::parse(rest)
    }

    async fn put_whole(
        &self,
        key: &BlobKey,
        metadata: &BlobMetadata,
        bytes: Bytes,
        sha256: &str,
    ) -> Result<(), Refused> {
        self.client
            .put_object()
            .bucket(self.bucket())
            .key(self.name(key.as_str()))
            .if_none_match("*")
            .content_type(&metadata.media_type)
            .cache_control(key.cache_control(self.settings.public_base_url.is_some()))
            .set_metadata(kept(metadata, sha256))
            .body(ByteStream::from(bytes))
            .send()
            .await
            .map(drop)
            .map_err(Refused::of)
    }

    /// Whether what is stored are these bytes. Nothing: the key is free again.
    async fn holds(&self, key: &BlobKey, bytes: &Bytes, sha256: &str) -> Result<Option<bool>, BlobError> {
        let Some(info) = self.head(key).await? else {
            return Ok(None);
        };
        if info.size_bytes != bytes.len() as u64 {
            return Ok(Some(false));
        }
        match info.sha256 {
            Some(stored) => Ok(Some(stored == sha256)),
            // Somebody else stored it, without our metadata.
            None => Ok(Some(self.get(key).await? == *bytes)),
        }
    }
}

/// All metadata of an object.
fn kept(metadata: &BlobMetadata, sha256: &str) -> Option<HashMap<String, String>> {
    let mut kept = HashMap::from([(SHA256.to_owned(), sha256.to_owned())]);
    if !metadata.plan_digest.is_empty() {
        kept.insert(PLAN_DIGEST.to_owned(), metadata.plan_digest.clone());
    }
    Some(kept)
}

#[async_trait]
impl BlobStore for S3Store {
    async fn put(&self, key: &BlobKey, metadata: &BlobMetadata, bytes: Bytes) -> Result<(), BlobError> {
        let sha256 = sha256_hex(&bytes);
        for _ in 0..RACES {
            let put = if bytes.len() > self.settings.multipart_above_bytes {
                self.put_in_parts(key, metadata, &bytes, &sha256).await
            } else {
                self.put_whole(key, metadata, bytes.clone(), &sha256).await
            };
            match put {
                Ok(()) => return Ok(()),
                Err(refused) if refused.is_taken() => {}
                Err(refused) => return Err(refused.into_error(key)),
            }
            match self.holds(key, &bytes, &sha256).await? {
                Some(true) => return Ok(()),
                Some(false) => return Err(BlobError::Conflict(key.clone())),
                // Another put is under way, or what was there is deleted by now.
                None => self.clock.sleep(Duration::from_millis(100)).await,
            }
        }
        Err(BlobError::unavailable(
            key,
            "others put and delete the same key again and again",
        ))
    }

    async fn get(&self, key: &BlobKey) -> Result<Bytes, BlobError> {
        let asked = self
            .client
            .get_object()
            .bucket(self.bucket())
            .key(self.name(key.as_str()))
            .send();
        let answer = asked.await.map_err(|error| Refused::of(error).into_error(key))?;
        let expected = answer
            .metadata()
            .and_then(|metadata| metadata.get(SHA256))
            .cloned();
        let body = answer.body.collect().await;
        let bytes = body.map_err(|error| unavailable(key, &error))?.into_bytes();
        match expected {
            Some(expected) if expected != sha256_hex(&bytes) => Err(BlobError::Damaged(key.clone())),
            _ => Ok(bytes),
        }
    }

    async fn get_range(&self, key: &BlobKey, offset: u64, length: u64) -> Result<Bytes, BlobError> {
        if length == 0 {
            let found = self.head(key).await?;
            return found
                .map(|_| Bytes::new())
                .ok_or_else(|| BlobError::NotFound(key.clone()));
        }
        let asked = self
            .client
            .get_object()
            .bucket(self.bucket())
            .key(self.name(key.as_str()))
            .range(match offset.checked_add(length - 1) {
                Some(last) if last <= i64::MAX.unsigned_abs() => format!("bytes={offset}-{last}"),
                _ => format!("bytes={offset}-"),
            })
            .send();
        match asked.await.map_err(Refused::of) {
            Ok(answer) => {
                let body = answer.body.collect().await;
                Ok(body.map_err(|error| unavailable(key, &error))?.into_bytes())
            }
            Err(refused) if refused.is_past_the_end() => Ok(Bytes::new()),
            Err(refused) => Err(refused.into_error(key)),
        }
    }

    async fn head(&self, key: &BlobKey) -> Result<Option<BlobInfo>, BlobError> {
        let asked = self
            .client
            .head_object()
            .bucket(self.bucket())
            .key(self.name(key.as_str()))
            .send();
        let answer = match asked.await.map_err(Refused::of) {
            Ok(answer) => answer,
            Err(refused) if refused.is_absence() => return Ok(None),
            Err(refused) => return Err(refused.into_error(key)),
        };
        let kept = |name| answer.metadata().and_then(|metadata| metadata.get(name)).cloned();
        Ok(Some(BlobInfo {
            size_bytes: size(answer.content_length()),
            stored_at: micros(answer.last_modified()),
            media_type: answer.content_type().map(str::to_owned),
            plan_digest: kept(PLAN_DIGEST),
            sha256: kept(SHA256),
        }))
    }

    async fn delete(&self, key: &BlobKey) -> Result<(), BlobError> {
        let asked = self
            .client
            .delete_object()
            .bucket(self.bucket())
            .key(self.name(key.as_str()))
            .send();
        match asked.await.map_err(Refused::of) {
            Err(refused) if !refused.is_absence() => Err(refused.into_error(key)),
            _ => Ok(()),
        }
    }

    async fn list_page(&self, prefix: &str, from: Option<&str>, limit: u32) -> Result<BlobPage, BlobError> {
        let asked = self
            .client
            .list_objects_v2()
            .bucket(self.bucket())
            .prefix(self.name(prefix))
            .max_keys(i32::try_from(limit.clamp(1, 1000)).unwrap_or(1000))
            .set_continuation_token(from.map(str::to_owned))
            .send();
        let answer = asked
            .await
            .map_err(|error| Refused::of(error).into_error(&whole()))?;
        let entry = |object: &aws_sdk_s3::types::Object| {
            Some(BlobEntry {
                key: self.key(object.key()?)?,
                size_bytes: size(object.size()),
                stored_at: micros(object.last_modified()),
            })
        };
        Ok(BlobPage {
            blobs: answer.contents().iter().filter_map(entry).collect(),
            next: answer.next_continuation_token().map(str::to_owned),
        })
    }

    fn public_url(&self, key: &BlobKey) -> Option<String> {
        let base_url = self.settings.public_base_url.as_ref()?;
        Some(format!("{base_url}/{}", self.name(key.as_str())))
    }

    async fn signed_url(&self, key: &BlobKey, expires_at: UnixMicros) -> Result<Option<String>, BlobError> {
        let now = self.clock.now();
        let seconds = expires_at.seconds().saturating_sub(now.seconds());
        let lifetime = Duration::from_secs(u64::try_from(seconds).unwrap_or_default());
        let expiry = PresigningConfig::builder()
            .start_time(UNIX_EPOCH + Duration::from_secs(u64::try_from(now.seconds()).unwrap_or_default()))
            .expires_in(lifetime.min(MAX_PRESIGNED))
            .build();
        let expiry = expiry.map_err(|error| unavailable(key, &error))?;
        let presigned = self
            .client
            .get_object()
            .bucket(self.bucket())
            .key(self.name(key.as_str()))
            .presigned(expiry)
            .await;
        match presigned {
            Ok(request) => Ok(Some(request.uri().to_owned())),
            Err(error) => Err(Refused::of(error).into_error(key)),
        }
    }

    async fn check(&self) -> Result<(), BlobError> {
        super::check(self).await
    }

    async fn sweep_unfinished(&self, before: UnixMicros, dry_run: bool) -> Result<u64, BlobError> {
        self.abort_uploads(before, dry_run).await
    }
}

/// Stands for the bucket as a whole in errors.
fn whole() -> BlobKey {
    BlobKey("staging".to_owned())
}

fn size(bytes: Option<i64>) -> u64 {
    bytes
        .and_then(|bytes| u64::try_from(bytes).ok())
        .unwrap_or_default()
}

fn micros(time: Option<&DateTime>) -> UnixMicros {
    time.map_or(UnixMicros(0), |time| {
        let micros = i64::from(time.subsec_nanos()) / 1000;
        UnixMicros(time.secs().saturating_mul(1_000_000).saturating_add(micros))
    })
}
