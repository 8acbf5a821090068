//! Decisions about attempts whose outcome, or whose bill, is unknown.

use std::collections::BTreeMap;

use limn_proto::name::{Collection, resource_name};

use super::{
    super::{
        AttemptRecord, AttemptState, AuditAction, AuditEvent, CostLine, CostSource, Decision, FollowUp,
        Movement, Resolution, Resolved, Result, Verdict,
    },
    attempt::{self, Attempt},
    attempts::{tell, tell_cost, tell_line},
    audit,
    ledger::{give_back_held, next_line, post},
    lifecycle::steps,
    owned::{self, Execution},
    parking::{self, wake_waiting},
    rows::damaged,
    snapshots,
    statement::sql,
    tx::Tx,
    units,
};

mod follow_up;

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
    let found = owned::find(tx, resolution.execution).await?;
    let Some(mut execution) = found.filter(|found| found.client == resolution.client) else {
        return Ok(Resolved::ExecutionNotFound);
    };
    let mut attempt = match attempt::find(tx, resolution.attempt).await? {
        Some(attempt) if attempt.execution == execution.id => attempt,
        _ => return Ok(Resolved::AttemptNotFound),
    };
    let (step_id, record) = (attempt.step_id.clone(), attempt.record.clone());
    if is_repeated(&record, resolution) {
        return done(tx, &execution).await;
    }
    let Some(question) = Question::of(&record, resolution.verdict) else {
        return Ok(Resolved::NotUnknown { state: record.state });
    };
    let before = steps(tx, &execution).await?;
    let waits = question == Question::Outcome
        && !execution.state.is_terminal()
        && follow_up::is_waiting(tx, &execution, &before, &step_id, &record).await?;
    let follow_up = match (waits, resolution.follow_up) {
        (true, None) => return Ok(Resolved::FollowUpNeeded),
        (true, follow_up) => follow_up,
        (false, _) => None,
    };
    write(tx, &record, question, resolution, follow_up);
    // A step that is drawn again asks for its unit again: one that holds a unit before it begins could keep others
    // of its own execution waiting for ever.
    match follow_up {
        Some(_) => units::idle_units(tx, &execution, &step_id, None),
        None => units::let_go(tx, &execution, &step_id, &record.render_digest).await?,
    }
    let balance = execution.balance;
    let line = move_money(tx, &mut execution, &mut attempt, question, resolution).await?;
    if !execution.state.is_terminal() {
        // As it was written.
        attempt = attempt::of_execution(tx, &execution, record.id).await?;
        tell(tx, &mut execution, &attempt, resolution.now)?;
        match line {
            Some(line) => tell_line(tx, &mut execution, line, resolution.now)?,
            None => tell_cost(tx, &mut execution, balance, resolution.now)?,
        }
    }
    if let Some(follow_up) = follow_up {
        let stays_parked = parking::is_stuck(&execution, &before);
        follow_up::write(
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
            parking::resume(tx, &mut execution, resolution.now).await?;
        }
    }
    if question == Question::Outcome {
        wake_waiting(tx, &execution).await?;
    }
    audit::append(
        tx,
        &audit_event(&execution, &step_id, &record, follow_up, resolution),
    )?;
    done(tx, &execution).await
}

async fn done(tx: &mut Tx<'_>, execution: &Execution) -> Result<Resolved> {
    let record = snapshots::find_any(tx, execution.id).await?;
    let record = record.ok_or_else(|| damaged("executions", "nothing after an update"))?;
    Ok(Resolved::Done(Box::new(record)))
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
        } => record.cost_nanos == Some(nanos) && record.cost_source != Some(CostSource::Estimated),
        Verdict::Charged { cost_nanos: None } => record.cost_source == Some(CostSource::Estimated),
    };
    let same_follow_up = match (kept.follow_up, resolution.follow_up) {
        (Some(kept), Some(asked)) => kept == asked,
        _ => true,
    };
    kept.decision == resolution.verdict.decision() && same_bill && same_follow_up
}

/// Writes the decision into the attempt; its money follows.
fn write(
    tx: &mut Tx<'_>,
    record: &AttemptRecord,
    question: Question,
    resolution: &Resolution,
    follow_up: Option<FollowUp>,
) {
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
    .later(tx);
}

/// Moves the money that the decision is about; returns the cost line that it makes or changes. A bill that was paid
/// back stays as a line of nothing.
async fn move_money(
    tx: &mut Tx<'_>,
    execution: &mut Execution,
    attempt: &mut Attempt,
    question: Question,
    resolution: &Resolution,
) -> Result<Option<CostLine>> {
    let now = resolution.now;
    let (bill_nanos, source) = if question == Question::WriteOff {
        let settled_nanos = attempt
            .record
            .cost_nanos
            .ok_or_else(|| damaged("cost_nanos", "nothing, although the attempt was written off"))?;
        post(tx, execution, attempt, Movement::Refund, settled_nanos, now).await?;
        (0, CostSource::Decided)
    } else {
        give_back_held(tx, execution, attempt, now).await?;
        let Verdict::Charged { cost_nanos } = resolution.verdict else {
            return Ok(None);
        };
        let bill_nanos = cost_nanos.unwrap_or(attempt.record.ceiling_nanos);
        post(tx, execution, attempt, Movement::Settle, bill_nanos, now).await?;
        let source = match cost_nanos {
            Some(_) => CostSource::Decided,
            None => CostSource::Estimated,
        };
        (bill_nanos, source)
    };
    sql(
        "UPDATE attempts SET cost_nanos = $2, cost_estimated = $3, settled_seq = $4, cost_source = $5 WHERE id = $1",
    )
    .bind(attempt.record.id.to_string())
    .bind(bill_nanos)
    .bind(source == CostSource::Estimated)
    .bind(next_line(tx, execution).await?)
    .bind(source.as_str())
    .later(tx);
    let line = CostLine::of(&attempt.step_id, &attempt.record, bill_nanos, Some(source));
    Ok(Some(line))
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
