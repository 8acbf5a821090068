//! Replicate.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use limn_executor::{
    clock::UnixMicros,
    plan::{ImageFormat, Render},
    provider::{
        Billing, Call, CallError, CapabilityClass, ImageProvider, Lookup, Poll, Reference, Submission,
        Webhook, WebhookRefused, WebhookUrl,
    },
    providers::{Kind, RefusalBilling},
    records::CostSource,
};
use limn_fakes::{Case, Fake};
use limn_proto::{plan::SeedMode, reason::Reason};
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::{
    bench::{self, Bench, TELLS_NOTHING, Tells, VARIANT, Variant},
    drive::{Ended, Order, draw},
};

/// Two families whose inputs have little in common.
pub(crate) const BENCH: Bench = Bench {
    kind: "replicate",
    variants: &[FLUX, SDXL],
};

const FLUX: Variant = Variant {
    name: "flux-pro",
    fake: "replicate",
    class: CapabilityClass::C,
    refusals: RefusalBilling::Unknown,
    render: flux,
    inputs: || {
        json!({
            "prompt": "{prompt}", "aspect_ratio": "custom", "width": "{width}", "height": "{height}",
            "steps": "{options.steps}", "guidance": "{guidance}", "seed": "{seed}",
            "safety_tolerance": "{options.safety_tolerance}", "output_format": "{extension}",
            "prompt_upsampling": "{options.prompt_upsampling}",
        })
    },
    tells: Tells {
        seed: true,
        cost: CostSource::Usage,
        ..TELLS_NOTHING
    },
    ..VARIANT
};

const SDXL: Variant = Variant {
    name: "sdxl",
    fake: "replicate",
    class: CapabilityClass::C,
    refusals: RefusalBilling::Unknown,
    render: sdxl,
    inputs: || {
        json!({
            "prompt": "{prompt}", "negative_prompt": "{negative_prompt}", "width": "{width}",
            "height": "{height}", "num_outputs": 1, "scheduler": "{options.scheduler}",
            "num_inference_steps": "{quality}", "guidance_scale": "{guidance}", "seed": "{seed}",
            "refine": "{options.refine}", "apply_watermark": false, "image": "{reference.1}",
        })
    },
    references: || {
        vec![Reference {
            media_type: "image/png".to_owned(),
            bytes: Bytes::from_static(b"\x89PNG a reference"),
        }]
    },
    tells: Tells {
        seed: true,
        model_version: "7762fd07cf82c948538e41f63f77d685e02b063e37e496e96eefd46c929f9bdc",
        cost: CostSource::Usage,
    },
    ..VARIANT
};

