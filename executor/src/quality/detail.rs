//! How much detail there is at which scale: content, sharpness, resolution and noise.
//!
//! Second differences are taken at full size, half size, and so on. An edge that is an edge bends as much at full size as
//! at half; one that is spread over many pixels bends four times less each time the size doubles; noise bends more.

use super::{MAX_BP, falling_ramp, plane::Plane, ramp};

/// Edge of a tile at full size, in pixels.
const TILE_PX: usize = 32;
/// Scales that are looked at: full size to a sixteenth.
const LEVELS: usize = 5;
/// A tile with a bend of this many tones has something in it.
const VISIBLE: u16 = 8;
/// A scale has lost its detail when it bends less than this many hundredths of the next smaller one.
const LOST_PERCENT: u64 = 42;

/// The largest and the mean bend of a tile, at one scale.
#[derive(Clone, Copy, Debug, Default)]
struct Bend {
    largest: u16,
    sum: u32,
    count: u32,
}

/// The bends of all tiles.
#[derive(Debug)]
pub(super) struct Detail {
    /// By scale, then by tile.
    levels: Vec<Vec<Bend>>,
}

/// What missing detail says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Losses {
    pub(super) resolution_bp: u32,
    pub(super) sharpness_bp: u32,
}

impl Detail {
    pub(super) fn of(plane: &Plane) -> Self {
        let mut levels = Vec::with_capacity(LEVELS);
        let columns = (plane.width / TILE_PX).max(1);
        let rows = (plane.height / TILE_PX).max(1);
        let mut current = plane.clone();
        for level in 0..LEVELS {
            let tile_px = TILE_PX >> level;
            levels.push(bends(&current, tile_px, columns, rows));
            current = current.halved();
        }
        Self { levels }
    }

    /// The share of tiles with something in them. A line drawing needs few; a smooth gradient has none.
    pub(super) fn content_score(&self) -> u32 {
        let of_tile = |tile: usize| {
            let levels = self.levels.iter().take(4).skip(1);
            levels
                .filter_map(|level| level.get(tile))
                .any(|bend| bend.largest >= VISIBLE)
        };
        let tiles = self.levels.first().map_or(0, Vec::len);
        let filled = (0..tiles).filter(|tile| of_tile(*tile)).count();
        let (filled, tiles) = (wide(filled), wide(tiles.max(1)));
        ramp(filled * 1000 / tiles, 2, 15)
    }

    /// Sharpness and resolution of the tiles with the strongest edges: what is out of focus behind a subject is no
    /// fault. The same loss of detail is one or the other: `is_enlarged` says which.
    pub(super) fn losses(&self, is_enlarged: impl FnOnce() -> bool) -> Losses {
        let none = Losses {
            resolution_bp: MAX_BP,
            sharpness_bp: MAX_BP,
        };
        let Some(strongest) = self.strongest() else {
            return none;
        };
        // 18: what a model that draws a little softly leaves. 5: a blur over five pixels.
        let sharpness_bp = ramp(crispness(&strongest), 5, 18);
        if sharpness_bp == MAX_BP || !is_enlarged() {
            return Losses { sharpness_bp, ..none };
        }
        let times = 1 << lost_scales(&strongest);
        Losses {
            resolution_bp: enlarged_score(times).min(sharpness_bp),
            ..none
        }
    }

    /// How much more the smooth tiles bend at full size than at a quarter. Texture bends as much, noise more.
    pub(super) fn noise_score(&self) -> u32 {
        let mean = |level: usize, tile: usize| {
            let bend = self.levels.get(level).and_then(|tiles| tiles.get(tile)).copied();
            let bend = bend.unwrap_or_default();
            (u64::from(bend.sum) * 100)
                .checked_div(u64::from(bend.count))
                .unwrap_or_default()
        };
        let tiles = self.levels.first().map_or(0, Vec::len);
        let mut grain: Vec<u64> = (0..tiles)
            .map(|tile| mean(0, tile).saturating_sub(mean(2, tile)))
            .collect();
        grain.sort_unstable();
        let smooth = grain.get(tiles / 4).copied().unwrap_or_default();
        falling_ramp(smooth, 800, 3_600)
    }

