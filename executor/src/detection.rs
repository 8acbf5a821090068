//! Detection: does a picture come from here, even re-encoded or resized?
//!
//! Three kinds of evidence, the strongest first: the very bytes that were stored, credentials that this installation
//! signed, and a fingerprint that is near. Only images of one client are looked at and told of.

use std::{collections::BTreeSet, sync::Arc};

use bytes::Bytes;
use limn_proto::{
    digest::sha256_hex,
    name::{Collection, parse_resource_name},
};

use crate::{
    artifact::{self, ArtifactError},
    blob::{BlobError, BlobKey},
    executor::Inner,
    fingerprint::Fingerprint,
    ids::ImageId,
    provenance::Credentials,
    records::{ImageRecord, LookAlike, RecordError},
};

/// Most images that one picture is said to be.
pub const MAX_MATCHES: usize = 20;
/// Most bits in which a re-encoded or resized copy usually differs.
pub const LIKELY_DISTANCE: u32 = 3;
/// How many images without a fingerprint are read at once.
const PAGE: u32 = 50;

/// Why a picture is said to come from here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// The bytes are those that were stored, or those that the provider gave.
    Exact,
    /// Credentials that hold, and that this installation signed, name the image.
    Credentials,
    /// It looks like the image.
    Fingerprint {
        /// In how many of 64 bits the fingerprints differ: 0 to [`LookAlike::MAX_DISTANCE`].
        distance: u32,
    },
}

impl Evidence {
    /// How sure that is.
    pub fn confidence(self) -> Confidence {
        match self {
            Self::Exact | Self::Credentials => Confidence::Certain,
            Self::Fingerprint { distance } if distance <= LIKELY_DISTANCE => Confidence::Likely,
            Self::Fingerprint { .. } => Confidence::Possible,
        }
    }
}

/// How sure it is that a picture is an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confidence {
    /// Proven by cryptography.
    Certain,
    /// As near as a re-encoded or resized copy usually is. Another picture that looks the same can be, too.
    Likely,
    /// As near as a copy that was changed more, or a picture that merely resembles it: look at both.
    Possible,
}

/// An image that a picture is, or seems to be.
#[derive(Clone, Debug, PartialEq)]
pub struct Detected {
    /// The image.
    pub image: ImageRecord,
    /// Why.
    pub evidence: Evidence,
}

