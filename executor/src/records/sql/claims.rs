//! Ownership: who runs an execution, and until when nobody else may.

use std::time::Duration;

use super::{
    super::{Claim, ExecutionState, Fence, Renewal, Result},
    owned::{find, owned},
    parking::due,
    rows::{Fields, Row},
    statement::{Statement, sql},
    tx::Tx,
};
use crate::{
    clock::UnixMicros,
    ids::{BootId, ExecutionId},
};

/// What can be claimed, oldest first. The states are spelled out as in the partial index, so that the index serves.
pub(super) fn claimable(now: UnixMicros, limit: i64) -> Statement {
    sql(
        "SELECT id, state, owner_boot_id, lease_epoch, crash_count FROM executions \
         WHERE state IN ('pending', 'processing', 'cancelling') \
         AND (owner_boot_id IS NULL OR lease_until_us <= $1) ORDER BY created_us, id LIMIT $2",
    )
    .bind(now.0)
    .bind(limit)
    .skip_locked()
}

/// Takes executions that nobody owns or whose lease has passed, except those that the claimer runs already.
pub(super) async fn claim(
    tx: &mut Tx<'_>,
    boot: BootId,
    lease: Duration,
    limit: u32,
    running: &[ExecutionId],
) -> Result<Vec<Claim>> {
    let now = tx.now().await?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut claims = Vec::new();
    // Neither those that are parked nor the others can keep the rest waiting.
    for (find, places) in [
        (due as fn(UnixMicros, i64) -> Statement, limit.div_ceil(2)),
        (claimable, limit),
    ] {
        let looked_at = places.saturating_add(running.len());
        let rows = find(now, i64::try_from(looked_at).unwrap_or(i64::MAX))
            .fetch_all(tx)
            .await?;
        for row in &rows {
            let execution = Fields(row).id("id", ExecutionId)?;
            if claims.len() < places && !running.contains(&execution) {
                claims.push(take(tx, row, boot, now, lease)?);
            }
        }
    }
    Ok(claims)
}

/// Takes these executions, where [`claim`] would.
pub(super) async fn claim_these(
    tx: &mut Tx<'_>,
    boot: BootId,
    lease: Duration,
    limit: u32,
    executions: &[ExecutionId],
) -> Result<Vec<Claim>> {
    if executions.is_empty() {
        return Ok(Vec::new());
    }
    let now = tx.now().await?;
    let mut query = sql(
        "SELECT id, state, owner_boot_id, lease_epoch, crash_count FROM executions \
         WHERE (state IN ('pending', 'processing', 'cancelling') \
         OR state = 'needs_decision' AND wake_us IS NOT NULL AND wake_us <= $1) \
         AND (owner_boot_id IS NULL OR lease_until_us <= $1) AND id IN (",
    )
    .bind(now.0);
    query.push_list(executions.iter().map(ExecutionId::to_string));
    query.push(") ORDER BY created_us, id LIMIT ").push_bind(limit);
    let mut claims = Vec::new();
    for row in &query.skip_locked().fetch_all(tx).await? {
        claims.push(take(tx, row, boot, now, lease)?);
    }
    Ok(claims)
}

fn take(tx: &mut Tx<'_>, row: &Row, boot: BootId, now: UnixMicros, lease: Duration) -> Result<Claim> {
    let fields = Fields(row);
    let until = now.plus(lease);
    let is_parked = fields.word("state", ExecutionState::parse)? == ExecutionState::NeedsDecision;
    let lost_owner = fields
        .optional_id("owner_boot_id", BootId)?
        .is_some_and(|owner| owner != boot);
    let claim = Claim {
        fence: Fence {
            execution: fields.id("id", ExecutionId)?,
            boot,
            epoch: fields.number::<i64>("lease_epoch")?.saturating_add(1),
        },
        crash_count: fields
            .number::<u32>("crash_count")?
            .saturating_add(u32::from(lost_owner)),
        at: now,
    };
    sql(
        "UPDATE executions SET owner_boot_id = $2, lease_epoch = $3, lease_until_us = $4, \
         crash_count = $5, wake_us = $6 WHERE id = $1",
    )
    .bind(claim.fence.execution.to_string())
    .bind(boot.to_string())
    .bind(claim.fence.epoch)
    .bind(until.0)
    .bind(claim.crash_count)
    .bind(is_parked.then_some(until.0))
    .later(tx);
    Ok(claim)
}

/// Extends leases in one statement; returns what is still owned. A lease that has passed is extended too: as long as
/// nobody took the execution over, nothing is lost.
pub(super) async fn renew(
    tx: &mut Tx<'_>,
    boot: BootId,
    executions: &[ExecutionId],
    lease: Duration,
) -> Result<Vec<Renewal>> {
    if executions.is_empty() {
        return Ok(Vec::new());
    }
    let now = tx.now().await?;
    let until = now.plus(lease);
    let mut statement = sql("UPDATE executions SET lease_until_us = ");
    statement.push_bind(until.0);
    // What was learnt about a parked one meanwhile stays marked.
    statement.push(", wake_us = CASE WHEN state = 'needs_decision' AND wake_us > ");
    statement.push_bind(now.0).push(" THEN ").push_bind(until.0);
    statement
        .push(" ELSE wake_us END WHERE owner_boot_id = ")
        .push_bind(boot.to_string());
    statement.push(" AND state IN ('pending', 'processing', 'cancelling', 'needs_decision') AND id IN (");
    statement.push_list(executions.iter().map(ExecutionId::to_string));
    statement.push(") RETURNING id, state");
    let rows = statement.fetch_all(tx).await?;
    let renewals = rows.iter().map(|row| {
        let fields = Fields(row);
        Ok(Renewal {
            execution: fields.id("id", ExecutionId)?,
            cancel_requested: fields.word("state", ExecutionState::parse)? == ExecutionState::Cancelling,
        })
    });
    renewals.collect()
}

/// Gives an execution back. The epoch stays, so a repetition can be told from another's claim.
pub(super) async fn release(tx: &mut Tx<'_>, fence: &Fence) -> Result<()> {
    let released_before = find(tx, fence.execution).await?.is_some_and(|execution| {
        execution.owner.is_none() && execution.epoch == fence.epoch && !execution.state.is_terminal()
    });
    if released_before {
        return Ok(());
    }
    let execution = owned(tx, fence).await?;
    let is_parked = execution.state == ExecutionState::NeedsDecision;
    let wake = if is_parked {
        Some(tx.now().await?)
    } else {
        execution.wake
    };
    sql("UPDATE executions SET owner_boot_id = NULL, lease_until_us = NULL, wake_us = $2 WHERE id = $1")
        .bind(execution.id.to_string())
        .bind(wake.map(|wake| wake.0))
        .later(tx);
    Ok(())
}
