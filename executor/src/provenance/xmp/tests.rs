use bytes::Bytes;
use image::{DynamicImage, RgbImage, RgbaImage};

use super::embed;
use crate::{
    artifact::{Limits, encode, inspect_any},
    clock::UnixMicros,
    plan::ImageFormat,
    provenance::{Facts, SourceType},
};

const FORMATS: [ImageFormat; 3] = [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Webp];

fn facts() -> Facts {
    Facts {
        source_type: SourceType::TrainedAlgorithmicMedia,
        provider: "easel".to_owned(),
        model: "easel<1>&\"2\"".to_owned(),
        model_version: "2026-01\u{0}".to_owned(),
        plan_digest: "sha256:00".to_owned(),
        execution: "clients/acme/executions/1".to_owned(),
        image: "clients/acme/images/1".to_owned(),
        rendered_sha256: "00".to_owned(),
        generated_at: UnixMicros(1_800_000_000_000_000),
        prompt: "a secret fox".to_owned(),
    }
}

fn picture(has_alpha: bool) -> DynamicImage {
    let shade = |value: u32| u8::try_from(value % 256).unwrap();
    if has_alpha {
        RgbaImage::from_fn(37, 23, |x, y| {
            image::Rgba([shade(x * 7), shade(y * 11), shade(x * y), shade(x * 6)])
        })
        .into()
    } else {
        RgbImage::from_fn(37, 23, |x, y| {
            image::Rgb([shade(x * 7), shade(y * 11), shade(x * y)])
        })
        .into()
    }
}

fn count(bytes: &[u8], text: &str) -> usize {
    bytes
        .windows(text.len())
        .filter(|window| *window == text.as_bytes())
        .count()
}

#[test]
fn a_packet_is_added_and_no_pixel_changes() {
    for format in FORMATS {
        for has_alpha in [false, true] {
            let plain = Bytes::from(encode(&picture(has_alpha), format, 90).unwrap());
            let embedded = embed(&plain, format, &facts(), false).unwrap();
            assert_eq!(
                count(&embedded, "digitalsourcetype/trainedAlgorithmicMedia\""),
                1,
                "{format:?}"
            );
            assert_eq!(
                count(&embedded, "easel&lt;1&gt;&amp;&quot;2&quot;"),
                1,
                "{format:?}"
            );
            assert_eq!(count(&embedded, "secret fox"), 0, "{format:?}");
            // Checked as strictly as what comes from a provider.
            let [before, after] =
                [&plain, &embedded].map(|bytes| inspect_any(bytes, &Limits::default()).unwrap());
            assert_eq!(before.pixels, after.pixels, "{format:?}");
        }
    }
}

#[test]
fn a_prompt_is_embedded_only_where_that_is_wanted() {
    for format in FORMATS {
        let plain = encode(&picture(false), format, 90).unwrap();
        let embedded = embed(&plain, format, &facts(), true).unwrap();
        assert_eq!(
            count(&embedded, "AIPromptInformation=\"a secret fox\""),
            1,
            "{format:?}"
        );
    }
}

#[test]
fn a_packet_that_is_there_stays_and_says_more() {
    for format in FORMATS {
        let plain = encode(&picture(false), format, 90).unwrap();
        let theirs = embed(&plain, format, &facts(), false).unwrap();
        // As somebody writes it who does not know of digital source types.
        let place = theirs
            .windows(17)
            .position(|window| window == b"DigitalSourceType")
            .unwrap();
        let mut theirs = theirs.to_vec();
        theirs[place..place + 17].copy_from_slice(b"SomethingTheySaid");
        let theirs = mended(theirs, format);
        let ours = embed(&theirs, format, &facts(), false).unwrap();
        assert_eq!(count(&ours, "SomethingTheySaid"), 1, "{format:?}");
        assert_eq!(count(&ours, "DigitalSourceType"), 1, "{format:?}");
        assert_eq!(count(&ours, "<rdf:RDF"), 1, "{format:?}");
        inspect_any(&ours, &Limits::default()).unwrap();
        // Now it is said, and nothing is said twice.
        assert_eq!(embed(&ours, format, &facts(), false), None, "{format:?}");
    }
}

/// A PNG whose chunk was changed needs a new checksum.
fn mended(mut bytes: Vec<u8>, format: ImageFormat) -> Vec<u8> {
    if format == ImageFormat::Png {
        let name = bytes.windows(4).position(|window| window == b"iTXt").unwrap();
        let length = u32::from_be_bytes(bytes[name - 4..name].try_into().unwrap()) as usize;
        let end = name + 4 + length;
        let checksum = crc32fast::hash(&bytes[name..end]).to_be_bytes();
        bytes[end..end + 4].copy_from_slice(&checksum);
    }
    bytes
}

#[test]
fn what_does_not_fit_into_a_segment_is_left_out() {
    let plain = encode(&picture(false), ImageFormat::Jpeg, 90).unwrap();
    let long = Facts {
        prompt: "fox ".repeat(20_000),
        ..facts()
    };
    assert_eq!(embed(&plain, ImageFormat::Jpeg, &long, true), None);
    assert!(embed(&plain, ImageFormat::Jpeg, &long, false).is_some());
}

#[test]
fn broken_containers_are_left_alone() {
    for format in FORMATS {
        let plain = encode(&picture(false), format, 90).unwrap();
        for length in 0..plain.len().min(60) {
            // Whatever comes out, nothing panics; and nothing is made of half a header.
            let embedded = embed(&plain[..length], format, &facts(), false);
            assert!(embedded.is_none() || length > 30, "{format:?} {length}");
        }
    }
}
