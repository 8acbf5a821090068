//! Copies of a finished picture: the thumbnails of the plan, and the optimised one of the configuration.

use bytes::Bytes;

use crate::{
    artifact::{self, Artifact, Optimised},
    blob::BlobKey,
    ids::ImageId,
    plan::{ImageFormat, Thumbnail},
    records::CopyPurpose,
};

/// Which copies to make.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) thumbnails: Vec<Thumbnail>,
    pub(crate) optimised: Optimised,
}

/// A copy, as encoded.
#[derive(Debug)]
pub(crate) struct Copy {
    pub(crate) purpose: CopyPurpose,
    pub(crate) format: ImageFormat,
    pub(crate) width_px: u32,
    pub(crate) height_px: u32,
    pub(crate) bytes: Bytes,
    /// The box of a thumbnail, which names it.
    boxed: (u32, u32),
}

impl Copy {
    /// Where it is kept.
    pub(crate) fn key(&self, client: &str, image: ImageId) -> BlobKey {
        match self.purpose {
            CopyPurpose::Thumbnail => {
                let (width_px, height_px) = self.boxed;
                BlobKey::thumbnail(client, image, width_px, height_px, self.format)
            }
            CopyPurpose::Optimised => BlobKey::optimised(client, image, self.format),
        }
    }
}

/// Makes the copies. The picture is paid and whole: it is not given up for a copy that cannot be made.
pub(crate) fn make(artifact: &Artifact, wanted: &Wanted) -> Vec<Copy> {
    let thumbnails = wanted
        .thumbnails
        .iter()
        .filter_map(|spec| thumbnail(artifact, spec));
    thumbnails.chain(optimised(artifact, wanted.optimised)).collect()
}

fn thumbnail(artifact: &Artifact, spec: &Thumbnail) -> Option<Copy> {
    let (width_px, height_px) = artifact::thumbnail_size(artifact.width_px, artifact.height_px, spec);
    let made = artifact::thumbnail(&artifact.pixels, spec);
    let made = made.inspect_err(|error| tracing::error!(%error, "a thumbnail could not be made"));
    Some(Copy {
        purpose: CopyPurpose::Thumbnail,
        format: spec.format,
        width_px,
        height_px,
        bytes: Bytes::from(made.ok()?),
        boxed: (spec.width_px, spec.height_px),
    })
}

fn optimised(artifact: &Artifact, copy: Optimised) -> Option<Copy> {
    let format = copy.format()?;
    let made = artifact::optimised(&artifact.pixels, copy);
    let made = made.inspect_err(|error| tracing::error!(%error, "an optimised copy could not be made"));
    Some(Copy {
        purpose: CopyPurpose::Optimised,
        format,
        width_px: artifact.width_px,
        height_px: artifact.height_px,
        bytes: Bytes::from(made.ok()??),
        boxed: (artifact.width_px, artifact.height_px),
    })
}
