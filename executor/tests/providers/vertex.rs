//! Imagen on Vertex AI.

use std::{sync::Arc, time::Duration};

use aws_lc_rs::{
    encoding::{AsDer as _, Pkcs8V1Der},
    rsa,
    signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey},
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use bytes::Bytes;
use limn_executor::{
    plan::{ImageFormat, Render},
    provider::{ImageProvider, Reference},
    providers::{Connection, Kind, Setup},
};
use limn_fakes::{Case, Fake, Recorded};
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

/// A key of a service account, and what its signatures are checked with.
struct Account {
    file: Value,
    public_key: Vec<u8>,
}

/// An account whose tokens are at this address.
fn account(token_uri: &str) -> Account {
    let key = rsa::KeyPair::generate(rsa::KeySize::Rsa2048).unwrap();
    let der: Pkcs8V1Der<'_> = key.as_der().unwrap();
    let encoded = STANDARD.encode(der.as_ref());
    let lines: Vec<&str> = encoded
        .as_bytes()
        .chunks(64)
        .map(|line| str::from_utf8(line).unwrap())
        .collect();
    let file = json!({
        "type": "service_account",
        "project_id": "studio-1",
        "private_key_id": "key-1",
        "private_key": format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n")),
        "client_email": "limn@studio-1.iam.gserviceaccount.com",
        "token_uri": token_uri,
    });
    Account {
        file,
        public_key: key.public_key().as_ref().to_vec(),
    }
}

fn set_up_with(file: &Value, base_url: Option<String>) -> Result<Arc<dyn ImageProvider>, String> {
    let setup = Setup {
        id: "vertex".to_owned(),
        connection: Connection {
            base_url,
            ..Connection::default()
        },
        // The project is that of the account.
        table: json!({"region": "us-central1", "watermark": false})
            .as_object()
            .unwrap()
            .clone(),
        secrets: [(
            "service_account_file".to_owned(),
            SecretString::from(file.to_string()),
        )]
        .into(),
        ..Setup::default()
    };
    let built = Kind::find("vertex").unwrap().build(setup);
    built.map_err(|error| error.message)
}

fn an_order() -> Order {
    Order {
        render: render(),
        references: Vec::new(),
        timeout: Duration::from_secs(60),
    }
}

fn exchanges(fake: &Fake) -> Vec<Recorded> {
    let requests = fake.requests().into_iter();
    requests.filter(|request| request.path == "/token").collect()
}

#[tokio::test]
async fn a_service_account_signs_for_a_token_and_uses_it_for_all_calls() {
    let fake = Fake::start("vertex").await;
    let account = account(&format!("{}/token", fake.base_url()));
    let provider = set_up_with(&account.file, Some(fake.base_url())).unwrap();
    let order = an_order();
    // All at once: one of them asks for the token, and the others wait for it.
    let drawn = futures::future::join_all((0..4).map(|_| draw(&*provider, &order))).await;
    assert!(
        drawn.iter().all(|ended| matches!(ended, Ended::Drawn(..))),
        "{drawn:?}"
    );
    assert_eq!((fake.calls(), exchanges(&fake).len()), (4, 1));
    let calls = fake.requests().into_iter().filter(|request| request.is_call);
    for call in calls {
        assert!(
            call.had_the_key && call.path.contains("/projects/studio-1/"),
            "{}",
            call.path
        );
    }

    let exchange = &exchanges(&fake)[0];
    let assertion = exchange.fields["assertion"].as_str().unwrap();
    let (signed, signature) = assertion.rsplit_once('.').unwrap();
    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &account.public_key)
        .verify(signed.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap())
        .unwrap();
    let parts = signed.split('.').map(|part| {
        let part = URL_SAFE_NO_PAD.decode(part).unwrap();
        serde_json::from_slice::<Value>(&part).unwrap()
    });
    let parts: Vec<Value> = parts.collect();
    assert_eq!(parts[0], json!({"alg": "RS256", "typ": "JWT", "kid": "key-1"}));
    let claims = &parts[1];
    assert_eq!(claims["iss"], account.file["client_email"]);
    assert_eq!(claims["aud"], account.file["token_uri"]);
    assert_eq!(claims["scope"], "https://www.googleapis.com/auth/cloud-platform");
    let lifetime = claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap();
    assert_eq!(lifetime, 3600);
}

