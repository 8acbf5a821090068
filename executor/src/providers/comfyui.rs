//! ComfyUI on a server of one's own: a graph of nodes is queued, and its picture fetched when the history has it.
//!
//! The id of a prompt is ours, the attempt's, so a call whose answer was lost can be found (class B). The server lists a
//! prompt from the moment it is accepted: in its queue until it is over, then in its history. So the queue is asked first and the history after
//! it; a prompt that moves in between is in one of the two answers. Both are forgotten when the server is restarted. What waited in the
//! queue is gone for good then, and may be sent again. What was drawn is still on its disk, under a name with the id of the attempt in it, if the workflow
//! says so; there is where the last look goes. Only when it is in none of the three places is a prompt absent.
//!
//! The server does not tell that an id was used before: a prompt that was sent again after all is drawn twice. That
//! costs nothing but time.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use limn_proto::reason::Reason;
use reqwest::{
    RequestBuilder,
    multipart::{Form, Part},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Access, Kind, Setting, Setup, Takes, Traits,
    http::{Api, DownloadError, Downloads, Ending, Received, not_sendable},
};
use crate::{
    ids::AttemptId,
    plan::Render,
    provider::{
        Answer, Bill, Billing, Call, CallError, CapabilityClass, ImageProvider, InterpretError, Lookup, Poll,
        Reference, Rejection, Rendered, Submission,
    },
};

mod errors;
mod found;
mod order;
mod workflow;

use found::{File, Place};
use workflow::Workflow;

/// A server of one's own, and what an operator can set about it.
pub(super) const KIND: Kind = Kind {
    id: "comfyui",
    access: Access::Address(None),
    has_instances: false,
    settings: &[
        Setting {
            name: "workflow",
            takes: Takes::File,
            about: "File with a workflow in the API format, with placeholders; without one a checkpoint draws from text.",
        },
        Setting {
            name: "model",
            takes: Takes::Text,
            about: "The model of the catalog that the workflow draws with, where it has no placeholder {{model}}.",
        },
        Setting {
            name: "output_node",
            takes: Takes::Text,
            about: "Id of the node whose picture is taken, where more than one saves one.",
        },
    ],
    build: |setup| Ok(Arc::new(ComfyUi::new(&setup)?)),
};

/// Address of a server on this machine, as it is started without further flags.
const BASE_URL: &str = "http://127.0.0.1:8188";
/// The workflow of operators who bring none.
const TEXT_TO_IMAGE: &str = include_str!("comfyui/text-to-image.json");
/// The API gives no ids of requests; of a proxy before it this one may come.
const REQUEST_ID: &str = "x-request-id";
/// Time between two questions.
const POLL_EVERY: Duration = Duration::from_secs(1);
/// Folder of the server that references are put into.
const UPLOADS: &str = "limn";
/// Header of an answer without a picture that says why there is none.
const RESULT: &str = "limn-result";

/// Settings of the kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Config {
    workflow: Option<String>,
    model: String,
    output_node: String,
}

/// The provider.
#[derive(Debug)]
struct ComfyUi {
    api: Api,
    downloads: Downloads,
    traits: Traits,
    workflow: Workflow,
    /// Model of a workflow that has no placeholder for it.
    model: String,
    output_node: String,
}

