//! The Gemini API of Google: one POST, and a model that answers in words, pictures or both.
//!
//! There is no idempotency key, no job id and no way to ask afterwards (class D). Most refusals come as a success, so
//! what an answer is worth is read in `google/answer.rs`; what an error proves is in `google/errors.rs`.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use reqwest::RequestBuilder;

use super::{
    Access, Kind, Setup, Traits,
    http::{Api, Ending, Received, not_sendable, whole},
};
use crate::{
    plan::Render,
    provider::{
        Answer, Call, CallError, CapabilityClass, ImageProvider, InterpretError, Poll, Rendered, Submission,
    },
};

mod answer;
pub(super) mod errors;
mod request;
pub(super) mod size;

use errors::ErrorBody;

/// The public API, and what an operator can set about it.
pub(super) const KIND: Kind = Kind {
    id: "google",
    access: Access::Key("GEMINI_API_KEY"),
    has_instances: false,
    settings: &[],
    build: |setup| Ok(Arc::new(Google::new(&setup)?)),
};

/// Header of the key. In the address it would end up in the logs of everything on the way.
const KEY: &str = "x-goog-api-key";

/// Header with an id of a call. Google documents none; gateways before it often give one.
const REQUEST_ID: &str = "x-request-id";

/// Headers that are worth keeping as evidence.
const KEPT_HEADERS: &[&str] = &["date", "server-timing", REQUEST_ID];

/// Address of the public API.
const BASE_URL: &str = "https://generativelanguage.googleapis.com/v1beta";

/// The provider.
#[derive(Debug)]
struct Google {
    api: Api,
    traits: Traits,
}

impl Google {
    fn new(setup: &Setup) -> Result<Self, String> {
        Ok(Self {
            api: Api::new(setup, BASE_URL)?,
            traits: setup.traits.clone(),
        })
    }

    fn with_key(&self, request: RequestBuilder) -> RequestBuilder {
        match self.api.secret() {
            Some(key) => request.header(KEY, key),
            None => request,
        }
    }
}

/// Reads an answer of a Google API that is no success.
pub(super) fn refusal(api: &Api, received: Received, request_id_header: &str, prompt: &str) -> CallError {
    let error = match received.ending {
        Ending::Whole => ErrorBody::parse(&received.body),
        Ending::Oversize | Ending::Broken(_) => None,
    };
    match errors::classify(received.status, error) {
        Some(refusal) => api.rejected(&received, request_id_header, prompt, refusal),
        None => api.unproven(received, request_id_header),
    }
}

#[async_trait]
impl ImageProvider for Google {
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
        let path = request::path(call.render).map_err(not_sendable)?;
        let body = request::body(call.render, call.references).map_err(not_sendable)?;
        let request = self.with_key(self.api.client.post(self.api.url(&path)));
        let received = self.api.send(request.json(&body).timeout(call.timeout)).await?;
        if !(200..300).contains(&received.status) {
            return Err(refusal(&self.api, received, REQUEST_ID, &call.render.prompt));
        }
        let answer = self.api.answer(received, KEPT_HEADERS, REQUEST_ID)?;
        Ok(Submission::Received(answer))
    }

    async fn poll(&self, _call: &Call<'_>, job_id: &str) -> Result<Poll, CallError> {
        Err(not_sendable(format!(
            "google gives no job ids, so {job_id:?} is not one of its own"
        )))
    }

    fn interpret(&self, render: &Render, answer: &Answer) -> Result<Rendered, InterpretError> {
        whole(answer)?;
        self.api.interpreted(answer::read(&answer.body, render))
    }

    async fn check(&self) -> Result<String, String> {
        let request = self.with_key(self.api.client.get(self.api.url("/models?pageSize=1")));
        let base_url = &self.api.base_url;
        let received = self.api.reach(request).await?;
        let error = ErrorBody::parse(&received.body);
        let words = error.as_ref().map_or("", |error| error.message.as_str());
        let said = self.api.sentence(received.status, words, &self.api.redaction(""));
        let is_key = error.as_ref().is_some_and(ErrorBody::is_about_key);
        match received.status {
            200..300 => Ok("the key is accepted".to_owned()),
            400 if is_key => Err(wrong_key(&said)),
            401 => Err(wrong_key(&said)),
            403 => Err(format!("the key may not be used for this API ({said})")),
            404 => Err(format!("{base_url} is not the address of the API ({said})")),
            429 => Err(format!(
                "the key is accepted, but its limits are used up ({said})"
            )),
            _ => Err(said),
        }
    }
}

fn wrong_key(said: &str) -> String {
    let variable = KIND.key_variable().unwrap_or("api_key");
    format!("the key is missing or wrong; set {variable} ({said})")
}
