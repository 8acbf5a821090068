//! From an order to an execution: everything is checked before anything is written.

use limn_executor::{
    executor::{Order, Submitted},
    plan::Plan,
    records::{ExecutionFilter, ExecutionMode, Page},
};
use limn_planner::{Planner, canonical};
use limn_proto::{
    digest::PREFIX,
    name::Collection,
    plan::PlanSpec,
    reason::Reason,
    v1::{self, Drift, DriftKind, ImageGenerationPlan, execution_order::Source},
};

use crate::{
    refusal::{Refusal, Violation},
    services::{
        Context,
        planner::verified,
        request::{Fields, same_client},
    },
};

/// Longest request id in characters.
const MAX_REQUEST_ID_CHARS: usize = 128;
/// Highest take.
const MAX_TAKE: u32 = 1_000_000;
/// How many executions are looked at in one go in search of an earlier order.
const LOOKED_AT: u32 = 200;

/// An order in checked form.
struct Checked {
    client: String,
    source: Source,
    order: Order,
}

/// Accepts an order, or says why not. Nothing was rendered when this refuses.
pub(super) async fn submit(
    context: &Context,
    order: Option<v1::ExecutionOrder>,
) -> Result<Submitted, Refusal> {
    let Checked {
        client,
        source,
        order,
    } = check(order)?;
    let (digest, spec) = whole_plan(context, &client, source).await?;
    same_client("order.plan.spec.client", &client, &spec.client)?;
    let plan = Plan::parse(&spec).map_err(|refused| Refusal::from(refused).below("order.plan.spec"))?;

    let envelope = ImageGenerationPlan {
        digest,
        spec: Some(spec),
        notes: None,
    };
    if let Err(refusal) = check_present(context, &envelope, order.accept_price_drift) {
        let earlier = repeated(context, &plan, &order).await?;
        return earlier.ok_or(refusal);
    }
    context
        .executor
        .submit(&plan, &order)
        .await
        .map_err(|error| Refusal::of_order(&client, error))
}

fn check(order: Option<v1::ExecutionOrder>) -> Result<Checked, Refusal> {
    let order = order.ok_or_else(|| Refusal::field(Reason::InvalidRequest, "order", "is required"))?;
    let mut fields = Fields::default();
    let client = fields.client("order.parent", &order.parent).map(str::to_owned);
    match &order.source {
        None => fields.wrong("order.source", "is required: plan or plan_name"),
        Some(Source::PlanName(name)) => {
            fields.plan("order.plan_name", name);
        }
        Some(Source::Plan(plan)) if plan.spec.is_none() => {
            fields.wrong("order.plan.spec", "is required");
        }
        Some(Source::Plan(_)) => {}
    }
    let visible = order.request_id.bytes().all(|byte| byte.is_ascii_graphic());
    if order.request_id.len() > MAX_REQUEST_ID_CHARS || !visible {
        let what = format!("must be 1 to {MAX_REQUEST_ID_CHARS} visible ASCII characters, or empty");
        fields.wrong("order.request_id", what);
    }
    let mode = fields.known::<v1::ExecutionMode>("order.mode", order.mode);
    if order.take > MAX_TAKE {
        fields.wrong(
            "order.take",
            format!("must be at most {MAX_TAKE}, but is {}", order.take),
        );
    }
    let ((client, source), mode) = fields.finish(client.zip(order.source).zip(mode))?;
    Ok(Checked {
        client,
        source,
        order: Order {
            request_id: Some(order.request_id).filter(|id| !id.is_empty()),
            mode: match mode {
                v1::ExecutionMode::Unspecified | v1::ExecutionMode::Reuse => ExecutionMode::Reuse,
                v1::ExecutionMode::Resume => ExecutionMode::Resume,
            },
            max_concurrency: Some(order.max_concurrency).filter(|limit| *limit > 0),
            take: order.take,
            accept_price_drift: order.accept_price_drift,
        },
    })
}

