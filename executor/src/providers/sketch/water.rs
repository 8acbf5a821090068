//! The sea: a far shore, water that holds the light, and a near shore.

use super::{
    canvas::{Canvas, Color, PX},
    landscape::Ridge,
    palette::Palette,
    random::{Noise, ONE, Random},
    scene::{Light, Scene},
};

/// Draws from the horizon down.
pub(super) fn draw(
    canvas: &mut Canvas,
    scene: &Scene,
    palette: &Palette,
    horizon: i64,
    orb: (i64, i64),
    random: &mut Random,
) {
    shore(canvas, palette, horizon, orb.0, random);
    surface(canvas, palette, horizon, Noise(random.bits()));
    path_of_light(canvas, scene, palette, horizon, orb.0, random);
    swell(canvas, palette, horizon, random);
}

/// Hills beyond the water, at one side.
fn shore(canvas: &mut Canvas, palette: &Palette, horizon: i64, light_x: i64, random: &mut Random) {
    for layer in 0..2 {
        let noise = Noise(random.bits());
        let center = canvas.width * random.between(-10, 110) / 100;
        let tops: Vec<i64> = (0..canvas.width)
            .map(|x| {
                let away = ((x - center).abs() * ONE * 3 / 2 / canvas.width.max(1)).min(ONE);
                let hill = (noise.fractal(x * ONE * 5 / canvas.width, 5) * (ONE - away)) >> 16;
                horizon * PX + PX - canvas.height * PX * hill / ((6 + layer * 3) * ONE)
            })
            .collect();
        let color = palette.far.mix(palette.near, 30 + layer * 50);
        let ridge = Ridge {
            tops: &tops,
            color,
            foot: color,
            light_x,
            cap: None,
            mist: false,
            until: horizon + 1,
        };
        ridge.draw(canvas);
    }
}

fn surface(canvas: &mut Canvas, palette: &Palette, horizon: i64, noise: Noise) {
    let (width, depth) = (canvas.width, (canvas.height - horizon).max(1));
    let far = palette.sky[2].mix(palette.far, 120).mix(palette.near, 50);
    let deep = palette.near.mix(palette.sky[0], 50);
    for y in horizon.max(0)..canvas.height {
        let near = (y - horizon) * 256 / depth;
        let color = far.mix(deep, (near * 5 / 4).min(256));
        // Ripples grow toward the viewer.
        let finer = 90 - near / 4;
        let (mut x, mut bright) = (0, 0);
        for pixel in canvas.row(y, 0, width) {
            // Ripples are long: a value does for four pixels.
            if x % 4 == 0 {
                let ripple = noise.over(x * ONE * 10 / width, (y - horizon) * ONE * finer / depth);
                bright = (ripple - ONE / 2) * (6 + near / 24) / (ONE / 2);
            }
            *pixel = color.lighter(bright);
            x += 1;
        }
    }
}

/// Glints under the sun or moon, wider toward the viewer.
fn path_of_light(
    canvas: &mut Canvas,
    scene: &Scene,
    palette: &Palette,
    horizon: i64,
    light_x: i64,
    random: &mut Random,
) {
    let depth = (canvas.height - horizon).max(1);
    let strength = if scene.light == Light::Day { 90 } else { 170 };
    for _ in 0..260 {
        // Squared, so that most glints are far away.
        let down = random.between(0, 1000) * random.between(0, 1000) / 1000;
        let y = (horizon * PX) + depth * PX * down / 1000 + PX;
        let spread = canvas.width * PX * (30 + down / 4) / 1000;
        let x = light_x * PX + random.between(-spread, spread);
        let half = canvas.short_edge() * PX * random.between(4, 14 + down / 30) / 1000;
        let thin = (canvas.short_edge() * PX / 700).max(PX / 3) * (1000 + down) / 1000;
        let glint = [(x - half, y), (x, y - thin), (x + half, y), (x, y + thin)];
        canvas.polygon(&glint, palette.orb, strength * random.between(50, 100) / 100);
    }
}

/// A few long waves in the foreground.
fn swell(canvas: &mut Canvas, palette: &Palette, horizon: i64, random: &mut Random) {
    let depth = canvas.height - horizon;
    for wave in 0..3 {
        let noise = Noise(random.bits());
        let base = horizon + depth * (62 + wave * 14) / 100;
        let tops: Vec<i64> = (0..canvas.width)
            .map(|x| {
                let lift = noise.fractal(x * ONE * (3 - wave / 2) / canvas.width, 2);
                base * PX - depth * PX * lift / (7 * ONE)
            })
            .collect();
        let color = palette.near.mix(Color::hex(0x041428), wave * 40);
        for x in 0..canvas.width {
            let top = usize::try_from(x)
                .ok()
                .and_then(|index| tops.get(index))
                .copied()
                .unwrap_or(0);
            let crest = (canvas.short_edge() / 220).max(1);
            for y in (top / PX).max(0)..canvas.height {
                let below = y - top / PX;
                let fade = (190 - below * 200 / depth.max(1)).max(0);
                canvas.blend(x, y, color, fade);
                if below < crest {
                    canvas.blend(x, y, palette.sky[2], 70 - below * 60 / crest);
                }
            }
        }
    }
}
