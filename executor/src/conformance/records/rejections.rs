//! Pictures that were paid and are not good enough: kept and told of, and perhaps taken after all.

use std::slice::from_ref;

use limn_proto::{
    reason::Reason,
    v1::{ExecutionEvent, execution_event::Event},
};
use prost::Message as _;

use super::driver::{BILL, CEILING, Driver, Subject, is_fenced, is_wrong_state, there};
use crate::{failure::Failure, ids::ImageId, records::*};

/// Score of every rejected picture.
const SCORE_BP: u32 = 4200;

fn too_low() -> Failure {
    Failure::new(Reason::QualityBelowThreshold, "not good enough").with("scoreBp", SCORE_BP)
}

/// An attempt that draws a re-roll, on a unit of its own.
fn drawing(driver: &Driver<'_>, step: &str, plan: &str, reroll: u32) -> NewAttempt {
    NewAttempt {
        reroll,
        ..driver.attempt(step, &format!("{plan}/{step}/{reroll}"))
    }
}

/// What commits a drawing that its step does not take.
fn rejection(driver: &Driver<'_>, fence: &Fence, attempt: &NewAttempt) -> Commit {
    let mut commit = driver.commit(fence, attempt);
    let id = ImageId::of_reroll(fence.execution, &attempt.step_id, attempt.reroll);
    commit.image.storage_key = commit
        .image
        .storage_key
        .replace(&commit.image.id.to_string(), &id.to_string());
    for thumbnail in &mut commit.image.thumbnails {
        thumbnail.storage_key = thumbnail
            .storage_key
            .replace(&commit.image.id.to_string(), &id.to_string());
    }
    commit.image.id = id;
    commit.image.quality_score_bp = Some(SCORE_BP);
    commit.image.rejected = true;
    commit.rejection = Some(too_low());
    commit
}

/// Draws a picture that its step does not take.
async fn reject(driver: &Driver<'_>, fence: &Fence, attempt: &NewAttempt) -> Result<ImageRecord> {
    let units = from_ref(&attempt.render_digest);
    let grant = driver
        .store
        .acquire_unit(fence, &attempt.step_id, units, 0)
        .await?;
    assert_eq!(grant, UnitGrant::Open);
    driver.receive(fence, attempt).await?;
    let commit = rejection(driver, fence, attempt);
    driver.store.commit(fence, &commit).await?;
    Ok(commit.image)
}

/// An execution whose step has begun and has drawn nothing.
async fn begin(driver: &Driver<'_>, plan: &str, steps: &[&str]) -> Result<Fence> {
    let fence = driver.begin(&driver.order(plan, steps)).await?;
    driver.store.start_execution(&fence, driver.now()).await?;
    for step in steps {
        driver.store.start_step(&fence, step, driver.now()).await?;
    }
    Ok(fence)
}

