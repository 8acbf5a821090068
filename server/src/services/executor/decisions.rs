//! Decisions of people: what became of an attempt, and whether a parked execution may run again.

use limn_executor::{
    ids::{AttemptId, ExecutionId},
    plan::MAX_AMOUNT_NANOS,
    records::{FollowUp, Resolution, Resolved, Unparked, Unparking, Verdict},
    snapshot,
};
use limn_proto::{
    plan::Money,
    reason::Reason,
    v1::{AttemptResolution, Execution, ResolutionFollowUp, ResolveAttemptRequest, UnparkExecutionRequest},
};
use uuid::Uuid;

use crate::{
    refusal::Refusal,
    services::{Context, request::Fields},
};

/// Longest name of who decides, in characters.
const MAX_ACTOR_CHARS: usize = 256;
/// Longest reason, in characters.
const MAX_REASON_CHARS: usize = 1024;

/// Decides about an attempt.
pub(super) async fn resolve(context: &Context, request: ResolveAttemptRequest) -> Result<Execution, Refusal> {
    let resolution = checked(context, &request)?;
    if let Some(cost) = &request.cost {
        check_currency(context, &resolution, &request.name, cost).await?;
    }
    match context.executor.resolve_attempt(&resolution).await? {
        Resolved::Done(record) => Ok(snapshot::execution(&record)),
        Resolved::ExecutionNotFound => Err(context
            .missing_execution(&resolution.client, resolution.execution, &request.name)
            .await),
        Resolved::AttemptNotFound => {
            let message = format!(
                "{} has no attempt {}: GetExecution lists its attempts",
                request.name, request.attempt_id
            );
            let mut refusal = Refusal::new(Reason::AttemptNotFound, message);
            refusal.details.resource = Some(("limn.v1.Attempt", request.attempt_id));
            Err(refusal)
        }
        Resolved::NotUnknown { state } => {
            let state = snapshot::attempt_state(state).as_str_name();
            let message = format!(
                "attempt {} is {state}: its outcome and its bill are known, or were decided otherwise",
                request.attempt_id
            );
            Err(Refusal::new(Reason::AttemptNotUnknown, message).with("state", state))
        }
        Resolved::FollowUpNeeded => Err(Refusal::field(
            Reason::InvalidRequest,
            "follow_up",
            "is required, because the step waits for this attempt: RESOLUTION_FOLLOW_UP_RETRY draws it again, \
             paid, and RESOLUTION_FOLLOW_UP_FAIL lets it fail",
        )),
    }
}

/// Lets an execution run again that is parked because its owners died.
pub(super) async fn unpark(context: &Context, request: UnparkExecutionRequest) -> Result<Execution, Refusal> {
    let mut fields = Fields::default();
    let name = fields.execution("name", &request.name);
    let actor = fields.words("actor", &request.actor, MAX_ACTOR_CHARS);
    let reason = fields.words("reason", &request.reason, MAX_REASON_CHARS);
    let (((client, execution), actor), reason) = fields.finish(name.zip(actor).zip(reason))?;
    let unparking = Unparking {
        client: client.to_owned(),
        execution,
        actor: actor.to_owned(),
        reason: reason.to_owned(),
        audit_id: Uuid::now_v7(),
        now: context.clock.now(),
    };
    match context.executor.unpark(&unparking).await? {
        Unparked::Done(record) => Ok(snapshot::execution(&record)),
        Unparked::NotFound => Err(context.missing_execution(client, execution, &request.name).await),
        Unparked::NotParked => Err(not_parked(context, client, execution, &request.name).await?),
    }
}

fn checked(context: &Context, request: &ResolveAttemptRequest) -> Result<Resolution, Refusal> {
    let mut fields = Fields::default();
    let name = fields.execution("name", &request.name);
    let attempt = AttemptId::parse(&request.attempt_id);
    if attempt.is_none() {
        let what = format!(
            "must be the attempt_id of an attempt of the execution, a lowercase UUID, not {:?}",
            request.attempt_id
        );
        fields.wrong("attempt_id", what);
    }
    let verdict = verdict(&mut fields, request);
    let follow_up = match fields.known::<ResolutionFollowUp>("follow_up", request.follow_up) {
        None | Some(ResolutionFollowUp::Unspecified) => None,
        Some(ResolutionFollowUp::Retry) => Some(FollowUp::Retry),
        Some(ResolutionFollowUp::Fail) => Some(FollowUp::Fail),
    };
    let actor = fields.words("actor", &request.actor, MAX_ACTOR_CHARS);
    let reason = fields.words("reason", &request.reason, MAX_REASON_CHARS);
    let read = name.zip(attempt).zip(verdict).zip(actor.zip(reason));
    let ((((client, execution), attempt), verdict), (actor, reason)) = fields.finish(read)?;
    Ok(Resolution {
        client: client.to_owned(),
        execution,
        attempt,
        verdict,
        follow_up,
        actor: actor.to_owned(),
        reason: reason.to_owned(),
        audit_id: Uuid::now_v7(),
        now: context.clock.now(),
    })
}

fn verdict(fields: &mut Fields, request: &ResolveAttemptRequest) -> Option<Verdict> {
    let cost = request.cost.as_ref();
    match fields.known::<AttemptResolution>("resolution", request.resolution)? {
        AttemptResolution::Unspecified => {
            fields.wrong(
                "resolution",
                "is required: ATTEMPT_RESOLUTION_NOT_CHARGED or ATTEMPT_RESOLUTION_CHARGED",
            );
            None
        }
        AttemptResolution::NotCharged if cost.is_some() => {
            fields.wrong(
                "cost",
                "must be absent with ATTEMPT_RESOLUTION_NOT_CHARGED: nothing was billed",
            );
            None
        }
        AttemptResolution::NotCharged => Some(Verdict::NotCharged),
        AttemptResolution::Charged => {
            let nanos = cost.map(|cost| cost.nanos);
            if let Some(nanos) = nanos.filter(|nanos| !(0..=MAX_AMOUNT_NANOS).contains(nanos)) {
                let what = format!("must be 0 to {MAX_AMOUNT_NANOS}, but is {nanos}");
                fields.wrong("cost.nanos", what);
            }
            Some(Verdict::Charged { cost_nanos: nanos })
        }
    }
}

/// An amount of another currency would be booked as if it were one of the plan.
async fn check_currency(
    context: &Context,
    resolution: &Resolution,
    name: &str,
    cost: &Money,
) -> Result<(), Refusal> {
    let records = context.executor.records();
    let record = records
        .execution(&resolution.client, resolution.execution)
        .await?;
    let Some(record) = record else {
        return Err(context
            .missing_execution(&resolution.client, resolution.execution, name)
            .await);
    };
    let currency = &record.cost.currency;
    if *currency == cost.currency_code {
        return Ok(());
    }
    Err(Refusal::field(
        Reason::InvalidRequest,
        "cost.currency_code",
        format!(
            "must be {currency}, the currency of the plan, not {:?}",
            cost.currency_code
        ),
    ))
}

async fn not_parked(
    context: &Context,
    client: &str,
    execution: ExecutionId,
    name: &str,
) -> Result<Refusal, Refusal> {
    let standing = context.executor.records().standing(client, execution).await?;
    let Some(standing) = standing else {
        return Err(context.missing_execution(client, execution, name).await);
    };
    let state = snapshot::execution_state(standing.state).as_str_name();
    let message = format!(
        "{name} is {state} and not parked because of its owners: an unknown outcome is decided by ResolveAttempt"
    );
    Ok(Refusal::new(Reason::ExecutionNotParked, message).with("state", state))
}
