//! Black Forest Labs: tasks that live in a region.

use serde_json::{Value, json};

use super::{Dialect, has_key};
use crate::{
    case::Case,
    desk::{Asked, Desk, Job, Reply},
    exchange::{Request, Response},
    hook::{self, Hook},
    picture::Format,
};

/// The API.
#[derive(Debug)]
pub(super) struct Bfl;

/// What was sent is refused.
const REQUEST: &str = "Request Moderated";
/// What was drawn is refused.
const CONTENT: &str = "Content Moderated";

/// What a picture costs, in credits of a cent: the first megapixel, and each further one that is begun.
const CREDITS: &[(&str, f64, f64)] = &[
    ("flux-2-flex", 5.0, 5.0),
    ("flux-2-max", 7.0, 3.0),
    ("flux-2-pro", 3.0, 1.5),
    ("flux-pro-1.1", 4.0, 0.0),
    ("flux-pro-1.1-ultra", 6.0, 0.0),
];

impl Dialect for Bfl {
    fn name(&self) -> &'static str {
        "bfl"
    }

    fn refusals(&self) -> &'static [&'static str] {
        &[REQUEST, CONTENT]
    }

    fn has_jobs(&self) -> bool {
        true
    }

    fn key(&self, request: &Request) -> (&'static str, bool) {
        ("x-key", has_key(request, "x-key", ""))
    }

    fn answer(&self, request: &Request, desk: &mut Desk) -> Reply {
        let path: Vec<&str> = request.path.trim_start_matches('/').split('/').collect();
        let id = request.query.strip_prefix("id=").unwrap_or_default();
        match (request.method.as_str(), path.as_slice()) {
            ("GET", ["v1", "credits"]) => Reply::Plain(Response::json(200, &json!({"credits": 1234.5}))),
            ("GET", ["region", "v1", "get_result"]) => {
                let found = desk.look_at(id);
                Reply::Plain(found.map_or_else(|| not_found(id), |job| task(&job, desk)))
            }
            // Tasks are regional: here they are not known, but for those that came with a webhook.
            ("GET", ["v1", "get_result"]) => {
                let is_known = desk.jobs.get(id).is_some_and(has_webhook);
                let found = desk.look_at(id).filter(|_| is_known);
                Reply::Plain(found.map_or_else(|| not_found(id), |job| task(&job, desk)))
            }
            ("GET", ["delivery", id, _]) => match desk.jobs.get(*id).filter(|_| !desk.expired) {
                None => Reply::Plain(Response::bytes(403, "application/xml", b"<Error/>".to_vec())),
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
            ("POST", ["v1", model]) => create(model, request.fields(), desk),
            _ => Reply::Plain(detail(404, "Not Found")),
        }
    }

    fn hook(&self, job: &Job, desk: &Desk) -> Option<Hook> {
        let body = task(job, desk).body;
        let secret = job.request["webhook_secret"].as_str()?;
        let signature = hook::sign(secret.as_bytes(), &body);
        let signature: String = signature.iter().map(|byte| format!("{byte:02x}")).collect();
        Some(Hook {
            url: job.request["webhook_url"].as_str()?.to_owned(),
            headers: vec![("x-bfl-signature".to_owned(), format!("sha256={signature}"))],
            body,
        })
    }
}

fn has_webhook(job: &Job) -> bool {
    job.request["webhook_url"].is_string()
}

