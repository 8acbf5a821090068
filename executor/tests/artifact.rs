//! What passes as an image, and what does not.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use bytes::Bytes;
use image::{DynamicImage, GenericImageView as _, Rgb, RgbImage, Rgba, RgbaImage};
use limn_executor::{
    artifact::{ArtifactError, Expected, Limits, encode, inspect, thumbnail, thumbnail_size},
    plan::{ImageFormat, Thumbnail},
};
use limn_proto::{digest::sha256_hex, reason::Reason};

const FORMATS: [ImageFormat; 3] = [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Webp];

/// A picture with some detail in it, so that its file is more than a header.
fn picture(width_px: u32, height_px: u32) -> DynamicImage {
    let shade = |value: u32| u8::try_from(value % 256).unwrap();
    let pixels = RgbImage::from_fn(width_px, height_px, |x, y| {
        Rgb([shade(x * 3), shade(y * 5), shade(x * y)])
    });
    DynamicImage::from(pixels)
}

fn encoded(width_px: u32, height_px: u32, format: ImageFormat) -> Bytes {
    Bytes::from(encode(&picture(width_px, height_px), format, 90).unwrap())
}

fn expected(width_px: u32, height_px: u32, format: ImageFormat) -> Expected {
    Expected {
        format,
        width_px,
        height_px,
    }
}

/// Inspects against 64 by 48 pixels.
fn inspected(bytes: &[u8], format: ImageFormat) -> Result<(), ArtifactError> {
    let bytes = Bytes::copy_from_slice(bytes);
    inspect(&bytes, &expected(64, 48, format), &Limits::default()).map(drop)
}

#[test]
fn each_format_passes_with_its_pixels_and_digest() {
    for format in FORMATS {
        let bytes = encoded(64, 48, format);
        let artifact = inspect(&bytes, &expected(64, 48, format), &Limits::default()).unwrap();
        assert_eq!(
            (artifact.format, artifact.width_px, artifact.height_px),
            (format, 64, 48)
        );
        assert_eq!(artifact.sha256, sha256_hex(&bytes));
        if format != ImageFormat::Jpeg {
            assert_eq!(artifact.pixels.to_rgb8(), picture(64, 48).to_rgb8());
        }
    }
}

#[test]
fn every_truncation_is_refused() {
    for format in FORMATS {
        let bytes = encoded(64, 48, format);
        for length in 0..bytes.len() {
            let refused = inspected(&bytes[..length], format);
            assert!(refused.is_err(), "{format:?} cut to {length} of {}", bytes.len());
        }
    }
}

#[test]
fn every_failure_is_an_invalid_image() {
    let refused = inspected(&encoded(64, 48, ImageFormat::Png)[..200], ImageFormat::Png).unwrap_err();
    assert!(matches!(refused, ArtifactError::Truncated), "{refused:?}");
    let failure = refused.failure();
    assert_eq!(failure.reason, Reason::ImageInvalid);
    assert_eq!(failure.message, "the image is cut off");
    assert!(!failure.retryable);
}

#[test]
fn declared_formats_are_not_believed() {
    for declared in FORMATS {
        for actual in FORMATS.into_iter().filter(|actual| *actual != declared) {
            let refused = inspected(&encoded(64, 48, actual), declared).unwrap_err();
            assert!(
                matches!(refused, ArtifactError::WrongFormat { .. }),
                "{refused:?}"
            );
        }
    }
}

#[test]
fn what_is_no_image_is_named() {
    for (bytes, named) in [
        (&b"<svg xmlns='http://www.w3.org/2000/svg'/>"[..], "SVG"),
        (b"\n  <!doctype html><html></html>", "HTML"),
        (b"{\"error\": {}}", "JSON"),
        (b"GIF89a\x01\0\x01\0", "GIF"),
        (b"\0\0\0\x1cftypavif", "AVIF"),
        (b"%PDF-1.7", "PDF"),
        (b"RIFF\x10\0\0\0WAVEfmt ", "no known format"),
        (b"plain words", "no known format"),
        (b"\x89PNG", "PNG"),
    ] {
        let refused = inspected(bytes, ImageFormat::Png).unwrap_err();
        assert!(matches!(refused, ArtifactError::NotAnImage { .. }), "{refused:?}");
        assert!(refused.to_string().contains(named), "{refused}");
    }
    assert!(matches!(
        inspected(b"", ImageFormat::Png),
        Err(ArtifactError::Empty)
    ));
}

