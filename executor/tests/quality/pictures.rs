//! Pictures that look as photographs, paintings and drawings do, made from numbers.

use image::{DynamicImage, Rgb, RgbImage};

/// Numbers that look random and are the same each time (`SplitMix64`).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to 1.
    pub(crate) fn unit(&mut self) -> f32 {
        f32::from(u16::try_from(self.next() >> 48).unwrap()) / 65_535.0
    }

    /// About normal, of variance 1.
    pub(crate) fn normal(&mut self) -> f32 {
        (0..12).map(|_| self.unit()).sum::<f32>() - 6.0
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the value is clamped to a byte"
)]
pub(crate) fn byte(value: f32) -> u8 {
    value.clamp(0.0, 255.0).round() as u8
}

#[expect(clippy::cast_precision_loss, reason = "pixels are few enough")]
pub(crate) fn float(value: u32) -> f32 {
    value as f32
}

/// Noise of one lattice, smooth between its points, from -1 to 1.
fn lattice(x: f32, y: f32, seed: u64) -> f32 {
    let at = |x: f32, y: f32| {
        let place = u64::from(x.to_bits()).wrapping_mul(0x1_0000_01b3) ^ u64::from(y.to_bits());
        Random::new(place ^ seed.wrapping_mul(0x51_7cc1)).unit() * 2.0 - 1.0
    };
    let (left, top) = (x.floor(), y.floor());
    let ease = |t: f32| t * t * (3.0 - 2.0 * t);
    let (right, down) = (ease(x - left), ease(y - top));
    let mix = |a: f32, b: f32, t: f32| a + (b - a) * t;
    let above = mix(at(left, top), at(left + 1.0, top), right);
    let below = mix(at(left, top + 1.0), at(left + 1.0, top + 1.0), right);
    mix(above, below, down)
}

/// Noise with a spectrum of 1/f, as natural scenes have: every octave is as strong as `persistence` says.
fn octaves(x: f32, y: f32, seed: u64, coarsest_px: f32, persistence: f32) -> f32 {
    let (mut size, mut strength, mut sum) = (coarsest_px, 1.0, 0.0);
    let mut octave = 0;
    while size >= 1.5 {
        sum += lattice(x / size, y / size, seed.wrapping_add(octave)) * strength;
        size /= 2.0;
        strength *= persistence;
        octave += 1;
    }
    sum
}

fn drawn(width: u32, height: u32, pixel: impl Fn(f32, f32) -> [f32; 3]) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| Rgb(pixel(float(x), float(y)).map(byte)))
}

/// Hills under clouds: two textures and a jagged edge between them.
pub(crate) fn landscape(width: u32, height: u32, seed: u64) -> RgbImage {
    drawn(width, height, |x, y| {
        let horizon = float(height) * 0.5 + 90.0 * octaves(x, 7.0, seed, 256.0, 0.5);
        if y < horizon {
            let cloud = octaves(x, y * 2.0, seed + 50, 300.0, 0.55) * 40.0;
            [130.0 + cloud, 165.0 + cloud, 215.0 + cloud * 0.6]
        } else {
            let grass = octaves(x, y, seed + 90, 120.0, 0.8) * 26.0;
            [70.0 + grass, 96.0 + grass, 40.0 + grass * 0.5]
        }
    })
}

/// Leaves of all sizes that lie on each other: the statistics of edges in natural scenes.
pub(crate) fn leaves(width: u32, height: u32, seed: u64) -> RgbImage {
    let mut random = Random::new(seed);
    let mut picture = drawn(width, height, |_, _| [40.0, 50.0, 30.0]);
    let grain: Vec<f32> = (0..4096).map(|_| random.normal() * 3.0).collect();
    for _ in 0..1200 {
        let radius = (4.0 / (0.04 + random.unit())).min(90.0);
        let (x, y) = (random.unit() * float(width), random.unit() * float(height));
        let tones = [(); 3].map(|()| 30.0 + random.unit() * 190.0);
        for row in pixels_near(y, radius, height) {
            for column in pixels_near(x, radius, width) {
                let (along, down) = (float(column) - x, float(row) - y);
                if along * along + down * down <= radius * radius {
                    let vein = grain[usize::try_from((column / 2 * 61 + row / 2 * 17) % 4096).unwrap()];
                    let light = 1.0 - 0.25 * (along + down) / radius;
                    picture.put_pixel(column, row, Rgb(tones.map(|tone| byte(tone * light + vein))));
                }
            }
        }
    }
    picture
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the values are clamped to the picture"
)]
fn pixels_near(middle: f32, radius: f32, edge: u32) -> std::ops::Range<u32> {
    let within = |place: f32| place.clamp(0.0, float(edge)) as u32;
    within(middle - radius)..within(middle + radius + 1.0)
}

/// A sharp subject before a background far out of focus.
pub(crate) fn portrait(width: u32, height: u32, seed: u64) -> RgbImage {
    let (middle, radius) = (float(width) / 2.0, float(height) * 0.28);
    drawn(width, height, |x, y| {
        let (dx, dy) = ((x - middle) / radius, (y - float(height) * 0.55) / (radius * 1.3));
        let inside = dx * dx + dy * dy;
        if inside > 1.0 {
            let soft =
                lattice(x / 230.0, y / 230.0, seed) * 45.0 + lattice(x / 110.0, y / 110.0, seed + 1) * 20.0;
            return [120.0 + soft, 100.0 + soft * 0.8, 85.0 + soft * 0.5];
        }
        let pores = octaves(x, y, seed + 9, 90.0, 0.7) * 14.0;
        let shade = (1.0 - inside * 0.6 - dx * 0.25) * 205.0;
        let hair = octaves(x * 3.0, y / 6.0, seed + 20, 60.0, 0.8) * 30.0;
        if dy < -0.45 {
            [50.0 + hair, 38.0 + hair, 30.0 + hair]
        } else {
            [shade + pores, shade * 0.78 + pores, shade * 0.62 + pores]
        }
    })
}

