//! What all calls of a process to the outside go through: here it is counted, and here the fault happens.

use std::{
    borrow::Borrow,
    collections::BTreeMap,
    fmt,
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use limn_executor::clock::{Clock as _, UnixMicros};
use tokio::sync::watch;

use crate::clock::WorldClock;

/// A call through a seam has two edges: nothing is done yet, or everything is and the caller does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Side {
    Before,
    After,
}

/// A place where something can go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Edge {
    pub(crate) side: Side,
    pub(crate) call: &'static str,
}

impl fmt::Display for Edge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.side {
            Side::Before => write!(f, "before {}", self.call),
            Side::After => write!(f, "after {}", self.call),
        }
    }
}

/// A moment in the life of a process: the nth time, from 1, that it comes to an edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment {
    pub(crate) edge: Edge,
    pub(crate) nth: u32,
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.nth {
            1 => self.edge.fmt(f),
            nth => write!(f, "{} #{nth}", self.edge),
        }
    }
}

/// What happens at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shock {
    /// The process ends, without a word.
    Crash,
    /// The process stands still, as a stopped one or one on a machine that hangs.
    Freeze,
    /// The call fails, once. On the far side of an edge it was done all the same.
    Fail,
    /// From here on the database is away, for longer than a few tries take. What was done stays done.
    LoseDatabase,
    /// From here on the store of blobs is away, for longer than a few tries take.
    LoseStore,
}

/// How long something that goes away stays away. Shorter than a lease.
const OUTAGE: Duration = Duration::from_secs(12);

/// What can be away for everybody.
#[derive(Debug)]
pub(crate) struct Outages {
    clock: Arc<WorldClock>,
    database_until: Mutex<UnixMicros>,
    store_until: Mutex<UnixMicros>,
}

impl Outages {
    pub(crate) fn none(clock: &Arc<WorldClock>) -> Arc<Self> {
        Arc::new(Self {
            clock: Arc::clone(clock),
            database_until: Mutex::default(),
            store_until: Mutex::default(),
        })
    }

    /// An error while the database is away.
    pub(crate) fn of_database(&self) -> Result<(), Injected> {
        self.check(&self.database_until)
    }

    /// An error while the store is away.
    pub(crate) fn of_store(&self) -> Result<(), Injected> {
        self.check(&self.store_until)
    }

    fn check(&self, away_until: &Mutex<UnixMicros>) -> Result<(), Injected> {
        if self.clock.now() < *away_until.lock().unwrap() {
            return Err(Injected);
        }
        Ok(())
    }

    fn begin(&self, place: &Mutex<UnixMicros>) {
        *place.lock().unwrap() = self.clock.now().plus(OUTAGE);
    }
}

/// Wakes whoever waits until everybody rests.
#[derive(Debug, Default)]
pub(crate) struct Monitor {
    acts: Mutex<u64>,
    changed: Condvar,
}

impl Monitor {
    /// Something happened.
    pub(crate) fn act(&self) {
        *self.acts.lock().unwrap() += 1;
    }

    /// Something happened, and perhaps it was the last thing for now.
    pub(crate) fn rest(&self) {
        self.act();
        self.changed.notify_all();
    }

    /// How much has happened.
    pub(crate) fn acts(&self) -> u64 {
        *self.acts.lock().unwrap()
    }

    /// Waits until somebody rests, at most so long.
    pub(crate) fn wait(&self, longest: Duration) {
        let guard = self.acts.lock().unwrap();
        // Why it ended is of no interest: whoever waits looks again.
        let _woken = self.changed.wait_timeout(guard, longest).unwrap();
    }
}

/// Whether a process runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Power {
    On,
    Frozen,
    Off,
}

/// A call that was made to fail.
#[derive(Debug, thiserror::Error)]
#[error("the matrix lets this fail")]
pub(crate) struct Injected;

/// The seams of one process.
#[derive(Debug)]
pub(crate) struct Seams {
    monitor: Arc<Monitor>,
    pub(crate) outages: Arc<Outages>,
    power: watch::Sender<Power>,
    /// Calls that are being carried out.
    busy: AtomicUsize,
    trap: Mutex<Option<(Moment, Shock)>>,
    trace: Mutex<Vec<Moment>>,
    counts: Mutex<BTreeMap<Edge, u32>>,
    /// Nothing is traced and no trap springs before the order is given.
    armed: Mutex<bool>,
}

