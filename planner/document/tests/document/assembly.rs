//! What stands in the place of markers.

use limn_document::{AssembleError, Format, Source, assemble};

use crate::support::{binding, filled, fillings};
use Format::{Html, Markdown};

#[test]
fn markdown_stays_markdown() {
    let document = "\u{feff}# T\r\n\r\n[IMAGE: a \"fox\" | caption=Say 2\\*2 | x]\r\n| a |\r\n|---|\r\n| [IMAGE: b] |\r\n\r\n\
                    - [IMAGE: c]\r\n<!-- image: d -->\r\n---\r\n<p>[IMAGE: e & f]</p>\r\n";
    let expected = "\u{feff}# T\r\n\r\n![a \\\"fox\\\" \\| x](image-1.png \"Say 2\\*2\")\r\n| a |\r\n|---|\r\n| ![b](image-2.png) |\r\n\r\n\
                    - ![c](image-3.png)\r\n![d](image-4.png)\r\n\r\n---\r\n<p><img src=\"image-5.png\" alt=\"e &amp; f\" width=\"640\" height=\"480\" /></p>\r\n";
    assert_eq!(filled(document, Markdown), expected);
}

#[test]
fn html_keeps_the_attributes_of_its_elements() {
    let page = "<figure class=\"wide\" id=\"f\" data-prompt=\"fox\"><a><img class=\"w-1\" src=\"p.png\" alt=\"\"></a>\
                <figcaption>By <em>me</em></figcaption></figure><p>[IMAGE: x | caption=C]</p><div>[IMAGE: y | caption=C & D]</div>\
                <img loading=\"lazy\" data-prompt=\"z\" src=\"q\" srcset=\"q 1w\" alt=\"Zed\"/>";
    let expected = "<figure class=\"wide\" id=\"f\"><img class=\"w-1\" src=\"image-1.png\" alt=\"fox\" width=\"640\" height=\"480\" />\
                    <figcaption>By <em>me</em></figcaption></figure>\
                    <p><img src=\"image-2.png\" alt=\"x\" width=\"640\" height=\"480\" title=\"C\" /></p>\
                    <div><figure><img src=\"image-3.png\" alt=\"y\" width=\"640\" height=\"480\" /><figcaption>C &amp; D</figcaption></figure></div>\
                    <img loading=\"lazy\" src=\"image-4.png\" alt=\"z\" width=\"640\" height=\"480\" />";
    assert_eq!(filled(page, Html), expected);
}

#[test]
fn smaller_copies_make_a_picture_of_html_also_in_markdown() {
    let document = b"| a |\n|---|\n| [IMAGE: x] |\n";
    let mut fillings = fillings(document, Markdown);
    fillings[0].picture.sources = vec![Source {
        address: "small, 1.jpg".into(),
        width_px: 320,
    }];
    fillings[0].picture.alt = "a|b".into();
    let assembled = assemble(document, &binding(document), &fillings).unwrap();
    assert_eq!(
        String::from_utf8(assembled).unwrap(),
        "| a |\n|---|\n| <picture><img src=\"image-1.png\" srcset=\"small%2C%201.jpg 320w, image-1.png 640w\" \
         alt=\"a&#124;b\" width=\"640\" height=\"480\" /></picture> |\n"
    );
}

#[test]
fn addresses_cannot_leave_their_place() {
    let document = b"[IMAGE: x]";
    let mut fillings = fillings(document, Markdown);
    fillings[0].picture.address = "a (1)\\.png?x=1&copy;=2 \"t\"".into();
    let assembled = assemble(document, &binding(document), &fillings).unwrap();
    assert_eq!(
        String::from_utf8(assembled).unwrap(),
        "![x](a%20%281%29%5C.png?x=1&amp;copy;=2%20%22t%22)"
    );
}

#[test]
fn a_slot_without_a_picture_stays() {
    let document = b"[IMAGE: a] text [IMAGE: b]";
    let mut fillings = fillings(document, Markdown);
    fillings.remove(0);
    let assembled = assemble(document, &binding(document), &fillings).unwrap();
    assert_eq!(assembled, b"[IMAGE: a] text ![b](image-2.png)");
}

#[test]
fn another_document_is_refused_and_so_are_slots_that_do_not_fit() {
    let document = b"[IMAGE: a] text";
    let fillings = fillings(document, Markdown);
    let changed = assemble(b"[IMAGE: a] Text", &binding(document), &fillings);
    assert!(matches!(changed, Err(AssembleError::Changed { .. })));
    for range in [0..99, 5..5, 14..20] {
        let mut moved = fillings.clone();
        moved[0].range = range;
        let refused = assemble(document, &binding(document), &moved);
        assert!(matches!(refused, Err(AssembleError::NoSlot { .. })));
    }
    let twice = [fillings.clone(), fillings].concat();
    let refused = assemble(document, &binding(document), &twice);
    assert!(matches!(refused, Err(AssembleError::NoSlot { .. })));
}