/// It is paid, stored and told of, its unit is drawn, and the step goes on to the next one.
pub async fn a_rejected_picture_is_kept_and_its_step_goes_on(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let fence = begin(&driver, "plan", &["a"]).await?;
    let first = drawing(&driver, "a", "plan", 0);
    let kept = reject(&driver, &fence, &first).await?;

    let record = driver.execution(fence.execution).await?;
    let step = there(record.steps.first(), "the step")?;
    assert_eq!((step.state, step.image), (StepState::Processing, None));
    let attempt = there(step.attempts.first(), "the attempt")?;
    assert_eq!(
        (
            attempt.state,
            attempt.reroll,
            attempt.quality_score_bp,
            &attempt.failure
        ),
        (AttemptState::Committed, 0, Some(SCORE_BP), &Some(too_low()))
    );
    assert_eq!((record.cost.settled_nanos, record.cost.reserved_nanos), (BILL, 0));
    let image = there(store.image(driver.client, kept.id).await?, "the image")?;
    assert_eq!(image, kept);
    let stored = store.events_after(fence.execution, 0, u32::MAX).await?;
    let last = stored.iter().rev().find_map(|stored| {
        let event = ExecutionEvent::decode(stored.payload.as_slice()).ok()?;
        match event.event? {
            Event::AttemptChanged(change) => change.attempt,
            _ => None,
        }
    });
    let shown = crate::snapshot::attempt(attempt, "USD");
    assert_eq!(last, Some(shown), "the history tells that it was rejected");

    let units = from_ref(&first.render_digest);
    let grant = store.acquire_unit(&fence, "a", units, 0).await?;
    assert_eq!(grant, UnitGrant::Completed(Box::new(kept)));
    let again = drawing(&driver, "a", "plan", 1);
    let grant = store
        .acquire_unit(&fence, "a", from_ref(&again.render_digest), 0)
        .await?;
    assert_eq!(grant, UnitGrant::Open);
    driver.receive(&fence, &again).await?;
    let mut commit = rejection(&driver, &fence, &again);
    commit.image.rejected = false;
    commit.rejection = None;
    store.commit(&fence, &commit).await?;
    let record = driver.execution(fence.execution).await?;
    let step = there(record.steps.first(), "the step")?;
    assert_eq!(
        (step.state, step.image, step.below_threshold),
        (StepState::Completed, Some(commit.image.id), false)
    );
    assert_eq!(
        step.attempts
            .iter()
            .map(|attempt| attempt.reroll)
            .collect::<Vec<_>>(),
        [0, 1]
    );
    assert_eq!(driver.settle(&fence).await?, ExecutionState::Completed);
    driver.audit().await
}

/// A repetition is silent, also once the step has taken the picture; another word about the same picture is refused.
pub async fn a_rejection_is_said_once(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let fence = begin(&driver, "plan", &["a"]).await?;
    let attempt = drawing(&driver, "a", "plan", 0);
    store
        .acquire_unit(&fence, "a", from_ref(&attempt.render_digest), 0)
        .await?;
    driver.receive(&fence, &attempt).await?;
    let commit = rejection(&driver, &fence, &attempt);
    let before = driver.picture().await?;
    for (rejected, reason) in [(true, None), (false, Some(too_low()))] {
        let mut torn = commit.clone();
        torn.image.rejected = rejected;
        torn.rejection = reason;
        let result = store.commit(&fence, &torn).await;
        assert!(
            is_wrong_state(&result),
            "the record and the reason say the same: {result:?}"
        );
    }
    assert_eq!(driver.picture().await?, before);

    store.commit(&fence, &commit).await?;
    let before = driver.picture().await?;
    store.commit(&fence, &commit).await?;
    let mut taken = commit.clone();
    taken.image.rejected = false;
    taken.rejection = None;
    assert!(is_wrong_state(&store.commit(&fence, &taken).await));
    assert_eq!(driver.picture().await?, before);

    store
        .complete_rejected(&fence, "a", commit.image.id, driver.now())
        .await?;
    let before = driver.picture().await?;
    store.commit(&fence, &commit).await?;
    store
        .complete_rejected(&fence, "a", commit.image.id, driver.now())
        .await?;
    assert_eq!(driver.picture().await?, before);
    driver.audit().await
}

/// The picture is rejected no longer, the step says that it is below the threshold, and nothing is paid.
pub async fn the_best_of_the_rejected_completes_its_step(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let fence = begin(&driver, "plan", &["a"]).await?;
    let best = reject(&driver, &fence, &drawing(&driver, "a", "plan", 0)).await?;
    let other = reject(&driver, &fence, &drawing(&driver, "a", "plan", 1)).await?;
    // The unit of a re-roll for which the money did not last.
    let mut last = drawing(&driver, "a", "plan", 2);
    last.max_cost_nanos = Some(2 * BILL + CEILING - 1);
    let units = from_ref(&last.render_digest);
    assert_eq!(store.acquire_unit(&fence, "a", units, 0).await?, UnitGrant::Open);
    let limited = store.prepare(&fence, &last).await?;
    assert_eq!(
        limited,
        Preparation::CostLimit {
            committed_nanos: 2 * BILL
        }
    );
    store
        .complete_rejected(&fence, "a", best.id, driver.now())
        .await?;

    let record = driver.execution(fence.execution).await?;
    let step = there(record.steps.first(), "the step")?;
    assert_eq!(
        (step.state, step.image, step.reused, step.below_threshold),
        (StepState::Completed, Some(best.id), false, true)
    );
    assert_eq!(record.cost.settled_nanos, 2 * BILL);
    let kept = |id| async move { there(store.image(driver.client, id).await?, "the image") };
    let taken = kept(best.id).await?;
    assert!(!taken.rejected && taken.updated_at > best.updated_at);
    assert_eq!(kept(other.id).await?, other);
    assert_eq!(driver.settle(&fence).await?, ExecutionState::Completed);
    // Somebody else may draw what was not drawn.
    let next = begin(&driver, "next", &["a"]).await?;
    assert_eq!(store.acquire_unit(&next, "a", units, 0).await?, UnitGrant::Open);
    driver.audit().await
}

