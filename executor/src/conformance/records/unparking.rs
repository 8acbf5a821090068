//! Letting an execution run again that was parked although it had work to do.

use super::driver::{Driver, Subject};
use crate::{ids::ExecutionId, records::*};

/// Neither what runs, nor what has ended, nor what waits for a decision about a lost call.
pub async fn only_what_is_stuck_is_unparked(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let unparking = |execution: ExecutionId| Unparking {
        client: driver.client.to_owned(),
        execution,
        actor: "ada".to_owned(),
        reason: "the disk is mended".to_owned(),
        audit_id: execution.0,
        now: driver.now(),
    };
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
