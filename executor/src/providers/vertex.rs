//! Imagen on Vertex AI: one POST, one picture in the answer, and silence where a picture was filtered.
//!
//! There is no idempotency key, no job id and no way to ask afterwards (class D). The attempt goes along as a label, so
//! that it can be found in the reports of the bill, days later.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use reqwest::RequestBuilder;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use super::{
    Access, Kind, Setting, Setup, Takes, Traits, google,
    http::{Api, not_sendable, whole},
};
use crate::{
    plan::Render,
    provider::{
        Answer, Call, CallError, CapabilityClass, ImageProvider, InterpretError, Poll, Rendered, Submission,
    },
};

mod account;
mod wire;

use account::ServiceAccount;

/// The public API, and what an operator can set about it.
pub(super) const KIND: Kind = Kind {
    id: "vertex",
    access: Access::Key("VERTEX_ACCESS_TOKEN"),
    has_instances: false,
    settings: &[
        Setting {
            name: SERVICE_ACCOUNT,
            takes: Takes::KeyFile("VERTEX_SERVICE_ACCOUNT_FILE"),
            about: "Key of a service account, in JSON, in the place of an access token.",
        },
        Setting {
            name: "project",
            takes: Takes::Text,
            about: "Project that is billed. Nothing: that of the service account.",
        },
        Setting {
            name: "region",
            takes: Takes::Text,
            about: "Region that draws, for example us-central1, or global.",
        },
        Setting {
            name: "watermark",
            takes: Takes::Truth,
            about: "Whether pictures get an invisible watermark, as they do by default. With one, the API takes no seed.",
        },
    ],
    build: |setup| Ok(Arc::new(Vertex::new(&setup)?)),
};

/// Setting with the key of a service account.
const SERVICE_ACCOUNT: &str = "service_account_file";

/// Header with an id of a call. Google documents none; gateways before it often give one.
const REQUEST_ID: &str = "x-request-id";

/// Headers that are worth keeping as evidence.
const KEPT_HEADERS: &[&str] = &["date", "server-timing", REQUEST_ID];

/// Settings of the kind.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Config {
    project: String,
    region: String,
    watermark: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            project: String::new(),
            region: String::new(),
            watermark: true,
        }
    }
}

/// The provider.
#[derive(Debug)]
struct Vertex {
    api: Api,
    traits: Traits,
    config: Config,
    /// Gives tokens; nothing: the key is one, or there is none.
    account: Option<ServiceAccount>,
}

impl Vertex {
    /// Without a token it is off, and the rest may be missing.
    fn new(setup: &Setup) -> Result<Self, String> {
        let mut config: Config = setup.own()?;
        let file = setup.secrets.get(SERVICE_ACCOUNT);
        if file.is_some() && setup.key.is_some() {
            return Err(format!(
                "there is a token and {SERVICE_ACCOUNT}: keep one of the two"
            ));
        }
        let account = match file {
            None => None,
            Some(file) => Some(
                ServiceAccount::read(file.expose_secret())
                    .map_err(|why| format!("{SERVICE_ACCOUNT} cannot be used: {why}"))?,
            ),
        };
        if let Some(account) = account.as_ref().filter(|_| config.project.is_empty()) {
            config.project.clone_from(&account.project);
        }
        let has_key = setup.key.is_some() || account.is_some();
        for (name, value) in [("project", &config.project), ("region", &config.region)] {
            if !is_name(value) && (has_key || !value.is_empty()) {
                return Err(format!(
                    "there is a key, but {name} is {value:?}: set it to the name of your {name}"
                ));
            }
        }
        Ok(Self {
            api: Api::new(setup, &base_url(&config.region))?,
            traits: setup.traits.clone(),
            config,
            account,
        })
    }

    fn place(&self) -> String {
        let Config { project, region, .. } = &self.config;
        format!("/v1/projects/{project}/locations/{region}/publishers/google/models")
    }

    /// The token that calls are made with. Nothing: there is none. An error says why there is none now.
    async fn token(&self) -> Result<Option<SecretString>, String> {
        match &self.account {
            Some(account) => account.token(&self.api).await.map(Some),
            None => Ok(self.api.key.clone()),
        }
    }

    fn request(&self, call: &Call<'_>) -> Result<RequestBuilder, String> {
        let render = call.render;
        let model = if render.model_revision.is_empty() {
            &render.model
        } else {
            &render.model_revision
        };
        if self.config.project.is_empty() || self.config.region.is_empty() {
            return Err("vertex is not set up: set providers.vertex.project and region".to_owned());
        }
        if !is_name(model) {
            return Err(format!("{model:?} is no model of vertex"));
        }
        if !call.references.is_empty() {
            return Err("vertex takes no reference pictures".to_owned());
        }
        let body = wire::body(render, self.config.watermark, call.attempt)?;
        let url = self.api.url(&format!("{}/{model}:predict", self.place()));
        Ok(self.api.client.post(url).json(&body))
    }
}

