//! Black Forest Labs: FLUX by its makers.
//!
//! A task is created, gets an id of theirs and an address to ask at, and is asked for until it is over (class C). Tasks live
//! in a region, which only that address knows: it is kept with the id and asked exactly as it was given. There is no
//! idempotency key, no cancel and no list. When the answer to a creation is lost, only a signed webhook can tell of it.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use limn_proto::reason::Reason;
use reqwest::{
    Url,
    header::{HeaderMap, HeaderName, HeaderValue},
};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::Value;

use super::{
    Access, Kind, RefusalBilling, Setting, Setup, Takes, Traits,
    http::{
        Api, Credentials, DownloadError, Downloads, Ending, JobResult, Received, encode, hex, is_signed,
        not_sendable,
    },
};
use crate::{
    plan::Render,
    provider::{
        Answer, Billing, Call, CallError, CapabilityClass, ImageProvider, InterpretError, Poll, Rejection,
        Rendered, Submission, Webhook, WebhookEvent, WebhookRefused,
    },
};

mod errors;
mod task;

use task::{Job, Status, Task};

/// The public API, and what an operator can set about it.
pub(super) const KIND: Kind = Kind {
    id: "bfl",
    access: Access::Key("BFL_API_KEY"),
    has_instances: false,
    settings: &[Setting {
        name: "webhook_secret",
        takes: Takes::Secret,
        about: "A secret of your choice that webhooks are signed with; with server.public_url it lets BFL tell of finished work.",
    }],
    build: |setup| Ok(Arc::new(Bfl::new(&setup)?)),
};

/// Address of the public API.
const BASE_URL: &str = "https://api.bfl.ai";
/// Domain of the regions of the public API.
const DOMAIN: &str = "bfl.ai";
/// Header of the key.
const KEY: HeaderName = HeaderName::from_static("x-key");
/// Header with an id of the call, where there is one.
const REQUEST_ID: &str = "x-request-id";
/// How long to wait between two questions after a task.
const POLL_EVERY: Duration = Duration::from_secs(1);

/// Settings of the kind: none that are no secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Config {}

/// The provider.
#[derive(Debug)]
struct Bfl {
    api: Api,
    downloads: Downloads,
    traits: Traits,
    webhook_secret: Option<SecretString>,
}

impl Bfl {
    fn new(setup: &Setup) -> Result<Self, String> {
        let Config {} = setup.own()?;
        let api = Api::new(setup, BASE_URL)?;
        let downloads = Downloads::new(
            &setup.connection,
            &api.base_url,
            api.connect_timeout,
            api.max_answer_bytes,
        )?;
        let webhook_secret = setup.secrets.get("webhook_secret").cloned();
        if webhook_secret
            .as_ref()
            .is_some_and(|secret| secret.expose_secret().is_empty())
        {
            return Err("webhook_secret is empty: give it a long random text".to_owned());
        }
        Ok(Self {
            api,
            downloads,
            traits: setup.traits.clone(),
            webhook_secret,
        })
    }

    fn key_headers(&self) -> HeaderMap {
        let value = self.api.secret().and_then(|key| HeaderValue::from_str(key).ok());
        let value = value.map(|mut value| {
            value.set_sensitive(true);
            value
        });
        HeaderMap::from_iter(value.map(|value| (KEY, value)))
    }

