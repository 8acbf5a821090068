//! What the fake answers.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use image::{DynamicImage, Rgb, RgbImage};
use serde_json::{Value, json};

use super::{
    super::exchange::{Request, Response},
    Gate,
};
use crate::{artifact::encode, plan::ImageFormat};

/// One answer of the fake.
#[derive(Clone, Debug)]
pub enum Reply {
    /// An image of the size and format asked for, with usage. Each call draws another one. Charged.
    Image,
    /// The same without usage. Charged.
    ImageWithoutUsage,
    /// An image of another size. Charged.
    WrongSize {
        /// Width in pixels.
        width_px: u32,
        /// Height in pixels.
        height_px: u32,
    },
    /// These bytes in the place of the image. Charged.
    Bytes(Vec<u8>),
    /// A PNG of a few bytes that claims to be of 100,000 by 100,000 pixels. Charged.
    Bomb,
    /// A success that breaks off in its middle. Charged.
    TruncatedBody,
    /// A success with a web page. Charged.
    Html,
    /// A success with an address instead of an image. Charged.
    Url,
    /// A success with so many bytes of nothing. Charged.
    Garbage {
        /// Size of the body.
        size_bytes: usize,
    },
    /// An error of the API.
    Error {
        /// Status.
        status: u16,
        /// The error object.
        error: Value,
        /// Headers.
        headers: Vec<(String, String)>,
        /// Whether the work is charged nevertheless.
        charged: bool,
    },
    /// A gateway's page: nobody knows whether there was work behind it. Charged, as the worst case.
    GatewayPage {
        /// Status.
        status: u16,
    },
    /// The connection is closed without an answer. Charged, as the worst case.
    Disconnect,
    /// The reply behind a gate. Charged, if at all, when the request arrives.
    After(Gate, Box<Reply>),
    /// A list of models. For [`super::FakeOpenAi::check_reply`].
    Models,
}

impl Reply {
    /// The reply, held back until the gate opens.
    pub fn after(gate: &Gate, reply: Self) -> Self {
        Self::After(gate.clone(), Box::new(reply))
    }

    /// An error of the API, not charged.
    pub fn error(status: u16, kind: &str, code: &str, message: &str) -> Self {
        Self::Error {
            status,
            error: json!({"message": message, "type": kind, "param": null, "code": code}),
            headers: Vec::new(),
            charged: false,
        }
    }

    /// 400 for a parameter.
    pub fn bad_request() -> Self {
        Self::error(
            400,
            "invalid_request_error",
            "invalid_value",
            "Invalid value: 'size'.",
        )
    }

    /// 401.
    pub fn unauthorized() -> Self {
        let message = "Incorrect API key provided: sk-fake-********cdef.";
        Self::error(401, "invalid_request_error", "invalid_api_key", message)
    }

    /// 404.
    pub fn not_found() -> Self {
        Self::error(
            404,
            "invalid_request_error",
            "unknown_url",
            "Unknown request URL.",
        )
    }

    /// 429 that passes by itself after a time.
    pub fn rate_limited(retry_after: Duration) -> Self {
        let error =
            json!({"message": "Rate limit reached.", "type": "requests", "code": "rate_limit_exceeded"});
        Self::Error {
            status: 429,
            error,
            headers: vec![("retry-after-ms".to_owned(), retry_after.as_millis().to_string())],
            charged: false,
        }
    }

    /// 429 that does not pass by itself.
    pub fn insufficient_quota() -> Self {
        let kind = "insufficient_quota";
        Self::error(429, kind, kind, "You exceeded your current quota.")
    }

    /// 500 in the API's own words.
    pub fn server_error() -> Self {
        Self::error(500, "server_error", "", "The server had an error.")
    }

    /// 400 for the prompt, before anything was drawn.
    pub fn moderation_input() -> Self {
        Self::moderation("input", false)
    }

    /// 400 for the picture, after it was drawn. Charged.
    pub fn moderation_output() -> Self {
        Self::moderation("output", true)
    }

    fn moderation(stage: &str, charged: bool) -> Self {
        let error = json!({
            "message": "Your request was rejected by the safety system. safety_violations=[violence].",
            "type": "image_generation_user_error",
            "param": null,
            "code": "moderation_blocked",
            "moderation_details": {"moderation_stage": stage, "categories": ["violence"]},
        });
        Self::Error {
            status: 400,
            error,
            headers: Vec::new(),
            charged,
        }
    }

