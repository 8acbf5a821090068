//! Midjourney through a proxy that somebody runs for an account of theirs.
//!
//! Midjourney has no public API. Proxies such as midjourney-proxy drive an account on Discord and speak the same dialect under `/mj`: a task is
//! submitted and asked after by the id that it was given (class C). What comes of it is a grid of four; a second task, the upscale, takes
//! one picture out of it. The job id names the first task, and the second one is made by whoever asks when the grid is done.
//!
//! So the second submission happens in a question, which may be asked again after a crash at any moment. Before it is sent, the proxy is asked
//! whether it was sent before: it carries a text of ours, `state`, that is made from the attempt and comes back in the list of tasks. Where a
//! proxy has no such list the submission may come twice; novicezk's proxy answers the second one with the first one's task (code 21). Elsewhere,
//! after a crash, it makes another copy of the same picture of the same grid. The grid itself, which is what is drawn, is never asked for twice.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use limn_proto::reason::Reason;
use reqwest::RequestBuilder;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    Access, Kind, Setting, Setup, Takes, Traits,
    http::{
        Api, Body, DownloadError, Downloads, Ending, Received, Refusal, Row, data_url, not_sendable, proven,
        row,
    },
};
use crate::{
    ids::AttemptId,
    plan::Render,
    provider::{
        Answer, Bill, Billing, Call, CallError, CapabilityClass, ImageProvider, InterpretError, Lookup, Poll,
        Rejection, Rendered, Submission,
    },
};

mod prompt;
mod task;

use task::{Stage, Submitted, Task};

/// A proxy, and what an operator can set about it.
pub(super) const KIND: Kind = Kind {
    id: "midjourney",
    access: Access::Acknowledged {
        key: "MIDJOURNEY_PROXY_SECRET",
        notice: "Midjourney has no public API. Its guidelines forbid automation and third-party apps, and it may block the account \
                 behind a proxy. You need a proxy of your own and an account that you can afford to lose.",
    },
    has_instances: false,
    settings: &[
        Setting {
            name: "speed",
            takes: Takes::Word(&["fast", "relax", "turbo"]),
            about: "Which of the proxy's paths is used: /mj-fast/mj, /mj-relax/mj or /mj-turbo/mj instead of /mj.",
        },
        Setting {
            name: "bot",
            takes: Takes::Word(&["mj", "niji"]),
            about: "Which bot draws, where the proxy has both; sent as botType.",
        },
    ],
    build: |setup| Ok(Arc::new(Midjourney::new(&setup)?)),
};

/// Address of novicezk's proxy on this machine, as it is started without further settings.
const BASE_URL: &str = "http://127.0.0.1:8080";
/// Header with the secret.
const SECRET: &str = "mj-api-secret";
/// The proxy gives no ids of requests; of a gateway before it this one may come.
const REQUEST_ID: &str = "x-request-id";
/// Time between two questions. A grid takes half a minute and more.
const POLL_EVERY: Duration = Duration::from_secs(3);
/// What a job id begins with: which task it is the id of.
const IMAGINE: &str = "imagine:";
/// Header of an answer with what the tasks say beside the picture.
const RESULT: &str = "limn-result";

/// Statuses that the proxy does not use for what it says; whoever answers so turned the request away at the door.
const TABLE: &[Row] = &[
    row(401, &[], Body::Any, Reason::ProviderAccount),
    row(403, &[], Body::Any, Reason::ProviderAccount),
    row(404, &[], Body::Any, Reason::ProviderRejected),
    row(405, &[], Body::Any, Reason::ProviderRejected),
    row(413, &[], Body::Any, Reason::ProviderRejected),
    row(429, &[], Body::Any, Reason::ProviderRateLimited),
];

/// Settings of the kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Config {
    speed: String,
    bot: String,
}

/// The provider.
#[derive(Debug)]
struct Midjourney {
    api: Api,
    downloads: Downloads,
    traits: Traits,
    config: Config,
    /// Upscales by the id of their grid, so that a proxy without a list is not sent one at every question. Nothing
    /// depends on it: a restart asks the proxy instead.
    upscales: Mutex<BTreeMap<String, String>>,
}

