//! The execution that a fenced verb works on, as it is inside the transaction.

use super::{
    super::{Balance, ExecutionState, Fence, RecordError, Result, Standing},
    rows::{Fields, Row, damaged},
    statement::{Statement, sql},
    tx::Tx,
};
use crate::{
    clock::UnixMicros,
    failure::Failure,
    ids::{BootId, ExecutionId},
};

/// What verbs need to know about an execution. Read inside a write transaction, so it stays true until the
/// commit; verbs that change a row keep it up to date.
pub(super) struct Execution {
    pub(super) id: ExecutionId,
    pub(super) client: String,
    pub(super) session_id: String,
    pub(super) take: u32,
    pub(super) state: ExecutionState,
    pub(super) failure: Option<Failure>,
    pub(super) has_started: bool,
    pub(super) owner: Option<BootId>,
    pub(super) epoch: i64,
    pub(super) lease_until: Option<UnixMicros>,
    /// When it is looked at again, when it is parked; see [`parking`](super::parking).
    pub(super) wake: Option<UnixMicros>,
    pub(super) cancel_requested: bool,
    /// Owners that died of it since it got somewhere.
    pub(super) crash_count: u32,
    pub(super) last_sequence: u64,
    pub(super) events_pruned: bool,
    pub(super) currency: String,
    pub(super) balance: Balance,
}

impl Execution {
    /// The state of an execution that goes on after it was parked. A stop that was asked for before is not forgotten.
    pub(super) fn running_state(&self) -> ExecutionState {
        if self.cancel_requested {
            ExecutionState::Cancelling
        } else if self.has_started {
            ExecutionState::Processing
        } else {
            ExecutionState::Pending
        }
    }

    /// The sequence of the last event as it is stored.
    pub(super) fn last_seq(&self) -> Result<i64> {
        i64::try_from(self.last_sequence).map_err(|_| damaged("last_seq", "too great a number"))
    }

    /// Writes what almost every verb changes. However often it changes, the row is written once.
    pub(super) fn write(&self, tx: &mut Tx<'_>) -> Result<()> {
        sql(
            "UPDATE executions SET last_seq = $2, settled_nanos = $3, reserved_nanos = $4, \
             unknown_held_nanos = $5, crash_count = $6 WHERE id = $1",
        )
        .bind(self.id.to_string())
        .bind(self.last_seq()?)
        .bind(self.balance.spent_nanos)
        .bind(self.balance.reserved_nanos)
        .bind(self.balance.unknown_held_nanos)
        .bind(self.crash_count)
        .latest(tx);
        Ok(())
    }
}

const FIND: &str = "SELECT id, client, session_id, take, state, failure, started_us, owner_boot_id, lease_epoch, \
    lease_until_us, wake_us, cancel_requested_us, crash_count, last_seq, events_pruned_us, currency, settled_nanos, \
    reserved_nanos, unknown_held_nanos \
    FROM executions WHERE id = $1";

/// Finds the execution. Locks it when the transaction writes: what a verb does to an execution it does alone.
pub(super) fn query(id: ExecutionId) -> Statement {
    sql(FIND).bind(id.to_string()).locked()
}

/// The execution, whoever owns it.
pub(super) async fn find(tx: &mut Tx<'_>, id: ExecutionId) -> Result<Option<Execution>> {
    execution(&query(id).fetch_all(tx).await?)
}

/// The execution that [`query`] found.
fn execution(rows: &[Row]) -> Result<Option<Execution>> {
    let Some(row) = rows.first() else {
        return Ok(None);
    };
    let fields = Fields(row);
    Ok(Some(Execution {
        id: fields.id("id", ExecutionId)?,
        client: fields.text("client")?,
        session_id: fields.text("session_id")?,
        take: fields.number("take")?,
        state: fields.word("state", ExecutionState::parse)?,
        failure: fields.optional_failure("failure")?,
        has_started: fields.optional_time("started_us")?.is_some(),
        owner: fields.optional_id("owner_boot_id", BootId)?,
        epoch: fields.number("lease_epoch")?,
        lease_until: fields.optional_time("lease_until_us")?,
        wake: fields.optional_time("wake_us")?,
        cancel_requested: fields.optional_time("cancel_requested_us")?.is_some(),
        crash_count: fields.number("crash_count")?,
        last_sequence: fields.number("last_seq")?,
        events_pruned: fields.optional_time("events_pruned_us")?.is_some(),
        currency: fields.text("currency")?,
        balance: Balance {
            spent_nanos: fields.nanos("settled_nanos")?,
            reserved_nanos: fields.nanos("reserved_nanos")?,
            unknown_held_nanos: fields.nanos("unknown_held_nanos")?,
        },
    }))
}

/// Where an execution of a client stands.
pub(super) async fn standing(tx: &mut Tx<'_>, client: &str, id: ExecutionId) -> Result<Option<Standing>> {
    let execution = find(tx, id).await?.filter(|execution| execution.client == client);
    Ok(execution.map(|execution| Standing {
        state: execution.state,
        last_sequence: execution.last_sequence,
        events_pruned: execution.events_pruned,
    }))
}

/// The execution, when the fence holds and it has not ended.
pub(super) async fn owned(tx: &mut Tx<'_>, fence: &Fence) -> Result<Execution> {
    let rows = query(fence.execution).fetch_all(tx).await?;
    owned_by(fence, &rows)
}

/// The same of what [`query`] found.
pub(super) fn owned_by(fence: &Fence, rows: &[Row]) -> Result<Execution> {
    let execution = execution(rows)?.ok_or(RecordError::Fenced)?;
    let holds = execution.owner == Some(fence.boot)
        && execution.epoch == fence.epoch
        && !execution.state.is_terminal();
    if holds {
        Ok(execution)
    } else {
        Err(RecordError::Fenced)
    }
}
