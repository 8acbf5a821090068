//! `ReviewImages`: of all images that are named, or of none.

use std::collections::BTreeSet;

use limn_executor::{
    ids::{IdSource as _, ImageId, TimeOrderedIds},
    records::{ReviewFilter, ReviewOrder, ReviewVerdict, Reviewed},
    snapshot,
};
use limn_proto::{
    reason::Reason,
    v1::{ImageVerdict, ReviewImagesRequest, ReviewImagesResponse},
};

use super::{ImageLibraryServer, MAX_ACTOR_CHARS, MAX_REASON_CHARS};
use crate::{refusal::Refusal, services::request::Fields};

/// Most images in one review.
const MAX_IMAGES: usize = 200;

/// The condition that a verdict in a filter stands for; nothing: none.
pub(super) fn filter(verdict: ImageVerdict) -> Option<ReviewFilter> {
    match verdict {
        ImageVerdict::Unspecified => None,
        ImageVerdict::Approved => Some(ReviewFilter::Said(ReviewVerdict::Approved)),
        ImageVerdict::Rejected => Some(ReviewFilter::Said(ReviewVerdict::Rejected)),
        ImageVerdict::None => Some(ReviewFilter::Waiting),
    }
}

impl ImageLibraryServer {
    pub(super) async fn review(&self, request: ReviewImagesRequest) -> Result<ReviewImagesResponse, Refusal> {
        let mut fields = Fields::default();
        let client = fields.client("parent", &request.parent);
        let named = read_names(&mut fields, &request.names);
        let verdict = read_verdict(&mut fields, request.verdict);
        let reviewer = fields.words("reviewer", &request.reviewer, MAX_ACTOR_CHARS);
        let note = fields.note("note", &request.note, MAX_REASON_CHARS);
        let ((client, verdict), reviewer) = fields.finish(client.zip(verdict).zip(reviewer))?;

        let of_client = named.iter().filter(|(owner, _)| *owner == client);
        let images: Vec<ImageId> = of_client.map(|(_, image)| *image).collect();
        let mut unknown: BTreeSet<ImageId> = BTreeSet::new();
        if images.len() == named.len() {
            let order = ReviewOrder {
                client: client.to_owned(),
                images,
                verdict,
                reviewer: reviewer.to_owned(),
                note: note.to_owned(),
                audit_id: TimeOrderedIds.next(),
                now: self.0.clock.now(),
            };
            match self.0.executor.records().review_images(&order).await? {
                Reviewed::Done(records) => {
                    return Ok(ReviewImagesResponse {
                        images: records.iter().map(snapshot::image).collect(),
                    });
                }
                Reviewed::Unknown(images) => unknown.extend(images),
            }
        } else {
            // Some are of another client, so nothing is changed; those that are missing are told of as well.
            for image in images {
                if self.0.executor.records().image(client, image).await?.is_none() {
                    unknown.insert(image);
                }
            }
        }
        Err(not_there(client, &named, &unknown))
    }
}

fn read_names<'r>(fields: &mut Fields, names: &'r [String]) -> Vec<(&'r str, ImageId)> {
    if names.is_empty() || names.len() > MAX_IMAGES {
        let what = format!("must be 1 to {MAX_IMAGES} names, not {}", names.len());
        fields.wrong("names", what);
    }
    let (mut named, mut seen) = (Vec::new(), BTreeSet::new());
    for (index, name) in names.iter().enumerate().take(MAX_IMAGES) {
        let field = format!("names[{index}]");
        if let Some((client, image)) = fields.image(&field, name) {
            if !seen.insert((client, image)) {
                fields.wrong(&field, format!("{name} is named twice"));
            }
            named.push((client, image));
        }
    }
    named
}

/// The verdict; nothing in it: no verdict any more.
fn read_verdict(fields: &mut Fields, verdict: i32) -> Option<Option<ReviewVerdict>> {
    match fields.known::<ImageVerdict>("verdict", verdict)? {
        ImageVerdict::Approved => Some(Some(ReviewVerdict::Approved)),
        ImageVerdict::Rejected => Some(Some(ReviewVerdict::Rejected)),
        ImageVerdict::None => Some(None),
        ImageVerdict::Unspecified => {
            fields.wrong(
                "verdict",
                "is required: approved, rejected, or none to take it back",
            );
            None
        }
    }
}

/// Every name that is no image of the client, whether it is unknown, deleted, or somebody else's.
fn not_there(client: &str, named: &[(&str, ImageId)], unknown: &BTreeSet<ImageId>) -> Refusal {
    let mut fields = Fields::default();
    for (index, (owner, image)) in named.iter().enumerate() {
        if *owner != client || unknown.contains(image) {
            fields.wrong_as(
                Reason::ImageNotFound,
                &format!("names[{index}]"),
                format!("clients/{client} has no image clients/{owner}/images/{image}; nothing was reviewed"),
            );
        }
    }
    match fields.finish::<()>(None) {
        Err(refusal) => refusal,
        Ok(()) => Refusal::internal("a review was refused although every image is there"),
    }
}
