//! Progress on stderr: a bar on a terminal, plain lines elsewhere, nothing when nobody wants it.

use std::{
    collections::BTreeMap,
    io::{self, IsTerminal as _},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};
use limn_proto::v1::{self, StepState, execution_event::Event};

use super::{failure::Failure, output::Output, words};

/// How often the spinner turns.
const TICK: Duration = Duration::from_millis(120);

/// Shows the events of one execution.
#[derive(Debug)]
pub(crate) struct Progress<'a> {
    output: &'a Output,
    face: Face,
    steps: BTreeMap<String, StepState>,
    /// The provider, and why it is waited for, that was last told of.
    last_wait: Option<(String, v1::WaitReason)>,
    /// Targets that were passed over, as far as they were told of.
    skipped: BTreeMap<String, usize>,
}

#[derive(Debug)]
enum Face {
    Bar(ProgressBar),
    Lines,
    JsonLines,
    Silent,
}

impl<'a> Progress<'a> {
    /// For a command that prints one result at the end.
    pub(crate) fn new(output: &'a Output) -> Self {
        let face = match (output.is_json() || output.is_quiet(), io::stderr().is_terminal()) {
            (true, _) => Face::Silent,
            (false, true) => Face::Bar(bar()),
            (false, false) => Face::Lines,
        };
        Self {
            output,
            face,
            steps: BTreeMap::new(),
            last_wait: None,
            skipped: BTreeMap::new(),
        }
    }

    /// For a command whose result is the stream itself: with `--json`, one event on each line.
    pub(crate) fn of_stream(output: &'a Output) -> Self {
        let mut progress = Self::new(output);
        if output.is_json() {
            progress.face = Face::JsonLines;
        }
        progress
    }

    /// Shows one event.
    ///
    /// # Errors
    /// Stdout cannot be written; only with JSON lines.
    pub(crate) fn show(&mut self, event: &v1::ExecutionEvent) -> Result<(), Failure> {
        if matches!(self.face, Face::JsonLines) {
            return self.output.json(&v1::WatchExecutionResponse {
                event: Some(event.clone()),
            });
        }
        match &event.event {
            Some(Event::Snapshot(execution)) => {
                // What happened before the first look, or while the stream was cut, is told as well.
                for step in &execution.steps {
                    self.step(step);
                }
                self.move_bar(None);
            }
            Some(Event::StepChanged(step)) => self.step(step),
            Some(Event::AttemptChanged(change)) => {
                if let Some(line) = attempt_line(change) {
                    self.say(&line);
                }
            }
            Some(Event::StateChanged(change)) => {
                if matches!(
                    change.state(),
                    v1::ExecutionState::Cancelling | v1::ExecutionState::NeedsDecision
                ) {
                    self.say(&format!("execution {}", words::execution_state(change.state())));
                }
            }
            Some(Event::CostChanged(_) | Event::KeepAlive(_) | Event::Preview(_)) | None => {}
        }
        Ok(())
    }

    /// Says something beside the events.
    pub(crate) fn remark(&self, text: &str) {
        match &self.face {
            Face::Bar(bar) => bar.suspend(|| self.output.note(text)),
            Face::Lines | Face::JsonLines | Face::Silent => self.output.note(text),
        }
    }

    /// Takes the bar away, so that results start on a clean line.
    pub(crate) fn finish(&self) {
        if let Face::Bar(bar) = &self.face {
            bar.finish_and_clear();
        }
    }

    /// Tells of a step whose state is news.
    fn step(&mut self, step: &v1::StepStatus) {
        let state = step.state();
        let before = self
            .steps
            .insert(step.step_id.clone(), state)
            .unwrap_or(StepState::Pending);
        if before != state {
            self.say(&step_line(step));
        }
        let told = self.skipped.entry(step.step_id.clone()).or_default();
        let fresh = step.skipped_targets.iter().skip(*told);
        let lines: Vec<String> = fresh
            .map(|skipped| words::skipped_target(&step.step_id, skipped))
            .collect();
        *told = step.skipped_targets.len();
        for line in &lines {
            self.say(line);
        }
        if let Some(wait) = &step.wait {
            self.wait(&step.step_id, wait);
        }
    }

    /// Tells of a wait. Many steps wait for the same: the lines name the first of them, the bar moves with each.
    fn wait(&mut self, step_id: &str, wait: &v1::StepWait) {
        let about = (wait.provider.clone(), wait.reason());
        let is_news = self.last_wait.as_ref() != Some(&about);
        if is_news || matches!(self.face, Face::Bar(_)) {
            self.say(&words::wait(step_id, wait));
        }
        self.last_wait = Some(about);
    }

    fn say(&self, line: &str) {
        match &self.face {
            Face::Bar(_) => self.move_bar(Some(line)),
            Face::Lines => self.output.note(line),
            Face::JsonLines | Face::Silent => {}
        }
    }

    fn move_bar(&self, line: Option<&str>) {
        let Face::Bar(bar) = &self.face else {
            return;
        };
        let ended = self.steps.values().filter(|state| has_ended(**state)).count();
        bar.set_length(u64::try_from(self.steps.len()).unwrap_or(u64::MAX));
        bar.set_position(u64::try_from(ended).unwrap_or(u64::MAX));
        if let Some(line) = line {
            bar.set_message(line.to_owned());
        }
    }
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::new(0);
    // The template is a constant; without it the default bar is shown.
    if let Ok(style) = ProgressStyle::with_template("{spinner} [{bar:24}] {pos}/{len} {elapsed} {msg}") {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.enable_steady_tick(TICK);
    bar
}

fn has_ended(state: StepState) -> bool {
    match state {
        StepState::Completed | StepState::Failed | StepState::Cancelled | StepState::Skipped => true,
        StepState::Unspecified | StepState::Pending | StepState::Processing | StepState::NeedsDecision => {
            false
        }
    }
}

fn step_line(step: &v1::StepStatus) -> String {
    let state = words::step_state(step.state());
    let more = match (&step.failure, step.reused) {
        (Some(failure), _) => format!(": {} ({})", failure.message, failure.reason),
        (None, true) => ", the picture existed".to_owned(),
        (None, false) => String::new(),
    };
    let low = if step.below_threshold {
        ", with the best picture there is, below the threshold of the plan"
    } else {
        ""
    };
    format!("{} {state}{more}{low}", step.step_id)
}

/// Only what a person waits for: that a call goes out, and that it came to nothing.
fn attempt_line(change: &v1::AttemptChange) -> Option<String> {
    let attempt = change.attempt.as_ref()?;
    let reroll = match attempt.reroll {
        0 => String::new(),
        number => format!(", re-roll {number}"),
    };
    let call = format!(
        "{} attempt {} at {}/{}{reroll}",
        change.step_id, attempt.number, attempt.provider, attempt.model
    );
    match (attempt.state(), &attempt.failure) {
        (state, Some(failure)) => {
            let state = words::attempt_state(state);
            Some(format!(
                "{call} {state}: {} ({})",
                failure.message, failure.reason
            ))
        }
        (v1::AttemptState::Dispatching, None) => Some(call),
        _ => None,
    }
}
