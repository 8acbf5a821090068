//! A clock that stands still until a test moves it.

use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;

use crate::clock::{Clock, UnixMicros};

/// A clock that a test moves by hand. Sleepers wake when their time has come.
#[derive(Debug)]
pub struct ManualClock {
    now: watch::Sender<UnixMicros>,
    start: UnixMicros,
}

impl ManualClock {
    /// A clock that shows this time.
    pub fn at(start: UnixMicros) -> Self {
        Self {
            now: watch::channel(start).0,
            start,
        }
    }

    /// Moves the clock forward; returns the time before that.
    pub fn advance(&self, duration: Duration) -> UnixMicros {
        let mut before = self.start;
        self.now.send_modify(|now| {
            before = *now;
            *now = now.plus(duration);
        });
        before
    }
}

#[async_trait]
impl Clock for ManualClock {
    fn now(&self) -> UnixMicros {
        *self.now.borrow()
    }

    fn uptime(&self) -> Duration {
        self.now().since(self.start)
    }

    async fn sleep(&self, duration: Duration) {
        let until = self.now().plus(duration);
        let mut changes = self.now.subscribe();
        // The sender lives as long as the clock.
        let _ = changes.wait_for(|now| *now >= until).await;
    }
}
