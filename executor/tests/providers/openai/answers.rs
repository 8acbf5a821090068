//! What is sent, and what is read from a success.

use std::time::Duration;

use limn_executor::{
    artifact,
    plan::{ImageFormat, Render},
    provider::{CallError, CapabilityClass},
    providers::{Connection, Deadlines, ModelDeadlines, Setup, Traits},
};
use limn_fakes::{Case, Gate};
use limn_proto::{plan::SeedMode, reason::Reason};
use secrecy::SecretString;
use serde_json::json;

use super::{BENCH, IMAGES, answered, order, provider, refused, render, start, submit};
use crate::bench::{self, Variant};

fn plain() -> Render {
    Render {
        options: Vec::new(),
        ..render()
    }
}

fn expected() -> artifact::Expected {
    artifact::Expected {
        format: ImageFormat::Png,
        width_px: 64,
        height_px: 48,
    }
}

#[tokio::test]
async fn an_image_is_drawn_received_and_read() {
    let order = order(plain());
    let (fake, answer) = answered(Case::Success, &order).await;
    let answer = answer.unwrap();
    assert_eq!(answer.media_type, "application/json");
    assert_eq!(answer.request_id, "req_fake_1");
    assert_eq!(fake.charged(), 1);

    let openai = provider(&fake);
    let rendered = openai.interpret(&order.render, &answer).unwrap();
    artifact::inspect(&rendered.image, &expected(), &artifact::Limits::default()).unwrap();
    let usage = rendered.bill.usage.iter();
    let usage: Vec<_> = usage.map(|(unit, count)| (unit.as_str(), *count)).collect();
    assert_eq!(
        usage,
        [
            ("image_input_token", 0),
            ("image_output_token", 7024),
            ("text_input_token", 12)
        ]
    );
    assert_eq!(rendered.bill.cost_nanos, None);
    assert_eq!(openai.class(), CapabilityClass::D);
}

#[tokio::test]
async fn exactly_the_planned_fields_are_sent() {
    let fake = start().await;
    let setup = IMAGES.setup(BENCH.kind, &fake);
    let openai = Variant::build(Setup {
        connection: Connection {
            base_url: Some(format!("{}/", fake.base_url())),
            ..setup.connection.clone()
        },
        ..setup
    });
    submit(&*openai, &order(plain())).await.unwrap();
    let options = [
        ("background", "opaque"),
        ("moderation", "low"),
        ("output_compression", "80"),
    ];
    let detailed = Render {
        model_revision: "gpt-image-2-2026-04-21".to_owned(),
        size_token: "1536x1024".to_owned(),
        quality_token: String::new(),
        format: ImageFormat::Webp,
        options: options
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec(),
        ..render()
    };
    submit(&*openai, &order(detailed)).await.unwrap();

    let requests = fake.requests();
    let prompt = bench::render().prompt;
    assert_eq!(
        requests[0].fields,
        json!({"model": "gpt-image-2", "prompt": prompt, "n": 1, "size": "64x48", "quality": "high",
               "output_format": "png"})
    );
    assert_eq!(
        requests[1].fields,
        json!({"model": "gpt-image-2-2026-04-21", "prompt": prompt, "n": 1, "size": "1536x1024",
               "output_format": "webp", "background": "opaque", "moderation": "low", "output_compression": 80})
    );
    for request in requests {
        assert_eq!(
            (request.method.as_str(), request.path.as_str()),
            ("POST", "/v1/images/generations")
        );
        assert!(request.had_the_key);
        assert_eq!(request.headers["content-type"], "application/json");
        assert_eq!(request.headers["openai-organization"], "org-1");
        assert_eq!(request.headers["openai-project"], "proj-1");
    }
}

#[tokio::test]
async fn what_the_api_has_no_field_for_is_never_sent() {
    let option = |name: &str, value: &str| Render {
        options: vec![(name.to_owned(), value.to_owned())],
        ..plain()
    };
    let negative = Render {
        negative_prompt: "blur".to_owned(),
        ..plain()
    };
    let styled = Render {
        style_token: "vivid".to_owned(),
        ..plain()
    };
    let guided = Render {
        guidance_milli: Some(7000),
        ..plain()
    };
    let seeded = Render {
        seed_mode: SeedMode::Given,
        ..plain()
    };
    for (unfit, word) in [
        (negative, "negative prompt"),
        (styled, "style"),
        (guided, "guidance"),
        (seeded, "seed"),
        (option("response_format", "url"), "response_format"),
        (option("output_compression", "101"), "output_compression"),
        (option("output_compression", "much"), "output_compression"),
        (option("partial_images", "0"), "partial_images"),
        (option("partial_images", "4"), "partial_images"),
        (option("stream", "true"), "stream"),
    ] {
        let message = refused(&order(unfit)).await;
        assert!(message.contains(word), "{message}");
    }
}

