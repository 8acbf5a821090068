//! Stability AI: two generations of an API behind one key, each one POST with one picture in the answer.
//!
//! The id of a model is its route, so that new engines need no new code: `v1/{engine}` is drawn by the older API,
//! `v2beta/core`, `v2beta/ultra` and `v2beta/sd3/{model}` by the newer one. Neither has an idempotency key or a job id
//! for pictures from text, and nothing can be asked afterwards (class D).

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use limn_proto::reason::Reason;
use reqwest::{RequestBuilder, multipart};
use serde::Deserialize;

use super::{
    Access, Kind, Setting, Setup, Takes, Traits,
    http::{Api, Ending, Received, Refusal, asked_wait, not_sendable, whole},
};
use crate::{
    plan::Render,
    provider::{
        Answer, Call, CallError, CapabilityClass, ImageProvider, InterpretError, Poll, Reference, Rendered,
        Submission,
    },
};

mod answer;
mod errors;
mod route;
mod v1;
mod v2beta;

use errors::ErrorBody;
use route::Route;

/// The public API, and what an operator can set about it.
pub(super) const KIND: Kind = Kind {
    id: "stability",
    access: Access::Key("STABILITY_API_KEY"),
    has_instances: false,
    settings: &[
        Setting {
            name: "organization",
            takes: Takes::Text,
            about: "Organization that is billed, where one key serves several; sent as Organization, to v1 only.",
        },
        Setting {
            name: "client_id",
            takes: Takes::Text,
            about: "Name of your application, for the provider's support; sent as Stability-Client-ID.",
        },
    ],
    build: |setup| Ok(Arc::new(Stability::new(&setup)?)),
};

/// Header with the provider's own id of a call.
const REQUEST_ID: &str = "x-request-id";

/// Address of the public API.
const BASE_URL: &str = "https://api.stability.ai";

/// Who goes over the limit is shut out for a minute. The answer does not say so, the documents do.
const SHUT_OUT: Duration = Duration::from_secs(60);

/// Settings of the kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Config {
    organization: String,
    client_id: String,
}

/// The provider.
#[derive(Debug)]
struct Stability {
    api: Api,
    traits: Traits,
    config: Config,
}

impl Stability {
    fn new(setup: &Setup) -> Result<Self, String> {
        Ok(Self {
            api: Api::new(setup, BASE_URL)?,
            traits: setup.traits.clone(),
            config: setup.own()?,
        })
    }

    fn request(&self, call: &Call<'_>) -> Result<RequestBuilder, String> {
        let render = call.render;
        let route = Route::of(render)?;
        let post = self.api.client.post(self.api.url(&route.path()));
        match route {
            Route::V1 { .. } => {
                if !call.references.is_empty() {
                    return Err("stability takes no reference pictures at v1".to_owned());
                }
                let request = self.with_account(post, true).header("accept", "application/json");
                Ok(request.json(&v1::Generation::new(render)?))
            }
            Route::V2beta { service, model } => {
                let fields = v2beta::fields(service, model, render, call.references)?;
                let request = self.with_account(post, false).header("accept", "image/*");
                Ok(request.multipart(form(fields, call.references)?))
            }
        }
    }

    fn with_account(&self, mut request: RequestBuilder, is_v1: bool) -> RequestBuilder {
        if let Some(key) = self.api.secret() {
            request = request.bearer_auth(key);
        }
        if is_v1 && !self.config.organization.is_empty() {
            request = request.header("organization", &self.config.organization);
        }
        if !self.config.client_id.is_empty() {
            request = request.header("stability-client-id", &self.config.client_id);
        }
        request
    }

    /// Reads an answer that is no success.
    fn refusal(&self, received: Received, prompt: &str) -> CallError {
        let error = match received.ending {
            Ending::Whole => ErrorBody::parse(&received.body),
            Ending::Oversize | Ending::Broken(_) => None,
        };
        let Some((reason, billing)) = errors::classify(received.status, error.as_ref()) else {
            return self.api.unproven(received, REQUEST_ID);
        };
        let mut refusal = Refusal::new(reason, billing, "");
        if reason == Reason::ProviderRateLimited && asked_wait(&received.headers).is_none() {
            refusal.wait = Some(SHUT_OUT);
        }
        if let Some(error) = error {
            refusal.facts = error.facts();
            refusal.message = error.words;
        }
        self.api.rejected(&received, REQUEST_ID, prompt, refusal)
    }
}

/// The fields as a form, which the newer API takes even for nothing but text.
fn form(fields: Vec<(&'static str, String)>, references: &[Reference]) -> Result<multipart::Form, String> {
    let mut form = multipart::Form::new();
    for (name, value) in fields {
        form = form.text(name, value);
    }
    for reference in references {
        let part = multipart::Part::bytes(reference.bytes.to_vec())
            .file_name("image")
            .mime_str(&reference.media_type)
            .map_err(|error| format!("{:?} is no media type: {error}", reference.media_type))?;
        form = form.part("image", part);
    }
    Ok(form)
}

#[async_trait]
impl ImageProvider for Stability {
    fn id(&self) -> &str {
        &self.api.id
    }

    fn class(&self) -> CapabilityClass {
        self.traits.class
    }

    fn deadline(&self, render: &Render) -> Duration {
        self.traits.deadlines.of(render)
    }

    async fn submit(&self, call: &Call<'_>) -> Result<Submission, CallError> {
        let request = self.request(call).map_err(not_sendable)?.timeout(call.timeout);
        let received = self.api.send(request).await?;
        if !(200..300).contains(&received.status) {
            return Err(self.refusal(received, &call.render.prompt));
        }
        let answer = self.api.answer(received, answer::KEPT_HEADERS, REQUEST_ID)?;
        Ok(Submission::Received(answer))
    }

    async fn poll(&self, _call: &Call<'_>, job_id: &str) -> Result<Poll, CallError> {
        Err(not_sendable(format!(
            "stability gives no job ids, so {job_id:?} is not one of its own"
        )))
    }

    fn interpret(&self, _render: &Render, answer: &Answer) -> Result<Rendered, InterpretError> {
        whole(answer)?;
        self.api.interpreted(answer::read(answer))
    }

    async fn check(&self) -> Result<String, String> {
        let request = self.with_account(self.api.client.get(self.api.url("/v1/user/account")), true);
        let base_url = &self.api.base_url;
        let received = self.api.reach(request).await?;
        let words = ErrorBody::parse(&received.body).map_or_else(String::new, |error| error.words);
        let said = self
            .api
            .sentence(received.status, &words, &self.api.redaction(""));
        match received.status {
            200..300 => Ok("the key is accepted".to_owned()),
            401 => Err(format!(
                "the key is missing or wrong; set {} ({said})",
                KIND.key_variable().unwrap_or("api_key")
            )),
            403 => Err(format!("the key may not be used here ({said})")),
            404 => Err(format!("{base_url} is not the address of the API ({said})")),
            429 => Err(format!(
                "the key is accepted, but its limits are used up ({said})"
            )),
            _ => Err(said),
        }
    }
}
