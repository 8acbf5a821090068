//! Treatments: what a style and a quality do to a finished drawing.

use super::{
    canvas::{Canvas, Color},
    random::{Noise, ONE, Random},
};

/// The styles that a plan may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Illustration,
    Photorealistic,
    Editorial,
    Cinematic,
    Painterly,
    LineArt,
}

impl Style {
    /// Reads the word of a plan; empty is an illustration.
    pub(super) fn parse(token: &str) -> Option<Self> {
        match token {
            "" | "illustration" => Some(Self::Illustration),
            "photorealistic" => Some(Self::Photorealistic),
            "editorial" => Some(Self::Editorial),
            "cinematic" => Some(Self::Cinematic),
            "painterly" => Some(Self::Painterly),
            "line-art" => Some(Self::LineArt),
            _ => None,
        }
    }
}

/// Treats the whole picture.
pub(super) fn apply(canvas: &mut Canvas, style: Style, random: &mut Random) {
    let noise = Noise(random.bits());
    match style {
        Style::Illustration => grain(canvas, noise, 9),
        Style::Photorealistic => {
            vignette(canvas, 70);
            grain(canvas, noise, 4);
        }
        Style::Editorial => {
            each_pixel(canvas, |_, _, color| muted(color));
            frame(canvas);
            grain(canvas, noise, 6);
        }
        Style::Cinematic => {
            each_pixel(canvas, |_, _, color| graded(color));
            vignette(canvas, 110);
            grain(canvas, noise, 8);
            bars(canvas);
        }
        Style::Painterly => {
            strokes(canvas, noise);
            grain(canvas, noise, 7);
        }
        Style::LineArt => line_art(canvas, noise),
    }
}

fn each_pixel(canvas: &mut Canvas, treated: impl Fn(i64, i64, Color) -> Color) {
    let width = canvas.width;
    for y in 0..canvas.height {
        for (x, pixel) in (0..).zip(canvas.row(y, 0, width)) {
            *pixel = treated(x, y, *pixel);
        }
    }
}

/// Paper: fine noise of so many steps, in a tile too large to be seen repeating.
fn grain(canvas: &mut Canvas, noise: Noise, steps: i64) {
    const TILE: usize = 256;
    let tile: Vec<i64> = (0..i64::try_from(TILE * TILE).unwrap_or(0))
        .map(|place| ((noise.at(place, 0) + noise.at(place / 2, 1)) * steps / (2 * ONE)) - steps / 2)
        .collect();
    let (width, mut row) = (canvas.width, 0);
    for y in 0..canvas.height {
        let mut column = 0;
        for pixel in canvas.row(y, 0, width) {
            *pixel = pixel.lighter(tile[row + column]);
            column = (column + 1) % TILE;
        }
        row = (row + TILE) % (TILE * TILE);
    }
}

fn vignette(canvas: &mut Canvas, strength: i64) {
    let (half_width, half_height) = ((canvas.width / 2).max(1), (canvas.height / 2).max(1));
    each_pixel(canvas, |x, y, color| {
        let across = (x - half_width) * 256 / half_width;
        let down = (y - half_height) * 256 / half_height;
        let far = (across * across + down * down) >> 9;
        color.mix(Color::hex(0x060812), (strength * far * far) >> 16)
    });
}

/// Calmer colours with a little more contrast.
fn muted(color: Color) -> Color {
    let brightness = color.brightness();
    let calm = Color::of_channels([brightness; 3]);
    color.mix(calm, 96).lighter((brightness - 120) / 9)
}

/// Shadows toward teal, lights toward orange.
fn graded(color: Color) -> Color {
    let brightness = color.brightness();
    let toward = Color::hex(0x123c48).mix(Color::hex(0xffc886), brightness);
    color.mix(toward, 70).lighter((brightness - 128) / 8)
}

fn bars(canvas: &mut Canvas) {
    let bar = canvas.height * 8 / 100;
    let (width, height) = (canvas.width, canvas.height);
    canvas.rectangle(0, 0, width, bar, Color::hex(0x060608), 256);
    canvas.rectangle(0, height - bar, width, bar, Color::hex(0x060608), 256);
}

fn frame(canvas: &mut Canvas) {
    let margin = canvas.short_edge() * 4 / 100;
    let (width, height, paper) = (canvas.width, canvas.height, Color::hex(0xf7f3ea));
    canvas.rectangle(0, 0, width, margin, paper, 256);
    canvas.rectangle(0, height - margin, width, margin, paper, 256);
    canvas.rectangle(0, 0, margin, height, paper, 256);
    canvas.rectangle(width - margin, 0, margin, height, paper, 256);
}

/// Each pixel comes from a place nearby, and places move together along strokes.
fn strokes(canvas: &mut Canvas, noise: Noise) {
    let source = canvas.clone();
    let reach = (canvas.short_edge() / 36).max(1);
    let cell = (canvas.short_edge() / 90).max(2);
    let bend = Noise(noise.0 ^ 7);
    each_pixel(canvas, |x, y, _| {
        let swirl = bend.over(x * ONE / (cell * 14), y * ONE / (cell * 14)) - ONE / 2;
        // Strokes are longer than wide, and lean with the swirl.
        let along = x + ((y * swirl) >> 15);
        let (column, row) = (
            along.div_euclid(cell * 4),
            (y - ((x * swirl) >> 16)).div_euclid(cell),
        );
        let across = (noise.at(column, row) - ONE / 2) * reach / ONE;
        let down = (noise.at(row, column) - ONE / 2) * reach / ONE;
        let tone = (noise.at(column + 3, row - 5) * 14 / ONE) - 7;
        source.get(x + across, y + down).lighter(tone)
    });
}

/// Ink where tones meet, hatching in the dark, a wash of the colours between.
fn line_art(canvas: &mut Canvas, noise: Noise) {
    let source = canvas.clone();
    let (paper, ink) = (Color::hex(0xfaf6ec), Color::hex(0x222636));
    let reach = (canvas.short_edge() / 700).max(1);
    let pitch = (canvas.short_edge() / 110).max(3);
    each_pixel(canvas, |x, y, color| {
        let brightness_at = |across: i64, down: i64| source.get(x + across, y + down).brightness();
        let edge = (brightness_at(-reach, 0) - brightness_at(reach, 0)).abs()
            + (brightness_at(0, -reach) - brightness_at(0, reach)).abs();
        let wash = paper.mix(color, 70);
        let wobble = noise.over(x * ONE / (pitch * 6), y * ONE / (pitch * 6)) * pitch / ONE;
        let dark = (150 - color.brightness()).max(0);
        let on_hatch = (x + y + wobble).rem_euclid(pitch) * 256 < pitch * dark;
        let hatched = if on_hatch { wash.mix(ink, 60) } else { wash };
        hatched.mix(ink, ((edge - 10) * 12).clamp(0, 240))
    });
}
