//! The object of a picture: marked with its provenance, stored once, and found again after a crash.
//!
//! Signing a picture twice gives two files, and bytes under a key never change. So whoever comes second, after a crash
//! between object and record or in a race, takes the object that is there, once it is proven to be the same picture:
//! its pixels are those of the answer, and its credentials, where there are any, hold and name this image and this
//! answer. Anything else under the key is damage, and is not overwritten.

use std::sync::Arc;

use bytes::Bytes;
use limn_proto::{
    digest::sha256_hex,
    name::{Collection, resource_name},
};
use tokio_util::sync::CancellationToken;

use crate::{
    artifact::{self, Expected, Limits},
    blob::{BlobKey, BlobMetadata},
    finish::{self, Drawing, Picture},
    ids::ImageId,
    persist::{self, Saved},
    plan::ImageFormat,
    provenance::{Facts, Marker, SignatureState},
    provider::Rendered,
    records::RecordError,
};

/// What a picture is marked with, once it is there.
pub(crate) struct Marking {
    marker: Option<Arc<dyn Marker>>,
    facts: Facts,
}

impl Marking {
    pub(crate) fn of(drawing: &Drawing<'_>) -> Self {
        let (plan, render) = (drawing.plan, &drawing.target.render);
        let execution = drawing.execution.to_string();
        Self {
            marker: drawing.inner.parts.settings.marker.clone(),
            facts: Facts {
                source_type: drawing.provider.source_type(),
                provider: render.provider.clone(),
                model: render.model.clone(),
                model_version: String::new(),
                plan_digest: plan.digest.clone(),
                execution: resource_name(&plan.client, Collection::Executions, &execution),
                image: image_name(drawing),
                rendered_sha256: String::new(),
                generated_at: drawing.received_at,
                prompt: render.prompt.clone(),
            },
        }
    }

    /// The same with what the answer says.
    pub(crate) fn answered(self, rendered: &Rendered, rendered_sha256: &str) -> Self {
        Self {
            facts: Facts {
                model_version: rendered.model_version.clone(),
                rendered_sha256: rendered_sha256.to_owned(),
                ..self.facts
            },
            ..self
        }
    }

    /// The picture, or a copy of it, as it is stored. It is paid, and so it is not given up when it cannot be marked: its
    /// record shows that, for what is stored is then what was rendered. Hashes the file: call it off the async threads.
    pub(crate) fn mark(&self, picture: &Bytes, format: ImageFormat) -> Bytes {
        let Some(marker) = &self.marker else {
            return picture.clone();
        };
        match marker.mark(picture, format, &self.facts) {
            Ok(marked) => marked,
            Err(error) => {
                tracing::error!(image = self.facts.image, %error, "a picture is stored without content credentials");
                picture.clone()
            }
        }
    }
}

fn image_name(drawing: &Drawing<'_>) -> String {
    let id = ImageId::of_reroll(drawing.execution, &drawing.step.step_id, drawing.step.reroll);
    resource_name(&drawing.plan.client, Collection::Images, &id.to_string())
}

/// What is stored under the key of a picture.
pub(crate) struct Stored {
    pub(crate) sha256: String,
    pub(crate) size_bytes: i64,
}

impl Stored {
    fn of(bytes: &Bytes) -> Self {
        Self {
            sha256: sha256_hex(bytes),
            size_bytes: i64::try_from(bytes.len()).unwrap_or(i64::MAX),
        }
    }
}

/// Stores a picture under a key that follows from ids, or takes what is there when it is the same picture.
pub(crate) async fn save(
    drawing: &Drawing<'_>,
    lost: &CancellationToken,
    key: &BlobKey,
    picture: &Picture,
) -> Result<Stored, RecordError> {
    let inner = drawing.inner;
    let media_type = drawing.target.render.format.media_type();
    let metadata = BlobMetadata::new(media_type).of_plan(&drawing.plan.digest);
    match persist::save(inner, lost, key, &metadata, &picture.marked).await? {
        Saved::Stored => return Ok(Stored::of(&picture.marked)),
        Saved::OtherBytes => {}
    }
    let found = Found {
        marker: inner.parts.settings.marker.clone(),
        stored: finish::read_blob(inner, key).await?,
        rendered: picture.rendered.image.clone(),
        rendered_sha256: picture.sha256.clone(),
        image: image_name(drawing),
        expected: finish::expected(&drawing.target.render),
        limits: inner.parts.settings.limits,
    };
    let stored = Stored::of(&found.stored);
    // Both are decoded.
    let render = &drawing.target.render;
    let _place = inner
        .darkroom
        .enter(render.width_px, render.height_px.saturating_mul(2))
        .await;
    let is_same = tokio::task::spawn_blocking(move || found.is_same_picture())
        .await
        .map_err(|panic| RecordError::Damaged(format!("reading {key} stopped: {panic}")))?;
    if is_same {
        tracing::info!(%key, "the picture was stored before and is taken as it is");
        return Ok(stored);
    }
    Err(RecordError::Damaged(format!(
        "another picture is stored under {key}"
    )))
}