/// Only its own rejected picture, only while the step is in progress, and only for its owner.
pub async fn a_step_takes_only_what_it_drew_and_rejected(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let earlier = begin(&driver, "earlier", &["a"]).await?;
    let foreign = reject(&driver, &earlier, &drawing(&driver, "a", "earlier", 0)).await?;
    store
        .end_step(&earlier, &driver.end_of("a", StepState::Failed))
        .await?;
    let ended = store
        .complete_rejected(&earlier, "a", foreign.id, driver.now())
        .await;
    assert!(is_wrong_state(&ended), "its step has ended: {ended:?}");
    driver.settle(&earlier).await?;

    let fence = begin(&driver, "plan", &["a", "b", "c"]).await?;
    let own = reject(&driver, &fence, &drawing(&driver, "a", "plan", 0)).await?;
    let sister = reject(&driver, &fence, &drawing(&driver, "b", "plan", 0)).await?;
    let unit = "plan/c/0";
    let grant = store
        .acquire_unit(&fence, "c", from_ref(&driver.attempt("c", unit).render_digest), 0)
        .await?;
    assert_eq!(grant, UnitGrant::Open);
    let taken = driver.draw(&fence, &driver.attempt("c", unit)).await?;
    let nothing = ImageId::of_reroll(fence.execution, "a", 9);
    let before = driver.picture().await?;
    for (step, image) in [
        ("a", nothing),
        ("a", foreign.id),
        ("a", sister.id),
        ("a", taken.id),
        ("c", own.id),
        ("nowhere", own.id),
    ] {
        let result = store.complete_rejected(&fence, step, image, driver.now()).await;
        assert!(is_wrong_state(&result), "{step} takes {image}: {result:?}");
    }
    let stranger = Fence {
        epoch: fence.epoch + 1,
        ..fence
    };
    let result = store
        .complete_rejected(&stranger, "a", own.id, driver.now())
        .await;
    assert!(is_fenced(&result), "{result:?}");
    assert_eq!(driver.picture().await?, before);
    store.complete_rejected(&fence, "a", own.id, driver.now()).await?;
    driver.audit().await
}

/// A picture of another execution is reused under the threshold as any other, and its own record stays rejected.
pub async fn a_rejected_picture_may_be_reused(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let earlier = begin(&driver, "earlier", &["a"]).await?;
    let kept = reject(&driver, &earlier, &drawing(&driver, "a", "earlier", 0)).await?;
    let fence = begin(&driver, "plan", &["a"]).await?;
    let mut reuse = driver.reuse(&fence, "a", &kept);
    reuse.image.rejected = false;
    reuse.below_threshold = true;
    store.complete_reused(&fence, &reuse).await?;
    let record = driver.execution(fence.execution).await?;
    let step = there(record.steps.first(), "the step")?;
    assert!(step.reused && step.below_threshold);
    assert_eq!(
        there(store.image(driver.client, kept.id).await?, "the image")?,
        kept
    );
    let reused = there(store.image(driver.client, reuse.image.id).await?, "the image")?;
    assert_eq!(reused, reuse.image);
    driver.audit().await
}
