//! Posts as people write them: what is found in each, and what it looks like with its pictures.
//!
//! The files in `tests/posts/` are the posts, those in `tests/goldens/` what comes of them.
//! `LIMN_UPDATE_GOLDENS=1 cargo test -p limn-document` writes the goldens anew.

#![expect(
    clippy::disallowed_methods,
    reason = "goldens are files, and a person switches their update on; the crate itself reads neither"
)]

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use limn_document::{Format, Options, Source, alt_text, assemble, extract};

use crate::support::{binding, fillings};

const POSTS: [(&str, Format); 4] = [
    ("travel.md", Format::Markdown),
    ("tutorial.md", Format::Markdown),
    ("recipe.md", Format::Markdown),
    ("cms.html", Format::Html),
];

fn path(folder: &str, name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests")
        .join(folder)
        .join(name)
}

/// What is found, one slot after the other.
fn listing(document: &[u8], format: Format) -> String {
    let found = extract(document, format, &Options::default()).unwrap();
    let mut text = String::new();
    for slot in &found.slots {
        let bytes = &document[slot.range.clone()];
        writeln!(
            text,
            "line {}, bytes {:?}: {:?}, {:?}, {:?}",
            slot.line, slot.range, slot.form, slot.place, slot.importance
        )
        .unwrap();
        writeln!(text, "  source   {:?}", String::from_utf8_lossy(bytes)).unwrap();
        let alt = if slot.alt.is_empty() {
            alt_text(&slot.prompt)
        } else {
            slot.alt.clone()
        };
        let attributes = &slot.attributes;
        let said = [
            ("prompt", &slot.prompt),
            ("id", &slot.id),
            ("alt", &alt),
            ("caption", &slot.caption),
            ("size", &attributes.size),
            ("style", &attributes.style),
            ("negative", &attributes.negative),
            ("section", &slot.section_title),
            ("before", &slot.before),
            ("after", &slot.after),
        ];
        for (name, value) in said.iter().filter(|(_, value)| !value.is_empty()) {
            writeln!(text, "  {name:<8} {value}").unwrap();
        }
    }
    for problem in &found.problems {
        writeln!(text, "line {}: {}", problem.line, problem.description).unwrap();
    }
    text
}

fn with_pictures(document: &[u8], format: Format, with_copies: bool) -> Vec<u8> {
    let mut fillings = fillings(document, format);
    for filling in fillings.iter_mut().filter(|_| with_copies) {
        filling.picture.sources = vec![Source {
            address: format!("small/{}", filling.picture.address),
            width_px: 320,
        }];
    }
    assemble(document, &binding(document), &fillings).unwrap()
}

#[test]
fn posts_become_what_the_goldens_say() {
    let is_updating = std::env::var_os("LIMN_UPDATE_GOLDENS").is_some_and(|value| value == "1");
    let mut wrong = Vec::new();
    for (name, format) in POSTS {
        let post = fs::read(path("posts", name)).unwrap();
        let (stem, ending) = name.split_once('.').unwrap();
        let goldens = [
            (format!("{stem}.slots.txt"), listing(&post, format).into_bytes()),
            (
                format!("{stem}.out.{ending}"),
                with_pictures(&post, format, false),
            ),
            (
                format!("{stem}.srcset.{ending}"),
                with_pictures(&post, format, true),
            ),
        ];
        for (golden, now) in goldens {
            let file = path("goldens", &golden);
            if is_updating {
                fs::write(&file, &now).unwrap();
            } else if fs::read(&file).unwrap_or_default() != now {
                wrong.push(format!("{golden} is now:\n{}", String::from_utf8_lossy(&now)));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "LIMN_UPDATE_GOLDENS=1 accepts this:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn a_filled_post_has_no_prompt_left_and_is_filled_again_as_it_is() {
    for (name, format) in POSTS {
        let post = fs::read(path("posts", name)).unwrap();
        for with_copies in [false, true] {
            let filled = with_pictures(&post, format, with_copies);
            let again = extract(&filled, format, &Options::default()).unwrap();
            assert_eq!(again.slots, [], "{name}");
        }
    }
}