    /// The key goes to the address of the operator and to the regions of the public API, and nowhere else.
    fn credentials<'a>(&self, url: &'a Url) -> Option<Credentials<'a>> {
        let is_base = url.origin() == self.api.base_url.origin();
        let host = url.host_str().unwrap_or_default();
        let is_region = url.scheme() == "https"
            && host
                .strip_suffix(DOMAIN)
                .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
        (is_base || is_region).then(|| Credentials {
            origin: url,
            headers: self.key_headers(),
        })
    }

    /// Body of `POST /v1/{model}`.
    fn body(&self, call: &Call<'_>) -> Result<Value, String> {
        let render = call.render;
        let Some(inputs) = self.traits.inputs.get(&render.model) else {
            return Err(format!(
                "the catalog does not say what {} takes: give providers.{}.models.{:?}.inputs",
                render.model, self.api.id, render.model
            ));
        };
        let references: Vec<String> = call
            .references
            .iter()
            .map(|reference| encode(&reference.bytes))
            .collect();
        let mut body = inputs.write(render, &references)?;
        if let (Some(url), Some(secret)) = (call.webhook_url, &self.webhook_secret) {
            body.insert("webhook_url".to_owned(), url.to_string().into());
            body.insert("webhook_secret".to_owned(), secret.expose_secret().into());
        }
        Ok(Value::Object(body))
    }

    /// Where tasks are asked for when nobody said where.
    fn result_url(&self, id: &str) -> String {
        self.api.url(&format!("/v1/get_result?id={id}"))
    }

    async fn ask(&self, url: &str) -> Result<Received, CallError> {
        let parsed = Url::parse(url).ok();
        let credentials = parsed.as_ref().and_then(|url| self.credentials(url));
        let timeout = self.api.question_timeout();
        let asked = self.downloads.ask(url, timeout, credentials.as_ref()).await;
        asked.map_err(|error| {
            if matches!(error, DownloadError::Refused(_)) {
                tracing::warn!(provider = self.api.id, %error, "a task is not asked for");
            }
            unanswered(error.to_string())
        })
    }

    /// A task that ended without a picture.
    fn rejected(
        &self,
        call: &Call<'_>,
        task: &Task,
        reason: Reason,
        billing: Billing,
        what: &str,
    ) -> CallError {
        let details = self.api.redaction(&call.render.prompt).apply(&task.details);
        let details = if details.is_empty() {
            String::new()
        } else {
            format!(": {details}")
        };
        CallError::Rejected(Rejection {
            reason,
            message: format!("{} ended task {}: {what}{details}", self.api.id, task.id),
            http_status: None,
            request_id: task.id.clone(),
            retry_after: None,
            billing: self.api.billing(reason, billing),
            metadata: [("providerStatus".to_owned(), task.word.clone())].into(),
        })
    }

    async fn ended(&self, call: &Call<'_>, job: &Job, task: Task) -> Result<Poll, CallError> {
        let result = JobResult {
            request_id: job.id.clone(),
            seed: task.seed,
            revised_prompt: if task.prompt == call.render.prompt {
                String::new()
            } else {
                task.prompt.clone()
            },
            cost_nanos: task.cost_nanos.or(job.cost_nanos),
            ..JobResult::default()
        };
        match task.status {
            Status::Pending => Ok(Poll::Pending(POLL_EVERY)),
            // A task that is not known here may be known in its region, or may be too old: nothing is proven.
            Status::NotFound => Err(unanswered(format!("{} does not know the task", self.api.id))),
            Status::Ready if task.sample.is_empty() => {
                let why = "the result has no picture";
                Ok(Poll::Received(result.without_picture(Reason::NoImage, why)))
            }
            Status::Ready => {
                let fetched = result.fetch(&self.downloads, &task.sample, call.timeout, None);
                fetched.await.map(Poll::Received)
            }
            Status::RequestModerated => {
                let what = "the prompt or a reference picture was refused";
                let billing = Billing::Unknown;
                Err(self.rejected(call, &task, Reason::ContentBlocked, billing, what))
            }
            Status::ContentModerated if self.traits.refusals == RefusalBilling::Yes => {
                let why = "the picture was drawn and refused";
                Ok(Poll::Received(
                    result.without_picture(Reason::ContentBlocked, why),
                ))
            }
            Status::ContentModerated => {
                let what = "the picture was refused";
                let billing = Billing::Unknown;
                Err(self.rejected(call, &task, Reason::ContentBlocked, billing, what))
            }
            // Nobody says whether a task that failed is billed.
            Status::Error => {
                let reason = Reason::ProviderUnavailable;
                Err(self.rejected(call, &task, reason, Billing::Unknown, "it failed"))
            }
        }
    }
}

