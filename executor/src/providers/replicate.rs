//! Replicate: models of many owners behind one API of predictions.
//!
//! A prediction is created, gets an id of Replicate's choice and is asked for until it is over (class C). What is sent
//! differs from model to model; the catalog says how, see [`Inputs`](super::Inputs). There is no idempotency key. When the answer
//! to a creation is lost, two things can tell of it: a signed webhook, whose address carries our attempt, and the list of predictions
//! where it names that address. A prediction that is not listed proves nothing: the list may lag, is cut into pages, and forgets.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;

use limn_proto::reason::Reason;
use reqwest::{
    RequestBuilder,
    header::{AUTHORIZATION, HeaderMap, HeaderValue},
};
use secrecy::{ExposeSecret as _, SecretBox};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Access, Kind, Setting, Setup, Takes, Traits,
    http::{Api, Credentials, Downloads, Ending, JobResult, Received, decode, not_sendable},
};
use crate::{
    plan::Render,
    provider::{
        Answer, Call, CallError, CapabilityClass, ImageProvider, InterpretError, Lookup, Poll, Rendered,
        Submission, Webhook, WebhookEvent, WebhookRefused,
    },
};

mod errors;
mod files;
mod prediction;
mod webhook;

use errors::Problem;
use prediction::{Output, Prediction};

/// The public API, and what an operator can set about it.
pub(super) const KIND: Kind = Kind {
    id: "replicate",
    access: Access::Key("REPLICATE_API_TOKEN"),
    has_instances: false,
    settings: &[
        Setting {
            name: "safety_words",
            takes: Takes::Texts,
            about: "Parts of error messages that mean that the content was refused, in any case of letters.",
        },
        Setting {
            name: "webhook_secret",
            takes: Takes::Secret,
            about: "The signing secret of your webhooks, whsec_...; with server.public_url it lets Replicate tell of finished work.",
        },
    ],
    build: |setup| Ok(Arc::new(Replicate::new(&setup)?)),
};

/// Address of the public API.
const BASE_URL: &str = "https://api.replicate.com/v1";
/// No header has an id of a call.
const REQUEST_ID: &str = "x-request-id";
/// How long to wait between two questions after a prediction.
const POLL_EVERY: Duration = Duration::from_secs(1);
/// Shortest deadline that the API takes, in seconds.
const MIN_DEADLINE_SECONDS: u64 = 5;
/// What error messages of refused content have in common. Replicate documents no such list; these were seen.
const SAFETY_WORDS: &[&str] = &["nsfw", "flagged as sensitive", "(E005)", "content policy"];

/// Settings of the kind.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Config {
    safety_words: Vec<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            safety_words: SAFETY_WORDS.iter().map(|word| (*word).to_owned()).collect(),
        }
    }
}

/// The provider.
#[derive(Debug)]
struct Replicate {
    api: Api,
    downloads: Downloads,
    traits: Traits,
    config: Config,
    /// What webhooks are signed with.
    webhook_key: Option<SecretBox<Vec<u8>>>,
}

impl Replicate {
    fn new(setup: &Setup) -> Result<Self, String> {
        let api = Api::new(setup, BASE_URL)?;
        let downloads = Downloads::new(
            &setup.connection,
            &api.base_url,
            api.connect_timeout,
            api.max_answer_bytes,
        )?;
        let webhook_key = match setup.secrets.get("webhook_secret") {
            None => None,
            Some(secret) => Some(webhook::key(secret.expose_secret())?),
        };
        Ok(Self {
            api,
            downloads,
            traits: setup.traits.clone(),
            config: setup.own()?,
            webhook_key,
        })
    }

    fn with_key(&self, request: RequestBuilder) -> RequestBuilder {
        match self.api.secret() {
            Some(key) => request.bearer_auth(key),
            None => request,
        }
    }

    /// Only news that can be checked are asked for.
    fn webhook_url(&self, call: &Call<'_>) -> Option<String> {
        let url = call.webhook_url.filter(|_| self.webhook_key.is_some());
        url.map(|url| url.to_string())
    }

