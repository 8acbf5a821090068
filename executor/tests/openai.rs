//! The OpenAI adapter against a fake that keeps count.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail as tests do"
)]

use std::{sync::Arc, time::Duration};

use limn_executor::{
    artifact,
    ids::AttemptId,
    plan::{ImageFormat, Render},
    provider::{Answer, Billing, Call, CallError, CapabilityClass, ImageProvider, Rejection, Submission},
    providers::{Connection, Deadlines, Kind, ModelDeadlines, Setup, Traits},
    testing::fake_openai::{FakeOpenAi, Gate, Reply},
};
use limn_proto::{plan::SeedMode, reason::Reason};
use secrecy::SecretString;
use serde_json::json;

const PROMPT: &str = "a red fox in fresh snow";

fn render() -> Render {
    Render {
        provider: "openai".to_owned(),
        model: "gpt-image-2".to_owned(),
        model_revision: String::new(),
        prompt: PROMPT.to_owned(),
        negative_prompt: String::new(),
        width_px: 64,
        height_px: 48,
        size_token: String::new(),
        quality_token: "high".to_owned(),
        style_token: String::new(),
        seed_mode: SeedMode::Unsupported,
        seed: 7,
        guidance_milli: None,
        format: ImageFormat::Png,
        options: Vec::new(),
    }
}

fn setup(base_url: String) -> Setup {
    Setup {
        id: "openai".to_owned(),
        key: Some(SecretString::from(FakeOpenAi::KEY)),
        connection: Connection {
            base_url: Some(base_url),
            max_answer_bytes: Some(1 << 20),
            ..Connection::default()
        },
        ..Setup::default()
    }
}

fn build(setup: Setup) -> Arc<dyn ImageProvider> {
    Kind::find("openai").unwrap().build(setup).unwrap()
}

fn provider(base_url: String) -> Arc<dyn ImageProvider> {
    build(setup(base_url))
}

async fn submit(provider: &dyn ImageProvider, render: &Render) -> Result<Answer, CallError> {
    submit_within(provider, render, Duration::from_secs(60)).await
}

async fn submit_within(
    provider: &dyn ImageProvider,
    render: &Render,
    timeout: Duration,
) -> Result<Answer, CallError> {
    let attempt = AttemptId(uuid::Uuid::nil());
    match provider
        .submit(&Call {
            attempt,
            render,
            timeout,
            references: &[],
            webhook_url: None,
            previews: None,
        })
        .await?
    {
        Submission::Received(answer) => Ok(answer),
        accepted => panic!("{accepted:?}"),
    }
}

/// Submits once against one reply.
async fn answered(reply: Reply) -> (FakeOpenAi, Result<Answer, CallError>) {
    let fake = FakeOpenAi::start().await;
    fake.reply(reply);
    let result = submit(&*provider(fake.base_url()), &render()).await;
    assert_eq!(fake.calls(), 1, "sent once");
    (fake, result)
}

