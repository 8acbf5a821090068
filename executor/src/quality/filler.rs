//! Filler: where the data of a picture ends early, decoders leave the rest in a middle grey, from edge to edge.

use std::ops::RangeInclusive;

use super::{MAX_BP, plane::Plane, ramp};

/// The greys of decoders that fill with the middle of eight bits.
const GREYS: RangeInclusive<u8> = 126..=130;
/// Fewer rows than this are not told apart from an edge of the picture.
const FEWEST_ROWS: usize = 8;

/// 10000 when the last rows are part of the picture; low, and the lower the more of it is missing, when they are filler.
pub(super) fn score(plane: &Plane) -> u32 {
    let is_filler = |row: &&[u8]| row.iter().all(|tone| GREYS.contains(tone));
    let filled = plane.rows().rev().take_while(is_filler).count();
    // A picture that is all grey has nothing in it, which is another fault.
    if filled < FEWEST_ROWS || filled == plane.height {
        return MAX_BP;
    }
    let thousandths = filled * 1000 / plane.height.max(1);
    (MAX_BP - ramp(u64::try_from(thousandths).unwrap_or(u64::MAX), 0, 1000)) / 5
}
