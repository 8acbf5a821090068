//! Deleting images: who finds what when, and what becomes of units, objects and money.

use limn_proto::digest::digest_of;
use uuid::Uuid;

use super::driver::{Driver, Subject, there};
use crate::{ids::ImageId, records::*};

fn deletion(driver: &Driver<'_>, image: ImageId) -> ImageDeletion {
    ImageDeletion {
        client: driver.client.to_owned(),
        image,
        actor: "ada".to_owned(),
        reason: "asked for".to_owned(),
        audit_id: driver.audit_id(),
        now: driver.now(),
    }
}

/// Marked, without its objects, a tombstone: nobody finds the image from the first step on, and each step may be
/// repeated. The unit is free, the books are as they were, and who deleted is known.
pub async fn an_image_goes_in_two_steps(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let done = driver.start("done", &["a"]).await?;
    let paid = driver.draw(&done, &driver.attempt("a", "done/a")).await?;
    let stored = store.stored_bytes(driver.client).await?;
    assert_eq!((stored.objects, stored.bytes), (1, 2048 + 512));
    let keys = vec![paid.thumbnails[0].storage_key.clone(), paid.storage_key.clone()];
    let nowhere = "clients/acme/images/nowhere.png".to_owned();
    let asked = [&keys[..], std::slice::from_ref(&nowhere)].concat();
    assert_eq!(store.unrecorded(&asked).await?, [nowhere]);
    assert!(
        store.unfinished_images().await?.contains(&paid.id),
        "its execution has not ended"
    );
    driver.settle(&done).await?;
    assert!(!store.unfinished_images().await?.contains(&paid.id));

    let sums = store.ledger_sums().await?;
    let wanted = deletion(&driver, paid.id);
    let nobody = ImageDeletion {
        client: "other".to_owned(),
        ..wanted.clone()
    };
    assert_eq!(store.begin_deletion(&nobody).await?, None);
    assert_eq!(
        store
            .begin_deletion(&deletion(&driver, ImageId(Uuid::nil())))
            .await?,
        None
    );
    let begun = BegunDeletion {
        objects: keys.clone(),
        is_finished: false,
    };
    assert_eq!(store.begin_deletion(&wanted).await?.as_ref(), Some(&begun));
    assert_eq!(store.image(driver.client, paid.id).await?, None);
    let page = Page {
        limit: 10,
        after: None,
    };
    assert_eq!(
        store
            .images(driver.client, &ImageFilter::default(), &page)
            .await?,
        []
    );
    // As a sweep finds it after a crash.
    let left = store.stored_images(None, 10).await?;
    let left = there(left.iter().find(|image| image.id == paid.id), "the marked image")?;
    assert_eq!(
        (left.deleting_at, &left.thumbnails),
        (Some(wanted.now), &vec![keys[0].clone()])
    );
    let again = deletion(&driver, paid.id);
    assert_eq!(store.begin_deletion(&again).await?.as_ref(), Some(&begun));

    store
        .finish_deletion(driver.client, paid.id, driver.now())
        .await?;
    store
        .finish_deletion(driver.client, paid.id, driver.now())
        .await?;
    let finished = there(store.begin_deletion(&again).await?, "the tombstone")?;
    assert!(finished.is_finished && finished.objects.is_empty());
    assert!(
        store
            .stored_images(None, 10)
            .await?
            .iter()
            .all(|image| image.id != paid.id)
    );
    assert_eq!(store.unrecorded(&keys).await?, keys);
    assert_eq!(store.stored_bytes(driver.client).await?, StoredBytes::default());
    assert_eq!(store.ledger_sums().await?, sums);
    let log = driver.audit_log().await?;
    let [entry] = &log[..] else {
        unreachable!("two requests for one deletion are one entry: {log:?}")
    };
    assert_eq!(
        (entry.action, entry.actor.as_str()),
        (AuditAction::ImageDeleted, "ada")
    );

    let next = driver.begin(&driver.order("next", &["a"])).await?;
    store.start_step(&next, "a", driver.now()).await?;
    let grant = store.acquire_unit(&next, "a", &[digest_of(b"done/a")], 0).await?;
    assert_eq!(grant, UnitGrant::Open, "the picture can be drawn again");
    driver.audit().await
}

/// While another image stands on the picture, the unit goes to that one and no object is to be removed. Once the last
/// one is marked, nobody comes to stand on it.
pub async fn a_picture_stays_while_an_image_stands_on_it(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let done = driver.start("done", &["a"]).await?;
    let paid = driver.draw(&done, &driver.attempt("a", "done/a")).await?;
    let waiting = async |plan: &str| -> Result<Fence> {
        let fence = driver.begin(&driver.order(plan, &["a"])).await?;
        store.start_step(&fence, "a", driver.now()).await?;
        Ok(fence)
    };
    let second = waiting("second").await?;
    let reuse = driver.reuse(&second, "a", &paid);
    store.complete_reused(&second, &reuse).await?;

    let begun = there(
        store.begin_deletion(&deletion(&driver, paid.id)).await?,
        "the image",
    )?;
    assert!(begun.objects.is_empty() && !begun.is_finished);
    store
        .finish_deletion(driver.client, paid.id, driver.now())
        .await?;
    let third = waiting("third").await?;
    let grant = store
        .acquire_unit(&third, "a", &[digest_of(b"done/a")], 0)
        .await?;
    let UnitGrant::Completed(heir) = grant else {
        unreachable!("the picture is there: {grant:?}")
    };
    assert_eq!(heir.id, reuse.image.id);

    // It was given the picture, and does not have it yet.
    let late = driver.reuse(&third, "a", &heir);
    let begun = there(
        store.begin_deletion(&deletion(&driver, heir.id)).await?,
        "the heir",
    )?;
    assert_eq!(begun.objects.last(), Some(&paid.storage_key));
    let refused = store.complete_reused(&third, &late).await;
    assert!(matches!(refused, Err(RecordError::Unavailable(_))), "{refused:?}");
    let grant = store
        .acquire_unit(&third, "a", &[digest_of(b"done/a")], 0)
        .await?;
    assert_eq!(grant, UnitGrant::Open, "it draws instead");
    driver.audit().await
}
