//! Deleting images, and sweeping, with crashes between any two steps.

use std::{fs, path::Path, sync::Arc, time::Duration};

use bytes::Bytes;
use futures::StreamExt as _;
use limn_executor::{
    blob::{BlobKey, BlobMetadata, BlobStore as _, folder::FolderStore},
    clock::{Clock, SystemClock},
    deletion::{Sweep, SweepOrder},
    executor::{Executor, Order, Parts, Settings},
    ids::{AttemptId, ImageId, TimeOrderedIds},
    provider::{CapabilityClass, ImageProvider},
    providers::Registry,
    records::{
        AuditFilter, ExecutionState, ImageDeletion, ImageFilter, ImageRecord, Page, sqlite::SqliteRecords,
    },
    testing::ManualClock,
};
use uuid::Uuid;

use crate::{
    scripted::Scripted,
    support::{plan, spec},
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

struct Place {
    folder: tempfile::TempDir,
    clock: Arc<ManualClock>,
    provider: Arc<Scripted>,
}

impl Place {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            clock: Arc::new(ManualClock::at(SystemClock.now())),
            provider: Scripted::new("first", CapabilityClass::D),
        }
    }

    fn blobs(&self) -> FolderStore {
        FolderStore::open(&self.folder.path().join("blobs"), None).unwrap()
    }

    async fn start(&self) -> Executor {
        let clock: Arc<dyn Clock> = Arc::<ManualClock>::clone(&self.clock);
        let file = self.folder.path().join("limn.db");
        let records = SqliteRecords::open_with_clock(&file, Arc::clone(&clock))
            .await
            .unwrap();
        records.expire_leases().await.unwrap();
        Executor::start(Parts {
            records: Arc::new(records),
            blobs: Arc::new(self.blobs()),
            providers: Registry::new(vec![
                Arc::<Scripted>::clone(&self.provider) as Arc<dyn ImageProvider>
            ]),
            clock,
            ids: Arc::new(TimeOrderedIds),
            settings: Settings::default(),
        })
    }

    fn deletion(&self, image: &ImageRecord) -> ImageDeletion {
        ImageDeletion {
            client: "tester".to_owned(),
            image: image.id,
            actor: "ada".to_owned(),
            reason: "asked for".to_owned(),
            audit_id: Uuid::now_v7(),
            now: self.clock.now(),
        }
    }

    fn files(&self) -> Vec<String> {
        let mut files = Vec::new();
        collect(&self.folder.path().join("blobs/clients"), &mut files);
        files
    }
}

fn collect(folder: &Path, files: &mut Vec<String>) {
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else {
            files.push(path.display().to_string());
        }
    }
}

async fn images(executor: &Executor) -> Vec<ImageRecord> {
    let page = Page {
        limit: 100,
        after: None,
    };
    let found = executor
        .records()
        .images("tester", &ImageFilter::default(), &page)
        .await;
    found.unwrap()
}

/// Draws the picture, or finds it, in an execution of its own.
async fn draw(executor: &Executor) -> ImageRecord {
    let plan = plan(&spec(1, &["first"]));
    let submitted = executor.submit(&plan, &Order::default()).await.unwrap();
    let id = submitted.execution.id;
    let events = executor.watch("tester", id, None).collect::<Vec<_>>().await;
    assert!(events.iter().all(Result::is_ok));
    let record = executor.records().execution("tester", id).await.unwrap().unwrap();
    assert_eq!(record.state, ExecutionState::Completed);
    let image = record.steps[0].image.unwrap();
    executor.records().image("tester", image).await.unwrap().unwrap()
}

async fn sweep(executor: &Executor, dry_run: bool) -> Sweep {
    let order = SweepOrder {
        older_than: DAY,
        dry_run,
    };
    executor.sweep(order).await.unwrap()
}

#[tokio::test]
async fn a_deleted_image_is_gone_and_its_money_stays_and_it_can_be_drawn_again() {
    let place = Place::new();
    let executor = place.start().await;
    let image = draw(&executor).await;
    assert!(place.files().len() >= 2, "a picture and a small copy");
    let sums = executor.records().ledger_sums().await.unwrap();
    let deletion = place.deletion(&image);
    assert!(executor.delete_image(&deletion).await.unwrap());
    assert!(
        executor.delete_image(&deletion).await.unwrap(),
        "again is the same"
    );
    assert_eq!(executor.records().image("tester", image.id).await.unwrap(), None);
    assert_eq!(images(&executor).await, []);
    assert_eq!(place.files(), Vec::<String>::new());
    assert_eq!(executor.records().ledger_sums().await.unwrap(), sums);
    assert!(
        executor
            .records()
            .verify(None)
            .await
            .unwrap()
            .differences
            .is_empty()
    );
    let page = Page {
        limit: 10,
        after: None,
    };
    let log = executor
        .records()
        .audit_events("tester", &AuditFilter::default(), &page)
        .await
        .unwrap();
    let [entry] = &log[..] else {
        unreachable!("one deletion is one entry: {log:?}")
    };
    assert_eq!(
        (entry.actor.as_str(), entry.action.as_str()),
        ("ada", "image.delete")
    );

    assert_eq!(place.provider.calls(), 1);
    let again = draw(&executor).await;
    assert_eq!((place.provider.calls(), again.reused), (2, false));
    let nobody = ImageDeletion {
        client: "other".to_owned(),
        ..place.deletion(&again)
    };
    assert!(
        !executor.delete_image(&nobody).await.unwrap(),
        "it is of somebody else"
    );
    executor.shutdown().await;
}

