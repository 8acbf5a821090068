//! The OpenAI images API: one POST, one image in the answer.
//!
//! The API has no idempotency key, no job id and no way to ask afterwards (class D), so everything hangs on
//! what an answer proves; that table is in `openai/errors.rs`.

use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;
use limn_proto::reason::Reason;
use reqwest::RequestBuilder;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use crate::{
    plan::Render,
    provider::{
        Answer, Bill, Billing, Call, CallError, CapabilityClass, ImageProvider, InterpretError, Rejection,
        Rendered, Submission,
    },
    providers::http::{self, Connecting, Ending, Received, Redaction},
};

mod errors;
mod wire;

use errors::{ErrorBody, Verdict};

/// The id that plans name.
pub const ID: &str = "openai";

/// Environment variable that usually holds the key.
pub const KEY_VARIABLE: &str = "OPENAI_API_KEY";

/// Header with the provider's own id of a call.
const REQUEST_ID: &str = "x-request-id";

/// Header of an [`Answer`] whose body was cut at our own bound. The value says why.
const TRUNCATED: &str = "limn-body-truncated";

/// Headers of the provider that are worth keeping as evidence.
const KEPT_HEADERS: &[&str] = &["date", "openai-processing-ms", "openai-version", REQUEST_ID];

/// Error bodies are a few hundred bytes; more is not read.
const MAX_ERROR_BYTES: usize = 1 << 20;

/// Settings. The key is not among them: it comes by its own way.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Address that paths are appended to.
    pub base_url: String,
    /// Sent as `OpenAI-Organization`; empty: not sent.
    pub organization: String,
    /// Sent as `OpenAI-Project`; empty: not sent.
    pub project: String,
    /// Proxy for every request; empty: none. The environment's proxy settings are not used.
    pub proxy: String,
    /// Longest time to resolve, connect and shake hands, in milliseconds.
    pub connect_timeout_ms: u64,
    /// Longest time of a call by quality, in seconds.
    pub deadline_seconds: BTreeMap<String, u64>,
    /// The same for every other quality.
    pub default_deadline_seconds: u64,
    /// Largest answer that is read, in bytes. An image grows by a third in its answer.
    pub max_answer_bytes: usize,
}

impl Default for Config {
    /// The public API. High qualities were seen to take a minute and a half, and a call that is cut off is paid for
    /// nothing, so the deadlines are generous.
    fn default() -> Self {
        let deadline_seconds = [("low", 180), ("medium", 300), ("high", 600)];
        Self {
            base_url: "https://api.openai.com/v1".to_owned(),
            organization: String::new(),
            project: String::new(),
            proxy: String::new(),
            connect_timeout_ms: 10_000,
            deadline_seconds: deadline_seconds
                .map(|(quality, seconds)| (quality.to_owned(), seconds))
                .into(),
            default_deadline_seconds: 600,
            max_answer_bytes: 64 << 20,
        }
    }
}

/// The provider.
#[derive(Debug)]
pub struct OpenAi {
    config: Config,
    key: Option<SecretString>,
    client: reqwest::Client,
}

impl OpenAi {
    /// A provider with settings and a key. Servers that speak the same API may need no key.
    pub fn new(config: Config, key: Option<SecretString>) -> Result<Self, String> {
        let address = reqwest::Url::parse(&config.base_url)
            .map_err(|error| format!("base_url {:?} is no address: {error}", config.base_url))?;
        if !matches!(address.scheme(), "http" | "https") {
            return Err(format!("base_url {:?} is not http or https", config.base_url));
        }
        let connecting = Connecting {
            timeout: Duration::from_millis(config.connect_timeout_ms),
            proxy: Some(config.proxy.as_str()).filter(|proxy| !proxy.is_empty()),
        };
        let client = http::client(&connecting).map_err(|error| format!("no HTTP client: {error}"))?;
        Ok(Self { config, key, client })
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.config.base_url.trim_end_matches('/'))
    }

    fn with_account(&self, mut request: RequestBuilder) -> RequestBuilder {
        if let Some(key) = &self.key {
            request = request.bearer_auth(key.expose_secret());
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
            let message = format!("the answer {status} does not say whether the image was drawn");
            return received.into_unknown(message, REQUEST_ID);
        };
        let redaction = Redaction {
            key: self.key.as_ref(),
            prompt,
        };
        let waits = matches!(reason, Reason::ProviderRateLimited | Reason::ProviderUnavailable);
        CallError::Rejected(Rejection {
            reason,
            message: sentence(status, error.as_ref(), &redaction),
            http_status: Some(status),
            request_id: received.header(REQUEST_ID).to_owned(),
            retry_after: waits.then(|| http::asked_wait(&received.headers)).flatten(),
            billing,
            metadata: error.map(|error| facts(&error, &redaction)).unwrap_or_default(),
        })
    }
}

