//! Black Forest Labs.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bytes::Bytes;
use limn_executor::{
    clock::UnixMicros,
    plan::{ImageFormat, Render},
    provider::{
        Billing, Call, CallError, CapabilityClass, ImageProvider, Reference, Submission, Webhook,
        WebhookRefused, WebhookUrl,
    },
    providers::{Kind, RefusalBilling},
    records::CostSource,
};
use limn_fakes::{Case, Fake};
use limn_proto::{plan::SeedMode, reason::Reason};
use secrecy::SecretString;
use serde_json::json;

use crate::{
    bench::{self, Bench, TELLS_NOTHING, Tells, VARIANT, Variant},
    drive::{Ended, Order, draw, follow},
};

/// The families of models, which take different fields.
pub(crate) const BENCH: Bench = Bench {
    kind: "bfl",
    variants: &[FLUX2, FLUX11],
};

const FLUX2: Variant = Variant {
    name: "flux-2",
    fake: "bfl",
    class: CapabilityClass::C,
    refusals: RefusalBilling::Unknown,
    render: flux2,
    inputs: || {
        json!({
            "prompt": "{prompt}", "width": "{width}", "height": "{height}", "seed": "{seed}",
            "steps": "{options.steps}", "guidance": "{guidance}", "output_format": "{format}",
            "safety_tolerance": "{options.safety_tolerance}", "disable_pup": "{options.disable_pup}",
            "input_image": "{reference.1}", "input_image_2": "{reference.2}",
        })
    },
    references: || {
        [b"\x89PNG one".as_slice(), b"\x89PNG two"]
            .map(|bytes| Reference {
                media_type: "image/png".to_owned(),
                bytes: Bytes::from_static(bytes),
            })
            .to_vec()
    },
    tells: Tells {
        seed: true,
        cost: CostSource::Reported,
        ..TELLS_NOTHING
    },
    ..VARIANT
};

const FLUX11: Variant = Variant {
    name: "flux-1.1",
    fake: "bfl",
    class: CapabilityClass::C,
    refusals: RefusalBilling::Unknown,
    render: flux11,
    inputs: || {
        json!({
            "prompt": "{prompt}", "width": "{width}", "height": "{height}", "seed": "{seed}",
            "prompt_upsampling": "{options.prompt_upsampling}", "output_format": "{format}",
            "safety_tolerance": "{options.safety_tolerance}",
        })
    },
    tells: Tells {
        seed: true,
        cost: CostSource::Reported,
        ..TELLS_NOTHING
    },
    ..VARIANT
};

