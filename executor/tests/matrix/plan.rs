//! The plans that are executed.

use limn_executor::plan::Plan;
use limn_proto::plan::{self as wire, Money};

pub(crate) const CLIENT: &str = "tester";
pub(crate) const CURRENCY: &str = "USD";
/// What every drawn picture costs, and the ceiling that is reserved for it.
pub(crate) const PRICE_NANOS: i64 = 40_000_000;
pub(crate) const CEILING_NANOS: i64 = 50_000_000;
/// Size of every picture.
pub(crate) const WIDTH_PX: u32 = 24;
pub(crate) const HEIGHT_PX: u32 = 16;

/// What a plan is about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outline {
    pub(crate) steps: u32,
    pub(crate) max_concurrency: u32,
    /// Providers of each step, primary first.
    pub(crate) providers: &'static [&'static str],
    pub(crate) on_unknown: wire::UnknownPolicy,
    /// How good a picture must be.
    pub(crate) quality_gate: Option<wire::QualityGate>,
}

fn money(nanos: i64) -> Option<Money> {
    Some(Money {
        currency_code: CURRENCY.to_owned(),
        nanos,
    })
}

fn render(number: u32, provider: &str) -> wire::RenderSpec {
    wire::RenderSpec {
        format: limn_proto::digest::RENDER_FORMAT.to_owned(),
        provider: provider.to_owned(),
        model: "model-1".to_owned(),
        prompt: format!("picture {number}"),
        width_px: WIDTH_PX,
        height_px: HEIGHT_PX,
        seed_mode: wire::SeedMode::Derived.into(),
        seed: 7,
        media_type: "image/png".to_owned(),
        ..Default::default()
    }
}

fn cost_line(number: u32, target: u32) -> wire::CostLine {
    wire::CostLine {
        step_id: step_id(number),
        target,
        expected: money(PRICE_NANOS),
        attempt_ceiling: money(CEILING_NANOS),
        components: vec![wire::CostComponent {
            unit: "image".to_owned(),
            quantity_milli: 1000,
            unit_price: money(PRICE_NANOS),
            amount: money(PRICE_NANOS),
        }],
    }
}

fn step_id(number: u32) -> String {
    format!("image-{number}")
}

/// The plan of an outline. Plans of other sessions are other plans for the same pictures.
pub(crate) fn plan(outline: &Outline, session_id: &str) -> Plan {
    let steps = (1..=outline.steps).map(|number| wire::Step {
        step_id: step_id(number),
        targets: outline
            .providers
            .iter()
            .map(|provider| render(number, provider))
            .collect(),
        thumbnails: vec![wire::ThumbnailSpec {
            width_px: 16,
            height_px: 16,
            fit: wire::ThumbnailFit::Cover.into(),
            quality_percent: 70,
            media_type: "image/jpeg".to_owned(),
        }],
        ..Default::default()
    });
    let lines = (1..=outline.steps).flat_map(|number| {
        let targets = (0..).zip(outline.providers);
        targets.map(move |(target, _)| cost_line(number, target))
    });
    let total = PRICE_NANOS * i64::from(outline.steps);
    let retries_once = outline.on_unknown == wire::UnknownPolicy::WriteOffAndRetryOnce;
    let spec = wire::PlanSpec {
        format: limn_proto::digest::PLAN_FORMAT.to_owned(),
        revision: 1,
        client: CLIENT.to_owned(),
        session_id: session_id.to_owned(),
        kind: wire::PlanKind::Batch.into(),
        steps: steps.collect(),
        policy: Some(wire::RunPolicy {
            max_concurrency: outline.max_concurrency,
            retry: Some(wire::RetryPolicy {
                max_attempts: 3,
                initial_backoff_ms: 1000,
                max_backoff_ms: 2000,
                multiplier_milli: 2000,
            }),
            on_unknown: outline.on_unknown.into(),
            max_duplicate_spend: if retries_once { money(total * 2) } else { None },
            quality_gate: outline.quality_gate,
            ..Default::default()
        }),
        cost: Some(wire::CostEstimate {
            expected: money(total),
            worst_case: money(total * 4),
            lines: lines.collect(),
        }),
        ..Default::default()
    };
    Plan::parse(&spec).unwrap()
}
