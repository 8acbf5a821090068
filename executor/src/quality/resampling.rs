//! Traces of enlargement.
//!
//! Whoever enlarges computes most pixels from their neighbours, and how well a pixel agrees with its neighbours then depends
//! on where it stands between those of the small picture: the bends of an enlarged picture come and go with the period of
//! the enlargement, in every row alike. Blur has no period.

use std::ops::RangeInclusive;

use super::plane::Plane;

/// Shortest and longest period that is looked for, in sixteenths of a pixel. A period of eight pixels and its parts may
/// come from the blocks of a JPEG.
const PERIODS: RangeInclusive<usize> = 40..=400;
/// Bends above this count as this.
const STRONGEST: u16 = 6;
/// Parts of a period.
const PHASES: usize = 5;

/// True when the bends of columns and rows have the same period. In a picture that was a JPEG, the period of its blocks
/// proves nothing.
pub(super) fn is_enlarged(plane: &Plane, may_have_blocks: bool) -> bool {
    let [columns, rows] =
        [column_bends(plane), row_bends(plane)].map(|bends| strongest_period(&bends, may_have_blocks));
    match (columns, rows) {
        (Some(columns), Some(rows)) => columns.abs_diff(rows) <= 1,
        _ => false,
    }
}

fn column_bends(plane: &Plane) -> Vec<u64> {
    let mut sums = vec![0_u64; plane.width.saturating_sub(2)];
    for row in plane.rows() {
        let neighbours = row.iter().zip(row.iter().skip(1)).zip(row.iter().skip(2));
        for (sum, ((left, middle), right)) in sums.iter_mut().zip(neighbours) {
            *sum += u64::from(bend(*left, *middle, *right));
        }
    }
    sums
}

fn row_bends(plane: &Plane) -> Vec<u64> {
    let rows: Vec<&[u8]> = plane.rows().collect();
    rows.windows(3)
        .map(|three| match three {
            [above, row, below] => row
                .iter()
                .zip(above.iter().zip(below.iter()))
                .map(|(middle, (above, below))| u64::from(bend(*above, *middle, *below)))
                .sum(),
            _ => 0,
        })
        .collect()
}

/// Strong edges count as weak ones do: they are where the picture has them, not where an enlargement puts them.
fn bend(before: u8, middle: u8, after: u8) -> u16 {
    (2 * i16::from(middle) - i16::from(before) - i16::from(after))
        .unsigned_abs()
        .min(STRONGEST)
}

/// Folds the bends at each period: with the right one, the parts of the period differ far more than chance has it.
fn strongest_period(bends: &[u64], may_have_blocks: bool) -> Option<usize> {
    let levelled = level(bends);
    let least = variance(&levelled)? * LEAST_PERCENT / 100;
    let is_of_blocks = |period: usize| [43, 64, 128, 256, 384].iter().any(|of| period.abs_diff(*of) <= 1);
    let periods = PERIODS.filter(|period| !(may_have_blocks && is_of_blocks(*period)));
    let (explained, period) = periods.map(|period| (folded(&levelled, period), period)).max()?;
    (explained > least).then_some(period)
}

/// Share of the variance that one period must explain.
const LEAST_PERCENT: u64 = 5;

/// The bends in thousandths of their neighbourhood.
fn level(bends: &[u64]) -> Vec<i64> {
    const AROUND: usize = 24;
    let mean = |place: usize| {
        let from = place.saturating_sub(AROUND);
        let some = bends
            .get(from..(place + AROUND + 1).min(bends.len()))
            .unwrap_or_default();
        let count = u64::try_from(some.len()).unwrap_or(1).max(1);
        (some.iter().sum::<u64>() / count).max(1)
    };
    let levelled = bends.iter().enumerate().map(|(place, bend)| {
        let thousandths = (bend * 1000 / mean(place)).min(4000);
        i64::try_from(thousandths).unwrap_or_default() - 1000
    });
    levelled.collect()
}

fn variance(values: &[i64]) -> Option<u64> {
    let count = u64::try_from(values.len()).ok().filter(|count| *count >= 128)?;
    Some(
        values
            .iter()
            .map(|value| value.unsigned_abs().pow(2))
            .sum::<u64>()
            / count,
    )
}

/// Variance of the means of the parts of a period.
fn folded(values: &[i64], period: usize) -> u64 {
    let mut sums = [(0_i64, 0_i64); PHASES];
    for (place, value) in values.iter().enumerate() {
        let phase = (place * 16) % period * PHASES / period;
        if let Some((sum, count)) = sums.get_mut(phase) {
            *sum += value;
            *count += 1;
        }
    }
    let squares = sums
        .iter()
        .map(|(sum, count)| (sum / (*count).max(1)).unsigned_abs().pow(2));
    squares.sum::<u64>() / u64::try_from(PHASES).unwrap_or(1)
}

/// Edge of the squares of equal pixels that the whole picture consists of, in pixels; 1 when it does not. Squares may
/// differ by a pixel, where the enlargement was by no whole number.
pub(super) fn repetition(plane: &Plane) -> usize {
    let mut differs = vec![false; plane.width.saturating_sub(1)];
    for row in plane.rows() {
        for (differs, pair) in differs.iter_mut().zip(row.windows(2)) {
            *differs |= pair.first() != pair.last();
        }
    }
    let rows: Vec<&[u8]> = plane.rows().collect();
    let rows = rows.windows(2).map(|pair| pair.first() != pair.last());
    shortest_run(differs.into_iter()).min(shortest_run(rows))
}

/// The length of the shorter runs, when all but the first and the last have that length or several times that; else 1.
fn shortest_run(differs: impl Iterator<Item = bool>) -> usize {
    let places: Vec<usize> = differs
        .enumerate()
        .filter_map(|(place, differs)| differs.then_some(place))
        .collect();
    let runs = places.windows(2).map(|pair| match pair {
        [from, to] => to - from,
        _ => 0,
    });
    let (shortest, longest) = (runs.clone().min().unwrap_or(1), runs.clone().max().unwrap_or(1));
    // Where neighbours in the small picture were equal, runs are several times as long.
    let is_regular = longest <= shortest + 1 || runs.clone().all(|run| run % shortest == 0);
    if places.len() < FEWEST_RUNS || !is_regular {
        1
    } else {
        shortest
    }
}

/// Fewer runs prove nothing.
const FEWEST_RUNS: usize = 9;
