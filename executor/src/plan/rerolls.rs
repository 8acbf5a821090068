//! The re-rolls of a step: the same calls with the next seeds, all of them known beforehand.

use std::borrow::Cow;

use limn_proto::{plan as wire, reroll};

use super::{Step, Target};

/// How good every picture of a plan must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QualityGate {
    /// Least quality score that is taken, in basis points.
    pub min_score_bp: u32,
    /// A step that has no picture so good completes with the best of those it has; else it fails.
    pub accept_best: bool,
}

/// What tells the re-rolls of a target apart.
pub(super) fn digests(render: &wire::RenderSpec, most: u32) -> Vec<String> {
    (1..=most)
        .map(|number| limn_proto::digest::render_digest(&reroll::render(render, number)))
        .collect()
}

impl Step {
    /// The step as re-roll `number` draws it: every target with the seed and the digest of that drawing. Number zero is
    /// the step of the plan.
    pub(crate) fn rerolled(&self, number: u32) -> Cow<'_, Self> {
        if number == self.reroll {
            return Cow::Borrowed(self);
        }
        Cow::Owned(Self {
            reroll: number,
            targets: self
                .targets
                .iter()
                .map(|target| target.rerolled(number))
                .collect(),
            ..self.clone()
        })
    }

    /// What the targets send, in order, by digest.
    pub(crate) fn render_digests(&self) -> Vec<String> {
        let digests = self.targets.iter().map(|target| target.render_digest.clone());
        digests.collect()
    }

    /// Which re-roll of a target a digest names; nothing when it names none of this step.
    pub(crate) fn reroll_of(&self, target: u32, render_digest: &str) -> Option<u32> {
        let target = self.targets.get(usize::try_from(target).ok()?)?;
        if target.render_digest == render_digest {
            return Some(0);
        }
        let mut numbers = (1..).zip(&target.reroll_digests);
        numbers
            .find(|(_, digest)| *digest == render_digest)
            .map(|(number, _)| number)
    }
}

impl Target {
    fn rerolled(&self, number: u32) -> Self {
        let mut target = self.clone();
        let place = usize::try_from(number)
            .ok()
            .and_then(|number| number.checked_sub(1));
        if let Some(digest) = place.and_then(|place| self.reroll_digests.get(place)) {
            target.render.seed = reroll::seed(self.render.seed, number);
            target.render_digest.clone_from(digest);
        }
        target
    }
}
