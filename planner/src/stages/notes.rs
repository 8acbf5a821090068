//! What stands beside a plan: choices, warnings, render digests and the fate of every requested field.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    format,
    string::String,
    vec::Vec,
};

use limn_proto::{
    digest::render_digest,
    plan::{PlanKind, PlanSpec, RunPolicy, SeedMode, Step},
    reroll,
    v1::{Choice, FidelityNote, PlanNotes, StepRender, Warning},
};

use super::{fit::Target, select::Selection};
use crate::{catalog::Catalog, catalog::Size, money::display};

/// Describes how the plan came about. The selections are those of its steps, in order.
pub(crate) fn describe(catalog: &Catalog, spec: &PlanSpec, selections: &[Selection<'_>]) -> PlanNotes {
    let mut notes = PlanNotes {
        catalog_digest: catalog.digest().into(),
        planner_build: env!("CARGO_PKG_VERSION").into(),
        warnings: cost_warnings(spec).into_iter().collect(),
        ..PlanNotes::default()
    };
    notes.warnings.extend(model_warnings(selections));
    notes.warnings.extend(same_pictures(spec));
    notes.warnings.extend(mixed_views(spec));
    for (step, selection) in spec.steps.iter().zip(selections) {
        notes.choices.push(choice(&step.step_id, selection));
        notes.warnings.extend(step_warnings(&step.step_id, selection));
        for (target, render) in (0_u32..).zip(&step.targets) {
            let render_digest = render_digest(render);
            notes.renders.push(StepRender {
                step_id: step.step_id.clone(),
                target,
                render_digest,
            });
        }
        for (target, fitted) in (0_u32..).zip(targets(selection)) {
            notes
                .fidelity
                .extend(fitted.notes.iter().map(|note| FidelityNote {
                    step_id: step.step_id.clone(),
                    target,
                    field: note.field.name().into(),
                    outcome: note.outcome.into(),
                    detail: note.detail.clone(),
                }));
        }
    }
    notes
}

/// Targets of a step, the primary first.
pub(crate) fn targets<'s, 'c>(selection: &'s Selection<'c>) -> impl Iterator<Item = &'s Target<'c>> {
    core::iter::once(&selection.primary).chain(&selection.fallbacks)
}

fn choice(step_id: &str, selection: &Selection<'_>) -> Choice {
    Choice {
        step_id: step_id.into(),
        reason: selection.reason.into(),
        explanation: selection.explanation.clone(),
        provider: selection.primary.provider.id.clone(),
        model: selection.primary.model.id.clone(),
        passed_over: selection.passed_over.clone(),
    }
}

fn warning(step_id: &str, code: &str, message: String) -> Warning {
    Warning {
        step_id: step_id.into(),
        code: code.into(),
        message,
    }
}

fn cost_warnings(spec: &PlanSpec) -> Option<Warning> {
    let limit = spec.policy.as_ref()?.max_cost.as_ref()?;
    let worst_case = spec.cost.as_ref()?.worst_case.as_ref()?;
    let message = format!(
        "the plan can cost up to {}, and max_cost stops it at {}; some pictures may not be drawn",
        display(worst_case),
        display(limit)
    );
    (worst_case.nanos > limit.nanos).then(|| warning("", "COST_LIMIT_TIGHT", message))
}

/// Steps that keep the seed that was given for them, although the request allows re-rolls.
pub(crate) fn kept_seeds(policy: &RunPolicy, steps: &[Step]) -> Vec<Warning> {
    let gate = policy.quality_gate.filter(|gate| gate.max_rerolls > 0);
    let Some(gate) = gate else {
        return Vec::new();
    };
    let keep = steps.iter().filter(|step| reroll::most(step, Some(&gate)) == 0);
    let message = "its seed was given, so it is never re-rolled: another seed would be another picture; \
                   leave the seed out to allow it";
    keep.map(|step| warning(&step.step_id, "REROLLS_NEED_A_FREE_SEED", message.into()))
        .collect()
}

/// Warnings about a model stand once, for the whole plan.
fn model_warnings(selections: &[Selection<'_>]) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let mut seen = BTreeSet::new();
    for target in selections.iter().flat_map(targets) {
        let (provider, model) = (target.provider.id.as_str(), target.model.id.as_str());
        if !seen.insert((provider, model)) {
            continue;
        }
        if target.render.seed_mode() == SeedMode::Unsupported {
            let message = format!("{provider} {model} takes no seed: its pictures cannot be repeated");
            warnings.push(warning("", "SEED_NOT_SUPPORTED", message));
        }
        if !target.model.shutdown_date.is_empty() {
            let message = format!("{provider} shuts {model} down on {}", target.model.shutdown_date);
            warnings.push(warning("", "MODEL_SHUTDOWN_ANNOUNCED", message));
        }
    }
    warnings
}

/// Steps that ask for a call that an earlier step makes too, as equal prompts with one given seed do.
fn same_pictures(spec: &PlanSpec) -> Vec<Warning> {
    let mut first_with: BTreeMap<String, &str> = BTreeMap::new();
    let mut warnings = Vec::new();
    for step in &spec.steps {
        let Some(primary) = step.targets.first() else {
            continue;
        };
        let digest = render_digest(primary);
        if let Some(first) = first_with.get(&digest) {
            let message =
                format!("it asks for the same picture as {first}, seed included: one drawing serves both");
            warnings.push(warning(&step.step_id, "SAME_PICTURE", message));
        } else {
            first_with.insert(digest, &step.step_id);
        }
    }
    warnings
}

/// A view set that several models draw: one seed does not make their pictures alike.
fn mixed_views(spec: &PlanSpec) -> Option<Warning> {
    if spec.kind() != PlanKind::ViewSet {
        return None;
    }
    let primaries = spec.steps.iter().filter_map(|step| step.targets.first());
    let models = primaries.map(|render| format!("{} {}", render.provider, render.model));
    let models: BTreeSet<String> = models.collect();
    let names = models.iter().cloned().collect::<Vec<_>>().join(", ");
    let message = format!("its views are drawn by {names}, so they may look different; name one provider");
    (models.len() > 1).then(|| warning("", "VIEWS_BY_SEVERAL_MODELS", message))
}

fn step_warnings(step_id: &str, selection: &Selection<'_>) -> Vec<Warning> {
    let mut warnings = Vec::new();
    for target in targets(selection) {
        let size = Size::new(target.render.width_px, target.render.height_px);
        if target
            .model
            .experimental_above_pixels
            .is_some_and(|most| size.pixels() > most)
        {
            let message = format!(
                "{size} px is experimental at {} {}",
                target.provider.id, target.model.id
            );
            warnings.push(warning(step_id, "SIZE_EXPERIMENTAL", message));
        }
    }
    let dropped = selection.dropped_fallbacks.iter();
    warnings.extend(dropped.map(|message| warning(step_id, "FALLBACK_DROPPED", message.clone())));
    warnings
}
