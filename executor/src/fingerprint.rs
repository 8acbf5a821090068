//! Fingerprints: what a picture looks like, in 64 bits that survive re-encoding and resizing.
//!
//! The picture is shrunk to 32 by 32 grey values and taken apart into waves (a discrete cosine transform). Each bit
//! says whether one of the 64 longest waves, the mean brightness aside, is stronger than their median. Compression and
//! resizing change short waves, so few bits flip; other pictures differ in about half of them.
//!
//! Fingerprints are kept, so the algorithm is part of the data: a change of it needs a new [`VERSION`].

use std::{f32::consts::PI, fmt, sync::LazyLock};

use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};
use image::DynamicImage;

/// Version of the algorithm. Fingerprints of different versions cannot be compared.
pub const VERSION: u32 = 1;

/// Edge of the shrunken picture, in pixels.
const EDGE: usize = 32;
/// Number of waves that become bits.
const WAVES: usize = 64;
/// Longest waves per direction that any of the 64 has.
const ORDERS: usize = 11;
/// A picture is flat when its waves, as a root mean square in grey levels, are weaker than this.
const FLAT_LEVELS: f32 = 0.5;

/// What a picture looks like. Cut-outs, rotations and mirror images look different.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fingerprint {
    bits: u64,
    is_flat: bool,
}

impl Fingerprint {
    /// The fingerprint of a picture. Pure; takes a millisecond or two a megapixel: call it off the async threads.
    pub fn of(pixels: &DynamicImage) -> Self {
        let grey = shrink(pixels);
        let waves = waves(&grey);
        let power: f32 = waves.iter().map(|wave| wave * wave).sum();
        let mut sorted = waves;
        sorted.sort_by(f32::total_cmp);
        let median = f32::midpoint(sorted[WAVES / 2 - 1], sorted[WAVES / 2]);
        let bits = waves
            .iter()
            .fold(0, |bits, wave| (bits << 1) | u64::from(*wave > median));
        Self {
            bits,
            is_flat: power.sqrt() < FLAT_LEVELS,
        }
    }

    /// A fingerprint that was kept.
    pub fn kept(bits: u64, is_flat: bool) -> Self {
        Self { bits, is_flat }
    }

    /// The bits, longest wave first.
    pub fn bits(self) -> u64 {
        self.bits
    }

    /// The picture is one colour, or nearly so. Its bits are noise: it looks like every other flat picture.
    pub fn is_flat(self) -> bool {
        self.is_flat
    }

    /// In how many of the 64 bits two fingerprints differ. Re-encoded or resized: a few; unrelated: about 32.
    pub fn distance(self, other: Self) -> u32 {
        (self.bits ^ other.bits).count_ones()
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.bits)
    }
}

/// Grey values of the shrunken picture, row by row. Transparency is ignored, as an encoder without it does.
fn shrink(pixels: &DynamicImage) -> Vec<u8> {
    let edge = u32::try_from(EDGE).unwrap_or(u32::MAX);
    let source = DynamicImage::from(pixels.to_luma8());
    let mut small = DynamicImage::new_luma8(edge, edge);
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear));
    // Fails on a picture without area only, and that is flat, as the empty canvas is.
    let _ = Resizer::new().resize(&source, &mut small, &options);
    small.into_luma8().into_raw()
}

/// `cos` of each order at each pixel, scaled so that the sum over a wave is in grey levels.
static COSINES: LazyLock<[[f32; EDGE]; ORDERS]> = LazyLock::new(|| {
    let mut cosines = [[0.0; EDGE]; ORDERS];
    for (order, row) in (0_u8..).zip(&mut cosines) {
        let scale = if order == 0 { 1.0 } else { 2.0_f32.sqrt() } / 32.0;
        for (at, value) in (0_u8..).zip(row.iter_mut()) {
            *value = scale * (PI / 32.0 * (f32::from(at) + 0.5) * f32::from(order)).cos();
        }
    }
    cosines
});

