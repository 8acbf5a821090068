//! Every failure of the provider is typed, recorded with its attempt, and leaves no half record.

use std::time::Duration;

use limn_fakes::Case;
use limn_proto::v1::{AttemptState, ExecutionState, ListImagesRequest, StepState};
use serde_json::json;

use crate::support::{PARENT, Progress, SECRET, TestServer, World, nanos, order, paid};

/// What is expected of one failure.
struct Expected {
    reason: &'static str,
    state: ExecutionState,
    attempt: AttemptState,
    calls: u64,
    /// Nanos settled: nothing, or something.
    is_paid: bool,
    /// Nanos held: nothing, or something.
    is_held: bool,
}

const REFUSED: Expected = Expected {
    reason: "",
    state: ExecutionState::Failed,
    attempt: AttemptState::Rejected,
    calls: 1,
    is_paid: false,
    is_held: false,
};
const PAID: Expected = Expected {
    attempt: AttemptState::FailedPaid,
    is_paid: true,
    ..REFUSED
};
const UNKNOWN: Expected = Expected {
    reason: "OUTCOME_UNKNOWN",
    state: ExecutionState::NeedsDecision,
    attempt: AttemptState::Unknown,
    is_held: true,
    ..REFUSED
};

async fn check(case: Case, expected: Expected) {
    let what = format!("{case:?}").chars().take(60).collect::<String>();
    let world = World::new().await;
    world.openai.set_wait(Duration::from_millis(3));
    world.openai.always(case);
    let server = world.serve().await;
    let plan = server.plan(paid("a red fox in fresh snow")).await;

    let run = server.execute(order(&plan)).await;

    let step = run.step();
    assert_eq!(run.last().state(), expected.state, "{what}");
    let failure = step
        .failure
        .as_ref()
        .unwrap_or_else(|| panic!("{what}: no failure"));
    assert_eq!(failure.reason, expected.reason, "{what}");
    let attempts: Vec<AttemptState> = step.attempts.iter().map(|attempt| attempt.state()).collect();
    assert_eq!(attempts.len() as u64, expected.calls, "{what}");
    assert_eq!(attempts.last(), Some(&expected.attempt), "{what}");
    assert_eq!(
        step.attempts.last().unwrap().failure.as_ref().unwrap().reason,
        expected.reason
    );
    assert_eq!(world.openai.calls(), expected.calls, "{what}");
    let cost = run.last().cost.as_ref().unwrap();
    assert_eq!(nanos(cost.total.as_ref()) > 0, expected.is_paid, "{what}");
    assert_eq!(nanos(cost.unknown_held.as_ref()) > 0, expected.is_held, "{what}");
    assert_eq!(nanos(cost.reserved.as_ref()), 0, "{what}");
    assert_eq!(cost.r#final, !expected.is_held, "{what}");
    nothing_is_half_done(&world, &server, &run).await;
    server.stop().await;
}

async fn nothing_is_half_done(world: &World, server: &TestServer, run: &Progress) {
    let list = ListImagesRequest {
        parent: PARENT.to_owned(),
        ..Default::default()
    };
    let images = server
        .library()
        .list_images(list)
        .await
        .unwrap()
        .into_inner()
        .images;
    assert_eq!(images, [], "a record without a picture");
    assert_eq!(
        world.blobs("clients/"),
        Vec::<String>::new(),
        "a picture without a record"
    );
    assert!(run.last().steps.iter().all(|step| step.image.is_empty()));
    assert!(!format!("{:?}", run.events).contains(SECRET));
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_are_proven_unpaid_and_sent_once() {
    check(
        Case::BadRequest,
        Expected {
            reason: "PROVIDER_REJECTED",
            ..REFUSED
        },
    )
    .await;
    check(
        Case::BadKey,
        Expected {
            reason: "PROVIDER_ACCOUNT",
            ..REFUSED
        },
    )
    .await;
    check(
        Case::Quota,
        Expected {
            reason: "PROVIDER_ACCOUNT",
            ..REFUSED
        },
    )
    .await;
    check(
        Case::Refusal("moderation of the prompt"),
        Expected {
            reason: "CONTENT_BLOCKED",
            ..REFUSED
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rate_limits_and_own_server_errors_are_retried_up_to_the_limit() {
    check(
        Case::RateLimited,
        Expected {
            reason: "PROVIDER_RATE_LIMITED",
            calls: 3,
            ..REFUSED
        },
    )
    .await;
    check(
        Case::ServerError,
        Expected {
            reason: "PROVIDER_UNAVAILABLE",
            calls: 3,
            ..REFUSED
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_that_works_is_one_image_and_one_bill() {
    let world = World::new().await;
    world.openai.next(Case::ServerError);
    world.openai.set_wait(Duration::from_millis(1));
    world.openai.next(Case::RateLimited);
    let server = world.serve().await;
    let run = server.execute(order(&server.plan(paid("a red fox")).await)).await;
    assert_eq!(run.last().state(), ExecutionState::Completed);
    assert_eq!(run.step().state(), StepState::Completed);
    assert_eq!((world.openai.calls(), world.openai.charged()), (3, 1));
    assert_eq!(run.last().cost.as_ref().unwrap().lines.len(), 1);
    assert_eq!(run.last().cost.as_ref().unwrap().lines[0].attempt, 3);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_of_a_drawn_picture_is_held_because_nobody_says_whether_it_is_billed() {
    let held = Expected {
        reason: "CONTENT_BLOCKED",
        is_held: true,
        ..REFUSED
    };
    check(Case::Refusal("moderation of the picture"), held).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_prove_nothing_park_the_execution_and_are_never_sent_again() {
    check(Case::Truncated, UNKNOWN).await;
    check(Case::Disconnect, UNKNOWN).await;
    check(Case::GatewayPage(502), UNKNOWN).await;
    check(Case::GatewayPage(408), UNKNOWN).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_without_the_picture_are_paid_and_never_drawn_again_by_themselves() {
    check(
        Case::GatewayPage(200),
        Expected {
            reason: "NO_IMAGE",
            ..PAID
        },
    )
    .await;
    let url = json!({"data": [{"url": "http://127.0.0.1:9/image.png"}]});
    check(
        Case::says(200, &url),
        Expected {
            reason: "NO_IMAGE",
            ..PAID
        },
    )
    .await;
    let wrong_size = Case::WrongSize(512, 512);
    check(
        wrong_size,
        Expected {
            reason: "IMAGE_INVALID",
            ..PAID
        },
    )
    .await;
    check(
        Case::Bomb,
        Expected {
            reason: "IMAGE_INVALID",
            ..PAID
        },
    )
    .await;
    check(
        Case::Bytes(b"<svg/>".to_vec()),
        Expected {
            reason: "IMAGE_INVALID",
            ..PAID
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_megabytes_of_garbage_are_paid_and_refused() {
    // Below the bound of an answer it is no JSON, above it is cut.
    let garbage = Case::Oversized(60 << 20);
    check(
        garbage,
        Expected {
            reason: "NO_IMAGE",
            ..PAID
        },
    )
    .await;
    let oversized = Case::Oversized(70 << 20);
    check(
        oversized,
        Expected {
            reason: "IMAGE_INVALID",
            ..PAID
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_not_there_is_proven_unsent() {
    let world = World::new()
        .await
        .with("providers.openai.base_url", "http://127.0.0.1:1/v1");
    let server = world.serve().await;
    let run = server.execute(order(&server.plan(paid("a red fox")).await)).await;
    assert_eq!(run.last().state(), ExecutionState::Failed);
    let states: Vec<AttemptState> = run
        .step()
        .attempts
        .iter()
        .map(|attempt| attempt.state())
        .collect();
    assert_eq!(states, [AttemptState::Abandoned; 3]);
    assert_eq!(
        run.step().failure.as_ref().unwrap().reason,
        "PROVIDER_UNAVAILABLE"
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_is_what_the_plan_says() {
    let world = World::new().await;
    let server = world.serve().await;
    server
        .execute(order(&server.plan(paid("a red fox in fresh snow")).await))
        .await;
    let requests = world.openai.requests();
    let [request] = requests.as_slice() else {
        panic!("{requests:?}")
    };
    let body = request.fields.as_object().unwrap();
    assert_eq!(body["prompt"], "a red fox in fresh snow");
    assert_eq!(body["size"], "1024x1024");
    assert_eq!(body["output_format"], "png");
    assert_eq!(body["n"], 1);
    for unknown in ["response_format", "style", "seed", "user"] {
        assert!(
            !body.contains_key(unknown),
            "{unknown} is not taken by these models"
        );
    }
    server.stop().await;
}