impl Midjourney {
    fn new(setup: &Setup) -> Result<Self, String> {
        let api = Api::new(setup, BASE_URL)?;
        if api.base_url.path().trim_end_matches('/').ends_with("/mj") {
            return Err("base_url ends with /mj, which is appended to it: leave it out".to_owned());
        }
        Ok(Self {
            downloads: Downloads::new(
                &setup.connection,
                &api.base_url,
                api.connect_timeout,
                api.max_answer_bytes,
            )?,
            api,
            traits: setup.traits.clone(),
            config: setup.own()?,
            upscales: Mutex::default(),
        })
    }

    fn url(&self, path: &str) -> String {
        let prefix = match self.config.speed.as_str() {
            "" => "/mj".to_owned(),
            speed => format!("/mj-{speed}/mj"),
        };
        self.api.url(&format!("{prefix}{path}"))
    }

    fn get(&self, path: &str) -> RequestBuilder {
        self.with_account(self.api.client.get(self.url(path)))
    }

    fn post(&self, path: &str, body: &Value) -> RequestBuilder {
        self.with_account(self.api.client.post(self.url(path))).json(body)
    }

    fn with_account(&self, request: RequestBuilder) -> RequestBuilder {
        match self.api.secret() {
            Some(secret) => request.header(SECRET, secret),
            None => request,
        }
    }

    fn timeout(&self, call: &Call<'_>) -> Duration {
        self.api.question_timeout().min(call.timeout)
    }

    fn imagine(&self, call: &Call<'_>) -> Result<Value, String> {
        let mut body = Map::new();
        body.insert("prompt".to_owned(), prompt::prompt(call.render)?.into());
        body.insert("state".to_owned(), state_of(call.attempt).into());
        if !self.config.bot.is_empty() {
            body.insert("botType".to_owned(), self.config.bot.as_str().into());
        }
        if let Some(address) = call.webhook_url {
            body.insert("notifyHook".to_owned(), address.to_string().into());
        }
        if !call.references.is_empty() {
            let pictures = call.references.iter();
            let pictures = pictures.map(|picture| Value::from(data_url(&picture.media_type, &picture.bytes)));
            body.insert("base64Array".to_owned(), pictures.collect());
        }
        Ok(body.into())
    }

    /// Asks a question that changes nothing, and gives the body of a whole success.
    async fn ask(&self, request: RequestBuilder, timeout: Duration) -> Result<Bytes, CallError> {
        let received = self.api.send(request.timeout(timeout)).await?;
        if (200..300).contains(&received.status) && received.ending == Ending::Whole {
            return Ok(received.body);
        }
        Err(self.api.unproven(received, REQUEST_ID))
    }

    async fn fetch(&self, id: &str, timeout: Duration) -> Result<Task, CallError> {
        let body = self.ask(self.get(&format!("/task/{id}/fetch")), timeout).await?;
        // A proxy that was restarted may have forgotten the task while Midjourney draws it.
        Task::parse(&body).ok_or_else(|| unknown(format!("the proxy does not know the task {id}")))
    }

    /// The task of this kind with this text of ours, newest first; nothing: it is not in the list, or there is no list.
    async fn find(&self, action: &str, state: &str, timeout: Duration) -> Result<Option<Task>, CallError> {
        let received = self.api.send(self.get("/task/list").timeout(timeout)).await?;
        if matches!(received.status, 404 | 405) {
            return Ok(None);
        }
        let tasks = match received.status {
            200..300 if received.ending == Ending::Whole => Task::parse_list(&received.body),
            _ => return Err(self.api.unproven(received, REQUEST_ID)),
        };
        let found = tasks.and_then(|tasks| tasks.into_iter().find(|task| task.is(action, state)));
        Ok(found)
    }

    /// The upscale of a grid, where it was submitted.
    async fn upscale_of(&self, call: &Call<'_>, grid: &Task, index: u8) -> Result<Option<Task>, CallError> {
        let timeout = self.timeout(call);
        let remembered = self.upscales().get(grid.id()).cloned();
        if let Some(id) = remembered {
            return self.fetch(&id, timeout).await.map(Some);
        }
        self.find("UPSCALE", &upscale_state(call.attempt, index), timeout)
            .await
    }