impl ComfyUi {
    fn new(setup: &Setup) -> Result<Self, String> {
        let config: Config = setup.own()?;
        let api = Api::new(setup, BASE_URL)?;
        let workflow = Workflow::parse(config.workflow.as_deref().unwrap_or(TEXT_TO_IMAGE))?;
        if workflow.has("model") != config.model.is_empty() {
            let remedy = if config.model.is_empty() {
                "it has no placeholder {{model}}: set model to the one model of the catalog that it draws with"
            } else {
                "it has a placeholder {{model}}: leave the setting model out"
            };
            return Err(format!("the workflow: {remedy}"));
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
            workflow,
            model: config.model,
            output_node: config.output_node,
        })
    }

    /// What the placeholders of the workflow stand for, but for the pictures to draw from.
    fn values(&self, call: &Call<'_>) -> Result<BTreeMap<String, Value>, CallError> {
        order::values(
            &self.workflow,
            call.render,
            &self.model,
            &id_of(call.attempt),
            call.references.len(),
        )
        .map_err(not_sendable)
    }

    fn timeout(&self, call: &Call<'_>) -> Duration {
        self.api.question_timeout().min(call.timeout)
    }

    /// Asks a question that changes nothing, and gives the body of a whole success.
    async fn ask(&self, request: RequestBuilder, timeout: Duration) -> Result<Bytes, CallError> {
        let received = self.api.send(request.timeout(timeout)).await?;
        if received.status == 200 && received.ending == Ending::Whole {
            return Ok(received.body);
        }
        Err(self.api.unproven(received, REQUEST_ID))
    }

    /// Puts a reference into the input folder of the server. The call itself was not sent when that fails.
    async fn upload(
        &self,
        call: &Call<'_>,
        number: usize,
        reference: &Reference,
    ) -> Result<String, CallError> {
        let ending = reference.media_type.rsplit('/').next().unwrap_or("png");
        let name = format!("{}-{number}.{ending}", id_of(call.attempt));
        let part = Part::stream(reference.bytes.clone())
            .file_name(name)
            .mime_str(&reference.media_type)
            .map_err(|error| not_sendable(format!("reference {number}: {error}")))?;
        let form = Form::new()
            .part("image", part)
            .text("subfolder", UPLOADS)
            .text("type", "input")
            // The same picture, should this attempt be sent again.
            .text("overwrite", "true");
        let request = self
            .api
            .client
            .post(self.api.url("/upload/image"))
            .multipart(form);
        let received = match self.api.send(request.timeout(call.timeout)).await {
            Ok(received) => received,
            Err(error) => {
                return Err(unsent(format!(
                    "reference {number} could not be put on the server: {error}"
                )));
            }
        };
        let stored: Value = serde_json::from_slice(&received.body).unwrap_or_default();
        match (
            received.status,
            stored["name"].as_str(),
            stored["subfolder"].as_str(),
        ) {
            (200, Some(name), None | Some("")) => Ok(name.to_owned()),
            (200, Some(name), Some(subfolder)) => Ok(format!("{subfolder}/{name}")),
            (status @ (400 | 401 | 403 | 404 | 405 | 413), ..) => Err(not_sendable(format!(
                "reference {number} was refused by the server with status {status}"
            ))),
            (status, ..) => Err(unsent(format!(
                "reference {number}: the server answered {status}"
            ))),
        }
    }

    /// Reads the answer to the prompt.
    fn accepted(&self, received: Received, prompt: &str) -> Result<String, CallError> {
        let is_whole = received.ending == Ending::Whole;
        if received.status == 200 && is_whole {
            let body: Value = serde_json::from_slice(&received.body).unwrap_or_default();
            // A server that is too old for ids of ours gives one of its own.
            if let Some(prompt_id) = body["prompt_id"].as_str() {
                return Ok(prompt_id.to_owned());
            }
        }
        match errors::refusal(received.status, is_whole.then_some(&received.body[..])) {
            Some(refusal) => Err(self.api.rejected(&received, REQUEST_ID, prompt, refusal)),
            None => Err(self.api.unproven(received, REQUEST_ID)),
        }
    }

    /// Where a prompt is. The order matters: a prompt goes from the queue into the history and never back.
    async fn place(&self, prompt_id: &str, timeout: Duration) -> Result<Place, CallError> {
        let queue = self
            .ask(self.api.client.get(self.api.url("/queue")), timeout)
            .await?;
        if let Some(place) = found::in_queue(&queue, prompt_id).map_err(unknown)? {
            return Ok(place);
        }
        let address = self.api.url(&format!("/history/{prompt_id}"));
        let history = self.ask(self.api.client.get(address), timeout).await?;
        let place = found::in_history(&history, prompt_id).map_err(unknown)?;
        Ok(place.unwrap_or(Place::Nowhere))
    }

    /// The answer of a prompt that is over.
    async fn over(&self, call: &Call<'_>, entry: &Value) -> Result<Answer, CallError> {
        if found::has_failed(entry) {
            return Err(CallError::Rejected(self.rejection(call, entry)));
        }
        let Some(file) = found::picture(entry, &self.output_node) else {
            return Ok(without_picture("the workflow saved no picture"));
        };
        let fetched = self.fetch(call, &file).await?;
        Ok(fetched.unwrap_or_else(|| without_picture("the picture is not on the server any more")))
    }

    fn rejection(&self, call: &Call<'_>, entry: &Value) -> Rejection {
        let refusal = errors::failure(&entry["status"]);
        let redaction = self.api.redaction(&call.render.prompt);
        let facts = refusal.facts.iter().filter(|(_, value)| !value.is_empty());
        Rejection {
            reason: refusal.reason,
            message: format!("{}: {}", self.api.id, redaction.apply(&refusal.message)),
            http_status: None,
            request_id: String::new(),
            retry_after: None,
            billing: refusal.billing,
            metadata: facts
                .map(|(name, value)| ((*name).to_owned(), redaction.apply(value)))
                .collect(),
        }
    }

    /// Fetches a file of the server; nothing when it has none of that name.
    async fn fetch(&self, call: &Call<'_>, file: &File) -> Result<Option<Answer>, CallError> {
        let mut address =
            reqwest::Url::parse(&self.api.url("/view")).map_err(|error| unknown(error.to_string()))?;
        address
            .query_pairs_mut()
            .append_pair("filename", &file.name)
            .append_pair("subfolder", &file.subfolder)
            .append_pair("type", &file.folder);
        if let Some(conversion) = order::conversion(call.render.format, &file.name) {
            address.query_pairs_mut().append_pair("preview", conversion);
        }
        match self.downloads.fetch(address.as_str(), call.timeout, None).await {
            Ok(picture) => Ok(Some(Answer {
                media_type: picture.media_type,
                body: picture.body,
                ..Answer::default()
            })),
            Err(DownloadError::Gone(_)) => Ok(None),
            Err(error @ DownloadError::Refused(_)) => Ok(Some(without_picture(&error.to_string()))),
            Err(error @ DownloadError::Oversize { .. }) => Ok(Some(Answer {
                headers: result(&json!({"problem": error.to_string(), "oversize": true})),
                ..Answer::default()
            })),
            Err(error @ DownloadError::Failed(_)) => Err(unknown(error.to_string())),
        }
    }

    /// The picture of an attempt that the server has forgotten, from its disk.
    async fn fetch_forgotten(&self, call: &Call<'_>) -> Result<Option<Answer>, CallError> {
        match self.workflow.file_prefix(&id_of(call.attempt)) {
            Some(prefix) => self.fetch(call, &found::first_file(&prefix)).await,
            None => Ok(None),
        }
    }
}

