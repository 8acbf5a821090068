//! Counts the transactions that ran again because another one came in between, and those that were in a knot.

use std::{
    fmt,
    sync::{
        Once,
        atomic::{AtomicU32, Ordering},
    },
};

use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};

static RERUNS: AtomicU32 = AtomicU32::new(0);
static KNOTS: AtomicU32 = AtomicU32::new(0);

/// Begins to count, for all tests of this binary.
pub(crate) fn count() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| tracing::subscriber::set_global_default(Counter).unwrap());
}

/// Transactions that ran again so far.
pub(crate) fn reruns() -> u32 {
    RERUNS.load(Ordering::SeqCst)
}

/// Those of them in which two waited for each other.
pub(crate) fn knots() -> u32 {
    KNOTS.load(Ordering::SeqCst)
}

struct Counter;

impl Subscriber for Counter {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "limn_executor::records::postgres"
    }

    fn event(&self, event: &Event<'_>) {
        let mut found = Found::default();
        event.record(&mut found);
        if found.is_rerun {
            RERUNS.fetch_add(1, Ordering::SeqCst);
        }
        if found.is_knot {
            KNOTS.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[derive(Default)]
struct Found {
    is_rerun: bool,
    is_knot: bool,
}

impl Visit for Found {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.is_rerun |= field.name() == "tries";
        self.is_knot |= field.name() == "error" && format!("{value:?}").contains("deadlock");
    }
}
