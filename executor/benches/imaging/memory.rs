//! 64 pictures of 2 MB that arrive at once, through a whole executor.

use std::{fs, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt as _;
use image::DynamicImage;
use limn_executor::{
    artifact::{Optimised, encode},
    blob::folder::FolderStore,
    clock::SystemClock,
    executor::{Executor, Order, Parts, Settings},
    ids::TimeOrderedIds,
    plan::{ImageFormat, Plan, Render},
    provider::{
        Answer, Bill, Call, CallError, CapabilityClass, ImageProvider, InterpretError, Poll, Rendered,
        Submission,
    },
    providers::Registry,
    records::sqlite::SqliteRecords,
};
use limn_proto::plan::{self as wire, Money};
use tokio::sync::Barrier;

use super::pictures;

const PICTURES: usize = 64;
const EDGE_PX: u32 = 1024;

/// Gives all its answers at the same moment.
#[derive(Debug)]
struct Flood {
    picture: Vec<u8>,
    all_called: Barrier,
}

#[async_trait]
impl ImageProvider for Flood {
    fn id(&self) -> &str {
        "flood"
    }

    fn class(&self) -> CapabilityClass {
        CapabilityClass::D
    }

    fn deadline(&self, _render: &Render) -> Duration {
        Duration::from_secs(600)
    }

    async fn submit(&self, _call: &Call<'_>) -> Result<Submission, CallError> {
        self.all_called.wait().await;
        Ok(Submission::Received(Answer {
            media_type: "image/png".to_owned(),
            // Bytes of its own for each, as from a network.
            body: Bytes::copy_from_slice(&self.picture),
            ..Answer::default()
        }))
    }

    async fn poll(&self, _call: &Call<'_>, job_id: &str) -> Result<Poll, CallError> {
        unreachable!("no job {job_id} was begun")
    }

    fn interpret(&self, _render: &Render, answer: &Answer) -> Result<Rendered, InterpretError> {
        Ok(Rendered {
            image: answer.body.clone(),
            bill: Bill {
                cost_nanos: Some(1),
                ..Bill::default()
            },
            ..Rendered::default()
        })
    }

    async fn check(&self) -> Result<String, String> {
        Ok("a flood".to_owned())
    }
}

/// Prints the greatest resident memory of this process before and after.
pub(crate) fn measure() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let scene = pictures::noisy(&pictures::leaves(EDGE_PX, EDGE_PX, 2), 3.0, 1);
        let picture = encode(&DynamicImage::from(scene), ImageFormat::Png, 100).unwrap();
        let size_bytes = picture.len();
        let folder = tempfile::tempdir().unwrap();
        let flood = Flood {
            picture,
            all_called: Barrier::new(PICTURES),
        };
        let executor = Executor::start(Parts {
            records: Arc::new(SqliteRecords::open(&folder.path().join("limn.db")).await.unwrap()),
            blobs: Arc::new(FolderStore::open(&folder.path().join("blobs"), None).unwrap()),
            providers: Registry::new(vec![Arc::new(flood)]),
            clock: Arc::new(SystemClock),
            ids: Arc::new(TimeOrderedIds),
            settings: Settings {
                optimised: Optimised::Webp,
                ..Settings::default()
            },
        });
        let before_kib = high_water_kib();
        let submitted = executor.submit(&plan(), &Order::default()).await.unwrap();
        let mut events = executor.watch("bench", submitted.execution.id, None);
        while let Some(event) = events.next().await {
            event.unwrap();
        }
        println!(
            "{PICTURES} pictures of {size_bytes} bytes at once: at most {} MiB resident, {} MiB before",
            high_water_kib() / 1024,
            before_kib / 1024,
        );
    });
}

/// The greatest resident memory so far.
fn high_water_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn plan() -> Plan {
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
            provider: "flood".to_owned(),
            model: "flood-1".to_owned(),
            prompt: format!("picture {number}"),
            width_px: EDGE_PX,
            height_px: EDGE_PX,
            seed_mode: wire::SeedMode::Derived.into(),
            seed: 7,
            media_type: "image/png".to_owned(),
            ..Default::default()
        }],
        thumbnails: vec![wire::ThumbnailSpec {
            width_px: 300,
            height_px: 300,
            fit: wire::ThumbnailFit::Cover.into(),
            media_type: "image/jpeg".to_owned(),
            quality_percent: 70,
        }],
        ..Default::default()
    };
    let line = |number: usize| wire::CostLine {
        step_id: step_id(number),
        target: 0,
        expected: money(1),
        attempt_ceiling: money(1),
        components: vec![wire::CostComponent {
            unit: "image".to_owned(),
            quantity_milli: 1000,
            unit_price: money(1),
            amount: money(1),
        }],
    };
    let total = i64::try_from(PICTURES).unwrap();
    let spec = wire::PlanSpec {
        format: limn_proto::digest::PLAN_FORMAT.to_owned(),
        revision: 1,
        client: "bench".to_owned(),
        kind: wire::PlanKind::Batch.into(),
        steps: (0..PICTURES).map(step).collect(),
        policy: Some(wire::RunPolicy {
            max_concurrency: u32::try_from(PICTURES).unwrap(),
            retry: Some(wire::RetryPolicy {
                max_attempts: 1,
                initial_backoff_ms: 1,
                max_backoff_ms: 1,
                multiplier_milli: 1000,
            }),
            ..Default::default()
        }),
        cost: Some(wire::CostEstimate {
            expected: money(total),
            worst_case: money(total),
            lines: (0..PICTURES).map(line).collect(),
        }),
        ..Default::default()
    };
    Plan::parse(&spec).unwrap()
}
