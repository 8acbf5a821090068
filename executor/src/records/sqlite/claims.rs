//! Ownership: who runs an execution, and until when nobody else may.

use std::time::Duration;

use sqlx::SqliteConnection;

use super::{
    super::{Claim, Fence, Result},
    open::unavailable,
    owned::{find, owned},
    rows::Fields,
};
use crate::{
    clock::UnixMicros,
    ids::{BootId, ExecutionId},
};

/// The states are spelled out as in the partial index, so that the index serves.
pub(super) const CLAIMABLE: &str = "SELECT id, owner_boot_id, lease_epoch, crash_count FROM executions \
    WHERE state IN ('pending', 'processing', 'cancelling') \
    AND (owner_boot_id IS NULL OR lease_until_us <= $1) ORDER BY created_us, id LIMIT $2";

/// Takes executions that nobody owns or whose lease has passed, except those that the claimer runs already.
pub(super) async fn claim(
    tx: &mut SqliteConnection,
    boot: BootId,
    now: UnixMicros,
    lease: Duration,
    limit: u32,
    running: &[ExecutionId],
) -> Result<Vec<Claim>> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let looked_at = limit.saturating_add(running.len());
    let rows = sqlx::query(CLAIMABLE)
        .bind(now.0)
        .bind(i64::try_from(looked_at).unwrap_or(i64::MAX))
        .fetch_all(&mut *tx)
        .await
        .map_err(unavailable)?;
    let mut claims = Vec::with_capacity(rows.len());
    for row in &rows {
        let fields = Fields(row);
        let execution = fields.id("id", ExecutionId)?;
        if claims.len() == limit || running.contains(&execution) {
            continue;
        }
        let lost_owner = fields
            .optional_id("owner_boot_id", BootId)?
            .is_some_and(|owner| owner != boot);
        let claim = Claim {
            fence: Fence {
                execution,
                boot,
                epoch: fields.number::<i64>("lease_epoch")?.saturating_add(1),
            },
            crash_count: fields
                .number::<u32>("crash_count")?
                .saturating_add(u32::from(lost_owner)),
        };
        sqlx::query(
            "UPDATE executions SET owner_boot_id = $2, lease_epoch = $3, lease_until_us = $4, \
             crash_count = $5 WHERE id = $1",
        )
        .bind(claim.fence.execution.to_string())
        .bind(boot.to_string())
        .bind(claim.fence.epoch)
        .bind(now.plus(lease).0)
        .bind(claim.crash_count)
        .execute(&mut *tx)
        .await
        .map_err(unavailable)?;
        claims.push(claim);
    }
    Ok(claims)
}

/// Extends leases; returns what is still owned. A lease that has passed is extended too: as long as nobody
/// took the execution over, nothing is lost.
pub(super) async fn renew(
    tx: &mut SqliteConnection,
    boot: BootId,
    executions: &[ExecutionId],
    until: UnixMicros,
) -> Result<Vec<ExecutionId>> {
    let mut kept = Vec::with_capacity(executions.len());
    for execution in executions {
        let renewed = sqlx::query(
            "UPDATE executions SET lease_until_us = $3 WHERE id = $1 AND owner_boot_id = $2 \
             AND state IN ('pending', 'processing', 'cancelling')",
        )
        .bind(execution.to_string())
        .bind(boot.to_string())
        .bind(until.0)
        .execute(&mut *tx)
        .await
        .map_err(unavailable)?;
        if renewed.rows_affected() == 1 {
            kept.push(*execution);
        }
    }
    Ok(kept)
}

/// Gives an execution back. The epoch stays, so a repetition can be told from another's claim.
pub(super) async fn release(tx: &mut SqliteConnection, fence: &Fence) -> Result<()> {
    let released_before = find(tx, fence.execution).await?.is_some_and(|execution| {
        execution.owner.is_none() && execution.epoch == fence.epoch && !execution.state.is_terminal()
    });
    if released_before {
        return Ok(());
    }
    let execution = owned(tx, fence).await?;
    disown(tx, execution.id).await
}

/// Leaves an execution without an owner.
pub(super) async fn disown(tx: &mut SqliteConnection, execution: ExecutionId) -> Result<()> {
    sqlx::query("UPDATE executions SET owner_boot_id = NULL, lease_until_us = NULL WHERE id = $1")
        .bind(execution.to_string())
        .execute(tx)
        .await
        .map_err(unavailable)?;
    Ok(())
}
