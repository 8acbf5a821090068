//! Letting an execution run again that was parked although it had work to do.

use limn_proto::reason::Reason;
use uuid::Uuid;

use super::{
    driver::{Driver, LEASE, Subject, there},
    resolution::whole_picture,
};
use crate::{
    failure::Failure,
    ids::{BootId, ExecutionId},
    records::*,
};

const OTHER: BootId = BootId(Uuid::from_u128(0x0071e5));

fn unparking(driver: &Driver<'_>, execution: ExecutionId) -> Unparking {
    Unparking {
        client: driver.client.to_owned(),
        execution,
        actor: "ada".to_owned(),
        reason: "the disk is mended".to_owned(),
        audit_id: driver.audit_id(),
        now: driver.now(),
    }
}

/// Neither what runs, nor what has ended, nor what waits for a decision about a lost call.
pub async fn only_what_is_stuck_is_unparked(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let unparking = |execution| unparking(&driver, execution);
    let fence = driver.start("plan", &["a"]).await?;
    let execution = fence.execution;
    let nobody = Unparking {
        client: "other".to_owned(),
        ..unparking(execution)
    };
    assert_eq!(store.unpark(&nobody).await?, Unparked::NotFound);
    let nowhere = unparking(driver.order("none", &["a"]).id);
    assert_eq!(store.unpark(&nowhere).await?, Unparked::NotFound);

    assert_eq!(store.unpark(&unparking(execution)).await?, Unparked::NotParked);
    let lost = driver.lose(&fence, &driver.attempt("a", "plan/a")).await?;
    driver.settle(&fence).await?;
    let before = driver.picture().await?;
    assert_eq!(store.unpark(&unparking(execution)).await?, Unparked::NotParked);
    assert_eq!(driver.picture().await?, before);
    driver
        .resolve(execution, lost, Verdict::NotCharged, Some(FollowUp::Fail))
        .await?;
    let fence = driver.claim(execution).await?;
    assert_eq!(driver.settle(&fence).await?, ExecutionState::Failed);
    assert_eq!(store.unpark(&unparking(execution)).await?, Unparked::NotParked);
    driver.audit().await
}

/// It goes on where it was: not started, half done, or being stopped. Its crashes are forgotten, and who let it go on is
/// not.
pub async fn what_its_owners_died_of_runs_again(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    for state in [
        ExecutionState::Pending,
        ExecutionState::Processing,
        ExecutionState::Cancelling,
    ] {
        let order = driver.order(state.as_str(), &["a"]);
        let fence = driver.begin(&order).await?;
        let execution = fence.execution;
        if state != ExecutionState::Pending {
            store.start_execution(&fence, driver.now()).await?;
            store.start_step(&fence, "a", driver.now()).await?;
        }
        if state == ExecutionState::Cancelling {
            store
                .request_cancel(driver.client, execution, driver.now())
                .await?;
        }
        driver.pass(LEASE);
        let claims = store.claim(OTHER, LEASE, 10, &[]).await?;
        let claim = claims.iter().find(|claim| claim.fence.execution == execution);
        let claim = there(claim, "a claim")?;
        assert_eq!(claim.crash_count, 1);
        let poisoned = Failure::new(Reason::ExecutionPoisoned, "its owners died");
        store.park(&claim.fence, &poisoned, None, driver.now()).await?;
        let parked = driver.execution(execution).await?;
        assert_eq!(
            (parked.state, parked.failure),
            (ExecutionState::NeedsDecision, Some(poisoned))
        );

        let wish = unparking(&driver, execution);
        let answer = store.unpark(&wish).await?;
        let record = driver.execution(execution).await?;
        assert_eq!(answer, Unparked::Done(Box::new(record.clone())));
        assert_eq!((record.state, record.crash_count), (state, 0));
        assert_eq!((record.failure, record.next_check_at), (None, None));
        assert_eq!(record.last_sequence, parked.last_sequence + 1, "it is told");
        let log = driver.audit_log().await?;
        let entry = there(log.iter().find(|entry| entry.id == wish.audit_id), "the entry")?;
        assert_eq!(entry.action, AuditAction::ExecutionUnparked);
        assert_eq!(
            (entry.actor.as_str(), entry.reason.as_str()),
            ("ada", "the disk is mended")
        );
        assert_eq!(entry.details.get("crashCount").map(String::as_str), Some("1"));

        let picture = whole_picture(&driver).await?;
        assert_eq!(store.unpark(&wish).await?, Unparked::NotParked);
        assert_eq!(whole_picture(&driver).await?, picture);
        let claims = store.claim(driver.boot, LEASE, 10, &[]).await?;
        let claim = there(claims.first(), "a claim")?;
        assert_eq!((claim.fence.execution, claim.crash_count), (execution, 0));
        // Out of the way of the next one.
        store
            .end_step(&claim.fence, &driver.end_of("a", StepState::Failed))
            .await?;
        assert!(driver.settle(&claim.fence).await?.is_terminal());
    }
    driver.audit().await
}
