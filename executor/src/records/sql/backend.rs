//! What a database must be able to do for the verbs: run one in a transaction of its own.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use futures::{future::BoxFuture, stream::BoxStream};
use sqlx::{Postgres, Sqlite, Transaction};

use super::{
    super::{Hint, Result},
    tx::{Connection, Tx},
};
use crate::clock::Clock;

/// A verb with its arguments. May run more than once: a transaction that met another in a knot is tried again.
pub(in crate::records) type Work<T> =
    Box<dyn for<'t, 'c> Fn(&'t mut Tx<'c>) -> BoxFuture<'t, Result<T>> + Send + Sync>;

/// A database.
#[async_trait]
pub(in crate::records) trait Backend: fmt::Debug + Send + Sync + 'static {
    /// Runs a verb in a write transaction. An error rolls all of it back; when this returns, the change is durable.
    async fn write<T: Send + 'static>(&self, work: Work<T>) -> Result<T>;

    /// Begins a look at one snapshot.
    async fn read(&self) -> Result<Snapshot>;

    /// Asks whether the database can be written to, without a trace; says what it is.
    async fn check(&self) -> Result<String>;

    /// Sends a hint to other processes, where there are any.
    fn announce(&self, _hint: Hint) {}

    /// The hints of other processes, where there are any.
    fn listen(&self) -> Option<BoxStream<'static, Hint>> {
        None
    }
}

/// One state of the database, however long the look at it takes.
#[derive(Debug)]
pub(in crate::records) struct Snapshot {
    transaction: Look,
    clock: Option<Arc<dyn Clock>>,
}

#[derive(Debug)]
enum Look {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

impl Snapshot {
    pub(in crate::records) fn sqlite(
        transaction: Transaction<'static, Sqlite>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            transaction: Look::Sqlite(transaction),
            clock: Some(clock),
        }
    }

    pub(in crate::records) fn postgres(
        transaction: Transaction<'static, Postgres>,
        clock: Option<Arc<dyn Clock>>,
    ) -> Self {
        Self {
            transaction: Look::Postgres(transaction),
            clock,
        }
    }

    pub(super) fn tx(&mut self) -> Tx<'_> {
        let connection = match &mut self.transaction {
            Look::Sqlite(transaction) => Connection::Sqlite(transaction),
            Look::Postgres(transaction) => Connection::Postgres(transaction),
        };
        Tx::reading(connection, self.clock.clone())
    }
}