#[tokio::test]
async fn without_a_token_of_the_account_nothing_that_costs_is_sent() {
    let fake = Fake::start("vertex").await;
    let account = account(&format!("{}/token", fake.base_url()));
    let provider = set_up_with(&account.file, Some(fake.base_url())).unwrap();
    fake.forget();
    let ended = draw(&*provider, &an_order()).await;
    let Ended::Unsent(message) = &ended else {
        panic!("{ended:?}");
    };
    assert!(message.contains("invalid_grant"), "{message}");
    assert!(provider.check().await.unwrap_err().contains("invalid_grant"));
    fake.lose_answers(1);
    let ended = draw(&*provider, &an_order()).await;
    assert!(matches!(ended, Ended::Unsent(_)), "{ended:?}");
    assert_eq!((fake.calls(), fake.charged()), (0, 0));
    // What would be refused here is not even asked a token for.
    let asked = exchanges(&fake).len();
    let order = Order {
        render: Render {
            style_token: "anime".to_owned(),
            ..render()
        },
        ..an_order()
    };
    let ended = draw(&*provider, &order).await;
    assert!(matches!(ended, Ended::Rejected(_)), "{ended:?}");
    assert_eq!(exchanges(&fake).len(), asked);
}

#[tokio::test]
async fn a_token_that_is_refused_is_asked_for_again() {
    let fake = Fake::start("vertex").await;
    let account = account(&format!("{}/token", fake.base_url()));
    let provider = set_up_with(&account.file, Some(fake.base_url())).unwrap();
    fake.next(Case::BadKey);
    let ended = draw(&*provider, &an_order()).await;
    assert!(
        matches!(&ended, Ended::Rejected(rejection) if rejection.reason == Reason::ProviderAccount),
        "{ended:?}"
    );
    let ended = draw(&*provider, &an_order()).await;
    assert!(matches!(ended, Ended::Drawn(..)), "{ended:?}");
    assert_eq!(exchanges(&fake).len(), 2);
}

#[test]
fn a_key_file_that_is_no_use_says_why_and_shows_nothing() {
    let good = account("https://oauth2.googleapis.com/token").file;
    set_up_with(&good, None).unwrap();
    let with = |name: &str, value: &str| {
        let mut file = good.clone();
        file[name] = value.into();
        file
    };
    for (file, said) in [
        (json!("a token"), "no JSON of a key"),
        (json!({}), "type"),
        (with("type", "authorized_user"), "service_account"),
        (with("client_email", ""), "client_email is missing"),
        (
            with(
                "private_key",
                "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----",
            ),
            "no RSA key",
        ),
        (with("private_key", "c2VjcmV0"), "no RSA key"),
        (with("token_uri", "http://oauth2.example/token"), "not https"),
        (with("token_uri", "file:///etc/passwd"), "not https"),
        (with("token_uri", "oauth2"), "no address"),
    ] {
        let problem = set_up_with(&file, None).unwrap_err();
        assert!(
            problem.contains(said) && !problem.contains("c2VjcmV0"),
            "{problem}"
        );
    }
    let mut both = Setup {
        id: "vertex".to_owned(),
        key: Some(SecretString::from("token")),
        ..Setup::default()
    };
    let file = SecretString::from(good.to_string());
    both.secrets.insert("service_account_file".to_owned(), file);
    let problem = Kind::find("vertex").unwrap().build(both).unwrap_err().message;
    assert!(problem.contains("keep one of the two"), "{problem}");
}
