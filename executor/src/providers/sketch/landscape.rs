//! Landscapes: a sky, layers of land as if cut from paper, and what stands on them.

use super::{
    canvas::{Canvas, Color, PX},
    city, flora,
    palette::Palette,
    random::{Noise, ONE, Random},
    scene::{Light, Scene, Setting, Weather},
    sky, subject, water,
};

/// How much is drawn: 0, 1 or 2.
pub(super) type Detail = i64;

/// Draws a scene that is set somewhere.
pub(super) fn draw(canvas: &mut Canvas, scene: &Scene, detail: Detail, random: &mut Random) {
    let palette = Palette::of(scene, random);
    let horizon = canvas.height * random.between(54, 62) / 100;
    let orb = sky::draw(canvas, scene, &palette, horizon, random);
    match scene.setting {
        Setting::Sea => water::draw(canvas, scene, &palette, horizon, orb, random),
        Setting::City => city::draw(canvas, scene, &palette, horizon, random),
        _ => hills(canvas, scene, &palette, horizon, orb.0, detail, random),
    }
    for (place, subject) in (0..).zip(&scene.subjects) {
        subject::draw(canvas, scene, *subject, place, &palette, random);
    }
    weather(canvas, scene, detail, random);
}

/// Shape of the land by setting: height of the waves in percent of the picture, waves across it, octaves.
fn shape(setting: Setting) -> (i64, i64, u32) {
    match setting {
        Setting::Mountains => (30, 3, 6),
        Setting::Desert => (24, 2, 2),
        Setting::Snow => (17, 2, 3),
        Setting::Forest => (14, 3, 4),
        Setting::Space => (10, 4, 4),
        _ => (12, 2, 3),
    }
}

fn hills(
    canvas: &mut Canvas,
    scene: &Scene,
    palette: &Palette,
    horizon: i64,
    light_x: i64,
    detail: Detail,
    random: &mut Random,
) {
    let layers = 4 + detail;
    let (height_percent, waves, octaves) = shape(scene.setting);
    let below_horizon = canvas.height - horizon;
    let base_of = |layer: i64| horizon + below_horizon * (layer * 10 + 1) / (layers * 10);
    for layer in 0..layers {
        let nearness = layer * 256 / (layers - 1);
        let noise = Noise(random.bits());
        let base = base_of(layer);
        let waves_here =
            (waves + (layers - layer) / 2) * canvas.width.max(canvas.height) / canvas.height.max(1);
        let rise = canvas.height * height_percent / 100 * (320 - nearness) / 320;
        let tops: Vec<i64> = (0..canvas.width)
            .map(|x| {
                let position = x * waves_here.max(1) * ONE / canvas.width;
                base * PX - rise * PX * profile(scene.setting, noise, position, octaves) / ONE
            })
            .collect();
        let color = palette.far.mix(palette.near, nearness);
        let foot = color.mix(palette.sky[2], (256 - nearness) / 3);
        let caps = scene.setting == Setting::Mountains && layer < layers / 2;
        let ridge = Ridge {
            tops: &tops,
            color,
            foot,
            light_x,
            cap: caps.then(|| Color::hex(0xf6f8fc).mix(palette.sky[2], 90)),
            mist: scene.weather == Weather::Mist,
            // The next layer begins at its base at the latest.
            until: if layer + 1 < layers {
                base_of(layer + 1) + 1
            } else {
                canvas.height
            },
        };
        flora::behind(canvas, scene, &ridge, nearness, detail, random);
        ridge.draw(canvas);
        flora::before(canvas, scene, &ridge, nearness, detail, random);
    }
}

/// Height of the land at a position, from 0 to [`ONE`].
fn profile(setting: Setting, noise: Noise, position: i64, octaves: u32) -> i64 {
    let value = noise.fractal(position, octaves);
    match setting {
        // Folded noise has sharp crests.
        Setting::Mountains => {
            let folded = ONE - (2 * value - ONE).abs();
            ((folded * folded) >> 16) * 3 / 5 + value * 2 / 5
        }
        // Dunes: long backs with an edge where two meet.
        Setting::Desert => value.max(Noise(noise.0 ^ 1).fractal(position + ONE / 3, octaves)),
        _ => value,
    }
}

