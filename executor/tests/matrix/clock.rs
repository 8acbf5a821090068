//! The time of a case. It stands still while anybody is at work, and then goes straight to the next moment that
//! somebody waits for: hours pass in milliseconds, and a slow machine changes nothing.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use limn_executor::clock::{Clock, UnixMicros};
use tokio::sync::oneshot;

use crate::seams::Seams;

/// When the first case of a database begins.
const START: UnixMicros = UnixMicros(1_700_000_000_000_000);

/// The one clock of a case: the database goes by it, and so do all processes.
#[derive(Debug)]
pub(crate) struct WorldClock {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    now: UnixMicros,
    /// Tells sleepers with the same deadline apart.
    counter: u64,
    sleepers: BTreeMap<(UnixMicros, u64), oneshot::Sender<()>>,
    /// Sleepers that were woken and have not run since.
    waking: usize,
}

impl WorldClock {
    pub(crate) fn start() -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State {
                now: START,
                counter: 0,
                sleepers: BTreeMap::new(),
                waking: 0,
            }),
        })
    }

    /// Goes to the next moment that somebody waits for. False when nobody waits.
    pub(crate) fn hop(&self) -> bool {
        let mut state = self.state.lock().unwrap();
        let Some((deadline, _)) = state.sleepers.keys().next().copied() else {
            return false;
        };
        state.go_to(deadline);
        true
    }

    /// Lets time pass, whoever waits.
    pub(crate) fn advance(&self, duration: Duration) {
        let mut state = self.state.lock().unwrap();
        let until = state.now.plus(duration);
        state.go_to(until);
    }

    /// True while somebody who was woken has not run yet.
    pub(crate) fn is_waking(&self) -> bool {
        self.state.lock().unwrap().waking > 0
    }

    fn enter(&self, duration: Duration) -> (Place<'_>, oneshot::Receiver<()>) {
        let (wake, woken) = oneshot::channel();
        let mut state = self.state.lock().unwrap();
        state.counter += 1;
        let key = (state.now.plus(duration), state.counter);
        state.sleepers.insert(key, wake);
        (Place { clock: self, key }, woken)
    }
}

impl State {
    fn go_to(&mut self, until: UnixMicros) {
        self.now = self.now.max(until);
        while let Some(first) = self.sleepers.first_entry()
            && first.key().0 <= self.now
        {
            self.waking += 1;
            // Whoever went away meanwhile leaves by its place.
            let _gone = first.remove().send(());
        }
    }
}

/// A place among the sleepers. Leaving it tells that the sleeper runs, or went away.
struct Place<'c> {
    clock: &'c WorldClock,
    key: (UnixMicros, u64),
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut state = self.clock.state.lock().unwrap();
        if state.sleepers.remove(&self.key).is_none() {
            state.waking -= 1;
        }
    }
}

#[async_trait]
impl Clock for WorldClock {
    fn now(&self) -> UnixMicros {
        self.state.lock().unwrap().now
    }

    fn uptime(&self) -> Duration {
        self.now().since(START)
    }

    async fn sleep(&self, duration: Duration) {
        if duration.is_zero() {
            return;
        }
        let (_place, woken) = self.enter(duration);
        // The sender goes away only with a message: nobody else removes a sleeper.
        let _woken = woken.await;
    }
}

/// The clock of one process: a frozen one wakes from no sleep.
#[derive(Debug)]
pub(crate) struct ProcessClock {
    pub(crate) world: Arc<WorldClock>,
    pub(crate) seams: Arc<Seams>,
}

#[async_trait]
impl Clock for ProcessClock {
    fn now(&self) -> UnixMicros {
        self.world.now()
    }

    fn uptime(&self) -> Duration {
        self.world.uptime()
    }

    async fn sleep(&self, duration: Duration) {
        self.world.sleep(duration).await;
        self.seams.powered().await;
    }
}
