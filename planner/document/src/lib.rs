//! Image prompts in documents: where they stand, and pictures in their place.
//!
//! Two pure functions. [`extract`] reads a Markdown or HTML document and lists its slots: each prompt with its byte
//! range, line, section and the text around it. [`assemble`] takes the same bytes, and a picture for each slot that
//! has one, and gives the bytes with the markers replaced. Every byte outside of the replaced slots stays as it was.
//!
//! Markdown is CommonMark with the tables, footnotes, strike-through and task lists of GitHub, read by
//! `pulldown-cmark`; HTML is read by `html5gum`, a tokenizer after the WHATWG standard. Both give a stream of pieces
//! (`piece.rs`) that one scan (`scan.rs`) looks through, so a marker means the same in both languages. Code is never a
//! marker: blocks and spans of code, `<pre>`, `<code>`, `<script>` and their like are text about markers.
//!
//! Nothing here reads a clock, a file, the environment or the network, and the time is linear in the document.

#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::indexing_slicing))]

mod alt;
mod around;
mod assemble;
mod block;
mod elements;
mod html;
mod markdown;
mod marker;
mod markup;
mod open;
mod piece;
mod scan;
mod slot;
mod words;

pub use alt::{MAX_ALT_CHARS, alt_text};
pub use assemble::{AssembleError, Binding, Filling, assemble};
pub use markup::{Picture, Source};
pub use slot::{Attributes, Extraction, Form, Format, Importance, Options, Place, Problem, Slot, Unreadable};

/// Most characters of context on each side of a slot.
pub const MAX_CONTEXT_CHARS: usize = 300;
/// Longest section title in bytes.
pub const MAX_TITLE_BYTES: usize = 256;
/// The byte order mark that some editors put at the start of UTF-8.
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// Lists the prompts of a document, in the order in which they stand.
///
/// # Errors
/// When the document is not UTF-8. What is wrong with single markers is in the answer.
pub fn extract(content: &[u8], format: Format, options: &Options) -> Result<Extraction, Unreadable> {
    let text = readable(content)?;
    // The mark is no text; offsets still count its bytes.
    let start = if text.starts_with(BYTE_ORDER_MARK) {
        BYTE_ORDER_MARK.len()
    } else {
        0
    };
    let pieces = match format {
        Format::Markdown => markdown::pieces(text, start),
        Format::Html => html::document(text, start),
    };
    Ok(scan::scan(text, pieces, options))
}

fn readable(content: &[u8]) -> Result<&str, Unreadable> {
    std::str::from_utf8(content).map_err(|error| Unreadable {
        valid_bytes: error.valid_up_to(),
    })
}
