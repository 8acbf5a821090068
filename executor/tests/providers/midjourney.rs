//! Midjourney through a proxy.

use std::time::Duration;

use bytes::Bytes;
use limn_executor::{
    plan::Render,
    provider::{Billing, CallError, CapabilityClass, ImageProvider, Lookup, Poll, Reference, Submission},
    providers::{Access, Kind, RefusalBilling, Setup},
};
use limn_fakes::{Case, Fake};
use limn_proto::{plan::SeedMode, reason::Reason};
use serde_json::json;

use crate::{
    bench::{self, Bench, TELLS_NOTHING, Variant},
    drive::{Ended, Order, draw, follow},
    rules,
};

pub(crate) const BENCH: Bench = Bench {
    kind: "midjourney",
    variants: &[Variant {
        name: "proxy",
        fake: "midjourney",
        class: CapabilityClass::C,
        refusals: RefusalBilling::Unknown,
        late_refusals: &["banned upscale"],
        render,
        settings: || json!({"speed": "relax", "bot": "mj"}),
        inputs: || serde_json::json!({}),
        references: || {
            vec![Reference {
                media_type: "image/png".to_owned(),
                bytes: Bytes::from_static(b"\x89PNG\r\n\x1a\n"),
            }]
        },
        tells: TELLS_NOTHING,
    }],
};

