//! `limn session --export`: the pictures of a session in a folder, with a manifest that says everything about them.
//!
//! Exporting again changes only what changed: a picture has a name that follows from its content and is never
//! overwritten, and the manifest is put in its place whole.

use std::{collections::BTreeMap, fs, io::Write as _, path::Path};

use limn_proto::v1;
use serde_json::{Value, json};

use super::{
    connect::Connection,
    failure::Failure,
    listing,
    output::Output,
    pictures::{self, Picture},
    sessions, words,
};

/// Says what the manifest is, and in which version.
const FORMAT: &str = "limn.session/1";
/// Name of the manifest.
const MANIFEST: &str = "manifest.json";

pub(crate) async fn run(
    session: &v1::Session,
    folder: &Path,
    approved_only: bool,
    connection: &Connection,
    output: &Output,
) -> Result<(), Failure> {
    pictures::make_folder(folder)?;
    let mut filter = sessions::of_session(session);
    if approved_only {
        filter.verdict = v1::ImageVerdict::Approved.into();
    }
    let parent = sessions::parent(session);
    let (images, _) = listing::images(connection, parent, &filter, &sessions::everything()).await?;
    let images = in_order(images);
    let pictures = pictures::with_files(connection, images, Some(folder)).await?;
    let manifest = manifest(session, &pictures);
    let text = serde_json::to_string_pretty(&manifest)
        .map_err(|error| Failure::internal(format!("the manifest cannot be written as JSON: {error}")))?;
    put(folder, &format!("{text}\n"))?;
    if output.is_json() {
        return output.json(&manifest);
    }
    let place = folder.join(MANIFEST);
    if output.is_quiet() {
        return output.text(&place.display().to_string());
    }
    output.text(&format!("{} pictures, {}", pictures.len(), place.display()))
}

/// Approved ones first, then what waits, then what nobody wants; the oldest first. A picture that was used again is
/// there once, by the record that somebody gave a verdict on.
fn in_order(images: Vec<v1::Image>) -> Vec<v1::Image> {
    let mut by_object: BTreeMap<String, v1::Image> = BTreeMap::new();
    // Newest first, so the last of equal ones is the first record.
    for image in images {
        let known = by_object.get(&image.storage_key);
        if known.is_none_or(|known| known.review.is_none() || image.review.is_some()) {
            by_object.insert(image.storage_key.clone(), image);
        }
    }
    let mut images: Vec<v1::Image> = by_object.into_values().collect();
    images.sort_by_key(|image| {
        let time = image.create_time.as_ref();
        let created = time.map_or((0, 0), |time| (time.seconds, time.nanos));
        (rank(image), created, image.position, image.name.clone())
    });
    images
}

fn rank(image: &v1::Image) -> u8 {
    match image.review.as_ref().map(v1::ImageReview::verdict) {
        Some(v1::ImageVerdict::Approved) => 0,
        Some(v1::ImageVerdict::Rejected) => 2,
        _ if image.rejected => 2,
        _ => 1,
    }
}

fn manifest(session: &v1::Session, pictures: &[Picture]) -> Value {
    json!({
        "format": FORMAT,
        "session": session,
        "pictures": pictures.iter().map(entry).collect::<Vec<_>>(),
    })
}

fn entry(picture: &Picture) -> Value {
    let image = &picture.image;
    let file = picture.copy.as_deref().and_then(Path::file_name);
    let review = image.review.as_ref();
    json!({
        "file": file.map(|name| name.to_string_lossy()),
        "sha256": image.stored_sha256,
        "mediaType": image.media_type,
        "widthPx": image.width_px,
        "heightPx": image.height_px,
        "sizeBytes": image.size_bytes,
        "image": image.name,
        "execution": image.execution,
        "stepId": image.step_id,
        "take": image.take,
        "planDigest": image.plan_digest,
        "renderDigest": image.render_digest,
        "prompt": image.prompt,
        "originalPrompt": image.original_prompt,
        "revisedPrompt": image.revised_prompt,
        "provider": image.provider,
        "model": image.model,
        "modelVersion": image.model_version,
        "seed": image.seed,
        "seedMode": image.seed_mode().as_str_name(),
        "effectiveSeed": image.effective_seed,
        "cost": image.generation_cost,
        "costEstimated": image.cost_estimated,
        "qualityScoreBp": image.quality_score_bp,
        "belowQualityGate": image.rejected,
        "verdict": words::verdict_word(image),
        "reviewer": review.map(|review| &review.reviewer),
        "reviewNote": review.map(|review| &review.note),
        "altText": image.alt_text,
        "caption": image.caption,
        "sectionTitle": image.section_title,
        "position": image.position,
        "postId": image.post_id,
        "promptId": image.prompt_id,
        "labels": image.labels,
        "createTime": image.create_time,
    })
}

/// Puts the manifest in its place: whoever reads it sees the old one or the new one.
fn put(folder: &Path, text: &str) -> Result<(), Failure> {
    let part = folder.join(format!(".{MANIFEST}.{}.part", std::process::id()));
    let written = fs::File::create(&part)
        .and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        })
        .and_then(|()| fs::rename(&part, folder.join(MANIFEST)));
    written.map_err(|error| {
        // What is left of it is of no use.
        let _ = fs::remove_file(&part);
        Failure::internal(format!(
            "\"{}\" cannot be written: {error}",
            folder.join(MANIFEST).display()
        ))
    })
}
