//! What happened in a schedule, line by line: steps of the scheduler, and what the executors log meanwhile.

use std::{
    cell::RefCell,
    fmt::{self, Write as _},
};

use limn_executor::clock::UnixMicros;
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};
use uuid::Uuid;

use crate::{clock::START, ids::Short};

thread_local! {
    static LOGGED: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    static PANICKED: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// The lines of one schedule.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    lines: Vec<String>,
    steps: u64,
}

impl Trace {
    /// A step of the scheduler.
    pub(crate) fn step(&mut self, now: UnixMicros, what: impl fmt::Display) {
        self.steps += 1;
        let line = format!("{:>5} {} {what}", self.steps, time(now));
        self.lines.push(line);
    }

    /// Something that belongs to the last step.
    pub(crate) fn note(&mut self, what: impl fmt::Display) {
        self.lines.push(format!("      {what}"));
    }

    /// What the tasks that just ran wrote into their log.
    pub(crate) fn take_log(&mut self, process: u32) {
        for line in LOGGED.with(|logged| std::mem::take(&mut *logged.borrow_mut())) {
            self.note(format_args!("p{process} {line}"));
        }
    }

    pub(crate) fn steps(&self) -> u64 {
        self.steps
    }

    pub(crate) fn lines(&self) -> &[String] {
        &self.lines
    }
}

fn time(now: UnixMicros) -> String {
    let passed_ms = now.since(START).as_millis();
    format!("{:>4}.{:03}", passed_ms / 1000, passed_ms % 1000)
}

/// Panics of this thread since the last look.
pub(crate) fn take_panics() -> Vec<String> {
    PANICKED.with(|panicked| std::mem::take(&mut *panicked.borrow_mut()))
}

/// Notes panics, which tokio catches, so that none is missed.
pub(crate) fn note_panics() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            PANICKED.with(|panicked| panicked.borrow_mut().push(panic.to_string()));
            before(panic);
        }));
    });
}

/// Keeps what executors log for the trace.
pub(crate) struct Logger;

impl Subscriber for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::INFO && metadata.target().starts_with("limn_executor")
    }

    fn new_span(&self, _span: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _span: &span::Id, _values: &span::Record<'_>) {}

    fn record_follows_from(&self, _span: &span::Id, _follows: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        LOGGED.with(|logged| logged.borrow_mut().push(line.0));
    }

    fn enter(&self, _span: &span::Id) {}

    fn exit(&self, _span: &span::Id) {}
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let text = format!("{value:?}");
        let shown = match Uuid::try_parse(&text) {
            Ok(id) => Short(id).to_string(),
            Err(_) => text,
        };
        let name = field.name();
        // Writing to a string does not fail.
        let _ = if name == "message" {
            write!(self.0, " {shown}")
        } else {
            write!(self.0, " {name}={shown}")
        };
    }
}
