//! How attempts end, and how steps get their image: T5 to T7, and reuse.

use std::collections::BTreeMap;

use limn_proto::name::{Collection, resource_name};
use uuid::Uuid;

use super::{
    super::{
        AttemptEnd, AttemptOutcome, AttemptRecord, AttemptState, AuditAction, AuditEvent, Commit, CostLine,
        CostSource, Decision, Fence, Movement, Result, Reuse, StepRecord, StepState,
    },
    answers::{seed_text, usage_text},
    attempt::{self, Attempt, found_in, of_execution, owned_attempt},
    attempts::{refuse, tell, tell_cost, tell_line},
    audit,
    batch::together,
    deletion,
    ledger::{enter, give_back_held, post},
    library,
    lifecycle::{complete_step, found_step, step, step_query},
    owned::{self, Execution, owned, owned_by},
    parking::wake_waiting,
    rows::{Fields, failure_bytes, wrong_state},
    statement::sql,
    tx::Tx,
    units,
};
use crate::{
    clock::UnixMicros,
    ids::{AttemptId, ImageId},
};

/// T5.
pub(super) async fn commit(tx: &mut Tx<'_>, fence: &Fence, commit: &Commit) -> Result<()> {
    let image = &commit.image;
    let [execution, attempt, step] = together(
        tx,
        [
            owned::query(fence.execution),
            attempt::query(commit.attempt),
            step_query(fence.execution, &image.step_id),
        ],
    )
    .await?;
    let mut execution = owned_by(fence, &execution)?;
    let mut attempt = found_in(&execution, commit.attempt, &attempt)?;
    let drawn_here = image.attempt == commit.attempt
        && image.execution == execution.id
        && image.step_id == attempt.step_id
        && !image.reused
        && image.rejected == commit.rejection.is_some();
    if !drawn_here {
        return Err(wrong_state(format!("image {}", image.id), "not of this attempt"));
    }
    let step = found_step(&step, &image.step_id)?;
    let record = &mut attempt.record;
    match record.state {
        AttemptState::Committed if is_committed(record, &step, commit) => return Ok(()),
        AttemptState::Received => {}
        _ => return Err(refuse(record)),
    }
    // The engine says first that a parked step goes on. A paid picture is not refused where nobody did.
    if !matches!(step.state, StepState::Processing | StepState::NeedsDecision) {
        return Err(wrong_state(format!("step {}", step.step_id), step.state.as_str()));
    }
    library::insert(tx, &execution.client, image)?;
    units::complete(tx, &execution, &record.render_digest, image.id);
    record.state = AttemptState::Committed;
    record.revised_prompt.clone_from(&image.revised_prompt);
    record.effective_seed = image.effective_seed;
    record.model_version.clone_from(&image.model_version);
    record.quality_score_bp = image.quality_score_bp;
    record.failure.clone_from(&commit.rejection);
    record.ended_at = Some(commit.now);
    let bill = Bill {
        cost_nanos: commit.cost_nanos,
        source: commit.cost_source,
        usage: &commit.usage,
    };
    settle(tx, &mut execution, &mut attempt, bill, commit.now)?;
    if commit.rejection.is_some() {
        return Ok(());
    }
    complete_step(tx, &mut execution, step, image.id, commit.now)
}

/// True when the attempt was committed with this very picture, and with the same word about it. A rejected one may have
/// been taken since, or deleted.
fn is_committed(record: &AttemptRecord, step: &StepRecord, commit: &Commit) -> bool {
    match commit.rejection {
        Some(_) => record.failure.is_some(),
        None => record.failure.is_none() && step.image == Some(commit.image.id),
    }
}

/// What an attempt was billed.
struct Bill<'a> {
    cost_nanos: i64,
    source: CostSource,
    usage: &'a BTreeMap<String, i64>,
}

/// Gives the reservation back, adds the bill, writes how the attempt ended, and tells of it.
fn settle(
    tx: &mut Tx<'_>,
    execution: &mut Execution,
    attempt: &mut Attempt,
    bill: Bill<'_>,
    now: UnixMicros,
) -> Result<()> {
    let ceiling_nanos = attempt.record.ceiling_nanos;
    // Each happens once in the life of an attempt.
    let once = "";
    enter(
        tx,
        execution,
        attempt,
        (Movement::Release, once),
        ceiling_nanos,
        now,
    )?;
    enter(
        tx,
        execution,
        attempt,
        (Movement::Settle, once),
        bill.cost_nanos,
        now,
    )?;
    let record = &mut attempt.record;
    record.cost_nanos = Some(bill.cost_nanos);
    record.cost_source = Some(bill.source);
    record.usage.clone_from(bill.usage);
    sql(
        "UPDATE attempts SET state = $2, revised_prompt = $3, ended_us = $4, reserved_nanos = $5, \
         unknown_held_nanos = $6, cost_nanos = $7, cost_estimated = $8, settled_seq = $9, \
         effective_seed = $10, model_version = $11, cost_source = $12, usage = $13, quality_score_bp = $14, \
         failure = $15 WHERE id = $1",
    )
    .bind(record.id.to_string())
    .bind(record.state.as_str())
    .bind(&record.revised_prompt)
    .bind(record.ended_at.map(|ended| ended.0))
    .bind(attempt.reserved_nanos)
    .bind(record.held_nanos)
    .bind(bill.cost_nanos)
    .bind(bill.source == CostSource::Estimated)
    // The event that comes next tells of this attempt: a number of its own for each bill, in their order.
    .bind(execution.last_seq()?.saturating_add(1))
    .bind(seed_text(record.effective_seed))
    .bind(&record.model_version)
    .bind(bill.source.as_str())
    .bind(usage_text(bill.usage)?)
    .bind(record.quality_score_bp)
    .bind(record.failure.as_ref().map(failure_bytes))
    .later(tx);
    tell(tx, execution, attempt, now)?;
    let line = CostLine::of(
        &attempt.step_id,
        &attempt.record,
        bill.cost_nanos,
        Some(bill.source),
    );
    tell_line(tx, execution, line, now)
}

