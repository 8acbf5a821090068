//! Orders: what becomes of them when there is something already.

use super::driver::{Driver, Subject, there};
use crate::records::*;

/// The same order is the same execution for ever; another order under its id is refused.
pub async fn a_request_id_stands_for_one_order(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let order = driver.order("plan", &["a"]);
    let fence = driver.begin(&order).await?;
    let again = NewExecution {
        id: driver.order("plan", &["a"]).id,
        ..order.clone()
    };
    let before = driver.picture().await?;
    assert_eq!(store.accept(&again).await?, Acceptance::SameRequest(order.id));
    let other = NewExecution {
        request_hash: "hash-other".to_owned(),
        ..again.clone()
    };
    assert_eq!(store.accept(&other).await?, Acceptance::RequestIdReused(order.id));
    assert_eq!(driver.picture().await?, before);

    store.start_step(&fence, "a", driver.now()).await?;
    store
        .end_step(&fence, &driver.end_of("a", StepState::Failed))
        .await?;
    driver.settle(&fence).await?;
    assert_eq!(store.accept(&again).await?, Acceptance::SameRequest(order.id));
    driver.audit().await
}

/// A joiner's request id stands for the execution that it joined, also after that has ended.
pub async fn a_running_execution_is_joined(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let first = driver.order("plan", &["a"]);
    let fence = driver.begin(&first).await?;
    let second = driver.order("plan", &["a"]);
    assert_eq!(store.accept(&second).await?, Acceptance::Joined(first.id));
    assert_eq!(driver.story(first.id).await?, ["execution PENDING"]);
    assert_eq!(store.execution("acme", second.id).await?, None);

    store.start_step(&fence, "a", driver.now()).await?;
    store
        .end_step(&fence, &driver.end_of("a", StepState::Failed))
        .await?;
    driver.settle(&fence).await?;
    assert_eq!(store.accept(&second).await?, Acceptance::SameRequest(first.id));
    let third = driver.order("plan", &["a"]);
    assert_eq!(store.accept(&third).await?, Acceptance::New(third.id));
    assert_eq!(driver.execution(third.id).await?.previous, None);
    driver.audit().await
}

/// Another take is other work, even while the first runs.
pub async fn a_higher_take_runs_beside_the_first(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let first = driver.order("plan", &["a"]);
    let second = NewExecution {
        take: 1,
        ..driver.order("plan", &["a"])
    };
    assert_eq!(store.accept(&first).await?, Acceptance::New(first.id));
    assert_eq!(store.accept(&second).await?, Acceptance::New(second.id));
    driver.audit().await
}

/// Resume follows an execution that ended, of the same client, plan and take.
pub async fn resume_needs_an_execution_that_ended(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let resume = || NewExecution {
        mode: ExecutionMode::Resume,
        ..driver.order("plan", &["a"])
    };
    assert_eq!(store.accept(&resume()).await?, Acceptance::NothingToResume);
    let page = Page {
        limit: 10,
        after: None,
    };
    assert_eq!(
        store.plans("acme", &PlanFilter::default(), &page).await?,
        [],
        "a refused order leaves nothing"
    );
    let first = driver.order("plan", &["a"]);
    let fence = driver.begin(&first).await?;
    assert_eq!(store.accept(&resume()).await?, Acceptance::StillRunning(first.id));

    store
        .end_step(&fence, &driver.end_of("a", StepState::Failed))
        .await?;
    driver.settle(&fence).await?;
    let next = resume();
    assert_eq!(store.accept(&next).await?, Acceptance::New(next.id));
    let record = driver.execution(next.id).await?;
    assert_eq!(
        (record.previous, record.mode),
        (Some(first.id), ExecutionMode::Resume)
    );
    let other_take = NewExecution { take: 1, ..resume() };
    assert_eq!(store.accept(&other_take).await?, Acceptance::NothingToResume);
    driver.audit().await
}

async fn delete(driver: &Driver<'_>, client: &str, plan: &NewPlan) -> Result<PlanDeletion> {
    let (id, now) = (driver.audit_id(), driver.now());
    driver.store.delete_plan(client, &plan.digest_hex, id, now).await
}

/// A stored plan stays as it was stored first, and can be deleted when nothing runs.
pub async fn a_plan_is_stored_once_and_kept_while_it_runs(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let plan = driver.plan("plan");
    let saved = store.save_plan(&plan).await?;
    assert_eq!((saved.created_at, saved.last_executed_at), (plan.now, None));
    let later = NewPlan {
        now: driver.now(),
        ..plan.clone()
    };
    assert_eq!(store.save_plan(&later).await?, saved);
    assert_eq!(store.plan("other", &plan.digest_hex).await?, None);

    let order = driver.order("plan", &["a"]);
    let fence = driver.begin(&order).await?;
    let ordered = there(store.plan("acme", &plan.digest_hex).await?, "the plan")?;
    assert_eq!(ordered.last_executed_at, Some(order.now));
    assert_eq!(ordered.created_at, plan.now);
    assert_eq!(
        delete(&driver, "acme", &plan).await?,
        PlanDeletion::InUse(order.id)
    );
    store
        .end_step(&fence, &driver.end_of("a", StepState::Skipped))
        .await?;
    driver.settle(&fence).await?;
    assert_eq!(delete(&driver, "other", &plan).await?, PlanDeletion::NotFound);
    assert_eq!(delete(&driver, "acme", &plan).await?, PlanDeletion::Deleted);
    assert_eq!(delete(&driver, "acme", &plan).await?, PlanDeletion::NotFound);
    assert_eq!(store.plan("acme", &plan.digest_hex).await?, None);
    let log = driver.audit_log().await?;
    let [entry] = &log[..] else {
        unreachable!("what was not deleted leaves no entry: {log:?}")
    };
    assert_eq!(
        (entry.action, entry.subject.as_str()),
        (
            AuditAction::PlanDeleted,
            format!("clients/acme/plans/{}", plan.digest_hex).as_str()
        )
    );
    assert_eq!(driver.execution(order.id).await?.state, ExecutionState::Failed);
    driver.audit().await
}