/// An object that was there before.
struct Found {
    marker: Option<Arc<dyn Marker>>,
    stored: Bytes,
    rendered: Bytes,
    rendered_sha256: String,
    image: String,
    expected: Expected,
    limits: Limits,
}

impl Found {
    fn is_same_picture(&self) -> bool {
        if sha256_hex(&self.stored) == self.rendered_sha256 {
            return true;
        }
        self.has_our_claim() && self.has_same_pixels()
    }

    /// Credentials name this image and this answer. What has none, or cannot be read for want of a reader, is judged by
    /// its pixels alone.
    fn has_our_claim(&self) -> bool {
        let Some(marker) = &self.marker else {
            return true;
        };
        let credentials = marker.read(&self.stored, self.expected.format);
        let claim = credentials.claim.as_ref();
        credentials.state == SignatureState::Absent
            || credentials.are_intact()
                && claim.is_some_and(|claim| {
                    claim.image == self.image && claim.rendered_sha256 == self.rendered_sha256
                })
    }

    fn has_same_pixels(&self) -> bool {
        let limits = self.limits.of_stored();
        let decode = |bytes| artifact::inspect(bytes, &self.expected, &limits);
        match (decode(&self.stored), decode(&self.rendered)) {
            (Ok(stored), Ok(rendered)) => stored.pixels == rendered.pixels,
            _ => false,
        }
    }
}

#[cfg(feature = "provenance")]
#[cfg(test)]
mod tests {
    use image::{DynamicImage, RgbImage};

    use super::*;
    use crate::{
        artifact::encode,
        clock::UnixMicros,
        provenance::{Identity, Signer, SourceType},
    };

    const IMAGE: &str = "clients/acme/images/1";

    fn picture(red: u8) -> Bytes {
        let pixels = RgbImage::from_fn(32, 16, |x, y| {
            image::Rgb([red, u8::from(x > y), u8::from(x % 3 == 0)])
        });
        Bytes::from(encode(&DynamicImage::from(pixels), ImageFormat::Png, 100).unwrap())
    }

    fn signed(signer: &Signer, rendered: &Bytes, image: &str, rendered_sha256: String) -> Bytes {
        let facts = Facts {
            source_type: SourceType::default(),
            provider: "easel".to_owned(),
            model: "easel-2".to_owned(),
            model_version: String::new(),
            plan_digest: String::new(),
            execution: String::new(),
            image: image.to_owned(),
            rendered_sha256,
            generated_at: UnixMicros(0),
            prompt: String::new(),
        };
        signer.mark(rendered, ImageFormat::Png, &facts).unwrap()
    }

    #[test]
    fn only_the_same_picture_of_the_same_image_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let (identity, _) = Identity::development(&folder.path().join("one.pem")).unwrap();
        let signer = Arc::new(Signer::new(&identity, None, false).unwrap());
        let rendered = picture(9);
        let is_taken = |stored: &Bytes, marker: Option<Arc<dyn Marker>>| {
            let found = Found {
                marker,
                stored: stored.clone(),
                rendered: rendered.clone(),
                rendered_sha256: sha256_hex(&rendered),
                image: IMAGE.to_owned(),
                expected: Expected {
                    format: ImageFormat::Png,
                    width_px: 32,
                    height_px: 16,
                },
                limits: Limits::default(),
            };
            found.is_same_picture()
        };
        let marker = || Some(Arc::clone(&signer) as Arc<dyn Marker>);
        let (ours, sha256) = (&rendered, sha256_hex(&rendered));
        let good = signed(&signer, ours, IMAGE, sha256.clone());
        assert!(is_taken(ours, marker()) && is_taken(&good, marker()));
        assert!(is_taken(&good, None), "signing was switched off in between");
        assert!(!is_taken(&picture(8), marker()), "other pixels");
        assert!(
            !is_taken(&signed(&signer, &picture(8), IMAGE, sha256.clone()), marker()),
            "a false claim"
        );
        assert!(!is_taken(
            &signed(&signer, ours, "clients/acme/images/2", sha256.clone()),
            marker()
        ));
        assert!(!is_taken(
            &signed(&signer, ours, IMAGE, sha256_hex(b"another")),
            marker()
        ));
        let mut changed = good.to_vec();
        let packet = changed
            .windows(9)
            .position(|window| window == b"xpacket e")
            .unwrap();
        changed[packet] ^= 1;
        assert!(
            !is_taken(&Bytes::from(changed), marker()),
            "changed after signing"
        );
    }
}
