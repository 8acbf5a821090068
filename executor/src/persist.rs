//! Writing what must not be forgotten, again and again while the database or the store is away.
//!
//! What a call proved, and what was paid for, is known to nobody else. A write that fails for a moment is no
//! reason to forget it; only the loss of the execution to another process ends the tries.

use std::{fmt, time::Duration};

use bytes::Bytes;
use tokio_util::sync::CancellationToken;

use crate::{
    backoff::Backoff,
    blob::{BlobError, BlobKey, BlobMetadata},
    clock::Clock,
    executor::Inner,
    records::{Receipt, RecordError},
    run::Run,
};

/// Delays between tries. Full delays, no jitter: nobody else competes for the same write.
const BACKOFF: Backoff = Backoff {
    initial: Duration::from_millis(200),
    max: Duration::from_secs(30),
    multiplier_milli: 2000,
};

/// What became of a save.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Saved {
    /// The bytes are stored.
    Stored,
    /// Other bytes are stored under the key, and stay.
    OtherBytes,
}

/// Makes a write of records until the database takes it or refuses it for another reason than being away.
pub(crate) async fn record<T, F>(run: &Run<'_>, write: impl FnMut() -> F) -> Result<T, RecordError>
where
    F: Future<Output = Result<T, RecordError>>,
{
    let is_away = |error: &RecordError| matches!(error, RecordError::Unavailable(_));
    let outcome = until_done(run.inner.parts.clock.as_ref(), &run.stops.lost, is_away, write).await;
    outcome.unwrap_or(Err(RecordError::Fenced))
}

/// Leaves evidence with the records for whoever owns the execution now. The loss of it is no reason to be silent, so
/// only the end of the process ends the tries.
pub(crate) async fn evidence(inner: &Inner, receipt: &Receipt) -> Result<(), RecordError> {
    let write = || inner.parts.records.add_receipt(receipt);
    let is_away = |error: &RecordError| matches!(error, RecordError::Unavailable(_));
    let never = CancellationToken::new();
    let outcome = until_done(inner.parts.clock.as_ref(), &never, is_away, write).await;
    outcome.unwrap_or(Err(RecordError::Fenced))
}

/// Saves bytes until the store has them, or the execution is lost.
pub(crate) async fn save(
    inner: &Inner,
    lost: &CancellationToken,
    key: &BlobKey,
    metadata: &BlobMetadata,
    bytes: &Bytes,
) -> Result<Saved, RecordError> {
    let put = || inner.parts.blobs.put(key, metadata, bytes.clone());
    let is_away = |error: &BlobError| !matches!(error, BlobError::Conflict(_));
    match until_done(inner.parts.clock.as_ref(), lost, is_away, put).await {
        None => Err(RecordError::Fenced),
        Some(Ok(())) => Ok(Saved::Stored),
        Some(Err(_)) => Ok(Saved::OtherBytes),
    }
}

/// Nothing when the execution was lost before the write was done.
async fn until_done<T, E, F>(
    clock: &dyn Clock,
    lost: &CancellationToken,
    is_away: impl Fn(&E) -> bool,
    mut write: impl FnMut() -> F,
) -> Option<Result<T, E>>
where
    E: fmt::Display,
    F: Future<Output = Result<T, E>>,
{
    let mut failures = 0;
    loop {
        match write().await {
            Err(error) if is_away(&error) => {
                failures += 1;
                tracing::error!(failures, %error, "writing failed; trying again");
            }
            done => return Some(done),
        }
        tokio::select! {
            biased;
            () = lost.cancelled() => return None,
            () = clock.sleep(BACKOFF.bound(failures)) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::ready,
        sync::atomic::{AtomicUsize, Ordering},
    };

    use async_trait::async_trait;

    use super::*;
    use crate::clock::UnixMicros;

    /// A clock whose waits are over at once.
    #[derive(Debug)]
    struct Hurried;

    #[async_trait]
    impl Clock for Hurried {
        fn now(&self) -> UnixMicros {
            UnixMicros(0)
        }

        fn uptime(&self) -> Duration {
            Duration::ZERO
        }

        async fn sleep(&self, _duration: Duration) {}
    }

    async fn attempt(
        answers: &[Result<u32, &str>],
        lost: &CancellationToken,
    ) -> (Option<Result<u32, String>>, usize) {
        let writes = AtomicUsize::new(0);
        let write = || {
            let answer = answers[writes.fetch_add(1, Ordering::Relaxed)];
            ready(answer.map_err(str::to_owned))
        };
        let outcome = until_done(&Hurried, lost, |error: &String| error == "away", write).await;
        (outcome, writes.into_inner())
    }

    #[tokio::test]
    async fn a_write_is_repeated_while_its_place_is_away_and_no_longer() {
        let lost = CancellationToken::new();
        let answers = [Err("away"), Err("away"), Ok(7), Ok(8)];
        assert_eq!(attempt(&answers, &lost).await, (Some(Ok(7)), 3));
        let answers = [Err("away"), Err("refused"), Ok(8)];
        assert_eq!(
            attempt(&answers, &lost).await,
            (Some(Err("refused".to_owned())), 2)
        );
    }

    /// Waits for ever, so that only the loss can end the wait.
    #[derive(Debug)]
    struct Stopped;

    #[async_trait]
    impl Clock for Stopped {
        fn now(&self) -> UnixMicros {
            UnixMicros(0)
        }

        fn uptime(&self) -> Duration {
            Duration::ZERO
        }

        async fn sleep(&self, _duration: Duration) {
            std::future::pending::<()>().await;
        }
    }

    #[tokio::test]
    async fn the_loss_of_the_execution_ends_the_tries() {
        let lost = CancellationToken::new();
        lost.cancel();
        let away = || ready(Err::<u32, String>("away".to_owned()));
        assert_eq!(until_done(&Stopped, &lost, |_| true, away).await, None);
    }
}
