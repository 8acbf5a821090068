//! Plans, executions and images as text for people.

use std::fmt::Write as _;

use limn_proto::{
    plan::{ImageType, PlanKind, PlanSpec},
    reason::Reason,
    v1,
};
use pbjson_types::Timestamp;

use super::{
    answers, decisions,
    failure::{Exit, Failure, Violation, advice},
    money,
    pictures::Picture,
    table::Table,
    words,
};

/// What a run came to: the plan, each picture, the price, and whether it was free.
pub(crate) fn run(plan: &v1::ImageGenerationPlan, execution: &v1::Execution, pictures: &[Picture]) -> String {
    let cost = plan.spec.as_ref().and_then(|spec| spec.cost.as_ref());
    let expected = money::show_known(cost.and_then(|cost| cost.expected.as_ref()));
    let mut text = format!("plan       {}\n", execution.plan_digest);
    match &plan.spec {
        Some(spec) if spec.kind() == PlanKind::ViewSet => text.push_str(&views(spec, execution, pictures)),
        _ => pictures.iter().for_each(|picture| text.push_str(&image(picture))),
    }
    for step in execution.steps.iter().filter(|step| step.below_threshold) {
        let _ = writeln!(
            text,
            "{:<10} is the best there is, and below the quality that the plan asks for",
            step.step_id
        );
    }
    // Writing into a String cannot fail.
    let _ = writeln!(
        text,
        "price      expected {expected}, {}",
        paid(execution.cost.as_ref())
    );
    let _ = writeln!(text, "execution  {}", execution.name);
    if let Some(line) = free(execution, plan.spec.as_ref().map_or(0, |spec| spec.variation)) {
        let _ = writeln!(text, "{line}");
    }
    text
}

/// The views of a set, one on each line, also those without a picture.
fn views(spec: &PlanSpec, execution: &v1::Execution, pictures: &[Picture]) -> String {
    let mut table = Table::new(["view", "drawn by", "picture", "cost"], 3);
    for step in &spec.steps {
        let picture = pictures
            .iter()
            .find(|picture| picture.image.step_id == step.step_id && !picture.image.rejected);
        let Some(picture) = picture else {
            let status = execution
                .steps
                .iter()
                .find(|status| status.step_id == step.step_id);
            let state = status.map_or_else(String::new, |status| words::step_state(status.state()));
            table.row([step.view.clone(), "-".to_owned(), state, "-".to_owned()]);
            continue;
        };
        let image = &picture.image;
        let place = picture
            .file()
            .map_or_else(|| image.name.clone(), |path| path.display().to_string());
        let cost = match image.reused {
            true => "existed already".to_owned(),
            false => answers::cost(image.generation_cost.as_ref(), image.cost_estimated),
        };
        let drawn_by = format!("{}/{}", image.provider, image.model);
        table.row([step.view.clone(), drawn_by, place, cost]);
    }
    table.text()
}

/// One picture, three lines.
pub(crate) fn image(picture: &Picture) -> String {
    let image = &picture.image;
    let mut text = format!(
        "{:<10} {}/{}, {}x{} {}, {}, {}\n",
        image.step_id,
        image.provider,
        image.model,
        image.width_px,
        image.height_px,
        image.media_type,
        answers::seed(image),
        match (image.reused, &image.generation_cost) {
            (true, _) => "existed already".to_owned(),
            (false, cost) => format!("paid {}", answers::cost(cost.as_ref(), image.cost_estimated)),
        }
    );
    if !image.model_version.is_empty() {
        // Writing into a String cannot fail.
        let _ = writeln!(text, "  version  {}", image.model_version);
    }
    if let Some(quality) = &image.quality {
        let note = if image.rejected {
            ", rejected: kept because it was paid"
        } else {
            ""
        };
        let _ = writeln!(text, "  quality  {}{note}", answers::quality(quality));
    }
    if image.review.is_some() {
        let _ = writeln!(text, "  verdict  {}", words::verdict(image));
    }
    let _ = writeln!(text, "  image    {}", image.name);
    let class = Some(image.image_type())
        .filter(|class| *class != ImageType::Unspecified)
        .map(|class| words::spoken(class.as_str_name(), "IMAGE_TYPE_"));
    let session = Some(&image.session_id)
        .filter(|id| !id.is_empty())
        .map(|id| format!("session {id}"));
    let belongs: Vec<String> = class.into_iter().chain(session).collect();
    if !belongs.is_empty() {
        let _ = writeln!(text, "  as       {}", belongs.join(", "));
    }
    if let Some(path) = picture.file() {
        let _ = writeln!(text, "  file     {}", path.display());
    }
    text
}

