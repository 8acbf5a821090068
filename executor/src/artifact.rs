//! Artifacts: what a provider sent, checked before anybody relies on it.
//!
//! Nothing that arrives is believed. The format is read from the first bytes, the container is walked to its
//! end, the size is compared with the plan's before a pixel is allocated, and only then the image is decoded in
//! full. Memory therefore follows from the plan and from [`Limits`], never from what the bytes claim.

use std::io::Cursor;

use bytes::Bytes;
use image::{DynamicImage, ImageReader};
use limn_proto::{digest::sha256_hex, reason::Reason};

use crate::{failure::Failure, plan::ImageFormat};

mod container;
mod encode;
mod optimised;
mod placeholder;
mod thumbnail;

pub use encode::{EncodeError, encode};
pub use optimised::{Optimised, optimised};
pub use placeholder::thumbhash;
pub use thumbnail::{ThumbnailError, thumbnail, thumbnail_size};

/// What the plan promised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expected {
    /// The format asked for.
    pub format: ImageFormat,
    /// The width asked for, in pixels.
    pub width_px: u32,
    /// The height asked for, in pixels.
    pub height_px: u32,
}

/// What this process is willing to handle, whatever a plan says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Largest encoded image, in bytes.
    pub max_encoded_bytes: u64,
    /// Largest width times height.
    pub max_pixels: u64,
    /// Most memory that decoding may take, in bytes.
    pub max_decoded_bytes: u64,
}

impl Default for Limits {
    /// 48 MiB encoded, 40 megapixels (a little above 7680 by 4320), 320 MiB decoded (eight bytes a pixel).
    fn default() -> Self {
        Self {
            max_encoded_bytes: 48 << 20,
            max_pixels: 40_000_000,
            max_decoded_bytes: 320 << 20,
        }
    }
}

/// By how much a picture may outgrow the limit through the credentials that it is stored with, in bytes.
const CREDENTIALS_BYTES: u64 = 1 << 20;

impl Limits {
    /// Those of a stored picture: one that was within the limits when it came is within these.
    pub(crate) fn of_stored(self) -> Self {
        Self {
            max_encoded_bytes: self.max_encoded_bytes.saturating_add(CREDENTIALS_BYTES),
            ..self
        }
    }
}

/// A checked image.
#[derive(Clone, Debug)]
pub struct Artifact {
    /// Format of the bytes.
    pub format: ImageFormat,
    /// Width in pixels.
    pub width_px: u32,
    /// Height in pixels.
    pub height_px: u32,
    /// SHA-256 of the bytes, in lowercase hexadecimal.
    pub sha256: String,
    /// The decoded image.
    pub pixels: DynamicImage,
}

/// Why bytes are not the image of the plan.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    /// There are no bytes.
    #[error("the image is empty")]
    Empty,
    /// More bytes than the limit.
    #[error("the image has {size_bytes} bytes, more than the limit of {max_bytes}")]
    TooLarge {
        /// Size of the bytes.
        size_bytes: u64,
        /// The limit.
        max_bytes: u64,
    },
    /// The first bytes belong to none of the formats that are stored.
    #[error("the bytes are {found}, not an image that can be stored")]
    NotAnImage {
        /// What they look like.
        found: &'static str,
    },
    /// An image, but of another format.
    #[error("the image is {found:?} instead of {expected:?}")]
    WrongFormat {
        /// As planned.
        expected: ImageFormat,
        /// As found.
        found: ImageFormat,
    },
    /// The bytes end before the image does.
    #[error("the image is cut off")]
    Truncated,
    /// Something stands behind the end of the image, so the bytes are more than an image.
    #[error("{trailing_bytes} bytes stand behind the end of the image")]
    TrailingBytes {
        /// How many.
        trailing_bytes: usize,
    },
    /// The container breaks its own rules.
    #[error("the image is damaged: {what}")]
    Damaged {
        /// What is wrong.
        what: &'static str,
    },
    /// Several pictures in one; a plan promises one.
    #[error("the image is an animation")]
    Animated,
    /// Another size than planned.
    #[error("the image is {width_px}x{height_px} instead of {expected_width_px}x{expected_height_px}")]
    WrongSize {
        /// Width as found.
        width_px: u32,
        /// Height as found.
        height_px: u32,
        /// Width as planned.
        expected_width_px: u32,
        /// Height as planned.
        expected_height_px: u32,
    },
    /// More pixels than the limit.
    #[error("{pixels} pixels are more than the limit of {max_pixels}")]
    TooManyPixels {
        /// Width times height.
        pixels: u64,
        /// The limit.
        max_pixels: u64,
    },
    /// The decoder gave up.
    #[error("the image cannot be decoded: {0}")]
    Undecodable(#[source] image::ImageError),
}

