//! OpenRouter, in both of its forms.

use bytes::Bytes;
use limn_executor::{
    plan::{ImageFormat, Render},
    provider::{ImageProvider, Reference},
    providers::RefusalBilling,
    records::CostSource,
};
use limn_fakes::Fake;
use limn_proto::plan::SeedMode;
use serde_json::{Value, json};

use crate::{
    bench::{self, Bench, TELLS_NOTHING, Tells, VARIANT, Variant},
    drive::{Ended, Order, draw},
};

pub(crate) const BENCH: Bench = Bench {
    kind: "openrouter",
    variants: &[
        Variant {
            name: "images",
            fake: "openrouter",
            refusals: RefusalBilling::No,
            render: images,
            settings: || {
                json!({
                    "site_url": "https://blog.example", "site_title": "Blog",
                    "upstream_only": ["google-ai-studio"], "upstream_fallbacks": false,
                })
            },
            references,
            tells: Tells {
                cost: CostSource::Reported,
                ..TELLS_NOTHING
            },
            ..VARIANT
        },
        Variant {
            name: "chat",
            fake: "openrouter",
            refusals: RefusalBilling::No,
            render: chat,
            references,
            tells: Tells {
                model_version: "google/gemini-nano-banana-2.1",
                cost: CostSource::Reported,
                ..TELLS_NOTHING
            },
            ..VARIANT
        },
    ],
};

fn images() -> Render {
    Render {
        model: "openai/gpt-image-2".to_owned(),
        quality_token: "high".to_owned(),
        seed_mode: SeedMode::Given,
        format: ImageFormat::Webp,
        options: vec![
            ("background".to_owned(), "opaque".to_owned()),
            ("output_compression".to_owned(), "90".to_owned()),
        ],
        ..bench::render()
    }
}

fn chat() -> Render {
    Render {
        model: "chat:google/gemini-nano-banana-2.1".to_owned(),
        width_px: 432,
        height_px: 592,
        size_token: "512 3:4".to_owned(),
        seed_mode: SeedMode::Given,
        ..bench::render()
    }
}

fn references() -> Vec<Reference> {
    vec![Reference {
        media_type: "image/png".to_owned(),
        bytes: Bytes::from_static(b"\x89PNG\r\n\x1a\n"),
    }]
}

fn variant(name: &str) -> &'static Variant {
    BENCH
        .variants
        .iter()
        .find(|variant| variant.name == name)
        .unwrap()
}

/// What is sent for a render, and what comes of it.
async fn sent(variant: &Variant, render: Render, references: Vec<Reference>) -> (Vec<Value>, Ended) {
    let fake = Fake::start("openrouter").await;
    let provider = variant.provider("openrouter", &fake);
    let order = Order {
        render,
        references,
        timeout: std::time::Duration::from_secs(60),
    };
    let ended = draw(&*provider, &order).await;
    (
        fake.requests()
            .into_iter()
            .map(|request| request.fields)
            .collect(),
        ended,
    )
}

#[tokio::test]
async fn the_size_is_said_as_the_catalog_says_it() {
    for (token, fields) in [
        ("", json!({"size": "64x48"})),
        ("96x64", json!({"size": "96x64"})),
        ("512", json!({"resolution": "512"})),
        ("16:9", json!({"aspect_ratio": "16:9"})),
        (
            "512 19.5:9",
            json!({"resolution": "512", "aspect_ratio": "19.5:9"}),
        ),
    ] {
        let render = Render {
            size_token: token.to_owned(),
            ..images()
        };
        let (requests, _) = sent(variant("images"), render, Vec::new()).await;
        for name in ["size", "resolution", "aspect_ratio"] {
            assert_eq!(requests[0][name], fields[name], "{token}");
        }
    }
    for (token, config) in [
        ("512", json!({"image_size": "512"})),
        ("512 3:2", json!({"image_size": "512", "aspect_ratio": "3:2"})),
    ] {
        let render = Render {
            size_token: token.to_owned(),
            ..chat()
        };
        let (requests, _) = sent(variant("chat"), render, Vec::new()).await;
        assert_eq!(requests[0]["image_config"], config, "{token}");
    }
}

#[tokio::test]
async fn the_form_and_the_model_come_from_the_id() {
    for (id, revision, model, modalities) in [
        ("openai/gpt-image-2", "", "openai/gpt-image-2", json!(null)),
        (
            "openai/gpt-image-2",
            "openai/gpt-image-2:nitro",
            "openai/gpt-image-2:nitro",
            json!(null),
        ),
        (
            "chat:google/gemini",
            "",
            "google/gemini",
            json!(["image", "text"]),
        ),
        (
            "chat-image:black-forest/flux",
            "",
            "black-forest/flux",
            json!(["image"]),
        ),
    ] {
        let render = Render {
            model: id.to_owned(),
            model_revision: revision.to_owned(),
            ..bench::render()
        };
        let (requests, _) = sent(variant("chat"), render, Vec::new()).await;
        assert_eq!(
            (&requests[0]["model"], &requests[0]["modalities"]),
            (&json!(model), &modalities)
        );
        let has_seed = requests[0].get("seed").is_some();
        assert!(!has_seed, "a seed that the plan does not control is not sent");
    }
}

#[tokio::test]
async fn what_it_has_no_field_for_is_not_sent_at_all() {
    type Change = fn(&mut Render);
    let changes: [(&str, Change); 7] = [
        ("negative prompt", |render| {
            render.negative_prompt = "blur".to_owned();
        }),
        ("a style", |render| render.style_token = "vivid".to_owned()),
        ("guidance", |render| render.guidance_milli = Some(7500)),
        ("\"moderation\"", |render| {
            render.options = vec![("moderation".to_owned(), "low".to_owned())];
        }),
        ("0 to 100", |render| {
            render.options = vec![("output_compression".to_owned(), "101".to_owned())];
        }),
        ("size \"2K 4K\"", |render| render.size_token = "2K 4K".to_owned()),
        ("size \"16:9 2K\"", |render| {
            render.size_token = "16:9 2K".to_owned();
        }),
    ];
    for (named, change) in changes {
        for variant in BENCH.variants {
            let mut render = (variant.render)();
            change(&mut render);
            let (requests, ended) = sent(variant, render, Vec::new()).await;
            let Ended::Rejected(rejection) = ended else {
                panic!("{named}: {ended:?}");
            };
            assert!(rejection.message.contains(named), "{}", rejection.message);
            assert!(requests.is_empty(), "{named}");
        }
    }
    let many = vec![references().remove(0); 17];
    let (requests, ended) = sent(variant("images"), images(), many).await;
    assert!(
        matches!(ended, Ended::Rejected(_)) && requests.is_empty(),
        "{ended:?}"
    );
}

#[tokio::test]
async fn the_charge_is_the_bill() {
    for variant in BENCH.variants {
        let (_, ended) = sent(variant, (variant.render)(), Vec::new()).await;
        let Ended::Drawn(answer, rendered) = ended else {
            panic!("{}", variant.name);
        };
        assert_eq!(rendered.bill.cost_nanos, Some(129_000_000), "{}", variant.name);
        assert_eq!(answer.request_id, "gen-fake-1", "{}", variant.name);
    }
}

#[tokio::test]
async fn a_check_tells_what_is_left() {
    let fake = Fake::start("openrouter").await;
    let provider = variant("images").provider("openrouter", &fake);
    let told = ImageProvider::check(&*provider).await.unwrap();
    assert!(told.contains("7.5 USD"), "{told}");
}
