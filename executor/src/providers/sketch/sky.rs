//! Skies: a gradient, a sun or moon, stars and clouds.

use super::{
    canvas::{Canvas, Color, PX},
    palette::Palette,
    random::{Noise, ONE, Random},
    scene::{Light, Scene, Setting, Weather},
};

/// Draws the sky down to the bottom and returns the place of the sun or moon, in pixels.
pub(super) fn draw(
    canvas: &mut Canvas,
    scene: &Scene,
    palette: &Palette,
    horizon: i64,
    random: &mut Random,
) -> (i64, i64) {
    gradient(canvas, &palette.sky, horizon, Noise(random.bits()));
    if scene.setting == Setting::Space {
        nebulae(canvas, scene, random);
    }
    if scene.light == Light::Night || scene.setting == Setting::Space {
        stars(canvas, horizon, random);
    }
    let orb = orb(canvas, scene, palette, horizon, random);
    if scene.setting == Setting::Space {
        planet(canvas, palette, random);
    } else if scene.light != Light::Night || scene.weather != Weather::Clear {
        clouds(canvas, scene, palette, horizon, random);
    }
    orb
}

/// Three colours from top to horizon. A little noise hides the steps between eight-bit shades.
fn gradient(canvas: &mut Canvas, [top, middle, low]: &[Color; 3], horizon: i64, grain: Noise) {
    let width = canvas.width;
    // Each row starts elsewhere in the same noise.
    let dither: Vec<usize> = (0..4099)
        .map(|place| usize::try_from(grain.at(place, 1) >> 14).unwrap_or(0))
        .collect();
    for y in 0..canvas.height {
        let down = (y * 512 / horizon.max(1)).min(512);
        let color = if down < 256 {
            top.mix(*middle, down)
        } else {
            middle.mix(*low, down - 256)
        };
        // Four shades of the row, and the noise chooses between them.
        let shades = [-2, -1, 0, 1].map(|by| color.lighter(by));
        let mut place = usize::try_from(grain.at(y, 0)).unwrap_or(0) % dither.len();
        for pixel in canvas.row(y, 0, width) {
            *pixel = shades[dither[place]];
            place = (place + 1) % dither.len();
        }
    }
}

fn stars(canvas: &mut Canvas, horizon: i64, random: &mut Random) {
    let edge = canvas.short_edge();
    for _ in 0..180 {
        let x = random.between(0, canvas.width * PX);
        // Fewer toward the horizon.
        let y = random
            .between(0, horizon * PX)
            .min(random.between(0, horizon * PX));
        let radius = random.between(edge * PX / 2000, edge * PX / 520).max(PX / 3);
        canvas.disc((x, y), radius, Color::hex(0xfffbf0), random.between(70, 240));
    }
}

fn nebulae(canvas: &mut Canvas, scene: &Scene, random: &mut Random) {
    let usual = [0x6a3d9a, 0x2a6fb0, 0xc04a7a].map(Color::hex);
    for index in 0..7 {
        let place = (
            random.between(0, canvas.width * PX),
            random.between(0, canvas.height * PX),
        );
        let radius = canvas.short_edge() * PX * random.between(25, 55) / 100;
        let named = scene.colors.get(index % 4).copied();
        canvas.glow(place, radius, named.unwrap_or_else(|| *random.pick(&usual)), 90);
    }
}

fn planet(canvas: &mut Canvas, palette: &Palette, random: &mut Random) {
    let radius = canvas.short_edge() * PX * random.between(14, 22) / 100;
    let x = canvas.width * PX * random.between(58, 78) / 100;
    let y = canvas.height * PX * random.between(26, 40) / 100;
    let body = Color::hex(*random.pick(&[0xe08a5a, 0x6aa0c8, 0xc87898, 0xd8b878]));
    canvas.glow((x, y), radius * 2, body, 80);
    canvas.disc((x, y), radius, body, 256);
    // Bands, then the shadow of the far side.
    for band in 0..5 {
        let down = radius * (band * 2 - 4) / 6;
        let half = super::random::square_root(radius * radius - down * down);
        let thickness = radius / random.between(9, 16);
        let belt = [
            (x - half, y + down),
            (x + half, y + down),
            (x + half, y + down + thickness),
            (x - half, y + down + thickness),
        ];
        canvas.polygon(&belt, body.mix(palette.orb, 120), 110);
    }
    let night = (x + radius * 5 / 8, y + radius * 3 / 8);
    canvas.glow(night, radius * 9 / 8, palette.sky[0], 190);
}

