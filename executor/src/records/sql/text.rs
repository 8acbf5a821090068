//! Text that a database may not keep as it is.
//!
//! Postgres keeps no text with a NUL character, and the functions of SQLite end a text at one. JSON may hold it, so a
//! provider may send it, in a job id or in a prompt that it rewrote. A paid answer is not given up for that, and a
//! job id that is sent back must be the one that came: so the character is written as a mark and a digit, and read
//! back as what it was. Equal texts stay equal, which is all that a question about them needs.

/// Begins what stands for another character. Unicode promises that it is never a character of any text.
const MARK: char = '\u{FDD0}';
/// What stands for NUL.
const NUL: &str = "\u{FDD0}0";
/// What stands for the mark itself.
const MARK_ITSELF: &str = "\u{FDD0}1";

/// The text as it is kept.
pub(super) fn kept(text: String) -> String {
    if !text.contains(['\0', MARK]) {
        return text;
    }
    text.replace(MARK, MARK_ITSELF).replace('\0', NUL)
}

/// The text that was kept. A mark that stands for nothing was there before texts were kept this way.
pub(super) fn read(kept: String) -> String {
    if !kept.contains(MARK) {
        return kept;
    }
    let mut pieces = kept.split(MARK);
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (stands_for, rest) = match piece.as_bytes().first() {
            Some(b'0') => ('\0', &piece[1..]),
            Some(b'1') => (MARK, &piece[1..]),
            _ => (MARK, piece),
        };
        text.push(stands_for);
        text.push_str(rest);
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_text_without_odd_characters_is_kept_as_it_is() {
        for text in ["", "a fox", "\u{10ffff}\u{fffd}\u{1}"] {
            assert_eq!(
                (kept(text.to_owned()).as_str(), read(text.to_owned()).as_str()),
                (text, text)
            );
        }
    }

    #[test]
    fn a_mark_from_before_is_read_as_it_is() {
        for text in ["\u{fdd0}", "a\u{fdd0}b", "\u{fdd0}\u{fdd0}2"] {
            assert_eq!(read(text.to_owned()), text);
        }
    }

    proptest! {
        #[test]
        fn every_text_comes_back_and_two_texts_stay_two(
            one in "[\0\u{fdd0}01a]{0,8}",
            other in "[\0\u{fdd0}01a]{0,8}",
        ) {
            let stored = kept(one.clone());
            prop_assert!(!stored.contains('\0'));
            prop_assert_eq!(stored == kept(other.clone()), one == other);
            prop_assert_eq!(read(stored), one);
        }
    }
}
