//! What is a marker, and what is text.

use limn_document::{Form, Format, Importance, Options, Place, extract};

use crate::support::{prompts, read};
use Format::{Html, Markdown};

#[test]
fn every_form_is_found_in_markdown() {
    let document = "# T\n\n[IMAGE: one]\n\n![prompt: two](x.png \"Cap\")\n\n<!-- image: three -->\n\n\
                    <figure data-image-prompt=\"four\"><figcaption>Hi</figcaption></figure>\n\n\
                    <img data-prompt=\"five\">\n\ntext <img alt=\"Prompt: six\"> text\n";
    let found = read(document, Markdown);
    assert_eq!(found.problems, []);
    let all: Vec<_> = found
        .slots
        .iter()
        .map(|slot| (slot.prompt.as_str(), slot.form, slot.place))
        .collect();
    assert_eq!(
        all,
        [
            ("one", Form::Bracket, Place::Markdown),
            ("two", Form::MarkdownImage, Place::Markdown),
            ("three", Form::Comment, Place::Markdown),
            ("four", Form::Figure, Place::HtmlBlock),
            ("five", Form::Img, Place::HtmlBlock),
            ("six", Form::ImgAlt, Place::HtmlInline),
        ]
    );
    assert_eq!(found.slots[1].caption, "Cap");
    assert_eq!(found.slots[3].caption, "Hi");
    let text: Vec<&str> = found
        .slots
        .iter()
        .map(|slot| &document[slot.range.clone()])
        .collect();
    assert_eq!(text[0], "[IMAGE: one]");
    assert_eq!(text[1], "![prompt: two](x.png \"Cap\")");
    assert_eq!(text[2], "<!-- image: three -->");
    assert_eq!(
        text[3],
        "<figure data-image-prompt=\"four\"><figcaption>Hi</figcaption></figure>"
    );
    assert_eq!(text[4], "<img data-prompt=\"five\">");
    assert_eq!(text[5], "<img alt=\"Prompt: six\">");
}

#[test]
fn a_form_that_is_switched_off_is_text() {
    let document = "[IMAGE: one] ![prompt: two](x) <!-- image: three --> <img data-prompt=four>";
    for form in Form::ALL {
        let forms = Form::ALL.into_iter().filter(|other| *other != form).collect();
        let found = extract(document.as_bytes(), Markdown, &Options { forms }).unwrap();
        assert!(found.slots.iter().all(|slot| slot.form != form), "{form:?}");
    }
    let found = extract(document.as_bytes(), Markdown, &Options { forms: [].into() }).unwrap();
    assert_eq!(found.slots, []);
}

#[test]
fn code_is_no_marker() {
    let document = "`[IMAGE: a]` and ``![prompt: a](x)`` and <code>[IMAGE: a]</code>\n\n\
                    ```md\n[IMAGE: a]\n<!-- image: a -->\n```\n\n    [IMAGE: indented]\n\n\
                    <pre>\n[IMAGE: a]\n\n<!-- image: a -->\n</pre>\n\n<script>\n// [IMAGE: a]\n</script>\n\n\
                    \\[IMAGE: escaped] and \\\\[IMAGE: kept]\n\n---\n\n- x\n\n      [IMAGE: code in a list]\n\n[IMAGE: last]\n";
    assert_eq!(prompts(document, Markdown), ["kept", "last"]);
    let page = "<p><code>[IMAGE: a]</code> <kbd>[IMAGE: a]</kbd></p><pre><code>[IMAGE: a]</pre>\
                <script>let a = '[IMAGE: a]'; // <!-- image: a --></script><style>/* [IMAGE: a] */</style>\
                <textarea>[IMAGE: a]</textarea>&#91;IMAGE: a]<p>[IMAGE: kept]</p>";
    assert_eq!(prompts(page, Html), ["kept"]);
}

#[test]
fn markers_are_found_wherever_text_is() {
    let document = "> quoted\n> > [IMAGE: a fox\n> > in snow]\n\n- one\n  - two [IMAGE: nested]\n    1. [ ] [IMAGE: *deep* `list`]\n\n\
                    | a | b |\n|---|---|\n| [IMAGE: cell \\| size=1:1] | x |\n\n\
                    ## Head [IMAGE: in a heading]\n\n[^1]\n\n[^1]: note [IMAGE: foot]\n\n[link [IMAGE: in a link]](u)\n\n\
                    <div>\n[IMAGE: in html &amp; more]\n</div>\n";
    let found = read(document, Markdown);
    assert_eq!(found.problems, []);
    let all: Vec<_> = found
        .slots
        .iter()
        .map(|slot| (slot.prompt.as_str(), slot.importance))
        .collect();
    assert_eq!(
        all,
        [
            ("a fox in snow", Importance::Primary),
            ("nested", Importance::Secondary),
            ("deep list", Importance::Secondary),
            ("cell", Importance::Decorative),
            ("in a heading", Importance::Secondary),
            ("foot", Importance::Decorative),
            ("in a link", Importance::Secondary),
            ("in html & more", Importance::Secondary),
        ]
    );
    assert_eq!(found.slots[3].attributes.size, "1:1");
    assert_eq!(found.slots[4].section_title, "Head");
    assert_eq!(found.slots[7].place, Place::HtmlBlock);
}

