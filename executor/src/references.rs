//! Pictures to draw from: found by the hash of their content, so that a plan can name them without an address.
//!
//! What was imported is kept under its hash and stays. What the client drew is found through its record, as long as
//! the image is not deleted; who wants to be sure of it imports it.

use std::sync::Arc;

use bytes::Bytes;
use limn_proto::{digest::sha256_hex, reason::Reason};

use crate::{
    artifact,
    blob::{BlobError, BlobKey, BlobMetadata, BlobStore},
    darkroom::Darkroom,
    failure::Failure,
    plan::{self, Render},
    provider::Reference,
    records::{RecordError, RecordStore},
};

/// A picture that was taken in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// How plans name it.
    pub reference: plan::Reference,
    /// Width in pixels.
    pub width_px: u32,
    /// Height in pixels.
    pub height_px: u32,
    /// Size of its bytes.
    pub size_bytes: u64,
}

/// Why a picture is not taken in.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// It is no picture that can be drawn from.
    #[error("{0}")]
    Unusable(String),
    /// It cannot be kept now.
    #[error(transparent)]
    Store(#[from] BlobError),
}

/// Takes a picture in. The same picture may be taken in any number of times.
pub(crate) async fn import(
    blobs: &Arc<dyn BlobStore>,
    darkroom: &Darkroom,
    limits: &artifact::Limits,
    client: &str,
    bytes: Bytes,
) -> Result<Imported, ImportError> {
    let limits = *limits;
    let unusable = |error: artifact::ArtifactError| ImportError::Unusable(error.to_string());
    let expected = artifact::announced(&bytes, &limits).map_err(unusable)?;
    let place = darkroom.enter(expected.width_px, expected.height_px).await;
    let looked_at = bytes.clone();
    let looking = tokio::task::spawn_blocking(move || artifact::inspect(&looked_at, &expected, &limits));
    let inspected = looking
        .await
        .map_err(|panicked| ImportError::Unusable(format!("it cannot be read: {panicked}")))?;
    drop(place);
    let artifact = inspected.map_err(unusable)?;
    let (format, sha256) = (artifact.format, artifact.sha256);
    let size_bytes = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let key = BlobKey::reference(client, &sha256, format);
    blobs
        .put(&key, &BlobMetadata::new(format.media_type()), bytes)
        .await?;
    Ok(Imported {
        reference: plan::Reference { sha256, format },
        width_px: artifact.width_px,
        height_px: artifact.height_px,
        size_bytes,
    })
}

/// The pictures that a render refers to, or why they are not there. An error: the store cannot say now.
pub(crate) async fn load(
    blobs: &Arc<dyn BlobStore>,
    records: &Arc<dyn RecordStore>,
    client: &str,
    render: &Render,
) -> Result<Result<Vec<Reference>, Failure>, RecordError> {
    let mut loaded = Vec::with_capacity(render.references.len());
    for reference in &render.references {
        let imported = BlobKey::reference(client, &reference.sha256, reference.format);
        let found = match blobs.get(&imported).await {
            Err(BlobError::NotFound(key)) => match drawn(records, client, reference).await? {
                Some(drawn) => blobs.get(&drawn).await,
                None => Err(BlobError::NotFound(key)),
            },
            found => found,
        };
        match found {
            Ok(bytes) if sha256_hex(&bytes) == reference.sha256 => loaded.push(Reference {
                media_type: reference.format.media_type().to_owned(),
                bytes,
            }),
            Ok(_) => return Ok(Err(missing(reference, "was damaged in the store"))),
            Err(BlobError::NotFound(_)) => {
                return Ok(Err(missing(
                    reference,
                    "was neither imported nor drawn for this client",
                )));
            }
            Err(error) => return Err(RecordError::Unavailable(Box::new(error))),
        }
    }
    Ok(Ok(loaded))
}

/// The object of an image that the client drew and that has this content.
async fn drawn(
    records: &Arc<dyn RecordStore>,
    client: &str,
    reference: &plan::Reference,
) -> Result<Option<BlobKey>, RecordError> {
    let images = records.images_of_content(client, &reference.sha256).await?;
    let image = images.into_iter().find(|image| image.format == reference.format);
    Ok(image.and_then(|image| BlobKey::parse(&image.storage_key)))
}

fn missing(reference: &plan::Reference, what: &str) -> Failure {
    let message = format!(
        "the picture {} to draw from {what}: import it, and order the plan again",
        reference.sha256
    );
    Failure::new(Reason::ReferenceNotFound, message)
        .with("sha256", &reference.sha256)
        .with("mediaType", reference.format.media_type())
}