    /// Submits the upscale of a grid. Only when no trace of an earlier submission was found.
    async fn upscale(&self, call: &Call<'_>, grid: &Task, index: u8) -> Result<Poll, CallError> {
        let state = upscale_state(call.attempt, index);
        let (path, body) = match grid.upscale_button(index) {
            Some(button) => (
                "/submit/action",
                json!({"taskId": grid.id(), "customId": button, "state": state}),
            ),
            None => (
                "/submit/change",
                json!({"taskId": grid.id(), "action": "UPSCALE", "index": index, "state": state}),
            ),
        };
        let request = self.post(path, &body).timeout(self.timeout(call));
        let received = self.api.send(request).await?;
        // One proxy says with 404 what the other one says with 200: the code counts.
        match task::submitted(&received.body) {
            Submitted::Task(id) => {
                self.upscales().insert(grid.id().to_owned(), id);
                Ok(Poll::Pending(POLL_EVERY))
            }
            // The grid is there. It is only not the time to take a picture out of it.
            Submitted::Refused(refusal)
                if matches!(
                    refusal.reason,
                    Reason::ProviderRateLimited | Reason::ProviderUnavailable
                ) =>
            {
                Ok(Poll::Pending(POLL_EVERY))
            }
            // The grid was drawn, and nobody can say what it was worth.
            Submitted::Refused(refusal) => Err(self.over(
                call,
                Refusal {
                    billing: Billing::Unknown,
                    ..refusal
                },
            )),
            Submitted::Unclear => Err(unknown(
                "the proxy did not say whether it takes the upscale".to_owned(),
            )),
        }
    }

