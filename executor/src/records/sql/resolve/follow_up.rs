//! What becomes of the steps of an execution when one of its attempts is decided about.

use limn_proto::reason::Reason;

use super::super::{
    super::{AttemptRecord, FollowUp, Resolution, Result, StepRecord, StepState, Verdict},
    lifecycle::change_step,
    owned::Execution,
    statement::sql,
    tx::Tx,
};
use crate::failure::Failure;

/// True when the step can do nothing but wait for this attempt: it is parked, or its owner died before parking it,
/// and no other attempt of it is open.
pub(super) async fn is_waiting(
    tx: &mut Tx<'_>,
    execution: &Execution,
    steps: &[StepRecord],
    step_id: &str,
    record: &AttemptRecord,
) -> Result<bool> {
    let step = steps.iter().find(|step| step.step_id == step_id);
    if !step.is_some_and(|step| matches!(step.state, StepState::NeedsDecision | StepState::Processing)) {
        return Ok(false);
    }
    let other = sql(
        "SELECT id FROM attempts WHERE execution_id = $1 AND step_id = $2 AND id <> $3 \
         AND state IN ('prepared', 'dispatching', 'accepted', 'received', 'unknown') LIMIT 1",
    )
    .bind(execution.id.to_string())
    .bind(step_id)
    .bind(record.id.to_string())
    .fetch_optional(tx)
    .await?;
    Ok(other.is_none())
}

/// The step that waited is drawn again or fails. Others that wait for a picture which no attempt of their own draws
/// may have waited for this one: they look again.
pub(super) async fn write(
    tx: &mut Tx<'_>,
    execution: &mut Execution,
    before: Vec<StepRecord>,
    step_id: &str,
    record: &AttemptRecord,
    follow_up: FollowUp,
    resolution: &Resolution,
) -> Result<()> {
    for mut step in before {
        let decided = step.step_id == step_id;
        let looks_again = !decided
            && step.state == StepState::NeedsDecision
            && !has_unknown(tx, execution, &step.step_id).await?;
        if decided && follow_up == FollowUp::Fail {
            step.state = StepState::Failed;
            step.failure = Some(failed(record, resolution));
        } else if decided || looks_again {
            step.state = StepState::Pending;
            step.failure = None;
        } else {
            continue;
        }
        change_step(tx, execution, &step, resolution.now)?;
    }
    Ok(())
}

async fn has_unknown(tx: &mut Tx<'_>, execution: &Execution, step_id: &str) -> Result<bool> {
    let row =
        sql("SELECT id FROM attempts WHERE execution_id = $1 AND step_id = $2 AND state = 'unknown' LIMIT 1")
            .bind(execution.id.to_string())
            .bind(step_id)
            .fetch_optional(tx)
            .await?;
    Ok(row.is_some())
}

/// Why the step failed.
fn failed(record: &AttemptRecord, resolution: &Resolution) -> Failure {
    let by = &resolution.actor;
    let failure = match resolution.verdict {
        Verdict::NotCharged => Failure::new(
            Reason::OutcomeUnknown,
            format!("the outcome of the call was unknown; {by} decided that it was not billed and is not made again"),
        )
        .retryable(),
        Verdict::Charged { .. } => Failure::new(
            Reason::OutcomeUnknown,
            format!("the outcome of the call was unknown; {by} decided that it was billed and its picture is lost"),
        ),
    };
    failure
        .with("attemptId", record.id)
        .with("resolution", resolution.verdict.decision().as_str())
}
