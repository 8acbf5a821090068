//! Prompts without a place: compositions of shapes, in three families.

use super::{
    canvas::{Canvas, Color, PX},
    landscape::Detail,
    palette,
    random::{Noise, ONE, Random},
    scene::Scene,
};

/// Draws one of the families.
pub(super) fn draw(canvas: &mut Canvas, scene: &Scene, detail: Detail, random: &mut Random) {
    let colors = palette::poster(scene, random);
    canvas.rectangle(0, 0, canvas.width, canvas.height, colors[0], 256);
    match random.between(0, 2) {
        0 => tiles(canvas, &colors, detail, random),
        1 => bands(canvas, &colors, detail, random),
        _ => discs(canvas, &colors, detail, random),
    }
}

/// A grid of quarter circles, half discs and triangles.
fn tiles(canvas: &mut Canvas, colors: &[Color; 5], detail: Detail, random: &mut Random) {
    let across = 4 + detail;
    let edge = (canvas.short_edge() / across).max(4);
    for row in 0..=(canvas.height / edge) {
        for column in 0..=(canvas.width / edge) {
            let (ground, figure) = (*random.pick(colors), *random.pick(colors));
            let (x, y) = (column * edge, row * edge);
            canvas.rectangle(x, y, edge, edge, ground, 256);
            let mut tile = Canvas::new(edge, edge, ground);
            figure_on(&mut tile, figure, *random.pick(colors), random);
            for inner_y in 0..edge {
                for inner_x in 0..edge {
                    canvas.blend(x + inner_x, y + inner_y, tile.get(inner_x, inner_y), 256);
                }
            }
        }
    }
}

fn figure_on(tile: &mut Canvas, figure: Color, second: Color, random: &mut Random) {
    let edge = tile.width * PX;
    let corner = (edge * random.between(0, 1), edge * random.between(0, 1));
    match random.between(0, 5) {
        0 | 1 => {
            tile.disc(corner, edge, figure, 256);
            tile.disc(corner, edge / 2, second, 256);
        }
        2 => tile.disc((edge / 2, corner.1), edge / 2, figure, 256),
        3 => tile.polygon(
            &[
                (corner.0, corner.1),
                (edge - corner.0, corner.1),
                (corner.0, edge - corner.1),
            ],
            figure,
            256,
        ),
        4 => {
            tile.disc((edge / 2, edge / 2), edge * 2 / 5, figure, 256);
            tile.disc((edge / 2, edge / 2), edge / 6, second, 256);
        }
        _ => {
            for stripe in 0..3 {
                let top = edge * (stripe * 2) / 6 + edge / 12;
                tile.polygon(
                    &[(0, top), (edge, top), (edge, top + edge / 6), (0, top + edge / 6)],
                    figure,
                    256,
                );
            }
        }
    }
}

/// Waves of colour across the picture with a disc behind them.
fn bands(canvas: &mut Canvas, colors: &[Color; 5], detail: Detail, random: &mut Random) {
    let [paper, first, second, third, ink] = *colors;
    let width = canvas.width;
    for y in 0..canvas.height {
        let color = paper.mix(second, y * 110 / canvas.height);
        canvas.row(y, 0, width).fill(color);
    }
    let center = (
        width * PX * random.between(30, 70) / 100,
        canvas.height * PX * random.between(26, 40) / 100,
    );
    let radius = canvas.short_edge() * PX * random.between(15, 21) / 100;
    canvas.glow(center, radius * 3, paper, 150);
    canvas.disc(center, radius, first, 256);
    let layers = 5 + detail * 2;
    for layer in 0..layers {
        let noise = Noise(random.bits());
        let weight = layer * 256 / layers;
        let color = if layer % 2 == 0 {
            third.mix(ink, weight)
        } else {
            first.mix(third, weight).mix(ink, weight / 2)
        };
        let base = canvas.height * (42 + layer * 58 / layers) / 100;
        let swing = canvas.height * 22 / 100;
        let outline: Vec<(i64, i64)> = (0..=width)
            .map(|x| {
                let lift = noise.along(x * ONE * 5 / 2 / width.max(1));
                (x * PX, base * PX - swing * PX * lift / ONE)
            })
            .collect();
        let shade = (canvas.short_edge() / 80).max(1);
        for x in 0..width {
            let index = usize::try_from(x).unwrap_or(0);
            let top = outline.get(index).map_or(0, |corner| corner.1);
            for y in (top / PX - shade).max(0)..canvas.height {
                let inside = (y + 1) * PX - top;
                if inside <= 0 {
                    let near = 256 + inside / shade.max(1);
                    canvas.blend(x, y, ink, (near.max(0) * 30) >> 8);
                } else {
                    let sheen = (14 - (inside / PX) * 60 / canvas.height.max(1)).max(-14);
                    canvas.blend(x, y, color.lighter(sheen), inside.min(PX));
                }
            }
        }
    }
}

/// Large discs that let each other shine through, with a few lines of order among them.
fn discs(canvas: &mut Canvas, colors: &[Color; 5], detail: Detail, random: &mut Random) {
    let edge = canvas.short_edge();
    let ink = colors[4];
    for index in 0..(6 + detail * 2) {
        let place = (
            canvas.width * PX * random.between(12, 88) / 100,
            canvas.height * PX * random.between(12, 88) / 100,
        );
        let radius = edge * PX * random.between(8, 34 - index * 2) / 100;
        let color = *random.pick(&colors[1..4]);
        canvas.disc(place, radius, color, 205);
        if random.chance(45) {
            canvas.disc(place, radius * 3 / 5, colors[0], 190);
            canvas.disc(place, radius * 2 / 5, color, 205);
        }
    }
    let (thin, pitch) = ((edge / 340).max(1), (edge / 26).max(3));
    let (left, top) = (
        canvas.width * random.between(10, 50) / 100,
        canvas.height * random.between(10, 60) / 100,
    );
    for line in 0..7 {
        canvas.rectangle(
            left,
            top + line * pitch,
            edge * random.between(20, 46) / 100,
            thin,
            ink,
            220,
        );
    }
    let (dots_left, dots_top) = (
        canvas.width * random.between(50, 75) / 100,
        canvas.height * random.between(8, 66) / 100,
    );
    for row in 0..5 {
        for column in 0..5 {
            let place = ((dots_left + column * pitch) * PX, (dots_top + row * pitch) * PX);
            canvas.disc(place, edge * PX / 170, ink, 220);
        }
    }
    let arm = edge * PX * random.between(8, 14) / 100;
    let (x, y) = (
        canvas.width * PX * random.between(20, 80) / 100,
        canvas.height * PX * random.between(60, 84) / 100,
    );
    canvas.polygon(&[(x - arm, y), (x, y - arm * 3 / 2), (x + arm, y)], ink, 235);
}