/// T6, T7 and their kin.
pub(super) async fn end_attempt(
    tx: &mut Tx<'_>,
    fence: &Fence,
    id: AttemptId,
    end: &AttemptEnd,
) -> Result<()> {
    let (mut execution, mut attempt) = owned_attempt(tx, fence, id).await?;
    if is_repeated(tx, &attempt.record, end.outcome).await? {
        return Ok(());
    }
    let state = attempt.record.state;
    if !allowed_from(end.outcome).contains(&state) {
        return Err(refuse(&attempt.record));
    }
    write_end(tx, id, end).await?;
    if state == AttemptState::Unknown {
        wake_waiting(tx, &execution).await?;
    }
    let before = execution.balance;
    let ceiling_nanos = attempt.record.ceiling_nanos;
    // As it was written.
    attempt = of_execution(tx, &execution, id).await?;
    match end.outcome {
        AttemptOutcome::FailedPaid { cost_nanos, source } => {
            let bill = Bill {
                cost_nanos,
                source,
                usage: &end.usage,
            };
            return settle(tx, &mut execution, &mut attempt, bill, end.now);
        }
        AttemptOutcome::Abandoned | AttemptOutcome::Rejected => {
            if state == AttemptState::Unknown {
                give_back_held(tx, &mut execution, &mut attempt, end.now).await?;
            } else {
                let release = Movement::Release;
                post(tx, &mut execution, &mut attempt, release, ceiling_nanos, end.now).await?;
            }
        }
        // Held already, and so it stays.
        AttemptOutcome::RejectedBillUnknown if state == AttemptState::Unknown => {}
        AttemptOutcome::RejectedBillUnknown | AttemptOutcome::Unknown => {
            let hold = Movement::Hold;
            post(tx, &mut execution, &mut attempt, hold, ceiling_nanos, end.now).await?;
        }
        AttemptOutcome::WrittenOff { .. } => {
            let unhold = Movement::Unhold;
            post(tx, &mut execution, &mut attempt, unhold, ceiling_nanos, end.now).await?;
            audit::append(tx, &written_off(&execution, &attempt, end))?;
            let bill = Bill {
                cost_nanos: ceiling_nanos,
                source: CostSource::Estimated,
                usage: &end.usage,
            };
            return settle(tx, &mut execution, &mut attempt, bill, end.now);
        }
    }
    tell(tx, &mut execution, &attempt, end.now)?;
    tell_cost(tx, &mut execution, before, end.now)
}

fn allowed_from(outcome: AttemptOutcome) -> &'static [AttemptState] {
    use AttemptState::{Accepted, Dispatching, Prepared, Received, Unknown};
    match outcome {
        AttemptOutcome::Abandoned => &[Prepared, Dispatching, Unknown],
        AttemptOutcome::Rejected | AttemptOutcome::RejectedBillUnknown => &[Dispatching, Accepted, Unknown],
        AttemptOutcome::Unknown => &[Dispatching, Accepted],
        AttemptOutcome::FailedPaid { .. } => &[Received],
        AttemptOutcome::WrittenOff { .. } => &[Unknown],
    }
}

/// True when the attempt ended with this very outcome before. Two outcomes share the state `rejected`: there
/// the ledger knows which one it was.
async fn is_repeated(tx: &mut Tx<'_>, record: &AttemptRecord, outcome: AttemptOutcome) -> Result<bool> {
    if record.state != outcome.state() {
        return Ok(false);
    }
    let last_movement = match outcome {
        AttemptOutcome::FailedPaid { cost_nanos, .. } => return Ok(record.cost_nanos == Some(cost_nanos)),
        AttemptOutcome::Abandoned | AttemptOutcome::Unknown | AttemptOutcome::WrittenOff { .. } => {
            return Ok(true);
        }
        AttemptOutcome::Rejected => Movement::Release,
        AttemptOutcome::RejectedBillUnknown => Movement::Hold,
    };
    let row = sql("SELECT kind FROM ledger WHERE attempt_id = $1 ORDER BY id DESC LIMIT 1")
        .bind(record.id.to_string())
        .fetch_optional(tx)
        .await?;
    let Some(row) = row else {
        return Ok(false);
    };
    Ok(Fields(&row).text("kind")? == last_movement.as_str())
}

