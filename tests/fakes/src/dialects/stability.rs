//! Stability AI: v1 with JSON and base64, v2beta with forms and bytes.

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
pub(super) struct Stability;

/// The prompt was refused, before anything was drawn.
const PROMPT: &str = "moderation of the prompt";
/// The picture was drawn, and comes blurred with a success. Charged.
const PICTURE: &str = "a filtered picture";
/// A reference picture shows somebody known. Only v2beta says so; v1 takes no pictures here.
const FIGURE: &str = "a public figure";

/// The seed of a picture when none is asked for.
const ANY_SEED: u64 = 343_940_597;

impl Dialect for Stability {
    fn name(&self) -> &'static str {
        "stability"
    }

    fn refusals(&self) -> &'static [&'static str] {
        &[PROMPT, PICTURE, FIGURE]
    }

    fn key(&self, request: &Request) -> (&'static str, bool) {
        ("authorization", has_key(request, "authorization", "Bearer "))
    }

    fn answer(&self, request: &Request, desk: &mut Desk) -> Reply {
        let engine = request
            .path
            .strip_prefix("/v1/generation/")
            .and_then(|rest| rest.strip_suffix("/text-to-image"));
        let service = request.path.strip_prefix("/v2beta/stable-image/generate/");
        match (request.method.as_str(), engine, service) {
            ("GET", _, _) if request.path == "/v1/user/account" => {
                let account = json!({"id": "user-fake", "email": "fake@example.com", "organizations": []});
                Reply::Plain(Response::json(200, &account))
            }
            ("POST", Some(_), _) => call(desk, |work, desk| v1(&request.fields(), work, desk)),
            ("POST", _, Some(service @ ("core" | "ultra" | "sd3"))) => {
                if !request.header("content-type").starts_with("multipart/form-data") {
                    let words = "content-type: must be multipart/form-data";
                    return Reply::Plain(v2beta_error(400, "bad_request", words));
                }
                call(desk, |work, desk| v2beta(service, &request.fields(), work, desk))
            }
            _ => Reply::Plain(v1_error(
                404,
                "not_found",
                "The specified resource was not found.",
            )),
        }
    }
}

fn call(desk: &mut Desk, respond: impl FnOnce(&Work, &mut Desk) -> Response) -> Reply {
    let work = desk.take();
    let response = respond(&work, desk).with("x-request-id", format!("fake{:028}", work.number));
    Reply::Picture(response, work)
}

fn v1(fields: &Value, work: &Work, desk: &mut Desk) -> Response {
    match work.case.inner() {
        Case::RateLimited => v1_error(429, "too_many_requests", "You have exceeded the rate limit."),
        Case::Quota => {
            let words = "Your organization does not have enough balance to request this action.";
            v1_error(429, "insufficient_balance", words)
        }
        Case::BadKey => v1_error(401, "unauthorized", "missing authorization header"),
        Case::RetiredModel => v1_error(404, "not_found", "The specified engine was not found."),
        Case::BadRequest => {
            let words = "for stable-diffusion-xl-1024-v1-0 the allowed dimensions are 1024x1024 and others";
            v1_error(400, "invalid_sdxl_v1_dimensions", words)
        }
        Case::ServerError => v1_error(500, "server_error", "An unexpected server error has occurred."),
        Case::Refusal(PICTURE) => {
            desk.charge();
            v1_success(fields, work, "CONTENT_FILTERED")
        }
        Case::Refusal(_) => v1_error(400, "invalid_prompts", "Invalid prompts detected"),
        Case::NoPicture => Response::json(200, &json!({"artifacts": []})),
        _ => v1_success(fields, work, "SUCCESS"),
    }
}

/// The service wraps its pictures in an object, its documents show them bare: even calls are answered as documented.
fn v1_success(fields: &Value, work: &Work, finish_reason: &str) -> Response {
    let edge = |name: &str| {
        let pixels = fields[name].as_u64().unwrap_or(512);
        u32::try_from(pixels).unwrap_or(512)
    };
    let asked = Asked {
        size_px: (edge("width"), edge("height")),
        format: Format::Png,
        seed: fields["seed"].as_u64(),
    };
    let artifacts = json!([{
        "base64": STANDARD.encode(work.picture(&asked)),
        "seed": asked.seed.unwrap_or(ANY_SEED),
        "finishReason": finish_reason,
    }]);
    if work.number.is_multiple_of(2) {
        return Response::json(200, &artifacts);
    }
    Response::json(200, &json!({ "artifacts": artifacts }))
}

fn v2beta(service: &str, fields: &Value, work: &Work, desk: &mut Desk) -> Response {
    let moderated = "Your request was flagged by our content moderation system, as a result your request was \
                     denied and you were not charged.";
    match work.case.inner() {
        Case::RateLimited => {
            let words = "You have exceeded the rate limit of 150 requests within a 10 second period, and have been \
                         timed out for 60 seconds.";
            v2beta_error(429, "rate_limit_exceeded", words)
        }
        Case::Quota => {
            let words = "You lack sufficient credits to make this request.";
            v2beta_error(402, "payment_required", words)
        }
        Case::BadKey => v2beta_error(401, "unauthorized", "authorization: is invalid"),
        Case::RetiredModel => v2beta_error(404, "not_found", "The requested resource was not found."),
        Case::BadRequest => v2beta_error(400, "bad_request", "aspect_ratio: is not one of the ratios"),
        Case::ServerError => v2beta_error(500, "internal_error", "An unexpected server error has occurred."),
        Case::Refusal(PICTURE) => {
            desk.charge();
            v2beta_success(service, fields, work, "CONTENT_FILTERED")
        }
        Case::Refusal(FIGURE) => {
            let words = "Our system detected the likeness of a public figure in your image.";
            v2beta_error(422, "public_figure", words)
        }
        Case::Refusal(_) => v2beta_error(403, "content_moderation", moderated),
        Case::NoPicture => Response::bytes(200, "image/png", Vec::new()),
        _ => v2beta_success(service, fields, work, "SUCCESS"),
    }
}

fn v2beta_success(service: &str, fields: &Value, work: &Work, finish_reason: &str) -> Response {
    let text = |name: &str| fields[name].as_str().unwrap_or_default();
    let asked = Asked {
        size_px: size_px(service, text("aspect_ratio")),
        format: Format::named(text("output_format")),
        seed: text("seed").parse().ok().filter(|seed| *seed != 0),
    };
    let seed = asked.seed.unwrap_or(ANY_SEED);
    Response::bytes(200, asked.format.media_type(), work.picture(&asked))
        .with("finish-reason", finish_reason)
        .with("seed", seed.to_string())
}

/// About a megapixel, at core a square of 1536 by 1536.
fn size_px(service: &str, ratio: &str) -> (u32, u32) {
    match (service, ratio) {
        ("core", "" | "1:1") => (1536, 1536),
        (_, "16:9") => (1344, 768),
        (_, "9:16") => (768, 1344),
        (_, "3:2") => (1216, 832),
        (_, "2:3") => (832, 1216),
        (_, "5:4") => (1088, 896),
        (_, "4:5") => (896, 1088),
        (_, "21:9") => (1536, 640),
        (_, "9:21") => (640, 1536),
        _ => (1024, 1024),
    }
}

fn v1_error(status: u16, name: &str, message: &str) -> Response {
    Response::json(
        status,
        &json!({"id": "4212a4b66fbe1ced", "name": name, "message": message}),
    )
}

fn v2beta_error(status: u16, name: &str, message: &str) -> Response {
    Response::json(
        status,
        &json!({"id": "4212a4b66fbe1ced", "name": name, "errors": [message]}),
    )
}
