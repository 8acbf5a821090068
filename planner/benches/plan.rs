//! How long planning takes: one image, a batch of a hundred, and the digest alone.

#![expect(
    clippy::expect_used,
    reason = "a benchmark that cannot be set up has nothing to measure"
)]

#[path = "../tests/support/catalog.rs"]
mod catalog;

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use limn_planner::Planner;
use limn_proto::{
    digest::plan_digest,
    plan::{Quality, Style},
    v1::{BatchRequest, ImageRequest, PlanRequest, plan_request::Work},
};

fn image(index: usize) -> ImageRequest {
    ImageRequest {
        prompt: format!("A harbour in the rain, number {index}, lights on wet stone"),
        aspect_ratio: "16:9".into(),
        quality: Quality::High.into(),
        style: Style::Cinematic.into(),
        ..ImageRequest::default()
    }
}

fn request(work: Work) -> PlanRequest {
    PlanRequest {
        parent: "clients/demo".into(),
        work: Some(work),
        ..PlanRequest::default()
    }
}

fn planning(criterion: &mut Criterion) {
    let catalog = catalog::catalog();
    let planner = Planner::new(&catalog);
    let single = request(Work::Image(image(0)));
    let batch = request(Work::Batch(BatchRequest {
        images: (0..100).map(image).collect(),
        continuity: None,
    }));
    let plan = planner.plan(&batch).expect("the batch can be planned");
    let spec = plan.spec.expect("a plan has content");

    criterion.bench_function("plan one image", |bencher| {
        bencher.iter(|| planner.plan(black_box(&single)));
    });
    criterion.bench_function("plan a batch of 100", |bencher| {
        bencher.iter(|| planner.plan(black_box(&batch)));
    });
    criterion.bench_function("digest of a batch of 100", |bencher| {
        bencher.iter(|| plan_digest(black_box(&spec)));
    });
}

criterion_group!(benches, planning);
criterion_main!(benches);
