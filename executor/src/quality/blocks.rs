//! Blocks: JPEG and its kin cut a picture into squares of eight pixels, and with too few bits the squares show.

use super::{falling_ramp, plane::Plane};

/// Edge of a block, in pixels.
const BLOCK_PX: usize = 8;
/// A step this many tones higher than those beside it stands out.
const STANDS_OUT: u16 = 8;
/// Blocks show in at least so many of a hundred places.
const FEWEST_PERCENT: u64 = 4;
/// Thousandths that a picture with enough bits may have.
const GOOD: u64 = 250;
/// Thousandths of which everybody sees the blocks.
const BAD: u64 = 500;

/// Steps that stand out are everywhere in a picture; here it counts how many more of them there are on the lines of the
/// blocks than on the next frequent lines. The blocks may begin anywhere: pictures get cut.
pub(super) fn score(plane: &Plane) -> u32 {
    let columns = transposed(plane);
    let mean = u64::midpoint(excess(plane.rows()), excess(columns.rows()));
    falling_ramp(mean, GOOD, BAD)
}

/// Thousandths of all steps that stand out.
fn excess<'p>(rows: impl Iterator<Item = &'p [u8]>) -> u64 {
    let mut standing = [0_u64; BLOCK_PX];
    let mut places = 0_u64;
    // Every second line tells as much.
    for row in rows.step_by(2) {
        for some in row.windows(BLOCK_PX + 3).step_by(BLOCK_PX) {
            for (count, four) in standing.iter_mut().zip(some.windows(4)) {
                let [before, left, right, after] = four else {
                    continue;
                };
                let step = i16::from(*left).abs_diff(i16::from(*right));
                let beside = i16::from(*before)
                    .abs_diff(i16::from(*left))
                    .max(i16::from(*right).abs_diff(i16::from(*after)));
                *count += u64::from(step > beside + STANDS_OUT);
            }
            places += 1;
        }
    }
    let all: u64 = standing.iter().sum();
    standing.sort_unstable();
    let [.., second, most] = standing;
    // A few steps prove nothing: they may be the edges of one thing in the picture.
    ((most - second) * 1000)
        .checked_div(all.max(places * FEWEST_PERCENT / 100))
        .unwrap_or_default()
}

/// Columns as rows, of every second column.
fn transposed(plane: &Plane) -> Plane {
    let width = plane.width / 2;
    let mut luma = vec![0; width * plane.height];
    for (y, row) in plane.rows().enumerate() {
        for (x, value) in row.iter().step_by(2).take(width).enumerate() {
            if let Some(place) = luma.get_mut(x * plane.height + y) {
                *place = *value;
            }
        }
    }
    Plane {
        width: plane.height,
        height: width,
        luma,
    }
}
