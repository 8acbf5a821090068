//! OpenRouter: one picture in the answer of the images endpoint, or in a message of the chat endpoint.

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
pub(super) struct OpenRouter;

/// OpenRouter's own moderation stopped the input.
const INPUT: &str = "flagged input";
/// The provider behind it refused.
const POLICY: &str = "policy of the provider";
/// The model stopped while it drew. Charged in the chat form, whose finish reason is no error.
const STOPPED: &str = "stopped while drawing";

/// What a picture costs, in dollars: as OpenRouter lists it where a picture has one price, else as a sum of binary fractions
/// shows it.
fn cost(fields: &Value) -> f64 {
    match fields["model"].as_str() {
        Some("bytedance-seed/seedream-4.5") => 0.05,
        _ => 0.1 + 0.029,
    }
}

/// A form of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Images,
    Chat,
}

impl Dialect for OpenRouter {
    fn name(&self) -> &'static str {
        "openrouter"
    }

    fn base_path(&self) -> &'static str {
        "/api/v1"
    }

    fn refusals(&self) -> &'static [&'static str] {
        &[INPUT, POLICY, STOPPED]
    }

    fn key(&self, request: &Request) -> (&'static str, bool) {
        ("authorization", has_key(request, "authorization", "Bearer "))
    }

    fn answer(&self, request: &Request, desk: &mut Desk) -> Reply {
        let form = match (request.method.as_str(), request.path.as_str()) {
            ("GET", "/api/v1/key") => {
                let key = json!({"label": "fake", "limit": 10, "limit_remaining": 7.5, "usage": 2.5});
                return Reply::Plain(Response::json(200, &json!({ "data": key })));
            }
            ("POST", "/api/v1/images") => Form::Images,
            ("POST", "/api/v1/chat/completions") => Form::Chat,
            _ => return Reply::Plain(error(404, "not_found", "Not Found")),
        };
        let work = desk.take();
        let response = respond(form, &request.fields(), &work, desk);
        Reply::Picture(response, work)
    }
}

fn respond(form: Form, fields: &Value, work: &Work, desk: &mut Desk) -> Response {
    match work.case.inner() {
        Case::RateLimited => {
            error(429, "rate_limit_exceeded", "Rate limit exceeded").with("retry-after", "2")
        }
        Case::Quota => {
            let words = "Insufficient credits. Add more using https://openrouter.ai/credits";
            error(402, "payment_required", words)
        }
        Case::BadKey => error(401, "authentication", "No auth credentials found"),
        Case::RetiredModel => error(404, "not_found", "No endpoints found for the model."),
        Case::BadRequest => error(400, "invalid_request", "Invalid request parameters"),
        Case::ServerError => upstream_failed(form),
        Case::Refusal(way) => refused(form, way, fields, work, desk),
        Case::NoPicture => success(form, fields, work, None),
        _ => success(form, fields, work, Some(&work.picture(&asked(form, fields)))),
    }
}

/// The provider behind failed. The chat form says so inside a success, for the work had begun.
fn upstream_failed(form: Form) -> Response {
    let body = json!({"error": {
        "code": 502,
        "message": "Provider returned error",
        "metadata": {"provider_name": "Google AI Studio", "raw": "{\"error\": {\"code\": 500}}"},
    }});
    Response::json(if form == Form::Chat { 200 } else { 502 }, &body)
}

