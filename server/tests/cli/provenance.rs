//! Pictures that say where they come from, and pictures that come back.

use std::{fs, io::Cursor};

use image::{ImageFormat, ImageReader, imageops::FilterType};
use serde_json::Value;

use crate::limn::Limn;

const PROMPT: &str = "a red fox under a full moon in the snow";

/// Draws a picture and copies it out; returns its file name and its record.
#[expect(clippy::unwrap_used, reason = "a story stops where its tools fail")]
fn draw(limn: &Limn, format: &str) -> (String, Value) {
    let drawn = limn.json(&[
        "render", PROMPT, "--format", format, "--size", "512x512", "--out", format,
    ]);
    let image = drawn["images"][0].clone();
    let file = fs::read_dir(limn.path(format))
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    (file.display().to_string(), image)
}

#[test]
fn what_is_drawn_can_be_verified_here_and_elsewhere() {
    let (limn, elsewhere) = (Limn::new(), Limn::new());
    for format in ["png", "jpeg", "webp"] {
        let (file, image) = draw(&limn, format);
        let verdict = &limn.json(&["verify", &file])[0];
        assert_eq!(verdict["signature"], "trusted", "{verdict}");
        assert_eq!(verdict["record"], "agrees", "{verdict}");
        assert_eq!(verdict["developmentCertificate"], true);
        let claim = &verdict["claim"];
        assert_eq!(
            claim["digitalSourceType"], "algorithmicMedia",
            "no model draws sketches"
        );
        assert_eq!(claim["provider"], "sketch");
        for (said, recorded) in [
            ("planDigest", "planDigest"),
            ("execution", "execution"),
            ("image", "name"),
        ] {
            assert_eq!(claim[said], image[recorded], "{said}");
        }
        assert_eq!(claim["renderedSha256"], image["renderedSha256"]);
        assert_ne!(image["renderedSha256"], image["storedSha256"]);
        assert_eq!(claim.get("prompt"), None);

        let told = elsewhere.fails(3, &["verify", &file]);
        assert!(told.stdout.contains("nobody here trusts who signed"), "{told:?}");
        assert!(
            told.stdout
                .contains("development certificate of another installation"),
            "{told:?}"
        );
        assert!(!elsewhere.path("data").exists(), "reading leaves nothing behind");

        let mut changed = fs::read(&file).unwrap();
        let middle = changed.len() / 3;
        changed[middle] ^= 1;
        let changed = limn
            .write(&format!("changed.{format}"), changed)
            .display()
            .to_string();
        let told = limn.run(&["verify", &changed]);
        assert!(matches!(told.code, 2 | 3), "{told:?}");
    }
    let doctor = limn.ok(&["doctor"]);
    assert!(
        doctor
            .stdout
            .contains("a development certificate: not trusted by others"),
        "{doctor:?}"
    );
}

#[test]
fn a_picture_that_comes_back_is_known() {
    let limn = Limn::new();
    let (file, image) = draw(&limn, "png");
    let name = image["name"].as_str().unwrap();
    let detect = |file: &str| {
        let answer = limn.json(&["detect", file]);
        let matches = answer[0]["matches"].as_array().unwrap().clone();
        assert_eq!(matches.len(), 1, "{answer}");
        assert_eq!(matches[0]["image"]["name"], name, "{answer}");
        let word = |key: &str| matches[0][key].as_str().unwrap().to_owned();
        (word("evidence"), word("confidence"))
    };
    let both = |evidence: &str, confidence: &str| {
        (
            format!("DETECTION_EVIDENCE_{evidence}"),
            format!("DETECTION_CONFIDENCE_{confidence}"),
        )
    };
    assert_eq!(detect(&file), both("EXACT", "CERTAIN"));

    // As a website would serve it: half the size, JPEG at quality 60, no metadata.
    let picture = ImageReader::open(&file).unwrap().decode().unwrap();
    let half = picture.resize_exact(256, 256, FilterType::Lanczos3).to_rgb8();
    let mut served = Vec::new();
    let mut encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(Cursor::new(&mut served), 60);
    encoder.encode_image(&half).unwrap();
    let served = limn.write("served.jpg", served).display().to_string();
    assert_eq!(detect(&served), both("FINGERPRINT", "LIKELY"));

    // Another picture of the same words, and another client.
    let other = limn.json(&[
        "render",
        "a harbour with three sailing boats at noon",
        "--size",
        "512x512",
        "--out",
        "other",
    ]);
    assert_ne!(other["images"][0]["name"], name);
    assert_eq!(detect(&served), both("FINGERPRINT", "LIKELY"));
    let told = limn.fails(4, &["detect", &served, "--client", "other"]);
    assert!(told.stdout.contains("not known here"), "{told:?}");

    // Something that nobody drew here.
    let mut noise = 1_u32;
    let foreign = image::RgbImage::from_fn(256, 256, |x, y| {
        noise =
            noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223) ^ (x / 32 * 77 + y / 32 * 1_234_567);
        let [_, blue, green, red] = noise.to_le_bytes();
        image::Rgb([red, green, blue])
    });
    let mut bytes = Cursor::new(Vec::new());
    foreign.write_to(&mut bytes, ImageFormat::Png).unwrap();
    let foreign = limn
        .write("foreign.png", bytes.into_inner())
        .display()
        .to_string();
    limn.fails(4, &["detect", &foreign]);
    let text = limn.write("text.png", "no picture").display().to_string();
    limn.fails(2, &["detect", &text]);
    limn.fails(2, &["verify", &text]);
}

#[test]
fn who_signs_is_checked_before_anything_is_drawn() {
    let limn = Limn::new();
    limn.write("chain.pem", "no certificate");
    let key = ["--set", "provenance.key=key.pem"];
    let alone = limn.fails(2, &[&["render", PROMPT][..], &key].concat());
    assert!(alone.stderr.contains("provenance.certificate"), "{alone:?}");
    let both = [
        "--set",
        "provenance.certificate=chain.pem",
        "--set",
        "provenance.key=chain.pem",
    ];
    let wrong = limn.run(&[&["render", PROMPT][..], &both].concat());
    assert_ne!(wrong.code, 0);
    assert!(
        wrong.stderr.contains("chain.pem holds no certificate in PEM"),
        "{wrong:?}"
    );
    let off = limn.json(&["render", PROMPT, "--set", "provenance.enabled=false"]);
    assert_eq!(
        off["images"][0]["renderedSha256"],
        off["images"][0]["storedSha256"]
    );
}