/// Ends the attempt; its money follows.
pub(super) async fn write_end(tx: &mut Tx<'_>, id: AttemptId, end: &AttemptEnd) -> Result<()> {
    let state = end.outcome.state();
    // Unknown is no end: what became of the attempt is still to be found out.
    let ended = (!state.is_open()).then_some(end.now.0);
    let unknown = match end.outcome {
        AttemptOutcome::Unknown => Some(tx.now().await?.0),
        _ => None,
    };
    sql("UPDATE attempts SET state = $2, failure = $3, ended_us = $4, \
         provider_request_id = CASE WHEN $5 = '' THEN provider_request_id ELSE $5 END, \
         unknown_us = COALESCE($6, unknown_us) WHERE id = $1")
    .bind(id.to_string())
    .bind(state.as_str())
    .bind(failure_bytes(&end.failure))
    .bind(ended)
    .bind(&end.provider_request_id)
    .bind(unknown)
    .later(tx);
    let AttemptOutcome::WrittenOff { follow_up } = end.outcome else {
        return Ok(());
    };
    sql(
        "UPDATE attempts SET resolution = $2, resolution_follow_up = $3, resolution_actor = $4, \
         resolution_reason = $5 WHERE id = $1",
    )
    .bind(id.to_string())
    .bind(Decision::WrittenOff.as_str())
    .bind(follow_up.as_str())
    .bind(POLICY)
    .bind(&end.failure.message)
    .later(tx);
    Ok(())
}

/// Who decides when the plan does.
const POLICY: &str = "policy";

fn written_off(execution: &Execution, attempt: &Attempt, end: &AttemptEnd) -> AuditEvent {
    let record = &attempt.record;
    let action = AuditAction::AttemptWrittenOff;
    let fact = |name: &str, value: &dyn ToString| (name.to_owned(), value.to_string());
    AuditEvent {
        // An attempt is written off once.
        id: Uuid::new_v5(&record.id.0, action.as_str().as_bytes()),
        client: execution.client.clone(),
        at: end.now,
        actor: POLICY.to_owned(),
        action,
        subject: resource_name(
            &execution.client,
            Collection::Executions,
            &execution.id.to_string(),
        ),
        reason: end.failure.message.clone(),
        details: BTreeMap::from([
            fact("attemptId", &record.id),
            fact("stepId", &attempt.step_id),
            fact("ceilingNanos", &record.ceiling_nanos),
            fact("currency", &execution.currency),
        ]),
    }
}

/// The step completes with an earlier picture; the unit that has it stays as it is.
pub(super) async fn complete_reused(tx: &mut Tx<'_>, fence: &Fence, reuse: &Reuse) -> Result<()> {
    let mut execution = owned(tx, fence).await?;
    let image = &reuse.image;
    if image.execution != execution.id || !image.reused {
        return Err(wrong_state(
            format!("image {}", image.id),
            "not a reuse in this execution",
        ));
    }
    let step = step(tx, &execution, &image.step_id).await?;
    match step.state {
        StepState::Completed if step.image == Some(image.id) => return Ok(()),
        StepState::Processing => {}
        other => return Err(wrong_state(format!("step {}", image.step_id), other.as_str())),
    }
    deletion::stand_on(tx, &image.storage_key).await?;
    library::insert(tx, &execution.client, image)?;
    units::idle_units(tx, &execution, &image.step_id, None);
    let step = StepRecord {
        reused: true,
        below_threshold: reuse.below_threshold,
        ..step
    };
    complete_step(tx, &mut execution, step, image.id, reuse.now)
}

/// The step completes with a picture of its own that was rejected.
pub(super) async fn complete_rejected(
    tx: &mut Tx<'_>,
    fence: &Fence,
    step_id: &str,
    image: ImageId,
    now: UnixMicros,
) -> Result<()> {
    let mut execution = owned(tx, fence).await?;
    let step = step(tx, &execution, step_id).await?;
    match step.state {
        StepState::Completed if step.image == Some(image) => return Ok(()),
        StepState::Processing => {}
        other => return Err(wrong_state(format!("step {step_id}"), other.as_str())),
    }
    let subject = format!("image {image}");
    let Some(record) = library::find(tx, &execution.client, image).await? else {
        return Err(wrong_state(subject, "not there"));
    };
    let is_of_step = record.execution == execution.id && record.step_id == step_id;
    if !is_of_step || !record.rejected {
        return Err(wrong_state(subject, "not a rejected picture of the step"));
    }
    sql("UPDATE images SET rejected = $2, updated_us = $3 WHERE id = $1")
        .bind(image.to_string())
        .bind(false)
        .bind(now.0)
        .later(tx);
    units::idle_units(tx, &execution, step_id, None);
    let step = StepRecord {
        below_threshold: true,
        ..step
    };
    complete_step(tx, &mut execution, step, image, now)
}
