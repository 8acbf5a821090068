//! Deleting images in two steps around the removal of their objects, and what a sweep asks.
//!
//! The row of the object is locked by whoever deletes an image on it and by whoever lets another image stand on it: so
//! an object goes only when no image needs it, and none comes to stand on one that goes.

use std::collections::{BTreeMap, BTreeSet};

use limn_proto::name::{Collection, resource_name};

use super::{
    super::{
        AuditAction, AuditEvent, BegunDeletion, ImageDeletion, RecordError, Result, StoredBytes, StoredImage,
    },
    audit, fingerprints,
    rows::Fields,
    statement::sql,
    tx::Tx,
};
use crate::{
    clock::UnixMicros,
    ids::{ExecutionId, ImageId},
};

/// The rules of [`RecordStore::begin_deletion`](super::super::RecordStore::begin_deletion).
pub(super) async fn begin(tx: &mut Tx<'_>, deletion: &ImageDeletion) -> Result<Option<BegunDeletion>> {
    let found = sql("SELECT storage_path FROM images WHERE id = $1 AND client = $2")
        .bind(deletion.image.to_string())
        .bind(&deletion.client)
        .fetch_optional(tx)
        .await?;
    let Some(found) = found else { return Ok(None) };
    let storage_key = Fields(&found).text("storage_path")?;
    // The object first, as everybody does: the order of the locks is the same for all.
    sql("SELECT storage_key FROM blobs WHERE storage_key = $1")
        .bind(&storage_key)
        .locked()
        .fetch_optional(tx)
        .await?;
    let image = sql("SELECT deleting_us, deleted_us FROM images WHERE id = $1")
        .bind(deletion.image.to_string())
        .locked()
        .fetch_optional(tx)
        .await?;
    let Some(image) = image else { return Ok(None) };
    let fields = Fields(&image);
    if fields.optional_time("deleted_us")?.is_some() {
        return Ok(Some(BegunDeletion {
            objects: Vec::new(),
            is_finished: true,
        }));
    }
    if fields.optional_time("deleting_us")?.is_none() {
        mark(tx, deletion, &storage_key).await?;
    }
    let is_gone = sql("SELECT gone_us FROM blobs WHERE storage_key = $1 AND gone_us IS NOT NULL")
        .bind(&storage_key)
        .fetch_optional(tx)
        .await?
        .is_some();
    let mut objects = Vec::new();
    if is_gone {
        let copies = sql("SELECT storage_key FROM image_thumbnails WHERE image_id = $1 ORDER BY ordinal")
            .bind(deletion.image.to_string())
            .fetch_all(tx)
            .await?;
        for copy in &copies {
            objects.push(Fields(copy).text("storage_key")?);
        }
        objects.push(storage_key);
    }
    Ok(Some(BegunDeletion {
        objects,
        is_finished: false,
    }))
}

/// Nobody finds the image from now on. Its unit goes to another image of the same picture, or can be drawn again.
async fn mark(tx: &mut Tx<'_>, deletion: &ImageDeletion, storage_key: &str) -> Result<()> {
    let (image, now) = (deletion.image.to_string(), deletion.now.0);
    sql("UPDATE images SET deleting_us = $2, updated_us = $2 WHERE id = $1")
        .bind(&image)
        .bind(now)
        .later(tx);
    let heir = sql(
        "SELECT id FROM images WHERE storage_path = $1 AND id <> $2 AND deleting_us IS NULL \
         ORDER BY created_us, id LIMIT 1",
    )
    .bind(storage_key)
    .bind(&image)
    .fetch_optional(tx)
    .await?;
    match heir {
        Some(heir) => {
            let heir = Fields(&heir).id("id", ImageId)?;
            sql("UPDATE units SET image_id = $2 WHERE image_id = $1")
                .bind(&image)
                .bind(heir.to_string())
                .later(tx);
        }
        None => {
            sql(
                "UPDATE units SET state = 'idle', execution_id = NULL, step_id = NULL, image_id = NULL \
                 WHERE image_id = $1",
            )
            .bind(&image)
            .later(tx);
            fingerprints::forget(tx, storage_key);
            sql("UPDATE blobs SET gone_us = $2 WHERE storage_key = $1")
                .bind(storage_key)
                .bind(now)
                .later(tx);
        }
    }
    audit::append(
        tx,
        &AuditEvent {
            id: deletion.audit_id,
            client: deletion.client.clone(),
            at: deletion.now,
            actor: deletion.actor.clone(),
            action: AuditAction::ImageDeleted,
            subject: resource_name(&deletion.client, Collection::Images, &image),
            reason: deletion.reason.clone(),
            details: BTreeMap::from([("storageKey".to_owned(), storage_key.to_owned())]),
        },
    )
}

/// The rules of [`RecordStore::finish_deletion`](super::super::RecordStore::finish_deletion).
pub(super) async fn finish(tx: &mut Tx<'_>, client: &str, image: ImageId, now: UnixMicros) -> Result<()> {
    let marked = sql(
        "SELECT id FROM images WHERE id = $1 AND client = $2 AND deleting_us IS NOT NULL \
         AND deleted_us IS NULL",
    )
    .bind(image.to_string())
    .bind(client)
    .locked()
    .fetch_optional(tx)
    .await?;
    if marked.is_none() {
        return Ok(());
    }
    for statement in [
        "DELETE FROM image_thumbnails WHERE image_id = $1",
        "DELETE FROM image_labels WHERE image_id = $1",
    ] {
        sql(statement).bind(image.to_string()).later(tx);
    }
    sql("UPDATE images SET deleted_us = $2, updated_us = $2, image_url = '', thumbnail_url = '' WHERE id = $1")
        .bind(image.to_string())
        .bind(now.0)
        .later(tx);
    Ok(())
}

