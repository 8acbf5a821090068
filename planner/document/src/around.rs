//! What stands around a slot: the words before and behind it, its title and its line.

use crate::{MAX_CONTEXT_CHARS, MAX_TITLE_BYTES, marker::collapse};

/// A title that fits, cut at a character.
pub(crate) fn shortened(title: &str) -> String {
    let cut = title.floor_char_boundary(MAX_TITLE_BYTES);
    title.get(..cut).unwrap_or_default().trim_end().to_owned()
}

/// The last words before a place in the text.
pub(crate) fn before(plain: &str, at: usize) -> String {
    let start = plain.floor_char_boundary(at.saturating_sub(MAX_CONTEXT_CHARS * 4));
    let text = collapse(plain.get(start..at).unwrap_or_default());
    let surplus = text.chars().count().saturating_sub(MAX_CONTEXT_CHARS);
    if surplus == 0 {
        return text;
    }
    let cut = text.char_indices().nth(surplus).map_or(0, |(at, _)| at);
    let rest = text.get(cut..).unwrap_or_default();
    match rest.split_once(' ') {
        Some((_, words)) => words.to_owned(),
        None => rest.to_owned(),
    }
}

/// The first words behind a place in the text.
pub(crate) fn after(plain: &str, at: usize) -> String {
    let end = plain.floor_char_boundary(at.saturating_add(MAX_CONTEXT_CHARS * 4));
    let text = collapse(plain.get(at..end).unwrap_or_default());
    let Some((cut, _)) = text.char_indices().nth(MAX_CONTEXT_CHARS) else {
        return text;
    };
    let head = text.get(..cut).unwrap_or_default();
    match head.rsplit_once(' ') {
        Some((words, _)) => words.to_owned(),
        None => head.to_owned(),
    }
}

/// Counts lines in one walk.
pub(crate) struct Lines<'d> {
    document: &'d [u8],
    at: usize,
    line: usize,
}

impl<'d> Lines<'d> {
    pub(crate) fn new(document: &'d str) -> Self {
        Self {
            document: document.as_bytes(),
            at: 0,
            line: 1,
        }
    }

    /// The line of a byte that is not before the last one asked for.
    pub(crate) fn line_of(&mut self, start: usize) -> usize {
        let passed = self.document.get(self.at..start).unwrap_or_default();
        self.line += passed.iter().filter(|byte| **byte == b'\n').count();
        self.at = start;
        self.line
    }
}
