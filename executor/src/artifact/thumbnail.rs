//! Thumbnails: small copies of a finished image.

use std::borrow::Cow;

use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};
use image::DynamicImage;

use super::encode::{EncodeError, encode};
use crate::plan::Thumbnail;

/// Why a thumbnail could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ThumbnailError {
    /// The box has no area.
    #[error("a thumbnail of {width_px}x{height_px} has no area")]
    NoArea {
        /// Width in pixels.
        width_px: u32,
        /// Height in pixels.
        height_px: u32,
    },
    /// The resizer gave up.
    #[error("the thumbnail cannot be drawn: {0}")]
    Resize(#[from] fast_image_resize::ResizeError),
    /// The encoder gave up.
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

/// Width and height that the thumbnail of an image will have. `cover` fills the box exactly; otherwise the whole
/// image fits into the box, keeps its shape and is never enlarged.
pub fn thumbnail_size(width_px: u32, height_px: u32, thumbnail: &Thumbnail) -> (u32, u32) {
    let boxed = (thumbnail.width_px, thumbnail.height_px);
    if thumbnail.cover {
        return boxed;
    }
    if width_px <= boxed.0 && height_px <= boxed.1 {
        return (width_px, height_px);
    }
    let scaled = |edge: u32, by: u32, of: u32| {
        let rounded = (u64::from(edge) * u64::from(by) + u64::from(of) / 2) / u64::from(of.max(1));
        u32::try_from(rounded).unwrap_or(u32::MAX).max(1)
    };
    let is_wider_than_box =
        u64::from(width_px) * u64::from(boxed.1) > u64::from(height_px) * u64::from(boxed.0);
    if is_wider_than_box {
        (boxed.0, scaled(height_px, boxed.0, width_px).min(boxed.1))
    } else {
        (scaled(width_px, boxed.1, height_px).min(boxed.0), boxed.1)
    }
}

/// Draws and encodes a small copy; `cover` cuts evenly from both sides. Takes milliseconds: call it off the async
/// threads.
pub fn thumbnail(pixels: &DynamicImage, thumbnail: &Thumbnail) -> Result<Vec<u8>, ThumbnailError> {
    let (width_px, height_px) = thumbnail_size(pixels.width(), pixels.height(), thumbnail);
    if width_px == 0 || height_px == 0 {
        return Err(ThumbnailError::NoArea { width_px, height_px });
    }
    let has_alpha = pixels.color().has_alpha();
    let source = eight_bit(pixels);
    let mut small = if has_alpha {
        DynamicImage::new_rgba8(width_px, height_px)
    } else {
        DynamicImage::new_rgb8(width_px, height_px)
    };
    let options = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3))
        .fit_into_destination(Some((0.5, 0.5)));
    Resizer::new().resize(source.as_ref(), &mut small, &options)?;
    Ok(encode(&small, thumbnail.format, thumbnail.quality_percent)?)
}

/// The pixels as RGB or RGBA with eight bits a channel; copied only when they are something else.
pub(super) fn eight_bit(pixels: &DynamicImage) -> Cow<'_, DynamicImage> {
    match pixels {
        DynamicImage::ImageRgb8(_) | DynamicImage::ImageRgba8(_) => Cow::Borrowed(pixels),
        other if other.color().has_alpha() => Cow::Owned(DynamicImage::from(other.to_rgba8())),
        other => Cow::Owned(DynamicImage::from(other.to_rgb8())),
    }
}
