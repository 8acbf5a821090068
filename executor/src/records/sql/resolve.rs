//! Decisions about attempts whose outcome, or whose bill, is unknown.

use std::collections::BTreeMap;

use limn_proto::{
    name::{Collection, resource_name},
    reason::Reason,
};

use super::{
    super::{
        AttemptRecord, AttemptState, AuditAction, AuditEvent, CostLine, Decision, ExecutionState, FollowUp,
        Movement, Resolution, Resolved, Result, StepRecord, StepState, Verdict,
    },
    attempts::{self, tell, tell_cost, tell_line},
    audit,
    ledger::{give_back_held, post},
    lifecycle::{change_state, change_step, steps},
    owned::{self, Execution},
    rows::{Fields, damaged},
    snapshots,
    statement::{Statement, sql},
    tx::Tx,
    units,
};
use crate::{clock::UnixMicros, failure::Failure, ids::ExecutionId};

/// What there is to decide about an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Question {
    /// Nobody knows what became of it; its ceiling is held, and so is its unit.
    Outcome,
    /// The provider refused it, and nobody knows whether that is billed; its ceiling is held.
    Bill,
    /// It was given up and counted as billed, which may turn out wrong.
    WriteOff,
}

impl Question {
    fn of(record: &AttemptRecord, verdict: Verdict) -> Option<Self> {
        let is_charged = record
            .decision
            .as_ref()
            .is_some_and(|kept| kept.decision == Decision::Charged);
        match record.state {
            AttemptState::Unknown => Some(Self::Outcome),
            AttemptState::Rejected if record.held_nanos > 0 => Some(Self::Bill),
            AttemptState::WrittenOff if verdict == Verdict::NotCharged && !is_charged => Some(Self::WriteOff),
            _ => None,
        }
    }
}

/// The rules of [`RecordStore::resolve_attempt`](super::super::RecordStore::resolve_attempt).
pub(super) async fn resolve(tx: &mut Tx<'_>, resolution: &Resolution) -> Result<Resolved> {
    let Some((mut execution, waiting)) = lock(tx, resolution).await? else {
        return Ok(Resolved::ExecutionNotFound);
    };
    let (step_id, record) = match attempts::find(tx, resolution.attempt).await? {
        Some((owner, step_id, record)) if owner == execution.id => (step_id, record),
        _ => return Ok(Resolved::AttemptNotFound),
    };
    if is_repeated(&record, resolution) {
        return done(tx, &execution).await;
    }
    let Some(question) = Question::of(&record, resolution.verdict) else {
        return Ok(Resolved::NotUnknown { state: record.state });
    };
    let before = steps(tx, &execution).await?;
    let waits = question == Question::Outcome
        && !execution.state.is_terminal()
        && is_waiting(tx, &execution, &before, &step_id, &record).await?;
    let follow_up = match (waits, resolution.follow_up) {
        (true, None) => return Ok(Resolved::FollowUpNeeded),
        (true, follow_up) => follow_up,
        (false, _) => None,
    };
    write(tx, &record, question, resolution, follow_up).await?;
    // A step that is drawn again asks for its unit again: one that holds a unit before it begins could keep others
    // of its own execution waiting for ever.
    match follow_up {
        Some(_) => units::idle_units(tx, &execution, &step_id, None).await?,
        None => units::let_go(tx, &execution, &step_id, &record.render_digest).await?,
    }
    let balance = execution.balance;
    let line = move_money(tx, &mut execution, &step_id, &record, question, resolution).await?;
    if !execution.state.is_terminal() {
        tell(tx, &mut execution, record.id, resolution.now).await?;
        match line {
            Some(line) => tell_line(tx, &mut execution, line, resolution.now).await?,
            None => tell_cost(tx, &mut execution, balance, resolution.now).await?,
        }
    }
    if let Some(follow_up) = follow_up {
        let stays_parked = is_stuck(&execution, &before);
        go_on(
            tx,
            &mut execution,
            before,
            &step_id,
            &record,
            follow_up,
            resolution,
        )
        .await?;
        if !stays_parked {
            leave_parking(tx, &mut execution, resolution.now).await?;
        }
    }
    if question == Question::Outcome {
        wake(tx, &waiting).await?;
    }
    audit::append(
        tx,
        &audit_event(&execution, &step_id, &record, follow_up, resolution),
    )
    .await?;
    done(tx, &execution).await
}

async fn done(tx: &mut Tx<'_>, execution: &Execution) -> Result<Resolved> {
    let record = snapshots::find_any(tx, execution.id).await?;
    let record = record.ok_or_else(|| damaged("executions", "nothing after an update"))?;
    Ok(Resolved::Done(Box::new(record)))
}

