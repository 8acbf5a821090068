//! Ownership: leases, epochs, takeovers.

use std::time::Duration;

use uuid::Uuid;

use super::driver::{Driver, LEASE, Subject, failure, is_fenced, is_wrong_state, there};
use crate::{ids::BootId, records::*};

const OTHER: BootId = BootId(Uuid::from_u128(0x0071e5));

/// What is owned cannot be claimed until the lease has passed, to the microsecond; renewing moves that.
pub async fn an_execution_has_one_owner_at_a_time(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let order = driver.order("plan", &["a"]);
    store.accept(&order).await?;
    let claims = store.claim(driver.boot, LEASE, 10, &[]).await?;
    let claim = there(claims.first(), "a claim")?;
    assert_eq!((claims.len(), claim.crash_count), (1, 0));
    let just_before = LEASE - Duration::from_micros(1);
    driver.pass(just_before);
    assert_eq!(store.claim(OTHER, LEASE, 10, &[]).await?, []);
    assert_eq!(store.claim(driver.boot, LEASE, 10, &[]).await?, []);

    driver.pass(Duration::from_micros(1));
    assert_eq!(store.renew(OTHER, &[order.id], LEASE).await?, []);
    let running = [order.id];
    assert_eq!(store.claim(driver.boot, LEASE, 10, &running).await?, []);
    let kept = Renewal {
        execution: order.id,
        cancel_requested: false,
    };
    assert_eq!(store.renew(driver.boot, &[order.id], LEASE).await?, [kept]);
    driver.pass(just_before);
    assert_eq!(store.claim(OTHER, LEASE, 10, &[]).await?, []);
    driver.pass(Duration::from_micros(1));
    assert_eq!(store.claim(OTHER, LEASE, 10, &[]).await?.len(), 1);
    assert_eq!(store.renew(driver.boot, &[order.id], LEASE).await?, []);
    driver.audit().await
}

/// A takeover raises the epoch and counts the lost owner; the one before is fenced and cannot send.
pub async fn a_lost_owner_is_counted_and_its_work_goes_on(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let fence = driver.start("plan", &["a"]).await?;
    let attempt = driver.attempt("a", "plan/a");
    driver.send(&fence, &attempt).await?;
    driver.pass(LEASE);
    let claims = store.claim(OTHER, LEASE, 10, &[]).await?;
    let claim = there(claims.first(), "a claim")?;
    assert!(claim.fence.epoch > fence.epoch);
    assert_eq!(claim.crash_count, 1);

    let seen = store.open_execution(&claim.fence).await?;
    assert_eq!(seen, driver.execution(fence.execution).await?);
    assert!(is_fenced(&store.open_execution(&fence).await));
    assert!(is_fenced(&driver.dispatch(&fence, attempt.id).await));
    // The call may be on its way: permission is not given a second time.
    assert!(is_wrong_state(&driver.dispatch(&claim.fence, attempt.id).await));
    store
        .received(&claim.fence, attempt.id, &driver.receipt(attempt.id))
        .await?;

    driver.pass(LEASE);
    let own = store.claim(OTHER, LEASE, 10, &[]).await?;
    let own = there(own.first(), "a claim")?;
    assert_eq!(own.crash_count, 1, "one's own late lease is no crash");
    driver.audit().await
}

/// A crash counts until a step ends; a parked execution counts its crashes as well.
pub async fn crashes_are_counted_since_the_last_step_that_ended(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let fence = driver.start("plan", &["a", "b", "c"]).await?;
    let mut boots = (1..).map(|number| BootId(Uuid::from_u128(number)));
    let mut crash = async || {
        driver.pass(LEASE);
        let boot = there(boots.next(), "a boot")?;
        let claims = store.claim(boot, LEASE, 10, &[]).await?;
        there(claims.first().copied(), "a claim")
    };
    assert_eq!(crash().await?.crash_count, 1);
    let claim = crash().await?;
    assert_eq!(claim.crash_count, 2);
    assert_eq!(driver.execution(fence.execution).await?.crash_count, 2);
    driver.draw(&claim.fence, &driver.attempt("a", "plan/a")).await?;
    assert_eq!(driver.execution(fence.execution).await?.crash_count, 0);
    let claim = crash().await?;
    assert_eq!(claim.crash_count, 1);
    let end = driver.end_of("b", StepState::Failed);
    store.end_step(&claim.fence, &end).await?;
    let claim = crash().await?;
    assert_eq!(claim.crash_count, 1);
    // The same end again gets nowhere.
    store.end_step(&claim.fence, &end).await?;
    assert_eq!(crash().await?.crash_count, 2);
    driver.audit().await
}

/// Giving back leaves no crash behind, and ends the right to change.
pub async fn a_released_execution_is_free_at_once(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let fence = driver.start("plan", &["a"]).await?;
    store.release(&fence).await?;
    store.release(&fence).await?;
    assert!(is_fenced(&store.start_step(&fence, "a", driver.now()).await));
    let claims = store.claim(OTHER, LEASE, 10, &[]).await?;
    let claim = there(claims.first(), "a claim")?;
    assert_eq!(claim.crash_count, 0);
    assert!(is_fenced(&store.release(&fence).await));
    driver.audit().await
}

