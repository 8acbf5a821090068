//! Randomness that is the same everywhere: `SplitMix64`, and value noise on top of it. All integers.

/// One in the fixed point of noise positions and values.
pub(super) const ONE: i64 = 1 << 16;

/// A sequence of numbers that follows from its seed.
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

impl Random {
    /// A sequence for a text and a seed.
    pub(super) fn of(text: &str, seed: u32) -> Self {
        // FNV-1a.
        let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self(mixed(hash ^ u64::from(seed).rotate_left(32)))
    }

    /// The next 64 bits.
    pub(super) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed(self.0)
    }

    /// A number from `low` to `high`, both included.
    pub(super) fn between(&mut self, low: i64, high: i64) -> i64 {
        let span = u64::try_from(high - low + 1).unwrap_or(1).max(1);
        low + i64::try_from((self.bits() >> 11) % span).unwrap_or(0)
    }

    /// Whether an event of so many percent happens.
    pub(super) fn chance(&mut self, percent: i64) -> bool {
        self.between(1, 100) <= percent
    }

    /// One of several.
    pub(super) fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        let last = i64::try_from(choices.len()).unwrap_or(1) - 1;
        &choices[usize::try_from(self.between(0, last)).unwrap_or(0)]
    }
}

/// The finalizer of `SplitMix64`.
fn mixed(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

/// Noise on a lattice, from 0 to [`ONE`], which is the same for the same seed and place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Noise(pub(super) u64);

impl Noise {
    /// Smooth noise along a line. Lattice points are [`ONE`] apart.
    pub(super) fn along(self, x: i64) -> i64 {
        let cell = x.div_euclid(ONE);
        let weight = smooth(x.rem_euclid(ONE));
        blend(self.at(cell, 0), self.at(cell + 1, 0), weight)
    }

    /// Smooth noise in the plane.
    pub(super) fn over(self, x: i64, y: i64) -> i64 {
        let (column, row) = (x.div_euclid(ONE), y.div_euclid(ONE));
        let (across, down) = (smooth(x.rem_euclid(ONE)), smooth(y.rem_euclid(ONE)));
        let upper = blend(self.at(column, row), self.at(column + 1, row), across);
        let lower = blend(self.at(column, row + 1), self.at(column + 1, row + 1), across);
        blend(upper, lower, down)
    }

    /// Noise along a line with finer noise upon it, each octave half as high and twice as fine.
    pub(super) fn fractal(self, x: i64, octaves: u32) -> i64 {
        let (mut sum, mut weights) = (0, 0);
        for octave in 0..octaves {
            let weight = 1_i64 << (octaves - octave);
            let shifted = Self(self.0.wrapping_add(u64::from(octave)));
            sum += shifted.along(x << octave) * weight;
            weights += weight;
        }
        sum / weights.max(1)
    }

    /// The value of a lattice point.
    pub(super) fn at(self, x: i64, y: i64) -> i64 {
        let place = x
            .wrapping_mul(0x9e37_79b9)
            .wrapping_add(y.wrapping_mul(0x85eb_ca77_c2b2));
        let bits = mixed(self.0 ^ u64::from_ne_bytes(place.to_ne_bytes()));
        i64::try_from(bits >> 48).unwrap_or(0)
    }
}

/// Eases from 0 to [`ONE`]: `3t² - 2t³`.
pub(super) fn smooth(t: i64) -> i64 {
    let square = (t * t) >> 16;
    (square * (3 * ONE - 2 * t)) >> 16
}

fn blend(from: i64, to: i64, weight: i64) -> i64 {
    from + (((to - from) * weight) >> 16)
}

/// The largest whole number whose square is not larger.
pub(super) fn square_root(number: i64) -> i64 {
    if number <= 0 {
        return 0;
    }
    let mut root = 1_i64 << ((64 - number.leading_zeros()).div_ceil(2));
    loop {
        let better = (root + number / root) / 2;
        if better >= root {
            return root;
        }
        root = better;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sequence_is_the_published_one() {
        let mut random = Random(1_234_567);
        assert_eq!(random.bits(), 6_457_827_717_110_365_317);
        assert_eq!(random.bits(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn square_roots_are_rounded_down() {
        for number in (0..5000).chain([i64::MAX / 4, 1 << 40, (1 << 40) - 1]) {
            let root = square_root(number);
            assert!(
                root * root <= number && (root + 1) * (root + 1) > number,
                "{number}"
            );
        }
    }

    #[test]
    fn noise_is_smooth_and_within_its_range() {
        let noise = Noise(42);
        for step in 0..2000 {
            let x = step * 97 - 90_000;
            let here = noise.over(x, x / 3);
            assert!((0..=ONE).contains(&here));
            assert!((noise.along(x) - noise.along(x + 1)).abs() < 8);
        }
    }
}
