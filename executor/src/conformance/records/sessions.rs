//! Sessions: what they come to, and their order.

use std::time::Duration;

use super::driver::{BILL, Driver, Subject, failure, there};
use crate::records::*;

async fn session(driver: &Driver<'_>, id: &str) -> Result<SessionRecord> {
    there(driver.store.session(driver.client, id).await?, "the session")
}

fn review(driver: &Driver<'_>, image: &ImageRecord, verdict: ReviewVerdict) -> ReviewOrder {
    ReviewOrder {
        client: driver.client.to_owned(),
        images: vec![image.id],
        verdict: Some(verdict),
        reviewer: "ada".to_owned(),
        note: String::new(),
        audit_id: driver.audit_id(),
        now: driver.now(),
    }
}

/// From the first plan to the last verdict: the stage, the counts and the cost at each step of the way.
pub async fn a_session_is_summed_up_from_what_has_its_id(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    assert_eq!(store.session(driver.client, "s1").await?, None);
    assert_eq!(store.session(driver.client, "").await?, None);
    let plan = driver.plan("plan");
    store.save_plan(&plan).await?;
    let planned = session(&driver, "s1").await?;
    assert_eq!(planned.stage(), SessionStage::Planning);
    assert_eq!((planned.plans, planned.executions, planned.images), (1, 0, 0));
    assert_eq!(
        (planned.first_activity, planned.last_activity),
        (plan.now, plan.now)
    );
    assert_eq!(planned.costs, []);
    assert_eq!(store.session("other", "s1").await?, None);

    driver.pass(Duration::from_secs(5));
    let fence = driver.start("plan", &["a", "b"]).await?;
    let one = driver.draw(&fence, &driver.attempt("a", "plan/a")).await?;
    let busy = session(&driver, "s1").await?;
    assert_eq!(busy.stage(), SessionStage::Generating);
    assert_eq!(
        (busy.executions, busy.open_executions, busy.unreviewed),
        (1, 1, 1)
    );
    let two = driver.draw(&fence, &driver.attempt("b", "plan/b")).await?;
    driver.settle(&fence).await?;
    let drawn = session(&driver, "s1").await?;
    assert_eq!(drawn.stage(), SessionStage::Review);
    assert_eq!((drawn.images, drawn.unreviewed, drawn.open_executions), (2, 2, 0));
    let spent = Balance {
        spent_nanos: 2 * BILL,
        ..Balance::default()
    };
    assert_eq!(drawn.costs, [("USD".to_owned(), spent)]);
    assert_eq!(drawn.first_activity, plan.now);
    assert!(drawn.last_activity > plan.now);

    store
        .review_images(&review(&driver, &one, ReviewVerdict::Approved))
        .await?;
    driver.pass(Duration::from_secs(5));
    let last = review(&driver, &two, ReviewVerdict::Rejected);
    store.review_images(&last).await?;
    let done = session(&driver, "s1").await?;
    assert_eq!(done.stage(), SessionStage::Done);
    assert_eq!((done.approved, done.rejected, done.unreviewed), (1, 1, 0));
    assert_eq!(done.last_activity, last.now);
    driver.audit().await
}

/// A step that failed is counted until an execution of the same plan draws it.
pub async fn a_retry_leaves_no_failed_step_behind(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let fence = driver.start("plan", &["a", "b"]).await?;
    driver.draw(&fence, &driver.attempt("a", "plan/a")).await?;
    let failed = StepEnd {
        failure: failure(),
        ..driver.end_of("b", StepState::Failed)
    };
    store.end_step(&fence, &failed).await?;
    driver.settle(&fence).await?;
    let half = session(&driver, "s1").await?;
    assert_eq!(
        (half.stage(), half.failed_steps, half.newest_execution),
        (SessionStage::Review, 1, Some(ExecutionState::Failed))
    );
    driver.pass(Duration::from_secs(1));
    let again = NewExecution {
        mode: ExecutionMode::Resume,
        ..driver.order("plan", &["b"])
    };
    let fence = driver.begin(&again).await?;
    assert_eq!(session(&driver, "s1").await?.failed_steps, 0, "it is being drawn");
    store.start_execution(&fence, driver.now()).await?;
    driver.start_step(&fence, "b", "plan/b").await?;
    driver.draw(&fence, &driver.attempt("b", "plan/b")).await?;
    driver.settle(&fence).await?;
    let whole = session(&driver, "s1").await?;
    assert_eq!((whole.failed_steps, whole.images, whole.executions), (0, 2, 2));
    driver.audit().await
}

/// Whatever happens in a session brings it to the front; places are kept between pages, also among equal times.
pub async fn sessions_come_newest_activity_first_page_by_page(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let now = driver.now();
    for id in ["a", "b", "c", "d", ""] {
        let plan = NewPlan {
            session_id: id.to_owned(),
            now,
            ..driver.plan(&format!("of {id}"))
        };
        store.save_plan(&plan).await?;
    }
    driver.pass(Duration::from_secs(1));
    let mut order = driver.order("run", &["x"]);
    order.plan.session_id = "b".to_owned();
    store.accept(&order).await?;
    let mut found = Vec::new();
    let mut page = Page {
        limit: 2,
        after: None,
    };
    loop {
        let listed = store.sessions(driver.client, &page).await?;
        let Some(last) = listed.last() else { break };
        page.after = Some((last.last_activity, last.id.clone()));
        for record in &listed {
            assert_eq!(record, &session(&driver, &record.id).await?);
        }
        found.extend(listed.into_iter().map(|record| record.id));
    }
    assert_eq!(found, ["b", "d", "c", "a"], "what has no session is in none");
    let first = Page {
        limit: 5,
        after: None,
    };
    assert_eq!(store.sessions("other", &first).await?, []);
    driver.audit().await
}
