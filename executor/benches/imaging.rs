//! What one picture costs from its bytes to its copies, in processor time.
//!
//! ```text
//! cargo bench -p limn-executor --bench imaging                  # ours
//! cd executor/benches/imaging && npm ci && npm run bench        # sharp, on the pictures that ours wrote
//! cargo bench -p limn-executor --bench imaging -- memory        # 64 pictures of 2 MB at once, resident memory
//! ```
//!
//! The pictures are written to the folder of the bench's own target, and are the same each time.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench that cannot go on has failed, and its result is what it prints"
)]

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use bytes::Bytes;
use image::DynamicImage;
use limn_executor::{
    artifact::{Limits, Optimised, encode, inspect_any, optimised, thumbhash, thumbnail},
    fingerprint::Fingerprint,
    plan::{ImageFormat, Thumbnail},
    quality::Quality,
};
use limn_proto::digest::sha256_hex;

#[path = "imaging/memory.rs"]
mod memory;
#[path = "../tests/quality/pictures.rs"]
#[expect(dead_code, reason = "the calibration set has more of them")]
mod pictures;
#[path = "imaging/processor.rs"]
mod processor;

/// Each picture is worked on so often; the fastest round counts, because others use the machine, too.
const ROUNDS: u32 = 15;

const THUMBNAIL: Thumbnail = Thumbnail {
    width_px: 300,
    height_px: 300,
    cover: true,
    quality_percent: 70,
    format: ImageFormat::Jpeg,
};

fn main() {
    if std::env::args().any(|argument| argument == "memory") {
        memory::measure();
        return;
    }
    println!("| picture | decode + thumbnail ms | full job ms |");
    println!("|---|---|---|");
    for path in pictures_on_disk() {
        let bytes = Bytes::from(fs::read(&path).unwrap());
        let small = fastest(|| {
            let artifact = inspect_any(&bytes, &Limits::default()).unwrap();
            drop(thumbnail(&artifact.pixels, &THUMBNAIL).unwrap());
        });
        let full = fastest(|| full_job(&bytes));
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let milliseconds = |time: Duration| time.as_secs_f64() * 1000.0;
        println!(
            "| {name} | {:.1} | {:.1} |",
            milliseconds(small),
            milliseconds(full)
        );
    }
}

/// Everything that is done with an answer: checked, decoded, copied, scored and hashed.
fn full_job(bytes: &Bytes) {
    let artifact = inspect_any(bytes, &Limits::default()).unwrap();
    drop(thumbnail(&artifact.pixels, &THUMBNAIL).unwrap());
    drop(optimised(&artifact.pixels, Optimised::Webp).unwrap());
    drop(thumbhash(&artifact.pixels).unwrap());
    let quality = Quality::of_pixels(&artifact.pixels, artifact.format);
    assert!(quality.score_bp > 0);
    assert!(!Fingerprint::of(&artifact.pixels).is_flat());
}

/// Processor time of the fastest round.
fn fastest(mut work: impl FnMut()) -> Duration {
    let rounds = (0..ROUNDS).map(|_| {
        let before = processor::time();
        work();
        processor::time().saturating_sub(before)
    });
    rounds.min().unwrap_or_default()
}

/// The pictures, written when they are not there.
fn pictures_on_disk() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("imaging");
    fs::create_dir_all(&folder).unwrap();
    let scenes = [
        ("landscape-1024", pictures::landscape(1024, 1024, 1)),
        ("leaves-1024", pictures::leaves(1024, 1024, 2)),
        ("portrait-1536x1024", pictures::portrait(1536, 1024, 3)),
    ];
    let mut paths = Vec::new();
    for (name, scene) in scenes {
        let pixels = DynamicImage::from(scene);
        for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Webp] {
            let path = folder.join(format!("{name}.{}", format.extension()));
            let bytes = encode(&pixels, format, 92).unwrap();
            if fs::read(&path).map(|there| sha256_hex(&there)).ok() != Some(sha256_hex(&bytes)) {
                fs::write(&path, bytes).unwrap();
            }
            paths.push(path);
        }
    }
    paths
}