    /// Body of `POST /predictions`, with these pictures.
    fn body(&self, call: &Call<'_>, references: &[String]) -> Result<Value, String> {
        let render = call.render;
        let Some(inputs) = self.traits.inputs.get(&render.model) else {
            return Err(format!(
                "the catalog does not say what {} takes: give providers.{}.models.{:?}.inputs",
                render.model, self.api.id, render.model
            ));
        };
        // A version of its own goes before the name of an official model, which may move.
        let version = if render.model_revision.is_empty() {
            &render.model
        } else {
            &render.model_revision
        };
        let mut body = json!({"version": version, "input": inputs.write(render, references)?});
        if let Some(url) = self.webhook_url(call) {
            body["webhook"] = url.into();
            body["webhook_events_filter"] = json!(["start", "completed"]);
        }
        Ok(body)
    }

    /// Asks a question that costs nothing.
    async fn ask(&self, request: RequestBuilder) -> Result<Received, CallError> {
        let request = self.with_key(request).timeout(self.api.question_timeout());
        self.api.send(request).await
    }

    /// A question that was not answered says nothing about the work.
    fn unanswered(&self, received: Received) -> CallError {
        let message = Problem::parse(&received.body).map_or_else(String::new, |problem| problem.words());
        let said = self
            .api
            .sentence(received.status, &message, &self.api.redaction(""));
        received.into_unknown(said, REQUEST_ID)
    }

    fn prediction(&self, received: Received) -> Result<Prediction, CallError> {
        let is_whole = (200..300).contains(&received.status) && received.ending == Ending::Whole;
        match Prediction::parse(&received.body).filter(|_| is_whole) {
            Some(prediction) => Ok(prediction),
            None => Err(self.unanswered(received)),
        }
    }

    async fn fetch(&self, call: &Call<'_>, prediction: &Prediction) -> Result<Answer, CallError> {
        let result = prediction.result();
        match prediction.output() {
            Output::None(why) => Ok(result.without_picture(Reason::NoImage, why)),
            Output::DataUrl(url) => Ok(match decode(url) {
                Ok(picture) => result.with_picture(String::new(), picture),
                Err(error) => {
                    let why = format!("the picture is not in base64: {error}");
                    result.without_picture(Reason::ImageInvalid, &why)
                }
            }),
            Output::Address(address) => {
                let credentials = self.credentials();
                result
                    .fetch(&self.downloads, address, call.timeout, credentials.as_ref())
                    .await
            }
        }
    }

    /// The key goes along to the API itself, which may serve files; never to the store of pictures.
    fn credentials(&self) -> Option<Credentials<'_>> {
        let mut value = HeaderValue::from_str(&format!("Bearer {}", self.api.secret()?)).ok()?;
        value.set_sensitive(true);
        Some(Credentials {
            origin: &self.api.base_url,
            headers: HeaderMap::from_iter([(AUTHORIZATION, value)]),
        })
    }
}

#[async_trait]
impl ImageProvider for Replicate {
    fn id(&self) -> &str {
        &self.api.id
    }

    fn class(&self) -> CapabilityClass {
        self.traits.class
    }

    fn deadline(&self, render: &Render) -> Duration {
        self.traits.deadlines.of(render)
    }

    /// Uploads the pictures that are too large for the request, and returns their addresses.
    async fn get_ready(&self, call: &Call<'_>) -> Result<Vec<String>, CallError> {
        // What would not be sent is not uploaded for.
        let references = files::to_upload(call).map_err(not_sendable)?;
        self.body(call, &references).map_err(not_sendable)?;
        self.upload(call).await
    }