#[async_trait]
impl ImageProvider for Bfl {
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
        let model = &call.render.model;
        if !task::is_path_word(model) {
            return Err(not_sendable(format!("{model:?} is no name of a model of bfl")));
        }
        let body = self.body(call).map_err(not_sendable)?;
        let request = self
            .api
            .client
            .post(self.api.url(&format!("/v1/{model}")))
            .headers(self.key_headers())
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
        match Job::accepted(&received.body, |id| self.result_url(id)) {
            Some(job) => Ok(Submission::Accepted {
                job_id: job.to_string(),
            }),
            None => Err(self.api.unproven(received, REQUEST_ID)),
        }
    }

    async fn poll(&self, call: &Call<'_>, job_id: &str) -> Result<Poll, CallError> {
        let Some(job) = Job::parse(job_id) else {
            return Err(unanswered(format!("{job_id:?} is no job of bfl")));
        };
        let received = self.ask(&job.url).await?;
        // The status of HTTP does not matter where there is a task: a task may come with 422.
        match Task::parse(&received.body).filter(|_| received.ending == Ending::Whole) {
            Some(task) => self.ended(call, &job, task).await,
            None => {
                let words = errors::words(&received.body);
                let redaction = self.api.redaction(&call.render.prompt);
                Err(unanswered(self.api.sentence(received.status, &words, &redaction)))
            }
        }
    }

    fn interpret(&self, _render: &Render, answer: &Answer) -> Result<Rendered, InterpretError> {
        JobResult::read(answer)
    }

    fn webhook(&self, webhook: &Webhook<'_>) -> Result<WebhookEvent, WebhookRefused> {
        let secret = self.webhook_secret.as_ref().ok_or(WebhookRefused::NotTaken)?;
        let header = webhook.headers.get("x-bfl-signature");
        let signature = header
            .and_then(|text| hex(text.strip_prefix("sha256=").unwrap_or(text)))
            .unwrap_or_default();
        // There is no time in it: an old one only asks for a task again that is known already.
        let key = secret.expose_secret().as_bytes();
        if !is_signed(key, &[webhook.body], [signature.as_slice()]) {
            return Err(WebhookRefused::BadSignature);
        }
        let job = Job::accepted(webhook.body, |id| self.result_url(id)).ok_or(WebhookRefused::Unreadable)?;
        let task = Task::parse(webhook.body);
        Ok(WebhookEvent {
            job_id: job.to_string(),
            is_ended: task.is_some_and(|task| task.status != Status::Pending),
        })
    }

    async fn check(&self) -> Result<String, String> {
        let base_url = &self.api.base_url;
        let request = self.api.client.get(self.api.url("/v1/credits"));
        let received = self.api.reach(request.headers(self.key_headers())).await?;
        let words = errors::words(&received.body);
        let said = self
            .api
            .sentence(received.status, &words, &self.api.redaction(""));
        match received.status {
            200..300 => Ok(task::credits(&received.body).map_or_else(
                || "the key is accepted".to_owned(),
                |credits| format!("the key is accepted; {credits} credits are left"),
            )),
            401 | 403 => Err(format!(
                "the key is missing or wrong; set {} ({said})",
                KIND.key_variable().unwrap_or("api_key")
            )),
            404 => Err(format!("{base_url} is not the address of the API ({said})")),
            _ => Err(said),
        }
    }
}

/// A question that was not answered says nothing about the work.
fn unanswered(message: String) -> CallError {
    CallError::Unknown {
        message,
        http_status: None,
        request_id: String::new(),
        partial_body: Bytes::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_goes_to_the_api_and_nowhere_else() {
        let setup = Setup {
            id: "bfl".to_owned(),
            key: Some(SecretString::from("a key")),
            ..Setup::default()
        };
        let bfl = Bfl::new(&setup).unwrap();
        let gets_it = |url: &str| bfl.credentials(&Url::parse(url).unwrap()).is_some();
        for url in [
            "https://api.bfl.ai/v1/get_result?id=1",
            "https://api.eu2.bfl.ai/v1/get_result?id=1",
            "https://bfl.ai/",
        ] {
            assert!(gets_it(url), "{url}");
        }
        for url in [
            "http://api.eu.bfl.ai/",
            "https://evilbfl.ai/",
            "https://bfl.ai.example/",
            "https://api.bfl.ai:8443.example/",
            "http://127.0.0.1/",
        ]
        .into_iter()
        .filter(|url| Url::parse(url).is_ok())
        {
            assert!(!gets_it(url), "{url}");
        }
    }
}
