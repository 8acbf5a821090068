//! Large documents, and documents that are made to cost time.

use limn_document::{Format, assemble};

use crate::support::{binding, fillings, read};

const BYTES: usize = 5 * 1024 * 1024;

#[test]
fn five_megabytes_and_two_hundred_prompts_are_read_and_filled() {
    for format in [Format::Markdown, Format::Html] {
        let paragraph = match format {
            Format::Markdown => {
                "Some *text* with a [link](https://example.com/a?b=1) and `code` & more.\r\n\r\n"
            }
            Format::Html => "<p>Some <em>text</em> with a <a href=\"/a?b=1\">link</a> &amp; more.</p>\r\n",
        };
        let section = paragraph.repeat(BYTES / 200 / paragraph.len());
        let mut document = String::new();
        for number in 1..=200 {
            document.push_str(&format!("[IMAGE: picture {number}]\r\n\r\n{section}"));
        }
        let found = read(&document, format);
        assert_eq!(found.slots.len(), 200);
        assert_eq!(found.slots[199].prompt, "picture 200");
        let fillings = fillings(document.as_bytes(), format);
        let assembled = assemble(document.as_bytes(), &binding(document.as_bytes()), &fillings).unwrap();
        let assembled = String::from_utf8(assembled).unwrap();
        assert_eq!(assembled.matches(&section).count(), 200);
        assert!(!assembled.contains("[IMAGE:"));
    }
}

#[test]
fn repeated_openings_do_not_multiply() {
    let parts = [
        "[IMAGE: a ",
        "[",
        "<!--",
        "<code>",
        "<pre>",
        "&",
        "&amp;",
        "<figure data-prompt=a>",
        "> ",
        "![prompt: ",
        "*",
        "`",
        "<a b='",
    ];
    for part in parts {
        for format in [Format::Markdown, Format::Html] {
            let document = part.repeat(200_000 / part.len());
            let _ = read(&document, format);
        }
    }
}