/// The execution, and others of the client that are parked for a picture which somebody else draws. All are locked in
/// the order of their ids: two resolutions never wait for each other.
async fn lock(tx: &mut Tx<'_>, resolution: &Resolution) -> Result<Option<(Execution, Vec<ExecutionId>)>> {
    let rows = waiting(&resolution.client).fetch_all(tx).await?;
    let mut ids = vec![resolution.execution];
    for row in &rows {
        ids.push(Fields(row).id("id", ExecutionId)?);
    }
    ids.sort_unstable();
    ids.dedup();
    let mut resolved = None;
    let mut waiting = Vec::new();
    for id in ids {
        match owned::find(tx, id).await? {
            Some(found) if id == resolution.execution => resolved = Some(found),
            Some(found) if found.state == ExecutionState::NeedsDecision => waiting.push(id),
            _ => {}
        }
    }
    let resolved = resolved.filter(|found| found.client == resolution.client);
    Ok(resolved.map(|found| (found, waiting)))
}

/// Parked executions with a step that waits and has no unknown attempt of its own: somebody else's keeps it waiting.
/// Those that are parked because their owners died wait for nothing of the kind. The states are spelled out as in the
/// partial index, so that the index serves.
pub(super) fn waiting(client: &str) -> Statement {
    sql("SELECT id FROM executions WHERE client = $1 \
         AND state IN ('pending', 'processing', 'cancelling', 'needs_decision') \
         AND state = 'needs_decision' AND failure IS NULL \
         AND EXISTS (SELECT 1 FROM steps WHERE steps.execution_id = executions.id \
           AND steps.state = 'needs_decision' \
           AND NOT EXISTS (SELECT 1 FROM attempts WHERE attempts.execution_id = steps.execution_id \
             AND attempts.step_id = steps.step_id AND attempts.state = 'unknown')) \
         AND (owner_boot_id IS NOT NULL OR NOT EXISTS (SELECT 1 FROM steps \
           WHERE steps.execution_id = executions.id AND steps.state IN ('pending', 'processing')))")
    .bind(client)
}

/// True when this very decision was made before. What became of the step matters only where both say it.
fn is_repeated(record: &AttemptRecord, resolution: &Resolution) -> bool {
    let Some(kept) = &record.decision else {
        return false;
    };
    let same_bill = match resolution.verdict {
        Verdict::NotCharged => true,
        Verdict::Charged {
            cost_nanos: Some(nanos),
        } => record.cost_nanos == Some(nanos) && !record.cost_estimated,
        Verdict::Charged { cost_nanos: None } => record.cost_estimated,
    };
    let same_follow_up = match (kept.follow_up, resolution.follow_up) {
        (Some(kept), Some(asked)) => kept == asked,
        _ => true,
    };
    kept.decision == resolution.verdict.decision() && same_bill && same_follow_up
}

