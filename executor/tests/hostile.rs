//! Pictures that were made to do harm: refused, in bounded memory and without taking long.
//!
//! Each is inspected in a process of its own, which reports the greatest memory that it ever had. Mutations of sound files
//! are inspected as well: the same run of the fuzz target that needs no nightly compiler.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::{fs, path::Path, process::Command};

use bytes::Bytes;
use image::{DynamicImage, Rgb, RgbImage};
use limn_executor::{
    artifact::{Expected, Limits, encode, inspect, inspect_any},
    plan::ImageFormat,
};
use proptest::prelude::*;

const FORMATS: [ImageFormat; 3] = [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Webp];

/// Memory that a process of a test may have before it inspects anything, and what inspecting may add without decoding.
const MAX_RESIDENT_KIB: u64 = 64 << 10;

/// Names the file for the child process.
const VICTIM: &str = "LIMN_TEST_HOSTILE_FILE";

fn sound(format: ImageFormat) -> Vec<u8> {
    let shade = |value: u32| u8::try_from(value % 256).unwrap();
    let pixels = RgbImage::from_fn(48, 40, |x, y| Rgb([shade(x * 5), shade(y * 6), shade(x * y)]));
    encode(&DynamicImage::from(pixels), format, 90).unwrap()
}

/// CRC-32 as PNG has it.
fn crc32(bytes: &[u8]) -> u32 {
    let rounds = |crc: u32| {
        (0..8).fold(crc, |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg())
        })
    };
    !bytes
        .iter()
        .fold(u32::MAX, |crc, byte| rounds(crc ^ u32::from(*byte)))
}

fn chunk(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let mut chunk = u32::try_from(content.len()).unwrap().to_be_bytes().to_vec();
    chunk.extend_from_slice(name);
    chunk.extend_from_slice(content);
    let checked = crc32(&chunk[4..]);
    chunk.extend_from_slice(&checked.to_be_bytes());
    chunk
}

/// A flat PNG of any size in very few bytes: a gibibyte of zeros is a megabyte, and a row filter makes them rows.
fn flat_png(edge_px: u32) -> Vec<u8> {
    let mut header = edge_px.to_be_bytes().to_vec();
    header.extend_from_slice(&edge_px.to_be_bytes());
    header.extend_from_slice(&[1, 0, 0, 0, 0]);
    let pixels = image::GrayImage::new(edge_px / 8, edge_px);
    let mut rows = std::io::Cursor::new(Vec::new());
    // Deflated by a real encoder: the rows of an eight times narrower picture of eight bits are those of one bit.
    image::codecs::png::PngEncoder::new_with_quality(
        &mut rows,
        image::codecs::png::CompressionType::Fast,
        image::codecs::png::FilterType::NoFilter,
    )
    .encode_all(&pixels);
    let encoded = rows.into_inner();
    let data = encoded.windows(4).position(|name| name == b"IDAT").unwrap();
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    bytes.extend_from_slice(&chunk(b"IHDR", &header));
    bytes.extend_from_slice(&encoded[data - 4..]);
    bytes
}

/// Writes a grey picture.
trait EncodeAll {
    fn encode_all(self, pixels: &image::GrayImage);
}

impl<W: std::io::Write> EncodeAll for image::codecs::png::PngEncoder<W> {
    fn encode_all(self, pixels: &image::GrayImage) {
        use image::ImageEncoder as _;
        let (width, height) = pixels.dimensions();
        self.write_image(pixels, width, height, image::ExtendedColorType::L8)
            .unwrap();
    }
}

/// A JPEG whose header tells another size than it has.
fn lying_jpeg(edge_px: u16) -> Vec<u8> {
    let mut bytes = sound(ImageFormat::Jpeg);
    let frame = bytes.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
    let [high, low] = edge_px.to_be_bytes();
    bytes[frame + 5..frame + 9].copy_from_slice(&[high, low, high, low]);
    bytes
}

/// A lossless WebP whose header tells the largest size.
fn lying_webp() -> Vec<u8> {
    let mut bytes = sound(ImageFormat::Webp);
    let start = bytes.windows(4).position(|name| name == b"VP8L").unwrap() + 9;
    bytes[start..start + 4].copy_from_slice(&[0xff, 0xff, 0xff, 0x0f]);
    bytes
}

fn gif() -> Vec<u8> {
    let mut bytes = b"GIF89a\x02\0\x02\0\x80\0\0\0\0\0\xff\xff\xff".to_vec();
    for _ in 0..2 {
        bytes.extend_from_slice(b"!\xf9\x04\0\n\0\0\0,\0\0\0\0\x02\0\x02\0\0\x02\x03\x44\x02\x05\0");
    }
    bytes.push(b';');
    bytes
}

fn with_script(format: ImageFormat) -> Vec<u8> {
    let mut bytes = sound(format);
    bytes.extend_from_slice(b"<script>fetch('//attacker.example')</script>");
    bytes
}

