//! Who does not own an execution changes nothing.

use std::time::Duration;

use uuid::Uuid;

use super::driver::{Driver, LEASE, Subject, failure, is_fenced};
use crate::{ids::BootId, records::*};

/// Another boot, an older or newer epoch, another execution: every fenced verb answers the same.
pub async fn a_stranger_changes_nothing(subject: Subject<'_>) -> Result<()> {
    let driver = Driver::new(subject);
    let fence = driver.start("plan", &["a", "b"]).await?;
    let attempt = driver.attempt("a", "plan/a");
    driver.send(&fence, &attempt).await?;
    let strangers = [
        Fence {
            boot: BootId(Uuid::from_u128(0xbad)),
            ..fence
        },
        Fence {
            epoch: fence.epoch - 1,
            ..fence
        },
        Fence {
            epoch: fence.epoch + 1,
            ..fence
        },
        Fence {
            execution: driver.order("other", &["a"]).id,
            ..fence
        },
    ];
    let before = driver.picture().await?;
    for stranger in &strangers {
        every_verb_is_fenced(&driver, stranger, &attempt).await;
    }
    assert_eq!(driver.picture().await?, before);
    driver.audit().await
}

/// The end is the end for its owner too; only settling again says what it said.
pub async fn after_the_end_nothing_changes(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let fence = driver.start("plan", &["a"]).await?;
    let attempt = driver.attempt("a", "plan/a");
    driver.draw(&fence, &attempt).await?;
    assert_eq!(driver.settle(&fence).await?, ExecutionState::Completed);

    let before = driver.picture().await?;
    verbs_but_settle_are_fenced(&driver, &fence, &attempt).await;
    assert_eq!(driver.settle(&fence).await?, ExecutionState::Completed);
    driver.pass(LEASE + LEASE);
    assert_eq!(
        store.claim(driver.boot, LEASE, 10, &[]).await?,
        [],
        "what has ended is not claimed"
    );
    assert_eq!(store.renew(driver.boot, &[fence.execution], LEASE).await?, []);
    assert_eq!(driver.picture().await?, before);
    driver.audit().await
}

async fn every_verb_is_fenced(driver: &Driver<'_>, fence: &Fence, attempt: &NewAttempt) {
    verbs_but_settle_are_fenced(driver, fence, attempt).await;
    let settled = driver
        .store
        .settle_execution(fence, &failure(), None, driver.now())
        .await;
    assert!(is_fenced(&settled), "settle_execution: {settled:?}");
}

async fn verbs_but_settle_are_fenced(driver: &Driver<'_>, fence: &Fence, attempt: &NewAttempt) {
    let store = driver.store;
    let id = attempt.id;
    let digests = [attempt.render_digest.clone()];
    let mut image = driver.image(fence, attempt);
    image.step_id = "b".to_owned();
    let reuse = driver.reuse(fence, "b", &image);
    let fresh = driver.attempt("b", "plan/b");
    let outcomes = [
        ("release", is_fenced(&store.release(fence).await)),
        (
            "park",
            is_fenced(&store.park(fence, &failure(), None, driver.now()).await),
        ),
        (
            "dispatch_again",
            is_fenced(&store.dispatch_again(fence, id, Duration::from_secs(1)).await),
        ),
        ("open_execution", is_fenced(&store.open_execution(fence).await)),
        (
            "start_execution",
            is_fenced(&store.start_execution(fence, driver.now()).await),
        ),
        (
            "start_step",
            is_fenced(&store.start_step(fence, "a", driver.now()).await),
        ),
        (
            "acquire_unit",
            is_fenced(&store.acquire_unit(fence, "a", &digests, 0).await),
        ),
        ("prepare", is_fenced(&store.prepare(fence, &fresh).await)),
        ("dispatch", is_fenced(&driver.dispatch(fence, id).await)),
        (
            "accepted",
            is_fenced(&store.accepted(fence, id, "job", driver.now()).await),
        ),
        (
            "received",
            is_fenced(&store.received(fence, id, &driver.receipt(id)).await),
        ),
        (
            "commit",
            is_fenced(&store.commit(fence, &driver.commit(fence, attempt)).await),
        ),
        (
            "note_step",
            is_fenced(&store.note_step(fence, "a", &driver.note(), driver.now()).await),
        ),
        (
            "end_attempt",
            is_fenced(
                &store
                    .end_attempt(fence, id, &driver.end(AttemptOutcome::Unknown))
                    .await,
            ),
        ),
        (
            "complete_reused",
            is_fenced(&store.complete_reused(fence, &reuse).await),
        ),
        (
            "complete_rejected",
            is_fenced(&store.complete_rejected(fence, "b", image.id, driver.now()).await),
        ),
        (
            "end_step",
            is_fenced(
                &store
                    .end_step(fence, &driver.end_of("b", StepState::Failed))
                    .await,
            ),
        ),
    ];
    for (verb, fenced) in outcomes {
        assert!(fenced, "{verb} is fenced");
    }
}
