//! What the tests share.

use limn_document::{Binding, Extraction, Filling, Format, Options, Picture, assemble, extract};
use limn_proto::digest::sha256_hex;

/// Slots and problems of a document, with every form.
pub(crate) fn read(document: &str, format: Format) -> Extraction {
    extract(document.as_bytes(), format, &Options::default()).unwrap()
}

/// Prompts of a document without problems.
pub(crate) fn prompts(document: &str, format: Format) -> Vec<String> {
    let found = read(document, format);
    assert_eq!(found.problems, Vec::new(), "{document}");
    found.slots.into_iter().map(|slot| slot.prompt).collect()
}

pub(crate) fn binding(document: &[u8]) -> Binding {
    Binding {
        sha256: sha256_hex(document),
        size_bytes: document.len(),
    }
}

/// A picture for every slot: `image-N.png`, 640 x 480, with the prompt as its text.
pub(crate) fn fillings(document: &[u8], format: Format) -> Vec<Filling> {
    let found = extract(document, format, &Options::default()).unwrap();
    let slots = found.slots.into_iter().zip(1..);
    slots
        .map(|(slot, number)| Filling {
            range: slot.range,
            form: slot.form,
            place: slot.place,
            picture: Picture {
                address: format!("image-{number}.png"),
                alt: slot.prompt,
                caption: slot.caption,
                width_px: 640,
                height_px: 480,
                sources: Vec::new(),
            },
        })
        .collect()
}

/// The document with all its pictures.
pub(crate) fn filled(document: &str, format: Format) -> String {
    let bytes = document.as_bytes();
    let assembled = assemble(bytes, &binding(bytes), &fillings(bytes, format)).unwrap();
    String::from_utf8(assembled).unwrap()
}
