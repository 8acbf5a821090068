//! Containers: which format bytes have, and whether they are one whole still image and nothing else.
//!
//! Decoders are lenient: they stop reading when they have their pixels, fill what is missing with grey, and ignore
//! what follows. A cut-off download or a picture with a script behind it would pass. So each container is
//! walked from its first byte to its last, without allocating.

use super::ArtifactError;
use crate::plan::ImageFormat;

const PNG_SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// The format by the first bytes; else words for what they look like.
pub(super) fn sniff(bytes: &[u8]) -> Result<ImageFormat, &'static str> {
    let text_start = bytes.trim_ascii_start();
    if bytes.starts_with(PNG_SIGNATURE) {
        return Ok(ImageFormat::Png);
    }
    if bytes.starts_with(b"\xff\xd8\xff") {
        return Ok(ImageFormat::Jpeg);
    }
    if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        return Ok(ImageFormat::Webp);
    }
    Err(match text_start {
        _ if bytes.starts_with(b"GIF8") => "a GIF",
        _ if bytes.starts_with(b"BM") => "a BMP",
        _ if bytes.starts_with(b"II*\0") || bytes.starts_with(b"MM\0*") => "a TIFF",
        _ if bytes.get(4..8) == Some(b"ftyp") => "an AVIF, HEIC or video file",
        _ if bytes.starts_with(b"%PDF") => "a PDF",
        [b'<', ..] | [0xef, 0xbb, 0xbf, b'<', ..] => "HTML, SVG or XML text",
        [b'{' | b'[', ..] => "JSON text",
        _ if PNG_SIGNATURE.starts_with(bytes) => "the first bytes of a PNG",
        _ => "of no known format",
    })
}

/// Checks that the bytes are one whole still image and end with it.
pub(super) fn check(format: ImageFormat, bytes: &[u8]) -> Result<(), ArtifactError> {
    let end = match format {
        ImageFormat::Png => end_of_png(bytes)?,
        ImageFormat::Jpeg => end_of_jpeg(bytes)?,
        ImageFormat::Webp => end_of_webp(bytes)?,
    };
    let trailing = bytes.get(end..).ok_or(ArtifactError::Truncated)?;
    // Some encoders round the file up with zeros, which can mean nothing to anybody.
    if trailing.iter().all(|byte| *byte == 0) {
        return Ok(());
    }
    Err(ArtifactError::TrailingBytes {
        trailing_bytes: trailing.len(),
    })
}

/// Chunks of length, name, content and checksum, up to `IEND`.
fn end_of_png(bytes: &[u8]) -> Result<usize, ArtifactError> {
    let mut at = PNG_SIGNATURE.len();
    loop {
        let length = u32_at(bytes, at, u32::from_be_bytes)?;
        let name = bytes.get(at + 4..at + 8).ok_or(ArtifactError::Truncated)?;
        if name == b"acTL" {
            return Err(ArtifactError::Animated);
        }
        at = at.saturating_add(12).saturating_add(length);
        if at > bytes.len() {
            return Err(ArtifactError::Truncated);
        }
        if name == b"IEND" {
            return Ok(at);
        }
    }
}

/// Width and height as the first chunk, `IHDR`, tells them.
pub(super) fn png_size(bytes: &[u8]) -> Result<(u32, u32), ArtifactError> {
    let start = PNG_SIGNATURE.len();
    if bytes.get(start + 4..start + 8) != Some(b"IHDR") {
        return Err(ArtifactError::Damaged {
            what: "the PNG header is missing",
        });
    }
    let edge_at = |at| {
        let edge_px = u32_at(bytes, at, u32::from_be_bytes)?;
        Ok(u32::try_from(edge_px).unwrap_or(u32::MAX))
    };
    Ok((edge_at(start + 8)?, edge_at(start + 12)?))
}

/// Segments of marker and length; behind `SOS` entropy-coded bytes until the next marker; up to `EOI`.
fn end_of_jpeg(bytes: &[u8]) -> Result<usize, ArtifactError> {
    const START_OF_SCAN: u8 = 0xda;
    const END_OF_IMAGE: u8 = 0xd9;
    let byte_at = |at: usize| bytes.get(at).copied().ok_or(ArtifactError::Truncated);
    let mut at = 2;
    loop {
        if byte_at(at)? != 0xff {
            return Err(ArtifactError::Damaged {
                what: "a JPEG marker is missing",
            });
        }
        while byte_at(at)? == 0xff {
            at += 1;
        }
        let marker = byte_at(at)?;
        at += 1;
        if marker == END_OF_IMAGE {
            return Ok(at);
        }
        let length = usize::from(u16::from_be_bytes([byte_at(at)?, byte_at(at + 1)?]));
        at += length;
        if marker == START_OF_SCAN {
            at = end_of_scan(bytes, at)?;
        }
    }
}

/// Within a scan 0xff stands only before a stuffed zero or a restart marker.
fn end_of_scan(bytes: &[u8], mut at: usize) -> Result<usize, ArtifactError> {
    loop {
        let pair = bytes.get(at..at + 2).ok_or(ArtifactError::Truncated)?;
        match pair {
            [0xff, 0x00 | 0xd0..=0xd7] => at += 2,
            [0xff, 0xff] => at += 1,
            [0xff, _] => return Ok(at),
            _ => at += 1,
        }
    }
}

/// The `RIFF` header tells the length; the chunks must fill it, and none may be an animation.
fn end_of_webp(bytes: &[u8]) -> Result<usize, ArtifactError> {
    let end = u32_at(bytes, 4, u32::from_le_bytes)?.saturating_add(8);
    if end > bytes.len() {
        return Err(ArtifactError::Truncated);
    }
    let mut at = 12;
    while at < end {
        let name = bytes.get(at..at + 4).ok_or(ArtifactError::Truncated)?;
        if name == b"ANIM" || name == b"ANMF" {
            return Err(ArtifactError::Animated);
        }
        let length = u32_at(bytes, at + 4, u32::from_le_bytes)?;
        // Chunks are padded to an even length.
        at = at
            .saturating_add(8)
            .saturating_add(length)
            .saturating_add(length % 2);
    }
    if at > end {
        return Err(ArtifactError::Damaged {
            what: "a WebP chunk is longer than its file",
        });
    }
    Ok(end)
}

fn u32_at(bytes: &[u8], at: usize, read: fn([u8; 4]) -> u32) -> Result<usize, ArtifactError> {
    let four = bytes
        .get(at..at.saturating_add(4))
        .ok_or(ArtifactError::Truncated)?;
    let value = four.try_into().map(read).unwrap_or(u32::MAX);
    Ok(usize::try_from(value).unwrap_or(usize::MAX))
}
