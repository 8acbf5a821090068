//! Records in SQLite: one file, one process.
//!
//! All writes go through one connection, and each is a `BEGIN IMMEDIATE` transaction: a verb sees everything that
//! was committed before it and nothing can come between its look and its change. The write-ahead log is synced on
//! every commit, because a commit that is lost after a provider was called could be paid twice. Reads have
//! connections of their own and see one snapshot each.
//!
//! | file | what is in it |
//! | --- | --- |
//! | `open` | opening, migrating and closing the file |
//! | `store` | the verbs of [`RecordStore`](super::RecordStore), each as one transaction |
//! | `plans`, `accept` | plans, and T0 |
//! | `claims` | ownership: claim, renew, release |
//! | `owned` | the execution that a fenced verb works on |
//! | `lifecycle` | states of executions and steps |
//! | `units` | who draws |
//! | `attempts`, `outcomes` | T1 to T4, and T5 to T7 |
//! | `ledger` | money |
//! | `events` | the history |
//! | `snapshots` | whole executions |
//! | `library`, `image_rows` | images |
//! | `rows` | columns to fields |

mod accept;
mod attempts;
mod claims;
mod events;
mod image_rows;
mod ledger;
mod library;
mod lifecycle;
mod open;
mod outcomes;
mod owned;
mod pages;
mod plans;
#[cfg(test)]
mod query_plans;
mod rows;
mod snapshots;
mod store;
mod units;

pub use open::SqliteRecords;