/// A call does not wait for another token: it leaves at once or not at all.
fn token_gone() -> CallError {
    CallError::Unsent {
        message: "the access token was refused or ended just before the call".to_owned(),
    }
}

fn with_token(request: RequestBuilder, token: Option<&SecretString>) -> RequestBuilder {
    match token {
        Some(token) => request.bearer_auth(token.expose_secret()),
        None => request,
    }
}

/// Every region has an address of its own.
fn base_url(region: &str) -> String {
    match region {
        "" | "global" => "https://aiplatform.googleapis.com".to_owned(),
        region => format!("https://{region}-aiplatform.googleapis.com"),
    }
}

/// A name becomes part of an address, and must stay in its place there.
fn is_name(text: &str) -> bool {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "-_.@:".contains(character);
    !text.is_empty() && !text.starts_with('.') && text.chars().all(is_plain)
}

#[async_trait]
impl ImageProvider for Vertex {
    fn id(&self) -> &str {
        &self.api.id
    }

    fn class(&self) -> CapabilityClass {
        self.traits.class
    }

    fn deadline(&self, render: &Render) -> Duration {
        self.traits.deadlines.of(render)
    }

    /// Sees to it that there is a token that is good for some minutes.
    async fn get_ready(&self, call: &Call<'_>) -> Result<Vec<String>, CallError> {
        // What would not be sent needs none.
        drop(self.request(call).map_err(not_sendable)?);
        let token = self.token().await;
        token.map_err(|message| CallError::Unsent { message })?;
        Ok(Vec::new())
    }

    async fn submit(&self, call: &Call<'_>) -> Result<Submission, CallError> {
        let request = self.request(call).map_err(not_sendable)?;
        let token = match &self.account {
            Some(account) => Some(account.kept().await.ok_or_else(token_gone)?),
            None => self.api.key.clone(),
        };
        let request = with_token(request, token.as_ref()).timeout(call.timeout);
        let received = self.api.send(request).await?;
        if let (401, Some(account), Some(token)) = (received.status, &self.account, &token) {
            account.refused(token).await;
        }
        if !(200..300).contains(&received.status) {
            return Err(google::refusal(
                &self.api,
                received,
                REQUEST_ID,
                &call.render.prompt,
            ));
        }
        let answer = self.api.answer(received, KEPT_HEADERS, REQUEST_ID)?;
        Ok(Submission::Received(answer))
    }

    async fn poll(&self, _call: &Call<'_>, job_id: &str) -> Result<Poll, CallError> {
        Err(not_sendable(format!(
            "vertex gives no job ids, so {job_id:?} is not one of its own"
        )))
    }

    fn interpret(&self, render: &Render, answer: &Answer) -> Result<Rendered, InterpretError> {
        whole(answer)?;
        self.api.interpreted(wire::read(&answer.body, render))
    }

    /// Asks for the models of the publisher, which costs nothing and needs the same permissions.
    async fn check(&self) -> Result<String, String> {
        if self.config.project.is_empty() || self.config.region.is_empty() {
            return Err("it is not set up: set providers.vertex.project and region".to_owned());
        }
        let url = self.api.url("/v1beta1/publishers/google/models?pageSize=1");
        let token = self.token().await?;
        let request = with_token(self.api.client.get(url), token.as_ref())
            .header("x-goog-user-project", &self.config.project);
        let base_url = &self.api.base_url;
        let received = self.api.reach(request).await?;
        let error = google::errors::ErrorBody::parse(&received.body);
        let words = error.as_ref().map_or("", |error| error.message.as_str());
        let said = self.api.sentence(received.status, words, &self.api.redaction(""));
        match received.status {
            200..300 => Ok("the token is accepted".to_owned()),
            401 if self.account.is_some() => {
                Err(format!("the token of the service account is refused ({said})"))
            }
            401 => Err(format!(
                "the token is missing, wrong or has expired, as it does after an hour; set {} ({said})",
                KIND.key_variable().unwrap_or("api_key")
            )),
            403 => Err(format!(
                "the token may not use Vertex AI in the project {} ({said})",
                self.config.project
            )),
            404 => Err(format!("{base_url} is not the address of the API ({said})")),
            429 => Err(format!(
                "the token is accepted, but its limits are used up ({said})"
            )),
            _ => Err(said),
        }
    }
}