fn flux() -> Render {
    Render {
        model: "black-forest-labs/flux-pro".to_owned(),
        seed_mode: SeedMode::Given,
        guidance_milli: Some(3500),
        format: ImageFormat::Jpeg,
        options: [
            ("prompt_upsampling", "true"),
            ("safety_tolerance", "3"),
            ("steps", "25"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec(),
        ..bench::render()
    }
}

fn sdxl() -> Render {
    Render {
        model: "stability-ai/sdxl".to_owned(),
        model_revision: "7762fd07cf82c948538e41f63f77d685e02b063e37e496e96eefd46c929f9bdc".to_owned(),
        negative_prompt: "text".to_owned(),
        quality_token: "50".to_owned(),
        seed_mode: SeedMode::Given,
        guidance_milli: Some(7000),
        options: [("refine", "no_refiner"), ("scheduler", "K_EULER")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec(),
        ..bench::render()
    }
}

/// Where the provider sends news to.
const HOOK: &str = "https://limn.example/hooks/replicate/01920000-0000-7000-8000-000000000001";

fn order() -> Order {
    Order {
        render: flux(),
        references: Vec::new(),
        timeout: Duration::from_secs(90),
    }
}

fn with_hook(order: &Order) -> Call<'_> {
    Call {
        webhook_url: Some(WebhookUrl {
            base: "https://limn.example",
            provider: "replicate",
            attempt: order.call().attempt,
        }),
        ..order.call()
    }
}

/// A provider that takes webhooks.
fn hooked(fake: &Fake) -> std::sync::Arc<dyn ImageProvider> {
    let mut setup = FLUX.setup("replicate", fake);
    let secret = SecretString::from(Fake::WEBHOOK_SECRET);
    setup.secrets.insert("webhook_secret".to_owned(), secret);
    Kind::find("replicate").unwrap().build(setup).unwrap()
}

async fn rejection(fake: &Fake, case: Case, settings: Value) -> limn_executor::provider::Rejection {
    let mut setup = FLUX.setup("replicate", fake);
    setup.table = settings.as_object().unwrap().clone();
    let provider = Kind::find("replicate").unwrap().build(setup).unwrap();
    fake.next(case);
    match draw(&*provider, &order()).await {
        Ended::Rejected(rejection) => rejection,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_was_drawn_tells_its_seed_and_its_seconds() {
    let fake = Fake::start("replicate").await;
    let provider = SDXL.provider("replicate", &fake);
    let order = Order {
        render: Render {
            seed_mode: SeedMode::Unsupported,
            ..sdxl()
        },
        ..order()
    };
    let unseeded = draw(&*provider, &order).await;
    // A seed that the plan does not send is a field that the inputs leave out; the log has the one that was used.
    let Ended::Drawn(answer, rendered) = unseeded else {
        panic!("{unseeded:?}");
    };
    assert_eq!(rendered.seed, Some(4217));
    assert_eq!(rendered.bill.usage["second"], 4);
    assert_eq!(rendered.model_version, sdxl().model_revision);
    assert!(answer.request_id.starts_with("fake"));
    assert_eq!(fake.requests()[0].headers["cancel-after"], "90s");
}

/// A picture that no request may have in it.
fn large() -> Reference {
    Reference {
        media_type: "image/png".to_owned(),
        bytes: Bytes::from(vec![7; 300_000]),
    }
}

/// A drawing from a large picture.
fn from_large() -> Order {
    Order {
        render: sdxl(),
        references: vec![large()],
        ..order()
    }
}

#[tokio::test]
async fn a_large_picture_is_uploaded_before_and_named_by_its_address() {
    let fake = Fake::start("replicate").await;
    let provider = SDXL.provider("replicate", &fake);
    let ended = draw(&*provider, &from_large()).await;
    assert!(matches!(ended, Ended::Drawn(..)), "{ended:?}");
    let requests = fake.requests();
    let upload = &requests[0];
    assert_eq!(
        (upload.path.as_str(), upload.is_call, upload.had_the_key),
        ("/v1/files", false, true)
    );
    assert_eq!(upload.files, [("content".to_owned(), large().bytes.to_vec())]);
    let image = requests[1].fields["input"]["image"].as_str().unwrap();
    assert!(
        image.starts_with(&format!("{}/files/fakefile", fake.base_url())),
        "{image}"
    );
    assert_eq!((fake.calls(), fake.charged()), (1, 1));
}

#[tokio::test]
async fn an_upload_that_fails_proves_that_nothing_was_sent() {
    let fake = Fake::start("replicate").await;
    let provider = SDXL.provider("replicate", &fake);
    fake.forget();
    let ended = draw(&*provider, &from_large()).await;
    let Ended::Rejected(rejection) = ended else {
        panic!("{ended:?}");
    };
    assert_eq!(
        (rejection.reason, rejection.billing),
        (Reason::ProviderUnavailable, Billing::No)
    );
    fake.lose_answers(1);
    let ended = draw(&*provider, &from_large()).await;
    assert!(
        matches!(&ended, Ended::Unsent(message) if message.contains("not uploaded")),
        "{ended:?}"
    );
    assert_eq!((fake.calls(), fake.requests().len()), (0, 2));
}

#[tokio::test]
async fn what_the_inputs_cannot_say_is_not_sent() {
    let fake = Fake::start("replicate").await;
    let provider = FLUX.provider("replicate", &fake);
    let huge = Reference {
        media_type: "image/png".to_owned(),
        bytes: Bytes::from(vec![0; 100_000_001]),
    };
    let unknown = Render {
        model: "somebody/else".to_owned(),
        ..flux()
    };
    let negative = Render {
        negative_prompt: "text".to_owned(),
        ..flux()
    };
    for (render, references, said) in [
        (unknown, vec![], "somebody/else"),
        (negative, vec![], "negative prompt"),
        (sdxl(), vec![huge], "100000001 bytes"),
        (flux(), vec![large()], "1 reference pictures"),
    ] {
        let order = Order {
            render,
            references,
            ..order()
        };
        let Ended::Rejected(rejection) = draw(&*provider, &order).await else {
            panic!("{said}");
        };
        assert!(rejection.message.contains(said), "{rejection:?}");
        assert_eq!(rejection.reason, Reason::ProviderRejected);
    }
    assert!(fake.requests().is_empty());
}

#[tokio::test]
async fn what_counts_as_refused_content_is_for_the_operator_to_say() {
    let fake = Fake::start("replicate").await;
    let own = json!({"safety_words": ["worker lost", "e9243"]});
    let refused = rejection(&fake, Case::JobFailed, own).await;
    assert_eq!(refused.reason, Reason::ContentBlocked);
    let none = json!({"safety_words": []});
    let failed = rejection(&fake, Case::Refusal(fake.refusals()[0]), none).await;
    assert_eq!(failed.reason, Reason::ProviderUnavailable);
    let failed = rejection(&fake, Case::JobFailed, json!({})).await;
    assert_eq!(
        (failed.reason, failed.billing, &*failed.metadata["providerCode"]),
        (Reason::ProviderUnavailable, Billing::Unknown, "E9243")
    );
}

#[tokio::test]
async fn a_refusal_that_is_billed_is_an_answer() {
    let fake = Fake::start("replicate").await;
    fake.next(Case::Refusal(fake.refusals()[1]));
    let billed = Variant {
        refusals: RefusalBilling::Yes,
        ..FLUX
    };
    let Ended::Unusable(error) = draw(&*billed.provider("replicate", &fake), &order()).await else {
        panic!("an answer");
    };
    assert_eq!(error.reason, Reason::ContentBlocked);
    assert_eq!(error.bill.usage["second"], 4);
}

#[tokio::test]
async fn a_prediction_that_was_cancelled_before_it_began_is_free() {
    let fake = Fake::start("replicate").await;
    let provider = FLUX.provider("replicate", &fake);
    let order = order();
    for (polls, billing) in [(0, Billing::No), (1, Billing::Unknown)] {
        fake.next(Case::JobHangs);
        let Ok(Submission::Accepted { job_id }) = provider.submit(&order.call()).await else {
            panic!("accepted");
        };
        for _ in 0..polls {
            let pending = provider.poll(&order.call(), &job_id).await;
            assert!(matches!(pending, Ok(Poll::Pending(_))), "{pending:?}");
        }
        provider.cancel(&order.call(), &job_id).await.unwrap();
        let ended = provider.poll(&order.call(), &job_id).await;
        let Err(CallError::Rejected(rejection)) = ended else {
            panic!("{ended:?}");
        };
        assert_eq!(
            (rejection.reason, rejection.billing),
            (Reason::CancelledByClient, billing)
        );
    }
}

#[tokio::test]
async fn a_picture_that_is_gone_was_paid_for() {
    let fake = Fake::start("replicate").await;
    let provider = FLUX.provider("replicate", &fake);
    fake.expire_pictures();
    let Ended::Unusable(error) = draw(&*provider, &order()).await else {
        panic!("an answer without a picture");
    };
    assert_eq!(error.reason, Reason::NoImage);
}

#[tokio::test]
async fn news_are_asked_for_only_where_they_can_be_checked() {
    let fake = Fake::start("replicate").await;
    let order = order();
    FLUX.provider("replicate", &fake)
        .submit(&with_hook(&order))
        .await
        .unwrap();
    hooked(&fake).submit(&with_hook(&order)).await.unwrap();
    let asked: Vec<Value> = fake
        .requests()
        .iter()
        .map(|request| request.fields["webhook"].clone())
        .collect();
    assert_eq!(asked, [Value::Null, HOOK.into()]);
    assert_eq!(
        fake.requests()[1].fields["webhook_events_filter"],
        json!(["start", "completed"])
    );
}

#[tokio::test]
async fn a_lost_call_is_found_by_the_address_of_its_news_and_never_missed() {
    let fake = Fake::start("replicate").await;
    let provider = hooked(&fake);
    let order = order();
    let call = with_hook(&order);
    // A list that does not have it proves nothing.
    assert_eq!(provider.lookup(&call).await, Ok(Lookup::Impossible));
    fake.next(Case::Disconnect);
    let lost = provider.submit(&call).await;
    assert!(matches!(lost, Err(CallError::Unknown { .. })), "{lost:?}");
    let found = provider.lookup(&call).await;
    let Ok(Lookup::Pending { job_id }) = found else {
        panic!("{found:?}");
    };
    assert!(job_id.starts_with("fake"));
    let other = Call {
        webhook_url: Some(WebhookUrl {
            base: "https://limn.example",
            provider: "replicate",
            attempt: limn_executor::ids::AttemptId(uuid::Uuid::from_u128(2)),
        }),
        ..call
    };
    assert_eq!(provider.lookup(&other).await, Ok(Lookup::Impossible));
    assert_eq!(provider.lookup(&order.call()).await, Ok(Lookup::Impossible));
}

#[tokio::test]
async fn news_without_a_signature_are_refused() {
    let fake = Fake::start("replicate").await;
    let body = Bytes::from_static(br#"{"id": "abc", "status": "succeeded"}"#);
    let webhook = Webhook {
        headers: &BTreeMap::new(),
        body: &body,
        now: UnixMicros(0),
    };
    assert_eq!(hooked(&fake).webhook(&webhook), Err(WebhookRefused::BadSignature));
    assert_eq!(
        FLUX.provider("replicate", &fake).webhook(&webhook),
        Err(WebhookRefused::NotTaken)
    );
}
