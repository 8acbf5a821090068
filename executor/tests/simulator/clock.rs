//! Virtual time: one for the world, seen by each process through a clock of its own that is set wrong.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use limn_executor::clock::{Clock, UnixMicros};
use tokio::sync::oneshot;

use crate::desk::{Desk, Work};

/// When every world begins: twenty seconds before a day ends, UTC, so that the money of each falls into two days.
pub(crate) const START: UnixMicros = UnixMicros(1_700_006_380_000_000);

/// The time of the world, and of the database.
#[derive(Debug)]
pub(crate) struct WorldClock(AtomicI64);

impl WorldClock {
    pub(crate) fn new() -> Self {
        Self(AtomicI64::new(START.0))
    }

    pub(crate) fn set(&self, now: UnixMicros) {
        self.0.store(now.0, Ordering::Relaxed);
    }
}

#[async_trait]
impl Clock for WorldClock {
    fn now(&self) -> UnixMicros {
        UnixMicros(self.0.load(Ordering::Relaxed))
    }

    fn uptime(&self) -> Duration {
        self.now().since(START)
    }

    async fn sleep(&self, _duration: Duration) {
        unreachable!("the database does not sleep");
    }
}

/// The clock of one process.
#[derive(Debug)]
pub(crate) struct ProcessClock {
    process: u32,
    world: Arc<WorldClock>,
    desk: Arc<Desk>,
    /// How far it is ahead of the world; changes when somebody sets it.
    ahead_us: Mutex<i64>,
}

impl ProcessClock {
    pub(crate) fn new(process: u32, world: Arc<WorldClock>, desk: Arc<Desk>, ahead_us: i64) -> Self {
        Self {
            process,
            world,
            desk,
            ahead_us: Mutex::new(ahead_us),
        }
    }

    /// Somebody sets the clock of the machine.
    pub(crate) fn set_ahead(&self, ahead_us: i64) {
        *self.ahead_us.lock().unwrap() = ahead_us;
    }
}

#[async_trait]
impl Clock for ProcessClock {
    fn now(&self) -> UnixMicros {
        UnixMicros(self.world.now().0 + *self.ahead_us.lock().unwrap())
    }

    fn uptime(&self) -> Duration {
        self.world.uptime()
    }

    async fn sleep(&self, duration: Duration) {
        let (wake, woken) = oneshot::channel();
        let until = self.world.now().plus(duration);
        self.desk
            .arrive(self.process, String::new(), Work::Sleep { until, wake });
        // The desk outlives its processes.
        let _ = woken.await;
    }
}
