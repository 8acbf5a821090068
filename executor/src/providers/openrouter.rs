//! OpenRouter: one account for the image models of many providers.
//!
//! It has two forms. Most models are drawn by `POST /images`; a model whose id in the catalog begins with `chat:` or
//! `chat-image:` is drawn by `POST /chat/completions`. Neither has an idempotency key or a way to ask for a
//! call afterwards by anything that we chose (class D), so everything hangs on what an answer proves. Every answer says what
//! was charged, to the last digit.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use limn_proto::reason::Reason;
use reqwest::RequestBuilder;
use serde::Deserialize;

use super::{
    Access, Kind, Setting, Setup, Takes, Traits,
    http::{Api, Ending, Received, Refusal, not_sendable, whole},
};
use crate::{
    plan::Render,
    provider::{
        Answer, Billing, Call, CallError, CapabilityClass, ImageProvider, InterpretError, Poll, Rendered,
        Submission,
    },
};

mod answer;
mod cost;
mod errors;
mod wire;

use errors::ErrorBody;
use wire::Upstream;

/// The public API, and what an operator can set about it.
pub(super) const KIND: Kind = Kind {
    id: "openrouter",
    access: Access::Key("OPENROUTER_API_KEY"),
    has_instances: false,
    settings: &[
        Setting {
            name: "site_url",
            takes: Takes::Text,
            about: "Address of your site, for OpenRouter's statistics; sent as HTTP-Referer.",
        },
        Setting {
            name: "site_title",
            takes: Takes::Text,
            about: "Name of your site, for OpenRouter's statistics; sent as X-Title.",
        },
        Setting {
            name: "upstream_only",
            takes: Takes::Texts,
            about: "Slugs of the only providers that OpenRouter may pass work on to.",
        },
        Setting {
            name: "upstream_ignore",
            takes: Takes::Texts,
            about: "Slugs of providers that OpenRouter must not pass work on to.",
        },
        Setting {
            name: "upstream_fallbacks",
            takes: Takes::Truth,
            about: "False: when the first provider of a model is down, OpenRouter tries no other one, whose price may differ.",
        },
    ],
    build: |setup| Ok(Arc::new(OpenRouter::new(&setup)?)),
};

/// Header with the provider's own id of a call.
const GENERATION_ID: &str = "x-generation-id";

/// Headers of the provider that are worth keeping as evidence.
const KEPT_HEADERS: &[&str] = &["date", "cf-ray", GENERATION_ID];

/// Address of the public API.
const BASE_URL: &str = "https://openrouter.ai/api/v1";

/// Settings of the kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Config {
    site_url: String,
    site_title: String,
    upstream_only: Vec<String>,
    upstream_ignore: Vec<String>,
    upstream_fallbacks: Option<bool>,
}

/// The provider.
#[derive(Debug)]
struct OpenRouter {
    api: Api,
    traits: Traits,
    config: Config,
}

impl OpenRouter {
    fn new(setup: &Setup) -> Result<Self, String> {
        Ok(Self {
            api: Api::new(setup, BASE_URL)?,
            traits: setup.traits.clone(),
            config: setup.own()?,
        })
    }

    fn with_account(&self, mut request: RequestBuilder) -> RequestBuilder {
        if let Some(key) = self.api.secret() {
            request = request.bearer_auth(key);
        }
        let site = [
            ("http-referer", &self.config.site_url),
            ("x-title", &self.config.site_title),
        ];
        for (name, value) in site {
            if !value.is_empty() {
                request = request.header(name, value);
            }
        }
        request
    }