#[test]
fn nothing_may_stand_behind_the_image() {
    for format in FORMATS {
        let mut bytes = encoded(64, 48, format).to_vec();
        bytes.extend_from_slice(&[0, 0, 0]);
        inspected(&bytes, format).unwrap();
        bytes.extend_from_slice(b"<script>alert(1)</script>");
        let refused = inspected(&bytes, format).unwrap_err();
        assert!(
            matches!(refused, ArtifactError::TrailingBytes { .. }),
            "{refused:?}"
        );
    }
}

#[test]
fn another_size_is_refused() {
    for format in FORMATS {
        for (width_px, height_px) in [(48, 64), (64, 47), (1, 1)] {
            let refused = inspected(&encoded(width_px, height_px, format), format).unwrap_err();
            assert!(matches!(refused, ArtifactError::WrongSize { .. }), "{refused:?}");
        }
    }
}

/// A chunk of a PNG, with its checksum.
fn png_chunk(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let mut checked = name.to_vec();
    checked.extend_from_slice(content);
    let mut crc = u32::MAX;
    for byte in &checked {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 {
                (crc >> 1) ^ 0xedb8_8320
            } else {
                crc >> 1
            };
        }
    }
    let mut chunk = u32::try_from(content.len()).unwrap().to_be_bytes().to_vec();
    chunk.extend_from_slice(&checked);
    chunk.extend_from_slice(&(!crc).to_be_bytes());
    chunk
}

/// A PNG that claims a size, over image content of the caller.
fn png_claiming(width_px: u32, height_px: u32, content: &[Vec<u8>]) -> Vec<u8> {
    let mut header = width_px.to_be_bytes().to_vec();
    header.extend_from_slice(&height_px.to_be_bytes());
    header.extend_from_slice(&[8, 2, 0, 0, 0]);
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    bytes.extend_from_slice(&png_chunk(b"IHDR", &header));
    content.iter().for_each(|chunk| bytes.extend_from_slice(chunk));
    bytes.extend_from_slice(&png_chunk(b"IEND", b""));
    bytes
}

#[test]
fn a_bomb_is_refused_by_its_header() {
    let image_data = [png_chunk(b"IDAT", &[0x78, 0x9c, 3, 0, 0, 0, 0, 1])];
    for edge_px in [20_000, 100_000, i32::MAX as u32] {
        let bomb = png_claiming(edge_px, edge_px, &image_data);
        let refused = inspected(&bomb, ImageFormat::Png).unwrap_err();
        assert!(matches!(refused, ArtifactError::WrongSize { .. }), "{refused:?}");

        // Even when the plan asked for it.
        let planned = expected(edge_px, edge_px, ImageFormat::Png);
        let refused = inspect(&Bytes::from(bomb), &planned, &Limits::default()).unwrap_err();
        assert!(
            matches!(refused, ArtifactError::TooManyPixels { .. }),
            "{refused:?}"
        );
    }
}

#[test]
fn decoding_stays_within_its_memory() {
    let limits = Limits {
        max_decoded_bytes: 1000,
        ..Limits::default()
    };
    for format in FORMATS {
        let refused = inspect(&encoded(64, 48, format), &expected(64, 48, format), &limits).unwrap_err();
        assert!(
            matches!(refused, ArtifactError::Undecodable(_)),
            "{format:?}: {refused:?}"
        );
    }
    let limits = Limits {
        max_encoded_bytes: 100,
        ..Limits::default()
    };
    let planned = expected(64, 48, ImageFormat::Png);
    let refused = inspect(&encoded(64, 48, ImageFormat::Png), &planned, &limits).unwrap_err();
    assert!(matches!(refused, ArtifactError::TooLarge { .. }), "{refused:?}");
}

#[test]
fn image_content_that_does_not_fit_its_header_is_refused() {
    for content in [vec![], vec![png_chunk(b"IDAT", &[0x78, 0x9c, 3, 0, 0, 0, 0, 1])]] {
        let refused = inspected(&png_claiming(64, 48, &content), ImageFormat::Png);
        assert!(refused.is_err());
    }
}

#[test]
fn animations_are_refused() {
    let animated = png_claiming(64, 48, &[png_chunk(b"acTL", &[0, 0, 0, 2, 0, 0, 0, 0])]);
    let refused = inspected(&animated, ImageFormat::Png).unwrap_err();
    assert!(matches!(refused, ArtifactError::Animated), "{refused:?}");

    let mut webp = encoded(64, 48, ImageFormat::Webp).to_vec();
    webp.extend_from_slice(b"ANIM\x06\0\0\0\0\0\0\0\0\0");
    let riff_length = u32::try_from(webp.len() - 8).unwrap().to_le_bytes();
    webp[4..8].copy_from_slice(&riff_length);
    let refused = inspected(&webp, ImageFormat::Webp).unwrap_err();
    assert!(matches!(refused, ArtifactError::Animated), "{refused:?}");
}