/// A town at night: nearly all of it dark, with lit windows.
pub(crate) fn night(width: u32, height: u32, seed: u64) -> RgbImage {
    drawn(width, height, |x, y| {
        let house = (x / 83.0).floor();
        let top = float(height) * (0.35 + 0.3 * Random::new(seed ^ u64::from(house.to_bits())).unit());
        let grain = octaves(x, y, seed, 30.0, 0.7) * 4.0;
        if y < top {
            return [8.0 + grain, 10.0 + grain, 24.0 + grain + 10.0 * y / top];
        }
        let window = ((x % 83.0) / 21.0).floor() + 16.0 * (y / 29.0).floor() + 999.0 * house;
        let is_lit = Random::new(seed ^ u64::from(window.to_bits())).unit() > 0.6;
        if is_lit && x % 21.0 > 7.0 && y % 29.0 > 11.0 {
            [235.0 + grain, 190.0 + grain, 110.0 + grain]
        } else {
            [22.0 + grain, 20.0 + grain, 26.0 + grain]
        }
    })
}

/// Thin black lines on white paper.
pub(crate) fn drawing(width: u32, height: u32, seed: u64) -> RgbImage {
    let edge = float(width.min(height));
    drawn(width, height, |x, y| {
        let (dx, dy) = (x - edge * 0.5, y - edge * 0.45);
        let wobble = lattice(x / 60.0, y / 60.0, seed) * 6.0;
        let circle = ((dx * dx + dy * dy).sqrt() + wobble - edge * 0.3).abs();
        let line = (y - edge * 0.8 + wobble).abs();
        let stroke = (dx - dy * 0.4 + wobble * 2.0).abs();
        let ink = circle.min(line).min(stroke);
        let tone = ((ink - 1.2) * 255.0).clamp(0.0, 255.0);
        [tone, tone, tone]
    })
}

/// A poster of flat colours with hard edges.
pub(crate) fn poster(width: u32, height: u32, seed: u64) -> RgbImage {
    let mut random = Random::new(seed);
    let shapes: Vec<[f32; 7]> = (0..14).map(|_| [(); 7].map(|()| random.unit())).collect();
    drawn(width, height, |x, y| {
        let (x, y) = (x / float(width), y / float(height));
        let mut tone = [238.0, 229.0, 210.0];
        for [left, top, size, slant, red, green, blue] in &shapes {
            let (dx, dy) = (x - left, y - top);
            if (dx + dy * (slant - 0.5)).abs() < size * 0.16 && dy.abs() < size * 0.3 {
                tone = [red, green, blue].map(|part| 30.0 + part * 210.0);
            }
        }
        tone
    })
}

/// Blurred by three boxes one after another, which is nearly the blur of a lens out of focus.
pub(crate) fn blurred(picture: &RgbImage, radius_px: u32) -> RgbImage {
    let mut blurred = picture.clone();
    for _ in 0..3 {
        blurred = box_blurred(&box_blurred(&blurred, radius_px, true), radius_px, false);
    }
    blurred
}

fn box_blurred(picture: &RgbImage, radius: u32, along: bool) -> RgbImage {
    let (width, height) = picture.dimensions();
    let last = if along { width } else { height } - 1;
    RgbImage::from_fn(width, height, |x, y| {
        let place = if along { x } else { y };
        let range = place.saturating_sub(radius)..=(place + radius).min(last);
        let count = u32::try_from(range.clone().count()).unwrap();
        let mut sums = [0_u32; 3];
        for other in range {
            let pixel = if along {
                picture.get_pixel(other, y)
            } else {
                picture.get_pixel(x, other)
            };
            for (sum, channel) in sums.iter_mut().zip(pixel.0) {
                *sum += u32::from(channel);
            }
        }
        Rgb(sums.map(|sum| u8::try_from((sum + count / 2) / count).unwrap()))
    })
}

/// With grain over everything.
pub(crate) fn noisy(picture: &RgbImage, deviation: f32, seed: u64) -> RgbImage {
    let mut random = Random::new(seed);
    let mut noisy = picture.clone();
    for pixel in noisy.pixels_mut() {
        let grain = random.normal() * deviation;
        pixel.0 = pixel.0.map(|channel| byte(f32::from(channel) + grain));
    }
    noisy
}

/// With other tones.
pub(crate) fn toned(picture: &RgbImage, tone: impl Fn(f32) -> f32) -> RgbImage {
    let mut toned = picture.clone();
    for pixel in toned.pixels_mut() {
        pixel.0 = pixel.0.map(|channel| byte(tone(f32::from(channel))));
    }
    toned
}

/// Made small and large again.
pub(crate) fn enlarged(picture: &RgbImage, times: u32, filter: image::imageops::FilterType) -> RgbImage {
    let (width, height) = picture.dimensions();
    let picture = DynamicImage::from(picture.clone());
    let small = picture.resize_exact(
        width / times,
        height / times,
        image::imageops::FilterType::Triangle,
    );
    small.resize_exact(width, height, filter).to_rgb8()
}

/// One colour.
pub(crate) fn flat(width: u32, height: u32, tone: [u8; 3]) -> RgbImage {
    RgbImage::from_pixel(width, height, Rgb(tone))
}

/// One colour that becomes another.
pub(crate) fn gradient(width: u32, height: u32) -> RgbImage {
    drawn(width, height, |x, y| {
        let part = (x + y) / float(width + height);
        [40.0 + part * 170.0, 60.0 + part * 150.0, 120.0 + part * 90.0]
    })
}
