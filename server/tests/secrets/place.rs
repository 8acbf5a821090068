//! A data folder, a fake with its configuration, and secrets in all the places that there are.

use std::{fs, path::PathBuf, process::Command};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use limn_executor::providers::{Kind, Takes};
use limn_fakes::Fake;
use limn_proto::{
    plan::{RetryPolicy, RunPolicy},
    v1::{
        ExecutePlanRequest, ExecutionOrder, ImageRequest, ListProvidersRequest, PlanRequest,
        catalog_service_client::CatalogServiceClient, execution_order::Source,
        executor_service_client::ExecutorServiceClient, plan_request::Work,
        planner_service_client::PlannerServiceClient,
    },
};
use limn_server::{
    App,
    config::{Config, Sources},
};
use serde_json::{Map, Value};
use tempfile::TempDir;

use crate::Fate;

/// What every secret begins with: whoever finds it has found one of them, cut or whole.
pub(crate) const MARK: &str = "Secret+Of/Nobody=";

/// A fake, and a configuration that calls it.
pub(crate) struct Place {
    name: &'static str,
    pub(crate) fake: Fake,
    pub(crate) kind: &'static Kind,
    /// The secrets that the provider is sent. It has others, too.
    pub(crate) sent: Vec<String>,
    folder: TempDir,
}

/// A secret in the form that its setting takes.
pub(crate) fn secret_text(setting: &str, secret: &str) -> String {
    match setting {
        "basic_auth" => format!("limn:{secret}"),
        "webhook_secret" => format!("whsec_{}", STANDARD.encode(secret)),
        _ => secret.to_owned(),
    }
}

/// Settings without which a kind cannot be set up.
pub(crate) fn needed(kind: &Kind) -> Map<String, Value> {
    let settings = match kind.id {
        "openai-compatible" => vec![("dialect", "plain")],
        "vertex" => vec![("project", "fake-project"), ("region", "us-central1")],
        _ => Vec::new(),
    };
    settings
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect()
}

impl Place {
    pub(crate) async fn new(name: &'static str) -> Self {
        let fake = Fake::start(name).await;
        let folder = tempfile::tempdir().unwrap();
        let text = fake.configuration();
        let table: toml::Table = toml::from_str(&text).unwrap();
        let kind = table["providers"][name].get("kind").and_then(toml::Value::as_str);
        let kind = Kind::find(kind.unwrap_or(name)).unwrap();
        let mut place = Self {
            name,
            fake,
            kind,
            sent: Vec::new(),
            folder,
        };
        // Work that nobody can find is given up soon.
        let mut lines = vec!["deadline_seconds = 3".to_owned()];
        if kind.key_variable().is_some() {
            let key = place.secret("api_key");
            lines.push(format!("api_key = {key:?}"));
            place.sent.push(key);
        }
        for setting in kind
            .settings
            .iter()
            .filter(|setting| setting.takes == Takes::Secret)
        {
            let secret = place.secret(setting.name);
            lines.push(format!(
                "{} = {:?}",
                setting.name,
                secret_text(setting.name, &secret)
            ));
            if setting.name == "basic_auth" {
                place.sent.push(secret);
            }
        }
        let header = format!("[providers.{name}]\n");
        let text: String = text
            .lines()
            .filter(|line| !line.starts_with("api_key"))
            .map(|line| format!("{line}\n"))
            .collect();
        let text = text.replace(&header, &format!("{header}{}\n", lines.join("\n")));
        // A provider that refuses again and again is called all the same.
        let common = "[server]\npublic_url = \"http://127.0.0.1:9\"\n\
                      [executor]\nbreaker_failures = 0\nunknown_grace_seconds = 1\nreconcile_seconds = 1\n";
        fs::write(place.file(), format!("{text}\n{common}")).unwrap();
        place
    }

    fn secret(&self, what: &str) -> String {
        format!("{MARK}{}={what}", self.name)
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("limn.toml")
    }

