//! A canvas of eight-bit colours and the few things that are drawn on it. All integers.

use super::random::square_root;

/// Subpixels to a pixel: positions on the canvas have eight bits behind the point.
pub(super) const PX: i64 = 256;

/// Red, green and blue, packed as in `0xff8800`, so that two channels are mixed at once: pictures are drawn in
/// builds without optimisation too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Color(u32);

impl Color {
    /// A colour as in `0xff8800`.
    pub(super) const fn hex(rgb: u32) -> Self {
        Self(rgb)
    }

    /// This colour with `weight` of 256 parts of the other.
    pub(super) fn mix(self, other: Self, weight: i64) -> Self {
        const RED_BLUE: u32 = 0xff_00ff;
        const GREEN: u32 = 0x00_ff00;
        if weight <= 0 {
            return self;
        }
        if weight >= 256 {
            return other;
        }
        let over = u32::try_from(weight).unwrap_or(256);
        let under = 256 - over;
        let red_blue = ((self.0 & RED_BLUE) * under + (other.0 & RED_BLUE) * over) >> 8;
        let green = ((self.0 & GREEN) * under + (other.0 & GREEN) * over) >> 8;
        Self(red_blue & RED_BLUE | green & GREEN)
    }

    /// Every channel moved by the same amount.
    pub(super) fn lighter(self, by: i64) -> Self {
        let [red, green, blue] = self.channels();
        Self::of_channels([red + by, green + by, blue + by])
    }

    /// Perceived brightness, 0 to 255.
    pub(super) fn brightness(self) -> i64 {
        let [red, green, blue] = self.channels();
        (red * 54 + green * 183 + blue * 19) / 256
    }

    /// Red, green and blue, each 0 to 255.
    pub(super) fn channels(self) -> [i64; 3] {
        [self.0 >> 16, self.0 >> 8 & 0xff, self.0 & 0xff].map(i64::from)
    }

    /// A colour of channels, each cut at both ends.
    pub(super) fn of_channels([red, green, blue]: [i64; 3]) -> Self {
        let packed = red.clamp(0, 255) << 16 | green.clamp(0, 255) << 8 | blue.clamp(0, 255);
        Self(u32::try_from(packed).unwrap_or(0))
    }
}

/// Pixels in rows from the top.
#[derive(Clone, Debug)]
pub(super) struct Canvas {
    pub(super) width: i64,
    pub(super) height: i64,
    pixels: Vec<Color>,
}

impl Canvas {
    pub(super) fn new(width: i64, height: i64, color: Color) -> Self {
        let count = usize::try_from(width * height).unwrap_or(0);
        Self {
            width,
            height,
            pixels: vec![color; count],
        }
    }

    /// The shorter edge: what sizes of things are measured by.
    pub(super) fn short_edge(&self) -> i64 {
        self.width.min(self.height)
    }

    pub(super) fn get(&self, x: i64, y: i64) -> Color {
        let (x, y) = (x.clamp(0, self.width - 1), y.clamp(0, self.height - 1));
        self.pixels[self.index(x, y)]
    }

    /// The pixels of a row from `start` to before `end`, as far as they are on the canvas.
    pub(super) fn row(&mut self, y: i64, start: i64, end: i64) -> &mut [Color] {
        let (start, end) = (start.clamp(0, self.width), end.clamp(0, self.width));
        if !(0..self.height).contains(&y) || start >= end {
            return &mut [];
        }
        let (from, to) = (self.index(start, y), self.index(end - 1, y));
        &mut self.pixels[from..=to]
    }

    /// Mixes a colour into a pixel with `alpha` of 256 parts.
    pub(super) fn blend(&mut self, x: i64, y: i64, color: Color, alpha: i64) {
        if let [pixel] = self.row(y, x, x + 1) {
            *pixel = pixel.mix(color, alpha);
        }
    }

    /// Fills a rectangle of whole pixels.
    pub(super) fn rectangle(&mut self, x: i64, y: i64, width: i64, height: i64, color: Color, alpha: i64) {
        for row in y.max(0)..(y + height).min(self.height) {
            for pixel in self.row(row, x, x + width) {
                *pixel = pixel.mix(color, alpha);
            }
        }
    }

    /// A disc with a smooth edge. Position and radius in subpixels.
    pub(super) fn disc(&mut self, (x, y): (i64, i64), radius: i64, color: Color, alpha: i64) {
        self.fill((y - radius, y + radius), color, alpha, |line, spans| {
            let half = square_root(radius * radius - (line - y) * (line - y));
            spans.push((x - half, x + half));
        });
    }

