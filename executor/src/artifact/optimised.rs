//! The optimised copy: the same picture at the same size, with fewer bytes for those who only look at it.

use image::{
    DynamicImage, ExtendedColorType, ImageEncoder as _,
    codecs::png::{CompressionType, FilterType, PngEncoder},
};

use super::encode::{EncodeError, encode_jpeg};
use crate::plan::ImageFormat;

/// Quality of the lossy copies.
const QUALITY_PERCENT: u8 = 85;

/// Which copy is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Optimised {
    /// None.
    #[default]
    None,
    /// A PNG with the same pixels, compressed harder.
    Png,
    /// A lossy WebP of quality 85.
    Webp,
    /// A progressive JPEG of quality 85; what is transparent becomes white.
    Jpeg,
}

impl Optimised {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::None, Self::Png, Self::Webp, Self::Jpeg];

    /// The word of the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Png => "png",
            Self::Webp => "webp",
            Self::Jpeg => "jpeg",
        }
    }

    /// The copy of a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|copy| copy.as_str() == word)
    }

    /// Format of the copy.
    pub fn format(self) -> Option<ImageFormat> {
        match self {
            Self::None => None,
            Self::Png => Some(ImageFormat::Png),
            Self::Webp => Some(ImageFormat::Webp),
            Self::Jpeg => Some(ImageFormat::Jpeg),
        }
    }
}

/// Encodes the copy; nothing when none is made. Takes tens of milliseconds: call it off the async threads.
pub fn optimised(pixels: &DynamicImage, copy: Optimised) -> Result<Option<Vec<u8>>, EncodeError> {
    match copy {
        Optimised::None => Ok(None),
        Optimised::Png => recompressed(pixels).map(Some),
        Optimised::Webp => webp(pixels).map(Some),
        Optimised::Jpeg => encode_jpeg(pixels, QUALITY_PERCENT, true).map(Some),
    }
}

fn recompressed(pixels: &DynamicImage) -> Result<Vec<u8>, EncodeError> {
    let mut encoded = Vec::new();
    let encoder = PngEncoder::new_with_quality(&mut encoded, CompressionType::Best, FilterType::Adaptive);
    match pixels {
        DynamicImage::ImageLuma8(_)
        | DynamicImage::ImageLumaA8(_)
        | DynamicImage::ImageRgb8(_)
        | DynamicImage::ImageRgba8(_) => {
            let color = ExtendedColorType::from(pixels.color());
            encoder.write_image(pixels.as_bytes(), pixels.width(), pixels.height(), color)?;
        }
        deep => {
            let bytes = deep.to_rgba8();
            encoder.write_image(&bytes, deep.width(), deep.height(), ExtendedColorType::Rgba8)?;
        }
    }
    Ok(encoded)
}

fn webp(pixels: &DynamicImage) -> Result<Vec<u8>, EncodeError> {
    let (width_px, height_px) = (pixels.width(), pixels.height());
    let encoded = match pixels {
        DynamicImage::ImageRgb8(image) => {
            encoded_webp(&webp::Encoder::from_rgb(image.as_raw(), width_px, height_px))
        }
        DynamicImage::ImageRgba8(image) => {
            encoded_webp(&webp::Encoder::from_rgba(image.as_raw(), width_px, height_px))
        }
        other if other.color().has_alpha() => {
            encoded_webp(&webp::Encoder::from_rgba(&other.to_rgba8(), width_px, height_px))
        }
        other => encoded_webp(&webp::Encoder::from_rgb(&other.to_rgb8(), width_px, height_px)),
    };
    encoded.ok_or(EncodeError::Webp { width_px, height_px })
}

fn encoded_webp(encoder: &webp::Encoder<'_>) -> Option<Vec<u8>> {
    let encoded = encoder.encode_simple(false, f32::from(QUALITY_PERCENT)).ok()?;
    Some(encoded.to_vec())
}
