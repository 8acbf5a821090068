//! Turns at providers: limits hold over all processes, nobody is forgotten, and what is broken is left alone.

use std::time::Duration;

use uuid::Uuid;

use super::driver::{Driver, LEASE, Subject, there};
use crate::{
    clock::UnixMicros,
    ids::{BootId, TurnId},
    providers::Limits,
    records::*,
};

const PROVIDER: &str = "easel";
const SECOND: Duration = Duration::from_secs(1);

fn boot(number: u128) -> BootId {
    BootId(Uuid::from_u128(0xb007_0000 + number))
}

fn turn(number: u128) -> TurnId {
    TurnId(Uuid::from_u128(number))
}

fn at_once(limit: u32) -> Limits {
    Limits {
        max_concurrency: Some(limit),
        calls_per_minute: None,
    }
}

fn per_minute(limit: u32) -> Limits {
    Limits {
        max_concurrency: None,
        calls_per_minute: Some(limit),
    }
}

/// Asks for turn `number` of process `boot`, a millisecond after the last question.
async fn ask(driver: &Driver<'_>, process: u128, number: u128, limits: Limits) -> Result<Turn> {
    driver.now();
    let request = request(process, number, limits);
    driver.store.take_turn(&request).await
}

fn request(process: u128, number: u128, limits: Limits) -> TurnRequest {
    TurnRequest {
        turn: turn(number),
        provider: PROVIDER.to_owned(),
        boot: boot(process),
        limits,
        lease: LEASE,
        in_progress: false,
    }
}

fn is_granted(turn: &Turn) -> bool {
    matches!(turn, Turn::Granted { .. })
}

/// Reason, shortest wait in seconds, and turns ahead.
fn wait(turn: Turn) -> Option<(WaitReason, Option<u64>, u32)> {
    match turn {
        Turn::Granted { .. } => None,
        Turn::Wait(wait) => Some((wait.reason, wait.delay.map(|delay| delay.as_secs()), wait.ahead)),
    }
}

async fn gate(driver: &Driver<'_>) -> Result<GateRecord> {
    let (gates, _) = driver.store.gates().await?;
    there(gates.into_iter().find(|gate| gate.provider == PROVIDER), "a gate")
}

/// Two processes share one limit; who asked first is served first, and giving back twice gives back once.
pub async fn turns_are_shared_and_given_in_order(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    assert_eq!(store.gates().await?.0, [], "nothing is known");
    let limits = at_once(2);
    assert_eq!(
        ask(&driver, 1, 1, limits).await?,
        Turn::Granted { is_clear: true }
    );
    assert!(is_granted(&ask(&driver, 2, 2, limits).await?));
    assert!(
        is_granted(&ask(&driver, 2, 2, limits).await?),
        "granted stays granted"
    );
    let busy = |ahead| Some((WaitReason::Concurrency, None, ahead));
    assert_eq!(wait(ask(&driver, 1, 4, limits).await?), busy(0));
    assert_eq!(wait(ask(&driver, 2, 3, limits).await?), busy(1));
    let known = gate(&driver).await?;
    assert_eq!((known.calling, known.waiting), (2, 2));

    store.leave_turn(turn(1), false).await?;
    store.leave_turn(turn(1), false).await?;
    assert_eq!(
        wait(ask(&driver, 2, 3, limits).await?),
        busy(1),
        "the other one asked before"
    );
    assert!(is_granted(&ask(&driver, 1, 4, limits).await?));
    assert_eq!(wait(ask(&driver, 2, 3, limits).await?), busy(0));

    // Who goes away holds up nobody.
    store.leave_turn(turn(2), false).await?;
    assert_eq!(wait(ask(&driver, 1, 5, limits).await?), busy(1));
    store.leave_turn(turn(3), false).await?;
    assert!(is_granted(&ask(&driver, 1, 5, limits).await?));

    // Other providers are other lines.
    let elsewhere = TurnRequest {
        provider: "lathe".to_owned(),
        ..request(2, 6, limits)
    };
    assert!(is_granted(&store.take_turn(&elsewhere).await?));
    Ok(())
}

