//! The hint of the picture before: what of it there is room for.

use alloc::{format, string::String};

use super::fit::Fitting;
use crate::{catalog::Catalog, request::Field, template, text::char_count};

/// The hint in the words of the catalog, cut to at most `room` characters. Empty: there is none, or no room for it.
pub(super) fn fit(catalog: &Catalog, room: usize, fitting: &mut Fitting<'_>) -> String {
    let hint = fitting.wish.continuity.hint.as_str();
    if hint.is_empty() {
        return String::new();
    }
    let wording = catalog.continuity().hint.as_str();
    let frame = char_count(&template::fill(wording, &[("hint", "")]));
    let chars = char_count(hint);
    let kept = shortened(hint, room.saturating_sub(frame));
    if kept.is_empty() {
        fitting.left_out(
            Field::Hint,
            format!("left out: beside the rest of the prompt there is room for {room} characters"),
        );
        return String::new();
    }
    if kept.len() == hint.len() {
        fitting.mapped(Field::Hint, "stands after the prompt");
    } else {
        let detail = format!(
            "stands after the prompt, cut to {} of {chars} characters",
            char_count(kept)
        );
        fitting.mapped(Field::Hint, detail);
    }
    template::fill(wording, &[("hint", kept)])
}

/// The text, or as many whole sentences of it as fit into `room` characters, or as many whole words.
fn shortened(text: &str, room: usize) -> &str {
    let Some((end, _)) = text.char_indices().nth(room) else {
        return text;
    };
    // One character more shows whether a sentence or a word ends exactly where the room does.
    let (fits, rest) = text.split_at(end);
    let next = rest.chars().next();
    let mut sentence = 0;
    let mut word = 0;
    let mut letters = fits.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        let after = letters.peek().map(|(_, letter)| *letter).or(next);
        let ends_here = after.is_none_or(char::is_whitespace);
        let is_wide_stop = matches!(letter, '。' | '！' | '？');
        if is_wide_stop || (ends_here && matches!(letter, '.' | '!' | '?' | '…')) {
            sentence = at + letter.len_utf8();
        }
        if ends_here && !letter.is_whitespace() {
            word = at + letter.len_utf8();
        }
    }
    let end = if sentence > 0 { sentence } else { word };
    fits.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::shortened;

    #[test]
    fn a_hint_is_cut_at_a_sentence_or_else_at_a_word() {
        let hint = "A red fox. It sat in snow! Then it ran away";
        for (room, kept) in [
            (100, hint),
            (43, hint),
            (42, "A red fox. It sat in snow!"),
            (26, "A red fox. It sat in snow!"),
            (25, "A red fox."),
            (10, "A red fox."),
            (9, "A red"),
            (5, "A red"),
            (4, "A"),
            (0, ""),
        ] {
            assert_eq!(shortened(hint, room), kept, "{room}");
        }
        assert_eq!(shortened("version 2.5 of it", 12), "version 2.5");
        assert_eq!(shortened("赤い狐。雪の中に座った。", 6), "赤い狐。");
        assert_eq!(shortened("indivisible", 5), "");
    }
}
