//! Re-rolls: the further drawings of a step whose picture is not good enough, all of them known beforehand.

use crate::plan::{QualityGate, RenderSpec, SeedMode, Step};

/// Most re-rolls of a step that a plan may allow.
pub const MAX_REROLLS: u32 = 10;
/// Highest quality score, in basis points.
pub const MAX_SCORE_BP: u32 = 10_000;
/// Seeds have 31 bits.
const SEED_BITS: u32 = 0x7fff_ffff;

/// How often a step may be drawn again because of the quality of its pictures. Never where a seed was given: another
/// seed would not be what was asked for.
pub fn most(step: &Step, gate: Option<&QualityGate>) -> u32 {
    let is_given = |render: &RenderSpec| render.seed_mode() == SeedMode::Given;
    match gate {
        Some(gate) if !step.targets.iter().any(is_given) => gate.max_rerolls,
        _ => 0,
    }
}

/// The seed of re-roll `number`; zero is the first drawing.
pub fn seed(seed: u32, number: u32) -> u32 {
    seed.wrapping_add(number) & SEED_BITS
}

/// What re-roll `number` of a target sends: the same call with the next seed.
pub fn render(render: &RenderSpec, number: u32) -> RenderSpec {
    RenderSpec {
        seed: seed(render.seed, number),
        ..render.clone()
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    fn step(modes: &[SeedMode]) -> Step {
        let target = |mode: &SeedMode| RenderSpec {
            seed_mode: (*mode).into(),
            ..RenderSpec::default()
        };
        Step {
            targets: modes.iter().map(target).collect(),
            ..Step::default()
        }
    }

    #[test]
    fn the_seed_goes_on_and_begins_again_after_the_last_one() {
        assert_eq!(seed(7, 0), 7);
        assert_eq!(seed(7, 2), 9);
        assert_eq!(seed(0x7fff_ffff, 1), 0);
        assert_eq!(seed(0x7fff_fffe, 3), 1);
    }

    #[test]
    fn a_reroll_is_the_same_call_with_another_seed_and_digest() {
        let first = RenderSpec {
            prompt: "a fox".into(),
            seed: 41,
            ..RenderSpec::default()
        };
        let again = render(&first, 1);
        assert_eq!(again.seed, 42);
        assert_eq!(
            RenderSpec {
                seed: 41,
                ..again.clone()
            },
            first
        );
        assert_eq!(render(&first, 0), first);
        assert_ne!(
            crate::digest::render_digest(&again),
            crate::digest::render_digest(&first)
        );
    }

    #[test]
    fn a_given_seed_is_never_exchanged() {
        let gate = QualityGate {
            min_score_bp: 6000,
            max_rerolls: 3,
            accept_best: false,
        };
        let (derived, given, unsupported) = (SeedMode::Derived, SeedMode::Given, SeedMode::Unsupported);
        for (modes, allowed) in [
            (vec![derived], 3),
            (vec![unsupported, derived], 3),
            (vec![given], 0),
            (vec![unsupported, given], 0),
        ] {
            assert_eq!(most(&step(&modes), Some(&gate)), allowed, "{modes:?}");
            assert_eq!(most(&step(&modes), None), 0);
        }
    }
}