    /// Sums of the largest bends by scale over the tenth of the tiles that bend most. Nothing when the picture is too
    /// small to say, or nothing in it bends.
    fn strongest(&self) -> Option<[u64; LEVELS]> {
        let strength = |tile: usize| {
            let levels = self.levels.iter().skip(1);
            let largest = levels
                .filter_map(|level| level.get(tile))
                .map(|bend| bend.largest);
            largest.max().unwrap_or_default()
        };
        let tiles = self.levels.first().map_or(0, Vec::len);
        if tiles < 4 {
            return None;
        }
        let mut order: Vec<(u16, usize)> = (0..tiles).map(|tile| (strength(tile), tile)).collect();
        order.sort_unstable_by(|a, b| b.cmp(a));
        order.truncate((tiles / 10).max(4));
        order.retain(|(strength, _)| *strength >= VISIBLE);
        if order.is_empty() {
            return None;
        }
        let mut sums = [0; LEVELS];
        for (sum, level) in sums.iter_mut().zip(&self.levels) {
            let largest = order.iter().filter_map(|(_, tile)| level.get(*tile));
            *sum = largest.map(|bend| u64::from(bend.largest)).sum();
        }
        Some(sums)
    }
}

/// The resolution of a picture that was enlarged so many times. Twice is what many models do themselves.
pub(super) fn enlarged_score(times: usize) -> u32 {
    match times {
        0 | 1 => MAX_BP,
        2 => 7_000,
        3 | 4 => 2_500,
        5..=8 => 1_000,
        _ => 0,
    }
}

/// Bends at full size in hundredths of the greatest bends at any smaller one.
fn crispness(sums: &[u64; LEVELS]) -> u64 {
    let [full, smaller @ ..] = sums;
    let greatest = smaller.iter().copied().max().unwrap_or_default();
    (full * 100).checked_div(greatest).unwrap_or(100)
}

/// Scales from full size on that have no detail of their own.
fn lost_scales(sums: &[u64; LEVELS]) -> usize {
    let pairs = sums.iter().zip(sums.iter().skip(1));
    pairs
        .take_while(|(fine, coarse)| **fine * 100 < **coarse * LOST_PERCENT)
        .count()
}

/// The bends of each tile of a plane, along rows and columns.
fn bends(plane: &Plane, tile_px: usize, columns: usize, rows: usize) -> Vec<Bend> {
    let mut tiles = vec![Bend::default(); columns * rows];
    let width = plane.width;
    let lines: Vec<&[u8]> = plane.rows().collect();
    let mut bent = vec![0_u16; width];
    for (y, three) in lines.windows(3).enumerate() {
        let [above, line, below] = three else { continue };
        let Some(tile_row) = tiles.chunks_exact_mut(columns).nth((y + 1) / tile_px) else {
            break;
        };
        // One pass that compilers turn into vectors, then one over tiles.
        let inner = width.saturating_sub(2);
        let left = line.iter().zip(line.iter().skip(1)).zip(line.iter().skip(2));
        let down = above.iter().skip(1).zip(below.iter().skip(1));
        for (bend, (((left, middle), right), (above, below))) in
            bent.iter_mut().skip(1).take(inner).zip(left.zip(down))
        {
            let twice = 2 * i16::from(*middle);
            let along = (twice - i16::from(*left) - i16::from(*right)).unsigned_abs();
            let across = (twice - i16::from(*above) - i16::from(*below)).unsigned_abs();
            *bend = along.max(across);
        }
        for (tile, some) in tile_row.iter_mut().zip(bent.chunks_exact(tile_px)) {
            let largest = some.iter().copied().max().unwrap_or_default();
            tile.largest = tile.largest.max(largest);
            tile.sum += some.iter().map(|bend| u32::from(*bend)).sum::<u32>();
            tile.count += u32::try_from(some.len()).unwrap_or_default();
        }
    }
    tiles
}

fn wide(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
