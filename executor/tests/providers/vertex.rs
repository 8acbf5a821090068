//! Imagen on Vertex AI.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use limn_executor::{
    plan::{ImageFormat, Render},
    provider::{ImageProvider, Reference},
    providers::{Connection, Kind, Setup},
};
use limn_fakes::{Case, Fake};
use limn_proto::{plan::SeedMode, reason::Reason};
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::{
    bench::{self, Bench, VARIANT, Variant},
    drive::{Ended, Order, draw},
};

pub(crate) const BENCH: Bench = Bench {
    kind: "vertex",
    variants: &[Variant {
        name: "imagen",
        fake: "vertex",
        render,
        settings: || json!({"project": "studio-1", "region": "us-central1", "watermark": false}),
        ..VARIANT
    }],
};

fn render() -> Render {
    Render {
        model: "imagen-4.0-generate-001".to_owned(),
        negative_prompt: "blurred".to_owned(),
        width_px: 1280,
        height_px: 896,
        size_token: "4:3/1K".to_owned(),
        seed_mode: SeedMode::Given,
        format: ImageFormat::Jpeg,
        options: options(&[
            ("compression_quality", "90"),
            ("enhance_prompt", "true"),
            ("language", "en"),
            ("person_generation", "allow_adult"),
            ("safety_setting", "block_only_high"),
        ]),
        ..bench::render()
    }
}

fn options(options: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = options
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    owned.collect()
}

fn set_up(
    key: Option<&str>,
    base_url: Option<String>,
    table: &Value,
) -> Result<Arc<dyn ImageProvider>, String> {
    let setup = Setup {
        id: "vertex".to_owned(),
        key: key.map(SecretString::from),
        connection: Connection {
            base_url,
            ..Connection::default()
        },
        table: table.as_object().unwrap().clone(),
        ..Setup::default()
    };
    let built = Kind::find("vertex").unwrap().build(setup);
    built.map_err(|error| error.message)
}

async fn ordered(table: &Value, render: Render, references: Vec<Reference>, case: Case) -> (Fake, Ended) {
    let fake = Fake::start("vertex").await;
    fake.next(case);
    let order = Order {
        render,
        references,
        timeout: Duration::from_secs(60),
    };
    let provider = set_up(Some(Fake::KEY), Some(fake.base_url()), table).unwrap();
    let ended = draw(&*provider, &order).await;
    (fake, ended)
}

#[test]
fn a_token_alone_is_not_enough_and_nothing_at_all_is_off() {
    let none = json!({});
    set_up(None, None, &none).unwrap();
    let problem = set_up(Some("token"), None, &none).unwrap_err();
    assert!(problem.contains("project"), "{problem}");
    let problem = set_up(Some("token"), None, &json!({"project": "studio-1"})).unwrap_err();
    assert!(problem.contains("region"), "{problem}");
    let elsewhere = json!({"project": "studio-1", "region": "evil.example/x"});
    set_up(Some("token"), None, &elsewhere).unwrap_err();
    let place = json!({"project": "example.com:studio-1", "region": "global"});
    set_up(Some("token"), None, &place).unwrap();
}

#[tokio::test]
async fn without_a_token_nothing_is_sent() {
    let fake = Fake::start("vertex").await;
    let provider = set_up(None, Some(fake.base_url()), &json!({})).unwrap();
    let order = Order {
        render: render(),
        references: Vec::new(),
        timeout: Duration::from_secs(60),
    };
    assert!(matches!(draw(&*provider, &order).await, Ended::Rejected(_)));
    provider.check().await.unwrap_err();
    assert_eq!(fake.requests().len(), 0);
}

#[tokio::test]
async fn the_rewritten_prompt_is_told() {
    let table = (BENCH.variants[0].settings)();
    let (_fake, ended) = ordered(&table, render(), Vec::new(), Case::Success).await;
    let Ended::Drawn(_, rendered) = ended else {
        panic!("{ended:?}");
    };
    assert_eq!(
        rendered.revised_prompt,
        "A red fox in fresh snow, in soft morning light"
    );
}

#[tokio::test]
async fn a_seed_takes_the_watermark_away_only_where_the_operator_says_so() {
    let place = json!({"project": "studio-1", "region": "us-central1"});
    let (fake, ended) = ordered(&place, render(), Vec::new(), Case::Success).await;
    let Ended::Rejected(rejection) = ended else {
        panic!("{ended:?}");
    };
    assert!(
        rejection.message.contains("providers.vertex.watermark"),
        "{}",
        rejection.message
    );
    assert_eq!(fake.requests().len(), 0);

    let unseeded = Render {
        seed_mode: SeedMode::Unsupported,
        ..render()
    };
    let (fake, ended) = ordered(&place, unseeded, Vec::new(), Case::Success).await;
    assert!(matches!(ended, Ended::Drawn(..)), "{ended:?}");
    let parameters = fake.requests()[0].fields["parameters"].clone();
    assert_eq!(
        (&parameters["addWatermark"], &parameters["seed"]),
        (&json!(true), &Value::Null)
    );
}

#[tokio::test]
async fn what_the_api_has_no_field_for_is_never_sent() {
    let of = |change: fn(&mut Render)| {
        let mut render = render();
        change(&mut render);
        render
    };
    let reference = Reference {
        media_type: "image/png".to_owned(),
        bytes: Bytes::from_static(b"a fox"),
    };
    let table = (BENCH.variants[0].settings)();
    for (render, references) in [
        (of(|render| render.style_token = "anime".to_owned()), Vec::new()),
        (of(|render| render.quality_token = "high".to_owned()), Vec::new()),
        (of(|render| render.format = ImageFormat::Webp), Vec::new()),
        (of(|render| render.size_token.clear()), Vec::new()),
        (of(|render| render.seed = 0), Vec::new()),
        (of(|render| render.seed = 2_147_483_648), Vec::new()),
        (of(|render| render.model = "../imagen".to_owned()), Vec::new()),
        (
            of(|render| render.options = options(&[("compression_quality", "101")])),
            Vec::new(),
        ),
        (
            of(|render| render.options = options(&[("enhance_prompt", "perhaps")])),
            Vec::new(),
        ),
        (
            of(|render| render.options = options(&[("sampleCount", "4")])),
            Vec::new(),
        ),
        (render(), vec![reference]),
    ] {
        let told = format!("{render:?}");
        let (fake, ended) = ordered(&table, render, references, Case::Success).await;
        let Ended::Rejected(rejection) = ended else {
            panic!("{told}: {ended:?}");
        };
        assert_eq!(rejection.reason, Reason::ProviderRejected, "{told}");
        assert_eq!(fake.requests().len(), 0, "{told}");
    }
}