/// The id of a prompt, as the server takes it: a UUID in lower case.
fn id_of(attempt: AttemptId) -> String {
    attempt.0.hyphenated().to_string()
}

fn unsent(message: String) -> CallError {
    CallError::Unsent { message }
}

fn unknown(message: String) -> CallError {
    CallError::Unknown {
        message,
        http_status: None,
        request_id: String::new(),
        partial_body: Bytes::new(),
    }
}

fn without_picture(why: &str) -> Answer {
    Answer {
        headers: result(&json!({ "problem": why })),
        ..Answer::default()
    }
}

fn result(told: &Value) -> BTreeMap<String, String> {
    BTreeMap::from([(RESULT.to_owned(), told.to_string())])
}

#[async_trait]
impl ImageProvider for ComfyUi {
    fn id(&self) -> &str {
        &self.api.id
    }

    fn class(&self) -> CapabilityClass {
        self.traits.class
    }

    fn deadline(&self, render: &Render) -> Duration {
        self.traits.deadlines.of(render)
    }

    /// Uploads the pictures to draw from, and returns their names there.
    async fn get_ready(&self, call: &Call<'_>) -> Result<Vec<String>, CallError> {
        // What would not be sent is not uploaded for.
        self.values(call)?;
        let mut uploaded = Vec::new();
        for (number, reference) in (1..).zip(call.references) {
            uploaded.push(self.upload(call, number, reference).await?);
        }
        Ok(uploaded)
    }

    async fn submit(&self, call: &Call<'_>) -> Result<Submission, CallError> {
        let attempt = id_of(call.attempt);
        let mut values = self.values(call)?;
        if call.ready.len() != call.references.len() {
            return Err(not_sendable("its reference pictures are not uploaded".to_owned()));
        }
        order::set_references(&mut values, call.ready);
        let graph = self.workflow.fill(&values).map_err(not_sendable)?;
        let body = json!({"prompt": graph, "prompt_id": attempt});
        let request = self.api.client.post(self.api.url("/prompt")).json(&body);
        let received = self.api.send(request.timeout(call.timeout)).await?;
        let job_id = self.accepted(received, &call.render.prompt)?;
        Ok(Submission::Accepted { job_id })
    }

