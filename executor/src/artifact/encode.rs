//! Encoding: the one place that turns pixels into files.

use std::borrow::Cow;

use image::{
    DynamicImage, ExtendedColorType, ImageEncoder as _,
    codecs::{
        png::{CompressionType, FilterType, PngEncoder},
        webp::WebPEncoder,
    },
};

use crate::plan::ImageFormat;

/// Why pixels could not be encoded.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// The PNG or WebP encoder gave up.
    #[error("the image cannot be encoded: {0}")]
    Image(#[from] image::ImageError),
    /// The JPEG encoder gave up.
    #[error("the image cannot be encoded: {0}")]
    Jpeg(#[from] jpeg_encoder::EncodingError),
    /// The lossy WebP encoder gave up: an edge has at most 16383 pixels.
    #[error("{width_px}x{height_px} cannot be encoded as a lossy WebP: an edge has at most 16383 pixels")]
    Webp {
        /// Width in pixels.
        width_px: u32,
        /// Height in pixels.
        height_px: u32,
    },
    /// A JPEG edge has at most 65535 pixels.
    #[error("{width_px}x{height_px} is too large for a JPEG")]
    TooLargeForJpeg {
        /// Width in pixels.
        width_px: u32,
        /// Height in pixels.
        height_px: u32,
    },
}

/// Encodes with eight bits a channel. PNG and WebP are lossless and ignore the quality; JPEG has no
/// transparency, so what is transparent becomes white.
pub fn encode(
    pixels: &DynamicImage,
    format: ImageFormat,
    quality_percent: u8,
) -> Result<Vec<u8>, EncodeError> {
    let (width_px, height_px) = (pixels.width(), pixels.height());
    let mut encoded = Vec::new();
    if format == ImageFormat::Jpeg {
        return encode_jpeg(pixels, quality_percent, false);
    }
    let (bytes, color) = if pixels.color().has_alpha() {
        (pixels.to_rgba8().into_raw(), ExtendedColorType::Rgba8)
    } else {
        (pixels.to_rgb8().into_raw(), ExtendedColorType::Rgb8)
    };
    if format == ImageFormat::Webp {
        WebPEncoder::new_lossless(&mut encoded).write_image(&bytes, width_px, height_px, color)?;
    } else {
        PngEncoder::new_with_quality(&mut encoded, CompressionType::Fast, FilterType::Adaptive)
            .write_image(&bytes, width_px, height_px, color)?;
    }
    Ok(encoded)
}

/// A JPEG; a progressive one shows the whole picture early and has fewer bytes, and takes longer to make.
pub(super) fn encode_jpeg(
    pixels: &DynamicImage,
    quality_percent: u8,
    is_progressive: bool,
) -> Result<Vec<u8>, EncodeError> {
    let (width_px, height_px) = (pixels.width(), pixels.height());
    let (Ok(width), Ok(height)) = (u16::try_from(width_px), u16::try_from(height_px)) else {
        return Err(EncodeError::TooLargeForJpeg { width_px, height_px });
    };
    let mut encoded = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut encoded, quality_percent.clamp(1, 100));
    encoder.set_progressive(is_progressive);
    encoder.encode(
        &flatten_on_white(pixels),
        width,
        height,
        jpeg_encoder::ColorType::Rgb,
    )?;
    Ok(encoded)
}

/// Eight-bit RGB bytes of the picture as it would look on white paper.
fn flatten_on_white(pixels: &DynamicImage) -> Cow<'_, [u8]> {
    if let DynamicImage::ImageRgb8(pixels) = pixels {
        return Cow::Borrowed(pixels.as_raw());
    }
    if !pixels.color().has_alpha() {
        return Cow::Owned(pixels.to_rgb8().into_raw());
    }
    let over_white = |channel: u8, alpha: u8| {
        let (channel, alpha) = (u16::from(channel), u16::from(alpha));
        let mixed = (channel * alpha + 255 * (255 - alpha) + 127) / 255;
        u8::try_from(mixed).unwrap_or(u8::MAX)
    };
    let flat = pixels
        .to_rgba8()
        .pixels()
        .flat_map(|pixel| {
            let [red, green, blue, alpha] = pixel.0;
            [red, green, blue].map(|channel| over_white(channel, alpha))
        })
        .collect();
    Cow::Owned(flat)
}
