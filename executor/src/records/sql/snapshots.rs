//! Whole executions: rows of the tables put together, one query for each table whatever the number of
//! executions.

use std::collections::{BTreeMap, HashMap};

use super::{
    super::{
        AttemptRecord, AttemptState, CostLine, CostRecord, Decision, DecisionRecord, ExecutionFilter,
        ExecutionMode, ExecutionRecord, ExecutionState, FollowUp, Page, Receipt, ReceiptKind, Result,
        StepRecord, StepState,
    },
    pages,
    rows::{Fields, Row, damaged},
    statement::{Statement, sql},
    tx::Tx,
};
use crate::{
    ids::{AttemptId, ExecutionId, ImageId},
    provider::CapabilityClass,
};

const EXECUTIONS: &str = "SELECT id, client, plan_digest, session_id, take, request_id, mode, max_concurrency, \
    previous, state, failure, cancel_requested_us, created_us, started_us, ended_us, wake_us, crash_count, \
    last_seq, currency, settled_nanos, reserved_nanos, unknown_held_nanos FROM executions WHERE ";

/// One execution of a client.
pub(super) async fn find(tx: &mut Tx<'_>, client: &str, id: ExecutionId) -> Result<Option<ExecutionRecord>> {
    let mut query = sql(EXECUTIONS);
    query.push("id = ").push_bind(id.to_string());
    query.push(" AND client = ").push_bind(client.to_owned());
    Ok(load(tx, query).await?.pop())
}

/// One execution, whose ever it is.
pub(super) async fn find_any(tx: &mut Tx<'_>, id: ExecutionId) -> Result<Option<ExecutionRecord>> {
    let mut query = sql(EXECUTIONS);
    query.push("id = ").push_bind(id.to_string());
    Ok(load(tx, query).await?.pop())
}

/// A page of executions, newest first.
pub(super) async fn list(
    tx: &mut Tx<'_>,
    client: &str,
    filter: &ExecutionFilter,
    page: &Page,
) -> Result<Vec<ExecutionRecord>> {
    load(tx, list_query(client, filter, page)).await
}

/// The text consists of fixed pieces only; every value is bound.
pub(super) fn list_query(client: &str, filter: &ExecutionFilter, page: &Page) -> Statement {
    let mut query = sql(EXECUTIONS);
    query.push("client = ").push_bind(client.to_owned());
    if let Some(plan_digest) = &filter.plan_digest {
        query.push(" AND plan_digest = ").push_bind(plan_digest.clone());
    }
    if let Some(session_id) = &filter.session_id {
        query.push(" AND session_id = ").push_bind(session_id.clone());
    }
    if !filter.states.is_empty() {
        query.push(" AND state IN (");
        query.push_list(filter.states.iter().map(|state| state.as_str()));
        query.push(")");
    }
    pages::push(&mut query, "id", page);
    query
}

async fn load(tx: &mut Tx<'_>, query: Statement) -> Result<Vec<ExecutionRecord>> {
    let rows = query.fetch_all(tx).await?;
    let mut executions: Vec<ExecutionRecord> = rows.iter().map(execution_record).collect::<Result<_>>()?;
    if executions.is_empty() {
        return Ok(executions);
    }
    let ids: Vec<String> = executions.iter().map(|record| record.id.to_string()).collect();
    // Attempts find their step by its name, however many steps there are.
    let mut attempts: HashMap<(ExecutionId, String), Vec<AttemptRecord>> = HashMap::new();
    let mut lines: BTreeMap<ExecutionId, Vec<(u64, CostLine)>> = BTreeMap::new();
    for row in &children(
        tx,
        ATTEMPTS,
        &ids,
        " ORDER BY a.execution_id, a.step_id, a.number",
    )
    .await?
    {
        let fields = Fields(row);
        let execution = fields.id("execution_id", ExecutionId)?;
        if let Some(line) = cost_line(fields)? {
            lines.entry(execution).or_default().push(line);
        }
        let step = (execution, fields.text("step_id")?);
        attempts.entry(step).or_default().push(attempt_record(fields)?);
    }
    let mut steps: BTreeMap<ExecutionId, Vec<StepRecord>> = BTreeMap::new();
    for row in &children(tx, STEPS, &ids, " ORDER BY execution_id, ordinal").await? {
        let fields = Fields(row);
        let execution = fields.id("execution_id", ExecutionId)?;
        let mut step = step_record(fields)?;
        let of_step = attempts.remove(&(execution, step.step_id.clone()));
        step.attempts = of_step.unwrap_or_default();
        // The attempt that it waited to make ends the wait.
        let next = u32::try_from(step.attempts.len()).map_or(u32::MAX, |made| made.saturating_add(1));
        step.wait = fields
            .step_wait("wait")?
            .filter(|wait| wait.attempt == next && step.state == StepState::Processing);
        steps.entry(execution).or_default().push(step);
    }
    if !attempts.is_empty() {
        return Err(damaged("attempts", "an attempt without a step"));
    }
    for execution in &mut executions {
        execution.steps = steps.remove(&execution.id).unwrap_or_default();
        let mut lines = lines.remove(&execution.id).unwrap_or_default();
        lines.sort_by_key(|(sequence, _)| *sequence);
        execution.cost.lines = lines.into_iter().map(|(_, line)| line).collect();
    }
    Ok(executions)
}

