//! `[executor]`: how many, how long, how large.

use std::time::Duration;

use limn_executor::executor::Settings;
use toml::Table;

use super::reader::Section;

/// A call is only sent when the lease outlasts the time that its first byte may take, and a lease is renewed
/// each third of it: with less than this nothing could ever be sent.
const SHORTEST_LEASE_SECONDS: u64 = 10;

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
    /// How often a quiet progress stream says that it is alive.
    pub keep_alive: Duration,
    /// How long a reader of progress may not read before its stream is cut.
    pub watch_stall: Duration,
    /// Largest image that is accepted from a provider, in bytes.
    pub max_image_bytes: u64,
    /// Largest image that is accepted from a provider, in pixels.
    pub max_image_pixels: u64,
}

impl Default for Executor {
    fn default() -> Self {
        let Settings {
            max_running_executions,
            drain,
            lease,
            keep_alive,
            limits,
            ..
        } = Settings::default();
        Self {
            max_running_executions,
            drain,
            lease,
            keep_alive,
            watch_stall: WATCH_STALL,
            max_image_bytes: limits.max_encoded_bytes,
            max_image_pixels: limits.max_pixels,
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
            keep_alive: seconds("keep_alive_seconds", 1..=600).unwrap_or(default.keep_alive),
            watch_stall: seconds("watch_stall_seconds", 1..=3600).unwrap_or(default.watch_stall),
            max_image_bytes: section
                .integer("max_image_bytes", 65_536..=1_073_741_824)
                .unwrap_or(default.max_image_bytes),
            max_image_pixels: section
                .integer("max_image_pixels", 65_536..=1_000_000_000)
                .unwrap_or(default.max_image_pixels),
        };
        section.finish();
        executor
    }

    pub(super) fn render(&self) -> Table {
        let numbers = [
            ("max_running_executions", u64::from(self.max_running_executions)),
            ("drain_seconds", self.drain.as_secs()),
            ("lease_seconds", self.lease.as_secs()),
            ("keep_alive_seconds", self.keep_alive.as_secs()),
            ("watch_stall_seconds", self.watch_stall.as_secs()),
            ("max_image_bytes", self.max_image_bytes),
            ("max_image_pixels", self.max_image_pixels),
        ];
        let rendered = numbers
            .into_iter()
            .map(|(key, number)| (key.to_owned(), super::number(number)));
        rendered.collect()
    }
}