/// One execution: its state, its price and its steps with every attempt.
pub(crate) fn execution(execution: &v1::Execution) -> String {
    let mut text = format!("{}\n", execution_line(execution));
    let _ = writeln!(text, "plan       {}", execution.plan_digest);
    let _ = writeln!(text, "price      {}", paid(execution.cost.as_ref()));
    if let Some(failure) = &execution.failure {
        let _ = writeln!(text, "because    {} ({})", failure.message, failure.reason);
    }
    for step in &execution.steps {
        let state = words::step_state(step.state());
        let note = if step.below_threshold {
            " (the best there is, below the threshold of the plan)"
        } else {
            ""
        };
        let line = format!("{:<10} {state} {}{note}", step.step_id, step.image);
        let _ = writeln!(text, "{}", line.trim_end());
        for attempt in &step.attempts {
            let _ = writeln!(
                text,
                "  attempt {} at {}/{}: {}, {}{}",
                attempt.number,
                attempt.provider,
                attempt.model,
                words::attempt_state(attempt.state()),
                bill(attempt),
                because(attempt.failure.as_ref()),
            );
            text.push_str(&traces(attempt));
        }
        for skipped in &step.skipped_targets {
            let _ = writeln!(text, "  {}", words::skipped_target("this step", skipped));
        }
        if let Some(wait) = &step.wait {
            let _ = writeln!(text, "  {}", words::wait("this step", wait));
        }
        if let Some(failure) = &step.failure {
            let _ = writeln!(text, "  {} ({})", failure.message, failure.reason);
        }
    }
    text.push_str(&decisions::next(execution));
    text
}

/// What an attempt was billed, or may be.
fn bill(attempt: &v1::Attempt) -> String {
    match (&attempt.cost, &attempt.held, attempt.state()) {
        (Some(cost), _, _) => format!("billed {}", answers::cost(Some(cost), attempt.cost_estimated)),
        (None, Some(held), _) => format!("perhaps billed, holds {}", money::show(held)),
        (None, None, v1::AttemptState::Abandoned | v1::AttemptState::Rejected) => "not billed".to_owned(),
        (None, None, _) => "not billed yet".to_owned(),
    }
}

/// What finds an attempt at its provider, when it gave no picture, and who decided about it.
fn traces(attempt: &v1::Attempt) -> String {
    let mut text = String::new();
    // Writing into a String cannot fail.
    if attempt.held.is_some() || attempt.state() == v1::AttemptState::WrittenOff {
        let _ = writeln!(text, "    attempt id {}", attempt.attempt_id);
    }
    if let Some(kept) = attempt.failure.as_ref().and_then(kept_images) {
        let _ = writeln!(text, "    kept {kept}");
    }
    if attempt.state() != v1::AttemptState::Committed {
        for (what, id) in decisions::ids_at_provider(attempt) {
            let _ = writeln!(text, "    {what} {id} at {}", attempt.provider);
        }
    }
    if let Some(used) = answers::usage(attempt) {
        let _ = writeln!(text, "    used {used}");
    }
    if !attempt.resolution_actor.is_empty() {
        let (actor, reason) = (&attempt.resolution_actor, &attempt.resolution_reason);
        let _ = writeln!(text, "    decided by {actor}: {reason}");
    }
    text
}

