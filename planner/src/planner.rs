//! Planning, from top to bottom.

use alloc::{format, string::String, vec::Vec};

use limn_proto::{
    digest::{PLAN_FORMAT, PLAN_REVISION, plan_digest},
    plan::{CostEstimate, CostLine, PlanSpec, RenderSpec, Step},
    reason::Reason,
    reroll,
    v1::{CheckPlanResponse, ImageGenerationPlan, PlanRequest},
};

use crate::{
    canonical,
    catalog::Catalog,
    check,
    error::{PlanError, Problems},
    money::{display_nanos, money, sum_nanos},
    request::{self, ImageWish, Work},
    stages::{
        cost::worst_case_nanos,
        fit::Target,
        notes::{self, targets},
        seed::Seeds,
        select::{Selection, Selector},
    },
};

/// Makes and checks plans with one catalog.
#[derive(Clone, Copy, Debug)]
pub struct Planner<'c> {
    catalog: &'c Catalog,
}

impl<'c> Planner<'c> {
    /// A planner that knows this catalog and nothing else.
    pub fn new(catalog: &'c Catalog) -> Self {
        Self { catalog }
    }

    /// Turns a request into a plan.
    ///
    /// # Errors
    /// Every problem of the request at once.
    pub fn plan(&self, request: &PlanRequest) -> Result<ImageGenerationPlan, PlanError> {
        let mut problems = Problems::default();
        let mut work = request::parse(request, self.catalog, &mut problems);
        let selections = self.select_all(&work, &mut problems);
        check_duplicate_spend(&work, &selections, &mut problems);
        problems.finish()?;

        let steps = draw_up_steps(self.catalog, &work, &selections);
        let kept_seeds = notes::kept_seeds(&work.policy, &steps);
        forbid_idle_rerolls(&mut work, &steps);
        let cost = estimate(self.catalog.currency(), &work, &steps, &selections)?;
        check_limit(&work, &cost)?;
        let spec = assemble(work, steps, cost);
        canonical::verify(&spec).map_err(broken_promise)?;

        let mut notes = notes::describe(self.catalog, &spec, &selections);
        notes.warnings.extend(kept_seeds);
        Ok(ImageGenerationPlan {
            digest: plan_digest(&spec),
            spec: Some(spec),
            notes: Some(notes),
        })
    }

    /// Says what the catalog would do differently from a plan. The expiry is checked only against a given
    /// time, in seconds since 1970.
    ///
    /// # Errors
    /// When the plan has no content or breaks its own rules. A digest that does not match is no error here:
    /// it is in the answer.
    pub fn check(
        &self,
        plan: &ImageGenerationPlan,
        as_of_unix: Option<i64>,
    ) -> Result<CheckPlanResponse, PlanError> {
        check::check(self.catalog, plan, as_of_unix)
    }

    /// Targets of every image. Images without any are left out; each of them has added a problem.
    fn select_all(&self, work: &Work, problems: &mut Problems) -> Vec<Selection<'c>> {
        let selector = Selector {
            catalog: self.catalog,
            client: &work.client,
            disable_fallback: work.policy.disable_fallback,
        };
        let select = |wish| selector.select(wish, problems);
        work.images.iter().filter_map(select).collect()
    }
}

/// A plan does not allow re-rolls that none of its steps can have.
fn forbid_idle_rerolls(work: &mut Work, steps: &[Step]) {
    if let Some(gate) = &mut work.policy.quality_gate {
        let most = steps.iter().map(|step| reroll::most(step, Some(gate))).max();
        gate.max_rerolls = most.unwrap_or(0);
    }
}

