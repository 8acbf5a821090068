//! The luma plane that the parts look at.

use image::{DynamicImage, GenericImageView as _, Rgba};

/// Longest edge of a plane, in pixels.
pub const MAX_EDGE_PX: u32 = 1024;

/// Luma, eight bits a pixel, row by row.
#[derive(Clone, Debug)]
pub(super) struct Plane {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) luma: Vec<u8>,
}

impl Plane {
    /// The whole picture. A larger one is made smaller by the mean of whole squares of pixels.
    pub(super) fn overview(pixels: &DynamicImage) -> Self {
        let longest = pixels.width().max(pixels.height());
        let square = longest.div_ceil(MAX_EDGE_PX).max(1);
        let (width, height) = (pixels.width() / square, pixels.height() / square);
        if square == 1 || width == 0 || height == 0 {
            return Self::cut(pixels, 0, 0, pixels.width(), pixels.height());
        }
        let columns = index(width);
        let side = index(square);
        let mut luma = Vec::with_capacity(columns * index(height));
        let mut row = Vec::with_capacity(index(pixels.width()));
        let mut sums = vec![0_u32; columns];
        for y in 0..height {
            sums.fill(0);
            for inner in 0..square {
                row.clear();
                luma_row(pixels, 0, y * square + inner, width * square, &mut row);
                for (sum, some) in sums.iter_mut().zip(row.chunks_exact(side)) {
                    *sum += some.iter().map(|value| u32::from(*value)).sum::<u32>();
                }
            }
            let area = square * square;
            luma.extend(sums.iter().map(|sum| byte((sum + area / 2) / area)));
        }
        Self {
            width: columns,
            height: index(height),
            luma,
        }
    }

    /// The middle of the picture, pixel by pixel. Nothing when that is the [overview](Self::overview).
    pub(super) fn close_up(pixels: &DynamicImage) -> Option<Self> {
        let (width, height) = pixels.dimensions();
        if width.max(height) <= MAX_EDGE_PX {
            return None;
        }
        let (cut_width, cut_height) = (width.min(MAX_EDGE_PX), height.min(MAX_EDGE_PX));
        let (x, y) = ((width - cut_width) / 2, (height - cut_height) / 2);
        Some(Self::cut(pixels, x, y, cut_width, cut_height))
    }

    fn cut(pixels: &DynamicImage, x: u32, y: u32, width: u32, height: u32) -> Self {
        let mut luma = Vec::with_capacity(index(width) * index(height));
        for row in y..y + height {
            luma_row(pixels, x, row, width, &mut luma);
        }
        Self {
            width: index(width),
            height: index(height),
            luma,
        }
    }

    /// Half the size, by the mean of squares of two by two pixels.
    pub(super) fn halved(&self) -> Self {
        let (width, height) = (self.width / 2, self.height / 2);
        let mut luma = Vec::with_capacity(width * height);
        for two in self.luma.chunks_exact(self.width.max(1) * 2).take(height) {
            let (above, below) = two.split_at(self.width);
            let squares = above.chunks_exact(2).zip(below.chunks_exact(2)).take(width);
            luma.extend(squares.map(|(above, below)| {
                let sum: u32 = above.iter().chain(below).map(|value| u32::from(*value)).sum();
                byte((sum + 2) / 4)
            }));
        }
        Self { width, height, luma }
    }

    pub(super) fn rows(&self) -> impl DoubleEndedIterator<Item = &[u8]> {
        self.luma.chunks_exact(self.width.max(1))
    }
}

/// Appends the luma of a part of a row; what is transparent lies on white.
fn luma_row(pixels: &DynamicImage, x: u32, y: u32, width: u32, row: &mut Vec<u8>) {
    let range = |channels: usize, all: u32| {
        let start = (index(y) * index(all) + index(x)) * channels;
        start..start + index(width) * channels
    };
    match pixels {
        DynamicImage::ImageRgb8(image) => {
            let row_bytes = image.as_raw().get(range(3, image.width())).unwrap_or_default();
            row.extend(row_bytes.chunks_exact(3).map(|pixel| match pixel {
                [red, green, blue] => luma(*red, *green, *blue),
                _ => 0,
            }));
        }
        DynamicImage::ImageRgba8(image) => {
            let row_bytes = image.as_raw().get(range(4, image.width())).unwrap_or_default();
            row.extend(row_bytes.chunks_exact(4).map(|pixel| match pixel {
                [red, green, blue, 255] => luma(*red, *green, *blue),
                [red, green, blue, alpha] => over_white(luma(*red, *green, *blue), *alpha),
                _ => 0,
            }));
        }
        DynamicImage::ImageLuma8(image) => {
            row.extend_from_slice(image.as_raw().get(range(1, image.width())).unwrap_or_default());
        }
        other => row.extend((x..x + width).map(|x| {
            let Rgba([red, green, blue, alpha]) = other.get_pixel(x, y);
            over_white(luma(red, green, blue), alpha)
        })),
    }
}

/// ITU-R BT.601 in 256ths.
pub(super) fn luma(red: u8, green: u8, blue: u8) -> u8 {
    byte((77 * u32::from(red) + 150 * u32::from(green) + 29 * u32::from(blue) + 128) >> 8)
}

fn over_white(luma: u8, alpha: u8) -> u8 {
    let (luma, alpha) = (u32::from(luma), u32::from(alpha));
    byte((luma * alpha + 255 * (255 - alpha) + 127) / 255)
}

fn byte(value: u32) -> u8 {
    u8::try_from(value).unwrap_or(u8::MAX)
}

pub(super) fn index(value: u32) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}