/// A process that says nothing for a lease has no turns; one that renews keeps them.
pub async fn turns_end_with_their_lease(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let limits = at_once(2);
    assert!(is_granted(&ask(&driver, 1, 1, limits).await?));
    assert!(is_granted(&ask(&driver, 2, 2, limits).await?));
    assert!(wait(ask(&driver, 3, 3, limits).await?).is_some());
    driver.pass(LEASE / 2);
    store
        .renew_turns(boot(1), &[turn(1), turn(2), turn(9)], LEASE)
        .await?;
    driver.pass(LEASE / 2);
    assert_eq!(
        gate(&driver).await?.calling,
        1,
        "nobody renews the turns of another"
    );
    // The one that waited was not heard of either.
    assert!(is_granted(&ask(&driver, 2, 4, limits).await?));
    assert!(wait(ask(&driver, 2, 5, limits).await?).is_some());
    Ok(())
}

/// A call counts for a minute from its beginning, however soon it ends.
pub async fn calls_of_a_minute_are_counted(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let limits = per_minute(2);
    assert!(is_granted(&ask(&driver, 1, 1, limits).await?));
    store.leave_turn(turn(1), true).await?;
    driver.pass(20 * SECOND);
    assert!(is_granted(&ask(&driver, 2, 2, limits).await?));
    assert_eq!(
        wait(ask(&driver, 1, 3, limits).await?),
        Some((WaitReason::Rate, Some(39), 0))
    );
    assert_eq!(
        wait(ask(&driver, 2, 4, limits).await?),
        Some((WaitReason::Rate, Some(59), 1)),
        "the next one has to wait for the second call"
    );
    driver.pass(40 * SECOND - LEASE);
    store.renew_turns(boot(1), &[turn(3)], LEASE).await?;
    store.renew_turns(boot(2), &[turn(4), turn(2)], LEASE).await?;
    driver.pass(LEASE);
    assert!(is_granted(&ask(&driver, 1, 3, limits).await?));
    assert!(wait(ask(&driver, 2, 4, limits).await?).is_some());
    Ok(())
}

/// What is in progress already is counted, and waits for nothing.
pub async fn a_call_in_progress_counts_at_once(subject: Subject<'_>) -> Result<()> {
    let driver = Driver::new(subject);
    let limits = at_once(1);
    assert!(is_granted(&ask(&driver, 1, 1, limits).await?));
    let found = TurnRequest {
        in_progress: true,
        ..request(2, 2, limits)
    };
    assert!(is_granted(&driver.store.take_turn(&found).await?));
    driver.store.leave_turn(turn(1), false).await?;
    assert!(wait(ask(&driver, 1, 3, limits).await?).is_some());
    Ok(())
}

/// A pause that one call was asked for is one for all, and a shorter one takes nothing from it.
pub async fn a_pause_is_for_everybody(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let busy = |seconds| Sign::Busy {
        pause: Duration::from_secs(seconds),
        why: "too many requests".to_owned(),
    };
    driver.now();
    store.note_sign(PROVIDER, &busy(20)).await?;
    let known = store.note_sign(PROVIDER, &busy(5)).await?;
    assert_eq!((known.failures, known.trips), (0, 0), "it answered");
    let unlimited = Limits::default();
    assert_eq!(
        wait(ask(&driver, 2, 1, unlimited).await?),
        Some((WaitReason::Cooldown, Some(19), 0))
    );
    // An answer to a call of before ends no pause.
    store.note_sign(PROVIDER, &Sign::Answered).await?;
    assert!(wait(ask(&driver, 2, 1, unlimited).await?).is_some());
    driver.pass(20 * SECOND);
    assert_eq!(
        ask(&driver, 2, 1, unlimited).await?,
        Turn::Granted { is_clear: true }
    );
    Ok(())
}

