//! Any bytes: they are refused, or they are a picture of the size that their header tells, with a score and copies.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use limn_executor::{
    artifact::{Limits, inspect_any, thumbhash},
    fingerprint::Fingerprint,
    quality::{MAX_BP, Quality},
};

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits {
        max_pixels: 1 << 18,
        max_decoded_bytes: 8 << 20,
        ..Limits::default()
    };
    if let Ok(artifact) = inspect_any(&Bytes::copy_from_slice(bytes), &limits) {
        assert_eq!(artifact.width_px, artifact.pixels.width());
        assert_eq!(artifact.height_px, artifact.pixels.height());
        assert!(Quality::of_pixels(&artifact.pixels, artifact.format).score_bp <= MAX_BP);
        let _ = (thumbhash(&artifact.pixels), Fingerprint::of(&artifact.pixels));
    }
});
