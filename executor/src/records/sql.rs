//! Records in a relational database: the verbs, written once for SQLite and Postgres.
//!
//! Both databases run the same statements over the same tables, so they mean the same. What differs is how a
//! transaction is had ([`backend`]) and that Postgres locks the rows a verb reads to change them, in one order:
//! execution, units, plans, budgets. SQLite has one writer at a time and needs no locks.
//!
//! | file | what is in it |
//! | --- | --- |
//! | `backend`, `tx`, `statement`, `rows` | transactions, statements and rows of either database |
//! | `text` | text with characters that a database does not keep |
//! | `batch` | which statements go to the database together |
//! | `store` | the verbs of [`RecordStore`](super::RecordStore), each as one transaction |
//! | `plans`, `accept` | plans, and T0 |
//! | `claims` | ownership: claim, renew, release |
//! | `owned` | the execution that a fenced verb works on |
//! | `lifecycle` | states of executions and steps |
//! | `units` | who draws |
//! | `attempt` | the attempt that a verb works on |
//! | `attempts`, `outcomes` | T1 to T4, and T5 to T7 |
//! | `receipts` | evidence |
//! | `parking` | executions that wait, and what wakes them |
//! | `pace` | turns at providers, and how providers do |
//! | `salvage` | answers that came after the end |
//! | `resolve`, `unpark` | decisions of people |
//! | `ledger`, `budgets` | money, and the limits on it |
//! | `usage`, `verify` | what was used of each model, and whether the books are right |
//! | `events` | the history |
//! | `snapshots` | whole executions |
//! | `library`, `image_rows` | images |
//! | `reviews` | what people say about images, and correct of them |
//! | `sessions` | what has one grouping key, summed up |
//! | `fingerprints` | what images look like |
//! | `audit` | the audit log |
//! | `retention` | what is removed some time after the end |

mod accept;
mod answers;
mod assessments;
mod attempt;
mod attempts;
mod audit;
pub(super) mod backend;
mod batch;
mod budgets;
mod claims;
mod deletion;
mod events;
mod fingerprints;
mod image_rows;
mod ledger;
mod library;
mod lifecycle;
mod outcomes;
mod owned;
mod pace;
mod pages;
mod parking;
mod plans;
#[cfg(test)]
mod query_plans;
mod receipts;
mod resolve;
mod retention;
mod reviews;
mod rows;
mod salvage;
mod sessions;
mod snapshots;
pub(super) mod statement;
mod store;
mod text;
pub(super) mod tx;
mod units;
mod unpark;
mod usage;
mod verify;

/// Records in a relational database.
#[derive(Debug)]
pub struct Sql<B> {
    pub(super) backend: B,
}
