//! Logs: one subscriber, to standard error, and the names of the fields that lines carry.
//!
//! Nothing logs a prompt, a secret or the body of a message. Libraries below us speak only from `warn` on, because
//! at lower levels some of them print headers.

use std::io::IsTerminal as _;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::{filter::Targets, layer::SubscriberExt as _, util::SubscriberInitExt as _};

use crate::config::{Format, Level, Log};

/// Names of fields, the same for the same thing everywhere.
pub mod field {
    /// gRPC method, for example `limn.v1.PlannerService/Plan`.
    pub const METHOD: &str = "method";
    /// Name of the gRPC code that a call ended with.
    pub const CODE: &str = "code";
    /// Reason of a refusal.
    pub const REASON: &str = "reason";
    /// From the first byte of the request to the end of the answer, in milliseconds.
    pub const LATENCY_MS: &str = "latency_ms";
    /// Client that a call was made for.
    pub const CLIENT: &str = "client";
    /// Execution that a line is about.
    pub const EXECUTION: &str = "execution";
}

/// Writes logs from now on. `quiet` leaves only errors. A second call changes nothing.
pub fn init(log: &Log, quiet: bool) {
    let ours = if quiet {
        LevelFilter::ERROR
    } else {
        level(log.level)
    };
    let targets = Targets::new()
        .with_default(ours.min(LevelFilter::WARN))
        .with_target("limn", ours)
        .with_target("limn_executor", ours)
        .with_target("limn_planner", ours)
        .with_target("limn_server", ours);
    let text = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let registry = tracing_subscriber::registry().with(targets);
    // Another subscriber, for example of a test, may be first; then it stays.
    let outcome = match log.format {
        Format::Json => registry
            .with(text.json().flatten_event(true).with_current_span(false))
            .try_init(),
        Format::Text if std::io::stderr().is_terminal() => registry.with(text.with_target(false)).try_init(),
        Format::Text => registry.with(text.with_target(false).with_ansi(false)).try_init(),
    };
    if let Err(error) = outcome {
        tracing::debug!(%error, "logs are written by another subscriber");
    }
}

fn level(level: Level) -> LevelFilter {
    match level {
        Level::Error => LevelFilter::ERROR,
        Level::Warn => LevelFilter::WARN,
        Level::Info => LevelFilter::INFO,
        Level::Debug => LevelFilter::DEBUG,
        Level::Trace => LevelFilter::TRACE,
    }
}
