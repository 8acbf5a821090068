//! Replicate: predictions with a life of their own.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{Dialect, has_key};
use crate::{
    Fake,
    case::Case,
    desk::{Asked, Desk, Job, Reply},
    exchange::{Request, Response},
    hook::{self, Hook},
    picture::Format,
};

/// The API.
#[derive(Debug)]
pub(super) struct Replicate;

/// A safety checker inside the model.
const CHECKER: &str = "safety checker of the model";
/// The filter of an official model.
const FILTER: &str = "filter of an official model";

/// Sizes of the models that take a ratio only.
const RATIOS: &[(&str, (u32, u32))] = &[
    ("1:1", (1024, 1024)),
    ("16:9", (1344, 768)),
    ("3:2", (1216, 832)),
    ("2:3", (832, 1216)),
    ("4:5", (896, 1088)),
    ("5:4", (1088, 896)),
    ("9:16", (768, 1344)),
];

/// Fields of a creation; the API refuses all others.
const FIELDS: &[&str] = &["version", "input", "webhook", "webhook_events_filter", "stream"];

impl Dialect for Replicate {
    fn name(&self) -> &'static str {
        "replicate"
    }

    fn base_path(&self) -> &'static str {
        "/v1"
    }

    fn refusals(&self) -> &'static [&'static str] {
        &[CHECKER, FILTER]
    }

    fn has_jobs(&self) -> bool {
        true
    }

    fn can_cancel(&self) -> bool {
        true
    }

    fn key(&self, request: &Request) -> (&'static str, bool) {
        ("authorization", has_key(request, "authorization", "Bearer "))
    }

    fn answer(&self, request: &Request, desk: &mut Desk) -> Reply {
        let path: Vec<&str> = request.path.trim_start_matches('/').split('/').collect();
        match (request.method.as_str(), path.as_slice()) {
            ("GET", ["v1", "account"]) => Reply::Plain(Response::json(
                200,
                &json!({"type": "organization", "username": "acme", "name": "Acme"}),
            )),
            ("GET", ["v1", "webhooks", "default", "secret"]) => {
                Reply::Plain(Response::json(200, &json!({"key": Fake::WEBHOOK_SECRET})))
            }
            ("POST", ["v1", "predictions"]) => create(request.fields(), desk),
            ("POST", ["v1", "models", owner, name, "predictions"]) => {
                let mut fields = request.fields();
                fields["version"] = format!("{owner}/{name}").into();
                create(fields, desk)
            }
            ("POST", ["v1", "files"]) => upload(request, desk),
            ("GET", ["v1", "predictions"]) => {
                let newest = desk.jobs.values().rev().take(100);
                let results: Vec<Value> = newest.map(|job| prediction(job, desk)).collect();
                let page = json!({"previous": null, "next": null, "results": results});
                Reply::Plain(Response::json(200, &page))
            }
            ("GET", ["v1", "predictions", id]) => {
                let found = desk.look_at(id);
                Reply::Plain(found.map_or_else(not_found, |job| Response::json(200, &prediction(&job, desk))))
            }
            ("POST", ["v1", "predictions", id, "cancel"]) => {
                desk.cancel(id);
                let found = desk.jobs.get(*id);
                Reply::Plain(found.map_or_else(not_found, |job| Response::json(200, &prediction(job, desk))))
            }
            ("GET", ["delivery", id, _]) => match desk.jobs.get(*id).filter(|_| !desk.expired) {
                None => Reply::Plain(Response::bytes(404, "text/plain", b"gone".to_vec())),
                Some(job) => {
                    let media_type = job.asked.format.media_type();
                    let picture = job.work.picture(&job.asked);
                    let response = Response::bytes(200, media_type, picture);
                    match job.work.case.inner() {
                        // What went wrong was the answer to the creation.
                        Case::Disconnect | Case::GatewayPage(_) => Reply::Plain(response),
                        _ => Reply::Picture(response, job.work.clone()),
                    }
                }
            },
            _ => Reply::Plain(not_found()),
        }
    }

    fn hook(&self, job: &Job, desk: &Desk) -> Option<Hook> {
        let body = prediction(job, desk).to_string();
        let (id, sent) = (format!("msg_{}", job.id), hook::now_unix());
        let key = STANDARD.decode(Fake::WEBHOOK_SECRET.trim_start_matches("whsec_"));
        let signature = hook::sign(&key.unwrap_or_default(), format!("{id}.{sent}.{body}").as_bytes());
        Some(Hook {
            url: job.request["webhook"].as_str()?.to_owned(),
            headers: vec![
                ("webhook-id".to_owned(), id),
                ("webhook-timestamp".to_owned(), sent.to_string()),
                (
                    "webhook-signature".to_owned(),
                    format!("v1,{}", STANDARD.encode(signature)),
                ),
            ],
            body: body.into_bytes(),
        })
    }
}

