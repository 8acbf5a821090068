//! What both languages are read into: a flat stream in the order of the document.

use std::{borrow::Cow, collections::BTreeMap, ops::Range};

/// One piece of a document. Ranges are bytes of the document.
#[derive(Debug)]
pub(crate) enum Piece<'a> {
    /// Running text.
    Text(Text<'a>),
    /// A block begins or ends: no text marker reaches across.
    Boundary,
    /// A heading of Markdown begins.
    Heading {
        /// 1 to 6.
        level: u8,
    },
    /// A heading of Markdown ends.
    HeadingEnd,
    /// A part of Markdown begins whose pictures are ornaments: a table cell or a footnote.
    Ornament,
    /// That part ends.
    OrnamentEnd,
    /// A picture of Markdown, complete.
    Image {
        range: Range<usize>,
        alt: String,
        title: String,
    },
    /// A start tag of HTML.
    Open(Tag),
    /// An end tag of HTML.
    Close { name: String, range: Range<usize> },
    /// A comment of HTML.
    Comment {
        range: Range<usize>,
        text: String,
        /// True where a picture in its place would be read as Markdown.
        in_markdown: bool,
    },
}

/// Running text.
#[derive(Debug)]
pub(crate) struct Text<'a> {
    pub(crate) range: Range<usize>,
    /// As a reader sees it.
    pub(crate) text: Cow<'a, str>,
    /// True: the text is exactly the bytes of the range, and may hold markers.
    pub(crate) is_verbatim: bool,
    /// True: it stands in HTML.
    pub(crate) is_html: bool,
}

/// A start tag.
#[derive(Debug)]
pub(crate) struct Tag {
    pub(crate) name: String,
    pub(crate) attributes: BTreeMap<String, String>,
    pub(crate) range: Range<usize>,
    /// True: it stands in a line of Markdown.
    pub(crate) in_line: bool,
}