#[test]
fn a_jpeg_that_lies_about_its_size_is_refused() {
    let mut bytes = encoded(64, 48, ImageFormat::Jpeg).to_vec();
    let frame = bytes.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
    // Marker, length and precision, then height and width.
    bytes[frame + 5..frame + 9].copy_from_slice(&[0xff, 0xff, 0xff, 0xff]);
    let refused = inspected(&bytes, ImageFormat::Jpeg).unwrap_err();
    assert!(
        matches!(refused, ArtifactError::WrongSize { width_px: 65535, .. }),
        "{refused:?}"
    );
}

#[test]
fn damage_anywhere_neither_panics_nor_changes_the_size() {
    for format in FORMATS {
        let sound = encoded(64, 48, format);
        for position in 0..sound.len() {
            let mut damaged = sound.to_vec();
            damaged[position] ^= 0x55;
            let planned = expected(64, 48, format);
            if let Ok(artifact) = inspect(&Bytes::from(damaged), &planned, &Limits::default()) {
                assert_eq!(artifact.pixels.dimensions(), (64, 48));
            }
        }
    }
}

fn small(width_px: u32, height_px: u32, cover: bool, format: ImageFormat) -> Thumbnail {
    Thumbnail {
        width_px,
        height_px,
        cover,
        quality_percent: 85,
        format,
    }
}

#[test]
fn thumbnails_cover_or_fit_their_box() {
    for (source, boxed, cover, size) in [
        ((400, 200), (100, 100), true, (100, 100)),
        ((400, 200), (100, 100), false, (100, 50)),
        ((200, 400), (100, 100), false, (50, 100)),
        ((4000, 3), (100, 100), false, (100, 1)),
        ((50, 40), (100, 100), false, (50, 40)),
        ((50, 40), (100, 100), true, (100, 100)),
        ((333, 777), (64, 99), false, (42, 99)),
    ] {
        for format in [ImageFormat::Jpeg, ImageFormat::Png] {
            let wanted = small(boxed.0, boxed.1, cover, format);
            let bytes = Bytes::from(thumbnail(&picture(source.0, source.1), &wanted).unwrap());
            inspect(&bytes, &expected(size.0, size.1, format), &Limits::default()).unwrap();
            assert_eq!(thumbnail_size(source.0, source.1, &wanted), size);
        }
    }
    thumbnail(&picture(8, 8), &small(0, 8, true, ImageFormat::Png)).unwrap_err();
}

#[test]
fn a_covering_thumbnail_shows_the_middle() {
    // Red, green and blue thirds: only the green one fits a square box.
    let thirds = RgbImage::from_fn(300, 100, |x, _| match x / 100 {
        0 => Rgb([255, 0, 0]),
        1 => Rgb([0, 255, 0]),
        _ => Rgb([0, 0, 255]),
    });
    let bytes = thumbnail(&thirds.into(), &small(20, 20, true, ImageFormat::Png)).unwrap();
    let decoded = image::load_from_memory(&bytes).unwrap().to_rgb8();
    // The filter mixes a little of the neighbours into the outermost columns.
    let middle: Vec<_> = decoded
        .enumerate_pixels()
        .filter(|(x, _, _)| (3..17).contains(x))
        .collect();
    assert!(middle.iter().all(|(_, _, pixel)| **pixel == Rgb([0, 255, 0])));
}

#[test]
fn a_jpeg_shows_what_is_transparent_as_white() {
    let clear = RgbaImage::from_pixel(32, 32, Rgba([0, 0, 0, 0]));
    let bytes = thumbnail(&clear.clone().into(), &small(16, 16, true, ImageFormat::Jpeg)).unwrap();
    let decoded = image::load_from_memory(&bytes).unwrap().to_rgb8();
    assert!(
        decoded
            .pixels()
            .all(|pixel| pixel.0.iter().all(|channel| *channel > 250))
    );

    let bytes = thumbnail(&clear.into(), &small(16, 16, true, ImageFormat::Png)).unwrap();
    assert_eq!(
        image::load_from_memory(&bytes)
            .unwrap()
            .to_rgba8()
            .get_pixel(3, 3)
            .0[3],
        0
    );
}
