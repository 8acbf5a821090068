//! HTML into pieces.

use std::{borrow::Cow, ops::Range};

use html5gum::{DefaultEmitter, HtmlString, Span, Token, Tokenizer};

use crate::piece::{Piece, Tag, Text};

/// Longest character reference: the longest name of the standard has 32 characters with its semicolon.
const MAX_REFERENCE_BYTES: usize = 40;

/// HTML whose parts may stand apart in the document, as the lines of a quoted block of Markdown do.
#[derive(Debug, Default)]
pub(crate) struct Fragment {
    text: String,
    /// Where in the text a part begins, and where it stands in the document.
    parts: Vec<(usize, usize)>,
}

impl Fragment {
    /// Adds a part of the document.
    pub(crate) fn push(&mut self, document: &str, range: Range<usize>) {
        if let Some(part) = document.get(range.clone()) {
            self.parts.push((self.text.len(), range.start));
            self.text.push_str(part);
        }
    }

    /// Where a byte of the text stands in the document.
    fn place(&self, offset: usize) -> usize {
        let after = self.parts.partition_point(|(begin, _)| *begin <= offset);
        let part = after.checked_sub(1).and_then(|index| self.parts.get(index));
        part.map_or(offset, |(begin, start)| start + (offset - begin))
    }

    /// Where a range of the text stands in the document, with all that lies between its parts.
    fn range(&self, range: Range<usize>) -> Range<usize> {
        if range.is_empty() {
            let at = self.place(range.start);
            return at..at;
        }
        self.place(range.start)..self.place(range.end - 1) + 1
    }
}

/// Pieces of a whole document, read from `start` on.
pub(crate) fn document(text: &str, start: usize) -> Vec<Piece<'_>> {
    let mut fragment = Fragment::default();
    fragment.push(text, start..text.len());
    let mut pieces = Vec::new();
    block(text, &fragment, false, &mut pieces);
    pieces
}

/// Pieces of a block of HTML. In Markdown, a comment that begins the block is not inside of any HTML.
pub(crate) fn block<'a>(document: &'a str, html: &Fragment, in_markdown: bool, pieces: &mut Vec<Piece<'a>>) {
    let lead = html.text.len() - html.text.trim_start().len();
    let mut seen = 0;
    let mut emitter = DefaultEmitter::<usize>::new_with_span();
    emitter.naively_switch_states(true);
    for Ok(token) in Tokenizer::new_with_emitter(html.text.as_str(), emitter) {
        let Some(span) = markup_span(&token, &html.text) else {
            continue;
        };
        if span.start < seen {
            continue;
        }
        texts(document, html, seen..span.start, pieces);
        seen = span.end;
        let range = html.range(span.clone());
        match token {
            Token::Comment(comment) => pieces.push(Piece::Comment {
                range,
                text: owned(&comment.value),
                in_markdown: in_markdown && span.start == lead,
            }),
            token => push_tag(token, range, false, pieces),
        }
    }
    texts(document, html, seen..html.text.len(), pieces);
}

/// Pieces of one tag or comment in a line of Markdown.
pub(crate) fn inline(html: &str, range: &Range<usize>, pieces: &mut Vec<Piece<'_>>) {
    for Ok(token) in Tokenizer::new(html) {
        match token {
            Token::Comment(comment) => pieces.push(Piece::Comment {
                range: range.clone(),
                text: owned(&comment.value),
                in_markdown: true,
            }),
            Token::StartTag(tag) => push_tag(Token::StartTag(tag), range.clone(), true, pieces),
            Token::EndTag(tag) => push_tag(Token::EndTag(tag), range.clone(), true, pieces),
            Token::String(_) | Token::Doctype(_) | Token::Error(_) => {}
        }
    }
}

/// The first start tag of this name.
pub(crate) fn first_tag(html: &str, name: &str) -> Option<Tag> {
    let mut pieces = Vec::new();
    for Ok(token) in Tokenizer::new(html) {
        push_tag(token, 0..0, true, &mut pieces);
        for piece in pieces.drain(..) {
            match piece {
                Piece::Open(tag) if tag.name == name => return Some(tag),
                _ => {}
            }
        }
    }
    None
}

/// The first element of this name, as it is written, tags included. Nothing for one without text.
pub(crate) fn element<'h>(html: &'h str, name: &str) -> Option<&'h str> {
    let mut start = None;
    let mut has_text = false;
    for Ok(token) in Tokenizer::new_with_emitter(html, DefaultEmitter::<usize>::new_with_span()) {
        match (&token, start) {
            (Token::StartTag(tag), None) if **tag.name == *name.as_bytes() => start = Some(tag.span.start),
            (Token::EndTag(tag), Some(start)) if **tag.name == *name.as_bytes() => {
                return html.get(start..tag.span.end).filter(|_| has_text);
            }
            (Token::String(text), Some(_)) => has_text |= !owned(text).trim().is_empty(),
            _ => {}
        }
    }
    None
}

