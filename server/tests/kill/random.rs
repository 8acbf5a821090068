//! Chance that can be had again: everything that is drawn follows from one seed.

use std::{ops::RangeInclusive, time::Duration};

/// A stream of random numbers (`SplitMix64`). Each role in a story has its own, so that how fast one of them goes
/// does not change what another one draws.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn of(seed: u64, role: &str) -> Self {
        let mut state = seed;
        for byte in role.bytes() {
            state = (state ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        Self(state)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number of the range, both ends included.
    pub(crate) fn between(&mut self, range: RangeInclusive<u64>) -> u64 {
        range.start() + self.next() % (range.end() - range.start() + 1)
    }

    /// True so many times out of a hundred.
    pub(crate) fn chance(&mut self, percent: u64) -> bool {
        self.between(0..=99) < percent
    }

    pub(crate) fn millis(&mut self, range: RangeInclusive<u64>) -> Duration {
        Duration::from_millis(self.between(range))
    }

    /// One of them; nothing of nothing.
    pub(crate) fn pick<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        let count = u64::try_from(of.len()).unwrap();
        let index = usize::try_from(self.next() % count.max(1)).unwrap();
        of.get(index)
    }
}
