//! Placeholders: what is shown until the picture is there.

use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};
use image::{DynamicImage, RgbaImage};

/// Longest edge that a `ThumbHash` takes, in pixels.
const MAX_EDGE_PX: u32 = 100;

/// The `ThumbHash` of a picture, some 25 bytes; nothing when it has no pixels. Takes a millisecond: call it off the async
/// threads.
pub fn thumbhash(pixels: &DynamicImage) -> Option<Vec<u8>> {
    let longest = pixels.width().max(pixels.height()).max(1);
    let scaled = |edge: u32| {
        let scaled = u64::from(edge) * u64::from(MAX_EDGE_PX.min(longest)) / u64::from(longest);
        u32::try_from(scaled).unwrap_or(MAX_EDGE_PX).max(1)
    };
    let (width, height) = (scaled(pixels.width()), scaled(pixels.height()));
    let mut small = pixels
        .color()
        .has_alpha()
        .then(|| DynamicImage::new_rgba8(width, height));
    let small = small.get_or_insert_with(|| DynamicImage::new_rgb8(width, height));
    let source = super::thumbnail::eight_bit(pixels);
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Box));
    Resizer::new().resize(source.as_ref(), small, &options).ok()?;
    let rgba: RgbaImage = small.to_rgba8();
    let (width, height) = (usize::try_from(width).ok()?, usize::try_from(height).ok()?);
    Some(thumbhash::rgba_to_thumb_hash(width, height, &rgba))
}
