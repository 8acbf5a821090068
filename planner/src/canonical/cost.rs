//! Rules of the cost: one line for each target, and sums that are right.

use alloc::format;

use limn_proto::{
    plan::{CostComponent, CostEstimate, CostLine, PlanSpec},
    reroll,
};

use super::rules::Rules;
use crate::{
    money::{amount_nanos, sum_nanos},
    stages::cost::{unit, worst_case_nanos},
};

/// Checks the cost against the steps of the plan.
pub(super) fn check(spec: &PlanSpec, currency: &str, rules: &mut Rules<'_>) {
    let Some(cost) = &spec.cost else {
        rules.broken("cost", "is missing");
        return;
    };
    let expected = rules.money("cost.expected", cost.expected.as_ref(), currency);
    let worst_case = rules.money("cost.worst_case", cost.worst_case.as_ref(), currency);
    for (index, line) in cost.lines.iter().enumerate() {
        check_line(&format!("cost.lines[{index}]"), line, currency, rules);
    }
    let targets = spec.steps.iter().flat_map(|step| {
        (0_u32..)
            .zip(&step.targets)
            .map(|(index, _)| (step.step_id.as_str(), index))
    });
    if !targets.eq(cost.lines.iter().map(|line| (line.step_id.as_str(), line.target))) {
        rules.broken(
            "cost.lines",
            "must be one for each target, in order of steps and targets",
        );
        return;
    }
    rules.hold(
        expected == sum_of_primaries(cost),
        "cost.expected",
        "is not the sum of the primary targets",
    );
    rules.hold(
        worst_case == most(spec, cost),
        "cost.worst_case",
        "is not the sum of the dearest ceilings of the steps, of their re-rolls, and of what may be spent again",
    );
}

fn check_line(path: &str, line: &CostLine, currency: &str, rules: &mut Rules<'_>) {
    let expected = rules.money(&format!("{path}.expected"), line.expected.as_ref(), currency);
    let ceiling = rules.money(
        &format!("{path}.attempt_ceiling"),
        line.attempt_ceiling.as_ref(),
        currency,
    );
    rules.hold(
        ceiling >= expected,
        &format!("{path}.attempt_ceiling"),
        "is below the expected amount",
    );
    rules.hold(
        !line.components.is_empty(),
        &format!("{path}.components"),
        "are missing",
    );
    let mut before = "";
    for (index, component) in line.components.iter().enumerate() {
        let path = format!("{path}.components[{index}]");
        rules.hold(
            before < component.unit.as_str(),
            &path,
            "must be in strictly ascending order of the unit",
        );
        before = &component.unit;
        check_component(&path, component, currency, rules);
    }
    let amounts = line
        .components
        .iter()
        .map(|component| nanos(component.amount.as_ref()));
    rules.hold(
        sum_nanos(amounts) == expected,
        &format!("{path}.expected"),
        "is not the sum of the components",
    );
}

fn check_component(path: &str, component: &CostComponent, currency: &str, rules: &mut Rules<'_>) {
    let known = unit::ALL.contains(&component.unit.as_str());
    rules.hold(known, &format!("{path}.unit"), "is no unit of a cost");
    let price = rules.money(
        &format!("{path}.unit_price"),
        component.unit_price.as_ref(),
        currency,
    );
    let amount = rules.money(&format!("{path}.amount"), component.amount.as_ref(), currency);
    rules.hold(
        component.quantity_milli >= 0,
        &format!("{path}.quantity_milli"),
        "is negative",
    );
    let right = price.and_then(|price| amount_nanos(component.quantity_milli, price));
    rules.hold(
        amount == right,
        &format!("{path}.amount"),
        "is not quantity times price, rounded up",
    );
}

fn sum_of_primaries(cost: &CostEstimate) -> Option<i64> {
    let primaries = cost.lines.iter().filter(|line| line.target == 0);
    sum_nanos(primaries.map(|line| nanos(line.expected.as_ref())))
}

/// The lines stand in order of the steps, so each step takes its targets from the front.
fn most(spec: &PlanSpec, cost: &CostEstimate) -> Option<i64> {
    let policy = spec.policy.as_ref();
    let gate = policy.and_then(|policy| policy.quality_gate.as_ref());
    let mut lines = cost.lines.iter();
    let steps = spec.steps.iter().map(|step| {
        let own = lines.by_ref().take(step.targets.len());
        let ceilings = own.map(|line| nanos(line.attempt_ceiling.as_ref()));
        (ceilings.max().unwrap_or(0), reroll::most(step, gate))
    });
    worst_case_nanos(
        steps,
        policy.and_then(|policy| policy.max_duplicate_spend.as_ref()),
    )
}

/// Nanos of an amount; a missing one was reported already.
fn nanos(money: Option<&limn_proto::plan::Money>) -> i64 {
    money.map_or(0, |money| money.nanos)
}
