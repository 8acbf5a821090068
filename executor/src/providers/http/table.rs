//! What an answer proves: a table for each API, and the one way in which all of them are read.
//!
//! Reading is total. An answer that no row lists proves nothing, so its outcome is unknown and the call is never sent
//! again by itself.
//!
//! An *own* body is an error object of the API. Anything in between, such as a gateway or a content delivery network,
//! answers with pages of its own; of these only statuses count that say that the request was turned away at the door.

use limn_proto::reason::Reason;

/// One row: all that it names must match.
#[derive(Clone, Copy, Debug)]
pub(in crate::providers) struct Row {
    /// Range of statuses, both ends included.
    pub(in crate::providers) statuses: (u16, u16),
    /// Words of which one must be among those of the error, whole and in any case; empty: any.
    pub(in crate::providers) words: &'static [&'static str],
    /// Whether the body must be the API's own.
    pub(in crate::providers) body: Body,
    /// What it proves.
    pub(in crate::providers) reason: Reason,
}

/// Whose body it must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::providers) enum Body {
    /// The API's.
    Own,
    /// Anybody's.
    Any,
}

/// A row for one status.
pub(in crate::providers) const fn row(
    status: u16,
    words: &'static [&'static str],
    body: Body,
    reason: Reason,
) -> Row {
    rows(status, status, words, body, reason)
}

/// A row for a range of statuses, both ends included.
pub(in crate::providers) const fn rows(
    first: u16,
    last: u16,
    words: &'static [&'static str],
    body: Body,
    reason: Reason,
) -> Row {
    Row {
        statuses: (first, last),
        words,
        body,
        reason,
    }
}

/// What an answer with an error status proves, by the first row that matches; nothing: nothing. `words` are the codes of the
/// error object of the API, or nothing when the body is not its own.
pub(in crate::providers) fn proven(table: &[Row], status: u16, words: Option<&[&str]>) -> Option<Reason> {
    let matches = |row: &&Row| {
        let (first, last) = row.statuses;
        let has_word = words.is_some_and(|words| {
            let is_listed = |word: &&str| row.words.iter().any(|listed| listed.eq_ignore_ascii_case(word));
            words.iter().any(is_listed)
        });
        (first..=last).contains(&status)
            && (row.words.is_empty() || has_word)
            && (row.body == Body::Any || words.is_some())
    };
    table.iter().find(matches).map(|row| row.reason)
}