/// True when the step can do nothing but wait for this attempt: it is parked, or its owner died before parking it,
/// and no other attempt of it is open.
async fn is_waiting(
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

/// True when the execution is parked although it has work to do: only an unparking makes it run again.
pub(super) fn is_stuck(execution: &Execution, steps: &[StepRecord]) -> bool {
    let is_poisoned = execution
        .failure
        .as_ref()
        .is_some_and(|failure| failure.reason == Reason::ExecutionPoisoned);
    let has_work = steps
        .iter()
        .any(|step| matches!(step.state, StepState::Pending | StepState::Processing));
    execution.state == ExecutionState::NeedsDecision && execution.owner.is_none() && (is_poisoned || has_work)
}

/// Writes the decision into the attempt; its money follows.
async fn write(
    tx: &mut Tx<'_>,
    record: &AttemptRecord,
    question: Question,
    resolution: &Resolution,
    follow_up: Option<FollowUp>,
) -> Result<()> {
    let state = match (question, resolution.verdict) {
        // A refusal stays one, whatever it cost.
        (Question::Bill, _) | (_, Verdict::NotCharged) => AttemptState::Rejected,
        (_, Verdict::Charged { .. }) => AttemptState::WrittenOff,
    };
    sql(
        "UPDATE attempts SET state = $2, resolution = $3, resolution_follow_up = $4, resolution_actor = $5, \
         resolution_reason = $6, ended_us = COALESCE(ended_us, $7) WHERE id = $1",
    )
    .bind(record.id.to_string())
    .bind(state.as_str())
    .bind(resolution.verdict.decision().as_str())
    .bind(follow_up.map_or("", FollowUp::as_str))
    .bind(&resolution.actor)
    .bind(&resolution.reason)
    .bind(resolution.now.0)
    .execute(tx)
    .await?;
    Ok(())
}

/// Moves the money that the decision is about; returns the cost line that it makes or changes. A bill that was paid
/// back stays as a line of nothing.
async fn move_money(
    tx: &mut Tx<'_>,
    execution: &mut Execution,
    step_id: &str,
    record: &AttemptRecord,
    question: Question,
    resolution: &Resolution,
) -> Result<Option<CostLine>> {
    let (id, now) = (record.id, resolution.now);
    let (bill_nanos, estimated) = if question == Question::WriteOff {
        let settled_nanos = record
            .cost_nanos
            .ok_or_else(|| damaged("cost_nanos", "nothing, although the attempt was written off"))?;
        post(tx, execution, id, Movement::Refund, settled_nanos, now).await?;
        (0, false)
    } else {
        give_back_held(tx, execution, id, record.ceiling_nanos, now).await?;
        let Verdict::Charged { cost_nanos } = resolution.verdict else {
            return Ok(None);
        };
        let bill_nanos = cost_nanos.unwrap_or(record.ceiling_nanos);
        post(tx, execution, id, Movement::Settle, bill_nanos, now).await?;
        (bill_nanos, cost_nanos.is_none())
    };
    sql("UPDATE attempts SET cost_nanos = $2, cost_estimated = $3, settled_seq = $4 WHERE id = $1")
        .bind(id.to_string())
        .bind(bill_nanos)
        .bind(estimated)
        .bind(next_line(tx, execution).await?)
        .execute(tx)
        .await?;
    Ok(Some(CostLine::of(step_id, record, bill_nanos, estimated)))
}

/// The place of the next cost line: that of the event which tells of it. An execution that ended has no more events,
/// and its lines go on behind the last one.
async fn next_line(tx: &mut Tx<'_>, execution: &Execution) -> Result<i64> {
    let row = sql("SELECT COALESCE(MAX(settled_seq), 0) AS last FROM attempts WHERE execution_id = $1")
        .bind(execution.id.to_string())
        .fetch_one(tx)
        .await?;
    let last: u64 = Fields(&row).number("last")?;
    let next = last.max(execution.last_sequence) + 1;
    i64::try_from(next).map_err(|_| damaged("settled_seq", "too great a number"))
}

/// The step that waited is drawn again or fails. Others that wait for a picture which no attempt of their own draws
/// may have waited for this one: they look again.
async fn go_on(
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
        change_step(tx, execution, &step, resolution.now).await?;
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

/// A parked execution that has something to do, or nothing to wait for, can be claimed.
async fn leave_parking(tx: &mut Tx<'_>, execution: &mut Execution, now: UnixMicros) -> Result<()> {
    if execution.state != ExecutionState::NeedsDecision {
        return Ok(());
    }
    let steps = steps(tx, execution).await?;
    let any = |state: StepState| steps.iter().any(|step| step.state == state);
    if any(StepState::NeedsDecision) && !any(StepState::Pending) && !any(StepState::Processing) {
        return Ok(());
    }
    sql("UPDATE executions SET wake_us = NULL WHERE id = $1")
        .bind(execution.id.to_string())
        .execute(tx)
        .await?;
    let running = execution.running_state();
    change_state(tx, execution, running, None, now).await
}

/// What waited for the picture is looked at again.
async fn wake(tx: &mut Tx<'_>, waiting: &[ExecutionId]) -> Result<()> {
    let now = tx.now().await?;
    for id in waiting {
        sql("UPDATE executions SET wake_us = $2 WHERE id = $1")
            .bind(id.to_string())
            .bind(now.0)
            .execute(tx)
            .await?;
    }
    Ok(())
}

fn audit_event(
    execution: &Execution,
    step_id: &str,
    record: &AttemptRecord,
    follow_up: Option<FollowUp>,
    resolution: &Resolution,
) -> AuditEvent {
    let fact = |name: &str, value: &dyn ToString| (name.to_owned(), value.to_string());
    let mut details = BTreeMap::from([
        fact("attemptId", &record.id),
        fact("stepId", &step_id),
        fact("stateBefore", &record.state.as_str()),
        fact("resolution", &resolution.verdict.decision().as_str()),
        fact("ceilingNanos", &record.ceiling_nanos),
        fact("currency", &execution.currency),
    ]);
    if let Verdict::Charged { cost_nanos } = resolution.verdict {
        details.extend([fact("costNanos", &cost_nanos.unwrap_or(record.ceiling_nanos))]);
    }
    if let Some(follow_up) = follow_up {
        details.extend([fact("followUp", &follow_up.as_str())]);
    }
    AuditEvent {
        id: resolution.audit_id,
        client: execution.client.clone(),
        at: resolution.now,
        actor: resolution.actor.clone(),
        action: AuditAction::AttemptResolved,
        subject: resource_name(
            &execution.client,
            Collection::Executions,
            &execution.id.to_string(),
        ),
        reason: resolution.reason.clone(),
        details,
    }
}
