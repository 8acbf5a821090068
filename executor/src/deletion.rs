//! Deleting images, and sweeping what belongs to nobody.
//!
//! A deletion marks the record, removes the objects, and leaves a tombstone, in this order: a crash between any two of
//! these leaves a marked record that nobody finds and that a sweep finishes. Objects come before records when a picture
//! is stored, so a crash there leaves an object without a record, which a sweep removes once its execution has ended.

use std::{collections::BTreeSet, time::Duration};

use uuid::Uuid;

use crate::{
    blob::{BlobEntry, BlobError, BlobKey},
    clock::UnixMicros,
    executor::Inner,
    ids::{AttemptId, ImageId},
    records::{AttemptState, ImageDeletion, RecordError, StoredImage},
};

/// Images and objects that are looked at in one go.
const PAGE: u32 = 200;
/// Who decides what a sweep deletes.
const SWEEPER: &str = "limn sweep";
/// Most images that a sweep names.
const MAX_NAMED: usize = 100;

/// Why images are not deleted, or a sweep ended early. What was done stays done; it may be repeated.
#[derive(Debug, thiserror::Error)]
pub enum DeletionError {
    /// The records cannot be read or changed.
    #[error(transparent)]
    Records(#[from] RecordError),
    /// The store cannot say or remove.
    #[error(transparent)]
    Store(#[from] BlobError),
}

/// What to sweep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SweepOrder {
    /// Only what is older than this: what is younger may still be in use.
    pub older_than: Duration,
    /// Only look.
    pub dry_run: bool,
}

/// What a sweep found; removed unless it was a dry run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sweep {
    /// Objects of clients without a record.
    pub objects: u64,
    /// Their bytes.
    pub object_bytes: u64,
    /// Staged answers that nobody needs any more.
    pub staged: u64,
    /// Records whose object is missing; they become tombstones.
    pub records: u64,
    /// Names of these images, at most 100.
    pub images: Vec<String>,
    /// Small copies that are missing while their picture is there; they are only told.
    pub missing_copies: u64,
    /// Deletions that were begun and never finished.
    pub deletions: u64,
    /// Puts that were begun and never finished.
    pub unfinished: u64,
}

/// Deletes an image; true when there is, or was, one.
pub(crate) async fn delete(inner: &Inner, deletion: &ImageDeletion) -> Result<bool, DeletionError> {
    let records = &inner.parts.records;
    let Some(begun) = records.begin_deletion(deletion).await? else {
        return Ok(false);
    };
    if begun.is_finished {
        return Ok(true);
    }
    for key in begun.objects.iter().filter_map(|key| BlobKey::parse(key)) {
        inner.parts.blobs.delete(&key).await?;
    }
    let now = inner.parts.clock.now();
    records
        .finish_deletion(&deletion.client, deletion.image, now)
        .await?;
    tracing::info!(client = deletion.client, image = %deletion.image, "image deleted");
    Ok(true)
}

/// Looks at records and objects in both directions.
pub(crate) async fn sweep(inner: &Inner, order: SweepOrder) -> Result<Sweep, DeletionError> {
    let now = inner.parts.clock.now();
    let age_us = i64::try_from(order.older_than.as_micros()).unwrap_or(i64::MAX);
    let sweeper = Sweeper {
        inner,
        before: UnixMicros(now.0.saturating_sub(age_us)),
        dry_run: order.dry_run,
    };
    let mut found = Sweep::default();
    // Before any object is listed: an execution that begins later makes objects under other names.
    let unfinished: BTreeSet<_> = inner
        .parts
        .records
        .unfinished_images()
        .await?
        .into_iter()
        .collect();
    sweeper.records(&mut found).await?;
    sweeper.objects(&unfinished, &mut found).await?;
    sweeper.staged(&mut found).await?;
    found.unfinished = inner
        .parts
        .blobs
        .sweep_unfinished(sweeper.before, order.dry_run)
        .await?;
    Ok(found)
}

struct Sweeper<'s> {
    inner: &'s Inner,
    before: UnixMicros,
    dry_run: bool,
}

