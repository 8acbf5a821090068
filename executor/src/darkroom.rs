//! Where answers become pictures: no more at once than there are cores, and never more than memory is set aside for.
//!
//! Decoding runs on the blocking threads of the runtime and cannot be stopped. What bounds its time is the number of pixels,
//! which is checked before the first one is decoded; what bounds its memory is that whoever decodes first takes their
//! share of it here.

use std::{num::NonZero, thread::available_parallelism};

use tokio::sync::{Semaphore, SemaphorePermit};

/// What one permit of memory stands for, in bytes.
const PERMIT_BYTES: u64 = 1 << 10;
/// What a pixel needs while a picture is decoded, looked at and copied: four bytes decoded, and as much again for planes,
/// copies and what encoders keep.
const PIXEL_BYTES: u64 = 8;

/// The places in it.
#[derive(Debug)]
pub(crate) struct Darkroom {
    memory: Semaphore,
    permits: u32,
    places: Semaphore,
}

/// A place, and memory to work there. Both are free again when it is dropped.
#[derive(Debug)]
pub(crate) struct Place<'d> {
    _memory: Option<SemaphorePermit<'d>>,
    _place: Option<SemaphorePermit<'d>>,
}

impl Darkroom {
    /// With as many places as cores.
    pub(crate) fn new(memory_bytes: u64) -> Self {
        let permits = u32::try_from(memory_bytes / PERMIT_BYTES)
            .unwrap_or(u32::MAX)
            .max(1);
        let all = usize::try_from(permits).unwrap_or(Semaphore::MAX_PERMITS);
        Self {
            memory: Semaphore::new(all.min(Semaphore::MAX_PERMITS)),
            permits,
            places: Semaphore::new(available_parallelism().map_or(1, NonZero::get)),
        }
    }

    /// Waits for a place, first come, first served. A picture that needs more than all memory waits for all of it.
    pub(crate) async fn enter(&self, width_px: u32, height_px: u32) -> Place<'_> {
        let bytes = u64::from(width_px) * u64::from(height_px) * PIXEL_BYTES;
        let permits = u32::try_from(bytes.div_ceil(PERMIT_BYTES)).unwrap_or(u32::MAX);
        // Neither is ever closed.
        let memory = self.memory.acquire_many(permits.min(self.permits)).await.ok();
        let place = self.places.acquire().await.ok();
        Place {
            _memory: memory,
            _place: place,
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn pictures_wait_for_memory() {
        let darkroom = Darkroom::new(16 << 20);
        let first = darkroom.enter(1024, 1024).await;
        assert!(
            darkroom.enter(2048, 1024).now_or_never().is_none(),
            "8 MiB of 16 are taken"
        );
        drop(first);
        let huge = darkroom.enter(20_000, 20_000).await;
        assert!(
            darkroom.enter(1, 1).now_or_never().is_none(),
            "all memory is taken"
        );
        drop(huge);
        assert!(darkroom.enter(1, 1).now_or_never().is_some());
    }
}
