//! Records in SQLite: one file, one process.
//!
//! All writes go through one connection, and the write-ahead log is synced on every commit, because a commit that is
//! lost after a provider was called could be paid twice. A sync costs milliseconds, so verbs that wait for their turn
//! share one (`writer`). Reads have connections of their own and see one snapshot each.

mod open;
mod watchful;
mod writer;

pub use open::{SqliteFile, SqliteRecords};
