//! One answer names every problem.

use limn_proto::v1::{
    ConvertPlanRequest, ImageRequest, PlanFormat, PlanRequest, convert_plan_request::Source,
};
use tonic::Code;

use crate::support::{World, batch, image, order, reason, sketch, violations};

#[tokio::test(flavor = "multi_thread")]
async fn every_problem_of_a_batch_is_in_one_answer() {
    let world = World::new().await;
    let server = world.serve().await;
    let request = |prompt: &str| ImageRequest {
        prompt: prompt.to_owned(),
        ..ImageRequest::default()
    };
    let images = vec![
        request(""),
        request(&"x".repeat(100_000)),
        request("a fox\0in snow"),
        ImageRequest {
            width_px: 0,
            height_px: 512,
            ..request("zero width")
        },
        ImageRequest {
            width_px: 4_000_000,
            height_px: 512,
            ..request("huge")
        },
        ImageRequest {
            provider: "dall-e".to_owned(),
            ..request("unknown provider")
        },
        ImageRequest {
            aspect_ratio: "16:9".to_owned(),
            width_px: 512,
            height_px: 512,
            ..request("contradiction")
        },
        ImageRequest {
            aspect_ratio: "wide".to_owned(),
            ..request("no ratio")
        },
        ImageRequest {
            guidance: Some(f64::NAN),
            ..request("not a number")
        },
        ImageRequest {
            seed: Some(u32::MAX),
            ..request("seed")
        },
    ];
    let count = images.len();

    let refused = server.planner().plan(batch(images)).await.unwrap_err();

    assert_eq!(refused.code(), Code::InvalidArgument);
    let fields: Vec<String> = violations(&refused).into_iter().map(|(field, _)| field).collect();
    for index in 0..count {
        let path = format!("batch.images[{index}].");
        assert!(
            fields.iter().any(|field| field.starts_with(&path)),
            "nothing about {path} in {fields:?}"
        );
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sizes_that_a_model_cannot_draw_are_refused_with_what_it_can() {
    let world = World::new().await;
    let server = world.serve().await;
    for (width_px, height_px) in [(1000, 1000), (3840, 1024), (64, 64), (4096, 4096)] {
        let request = image(ImageRequest {
            prompt: "a fox".to_owned(),
            provider: "openai".to_owned(),
            width_px,
            height_px,
            ..ImageRequest::default()
        });
        let refused = server.planner().plan(request).await.unwrap_err();
        assert_eq!(
            reason(&refused),
            "UNSUPPORTED_PARAMETER",
            "{width_px}x{height_px}"
        );
        assert!(!violations(&refused).is_empty());
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn retired_models_answer_with_their_replacement() {
    let world = World::new().await;
    let server = world.serve().await;
    for model in ["dall-e-3", "gpt-image-1"] {
        let request = image(ImageRequest {
            prompt: "a fox".to_owned(),
            model: model.to_owned(),
            ..ImageRequest::default()
        });
        let refused = server.planner().plan(request).await.unwrap_err();
        assert_eq!(reason(&refused), "MODEL_RETIRED", "{model}");
        assert!(format!("{:?}", violations(&refused)).contains("gpt-image-2"));
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_json_is_an_error_of_its_own() {
    let world = World::new().await;
    let server = world.serve().await;
    for (json, expected) in [
        ("", "MALFORMED_JSON"),
        ("{", "MALFORMED_JSON"),
        ("{} trailing", "MALFORMED_JSON"),
        ("{\"spec\": {\"client\": \"\\ud800\"}}", "MALFORMED_JSON"),
        // JSON, but no plan.
        ("[]", "INVALID_REQUEST"),
        ("{\"digest\": 7}", "INVALID_REQUEST"),
        ("{\"specs\": {}}", "INVALID_REQUEST"),
    ] {
        let request = ConvertPlanRequest {
            source: Some(Source::Json(json.to_owned())),
            format: PlanFormat::Message.into(),
        };
        let refused = server.planner().convert_plan(request).await.unwrap_err();
        assert_eq!(
            (refused.code(), reason(&refused).as_str()),
            (Code::InvalidArgument, expected),
            "{json}"
        );
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_was_edited_is_refused() {
    let world = World::new().await;
    let server = world.serve().await;
    let plan = server.plan(sketch("a fox")).await;

    let mut edited = plan.clone();
    edited.spec.as_mut().unwrap().steps[0].targets[0]
        .prompt
        .push_str(" with a hat");
    let request = limn_proto::v1::StartExecutionRequest {
        order: Some(order(&edited)),
    };
    let refused = server.executor().start_execution(request).await.unwrap_err();
    assert_eq!(reason(&refused), "PLAN_DIGEST_MISMATCH");

    let mut foreign = order(&plan);
    foreign.parent = "clients/somebody-else".to_owned();
    let request = limn_proto::v1::StartExecutionRequest { order: Some(foreign) };
    let refused = server.executor().start_execution(request).await.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::PermissionDenied, "CLIENT_MISMATCH")
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_request_says_what_is_required() {
    let world = World::new().await;
    let server = world.serve().await;
    let refused = server.planner().plan(PlanRequest::default()).await.unwrap_err();
    let fields: Vec<String> = violations(&refused).into_iter().map(|(field, _)| field).collect();
    assert!(fields.contains(&"parent".to_owned()), "{fields:?}");
    assert!(
        fields
            .iter()
            .any(|field| field.starts_with("work") || field == "image"),
        "{fields:?}"
    );
    server.stop().await;
}
