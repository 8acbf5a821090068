//! Units: one picture is drawn by one step at a time and paid for once.

use std::time::Duration;

use limn_proto::digest::digest_of;

use super::driver::{Driver, LEASE, Subject, is_wrong_state, there};
use crate::records::*;

fn busy(execution: crate::ids::ExecutionId, hold: Hold) -> UnitGrant {
    UnitGrant::Busy { execution, hold }
}

/// An execution with a started step that has no unit yet.
async fn waiting(driver: &Driver<'_>, plan: &str) -> Result<Fence> {
    let fence = driver.begin(&driver.order(plan, &["a"])).await?;
    driver.store.start_step(&fence, "a", driver.now()).await?;
    Ok(fence)
}

/// The second plan waits for the first and then has the picture at no cost.
pub async fn a_picture_is_drawn_once_for_two_plans(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let first = driver.start("one", &["a"]).await?;
    let second = waiting(&driver, "two").await?;
    let shared = [digest_of(b"one/a")];
    let grant = store.acquire_unit(&second, "a", &shared, 0).await?;
    assert_eq!(grant, busy(first.execution, Hold::Drawing));
    let rival = store.prepare(&second, &driver.attempt("a", "one/a")).await;
    assert!(is_wrong_state(&rival), "who waits does not draw: {rival:?}");

    let paid = driver.draw(&first, &driver.attempt("a", "one/a")).await?;
    let grant = store.acquire_unit(&second, "a", &shared, 0).await?;
    assert_eq!(grant, UnitGrant::Completed(Box::new(paid.clone())));
    let reuse = driver.reuse(&second, "a", &paid);
    store.complete_reused(&second, &reuse).await?;
    assert_eq!(driver.settle(&second).await?, ExecutionState::Completed);

    let record = driver.execution(second.execution).await?;
    let step = there(record.steps.first(), "the step")?;
    assert_eq!((step.reused, step.attempts.len()), (true, 0));
    assert_eq!(record.cost.settled_nanos, 0);
    let kept = there(store.image("acme", reuse.image.id).await?, "the image")?;
    assert_eq!((kept.attempt, kept.cost_nanos), (paid.attempt, Some(0)));
    // Whoever comes later is still given the record that was paid for.
    let third = waiting(&driver, "three").await?;
    let grant = store.acquire_unit(&third, "a", &shared, 0).await?;
    assert_eq!(grant, UnitGrant::Completed(Box::new(paid)));
    driver.audit().await
}

/// Equal steps of one plan share as well.
pub async fn two_steps_of_one_plan_share_a_picture(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let fence = driver.begin(&driver.order("plan", &["a", "b"])).await?;
    driver.start_step(&fence, "a", "same").await?;
    store.start_step(&fence, "b", driver.now()).await?;
    let shared = [digest_of(b"same")];
    let grant = store.acquire_unit(&fence, "b", &shared, 0).await?;
    assert_eq!(grant, busy(fence.execution, Hold::Drawing));
    let paid = driver.draw(&fence, &driver.attempt("a", "same")).await?;
    let grant = store.acquire_unit(&fence, "b", &shared, 0).await?;
    assert_eq!(grant, UnitGrant::Completed(Box::new(paid)));
    driver.audit().await
}

/// What exists is used, before anything is waited for.
pub async fn a_completed_fallback_goes_before_a_busy_primary(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    driver.start("busy", &["a"]).await?;
    let done = driver.start("done", &["a"]).await?;
    let paid = driver.draw(&done, &driver.attempt("a", "done/a")).await?;
    let third = waiting(&driver, "third").await?;
    let targets = [digest_of(b"busy/a"), digest_of(b"done/a")];
    let grant = store.acquire_unit(&third, "a", &targets, 0).await?;
    assert_eq!(grant, UnitGrant::Completed(Box::new(paid)));
    driver.audit().await
}

/// Two steps with the same targets in opposite order do not wait for each other for ever.
pub async fn a_step_that_goes_on_lets_its_unit_go(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let (one, two) = (waiting(&driver, "one").await?, waiting(&driver, "two").await?);
    let forth = [digest_of(b"left"), digest_of(b"right")];
    let back = [digest_of(b"right"), digest_of(b"left")];
    assert_eq!(
        store.acquire_unit(&one, "a", &forth[..1], 0).await?,
        UnitGrant::Open
    );
    assert_eq!(
        store.acquire_unit(&two, "a", &back[..1], 0).await?,
        UnitGrant::Open
    );
    let grant = store.acquire_unit(&one, "a", &forth, 1).await?;
    assert_eq!(grant, busy(two.execution, Hold::Drawing));
    let grant = store.acquire_unit(&two, "a", &back, 1).await?;
    assert_eq!(grant, UnitGrant::Open, "the first has let go of it");
    let grant = store.acquire_unit(&two, "a", &back, 2).await;
    assert!(is_wrong_state(&grant), "there is no third target");
    driver.audit().await
}

/// A step that had begun with one target and is given the picture of another leaves the first to others.
pub async fn a_step_that_reuses_lets_its_unit_go(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let done = driver.start("done", &["a"]).await?;
    let fence = waiting(&driver, "plan").await?;
    let targets = [digest_of(b"left"), digest_of(b"done/a")];
    let grant = store.acquire_unit(&fence, "a", &targets[..1], 0).await?;
    assert_eq!(grant, UnitGrant::Open);
    let paid = driver.draw(&done, &driver.attempt("a", "done/a")).await?;
    let grant = store.acquire_unit(&fence, "a", &targets, 0).await?;
    assert_eq!(grant, UnitGrant::Completed(Box::new(paid.clone())));
    let reuse = driver.reuse(&fence, "a", &paid);
    store.complete_reused(&fence, &reuse).await?;

    let next = waiting(&driver, "next").await?;
    let grant = store.acquire_unit(&next, "a", &targets[..1], 0).await?;
    assert_eq!(grant, UnitGrant::Open);
    driver.audit().await
}

