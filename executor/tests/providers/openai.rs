//! OpenAI images.

use bytes::Bytes;
use limn_executor::{plan::Render, provider::Reference, providers::RefusalBilling};
use serde_json::json;

use crate::bench::{self, Bench, VARIANT, Variant};

const IMAGES: Variant = Variant {
    name: "gpt-image",
    fake: "openai",
    refusals: RefusalBilling::Unknown,
    render,
    settings: || json!({"organization": "org-1", "project": "proj-1"}),
    ..VARIANT
};

pub(crate) const BENCH: Bench = Bench {
    kind: "openai",
    variants: &[
        IMAGES,
        Variant {
            name: "gpt-image-references",
            render: edited,
            references,
            ..IMAGES
        },
        Variant {
            name: "gpt-image-streamed",
            render: streamed,
            ..IMAGES
        },
        Variant {
            name: "gpt-image-references-streamed",
            render: || with_option(edited(), "partial_images", "1"),
            references,
            ..IMAGES
        },
    ],
};

fn render() -> Render {
    with_option(edited(), "moderation", "low")
}

/// With everything that edits take too.
fn edited() -> Render {
    Render {
        model: "gpt-image-2".to_owned(),
        quality_token: "high".to_owned(),
        options: vec![("background".to_owned(), "opaque".to_owned())],
        ..bench::render()
    }
}

fn streamed() -> Render {
    with_option(render(), "partial_images", "2")
}

fn with_option(mut render: Render, name: &str, value: &str) -> Render {
    render.options.push((name.to_owned(), value.to_owned()));
    render
}

fn references() -> Vec<Reference> {
    let reference = |media_type: &str, bytes: &'static [u8]| Reference {
        media_type: media_type.to_owned(),
        bytes: Bytes::from_static(bytes),
    };
    vec![
        reference("image/png", b"the first picture"),
        reference("image/jpeg", b"the second"),
        reference("image/webp", b"and the third one"),
    ]
}
