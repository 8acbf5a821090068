//! Keys and other secrets are seen by the provider that they are for, and by nobody else: a recognisable one is set for
//! every provider, everything is run at trace level, and then it is looked for everywhere.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a story stops where its tools fail"
)]

mod log;
mod place;
mod search;

use std::{process::Command, sync::Mutex, time::Duration};

use futures::future::join_all;
use limn_executor::providers::{Access, Connection, KINDS, Kind, Setup, Takes};
use limn_fakes::{Case, Fake, Gateway};
use limn_server::config::{Config, Sources};
use secrecy::SecretString;

use crate::{log::Log, place::Place, search::Search};

/// The file of the key that signs links, which is itself a secret.
const LINK_KEY: &str = "link.key";

/// A call that takes longer is lost for good.
const LONGEST: Duration = Duration::from_secs(60);

/// What becomes of a call.
#[derive(Debug)]
enum Fate {
    /// The API answers, in its own words.
    Case(Case),
    /// Something before it answers.
    Gateway(Gateway),
}

/// Answers of every kind, and all of those that could repeat what they were sent.
fn fates(fake: &Fake, elsewhere: &Fake) -> Vec<Fate> {
    let cases = [
        Case::Success,
        Case::BadKey,
        Case::ServerError,
        Case::NoPicture,
        Case::Malformed,
        Case::Truncated,
        Case::Disconnect,
    ];
    let refusals = fake.refusals().iter().map(|way| Case::Refusal(way));
    // Not 429, after which some would not be called for a minute.
    let echoes = [400, 401, 403, 404, 422, 500, 502].map(Gateway::Echo);
    let address = format!("http://{}/v1/elsewhere", elsewhere.address());
    let redirects = [302, 307].map(|status| Gateway::Redirect(status, address.clone()));
    cases
        .into_iter()
        .chain(refusals)
        .map(Fate::Case)
        .chain(echoes.into_iter().chain(redirects).map(Fate::Gateway))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn secrets_of_providers_are_told_to_nobody_else() {
    let log = Log::begin();
    let mut search = Search::default();
    search.add(place::MARK);
    let search = Mutex::new(search);
    let kinds = join_all(
        Fake::names()
            .into_iter()
            .map(|name| call_everything(name, &search)),
    )
    .await;
    let mut search = search.into_inner().unwrap();
    let written = log.end();
    for target in ["reqwest", "sqlx", "limn_executor"] {
        assert!(written.contains(target), "{target} wrote nothing");
    }
    search.look("the log", written.as_bytes());
    for kind in KINDS.iter().filter(|kind| kind.access != Access::Open) {
        assert!(kinds.contains(&kind.id), "{} has no fake", kind.id);
    }
    search.end();
}

/// Sets up a fake with secrets, lets all become of calls that can, and looks at everything that is told, shown or kept.
async fn call_everything(name: &'static str, search: &Mutex<Search>) -> &'static str {
    let elsewhere = Fake::start(name).await;
    let place = Place::new(name).await;
    let look = |what: String, text: &str| {
        search
            .lock()
            .unwrap()
            .look(&format!("{name}: {what}"), text.as_bytes());
    };
    let server = place.open().await;
    let link_key = std::fs::read(place.data().join(LINK_KEY)).unwrap();
    search.lock().unwrap().add(link_key);
    for fate in fates(&place.fake, &elsewhere) {
        let drawing = tokio::time::timeout(LONGEST, place.draw(&server, &fate)).await;
        let told = drawing.unwrap_or_else(|_| panic!("{name}, {fate:?}: it comes to no end"));
        look(format!("what was told of {fate:?}"), &told);
    }
    look(
        "the list of providers".to_owned(),
        &place::list_providers(&server).await,
    );
    server.shutdown().await;
    drop(server);

    // Where nothing was sent there is nothing to find.
    let came = place.fake.keys();
    for secret in &place.sent {
        let has_come = came.iter().any(|key| search::holds(key.as_bytes(), secret));
        assert!(has_come, "{name} was never sent {secret}: {came:?}");
    }
    assert_eq!(elsewhere.requests().len(), 0, "{name} follows a redirect");

    for arguments in [
        &["check-config"][..],
        &["check-config", "--json"],
        &["doctor", "--json"],
    ] {
        look(format!("limn {arguments:?}"), &place.limn(arguments).await);
    }
    for gateway in [Gateway::Echo(401), Gateway::Echo(500)] {
        place.fake.set_gateway(Some(gateway.clone()));
        look(
            format!("limn doctor, {gateway:?}"),
            &place.limn(&["doctor"]).await,
        );
    }
    look("the configuration".to_owned(), &place.debug());
    search.lock().unwrap().look_into(name, &place.data());
    place.kind.id
}

/// An address with a user and a password, as people write them.
fn with_user(secret: &str) -> String {
    format!("https://limn:{secret}@images.example.com/v1")
}

#[test]
fn adapters_and_what_they_are_set_up_from_do_not_show_secrets() {
    let mut search = Search::default();
    for kind in KINDS.iter().filter(|kind| kind.access != Access::Open) {
        let (key, proxy, address) = ("Key+Of/Nobody=1", "Proxy-Of-Nobody", "Address-Of-Nobody");
        let secrets = kind
            .settings
            .iter()
            .filter(|setting| setting.takes == Takes::Secret);
        let secret = |name: &str| {
            let name: String = name.to_owned();
            let text = place::secret_text(&name, &format!("{name}-Of-Nobody"));
            (name, SecretString::from(text))
        };
        for text in [key, proxy, address] {
            search.add(text);
        }
        for setting in secrets.clone() {
            search.add(format!("{}-Of-Nobody", setting.name));
        }
        let table = place::needed(kind);
        let setup = Setup {
            id: kind.id.to_owned(),
            key: Some(SecretString::from(key)),
            connection: Connection {
                base_url: Some("https://images.example.com".to_owned()),
                proxy: Some(format!("http://limn:{proxy}@proxy.example.com:3128")),
                ..Connection::default()
            },
            table,
            secrets: secrets.map(|setting| secret(setting.name)).collect(),
            ..Setup::default()
        };
        search.look(
            &format!("{}: its setup", kind.id),
            format!("{setup:?}").as_bytes(),
        );
        let built = kind.build(setup.clone());
        assert!(built.is_ok(), "{}: {built:?}", kind.id);
        search.look(
            &format!("{}: the adapter", kind.id),
            format!("{built:?}").as_bytes(),
        );

        let refused = refused(kind, &setup, &with_user(address));
        search.look(
            &format!("{}: an address with a password", kind.id),
            refused.as_bytes(),
        );
        let refused = refused_or_not(kind, &setup, &with_user(address).replace("https", "htps"));
        search.look(&format!("{}: no address", kind.id), refused.as_bytes());
    }
    search.end();
}

fn refused_or_not(kind: &Kind, setup: &Setup, base_url: &str) -> String {
    let mut setup = setup.clone();
    setup.connection.base_url = Some(base_url.to_owned());
    format!("{setup:?} {:?}", kind.build(setup.clone()))
}

/// What is said of an address that no provider is called at.
fn refused(kind: &Kind, setup: &Setup, base_url: &str) -> String {
    let mut changed = setup.clone();
    changed.connection.base_url = Some(base_url.to_owned());
    let error = kind.build(changed);
    assert!(error.is_err(), "{}: a password in an address is taken", kind.id);
    refused_or_not(kind, setup, base_url)
}

#[test]
fn a_configuration_that_is_wrong_does_not_repeat_secrets() {
    let mut search = Search::default();
    let secret = "Secret+Of/Nobody";
    search.add(secret);
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("data").to_string_lossy().into_owned();
    let address = with_user("Secret-Of-Nobody");
    search.add("Secret-Of-Nobody");
    let database = "postgres://limn:Secret-Of-Nobody@database.invalid/limn".to_owned();
    let two_keys = format!("{secret} {secret}");
    for (key, value) in [
        ("providers.openai.api_key", two_keys.as_str()),
        ("providers.openai.base_url", address.as_str()),
        ("providers.openai.proxy", address.as_str()),
        ("providers.openai.api_keys", secret),
        ("providers.replicate.webhook_secret", ""),
        ("server.public_url", address.as_str()),
        ("database.url", database.as_str()),
        ("database.url", address.as_str()),
        ("log.level", "loud"),
    ] {
        let flags = [
            ("data_dir", data_dir.as_str()),
            ("providers.stability.api_key", secret),
            ("providers.automatic1111.basic_auth", "limn:Secret-Of-Nobody"),
            (key, value),
        ];
        let sources = Sources {
            flags: flags
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .to_vec(),
            ..Sources::default()
        };
        search.look(&format!("{key}: the sources"), format!("{sources:?}").as_bytes());
        let loaded = Config::load(&sources);
        let shown = match &loaded {
            Ok(config) => format!("{config:?}"),
            Err(problems) => format!("{problems:?} {problems}"),
        };
        search.look(&format!("{key}: the configuration"), shown.as_bytes());
        let set: Vec<String> = flags
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        for command in ["doctor", "check-config"] {
            let mut limn = Command::new(env!("CARGO_BIN_EXE_limn"));
            limn.arg(command).env_clear().env("HOME", folder.path());
            for pair in &set {
                limn.args(["--set", pair]);
            }
            let ran = limn.output().unwrap();
            assert!(!ran.stdout.is_empty() || !ran.stderr.is_empty());
            search.look(
                &format!("{key}: limn {command}"),
                &[ran.stdout, ran.stderr].concat(),
            );
        }
    }
    search.end();
}
