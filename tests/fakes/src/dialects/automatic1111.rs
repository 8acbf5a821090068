//! The web UI of AUTOMATIC1111: one POST, one picture in the answer, no key.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::Dialect;
use crate::{
    case::Case,
    desk::{Asked, Desk, Reply, Work},
    exchange::{Request, Response},
    picture::Format,
};

/// The API.
#[derive(Debug)]
pub(super) struct Automatic1111;

/// The checkpoint that is loaded, and its hash.
const LOADED: (&str, &str) = ("sd_xl_base_1.0", "31e35c80fc");

impl Dialect for Automatic1111 {
    fn name(&self) -> &'static str {
        "automatic1111"
    }

    fn refusals(&self) -> &'static [&'static str] {
        &[]
    }

    /// It asks for no key as it is started; with one, it is the password.
    fn key(&self, request: &Request) -> (&'static str, bool) {
        let name = "authorization";
        let expected = format!("Basic {}", STANDARD.encode(format!("limn:{}", crate::Fake::KEY)));
        let given = request.header(name);
        (name, given.is_empty() || given == expected)
    }

    fn configuration(&self) -> String {
        String::new()
    }

    fn answer(&self, request: &Request, desk: &mut Desk) -> Reply {
        match (request.method.as_str(), request.path.as_str()) {
            ("GET", "/sdapi/v1/sd-models") => {
                let title = format!("{}.safetensors [{}]", LOADED.0, LOADED.1);
                let models = json!([{"title": title, "model_name": LOADED.0, "hash": LOADED.1}]);
                Reply::Plain(Response::json(200, &models))
            }
            ("POST", "/sdapi/v1/txt2img") => {
                let work = desk.take();
                Reply::Picture(respond(&request.fields(), &work), work)
            }
            _ => Reply::Plain(detail(404, &json!("Not Found"))),
        }
    }
}

fn respond(fields: &Value, work: &Work) -> Response {
    match work.case.inner() {
        // What stands before a server in the network.
        Case::RateLimited => Response::page(429).with("retry-after", "2"),
        Case::Quota => Response::page(403),
        Case::BadKey => detail(401, &json!("Incorrect username or password")),
        Case::RetiredModel => detail(404, &json!("Checkpoint not found")),
        Case::BadRequest => {
            let problem = json!({
                "loc": ["body", "steps"], "msg": "value is not a valid integer", "type": "type_error.integer",
            });
            detail(422, &json!([problem]))
        }
        Case::ServerError => {
            let body = json!({
                "error": "OutOfMemoryError", "detail": "", "body": "", "errors": "CUDA out of memory.",
            });
            Response::json(500, &body)
        }
        // Somebody interrupted the server before there was anything to see.
        Case::NoPicture => success(fields, &[]),
        _ => {
            let picture = STANDARD.encode(work.picture(&asked(fields)));
            success(fields, &[picture])
        }
    }
}

fn asked(fields: &Value) -> Asked {
    let edge = |name: &str| fields[name].as_u64().and_then(|edge| u32::try_from(edge).ok());
    let format = fields["override_settings"]["samples_format"].as_str();
    Asked {
        size_px: (edge("width").unwrap_or(512), edge("height").unwrap_or(512)),
        format: Format::named(format.unwrap_or_default()),
        seed: fields["seed"].as_u64(),
    }
}

/// A checkpoint that is not there is replaced by the one that is loaded.
fn success(fields: &Value, images: &[String]) -> Response {
    let seed = asked(fields).seed.unwrap_or(4_242_424_242);
    let info = json!({
        "prompt": fields["prompt"],
        "seed": seed,
        "all_seeds": [seed],
        "width": fields["width"],
        "height": fields["height"],
        "sd_model_name": LOADED.0,
        "sd_model_hash": LOADED.1,
        "index_of_first_image": 0,
        "infotexts": ["a fox\nSteps: 20"],
        "version": "v1.10.1",
    });
    let body = json!({"images": images, "parameters": fields, "info": info.to_string()});
    Response::json(200, &body)
}

fn detail(status: u16, detail: &Value) -> Response {
    Response::json(status, &json!({ "detail": detail }))
}
