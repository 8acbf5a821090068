//! A transaction of either database, as the verbs see it.

use std::sync::Arc;

use sqlx::{PgConnection, SqliteConnection};

use super::{super::Result, batch::Queue, ledger::Due, rows::Fields, statement::sql};
use crate::clock::{Clock, UnixMicros};

/// Which database a transaction runs in.
#[derive(Debug)]
pub(in crate::records) enum Connection<'c> {
    /// SQLite: a write transaction is alone, so nothing needs a lock of its own.
    Sqlite(&'c mut SqliteConnection),
    /// Postgres: rows are locked where they are first read.
    Postgres(&'c mut PgConnection),
}

/// An open transaction.
#[derive(Debug)]
pub(in crate::records) struct Tx<'c> {
    pub(super) connection: Connection<'c>,
    /// Rows that are read to be changed are locked until the commit.
    pub(super) writes: bool,
    /// Statements that have not been sent yet.
    pub(super) queue: Queue,
    /// Something was sent.
    pub(super) has_begun: bool,
    /// Changes of balances that are made last.
    pub(super) due: Due,
    clock: Option<Arc<dyn Clock>>,
}

impl<'c> Tx<'c> {
    /// A transaction that changes rows. Its time is that of `clock`; nothing: that of the database server.
    pub(in crate::records) fn writing(connection: Connection<'c>, clock: Option<Arc<dyn Clock>>) -> Self {
        Self {
            connection,
            writes: true,
            queue: Queue::default(),
            has_begun: false,
            due: Due::default(),
            clock,
        }
    }

    /// A look at one snapshot.
    pub(in crate::records) fn reading(connection: Connection<'c>, clock: Option<Arc<dyn Clock>>) -> Self {
        Self {
            connection,
            writes: false,
            queue: Queue::default(),
            has_begun: false,
            due: Due::default(),
            clock,
        }
    }

    /// Sends a statement ahead of the first one.
    pub(in crate::records) fn begin_with(&mut self, text: &'static str) {
        sql(text).later(self);
    }

    /// True when anything was sent.
    pub(in crate::records) fn has_begun(&self) -> bool {
        self.has_begun
    }

    /// True when nobody else writes at the same time.
    pub(super) fn is_alone(&self) -> bool {
        matches!(self.connection, Connection::Sqlite(_))
    }

    /// The time by which leases are judged: one clock for all processes that share the database.
    pub(super) async fn now(&mut self) -> Result<UnixMicros> {
        if let Some(clock) = &self.clock {
            return Ok(clock.now());
        }
        let row = sql("SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT) AS now_us")
            .fetch_one(self)
            .await?;
        Fields(&row).time("now_us")
    }
}
