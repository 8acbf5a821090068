//! Holds a plan against a catalog that may be newer than the one it was made with.
//!
//! Every pinned target is looked up, validated and priced again. What would fail, or cost more than was
//! approved, is blocking; what became cheaper is information.

use alloc::{format, string::String, vec::Vec};

use limn_proto::{
    digest::plan_digest,
    plan::{CostLine, Money, Reference, RenderSpec, SeedMode},
    v1::{CheckPlanResponse, Drift, DriftKind, ImageGenerationPlan},
};

use crate::{
    canonical,
    catalog::{Catalog, Model, NegativePrompt, Size, Styles},
    error::PlanError,
    money::{display, display_nanos},
    stages::{cost, settings, shape},
    text::char_count,
};

/// See [`Planner::check`](crate::Planner::check).
pub(crate) fn check(
    catalog: &Catalog,
    plan: &ImageGenerationPlan,
    as_of_unix: Option<i64>,
) -> Result<CheckPlanResponse, PlanError> {
    let spec = plan.spec.as_ref().ok_or_else(canonical::missing_spec)?;
    canonical::verify(spec)?;
    let mut drifts = Vec::new();
    let lines = spec
        .cost
        .as_ref()
        .map(|cost| cost.lines.as_slice())
        .unwrap_or_default();
    // A canonical plan has one line for each target, in the same order.
    let targets = spec.steps.iter().flat_map(|step| &step.targets);
    for (render, line) in targets.zip(lines) {
        drifts.extend(drifts_of(catalog, render, line));
    }
    if let Some(as_of) = as_of_unix
        && spec.not_after_unix > 0
        && as_of > spec.not_after_unix
    {
        let (planned, current) = (format!("{}", spec.not_after_unix), format!("{as_of}"));
        drifts.push(Drift {
            step_id: String::new(),
            target: 0,
            kind: DriftKind::Expired.into(),
            planned,
            current,
            blocking: true,
        });
    }
    let computed_digest = plan_digest(spec);
    let digest_matches = plan.digest.is_empty() || plan.digest == computed_digest;
    let executable = digest_matches && !drifts.iter().any(|drift| drift.blocking);
    Ok(CheckPlanResponse {
        computed_digest,
        digest_matches,
        executable,
        drifts,
    })
}

/// Collects the drifts of one target.
struct Drifts<'l> {
    line: &'l CostLine,
    found: Vec<Drift>,
}

impl Drifts<'_> {
    fn add(
        &mut self,
        kind: DriftKind,
        blocking: bool,
        planned: impl Into<String>,
        current: impl Into<String>,
    ) {
        self.found.push(Drift {
            step_id: self.line.step_id.clone(),
            target: self.line.target,
            kind: kind.into(),
            planned: planned.into(),
            current: current.into(),
            blocking,
        });
    }

    /// A field of the target that the model no longer takes, when `still` is false.
    fn limit(&mut self, still: bool, field: &str, planned: impl Into<String>, model: &Model) {
        if !still {
            let planned = format!("{field}: {}", planned.into());
            self.add(DriftKind::Limit, true, planned, settings::offered(model, field));
        }
    }
}

fn drifts_of(catalog: &Catalog, render: &RenderSpec, line: &CostLine) -> Vec<Drift> {
    let mut drifts = Drifts {
        line,
        found: Vec::new(),
    };
    let planned = format!("{} {}", render.provider, render.model);
    let provider = catalog.provider(&render.provider);
    let Some((provider, model)) =
        provider.and_then(|provider| Some((provider, provider.model(&render.model)?)))
    else {
        let retired = catalog.retired(Some(&render.provider), &render.model);
        let current = retired.map(|retired| format!("{} {}", retired.provider, retired.replacement));
        drifts.add(DriftKind::ModelGone, true, planned, current.unwrap_or_default());
        return drifts.found;
    };
    if !provider.enabled {
        drifts.add(
            DriftKind::ProviderDisabled,
            true,
            planned,
            provider.disabled_reason.clone(),
        );
    }
    if model.revision != render.model_revision {
        drifts.add(
            DriftKind::ModelRevision,
            true,
            render.model_revision.clone(),
            model.revision.clone(),
        );
    }
    limits(model, render, &mut drifts);
    prices(catalog.currency(), model, render, &mut drifts);
    drifts.found
}

