//! The gates: what must be true after any storm.

mod blobs;
mod calls;
mod endings;
mod facts;
mod history;
mod money;
mod orders;

use std::collections::BTreeMap;

use crate::{database::Database, orders::Entry, stage::Stage, watching::Sight};

use facts::Facts;

/// Holds the records against the provider's own count, against the blob folder, and against what callers saw.
pub(crate) async fn audit(
    stage: &Stage,
    mut database: Database,
    book: &BTreeMap<String, Entry>,
    sights: &[Sight],
) {
    let facts = Facts::read(&mut database).await;
    endings::check(stage, &facts);
    orders::check(stage, &facts, book);
    calls::check(stage, &facts);
    money::check(stage, &facts);
    history::check(stage, &facts, sights);
    blobs::check(stage, &facts);
    facts.summarise();
}