    fn upstream(&self) -> Upstream<'_> {
        Upstream {
            only: &self.config.upstream_only,
            ignore: &self.config.upstream_ignore,
            allow_fallbacks: self.config.upstream_fallbacks,
        }
    }

    /// Reads an answer with an error status.
    fn refusal(&self, received: Received, prompt: &str) -> CallError {
        let error = match received.ending {
            Ending::Whole => ErrorBody::parse(&received.body),
            Ending::Oversize | Ending::Broken(_) => None,
        };
        let Some(reason) = errors::classify(received.status, error.as_ref()) else {
            return self.api.unproven(received, GENERATION_ID);
        };
        let refusal = self.refusal_of(received.status, reason, error.as_ref());
        self.api.rejected(&received, GENERATION_ID, prompt, refusal)
    }

    /// What is refused is not billed: "zero completion insurance" of OpenRouter's documents says so of failed and of empty
    /// answers alike. Content that was refused after the door is as the catalog says.
    fn refusal_of(&self, status: u16, reason: Reason, error: Option<&ErrorBody>) -> Refusal {
        let is_late = reason == Reason::ContentBlocked && status != 403;
        let billing = if is_late { Billing::Unknown } else { Billing::No };
        let mut refusal = Refusal::new(reason, billing, "");
        if let Some(error) = error {
            refusal.message = error.message.clone();
            refusal.facts = error.facts();
            refusal.wait = error.wait;
        }
        refusal
    }

    /// Reads an answer with a status of success, which may be a failure all the same.
    fn success(&self, received: Received, prompt: &str) -> Result<Answer, CallError> {
        if received.ending == Ending::Whole
            && let Some(error) = answer::unbilled_failure(&received.body)
        {
            // Its code is the status that it would have had, had it come before the work began.
            let reason = errors::classify(error.code, Some(&error)).unwrap_or(Reason::ProviderUnavailable);
            let refusal = self.refusal_of(received.status, reason, Some(&error));
            return Err(self.api.rejected(&received, GENERATION_ID, prompt, refusal));
        }
        let mut answer = self.api.answer(received, KEPT_HEADERS, GENERATION_ID)?;
        if answer.request_id.is_empty() {
            answer.request_id = answer::generation_id(&answer.body);
        }
        Ok(answer)
    }
}

#[async_trait]
impl ImageProvider for OpenRouter {
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
        let order = wire::order(call.render, call.references, self.upstream()).map_err(not_sendable)?;
        let request = self.api.client.post(self.api.url(order.path));
        let request = self.with_account(request).json(&order.body).timeout(call.timeout);
        let received = self.api.send(request).await?;
        if !(200..300).contains(&received.status) {
            return Err(self.refusal(received, &call.render.prompt));
        }
        let answer = self.success(received, &call.render.prompt)?;
        Ok(Submission::Received(answer))
    }

    async fn poll(&self, _call: &Call<'_>, job_id: &str) -> Result<Poll, CallError> {
        Err(not_sendable(format!(
            "openrouter gives no job ids, so {job_id:?} is not one of its own"
        )))
    }

    fn interpret(&self, _render: &Render, answer: &Answer) -> Result<Rendered, InterpretError> {
        whole(answer)?;
        self.api.interpreted(answer::read(&answer.body))
    }

    async fn check(&self) -> Result<String, String> {
        let request = self.with_account(self.api.client.get(self.api.url("/key")));
        let base_url = &self.api.base_url;
        let received = self.api.reach(request).await?;
        let words = ErrorBody::parse(&received.body).map_or_else(String::new, |error| error.message);
        let said = self
            .api
            .sentence(received.status, &words, &self.api.redaction(""));
        match received.status {
            200..300 => Ok(match answer::credit_left(&received.body) {
                Some(left) => format!("the key is accepted, with {left} USD of its limit left"),
                None => "the key is accepted".to_owned(),
            }),
            401 => Err(format!(
                "the key is missing or wrong; set OPENROUTER_API_KEY ({said})"
            )),
            403 => Err(format!("the key may not be used for this ({said})")),
            404 => Err(format!("{base_url} is not the address of the API ({said})")),
            429 => Err(format!(
                "the key is accepted, but its limits are used up ({said})"
            )),
            _ => Err(said),
        }
    }
}
