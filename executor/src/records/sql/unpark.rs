//! Executions that were parked because their owners died run again.

use std::collections::BTreeMap;

use limn_proto::name::{Collection, resource_name};

use super::{
    super::{AuditAction, AuditEvent, Result, Unparked, Unparking},
    audit,
    lifecycle::{change_state, steps},
    owned,
    parking::is_stuck,
    rows::damaged,
    snapshots,
    tx::Tx,
};

/// The rules of [`RecordStore::unpark`](super::super::RecordStore::unpark).
pub(super) async fn unpark(tx: &mut Tx<'_>, unparking: &Unparking) -> Result<Unparked> {
    let found = owned::find(tx, unparking.execution).await?;
    let Some(mut execution) = found.filter(|found| found.client == unparking.client) else {
        return Ok(Unparked::NotFound);
    };
    if !is_stuck(&execution, &steps(tx, &execution).await?) {
        return Ok(Unparked::NotParked);
    }
    let crash_count = execution.crash_count;
    execution.crash_count = 0;
    let state = execution.running_state();
    change_state(tx, &mut execution, state, None, unparking.now).await?;
    let name = resource_name(
        &execution.client,
        Collection::Executions,
        &execution.id.to_string(),
    );
    audit::append(
        tx,
        &AuditEvent {
            id: unparking.audit_id,
            client: execution.client.clone(),
            at: unparking.now,
            actor: unparking.actor.clone(),
            action: AuditAction::ExecutionUnparked,
            subject: name,
            reason: unparking.reason.clone(),
            details: BTreeMap::from([("crashCount".to_owned(), crash_count.to_string())]),
        },
    )?;
    let record = snapshots::find_any(tx, execution.id).await?;
    let record = record.ok_or_else(|| damaged("executions", "nothing after an update"))?;
    Ok(Unparked::Done(Box::new(record)))
}
