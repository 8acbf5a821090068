//! Ids that tell who made them, and their short names in a trace.

use std::{fmt, sync::Mutex};

use limn_executor::ids::IdSource;
use uuid::Uuid;

use crate::clock::ProcessClock;
use std::sync::Arc;

/// Ids of one process: its time, its number, and how many it made.
#[derive(Debug)]
pub(crate) struct ProcessIds {
    process: u32,
    clock: Arc<ProcessClock>,
    last: Mutex<(u64, u32)>,
}

impl ProcessIds {
    pub(crate) fn new(process: u32, clock: Arc<ProcessClock>) -> Self {
        Self {
            process,
            clock,
            last: Mutex::default(),
        }
    }
}

impl IdSource for ProcessIds {
    fn next(&self) -> Uuid {
        let now_ms = u64::try_from(limn_executor::clock::Clock::now(&*self.clock).0 / 1000).unwrap();
        let mut last = self.last.lock().unwrap();
        // Never goes back, whatever is done to the clock.
        last.0 = last.0.max(now_ms);
        last.1 += 1;
        let (time_ms, count) = *last;
        let version_and_process = (7 << 12) | (self.process & 0xfff);
        let bits = (u128::from(time_ms) << 80)
            | (u128::from(version_and_process) << 64)
            | (0x8 << 60)
            | u128::from(count);
        Uuid::from_u128(bits)
    }
}

/// An id as a trace shows it: process and number. Ids that follow from others are shown by their first digits.
pub(crate) struct Short(pub(crate) Uuid);

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = self.0.as_u128();
        if self.0.get_version_num() == 7 {
            write!(f, "{}.{}", (bits >> 64) & 0xfff, bits & 0xffff_ffff)
        } else {
            write!(f, "{:08x}", bits >> 96)
        }
    }
}
