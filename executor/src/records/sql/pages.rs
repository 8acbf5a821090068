//! Pages of lists: newest first, after a place.

use super::{super::Page, statement::Statement};

/// Ends a list query with its place, its order and its length. `id` is the column that tells rows of the same time
/// apart; like all text here it is fixed, and every value is bound.
pub(super) fn push(query: &mut Statement, id: &'static str, page: &Page) {
    if let Some((created, last)) = &page.after {
        query.push(" AND (created_us, ").push(id).push(") < (");
        query.push_bind(created.0);
        query.push(", ").push_bind(last.clone()).push(")");
    }
    query.push(" ORDER BY created_us DESC, ").push(id);
    query.push(" DESC LIMIT ").push_bind(page.limit);
}
