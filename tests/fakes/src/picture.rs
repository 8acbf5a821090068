//! The pictures that fakes draw.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};

/// Draws a gradient whose tint tells one call from another.
pub(crate) fn draw((width_px, height_px): (u32, u32), format: Format, call: u64) -> Vec<u8> {
    let tint = u8::try_from(call * 37 % 256).unwrap_or(0);
    let shade = |at: u32, of: u32| u8::try_from(at * 255 / of.max(1)).unwrap_or(u8::MAX);
    let pixels = RgbImage::from_fn(width_px, height_px, |x, y| {
        Rgb([shade(x, width_px), shade(y, height_px), tint])
    });
    let mut bytes = Cursor::new(Vec::new());
    let format = match format {
        Format::Png => ImageFormat::Png,
        Format::Jpeg => ImageFormat::Jpeg,
        Format::Webp => ImageFormat::WebP,
    };
    // An RGB picture fits every one of these formats.
    let _written = DynamicImage::from(pixels).write_to(&mut bytes, format);
    bytes.into_inner()
}

/// Format of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Png,
    Jpeg,
    Webp,
}

impl Format {
    /// Reads "png", "jpg", "jpeg", "webp", or a media type; anything else is PNG.
    pub(crate) fn named(text: &str) -> Self {
        match text.trim_start_matches("image/") {
            "jpeg" | "jpg" => Self::Jpeg,
            "webp" => Self::Webp,
            _ => Self::Png,
        }
    }

    pub(crate) fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Webp => "image/webp",
        }
    }

    pub(crate) fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpg",
            Self::Webp => "webp",
        }
    }
}

/// A PNG of a few bytes that claims to be of 100,000 by 100,000 pixels: signature, `IHDR` and `IEND`. The checksum of the
/// header is right.
pub(crate) fn bomb() -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\x01\x86\xa0\0\x01\x86\xa0\x08\x02\0\0\0".to_vec();
    bytes.extend_from_slice(&[0x27, 0x30, 0x9c, 0x9f]);
    bytes.extend_from_slice(b"\0\0\0\0IEND\xaeB`\x82");
    bytes
}
