//! The provider of the story, and plans for it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use image::{DynamicImage, ImageFormat as Codec};
use limn_executor::{
    plan::{Plan, Render},
    provider::{
        Answer, Bill, Call, CallError, CapabilityClass, ImageProvider, InterpretError, Poll, Rendered,
        Submission,
    },
};
use limn_proto::plan::{self as wire, Money};

use crate::story::CLIENT;

pub(crate) const PRICE_NANOS: i64 = 40_000_000;
pub(crate) const CEILING_NANOS: i64 = 50_000_000;

/// Draws at once, can be asked nothing afterwards, and counts.
#[derive(Debug, Default)]
pub(crate) struct Easel {
    calls: AtomicU32,
}

impl Easel {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    pub(crate) fn calls(&self) -> u32 {
        self.calls.load(Ordering::SeqCst)
    }
}

/// What it answers: a picture of the size of every plan here.
pub(crate) fn picture() -> Bytes {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let pixels = DynamicImage::new_luma8(16, 16);
    pixels.write_to(&mut bytes, Codec::Png).unwrap();
    Bytes::from(bytes.into_inner())
}

#[async_trait]
impl ImageProvider for Easel {
    fn id(&self) -> &str {
        "easel"
    }

    fn class(&self) -> CapabilityClass {
        CapabilityClass::D
    }

    fn deadline(&self, _render: &Render) -> Duration {
        Duration::from_secs(30)
    }

    async fn submit(&self, _call: &Call<'_>) -> Result<Submission, CallError> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        Ok(Submission::Received(Answer {
            media_type: "image/png".to_owned(),
            request_id: "req-after".to_owned(),
            body: picture(),
            ..Answer::default()
        }))
    }

    async fn poll(&self, _call: &Call<'_>, job_id: &str) -> Result<Poll, CallError> {
        unreachable!("no job {job_id} was begun")
    }

    fn interpret(&self, _render: &Render, answer: &Answer) -> Result<Rendered, InterpretError> {
        Ok(Rendered {
            image: answer.body.clone(),
            revised_prompt: String::new(),
            bill: Bill {
                cost_nanos: Some(PRICE_NANOS),
                ..Bill::default()
            },
            ..Rendered::default()
        })
    }

    async fn check(&self) -> Result<String, String> {
        Ok("an easel".to_owned())
    }
}

/// A plan of so many steps. Its name is part of every prompt, so plans share no picture.
pub(crate) fn plan(name: &str, steps: usize) -> Plan {
    let money = |nanos| {
        Some(Money {
            currency_code: "USD".to_owned(),
            nanos,
        })
    };
    let step_id = |number: usize| format!("image-{}", number + 1);
    let step = |number: usize| wire::Step {
        step_id: step_id(number),
        targets: vec![wire::RenderSpec {
            format: limn_proto::digest::RENDER_FORMAT.to_owned(),
            provider: "easel".to_owned(),
            model: "easel-1".to_owned(),
            prompt: format!("{name} {number}"),
            width_px: 16,
            height_px: 16,
            seed_mode: wire::SeedMode::Derived.into(),
            seed: 7,
            media_type: "image/png".to_owned(),
            ..Default::default()
        }],
        ..Default::default()
    };
    let line = |number: usize| wire::CostLine {
        step_id: step_id(number),
        target: 0,
        expected: money(PRICE_NANOS),
        attempt_ceiling: money(CEILING_NANOS),
        components: vec![wire::CostComponent {
            unit: "image".to_owned(),
            quantity_milli: 1000,
            unit_price: money(PRICE_NANOS),
            amount: money(PRICE_NANOS),
        }],
    };
    let total = PRICE_NANOS * i64::try_from(steps).unwrap();
    let spec = wire::PlanSpec {
        format: limn_proto::digest::PLAN_FORMAT.to_owned(),
        revision: 1,
        client: CLIENT.to_owned(),
        session_id: "s1".to_owned(),
        kind: wire::PlanKind::Batch.into(),
        steps: (0..steps).map(step).collect(),
        policy: Some(wire::RunPolicy {
            max_concurrency: 1,
            retry: Some(wire::RetryPolicy {
                max_attempts: 3,
                initial_backoff_ms: 1,
                max_backoff_ms: 2,
                multiplier_milli: 2000,
            }),
            ..Default::default()
        }),
        cost: Some(wire::CostEstimate {
            expected: money(total),
            worst_case: money(total),
            lines: (0..steps).map(line).collect(),
        }),
        ..Default::default()
    };
    Plan::parse(&spec).unwrap()
}