    async fn submit(&self, call: &Call<'_>) -> Result<Submission, CallError> {
        let references = files::to_draw_from(call, call.ready).map_err(not_sendable)?;
        let body = self.body(call, &references).map_err(not_sendable)?;
        // Nothing that nobody waits for any more goes on spending.
        let deadline_seconds = call.timeout.as_secs().max(MIN_DEADLINE_SECONDS);
        let request = self.api.client.post(self.api.url("/predictions"));
        let request = self
            .with_key(request)
            .header("cancel-after", format!("{deadline_seconds}s"))
            .json(&body)
            .timeout(call.timeout);
        let received = self.api.send(request).await?;
        if !(200..300).contains(&received.status) {
            return Err(errors::refusal(&self.api, received, &call.render.prompt));
        }
        if let Ending::Broken(cause) = &received.ending {
            let message = format!("the answer broke off: {cause}");
            return Err(received.into_unknown(message, REQUEST_ID));
        }
        // Whether it is over already is learnt by asking for it: then the id is durable.
        match Prediction::parse(&received.body) {
            Some(prediction) => Ok(Submission::Accepted {
                job_id: prediction.id().to_owned(),
            }),
            None => Err(self.api.unproven(received, REQUEST_ID)),
        }
    }

    async fn poll(&self, call: &Call<'_>, job_id: &str) -> Result<Poll, CallError> {
        let url = self.api.url(&format!("/predictions/{job_id}"));
        let received = self.ask(self.api.client.get(url)).await?;
        let prediction = self.prediction(received)?;
        match prediction.status() {
            "succeeded" => self.fetch(call, &prediction).await.map(Poll::Received),
            _ if prediction.is_ended() => {
                match errors::end(&self.api, &prediction, call, &self.config.safety_words) {
                    errors::End::Refused(error) => Err(error),
                    errors::End::Billed(reason, why) => {
                        Ok(Poll::Received(prediction.result().without_picture(reason, &why)))
                    }
                }
            }
            _ => Ok(Poll::Pending(POLL_EVERY)),
        }
    }

    async fn lookup(&self, call: &Call<'_>) -> Result<Lookup, CallError> {
        let Some(url) = self.webhook_url(call) else {
            return Ok(Lookup::Impossible);
        };
        let received = self
            .ask(self.api.client.get(self.api.url("/predictions")))
            .await?;
        if received.status != 200 {
            return Err(self.unanswered(received));
        }
        let listed: Value = serde_json::from_slice(&received.body).unwrap_or_default();
        let mut predictions = listed["results"].as_array().into_iter().flatten();
        let ours = predictions.find(|prediction| prediction["webhook"].as_str() == Some(&*url));
        match ours
            .and_then(|prediction| prediction["id"].as_str())
            .filter(|id| prediction::is_id(id))
        {
            Some(id) => Ok(Lookup::Pending {
                job_id: id.to_owned(),
            }),
            None => Ok(Lookup::Impossible),
        }
    }

    async fn cancel(&self, _call: &Call<'_>, job_id: &str) -> Result<(), CallError> {
        let url = self.api.url(&format!("/predictions/{job_id}/cancel"));
        let received = self.ask(self.api.client.post(url)).await?;
        match received.status {
            200..300 => Ok(()),
            _ => Err(self.unanswered(received)),
        }
    }

    fn interpret(&self, _render: &Render, answer: &Answer) -> Result<Rendered, InterpretError> {
        JobResult::read(answer)
    }

    fn webhook(&self, webhook: &Webhook<'_>) -> Result<WebhookEvent, WebhookRefused> {
        let key = self.webhook_key.as_ref().ok_or(WebhookRefused::NotTaken)?;
        webhook::verify(key.expose_secret(), webhook)?;
        let prediction = Prediction::parse(webhook.body).ok_or(WebhookRefused::Unreadable)?;
        Ok(WebhookEvent {
            job_id: prediction.id().to_owned(),
            is_ended: prediction.is_ended(),
        })
    }

    async fn check(&self) -> Result<String, String> {
        let base_url = &self.api.base_url;
        let request = self.with_key(self.api.client.get(self.api.url("/account")));
        let received = self.api.reach(request).await?;
        let words = Problem::parse(&received.body).map_or_else(String::new, |problem| problem.words());
        let said = self
            .api
            .sentence(received.status, &words, &self.api.redaction(""));
        match received.status {
            200..300 => Ok("the key is accepted".to_owned()),
            401 | 403 => Err(format!(
                "the key is missing or wrong; set {} ({said})",
                KIND.key_variable().unwrap_or("api_key")
            )),
            404 => Err(format!("{base_url} is not the address of the API ({said})")),
            _ => Err(said),
        }
    }
}
