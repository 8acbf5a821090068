//! What grows on the land.

use super::{
    canvas::{Canvas, Color, PX},
    landscape::{Detail, Ridge},
    random::Random,
    scene::{Light, Scene, Setting},
};

/// Trees that stand behind the crest of a layer, so that the land hides their feet.
pub(super) fn behind(
    canvas: &mut Canvas,
    scene: &Scene,
    ridge: &Ridge<'_>,
    nearness: i64,
    detail: Detail,
    random: &mut Random,
) {
    let (trees, dusted) = match scene.setting {
        Setting::Forest => (26 + 10 * detail, false),
        Setting::Snow if nearness < 200 => (9 + 3 * detail, true),
        Setting::Mountains if nearness > 128 => (12 + 6 * detail, false),
        Setting::Meadow if nearness < 200 => return round_trees(canvas, ridge, nearness, random),
        _ => return,
    };
    let unit = canvas.short_edge() * PX / 1000;
    let color = if dusted {
        Color::hex(0x2f4a5c).mix(ridge.color, 110)
    } else {
        ridge.color.lighter(-10)
    };
    for _ in 0..trees {
        let x = random.between(0, canvas.width);
        let height = unit * (26 + nearness * 110 / 256) * random.between(60, 130) / 100;
        let foot = (x * PX, ridge.top(x) + unit * 6);
        conifer(canvas, foot, height, color.lighter(random.between(-6, 6)), dusted);
    }
}

/// Small things on the face of a layer.
pub(super) fn before(
    canvas: &mut Canvas,
    scene: &Scene,
    ridge: &Ridge<'_>,
    nearness: i64,
    detail: Detail,
    random: &mut Random,
) {
    if scene.setting != Setting::Meadow || nearness < 150 {
        return;
    }
    let usual = [0xf6d35a, 0xf4f0e4, 0xe87a8c, 0xb88ad8].map(Color::hex);
    let flowers = if scene.colors.is_empty() {
        &usual[..]
    } else {
        &scene.colors
    };
    let unit = canvas.short_edge() * PX / 1000;
    let dim = if scene.light == Light::Night { 130 } else { 235 };
    for _ in 0..(90 + 90 * detail) {
        let x = random.between(0, canvas.width);
        let top = ridge.top(x) + unit * 14;
        let y = random.between(top, (canvas.height * PX).max(top));
        // Those nearer to the viewer are larger.
        let size = unit * 2 + (y - top) / 60;
        canvas.disc((x * PX, y), size, *random.pick(flowers), dim);
    }
}

/// Three tiers, with snow on the lit side if wanted.
pub(super) fn conifer(canvas: &mut Canvas, (x, foot): (i64, i64), height: i64, color: Color, dusted: bool) {
    let trunk = height / 22;
    let stem = [
        (x - trunk, foot),
        (x + trunk, foot),
        (x + trunk, foot - height / 3),
        (x - trunk, foot - height / 3),
    ];
    canvas.polygon(&stem, color.lighter(-12), 256);
    for (low, high, half) in [(6, 58, 24), (30, 78, 19), (54, 100, 13)] {
        let (low, high, half) = (
            foot - height * low / 100,
            foot - height * high / 100,
            height * half / 100,
        );
        canvas.polygon(&[(x - half, low), (x, high), (x + half, low)], color, 256);
        let shade = [(x, high), (x + half, low), (x + half / 6, low)];
        canvas.polygon(&shade, color.lighter(-14), 200);
        if dusted {
            let cap = (low - high) * 2 / 5;
            let snow = [
                (x - half * 2 / 5, high + cap),
                (x, high),
                (x + half * 2 / 5, high + cap),
                (x, high + cap * 3 / 4),
            ];
            canvas.polygon(&snow, Color::hex(0xf4f8fc), 230);
        }
    }
}

/// A crown of several discs on a trunk.
pub(super) fn leafy(canvas: &mut Canvas, (x, foot): (i64, i64), height: i64, color: Color) {
    let trunk = height / 16;
    let stem = [
        (x - trunk, foot),
        (x + trunk, foot),
        (x + trunk / 2, foot - height / 2),
        (x - trunk / 2, foot - height / 2),
    ];
    canvas.polygon(&stem, Color::hex(0x5a4234).mix(color, 80), 256);
    let crown = [
        (-18, 52, 20),
        (18, 54, 20),
        (0, 72, 24),
        (-12, 66, 19),
        (13, 68, 18),
        (0, 50, 20),
    ];
    for (across, up, radius) in crown {
        let center = (x + height * across / 100, foot - height * up / 100);
        canvas.disc(center, height * radius / 100, color, 256);
    }
    for (across, up, radius) in [(-8, 74, 15), (-16, 58, 11)] {
        let center = (x + height * across / 100, foot - height * up / 100);
        canvas.disc(center, height * radius / 100, color.lighter(12), 150);
    }
}

fn round_trees(canvas: &mut Canvas, ridge: &Ridge<'_>, nearness: i64, random: &mut Random) {
    let unit = canvas.short_edge() * PX / 1000;
    for _ in 0..random.between(3, 7) {
        let x = random.between(0, canvas.width);
        let height = unit * (40 + nearness * 90 / 256) * random.between(70, 120) / 100;
        leafy(
            canvas,
            (x * PX, ridge.top(x) + unit * 4),
            height,
            ridge.color.lighter(-16),
        );
    }
}
