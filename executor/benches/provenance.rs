//! What signing costs: `cargo bench -p limn-executor --bench provenance`.
//!
//! Prints the processor time of one thread for each picture of 1024x1024 pixels: embedding the metadata, hashing and signing.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench prints, and stops where it fails"
)]

#[cfg(feature = "provenance")]
#[path = "imaging/processor.rs"]
mod processor;

#[cfg(feature = "provenance")]
fn main() {
    use std::hint::black_box;

    use bytes::Bytes;
    use image::{DynamicImage, RgbImage};
    use limn_executor::{
        artifact::encode,
        clock::UnixMicros,
        fingerprint::Fingerprint,
        plan::ImageFormat,
        provenance::{Facts, Identity, Marker as _, Signer, SourceType},
    };

    const ROUNDS: u32 = 50;
    let folder = tempfile::tempdir().unwrap();
    let (identity, _) = Identity::development(&folder.path().join("development.pem")).unwrap();
    let signer = Signer::new(&identity, None, false).unwrap();
    let mut noise = 1_u32;
    let pixels = DynamicImage::from(RgbImage::from_fn(1024, 1024, |x, y| {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let [_, _, _, grain] = noise.to_le_bytes();
        let [shade, ..] = (x / 5 + y / 3).to_le_bytes();
        image::Rgb([shade.wrapping_add(grain / 16), grain / 4, shade])
    }));
    let facts = Facts {
        source_type: SourceType::TrainedAlgorithmicMedia,
        provider: "easel".to_owned(),
        model: "easel-2".to_owned(),
        model_version: String::new(),
        plan_digest: format!("sha256:{}", "0".repeat(64)),
        execution: "clients/acme/executions/0192f0c1-0000-7000-8000-000000000001".to_owned(),
        image: "clients/acme/images/0192f0c1-0000-5000-8000-000000000002".to_owned(),
        rendered_sha256: "0".repeat(64),
        generated_at: UnixMicros(1_790_000_000_000_000),
        prompt: String::new(),
    };
    for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Webp] {
        let picture = Bytes::from(encode(&pixels, format, 90).unwrap());
        let begun = processor::time();
        let mut added = 0;
        for _ in 0..ROUNDS {
            added = black_box(signer.mark(&picture, format, &facts).unwrap()).len() - picture.len();
        }
        let each = (processor::time() - begun) / ROUNDS;
        let size = picture.len();
        println!("sign {format:?}: {each:?} for {size} bytes, {added} bytes added");
    }
    let begun = processor::time();
    for _ in 0..ROUNDS {
        black_box(Fingerprint::of(&pixels));
    }
    println!(
        "fingerprint: {:?} for 1024x1024 pixels",
        (processor::time() - begun) / ROUNDS
    );
}

#[cfg(not(feature = "provenance"))]
fn main() {
    println!("this build has no content credentials");
}
