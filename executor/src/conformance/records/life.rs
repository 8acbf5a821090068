//! The life of executions that go well.

use std::{collections::BTreeMap, time::Duration};

use limn_proto::{digest::sha256_hex, v1::execution_event::Event};

use super::driver::{BILL, CEILING, Driver, Subject, is_wrong_state, there};
use crate::{ids::AttemptId, records::*};

/// T0 to T5, with the exact history and the exact money.
pub async fn an_image_is_drawn_and_its_history_is_exact(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let fence = driver.start("plan", &["a"]).await?;
    let attempt = driver.attempt("a", "plan/a");
    let image = driver.draw(&fence, &attempt).await?;
    assert_eq!(driver.settle(&fence).await?, ExecutionState::Completed);

    let story = driver.story(fence.execution).await?;
    assert_eq!(
        story,
        [
            "execution PENDING",
            "execution PROCESSING",
            "step a PROCESSING",
            "attempt a#1 PREPARED",
            "cost 0 reserved 50 held 0",
            "attempt a#1 DISPATCHING",
            "attempt a#1 RECEIVED",
            "attempt a#1 COMMITTED",
            "cost 40 reserved 0 held 0 final",
            "step a COMPLETED",
            "execution COMPLETED",
        ]
    );
    let record = driver.execution(fence.execution).await?;
    assert_eq!(record.state, ExecutionState::Completed);
    assert!(record.created_at < there(record.started_at, "a start")?);
    assert!(record.started_at < record.ended_at);
    assert_eq!(record.failure, None);
    let step = there(record.steps.first(), "the step")?;
    assert_eq!((step.image, step.reused), (Some(image.id), false));
    let kept = there(step.attempts.first(), "the attempt")?;
    assert_eq!(
        (kept.number, kept.state, kept.cost_nanos),
        (1, AttemptState::Committed, Some(BILL))
    );
    assert_eq!(kept.answer, Some(driver.receipt(attempt.id)));
    assert_eq!(kept.provider_request_id, format!("req-{}", attempt.id));
    assert_eq!(kept.revised_prompt, "a tall lighthouse at dusk");
    assert!(kept.send_by > kept.dispatched_at && kept.ended_at.is_some());
    let session = BudgetKey {
        scope: "clients/acme/budgets/session-s1".to_owned(),
        currency: "USD".to_owned(),
    };
    let spent = Balance {
        spent_nanos: BILL,
        ..Balance::default()
    };
    assert_eq!(store.balances().await?.get(&session), Some(&spent));
    driver.audit().await
}

/// Steps share the money of their execution; lines stand in the order of the bills, not of the steps.
pub async fn a_second_image_and_an_asynchronous_call(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let fence = driver.start("plan", &["a", "b"]).await?;
    let slow = driver.attempt("a", "plan/a");
    driver.send(&fence, &slow).await?;
    store.accepted(&fence, slow.id, "job-7", driver.now()).await?;
    driver.draw(&fence, &driver.attempt("b", "plan/b")).await?;

    let between = driver.execution(fence.execution).await?;
    assert_eq!(
        (between.cost.settled_nanos, between.cost.reserved_nanos),
        (BILL, CEILING)
    );
    assert_eq!(driver.settle(&fence).await?, ExecutionState::Processing);

    store.received(&fence, slow.id, &driver.receipt(slow.id)).await?;
    store.commit(&fence, &driver.commit(&fence, &slow)).await?;
    assert_eq!(driver.settle(&fence).await?, ExecutionState::Completed);

    let record = driver.execution(fence.execution).await?;
    let billed: Vec<&str> = record
        .cost
        .lines
        .iter()
        .map(|line| line.step_id.as_str())
        .collect();
    assert_eq!(billed, ["b", "a"]);
    let events = driver.events(fence.execution).await?;
    let told: usize = events
        .iter()
        .map(|event| match &event.event {
            Some(Event::CostChanged(cost)) => cost.lines.len(),
            _ => 0,
        })
        .sum();
    assert_eq!(told, 2, "each line is told once");
    let job = &there(record.steps.first(), "the step")?.attempts;
    assert_eq!(there(job.first(), "the attempt")?.job_id, "job-7");
    driver.audit().await
}

/// Every field of a record survives, thumbnails and labels included.
pub async fn a_record_of_an_image_comes_back_whole(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let fence = driver.start("plan", &["a"]).await?;
    let image = driver.draw(&fence, &driver.attempt("a", "plan/a")).await?;
    assert_eq!(store.image("acme", image.id).await?, Some(image.clone()));
    assert_eq!(store.image("other", image.id).await?, None);
    driver.audit().await
}

/// Evidence needs no fence, is kept once, and moves nothing by itself.
pub async fn receipts_are_evidence_even_from_strangers(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let fence = driver.start("plan", &["a"]).await?;
    let attempt = driver.attempt("a", "plan/a");
    driver.send(&fence, &attempt).await?;
    let before = driver.picture().await?;
    let partial = Receipt {
        kind: ReceiptKind::PartialAnswer,
        headers: BTreeMap::new(),
        body_sha256: sha256_hex(b"half"),
        ..driver.receipt(attempt.id)
    };
    store.add_receipt(&partial).await?;
    store.add_receipt(&partial).await?;
    assert_eq!(driver.picture().await?, before);

    let nobody = Receipt {
        attempt: AttemptId(uuid::Uuid::from_u128(404)),
        ..partial
    };
    assert!(is_wrong_state(&store.add_receipt(&nobody).await));

    driver.pass(Duration::from_secs(1));
    let whole = driver.receipt(attempt.id);
    store.received(&fence, attempt.id, &whole).await?;
    let record = driver.execution(fence.execution).await?;
    let kept = record.steps.iter().flat_map(|step| &step.attempts).next();
    assert_eq!(there(kept, "the attempt")?.answer, Some(whole));
    let told = driver.events(fence.execution).await?;
    let attempts = told
        .iter()
        .filter(|event| matches!(event.event, Some(Event::AttemptChanged(_))));
    assert_eq!(attempts.count(), 3, "prepared, dispatching, received");
    driver.audit().await
}

/// What watchers ask for again and again agrees with the whole, at every point of a life.
pub async fn a_standing_is_that_of_the_execution_and_of_its_client_alone(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let fence = driver.start("plan", &["a"]).await?;
    let attempt = driver.attempt("a", "plan/a");
    driver.receive(&fence, &attempt).await?;
    for ends in [false, true] {
        if ends {
            store.commit(&fence, &driver.commit(&fence, &attempt)).await?;
            driver.settle(&fence).await?;
        }
        let whole = driver.execution(fence.execution).await?;
        assert_eq!(whole.state.is_terminal(), ends);
        let expected = Standing {
            state: whole.state,
            last_sequence: whole.last_sequence,
            events_pruned: false,
        };
        let standing = store.standing(&whole.client, fence.execution).await?;
        assert_eq!(standing, Some(expected));
    }
    assert_eq!(store.standing("somebody-else", fence.execution).await?, None);
    Ok(())
}
