//! Cities: rows of houses with lit windows, and a wet street before them.

use super::{
    canvas::{Canvas, Color, PX},
    palette::Palette,
    random::Random,
    scene::{Light, Scene},
};

/// Draws from the skyline down.
pub(super) fn draw(canvas: &mut Canvas, scene: &Scene, palette: &Palette, horizon: i64, random: &mut Random) {
    const ROWS: i64 = 4;
    let street = canvas.height * 86 / 100;
    for row in 0..ROWS {
        let nearness = row * 256 / (ROWS - 1);
        let foot = horizon + (street - horizon) * (row + 1) / ROWS;
        buildings(canvas, scene, palette, nearness, foot, random);
        // Haze between the rows.
        let haze = if scene.is_neon {
            Color::hex(0xc03a9a)
        } else {
            palette.sky[2]
        };
        for y in horizon..foot.min(canvas.height) {
            let alpha = (256 - nearness) * (y - horizon) / (foot - horizon).max(1) / 3;
            canvas.rectangle(0, y, canvas.width, 1, haze, alpha * 3 / 4);
        }
    }
    reflections(canvas, palette, street, random);
}

fn buildings(
    canvas: &mut Canvas,
    scene: &Scene,
    palette: &Palette,
    nearness: i64,
    foot: i64,
    random: &mut Random,
) {
    let color = palette.far.mix(palette.near, nearness);
    let mut x = -canvas.short_edge() / 20;
    while x < canvas.width {
        let width = (canvas.short_edge() * random.between(50, 100 + nearness / 5) / 1000).max(3);
        let tallest = if random.chance(18) { 52 } else { 36 };
        let height = canvas.height * random.between(14, tallest) / 100;
        let top = foot - height;
        let wall = color.lighter(random.between(-7, 7));
        canvas.rectangle(x, top, width, canvas.height - top, wall, 256);
        canvas.rectangle(
            x,
            top,
            (width / 9).max(1),
            canvas.height - top,
            wall.lighter(9),
            256,
        );
        roof(canvas, (x, top, width), wall, random);
        windows(canvas, scene, (x, top, width, height), nearness, random);
        if scene.is_neon && nearness > 100 && random.chance(55) {
            sign(canvas, scene, (x, top, width, height), random);
        }
        x += width + random.between(0, canvas.short_edge() / 90);
    }
}

fn roof(canvas: &mut Canvas, (x, top, width): (i64, i64, i64), wall: Color, random: &mut Random) {
    match random.between(0, 4) {
        0 => {
            let mast = (canvas.short_edge() / 300).max(1);
            let tall = canvas.height * random.between(4, 9) / 100;
            canvas.rectangle(x + width / 2, top - tall, mast, tall, wall, 256);
            canvas.disc(
                ((x + width / 2) * PX + mast * PX / 2, (top - tall) * PX),
                mast * PX,
                Color::hex(0xff5a4a),
                230,
            );
        }
        1 => canvas.rectangle(x + width / 4, top - width / 4, width / 2, width / 4, wall, 256),
        2 => {
            let gable = [
                (x * PX, top * PX),
                ((x + width / 2) * PX, (top - width / 2) * PX),
                ((x + width) * PX, top * PX),
            ];
            canvas.polygon(&gable, wall, 256);
        }
        _ => {}
    }
}

fn windows(
    canvas: &mut Canvas,
    scene: &Scene,
    (x, top, width, height): (i64, i64, i64, i64),
    nearness: i64,
    random: &mut Random,
) {
    let pitch = (canvas.short_edge() * (15 + nearness / 16) / 1000).max(3);
    let (pane_width, pane_height) = ((pitch * 2 / 5).max(1), (pitch * 11 / 20).max(1));
    let lit_percent = match scene.light {
        Light::Night => 46,
        Light::Dusk => 38,
        Light::Dawn => 20,
        Light::Day => 6,
    };
    let warm = [0xffd98a, 0xffc46b, 0xffeec4, 0xa8d8f0].map(Color::hex);
    let neon = [0xffd98a, 0x5af0f0, 0xff6ac8, 0xb08aff].map(Color::hex);
    let lights = if scene.is_neon { neon } else { warm };
    let columns = (width - pitch / 2) / pitch;
    let margin = (width - columns * pitch + pitch - pane_width) / 2;
    for row in 1..(height / pitch) {
        for column in 0..columns {
            let (left, upper) = (x + margin + column * pitch, top + row * pitch);
            if random.chance(lit_percent) {
                let light = *random.pick(&lights);
                canvas.rectangle(left, upper, pane_width, pane_height, light, 110 + nearness / 2);
            } else if scene.light == Light::Day {
                canvas.rectangle(left, upper, pane_width, pane_height, Color::hex(0xcfe2ee), 60);
            }
        }
    }
}

/// A vertical sign with its glow.
fn sign(
    canvas: &mut Canvas,
    scene: &Scene,
    (x, top, width, height): (i64, i64, i64, i64),
    random: &mut Random,
) {
    let usual = [0xff3d9a, 0x3df0ff, 0xffd23d, 0x9a5aff].map(Color::hex);
    let color = scene.colors.first().copied().filter(|_| random.chance(50));
    let color = color.unwrap_or_else(|| *random.pick(&usual));
    let (sign_width, sign_height) = ((width / 5).max(2), height * random.between(20, 40) / 100);
    let left = x + width * random.between(10, 70) / 100;
    let upper = top + height * random.between(10, 40) / 100;
    let center = ((left + sign_width / 2) * PX, (upper + sign_height / 2) * PX);
    canvas.glow(center, sign_height * PX, color, 150);
    canvas.rectangle(left, upper, sign_width, sign_height, color, 235);
    canvas.rectangle(
        left + sign_width / 3,
        upper,
        (sign_width / 3).max(1),
        sign_height,
        Color::hex(0xffffff),
        130,
    );
}

/// The street mirrors what stands above it, smeared downward.
fn reflections(canvas: &mut Canvas, palette: &Palette, street: i64, random: &mut Random) {
    let depth = (canvas.height - street).max(1);
    for y in street..canvas.height {
        let down = y - street;
        let mirrored = street - 1 - down * 3;
        for x in 0..canvas.width {
            let sway = (canvas.short_edge() / 140).max(1);
            let from = canvas.get(x + random.between(-sway, sway), mirrored);
            let wet = from.mix(palette.near, 120 + down * 90 / depth);
            canvas.blend(x, y, wet, 256);
        }
    }
    canvas.rectangle(
        0,
        street,
        canvas.width,
        (canvas.height / 260).max(1),
        palette.near.lighter(20),
        200,
    );
}