fn limits(model: &Model, render: &RenderSpec, drifts: &mut Drifts<'_>) {
    let chars = char_count(&render.prompt);
    let prompt_fits = u32::try_from(chars).is_ok_and(|chars| chars <= model.max_prompt_chars);
    drifts.limit(prompt_fits, "prompt", format!("{chars} characters"), model);

    let native = model.negative_prompt == NegativePrompt::Native;
    let negative_prompt_fits = render.negative_prompt.is_empty() || native;
    drifts.limit(
        negative_prompt_fits,
        "negative_prompt",
        "in a field of its own",
        model,
    );

    let size = Size::new(render.width_px, render.height_px);
    let size_fits =
        shape::is_offered(&model.sizes, size) && shape::token(&model.sizes, size) == render.size_token;
    drifts.limit(size_fits, "width_px", format!("{size} px"), model);

    let quality = model.qualities.effective(render.quality());
    let token = quality.and_then(|quality| model.qualities.tokens.get(&quality));
    let quality_fits = token.map_or("", String::as_str) == render.quality_token;
    drifts.limit(quality_fits, "quality", render.quality_token.as_str(), model);

    let style_fits = match &model.styles {
        Styles::Tokens(tokens) => {
            tokens.get(&render.style()).map_or("", String::as_str) == render.style_token
        }
        Styles::Phrase | Styles::Unsupported => render.style_token.is_empty(),
    };
    drifts.limit(style_fits, "style", render.style_token.as_str(), model);

    let seed_sent = matches!(render.seed_mode(), SeedMode::Given | SeedMode::Derived);
    drifts.limit(
        !seed_sent || model.takes_seed,
        "seed",
        format!("{}", render.seed),
        model,
    );

    let guidance_fits = render.guidance_milli.is_none_or(|milli| {
        model
            .guidance
            .is_some_and(|range| (range.min_milli..=range.max_milli).contains(&milli))
    });
    let guidance = render.guidance_milli.map(crate::catalog::milli);
    drifts.limit(guidance_fits, "guidance", guidance.unwrap_or_default(), model);

    drifts.limit(
        model.formats.contains(&render.media_type),
        "media_type",
        render.media_type.as_str(),
        model,
    );

    for option in &render.options {
        let taken = model
            .options
            .get(&option.key)
            .is_some_and(|values| values.contains(&option.value));
        drifts.limit(
            taken,
            "options",
            format!("{}={}", option.key, option.value),
            model,
        );
    }

    let references = &render.references;
    let references_fit = references.is_empty()
        || model.references.as_ref().is_some_and(|rule| {
            let max_count = usize::try_from(rule.max_count).unwrap_or(usize::MAX);
            let is_taken = |reference: &Reference| rule.media_types.contains(&reference.media_type);
            references.len() <= max_count && references.iter().all(is_taken)
        });
    drifts.limit(
        references_fit,
        "references",
        format!("{}", references.len()),
        model,
    );
}

/// Compares unit prices and the ceiling. Quantities follow from the model and show in the ceiling.
fn prices(currency: &str, model: &Model, render: &RenderSpec, drifts: &mut Drifts<'_>) {
    let line = drifts.line;
    let Ok(now) = cost::price(model, render) else {
        let planned = line.attempt_ceiling.as_ref().map(display).unwrap_or_default();
        drifts.add(DriftKind::Price, true, planned, "");
        return;
    };
    let ceiling = line.attempt_ceiling.as_ref();
    compare_amounts("attempt", ceiling, now.ceiling_nanos, currency, drifts);
    for component in &line.components {
        match now.charges.iter().find(|charge| charge.unit == component.unit) {
            Some(charge) => {
                let planned = component.unit_price.as_ref();
                compare_amounts(charge.unit, planned, charge.unit_price_nanos, currency, drifts);
            }
            // What is no longer billed costs nobody more.
            None => {
                let planned = component.unit_price.as_ref().map(display).unwrap_or_default();
                drifts.add(
                    DriftKind::Price,
                    false,
                    format!("{planned} per {}", component.unit),
                    "",
                );
            }
        }
    }
    for charge in &now.charges {
        if !line
            .components
            .iter()
            .any(|component| component.unit == charge.unit)
        {
            let current = format!(
                "{} per {}",
                display_nanos(charge.unit_price_nanos, currency),
                charge.unit
            );
            drifts.add(DriftKind::Price, true, "", current);
        }
    }
}

fn compare_amounts(
    unit: &str,
    planned: Option<&Money>,
    now_nanos: i64,
    currency: &str,
    drifts: &mut Drifts<'_>,
) {
    let Some(planned) = planned else { return };
    // Amounts of different currencies cannot be compared, so nobody can say that it did not rise.
    let comparable = planned.currency_code == currency;
    if comparable && planned.nanos == now_nanos {
        return;
    }
    let blocking = !comparable || now_nanos > planned.nanos;
    let current = format!("{} per {unit}", display_nanos(now_nanos, currency));
    drifts.add(
        DriftKind::Price,
        blocking,
        format!("{} per {unit}", display(planned)),
        current,
    );
}
