//! Every unit of work ends, and every state follows from those below it.

use std::collections::BTreeMap;

use super::facts::{Attempt, Execution, Facts, Step};
use crate::stage::Stage;

pub(super) fn check(stage: &Stage, facts: &Facts) {
    let mut steps: BTreeMap<&str, Vec<&Step>> = BTreeMap::new();
    for step in &facts.steps {
        steps.entry(&step.execution).or_default().push(step);
    }
    for (id, execution) in &facts.executions {
        let steps = steps.remove(id.as_str()).unwrap_or_default();
        if let Err(why) = check_execution(execution, &steps) {
            stage.find(format!("execution {id} is {}: {why}", execution.state));
        }
    }
    for attempt in &facts.attempts {
        if !is_ended(attempt) {
            stage.find(format!("attempt {} is left {}", attempt.id, attempt.state));
        }
    }
    check_units(stage, facts);
}

fn check_execution(execution: &Execution, steps: &[&Step]) -> Result<(), String> {
    // An ended one remembers who ended it; a parked one waits for anybody.
    if let Some(owner) = execution
        .owner
        .as_ref()
        .filter(|_| execution.state == "needs_decision")
    {
        return Err(format!("it is still owned by {owner}"));
    }
    let count = |state: &str| steps.iter().filter(|step| step.state == state).count();
    let open = count("pending") + count("processing");
    if open > 0 {
        return Err(format!("{open} of its {} steps are open", steps.len()));
    }
    let (completed, parked) = (count("completed"), count("needs_decision"));
    let follows = match execution.state.as_str() {
        "completed" => completed == steps.len(),
        "failed" => parked == 0 && count("failed") + count("skipped") > 0,
        // A cancel may come when nothing but a decision is left to wait for.
        "cancelled" => true,
        "needs_decision" => parked > 0,
        _ => return Err("it does not rest".to_owned()),
    };
    if follows {
        return Ok(());
    }
    let mut states: Vec<&str> = steps.iter().map(|step| step.state.as_str()).collect();
    states.dedup();
    Err(format!("but its steps are {states:?}"))
}

fn is_ended(attempt: &Attempt) -> bool {
    matches!(
        attempt.state.as_str(),
        "committed" | "abandoned" | "rejected" | "failed_paid" | "unknown" | "written_off"
    )
}

/// A unit is open only while nobody knows what became of its call; a picture stands on the attempt that drew it.
fn check_units(stage: &Stage, facts: &Facts) {
    let attempts: BTreeMap<&str, &Attempt> = facts
        .attempts
        .iter()
        .map(|attempt| (attempt.id.as_str(), attempt))
        .collect();
    for (key, unit) in &facts.units {
        let of_unit = || attempts.values().filter(|attempt| attempt.unit == *key);
        let unknown = of_unit().filter(|attempt| attempt.state == "unknown").count();
        let image = unit.image.as_ref().and_then(|id| facts.images.get(id));
        let follows = match unit.state.as_str() {
            "idle" => unknown == 0,
            "open" => unknown == 1,
            "completed" => image.is_some_and(|image| {
                image.unit == *key
                    && attempts
                        .get(image.attempt.as_str())
                        .is_some_and(|drawn| drawn.state == "committed" && drawn.unit == *key)
            }),
            _ => false,
        };
        if !follows {
            let states: Vec<&str> = of_unit().map(|attempt| attempt.state.as_str()).collect();
            stage.find(format!("unit {key:?} is {}, its attempts {states:?}", unit.state));
        }
    }
    for (id, image) in &facts.images {
        let drawn = attempts.get(image.attempt.as_str());
        let is_drawn = drawn.is_some_and(|drawn| {
            drawn.state == "committed"
                && drawn.unit == image.unit
                && (image.reused || drawn.execution == image.execution)
        });
        if !is_drawn {
            stage.find(format!(
                "image {id} stands on {drawn:?}, which did not draw {image:?}"
            ));
        }
    }
    for step in &facts.steps {
        let image = step.image.as_ref().map(|id| facts.images.get(id));
        if image.is_some_and(|image| image.is_none_or(|image| image.reused != step.reused)) {
            stage.find(format!(
                "step {} of {} has {image:?}",
                step.step_id, step.execution
            ));
        }
    }
}