/// A file for later inputs. It is not work.
fn upload(request: &Request, desk: &Desk) -> Reply {
    let files = request.files();
    let Some((_, content)) = files.iter().find(|(name, _)| name == "content") else {
        return Reply::Plain(invalid("content: This field is required."));
    };
    if desk.has_forgotten {
        return Reply::Plain(problem(500, "Internal server error", "Something went wrong."));
    }
    let uploads = desk.requests.iter().filter(|request| request.path == "/v1/files");
    let id = format!("fakefile{:018}", uploads.count());
    let file = json!({
        "id": id,
        "name": "reference",
        "content_type": "application/octet-stream",
        "size": content.len(),
        "etag": id,
        "checksums": {},
        "metadata": {},
        "created_at": "2026-11-21T12:00:00.000Z",
        "expires_at": "2026-11-22T12:00:00.000Z",
        "urls": {"get": format!("{}/files/{id}", desk.base_url)},
    });
    Reply::Plain(Response::json(201, &file))
}

/// Longest data URL that is taken for a file: 256 kB, written in base64.
const MAX_DATA_URL: usize = 350_000;

fn create(fields: Value, desk: &mut Desk) -> Reply {
    let work = desk.take();
    let inputs = fields["input"].as_object().into_iter().flatten();
    let mut data_urls =
        inputs.filter_map(|(_, value)| value.as_str().filter(|text| text.starts_with("data:")));
    if data_urls.any(|url| url.len() > MAX_DATA_URL) {
        return Reply::Plain(invalid("input.image: File is too large for a data URL"));
    }
    let unknown = fields.as_object().into_iter().flat_map(|fields| fields.keys());
    let unknown: Vec<&String> = unknown.filter(|name| !FIELDS.contains(&name.as_str())).collect();
    if !unknown.is_empty() || !fields["input"].is_object() || !fields["version"].is_string() {
        return Reply::Plain(invalid(&format!("unknown fields: {unknown:?}")));
    }
    let problem = match work.case.inner() {
        Case::RateLimited => {
            let detail = "Request was throttled. Your rate limit resets in ~30s.";
            Some(Response::json(429, &json!({"detail": detail, "status": 429})))
        }
        Case::Quota => Some(problem(
            402,
            "Insufficient credit",
            "You have insufficient credit to run this model.",
        )),
        Case::BadKey => Some(problem(
            401,
            "Unauthenticated",
            "You did not pass a valid authentication token",
        )),
        Case::RetiredModel => Some(problem(
            422,
            "Invalid version or not permitted",
            "The specified version does not exist (or perhaps you don't have permission to use it?)",
        )),
        Case::BadRequest => Some(invalid("input.width: Must be a multiple of 32")),
        Case::ServerError => Some(problem(500, "Internal server error", "Something went wrong.")),
        _ => None,
    };
    if let Some(response) = problem {
        return Reply::Plain(response);
    }
    // As long as the ids of the API, and in the order of the work.
    let id = format!("fake{:022}", work.number);
    let asked = asked(&fields);
    desk.open(id.clone(), work.clone(), asked, fields);
    let response = desk
        .jobs
        .get(&id)
        .map_or_else(not_found, |job| Response::json(201, &prediction(job, desk)));
    match work.case.inner() {
        // The prediction runs, whatever becomes of the answer.
        Case::Disconnect | Case::GatewayPage(_) => {
            desk.charge();
            Reply::Picture(response, work)
        }
        _ => Reply::Plain(response),
    }
}

