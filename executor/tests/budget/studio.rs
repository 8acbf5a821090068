//! A provider with one price that counts what it is asked for, and plans for it.

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
use tokio::sync::Semaphore;

/// What every picture costs; also the most that a call can be billed.
pub(crate) const PRICE_NANOS: i64 = 40_000_000;

/// Draws whatever it is asked for, once it may.
#[derive(Debug)]
pub(crate) struct Studio {
    calls: AtomicU32,
    /// Calls that have arrived.
    pub(crate) reached: Semaphore,
    /// Calls that may be answered.
    pub(crate) gate: Semaphore,
}

impl Studio {
    /// A provider that answers at once.
    pub(crate) fn open() -> Arc<Self> {
        let studio = Self::closed();
        studio.answer_all();
        studio
    }

    /// A provider that keeps its callers waiting.
    pub(crate) fn closed() -> Arc<Self> {
        Arc::new(Self {
            calls: AtomicU32::new(0),
            reached: Semaphore::new(0),
            gate: Semaphore::new(0),
        })
    }

    pub(crate) fn answer_all(&self) {
        self.gate.add_permits(Semaphore::MAX_PERMITS / 2);
    }

    /// Calls so far; each is billed.
    pub(crate) fn calls(&self) -> u32 {
        self.calls.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl ImageProvider for Studio {
    fn id(&self) -> &str {
        "studio"
    }

    fn class(&self) -> CapabilityClass {
        CapabilityClass::D
    }

    fn deadline(&self, _render: &Render) -> Duration {
        Duration::from_secs(60)
    }

    async fn submit(&self, call: &Call<'_>) -> Result<Submission, CallError> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        self.reached.add_permits(1);
        self.gate.acquire().await.unwrap().forget();
        let mut bytes = std::io::Cursor::new(Vec::new());
        DynamicImage::new_rgb8(call.render.width_px, call.render.height_px)
            .write_to(&mut bytes, Codec::Png)
            .unwrap();
        Ok(Submission::Received(Answer {
            media_type: "image/png".to_owned(),
            body: Bytes::from(bytes.into_inner()),
            ..Answer::default()
        }))
    }

    async fn poll(&self, _call: &Call<'_>, _job_id: &str) -> Result<Poll, CallError> {
        unreachable!("it never gives a job id")
    }

    fn interpret(&self, _render: &Render, answer: &Answer) -> Result<Rendered, InterpretError> {
        Ok(Rendered {
            image: answer.body.clone(),
            bill: Bill {
                cost_nanos: Some(PRICE_NANOS),
                ..Bill::default()
            },
            ..Rendered::default()
        })
    }

    async fn check(&self) -> Result<String, String> {
        Ok("open".to_owned())
    }
}

fn price(nanos: i64) -> Option<Money> {
    Some(Money {
        currency_code: "USD".to_owned(),
        nanos,
    })
}

/// A plan of so many pictures that no other plan has.
pub(crate) fn plan(number: usize, session_id: &str, pictures: usize) -> Plan {
    let step_id = |picture: usize| format!("image-{picture}");
    let step = |picture: usize| wire::Step {
        step_id: step_id(picture),
        targets: vec![wire::RenderSpec {
            format: limn_proto::digest::RENDER_FORMAT.to_owned(),
            provider: "studio".to_owned(),
            model: "studio-1".to_owned(),
            prompt: format!("picture {picture} of plan {number}"),
            width_px: 8,
            height_px: 8,
            seed_mode: wire::SeedMode::Derived.into(),
            seed: 7,
            media_type: "image/png".to_owned(),
            ..Default::default()
        }],
        ..Default::default()
    };
    let line = |picture: usize| wire::CostLine {
        step_id: step_id(picture),
        target: 0,
        expected: price(PRICE_NANOS),
        attempt_ceiling: price(PRICE_NANOS),
        components: vec![wire::CostComponent {
            unit: "image".to_owned(),
            quantity_milli: 1000,
            unit_price: price(PRICE_NANOS),
            amount: price(PRICE_NANOS),
        }],
    };
    let total_nanos = PRICE_NANOS * i64::try_from(pictures).unwrap();
    let spec = wire::PlanSpec {
        format: limn_proto::digest::PLAN_FORMAT.to_owned(),
        revision: 1,
        client: "tester".to_owned(),
        session_id: session_id.to_owned(),
        kind: wire::PlanKind::Batch.into(),
        steps: (0..pictures).map(step).collect(),
        policy: Some(wire::RunPolicy {
            max_concurrency: 2,
            retry: Some(wire::RetryPolicy {
                max_attempts: 1,
                initial_backoff_ms: 1,
                max_backoff_ms: 2,
                multiplier_milli: 2000,
            }),
            ..Default::default()
        }),
        cost: Some(wire::CostEstimate {
            expected: price(total_nanos),
            worst_case: price(total_nanos),
            lines: (0..pictures).map(line).collect(),
        }),
        ..Default::default()
    };
    Plan::parse(&spec).unwrap()
}