#[async_trait]
impl ImageProvider for OpenAi {
    fn id(&self) -> &str {
        ID
    }

    fn class(&self) -> CapabilityClass {
        CapabilityClass::D
    }

    fn deadline(&self, render: &Render) -> Duration {
        let by_quality = self.config.deadline_seconds.get(&render.quality_token);
        Duration::from_secs(*by_quality.unwrap_or(&self.config.default_deadline_seconds))
    }

    async fn submit(&self, call: &Call<'_>) -> Result<Submission, CallError> {
        let body = wire::GenerationRequest::new(call.render).map_err(not_sendable)?;
        let request = self.client.post(self.url("/images/generations"));
        let request = self.with_account(request).json(&body).timeout(call.timeout);
        let received = http::send(request, self.config.max_answer_bytes).await?;
        if !(200..300).contains(&received.status) {
            return Err(self.refusal(received, &call.render.prompt));
        }
        let mut headers = received.kept_headers(KEPT_HEADERS);
        match &received.ending {
            Ending::Whole => {}
            // The image was drawn and is paid for: this is an answer, only not a usable one.
            Ending::Oversize => {
                headers.insert(TRUNCATED.to_owned(), "oversize".to_owned());
            }
            Ending::Broken(cause) => {
                let message = format!(
                    "the answer broke off after {} bytes: {cause}",
                    received.body.len()
                );
                return Err(received.into_unknown(message, REQUEST_ID));
            }
        }
        Ok(Submission::Received(Answer {
            media_type: received.header("content-type").to_owned(),
            request_id: received.header(REQUEST_ID).to_owned(),
            headers,
            body: received.body,
        }))
    }

    async fn poll(&self, _call: &Call<'_>, job_id: &str) -> Result<crate::provider::Poll, CallError> {
        Err(not_sendable(format!(
            "openai gives no job ids, so {job_id:?} is not one of its own"
        )))
    }

    fn interpret(&self, _render: &Render, answer: &Answer) -> Result<Rendered, InterpretError> {
        if answer.headers.contains_key(TRUNCATED) {
            return Err(InterpretError {
                reason: Reason::ImageInvalid,
                message: format!(
                    "the answer is larger than the limit; {} bytes of it were kept",
                    answer.body.len()
                ),
                bill: Bill::default(),
            });
        }
        wire::read_answer(&answer.body)
    }

    async fn check(&self) -> Result<String, String> {
        let request = self.with_account(self.client.get(self.url("/models")));
        let request = request.timeout(Duration::from_millis(self.config.connect_timeout_ms * 2));
        let received = http::send(request, MAX_ERROR_BYTES)
            .await
            .map_err(|error| format!("{} cannot be reached: {error}", self.config.base_url))?;
        let redaction = Redaction {
            key: self.key.as_ref(),
            prompt: "",
        };
        let error = ErrorBody::parse(&received.body);
        let said = sentence(received.status, error.as_ref(), &redaction);
        match received.status {
            200..300 => Ok("the key is accepted".to_owned()),
            401 => Err(format!(
                "the key is missing or wrong; set {KEY_VARIABLE} ({said})"
            )),
            403 => Err(format!(
                "the key may not be used here or for this project ({said})"
            )),
            404 => Err(format!(
                "{} is not the address of the API ({said})",
                self.config.base_url
            )),
            429 => Err(format!(
                "the key is accepted, but its limits are used up ({said})"
            )),
            _ => Err(said),
        }
    }
}

/// A render that the API has no words for. It was never sent, and never will be.
fn not_sendable(message: String) -> CallError {
    CallError::Rejected(Rejection {
        reason: Reason::ProviderRejected,
        message,
        http_status: None,
        request_id: String::new(),
        retry_after: None,
        billing: Billing::No,
        metadata: BTreeMap::new(),
    })
}

/// The refusal in a sentence, with the provider's own words where there are some.
fn sentence(status: u16, error: Option<&ErrorBody>, redaction: &Redaction<'_>) -> String {
    let Some(error) = error else {
        return format!("openai answered {status}");
    };
    let message = redaction.apply(&error.message);
    if message.is_empty() {
        return format!("openai answered {status} {}", redaction.apply(&error.code));
    }
    format!("openai answered {status}: {message}")
}

fn facts(error: &ErrorBody, redaction: &Redaction<'_>) -> BTreeMap<String, String> {
    let categories = error.moderation_categories.join(",");
    let facts = [
        ("providerCode", &error.code),
        ("providerType", &error.kind),
        ("providerParam", &error.param),
        ("moderationStage", &error.moderation_stage),
        ("moderationCategories", &categories),
    ];
    let present = facts.into_iter().filter(|(_, value)| !value.is_empty());
    present
        .map(|(name, value)| (name.to_owned(), redaction.apply(value)))
        .collect()
}
