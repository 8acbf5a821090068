//! AUTOMATIC1111's web UI for Stable Diffusion, and servers that speak its API, such as Forge and sd-server of
//! stable-diffusion.cpp: one POST, one picture in the answer.
//!
//! The server draws one picture after the other, and a call waits in line without a word. Its progress and its interrupt are those of
//! the whole server and of no call: the progress may be that of somebody else's picture, and an interrupt would stop whatever is being
//! drawn. So neither is used, and what came of a call whose answer was lost cannot be asked (class D). It costs nothing but time.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use reqwest::RequestBuilder;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::Value;

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
mod errors;
mod wire;

use errors::ErrorBody;

/// A server of one's own, and what an operator can set about it.
pub(super) const KIND: Kind = Kind {
    id: "automatic1111",
    access: Access::Address(None),
    has_instances: false,
    settings: &[
        Setting {
            name: BASIC_AUTH,
            takes: Takes::Secret,
            about: "User and password as user:password, where the server was started with --api-auth.",
        },
        Setting {
            name: "keep_checkpoint",
            takes: Takes::Truth,
            about: "True: the checkpoint of a picture stays loaded; else the server goes back to the one that was \
                    chosen in its window, which costs seconds.",
        },
    ],
    build: |setup| Ok(Arc::new(Automatic1111::new(&setup)?)),
};

const BASIC_AUTH: &str = "basic_auth";

/// Address of a server on this machine, as it is started without further flags.
const BASE_URL: &str = "http://127.0.0.1:7860";

/// The API gives no ids; of a proxy before it this one may come.
const REQUEST_ID: &str = "x-request-id";

/// Headers that are worth keeping as evidence.
const KEPT_HEADERS: &[&str] = &["date", "x-process-time", REQUEST_ID];

/// Settings of the kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Config {
    keep_checkpoint: bool,
}

/// The provider.
#[derive(Debug)]
struct Automatic1111 {
    api: Api,
    traits: Traits,
    config: Config,
    /// `user:password`.
    basic_auth: Option<SecretString>,
}

impl Automatic1111 {
    fn new(setup: &Setup) -> Result<Self, String> {
        let basic_auth = setup.secrets.get(BASIC_AUTH).cloned();
        if basic_auth
            .as_ref()
            .is_some_and(|auth| !auth.expose_secret().contains(':'))
        {
            return Err(format!("{BASIC_AUTH} is not written as user:password"));
        }
        Ok(Self {
            api: Api::new(setup, BASE_URL)?,
            traits: setup.traits.clone(),
            config: setup.own()?,
            basic_auth,
        })
    }

    fn with_account(&self, request: RequestBuilder) -> RequestBuilder {
        let auth = self.basic_auth.as_ref().map(|auth| auth.expose_secret());
        match auth.and_then(|auth| auth.split_once(':')) {
            Some((user, password)) => request.basic_auth(user, Some(password)),
            None => request,
        }
    }

    /// Reads an answer that is no success. A server of one's own bills nothing.
    fn refusal(&self, received: Received, prompt: &str) -> CallError {
        let error = match received.ending {
            Ending::Whole => ErrorBody::parse(&received.body),
            Ending::Oversize | Ending::Broken(_) => None,
        };
        let Some(reason) = errors::classify(received.status, error.as_ref()) else {
            return self.api.unproven(received, REQUEST_ID);
        };
        let mut refusal = Refusal::new(reason, Billing::No, "");
        if let Some(error) = error {
            refusal.facts = vec![("providerCode", error.kind)];
            refusal.message = error.message;
        }
        self.api.rejected(&received, REQUEST_ID, prompt, refusal)
    }
}

#[async_trait]
impl ImageProvider for Automatic1111 {
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
        let body =
            wire::request(call.render, call.references, self.config.keep_checkpoint).map_err(not_sendable)?;
        let request = self.api.client.post(self.api.url("/sdapi/v1/txt2img"));
        let request = self.with_account(request).json(&body).timeout(call.timeout);
        let received = self.api.send(request).await?;
        if !(200..300).contains(&received.status) {
            return Err(self.refusal(received, &call.render.prompt));
        }
        let answer = self.api.answer(received, KEPT_HEADERS, REQUEST_ID)?;
        Ok(Submission::Received(answer))
    }

    async fn poll(&self, _call: &Call<'_>, job_id: &str) -> Result<Poll, CallError> {
        Err(not_sendable(format!(
            "automatic1111 gives no job ids, so {job_id:?} is not one of its own"
        )))
    }

    fn interpret(&self, render: &Render, answer: &Answer) -> Result<Rendered, InterpretError> {
        // Whatever came of it, it was free.
        whole(answer).map_err(|error| answer::unusable(error.reason, error.message))?;
        answer::read(render, &answer.body)
    }

    async fn check(&self) -> Result<String, String> {
        let request = self.with_account(self.api.client.get(self.api.url("/sdapi/v1/sd-models")));
        let base_url = &self.api.base_url;
        let received = self.api.reach(request).await?;
        let words = ErrorBody::parse(&received.body).map_or_else(String::new, |error| error.message);
        let said = self
            .api
            .sentence(received.status, &words, &self.api.redaction(""));
        match received.status {
            200..300 => {
                checkpoints(&received.body).ok_or_else(|| format!("{base_url} is no server of this kind"))
            }
            401 => Err(format!(
                "the user or the password is wrong; set {BASIC_AUTH} ({said})"
            )),
            404 => Err(format!("the server has no API; start it with --api ({said})")),
            _ => Err(said),
        }
    }
}

/// The checkpoints that the server has, in a sentence.
fn checkpoints(body: &[u8]) -> Option<String> {
    let listed: Value = serde_json::from_slice(body).ok()?;
    let names: Vec<&str> = listed
        .as_array()?
        .iter()
        .filter_map(|model| model["model_name"].as_str().or_else(|| model["title"].as_str()))
        .collect();
    Some(match names.len() {
        0 => "answers, and has no checkpoint".to_owned(),
        1..=8 => format!("answers, and has the checkpoints {}", names.join(", ")),
        count => format!("answers, and has {count} checkpoints"),
    })
}