    /// The data folder.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn config(&self) -> Config {
        Config::load(&Sources {
            file: Some(self.file()),
            flags: vec![("data_dir".to_owned(), self.data().to_string_lossy().into_owned())],
            ..Sources::default()
        })
        .unwrap()
    }

    /// The configuration, as it would be shown to whoever looks for an error.
    pub(crate) fn debug(&self) -> String {
        let config = self.config();
        format!("{config:?} {:?}", limn_server::load_catalog(&config))
    }

    pub(crate) async fn open(&self) -> App {
        App::open(&self.config()).await.unwrap()
    }

    /// Draws a picture, and returns everything that a caller was told.
    pub(crate) async fn draw(&self, server: &App, fate: &Fate) -> String {
        match fate {
            Fate::Case(case) => self.fake.next(case.clone()),
            Fate::Gateway(gateway) => self.fake.set_gateway(Some(gateway.clone())),
        }
        let request = PlanRequest {
            parent: "clients/tester".to_owned(),
            work: Some(Work::Image(ImageRequest {
                prompt: format!("a tower, {fate:?}").chars().take(60).collect(),
                provider: self.name.to_owned(),
                ..ImageRequest::default()
            })),
            policy: Some(RunPolicy {
                retry: Some(RetryPolicy {
                    max_attempts: 2,
                    initial_backoff_ms: 1,
                    max_backoff_ms: 2,
                    ..RetryPolicy::default()
                }),
                ..RunPolicy::default()
            }),
            ..PlanRequest::default()
        };
        let mut planner = PlannerServiceClient::new(server.channel());
        let plan = planner.plan(request).await.unwrap().into_inner().plan.unwrap();
        let order = ExecutionOrder {
            parent: "clients/tester".to_owned(),
            source: Some(Source::Plan(plan)),
            ..ExecutionOrder::default()
        };
        let request = ExecutePlanRequest {
            order: Some(order),
            ..ExecutePlanRequest::default()
        };
        let mut told = String::new();
        let mut executor = ExecutorServiceClient::new(server.channel());
        match executor.execute_plan(request).await {
            Err(status) => told.push_str(&format!("{status:?} {status}")),
            Ok(stream) => {
                let mut events = stream.into_inner();
                loop {
                    match events.message().await {
                        Ok(None) => break,
                        Ok(Some(event)) => {
                            let event = format!("{event:?}");
                            // It was told of one failure; what is asked from now on is answered by the API.
                            if event.contains("failure: Some") {
                                self.fake.set_gateway(None);
                            }
                            told.push_str(&event);
                        }
                        Err(status) => {
                            told.push_str(&format!("{status:?} {status}"));
                            break;
                        }
                    }
                }
            }
        }
        self.fake.set_gateway(None);
        assert!(
            told.contains("attempt"),
            "{}: nothing was called: {told}",
            self.name
        );
        told
    }

    /// What a command prints.
    pub(crate) async fn limn(&self, arguments: &[&str]) -> String {
        let mut limn = Command::new(env!("CARGO_BIN_EXE_limn"));
        limn.args(arguments)
            .env_clear()
            .env("HOME", self.folder.path())
            .env("LIMN_CONFIG", self.file())
            .env("LIMN_DATA_DIR", self.data())
            .env("LIMN_LOG_LEVEL", "trace");
        let ran = tokio::task::spawn_blocking(move || limn.output().unwrap())
            .await
            .unwrap();
        let printed = [ran.stdout, ran.stderr].concat();
        String::from_utf8(printed).unwrap()
    }
}

pub(crate) async fn list_providers(server: &App) -> String {
    let mut catalog = CatalogServiceClient::new(server.channel());
    let request = ListProvidersRequest {
        page_size: 200,
        page_token: String::new(),
    };
    let answer = catalog.list_providers(request).await.unwrap();
    format!("{answer:?}")
}
