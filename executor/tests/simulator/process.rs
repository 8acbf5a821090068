//! One process: a real executor on a runtime of its own, which runs only when the scheduler lets it.

use std::{
    future::poll_fn,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    task::{Poll, Waker},
};

use limn_executor::{
    clock::UnixMicros,
    executor::{Executor, Parts, Settings},
    provider::ImageProvider,
    providers::{Limits, Registry},
};
use tokio::runtime::{Builder, Runtime};

use crate::{
    blobs::{Blobs, Shelf},
    clock::{ProcessClock, WorldClock},
    desk::Desk,
    ids::ProcessIds,
    records::Records,
    vendor::{NAMES, Vendor},
};

/// What all processes of a world share.
#[derive(Clone, Debug)]
pub(crate) struct Surroundings {
    pub(crate) clock: Arc<WorldClock>,
    pub(crate) desk: Arc<Desk>,
    pub(crate) shelf: Arc<Shelf>,
    pub(crate) settings: Settings,
    /// Of each vendor.
    pub(crate) limits: [Limits; NAMES.len()],
}

/// Tells when no task of a runtime can go on.
#[derive(Debug, Default)]
struct Idle {
    parked: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

impl Idle {
    fn park(&self) {
        self.parked.store(true, Ordering::Relaxed);
        if let Some(waker) = self.waker.lock().unwrap().take() {
            waker.wake();
        }
    }
}

/// A process. Dropping it is a crash: none of its tasks gets to say good-bye.
pub(crate) struct Process {
    pub(crate) number: u32,
    pub(crate) executor: Executor,
    pub(crate) clock: Arc<ProcessClock>,
    pub(crate) frozen_until: Option<UnixMicros>,
    /// It was asked to end, and begins nothing new.
    pub(crate) stopping: bool,
    runtime: Runtime,
    idle: Arc<Idle>,
    /// How many answers were read.
    decoded: Arc<AtomicU32>,
    decoded_before: u32,
}

impl Process {
    pub(crate) fn start(number: u32, world: &Surroundings, ahead_us: i64) -> Self {
        let idle = Arc::new(Idle::default());
        let hook = Arc::clone(&idle);
        // One thread for what blocks, so that its work is done in the order in which it was given.
        let runtime = Builder::new_current_thread()
            .max_blocking_threads(1)
            .on_thread_park(move || hook.park())
            .build()
            .unwrap();
        let desk = &world.desk;
        let clock = Arc::new(ProcessClock::new(
            number,
            Arc::clone(&world.clock),
            Arc::clone(desk),
            ahead_us,
        ));
        let decoded = Arc::new(AtomicU32::new(0));
        let vendors = (0..NAMES.len()).map(|vendor| {
            let vendor = Vendor::new(vendor, number, world, Arc::clone(&decoded));
            Arc::new(vendor) as Arc<dyn ImageProvider>
        });
        let limits = NAMES.into_iter().zip(world.limits);
        let providers = limits.fold(Registry::new(vendors.collect()), |registry, (name, limits)| {
            registry.with_limits(name, limits)
        });
        let parts = Parts {
            records: Arc::new(Records::new(number, Arc::clone(desk))),
            blobs: Arc::new(Blobs::new(number, Arc::clone(desk), Arc::clone(&world.shelf))),
            providers,
            ids: Arc::new(ProcessIds::new(number, Arc::clone(&clock))),
            clock: Arc::clone(&clock) as Arc<_>,
            settings: world.settings.clone(),
        };
        let executor = runtime.block_on(async { Executor::start(parts) });
        Self {
            number,
            executor,
            clock,
            frozen_until: None,
            stopping: false,
            runtime,
            idle,
            decoded,
            decoded_before: 0,
        }
    }

    /// Adds a task, for example a caller's.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.runtime.spawn(task);
    }

    /// Lets every task go on until all of them wait for the scheduler. Pictures are decoded on a thread of their own,
    /// and only when `decodes` says so.
    pub(crate) fn run(&mut self, decodes: bool) {
        self.run_until_parked();
        if !decodes {
            return;
        }
        loop {
            // Once an empty task of ours is through, so is what was decoded before it, and whoever waited for that
            // can go on. Nothing was decoded before it: nothing goes on.
            let before = self.decoded_before;
            let flushed = self.runtime.spawn_blocking(|| {});
            self.runtime.block_on(flushed).unwrap();
            self.decoded_before = self.decoded.load(Ordering::Relaxed);
            if self.decoded_before == before {
                break;
            }
            self.run_until_parked();
        }
        let decoded = self.decoded.load(Ordering::Relaxed);
        assert_eq!(decoded, self.decoded_before, "a picture was decoded unexpectedly");
    }

    fn run_until_parked(&self) {
        self.idle.parked.store(false, Ordering::Relaxed);
        self.runtime.block_on(poll_fn(|context| {
            if self.idle.parked.swap(false, Ordering::Relaxed) {
                return Poll::Ready(());
            }
            *self.idle.waker.lock().unwrap() = Some(context.waker().clone());
            Poll::Pending
        }));
    }
}
