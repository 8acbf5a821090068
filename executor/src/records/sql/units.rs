//! Who draws: units of paid work are given to one step at a time.

use std::collections::HashMap;

use super::{
    super::{AttemptState, Fence, Hold, Result, StepState, UnitGrant},
    library,
    lifecycle::step,
    owned::{Execution, owned},
    rows::{Fields, Row, damaged, wrong_state},
    statement::{Statement, sql},
    tx::Tx,
};
use crate::ids::{AttemptId, ExecutionId, ImageId};

/// A row of the units.
enum Unit {
    Open { execution: ExecutionId, step_id: String },
    Completed(ImageId),
    Idle,
}

/// The rules of [`RecordStore::acquire_unit`](super::super::RecordStore::acquire_unit).
pub(super) async fn acquire(
    tx: &mut Tx<'_>,
    fence: &Fence,
    step_id: &str,
    render_digests: &[String],
    first: usize,
) -> Result<UnitGrant> {
    let execution = owned(tx, fence).await?;
    let state = step(tx, &execution, step_id).await?.state;
    if !matches!(state, StepState::Processing | StepState::NeedsDecision) {
        return Err(wrong_state(format!("step {step_id}"), state.as_str()));
    }
    let Some(wanted) = render_digests.get(first) else {
        return Err(wrong_state(format!("target {first}"), "not one of the step"));
    };
    // Before anything else, and whatever the answer: two steps that each hold what the other waits for would
    // wait for ever.
    idle_units(tx, &execution, step_id, Some(wanted));
    let mut units = lock_units(tx, &execution, render_digests, wanted).await?;
    let mut busy = None;
    for digest in render_digests {
        match units.remove(digest) {
            Some(Unit::Completed(image)) => {
                let image = library::find(tx, &execution.client, image)
                    .await?
                    .ok_or_else(|| damaged("units", "an image that does not exist"))?;
                return Ok(UnitGrant::Completed(Box::new(image)));
            }
            Some(Unit::Open {
                execution: holder,
                step_id: holding_step,
            }) if busy.is_none() => {
                let open = open_attempt(tx, &execution, digest).await?;
                let is_unknown = open.is_some_and(|(_, state)| state == AttemptState::Unknown);
                let is_own = (holder, holding_step.as_str()) == (execution.id, step_id);
                // Not even the step itself draws beside a call of which nobody knows what became.
                if is_unknown || !is_own {
                    let hold = match is_unknown {
                        true => Hold::Unknown,
                        false if is_left_alone(tx, holder).await? => Hold::Parked,
                        false => Hold::Drawing,
                    };
                    busy = Some(UnitGrant::Busy {
                        execution: holder,
                        hold,
                    });
                }
            }
            Some(Unit::Open { .. } | Unit::Idle) | None => {}
        }
    }
    if let Some(busy) = busy {
        return Ok(busy);
    }
    open(tx, &execution, step_id, wanted);
    Ok(UnitGrant::Open)
}

/// True when nobody goes on with an execution until somebody unparks or cancels it.
async fn is_left_alone(tx: &mut Tx<'_>, execution: ExecutionId) -> Result<bool> {
    let rows = sql(
        "SELECT 1 AS found FROM executions WHERE id = $1 AND state = 'needs_decision' \
         AND owner_boot_id IS NULL AND failure IS NOT NULL AND wake_us IS NULL",
    )
    .bind(execution.to_string())
    .fetch_all(tx)
    .await?;
    Ok(!rows.is_empty())
}

/// Units by their digest, locked in one order whoever asks. The one that is wanted is there afterwards.
async fn lock_units(
    tx: &mut Tx<'_>,
    execution: &Execution,
    render_digests: &[String],
    wanted: &str,
) -> Result<HashMap<String, Unit>> {
    // A row to lock: two that find none would both open it.
    sql(
        "INSERT INTO units (client, render_digest, take, state) VALUES ($1, $2, $3, 'idle') \
         ON CONFLICT (client, render_digest, take) DO NOTHING",
    )
    .bind(&execution.client)
    .bind(wanted)
    .bind(execution.take)
    .later(tx);
    let mut units =
        sql("SELECT render_digest, state, execution_id, step_id, image_id FROM units WHERE client = ");
    units.push_bind(&execution.client);
    units.push(" AND take = ").push_bind(execution.take);
    units.push(" AND render_digest IN (");
    units.push_list(render_digests);
    units.push(") ORDER BY render_digest");
    let rows = units.locked().fetch_all(tx).await?;
    let units = rows.iter().map(|row| {
        let fields = Fields(row);
        Ok((fields.text("render_digest")?, unit(fields)?))
    });
    units.collect()
}

fn unit(fields: Fields<'_>) -> Result<Unit> {
    match fields.text("state")?.as_str() {
        "open" => Ok(Unit::Open {
            execution: fields.id("execution_id", ExecutionId)?,
            step_id: fields.text("step_id")?,
        }),
        "completed" => Ok(Unit::Completed(fields.id("image_id", ImageId)?)),
        "idle" => Ok(Unit::Idle),
        other => Err(damaged("state", other)),
    }
}