fn asked(fields: &Value) -> Asked {
    let input = &fields["input"];
    let edge = |name: &str| input[name].as_u64().and_then(|pixels| u32::try_from(pixels).ok());
    let ratio = input["aspect_ratio"].as_str();
    let by_ratio = RATIOS.iter().find(|(known, _)| ratio == Some(known));
    let custom = edge("width").zip(edge("height"));
    Asked {
        size_px: by_ratio.map(|(_, size)| *size).or(custom).unwrap_or((1024, 1024)),
        format: Format::named(input["output_format"].as_str().unwrap_or_default()),
        seed: input["seed"].as_u64(),
    }
}

fn prediction(job: &Job, desk: &Desk) -> Value {
    let version = job.request["version"].as_str().unwrap_or_default();
    let is_official = version.contains('/');
    let has_ended = job.is_cancelled || job.is_done(desk.patience);
    let has_started = job.polls > 0;
    let (status, error) = match job.work.case.inner() {
        _ if job.is_cancelled => ("canceled", None),
        _ if !has_started => ("starting", None),
        _ if !has_ended => ("processing", None),
        Case::Refusal(way) if *way == CHECKER => (
            "failed",
            Some("NSFW content detected. Try running it again, or try a different prompt."),
        ),
        Case::Refusal(_) => (
            "failed",
            Some(
                "The input or output was flagged as sensitive. Please try again with different inputs. (E005)",
            ),
        ),
        Case::JobFailed => (
            "failed",
            Some("Director: unexpected error handling prediction (E9243)"),
        ),
        _ => ("succeeded", None),
    };
    let is_drawn = status == "succeeded" && !matches!(job.work.case.inner(), Case::NoPicture);
    let url = format!(
        "{}/delivery/{}/out-0.{}",
        desk.origin,
        job.id,
        job.asked.format.extension()
    );
    // Official models of one picture answer with one address, most others with a list.
    let is_list = !is_official || version.contains("schnell") || version.contains("dev");
    let output = match (is_drawn, is_list) {
        (false, _) => Value::Null,
        (true, true) => json!([url]),
        (true, false) => json!(url),
    };
    let seed = job.asked.seed.unwrap_or(4217);
    let mut prediction = json!({
        "id": job.id,
        "model": if is_official { version } else { "stability-ai/sdxl" },
        "version": if is_official { "hidden" } else { version },
        "input": job.request["input"],
        "logs": if has_started { format!("Using seed: {seed}\n") } else { String::new() },
        "output": output,
        "data_removed": false,
        "error": error,
        "source": "api",
        "status": status,
        "created_at": "2026-11-21T12:00:00.000Z",
        "started_at": has_started.then_some("2026-11-21T12:00:01.000Z"),
        "completed_at": has_ended.then_some("2026-11-21T12:00:04.500Z"),
        "urls": {
            "get": format!("{}/predictions/{}", desk.base_url, job.id),
            "cancel": format!("{}/predictions/{}/cancel", desk.base_url, job.id),
            "web": format!("https://replicate.com/p/{}", job.id),
        },
        "metrics": {},
    });
    if has_ended && has_started {
        prediction["metrics"] = json!({"predict_time": 3.5, "total_time": 4.5});
    }
    if let Some(webhook) = job.request["webhook"].as_str() {
        prediction["webhook"] = webhook.into();
    }
    prediction
}

fn problem(status: u16, title: &str, detail: &str) -> Response {
    let body = json!({"title": title, "detail": detail, "status": status});
    Response::json(status, &body)
}

fn invalid(detail: &str) -> Response {
    let body = json!({
        "title": "Input validation failed",
        "detail": detail,
        "status": 422,
        "invalid_fields": [{"type": "invalid", "field": "input.width", "description": detail}],
    });
    Response::json(422, &body)
}

fn not_found() -> Response {
    Response::json(
        404,
        &json!({"detail": "The requested resource could not be found.", "status": 404}),
    )
}