/// One execution in one line of a list, with the command that shows what to decide.
pub(crate) fn listed_execution(execution: &v1::Execution) -> String {
    let line = execution_line(execution);
    match execution.state() {
        v1::ExecutionState::NeedsDecision => format!("{line}; decide with: limn resolve {}", execution.name),
        _ => line,
    }
}

/// One execution in one line.
pub(crate) fn execution_line(execution: &v1::Execution) -> String {
    let completed = execution
        .steps
        .iter()
        .filter(|step| step.state() == v1::StepState::Completed)
        .count();
    let mut line = format!(
        "{}  {}  {}  {completed}/{}, take {}, {}",
        execution.name,
        moment(execution.create_time.as_ref()),
        state_with_progress(execution),
        images(execution.steps.len()),
        execution.take,
        paid(execution.cost.as_ref()),
    );
    if let Some(time) = &execution.next_check_time {
        // Writing into a String cannot fail.
        let _ = write!(line, ", looked at again at {}", moment(Some(time)));
    }
    line
}

/// The state, and of what is at work how much of it is over.
fn state_with_progress(execution: &v1::Execution) -> String {
    let state = words::execution_state(execution.state());
    match execution.state() {
        v1::ExecutionState::Processing | v1::ExecutionState::Cancelling => {
            format!("{state} {}%", execution.progress_percent)
        }
        _ => state,
    }
}

/// One stored plan in one line.
pub(crate) fn plan_line(stored: &v1::StoredPlan) -> String {
    let spec = stored.plan.as_ref().and_then(|plan| plan.spec.as_ref());
    let expected = spec
        .and_then(|spec| spec.cost.as_ref())
        .and_then(|cost| cost.expected.as_ref());
    format!(
        "{}  {}  {}, expected {}, last executed {}",
        stored.name,
        moment(stored.create_time.as_ref()),
        images(spec.map_or(0, |spec| spec.steps.len())),
        money::show_known(expected),
        moment(stored.last_execute_time.as_ref()),
    )
}

/// Why an execution did not complete; nothing when it did.
pub(crate) fn failure_of(execution: &v1::Execution) -> Result<(), Failure> {
    if execution.state() == v1::ExecutionState::Completed {
        return Ok(());
    }
    let given = execution.failure.as_ref();
    let given_reason = given.and_then(|failure| Reason::parse(&failure.reason));
    // Money that may be gone is the first thing to know, however the execution ended.
    let (reason, exit) = if decisions::has_unknown_outcome(execution) {
        (Reason::OutcomeUnknown, Exit::OutcomeUnknown)
    } else if decisions::is_stuck(execution) {
        (
            given_reason.unwrap_or(Reason::ExecutionPoisoned),
            Exit::OutcomeUnknown,
        )
    } else {
        (given_reason.unwrap_or(Reason::StepsFailed), Exit::ExecutionFailed)
    };
    let state = words::execution_state(execution.state());
    // Failed steps are listed one by one, so their words are not said twice.
    let tells_of_a_step = |failure: &&v1::Failure| {
        let step_failures = execution.steps.iter().filter_map(|step| step.failure.as_ref());
        step_failures
            .filter(|step_failure| !step_failure.message.is_empty())
            .any(|step_failure| failure.message.ends_with(&step_failure.message))
    };
    let why = given
        .filter(|failure| !tells_of_a_step(failure))
        .map_or_else(String::new, |failure| format!(": {}", failure.message));
    let mut failure = Failure::new(reason, format!("the execution is in the state \"{state}\"{why}"));
    failure.exit = exit;
    failure
        .metadata
        .insert("execution".to_owned(), execution.name.clone());
    failure.violations = execution.steps.iter().filter_map(step_violation).collect();
    if failure.advice.is_empty() {
        failure.advice = common_advice(&failure.violations);
    }
    if !decisions::next(execution).is_empty() {
        let advice = std::mem::take(&mut failure.advice);
        let line_end = if advice.is_empty() { "" } else { "\n" };
        failure.advice = format!(
            "{advice}{line_end}what there is to decide, and how: limn resolve {}",
            execution.name
        );
    }
    Err(failure)
}