fn open(tx: &mut Tx<'_>, execution: &Execution, step_id: &str, render_digest: &str) {
    sql(
        "UPDATE units SET state = 'open', execution_id = $4, step_id = $5 \
         WHERE client = $1 AND render_digest = $2 AND take = $3",
    )
    .bind(&execution.client)
    .bind(render_digest)
    .bind(execution.take)
    .bind(execution.id.to_string())
    .bind(step_id)
    .later(tx);
}

/// True when this step has the unit open.
async fn is_held(tx: &mut Tx<'_>, execution: &Execution, step_id: &str, render_digest: &str) -> Result<bool> {
    let rows = query(execution, render_digest).fetch_all(tx).await?;
    is_held_by(&rows, execution, step_id)
}

/// Finds a unit, and locks it.
pub(super) fn query(execution: &Execution, render_digest: &str) -> Statement {
    sql("SELECT state, execution_id, step_id, image_id FROM units \
         WHERE client = $1 AND render_digest = $2 AND take = $3")
    .bind(&execution.client)
    .bind(render_digest)
    .bind(execution.take)
    .locked()
}

/// True when this step has the unit open that [`query`] found.
pub(super) fn is_held_by(rows: &[Row], execution: &Execution, step_id: &str) -> Result<bool> {
    let unit = rows.first().map(|row| unit(Fields(row))).transpose()?;
    Ok(matches!(
        unit,
        Some(Unit::Open { execution: holder, step_id: holding_step })
            if holder == execution.id && holding_step == step_id
    ))
}

/// The attempt that holds the unit, if one does. There is never a second.
async fn open_attempt(
    tx: &mut Tx<'_>,
    execution: &Execution,
    render_digest: &str,
) -> Result<Option<(AttemptId, AttemptState)>> {
    let rows = open_attempt_query(execution, render_digest).fetch_all(tx).await?;
    found_attempt(&rows)
}

/// Finds the attempt that holds a unit.
pub(super) fn open_attempt_query(execution: &Execution, render_digest: &str) -> Statement {
    sql(
        "SELECT id, state FROM attempts WHERE client = $1 AND render_digest = $2 AND take = $3 \
         AND state IN ('prepared', 'dispatching', 'accepted', 'received', 'unknown')",
    )
    .bind(&execution.client)
    .bind(render_digest)
    .bind(execution.take)
}

/// The attempt that [`open_attempt_query`] found.
pub(super) fn found_attempt(rows: &[Row]) -> Result<Option<(AttemptId, AttemptState)>> {
    let Some(row) = rows.first() else {
        return Ok(None);
    };
    let fields = Fields(row);
    Ok(Some((
        fields.id("id", AttemptId)?,
        fields.word("state", AttemptState::parse)?,
    )))
}

/// Lets go of the units that a step has open, except one; a unit with an open attempt on it stays as it is,
/// for that attempt may still be billed.
pub(super) fn idle_units(tx: &mut Tx<'_>, execution: &Execution, step_id: &str, except: Option<&str>) {
    sql(
        "UPDATE units SET state = 'idle', execution_id = NULL, step_id = NULL \
         WHERE execution_id = $1 AND step_id = $2 AND state = 'open' AND render_digest <> $3 \
         AND NOT EXISTS (SELECT 1 FROM attempts WHERE attempts.client = units.client \
           AND attempts.render_digest = units.render_digest AND attempts.take = units.take \
           AND attempts.state IN ('prepared', 'dispatching', 'accepted', 'received', 'unknown'))",
    )
    .bind(execution.id.to_string())
    .bind(step_id)
    // No digest is empty.
    .bind(except.unwrap_or_default())
    .later(tx);
}

/// Lets go of one unit, when this step has it open and no open attempt is on it.
pub(super) async fn let_go(
    tx: &mut Tx<'_>,
    execution: &Execution,
    step_id: &str,
    render_digest: &str,
) -> Result<()> {
    if is_held(tx, execution, step_id, render_digest).await?
        && open_attempt(tx, execution, render_digest).await?.is_none()
    {
        sql(
            "UPDATE units SET state = 'idle', execution_id = NULL, step_id = NULL \
             WHERE client = $1 AND render_digest = $2 AND take = $3",
        )
        .bind(&execution.client)
        .bind(render_digest)
        .bind(execution.take)
        .later(tx);
    }
    Ok(())
}

/// The image of the unit exists from now on.
pub(super) fn complete(tx: &mut Tx<'_>, execution: &Execution, render_digest: &str, image: ImageId) {
    sql("UPDATE units SET state = 'completed', image_id = $4 \
         WHERE client = $1 AND render_digest = $2 AND take = $3")
    .bind(&execution.client)
    .bind(render_digest)
    .bind(execution.take)
    .bind(image.to_string())
    .later(tx);
}