async fn rejected(reply: Reply) -> Rejection {
    match answered(reply).await.1 {
        Err(CallError::Rejected(rejection)) => rejection,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_image_is_drawn_received_and_read() {
    let (fake, answer) = answered(Reply::Image).await;
    let answer = answer.unwrap();
    assert_eq!(answer.media_type, "application/json");
    assert_eq!(answer.request_id, "req_fake_1");
    assert_eq!(fake.charged(), 1);

    let openai = provider(fake.base_url());
    let rendered = openai.interpret(&render(), &answer).unwrap();
    let expected = artifact::Expected {
        format: ImageFormat::Png,
        width_px: 64,
        height_px: 48,
    };
    artifact::inspect(&rendered.image, &expected, &artifact::Limits::default()).unwrap();
    let usage: Vec<_> = rendered
        .bill
        .usage
        .iter()
        .map(|(unit, count)| (unit.as_str(), *count))
        .collect();
    assert_eq!(
        usage,
        [
            ("image_input_token", 0),
            ("image_output_token", 1056),
            ("text_input_token", 12)
        ]
    );
    assert_eq!(rendered.bill.cost_nanos, None);
    assert_eq!(openai.class(), CapabilityClass::D);
}

#[tokio::test]
async fn exactly_the_planned_fields_are_sent() {
    let fake = FakeOpenAi::start().await;
    let accounts = json!({"organization": "org-1", "project": "proj-1"});
    let openai = build(Setup {
        table: accounts.as_object().unwrap().clone(),
        ..setup(format!("{}/", fake.base_url()))
    });
    submit(&*openai, &render()).await.unwrap();
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
    submit(&*openai, &detailed).await.unwrap();

    let requests = fake.requests();
    assert_eq!(
        requests[0].body,
        json!({"model": "gpt-image-2", "prompt": PROMPT, "n": 1, "size": "64x48", "quality": "high",
               "output_format": "png"})
    );
    assert_eq!(
        requests[1].body,
        json!({"model": "gpt-image-2-2026-04-21", "prompt": PROMPT, "n": 1, "size": "1536x1024",
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
    let fake = FakeOpenAi::start().await;
    let openai = provider(fake.base_url());
    let option = |name: &str, value: &str| vec![(name.to_owned(), value.to_owned())];
    for unfit in [
        Render {
            negative_prompt: "blur".to_owned(),
            ..render()
        },
        Render {
            style_token: "vivid".to_owned(),
            ..render()
        },
        Render {
            guidance_milli: Some(7000),
            ..render()
        },
        Render {
            options: option("response_format", "url"),
            ..render()
        },
        Render {
            options: option("output_compression", "101"),
            ..render()
        },
        Render {
            options: option("output_compression", "much"),
            ..render()
        },
    ] {
        match submit(&*openai, &unfit).await {
            Err(CallError::Rejected(rejection)) => {
                assert_eq!(rejection.reason, Reason::ProviderRejected);
                assert_eq!(rejection.http_status, None);
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(fake.calls(), 0);
}

#[tokio::test]
async fn listed_refusals_are_refusals() {
    use Reason::*;
    for (reply, reason, billing, status) in [
        (Reply::bad_request(), ProviderRejected, Billing::No, 400),
        (Reply::unauthorized(), ProviderAccount, Billing::No, 401),
        (Reply::not_found(), ProviderRejected, Billing::No, 404),
        (Reply::insufficient_quota(), ProviderAccount, Billing::No, 429),
        (
            Reply::rate_limited(Duration::from_millis(1500)),
            ProviderRateLimited,
            Billing::No,
            429,
        ),
        (Reply::server_error(), ProviderUnavailable, Billing::No, 500),
        (Reply::moderation_input(), ContentBlocked, Billing::No, 400),
        (Reply::moderation_output(), ContentBlocked, Billing::Unknown, 400),
        (
            Reply::GatewayPage { status: 403 },
            ProviderAccount,
            Billing::No,
            403,
        ),
    ] {
        let rejection = rejected(reply).await;
        assert_eq!(
            (rejection.reason, rejection.billing),
            (reason, billing),
            "{rejection:?}"
        );
        assert_eq!(rejection.http_status, Some(status));
        assert_eq!(rejection.request_id, "req_fake_1");
        let wait = (reason == ProviderRateLimited).then(|| Duration::from_millis(1500));
        assert_eq!(rejection.retry_after, wait);
    }
}

#[tokio::test]
async fn a_refusal_keeps_the_facts() {
    let rejection = rejected(Reply::moderation_output()).await;
    let facts: Vec<_> = rejection
        .metadata
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    assert_eq!(
        facts,
        [
            ("moderationCategories", "violence"),
            ("moderationStage", "output"),
            ("providerCode", "moderation_blocked"),
            ("providerType", "image_generation_user_error"),
        ]
    );
}

#[tokio::test]
async fn no_message_shows_the_key_or_the_prompt() {
    let key = FakeOpenAi::KEY;
    let message = format!("{key} may not draw '{PROMPT}'; other key sk-proj-abcdefgh1234");
    let rejection = rejected(Reply::error(400, key, "x", &message)).await;
    assert_eq!(
        rejection.message,
        "openai answered 400: [key] may not draw '[prompt]'; other key [key]"
    );
    let shown = format!("{rejection:?} {:?}", provider("http://localhost/v1".to_owned()));
    assert!(!shown.contains(key) && !shown.contains(PROMPT), "{shown}");
}

#[tokio::test]
async fn answers_that_prove_nothing_are_unknown() {
    for (reply, status) in [
        (Reply::GatewayPage { status: 502 }, Some(502)),
        (Reply::GatewayPage { status: 504 }, Some(504)),
        (Reply::GatewayPage { status: 500 }, Some(500)),
        (Reply::GatewayPage { status: 400 }, Some(400)),
        (Reply::GatewayPage { status: 307 }, Some(307)),
        (
            Reply::error(408, "server_error", "timeout", "timed out"),
            Some(408),
        ),
        (
            Reply::error(418, "invalid_request_error", "teapot", "no"),
            Some(418),
        ),
        (Reply::Disconnect, None),
    ] {
        let described = format!("{reply:?}");
        match answered(reply).await.1 {
            Err(CallError::Unknown {
                http_status,
                partial_body,
                request_id,
                ..
            }) => {
                assert_eq!(http_status, status, "{described}");
                assert_eq!(partial_body.is_empty(), status.is_none());
                assert_eq!(request_id.is_empty(), status.is_none());
            }
            other => panic!("{described}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_success_that_breaks_off_is_unknown_with_what_came() {
    match answered(Reply::TruncatedBody).await.1 {
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
    let (fake, answer) = answered(Reply::Garbage {
        size_bytes: (1 << 20) + 1,
    })
    .await;
    let answer = answer.unwrap();
    assert_eq!(answer.body.len(), 1 << 20);
    assert_eq!(answer.headers["limn-body-truncated"], "oversize");
    let error = provider(fake.base_url())
        .interpret(&render(), &answer)
        .unwrap_err();
    assert_eq!(error.reason, Reason::ImageInvalid);
}

#[tokio::test]
async fn successes_without_an_image_say_what_is_there() {
    for (reply, reason, message) in [
        (Reply::Html, Reason::NoImage, "the answer is not JSON"),
        (
            Reply::Garbage { size_bytes: 1000 },
            Reason::NoImage,
            "the answer is not JSON",
        ),
        (Reply::Url, Reason::NoImage, "an address instead of an image"),
        (
            Reply::Bytes(Vec::new()),
            Reason::NoImage,
            "the answer has no image",
        ),
    ] {
        let (fake, answer) = answered(reply).await;
        let error = provider(fake.base_url())
            .interpret(&render(), &answer.unwrap())
            .unwrap_err();
        assert_eq!(error.reason, reason);
        assert!(error.message.contains(message), "{error}");
    }
}

#[tokio::test]
async fn a_bomb_is_received_and_refused_by_its_check() {
    let (fake, answer) = answered(Reply::Bomb).await;
    let rendered = provider(fake.base_url())
        .interpret(&render(), &answer.unwrap())
        .unwrap();
    let expected = artifact::Expected {
        format: ImageFormat::Png,
        width_px: 64,
        height_px: 48,
    };
    let refused = artifact::inspect(&rendered.image, &expected, &artifact::Limits::default()).unwrap_err();
    assert!(refused.to_string().contains("100000x100000"), "{refused}");
}

#[tokio::test]
async fn a_call_that_cannot_connect_was_not_sent() {
    let fake = FakeOpenAi::start().await;
    let base_url = fake.base_url();
    // The port is free again as soon as the listener is gone.
    drop(fake);
    while tokio::net::TcpStream::connect(base_url.trim_start_matches("http://").trim_end_matches("/v1"))
        .await
        .is_ok()
    {
        tokio::task::yield_now().await;
    }
    let result = submit(&*provider(base_url), &render()).await;
    assert!(matches!(result, Err(CallError::Unsent { .. })), "{result:?}");
}

#[tokio::test]
async fn a_handshake_that_fails_was_not_sent() {
    // The fake speaks no TLS.
    let fake = FakeOpenAi::start().await;
    let secure = fake.base_url().replace("http://", "https://");
    let result = submit(&*provider(secure), &render()).await;
    assert!(matches!(result, Err(CallError::Unsent { .. })), "{result:?}");
}

#[tokio::test]
async fn a_call_that_takes_too_long_is_unknown() {
    let fake = FakeOpenAi::start().await;
    let gate = Gate::closed();
    fake.reply(Reply::after(&gate, Reply::Image));
    let result = submit_within(&*provider(fake.base_url()), &render(), Duration::from_millis(300)).await;
    assert!(
        matches!(
            result,
            Err(CallError::Unknown {
                http_status: None,
                ..
            })
        ),
        "{result:?}"
    );
    assert_eq!((fake.calls(), fake.charged()), (1, 1));
}

#[tokio::test]
async fn a_held_call_goes_on_when_it_is_released() {
    let fake = FakeOpenAi::start().await;
    let gate = Gate::closed();
    fake.reply(Reply::after(&gate, Reply::ImageWithoutUsage));
    let openai = provider(fake.base_url());
    let drawn = render();
    let (result, ()) = tokio::join!(submit(&*openai, &drawn), async {
        fake.wait_for_calls(1).await;
        gate.open();
    });
    let rendered = openai.interpret(&drawn, &result.unwrap()).unwrap();
    assert!(rendered.bill.usage.is_empty());
}

#[test]
fn deadlines_follow_the_model_and_the_quality() {
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
    let openai = build(Setup {
        traits: Traits {
            deadlines,
            ..Traits::default()
        },
        ..setup("http://localhost/v1".to_owned())
    });
    let deadline = |quality: &str| {
        let quality_token = quality.to_owned();
        openai
            .deadline(&Render {
                quality_token,
                ..render()
            })
            .as_secs()
    };
    assert_eq!(
        [deadline("low"), deadline("high"), deadline("max"), deadline("")],
        [180, 590, 600, 600]
    );
}

#[tokio::test]
async fn the_check_explains_what_is_wrong() {
    let fake = FakeOpenAi::start().await;
    let openai = provider(fake.base_url());
    assert_eq!(openai.check().await, Ok("the key is accepted".to_owned()));
    fake.check_reply(Reply::unauthorized());
    let refused = openai.check().await.unwrap_err();
    assert!(
        refused.contains("OPENAI_API_KEY") && !refused.contains("sk-"),
        "{refused}"
    );
    assert_eq!(fake.calls(), 0, "a check is no call");
    drop(fake);
    openai.check().await.unwrap_err();
}
