//! The execution that a fenced verb works on, as it is inside the transaction.

use super::{
    super::{Balance, ExecutionState, Fence, RecordError, Result, Standing},
    rows::Fields,
    statement::sql,
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
}

const FIND: &str = "SELECT id, client, session_id, take, state, failure, started_us, owner_boot_id, lease_epoch, \
    lease_until_us, wake_us, cancel_requested_us, last_seq, events_pruned_us, currency, settled_nanos, \
    reserved_nanos, unknown_held_nanos \
    FROM executions WHERE id = $1";

/// The execution, whoever owns it. Locked when the transaction writes: what a verb does to an execution it does alone.
pub(super) async fn find(tx: &mut Tx<'_>, id: ExecutionId) -> Result<Option<Execution>> {
    let row = sql(FIND).bind(id.to_string()).locked().fetch_optional(tx).await?;
    let Some(row) = row else {
        return Ok(None);
    };
    let fields = Fields(&row);
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
    let execution = find(tx, fence.execution).await?.ok_or(RecordError::Fenced)?;
    let holds = execution.owner == Some(fence.boot)
        && execution.epoch == fence.epoch
        && !execution.state.is_terminal();
    if holds {
        Ok(execution)
    } else {
        Err(RecordError::Fenced)
    }
}