/// One layer of land.
pub(super) struct Ridge<'a> {
    /// Upper edge by column, in subpixels.
    pub(super) tops: &'a [i64],
    pub(super) color: Color,
    /// Colour at the lower end.
    pub(super) foot: Color,
    /// Column that the light comes from.
    pub(super) light_x: i64,
    /// Colour of high tops.
    pub(super) cap: Option<Color>,
    pub(super) mist: bool,
    /// First row that something else will cover for sure.
    pub(super) until: i64,
}

impl Ridge<'_> {
    /// The top of a column, in subpixels.
    pub(super) fn top(&self, x: i64) -> i64 {
        let last = self.tops.len().saturating_sub(1);
        let index = usize::try_from(x).unwrap_or(0).min(last);
        self.tops.get(index).copied().unwrap_or(0)
    }

    /// Fills from the tops down, with a soft shadow on what lies behind.
    pub(super) fn draw(&self, canvas: &mut Canvas) {
        let highest = self.tops.iter().min().copied().unwrap_or(0);
        let lowest = self.tops.iter().max().copied().unwrap_or(0);
        let shadow = (canvas.short_edge() * PX / 90).max(PX);
        let first_row = (highest - shadow).div_euclid(PX).max(0);
        let tones: Vec<Color> = (0..canvas.width).map(|x| self.tone(x, canvas.width)).collect();
        let depth = (canvas.height - highest / PX).max(1);
        let width = canvas.width;
        for y in first_row..self.until.min(canvas.height) {
            let below = ((y - highest / PX) * 256 / depth).clamp(0, 256);
            for (x, pixel) in canvas.row(y, 0, width).iter_mut().enumerate() {
                let top = self.tops[x];
                let inside = (y + 1) * PX - top;
                if inside < PX && inside > -shadow {
                    let near = 256 - ((-inside).max(0) * 256 / shadow);
                    *pixel = pixel.mix(SHADOW, (near * near * 34) >> 16);
                }
                if inside > 0 {
                    let mut color = tones[x].mix(self.foot, below);
                    if let Some(cap) = self.cap {
                        let from_peak = y * PX - highest + (top - highest) / 3;
                        let reach = ((lowest - highest) / 3).max(1);
                        color = color.mix(cap, 220 * (reach - from_peak).clamp(0, reach) / reach);
                    }
                    if self.mist {
                        color = color.mix(MIST, (below * 150) >> 8);
                    }
                    *pixel = pixel.mix(color, inside);
                }
            }
        }
    }

    /// Slopes toward the light are brighter.
    fn tone(&self, x: i64, width: i64) -> Color {
        let reach = (width / 24).max(1);
        let slope = self.top(x + reach) - self.top((x - reach).max(0));
        let toward_light = if x < self.light_x { slope } else { -slope };
        self.color
            .lighter((-toward_light * 9 / (reach * PX)).clamp(-8, 8))
    }
}

const SHADOW: Color = Color::hex(0x0a1024);
const MIST: Color = Color::hex(0xeef0f2);

fn weather(canvas: &mut Canvas, scene: &Scene, detail: Detail, random: &mut Random) {
    let edge = canvas.short_edge();
    let flakes = scene.setting == Setting::Snow && scene.light != Light::Day;
    if scene.weather == Weather::Snowfall || flakes {
        for _ in 0..(120 + 120 * detail) {
            let place = (
                random.between(0, canvas.width * PX),
                random.between(0, canvas.height * PX),
            );
            let radius = random.between(edge * PX / 900, edge * PX / 260).max(PX / 3);
            canvas.disc(place, radius, Color::hex(0xffffff), random.between(90, 220));
        }
    }
    if scene.weather == Weather::Rain {
        for _ in 0..(200 + 150 * detail) {
            let (x, y) = (
                random.between(0, canvas.width * PX),
                random.between(0, canvas.height * PX),
            );
            let (length, half) = (edge * PX / random.between(22, 40), (edge * PX / 1600).max(PX / 4));
            let streak = [
                (x - half, y),
                (x + half, y),
                (x - length / 4 + half, y + length),
                (x - length / 4 - half, y + length),
            ];
            canvas.polygon(&streak, Color::hex(0xe8f0f8), random.between(40, 110));
        }
    }
}