    /// Light around a point that fades to nothing at the radius. Position and radius in subpixels.
    pub(super) fn glow(&mut self, (x, y): (i64, i64), radius: i64, color: Color, strength: i64) {
        let (center_x, center_y, reach) = (x / PX, y / PX, (radius / PX).max(1));
        for row in (center_y - reach).max(0)..(center_y + reach).min(self.height) {
            let down = (row - center_y) * (row - center_y);
            let start = (center_x - reach).max(0);
            for (offset, pixel) in (0..).zip(self.row(row, start, center_x + reach)) {
                let across = start + offset - center_x;
                let near = reach * reach - across * across - down;
                if near > 0 {
                    let falling = near * 256 / (reach * reach);
                    *pixel = pixel.mix(color, (strength * falling * falling) >> 16);
                }
            }
        }
    }

    /// A closed shape with a smooth edge; corners in subpixels. Where it crosses itself, it is empty.
    pub(super) fn polygon(&mut self, corners: &[(i64, i64)], color: Color, alpha: i64) {
        let top = corners.iter().map(|corner| corner.1).min().unwrap_or(0);
        let bottom = corners.iter().map(|corner| corner.1).max().unwrap_or(0);
        let mut crossings = Vec::new();
        self.fill((top, bottom), color, alpha, |line, spans| {
            crossings.clear();
            let ends = corners.iter().skip(1).chain(corners.first());
            for (from, to) in corners.iter().zip(ends) {
                if (from.1 <= line) != (to.1 <= line) {
                    crossings.push(from.0 + (to.0 - from.0) * (line - from.1) / (to.1 - from.1));
                }
            }
            crossings.sort_unstable();
            spans.extend(crossings.chunks_exact(2).map(|pair| (pair[0], pair[1])));
        });
    }

    /// Fills whatever spans `spans_of` gives for each line, with four lines to a pixel. All in subpixels.
    fn fill(
        &mut self,
        (top, bottom): (i64, i64),
        color: Color,
        alpha: i64,
        mut spans_of: impl FnMut(i64, &mut Vec<(i64, i64)>),
    ) {
        const LINES: i64 = 4;
        let mut spans = Vec::new();
        let mut coverage: Vec<i64> = Vec::new();
        for y in top.div_euclid(PX).max(0)..=bottom.div_euclid(PX).min(self.height - 1) {
            spans.clear();
            for line in 0..LINES {
                let at = y * PX + (line * 2 + 1) * PX / (2 * LINES);
                if (top..=bottom).contains(&at) {
                    spans_of(at, &mut spans);
                }
            }
            let (Some(left), Some(right)) = (
                spans.iter().map(|span| span.0.div_euclid(PX)).min(),
                spans.iter().map(|span| span.1.div_euclid(PX)).max(),
            ) else {
                continue;
            };
            let (left, right) = (left.clamp(0, self.width), (right + 1).clamp(0, self.width));
            coverage.clear();
            coverage.resize(usize::try_from(right - left).unwrap_or(0), 0);
            for (start, end) in &spans {
                cover(&mut coverage, start - left * PX, end - left * PX);
            }
            for (pixel, covered) in self.row(y, left, right).iter_mut().zip(&coverage) {
                *pixel = pixel.mix(color, alpha * covered / (LINES * PX));
            }
        }
    }

    /// The same canvas with more rows at its lower end.
    pub(super) fn extended_to(mut self, height: i64, color: Color) -> Self {
        self.height = height;
        self.pixels
            .resize(usize::try_from(self.width * height).unwrap_or(0), color);
        self
    }

    /// The channels in rows from the top, three bytes to a pixel.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.pixels.len() * 3);
        for color in self.pixels {
            bytes.extend_from_slice(&color.0.to_be_bytes()[1..]);
        }
        bytes
    }

    fn index(&self, x: i64, y: i64) -> usize {
        usize::try_from(y * self.width + x).unwrap_or(0)
    }
}

/// Adds to each pixel how much of it lies in a span. Subpixels from the first pixel.
fn cover(coverage: &mut [i64], start: i64, end: i64) {
    let length = i64::try_from(coverage.len()).unwrap_or(0);
    let (start, end) = (start.clamp(0, length * PX), end.clamp(0, length * PX));
    let (first, last) = (start / PX, (end - 1).max(start) / PX);
    let from = usize::try_from(first).unwrap_or(0);
    for (pixel, covered) in (first..=last).zip(coverage.iter_mut().skip(from)) {
        *covered += end.min((pixel + 1) * PX) - start.max(pixel * PX);
    }
}
