//! Hints between the processes of one database, by `NOTIFY` and `LISTEN`.
//!
//! A transaction with a `NOTIFY` takes a lock that all of them share until it has committed, so hints are collected
//! and sent by a statement of their own, outside the transactions that keep money. Nothing is owed to a hint: those
//! of a crashed process and those that were sent while a connection was down are lost, and whoever waits for one
//! also looks by itself.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures::{
    StreamExt as _,
    stream::{self, BoxStream},
};
use sqlx::{
    Executor as _, PgPool,
    postgres::{PgConnectOptions, PgListener, PgPoolOptions},
};
use tokio::sync::Notify;
use uuid::Uuid;

use super::super::{Hint, Result};
use crate::{
    backoff::Backoff,
    clock::{Clock as _, SystemClock},
    ids::ExecutionId,
    records::sql::statement::unavailable,
};

/// How long hints are collected before the next statement.
const COLLECT: Duration = Duration::from_millis(20);
/// Executions in one payload, which may have up to 8000 bytes: each takes 34, the sender 32.
const MAX_EXECUTIONS: usize = 230;
/// Longest name of a channel, in bytes.
const MAX_CHANNEL_BYTES: usize = 63;
/// After this much silence the connection is asked whether it lives.
const SILENCE: Duration = Duration::from_secs(30);
/// How long its answer may take.
const PING_TIMEOUT: Duration = Duration::from_secs(10);
/// Delays between tries to listen again.
const RECONNECT: Backoff = Backoff {
    initial: Duration::from_millis(200),
    max: Duration::from_secs(10),
    multiplier_milli: 2000,
};

/// What stands before an execution in a payload. Others are left for later versions.
const CHANGED: char = 'c';
const CLAIMABLE: char = 'w';

/// The hints of one process.
#[derive(Debug)]
pub(super) struct Hints {
    channel: String,
    /// Stands at the head of every payload: a process has no need of its own hints.
    sender: String,
    /// Executions to tell about, and whether they can be claimed.
    pending: Mutex<HashMap<ExecutionId, bool>>,
    wake: Notify,
}

impl Hints {
    /// For all processes that use this schema: channels belong to the database as a whole.
    pub(super) fn new(schema: &str) -> Self {
        let mut channel = format!("limn_{schema}");
        channel.truncate(channel.floor_char_boundary(MAX_CHANNEL_BYTES));
        Self {
            channel,
            sender: Uuid::new_v4().simple().to_string(),
            pending: Mutex::default(),
            wake: Notify::new(),
        }
    }

    /// Notes a hint; it leaves soon.
    pub(super) fn announce(&self, hint: Hint) {
        let (execution, claimable) = match hint {
            Hint::Changed(execution) => (execution, false),
            Hint::Claimable(execution) => (execution, true),
            Hint::Missed => return,
        };
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        *pending.entry(execution).or_default() |= claimable;
        self.wake.notify_one();
    }

    /// Sends what is noted, for as long as the process lives.
    pub(super) async fn send_all(self: Arc<Self>, pool: PgPool) {
        loop {
            self.wake.notified().await;
            for payload in self.take_payloads() {
                if let Err(error) = self.send(&pool, &payload).await {
                    tracing::debug!(%error, "a hint for other processes was lost");
                }
            }
            SystemClock.sleep(COLLECT).await;
        }
    }

    fn take_payloads(&self) -> Vec<String> {
        let pending = std::mem::take(&mut *self.pending.lock().unwrap_or_else(PoisonError::into_inner));
        let words: Vec<String> = pending
            .into_iter()
            .map(|(ExecutionId(id), claimable)| {
                let kind = if claimable { CLAIMABLE } else { CHANGED };
                format!(" {kind}{}", id.simple())
            })
            .collect();
        words
            .chunks(MAX_EXECUTIONS)
            .map(|words| format!("{}{}", self.sender, words.concat()))
            .collect()
    }

    /// Nothing is lost with a hint, so its commit does not wait for the disk while it holds the shared lock.
    async fn send(&self, pool: &PgPool, payload: &str) -> sqlx::Result<()> {
        sqlx::query("SELECT set_config('synchronous_commit', 'off', true), pg_notify($1, $2)")
            .bind(&self.channel)
            .bind(payload)
            .execute(pool)
            .await
            .map(drop)
    }

    /// The hints of other processes, over a connection of its own. Ends never; begins with [`Hint::Missed`], as after
    /// every time without a connection.
    pub(super) fn listen(self: Arc<Self>, options: PgConnectOptions) -> BoxStream<'static, Hint> {
        let listening = Listening {
            hints: self,
            options,
            listener: None,
            failures: 0,
            ready: VecDeque::new(),
        };
        stream::unfold(listening, |mut listening| async move {
            let hint = listening.next().await;
            Some((hint, listening))
        })
        .boxed()
    }

    /// The hints in a payload of another process.
    fn read(&self, payload: &str) -> Vec<Hint> {
        let mut words = payload.split(' ');
        if words.next() == Some(self.sender.as_str()) {
            return Vec::new();
        }
        words.filter_map(read_word).collect()
    }
}