/// The plan with its computed digest: given in full, or stored.
async fn whole_plan(context: &Context, client: &str, source: Source) -> Result<(String, PlanSpec), Refusal> {
    match source {
        Source::Plan(plan) => {
            let digest = verified(&plan).map_err(|refusal| refusal.below("order"))?;
            Ok((digest, plan.spec.unwrap_or_default()))
        }
        Source::PlanName(name) => {
            let mut fields = Fields::default();
            let parsed = fields.plan("order.plan_name", &name);
            let (owner, digest_hex) = fields.finish(parsed)?;
            same_client("order.plan_name", client, owner)?;
            let record = context.executor.records().plan(client, digest_hex).await?;
            let record = record.ok_or_else(|| Refusal::not_found(Collection::Plans, &name))?;
            let spec = canonical::from_bytes(&record.canonical_bytes).map_err(Refusal::internal)?;
            Ok((format!("{PREFIX}{digest_hex}"), spec))
        }
    }
}

/// Holds the plan against the catalog and the clock.
fn check_present(
    context: &Context,
    plan: &ImageGenerationPlan,
    accept_price_drift: bool,
) -> Result<(), Refusal> {
    let now_unix = context.clock.now().seconds();
    let answer = Planner::new(&context.catalog).check(plan, Some(now_unix))?;
    let accepted = |drift: &Drift| accept_price_drift && drift.kind() == DriftKind::Price;
    let blocking: Vec<_> = answer
        .drifts
        .iter()
        .filter(|drift| drift.blocking && !accepted(drift))
        .collect();
    if blocking.is_empty() {
        return Ok(());
    }
    let expired = blocking.iter().all(|drift| drift.kind() == DriftKind::Expired);
    let (reason, message) = if expired {
        (
            Reason::PlanExpired,
            "the not_after of the plan has passed: plan again",
        )
    } else {
        (
            Reason::PlanStale,
            "the plan no longer fits the catalog: plan again",
        )
    };
    let mut refusal = Refusal::new(reason, message);
    refusal.details.violations = blocking.into_iter().map(violation).collect();
    Err(refusal)
}

/// The execution of an equal order under the same request id that was accepted while the plan was fresh: the
/// caller lost the answer and asks again. What it asks for exists, so it is not refused.
async fn repeated(context: &Context, plan: &Plan, order: &Order) -> Result<Option<Submitted>, Refusal> {
    let Some(request_id) = &order.request_id else {
        return Ok(None);
    };
    let filter = ExecutionFilter {
        plan_digest: Some(plan.digest.clone()),
        ..ExecutionFilter::default()
    };
    let most = plan.policy.max_concurrency;
    let max_concurrency = order.max_concurrency.map_or(most, |lowered| lowered.min(most));
    let mut after = None;
    loop {
        let page = Page {
            limit: LOOKED_AT,
            after: after.take(),
        };
        let records = context.executor.records();
        let executions = records.executions(&plan.client, &filter, &page).await?;
        let last = executions
            .last()
            .filter(|_| executions.len() == LOOKED_AT as usize);
        after = last.map(|last| (last.created_at, last.id.to_string()));
        let same = executions.into_iter().find(|execution| {
            execution.request_id == *request_id
                && execution.take == order.take
                && execution.mode == order.mode
                && execution.max_concurrency == max_concurrency
        });
        if same.is_some() || after.is_none() {
            return Ok(same.map(|execution| Submitted {
                execution,
                existing: true,
            }));
        }
    }
}

fn violation(drift: &Drift) -> Violation {
    let subject = if drift.step_id.is_empty() {
        "plan".to_owned()
    } else {
        format!("steps/{}/targets/{}", drift.step_id, drift.target)
    };
    let current = if drift.current.is_empty() {
        "nothing"
    } else {
        &drift.current
    };
    let class = drift.kind().as_str_name().trim_start_matches("DRIFT_KIND_");
    Violation {
        subject,
        description: format!("planned {}, now {current}", drift.planned),
        class: class.to_owned(),
    }
}