    fn upscales(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, String>> {
        self.upscales.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What became of work that is over without a picture. Whether it was billed is what the refusal says: the catalog
    /// knows of content that was refused, and nothing of a grid that was drawn before.
    fn over(&self, call: &Call<'_>, refusal: Refusal) -> CallError {
        let received = Received {
            status: 200,
            headers: reqwest::header::HeaderMap::new(),
            body: Bytes::new(),
            ending: Ending::Whole,
        };
        let billing = refusal.billing;
        match self
            .api
            .rejected(&received, REQUEST_ID, &call.render.prompt, refusal)
        {
            CallError::Rejected(rejection) => CallError::Rejected(Rejection { billing, ..rejection }),
            error => error,
        }
    }

    async fn picture(&self, call: &Call<'_>, grid: &Task, upscale: &Task) -> Result<Answer, CallError> {
        let mut told = Map::new();
        // Only what was changed on the way: the plan has the rest.
        let drawn = grid.final_prompt();
        if !drawn.is_empty() && prompt::prompt(call.render).is_ok_and(|sent| sent != drawn) {
            told.insert("revisedPrompt".to_owned(), drawn.into());
        }
        let mut fetched = Answer::default();
        if upscale.picture().is_empty() {
            told.insert("problem".to_owned(), "the task has no picture".into());
        } else {
            // The secret goes to the proxy only, and pictures are elsewhere.
            match self.downloads.fetch(upscale.picture(), call.timeout, None).await {
                Ok(picture) => {
                    fetched.media_type = picture.media_type;
                    fetched.body = picture.body;
                }
                Err(error @ DownloadError::Failed(_)) => return Err(unknown(error.to_string())),
                Err(error) => {
                    let is_oversize = matches!(error, DownloadError::Oversize { .. });
                    told.insert("oversize".to_owned(), is_oversize.into());
                    told.insert("problem".to_owned(), error.to_string().into());
                }
            }
        }
        fetched
            .headers
            .insert(RESULT.to_owned(), Value::from(told).to_string());
        self.upscales().remove(grid.id());
        Ok(fetched)
    }
}

/// Our own text on the task that draws the grid.
fn state_of(attempt: AttemptId) -> String {
    format!("limn:{}", attempt.0.hyphenated())
}

/// Our own text on the task that takes a picture out of it.
fn upscale_state(attempt: AttemptId, index: u8) -> String {
    format!("{}:upscale:{index}", state_of(attempt))
}

fn unknown(message: String) -> CallError {
    CallError::Unknown {
        message,
        http_status: None,
        request_id: String::new(),
        partial_body: Bytes::new(),
    }
}

fn task_id(job_id: &str) -> Result<&str, CallError> {
    let id = job_id.strip_prefix(IMAGINE).filter(|id| !id.is_empty());
    id.ok_or_else(|| not_sendable(format!("{job_id:?} is no job id of midjourney")))
}

#[async_trait]
impl ImageProvider for Midjourney {
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
        let body = self.imagine(call).map_err(not_sendable)?;
        let request = self.post("/submit/imagine", &body).timeout(call.timeout);
        let received = self.api.send(request).await?;
        let prompt = &call.render.prompt;
        if !(200..300).contains(&received.status) {
            return Err(match proven(TABLE, received.status, None) {
                Some(reason) => {
                    let refusal = Refusal::new(reason, Billing::No, "");
                    self.api.rejected(&received, REQUEST_ID, prompt, refusal)
                }
                None => self.api.unproven(received, REQUEST_ID),
            });
        }
        let said = match received.ending {
            Ending::Whole => task::submitted(&received.body),
            Ending::Oversize | Ending::Broken(_) => Submitted::Unclear,
        };
        match said {
            Submitted::Task(id) => Ok(Submission::Accepted {
                job_id: format!("{IMAGINE}{id}"),
            }),
            Submitted::Refused(refusal) => Err(self.api.rejected(&received, REQUEST_ID, prompt, refusal)),
            Submitted::Unclear => Err(self.api.unproven(received, REQUEST_ID)),
        }
    }

    async fn poll(&self, call: &Call<'_>, job_id: &str) -> Result<Poll, CallError> {
        let grid = self.fetch(task_id(job_id)?, self.timeout(call)).await?;
        match grid.stage() {
            Stage::Working => return Ok(Poll::Pending(POLL_EVERY)),
            Stage::Failed(refusal) => {
                let billing = self.api.billing(refusal.reason, refusal.billing);
                return Err(self.over(call, Refusal { billing, ..refusal }));
            }
            Stage::Done => {}
        }
        let index = prompt::choice(call.render).map_err(not_sendable)?.index;
        let Some(upscale) = self.upscale_of(call, &grid, index).await? else {
            return self.upscale(call, &grid, index).await;
        };
        match upscale.stage() {
            Stage::Working => Ok(Poll::Pending(POLL_EVERY)),
            Stage::Done => Ok(Poll::Received(self.picture(call, &grid, &upscale).await?)),
            // The grid was drawn all the same.
            Stage::Failed(refusal) => {
                self.upscales().remove(grid.id());
                let billing = Billing::Unknown;
                Err(self.over(call, Refusal { billing, ..refusal }))
            }
        }
    }

    /// Finds a lost submission by our own text on it. A list that does not have it proves nothing: it may end with the newest tasks,
    /// and a proxy forgets.
    async fn lookup(&self, call: &Call<'_>) -> Result<Lookup, CallError> {
        let found = self
            .find("IMAGINE", &state_of(call.attempt), self.timeout(call))
            .await?;
        Ok(found.map_or(Lookup::Impossible, |task| Lookup::Pending {
            job_id: format!("{IMAGINE}{}", task.id()),
        }))
    }

    /// Not every proxy can cancel; one that cannot answers that there is no such path.
    async fn cancel(&self, call: &Call<'_>, job_id: &str) -> Result<(), CallError> {
        let request = self.post(&format!("/task/{}/cancel", task_id(job_id)?), &json!({}));
        let received = self.api.send(request.timeout(self.timeout(call))).await?;
        match received.status {
            200..300 | 404 | 405 => Ok(()),
            _ => Err(self.api.unproven(received, REQUEST_ID)),
        }
    }

    fn interpret(&self, _render: &Render, answer: &Answer) -> Result<Rendered, InterpretError> {
        let told = answer.headers.get(RESULT);
        let told: Value = told
            .and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or_default();
        if answer.body.is_empty() {
            let is_oversize = told["oversize"] == true;
            return Err(InterpretError {
                reason: if is_oversize {
                    Reason::ImageInvalid
                } else {
                    Reason::NoImage
                },
                message: told["problem"]
                    .as_str()
                    .unwrap_or("the answer has no image")
                    .to_owned(),
                bill: Bill::default(),
            });
        }
        Ok(Rendered {
            image: answer.body.clone(),
            revised_prompt: told["revisedPrompt"].as_str().unwrap_or_default().to_owned(),
            ..Rendered::default()
        })
    }

    async fn check(&self) -> Result<String, String> {
        let base_url = &self.api.base_url;
        let request = self.post("/task/list-by-condition", &json!({"ids": []}));
        let received = self.api.reach(request).await?;
        match received.status {
            200..300 if Task::parse_list(&received.body).is_some() => Ok("the proxy answers".to_owned()),
            401 | 403 => Err("the secret is missing or wrong; set MIDJOURNEY_PROXY_SECRET".to_owned()),
            404 => Err(format!(
                "{base_url} is not the address of a proxy; leave /mj out of it"
            )),
            status => Err(format!(
                "{base_url} answered {status}, which no proxy of this kind does"
            )),
        }
    }
}
