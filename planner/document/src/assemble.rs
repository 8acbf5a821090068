//! Pictures into a document.

use std::ops::Range;

use limn_proto::digest::sha256_hex;

use crate::{
    markup::{self, Picture},
    slot::{Form, Place, Unreadable},
};

/// The document that slots were found in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// Lowercase hexadecimal SHA-256 of its bytes.
    pub sha256: String,
    /// Number of its bytes.
    pub size_bytes: usize,
}

/// A slot and the picture for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filling {
    /// Bytes that the picture replaces.
    pub range: Range<usize>,
    /// How the marker is written.
    pub form: Form,
    /// Where it stands.
    pub place: Place,
    /// What takes its place.
    pub picture: Picture,
}

/// Why a document cannot be assembled. Nothing of it was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AssembleError {
    /// It is not the document that was planned.
    #[error(
        "has SHA-256 {found} and {found_bytes} bytes, but the plan is about {expected} with {expected_bytes} bytes; \
         give the bytes that were planned, or plan the changed document"
    )]
    Changed {
        /// Digest of the planned document.
        expected: String,
        /// Its size.
        expected_bytes: usize,
        /// Digest of the given one.
        found: String,
        /// Its size.
        found_bytes: usize,
    },
    /// It is not text.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// A slot is not in the document, cuts a character, or overlaps another.
    #[error("has no slot at bytes {start} to {end}; plan the document again")]
    NoSlot {
        /// First byte.
        start: usize,
        /// Byte after the last.
        end: usize,
    },
}

/// Writes pictures in the place of their markers. Every byte outside of the filled slots stays as it is.
///
/// # Errors
/// When the document is not the one that is bound, or a slot does not fit into it.
pub fn assemble(content: &[u8], binding: &Binding, fillings: &[Filling]) -> Result<Vec<u8>, AssembleError> {
    let found = sha256_hex(content);
    if found != binding.sha256 || content.len() != binding.size_bytes {
        return Err(AssembleError::Changed {
            expected: binding.sha256.clone(),
            expected_bytes: binding.size_bytes,
            found,
            found_bytes: content.len(),
        });
    }
    let document = crate::readable(content)?;
    let mut fillings: Vec<&Filling> = fillings.iter().collect();
    fillings.sort_by_key(|filling| filling.range.start);
    let mut assembled = String::with_capacity(document.len());
    let mut done = 0;
    for filling in fillings {
        let Range { start, end } = filling.range.clone();
        let kept = document.get(done..start);
        let marker = document.get(start..end).filter(|marker| !marker.is_empty());
        let (Some(kept), Some(marker)) = (kept, marker) else {
            return Err(AssembleError::NoSlot { start, end });
        };
        assembled.push_str(kept);
        assembled.push_str(&markup::write(
            marker,
            filling.form,
            filling.place,
            &filling.picture,
        ));
        if filling.form == Form::Comment && filling.place == Place::Markdown {
            assembled.push_str(separator(document, start, end));
        }
        done = end;
    }
    assembled.push_str(document.get(done..).unwrap_or_default());
    Ok(assembled.into_bytes())
}

/// A line end behind a picture that stands where a comment was, if the next line would make a heading or the head of
/// a table of it: below a comment it was a rule.
fn separator(document: &str, start: usize, end: usize) -> &'static str {
    let begins_line = document.get(..start).is_some_and(|text| {
        let line = text.rsplit('\n').next().unwrap_or_default();
        line.trim().is_empty()
    });
    let mut lines = document.get(end..).unwrap_or_default().split_inclusive('\n');
    let Some(rest) = lines.next().filter(|rest| rest.trim().is_empty()) else {
        return "";
    };
    let next = lines.next().unwrap_or_default().trim();
    let is_underline = !next.is_empty()
        && next
            .bytes()
            .all(|byte| matches!(byte, b'-' | b'=' | b'|' | b':' | b' '));
    match (begins_line && is_underline, rest.ends_with("\r\n")) {
        (false, _) => "",
        (true, true) => "\r\n",
        (true, false) => "\n",
    }
}
