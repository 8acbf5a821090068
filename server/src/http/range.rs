//! The `Range` and `If-None-Match` headers, after RFC 9110 sections 13 and 14.

/// Part of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range {
    /// First byte, counted from 0.
    pub(super) first: u64,
    /// Number of bytes.
    pub(super) length: u64,
}

/// What a `Range` header asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Everything. Also what headers come to that are malformed, of another unit, or ask for several parts.
    Whole,
    /// One part that exists.
    Part(Range),
    /// A part that begins past the end.
    Unsatisfiable,
}

/// Reads a `Range` header for an object of `size` bytes.
pub(super) fn parse(header: &str, size: u64) -> Wanted {
    let Some((first, last)) = header
        .strip_prefix("bytes=")
        .and_then(|spec| spec.trim().split_once('-'))
    else {
        return Wanted::Whole;
    };
    let number = |text: &str| text.parse::<u64>().ok().filter(|_| !text.starts_with('+'));
    let (first, last) = match (first, number(first), last, number(last)) {
        ("", _, _, Some(suffix)) => (size.saturating_sub(suffix), size.saturating_sub(1)),
        (_, Some(first), "", _) => (first, size.saturating_sub(1)),
        (_, Some(first), _, Some(last)) if first <= last => (first, last.min(size.saturating_sub(1))),
        _ => return Wanted::Whole,
    };
    if first >= size {
        return Wanted::Unsatisfiable;
    }
    let length = last - first + 1;
    Wanted::Part(Range { first, length })
}

/// True when an `If-None-Match` header names the tag, weakly or strongly, or any tag.
pub(super) fn names_tag(header: &str, tag: &str) -> bool {
    header
        .split(',')
        .map(str::trim)
        .any(|named| named == "*" || named.strip_prefix("W/").unwrap_or(named) == tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(first: u64, length: u64) -> Wanted {
        Wanted::Part(Range { first, length })
    }

    #[test]
    fn one_range_is_understood_in_all_its_forms() {
        assert_eq!(parse("bytes=0-0", 10), part(0, 1));
        assert_eq!(parse("bytes=2-5", 10), part(2, 4));
        assert_eq!(parse("bytes=2-", 10), part(2, 8));
        assert_eq!(parse("bytes=-3", 10), part(7, 3));
        assert_eq!(parse("bytes=-30", 10), part(0, 10));
        assert_eq!(parse("bytes=8-99", 10), part(8, 2));
    }

    #[test]
    fn a_range_past_the_end_cannot_be_satisfied() {
        assert_eq!(parse("bytes=10-", 10), Wanted::Unsatisfiable);
        assert_eq!(parse("bytes=11-12", 10), Wanted::Unsatisfiable);
        assert_eq!(parse("bytes=-0", 10), Wanted::Unsatisfiable);
        assert_eq!(parse("bytes=0-", 0), Wanted::Unsatisfiable);
    }

    #[test]
    fn what_is_no_single_range_asks_for_everything() {
        for header in [
            "",
            "bytes=",
            "bytes=-",
            "bytes=5-2",
            "bytes=0-1,3-4",
            "lines=0-1",
            "bytes=+1-2",
            "bytes=a-b",
            "bytes=0-99999999999999999999",
        ] {
            assert_eq!(parse(header, 10), Wanted::Whole, "{header}");
        }
    }

    #[test]
    fn a_known_tag_is_found_in_a_list() {
        assert!(names_tag("\"a\", W/\"b\"", "\"b\""));
        assert!(names_tag("*", "\"b\""));
        assert!(!names_tag("\"a\"", "\"b\""));
    }
}
