//! How a call of the records waits for its turn at the scheduler, and for its answer.

use std::{fmt, sync::Arc};

use futures::{FutureExt as _, future::BoxFuture};
use limn_executor::records::{Fence, RecordError, Result, sqlite::SqliteRecords};
use tokio::sync::oneshot;

use crate::{
    brief::Brief,
    desk::{Applied, Desk, Fact, Fault, StoreCall, Work},
};

/// The records of one process.
pub(crate) struct Records {
    pub(crate) process: u32,
    pub(crate) desk: Arc<Desk>,
}

impl fmt::Debug for Records {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Records")
    }
}

impl Records {
    pub(crate) fn new(process: u32, desk: Arc<Desk>) -> Self {
        Self { process, desk }
    }

    /// Waits for the turn of a call, and then for its answer.
    pub(crate) async fn call<T, F>(&self, asked: Asked<T>, run: F) -> Result<T>
    where
        T: Brief + Send + 'static,
        F: FnOnce(Arc<SqliteRecords>) -> BoxFuture<'static, Result<T>> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let label = format!("{} {}", asked.verb, asked.subject);
        let (verb, fence, reads) = (asked.verb, asked.fence, asked.reads);
        let run = move |store: Arc<SqliteRecords>, fault: Fault| {
            async move {
                let done = match fault {
                    Fault::Before => Err(away()),
                    Fault::Nothing | Fault::After => run(store).await,
                };
                let facts = done
                    .as_ref()
                    .map(|result| (asked.facts)(result))
                    .unwrap_or_default();
                let is_ok = done.is_ok();
                let is_mistake = matches!(
                    done,
                    Err(RecordError::WrongState { .. } | RecordError::Damaged(_))
                );
                let told = if fault == Fault::After {
                    done.and(Err(away()))
                } else {
                    done
                };
                let brief = match &told {
                    Ok(result) => result.brief(),
                    Err(error) if is_ok => format!("ok, but told: {error}"),
                    Err(error) => error.to_string(),
                };
                Applied {
                    brief,
                    is_ok,
                    is_mistake,
                    facts,
                    decodes: matches!(verb, "received" | "plan"),
                    deliver: Box::new(move || drop(answer.send(told))),
                }
            }
            .boxed()
        };
        let call = StoreCall {
            verb,
            fence,
            reads,
            run: Box::new(run),
        };
        self.desk.arrive(self.process, label, Work::Store(call));
        answered.await.unwrap_or_else(|_| Err(away()))
    }
}

/// What an answer of the store means to the world.
pub(crate) type Facts<T> = Box<dyn Fn(&T) -> Vec<Fact> + Send>;

/// A call, before its arguments.
pub(crate) struct Asked<T> {
    verb: &'static str,
    subject: String,
    fence: Option<Fence>,
    reads: bool,
    pub(crate) facts: Facts<T>,
}

impl<T> Asked<T> {
    pub(crate) fn new(verb: &'static str, subject: String) -> Self {
        Self {
            verb,
            subject,
            fence: None,
            reads: false,
            facts: Box::new(|_| Vec::new()),
        }
    }

    pub(crate) fn fenced(mut self, fence: &Fence) -> Self {
        self.fence = Some(*fence);
        self
    }

    pub(crate) fn reading(mut self) -> Self {
        self.reads = true;
        self
    }
}

fn away() -> RecordError {
    RecordError::Unavailable("the simulated database is away".into())
}

/// Makes the call with arguments of its own: it may be carried out after its caller has gone.
macro_rules! call {
    ($records:ident, $asked:expr, |$store:ident $(, $argument:ident)*| $verb:expr) => {{
        let arguments = ($($argument.to_owned(),)*);
        $records.call($asked, move |$store| async move {
            let ($($argument,)*) = &arguments;
            $verb.await
        }.boxed()).await
    }};
}

pub(crate) use call;