/// Claims go by age and keep to their limit.
pub async fn the_oldest_execution_is_claimed_first(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let mut orders = Vec::new();
    for plan in ["one", "two", "three"] {
        let order = driver.order(plan, &["a"]);
        store.accept(&order).await?;
        orders.push(order.id);
    }
    let mut claimed = Vec::new();
    for _ in 0..2 {
        let claims = store.claim(driver.boot, LEASE, 2, &[]).await?;
        assert!(claims.len() <= 2);
        claimed.extend(claims.iter().map(|claim| claim.fence.execution));
    }
    assert_eq!(claimed, orders);
    driver.audit().await
}

/// Of named executions, those are taken that anybody could claim now: parked ones when they are due, owned ones when
/// the lease has passed, ended ones never.
pub async fn named_executions_are_claimed_by_the_same_rules(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let ended = driver.start("ended", &["a"]).await?;
    driver.draw(&ended, &driver.attempt("a", "ended/a")).await?;
    store
        .settle_execution(&ended, &failure(), None, driver.now())
        .await?;
    let owned = driver.start("owned", &["a"]).await?;
    let parked = driver.start("parked", &["a"]).await?;
    let soon = Some(LEASE / 2);
    store.park(&parked, &failure(), soon, driver.now()).await?;
    let waiting = driver.order("waiting", &["a"]);
    store.accept(&waiting).await?;
    let other = driver.order("other", &["a"]);
    store.accept(&other).await?;
    let named = [ended.execution, owned.execution, parked.execution, waiting.id];

    assert_eq!(store.claim_these(OTHER, LEASE, 10, &[]).await?, []);
    let claims = store.claim_these(OTHER, LEASE, 10, &named).await?;
    let claimed = |claims: &[Claim]| -> Vec<_> { claims.iter().map(|claim| claim.fence.execution).collect() };
    assert_eq!(claimed(&claims), [waiting.id]);
    assert!(claims[0].fence.epoch > 0);
    driver.pass(LEASE / 2);
    let claims = store.claim_these(OTHER, LEASE, 10, &named).await?;
    assert_eq!(claimed(&claims), [parked.execution]);
    driver.pass(LEASE / 2);
    let claims = store.claim_these(OTHER, LEASE, 1, &named).await?;
    assert_eq!(claimed(&claims), [owned.execution]);
    assert_eq!(claims[0].crash_count, 1);
    driver.audit().await
}

/// No byte may leave after the lease: by then another process may be at work.
pub async fn a_call_needs_a_lease_that_outlasts_it(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let fence = driver.start("plan", &["a"]).await?;
    let attempt = driver.attempt("a", "plan/a");
    driver.prepare(&fence, &attempt).await?;
    driver.pass(LEASE - Duration::from_secs(1));
    assert!(is_fenced(&driver.dispatch(&fence, attempt.id).await));
    store.renew(driver.boot, &[fence.execution], LEASE).await?;
    assert_eq!(driver.dispatch(&fence, attempt.id).await?, Dispatch::Granted);
    driver.audit().await
}

/// The same call again has a moment of its own until which it may leave; only the owner gives it, and nobody is told.
pub async fn a_call_that_is_sent_again_has_its_own_last_moment(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let margin = Duration::from_secs(5);
    let fence = driver.start("plan", &["a"]).await?;
    let attempt = driver.attempt("a", "plan/a");
    driver.prepare(&fence, &attempt).await?;
    let early = store.dispatch_again(&fence, attempt.id, margin).await;
    assert!(is_wrong_state(&early), "{early:?}");
    assert_eq!(driver.dispatch(&fence, attempt.id).await?, Dispatch::Granted);
    driver.pass(LEASE);
    let claims = store.claim(OTHER, LEASE, 10, &[]).await?;
    let heir = there(claims.first(), "a claim")?.fence;
    assert!(is_fenced(&store.dispatch_again(&fence, attempt.id, margin).await));
    let too_long = store.dispatch_again(&heir, attempt.id, LEASE * 2).await;
    assert!(is_fenced(&too_long));
    let before = driver.story(fence.execution).await?;
    let send_by = async || {
        let record = driver.execution(fence.execution).await?;
        let attempt = record.steps.first().and_then(|step| step.attempts.first());
        there(attempt.and_then(|attempt| attempt.send_by), "a last moment")
    };
    let first = send_by().await?;
    store.dispatch_again(&heir, attempt.id, margin).await?;
    let second = send_by().await?;
    assert!(second > first);
    let end = driver.end(AttemptOutcome::Unknown);
    store.end_attempt(&heir, attempt.id, &end).await?;
    driver.pass(Duration::from_secs(1));
    store.dispatch_again(&heir, attempt.id, margin).await?;
    assert!(send_by().await? > second);
    assert_eq!(driver.story(fence.execution).await?.len(), before.len() + 2);
    driver.audit().await
}
