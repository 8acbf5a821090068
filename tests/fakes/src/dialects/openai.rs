//! OpenAI images: one POST, one picture in the answer, or a stream of events with unfinished ones before it.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{Dialect, has_key};
use crate::{
    case::Case,
    desk::{Asked, Desk, Reply, Work},
    exchange::{Request, Response},
    picture::{self, Format},
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
            ("GET", "/v1/models") if !has_key(request, "authorization", "Bearer ") => {
                Reply::Plain(wrong_key())
            }
            ("GET", "/v1/models") => {
                let models = json!({"object": "list", "data": [{"id": "gpt-image-2", "object": "model"}]});
                Reply::Plain(Response::json(200, &models))
            }
            ("POST", "/v1/images/generations" | "/v1/images/edits") => {
                let work = desk.take();
                let response =
                    respond(request, &work, desk).with("x-request-id", format!("req_fake_{}", work.number));
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

fn respond(request: &Request, work: &Work, desk: &mut Desk) -> Response {
    let fields = &request.fields();
    let usage = usage(fields, request.files().len());
    match work.case.inner() {
        Case::RateLimited => {
            let words = "Rate limit reached.";
            error(429, "requests", "rate_limit_exceeded", words)
                .with("retry-after-ms", desk.wait.as_millis().to_string())
        }
        Case::Quota => {
            let kind = "insufficient_quota";
            error(429, kind, kind, "You exceeded your current quota.")
        }
        Case::BadKey => wrong_key(),
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
        Case::NoPicture if is_streamed(fields) => stream(request, fields, None, work, &usage),
        Case::NoPicture => success(None, &usage),
        _ => {
            let picture = work.picture(&asked(fields));
            if is_streamed(fields) {
                stream(request, fields, Some(&picture), work, &usage)
            } else {
                success(Some(&picture), &usage)
            }
        }
    }
}

/// True when events are asked for, in JSON or in a form.
fn is_streamed(fields: &Value) -> bool {
    fields["stream"] == true || fields["stream"] == "true"
}

/// Unfinished pictures, each an eighth of the size, then the finished one.
fn stream(request: &Request, fields: &Value, picture: Option<&[u8]>, work: &Work, usage: &Value) -> Response {
    let beginning = if request.path.ends_with("/edits") {
        "image_edit"
    } else {
        "image_generation"
    };
    let asked = asked(fields);
    let mut body = String::new();
    let mut say = |end: &str, mut event: Value| {
        let name = format!("{beginning}.{end}");
        event["type"] = name.as_str().into();
        event["created_at"] = 1_795_000_000.into();
        event["output_format"] = asked.format.extension().into();
        body.push_str(&format!("event: {name}\ndata: {event}\n\n"));
    };
    for index in 0..partial_images(fields) {
        let (width_px, height_px) = asked.size_px;
        let size_px = (width_px.div_ceil(8), height_px.div_ceil(8));
        let partial = picture::draw(size_px, asked.format, work.number + index);
        say(
            "partial_image",
            json!({"b64_json": STANDARD.encode(partial), "partial_image_index": index}),
        );
    }
    let mut completed = json!({ "usage": usage });
    if let Some(picture) = picture {
        completed["b64_json"] = STANDARD.encode(picture).into();
    }
    say("completed", completed);
    Response::bytes(200, "text/event-stream; charset=utf-8", body.into_bytes())
}

/// Pictures that are referred to are counted as tokens too, and so are unfinished ones.
fn usage(fields: &Value, references: usize) -> Value {
    let image_tokens = 323 * u64::try_from(references).unwrap_or(0);
    let output_tokens = picture_tokens(fields) + 100 * partial_images(fields);
    json!({
        "input_tokens": 12 + image_tokens,
        "input_tokens_details": {"text_tokens": 12, "image_tokens": image_tokens},
        "output_tokens": output_tokens,
        "total_tokens": 12 + image_tokens + output_tokens,
    })
}

/// Tokens of a picture, as OpenAI counts one of 1024 x 1024 px.
fn picture_tokens(fields: &Value) -> u64 {
    let is_newer = fields["model"]
        .as_str()
        .is_some_and(|model| model.starts_with("gpt-image-2.5"));
    match (fields["quality"].as_str(), is_newer) {
        (Some("low"), _) => 196,
        (Some("high"), false) => 7024,
        (Some("high"), true) | (_, false) => 1756,
        (_, true) => 439,
    }
}

/// How many unfinished pictures are asked for, in JSON or in a form.
fn partial_images(fields: &Value) -> u64 {
    match &fields["partial_images"] {
        Value::String(text) => text.parse().unwrap_or(0),
        number => number.as_u64().unwrap_or(0),
    }
}

fn wrong_key() -> Response {
    let words = "Incorrect API key provided: sk-fake-********cdef.";
    error(401, "invalid_request_error", "invalid_api_key", words)
}

pub(super) fn asked(fields: &Value) -> Asked {
    let edges = fields["size"].as_str().and_then(|size| size.split_once('x'));
    let size_px = edges.and_then(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)));
    Asked {
        size_px: size_px.unwrap_or((1024, 1024)),
        format: Format::named(fields["output_format"].as_str().unwrap_or_default()),
        seed: None,
    }
}

fn success(picture: Option<&[u8]>, usage: &Value) -> Response {
    let data: Vec<Value> = picture
        .iter()
        .map(|picture| json!({"b64_json": STANDARD.encode(picture)}))
        .collect();
    let body = json!({"created": 1_795_000_000, "data": data, "usage": usage});
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