#[tokio::test]
async fn a_success_that_breaks_off_is_unknown_with_what_came() {
    match answered(Case::Truncated, &order(plain())).await.1 {
        Err(CallError::Unknown {
            message,
            http_status,
            request_id,
            partial_body,
        }) => {
            assert_eq!(http_status, Some(200));
            assert_eq!(request_id, "req_fake_1");
            assert!(partial_body.starts_with(b"{"), "{message}");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_success_that_is_too_large_is_paid_and_invalid() {
    let order = order(plain());
    let (fake, answer) = answered(Case::Oversized((1 << 20) + 1), &order).await;
    let answer = answer.unwrap();
    assert_eq!(answer.body.len(), 1 << 20);
    assert_eq!(answer.headers["limn-body-truncated"], "oversize");
    let error = provider(&fake).interpret(&order.render, &answer).unwrap_err();
    assert_eq!(error.reason, Reason::ImageInvalid);
}

#[tokio::test]
async fn successes_without_an_image_say_what_is_there() {
    let url = json!({"data": [{"url": "http://127.0.0.1:9/image.png"}]});
    for (case, message) in [
        (Case::GatewayPage(200), "the answer is not JSON"),
        (Case::Oversized(1000), "the answer is not JSON"),
        (Case::says(200, &url), "an address instead of an image"),
        (Case::Bytes(Vec::new()), "the answer has no image"),
    ] {
        let order = order(plain());
        let (fake, answer) = answered(case, &order).await;
        let error = provider(&fake)
            .interpret(&order.render, &answer.unwrap())
            .unwrap_err();
        assert_eq!(error.reason, Reason::NoImage);
        assert!(error.message.contains(message), "{error}");
    }
}

#[tokio::test]
async fn a_bomb_is_received_and_refused_by_its_check() {
    let order = order(plain());
    let (fake, answer) = answered(Case::Bomb, &order).await;
    let rendered = provider(&fake)
        .interpret(&order.render, &answer.unwrap())
        .unwrap();
    let refused = artifact::inspect(&rendered.image, &expected(), &artifact::Limits::default()).unwrap_err();
    assert!(refused.to_string().contains("100000x100000"), "{refused}");
}

#[tokio::test]
async fn a_held_call_goes_on_when_it_is_released() {
    let fake = start().await;
    let gate = Gate::closed();
    let without_usage = json!({"data": [{"b64_json": "aGk="}]});
    fake.next(Case::after(&gate, Case::says(200, &without_usage)));
    let openai = provider(&fake);
    let order = order(plain());
    let (result, ()) = tokio::join!(submit(&*openai, &order), async {
        fake.wait_for_calls(1).await;
        gate.open();
    });
    let rendered = openai.interpret(&order.render, &result.unwrap()).unwrap();
    assert_eq!(rendered.image, "hi");
    assert!(rendered.bill.usage.is_empty());
}

#[tokio::test]
async fn deadlines_follow_the_model_and_the_quality() {
    let seconds = Duration::from_secs;
    let model = ModelDeadlines {
        default: None,
        qualities: [
            ("low".to_owned(), seconds(180)),
            ("high".to_owned(), seconds(590)),
        ]
        .into(),
    };
    let deadlines = Deadlines {
        default: seconds(600),
        models: [("gpt-image-2".to_owned(), model)].into(),
    };
    let openai = Variant::build(Setup {
        traits: Traits {
            deadlines,
            ..Traits::default()
        },
        ..IMAGES.setup(BENCH.kind, &start().await)
    });
    let deadline = |quality: &str| {
        let quality_token = quality.to_owned();
        let render = Render {
            quality_token,
            ..render()
        };
        openai.deadline(&render).as_secs()
    };
    assert_eq!(
        [deadline("low"), deadline("high"), deadline("max"), deadline("")],
        [180, 590, 600, 600]
    );
}

#[tokio::test]
async fn the_check_explains_what_is_wrong() {
    let fake = start().await;
    let setup = IMAGES.setup(BENCH.kind, &fake);
    let openai = Variant::build(setup.clone());
    assert_eq!(openai.check().await, Ok("the key is accepted".to_owned()));
    let stranger = Variant::build(Setup {
        key: Some(SecretString::from("sk-of-somebody-else")),
        ..setup
    });
    let refused = stranger.check().await.unwrap_err();
    assert!(
        refused.contains("OPENAI_API_KEY") && !refused.contains("sk-"),
        "{refused}"
    );
    assert_eq!(fake.calls(), 0, "a check is no call");
    drop(fake);
    openai.check().await.unwrap_err();
}
