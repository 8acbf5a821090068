//! A fingerprint of how a picture looks, which small changes leave as it is.

use std::fmt;

use image::DynamicImage;

use super::{MAX_BP, plane::Plane, ramp};

/// Edge of the little picture that is compared, in pixels; one more across, for the differences.
const EDGE_PX: usize = 8;

/// 64 signs, each whether a place of the picture is lighter than the one to its right (a "dHash"). Pictures that look
/// the same differ in a few at most, unrelated ones in about half.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(pub u64);

impl Fingerprint {
    /// Signs that differ, 0 to 64.
    pub fn distance(self, other: Self) -> u32 {
        (self.0 ^ other.0).count_ones()
    }

    /// Reads the 16 hexadecimal digits that [`Display`](fmt::Display) writes.
    pub fn parse(digits: &str) -> Option<Self> {
        let is_written = digits.len() == 16 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_written.then(|| u64::from_str_radix(digits, 16).ok().map(Self))?
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// The fingerprint of a picture. Nothing when it has fewer pixels than signs.
pub fn fingerprint(pixels: &DynamicImage) -> Option<Fingerprint> {
    let plane = Plane::overview(pixels);
    let (columns, rows) = (EDGE_PX + 1, EDGE_PX);
    if plane.width < columns || plane.height < rows {
        return None;
    }
    let mut bits = 0_u64;
    for row in 0..rows {
        let lines = row * plane.height / rows..(row + 1) * plane.height / rows;
        let mut sums = [0_u64; EDGE_PX + 1];
        for line in plane.rows().take(lines.end).skip(lines.start) {
            for (column, sum) in sums.iter_mut().enumerate() {
                let cells = column * plane.width / columns..(column + 1) * plane.width / columns;
                let cells = line.get(cells).unwrap_or_default();
                *sum += cells.iter().map(|tone| u64::from(*tone)).sum::<u64>();
            }
        }
        // Columns differ by a pixel in width: compare means, in 256ths.
        let mean = |column: usize, sum: u64| {
            let width = (column + 1) * plane.width / columns - column * plane.width / columns;
            let area = u64::try_from(width * lines.len()).unwrap_or(u64::MAX).max(1);
            sum * 256 / area
        };
        let means: Vec<u64> = (0..).zip(sums).map(|(column, sum)| mean(column, sum)).collect();
        for pair in means.windows(2) {
            bits = bits << 1 | u64::from(pair.first() > pair.last());
        }
    }
    Some(Fingerprint(bits))
}

/// Up to two signs are what encoding changes; from twelve on the pictures have little in common.
pub(super) fn score(distance: u32) -> u32 {
    ramp(u64::from(distance), 2, 12).min(MAX_BP)
}
