//! Group commit: verbs that wait while a commit is being synced run together in the next transaction and share its
//! sync. Each verb has a savepoint of its own, so one that is refused takes nothing of the others with it; and nobody
//! gets an answer before the transaction is durable.
//!
//! Statements about savepoints go to the database with the first statement of the verb. Two names take turns: should
//! a savepoint ever not be made, then going back to it fails, and does not go back to that of the verb before.

use std::{any::Any, panic::AssertUnwindSafe, sync::Arc};

use async_trait::async_trait;
use futures::FutureExt as _;
use sqlx::{Connection as _, SqliteConnection, SqlitePool};
use tokio::sync::{mpsc, oneshot};

use super::{
    super::{
        RecordError, Result,
        sql::{
            backend::Work,
            tx::{Connection, Tx},
        },
    },
    watchful::Watchful,
};
use crate::clock::Clock;

/// Most verbs in one transaction: bounds how long the first of them waits for the last.
const MAX_GROUP: usize = 256;
/// Most transactions before the connection is given back, for those who want it for something else.
const MAX_GROUPS: usize = 16;

/// The way to the one connection that writes.
#[derive(Debug)]
pub(super) struct Writer {
    jobs: mpsc::UnboundedSender<Box<dyn Job>>,
}

impl Writer {
    /// Starts the task that owns the connection. It ends with the last handle, after what was asked for before.
    pub(super) fn start(pool: SqlitePool, clock: Arc<dyn Clock>) -> Self {
        let (jobs, waiting) = mpsc::unbounded_channel();
        tokio::spawn(Watchful::new(write_groups(pool, clock, waiting)));
        Self { jobs }
    }

    /// Runs a verb to its end, even when the caller goes away.
    pub(super) async fn run<T: Send + 'static>(&self, work: Work<T>) -> Result<T> {
        let (answer, answered) = oneshot::channel();
        let job = VerbJob {
            work,
            outcome: None,
            answer,
        };
        let gone = || RecordError::Unavailable("the database was closed".into());
        self.jobs.send(Box::new(job)).map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }
}

/// A verb that waits for its turn, whatever its answer is.
#[async_trait]
trait Job: Send {
    /// Runs the verb; true when its changes are to stay.
    async fn run(&mut self, tx: &mut Tx<'_>) -> bool;

    /// Ends the verb with an outcome that is not its own.
    fn fail(&mut self, error: RecordError);

    /// Tells the caller, once the transaction is durable.
    fn answer(self: Box<Self>);
}

struct VerbJob<T> {
    work: Work<T>,
    outcome: Option<Result<T>>,
    answer: oneshot::Sender<Result<T>>,
}

#[async_trait]
impl<T: Send + 'static> Job for VerbJob<T> {
    async fn run(&mut self, tx: &mut Tx<'_>) -> bool {
        // A bug in one verb may not end the writing of all.
        let outcome = AssertUnwindSafe((self.work)(tx)).catch_unwind().await;
        let outcome = outcome.unwrap_or_else(|panic| Err(stopped_by(panic.as_ref())));
        let stays = outcome.is_ok();
        self.outcome = Some(outcome);
        stays
    }

    fn fail(&mut self, error: RecordError) {
        self.outcome = Some(Err(error));
    }

    fn answer(self: Box<Self>) {
        if let Some(outcome) = self.outcome {
            // A caller that went away asks again, and finds what was done.
            let _ = self.answer.send(outcome);
        }
    }
}

async fn write_groups(
    pool: SqlitePool,
    clock: Arc<dyn Clock>,
    mut waiting: mpsc::UnboundedReceiver<Box<dyn Job>>,
) {
    let mut next = waiting.recv().await;
    while next.is_some() {
        let mut connection = pool.acquire().await;
        // Kept for some groups, because to have it costs as much as many statements; then it is somebody else's turn.
        for _ in 0..MAX_GROUPS {
            let Some(first) = next.take() else {
                break;
            };
            let mut group = vec![first];
            let written = match &mut connection {
                Ok(connection) => write_group(connection, &clock, &mut group, &mut waiting)
                    .await
                    .map_err(|error| error.to_string()),
                Err(error) => Err(error.to_string()),
            };
            if let Err(message) = &written {
                for job in &mut group {
                    job.fail(RecordError::Unavailable(message.clone().into()));
                }
            }
            for job in group {
                job.answer();
            }
            if written.is_err() {
                break;
            }
            next = waiting.try_recv().ok();
        }
        drop(connection);
        if next.is_none() {
            next = waiting.recv().await;
        }
    }
}

/// Runs everything that waits in one transaction. An error means that nothing of it is durable.
async fn write_group(
    connection: &mut SqliteConnection,
    clock: &Arc<dyn Clock>,
    group: &mut Vec<Box<dyn Job>>,
    waiting: &mut mpsc::UnboundedReceiver<Box<dyn Job>>,
) -> std::result::Result<(), sqlx::Error> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    let mut savepoints = Savepoints::default();
    let mut next = 0;
    while let Some(job) = group.get_mut(next) {
        savepoints.run(&mut transaction, clock, job.as_mut()).await?;
        next += 1;
        if next == group.len() && next < MAX_GROUP {
            group.extend(waiting.try_recv().ok());
        }
    }
    transaction.commit().await
}

/// The savepoints of one transaction, which end with it.
#[derive(Default)]
struct Savepoints {
    /// That of the last verb; nothing can go back to it any more.
    done: Option<&'static Savepoint>,
}

/// A name of savepoints in its statements.
struct Savepoint {
    begin: &'static str,
    end: &'static str,
    undo: &'static str,
}

static ODD: Savepoint = Savepoint {
    begin: "SAVEPOINT odd_verb",
    end: "RELEASE SAVEPOINT odd_verb",
    undo: "ROLLBACK TO SAVEPOINT odd_verb",
};
static EVEN: Savepoint = Savepoint {
    begin: "SAVEPOINT even_verb",
    end: "RELEASE SAVEPOINT even_verb",
    undo: "ROLLBACK TO SAVEPOINT even_verb",
};

impl Savepoints {
    /// Runs a verb. An error means that the whole transaction has failed.
    async fn run(
        &mut self,
        connection: &mut SqliteConnection,
        clock: &Arc<dyn Clock>,
        job: &mut dyn Job,
    ) -> std::result::Result<(), sqlx::Error> {
        let mut tx = Tx::writing(Connection::Sqlite(&mut *connection), Some(Arc::clone(clock)));
        let savepoint = match self.done {
            Some(done) if std::ptr::eq(done, &raw const ODD) => &EVEN,
            _ => &ODD,
        };
        if let Some(done) = self.done {
            tx.begin_with(done.end);
        }
        tx.begin_with(savepoint.begin);
        let stays = job.run(&mut tx).await;
        if !tx.has_begun() {
            // Refused before it looked at anything.
            return Ok(());
        }
        self.done = Some(savepoint);
        if !stays {
            // Fails when the error ended the whole transaction, for example on a full disk: then nobody's work is kept.
            sqlx::query(savepoint.undo).execute(connection).await?;
        }
        Ok(())
    }
}

fn stopped_by(panic: &(dyn Any + Send)) -> RecordError {
    let message = panic.downcast_ref::<&str>().copied();
    let message = message.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    RecordError::Damaged(format!("a verb stopped: {}", message.unwrap_or("a panic")))
}
