//! What holds for every document.

use limn_document::{Format, Options, alt_text, assemble, extract};
use proptest::prelude::*;

use crate::support::{binding, fillings};

/// Pieces that documents are made of: those that mean something to the parsers, and other text.
fn fragment() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "[IMAGE: a red fox]",
        "[IMAGE: x | size=16:9 | alt=y]",
        "![prompt: two](a.png)",
        "<!-- image: three -->",
        "<figure data-image-prompt=\"four\">",
        "</figure>",
        "<figcaption>",
        "</figcaption>",
        "<img data-prompt='five'>",
        "<img alt=\"prompt: six\" />",
        "# ",
        "\n\n",
        "\r\n",
        "\r",
        "\n",
        "> ",
        "- ",
        "1. ",
        "    ",
        "\t",
        "```",
        "~~~",
        "`",
        "|",
        "\n|---|\n",
        "<p>",
        "</p>",
        "<pre>",
        "</pre>",
        "<code>",
        "</code>",
        "<script>",
        "</script>",
        "<div>",
        "</div>",
        "<!--",
        "-->",
        "<",
        ">",
        "&amp;",
        "&",
        "&#91;",
        "[",
        "]",
        "(",
        ")",
        "!",
        "\\",
        "*",
        "_",
        "\"",
        "'",
        "=",
        "---",
        "\u{feff}",
        "\u{0}",
        "🦊",
        "שלום",
        "é",
        " ",
        "[^1]",
        "[^1]: ",
        "<!DOCTYPE html>",
        "<![CDATA[",
        "]]>",
        "<td>",
        "<a href=\"",
        "image:",
        "IMAGE:",
        "<svg/>",
        "<title>",
        "+++\n",
    ]);
    prop_oneof![4 => known.prop_map(str::to_owned), 1 => any::<String>()]
}

fn document() -> impl Strategy<Value = String> {
    prop::collection::vec(fragment(), 0..40).prop_map(|fragments| fragments.concat())
}

fn format() -> impl Strategy<Value = Format> {
    prop_oneof![Just(Format::Markdown), Just(Format::Html)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn ranges_are_in_order_within_the_document_and_begin_and_end_as_markers_do(document in document(), format in format()) {
        let found = extract(document.as_bytes(), format, &Options::default()).unwrap();
        let mut end = 0;
        for slot in &found.slots {
            prop_assert!(end <= slot.range.start && slot.range.start < slot.range.end);
            end = slot.range.end;
            let marker = document.get(slot.range.clone());
            prop_assert!(marker.is_some());
            let marker = marker.unwrap();
            prop_assert!(marker.starts_with(['[', '!', '<']) && marker.ends_with([']', ')', '>']), "{:?}", marker);
            prop_assert_eq!(slot.line, 1 + document[..slot.range.start].matches('\n').count());
            prop_assert!(slot.before.chars().count() <= 300 && slot.after.chars().count() <= 300);
        }
    }

    #[test]
    fn assembly_changes_nothing_but_slots(document in document(), format in format(), kept in any::<u64>()) {
        let bytes = document.as_bytes();
        let mut fillings = fillings(bytes, format);
        let mut number = 0;
        fillings.retain(|_| { number += 1; kept >> (number % 64) & 1 == 0 });
        let assembled = String::from_utf8(assemble(bytes, &binding(bytes), &fillings).unwrap()).unwrap();
        // What is left when the slots are cut out of the one is a subsequence, in whole pieces, of the other.
        let mut at = 0;
        let mut done = 0;
        for filling in &fillings {
            let piece = &document[done..filling.range.start];
            prop_assert!(assembled[at..].starts_with(piece));
            at += piece.len();
            let address = &filling.picture.address;
            let written = assembled[at..].find(address.as_str());
            prop_assert!(written.is_some());
            let next = document[filling.range.end..].to_owned();
            let next_slot = fillings.iter().find(|other| other.range.start >= filling.range.end);
            let between = next_slot.map_or(next.as_str(), |slot| &document[filling.range.end..slot.range.start]);
            let after = at + written.unwrap() + address.len();
            let close = assembled[after..].find([')', '>']);
            prop_assert!(close.is_some());
            // The markup ends somewhere behind its address, and the text goes on from there.
            let rest = &assembled[after..];
            let goes_on = (0..=rest.len()).filter(|cut| rest.is_char_boundary(*cut))
                .find(|cut| rest[*cut..].starts_with(between)
                    && (next_slot.is_none() == (rest[*cut..].len() == between.len()))
                    && rest[..*cut].ends_with([')', '>', '\n']));
            prop_assert!(goes_on.is_some(), "{:?}", rest);
            at = after + goes_on.unwrap();
            done = filling.range.end;
        }
        prop_assert_eq!(&assembled[at..], &document[done..]);
    }

    #[test]
    fn arbitrary_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200), format in format()) {
        let found = extract(&bytes, format, &Options::default());
        prop_assert_eq!(found.is_ok(), std::str::from_utf8(&bytes).is_ok());
    }

    #[test]
    fn an_alternative_text_is_short_and_in_one_line(prompt in ".{0,400}") {
        let alt = alt_text(&prompt);
        prop_assert!(alt.chars().count() <= 125 && !alt.contains('\n'), "{}", alt);
    }
}