fn refused(form: Form, way: &str, fields: &Value, work: &Work, desk: &mut Desk) -> Response {
    match (way, form) {
        (INPUT, _) => {
            let body = json!({"error": {
                "code": 403,
                "message": "Your chosen model requires moderation and your input was flagged for violence.",
                "metadata": {
                    "reasons": ["violence"],
                    "flagged_input": "a red fox…",
                    "provider_name": "OpenAI",
                    "model_slug": "openai/gpt-image-2",
                },
            }, "user_id": "user_fake"});
            Response::json(403, &body)
        }
        (STOPPED, Form::Chat) => {
            desk.charge();
            let message = json!({"role": "assistant", "content": ""});
            chat("content_filter", &message, fields, work)
        }
        (_, Form::Chat) => {
            let error = json!({
                "code": 403,
                "message": "The provider refused the request.",
                "metadata": {"error_type": "content_policy_violation"},
            });
            let choice = json!({
                "index": 0,
                "finish_reason": "error",
                "message": {"role": "assistant", "content": ""},
                "error": error,
            });
            Response::json(200, &json!({"id": "gen-fake", "choices": [choice]}))
        }
        (POLICY, Form::Images) => error(
            400,
            "content_policy_violation",
            "The provider refused the request.",
        ),
        (_, Form::Images) => error(502, "refusal", "The model refused to go on."),
    }
}

fn asked(form: Form, fields: &Value) -> Asked {
    let sizes = if form == Form::Chat {
        &fields["image_config"]
    } else {
        fields
    };
    let word = |name: &str| sizes[name].as_str().unwrap_or_default();
    let edges = word("size").split_once('x');
    let pixels = edges.and_then(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)));
    let scaled = |edge_px: u32| match (word("resolution"), word("image_size")) {
        ("4K", _) | (_, "4K") => edge_px * 4,
        ("2K", _) | (_, "2K") => edge_px * 2,
        ("512", _) | (_, "512") => edge_px / 2,
        _ => edge_px,
    };
    let (width_px, height_px) = match word("aspect_ratio") {
        "16:9" => (1344, 768),
        "9:16" => (768, 1344),
        "3:2" => (1248, 832),
        "2:3" => (832, 1248),
        "4:3" => (1184, 864),
        "3:4" => (864, 1184),
        _ => (1024, 1024),
    };
    Asked {
        size_px: pixels.unwrap_or_else(|| (scaled(width_px), scaled(height_px))),
        format: Format::named(fields["output_format"].as_str().unwrap_or_default()),
        seed: None,
    }
}

fn success(form: Form, fields: &Value, work: &Work, picture: Option<&[u8]>) -> Response {
    let encoded = picture.map(|picture| STANDARD.encode(picture));
    match form {
        Form::Images => {
            let media_type = asked(form, fields).format.media_type();
            let data: Vec<Value> = encoded
                .iter()
                .map(|encoded| json!({"b64_json": encoded, "media_type": media_type}))
                .collect();
            let usage = json!({
                "prompt_tokens": 0, "completion_tokens": 4175, "total_tokens": 4175, "cost": cost(fields),
            });
            let body = json!({"created": 1_795_000_000, "data": data, "usage": usage});
            Response::json(200, &body).with("x-generation-id", format!("gen-fake-{}", work.number))
        }
        Form::Chat => {
            let images: Vec<Value> = encoded
                .iter()
                .map(|encoded| {
                    let url = format!("data:image/png;base64,{encoded}");
                    json!({"type": "image_url", "image_url": {"url": url}})
                })
                .collect();
            let message = json!({"role": "assistant", "content": "", "images": images});
            chat("stop", &message, fields, work)
        }
    }
}

fn chat(finish_reason: &str, message: &Value, fields: &Value, work: &Work) -> Response {
    let choice = json!({
        "index": 0, "finish_reason": finish_reason, "native_finish_reason": finish_reason, "message": message,
    });
    let body = json!({
        "id": format!("gen-fake-{}", work.number),
        "object": "chat.completion",
        "created": 1_795_000_000,
        "model": "google/gemini-nano-banana-2.1",
        "choices": [choice],
        "usage": {"prompt_tokens": 12, "completion_tokens": 1290, "total_tokens": 1302, "cost": cost(fields)},
    });
    Response::json(200, &body)
}

fn error(status: u16, error_type: &str, message: &str) -> Response {
    let error = json!({"code": status, "message": message, "metadata": {"error_type": error_type}});
    Response::json(status, &json!({ "error": error }))
}
