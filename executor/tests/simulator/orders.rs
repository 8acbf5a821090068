//! What clients order: plans that share units, with policies of every kind.

use limn_executor::{executor::Order, plan::Plan, records::ExecutionMode};
use limn_proto::plan::{self as wire, Money};

use crate::{rng::Rng, vendor::NAMES};

/// What a picture costs, and the ceiling that is reserved for it.
pub(crate) const PRICE_NANOS: i64 = 40_000_000;
pub(crate) const CEILING_NANOS: i64 = 50_000_000;

/// Clients of a world. The second one has pictures of its own for the same plans.
const CLIENTS: [&str; 3] = ["ann", "ann", "bob"];

fn money(nanos: i64) -> Option<Money> {
    Some(Money {
        currency_code: "USD".to_owned(),
        nanos,
    })
}

/// A plan of a few steps. There are few different pictures, so that plans and steps often want the same one.
pub(crate) fn plan(rng: &mut Rng, vendors: &[usize]) -> Plan {
    let steps: Vec<(u64, Vec<usize>)> = (0..rng.pick(&[1, 1, 2, 2, 3]))
        .map(|_| {
            let mut targets = Vec::new();
            for _ in 0..rng.pick(&[1, 1, 2, 3]) {
                let vendor = rng.pick(vendors);
                if !targets.contains(&vendor) {
                    targets.push(vendor);
                }
            }
            (rng.below(3), targets)
        })
        .collect();
    let client = rng.pick(&CLIENTS);
    let mut policy = policy(rng);
    if rng.chance(200) {
        let fit = i64::try_from(rng.between(1, 3)).unwrap();
        policy.max_cost = money(fit * CEILING_NANOS);
    }
    let spec = spec(client, &steps, policy, rng.chance(300));
    Plan::parse(&spec).unwrap()
}

fn policy(rng: &mut Rng) -> wire::RunPolicy {
    let on_unknown = rng.pick(&[
        wire::UnknownPolicy::Unspecified,
        wire::UnknownPolicy::WriteOffAndRetryOnce,
        wire::UnknownPolicy::WriteOffAndFail,
    ]);
    wire::RunPolicy {
        max_concurrency: rng.pick(&[1, 2, 3]),
        stop_on_first_error: rng.chance(200),
        retry: Some(wire::RetryPolicy {
            max_attempts: rng.pick(&[1, 2, 3]),
            initial_backoff_ms: rng.pick(&[0, 200, 3000]),
            max_backoff_ms: 5000,
            multiplier_milli: 2000,
        }),
        attempt_timeout_ms: rng.pick(&[0, 0, 8_000]),
        on_unknown: on_unknown.into(),
        max_duplicate_spend: (on_unknown == wire::UnknownPolicy::WriteOffAndRetryOnce)
            .then(|| money(CEILING_NANOS * i64::try_from(rng.between(1, 2)).unwrap()))
            .flatten(),
        ..Default::default()
    }
}

fn spec(
    client: &str,
    steps: &[(u64, Vec<usize>)],
    policy: wire::RunPolicy,
    in_session: bool,
) -> wire::PlanSpec {
    let step_id = |number: usize| format!("s{number}");
    let total = CEILING_NANOS * i64::try_from(steps.len()).unwrap();
    let line = |number: usize, target: usize| wire::CostLine {
        step_id: step_id(number),
        target: u32::try_from(target).unwrap(),
        expected: money(PRICE_NANOS),
        attempt_ceiling: money(CEILING_NANOS),
        components: vec![wire::CostComponent {
            unit: "image".to_owned(),
            quantity_milli: 1000,
            unit_price: money(PRICE_NANOS),
            amount: money(PRICE_NANOS),
        }],
    };
    wire::PlanSpec {
        format: limn_proto::digest::PLAN_FORMAT.to_owned(),
        revision: 1,
        client: client.to_owned(),
        session_id: if in_session {
            "s1".to_owned()
        } else {
            String::new()
        },
        kind: wire::PlanKind::Batch.into(),
        steps: steps
            .iter()
            .enumerate()
            .map(|(number, (picture, targets))| wire::Step {
                step_id: step_id(number),
                targets: targets.iter().map(|vendor| render(*picture, *vendor)).collect(),
                ..Default::default()
            })
            .collect(),
        policy: Some(policy),
        cost: Some(wire::CostEstimate {
            expected: money(total),
            worst_case: money(total),
            lines: steps
                .iter()
                .enumerate()
                .flat_map(|(number, (_, targets))| (0..targets.len()).map(move |target| line(number, target)))
                .collect(),
        }),
        ..Default::default()
    }
}

fn render(picture: u64, vendor: usize) -> wire::RenderSpec {
    wire::RenderSpec {
        format: limn_proto::digest::RENDER_FORMAT.to_owned(),
        provider: NAMES[vendor].to_owned(),
        model: "model-1".to_owned(),
        prompt: format!("picture {picture}"),
        width_px: 4,
        height_px: 4,
        seed_mode: wire::SeedMode::Derived.into(),
        seed: 7,
        media_type: "image/png".to_owned(),
        ..Default::default()
    }
}

/// How to run a plan.
pub(crate) fn order(rng: &mut Rng, request_id: String) -> Order {
    Order {
        request_id: Some(request_id),
        mode: if rng.chance(150) {
            ExecutionMode::Resume
        } else {
            ExecutionMode::Reuse
        },
        max_concurrency: rng.chance(200).then_some(1),
        take: u32::from(rng.chance(150)),
        ..Order::default()
    }
}
