//! Markdown into pieces.

use std::{borrow::Cow, ops::Range};

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use crate::{
    html::{self, Fragment},
    piece::{Piece, Text},
};

/// Pieces of a document, read from `start` on.
pub(crate) fn pieces(document: &str, start: usize) -> Vec<Piece<'_>> {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_GFM
        // Front matter is neither text nor a heading.
        | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS
        | Options::ENABLE_PLUSES_DELIMITED_METADATA_BLOCKS;
    let body = document.get(start..).unwrap_or_default();
    let mut reader = Reader {
        document,
        pieces: Vec::new(),
        html: None,
        image: None,
        unread: 0,
        text_end: 0,
        in_table: false,
    };
    for (event, range) in Parser::new_ext(body, options).into_offset_iter() {
        reader.read(event, range.start + start..range.end + start);
    }
    reader.pieces
}

struct Reader<'a> {
    document: &'a str,
    pieces: Vec<Piece<'a>>,
    /// The block of HTML that is being read.
    html: Option<Fragment>,
    image: Option<Image>,
    /// Blocks of code and front matter around.
    unread: usize,
    /// End of the last text.
    text_end: usize,
    in_table: bool,
}

/// A picture whose alternative text is being read.
struct Image {
    range: Range<usize>,
    alt: String,
    title: String,
    /// Pictures in its alternative text, itself included.
    depth: usize,
}

impl<'a> Reader<'a> {
    fn read(&mut self, event: Event<'a>, range: Range<usize>) {
        match event {
            Event::Start(tag) => self.start(tag, range),
            Event::End(tag) => self.end(tag),
            Event::Text(text) => self.text(Cow::from(text), range),
            Event::Code(text) => self.other_text(Cow::from(text), range),
            Event::SoftBreak | Event::HardBreak => self.other_text(Cow::Borrowed(" "), range),
            Event::Html(_) => {
                if let Some(html) = &mut self.html {
                    html.push(self.document, range);
                }
            }
            Event::InlineHtml(text) if self.image.is_none() => {
                // In a table a bar stands behind a backslash, also in HTML.
                let text = if self.in_table {
                    text.replace("\\|", "|").into()
                } else {
                    text
                };
                html::inline(&text, &range, &mut self.pieces);
            }
            Event::Rule => self.pieces.push(Piece::Boundary),
            Event::InlineHtml(_)
            | Event::InlineMath(_)
            | Event::DisplayMath(_)
            | Event::FootnoteReference(_)
            | Event::TaskListMarker(_) => {}
        }
    }

    fn start(&mut self, tag: Tag<'a>, range: Range<usize>) {
        match tag {
            Tag::Image { title, .. } => match &mut self.image {
                Some(image) => image.depth += 1,
                None => {
                    self.image = Some(Image {
                        range,
                        alt: String::new(),
                        title: title.into_string(),
                        depth: 1,
                    });
                }
            },
            Tag::Heading { level, .. } => self.pieces.push(Piece::Heading { level: level as u8 }),
            Tag::HtmlBlock => {
                self.pieces.push(Piece::Boundary);
                self.html = Some(Fragment::default());
            }
            Tag::CodeBlock(_) | Tag::MetadataBlock(_) => {
                self.pieces.push(Piece::Boundary);
                self.unread += 1;
            }
            Tag::Table(_) => {
                self.pieces.push(Piece::Boundary);
                self.in_table = true;
            }
            Tag::TableCell | Tag::FootnoteDefinition(_) => self.pieces.push(Piece::Ornament),
            Tag::Emphasis
            | Tag::Strong
            | Tag::Strikethrough
            | Tag::Superscript
            | Tag::Subscript
            | Tag::Link { .. } => {}
            _ => self.pieces.push(Piece::Boundary),
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Image => self.end_image(),
            TagEnd::Heading(_) => self.pieces.push(Piece::HeadingEnd),
            TagEnd::HtmlBlock => {
                if let Some(html) = self.html.take() {
                    html::block(self.document, &html, true, &mut self.pieces);
                }
                self.pieces.push(Piece::Boundary);
            }
            TagEnd::CodeBlock | TagEnd::MetadataBlock(_) => {
                self.unread = self.unread.saturating_sub(1);
                self.pieces.push(Piece::Boundary);
            }
            TagEnd::Table => {
                self.pieces.push(Piece::Boundary);
                self.in_table = false;
            }
            TagEnd::TableCell | TagEnd::FootnoteDefinition => self.pieces.push(Piece::OrnamentEnd),
            TagEnd::Emphasis
            | TagEnd::Strong
            | TagEnd::Strikethrough
            | TagEnd::Superscript
            | TagEnd::Subscript
            | TagEnd::Link => {}
            _ => self.pieces.push(Piece::Boundary),
        }
    }

    fn end_image(&mut self) {
        let Some(mut image) = self.image.take() else {
            return;
        };
        image.depth -= 1;
        if image.depth > 0 {
            self.image = Some(image);
            return;
        }
        self.pieces.push(Piece::Image {
            range: image.range,
            alt: image.alt,
            title: image.title,
        });
    }

    fn text(&mut self, text: Cow<'a, str>, range: Range<usize>) {
        let is_verbatim = self.document.get(range.clone()) == Some(&*text);
        let escape = range
            .start
            .checked_sub(1)
            .filter(|before| *before >= self.text_end);
        let is_escaped = escape.and_then(|at| self.document.as_bytes().get(at)) == Some(&b'\\');
        self.text_end = range.end;
        if !is_verbatim || !is_escaped {
            self.push(text, range, is_verbatim);
            return;
        }
        // A character behind a backslash is itself and no markup.
        let first = text.chars().next().map_or(0, char::len_utf8);
        let (escaped, rest) = text.split_at(first);
        let middle = range.start + first;
        self.push(Cow::Owned(escaped.to_owned()), range.start..middle, false);
        if !rest.is_empty() {
            self.push(Cow::Owned(rest.to_owned()), middle..range.end, true);
        }
    }

    fn other_text(&mut self, text: Cow<'a, str>, range: Range<usize>) {
        self.text_end = range.end;
        self.push(text, range, false);
    }

    fn push(&mut self, text: Cow<'a, str>, range: Range<usize>, is_verbatim: bool) {
        if self.unread > 0 {
            return;
        }
        if let Some(image) = &mut self.image {
            image.alt.push_str(&text);
            return;
        }
        self.pieces.push(Piece::Text(Text {
            range,
            text,
            is_verbatim,
            is_html: false,
        }));
    }
}
