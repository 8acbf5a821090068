//! Answers that came after the end of their execution: the picture is paid, so it is kept for the next order.

use std::time::Duration;

use crate::{
    executor::Inner,
    finish::{self, Drawing},
    records::{Find, RecordError, Salvage, Stranded},
    run::load_plan,
};

/// How many are looked up at once.
const PAGE: u32 = 50;

/// Books every answer to an unknown attempt of an execution that has ended. What cannot be booked now is tried again
/// the next time.
pub(crate) async fn all(inner: &Inner) -> Result<(), RecordError> {
    let mut after = None;
    loop {
        let stranded = inner.parts.records.stranded(after, PAGE).await?;
        let Some(last) = stranded.last() else {
            return Ok(());
        };
        after = Some(last.attempt.id);
        for found in &stranded {
            if inner.stopping.is_cancelled() {
                return Ok(());
            }
            match one(inner, found).await {
                Ok(true) => tracing::info!(
                    execution = %found.execution,
                    attempt = %found.attempt.id,
                    "an answer that came after the end of its execution was booked"
                ),
                Ok(false) => {}
                Err(error) => tracing::error!(
                    execution = %found.execution,
                    attempt = %found.attempt.id,
                    %error,
                    "an answer that came after the end of its execution could not be booked"
                ),
            }
        }
    }
}

/// False when there is nothing to book: the bytes are gone, the provider is not here, or somebody was faster.
async fn one(inner: &Inner, found: &Stranded) -> Result<bool, RecordError> {
    let Some(provider) = inner.parts.providers.get(&found.attempt.provider) else {
        return Ok(false);
    };
    let Some(answer) = finish::staged(inner, &found.answer).await? else {
        return Ok(false);
    };
    let plan = load_plan(inner.parts.records.as_ref(), &found.client, &found.plan_digest).await?;
    let step = plan.steps.iter().find(|step| step.step_id == found.step_id);
    let target = usize::try_from(found.attempt.target).ok();
    let target = step.and_then(|step| step.targets.get(target?));
    let (Some(step), Some(target)) = (step, target) else {
        let id = found.attempt.id;
        return Err(RecordError::Damaged(format!("attempt {id} has no target")));
    };
    let drawing = Drawing {
        inner,
        plan: &plan,
        execution: found.execution,
        take: found.take,
        step,
        target,
        provider,
        attempt: found.attempt.id,
    };
    let request_id = answer.request_id.clone();
    let (find, cost_nanos, cost_estimated) = match finish::develop(&drawing, answer).await? {
        Ok(picture) => {
            let generation_time = found
                .attempt
                .dispatched_at
                .map_or(Duration::ZERO, |dispatched| found.answer.at.since(dispatched));
            // Nobody can take this over; two that do the same write the same.
            let image =
                finish::store(&drawing, &inner.stopping, &picture, request_id, generation_time).await?;
            let (cost_nanos, cost_estimated) = (image.cost_nanos.unwrap_or_default(), image.cost_estimated);
            let find = Find::Image {
                image: Box::new(image),
                revised_prompt: picture.rendered.revised_prompt,
            };
            (find, cost_nanos, cost_estimated)
        }
        Err(flaw) => {
            let (failure, cost_nanos, cost_estimated) = flaw.settle(&drawing);
            (Find::Nothing(failure), cost_nanos, cost_estimated)
        }
    };
    let is_image = matches!(find, Find::Image { .. });
    let salvage = Salvage {
        execution: found.execution,
        answer: found.answer.clone(),
        find,
        cost_nanos,
        cost_estimated,
        now: inner.parts.clock.now(),
    };
    let booked = inner.parts.records.salvage(&salvage).await?;
    if booked && is_image {
        finish::tidy(inner, found.attempt.id).await;
    }
    Ok(booked)
}