#[test]
fn sections_context_and_lines_are_those_of_the_reader() {
    let document = "\u{feff}---\r\ntitle: Not a heading\r\n---\r\n\r\n# The *Title* &amp; more\r\n\r\nBefore `code` text.\r\n\r\n\
                    [IMAGE: a]\r\n\r\nAfter [IMAGE: b] that.\r\n\r\nSecond\r\n------\r\n\r\n[IMAGE: c]\r\n";
    let found = read(document, Markdown);
    assert_eq!(found.problems, []);
    let all: Vec<_> = found
        .slots
        .iter()
        .map(|slot| (slot.line, slot.section_title.as_str()))
        .collect();
    assert_eq!(
        all,
        [(9, "The Title & more"), (11, "The Title & more"), (16, "Second")]
    );
    assert_eq!(found.slots[0].before, "The Title & more Before code text.");
    assert_eq!(found.slots[0].after, "After that. Second");
    assert_eq!(found.slots[1].before, "The Title & more Before code text. After");
    assert_eq!(found.slots[2].after, "");
}

#[test]
fn a_picture_below_the_title_is_a_primary_one() {
    let document = "Lead [IMAGE: a]\n\n# Title\n\n[IMAGE: hero]\n\nText.\n\n[IMAGE: b]\n\n[IMAGE: c | importance=Decorative]\n";
    let importance: Vec<_> = read(document, Markdown)
        .slots
        .iter()
        .map(|slot| slot.importance)
        .collect();
    use Importance::{Decorative, Primary, Secondary};
    assert_eq!(importance, [Primary, Primary, Secondary, Decorative]);
}

#[test]
fn what_cannot_be_taken_is_told_with_its_line() {
    let document = "[IMAGE: ]\n\n[IMAGE: open\n\n[IMAGE: a | sice=1:1]\n\n[IMAGE: b | importance=huge]\n\n\
                    <figure data-prompt=\"c\">\n\ntext\n";
    let lines: Vec<_> = read(document, Markdown)
        .problems
        .iter()
        .map(|problem| problem.line)
        .collect();
    assert_eq!(lines, [1, 3, 5, 7, 9]);
    let misread = "a ![prompt: x][none]\n\n| a |\n|---|\n| <!-- image: x | size=1:1 --> |\n\n`![prompt: x]` \\<!-- image: x\n";
    let lines: Vec<_> = read(misread, Markdown)
        .problems
        .iter()
        .map(|problem| problem.line)
        .collect();
    assert_eq!(lines, [1, 5]);
    let page = "<p>[IMAGE: a <b>b] c</b></p><!-- image: never";
    assert_eq!(read(page, Html).problems.len(), 2);
}

#[test]
fn html_gives_places_and_attributes() {
    let page = "<!DOCTYPE html>\r\n<title>[IMAGE: no]</title><h1>Big</h1>\r\n<p>[IMAGE: in p]</p>\r\n<div>[IMAGE: in div]</div>\
                <figure class=\"wide\" data-prompt=\"fox | id=f1\" data-prompt-size=\"4:3\" data-prompt-alt='A \"fox\"'>\
                <img src=\"p.png\"><figcaption>By <em>me</em></figcaption></figure><p>after</p>\
                <ul><li><!-- image: in li --></li></ul><table><tr><td><img data-image-prompt=\"cell\" title=\"T\"></table>";
    let found = read(page, Html);
    assert_eq!(found.problems, []);
    let all: Vec<_> = found
        .slots
        .iter()
        .map(|slot| (slot.prompt.as_str(), slot.place, slot.line))
        .collect();
    assert_eq!(
        all,
        [
            ("in p", Place::HtmlInline, 3),
            ("in div", Place::HtmlBlock, 4),
            ("fox", Place::HtmlBlock, 4),
            ("in li", Place::HtmlBlock, 4),
            ("cell", Place::HtmlBlock, 4),
        ]
    );
    let figure = &found.slots[2];
    assert_eq!((figure.id.as_str(), figure.caption.as_str()), ("f1", "By me"));
    assert_eq!(
        (figure.attributes.size.as_str(), figure.alt.as_str()),
        ("4:3", "A \"fox\"")
    );
    assert_eq!(found.slots[4].importance, Importance::Decorative);
    assert_eq!(found.slots[4].section_title, "Big");
}