/// A record never stands on bytes that are not in the store, nor passes a reuse off as new or the other way
/// round.
pub async fn a_reuse_stands_on_what_is_stored(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let done = driver.start("done", &["a", "b"]).await?;
    let paid = driver.draw(&done, &driver.attempt("a", "done/a")).await?;
    let reuse = driver.reuse(&done, "b", &paid);
    let mut missing = reuse.clone();
    missing.image.storage_key = "clients/acme/images/nowhere.png".to_owned();
    let mut other_bytes = reuse.clone();
    other_bytes.image.stored_sha256 = "other".to_owned();
    let mut new = reuse.clone();
    new.image.reused = false;
    let mut stranger = reuse.clone();
    stranger.image.client = "other".to_owned();
    let before = driver.picture().await?;
    for wrong in [&missing, &other_bytes, &new, &stranger] {
        let result = store.complete_reused(&done, wrong).await;
        assert!(result.is_err(), "{wrong:?}");
    }
    assert_eq!(driver.picture().await?, before);

    let attempt = driver.attempt("b", "done/b");
    driver.receive(&done, &attempt).await?;
    let mut commit = driver.commit(&done, &attempt);
    commit.image.reused = true;
    assert!(is_wrong_state(&store.commit(&done, &commit).await));
    assert_eq!(store.image("acme", commit.image.id).await?, None);
    driver.audit().await
}

/// A failed step is no obstacle for the next.
pub async fn a_step_that_ends_lets_its_unit_go(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    for (round, state) in [StepState::Failed, StepState::Cancelled, StepState::Skipped]
        .into_iter()
        .enumerate()
    {
        let fence = waiting(&driver, &format!("round {round}")).await?;
        let grant = store.acquire_unit(&fence, "a", &[digest_of(b"same")], 0).await?;
        assert_eq!(grant, UnitGrant::Open, "in round {round}");
        let refused = driver.send(&fence, &driver.attempt("a", "same")).await?;
        let end = driver.end(AttemptOutcome::Rejected);
        store.end_attempt(&fence, refused, &end).await?;
        store.end_step(&fence, &driver.end_of("a", state)).await?;
        assert_eq!(driver.settle(&fence).await?, ExecutionState::Failed);
    }
    driver.audit().await
}

/// As long as nobody knows what became of a call, nobody makes it again.
pub async fn an_unknown_attempt_keeps_its_unit_after_the_end(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let first = driver.start("one", &["a"]).await?;
    let lost = driver.send(&first, &driver.attempt("a", "one/a")).await?;
    let end = driver.end(AttemptOutcome::Unknown);
    store.end_attempt(&first, lost, &end).await?;
    let second = waiting(&driver, "two").await?;
    let shared = [digest_of(b"one/a")];
    let grant = store.acquire_unit(&second, "a", &shared, 0).await?;
    assert_eq!(grant, busy(first.execution, Hold::Unknown));

    store
        .end_step(&first, &driver.end_of("a", StepState::Failed))
        .await?;
    assert_eq!(driver.settle(&first).await?, ExecutionState::Failed);
    let grant = store.acquire_unit(&second, "a", &shared, 0).await?;
    assert_eq!(grant, busy(first.execution, Hold::Unknown));

    let own = waiting(&driver, "one").await?;
    let grant = store.acquire_unit(&own, "a", &shared, 0).await?;
    assert_eq!(
        grant,
        busy(first.execution, Hold::Unknown),
        "the next execution of the same plan as well"
    );
    driver.audit().await
}

/// After a crash the step has what it had.
pub async fn a_unit_survives_a_takeover(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let first = driver.start("one", &["a"]).await?;
    let attempt = driver.attempt("a", "one/a");
    driver.prepare(&first, &attempt).await?;
    driver.pass(LEASE + Duration::from_secs(1));
    let fence = driver.claim(first.execution).await?;
    let end = driver.end(AttemptOutcome::Abandoned);
    store.end_attempt(&fence, attempt.id, &end).await?;
    let grant = store.acquire_unit(&fence, "a", &[digest_of(b"one/a")], 0).await?;
    assert_eq!(grant, UnitGrant::Open);
    driver.draw(&fence, &driver.attempt("a", "one/a")).await?;
    assert_eq!(driver.settle(&fence).await?, ExecutionState::Completed);
    driver.audit().await
}

/// Clients share nothing, and another take is another picture.
pub async fn units_of_clients_and_takes_are_apart(subject: Subject<'_>) -> Result<()> {
    let driver = Driver::new(subject);
    let first = driver.start("plan", &["a"]).await?;
    driver.draw(&first, &driver.attempt("a", "plan/a")).await?;
    driver.settle(&first).await?;

    let again = NewExecution {
        take: 1,
        ..driver.order("plan", &["a"])
    };
    let fence = driver.begin(&again).await?;
    driver.start_step(&fence, "a", "plan/a").await?;

    let other = Driver::of_client(subject, "other");
    let fence = other.start("plan", &["a"]).await?;
    other.draw(&fence, &other.attempt("a", "plan/a")).await?;
    other.settle(&fence).await?;
    other.audit().await?;
    driver.audit().await
}