/// The strengths of the longest waves in grey levels, in zigzag order from the longest, without the mean.
fn waves(grey: &[u8]) -> [f32; WAVES] {
    // Rows first: along each row, then down the columns of what that gave.
    let mut across = [[0.0_f32; ORDERS]; EDGE];
    for (row, sums) in grey.chunks_exact(EDGE).zip(&mut across) {
        for (sum, cosines) in sums.iter_mut().zip(COSINES.iter()) {
            *sum = row
                .iter()
                .zip(cosines)
                .map(|(grey, cos)| f32::from(*grey) * cos)
                .sum();
        }
    }
    let wave = |right: usize, down: usize| -> f32 {
        across
            .iter()
            .zip(&COSINES[down])
            .map(|(sums, cos)| sums[right] * cos)
            .sum()
    };
    let diagonals = (1..ORDERS).flat_map(|sum| (0..=sum).map(move |right| (right, sum - right)));
    let mut waves = [0.0; WAVES];
    for (strength, (right, down)) in waves.iter_mut().zip(diagonals) {
        *strength = wave(right, down);
    }
    waves
}

#[cfg(test)]
mod tests {
    use image::{DynamicImage, GrayImage, Luma, imageops};

    use super::Fingerprint;

    /// A picture of sheets of paper on a table, that has nothing in common with that of another seed.
    fn papers(seed: u64, width_px: u32, height_px: u32) -> DynamicImage {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut random = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            u32::try_from(state >> 40).unwrap() % 256
        };
        let papers: Vec<[u32; 5]> = (0..40)
            .map(|_| [random(), random(), random() / 2, random() / 2, random()])
            .collect();
        let picture = GrayImage::from_fn(width_px, height_px, |x, y| {
            let (x, y) = (x * 256 / width_px, y * 256 / height_px);
            let covers = |paper: &&[u32; 5]| {
                let [left, top, wide, high, _] = **paper;
                (left..left + wide).contains(&x) && (top..top + high).contains(&y)
            };
            let grey = papers.iter().rev().find(covers).map_or(90, |paper| paper[4]);
            Luma([u8::try_from(grey).unwrap()])
        });
        DynamicImage::from(picture)
    }

    #[test]
    fn resizing_keeps_a_fingerprint_and_other_pictures_differ() {
        let originals: Vec<_> = (1..16).map(|seed| papers(seed, 200, 150)).collect();
        let fingerprints: Vec<_> = originals.iter().map(Fingerprint::of).collect();
        for (seed, (original, fingerprint)) in originals.iter().zip(&fingerprints).enumerate() {
            assert!(!fingerprint.is_flat(), "{seed}");
            for (width_px, height_px) in [(100, 75), (67, 50), (300, 225)] {
                let resized = original.resize_exact(width_px, height_px, imageops::FilterType::CatmullRom);
                let distance = fingerprint.distance(Fingerprint::of(&resized));
                assert!(distance <= 4, "{seed} at {width_px}: {distance}");
            }
            for (other, of_other) in fingerprints
                .iter()
                .enumerate()
                .filter(|(other, _)| *other != seed)
            {
                let distance = fingerprint.distance(*of_other);
                assert!(distance >= 12, "{seed} and {other}: {distance}");
            }
        }
    }

    #[test]
    fn bits_are_those_of_this_version() {
        // Kept fingerprints are compared with new ones for ever.
        let ramp = GrayImage::from_fn(96, 64, |x, y| {
            Luma([u8::try_from((x * x / 48 + y * 3 / 2) % 256).unwrap()])
        });
        let fingerprint = Fingerprint::of(&DynamicImage::from(ramp));
        assert_eq!(fingerprint.to_string(), "0b01f80ffc0ffce0");
    }

    #[test]
    fn flat_pictures_are_known_as_such() {
        for level in [0, 128, 255] {
            let flat = GrayImage::from_pixel(300, 200, Luma([level]));
            assert!(Fingerprint::of(&DynamicImage::from(flat)).is_flat());
        }
        let nothing = DynamicImage::new_rgb8(0, 0);
        assert!(Fingerprint::of(&nothing).is_flat());
        let mut barely = GrayImage::from_pixel(64, 64, Luma([128]));
        barely.put_pixel(3, 3, Luma([129]));
        assert!(Fingerprint::of(&DynamicImage::from(barely)).is_flat());
    }
}
