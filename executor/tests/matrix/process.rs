//! A process of the product: an executor in a runtime of its own, which can end at any moment.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use limn_executor::{
    executor::{Executor, Order, Parts, Settings, SubmitError, Submitted},
    ids::TimeOrderedIds,
    plan::Plan,
    provider::ImageProvider,
    providers::Registry,
};
use tokio::runtime::{Builder, Runtime};

use crate::{
    blobs::FaultyBlobs,
    clock::ProcessClock,
    provider::FaultyProvider,
    records::FaultyRecords,
    seams::{Busy, Moment, Seams, Shock},
    studio::Shade,
    world::World,
};

/// How long a lease holds.
pub(crate) const LEASE: Duration = Duration::from_secs(30);
/// How often a process looks for work.
const POLL: Duration = Duration::from_secs(4);
/// Longer than two looks for work: time may pass once while a call that was let go is about to be sent.
const SEND_MARGIN: Duration = Duration::from_secs(10);

/// An answer that may not have come yet.
pub(crate) type Pending<T> = Arc<Mutex<Option<T>>>;

/// The process.
#[derive(Debug)]
pub(crate) struct Process {
    runtime: Runtime,
    executor: Executor,
    pub(crate) seams: Arc<Seams>,
    /// Its one thread has nothing to do.
    is_parked: Arc<AtomicBool>,
}

impl Process {
    /// Starts on what earlier processes left. Without an order nothing counts yet: see [`Seams::arm`]. It looks for late
    /// answers at the start, and then each time that `reconcile` is over.
    pub(crate) fn start(
        world: &World,
        trap: Option<(Moment, Shock)>,
        has_order: bool,
        reconcile: Duration,
    ) -> Self {
        let seams = Seams::new(&world.monitor, &world.outages, trap, has_order);
        let is_parked = Arc::new(AtomicBool::new(false));
        let runtime = runtime(&seams, &is_parked);
        let executor = runtime.block_on(async {
            let records = FaultyRecords {
                inner: world.database.open().await,
                seams: Arc::clone(&seams),
            };
            let blobs = FaultyBlobs {
                inner: Arc::clone(&world.blobs),
                seams: Arc::clone(&seams),
            };
            let providers = world.studios.iter().map(|studio| {
                let studio = Arc::clone(studio);
                let seams = Arc::clone(&seams);
                let client = Arc::clone(&world.client);
                Arc::new(FaultyProvider {
                    studio,
                    seams,
                    client,
                }) as Arc<dyn ImageProvider>
            });
            let clock = ProcessClock {
                world: Arc::clone(&world.clock),
                seams: Arc::clone(&seams),
            };
            Executor::start(Parts {
                records: Arc::new(records),
                blobs: Arc::new(blobs),
                providers: Registry::new(providers.collect()),
                clock: Arc::new(clock),
                ids: Arc::new(TimeOrderedIds),
                settings: Settings {
                    lease: LEASE,
                    poll: POLL,
                    send_margin: SEND_MARGIN,
                    reconcile,
                    scorer: Some(Arc::new(Shade)),
                    ..Settings::default()
                },
            })
        });
        Self {
            runtime,
            executor,
            seams,
            is_parked,
        }
    }

    /// A client gives an order to this process.
    pub(crate) fn submit(&self, plan: &Plan, order: &Order) -> Pending<Result<Submitted, SubmitError>> {
        let pending = Pending::default();
        let answer = Arc::clone(&pending);
        let (executor, plan, order) = (self.executor.clone(), plan.clone(), order.clone());
        let monitor = Arc::clone(self.seams.monitor());
        let called = self.call();
        self.runtime.spawn(async move {
            drop(called);
            let submitted = executor.submit(&plan, &order).await;
            *answer.lock().unwrap() = Some(submitted);
            monitor.act();
        });
        pending
    }

    /// A frozen process goes on where it stood.
    pub(crate) fn thaw(&self) {
        self.seams.thaw();
        // Whoever waited for power comes before this, so the process is not quiet before it went on.
        let called = self.call();
        self.runtime.spawn(async move { drop(called) });
    }

    /// Something from outside that its thread has not looked at yet, and is busy with until then.
    fn call(&self) -> Busy<Arc<Seams>> {
        Busy::enter(Arc::clone(&self.seams))
    }

    /// True when the process waits for time to pass, or for power.
    pub(crate) fn is_quiet(&self) -> bool {
        self.is_parked.load(Ordering::SeqCst) && !self.seams.is_busy()
    }

    /// Ends the process as a cut of power would: nothing gets to say good-bye.
    pub(crate) fn crash(self) {
        self.seams.switch_off();
        drop(self.executor);
        // Waits for what its threads are in the middle of, so that nothing of it is left.
        drop(self.runtime);
    }
}

/// One thread, so that what is woken first runs first.
fn runtime(seams: &Seams, is_parked: &Arc<AtomicBool>) -> Runtime {
    let (parked, unparked) = (Arc::clone(is_parked), Arc::clone(is_parked));
    let monitor = Arc::clone(seams.monitor());
    Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .on_thread_park(move || {
            parked.store(true, Ordering::SeqCst);
            monitor.rest();
        })
        .on_thread_unpark(move || unparked.store(false, Ordering::SeqCst))
        .build()
        .unwrap()
}
