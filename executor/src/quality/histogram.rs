//! What the tones of a picture tell: entropy, exposure and contrast.

use super::{MAX_BP, plane::Plane, ramp};

/// How often each luma occurs.
#[derive(Debug)]
pub(super) struct Histogram {
    counts: [u64; 256],
    total: u64,
}

impl Histogram {
    pub(super) fn of(plane: &Plane) -> Self {
        // Four tables: equal neighbours would wait for each other in one.
        let mut tables = [[0_u32; 256]; 4];
        for four in plane.luma.chunks(4) {
            for (table, value) in tables.iter_mut().zip(four) {
                if let Some(count) = table.get_mut(usize::from(*value)) {
                    *count += 1;
                }
            }
        }
        let mut counts = [0_u64; 256];
        for table in &tables {
            for (count, some) in counts.iter_mut().zip(table) {
                *count += u64::from(*some);
            }
        }
        let total = counts.iter().sum();
        Self { counts, total }
    }

    /// Shannon entropy of the tones. One tone has none; black lines on a hundredth of white paper have a tenth of a bit;
    /// photographs have six bits and more.
    pub(super) fn entropy_score(&self) -> u32 {
        ramp(self.entropy_millibits(), 20, 100)
    }

    fn entropy_millibits(&self) -> u64 {
        let whole = log2_millibits(self.total);
        let sum: u64 = self
            .counts
            .iter()
            .filter(|count| **count > 0)
            .map(|count| count * whole.saturating_sub(log2_millibits(*count)))
            .sum();
        sum.checked_div(self.total).unwrap_or_default()
    }

    /// The lightest tones must reach the middle, and so must the darkest: night and snow do.
    pub(super) fn exposure_score(&self) -> u32 {
        let (dark, light) = self.span();
        ramp(light, 24, 80).min(ramp(255 - dark, 24, 80))
    }

    /// Distance of the darkest and the lightest tones.
    pub(super) fn contrast_score(&self) -> u32 {
        let (dark, light) = self.span();
        ramp(light - dark, 8, 64)
    }

    /// The tones between which all but the darkest and the lightest half percent lie.
    fn span(&self) -> (u64, u64) {
        let few = self.total / 200;
        let first_above = |counts: &mut dyn Iterator<Item = &u64>| {
            let mut sum = 0;
            let mut place = 0_u64;
            for count in counts {
                sum += count;
                if sum > few {
                    break;
                }
                place += 1;
            }
            place.min(255)
        };
        let dark = first_above(&mut self.counts.iter());
        let light = 255 - first_above(&mut self.counts.iter().rev());
        (dark, light.max(dark))
    }
}

/// Binary logarithm in thousandths, by repeated squaring.
fn log2_millibits(value: u64) -> u64 {
    if value == 0 {
        return 0;
    }
    let whole = value.ilog2();
    // The value as a number from 1 to 2, with 31 binary places.
    let mut fraction = if whole <= 31 {
        value << (31 - whole)
    } else {
        value >> (whole - 31)
    };
    let mut bits = u64::from(whole) << 16;
    for place in (0..16).rev() {
        fraction = (fraction * fraction) >> 31;
        if fraction >= 1 << 32 {
            fraction >>= 1;
            bits |= 1 << place;
        }
    }
    (bits * 1000) >> 16
}

const _: () = assert!(MAX_BP == 10_000, "the ramps are in basis points");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logarithms_are_right_to_the_thousandth() {
        for (value, millibits) in [
            (1, 0),
            (2, 1000),
            (3, 1584),
            (10, 3321),
            (1 << 20, 20_000),
            (1_000_003, 19_931),
        ] {
            assert_eq!(log2_millibits(value), millibits, "{value}");
        }
    }

    #[test]
    fn equal_tones_have_the_entropy_of_their_number() {
        let luma: Vec<u8> = (0..=255).flat_map(|tone| [tone; 16]).collect();
        let histogram = Histogram::of(&Plane {
            width: 64,
            height: 64,
            luma,
        });
        assert_eq!(histogram.entropy_millibits(), 8000);
        assert_eq!(histogram.span(), (1, 254));
    }
}
