//! Claims executions, keeps their leases alive, and runs them.

use std::{collections::HashSet, sync::Arc};

use tokio_util::sync::CancellationToken;

use crate::{
    detection,
    executor::Inner,
    hints,
    ids::ExecutionId,
    pace,
    records::{Claim, RecordError},
    retention, run,
    running::Entry,
    salvage,
};

/// Starts the tasks of an executor.
pub(crate) fn spawn(inner: &Arc<Inner>) {
    // Until the last execution has drained, others may have something to say about it.
    let rest = CancellationToken::new();
    inner.tasks.spawn(hints::listen(Arc::clone(inner), rest.clone()));
    inner.tasks.spawn(claim_loop(Arc::clone(inner)));
    let heartbeat = heartbeat_loop(Arc::clone(inner));
    inner.tasks.spawn(async move {
        let _rest = rest.drop_guard();
        heartbeat.await;
    });
    inner.tasks.spawn(reconcile_loop(Arc::clone(inner)));
    inner.tasks.spawn(retention::prune_loop(Arc::clone(inner)));
    inner.tasks.spawn(detection::make_up(Arc::clone(inner)));
}

async fn claim_loop(inner: Arc<Inner>) {
    while !inner.stopping.is_cancelled() {
        claim_once(&inner).await;
        tokio::select! {
            biased;
            () = inner.stopping.cancelled() => {}
            () = inner.work.notified() => {}
            () = inner.parts.clock.sleep(inner.parts.settings.poll) => {}
        }
    }
}

async fn claim_once(inner: &Arc<Inner>) {
    let settings = &inner.parts.settings;
    let running = inner.running.ids();
    let in_progress = u32::try_from(running.len()).unwrap_or(u32::MAX);
    let free = settings.max_running_executions.saturating_sub(in_progress);
    let (limit, these) = if free > 0 {
        (free, inner.asked.without(&running))
    } else {
        let awaited = inner.awaited.without(&running);
        (u32::try_from(awaited.len()).unwrap_or(u32::MAX), Some(awaited))
    };
    if limit == 0 {
        return;
    }
    // From before the claim: the database counts from later.
    let leased_until = inner.parts.clock.uptime().saturating_add(settings.lease);
    let records = &inner.parts.records;
    // A lease can pass while its owner is at work: a laptop sleeps, a disk hangs. Taking over from oneself would give
    // up the calls in flight.
    let claims = match these {
        None => records.claim(inner.boot, settings.lease, limit, &running).await,
        Some(these) => {
            records
                .claim_these(inner.boot, settings.lease, limit, &these)
                .await
        }
    };
    match claims {
        Ok(claims) => {
            for claim in claims {
                // Entered before the next look for work, and before a cancel can miss it.
                let entry = inner.running.enter(claim.fence.execution, leased_until);
                inner.tasks.spawn(run_claim(Arc::clone(inner), claim, entry));
            }
        }
        Err(error) => tracing::error!(%error, "executions could not be claimed"),
    }
}

async fn run_claim(inner: Arc<Inner>, claim: Claim, entry: Entry) {
    let execution = claim.fence.execution;
    match run::execution(&inner, &claim, entry.stops.clone()).await {
        Ok(()) => {}
        Err(RecordError::Fenced) => {
            tracing::warn!(%execution, "stopped: the execution is owned elsewhere");
        }
        Err(error) => {
            tracing::error!(%execution, %error, "execution stopped; it goes on when it is claimed again");
            if matches!(error, RecordError::Unavailable(_)) {
                give_back(&inner, &claim, &entry).await;
            }
        }
    }
    drop(entry);
    if inner.stopping.is_cancelled() {
        // What is left of it was given back.
        inner.signals.offer(execution);
    } else {
        inner.signals.notify(execution);
    }
    // A place is free.
    inner.work.notify_one();
}

/// Gives back an execution that could not be recorded, once the database takes that: nobody has to wait for its lease.
async fn give_back(inner: &Inner, claim: &Claim, entry: &Entry) {
    // Not at once: what failed would fail again.
    let pause = || inner.parts.clock.sleep(inner.parts.settings.poll);
    while !entry.stops.lost.is_cancelled() {
        tokio::select! {
            () = pause() => {}
            () = entry.stops.lost.cancelled() => return,
            // One try, and then its lease has to pass.
            () = inner.stopping.cancelled() => {}
        }
        let released = inner.parts.records.release(&claim.fence).await;
        let is_away = matches!(released, Err(RecordError::Unavailable(_)));
        if !is_away || inner.stopping.is_cancelled() {
            return;
        }
    }
}

/// Renews all leases in one statement. Runs until every execution has drained, so that nobody takes over
/// work that is still being settled.
async fn heartbeat_loop(inner: Arc<Inner>) {
    let period = inner.parts.settings.lease / 3;
    loop {
        let ids = inner.running.ids();
        if inner.stopping.is_cancelled() && ids.is_empty() {
            return;
        }
        if !ids.is_empty() {
            renew(&inner, &ids).await;
            pace::renew(&inner).await;
        }
        let is_stopping = inner.stopping.is_cancelled();
        tokio::select! {
            biased;
            // An idle process stops at once, and any other one with its last execution.
            () = inner.stopping.cancelled(), if !is_stopping => {}
            () = inner.running.left(), if is_stopping => {}
            () = inner.parts.clock.sleep(period) => {}
        }
    }
}

/// Renews the leases of these executions, and learns what others did about them.
pub(crate) async fn renew(inner: &Inner, ids: &[ExecutionId]) {
    let leased_until = inner
        .parts
        .clock
        .uptime()
        .saturating_add(inner.parts.settings.lease);
    match inner
        .parts
        .records
        .renew(inner.boot, ids, inner.parts.settings.lease)
        .await
    {
        Ok(renewals) => {
            for renewal in &renewals {
                inner.running.renewed(renewal.execution, leased_until);
            }
            for renewal in renewals.iter().filter(|renewal| renewal.cancel_requested) {
                // Perhaps another process was asked.
                inner.running.cancel(renewal.execution);
            }
            let owned: HashSet<_> = renewals.iter().map(|renewal| renewal.execution).collect();
            for lost in ids.iter().filter(|id| !owned.contains(id)) {
                tracing::warn!(execution = %lost, "the execution is owned by another process now");
                inner.running.lose(*lost);
            }
        }
        Err(error) => tracing::error!(%error, "leases could not be renewed"),
    }
}

/// Looks at executions that ended while outcomes were unknown, at the start and again and again. Every process does so;
/// each execution is given to one at a time, and what two find all the same is booked once.
async fn reconcile_loop(inner: Arc<Inner>) {
    while !inner.stopping.is_cancelled() {
        if let Err(error) = salvage::all(&inner).await {
            tracing::error!(%error, "ended executions with unknown outcomes could not be looked for");
        }
        tokio::select! {
            biased;
            () = inner.stopping.cancelled() => {}
            () = inner.parts.clock.sleep(inner.parts.settings.reconcile) => {}
        }
    }
}
