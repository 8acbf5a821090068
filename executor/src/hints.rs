//! Listens to the other processes of the database, and wakes what their hints are about.
//!
//! Nothing depends on it: watchers, the search for work and the renewal of leases look by themselves now and then.

use std::sync::Arc;

use futures::StreamExt as _;
use tokio_util::sync::CancellationToken;

use crate::{executor::Inner, ids::ExecutionId, records::Hint, supervisor};

/// Acts on hints until `rest`.
pub(crate) async fn listen(inner: Arc<Inner>, rest: CancellationToken) {
    let Some(mut hints) = inner.parts.records.listen() else {
        return;
    };
    loop {
        let hint = tokio::select! {
            biased;
            () = rest.cancelled() => None,
            hint = hints.next() => hint,
        };
        match hint {
            Some(hint) => act(&inner, hint).await,
            None => return,
        }
    }
}

async fn act(inner: &Inner, hint: Hint) {
    match hint {
        Hint::Changed(execution) => {
            inner.signals.notify_here(execution);
            check_hold(inner, &[execution]).await;
        }
        Hint::Claimable(execution) => {
            inner.signals.notify_here(execution);
            inner.work.notify_one();
            check_hold(inner, &[execution]).await;
        }
        Hint::Missed => {
            inner.signals.notify_all_here();
            inner.work.notify_one();
            check_hold(inner, &inner.running.ids()).await;
        }
    }
}

/// Others write about an execution that is at work here when its client asks them for a stop, or when they took it
/// over. The renewal of its lease tells which.
async fn check_hold(inner: &Inner, executions: &[ExecutionId]) {
    let held: Vec<_> = executions
        .iter()
        .copied()
        .filter(|execution| inner.running.holds(*execution))
        .collect();
    if !held.is_empty() {
        supervisor::renew(inner, &held).await;
    }
}
