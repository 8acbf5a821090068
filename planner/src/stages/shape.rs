//! Width and height: what is asked for, in sizes that the model draws.
//!
//! Pixels are taken exactly or refused with the nearest size. A ratio prefers a size that has it exactly, the
//! one closest to the size class or to the model's default; failing that, one within 2 %, which
//! is noted as mapped. A size class is kept when the number of pixels is within a factor of two.

use alloc::{format, string::String};

use limn_proto::v1::Resolution;

use super::fit::Fitting;
use crate::{
    catalog::{Model, Size, SizeGrid, SizeRule, describe_sizes},
    request::{Field, SizeWish},
};

/// Largest deviation from a ratio that is drawn, in parts per million: 2 %.
const MAX_RATIO_DEVIATION_PPM: u64 = 20_000;
/// What a deviation from the ratio weighs against the same deviation from the number of pixels.
const RATIO_WEIGHT: u64 = 10;
const PPM: u64 = 1_000_000;

/// The size that is drawn.
pub(crate) fn choose(model: &Model, fitting: &mut Fitting<'_>) -> Size {
    match fitting.wish.size {
        SizeWish::Pixels(size) => exact(model, size, fitting),
        SizeWish::Shape { ratio, resolution } => shaped(model, ratio, resolution, fitting),
    }
}

/// True when the rule has the size.
pub(crate) fn is_offered(rule: &SizeRule, size: Size) -> bool {
    match rule {
        SizeRule::Listed(sizes) => sizes.iter().any(|listed| listed.size == size),
        SizeRule::Grid(grid) => {
            let on_grid = |side: u32| side.is_multiple_of(grid.multiple_of_px);
            let sides = grid.min_side_px..=grid.max_side_px;
            sides.contains(&size.width_px)
                && on_grid(size.width_px)
                && on_grid(size.height_px)
                && heights(grid, size.width_px)
                    .is_some_and(|(least, most)| (least..=most).contains(&size.height_px))
        }
    }
}

/// The provider's own word for the size; empty: it takes pixels.
pub(crate) fn token(rule: &SizeRule, size: Size) -> String {
    match rule {
        SizeRule::Listed(sizes) => {
            let listed = sizes.iter().find(|listed| listed.size == size);
            listed.map(|listed| listed.token.clone()).unwrap_or_default()
        }
        SizeRule::Grid(grid) => {
            let format = grid.token_format.as_deref().unwrap_or_default();
            let width = format!("{}", size.width_px);
            let height = format!("{}", size.height_px);
            format.replace("{width}", &width).replace("{height}", &height)
        }
    }
}

fn exact(model: &Model, size: Size, fitting: &mut Fitting<'_>) -> Size {
    if is_offered(&model.sizes, size) {
        fitting.honoured(Field::Width, format!("{}", size.width_px));
        fitting.honoured(Field::Height, format!("{}", size.height_px));
        return size;
    }
    let nearest = nearest(&model.sizes, size).unwrap_or(model.default_size);
    let offered = describe_sizes(&model.sizes);
    let why = format!("{size} px is not offered ({offered}); the nearest size is {nearest} px");
    // The pixels stand together: one side is not given up without the other.
    let optional = &fitting.wish.optional;
    if optional.contains(&Field::Width) && optional.contains(&Field::Height) {
        let instead = format!("{nearest} px is used");
        fitting.cannot(Field::Width, &why, &instead);
        fitting.cannot(Field::Height, &why, &instead);
        return nearest;
    }
    let kept = if optional.contains(&Field::Width) {
        Field::Height
    } else {
        Field::Width
    };
    fitting.refuse(kept.name(), &why);
    nearest
}

fn shaped(
    model: &Model,
    ratio: Option<(u32, u32)>,
    resolution: Option<Resolution>,
    fitting: &mut Fitting<'_>,
) -> Size {
    if ratio.is_none() && resolution.is_none() {
        return model.default_size;
    }
    if let Some(size) = best(model, ratio, resolution) {
        note_shape(size, ratio, resolution, fitting);
        return size;
    }
    let offered = describe_sizes(&model.sizes);
    // Which of the two is in the way? Without it, the other may still be had.
    match (ratio, resolution) {
        (Some((width, height)), _) if best(model, ratio, None).is_none() => {
            let why = format!("no size is within 2 % of {width}:{height} ({offered})");
            fitting.cannot(
                Field::AspectRatio,
                &why,
                "the shape of the model's default size is used",
            );
            shaped(model, None, resolution, fitting)
        }
        _ => {
            let class = resolution.map(class_name).unwrap_or_default();
            let why = format!("no size of that shape has about {class} pixels ({offered})");
            fitting.cannot(
                Field::Resolution,
                &why,
                "the number of pixels of the model's default size is used",
            );
            shaped(model, ratio, None, fitting)
        }
    }
}

fn note_shape(
    size: Size,
    ratio: Option<(u32, u32)>,
    resolution: Option<Resolution>,
    fitting: &mut Fitting<'_>,
) {
    if let Some(ratio) = ratio {
        match ratio_deviation_ppm(size, ratio) {
            0 => fitting.honoured(Field::AspectRatio, format!("{size} px")),
            ppm => {
                // Rounded up, so that a small deviation does not read as none.
                let hundredths = ppm.div_ceil(100);
                let percent = format!("{}.{:02} %", hundredths / 100, hundredths % 100);
                fitting.mapped(Field::AspectRatio, format!("{size} px, {percent} off the ratio"));
            }
        }
    }
    if resolution.is_some() {
        fitting.honoured(Field::Resolution, format!("{size} px"));
    }
}