const STEPS: &str = "SELECT execution_id, step_id, state, image_id, reused, below_threshold, failure, wait, skipped_targets FROM steps";

/// Attempts with the receipt of their answer; columns of the receipt are empty until there is one.
pub(super) const ATTEMPTS: &str = "SELECT a.id, a.execution_id, a.step_id, a.number, a.target, a.provider, \
    a.model, a.render_digest, a.class, a.state, a.ceiling_nanos, a.unknown_held_nanos, a.cost_nanos, \
    a.cost_estimated, a.cost_source, a.usage, a.job_id, a.provider_request_id, a.revised_prompt, a.effective_seed, a.model_version, a.reroll, a.quality_score_bp, a.failure, a.prepared_us, a.dispatched_us, a.send_by_us, a.first_send_by_us, \
    a.unknown_us, a.received_us, a.ended_us, a.settled_seq, a.reserved_nanos, a.budget_day, a.dispatch_epoch, a.resolution, a.resolution_follow_up, \
    a.resolution_actor, a.resolution_reason, r.number AS receipt_number, r.kind AS receipt_kind, \
    r.staging_key, r.body_sha256, r.size_bytes, r.media_type, r.request_id, r.headers, r.at_us \
    FROM attempts a LEFT JOIN receipts r ON r.attempt_id = a.id AND r.number = a.answer_receipt";

async fn children(
    tx: &mut Tx<'_>,
    select: &'static str,
    executions: &[String],
    order: &'static str,
) -> Result<Vec<Row>> {
    let mut query = sql(select);
    query.push(" WHERE execution_id IN (");
    query.push_list(executions.iter().map(String::as_str));
    query.push(")").push(order);
    query.fetch_all(tx).await
}

fn execution_record(row: &Row) -> Result<ExecutionRecord> {
    let fields = Fields(row);
    let state = fields.word("state", ExecutionState::parse)?;
    let is_parked = state == ExecutionState::NeedsDecision;
    Ok(ExecutionRecord {
        id: fields.id("id", ExecutionId)?,
        client: fields.text("client")?,
        plan_digest: fields.text("plan_digest")?,
        session_id: fields.text("session_id")?,
        take: fields.number("take")?,
        request_id: fields.text("request_id")?,
        mode: fields.word("mode", ExecutionMode::parse)?,
        max_concurrency: fields.number("max_concurrency")?,
        state,
        failure: fields.optional_failure("failure")?,
        previous: fields.optional_id("previous", ExecutionId)?,
        cancel_requested: fields.optional_time("cancel_requested_us")?.is_some(),
        created_at: fields.time("created_us")?,
        started_at: fields.optional_time("started_us")?,
        ended_at: fields.optional_time("ended_us")?,
        next_check_at: fields.optional_time("wake_us")?.filter(|_| is_parked),
        crash_count: fields.number("crash_count")?,
        last_sequence: fields.number("last_seq")?,
        steps: Vec::new(),
        cost: CostRecord {
            currency: fields.text("currency")?,
            settled_nanos: fields.nanos("settled_nanos")?,
            reserved_nanos: fields.nanos("reserved_nanos")?,
            unknown_held_nanos: fields.nanos("unknown_held_nanos")?,
            lines: Vec::new(),
        },
    })
}

/// A step, without its attempts and what it waits for.
pub(super) fn step_record(fields: Fields<'_>) -> Result<StepRecord> {
    Ok(StepRecord {
        step_id: fields.text("step_id")?,
        state: fields.word("state", StepState::parse)?,
        image: fields.optional_id("image_id", ImageId)?,
        reused: fields.flag("reused")?,
        below_threshold: fields.flag("below_threshold")?,
        failure: fields.optional_failure("failure")?,
        attempts: Vec::new(),
        wait: None,
        skipped_targets: fields.skipped_targets("skipped_targets")?,
    })
}