fn create(model: &str, fields: Value, desk: &mut Desk) -> Reply {
    let work = desk.take();
    let problem = match work.case.inner() {
        Case::RateLimited => {
            let words = "Too many requests. You have exceeded the limit of 24 active tasks.";
            Some(detail(429, words).with("retry-after", "2"))
        }
        Case::Quota => Some(detail(
            402,
            "Insufficient credits. One credit is $0.01. Please add credits to your account.",
        )),
        Case::BadKey => Some(detail(403, "Not authenticated - Invalid Authentication")),
        Case::RetiredModel => Some(detail(404, "Not Found")),
        Case::BadRequest => {
            let error = json!({"loc": ["body", "width"], "msg": "Input should be a multiple of 16", "type": "multiple_of"});
            Some(Response::json(422, &json!({ "detail": [error] })))
        }
        Case::ServerError => Some(Response::json(
            500,
            &json!({"error": "internal_error", "message": "Something went wrong.", "details": {}}),
        )),
        _ => None,
    };
    if let Some(response) = problem {
        return Reply::Plain(response);
    }
    let id = format!("{:08x}-fake-4000-8000-000000000000", work.number);
    let asked = asked(&fields);
    let megapixels = megapixels(asked.size_px);
    let mut body = json!({
        "id": id, "cost": credits(model, megapixels), "input_mp": 0, "output_mp": megapixels,
    });
    if let Some(url) = fields["webhook_url"].as_str() {
        body["status"] = "Pending".into();
        body["webhook_url"] = url.into();
    } else {
        body["polling_url"] = format!("{}/region/v1/get_result?id={id}", desk.origin).into();
    }
    desk.open(id, work.clone(), asked, fields);
    let response = Response::json(200, &body);
    match work.case.inner() {
        // The task runs, whatever becomes of the answer.
        Case::Disconnect | Case::GatewayPage(_) => {
            desk.charge();
            Reply::Picture(response, work)
        }
        _ => Reply::Plain(response),
    }
}

/// Begun megapixels of 1024 x 1024 px.
fn megapixels((width_px, height_px): (u32, u32)) -> f64 {
    (f64::from(width_px) * f64::from(height_px) / 1_048_576.0).ceil()
}

/// A model that has no price here costs what no catalog expects.
fn credits(model: &str, megapixels: f64) -> f64 {
    let known = CREDITS.iter().find(|(known, ..)| *known == model);
    known.map_or(99.0, |(_, first, further)| first + further * (megapixels - 1.0))
}

fn asked(fields: &Value) -> Asked {
    let edge = |name: &str| {
        fields[name]
            .as_u64()
            .and_then(|pixels| u32::try_from(pixels).ok())
    };
    let by_ratio = match fields["aspect_ratio"].as_str() {
        Some("16:9") => Some((2752, 1536)),
        Some("9:16") => Some((1536, 2752)),
        Some(_) => Some((2048, 2048)),
        None => None,
    };
    Asked {
        size_px: by_ratio
            .or_else(|| edge("width").zip(edge("height")))
            .unwrap_or((1024, 1024)),
        format: Format::named(fields["output_format"].as_str().unwrap_or("jpeg")),
        seed: fields["seed"].as_u64(),
    }
}

fn task(job: &Job, desk: &Desk) -> Response {
    let case = job.work.case.inner();
    if !job.is_done(desk.patience) {
        let body =
            json!({"id": job.id, "status": "Pending", "result": null, "progress": 0.4, "details": null});
        return Response::json(200, &body);
    }
    let ended = |status: &str, details: Value| json!({"id": job.id, "status": status, "result": null, "details": details});
    match case {
        Case::Refusal(way) => {
            let body = ended(way, json!({"Moderation Reasons": ["Derivative Works Filter"]}));
            // Seen: a task that was moderated may come with this status.
            Response::json(if *way == REQUEST { 422 } else { 200 }, &body)
        }
        Case::JobFailed => Response::json(200, &ended("Error", json!({"error": "worker lost"}))),
        Case::NoPicture => Response::json(200, &ended("Ready", Value::Null)),
        _ => {
            let sample = format!(
                "{}/delivery/{}/sample.{}",
                desk.origin,
                job.id,
                job.asked.format.extension()
            );
            let mut body = ended("Ready", Value::Null);
            body["result"] = json!({
                "sample": sample,
                "prompt": job.request["prompt"],
                "seed": job.asked.seed.unwrap_or(4217),
                "start_time": 1_795_000_000.0,
                "end_time": 1_795_000_004.5,
                "duration": 4.5,
            });
            Response::json(200, &body)
        }
    }
}

fn not_found(id: &str) -> Response {
    Response::json(
        404,
        &json!({"id": id, "status": "Task not found", "result": null}),
    )
}

fn detail(status: u16, words: &str) -> Response {
    Response::json(status, &json!({ "detail": words }))
}
