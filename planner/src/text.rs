//! Text at the door: Unicode NFC, LF line ends, no U+0000.
//!
//! After this, text is never changed again, so a client needs no Unicode library to recompute a digest.

use alloc::string::String;

use unicode_normalization::{UnicodeNormalization, is_nfc};

/// Brings text into the form of a plan. U+0000 stays; whoever takes the text must refuse it.
pub(crate) fn normalize(text: &str) -> String {
    if is_normal(text) {
        return text.into();
    }
    text.replace("\r\n", "\n").replace('\r', "\n").nfc().collect()
}

/// True for text in the form of a plan, apart from U+0000.
pub(crate) fn is_normal(text: &str) -> bool {
    !text.contains('\r') && is_nfc(text)
}

/// Number of Unicode scalar values: what providers call characters.
pub(crate) fn char_count(text: &str) -> usize {
    text.chars().count()
}

/// True for "YYYY-MM-DD" with a month and a day that exist.
pub(crate) fn is_date(text: &str) -> bool {
    let mut parts = text.splitn(3, '-');
    let mut number = |digits: usize| {
        let part = parts.next()?;
        let digits_only = part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit());
        if digits_only {
            part.parse::<u32>().ok()
        } else {
            None
        }
    };
    let (Some(year), Some(month), Some(day)) = (number(4), number(2), number(2)) else {
        return false;
    };
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    (1..=days).contains(&day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_becomes_nfc_with_lf_line_ends() {
        assert_eq!(normalize("Cafe\u{301}\r\nbar\rend"), "Caf\u{e9}\nbar\nend");
        assert_eq!(normalize("plain\n"), "plain\n");
    }

    #[test]
    fn dates_must_exist() {
        for good in ["2026-04-21", "2024-02-29", "2000-02-29"] {
            assert!(is_date(good), "{good}");
        }
        for bad in [
            "2026-02-29",
            "1900-02-29",
            "2026-4-21",
            "2026-13-01",
            "2026-00-10",
            "",
            "2026-01-01-",
        ] {
            assert!(!is_date(bad), "{bad}");
        }
    }
}
