//! Servers that speak the OpenAI images API, run by the operator: `LocalAI`, vLLM-Omni, `SGLang`, stable-diffusion.cpp and others.
//!
//! They share one request and one answer, and differ in the fields that they know beside these; the setting `dialect`
//! says which ones are sent, and everything else is refused. A server answers with the picture, or with an address on
//! itself; such an address is the job id, so that a picture that could not be fetched at once is fetched later.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use reqwest::{
    RequestBuilder,
    header::{AUTHORIZATION, HeaderMap, HeaderValue},
};
use serde::Deserialize;

use super::{
    Access, Kind, Setting, Setup, Takes, Traits,
    http::{Api, Credentials, DownloadError, Downloads, Ending, Received, Refusal, not_sendable, whole},
    openai::wire,
};
use crate::{
    plan::Render,
    provider::{
        Answer, Call, CallError, CapabilityClass, ImageProvider, InterpretError, Poll, Rendered, Submission,
    },
};

mod dialect;
mod errors;
mod result;

use dialect::Dialect;
use result::{Fetched, Located};

/// Any number of servers, each under an id of its own.
pub(super) const KIND: Kind = Kind {
    id: "openai-compatible",
    access: Access::Address(Some("OPENAI_COMPATIBLE_API_KEY")),
    has_instances: true,
    settings: &[Setting {
        name: "dialect",
        takes: Takes::Word(dialect::NAMES),
        about: "What the server is, which decides the fields that it is sent; plain: those of OpenAI and no others.",
    }],
    build: |setup| Ok(Arc::new(Compatible::new(&setup)?)),
};

/// There is no address that would do for everybody.
const NO_BASE_URL: &str = "";
/// Header with the server's own id of a call; few of them have it.
const REQUEST_ID: &str = "x-request-id";
/// Headers that are worth keeping as evidence.
const KEPT_HEADERS: &[&str] = &["date", "server", REQUEST_ID];

/// Settings of the kind.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Config {
    dialect: Dialect,
}

/// The provider.
#[derive(Debug)]
struct Compatible {
    api: Api,
    downloads: Downloads,
    traits: Traits,
    dialect: Dialect,
}

impl Compatible {
    fn new(setup: &Setup) -> Result<Self, String> {
        let api = Api::new(setup, NO_BASE_URL)?;
        let downloads = Downloads::new(
            &setup.connection,
            &api.base_url,
            api.connect_timeout,
            api.max_answer_bytes,
        )?;
        Ok(Self {
            api,
            downloads,
            traits: setup.traits.clone(),
            dialect: setup.own::<Config>()?.dialect,
        })
    }

    fn with_key(&self, request: RequestBuilder) -> RequestBuilder {
        match self.api.secret() {
            Some(key) => request.bearer_auth(key),
            None => request,
        }
    }

    /// Reads an answer that is no success.
    fn refusal(&self, received: Received, prompt: &str) -> CallError {
        let error = match received.ending {
            Ending::Whole => errors::read(received.status, &received.body),
            Ending::Oversize | Ending::Broken(_) => None,
        };
        let Some((reason, billing)) = errors::classify(received.status, error.as_ref()) else {
            return self.api.unproven(received, REQUEST_ID);
        };
        let mut refusal = Refusal::new(reason, billing, "");
        if let Some(error) = error {
            refusal.message = error.words().to_owned();
            refusal.facts = error.facts();
        }
        self.api.rejected(&received, REQUEST_ID, prompt, refusal)
    }

    /// The key goes along to the server itself and to nobody else.
    fn key_headers(&self) -> Option<HeaderMap> {
        let mut value = HeaderValue::from_str(&format!("Bearer {}", self.api.secret()?)).ok()?;
        value.set_sensitive(true);
        Some(HeaderMap::from_iter([(AUTHORIZATION, value)]))
    }

    async fn fetch(&self, located: &Located, timeout: Duration) -> Result<Fetched, CallError> {
        let credentials = self.key_headers().map(|headers| Credentials {
            origin: &self.api.base_url,
            headers,
        });
        let fetching = self.downloads.fetch(&located.url, timeout, credentials.as_ref());
        match fetching.await {
            Ok(downloaded) => Ok(Fetched::Picture(downloaded)),
            Err(error @ DownloadError::Oversize { .. }) => Ok(Fetched::Unusable(error.to_string())),
            Err(error @ (DownloadError::Refused(_) | DownloadError::Gone(_))) => {
                Ok(Fetched::Nothing(error.to_string()))
            }
            Err(DownloadError::Failed(message)) => Err(CallError::Unknown {
                message: format!("the picture could not be fetched: {message}"),
                http_status: None,
                request_id: located.request_id.clone(),
                partial_body: bytes::Bytes::new(),
            }),
        }
    }
}

#[async_trait]
impl ImageProvider for Compatible {
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
        if !call.references.is_empty() {
            return Err(not_sendable(format!(
                "the plan refers to pictures, which {} is not sent",
                self.api.id
            )));
        }
        let fields = self.dialect.fields(call.render).map_err(not_sendable)?;
        let request = self.api.client.post(self.api.url("/images/generations"));
        let request = self.with_key(request).json(&fields).timeout(call.timeout);
        let received = self.api.send(request).await?;
        if !(200..300).contains(&received.status) {
            return Err(self.refusal(received, &call.render.prompt));
        }
        let answer = self.api.answer(received, KEPT_HEADERS, REQUEST_ID)?;
        if whole(&answer).is_err() {
            return Ok(Submission::Received(answer));
        }
        match Located::find(&answer, &self.api.base_url) {
            Some(located) => Ok(Submission::Accepted {
                job_id: located.to_job_id(),
            }),
            None => Ok(Submission::Received(answer)),
        }
    }

    async fn poll(&self, call: &Call<'_>, job_id: &str) -> Result<Poll, CallError> {
        let Some(located) = Located::from_job_id(job_id) else {
            return Err(not_sendable(format!(
                "{job_id:?} is no job id of {}",
                self.api.id
            )));
        };
        let fetched = self.fetch(&located, call.timeout).await?;
        Ok(Poll::Received(located.into_answer(fetched)))
    }

    fn interpret(&self, _render: &Render, answer: &Answer) -> Result<Rendered, InterpretError> {
        whole(answer)?;
        match result::of(answer) {
            Some(result) => result,
            None => wire::read_answer(&answer.body),
        }
    }

    async fn check(&self) -> Result<String, String> {
        let request = self.with_key(self.api.client.get(self.api.url("/models")));
        let received = self.api.reach(request).await?;
        let error = errors::read(received.status, &received.body);
        let words = error.as_ref().map_or("", |error| error.words());
        let said = self.api.sentence(received.status, words, &self.api.redaction(""));
        match received.status {
            200..300 => Ok("the server answers".to_owned()),
            401 | 403 => Err(format!("the server asks for another key; set api_key ({said})")),
            // Not every one of them lists its models.
            404 | 405 => Ok("the server answers; it lists no models".to_owned()),
            _ => Err(said),
        }
    }
}
