//! What there is to decide about an execution, and the commands that decide it.

use std::fmt::Write as _;

use limn_proto::{
    name::{Collection, parse_resource_name, resource_name},
    reason::Reason,
    v1::{Attempt, AttemptState, Execution, ExecutionState, StepState, StepStatus},
};

use super::{money, report::moment, words};

/// An attempt whose outcome, or whose bill, nobody knows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Question<'a> {
    pub(crate) step: &'a StepStatus,
    pub(crate) attempt: &'a Attempt,
}

impl Question<'_> {
    /// True when the step waits for the answer, so that somebody must say what becomes of it.
    fn step_waits(&self) -> bool {
        self.attempt.state() == AttemptState::Unknown
            && matches!(
                self.step.state(),
                StepState::NeedsDecision | StepState::Processing
            )
    }

    /// The attempt in one line, with what finds it at its provider.
    pub(crate) fn line(&self) -> String {
        let attempt = self.attempt;
        let mut line = format!(
            "{}: {} attempt {} at {}/{}, {}, begun {}, holds {}",
            attempt.attempt_id,
            self.step.step_id,
            attempt.number,
            attempt.provider,
            attempt.model,
            words::attempt_state(attempt.state()),
            moment(attempt.start_time.as_ref()),
            money::show_known(attempt.held.as_ref()),
        );
        for (what, id) in ids_at_provider(attempt) {
            // Writing into a String cannot fail.
            let _ = write!(line, ", {what} {id}");
        }
        line
    }
}

/// What the provider calls the attempt.
pub(crate) fn ids_at_provider(attempt: &Attempt) -> impl Iterator<Item = (&'static str, &str)> {
    let ids = [
        ("request", attempt.provider_request_id.as_str()),
        ("job", attempt.job_id.as_str()),
    ];
    ids.into_iter().filter(|(_, id)| !id.is_empty())
}

/// Every attempt of the execution that waits for a decision.
pub(crate) fn questions(execution: &Execution) -> Vec<Question<'_>> {
    let of_step = |step| move |attempt| Question { step, attempt };
    let all = execution
        .steps
        .iter()
        .flat_map(|step| step.attempts.iter().map(of_step(step)));
    all.filter(|question| is_open(question.attempt)).collect()
}

fn is_open(attempt: &Attempt) -> bool {
    match attempt.state() {
        AttemptState::Unknown => true,
        AttemptState::Rejected => attempt.held.is_some(),
        _ => false,
    }
}

/// True when a call of the execution may have been billed, and nobody knows.
pub(crate) fn has_unknown_outcome(execution: &Execution) -> bool {
    let mut attempts = execution.steps.iter().flat_map(|step| &step.attempts);
    let waits = execution.state() == ExecutionState::NeedsDecision && !is_stuck(execution);
    waits || attempts.any(|attempt| attempt.state() == AttemptState::Unknown)
}

/// True when the execution is parked although it has pictures to draw, most often because the processes that ran it
/// died.
pub(crate) fn is_stuck(execution: &Execution) -> bool {
    let is_poisoned = execution
        .failure
        .as_ref()
        .is_some_and(|failure| failure.reason == Reason::ExecutionPoisoned.as_str());
    let mut steps = execution.steps.iter();
    execution.state() == ExecutionState::NeedsDecision
        && (is_poisoned
            || steps.any(|step| matches!(step.state(), StepState::Pending | StepState::Processing)))
}

/// What to do next about an execution, with the commands to type; empty when there is nothing to decide.
pub(crate) fn next(execution: &Execution) -> String {
    let mut text = String::new();
    let name = &execution.name;
    // Writing into a String cannot fail.
    if is_stuck(execution) {
        let why = execution.failure.as_ref().map_or_else(
            || {
                format!(
                    "after {} crashes of the processes that ran it",
                    execution.crash_count
                )
            },
            |failure| format!("because {}", failure.message),
        );
        let _ = writeln!(text, "decide     parked {why}; {}", next_check(execution));
        let _ = writeln!(text, "  run it again:  limn unpark {name} --reason TEXT");
        let _ = writeln!(text, "  give it up:    limn cancel {name}");
    }
    for (step_id, holder) in waits_elsewhere(execution) {
        let _ = writeln!(text, "decide     {step_id} waits for a call of another execution");
        let _ = writeln!(text, "  show it:  limn resolve {holder}");
    }
    for question in questions(execution) {
        let held = money::show_known(question.attempt.held.as_ref());
        let _ = writeln!(
            text,
            "decide     {held} is held for {} attempt {}; {}",
            question.step.step_id,
            question.attempt.number,
            next_check(execution)
        );
        let decide = format!("limn resolve {name} {}", question.attempt.attempt_id);
        let choices: &[(&str, &str)] = if question.step_waits() {
            &[
                ("nothing was billed, draw it again", "--not-charged --retry"),
                ("nothing was billed, give it up", "--not-charged --fail"),
                ("billed and lost, give it up", "--charged --fail"),
                ("billed and lost, draw and pay it again", "--charged --retry"),
            ]
        } else {
            &[("nothing was billed", "--not-charged"), ("billed", "--charged")]
        };
        let width = choices
            .iter()
            .map(|(what, _)| what.len() + 1)
            .max()
            .unwrap_or_default();
        for (what, flags) in choices {
            let what = format!("{what}:");
            let _ = writeln!(text, "  {what:<width$}  {decide} {flags} --reason TEXT");
        }
    }
    text
}

/// Steps that wait for a picture which a lost call of another execution holds, with the name of that one.
fn waits_elsewhere(execution: &Execution) -> Vec<(&str, String)> {
    let client = parse_resource_name(&execution.name, Collection::Executions).map(|(client, _)| client);
    let waits = execution.steps.iter().filter_map(|step| {
        let id = step.failure.as_ref()?.metadata.get("execution")?;
        let holder = resource_name(client?, Collection::Executions, id);
        let is_parked = step.state() == StepState::NeedsDecision;
        (is_parked && holder != execution.name).then_some((step.step_id.as_str(), holder))
    });
    waits.collect()
}

/// Whether the passing of time alone may bring an answer.
fn next_check(execution: &Execution) -> String {
    match &execution.next_check_time {
        Some(time) => format!("looked at again by itself at {}", moment(Some(time))),
        None => "nothing looks at it again by itself".to_owned(),
    }
}