fn push_tag<S: html5gum::SpanBound>(
    token: Token<S>,
    range: Range<usize>,
    in_line: bool,
    pieces: &mut Vec<Piece<'_>>,
) {
    match token {
        Token::StartTag(tag) => {
            let name = owned(&tag.name);
            // Only foreign elements are closed by the slash.
            let is_closed = tag.self_closing && matches!(name.as_str(), "svg" | "math");
            let attributes = tag.attributes.iter();
            let attributes = attributes.map(|(name, value)| (owned(name), owned(&value.value)));
            pieces.push(Piece::Open(Tag {
                name: name.clone(),
                attributes: attributes.collect(),
                range: range.clone(),
                in_line,
            }));
            if is_closed {
                pieces.push(Piece::Close { name, range });
            }
        }
        Token::EndTag(tag) => pieces.push(Piece::Close {
            name: owned(&tag.name),
            range,
        }),
        Token::Doctype(_) => pieces.push(Piece::Boundary),
        Token::Comment(_) | Token::String(_) | Token::Error(_) => {}
    }
}

/// The bytes of a tag, a comment or a document type; nothing for what is text.
fn markup_span(token: &Token<usize>, html: &str) -> Option<Range<usize>> {
    let span: Span = match token {
        Token::StartTag(tag) => tag.span,
        Token::EndTag(tag) => tag.span,
        Token::Comment(comment) => comment.span,
        Token::Doctype(doctype) => doctype.span,
        Token::String(_) | Token::Error(_) => return None,
    };
    let range = span.start..span.end.min(html.len());
    let is_markup = html.get(range.clone()).is_some_and(|text| text.starts_with('<'));
    is_markup.then_some(range)
}

/// Text between two tags: parts of the document as they are, and character references as what they mean.
fn texts<'a>(document: &'a str, html: &Fragment, range: Range<usize>, pieces: &mut Vec<Piece<'a>>) {
    let mut begin = range.start;
    while begin < range.end {
        let next = html.parts.partition_point(|(start, _)| *start <= begin);
        let end = html
            .parts
            .get(next)
            .map_or(range.end, |(start, _)| range.end.min(*start));
        let place = html.place(begin);
        text(document, place..place + (end - begin), pieces);
        begin = end;
    }
}

fn text<'a>(document: &'a str, range: Range<usize>, pieces: &mut Vec<Piece<'a>>) {
    let Some(whole) = document.get(range.clone()) else {
        return;
    };
    let mut done = 0;
    let mut from = 0;
    while let Some(at) = whole
        .get(from..)
        .and_then(|rest| rest.find('&'))
        .map(|at| from + at)
    {
        let reference = reference_at(whole, at);
        from = at + reference.len().max(1);
        let meaning = decode(reference);
        if meaning == reference {
            continue;
        }
        push_text(whole.get(done..at), range.start + done, pieces);
        pieces.push(Piece::Text(Text {
            range: range.start + at..range.start + from,
            text: Cow::Owned(meaning),
            is_verbatim: false,
            is_html: true,
        }));
        done = from;
    }
    push_text(whole.get(done..), range.start + done, pieces);
}

fn push_text<'a>(text: Option<&'a str>, start: usize, pieces: &mut Vec<Piece<'a>>) {
    let Some(text) = text.filter(|text| !text.is_empty()) else {
        return;
    };
    pieces.push(Piece::Text(Text {
        range: start..start + text.len(),
        text: Cow::Borrowed(text),
        is_verbatim: true,
        is_html: true,
    }));
}

/// What could be a character reference: the ampersand and what follows it.
fn reference_at(text: &str, at: usize) -> &str {
    let rest = text.get(at..).unwrap_or_default();
    let body = rest.bytes().skip(1).take(MAX_REFERENCE_BYTES);
    let length = body
        .take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'#')
        .count();
    let has_end = rest.as_bytes().get(1 + length) == Some(&b';');
    rest.get(..1 + length + usize::from(has_end)).unwrap_or_default()
}

fn decode(reference: &str) -> String {
    let mut text = String::new();
    for Ok(token) in Tokenizer::new(reference) {
        if let Token::String(part) = token {
            text.push_str(&owned(&part.value));
        }
    }
    text
}

fn owned(text: &HtmlString) -> String {
    String::from_utf8_lossy(text).into_owned()
}
