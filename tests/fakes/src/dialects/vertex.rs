//! Imagen on Vertex AI: a picture that was filtered is simply not there.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{Dialect, google::error, has_key};
use crate::{
    case::Case,
    desk::{Asked, Desk, Reply, Work},
    exchange::{Request, Response},
    picture::Format,
};

/// The API.
#[derive(Debug)]
pub(super) struct Vertex;

/// The prompt was refused, in prose.
const PROMPT: &str = "a prompt with sensitive words";
/// The picture was drawn and filtered, and there are no predictions. Charged.
const SILENT: &str = "a picture that is missing";
/// The picture was drawn and filtered, and its prediction says why. Charged.
const WITH_REASON: &str = "a picture that is missing for a reason";

impl Dialect for Vertex {
    fn name(&self) -> &'static str {
        "vertex"
    }

    fn configuration(&self) -> String {
        format!(
            "project = \"fake-project\"\nregion = \"us-central1\"\napi_key = {:?}\n",
            crate::Fake::KEY
        )
    }

    fn refusals(&self) -> &'static [&'static str] {
        &[PROMPT, SILENT, WITH_REASON]
    }

    fn key(&self, request: &Request) -> (&'static str, bool) {
        ("authorization", has_key(request, "authorization", "Bearer "))
    }

    fn answer(&self, request: &Request, desk: &mut Desk) -> Reply {
        let is_call = request.path.starts_with("/v1/projects/")
            && request.path.contains("/publishers/google/models/")
            && request.path.ends_with(":predict");
        match request.method.as_str() {
            "GET" if request.path == "/v1beta1/publishers/google/models" => {
                let models = json!({"publisherModels": [{"name": "publishers/google/models/imagen-4.0-generate-001"}]});
                Reply::Plain(Response::json(200, &models))
            }
            // Where a service account gets its tokens.
            "POST" if request.path == "/token" => {
                let fields = request.fields();
                let is_asked = fields["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
                    && fields["assertion"].is_string();
                Reply::Plain(if is_asked && !desk.has_forgotten {
                    let token =
                        json!({"access_token": crate::Fake::KEY, "expires_in": 3599, "token_type": "Bearer"});
                    Response::json(200, &token)
                } else {
                    let error =
                        json!({"error": "invalid_grant", "error_description": "Invalid JWT Signature."});
                    Response::json(400, &error)
                })
            }
            "POST" if is_call => {
                let work = desk.take();
                let response = respond(&request.fields(), &work, desk);
                Reply::Picture(response, work)
            }
            _ => Reply::Plain(error(
                404,
                "NOT_FOUND",
                "The requested URL was not found.",
                json!([]),
            )),
        }
    }
}

fn respond(fields: &Value, work: &Work, desk: &mut Desk) -> Response {
    match work.case.inner() {
        Case::RateLimited => {
            let words =
                "Quota exceeded for online_prediction_requests_per_base_model with base model: imagen-4.0.";
            error(429, "RESOURCE_EXHAUSTED", words, json!([]))
        }
        Case::Quota => {
            let info = json!([{
                "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                "reason": "BILLING_DISABLED",
                "domain": "googleapis.com",
            }]);
            error(
                403,
                "PERMISSION_DENIED",
                "This API method requires billing to be enabled.",
                info,
            )
        }
        Case::BadKey => {
            let words = "Request had invalid authentication credentials. Expected OAuth 2 access token.";
            error(401, "UNAUTHENTICATED", words, json!([]))
        }
        Case::RetiredModel => {
            let words = "Publisher Model was not found or your project does not have access to it.";
            error(404, "NOT_FOUND", words, json!([]))
        }
        Case::BadRequest => error(400, "INVALID_ARGUMENT", "Invalid aspect ratio: 7:5.", json!([])),
        Case::ServerError => error(500, "INTERNAL", "Internal error encountered.", json!([])),
        Case::Refusal(PROMPT) => {
            let words = "Image generation failed with the following error: The prompt could not be submitted. This \
                         prompt contains sensitive words that violate Google's Responsible AI practices. Support \
                         codes: 42876398";
            error(400, "INVALID_ARGUMENT", words, json!([]))
        }
        Case::Refusal(SILENT) => {
            desk.charge();
            Response::json(200, &json!({}))
        }
        Case::Refusal(_) => {
            desk.charge();
            let prompt = fields["instances"][0]["prompt"].as_str().unwrap_or_default();
            let why = format!("Unable to show images of '{prompt}'. Support codes: 58061214");
            Response::json(200, &predictions(&json!({ "raiFilteredReason": why })))
        }
        Case::NoPicture => Response::json(200, &predictions(&json!({ "mimeType": "image/png" }))),
        _ => success(fields, work),
    }
}

fn success(fields: &Value, work: &Work) -> Response {
    let parameters = &fields["parameters"];
    let format = Format::named(
        parameters["outputOptions"]["mimeType"]
            .as_str()
            .unwrap_or_default(),
    );
    let asked = Asked {
        size_px: size_px(
            parameters["aspectRatio"].as_str().unwrap_or_default(),
            parameters["sampleImageSize"].as_str().unwrap_or_default(),
        ),
        format,
        seed: parameters["seed"].as_u64(),
    };
    let mut prediction = json!({
        "mimeType": format.media_type(),
        "bytesBase64Encoded": STANDARD.encode(work.picture(&asked)),
    });
    if parameters["enhancePrompt"] == true {
        prediction["prompt"] = "A red fox in fresh snow, in soft morning light".into();
    }
    Response::json(200, &predictions(&prediction))
}

fn predictions(prediction: &Value) -> Value {
    json!({
        "predictions": [prediction],
        "model": "publishers/google/models/imagen-4.0-generate-001",
    })
}

/// Sizes at 1K; those at 2K are twice as large.
fn size_px(ratio: &str, class: &str) -> (u32, u32) {
    let (width, height) = match ratio {
        "3:4" => (896, 1280),
        "4:3" => (1280, 896),
        "9:16" => (768, 1408),
        "16:9" => (1408, 768),
        _ => (1024, 1024),
    };
    let times = if class == "2K" { 2 } else { 1 };
    (width * times, height * times)
}
