//! A plan with a threshold, and pictures with real faults: each is scored by its pixels, kept, priced and drawn again.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use limn_fakes::Case;
use limn_proto::{
    plan::QualityGate,
    v1::{AttemptState, ExecutionState, Image, ImageFilter, ListImagesRequest, PlanRequest, StepState},
};

use crate::{
    budgets::{books_are_right, limit},
    pictures::{flat, landscape, leaves, portrait},
    support::{PARENT, Progress, TestServer, World, nanos, order, paid},
};

/// What is taken, in basis points.
const MIN_SCORE_BP: u32 = 6_000;
/// The size that is ordered.
const EDGE_PX: u32 = 1024;

fn gated(prompt: &str, max_rerolls: u32) -> PlanRequest {
    let mut request = paid(prompt);
    let policy = request.policy.as_mut().unwrap();
    policy.quality_gate = Some(QualityGate {
        min_score_bp: MIN_SCORE_BP,
        max_rerolls,
        accept_best: false,
    });
    request
}

fn png(picture: impl Into<DynamicImage>) -> Case {
    let mut bytes = Cursor::new(Vec::new());
    picture.into().write_to(&mut bytes, ImageFormat::Png).unwrap();
    Case::Bytes(bytes.into_inner())
}

fn blank() -> Case {
    png(flat(EDGE_PX, EDGE_PX, [240; 3]))
}

fn blurred(picture: RgbImage) -> DynamicImage {
    DynamicImage::from(picture).fast_blur(8.0)
}

/// With the filler of a decoder below a row.
fn cut_off(mut picture: RgbImage, from: u32) -> RgbImage {
    let below = picture.enumerate_pixels_mut().filter(|(_, y, _)| *y >= from);
    below.for_each(|(_, _, pixel)| *pixel = Rgb([128; 3]));
    picture
}

/// The images of an execution, the first one drawn first.
async fn drawn(server: &TestServer, run: &Progress) -> Vec<Image> {
    let list = ListImagesRequest {
        parent: PARENT.to_owned(),
        filter: Some(ImageFilter {
            execution: run.last().name.clone(),
            ..ImageFilter::default()
        }),
        ..ListImagesRequest::default()
    };
    let listed = server.library().list_images(list).await.unwrap().into_inner();
    let mut images = listed.images;
    images.reverse();
    images
}

/// Each was paid, and together they are what the execution cost.
fn each_is_paid(run: &Progress, images: &[Image]) {
    let costs: Vec<i64> = images
        .iter()
        .map(|image| nanos(image.generation_cost.as_ref()))
        .collect();
    assert!(costs.iter().all(|cost| *cost > 0), "{costs:?}");
    let cost = run.last().cost.as_ref().unwrap();
    assert_eq!(nanos(cost.total.as_ref()), costs.iter().sum::<i64>());
    assert_eq!(nanos(cost.reserved.as_ref()), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn faulty_pictures_are_rejected_for_their_fault_and_drawn_again_until_one_is_good() {
    let world = World::new().await;
    let good = landscape(EDGE_PX, EDGE_PX, 1);
    for case in [
        blank(),
        png(blurred(leaves(EDGE_PX, EDGE_PX, 2))),
        png(cut_off(portrait(EDGE_PX, EDGE_PX, 3), 640)),
        png(good.clone()),
    ] {
        world.openai.next(case);
    }
    let server = world.serve().await;

    let plan = server.plan(gated("a lake between mountains", 5)).await;
    let run = server.execute(order(&plan)).await;

    assert_eq!(run.last().state(), ExecutionState::Completed);
    assert_eq!(world.openai.calls(), 4);
    let images = drawn(&server, &run).await;
    let faults: Vec<&str> = images[..3]
        .iter()
        .map(|image| image.quality.as_ref().unwrap().worst_part.as_str())
        .collect();
    assert_eq!(faults, ["content", "sharpness", "whole"]);
    let [rejected @ .., taken] = images.as_slice() else {
        panic!("no images");
    };
    for image in rejected {
        let quality = image.quality.as_ref().unwrap();
        assert!(image.rejected && quality.score_bp < MIN_SCORE_BP, "{quality:?}");
        assert_eq!(image.quality_score_bp, Some(quality.score_bp));
        assert_eq!(quality.scorer, "limn.quality/1");
        assert!(!server.read_image(&image.name).await.is_empty(), "it is kept");
    }
    let step = run.step();
    assert!(
        !taken.rejected && taken.quality_score_bp >= Some(MIN_SCORE_BP),
        "{taken:?}"
    );
    assert_eq!((step.state(), &step.image), (StepState::Completed, &taken.name));
    let read = image::load_from_memory(&server.read_image(&taken.name).await).unwrap();
    assert_eq!(read.to_rgb8(), good);
    let states: Vec<_> = step.attempts.iter().map(|attempt| attempt.state()).collect();
    assert_eq!(states, [AttemptState::Committed; 4]);
    each_is_paid(&run, &images);
    books_are_right(&server).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_budget_ends_drawing_again_and_what_was_drawn_is_kept() {
    let world = World::new().await;
    world.openai.always(blank());
    let server = world.serve().await;
    // What a picture costs is known once one was drawn.
    let first = server.plan(gated("a lake between mountains", 0)).await;
    let first = server.execute(order(&first)).await;
    let cost_nanos = nanos(first.last().cost.as_ref().unwrap().total.as_ref());
    assert_eq!(
        first.step().failure.as_ref().unwrap().reason,
        "QUALITY_BELOW_THRESHOLD"
    );
    let plan = server.plan(gated("a river between mountains", 5)).await;
    let line = &plan.spec.as_ref().unwrap().cost.as_ref().unwrap().lines[0];
    let ceiling_nanos = nanos(line.attempt_ceiling.as_ref());
    // Room for the ceiling of the second call beside the cost of the first one, and not for that of a third one.
    limit(&server, Some(cost_nanos + ceiling_nanos + cost_nanos * 3 / 2)).await;

    let run = server.execute(order(&plan)).await;

    assert_eq!(run.last().state(), ExecutionState::Failed);
    let failure = run.step().failure.as_ref().unwrap();
    assert_eq!(failure.reason, "QUALITY_BELOW_THRESHOLD");
    assert_eq!(failure.metadata["stoppedBy"], "BUDGET_EXCEEDED");
    let images = drawn(&server, &run).await;
    assert_eq!((images.len(), world.openai.calls()), (2, 3));
    assert!(images.iter().all(|image| image.rejected));
    each_is_paid(&run, &images);
    books_are_right(&server).await;
    server.stop().await;
}