/// The sun or moon: low at the ends of the day.
fn orb(
    canvas: &mut Canvas,
    scene: &Scene,
    palette: &Palette,
    horizon: i64,
    random: &mut Random,
) -> (i64, i64) {
    let third = if random.chance(50) { (24, 38) } else { (62, 76) };
    let x = canvas.width * random.between(third.0, third.1) / 100;
    let height_percent = match scene.light {
        Light::Dawn | Light::Dusk => random.between(66, 84),
        Light::Day => random.between(24, 40),
        Light::Night => random.between(22, 38),
    };
    let y = horizon * height_percent / 100;
    let radius = canvas.short_edge() * PX * random.between(55, 85) / 1000;
    if scene.setting == Setting::Space {
        return (x, y);
    }
    let center = (x * PX, y * PX);
    let (reach, strength) = match scene.light {
        Light::Night => (6, 70),
        Light::Day => (6, 120),
        Light::Dawn | Light::Dusk => (8, 150),
    };
    canvas.glow(center, radius * reach, palette.orb, strength);
    canvas.glow(center, radius * 5 / 2, palette.orb, strength);
    if scene.weather != Weather::Rain {
        canvas.disc(center, radius, palette.orb, 250);
    }
    if scene.light == Light::Night {
        for (across, down, size) in [(-3, -2, 4), (3, 1, 5), (-1, 4, 7), (2, -5, 8)] {
            let crater = (center.0 + radius * across / 10, center.1 + radius * down / 10);
            canvas.disc(crater, radius / size, palette.orb.mix(palette.sky[1], 60), 120);
        }
    }
    (x, y)
}

/// Bands of stretched noise, dense in the middle of the sky.
fn clouds(canvas: &mut Canvas, scene: &Scene, palette: &Palette, horizon: i64, random: &mut Random) {
    let (noise, wisps) = (Noise(random.bits()), Noise(random.bits()));
    let cover = match scene.weather {
        Weather::Clear => ONE * random.between(52, 62) / 100,
        _ => ONE * 36 / 100,
    };
    let color = match scene.light {
        Light::Dusk => Color::hex(0xffb98c).mix(palette.sky[1], 60),
        Light::Night => palette.sky[2],
        Light::Dawn | Light::Day => Color::hex(0xffffff),
    };
    let color = if scene.weather == Weather::Rain {
        color.mix(Color::hex(0x707888), 150)
    } else {
        color
    };
    let (width, edge) = (canvas.width, canvas.short_edge().max(1));
    let mut values: Vec<i64> = Vec::new();
    for y in 0..horizon.min(canvas.height) {
        let density = (y * (horizon - y) * 4 * 256 / (horizon * horizon).max(1)).min(256);
        let down = y / 2 * ONE * 18 / edge;
        // Clouds are soft: two pixels in each direction share a value.
        if y % 2 == 0 {
            values.clear();
            values.extend((0..=width / 2).map(|half_x| {
                let across = half_x * ONE * 4 / edge;
                (noise.over(across, down) * 5 + wisps.over(across * 3, down * 2) * 3) / 8
            }));
        }
        for (x, pixel) in canvas.row(y, 0, width).iter_mut().enumerate() {
            let value = values[x / 2];
            if value > cover {
                let thick = ((value - cover) * 900 / ONE).min(230);
                *pixel = pixel.mix(color, (thick * density) >> 8);
            }
        }
    }
}