/// Why a picture could not be looked for.
#[derive(Debug, thiserror::Error)]
pub enum DetectError {
    /// It is no picture, or one that is too large.
    #[error(transparent)]
    Unusable(#[from] ArtifactError),
    /// The database failed.
    #[error(transparent)]
    Records(#[from] RecordError),
}

/// What is known of a picture before the records are asked.
struct Looked {
    fingerprint: Fingerprint,
    credentials: Credentials,
}

/// The images of a client that a picture is or seems to be, the strongest evidence first; none: it is not known here.
pub(crate) async fn detect(
    inner: &Inner,
    client: &str,
    picture: Bytes,
) -> Result<Vec<Detected>, DetectError> {
    let records = &inner.parts.records;
    let sha256 = sha256_hex(&picture);
    let looked = look(inner, picture).await?;
    let mut found = Found::default();
    for image in records.images_of_content(client, &sha256).await? {
        found.add(image, Evidence::Exact);
    }
    if let Some(id) = named(&looked.credentials, client)
        && let Some(image) = records.image(client, id).await?
    {
        found.add(image, Evidence::Credentials);
    }
    for LookAlike { image, distance } in records
        .look_alikes(client, looked.fingerprint, MAX_MATCHES)
        .await?
    {
        let is_original = image.rendered_sha256 == sha256;
        let evidence = if is_original {
            Evidence::Exact
        } else {
            Evidence::Fingerprint { distance }
        };
        found.add(image, evidence);
    }
    let mut detected = found.detected;
    // Stable: within a kind the order is that of the records.
    detected.sort_by_key(|detected| match detected.evidence {
        Evidence::Exact => 0,
        Evidence::Credentials => 1,
        Evidence::Fingerprint { distance } => 2 + distance,
    });
    detected.truncate(MAX_MATCHES);
    Ok(detected)
}

/// Each image once, by the first evidence that is found.
#[derive(Default)]
struct Found {
    seen: BTreeSet<ImageId>,
    detected: Vec<Detected>,
}

impl Found {
    fn add(&mut self, image: ImageRecord, evidence: Evidence) {
        if self.seen.insert(image.id) {
            self.detected.push(Detected { image, evidence });
        }
    }
}

/// Decodes a picture from anywhere, within the limits of this process and off the async threads.
async fn look(inner: &Inner, picture: Bytes) -> Result<Looked, DetectError> {
    let limits = inner.parts.settings.limits.of_stored();
    let marker = inner.parts.settings.marker.clone();
    let expected = artifact::announced(&picture, &limits)?;
    let _place = inner.darkroom.enter(expected.width_px, expected.height_px).await;
    let work = move || {
        let artifact = artifact::inspect(&picture, &expected, &limits)?;
        let credentials = marker.map(|marker| marker.read(&picture, artifact.format));
        Ok(Looked {
            fingerprint: Fingerprint::of(&artifact.pixels),
            credentials: credentials.unwrap_or_default(),
        })
    };
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|panic| RecordError::Damaged(format!("looking at a picture stopped: {panic}")))?
}

/// The image of the client that credentials name which this installation signed. What others signed proves nothing
/// about our images: they can write any name.
fn named(credentials: &Credentials, client: &str) -> Option<ImageId> {
    if !(credentials.are_intact() && credentials.is_ours) {
        return None;
    }
    let name = &credentials.claim.as_ref()?.image;
    let (owner, id) = parse_resource_name(name, Collection::Images)?;
    (owner == client).then_some(())?;
    uuid::Uuid::try_parse(id).ok().map(ImageId)
}

/// Makes up for fingerprints of images that were recorded before they were kept, one after the other, once for each
/// start. An image that cannot be read is left for the next start.
pub(crate) async fn make_up(inner: Arc<Inner>) {
    let mut after = None;
    let mut made = 0_u64;
    loop {
        let page = inner.parts.records.images_without_fingerprint(after, PAGE).await;
        let page = match page {
            Ok(page) => page,
            Err(error) => {
                tracing::warn!(%error, "images without a fingerprint could not be looked for");
                return;
            }
        };
        for image in &page {
            if inner.stopping.is_cancelled() {
                return;
            }
            match make_up_for(&inner, image).await {
                Ok(()) => made += 1,
                Err(error) => tracing::warn!(image = %image.id, %error, "an image has no fingerprint"),
            }
        }
        match page.last() {
            Some(last) => after = Some(last.id),
            None => break,
        }
    }
    if made > 0 {
        tracing::info!(images = made, "fingerprints of earlier images were made");
    }
}

async fn make_up_for(inner: &Inner, image: &ImageRecord) -> Result<(), DetectError> {
    let damaged = || RecordError::Damaged(format!("{} is no key", image.storage_key));
    let key = BlobKey::parse(&image.storage_key).ok_or_else(damaged)?;
    let unavailable = |error: BlobError| RecordError::Unavailable(Box::new(error));
    let picture = inner.parts.blobs.get(&key).await.map_err(unavailable)?;
    let limits = inner.parts.settings.limits.of_stored();
    let expected = artifact::announced(&picture, &limits)?;
    let _place = inner.darkroom.enter(expected.width_px, expected.height_px).await;
    let work = move || {
        artifact::inspect(&picture, &expected, &limits).map(|artifact| Fingerprint::of(&artifact.pixels))
    };
    let fingerprint = tokio::task::spawn_blocking(work)
        .await
        .map_err(|panic| RecordError::Damaged(format!("reading an image stopped: {panic}")))??;
    inner.parts.records.keep_fingerprint(image, fingerprint).await?;
    Ok(())
}