/// An attempt with the receipt of its answer, from a row of [`ATTEMPTS`].
pub(super) fn attempt_record(fields: Fields<'_>) -> Result<AttemptRecord> {
    let id = fields.id("id", AttemptId)?;
    Ok(AttemptRecord {
        id,
        number: fields.number("number")?,
        target: fields.number("target")?,
        reroll: fields.number("reroll")?,
        provider: fields.text("provider")?,
        model: fields.text("model")?,
        render_digest: fields.text("render_digest")?,
        class: fields.word("class", parse_class)?,
        state: fields.word("state", AttemptState::parse)?,
        ceiling_nanos: fields.nanos("ceiling_nanos")?,
        held_nanos: fields.nanos("unknown_held_nanos")?,
        cost_nanos: fields.optional_nanos("cost_nanos")?,
        cost_source: fields.cost_source()?,
        usage: fields.usage()?,
        job_id: fields.text("job_id")?,
        provider_request_id: fields.text("provider_request_id")?,
        revised_prompt: fields.text("revised_prompt")?,
        effective_seed: fields.effective_seed()?,
        model_version: fields.text("model_version")?,
        quality_score_bp: fields.optional_number("quality_score_bp")?,
        failure: fields.optional_failure("failure")?,
        prepared_at: fields.time("prepared_us")?,
        dispatched_at: fields.optional_time("dispatched_us")?,
        send_by: fields.optional_time("send_by_us")?,
        first_send_by: fields.optional_time("first_send_by_us")?,
        unknown_at: fields.optional_time("unknown_us")?,
        received_at: fields.optional_time("received_us")?,
        ended_at: fields.optional_time("ended_us")?,
        answer: receipt(fields, id)?,
        decision: decision(fields)?,
    })
}

fn decision(fields: Fields<'_>) -> Result<Option<DecisionRecord>> {
    let Some(decision) = fields.optional_word("resolution", Decision::parse)? else {
        return Ok(None);
    };
    Ok(Some(DecisionRecord {
        decision,
        follow_up: fields.optional_word("resolution_follow_up", FollowUp::parse)?,
        actor: fields.text("resolution_actor")?,
        reason: fields.text("resolution_reason")?,
    }))
}

fn receipt(fields: Fields<'_>, attempt: AttemptId) -> Result<Option<Receipt>> {
    if fields.optional_number::<u32>("receipt_number")?.is_none() {
        return Ok(None);
    }
    receipt_record(fields, attempt).map(Some)
}

/// A receipt, from columns of its table; its kind is called `receipt_kind`.
pub(super) fn receipt_record(fields: Fields<'_>, attempt: AttemptId) -> Result<Receipt> {
    let headers = fields.text("headers")?;
    Ok(Receipt {
        attempt,
        kind: fields.word("receipt_kind", ReceiptKind::parse)?,
        staging_key: fields.text("staging_key")?,
        body_sha256: fields.text("body_sha256")?,
        size_bytes: fields.number("size_bytes")?,
        media_type: fields.text("media_type")?,
        request_id: fields.text("request_id")?,
        headers: serde_json::from_str(&headers)
            .map_err(|_| damaged("headers", "no JSON object of strings"))?,
        at: fields.time("at_us")?,
    })
}

/// The line of a billed attempt, with the sequence that orders lines.
fn cost_line(fields: Fields<'_>) -> Result<Option<(u64, CostLine)>> {
    let (Some(amount_nanos), Some(sequence)) = (
        fields.optional_nanos("cost_nanos")?,
        fields.optional_number("settled_seq")?,
    ) else {
        return Ok(None);
    };
    let line = CostLine {
        step_id: fields.text("step_id")?,
        attempt_number: fields.number("number")?,
        provider: fields.text("provider")?,
        amount_nanos,
        source: fields.cost_source()?,
    };
    Ok(Some((sequence, line)))
}

/// The word of a class in the database.
pub(super) fn class_word(class: CapabilityClass) -> &'static str {
    match class {
        CapabilityClass::A => "a",
        CapabilityClass::B => "b",
        CapabilityClass::C => "c",
        CapabilityClass::D => "d",
    }
}

fn parse_class(word: &str) -> Option<CapabilityClass> {
    match word {
        "a" => Some(CapabilityClass::A),
        "b" => Some(CapabilityClass::B),
        "c" => Some(CapabilityClass::C),
        "d" => Some(CapabilityClass::D),
        _ => None,
    }
}