/// Lets another image stand on an object. Refused as a failure of the moment when the object is being removed: the
/// picture is to be asked for again.
pub(super) async fn stand_on(tx: &mut Tx<'_>, storage_key: &str) -> Result<()> {
    let row = sql("SELECT gone_us FROM blobs WHERE storage_key = $1")
        .bind(storage_key)
        .locked()
        .fetch_optional(tx)
        .await?;
    let gone_at = row.map(|row| Fields(&row).optional_time("gone_us")).transpose()?;
    match gone_at.flatten() {
        None => Ok(()),
        Some(_) => Err(RecordError::Unavailable(
            format!("the picture under {storage_key} was deleted meanwhile").into(),
        )),
    }
}

/// The rules of [`RecordStore::stored_images`](super::super::RecordStore::stored_images).
pub(super) async fn stored(tx: &mut Tx<'_>, after: Option<ImageId>, limit: u32) -> Result<Vec<StoredImage>> {
    let mut query = sql(
        "SELECT id, client, storage_path, created_us, deleting_us FROM images \
         WHERE deleted_us IS NULL AND id > ",
    );
    query.push_bind(after.map(|image| image.to_string()).unwrap_or_default());
    query.push(" ORDER BY id LIMIT ").push_bind(limit);
    let rows = query.fetch_all(tx).await?;
    let mut images = Vec::with_capacity(rows.len());
    for row in &rows {
        let fields = Fields(row);
        images.push(StoredImage {
            id: fields.id("id", ImageId)?,
            client: fields.text("client")?,
            storage_key: fields.text("storage_path")?,
            thumbnails: Vec::new(),
            created_at: fields.time("created_us")?,
            deleting_at: fields.optional_time("deleting_us")?,
        });
    }
    if images.is_empty() {
        return Ok(images);
    }
    let mut copies = sql("SELECT image_id, storage_key FROM image_thumbnails WHERE image_id IN (");
    copies.push_list(images.iter().map(|image| image.id.to_string()));
    copies.push(") ORDER BY image_id, ordinal");
    for row in &copies.fetch_all(tx).await? {
        let fields = Fields(row);
        let owner = fields.id("image_id", ImageId)?;
        // The images are in order of their ids.
        if let Some(image) = images.iter_mut().find(|image| image.id == owner) {
            image.thumbnails.push(fields.text("storage_key")?);
        }
    }
    Ok(images)
}

/// The rules of [`RecordStore::unrecorded`](super::super::RecordStore::unrecorded).
pub(super) async fn unrecorded(tx: &mut Tx<'_>, keys: &[String]) -> Result<Vec<String>> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let mut known = BTreeSet::new();
    let mut pictures =
        sql("SELECT storage_path AS storage_key FROM images WHERE deleted_us IS NULL AND storage_path IN (");
    pictures.push_list(keys).push(")");
    let mut copies = sql("SELECT t.storage_key AS storage_key FROM image_thumbnails t \
         JOIN images i ON i.id = t.image_id WHERE i.deleted_us IS NULL AND t.storage_key IN (");
    copies.push_list(keys).push(")");
    for query in [pictures, copies] {
        for row in &query.fetch_all(tx).await? {
            known.insert(Fields(row).text("storage_key")?);
        }
    }
    Ok(keys.iter().filter(|key| !known.contains(*key)).cloned().collect())
}

/// The rules of [`RecordStore::unfinished_images`](super::super::RecordStore::unfinished_images).
pub(super) async fn unfinished(tx: &mut Tx<'_>) -> Result<Vec<ImageId>> {
    let rows = sql(
        "SELECT s.execution_id AS execution_id, s.step_id AS step_id FROM steps s \
         JOIN executions e ON e.id = s.execution_id WHERE e.ended_us IS NULL \
         UNION SELECT execution_id, step_id FROM attempts \
         WHERE state IN ('prepared', 'dispatching', 'accepted', 'received', 'unknown')",
    )
    .fetch_all(tx)
    .await?;
    let image = |row| {
        let fields = Fields(row);
        let step = fields.text("step_id")?;
        Ok(ImageId::of_step(fields.id("execution_id", ExecutionId)?, &step))
    };
    rows.iter().map(image).collect()
}

/// The rules of [`RecordStore::stored_bytes`](super::super::RecordStore::stored_bytes).
pub(super) async fn stored_bytes(tx: &mut Tx<'_>, client: &str) -> Result<StoredBytes> {
    let pictures = sql(
        "SELECT COUNT(*) AS objects, CAST(COALESCE(SUM(size_bytes), 0) AS BIGINT) AS bytes FROM blobs \
         WHERE storage_key IN (SELECT storage_path FROM images WHERE client = $1 AND deleted_us IS NULL)",
    )
    .bind(client)
    .fetch_all(tx)
    .await?;
    let copies = sql("SELECT CAST(COALESCE(SUM(file_size), 0) AS BIGINT) AS bytes FROM \
         (SELECT DISTINCT t.storage_key, t.file_size FROM image_thumbnails t JOIN images i ON i.id = t.image_id \
         WHERE i.client = $1 AND i.deleted_us IS NULL) AS copies")
    .bind(client)
    .fetch_all(tx)
    .await?;
    let mut stored = StoredBytes::default();
    for row in &pictures {
        let fields = Fields(row);
        stored.objects = fields.number("objects")?;
        stored.bytes = fields.number("bytes")?;
    }
    for row in &copies {
        stored.bytes = stored.bytes.saturating_add(Fields(row).number("bytes")?);
    }
    Ok(stored)
}
