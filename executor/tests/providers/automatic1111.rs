//! The web UI of AUTOMATIC1111.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use limn_executor::{
    plan::{ImageFormat, Render},
    provider::{ImageProvider, Reference},
    providers::{Connection, Kind, RefusalBilling, Setup},
    records::CostSource,
};
use limn_fakes::Fake;
use limn_proto::{plan::SeedMode, reason::Reason};
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::{
    bench::{self, Bench, Tells, VARIANT, Variant},
    drive::{Ended, Order, draw},
};

pub(crate) const BENCH: Bench = Bench {
    kind: "automatic1111",
    variants: &[Variant {
        name: "txt2img",
        fake: "automatic1111",
        refusals: RefusalBilling::No,
        render,
        settings: || json!({"keep_checkpoint": true}),
        tells: Tells {
            seed: true,
            model_version: "sd_xl_base_1.0 [31e35c80fc]",
            cost: CostSource::Reported,
        },
        ..VARIANT
    }],
};

fn render() -> Render {
    Render {
        model: "sd_xl_base_1.0.safetensors".to_owned(),
        negative_prompt: "blurry".to_owned(),
        quality_token: "20".to_owned(),
        style_token: "analog film".to_owned(),
        seed_mode: SeedMode::Given,
        guidance_milli: Some(7500),
        options: [
            ("clip_skip", "2"),
            ("restore_faces", "true"),
            ("sampler", "DPM++ 2M"),
            ("scheduler", "karras"),
            ("steps", "30"),
            ("tiling", "false"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec(),
        ..bench::render()
    }
}

async fn sent(render: Render, references: Vec<Reference>) -> (Vec<Value>, Ended) {
    let fake = Fake::start("automatic1111").await;
    let provider = BENCH.variants[0].provider(BENCH.kind, &fake);
    let order = Order {
        render,
        references,
        timeout: Duration::from_secs(60),
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
async fn what_is_not_set_is_left_to_the_server() {
    let plain = Render {
        model: "sd_xl_base_1.0".to_owned(),
        format: ImageFormat::Webp,
        ..bench::render()
    };
    let (requests, ended) = sent(plain, Vec::new()).await;
    let unset = [
        "seed",
        "negative_prompt",
        "cfg_scale",
        "steps",
        "sampler_name",
        "scheduler",
        "styles",
    ];
    for name in unset {
        assert!(requests[0].get(name).is_none(), "{name}");
    }
    assert_eq!(requests[0]["override_settings"]["samples_format"], "webp");
    let Ended::Drawn(_, rendered) = ended else {
        panic!("{ended:?}");
    };
    assert_eq!(
        rendered.seed,
        Some(4_242_424_242),
        "the seed that the server chose"
    );
}

#[tokio::test]
async fn a_checkpoint_that_was_replaced_is_no_success() {
    let other = Render {
        model: "v1-5-pruned-emaonly.safetensors".to_owned(),
        ..render()
    };
    let (_, ended) = sent(other, Vec::new()).await;
    let Ended::Unusable(error) = ended else {
        panic!("{ended:?}");
    };
    assert_eq!(
        (error.reason, error.bill.cost_nanos),
        (Reason::ImageInvalid, Some(0))
    );
}

#[tokio::test]
async fn what_it_has_no_field_for_is_not_sent_at_all() {
    type Change = fn(&mut Render);
    let changes: [(&str, Change); 9] = [
        ("\"1024x1024\"", |render| {
            render.size_token = "1024x1024".to_owned();
        }),
        ("\"high\"", |render| render.quality_token = "high".to_owned()),
        ("\"151\"", |render| {
            render.options = vec![("steps".to_owned(), "151".to_owned())];
        }),
        ("\"0\"", |render| {
            render.options = vec![("steps".to_owned(), "0".to_owned())];
        }),
        ("\"yes\"", |render| {
            render.options = vec![("tiling".to_owned(), "yes".to_owned())];
        }),
        ("\"13\"", |render| {
            render.options = vec![("clip_skip".to_owned(), "13".to_owned())];
        }),
        ("\"hires\"", |render| {
            render.options = vec![("hires".to_owned(), "1".to_owned())];
        }),
        ("the prompt contains", |render| {
            render.prompt = "a fox <SD_cpp_extra_args>{}</sd_cpp_extra_args>".to_owned();
        }),
        ("the negative prompt contains", |render| {
            render.negative_prompt = "<sd_cpp_extra_args>{}".to_owned();
        }),
    ];
    for (named, change) in changes {
        let mut render = render();
        change(&mut render);
        let (requests, ended) = sent(render, Vec::new()).await;
        let Ended::Rejected(rejection) = ended else {
            panic!("{named}: {ended:?}");
        };
        assert!(rejection.message.contains(named), "{}", rejection.message);
        assert!(requests.is_empty(), "{named}");
    }
    let reference = Reference {
        media_type: "image/png".to_owned(),
        bytes: Bytes::from_static(b"\x89PNG"),
    };
    let (requests, ended) = sent(render(), vec![reference]).await;
    assert!(
        matches!(ended, Ended::Rejected(_)) && requests.is_empty(),
        "{ended:?}"
    );
}

fn with_auth(auth: &str, fake: &Fake) -> Result<std::sync::Arc<dyn ImageProvider>, String> {
    let setup = Setup {
        id: BENCH.kind.to_owned(),
        connection: Connection {
            base_url: Some(fake.base_url()),
            ..Connection::default()
        },
        secrets: BTreeMap::from([("basic_auth".to_owned(), SecretString::from(auth))]),
        ..Setup::default()
    };
    let built = Kind::find(BENCH.kind).unwrap().build(setup);
    built.map_err(|error| error.to_string())
}

#[tokio::test]
async fn user_and_password_go_along() {
    let fake = Fake::start("automatic1111").await;
    for (auth, is_right) in [
        (format!("limn:{}", Fake::KEY), true),
        ("limn:a:b".to_owned(), false),
    ] {
        let provider = with_auth(&auth, &fake).unwrap();
        let told = provider.check().await.unwrap();
        assert!(told.contains("sd_xl_base_1.0"), "{told}");
        assert_eq!(fake.requests().last().unwrap().had_the_key, is_right, "{auth}");
        assert!(!format!("{provider:?}").contains(Fake::KEY));
    }
    let error = with_auth("secret-without-a-user", &fake).unwrap_err();
    assert!(
        error.contains("user:password") && !error.contains("secret"),
        "{error}"
    );
}
