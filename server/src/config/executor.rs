//! `[executor]`: how many, how long, how large.

use std::time::Duration;

use limn_executor::{artifact::Optimised, executor::Settings, records::Breaker};
use toml::Table;

use super::reader::Section;

/// With less than this a pause of the process, or of the database, costs it what it is at work on.
const SHORTEST_LEASE_SECONDS: u64 = 3;

/// How long the first byte of a call may take at most, on a slow connection.
const LONGEST_SEND_MARGIN: Duration = Duration::from_secs(5);

/// Default of `executor.watch_stall_seconds`.
const WATCH_STALL: Duration = Duration::from_secs(60);

/// How many, how long, how large.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Executor {
    /// Most executions in progress at once; further ones wait.
    pub max_running_executions: u32,
    /// How long a shutdown waits for calls in flight, which may be paid already.
    pub drain: Duration,
    /// How long a process owns an execution without a sign of life.
    pub lease: Duration,
    /// How long an unknown outcome is asked about before the policy of the plan decides.
    pub unknown_grace: Duration,
    /// Most owners that an execution may lose between two steps that end.
    pub max_crashes: u32,
    /// When calls to a provider that does not work stop.
    pub breaker: Breaker,
    /// How often to look for answers that came after the end of their execution.
    pub reconcile: Duration,
    /// How often a quiet progress stream says that it is alive.
    pub keep_alive: Duration,
    /// How long a reader of progress may not read before its stream is cut.
    pub watch_stall: Duration,
    /// Largest image that is accepted from a provider, in bytes.
    pub max_image_bytes: u64,
    /// Largest image that is accepted from a provider, in pixels.
    pub max_image_pixels: u64,
    /// Which copy of the size of the picture is made of each.
    pub optimised: Optimised,
}

impl Default for Executor {
    fn default() -> Self {
        let Settings {
            max_running_executions,
            drain,
            lease,
            unknown_grace,
            max_crashes,
            breaker,
            reconcile,
            keep_alive,
            limits,
            optimised,
            ..
        } = Settings::default();
        Self {
            max_running_executions,
            drain,
            lease,
            unknown_grace,
            max_crashes,
            breaker,
            reconcile,
            keep_alive,
            watch_stall: WATCH_STALL,
            max_image_bytes: limits.max_encoded_bytes,
            max_image_pixels: limits.max_pixels,
            optimised,
        }
    }
}

impl Executor {
    pub(super) fn read(section: Section<'_>) -> Self {
        let default = Self::default();
        let seconds = |key, range| section.integer(key, range).map(Duration::from_secs);
        let executor = Self {
            max_running_executions: section
                .integer("max_running_executions", 1..=10_000)
                .unwrap_or(default.max_running_executions),
            drain: section
                .integer("drain_seconds", 0..=86_400)
                .map_or(default.drain, Duration::from_secs),
            lease: seconds("lease_seconds", SHORTEST_LEASE_SECONDS..=600).unwrap_or(default.lease),
            unknown_grace: seconds("unknown_grace_seconds", 1..=86_400).unwrap_or(default.unknown_grace),
            max_crashes: section
                .integer("max_crashes", 0..=100)
                .unwrap_or(default.max_crashes),
            breaker: Breaker {
                failures: section
                    .integer("breaker_failures", 0..=1000)
                    .unwrap_or(default.breaker.failures),
                open: seconds("breaker_open_seconds", 1..=600).unwrap_or(default.breaker.open),
            },
            reconcile: seconds("reconcile_seconds", 1..=3600).unwrap_or(default.reconcile),
            keep_alive: seconds("keep_alive_seconds", 1..=600).unwrap_or(default.keep_alive),
            watch_stall: seconds("watch_stall_seconds", 1..=3600).unwrap_or(default.watch_stall),
            max_image_bytes: section
                .integer("max_image_bytes", 65_536..=1_073_741_824)
                .unwrap_or(default.max_image_bytes),
            max_image_pixels: section
                .integer("max_image_pixels", 65_536..=1_000_000_000)
                .unwrap_or(default.max_image_pixels),
            optimised: section
                .read("optimised_copy", optimised)
                .unwrap_or(default.optimised),
        };
        section.finish();
        executor
    }

    /// How long after writing down a call its first byte may leave. The lease must outlast it, and is renewed each
    /// third of itself: with a third of it for the first byte, a late renewal stops no call.
    pub(crate) fn send_margin(&self) -> Duration {
        (self.lease / 3).min(LONGEST_SEND_MARGIN)
    }

    pub(super) fn render(&self) -> Table {
        let numbers = [
            ("max_running_executions", u64::from(self.max_running_executions)),
            ("drain_seconds", self.drain.as_secs()),
            ("lease_seconds", self.lease.as_secs()),
            ("unknown_grace_seconds", self.unknown_grace.as_secs()),
            ("max_crashes", u64::from(self.max_crashes)),
            ("breaker_failures", u64::from(self.breaker.failures)),
            ("breaker_open_seconds", self.breaker.open.as_secs()),
            ("reconcile_seconds", self.reconcile.as_secs()),
            ("keep_alive_seconds", self.keep_alive.as_secs()),
            ("watch_stall_seconds", self.watch_stall.as_secs()),
            ("max_image_bytes", self.max_image_bytes),
            ("max_image_pixels", self.max_image_pixels),
        ];
        let rendered = numbers
            .into_iter()
            .map(|(key, number)| (key.to_owned(), super::number(number)));
        let copy = ("optimised_copy".to_owned(), self.optimised.as_str().into());
        rendered.chain([copy]).collect()
    }
}

fn optimised(word: &str) -> Result<Optimised, (String, String)> {
    Optimised::parse(word).ok_or_else(|| {
        let words = Optimised::ALL.map(Optimised::as_str).join(", ");
        (format!("must be one of {words}"), String::new())
    })
}