    async fn poll(&self, call: &Call<'_>, job_id: &str) -> Result<Poll, CallError> {
        match self.place(job_id, self.timeout(call)).await? {
            Place::Queue { .. } => Ok(Poll::Pending(POLL_EVERY)),
            Place::History(entry) => Ok(Poll::Received(self.over(call, &entry).await?)),
            Place::Nowhere => match self.fetch_forgotten(call).await? {
                Some(answer) => Ok(Poll::Received(answer)),
                // Work that was listed once is listed until it is deleted, or until the server forgets everything. Nobody draws it any
                // more, and nobody was billed.
                None => Err(CallError::Rejected(Rejection {
                    reason: Reason::ProviderUnavailable,
                    message: format!(
                        "{} knows the prompt no more: it was restarted, or its queue was cleared",
                        self.api.id
                    ),
                    http_status: None,
                    request_id: String::new(),
                    retry_after: None,
                    billing: Billing::No,
                    metadata: BTreeMap::new(),
                })),
            },
        }
    }

    async fn lookup(&self, call: &Call<'_>) -> Result<Lookup, CallError> {
        let job_id = id_of(call.attempt);
        match self.place(&job_id, self.timeout(call)).await? {
            Place::Queue { .. } => Ok(Lookup::Pending { job_id }),
            Place::History(entry) => Ok(Lookup::Received(self.over(call, &entry).await?)),
            Place::Nowhere => Ok(match self.fetch_forgotten(call).await? {
                Some(answer) => Lookup::Received(answer),
                None => Lookup::Absent,
            }),
        }
    }

    /// Takes the prompt out of the queue, or interrupts it while it runs. An older server interrupts whatever runs, so it is asked
    /// only while that is this prompt.
    async fn cancel(&self, call: &Call<'_>, job_id: &str) -> Result<(), CallError> {
        let timeout = self.timeout(call);
        let delete = self
            .api
            .client
            .post(self.api.url("/queue"))
            .json(&json!({"delete": [job_id]}));
        self.ask(delete, timeout).await?;
        if self.place(job_id, timeout).await? == (Place::Queue { is_running: true }) {
            let interrupt = self.api.client.post(self.api.url("/interrupt"));
            self.ask(interrupt.json(&json!({"prompt_id": job_id})), timeout)
                .await?;
        }
        Ok(())
    }

    fn interpret(&self, _render: &Render, answer: &Answer) -> Result<Rendered, InterpretError> {
        let bill = Bill {
            cost_nanos: Some(0),
            ..Bill::default()
        };
        if answer.body.is_empty() {
            let told: Value = answer
                .headers
                .get(RESULT)
                .and_then(|text| serde_json::from_str(text).ok())
                .unwrap_or_default();
            let message = told["problem"]
                .as_str()
                .unwrap_or("the answer has no image")
                .to_owned();
            let reason = if told["oversize"] == true {
                Reason::ImageInvalid
            } else {
                Reason::NoImage
            };
            return Err(InterpretError {
                reason,
                message,
                bill,
            });
        }
        Ok(Rendered {
            image: answer.body.clone(),
            bill,
            ..Rendered::default()
        })
    }

    async fn check(&self) -> Result<String, String> {
        let base_url = &self.api.base_url;
        let timeout = self.api.question_timeout();
        let request = self.api.client.get(self.api.url("/system_stats"));
        let stats = self.ask(request, timeout).await;
        let stats = stats.map_err(|error| self.api.unreachable(&error))?;
        let stats: Value = serde_json::from_slice(&stats).unwrap_or_default();
        let Some(version) = stats["system"]["comfyui_version"].as_str() else {
            return Err(format!("{base_url} is no server of this kind"));
        };
        let mut missing = Vec::new();
        for class in self.workflow.classes() {
            let mut address = self.api.base_url.clone();
            // Names of classes may have spaces and bars in them.
            if let Ok(mut path) = address.path_segments_mut() {
                path.pop_if_empty().extend(["object_info", class]);
            }
            let known = self.ask(self.api.client.get(address), timeout).await;
            let known = known.map_err(|error| self.api.unreachable(&error))?;
            let known: Value = serde_json::from_slice(&known).unwrap_or_default();
            if known.get(class).is_none() {
                missing.push(class);
            }
        }
        if missing.is_empty() {
            return Ok(format!(
                "answers, ComfyUI {version}, and has every node of the workflow"
            ));
        }
        Err(format!(
            "the workflow has nodes that the server does not: {}; install them, or change the workflow",
            missing.join(", ")
        ))
    }
}
