//! Who draws the picture of a step: this step, or somebody who did or does, and then it is waited for and reused.

use limn_proto::reason::Reason;

use super::end;
use crate::{
    failure::Failure,
    ids::{ExecutionId, ImageId},
    plan::Step,
    records::{Hold, ImageRecord, RecordError, Reuse, StepState, UnitGrant},
    run::{Left, Run, cancelled},
};

/// What waiting for a unit came to.
pub(super) enum Acquired {
    /// The step may draw.
    Unit,
    /// The picture is there.
    Picture(Box<ImageRecord>),
    /// Nothing here.
    Left(Left),
}

/// Waits until this step may draw target `first`, or the picture is there.
pub(super) async fn acquire(run: &Run<'_>, step: &Step, first: usize) -> Result<Acquired, RecordError> {
    let digests = step.render_digests();
    loop {
        let grant = run
            .records()
            .acquire_unit(&run.fence, &step.step_id, &digests, first)
            .await?;
        match grant {
            UnitGrant::Open => {
                run.go_on(step).await?;
                return Ok(Acquired::Unit);
            }
            UnitGrant::Completed(image) => {
                run.go_on(step).await?;
                return Ok(Acquired::Picture(image));
            }
            UnitGrant::Busy {
                execution,
                hold: hold @ (Hold::Unknown | Hold::Parked),
            } => {
                let failure = why_held(hold).with("execution", execution);
                // Asking the database costs little, and the wake-up of whoever knows more may have been missed.
                let settings = &run.inner.parts.settings;
                run.look_again(step, settings.unknown_grace.max(settings.poll));
                return end(run, step, StepState::NeedsDecision, failure)
                    .await
                    .map(Acquired::Left);
            }
            UnitGrant::Busy {
                execution,
                hold: Hold::Drawing,
            } => {
                if execution == run.fence.execution && run.deserted.is_cancelled() {
                    return Ok(Acquired::Left(Left::Stuck));
                }
                run.go_on(step).await?;
                if let Some(left) = wait_for(run, step, execution).await? {
                    return Ok(Acquired::Left(left));
                }
            }
        }
    }
}

/// Why a step waits without an end in sight.
fn why_held(hold: Hold) -> Failure {
    match hold {
        Hold::Parked => Failure::new(
            Reason::ExecutionPoisoned,
            "the execution that draws this picture is parked: unpark it or cancel it; a higher take draws another \
             picture",
        ),
        Hold::Unknown | Hold::Drawing => Failure::new(
            Reason::OutcomeUnknown,
            "an earlier call for this picture has an unknown outcome and may have been billed; \
             it is not sent again by itself: a higher take draws another picture",
        ),
    }
}

/// Waits for a change of the execution that draws the same picture.
async fn wait_for(run: &Run<'_>, step: &Step, holder: ExecutionId) -> Result<Option<Left>, RecordError> {
    let mut changes = run.inner.signals.subscribe(holder);
    run.inner.ask(holder);
    let _waiter = run.inner.awaited.wait(holder);
    tokio::select! {
        biased;
        () = run.stops.lost.cancelled() => Err(RecordError::Fenced),
        () = run.stops.cancelled.cancelled() => {
            end(run, step, StepState::Cancelled, cancelled()).await.map(Some)
        }
        () = run.inner.stopping.cancelled() => Ok(Some(Left::Paused)),
        () = run.interrupted.cancelled() => Ok(Some(Left::Paused)),
        () = run.deserted.cancelled(), if holder == run.fence.execution => Ok(None),
        // A closed channel wakes too; the next look tells.
        _ = changes.changed() => Ok(None),
        // A change between the look and the subscription is found here.
        () = run.inner.parts.clock.sleep(run.inner.parts.settings.poll) => Ok(None),
    }
}

/// Completes the step with a picture that was drawn before: a record of its own on the same bytes, at no cost. `step` is
/// the re-roll that it is a picture of.
pub(super) async fn reuse(
    run: &Run<'_>,
    step: &Step,
    earlier: ImageRecord,
    below_threshold: bool,
) -> Result<Left, RecordError> {
    let now = run.inner.parts.clock.now();
    // The same picture in the same session need not be looked at twice.
    let review = earlier
        .review
        .clone()
        .filter(|_| earlier.session_id == run.plan.session_id);
    let image = ImageRecord {
        id: ImageId::of_reroll(run.fence.execution, &step.step_id, step.reroll),
        execution: run.fence.execution,
        step_id: step.step_id.clone(),
        plan_digest: run.plan.digest.clone(),
        reused: true,
        rejected: false,
        review,
        description: step.description.clone(),
        session_id: run.plan.session_id.clone(),
        labels: step.labels.clone(),
        cost_nanos: Some(0),
        cost_source: None,
        created_at: now,
        updated_at: now,
        ..earlier
    };
    run.records()
        .complete_reused(
            &run.fence,
            &Reuse {
                image,
                below_threshold,
                now,
            },
        )
        .await?;
    run.notify();
    Ok(Left::Ended)
}