impl ArtifactError {
    /// The failure of the attempt that brought the bytes.
    pub fn failure(&self) -> Failure {
        Failure::new(Reason::ImageInvalid, self.to_string())
    }
}

/// Checks bytes against the plan and decodes them. Takes as long as decoding does: call it off the async threads.
pub fn inspect(bytes: &Bytes, expected: &Expected, limits: &Limits) -> Result<Artifact, ArtifactError> {
    let size_bytes = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    if bytes.is_empty() {
        return Err(ArtifactError::Empty);
    }
    if size_bytes > limits.max_encoded_bytes {
        let max_bytes = limits.max_encoded_bytes;
        return Err(ArtifactError::TooLarge {
            size_bytes,
            max_bytes,
        });
    }
    let format = container::sniff(bytes).map_err(|found| ArtifactError::NotAnImage { found })?;
    if format != expected.format {
        return Err(ArtifactError::WrongFormat {
            expected: expected.format,
            found: format,
        });
    }
    container::check(format, bytes)?;
    check_size(bytes, expected, limits)?;
    let pixels = reader(bytes, format, limits).decode().map_err(undecodable)?;
    Ok(Artifact {
        format,
        width_px: pixels.width(),
        height_px: pixels.height(),
        sha256: sha256_hex(bytes),
        pixels,
    })
}

/// Checks bytes of which nothing is expected but to be a picture. Takes as long as [`inspect`].
pub fn inspect_any(bytes: &Bytes, limits: &Limits) -> Result<Artifact, ArtifactError> {
    inspect(bytes, &announced(bytes, limits)?, limits)
}

/// What bytes say of themselves, before anything is decoded: the header may lie, but then [`inspect`] refuses them.
pub fn announced(bytes: &Bytes, limits: &Limits) -> Result<Expected, ArtifactError> {
    if bytes.is_empty() {
        return Err(ArtifactError::Empty);
    }
    let format = container::sniff(bytes).map_err(|found| ArtifactError::NotAnImage { found })?;
    let (width_px, height_px) = size(bytes, format, limits)?;
    Ok(Expected {
        format,
        width_px,
        height_px,
    })
}

/// Width and height in pixels, as the header says.
fn size(bytes: &Bytes, format: ImageFormat, limits: &Limits) -> Result<(u32, u32), ArtifactError> {
    match format {
        // The decoder would read on, up to the first pixels.
        ImageFormat::Png => container::png_size(bytes),
        format => reader(bytes, format, limits)
            .into_dimensions()
            .map_err(undecodable),
    }
}

/// Compares the size in the header with the plan's, before anything is allocated for it.
fn check_size(bytes: &Bytes, expected: &Expected, limits: &Limits) -> Result<(), ArtifactError> {
    let (width_px, height_px) = size(bytes, expected.format, limits)?;
    if (width_px, height_px) != (expected.width_px, expected.height_px) {
        return Err(ArtifactError::WrongSize {
            width_px,
            height_px,
            expected_width_px: expected.width_px,
            expected_height_px: expected.height_px,
        });
    }
    let pixels = u64::from(width_px) * u64::from(height_px);
    if pixels > limits.max_pixels {
        let max_pixels = limits.max_pixels;
        return Err(ArtifactError::TooManyPixels { pixels, max_pixels });
    }
    Ok(())
}

fn reader<'a>(bytes: &'a Bytes, format: ImageFormat, limits: &Limits) -> ImageReader<Cursor<&'a [u8]>> {
    let mut reader = ImageReader::with_format(Cursor::new(bytes.as_ref()), decoder_of(format));
    let mut decoder_limits = image::Limits::no_limits();
    decoder_limits.max_alloc = Some(limits.max_decoded_bytes);
    reader.limits(decoder_limits);
    reader
}

fn decoder_of(format: ImageFormat) -> image::ImageFormat {
    match format {
        ImageFormat::Png => image::ImageFormat::Png,
        ImageFormat::Jpeg => image::ImageFormat::Jpeg,
        ImageFormat::Webp => image::ImageFormat::WebP,
    }
}

/// Decoders report an early end in several ways; it is one situation to us.
fn undecodable(error: image::ImageError) -> ArtifactError {
    match error {
        image::ImageError::IoError(io) if io.kind() == std::io::ErrorKind::UnexpectedEof => {
            ArtifactError::Truncated
        }
        other => ArtifactError::Undecodable(other),
    }
}
