//! The OpenAI images API: one POST, one image in the answer, or a stream of events with it at the end.
//!
//! The API has no idempotency key, no job id and no way to ask afterwards (class D), so everything hangs on
//! what an answer proves; that table is in `openai/errors.rs`.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use reqwest::RequestBuilder;
use serde::Deserialize;

use super::{
    Access, Kind, Setting, Setup, Takes, Traits,
    http::{Api, Ending, Opened, Received, Refusal, not_sendable, whole},
};
use crate::{
    plan::Render,
    provider::{
        Answer, Call, CallError, CapabilityClass, ImageProvider, InterpretError, Rendered, Submission,
    },
};

mod edit;
pub(super) mod errors;
mod stream;
pub(super) mod wire;

use errors::{ErrorBody, Verdict};

/// The public API, and what an operator can set about it.
pub(super) const KIND: Kind = Kind {
    id: "openai",
    access: Access::Key("OPENAI_API_KEY"),
    has_instances: false,
    settings: &[
        Setting {
            name: "organization",
            takes: Takes::Text,
            about: "Organization that is billed, where one key serves several; sent as OpenAI-Organization.",
        },
        Setting {
            name: "project",
            takes: Takes::Text,
            about: "Project that is billed, where one key serves several; sent as OpenAI-Project.",
        },
    ],
    build: |setup| Ok(Arc::new(OpenAi::new(&setup)?)),
};

/// Header with the provider's own id of a call.
const REQUEST_ID: &str = "x-request-id";

/// Headers of the provider that are worth keeping as evidence.
const KEPT_HEADERS: &[&str] = &["date", "openai-processing-ms", "openai-version", REQUEST_ID];

/// Address of the public API.
const BASE_URL: &str = "https://api.openai.com/v1";

/// Settings of the kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Config {
    organization: String,
    project: String,
}

/// The provider.
#[derive(Debug)]
struct OpenAi {
    api: Api,
    traits: Traits,
    config: Config,
}

impl OpenAi {
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
        let account = [
            ("openai-organization", &self.config.organization),
            ("openai-project", &self.config.project),
        ];
        for (name, value) in account {
            if !value.is_empty() {
                request = request.header(name, value);
            }
        }
        request
    }

    /// Reads an answer that is no success.
    fn refusal(&self, received: Received, prompt: &str) -> CallError {
        let status = received.status;
        let error = match received.ending {
            Ending::Whole => ErrorBody::parse(&received.body),
            Ending::Oversize | Ending::Broken(_) => None,
        };
        let Verdict::Refused(reason, billing) = errors::classify(status, error.as_ref()) else {
            return self.api.unproven(received, REQUEST_ID);
        };
        let mut refusal = Refusal::new(reason, billing, "");
        if let Some(error) = error {
            refusal.message = error.words().to_owned();
            refusal.facts = error.facts();
        }
        self.api.rejected(&received, REQUEST_ID, prompt, refusal)
    }
}

#[async_trait]
impl ImageProvider for OpenAi {
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
        let prompt = &call.render.prompt;
        let fields = wire::fields(call.render).map_err(not_sendable)?;
        let post = |path: &str| {
            let request = self.api.client.post(self.api.url(path));
            self.with_account(request).timeout(call.timeout)
        };
        let request = if call.references.is_empty() {
            post("/images/generations").json(&fields)
        } else {
            let form = edit::form(fields, call.references).map_err(not_sendable)?;
            post("/images/edits").multipart(form)
        };
        let received = match self.api.open(request).await? {
            Opened::Whole(received) => received,
            Opened::Events(events) => {
                let answer = stream::follow(&self.api, events, prompt, call.previews).await?;
                return Ok(Submission::Received(answer));
            }
        };
        if !(200..300).contains(&received.status) {
            return Err(self.refusal(received, prompt));
        }
        let answer = self.api.answer(received, KEPT_HEADERS, REQUEST_ID)?;
        Ok(Submission::Received(answer))
    }

    async fn poll(&self, _call: &Call<'_>, job_id: &str) -> Result<crate::provider::Poll, CallError> {
        Err(not_sendable(format!(
            "openai gives no job ids, so {job_id:?} is not one of its own"
        )))
    }

    fn interpret(&self, _render: &Render, answer: &Answer) -> Result<Rendered, InterpretError> {
        whole(answer)?;
        wire::read_answer(&answer.body)
    }

    async fn check(&self) -> Result<String, String> {
        let request = self.with_account(self.api.client.get(self.api.url("/models")));
        let base_url = &self.api.base_url;
        let received = self.api.reach(request).await?;
        let error = ErrorBody::parse(&received.body);
        let words = error.as_ref().map_or("", ErrorBody::words);
        let said = self.api.sentence(received.status, words, &self.api.redaction(""));
        match received.status {
            200..300 => Ok("the key is accepted".to_owned()),
            401 => Err(format!(
                "the key is missing or wrong; set {} ({said})",
                KIND.key_variable().unwrap_or("api_key")
            )),
            403 => Err(format!(
                "the key may not be used here or for this project ({said})"
            )),
            404 => Err(format!("{base_url} is not the address of the API ({said})")),
            429 => Err(format!(
                "the key is accepted, but its limits are used up ({said})"
            )),
            _ => Err(said),
        }
    }
}
