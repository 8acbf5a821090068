//! The Gemini API: refusals that look like successes, and parts in any order.

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
pub(super) struct Google;

/// Refusals of the prompt, before anything was drawn.
const BLOCKED: &str = "blockReason ";
/// Refusals of the picture, after it was drawn. Charged.
const FINISHED: &str = "finishReason ";

impl Dialect for Google {
    fn name(&self) -> &'static str {
        "google"
    }

    fn base_path(&self) -> &'static str {
        "/v1beta"
    }

    fn refusals(&self) -> &'static [&'static str] {
        &[
            "blockReason SAFETY",
            "blockReason OTHER",
            "blockReason BLOCKLIST",
            "blockReason PROHIBITED_CONTENT",
            "blockReason IMAGE_SAFETY",
            "finishReason SAFETY",
            "finishReason RECITATION",
            "finishReason BLOCKLIST",
            "finishReason PROHIBITED_CONTENT",
            "finishReason SPII",
            "finishReason IMAGE_SAFETY",
            "finishReason IMAGE_PROHIBITED_CONTENT",
            "finishReason IMAGE_RECITATION",
        ]
    }

    fn key(&self, request: &Request) -> (&'static str, bool) {
        ("x-goog-api-key", has_key(request, "x-goog-api-key", ""))
    }

    fn answer(&self, request: &Request, desk: &mut Desk) -> Reply {
        let path = request.path.strip_prefix("/v1beta/models").unwrap_or_default();
        let model = path
            .strip_prefix('/')
            .and_then(|rest| rest.strip_suffix(":generateContent"));
        match (request.method.as_str(), model) {
            ("GET", None) if path.is_empty() => {
                let model = json!({
                    "name": "models/gemini-nano-banana-2.1",
                    "supportedGenerationMethods": ["generateContent"],
                });
                Reply::Plain(Response::json(200, &json!({ "models": [model] })))
            }
            ("POST", Some(model)) => {
                let work = desk.take();
                let response = respond(model, &request.fields(), &work, desk);
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

fn respond(model: &str, fields: &Value, work: &Work, desk: &mut Desk) -> Response {
    match work.case.inner() {
        Case::RateLimited => exhausted("GenerateRequestsPerMinutePerProjectPerModel", "34s"),
        Case::Quota => exhausted("GenerateRequestsPerDayPerProjectPerModel-FreeTier", "37.826s"),
        Case::BadKey => {
            let info = json!([{
                "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                "reason": "API_KEY_INVALID",
                "domain": "googleapis.com",
            }]);
            let words = "API key not valid. Please pass a valid API key.";
            error(400, "INVALID_ARGUMENT", words, info)
        }
        Case::RetiredModel => {
            let words = format!("models/{model} is not found for API version v1beta.");
            error(404, "NOT_FOUND", &words, json!([]))
        }
        Case::BadRequest => {
            let words = "Invalid value at 'generation_config.image_config.aspect_ratio'.";
            error(400, "INVALID_ARGUMENT", words, json!([]))
        }
        Case::ServerError => error(500, "INTERNAL", "An internal error has occurred.", json!([])),
        Case::Refusal(way) => refused(model, fields, way, desk),
        Case::NoPicture => {
            let candidate = json!({"content": {}, "finishReason": "NO_IMAGE", "index": 0});
            Response::json(200, &body(model, &json!([candidate]), 0))
        }
        _ => success(model, fields, work),
    }
}

fn refused(model: &str, fields: &Value, way: &str, desk: &mut Desk) -> Response {
    if let Some(reason) = way.strip_prefix(BLOCKED) {
        let mut body = body(model, &json!([]), 0);
        body["promptFeedback"] = json!({ "blockReason": reason });
        return Response::json(200, &body);
    }
    desk.charge();
    let reason = way.strip_prefix(FINISHED).unwrap_or("IMAGE_SAFETY");
    let candidate = json!({
        "content": {},
        "finishReason": reason,
        "finishMessage": "Unable to show the generated image.",
        "index": 0,
    });
    let class = class(fields);
    Response::json(
        200,
        &body(model, &json!([candidate]), picture_tokens(model, class)),
    )
}

/// A draft that was thought, words, the picture, and words again.
fn success(model: &str, fields: &Value, work: &Work) -> Response {
    let image = &fields["generationConfig"]["imageConfig"];
    let text = |name: &str| image[name].as_str().unwrap_or_default();
    // The second generation draws PNG, the third JPEG; neither asks.
    let format = if model.starts_with("gemini-2.") {
        Format::Png
    } else {
        Format::Jpeg
    };
    let asked = Asked {
        size_px: size_px(model, text("aspectRatio"), text("imageSize")),
        format,
        seed: fields["generationConfig"]["seed"].as_u64(),
    };
    let inline = |mime: &str, data: String| json!({"mimeType": mime, "data": data});
    let parts = json!([
        {"text": "Thinking about the light.", "thought": true},
        {"inlineData": inline("image/png", "ZHJhZnQ=".to_owned()), "thought": true},
        {"text": "Here is your picture."},
        {"inlineData": inline(format.media_type(), STANDARD.encode(work.picture(&asked))),
         "thoughtSignature": "c2lnbmVk"},
        {"text": "Shall I change anything?"},
    ]);
    let candidate = json!({
        "content": {"role": "model", "parts": parts},
        "finishReason": "STOP",
        "index": 0,
    });
    let tokens = picture_tokens(model, class(fields));
    Response::json(200, &body(model, &json!([candidate]), tokens))
}

fn class(fields: &Value) -> &str {
    let class = fields["generationConfig"]["imageConfig"]["imageSize"].as_str();
    class.unwrap_or_default()
}

/// Tokens of a picture, as Google's page of prices has them.
fn picture_tokens(model: &str, class: &str) -> u64 {
    match (model, class) {
        (second, _) if second.starts_with("gemini-2.") => 1290,
        ("gemini-3-pro-image", "4K") => 2000,
        ("gemini-3-pro-image", _) => 1120,
        (_, "4K") => 3780,
        (_, "2K") => 1680,
        _ => 1120,
    }
}

/// Tokens of what a model thinks. The second generation does not.
fn thought_tokens(model: &str) -> u64 {
    match model {
        second if second.starts_with("gemini-2.") => 0,
        "gemini-3-pro-image" => 812,
        _ => 347,
    }
}

/// Tokens of the words around a picture.
const WORDS: u64 = 12;

fn body(model: &str, candidates: &Value, image_tokens: u64) -> Value {
    let mut usage = json!({
        "promptTokenCount": 12,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 12}],
        "totalTokenCount": 12,
    });
    if image_tokens > 0 {
        let thoughts = thought_tokens(model);
        usage["candidatesTokenCount"] = (image_tokens + WORDS).into();
        usage["candidatesTokensDetails"] = json!([{"modality": "IMAGE", "tokenCount": image_tokens}]);
        usage["totalTokenCount"] = (12 + image_tokens + WORDS + thoughts).into();
        if thoughts > 0 {
            usage["thoughtsTokenCount"] = thoughts.into();
        }
    }
    let mut body = json!({
        "usageMetadata": usage,
        "modelVersion": model,
        "responseId": "mAITaLr-fake",
    });
    if candidates
        .as_array()
        .is_some_and(|candidates| !candidates.is_empty())
    {
        body["candidates"] = candidates.clone();
    }
    body
}

/// Sizes at 1K, by generation; the other classes are multiples.
fn size_px(model: &str, ratio: &str, class: &str) -> (u32, u32) {
    let is_second = model.starts_with("gemini-2.");
    let by_generation = |second: (u32, u32), third: (u32, u32)| if is_second { second } else { third };
    let (width, height) = match ratio {
        "2:3" => by_generation((832, 1248), (848, 1264)),
        "3:2" => by_generation((1248, 832), (1264, 848)),
        "3:4" => by_generation((864, 1184), (896, 1200)),
        "4:3" => by_generation((1184, 864), (1200, 896)),
        "4:5" => by_generation((896, 1152), (928, 1152)),
        "5:4" => by_generation((1152, 896), (1152, 928)),
        "9:16" => by_generation((768, 1344), (768, 1376)),
        "16:9" => by_generation((1344, 768), (1376, 768)),
        "21:9" => by_generation((1536, 672), (1584, 672)),
        _ => (1024, 1024),
    };
    let times = match class {
        "2K" => 2,
        "4K" => 4,
        _ => 1,
    };
    (width * times, height * times)
}

fn exhausted(quota: &str, delay: &str) -> Response {
    let details = json!([
        {"@type": "type.googleapis.com/google.rpc.QuotaFailure",
         "violations": [{"quotaMetric": "generativelanguage.googleapis.com/generate_requests", "quotaId": quota}]},
        {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay},
    ]);
    error(
        429,
        "RESOURCE_EXHAUSTED",
        "You exceeded your current quota.",
        details,
    )
}

/// The error object that all Google APIs share.
pub(super) fn error(code: u16, status: &str, message: &str, details: Value) -> Response {
    let mut error = json!({"code": code, "message": message, "status": status});
    if details.as_array().is_some_and(|details| !details.is_empty()) {
        error["details"] = details;
    }
    Response::json(code, &json!({ "error": error }))
}