fn read_word(word: &str) -> Option<Hint> {
    let mut letters = word.chars();
    let kind = letters.next()?;
    let execution = ExecutionId(Uuid::try_parse(letters.as_str()).ok()?);
    match kind {
        CHANGED => Some(Hint::Changed(execution)),
        CLAIMABLE => Some(Hint::Claimable(execution)),
        _ => None,
    }
}

struct Listening {
    hints: Arc<Hints>,
    options: PgConnectOptions,
    listener: Option<PgListener>,
    /// Tries to connect since the last success.
    failures: u32,
    /// Hints that arrived together.
    ready: VecDeque<Hint>,
}

impl Listening {
    async fn next(&mut self) -> Hint {
        loop {
            if let Some(hint) = self.ready.pop_front() {
                return hint;
            }
            let heard = match &mut self.listener {
                None => self.connect().await,
                Some(listener) => hear(listener, &self.hints).await,
            };
            match heard {
                Ok(hints) => self.ready.extend(hints),
                Err(error) => {
                    if self.failures == 0 {
                        tracing::warn!(%error, "no hints from other processes; looking now and then until they come again");
                    }
                    self.listener = None;
                    self.failures = self.failures.saturating_add(1);
                    SystemClock.sleep(RECONNECT.bound(self.failures)).await;
                }
            }
        }
    }

    async fn connect(&mut self) -> Result<Vec<Hint>> {
        // A pool of one: the others are for verbs, and this connection is kept for ever.
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .max_lifetime(None)
            .idle_timeout(None)
            .connect_with(self.options.clone())
            .await
            .map_err(unavailable)?;
        let mut listener = PgListener::connect_with(&pool).await.map_err(unavailable)?;
        listener.listen(&self.hints.channel).await.map_err(unavailable)?;
        self.listener = Some(listener);
        if self.failures > 0 {
            tracing::info!("hints from other processes come again");
        }
        self.failures = 0;
        Ok(vec![Hint::Missed])
    }
}

/// Waits for the next payload. A connection that says nothing is asked whether it lives: one that died without a word
/// would stay silent for ever.
async fn hear(listener: &mut PgListener, hints: &Hints) -> Result<Vec<Hint>> {
    let notified = tokio::select! {
        notified = listener.try_recv() => Some(notified.map_err(unavailable)?),
        () = SystemClock.sleep(SILENCE) => None,
    };
    match notified {
        Some(Some(notification)) => Ok(hints.read(notification.payload())),
        // The connection was lost and made again.
        Some(None) => Ok(vec![Hint::Missed]),
        None => tokio::select! {
            answer = listener.execute("SELECT 1") => answer.map(|_| Vec::new()).map_err(unavailable),
            () = SystemClock.sleep(PING_TIMEOUT) => Err(unavailable(sqlx::Error::PoolTimedOut)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn execution(number: u128) -> ExecutionId {
        ExecutionId(Uuid::from_u128(number))
    }

    #[test]
    fn hints_of_others_are_read_and_ones_own_are_not() {
        let (one, other) = (Hints::new("public"), Hints::new("public"));
        one.announce(Hint::Changed(execution(1)));
        one.announce(Hint::Claimable(execution(2)));
        one.announce(Hint::Changed(execution(2)));
        let payloads = one.take_payloads();
        let [payload] = payloads.as_slice() else {
            panic!("{payloads:?}")
        };
        assert_eq!(one.read(payload), []);
        let mut read = other.read(payload);
        read.sort_by_key(|hint| matches!(hint, Hint::Claimable(_)));
        assert_eq!(read, [Hint::Changed(execution(1)), Hint::Claimable(execution(2))]);
        assert_eq!(one.take_payloads(), Vec::<String>::new());
    }

    #[test]
    fn payloads_and_channels_fit() {
        let hints = Hints::new(&"ü".repeat(40));
        assert!(hints.channel.len() <= MAX_CHANNEL_BYTES);
        for number in 0..1000 {
            hints.announce(Hint::Changed(execution(number)));
        }
        let payloads = hints.take_payloads();
        assert!(payloads.iter().all(|payload| payload.len() < 8000));
        let other = Hints::new("public");
        let read: usize = payloads.iter().map(|payload| other.read(payload).len()).sum();
        assert_eq!(read, 1000);
    }

    #[test]
    fn what_a_later_version_says_is_passed_over() {
        let hints = Hints::new("public");
        let id = Uuid::from_u128(3).simple();
        assert_eq!(
            hints.read(&format!("somebody x{id} c{id} w c")),
            [Hint::Changed(execution(3))]
        );
        assert_eq!(hints.read(""), []);
    }
}
