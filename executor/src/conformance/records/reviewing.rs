//! What people say about images, and what they correct of their records.

use limn_proto::plan::Importance;
use uuid::Uuid;

use super::driver::{Driver, Subject, there};
use crate::{ids::ImageId, records::*};

fn review(driver: &Driver<'_>, images: &[ImageId], verdict: Option<ReviewVerdict>) -> ReviewOrder {
    ReviewOrder {
        client: driver.client.to_owned(),
        images: images.to_vec(),
        verdict,
        reviewer: "ada".to_owned(),
        note: "the light".to_owned(),
        audit_id: driver.audit_id(),
        now: driver.now(),
    }
}

fn edit(driver: &Driver<'_>, image: ImageId, changes: ImageChanges) -> ImageEdit {
    ImageEdit {
        client: driver.client.to_owned(),
        image,
        expected_etag: None,
        changes,
        actor: "ada".to_owned(),
        reason: "a typing error".to_owned(),
        audit_id: driver.audit_id(),
        now: driver.now(),
    }
}

async fn drawn(driver: &Driver<'_>, steps: &[&str]) -> Result<Vec<ImageId>> {
    let fence = driver.start("plan", steps).await?;
    let mut images = Vec::new();
    for step in steps {
        let image = driver
            .draw(&fence, &driver.attempt(step, &format!("plan/{step}")))
            .await?;
        images.push(image.id);
    }
    driver.settle(&fence).await?;
    Ok(images)
}

/// One image that is unknown, of another client or deleted, and nothing is changed at all. Given again, a verdict changes
/// nothing; withdrawn, it leaves nothing behind but the log.
pub async fn a_review_is_of_all_images_or_of_none(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let images = drawn(&driver, &["a", "b", "c"]).await?;
    let (one, two, deleted) = (images[0], images[1], images[2]);
    let deletion = ImageDeletion {
        client: driver.client.to_owned(),
        image: deleted,
        actor: "ada".to_owned(),
        reason: "asked for".to_owned(),
        audit_id: driver.audit_id(),
        now: driver.now(),
    };
    store.begin_deletion(&deletion).await?;
    let nobody = ImageId(Uuid::nil());
    let mixed = review(
        &driver,
        &[two, nobody, one, deleted],
        Some(ReviewVerdict::Approved),
    );
    assert_eq!(
        store.review_images(&mixed).await?,
        Reviewed::Unknown(vec![nobody, deleted])
    );
    let foreign = ReviewOrder {
        client: "other".to_owned(),
        ..review(&driver, &[one], Some(ReviewVerdict::Approved))
    };
    assert_eq!(store.review_images(&foreign).await?, Reviewed::Unknown(vec![one]));
    let before = there(store.image(driver.client, one).await?, "the image")?;
    assert_eq!(before.review, None);

    let order = review(&driver, &[two, one], Some(ReviewVerdict::Approved));
    let said = Review {
        verdict: ReviewVerdict::Approved,
        reviewer: "ada".to_owned(),
        note: "the light".to_owned(),
        at: order.now,
    };
    let Reviewed::Done(done) = store.review_images(&order).await? else {
        unreachable!("both are there")
    };
    assert_eq!(done.iter().map(|image| image.id).collect::<Vec<_>>(), [two, one]);
    for image in &done {
        assert_eq!(image.review.as_ref(), Some(&said));
        assert_eq!(image.updated_at, order.now);
        assert_eq!(store.image(driver.client, image.id).await?.as_ref(), Some(image));
    }
    let again = review(&driver, &[one], Some(ReviewVerdict::Approved));
    assert_eq!(
        store.review_images(&again).await?,
        Reviewed::Done(vec![done[1].clone()]),
        "said before"
    );
    let withdrawn = review(&driver, &[one], None);
    let Reviewed::Done(left) = store.review_images(&withdrawn).await? else {
        unreachable!("it is there")
    };
    assert_eq!((left[0].review.as_ref(), &left[0].labels), (None, &before.labels));

    let log = driver.audit_log().await?;
    let mut facts: Vec<_> = log
        .iter()
        .filter(|entry| entry.action == AuditAction::ImageReviewed)
        .map(|entry| {
            (
                entry.details["oldVerdict"].as_str(),
                entry.details["verdict"].as_str(),
            )
        })
        .collect();
    facts.sort_unstable();
    assert_eq!(
        facts,
        [("approved", "none"), ("none", "approved"), ("none", "approved")]
    );
    driver.audit().await
}

