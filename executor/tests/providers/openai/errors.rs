//! What an error proves.

use std::time::Duration;

use limn_executor::{
    provider::{Billing, CallError, Rejection},
    providers::{Connection, Setup},
};
use limn_fakes::{Case, Fake, Gate};
use limn_proto::reason::Reason;
use serde_json::{Value, json};

use super::{BENCH, IMAGES, answered, order, provider, render, start, submit};
use crate::{bench::Variant, drive::Order};

/// An error object of the API.
fn error(kind: &str, code: &str, message: &str) -> Value {
    json!({"error": {"message": message, "type": kind, "param": null, "code": code}})
}

/// A page of whatever stands before the API, which names the call all the same.
fn page(status: u16) -> Case {
    Case::Says {
        status,
        media_type: "text/html",
        body: "<html><body>not the API</body></html>".to_owned(),
        is_charged: true,
    }
}

async fn rejected(case: Case) -> Rejection {
    match answered(case, &order(render())).await.1 {
        Err(CallError::Rejected(rejection)) => rejection,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn listed_refusals_are_refusals() {
    use Reason::*;
    let not_found = error("invalid_request_error", "unknown_url", "Unknown request URL.");
    for (case, reason, billing, status) in [
        (Case::BadRequest, ProviderRejected, Billing::No, 400),
        (Case::BadKey, ProviderAccount, Billing::No, 401),
        (Case::says(404, &not_found), ProviderRejected, Billing::No, 404),
        (Case::RetiredModel, ProviderRejected, Billing::No, 404),
        (Case::Quota, ProviderAccount, Billing::No, 429),
        (Case::RateLimited, ProviderRateLimited, Billing::No, 429),
        (Case::ServerError, ProviderUnavailable, Billing::No, 500),
        (
            Case::Refusal("moderation of the prompt"),
            ContentBlocked,
            Billing::No,
            400,
        ),
        (
            Case::Refusal("moderation of the picture"),
            ContentBlocked,
            Billing::Unknown,
            400,
        ),
        (page(403), ProviderAccount, Billing::No, 403),
    ] {
        let rejection = rejected(case).await;
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
    let rejection = rejected(Case::Refusal("moderation of the picture")).await;
    let facts = rejection.metadata.iter();
    let facts: Vec<_> = facts
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
    let (key, prompt) = (Fake::KEY, render().prompt);
    let message = format!("{key} may not draw '{prompt}'; other key sk-proj-abcdefgh1234");
    let rejection = rejected(Case::says(400, &error(key, "x", &message))).await;
    assert_eq!(
        rejection.message,
        "openai answered 400: [key] may not draw '[prompt]'; other key [key]"
    );
    let shown = format!("{rejection:?} {:?}", provider(&start().await));
    assert!(!shown.contains(key) && !shown.contains(&prompt), "{shown}");
}

#[tokio::test]
async fn answers_that_prove_nothing_are_unknown() {
    for (case, status) in [
        (page(502), Some(502)),
        (page(504), Some(504)),
        (page(500), Some(500)),
        (page(400), Some(400)),
        (page(307), Some(307)),
        (
            Case::says(408, &error("server_error", "timeout", "timed out")),
            Some(408),
        ),
        (
            Case::says(418, &error("invalid_request_error", "teapot", "no")),
            Some(418),
        ),
        (Case::Disconnect, None),
    ] {
        let described = format!("{case:?}");
        match answered(case, &order(render())).await.1 {
            Err(CallError::Unknown {
                http_status,
                partial_body,
                request_id,
                ..
            }) => {
                assert_eq!(http_status, status, "{described}");
                assert_eq!(partial_body.is_empty(), status.is_none());
                assert_eq!(request_id.is_empty(), status.is_none(), "{described}");
            }
            other => panic!("{described}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_handshake_that_fails_was_not_sent() {
    // The fake speaks no TLS.
    let fake = start().await;
    let setup = IMAGES.setup(BENCH.kind, &fake);
    let openai = Variant::build(Setup {
        connection: Connection {
            base_url: Some(fake.base_url().replace("http://", "https://")),
            ..setup.connection.clone()
        },
        ..setup
    });
    let result = submit(&*openai, &order(render())).await;
    assert!(matches!(result, Err(CallError::Unsent { .. })), "{result:?}");
    assert_eq!(fake.calls(), 0);
}

#[tokio::test]
async fn a_call_that_takes_too_long_is_unknown() {
    let fake = start().await;
    let gate = Gate::closed();
    fake.next(Case::after(&gate, Case::Success));
    let order = Order {
        timeout: Duration::from_millis(300),
        ..order(render())
    };
    let result = submit(&*provider(&fake), &order).await;
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
