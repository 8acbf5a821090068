//! News of work: what a provider sends by itself to the address that a call named.
//!
//! News are evidence and a hint, and never an outcome. They prove that the provider took the work, under which id, so that a call
//! whose answer was lost can be asked for; and they say that asking is worth it now. What became of the work is learnt
//! by asking, as ever. So whatever comes twice, late, in another order or not at all changes nothing.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

use crate::{
    executor::{Executor, Inner},
    ids::AttemptId,
    provider::{Webhook, WebhookEvent, WebhookRefused},
    records::{AttemptRecord, AttemptState, Receipt, ReceiptKind, RecordError},
};

/// Header of a receipt that tells what its news said.
const SAID: &str = "limn-news";

/// Why news have no effect.
#[derive(Debug, thiserror::Error)]
pub enum NewsError {
    /// The provider is not known here, or takes no news, or the attempt is none of its own.
    #[error("nobody waits for it")]
    Unknown,
    /// They are not proven to be the provider's.
    #[error("it is not proven to be the provider's")]
    Unproven,
    /// They cannot be written down now.
    #[error(transparent)]
    Records(#[from] RecordError),
}

/// The attempts that are being asked for in this process.
#[derive(Clone, Debug, Default)]
pub(crate) struct News {
    listeners: Arc<Mutex<BTreeMap<AttemptId, Arc<Notify>>>>,
}

/// Waits for news of one attempt; dropping it ends that.
#[derive(Debug)]
pub(crate) struct Listening {
    news: News,
    attempt: AttemptId,
    came: Arc<Notify>,
}

impl News {
    /// Begins to wait. News that come from now on are not missed.
    pub(crate) fn listen(&self, attempt: AttemptId) -> Listening {
        let came = Arc::new(Notify::new());
        self.lock().insert(attempt, Arc::clone(&came));
        Listening {
            news: self.clone(),
            attempt,
            came,
        }
    }

    fn tell(&self, attempt: AttemptId) {
        if let Some(came) = self.lock().get(&attempt) {
            came.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<AttemptId, Arc<Notify>>> {
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listening {
    /// Returns once news have come since the last call.
    pub(crate) async fn came(&self) {
        self.came.notified().await;
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let mut listeners = self.news.lock();
        // Whoever asks for the attempt now may be another one.
        let is_own = |came: &Arc<Notify>| Arc::ptr_eq(came, &self.came);
        if listeners.get(&self.attempt).is_some_and(is_own) {
            listeners.remove(&self.attempt);
        }
    }
}

impl Executor {
    /// Takes news that were sent to the address of an attempt: its provider proves them, they are written down as
    /// evidence, and whoever waits for the attempt asks at once. The same news twice are taken once.
    ///
    /// # Errors
    /// They have no effect.
    pub async fn take_news(
        &self,
        provider: &str,
        attempt: AttemptId,
        webhook: &Webhook<'_>,
    ) -> Result<(), NewsError> {
        let inner = &self.inner;
        let adapter = inner.parts.providers.get(provider).ok_or(NewsError::Unknown)?;
        // Before anything is read from the database, so that a stranger learns and costs nothing.
        let event = adapter.webhook(webhook).map_err(|refused| match refused {
            WebhookRefused::NotTaken => NewsError::Unknown,
            WebhookRefused::BadSignature | WebhookRefused::Unreadable => NewsError::Unproven,
        })?;
        let found = inner.parts.records.attempt(attempt).await?;
        let (execution, record) = found
            .filter(|(_, record)| record.provider == provider)
            .ok_or(NewsError::Unknown)?;
        if waits(&record) {
            keep(inner, &record, &event, webhook).await?;
            inner.news.tell(attempt);
            inner.offer(execution);
        }
        Ok(())
    }
}

/// True while news can tell something about an attempt.
fn waits(record: &AttemptRecord) -> bool {
    matches!(
        record.state,
        AttemptState::Dispatching | AttemptState::Accepted | AttemptState::Unknown
    )
}

/// Adds the evidence, unless it is there.
async fn keep(
    inner: &Inner,
    record: &AttemptRecord,
    event: &WebhookEvent,
    webhook: &Webhook<'_>,
) -> Result<(), RecordError> {
    let said = if event.is_ended { "ended" } else { "begun" };
    let headers = BTreeMap::from([(SAID.to_owned(), said.to_owned())]);
    let known = inner.parts.records.receipts(record.id).await?;
    let is_same = |receipt: &Receipt| {
        receipt.kind == ReceiptKind::Accepted
            && receipt.request_id == event.job_id
            && receipt.headers == headers
    };
    if known.iter().any(is_same) {
        return Ok(());
    }
    let receipt = Receipt {
        attempt: record.id,
        kind: ReceiptKind::Accepted,
        staging_key: String::new(),
        body_sha256: String::new(),
        size_bytes: 0,
        media_type: String::new(),
        request_id: event.job_id.clone(),
        headers,
        at: webhook.now,
    };
    inner.parts.records.add_receipt(&receipt).await
}