fn flux2() -> Render {
    Render {
        model: "flux-2-flex".to_owned(),
        seed_mode: SeedMode::Given,
        guidance_milli: Some(4500),
        options: [
            ("disable_pup", "true"),
            ("safety_tolerance", "2"),
            ("steps", "50"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec(),
        ..bench::render()
    }
}

fn flux11() -> Render {
    Render {
        model: "flux-pro-1.1".to_owned(),
        seed_mode: SeedMode::Given,
        format: ImageFormat::Jpeg,
        options: [("prompt_upsampling", "false"), ("safety_tolerance", "6")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec(),
        ..bench::render()
    }
}

const HOOK: &str = "https://limn.example/hooks/bfl/01920000-0000-7000-8000-000000000001";
const SECRET: &str = "a long random text";

fn order() -> Order {
    Order {
        render: flux11(),
        references: Vec::new(),
        timeout: Duration::from_secs(60),
    }
}

/// A provider that takes webhooks.
fn hooked(fake: &Fake) -> Arc<dyn ImageProvider> {
    let mut setup = FLUX11.setup("bfl", fake);
    let secret = SecretString::from(SECRET);
    setup.secrets.insert("webhook_secret".to_owned(), secret);
    Kind::find("bfl").unwrap().build(setup).unwrap()
}

#[tokio::test]
async fn a_task_is_asked_for_where_it_lives_and_tells_its_price() {
    let fake = Fake::start("bfl").await;
    let provider = FLUX11.provider("bfl", &fake);
    let order = order();
    let Ok(Submission::Accepted { job_id }) = provider.submit(&order.call()).await else {
        panic!("accepted");
    };
    assert!(job_id.contains("/region/v1/get_result?id="), "{job_id}");
    let Ended::Drawn(_, rendered) = follow(&*provider, &order, &job_id).await else {
        panic!("drawn");
    };
    assert_eq!(rendered.bill.cost_nanos, Some(40_000_000));
    assert_eq!(rendered.seed, Some(7));
    let requests = fake.requests();
    let asked: Vec<_> = requests
        .iter()
        .filter(|request| request.method == "GET")
        .collect();
    let (delivered, polled): (Vec<_>, Vec<_>) = asked
        .into_iter()
        .partition(|request| request.path.contains("delivery"));
    assert!(!polled.is_empty() && polled.iter().all(|request| request.had_the_key));
    assert!(!delivered.is_empty() && delivered.iter().all(|request| !request.had_the_key));
}

#[tokio::test]
async fn the_key_does_not_go_to_an_address_that_only_an_answer_names() {
    let fake = Fake::start("bfl").await;
    let elsewhere = Fake::start("bfl").await;
    let mut setup = FLUX11.setup("bfl", &fake);
    setup.connection.allow_private_addresses = true;
    let provider = Kind::find("bfl").unwrap().build(setup).unwrap();
    let order = order();
    let job_id = format!("{}/region/v1/get_result?id=1#id=1", elsewhere.base_url());
    let asked = provider.poll(&order.call(), &job_id).await;
    // It does not know the task, which proves nothing.
    assert!(matches!(asked, Err(CallError::Unknown { .. })), "{asked:?}");
    let requests = elsewhere.requests();
    assert_eq!((requests.len(), requests[0].had_the_key), (1, false));
    // And where private addresses are not allowed, nobody is asked.
    let strict = FLUX11.provider("bfl", &fake);
    let refused = strict.poll(&order.call(), &job_id).await;
    assert!(matches!(&refused, Err(CallError::Unknown { message, .. }) if message.contains("private")));
    assert_eq!(elsewhere.requests().len(), 1);
}

#[tokio::test]
async fn refused_content_is_billed_as_the_catalog_says() {
    for (refusals, way, billing) in [
        (RefusalBilling::No, 0, Some(Billing::No)),
        (RefusalBilling::No, 1, Some(Billing::No)),
        (RefusalBilling::Unknown, 1, Some(Billing::Unknown)),
        (RefusalBilling::Yes, 0, Some(Billing::Unknown)),
        (RefusalBilling::Yes, 1, None),
    ] {
        let fake = Fake::start("bfl").await;
        let variant = Variant { refusals, ..FLUX11 };
        fake.next(Case::Refusal(fake.refusals()[way]));
        match (draw(&*variant.provider("bfl", &fake), &order()).await, billing) {
            (Ended::Rejected(rejection), Some(billing)) => {
                assert_eq!(
                    (rejection.reason, rejection.billing),
                    (Reason::ContentBlocked, billing)
                );
                assert!(rejection.message.contains("Derivative Works"), "{rejection:?}");
            }
            (Ended::Unusable(error), None) => {
                assert_eq!(error.reason, Reason::ContentBlocked);
                assert_eq!(error.bill.cost_nanos, Some(40_000_000));
            }
            (ended, _) => panic!("{refusals:?} {way}: {ended:?}"),
        }
    }
}

#[tokio::test]
async fn what_the_api_has_no_field_for_is_not_sent() {
    let fake = Fake::start("bfl").await;
    let provider = FLUX11.provider("bfl", &fake);
    for (render, said) in [
        (
            Render {
                negative_prompt: "text".to_owned(),
                ..flux11()
            },
            "negative prompt",
        ),
        (
            Render {
                model: "flux-2-max".to_owned(),
                ..flux11()
            },
            "flux-2-max",
        ),
        (
            Render {
                model: "../credits".to_owned(),
                ..flux11()
            },
            "../credits",
        ),
    ] {
        let order = Order { render, ..order() };
        let Ended::Rejected(rejection) = draw(&*provider, &order).await else {
            panic!("{said}");
        };
        assert!(rejection.message.contains(said), "{rejection:?}");
    }
    assert!(fake.requests().is_empty());
}

#[tokio::test]
async fn a_picture_that_is_gone_was_paid_for() {
    let fake = Fake::start("bfl").await;
    let provider = FLUX11.provider("bfl", &fake);
    fake.expire_pictures();
    let Ended::Unusable(error) = draw(&*provider, &order()).await else {
        panic!("an answer without a picture");
    };
    assert_eq!(
        (error.reason, error.bill.cost_nanos),
        (Reason::NoImage, Some(40_000_000))
    );
}

#[tokio::test]
async fn a_task_with_news_is_asked_for_at_the_address_of_the_operator() {
    let fake = Fake::start("bfl").await;
    let provider = hooked(&fake);
    let order = order();
    let call = Call {
        webhook_url: Some(WebhookUrl {
            base: "https://limn.example",
            provider: "bfl",
            attempt: order.call().attempt,
        }),
        ..order.call()
    };
    let Ok(Submission::Accepted { job_id }) = provider.submit(&call).await else {
        panic!("accepted");
    };
    let fields = &fake.requests()[0].fields;
    assert_eq!(
        (&fields["webhook_url"], &fields["webhook_secret"]),
        (&json!(HOOK), &json!(SECRET))
    );
    let ended = follow(&*provider, &order, &job_id).await;
    assert!(matches!(ended, Ended::Drawn(..)), "{ended:?}");
    // Without a secret nobody could check the news.
    FLUX11.provider("bfl", &fake).submit(&call).await.unwrap();
    let last = fake.requests().pop().unwrap();
    assert!(last.fields.get("webhook_url").is_none());
}

#[tokio::test]
async fn only_signed_news_are_read() {
    let fake = Fake::start("bfl").await;
    let provider = hooked(&fake);
    let body = Bytes::from_static(br#"{"id":"ab-1","status":"Ready"}"#);
    let event = |provider: &Arc<dyn ImageProvider>, signature: &str| {
        let headers = BTreeMap::from([("x-bfl-signature".to_owned(), signature.to_owned())]);
        provider.webhook(&Webhook {
            headers: &headers,
            body: &body,
            now: UnixMicros(0),
        })
    };
    let signature = "sha256=32b09b3829805055e5238d14a10960017d61ca2170b3840f8ff9153f04d1c9f2";
    let read = event(&provider, signature).unwrap();
    assert_eq!(
        read.job_id,
        format!("{}/v1/get_result?id=ab-1#id=ab-1", fake.base_url())
    );
    for bad in ["", "sha256=", "sha256=00", &signature.replace('a', "b")] {
        assert_eq!(event(&provider, bad), Err(WebhookRefused::BadSignature), "{bad}");
    }
    let without = FLUX11.provider("bfl", &fake);
    assert_eq!(event(&without, signature), Err(WebhookRefused::NotTaken));
}