/// Sums the lines of all targets.
fn estimate(
    currency: &str,
    work: &Work,
    steps: &[Step],
    selections: &[Selection<'_>],
) -> Result<CostEstimate, PlanError> {
    let mut lines = Vec::new();
    for (wish, selection) in work.images.iter().zip(selections) {
        let targets = (0_u32..).zip(targets(selection));
        lines.extend(targets.map(|(index, target)| cost_line(currency, &wish.step_id, index, target)));
    }
    let expected = sum_nanos(
        selections
            .iter()
            .map(|selection| selection.primary.price.expected_nanos),
    );
    let gate = work.policy.quality_gate.as_ref();
    let most = steps.iter().zip(selections).map(|(step, selection)| {
        let ceilings = targets(selection).map(|target| target.price.ceiling_nanos);
        (ceilings.max().unwrap_or(0), reroll::most(step, gate))
    });
    let worst_case = worst_case_nanos(most, work.policy.max_duplicate_spend.as_ref());
    let too_large = || {
        let description = "the plan costs more than an amount of money can hold";
        PlanError::single(Reason::UnsupportedParameter, "work", description)
    };
    Ok(CostEstimate {
        expected: Some(money(currency, expected.ok_or_else(too_large)?)),
        worst_case: Some(money(currency, worst_case.ok_or_else(too_large)?)),
        lines,
    })
}

fn cost_line(currency: &str, step_id: &str, index: u32, target: &Target<'_>) -> CostLine {
    let price = &target.price;
    CostLine {
        step_id: step_id.into(),
        target: index,
        expected: Some(money(currency, price.expected_nanos)),
        attempt_ceiling: Some(money(currency, price.ceiling_nanos)),
        components: price
            .charges
            .iter()
            .map(|charge| charge.to_component(currency))
            .collect(),
    }
}

/// Refuses a limit of what may be spent again that could not pay for one picture: the policy would do nothing.
fn check_duplicate_spend(work: &Work, selections: &[Selection<'_>], problems: &mut Problems) {
    let dearest = selections.iter().flat_map(targets);
    let dearest = dearest.max_by_key(|target| target.price.ceiling_nanos);
    let (Some(limit), Some(dearest)) = (&work.policy.max_duplicate_spend, dearest) else {
        return;
    };
    let ceiling_nanos = dearest.price.ceiling_nanos;
    if limit.nanos >= ceiling_nanos {
        return;
    }
    let currency = &limit.currency_code;
    let description = format!(
        "is {}, but one attempt at {} {} can be billed {}; allow at least that, or choose another on_unknown",
        display_nanos(limit.nanos, currency),
        dearest.provider.id,
        dearest.model.id,
        display_nanos(ceiling_nanos, currency)
    );
    problems.add(Reason::InvalidRequest, "policy.max_duplicate_spend", description);
    problems.note("ceilingNanos", format!("{ceiling_nanos}"));
}

/// Refuses a plan whose expected cost is above the limit of the request.
fn check_limit(work: &Work, cost: &CostEstimate) -> Result<(), PlanError> {
    let (Some(limit), Some(expected)) = (&work.policy.max_cost, &cost.expected) else {
        return Ok(());
    };
    if expected.nanos <= limit.nanos {
        return Ok(());
    }
    let currency = &limit.currency_code;
    let description = format!(
        "is {}, but the plan is expected to cost {}",
        display_nanos(limit.nanos, currency),
        display_nanos(expected.nanos, currency)
    );
    Err(
        PlanError::single(Reason::MaxCostExceeded, "policy.max_cost", description)
            .with("estimateNanos", format!("{}", expected.nanos))
            .with("maxNanos", format!("{}", limit.nanos))
            .with("currency", currency.clone()),
    )
}

fn draw_up_steps(catalog: &Catalog, work: &Work, selections: &[Selection<'_>]) -> Vec<Step> {
    let mut seeds = Seeds::new(work.variation);
    let mut steps = Vec::with_capacity(selections.len());
    for (wish, selection) in work.images.iter().zip(selections) {
        let seed = seeds.next(wish.seed.or(wish.derived_seed), &selection.primary.render);
        let seeded = |target: &Target<'_>| RenderSpec {
            seed,
            ..target.render.clone()
        };
        steps.push(step(catalog, wish, targets(selection).map(seeded).collect()));
    }
    steps
}

fn step(catalog: &Catalog, wish: &ImageWish, targets: Vec<RenderSpec>) -> Step {
    Step {
        step_id: wish.step_id.clone(),
        image_type: wish.image_type.into(),
        targets,
        thumbnails: catalog.thumbnails().to_vec(),
        alt_text: wish.alt_text.clone(),
        caption: wish.caption.clone(),
        labels: wish.labels.clone(),
        post_id: wish.post_id.clone(),
        prompt_id: wish.prompt_id.clone(),
        original_prompt: wish.original_prompt.clone(),
        section_title: wish.section_title.clone(),
        position: wish.position,
        importance: wish.importance.into(),
        slot: wish.slot,
        view: wish.view.clone(),
        anchors: wish
            .continuity
            .anchors
            .iter()
            .map(|anchor| anchor.name.clone())
            .collect(),
    }
}

fn assemble(work: Work, steps: Vec<Step>, cost: CostEstimate) -> PlanSpec {
    PlanSpec {
        format: PLAN_FORMAT.into(),
        revision: PLAN_REVISION,
        client: work.client,
        session_id: work.session_id,
        kind: work.kind.into(),
        steps,
        policy: Some(work.policy),
        cost: Some(cost),
        labels: work.labels,
        variation: work.variation,
        not_after_unix: work.not_after_unix,
        document: work.document,
    }
}

/// A plan that breaks its own rules is a bug, whatever rule it is.
fn broken_promise(error: PlanError) -> PlanError {
    let message: String = format!("the planner made a plan that is not canonical: {}", error.message);
    PlanError {
        reason: Reason::Internal,
        message,
        ..error
    }
}