/// Approved, rejected and waiting are conditions like any other. A picture that the quality gate turned away waits for
/// nobody.
pub async fn what_was_said_is_a_condition_of_lists(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let images = drawn(&driver, &["a", "b", "c"]).await?;
    let approve = review(&driver, &images[..1], Some(ReviewVerdict::Approved));
    store.review_images(&approve).await?;
    let reject = review(&driver, &images[1..2], Some(ReviewVerdict::Rejected));
    store.review_images(&reject).await?;
    let page = Page {
        limit: 10,
        after: None,
    };
    for (wanted, found) in [
        (ReviewFilter::Said(ReviewVerdict::Approved), images[0]),
        (ReviewFilter::Said(ReviewVerdict::Rejected), images[1]),
        (ReviewFilter::Waiting, images[2]),
    ] {
        for session_id in [None, Some("s1".to_owned())] {
            let filter = ImageFilter {
                review: Some(wanted),
                session_id,
                ..Default::default()
            };
            let listed = store.images(driver.client, &filter, &page).await?;
            let ids: Vec<_> = listed.iter().map(|image| image.id).collect();
            assert_eq!(ids, [found], "{wanted:?}");
        }
    }
    driver.audit().await
}

/// Only what is named changes, an old tag is refused, and the same edit again is no second one.
pub async fn an_edit_is_made_once_and_never_over_another(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let image = drawn(&driver, &["a"]).await?[0];
    let before = there(store.image(driver.client, image).await?, "the image")?;
    let changes = ImageChanges {
        alt_text: Some("a lighthouse at dusk".to_owned()),
        position: Some(7),
        importance: Some(Importance::Decorative),
        labels: Some(vec![("mood".to_owned(), "stormy".to_owned())]),
        ..ImageChanges::default()
    };
    let first = ImageEdit {
        expected_etag: Some(before.etag()),
        ..edit(&driver, image, changes.clone())
    };
    let ImageEdited::Done(after) = store.edit_image(&first).await? else {
        unreachable!("the tag is the present one")
    };
    let mut expected = before.clone();
    expected.description.alt_text = "a lighthouse at dusk".to_owned();
    expected.description.position = 7;
    expected.description.importance = Importance::Decorative;
    expected.labels = vec![("mood".to_owned(), "stormy".to_owned())];
    expected.updated_at = first.now;
    assert_eq!(*after, expected);
    assert_eq!(store.image(driver.client, image).await?, Some(expected.clone()));
    assert_ne!(after.etag(), before.etag());

    let again = ImageEdit {
        audit_id: driver.audit_id(),
        ..first
    };
    assert_eq!(
        store.edit_image(&again).await?,
        ImageEdited::Done(after.clone()),
        "made before"
    );
    let late = ImageEdit {
        expected_etag: Some(before.etag()),
        ..edit(
            &driver,
            image,
            ImageChanges {
                caption: Some("The lighthouse".to_owned()),
                ..ImageChanges::default()
            },
        )
    };
    assert_eq!(
        store.edit_image(&late).await?,
        ImageEdited::EtagMismatch(after.etag())
    );
    assert_eq!(store.image(driver.client, image).await?, Some(expected));
    let foreign = ImageEdit {
        client: "other".to_owned(),
        ..edit(&driver, image, changes)
    };
    assert_eq!(store.edit_image(&foreign).await?, ImageEdited::NotFound);

    let log = driver.audit_log().await?;
    let [entry] = &log[..] else {
        unreachable!("one edit is one entry: {log:?}")
    };
    assert_eq!(
        (
            entry.action,
            entry.actor.as_str(),
            entry.details["fields"].as_str()
        ),
        (
            AuditAction::ImageUpdated,
            "ada",
            "alt_text,position,importance,labels"
        )
    );
    driver.audit().await
}