/// The best size of that ratio and class. Without a ratio it is the one of the model's default size.
fn best(model: &Model, ratio: Option<(u32, u32)>, resolution: Option<Resolution>) -> Option<Size> {
    let ratio = ratio.unwrap_or((model.default_size.width_px, model.default_size.height_px));
    let wanted_pixels = resolution
        .map_or_else(|| model.default_size.pixels(), class_pixels)
        .max(1);
    let class = |size: Size| {
        let pixels = size.pixels();
        resolution.is_none() || (pixels * 2 >= wanted_pixels && pixels <= wanted_pixels * 2)
    };
    let mut best: Option<((u64, Size), Size)> = None;
    let mut look_at = |size: Size| {
        let ratio_ppm = ratio_deviation_ppm(size, ratio);
        if ratio_ppm > MAX_RATIO_DEVIATION_PPM || !class(size) {
            return;
        }
        let pixels_ppm = size.pixels().abs_diff(wanted_pixels) * PPM / wanted_pixels;
        // An exact ratio goes before every other one.
        let inexact = if ratio_ppm == 0 { 0 } else { u64::MAX / 2 };
        let rank = (inexact + ratio_ppm * RATIO_WEIGHT + pixels_ppm, size);
        if best.is_none_or(|(least, _)| rank < least) {
            best = Some((rank, size));
        }
    };
    match &model.sizes {
        SizeRule::Listed(sizes) => sizes.iter().for_each(|listed| look_at(listed.size)),
        SizeRule::Grid(grid) => {
            let step = u64::from(grid.multiple_of_px.max(1));
            for width in widths(grid) {
                let Some((least, most)) = heights(grid, width) else {
                    continue;
                };
                let ideal = u64::from(width) * u64::from(ratio.1) / u64::from(ratio.0.max(1));
                let below = ideal / step * step;
                for height in [below, below + step] {
                    if let Ok(height) = u32::try_from(height)
                        && (least..=most).contains(&height)
                    {
                        look_at(Size::new(width, height));
                    }
                }
            }
        }
    }
    best.map(|(_, size)| size)
}

/// The size with the least difference of the sides.
fn nearest(rule: &SizeRule, wanted: Size) -> Option<Size> {
    let distance = |size: &Size| {
        let width = u64::from(size.width_px.abs_diff(wanted.width_px));
        (
            width + u64::from(size.height_px.abs_diff(wanted.height_px)),
            *size,
        )
    };
    match rule {
        SizeRule::Listed(sizes) => sizes.iter().map(|listed| listed.size).min_by_key(distance),
        SizeRule::Grid(grid) => {
            let step = grid.multiple_of_px.max(1);
            let closest_height = |width: u32| {
                let (least, most) = heights(grid, width)?;
                let height = wanted.height_px.clamp(least, most);
                let below = height / step * step;
                let above = if height - below > step / 2 && below + step <= most {
                    below + step
                } else {
                    below
                };
                Some(Size::new(width, above))
            };
            widths(grid).filter_map(closest_height).min_by_key(distance)
        }
    }
}

/// Widths of the grid.
fn widths(grid: &SizeGrid) -> impl Iterator<Item = u32> {
    let step = grid.multiple_of_px.max(1);
    let first = grid.min_side_px.div_ceil(step).max(1);
    (first..=grid.max_side_px / step).map(move |count| count * step)
}

/// Lowest and highest height on the grid at a width, if there is any.
fn heights(grid: &SizeGrid, width: u32) -> Option<(u32, u32)> {
    let (step, width) = (u64::from(grid.multiple_of_px.max(1)), u64::from(width).max(1));
    let ratio = u64::from(grid.max_ratio_milli.max(1));
    let least = u64::from(grid.min_side_px)
        .max(grid.min_pixels.div_ceil(width))
        .max((width * 1000).div_ceil(ratio));
    let most = u64::from(grid.max_side_px)
        .min(grid.max_pixels / width)
        .min(width * ratio / 1000);
    let (least, most) = (
        least.max(1).div_ceil(step).saturating_mul(step),
        most / step * step,
    );
    if least > most {
        return None;
    }
    Some((u32::try_from(least).ok()?, u32::try_from(most).ok()?))
}

/// How far a size is off a ratio, in parts per million of the ratio; zero only when it is exact.
fn ratio_deviation_ppm(size: Size, (width, height): (u32, u32)) -> u64 {
    let across = u64::from(size.width_px) * u64::from(height);
    let down = u64::from(size.height_px) * u64::from(width);
    (u128::from(across.abs_diff(down)) * u128::from(PPM))
        .div_ceil(u128::from(down.max(1)))
        .try_into()
        .unwrap_or(u64::MAX)
}

fn class_pixels(resolution: Resolution) -> u64 {
    let side: u64 = match resolution {
        Resolution::HalfK => 512,
        Resolution::Unspecified | Resolution::OneK => 1024,
        Resolution::TwoK => 2048,
        Resolution::FourK => 4096,
    };
    side * side
}

fn class_name(resolution: Resolution) -> &'static str {
    match resolution {
        Resolution::HalfK => "512 x 512",
        Resolution::Unspecified | Resolution::OneK => "1,024 x 1,024",
        Resolution::TwoK => "2,048 x 2,048",
        Resolution::FourK => "4,096 x 4,096",
    }
}