impl Sweeper<'_> {
    /// Records without objects, and deletions that nobody finished.
    async fn records(&self, found: &mut Sweep) -> Result<(), DeletionError> {
        let records = &self.inner.parts.records;
        let mut after = None;
        loop {
            let page = records.stored_images(after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(last.id);
            for image in &page {
                match image.deleting_at {
                    Some(begun) if begun < self.before => {
                        found.deletions = found.deletions.saturating_add(1);
                        self.delete(image, "the deletion was begun and not finished")
                            .await?;
                    }
                    None if image.created_at < self.before => self.record(image, found).await?,
                    _ => {}
                }
            }
        }
    }

    async fn record(&self, image: &StoredImage, found: &mut Sweep) -> Result<(), DeletionError> {
        if self.is_missing(&image.storage_key).await? {
            found.records = found.records.saturating_add(1);
            if found.images.len() < MAX_NAMED {
                found
                    .images
                    .push(format!("clients/{}/images/{}", image.client, image.id));
            }
            return self.delete(image, "its object is missing in the store").await;
        }
        for key in &image.thumbnails {
            if self.is_missing(key).await? {
                found.missing_copies = found.missing_copies.saturating_add(1);
            }
        }
        Ok(())
    }

    async fn is_missing(&self, key: &str) -> Result<bool, BlobError> {
        match BlobKey::parse(key) {
            Some(key) => Ok(self.inner.parts.blobs.head(&key).await?.is_none()),
            None => Ok(true),
        }
    }

    async fn delete(&self, image: &StoredImage, why: &str) -> Result<(), DeletionError> {
        if self.dry_run {
            return Ok(());
        }
        let deletion = ImageDeletion {
            client: image.client.clone(),
            image: image.id,
            actor: SWEEPER.to_owned(),
            reason: why.to_owned(),
            audit_id: Uuid::now_v7(),
            now: self.inner.parts.clock.now(),
        };
        delete(self.inner, &deletion).await.map(drop)
    }

    /// Objects of clients without a record. References have none and stay.
    async fn objects(&self, unfinished: &BTreeSet<ImageId>, found: &mut Sweep) -> Result<(), DeletionError> {
        let mut from = None;
        loop {
            let page = self
                .inner
                .parts
                .blobs
                .list_page("clients/", from.as_deref(), PAGE)
                .await?;
            let old: Vec<_> = page
                .blobs
                .into_iter()
                .filter(|blob| blob.stored_at < self.before)
                .filter(|blob| image_of(&blob.key).is_some_and(|image| !unfinished.contains(&image)))
                .collect();
            self.remove_unrecorded(&old, found).await?;
            match page.next {
                Some(next) => from = Some(next),
                None => return Ok(()),
            }
        }
    }

    async fn remove_unrecorded(&self, old: &[BlobEntry], found: &mut Sweep) -> Result<(), DeletionError> {
        let keys: Vec<_> = old.iter().map(|blob| blob.key.to_string()).collect();
        let unrecorded: BTreeSet<_> = self
            .inner
            .parts
            .records
            .unrecorded(&keys)
            .await?
            .into_iter()
            .collect();
        for blob in old.iter().filter(|blob| unrecorded.contains(blob.key.as_str())) {
            found.objects = found.objects.saturating_add(1);
            found.object_bytes = found.object_bytes.saturating_add(blob.size_bytes);
            self.remove(&blob.key).await?;
        }
        Ok(())
    }

    async fn remove(&self, key: &BlobKey) -> Result<(), BlobError> {
        if self.dry_run {
            return Ok(());
        }
        tracing::info!(%key, "an object without a record is removed");
        self.inner.parts.blobs.delete(key).await
    }

    /// Staged answers of attempts that are over and need no evidence, or of which nothing is known any more.
    async fn staged(&self, found: &mut Sweep) -> Result<(), DeletionError> {
        let mut from = None;
        loop {
            let page = self
                .inner
                .parts
                .blobs
                .list_page("staging/", from.as_deref(), PAGE)
                .await?;
            for blob in page.blobs.iter().filter(|blob| blob.stored_at < self.before) {
                if self.is_needed(&blob.key).await? {
                    continue;
                }
                found.staged = found.staged.saturating_add(1);
                self.remove(&blob.key).await?;
            }
            match page.next {
                Some(next) => from = Some(next),
                None => return Ok(()),
            }
        }
    }

    /// A paid answer without a picture stays as evidence until its execution is removed.
    async fn is_needed(&self, key: &BlobKey) -> Result<bool, RecordError> {
        let name = key.as_str().strip_prefix("staging/").unwrap_or_default();
        let attempt = AttemptId::parse(name.strip_suffix(".partial").unwrap_or(name));
        let Some(attempt) = attempt else { return Ok(false) };
        Ok(match self.inner.parts.records.attempt(attempt).await? {
            None => false,
            Some((_, record)) => !matches!(record.state, AttemptState::Committed | AttemptState::Abandoned),
        })
    }
}

/// The image that an object of a client is of: `clients/{client}/images/{image}…`.
fn image_of(key: &BlobKey) -> Option<ImageId> {
    let (_, name) = key.as_str().split_once("/images/")?;
    ImageId::parse(name.get(..36)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pictures_and_their_copies_are_of_an_image() {
        let id = "d2bbd80c-ee75-5e5d-8946-72000ce2c034";
        let of = |key: &str| image_of(&BlobKey::parse(key).unwrap()).map(|image| image.to_string());
        for name in ["png", "-256x256.jpg"] {
            let dot = if name == "png" { "." } else { "" };
            assert_eq!(
                of(&format!("clients/a/images/{id}{dot}{name}")).as_deref(),
                Some(id)
            );
        }
        assert_eq!(of(&format!("clients/a/references/{id}.png")), None);
        assert_eq!(of("clients/a/images/own.png"), None);
    }
}
