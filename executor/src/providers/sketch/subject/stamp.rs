//! Where and how large a figure is drawn.

use super::super::canvas::{Canvas, Color};

/// A place and size for shapes that are given in thousandths: `x` from the middle, `y` up from the foot.
pub(super) struct Stamp<'a> {
    pub(super) canvas: &'a mut Canvas,
    pub(super) x: i64,
    pub(super) y: i64,
    /// Subpixels of a thousandth.
    pub(super) scale: i64,
    /// The light that everything is seen in.
    pub(super) shade: Color,
    pub(super) shade_weight: i64,
}

impl Stamp<'_> {
    /// The same place with shapes of so many percent of the short edge.
    pub(super) fn sized(&mut self, percent: i64) -> Stamp<'_> {
        Stamp {
            x: self.x,
            y: self.y,
            scale: self.scale * percent,
            shade: self.shade,
            shade_weight: self.shade_weight,
            canvas: self.canvas,
        }
    }

    pub(super) fn at(&self, (x, y): (i64, i64)) -> (i64, i64) {
        (self.x + x * self.scale / 100, self.y - y * self.scale / 100)
    }

    pub(super) fn shape(&mut self, corners: &[(i64, i64)], color: Color) {
        let corners: Vec<_> = corners.iter().map(|corner| self.at(*corner)).collect();
        self.canvas
            .polygon(&corners, color.mix(self.shade, self.shade_weight), 256);
    }

    pub(super) fn disc(&mut self, center: (i64, i64), radius: i64, color: Color) {
        let color = color.mix(self.shade, self.shade_weight);
        self.canvas
            .disc(self.at(center), radius * self.scale / 100, color, 256);
    }

    /// Light of its own, not shaded.
    pub(super) fn light(&mut self, center: (i64, i64), radius: i64, color: Color) {
        let center = self.at(center);
        let radius = radius * self.scale / 100;
        self.canvas.glow(center, radius * 6, color, 150);
        self.canvas.disc(center, radius, color, 250);
    }

    pub(super) fn ground_shadow(&mut self, half: i64) {
        for ring in 0..4 {
            let (half, thin) = (half - ring * half / 9, 34 - ring * 6);
            let corners = [
                (-half, 0),
                (-half / 2, thin),
                (half / 2, thin),
                (half, 0),
                (half / 2, -thin),
                (-half / 2, -thin),
            ];
            let corners: Vec<_> = corners.iter().map(|corner| self.at(*corner)).collect();
            self.canvas.polygon(&corners, Color::hex(0x0a1226), 26);
        }
    }
}
