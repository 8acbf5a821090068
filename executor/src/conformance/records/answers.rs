//! What an answer says besides its picture: kept with its attempt and its image, and told in the history.

use std::collections::BTreeMap;

use limn_proto::v1::{self, ExecutionEvent, execution_event::Event};
use prost::Message as _;

use super::driver::{BILL, Driver, Subject, there, usage};
use crate::{failure::Failure, records::*};

/// Every way to know a cost, with seeds as small and as large as they come.
pub async fn what_an_answer_says_is_kept_with_its_attempt_and_its_image(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let seeds = [None, Some(0), Some(4217), Some(u64::MAX)];
    assert_eq!(seeds.len(), CostSource::ALL.len());
    for (source, seed) in CostSource::ALL.iter().copied().zip(seeds) {
        let plan = source.as_str();
        let fence = driver.start(plan, &["a"]).await?;
        let attempt = driver.attempt("a", &format!("{plan}/a"));
        driver.receive(&fence, &attempt).await?;
        let mut commit = driver.commit(&fence, &attempt);
        commit.cost_source = source;
        commit.image.cost_source = Some(source);
        commit.image.effective_seed = seed;
        if seed.is_none() {
            commit.image.model_version = String::new();
            commit.usage = BTreeMap::new();
        }
        store.commit(&fence, &commit).await?;

        let record = driver.execution(fence.execution).await?;
        let kept = record.steps.first().and_then(|step| step.attempts.first());
        let kept = there(kept, "the attempt")?;
        assert_eq!(
            (
                kept.cost_source,
                kept.effective_seed,
                &kept.model_version,
                &kept.usage
            ),
            (Some(source), seed, &commit.image.model_version, &commit.usage)
        );
        let lines = record.cost.lines.iter();
        let lines: Vec<_> = lines.map(|line| (line.amount_nanos, line.source)).collect();
        assert_eq!(lines, [(BILL, Some(source))]);
        let image = store.image(driver.client, commit.image.id).await?;
        assert_eq!(there(image, "the image")?, commit.image);

        let told = told(&driver, &record).await?;
        let shown = crate::snapshot::attempt(kept, "USD");
        assert_eq!(told.attempt.as_ref(), Some(&shown), "the history tells all of it");
        assert_eq!(told.line_source, shown.cost_source());
        assert_eq!(shown.cost_estimated, source == CostSource::Estimated);
    }
    driver.audit().await
}

/// What the last events of an attempt and of the cost say.
struct Told {
    attempt: Option<v1::Attempt>,
    line_source: v1::CostSource,
}

async fn told(driver: &Driver<'_>, record: &ExecutionRecord) -> Result<Told> {
    let mut told = Told {
        attempt: None,
        line_source: v1::CostSource::Unspecified,
    };
    for stored in driver.store.events_after(record.id, 0, u32::MAX).await? {
        let event = ExecutionEvent::decode(stored.payload.as_slice());
        let event = event.map_err(|error| RecordError::Damaged(error.to_string()))?;
        match event.event {
            Some(Event::AttemptChanged(change)) => told.attempt = change.attempt,
            Some(Event::CostChanged(cost)) => {
                if let Some(line) = cost.lines.first() {
                    told.line_source = line.source();
                }
            }
            _ => {}
        }
    }
    Ok(told)
}

/// What was paid in vain was used too.
pub async fn what_was_used_is_kept_without_a_picture(subject: Subject<'_>) -> Result<()> {
    let driver = Driver::new(subject);
    let fence = driver.start("plan", &["a"]).await?;
    let blank = driver.receive(&fence, &driver.attempt("a", "plan/a")).await?;
    let outcome = AttemptOutcome::FailedPaid {
        cost_nanos: BILL,
        source: CostSource::Usage,
    };
    let end = driver.end(outcome);
    driver.store.end_attempt(&fence, blank, &end).await?;
    let record = driver.execution(fence.execution).await?;
    let kept = record.steps.first().and_then(|step| step.attempts.first());
    let kept = there(kept, "the attempt")?;
    assert_eq!(
        (kept.state, kept.cost_source, &kept.usage),
        (AttemptState::FailedPaid, Some(CostSource::Usage), &usage())
    );
    assert_eq!((kept.effective_seed, kept.model_version.as_str()), (None, ""));
    driver.audit().await
}