impl Seams {
    pub(crate) fn new(
        monitor: &Arc<Monitor>,
        outages: &Arc<Outages>,
        trap: Option<(Moment, Shock)>,
        is_armed: bool,
    ) -> Arc<Self> {
        Arc::new(Self {
            monitor: Arc::clone(monitor),
            outages: Arc::clone(outages),
            power: watch::Sender::new(Power::On),
            busy: AtomicUsize::new(0),
            trap: Mutex::new(trap),
            trace: Mutex::default(),
            counts: Mutex::default(),
            armed: Mutex::new(is_armed),
        })
    }

    /// From here on moments count.
    pub(crate) fn arm(&self) {
        *self.armed.lock().unwrap() = true;
    }

    /// True once the fault has happened.
    pub(crate) fn is_sprung(&self) -> bool {
        self.trap.lock().unwrap().is_none()
    }

    /// All moments so far, in order.
    pub(crate) fn trace(&self) -> Vec<Moment> {
        self.trace.lock().unwrap().clone()
    }

    /// True while a call is being carried out.
    pub(crate) fn is_busy(&self) -> bool {
        self.busy.load(Ordering::SeqCst) > 0
    }

    pub(crate) fn monitor(&self) -> &Arc<Monitor> {
        &self.monitor
    }

    /// A frozen process goes on where it stood.
    pub(crate) fn thaw(&self) {
        self.switch(Power::On);
    }

    /// The process does nothing any more.
    pub(crate) fn switch_off(&self) {
        self.switch(Power::Off);
    }

    fn switch(&self, to: Power) {
        self.power.send_if_modified(|power| {
            // Nobody comes back from the dead.
            let changes = *power != Power::Off && *power != to;
            if changes {
                *power = to;
            }
            changes
        });
        self.monitor.act();
    }

    /// Returns when the process runs: late when it is frozen, never when it has ended.
    pub(crate) async fn powered(&self) {
        let mut power = self.power.subscribe();
        // It cannot fail: the sender is here.
        let _on = power.wait_for(|power| *power == Power::On).await;
    }

    /// Comes to an edge.
    pub(crate) async fn pass(&self, call: &'static str, side: Side) -> Result<(), Injected> {
        self.powered().await;
        self.monitor.act();
        match self.shock_at(Edge { side, call }) {
            None => Ok(()),
            Some(Shock::Fail) => Err(Injected),
            Some(Shock::LoseDatabase) => {
                self.outages.begin(&self.outages.database_until);
                Ok(())
            }
            Some(Shock::LoseStore) => {
                self.outages.begin(&self.outages.store_until);
                Ok(())
            }
            Some(Shock::Crash) => {
                self.switch(Power::Off);
                self.powered().await;
                Ok(())
            }
            Some(Shock::Freeze) => {
                self.switch(Power::Frozen);
                self.powered().await;
                Ok(())
            }
        }
    }

    fn shock_at(&self, edge: Edge) -> Option<Shock> {
        if !*self.armed.lock().unwrap() {
            return None;
        }
        let nth = {
            let mut counts = self.counts.lock().unwrap();
            let count = counts.entry(edge).or_default();
            *count += 1;
            *count
        };
        let moment = Moment { edge, nth };
        self.trace.lock().unwrap().push(moment);
        let mut trap = self.trap.lock().unwrap();
        let (place, shock) = (*trap)?;
        (place == moment).then(|| {
            *trap = None;
            shock
        })
    }

    /// Carries a call out.
    pub(crate) async fn carry_out<F: Future>(&self, work: F) -> F::Output {
        let busy = Busy::enter(self);
        let outcome = work.await;
        drop(busy);
        self.powered().await;
        outcome
    }
}

/// Held while a process has something to do that its thread may not know of.
pub(crate) struct Busy<S: Borrow<Seams>>(S);

impl<S: Borrow<Seams>> Busy<S> {
    pub(crate) fn enter(seams: S) -> Self {
        seams.borrow().busy.fetch_add(1, Ordering::SeqCst);
        Self(seams)
    }
}

impl<S: Borrow<Seams>> Drop for Busy<S> {
    fn drop(&mut self) {
        let seams = self.0.borrow();
        seams.busy.fetch_sub(1, Ordering::SeqCst);
        seams.monitor.act();
    }
}