fn zip_behind_png() -> Vec<u8> {
    let mut bytes = sound(ImageFormat::Png);
    bytes.extend_from_slice(b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
    bytes
}

fn animated_png() -> Vec<u8> {
    let mut bytes = sound(ImageFormat::Png);
    // Behind the header, which takes 33 bytes with the signature.
    bytes.splice(33..33, chunk(b"acTL", &[0, 0, 0, 2, 0, 0, 0, 0]));
    bytes
}

fn animated_webp() -> Vec<u8> {
    let mut bytes = sound(ImageFormat::Webp);
    bytes.extend_from_slice(b"ANMF\x02\0\0\0\0\0");
    let length = u32::try_from(bytes.len() - 8).unwrap().to_le_bytes();
    bytes[4..8].copy_from_slice(&length);
    bytes
}

/// Each with the words of its refusal.
fn hostile() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    vec![
        (
            "a flat PNG of 20,000 by 20,000",
            flat_png(20_000),
            "400000000 pixels are more than the limit",
        ),
        (
            "a JPEG that tells 65,535 by 65,535",
            lying_jpeg(65_535),
            "pixels are more than the limit",
        ),
        (
            "a WebP that tells 16,384 by 16,384",
            lying_webp(),
            "Inconsistent image sizes",
        ),
        (
            "a PNG with a script",
            with_script(ImageFormat::Png),
            "stand behind the end",
        ),
        (
            "a JPEG with a script",
            with_script(ImageFormat::Jpeg),
            "stand behind the end",
        ),
        (
            "a WebP with a script",
            with_script(ImageFormat::Webp),
            "stand behind the end",
        ),
        ("a PNG that is a ZIP", zip_behind_png(), "stand behind the end"),
        (
            "an SVG",
            b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>".to_vec(),
            "SVG",
        ),
        (
            "an SVG behind a declaration",
            b"<?xml version='1.0'?><!DOCTYPE svg><svg/>".to_vec(),
            "SVG",
        ),
        (
            "a page",
            b"\n\t<!doctype html><script>alert(1)</script>".to_vec(),
            "HTML",
        ),
        ("an animated GIF", gif(), "a GIF"),
        ("an animated PNG", animated_png(), "animation"),
        ("an animated WebP", animated_webp(), "animation"),
    ]
}

#[test]
fn what_is_hostile_is_refused_in_little_memory() {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes, words) in hostile() {
        assert!(bytes.len() < 1 << 20, "{name} has {} bytes", bytes.len());
        let file = folder.path().join("victim");
        fs::write(&file, &bytes).unwrap();
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "inspects_what_it_is_given", "--nocapture"])
            .env(VICTIM, &file)
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&child.stdout).into_owned();
        let line = told.lines().find_map(|line| line.strip_prefix("inspected: "));
        let (resident_kib, refusal) = line.unwrap().split_once(' ').unwrap();
        assert!(refusal.contains(words), "{name}: {refusal}");
        let resident_kib: u64 = resident_kib.parse().unwrap();
        assert!(resident_kib < MAX_RESIDENT_KIB, "{name} took {resident_kib} KiB");
    }
}

/// The child of the test above; alone it has nothing to do.
#[test]
#[expect(clippy::disallowed_methods, reason = "how the test above names the file")]
fn inspects_what_it_is_given() {
    let Some(file) = std::env::var_os(VICTIM) else {
        return;
    };
    let bytes = Bytes::from(fs::read(Path::new(&file)).unwrap());
    let refusal = inspect_any(&bytes, &Limits::default()).unwrap_err().to_string();
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let resident = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    println!(
        "\ninspected: {} {refusal}",
        resident.split_whitespace().nth(1).unwrap()
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is done to a sound file: it is refused, or it is a picture of the size that its header tells.
    #[test]
    fn mutated_files_are_refused_or_have_the_size_that_they_tell(
        format in prop::sample::select(&FORMATS[..]),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0_u8..4), 1..12),
    ) {
        let mut bytes = sound(format);
        for (place, value, edit) in edits {
            let at = place.index(bytes.len());
            match edit {
                0 => bytes[at] = value,
                1 => bytes[at] ^= 1 << (value % 8),
                2 => bytes.insert(at, value),
                _ => drop(bytes.remove(at)),
            }
        }
        let bytes = Bytes::from(bytes);
        let limits = Limits { max_pixels: 1 << 20, max_decoded_bytes: 8 << 20, ..Limits::default() };
        let planned = Expected { format, width_px: 48, height_px: 40 };
        if let Ok(artifact) = inspect(&bytes, &planned, &limits) {
            prop_assert_eq!((artifact.pixels.width(), artifact.pixels.height()), (48, 40));
        }
        if let Ok(artifact) = inspect_any(&bytes, &limits) {
            prop_assert_eq!((artifact.width_px, artifact.height_px), (artifact.pixels.width(), artifact.pixels.height()));
        }
    }
}
