//! OpenAI images: one POST, one picture in the answer.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{Dialect, has_key};
use crate::{
    case::Case,
    desk::{Asked, Desk, Reply, Work},
    exchange::{Request, Response},
    picture::Format,
};

/// The API.
#[derive(Debug)]
pub(super) struct OpenAi;

/// The prompt was refused, before anything was drawn.
const INPUT: &str = "moderation of the prompt";
/// The picture was refused, after it was drawn. Charged.
const OUTPUT: &str = "moderation of the picture";

impl Dialect for OpenAi {
    fn name(&self) -> &'static str {
        "openai"
    }

    fn base_path(&self) -> &'static str {
        "/v1"
    }

    fn refusals(&self) -> &'static [&'static str] {
        &[INPUT, OUTPUT]
    }

    fn key(&self, request: &Request) -> (&'static str, bool) {
        ("authorization", has_key(request, "authorization", "Bearer "))
    }

    fn answer(&self, request: &Request, desk: &mut Desk) -> Reply {
        match (request.method.as_str(), request.path.as_str()) {
            ("GET", "/v1/models") => {
                let models = json!({"object": "list", "data": [{"id": "gpt-image-2", "object": "model"}]});
                Reply::Plain(Response::json(200, &models))
            }
            ("POST", "/v1/images/generations" | "/v1/images/edits") => {
                let work = desk.take();
                let response = respond(&request.fields(), &work, desk)
                    .with("x-request-id", format!("req_fake_{}", work.number));
                Reply::Picture(response, work)
            }
            _ => Reply::Plain(error(
                404,
                "invalid_request_error",
                "unknown_url",
                "Unknown request URL.",
            )),
        }
    }
}

fn respond(fields: &Value, work: &Work, desk: &mut Desk) -> Response {
    match work.case.inner() {
        Case::RateLimited => {
            let words = "Rate limit reached.";
            error(429, "requests", "rate_limit_exceeded", words).with("retry-after-ms", "1500")
        }
        Case::Quota => {
            let kind = "insufficient_quota";
            error(429, kind, kind, "You exceeded your current quota.")
        }
        Case::BadKey => {
            let words = "Incorrect API key provided: sk-fake-********cdef.";
            error(401, "invalid_request_error", "invalid_api_key", words)
        }
        Case::RetiredModel => {
            let words = "The model does not exist or you do not have access to it.";
            error(404, "invalid_request_error", "model_not_found", words)
        }
        Case::BadRequest => error(
            400,
            "invalid_request_error",
            "invalid_value",
            "Invalid value: 'size'.",
        ),
        Case::ServerError => error(500, "server_error", "", "The server had an error."),
        Case::Refusal(way) => {
            let is_drawn = *way == OUTPUT;
            if is_drawn {
                desk.charge();
            }
            moderated(if is_drawn { "output" } else { "input" })
        }
        Case::NoPicture => success(None),
        _ => success(Some(&work.picture(&asked(fields)))),
    }
}

fn asked(fields: &Value) -> Asked {
    let edges = fields["size"].as_str().and_then(|size| size.split_once('x'));
    let size_px = edges.and_then(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)));
    Asked {
        size_px: size_px.unwrap_or((1024, 1024)),
        format: Format::named(fields["output_format"].as_str().unwrap_or_default()),
        seed: None,
    }
}

fn success(picture: Option<&[u8]>) -> Response {
    let data: Vec<Value> = picture
        .iter()
        .map(|picture| json!({"b64_json": STANDARD.encode(picture)}))
        .collect();
    let body = json!({
        "created": 1_795_000_000,
        "data": data,
        "usage": {
            "input_tokens": 12,
            "input_tokens_details": {"text_tokens": 12, "image_tokens": 0},
            "output_tokens": 1056,
            "total_tokens": 1068,
        },
    });
    Response::json(200, &body)
}

fn error(status: u16, kind: &str, code: &str, message: &str) -> Response {
    let error = json!({"message": message, "type": kind, "param": null, "code": code});
    Response::json(status, &json!({ "error": error }))
}

fn moderated(stage: &str) -> Response {
    let error = json!({
        "message": "Your request was rejected by the safety system. safety_violations=[violence].",
        "type": "image_generation_user_error",
        "param": null,
        "code": "moderation_blocked",
        "moderation_details": {"moderation_stage": stage, "categories": ["violence"]},
    });
    Response::json(400, &json!({ "error": error }))
}
