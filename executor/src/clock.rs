//! Time: the only place in this crate that reads a clock or sleeps.

use std::{
    fmt,
    sync::LazyLock,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use async_trait::async_trait;

/// Microseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixMicros(pub i64);

impl UnixMicros {
    /// This time plus a duration, saturating.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(micros))
    }

    /// Time passed since an earlier one; zero when it is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Whole seconds, rounded down.
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }
}

/// Reads the time and waits.
#[async_trait]
pub trait Clock: fmt::Debug + Send + Sync {
    /// The time now. May jump when the machine's clock is set.
    fn now(&self) -> UnixMicros;

    /// Time since some fixed moment. Never goes back, whatever is done to the machine's clock.
    fn uptime(&self) -> Duration;

    /// Returns after the duration. Dropping the future is safe.
    async fn sleep(&self, duration: Duration);
}

/// The clock of the machine.
#[derive(Debug, Default)]
pub struct SystemClock;

/// The first look at [`SystemClock::uptime`] in this process.
static STARTED: LazyLock<Instant> = LazyLock::new(Instant::now);

#[async_trait]
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the time and sleeps"
)]
impl Clock for SystemClock {
    fn now(&self) -> UnixMicros {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        UnixMicros(i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX))
    }

    fn uptime(&self) -> Duration {
        STARTED.elapsed()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}