/// The breaker opens after failures in a row, lets one call at a time through after a while, and closes when one is
/// answered.
pub async fn a_breaker_opens_tries_and_closes(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let failed = Sign::Unavailable {
        why: "connection refused".to_owned(),
        breaker: Breaker {
            failures: 3,
            open: Duration::from_secs(10),
        },
    };
    let unlimited = Limits::default();
    for _ in 0..2 {
        store.note_sign(PROVIDER, &failed).await?;
    }
    store.note_sign(PROVIDER, &Sign::Answered).await?;
    for _ in 0..2 {
        store.note_sign(PROVIDER, &failed).await?;
    }
    assert_eq!(
        ask(&driver, 1, 1, unlimited).await?,
        Turn::Granted { is_clear: false }
    );
    let opened = store.note_sign(PROVIDER, &failed).await?;
    assert_eq!((opened.failures, opened.trips), (3, 1));
    assert!(opened.open_until.is_some());
    let again = store.note_sign(PROVIDER, &failed).await?;
    assert_eq!(
        again.open_until, opened.open_until,
        "a call of before says nothing new"
    );
    let answer = ask(&driver, 1, 2, unlimited).await?;
    let Turn::Wait(told) = answer else {
        return Err(RecordError::Damaged(
            "an open breaker let a call through".to_owned(),
        ));
    };
    assert_eq!(told.reason, WaitReason::Unavailable);
    assert_eq!(told.why, "connection refused");
    assert_eq!(gate(&driver).await?.waiting, 0, "there is no line");

    driver.pass(10 * SECOND);
    assert!(is_granted(&ask(&driver, 1, 2, unlimited).await?));
    assert_eq!(
        wait(ask(&driver, 2, 3, unlimited).await?),
        Some((WaitReason::Unavailable, None, 0)),
        "one at a time"
    );
    store.note_sign(PROVIDER, &failed).await?;
    store.leave_turn(turn(2), false).await?;
    assert_eq!(
        wait(ask(&driver, 2, 3, unlimited).await?),
        Some((WaitReason::Unavailable, Some(19), 0)),
        "in vain, so it stays open for longer"
    );
    driver.pass(20 * SECOND);
    assert!(is_granted(&ask(&driver, 2, 3, unlimited).await?));
    // The one that tries may die as well.
    driver.pass(LEASE);
    assert!(is_granted(&ask(&driver, 1, 4, unlimited).await?));
    let closed = store.note_sign(PROVIDER, &Sign::Answered).await?;
    assert_eq!((closed.failures, closed.trips, closed.open_until), (0, 0, None));
    assert_eq!(closed.why, "");
    assert_eq!(
        ask(&driver, 2, 5, unlimited).await?,
        Turn::Granted { is_clear: true }
    );
    Ok(())
}

/// A wait and a target that was passed over are told, and the wait is over with the next attempt.
pub async fn a_wait_is_told_until_the_next_attempt(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let fence = driver.start("plan", &["a"]).await?;
    let skipped = SkippedTarget {
        target: 0,
        provider: PROVIDER.to_owned(),
        why: "it did not work".to_owned(),
        at: UnixMicros(1_700_000_000_000_000),
    };
    let wait = StepWait {
        provider: "lathe".to_owned(),
        reason: WaitReason::Concurrency,
        position: 3,
        since: UnixMicros(1_700_000_001_000_000),
        until: Some(UnixMicros(1_700_000_002_000_000)),
        attempt: 0,
    };
    let before = driver.execution(fence.execution).await?;
    for note in [
        StepNote::Skipped(skipped.clone()),
        StepNote::Waiting(wait.clone()),
    ] {
        store.note_step(&fence, "a", &note, driver.now()).await?;
    }
    let noted = driver.execution(fence.execution).await?;
    assert_eq!(noted.last_sequence, before.last_sequence + 2);
    let noted_wait = StepWait { attempt: 1, ..wait };
    assert_eq!(noted.steps[0].wait, Some(noted_wait));
    assert_eq!(noted.steps[0].skipped_targets, [skipped]);

    let attempt = driver.attempt("a", "plan/a");
    driver.draw(&fence, &attempt).await?;
    let drawn = driver.execution(fence.execution).await?;
    assert_eq!(drawn.steps[0].wait, None);
    assert_eq!(drawn.steps[0].skipped_targets.len(), 1, "that stays true");
    store.note_step(&fence, "a", &driver.note(), driver.now()).await?;
    assert_eq!(
        driver.execution(fence.execution).await?,
        drawn,
        "a step that ended waits for nothing"
    );
    driver.settle(&fence).await?;
    driver.audit().await
}