    /// Whether the provider would charge the call.
    pub fn is_charged(&self) -> bool {
        match self {
            Self::Error { charged, .. } => *charged,
            Self::After(_, then) => then.is_charged(),
            Self::Models => false,
            _ => true,
        }
    }

    /// The response to a request; nothing when the connection is just closed.
    pub(super) fn into_response(self, request: &Request, call: u64) -> Option<Response> {
        let asked = Asked::read(request);
        let response = match self {
            Self::Disconnect | Self::After(..) => return None,
            Self::Image => success(&asked.draw(asked.size_px, call), true),
            Self::ImageWithoutUsage => success(&asked.draw(asked.size_px, call), false),
            Self::WrongSize { width_px, height_px } => {
                success(&asked.draw((width_px, height_px), call), true)
            }
            Self::Bytes(bytes) => success(&bytes, true),
            Self::Bomb => success(&bomb(), true),
            Self::TruncatedBody => {
                let whole = success(&asked.draw(asked.size_px, call), true);
                let cut_at = Some(whole.body.len() / 2);
                Response { cut_at, ..whole }
            }
            Self::Html => page(200),
            Self::GatewayPage { status } => page(status),
            Self::Url => as_json(200, &json!({"data": [{"url": "http://127.0.0.1:9/image.png"}]})),
            Self::Garbage { size_bytes } => Response {
                body: vec![b'x'; size_bytes],
                ..as_json(200, &Value::Null)
            },
            Self::Error {
                status,
                error,
                headers,
                ..
            } => {
                let mut response = as_json(status, &json!({ "error": error }));
                response.headers.extend(headers);
                response
            }
            Self::Models => as_json(200, &json!({"object": "list", "data": [{"id": "gpt-image-2"}]})),
        };
        Some(with_request_id(response, call))
    }
}

/// What a request asks for, as far as the fake cares.
struct Asked {
    size_px: (u32, u32),
    format: ImageFormat,
}

impl Asked {
    fn read(request: &Request) -> Self {
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let edges = body["size"].as_str().and_then(|size| size.split_once('x'));
        let size_px = edges.and_then(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)));
        let format = match body["output_format"].as_str() {
            Some("jpeg") => ImageFormat::Jpeg,
            Some("webp") => ImageFormat::Webp,
            _ => ImageFormat::Png,
        };
        Self {
            size_px: size_px.unwrap_or((1024, 1024)),
            format,
        }
    }

    /// A gradient whose tint tells one call from another.
    fn draw(&self, (width_px, height_px): (u32, u32), call: u64) -> Vec<u8> {
        let tint = u8::try_from(call * 37 % 256).unwrap_or(0);
        let shade = |at: u32, of: u32| u8::try_from(at * 255 / of.max(1)).unwrap_or(u8::MAX);
        let pixels = RgbImage::from_fn(width_px, height_px, |x, y| {
            Rgb([shade(x, width_px), shade(y, height_px), tint])
        });
        encode(&DynamicImage::from(pixels), self.format, 90).unwrap_or_default()
    }
}

fn success(image: &[u8], with_usage: bool) -> Response {
    let mut body = json!({
        "created": 1_795_000_000,
        "data": [{"b64_json": STANDARD.encode(image)}],
    });
    if with_usage {
        body["usage"] = json!({
            "input_tokens": 12,
            "input_tokens_details": {"text_tokens": 12, "image_tokens": 0},
            "output_tokens": 1056,
            "total_tokens": 1068,
        });
    }
    as_json(200, &body)
}

fn as_json(status: u16, body: &Value) -> Response {
    Response {
        status,
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body: body.to_string().into_bytes(),
        cut_at: None,
    }
}

fn page(status: u16) -> Response {
    Response {
        status,
        headers: vec![("content-type".to_owned(), "text/html".to_owned())],
        body: b"<html><body>not the API</body></html>".to_vec(),
        cut_at: None,
    }
}

fn with_request_id(mut response: Response, call: u64) -> Response {
    response
        .headers
        .push(("x-request-id".to_owned(), format!("req_fake_{call}")));
    response
}

/// Signature, `IHDR` and `IEND`. The checksum of the header is right.
fn bomb() -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\x01\x86\xa0\0\x01\x86\xa0\x08\x02\0\0\0".to_vec();
    bytes.extend_from_slice(&[0x27, 0x30, 0x9c, 0x9f]);
    bytes.extend_from_slice(b"\0\0\0\0IEND\xaeB`\x82");
    bytes
}