/// A reused record says by what the picture was drawn, and of a cost nothing: there was none.
pub async fn a_reused_picture_says_how_it_was_drawn(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let fence = driver.start("plan", &["a", "b"]).await?;
    let paid = driver.draw(&fence, &driver.attempt("a", "plan/a")).await?;
    let reuse = driver.reuse(&fence, "b", &paid);
    store.complete_reused(&fence, &reuse).await?;
    let kept = there(store.image(driver.client, reuse.image.id).await?, "the image")?;
    assert_eq!(
        (kept.effective_seed, &kept.model_version, kept.cost_source),
        (paid.effective_seed, &paid.model_version, None)
    );
    assert_eq!(paid.effective_seed, Some(u64::MAX));
    driver.audit().await
}

/// JSON can hold any character, and what was paid must not be lost over one. A job id is sent back as it came.
pub async fn texts_of_a_provider_are_kept_whatever_their_characters(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    for (number, odd) in [
        "\0",
        "a\0b",
        "\u{fdd0}",
        "\u{fdd0}0\0\u{fdd0}\u{fdd0}1",
        "\u{10ffff}",
    ]
    .into_iter()
    .enumerate()
    {
        let plan = format!("plan-{number}");
        let fence = driver.start(&plan, &["a"]).await?;
        let attempt = driver.attempt("a", &format!("{plan}/a"));
        driver.send(&fence, &attempt).await?;
        for _ in 0..2 {
            store.accepted(&fence, attempt.id, odd, driver.now()).await?;
        }
        let receipt = Receipt {
            media_type: odd.to_owned(),
            request_id: odd.to_owned(),
            headers: BTreeMap::from([(odd.to_owned(), odd.to_owned())]),
            ..driver.receipt(attempt.id)
        };
        for _ in 0..2 {
            store.received(&fence, attempt.id, &receipt).await?;
        }
        assert_eq!(store.receipts(attempt.id).await?, std::slice::from_ref(&receipt));
        let mut commit = driver.commit(&fence, &attempt);
        commit.image.provider_request_id = odd.to_owned();
        commit.image.revised_prompt = odd.to_owned();
        commit.image.model_version = odd.to_owned();
        commit.usage = BTreeMap::from([(odd.to_owned(), 7)]);
        store.commit(&fence, &commit).await?;

        let record = driver.execution(fence.execution).await?;
        let kept = record.steps.first().and_then(|step| step.attempts.first());
        let kept = there(kept, "the attempt")?;
        assert_eq!(
            (kept.job_id.as_str(), kept.provider_request_id.as_str()),
            (odd, odd)
        );
        assert_eq!(
            (kept.answer.as_ref(), &kept.usage),
            (Some(&receipt), &commit.usage)
        );
        let image = store.image(driver.client, commit.image.id).await?;
        assert_eq!(there(image, "the image")?, commit.image);

        let fence = driver.start(&format!("{plan}-refused"), &["a"]).await?;
        let refused = driver.attempt("a", &format!("{plan}-refused/a"));
        driver.send(&fence, &refused).await?;
        let mut end = driver.end(AttemptOutcome::Rejected);
        end.failure = Failure::new(end.failure.reason, odd).with("providerCode", odd);
        end.provider_request_id = odd.to_owned();
        store.end_attempt(&fence, refused.id, &end).await?;
        let record = driver.execution(fence.execution).await?;
        let kept = record.steps.first().and_then(|step| step.attempts.first());
        let kept = there(kept, "the refused attempt")?;
        assert_eq!(
            (kept.failure.as_ref(), kept.provider_request_id.as_str()),
            (Some(&end.failure), odd)
        );
    }
    driver.audit().await
}