#[tokio::test]
async fn objects_stay_while_another_image_stands_on_them() {
    let place = Place::new();
    let executor = place.start().await;
    let (first, second) = (draw(&executor).await, draw(&executor).await);
    assert!(second.reused && second.storage_key == first.storage_key);
    let stored = executor.records().stored_bytes("tester").await.unwrap();
    assert_eq!(stored.objects, 1);
    assert!(
        stored.bytes > u64::try_from(first.size_bytes).unwrap(),
        "the small copy counts too"
    );

    let files = place.files();
    executor.delete_image(&place.deletion(&first)).await.unwrap();
    assert_eq!(place.files(), files);
    let third = draw(&executor).await;
    assert!(third.reused, "the picture is there: nothing is paid again");
    executor.delete_image(&place.deletion(&second)).await.unwrap();
    executor.delete_image(&place.deletion(&third)).await.unwrap();
    assert_eq!(place.files(), Vec::<String>::new());
    assert_eq!(place.provider.calls(), 1);
    assert_eq!(executor.records().stored_bytes("tester").await.unwrap().bytes, 0);
    executor.shutdown().await;
}

#[tokio::test]
async fn a_deletion_that_was_cut_anywhere_is_finished_by_a_sweep() {
    // After the mark; after each object; before the tombstone.
    for removed in 0..=2 {
        let place = Place::new();
        let executor = place.start().await;
        let image = draw(&executor).await;
        let begun = executor
            .records()
            .begin_deletion(&place.deletion(&image))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(begun.objects.len(), 2);
        for key in begun.objects.iter().take(removed) {
            executor
                .blobs()
                .delete(&BlobKey::parse(key).unwrap())
                .await
                .unwrap();
        }
        drop(executor);

        let executor = place.start().await;
        assert_eq!(executor.records().image("tester", image.id).await.unwrap(), None);
        assert_eq!(sweep(&executor, false).await, Sweep::default(), "it is young");
        place.clock.advance(DAY * 2);
        let found = sweep(&executor, true).await;
        assert_eq!(
            (found.deletions, found.objects, found.records),
            (1, 0, 0),
            "{found:?}"
        );
        assert_eq!(place.files().len(), 2 - removed, "a dry run removes nothing");
        assert_eq!(sweep(&executor, false).await, found);
        assert_eq!(place.files(), Vec::<String>::new());
        assert_eq!(sweep(&executor, false).await, Sweep::default());
        assert!(
            executor
                .records()
                .verify(None)
                .await
                .unwrap()
                .differences
                .is_empty()
        );
        assert!(!draw(&executor).await.reused);
        executor.shutdown().await;
    }
}

#[tokio::test]
async fn objects_without_a_record_go_when_they_are_old_and_nobody_can_need_them() {
    let place = Place::new();
    let executor = place.start().await;
    let image = draw(&executor).await;
    let kept = place.files();
    let store = place.blobs();
    let put = async |name: String| {
        let key = BlobKey::parse(&name).unwrap();
        let metadata = BlobMetadata::new("image/png");
        store
            .put(&key, &metadata, Bytes::from_static(b"12345"))
            .await
            .unwrap();
        key
    };
    let stranger = ImageId(Uuid::new_v4());
    let orphan = put(format!("clients/tester/images/{stranger}.png")).await;
    let copy = put(format!("clients/tester/images/{stranger}-16x16.jpg")).await;
    let staged = put(format!("staging/{}", AttemptId(Uuid::now_v7()))).await;
    let reference = put(format!("clients/tester/references/{}.png", "ab".repeat(32))).await;
    let own = put("clients/tester/images/of-somebody-else.png".to_owned()).await;
    assert_eq!(sweep(&executor, false).await, Sweep::default(), "they are young");

    place.clock.advance(DAY * 2);
    let found = sweep(&executor, true).await;
    let expected = Sweep {
        objects: 2,
        object_bytes: 10,
        staged: 1,
        ..Sweep::default()
    };
    assert_eq!(found, expected);
    assert!(
        store.head(&orphan).await.unwrap().is_some(),
        "a dry run removes nothing"
    );
    assert_eq!(sweep(&executor, false).await, expected);
    for gone in [orphan, copy, staged] {
        assert_eq!(store.head(&gone).await.unwrap(), None, "{gone}");
    }
    for stays in [reference, own] {
        assert!(store.head(&stays).await.unwrap().is_some(), "{stays}");
    }
    assert!(kept.iter().all(|file| Path::new(file).exists()));
    assert_eq!(images(&executor).await, [image]);
    executor.shutdown().await;
}

#[tokio::test]
async fn a_record_without_an_object_is_told_and_makes_room_for_another_drawing() {
    let place = Place::new();
    let executor = place.start().await;
    let image = draw(&executor).await;
    let store = place.blobs();
    let picture = BlobKey::parse(&image.storage_key).unwrap();
    let copy = BlobKey::parse(&image.thumbnails[0].storage_key).unwrap();
    place.clock.advance(DAY * 2);
    store.delete(&copy).await.unwrap();
    assert_eq!(sweep(&executor, false).await.missing_copies, 1);
    store.delete(&picture).await.unwrap();
    let found = sweep(&executor, true).await;
    assert_eq!(found.images, [format!("clients/tester/images/{}", image.id)]);
    assert_eq!(images(&executor).await.len(), 1, "a dry run changes nothing");
    assert_eq!(sweep(&executor, false).await.records, 1);
    assert_eq!(images(&executor).await, []);
    assert!(!draw(&executor).await.reused);
    executor.shutdown().await;
}
