//! What images look like: found near, of one client alone, and made up for.

use super::driver::{Driver, Subject, there};
use crate::{fingerprint::Fingerprint, ids::ImageId, records::*};

/// Most look-alikes that these scenarios ask for.
const LIMIT: usize = 20;
/// Bits that have nothing in common with those of the driver's images.
const BITS: u64 = 0x5a5a_0f0f_33cc_9669;

/// Commits an image per fingerprint.
async fn draw(driver: &Driver<'_>, looks: &[Option<Fingerprint>]) -> Result<Vec<ImageRecord>> {
    let steps: Vec<String> = (0..looks.len()).map(|step| format!("step-{step}")).collect();
    let names: Vec<&str> = steps.iter().map(String::as_str).collect();
    let fence = driver.start("plan", &names).await?;
    let mut images = Vec::new();
    for (step, look) in names.iter().zip(looks) {
        let attempt = driver.attempt(step, &format!("plan/{step}"));
        driver.receive(&fence, &attempt).await?;
        let mut commit = driver.commit(&fence, &attempt);
        commit.image.assessment.fingerprint = *look;
        driver.store.commit(&fence, &commit).await?;
        images.push(commit.image);
    }
    Ok(images)
}

fn kept(bits: u64) -> Option<Fingerprint> {
    Some(Fingerprint::kept(bits, false))
}

/// All that differ in at most seven bits, wherever those are, and nothing else.
pub async fn look_alikes_are_found_near_and_nowhere_else(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    // Two differences in three of the parts of 16 bits, and one in the last: the hardest to find.
    let seven = 0x0003_0003_0003_0001;
    let eight = 0x0003_0003_0003_0003;
    let flat = Some(Fingerprint::kept(BITS, true));
    let looks = [
        kept(BITS),
        kept(BITS ^ seven),
        kept(BITS ^ eight),
        kept(!BITS),
        flat,
        kept(BITS ^ 1 << 63),
    ];
    let images = draw(&driver, &looks).await?;
    for image in &images {
        let found = store.image("acme", image.id).await?;
        assert_eq!(
            there(found, "the image")?.assessment.fingerprint,
            image.assessment.fingerprint
        );
    }
    let find = async |bits: u64, limit: usize| {
        let found = store
            .look_alikes("acme", Fingerprint::kept(bits, false), limit)
            .await?;
        Ok::<_, RecordError>(
            found
                .iter()
                .map(|like| (like.image.id, like.distance))
                .collect::<Vec<_>>(),
        )
    };
    let near = [(images[0].id, 0), (images[5].id, 1), (images[1].id, 7)];
    assert_eq!(find(BITS, LIMIT).await?, near);
    assert_eq!(find(BITS, 2).await?, near[..2]);
    assert_eq!(find(!BITS, LIMIT).await?, [(images[3].id, 0)]);
    assert_eq!(find(BITS ^ 0x00ff_0000_0000_ff00, LIMIT).await?, []);
    // What is flat looks like nothing, from both sides.
    assert_eq!(
        store
            .look_alikes("acme", Fingerprint::kept(BITS, true), LIMIT)
            .await?,
        []
    );
    driver.audit().await
}

/// Neither looks nor bytes of other clients' images are told of.
pub async fn a_client_sees_its_own_images_alone(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let images = draw(&driver, &[kept(BITS)]).await?;
    let image = &images[0];
    let content = store.images_of_content("acme", &image.stored_sha256).await?;
    assert_eq!(content, std::slice::from_ref(image));
    assert_eq!(store.images_of_content("acme", &image.rendered_sha256).await?, []);
    assert_eq!(store.images_of_content("other", &image.stored_sha256).await?, []);
    assert_eq!(
        store
            .look_alikes("other", Fingerprint::kept(BITS, false), LIMIT)
            .await?,
        []
    );
    driver.audit().await
}

/// Images that were recorded without a fingerprint are listed until they have one, and the first one stays.
pub async fn what_has_no_fingerprint_gets_one(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let images = draw(&driver, &[None, kept(BITS), None]).await?;
    let mut without: Vec<ImageId> = vec![images[0].id, images[2].id];
    without.sort_by_key(ToString::to_string);
    let list = async |after: Option<ImageId>, limit: u32| {
        let listed = store.images_without_fingerprint(after, limit).await?;
        Ok::<_, RecordError>(listed.iter().map(|image| image.id).collect::<Vec<_>>())
    };
    assert_eq!(list(None, 10).await?, without);
    assert_eq!(list(None, 1).await?, without[..1]);
    assert_eq!(list(Some(without[0]), 10).await?, without[1..]);
    for image in [&images[0], &images[1]] {
        store
            .keep_fingerprint(image, Fingerprint::kept(!BITS, false))
            .await?;
    }
    assert_eq!(list(None, 10).await?, [images[2].id]);
    let found = store
        .look_alikes("acme", Fingerprint::kept(!BITS, false), LIMIT)
        .await?;
    let found: Vec<ImageId> = found.iter().map(|like| like.image.id).collect();
    assert_eq!(
        found,
        [images[0].id],
        "the fingerprint of the other one was there first"
    );
    driver.audit().await
}
