//! `UpdateImage`: what people wrote about an image, put right.

use limn_executor::{
    clock::UnixMicros,
    ids::{IdSource as _, TimeOrderedIds},
    records::{ImageChanges, ImageEdit, ImageEdited},
    snapshot,
};
use limn_proto::{
    name::Collection,
    plan::Importance,
    reason::Reason,
    v1::{self, UpdateImageRequest, UpdateImageResponse},
};

use super::{ImageLibraryServer, MAX_ACTOR_CHARS, MAX_REASON_CHARS};
use crate::{refusal::Refusal, services::request::Fields};

// As in a plan.
const MAX_ALT_TEXT_BYTES: usize = 1_000;
const MAX_CAPTION_BYTES: usize = 2_000;
const MAX_KEY_TEXT_BYTES: usize = 256;
const MAX_LABELS: usize = 64;
const MAX_LABEL_KEY_BYTES: usize = 63;
const MAX_LABEL_VALUE_BYTES: usize = 256;

/// What an update mask may name.
const PATHS: [&str; 7] = [
    "alt_text",
    "caption",
    "post_id",
    "section_title",
    "position",
    "importance",
    "labels",
];

impl ImageLibraryServer {
    pub(super) async fn update(&self, request: UpdateImageRequest) -> Result<UpdateImageResponse, Refusal> {
        let edit = read(&request, self.0.clock.now())?;
        match self.0.executor.records().edit_image(&edit).await? {
            ImageEdited::Done(record) => Ok(UpdateImageResponse {
                image: Some(snapshot::image(&record)),
            }),
            ImageEdited::NotFound => {
                let name = request.image.as_ref().map_or("", |image| &image.name);
                Err(Refusal::not_found(Collection::Images, name))
            }
            ImageEdited::EtagMismatch(etag) => {
                let what = "is not the one of the image as it is now: read it again";
                Err(Refusal::field(Reason::EtagMismatch, "image.etag", what).with("etag", etag))
            }
        }
    }
}

/// The edit that a request asks for, or everything that is wrong with it.
fn read(request: &UpdateImageRequest, now: UnixMicros) -> Result<ImageEdit, Refusal> {
    let mut fields = Fields::default();
    let actor = fields.words("actor", &request.actor, MAX_ACTOR_CHARS);
    let reason = fields.note("reason", &request.reason, MAX_REASON_CHARS);
    let Some(image) = &request.image else {
        fields.wrong("image", "is required");
        return fields.finish(None);
    };
    let name = fields.image("image.name", &image.name);
    let paths = request
        .update_mask
        .as_ref()
        .map_or(&[][..], |mask| mask.paths.as_slice());
    if paths.is_empty() {
        let what = format!("must name what to change, of {}", PATHS.join(", "));
        fields.wrong_as(Reason::BadUpdateMask, "update_mask", what);
    }
    let mut changes = ImageChanges::default();
    for path in paths {
        read_path(&mut fields, path, image, &mut changes);
    }
    let ((client, id), actor) = fields.finish(name.zip(actor))?;
    Ok(ImageEdit {
        client: client.to_owned(),
        image: id,
        expected_etag: (!image.etag.is_empty()).then(|| image.etag.clone()),
        changes,
        actor: actor.to_owned(),
        reason: reason.to_owned(),
        audit_id: TimeOrderedIds.next(),
        now,
    })
}

fn read_path(fields: &mut Fields, path: &str, image: &v1::Image, changes: &mut ImageChanges) {
    let mut text = |name: &str, text: &String, max_bytes| {
        if text.len() > max_bytes {
            let what = format!("must have at most {max_bytes} bytes, but has {}", text.len());
            fields.wrong(&format!("image.{name}"), what);
        }
        Some(text.clone())
    };
    match path {
        "alt_text" => changes.alt_text = text(path, &image.alt_text, MAX_ALT_TEXT_BYTES),
        "caption" => changes.caption = text(path, &image.caption, MAX_CAPTION_BYTES),
        "post_id" => changes.post_id = text(path, &image.post_id, MAX_KEY_TEXT_BYTES),
        "section_title" => changes.section_title = text(path, &image.section_title, MAX_KEY_TEXT_BYTES),
        "position" => changes.position = Some(image.position),
        "importance" => match fields.known::<Importance>("image.importance", image.importance) {
            Some(Importance::Unspecified) => {
                fields.wrong("image.importance", "must be primary, secondary or decorative");
            }
            importance => changes.importance = importance,
        },
        "labels" => changes.labels = Some(read_labels(fields, image)),
        other => {
            let what = format!("{other:?} cannot be changed: only {} can", PATHS.join(", "));
            fields.wrong_as(Reason::BadUpdateMask, "update_mask", what);
        }
    }
}

fn read_labels(fields: &mut Fields, image: &v1::Image) -> Vec<(String, String)> {
    if image.labels.len() > MAX_LABELS {
        let what = format!("must be at most {MAX_LABELS}, not {}", image.labels.len());
        fields.wrong("image.labels", what);
    }
    for (key, value) in &image.labels {
        if key.is_empty() || key.len() > MAX_LABEL_KEY_BYTES || value.len() > MAX_LABEL_VALUE_BYTES {
            let what = format!(
                "have keys of 1 to {MAX_LABEL_KEY_BYTES} bytes and values of at most {MAX_LABEL_VALUE_BYTES} bytes, \
                 unlike {key:?}"
            );
            fields.wrong("image.labels", what);
        }
    }
    image
        .labels
        .iter()
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}
