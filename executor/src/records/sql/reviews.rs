//! What people say about images, and what they correct of their records.

use std::collections::{BTreeMap, BTreeSet};

use limn_proto::name::{Collection, resource_name};
use uuid::Uuid;

use super::{
    super::{
        AuditAction, AuditEvent, ImageEdit, ImageEdited, ImageRecord, Result, Review, ReviewOrder,
        ReviewVerdict, Reviewed,
    },
    audit,
    image_rows::IMAGES,
    library,
    rows::Fields,
    statement::sql,
    tx::Tx,
};
use crate::ids::ImageId;

impl Fields<'_> {
    /// The verdict of a person; nothing: nobody gave one.
    pub(super) fn review(self) -> Result<Option<Review>> {
        let Some(verdict) = self.optional_word("verdict", ReviewVerdict::parse)? else {
            return Ok(None);
        };
        Ok(Some(Review {
            verdict,
            reviewer: self.text("reviewer")?,
            note: self.text("review_note")?,
            at: self.time("reviewed_us")?,
        }))
    }
}

/// The rules of [`RecordStore::review_images`](super::super::RecordStore::review_images).
pub(super) async fn review(tx: &mut Tx<'_>, order: &ReviewOrder) -> Result<Reviewed> {
    let present = lock(tx, &order.client, &order.images).await?;
    let unknown: Vec<ImageId> = order
        .images
        .iter()
        .filter(|image| !present.contains_key(*image))
        .copied()
        .collect();
    if !unknown.is_empty() {
        return Ok(Reviewed::Unknown(unknown));
    }
    let mut changed = Vec::new();
    for (image, review) in &present {
        if !order.is_said(review.as_ref()) {
            audit::append(tx, &entry(order, *image, review.as_ref()))?;
            changed.push(image.to_string());
        }
    }
    if !changed.is_empty() {
        let given = order.verdict.is_some();
        let text = |text: &str| if given { text.to_owned() } else { String::new() };
        let mut update = sql("UPDATE images SET verdict = ");
        update.push_bind(order.verdict.map_or("", ReviewVerdict::as_str));
        update.push(", reviewer = ").push_bind(text(&order.reviewer));
        update.push(", review_note = ").push_bind(text(&order.note));
        update
            .push(", reviewed_us = ")
            .push_bind(given.then_some(order.now.0));
        update.push(", updated_us = ").push_bind(order.now.0);
        update.push(" WHERE id IN (").push_list(changed).push(")");
        update.later(tx);
    }
    let mut query = sql(IMAGES);
    query.push(" WHERE id IN (");
    query
        .push_list(order.images.iter().map(ToString::to_string))
        .push(")");
    let mut images: BTreeMap<ImageId, ImageRecord> = library::load(tx, query)
        .await?
        .into_iter()
        .map(|image| (image.id, image))
        .collect();
    Ok(Reviewed::Done(
        order
            .images
            .iter()
            .filter_map(|image| images.remove(image))
            .collect(),
    ))
}

/// Those of the images that the client has and nobody deleted, with their reviews. Nobody else changes them until the
/// commit. They are locked in the order of their ids, as by everybody who locks several.
async fn lock(
    tx: &mut Tx<'_>,
    client: &str,
    images: &[ImageId],
) -> Result<BTreeMap<ImageId, Option<Review>>> {
    let wanted: BTreeSet<ImageId> = images.iter().copied().collect();
    let mut query = sql("SELECT id, verdict, reviewer, review_note, reviewed_us FROM images WHERE client = ");
    query.push_bind(client);
    query.push(" AND deleting_us IS NULL AND id IN (");
    query
        .push_list(wanted.iter().map(ToString::to_string))
        .push(") ORDER BY id");
    let mut present = BTreeMap::new();
    for row in &query.locked().fetch_all(tx).await? {
        let fields = Fields(row);
        present.insert(fields.id("id", ImageId)?, fields.review()?);
    }
    Ok(present)
}

fn entry(order: &ReviewOrder, image: ImageId, before: Option<&Review>) -> AuditEvent {
    let word = |verdict: Option<ReviewVerdict>| verdict.map_or("none", ReviewVerdict::as_str).to_owned();
    AuditEvent {
        id: Uuid::new_v5(&order.audit_id, image.0.as_bytes()),
        client: order.client.clone(),
        at: order.now,
        actor: order.reviewer.clone(),
        action: AuditAction::ImageReviewed,
        subject: resource_name(&order.client, Collection::Images, &image.to_string()),
        reason: order.note.clone(),
        details: BTreeMap::from([
            ("oldVerdict".to_owned(), word(before.map(|review| review.verdict))),
            ("verdict".to_owned(), word(order.verdict)),
        ]),
    }
}

/// The rules of [`RecordStore::edit_image`](super::super::RecordStore::edit_image).
pub(super) async fn edit(tx: &mut Tx<'_>, edit: &ImageEdit) -> Result<ImageEdited> {
    if lock(tx, &edit.client, &[edit.image]).await?.is_empty() {
        return Ok(ImageEdited::NotFound);
    }
    let Some(mut image) = library::find(tx, &edit.client, edit.image).await? else {
        return Ok(ImageEdited::NotFound);
    };
    let etag = image.etag();
    let changed = edit.changes.apply(&mut image);
    // What is as it should be needs no change: so the same edit again succeeds although its tag is an old one.
    if changed.is_empty() {
        return Ok(ImageEdited::Done(Box::new(image)));
    }
    if edit
        .expected_etag
        .as_ref()
        .is_some_and(|expected| *expected != etag)
    {
        return Ok(ImageEdited::EtagMismatch(etag));
    }
    image.updated_at = edit.now;
    write(tx, &image, changed.contains(&"labels"));
    let subject = resource_name(&edit.client, Collection::Images, &edit.image.to_string());
    audit::append(tx, &edit.entry(subject, &changed))?;
    Ok(ImageEdited::Done(Box::new(image)))
}

/// Writes what can be corrected.
fn write(tx: &mut Tx<'_>, image: &ImageRecord, with_labels: bool) {
    let (id, about) = (image.id.to_string(), &image.description);
    sql(
        "UPDATE images SET alt_text = $2, caption = $3, post_id = $4, section_title = $5, position = $6, \
         importance = $7, updated_us = $8 WHERE id = $1",
    )
    .bind(&id)
    .bind(&about.alt_text)
    .bind(&about.caption)
    .bind(&about.post_id)
    .bind(&about.section_title)
    .bind(about.position)
    .bind(about.importance.as_str_name())
    .bind(image.updated_at.0)
    .later(tx);
    if with_labels {
        sql("DELETE FROM image_labels WHERE image_id = $1")
            .bind(&id)
            .later(tx);
        for (key, value) in &image.labels {
            sql("INSERT INTO image_labels (image_id, key, value)")
                .bind(&id)
                .bind(key)
                .bind(value)
                .row_later(tx);
        }
    }
}