/// What to do when every step failed for the same reason; empty when they differ.
fn common_advice(violations: &[Violation]) -> String {
    match violations {
        [first, rest @ ..] if rest.iter().all(|other| other.reason == first.reason) => {
            advice(&first.reason).to_owned()
        }
        _ => String::new(),
    }
}

fn step_violation(step: &v1::StepStatus) -> Option<Violation> {
    let last_attempt = || step.attempts.last().and_then(|attempt| attempt.failure.as_ref());
    let failure = match step.state() {
        v1::StepState::Completed => return None,
        v1::StepState::NeedsDecision => step.failure.as_ref().or_else(last_attempt)?,
        _ => step.failure.as_ref()?,
    };
    Some(Violation {
        field: step.step_id.clone(),
        description: format!(
            "{} ({}){}",
            failure.message,
            failure.reason,
            kept_images(failure).map_or_else(String::new, |kept| format!("; kept: {kept}"))
        ),
        reason: failure.reason.clone(),
    })
}

/// Names of the pictures that were paid and not taken.
fn kept_images(failure: &v1::Failure) -> Option<String> {
    let is_quality = Reason::parse(&failure.reason) == Some(Reason::QualityBelowThreshold);
    let names = failure
        .metadata
        .get("images")
        .or_else(|| failure.metadata.get("image"));
    names.filter(|_| is_quality).map(|names| names.replace(',', ", "))
}

fn because(failure: Option<&v1::Failure>) -> String {
    failure.map_or_else(String::new, |failure| {
        format!(": {} ({})", failure.message, failure.reason)
    })
}

/// The money of an execution: what was paid, and what is still open.
pub(crate) fn paid(cost: Option<&v1::SettledCost>) -> String {
    let Some(cost) = cost else {
        return "paid unknown".to_owned();
    };
    let mut text = format!("paid {}", answers::total(cost));
    let open = [
        ("reserved", &cost.reserved),
        ("held for unknown outcomes", &cost.unknown_held),
    ];
    for (what, amount) in open {
        if let Some(amount) = amount.as_ref().filter(|amount| amount.nanos > 0) {
            let _ = write!(text, ", {what} {}", money::show(amount));
        }
    }
    text
}

/// Says that nothing was paid because the pictures existed, and how to get others.
fn free(execution: &v1::Execution, variation: u32) -> Option<String> {
    let reused = execution.steps.iter().filter(|step| step.reused).count();
    let (take, variation) = (execution.take.saturating_add(1), variation.saturating_add(1));
    let others = format!("--take {take} draws another, --variation {variation} plans another seed");
    match (reused, execution.steps.len()) {
        (0, _) => None,
        (1, 1) => Some(format!("free: this picture existed already; {others}")),
        (reused, all) if reused == all => Some(format!("free: these pictures existed already; {others}")),
        (reused, all) => Some(format!(
            "{reused} of {all} pictures existed already and were free; {others}"
        )),
    }
}

/// `1 image`, `2 images`.
pub(crate) fn images(count: usize) -> String {
    match count {
        1 => "1 image".to_owned(),
        _ => format!("{count} images"),
    }
}

/// A time to the second in UTC; a dash when there is none.
pub(crate) fn moment(time: Option<&Timestamp>) -> String {
    const TO_THE_SECOND: usize = "2026-01-01T00:00:00".len();
    let written = time.and_then(|time| serde_json::to_value(time).ok());
    let written = written.as_ref().and_then(serde_json::Value::as_str);
    written
        .and_then(|text| text.get(..TO_THE_SECOND))
        .map_or_else(|| "-".to_owned(), |text| format!("{text}Z"))
}