fn render() -> Render {
    Render {
        model: "v7".to_owned(),
        width_px: 80,
        height_px: 64,
        size_token: "5:4".to_owned(),
        negative_prompt: "blur, text".to_owned(),
        quality_token: "2".to_owned(),
        style_token: "raw".to_owned(),
        seed_mode: SeedMode::Given,
        options: [("chaos", "5"), ("index", "2"), ("stylize", "250")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec(),
        ..bench::render()
    }
}

fn order() -> Order {
    Order {
        render: render(),
        references: Vec::new(),
        timeout: Duration::from_secs(60),
    }
}

fn upscales(fake: &Fake) -> usize {
    let requests = fake.requests();
    requests
        .iter()
        .filter(|request| request.path.ends_with("/submit/change"))
        .count()
}

async fn accepted(provider: &dyn ImageProvider, order: &Order) -> String {
    match provider.submit(&order.call()).await {
        Ok(Submission::Accepted { job_id }) => job_id,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_crash_at_any_question_takes_one_picture_out_of_the_grid() {
    for survived in 0..5 {
        let fake = Fake::start("midjourney").await;
        let order = order();
        let job_id = accepted(&*BENCH.variants[0].provider(BENCH.kind, &fake), &order).await;
        // One process asks a few times and ends; another one goes on.
        let first = BENCH.variants[0].provider(BENCH.kind, &fake);
        for _ in 0..survived {
            if let Poll::Received(_) = first.poll(&order.call(), &job_id).await.unwrap() {
                break;
            }
        }
        let second = BENCH.variants[0].provider(BENCH.kind, &fake);
        rules::drawn(&follow(&*second, &order, &job_id).await, &order);
        assert_eq!(
            (fake.calls(), upscales(&fake), fake.charged()),
            (1, 1, 1),
            "after {survived} questions"
        );
    }
}

#[tokio::test]
async fn a_process_asks_for_the_upscale_once() {
    let fake = Fake::start("midjourney").await;
    fake.set_patience(3);
    let order = order();
    rules::drawn(
        &draw(&*BENCH.variants[0].provider(BENCH.kind, &fake), &order).await,
        &order,
    );
    assert_eq!(upscales(&fake), 1);
    let change = fake
        .requests()
        .into_iter()
        .find(|request| request.path.ends_with("/submit/change"))
        .unwrap();
    assert_eq!(
        (&change.fields["index"], &change.fields["action"]),
        (&json!(2), &json!("UPSCALE"))
    );
    assert!(change.had_the_key);
}

#[tokio::test]
async fn the_secret_does_not_go_to_where_pictures_are() {
    let fake = Fake::start("midjourney").await;
    let order = order();
    draw(&*BENCH.variants[0].provider(BENCH.kind, &fake), &order).await;
    let mut pictures = 0;
    for request in fake.requests() {
        let is_picture = request.path.starts_with("/attachments/");
        pictures += u32::from(is_picture);
        assert_eq!(request.had_the_key, !is_picture, "{}", request.path);
        assert!(!request.path.ends_with(".webp"), "a preview is no picture");
    }
    assert_eq!(pictures, 1);
}

#[tokio::test]
async fn a_lost_submission_is_found_by_its_state_and_never_proven_absent() {
    let fake = Fake::start("midjourney").await;
    let order = order();
    let provider = BENCH.variants[0].provider(BENCH.kind, &fake);
    assert_eq!(provider.lookup(&order.call()).await.unwrap(), Lookup::Impossible);
    fake.next(Case::Disconnect);
    let lost = provider.submit(&order.call()).await.unwrap_err();
    assert!(matches!(lost, CallError::Unknown { .. }), "{lost:?}");
    let found = provider.lookup(&order.call()).await.unwrap();
    assert!(
        matches!(&found, Lookup::Pending { job_id } if job_id.starts_with("imagine:")),
        "{found:?}"
    );
    assert_eq!(fake.calls(), 1);
}

#[tokio::test]
async fn an_upscale_whose_submission_is_lost_is_found_and_not_asked_for_again() {
    let fake = Fake::start("midjourney").await;
    fake.set_patience(0);
    let order = order();
    let provider = BENCH.variants[0].provider(BENCH.kind, &fake);
    let job_id = accepted(&*provider, &order).await;
    fake.lose_answers(1);
    // The grid is done, and what became of the upscale is not known: the question is, the work is not over.
    let lost = provider.poll(&order.call(), &job_id).await.unwrap_err();
    assert!(matches!(lost, CallError::Unknown { .. }), "{lost:?}");
    assert_eq!((upscales(&fake), fake.charged()), (1, 1));
    // Whoever asks next finds it by its state: this process, or one that remembers nothing.
    for provider in [provider, BENCH.variants[0].provider(BENCH.kind, &fake)] {
        rules::drawn(&follow(&*provider, &order, &job_id).await, &order);
    }
    assert_eq!((fake.calls(), upscales(&fake), fake.charged()), (1, 1, 1));
}

#[tokio::test]
async fn a_grid_that_gives_no_picture_was_drawn_and_is_not_free() {
    let fake = Fake::start("midjourney").await;
    for refusals in [RefusalBilling::No, RefusalBilling::Unknown, RefusalBilling::Yes] {
        let variant = Variant {
            refusals,
            ..BENCH.variants[0]
        };
        fake.next(Case::Refusal("banned upscale"));
        let ended = draw(&*variant.provider(BENCH.kind, &fake), &order()).await;
        let Ended::Rejected(rejection) = ended else {
            panic!("{ended:?}");
        };
        assert_eq!(
            (rejection.reason, rejection.billing),
            (Reason::ContentBlocked, Billing::Unknown),
            "{refusals:?}"
        );
    }
    assert_eq!(fake.charged(), 3);
}

#[tokio::test]
async fn a_task_that_the_proxy_forgot_is_unknown() {
    let fake = Fake::start("midjourney").await;
    let provider = BENCH.variants[0].provider(BENCH.kind, &fake);
    let asked = provider.poll(&order().call(), "imagine:17").await;
    assert!(matches!(asked, Err(CallError::Unknown { .. })), "{asked:?}");
    for job_id in ["17", "imagine:", "upscale:17"] {
        let asked = provider.poll(&order().call(), job_id).await;
        assert!(matches!(asked, Err(CallError::Rejected(_))), "{job_id}");
    }
}

#[tokio::test]
async fn a_picture_whose_address_has_expired_is_paid_in_vain() {
    let fake = Fake::start("midjourney").await;
    fake.expire_pictures();
    let ended = draw(&*BENCH.variants[0].provider(BENCH.kind, &fake), &order()).await;
    assert!(
        matches!(&ended, Ended::Unusable(error) if error.message.contains("gone")),
        "{ended:?}"
    );
}

#[tokio::test]
async fn parameters_in_the_text_are_not_sent() {
    let fake = Fake::start("midjourney").await;
    let mut order = order();
    order.render.prompt = "a fox --ar 1:1".to_owned();
    let ended = draw(&*BENCH.variants[0].provider(BENCH.kind, &fake), &order).await;
    assert!(
        matches!(&ended, Ended::Rejected(rejection) if rejection.message.contains("--ar")),
        "{ended:?}"
    );
    assert!(fake.requests().is_empty());
}

#[test]
fn the_notice_says_what_is_at_stake() {
    let kind = Kind::find("midjourney").unwrap();
    let Access::Acknowledged { notice, .. } = kind.access else {
        panic!("{kind:?}");
    };
    for word in ["no public API", "forbid automation", "block the account"] {
        assert!(notice.contains(word), "{notice}");
    }
    let mut setup = Setup {
        id: kind.id.to_owned(),
        ..Setup::default()
    };
    setup.connection.base_url = Some("http://127.0.0.1:8080/mj".to_owned());
    let error = kind.build(setup).unwrap_err().to_string();
    assert!(error.contains("leave it out"), "{error}");
}
