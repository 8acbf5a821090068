//! Images: records, and the objects they stand on.

use std::collections::BTreeMap;

use super::{
    super::{ImageFilter, ImageRecord, Page, Result, ReviewFilter},
    fingerprints,
    image_rows::{IMAGES, bind_image, image_record, thumbnail_record},
    pages,
    rows::{Fields, Row, wrong_state},
    statement::{Statement, sql},
    tx::Tx,
};
use crate::ids::ImageId;

/// Writes a record with everything that belongs to it. The object is in the store already.
pub(super) fn insert(tx: &mut Tx<'_>, client: &str, image: &ImageRecord) -> Result<()> {
    if image.client != client {
        return Err(wrong_state(format!("image {}", image.id), "of another client"));
    }
    // A reused record stands on an object that is there already. That the bytes are those of the object is a
    // foreign key of the record.
    if !image.reused {
        insert_blob(tx, image);
    }
    bind_image(image).later(tx);
    if let Some(fingerprint) = image.assessment.fingerprint.filter(|_| !image.reused) {
        fingerprints::insert(tx, image, fingerprint);
    }
    for (ordinal, thumbnail) in (0_i64..).zip(&image.thumbnails) {
        sql(
            "INSERT INTO image_thumbnails (image_id, ordinal, storage_key, public_url, width, height, \
             format, file_size, purpose)",
        )
        .bind(image.id.to_string())
        .bind(ordinal)
        .bind(&thumbnail.storage_key)
        .bind(&thumbnail.public_url)
        .bind(thumbnail.width_px)
        .bind(thumbnail.height_px)
        .bind(thumbnail.format.media_type())
        .bind(thumbnail.size_bytes)
        .bind(thumbnail.purpose.as_str())
        .row_later(tx);
    }
    for (key, value) in &image.labels {
        sql("INSERT INTO image_labels (image_id, key, value)")
            .bind(image.id.to_string())
            .bind(key)
            .bind(value)
            .row_later(tx);
    }
    Ok(())
}

/// The object under an image. A repeated upload of the same image finds its own row.
fn insert_blob(tx: &mut Tx<'_>, image: &ImageRecord) {
    sql(
        "INSERT INTO blobs (storage_key, sha256, size_bytes, media_type, created_us) \
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (storage_key) DO NOTHING",
    )
    .bind(&image.storage_key)
    .bind(&image.stored_sha256)
    .bind(image.size_bytes)
    .bind(image.format.media_type())
    .bind(image.created_at.0)
    .later(tx);
}

/// One image of a client.
pub(super) async fn find(tx: &mut Tx<'_>, client: &str, image: ImageId) -> Result<Option<ImageRecord>> {
    let mut query = sql(IMAGES);
    query.push(" WHERE id = ").push_bind(image.to_string());
    query.push(" AND client = ").push_bind(client.to_owned());
    query.push(" AND deleting_us IS NULL");
    Ok(load(tx, query).await?.pop())
}

/// A page of images, newest first.
pub(super) async fn list(
    tx: &mut Tx<'_>,
    client: &str,
    filter: &ImageFilter,
    page: &Page,
) -> Result<Vec<ImageRecord>> {
    load(tx, list_query(client, filter, page)).await
}

/// The text consists of fixed pieces only; every value is bound.
pub(super) fn list_query(client: &str, filter: &ImageFilter, page: &Page) -> Statement {
    let mut query = sql(IMAGES);
    query.push(" WHERE client = ").push_bind(client.to_owned());
    query.push(" AND deleting_us IS NULL");
    let execution = filter.execution.map(|id| id.to_string());
    let equal: [(&'static str, Option<&String>); 5] = [
        (" AND session_id = ", filter.session_id.as_ref()),
        (" AND provider = ", filter.provider.as_ref()),
        (" AND plan_digest = ", filter.plan_digest.as_ref()),
        (" AND execution_id = ", execution.as_ref()),
        (" AND post_id = ", filter.post_id.as_ref()),
    ];
    for (condition, wanted) in equal {
        if let Some(wanted) = wanted {
            query.push(condition).push_bind(wanted.clone());
        }
    }
    match filter.review {
        None => {}
        Some(ReviewFilter::Said(verdict)) => {
            query.push(" AND verdict = ").push_bind(verdict.as_str());
        }
        Some(ReviewFilter::Waiting) => {
            query.push(" AND verdict = ").push_bind("");
            query.push(" AND rejected = ").push_bind(false);
        }
    }
    if !filter.image_types.is_empty() {
        query.push(" AND image_type IN (");
        query.push_list(
            filter
                .image_types
                .iter()
                .map(|image_type| image_type.as_str_name()),
        );
        query.push(")");
    }
    for (key, value) in &filter.labels {
        query.push(" AND id IN (SELECT image_id FROM image_labels WHERE key = ");
        query.push_bind(key.clone());
        query.push(" AND value = ").push_bind(value.clone()).push(")");
    }
    if let Some(from) = filter.created_from {
        query.push(" AND created_us >= ").push_bind(from.0);
    }
    if let Some(before) = filter.created_before {
        query.push(" AND created_us < ").push_bind(before.0);
    }
    pages::push(&mut query, "id", page);
    query
}

pub(super) async fn load(tx: &mut Tx<'_>, query: Statement) -> Result<Vec<ImageRecord>> {
    let rows = query.fetch_all(tx).await?;
    let mut images: Vec<ImageRecord> = rows
        .iter()
        .map(|row| image_record(Fields(row)))
        .collect::<Result<_>>()?;
    if images.is_empty() {
        return Ok(images);
    }
    let places: BTreeMap<ImageId, usize> = images
        .iter()
        .enumerate()
        .map(|(place, image)| (image.id, place))
        .collect();
    for row in &children(tx, THUMBNAILS, &images, " ORDER BY image_id, ordinal").await? {
        let fields = Fields(row);
        if let Some(image) = owner(fields, &places, &mut images)? {
            image.thumbnails.push(thumbnail_record(fields)?);
        }
    }
    for row in &children(tx, LABELS, &images, " ORDER BY image_id, key").await? {
        let fields = Fields(row);
        if let Some(image) = owner(fields, &places, &mut images)? {
            image.labels.push((fields.text("key")?, fields.text("value")?));
        }
    }
    Ok(images)
}

const THUMBNAILS: &str = "SELECT image_id, storage_key, public_url, width, height, format, file_size, \
    purpose FROM image_thumbnails WHERE image_id IN (";
const LABELS: &str = "SELECT image_id, key, value FROM image_labels WHERE image_id IN (";

async fn children(
    tx: &mut Tx<'_>,
    select: &'static str,
    images: &[ImageRecord],
    order: &'static str,
) -> Result<Vec<Row>> {
    let mut query = sql(select);
    query.push_list(images.iter().map(|image| image.id.to_string()));
    query.push(")").push(order);
    query.fetch_all(tx).await
}

/// The image that a row of a child table belongs to.
fn owner<'i>(
    fields: Fields<'_>,
    places: &BTreeMap<ImageId, usize>,
    images: &'i mut [ImageRecord],
) -> Result<Option<&'i mut ImageRecord>> {
    let id = fields.id("image_id", ImageId)?;
    Ok(places.get(&id).and_then(|place| images.get_mut(*place)))
}
