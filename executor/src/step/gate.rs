//! The quality gate of a step: pictures that were paid and are too bad for it, and what becomes of it when there is
//! none that is good enough.

use limn_proto::{percent, reason::Reason};

use super::{Progress, end, unit::reuse};
use crate::{
    failure::Failure,
    plan::{QualityGate, Step},
    records::{ImageRecord, RecordError, StepState, UnitGrant},
    run::{Left, Run},
    score,
};

/// A picture that is too bad, and which re-roll of the step it is.
#[derive(Debug)]
pub(super) struct Rejected {
    pub(super) reroll: u32,
    pub(super) image: ImageRecord,
}

/// What a picture that exists means for the step.
pub(super) enum Judgement {
    /// It completed the step.
    Taken(Left),
    /// It is too bad.
    Rejected(Box<ImageRecord>),
}

/// Takes a picture that was drawn before, when it is good enough. `step` is the re-roll that it is a picture of.
pub(super) async fn judge(
    run: &Run<'_>,
    step: &Step,
    progress: &mut Progress,
    mut image: ImageRecord,
) -> Result<Judgement, RecordError> {
    if run.plan.policy.quality_gate.is_none() {
        return reuse(run, step, image, false).await.map(Judgement::Taken);
    }
    image.quality_score_bp = score::of_stored(run.inner, &image).await?;
    if !score::is_too_low(run.plan, image.quality_score_bp) {
        return reuse(run, step, image, false).await.map(Judgement::Taken);
    }
    // Bad quality is no reason to go on at another target than the one that drew.
    let mut digests = step.targets.iter().map(|target| &target.render_digest);
    if let Some(target) = digests.position(|digest| *digest == image.render_digest) {
        progress.target = target;
    }
    Ok(Judgement::Rejected(Box::new(image)))
}

/// Pictures of the first `count` drawings of the step. They exist, or were deleted: what comes after them has begun, so
/// none of them is drawn now.
pub(super) async fn earlier(run: &Run<'_>, step: &Step, count: u32) -> Result<Vec<Rejected>, RecordError> {
    let mut pictures = Vec::new();
    if run.plan.policy.quality_gate.is_none() {
        return Ok(pictures);
    }
    for reroll in 0..count {
        let digests = step.rerolled(reroll).render_digests();
        let grant = run
            .records()
            .acquire_unit(&run.fence, &step.step_id, &digests, 0)
            .await?;
        if let UnitGrant::Completed(mut image) = grant {
            image.quality_score_bp = score::of_stored(run.inner, &image).await?;
            pictures.push(Rejected {
                reroll,
                image: *image,
            });
        }
    }
    Ok(pictures)
}

/// Nothing more is drawn: the step completes with the best of its pictures where the plan takes that, or fails. Without
/// any it ends as `otherwise` says, which is why nothing more is drawn. Nothing: every re-roll was made.
pub(super) async fn settle(
    run: &Run<'_>,
    step: &Step,
    pictures: Vec<Rejected>,
    otherwise: Option<(StepState, Failure)>,
) -> Result<Left, RecordError> {
    let (gate, best) = (run.plan.policy.quality_gate, best(&pictures));
    let (Some(gate), Some(best)) = (gate, best) else {
        let (state, failure) = otherwise.unwrap_or_else(|| {
            let failure = Failure::new(Reason::Internal, "a step without a picture has no reason to end");
            (StepState::Failed, failure)
        });
        return end(run, step, state, failure).await;
    };
    let stopped_by = otherwise.map(|(_, failure)| failure);
    let is_low = score::is_too_low(run.plan, best.image.quality_score_bp);
    if gate.accept_best || !is_low {
        tracing::info!(
            execution = %run.fence.execution,
            step = step.step_id,
            quality_score_bp = best.image.quality_score_bp,
            reroll = best.reroll,
            stopped_by = stopped_by.as_ref().map(|failure| failure.reason.as_str()),
            "the best picture is taken"
        );
        return take(run, step, best, is_low).await;
    }
    let failure = failure(gate, &pictures, best, stopped_by.as_ref());
    end(run, step, StepState::Failed, failure).await
}

/// Completes the step with a picture that was rejected before.
async fn take(run: &Run<'_>, step: &Step, best: &Rejected, is_low: bool) -> Result<Left, RecordError> {
    run.go_on(step).await?;
    let image = &best.image;
    let is_own = image.execution == run.fence.execution && image.step_id == step.step_id && image.rejected;
    if !is_own {
        return reuse(run, &step.rerolled(best.reroll), image.clone(), is_low).await;
    }
    let now = run.inner.parts.clock.now();
    run.records()
        .complete_rejected(&run.fence, &step.step_id, image.id, now)
        .await?;
    run.notify();
    Ok(Left::Ended)
}

/// The picture with the highest score; of several the first.
fn best(pictures: &[Rejected]) -> Option<&Rejected> {
    let better =
        |best: &'_ Rejected, other: &'_ Rejected| other.image.quality_score_bp > best.image.quality_score_bp;
    pictures
        .iter()
        .reduce(|best, other| if better(best, other) { other } else { best })
}

fn failure(
    gate: QualityGate,
    pictures: &[Rejected],
    best: &Rejected,
    stopped_by: Option<&Failure>,
) -> Failure {
    let score_bp = best.image.quality_score_bp;
    let names: Vec<String> = pictures
        .iter()
        .map(|picture| score::name(&picture.image))
        .collect();
    let why = stopped_by.map_or_else(String::new, |failure| {
        format!("; no other was drawn, because {}", failure.message)
    });
    let message = format!(
        "no picture is good enough: the best of {} scores {}, and the plan takes {}{why}; what was paid is kept, and used \
         when you plan again with more re-rolls, a lower min_score_bp or accept_best",
        pictures.len(),
        score::shown(score_bp),
        percent::show(gate.min_score_bp),
    );
    let rerolls = pictures.iter().map(|picture| picture.reroll).max();
    let mut failure = Failure::new(Reason::QualityBelowThreshold, message)
        .with("minScoreBp", gate.min_score_bp)
        .with("rerolls", rerolls.unwrap_or(0))
        .with("images", names.join(","));
    if let Some(score_bp) = score_bp {
        failure = failure.with("bestScoreBp", score_bp);
    }
    match stopped_by {
        Some(stopped_by) => failure.with("stoppedBy", stopped_by.reason.as_str()),
        None => failure,
    }
}
