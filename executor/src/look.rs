//! What is found out about a picture by looking at it: its quality, its fingerprint and its placeholder.

use crate::{
    artifact,
    fingerprint::Fingerprint,
    finish::Drawing,
    ids::ImageId,
    quality::Quality,
    records::{Assessment, ImageFilter, Page, RecordError},
    score::{Scorer, Subject},
};

/// Most other pictures of an execution that one is compared with: the newest.
const MAX_OTHERS: u32 = 200;

/// What was found out.
#[derive(Debug)]
pub(crate) struct Look {
    /// Nothing: nobody scores.
    quality: Option<Quality>,
    fingerprint: Fingerprint,
    thumbhash: Vec<u8>,
}

impl Look {
    /// Looks at a picture. Takes milliseconds: call it off the async threads.
    pub(crate) fn at(picture: &Subject<'_>, scorer: Option<&dyn Scorer>) -> Self {
        Self {
            quality: scorer.map(|scorer| scorer.quality(picture)),
            fingerprint: Fingerprint::of(picture.pixels),
            thumbhash: artifact::thumbhash(picture.pixels).unwrap_or_default(),
        }
    }

    /// The quality beside the other pictures of the execution. Two that are recorded at the same moment may miss each
    /// other; then neither counts as the other again.
    pub(crate) async fn quality_beside(&self, drawing: &Drawing<'_>, image: ImageId) -> Option<Quality> {
        let quality = self.quality.clone()?;
        let own = self.fingerprint;
        // The usual execution has one picture, of which nothing has to be asked.
        if drawing.plan.steps.len() < 2 {
            return Some(quality.beside(own, []));
        }
        Some(match others(drawing, image).await {
            Ok(others) => quality.beside(own, others),
            Err(error) => {
                // A picture that is paid does not wait for its score.
                tracing::warn!(%image, %error, "the other pictures could not be read, and are not compared");
                quality
            }
        })
    }

    /// What is recorded beside the score.
    pub(crate) fn assessment(&self, quality: Option<Quality>) -> Assessment {
        let quality = quality.unwrap_or_default();
        Assessment {
            parts_bp: quality.parts_bp,
            scorer: quality.scorer,
            fingerprint: Some(self.fingerprint),
            thumbhash: self.thumbhash.clone(),
        }
    }
}

async fn others(drawing: &Drawing<'_>, image: ImageId) -> Result<Vec<Fingerprint>, RecordError> {
    let filter = ImageFilter {
        execution: Some(drawing.execution),
        ..ImageFilter::default()
    };
    let newest = Page {
        limit: MAX_OTHERS,
        after: None,
    };
    let records = &drawing.inner.parts.records;
    let images = records.images(&drawing.plan.client, &filter, &newest).await?;
    let others = images.into_iter().filter(|other| other.id != image);
    Ok(others.filter_map(|other| other.assessment.fingerprint).collect())
}
