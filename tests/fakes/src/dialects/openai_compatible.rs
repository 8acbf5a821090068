//! Servers that speak the OpenAI images API, each a little differently.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{Dialect, has_key, openai::asked};
use crate::{
    case::Case,
    desk::{Asked, Desk, Job, Reply, Work},
    exchange::{Request, Response},
};

/// A server.
#[derive(Debug)]
pub(super) struct Compatible {
    name: &'static str,
    /// The setting of the client.
    dialect: &'static str,
    /// How it reports errors.
    errors: Errors,
    /// What it answers with when nothing is said about that.
    default_is_address: bool,
}

/// Forms of an error.
#[derive(Clone, Copy, Debug)]
enum Errors {
    /// `{"error": {"message", "type", "code"}}`
    Object,
    /// `{"error": "words"}`
    Words,
    /// `{"detail": "words"}`
    Detail,
}

/// A server that knows nothing but OpenAI's own fields, and answers with addresses on itself.
pub(super) const PLAIN: Compatible = Compatible {
    name: "openai-compatible",
    dialect: "plain",
    errors: Errors::Object,
    default_is_address: true,
};

pub(super) const LOCAL_AI: Compatible = Compatible {
    name: "localai",
    dialect: "localai",
    errors: Errors::Object,
    default_is_address: true,
};

pub(super) const VLLM: Compatible = Compatible {
    name: "vllm-omni",
    dialect: "vllm",
    errors: Errors::Detail,
    default_is_address: false,
};

pub(super) const SGLANG: Compatible = Compatible {
    name: "sglang",
    dialect: "sglang",
    errors: Errors::Detail,
    default_is_address: true,
};

pub(super) const STABLE_DIFFUSION_CPP: Compatible = Compatible {
    name: "stable-diffusion-cpp",
    dialect: "stable-diffusion-cpp",
    errors: Errors::Words,
    default_is_address: false,
};

/// Where pictures are.
const PICTURES: &str = "/generated-images/";
/// Ends of the tag with further fields in a prompt of stable-diffusion.cpp.
const TAG: (&str, &str) = ("<sd_cpp_extra_args>", "</sd_cpp_extra_args>");

impl Dialect for Compatible {
    fn name(&self) -> &'static str {
        self.name
    }

    fn base_path(&self) -> &'static str {
        "/v1"
    }

    fn configuration(&self) -> String {
        let (id, dialect) = (self.name, self.dialect);
        format!(
            r#"kind = "openai-compatible"
dialect = "{dialect}"

[catalog.providers.{id}]
title = "{id}, a fake"
free = true
default_model = "fake"
class = "D"
refusals_are_billed = "no"

[catalog.providers.{id}.models.fake]
default_size = "512x512"
formats = ["image/png"]
max_prompt_chars = 4000
takes_seed = {takes_seed}
negative_prompt = "{negative_prompt}"
prices_as_of = "2026-11-21"
prices_source = "a fake costs nothing"
pricing = {{ kind = "free" }}

[catalog.providers.{id}.models.fake.sizes]
kind = "grid"
multiple_of_px = 16
min_side_px = 64
max_side_px = 2048
min_pixels = 4096
max_pixels = 4194304
max_ratio_milli = 4000
"#,
            takes_seed = dialect != "plain",
            negative_prompt = if dialect == "plain" { "merged" } else { "native" },
        )
    }

    fn refusals(&self) -> &'static [&'static str] {
        &[]
    }

    fn key(&self, request: &Request) -> (&'static str, bool) {
        ("authorization", has_key(request, "authorization", "Bearer "))
    }

    fn answer(&self, request: &Request, desk: &mut Desk) -> Reply {
        match (request.method.as_str(), request.path.as_str()) {
            ("GET", "/v1/models") => {
                let models = json!({"object": "list", "data": [{"id": "fake", "object": "model"}]});
                Reply::Plain(Response::json(200, &models))
            }
            ("POST", "/v1/images/generations") => {
                let work = desk.take();
                let response = self.respond(&request.fields(), &work, desk);
                Reply::Picture(response, work)
            }
            ("GET", path) => Reply::Plain(self.picture(path, desk)),
            _ => Reply::Plain(self.error(404, "Not Found")),
        }
    }
}

impl Compatible {
    fn respond(&self, fields: &Value, work: &Work, desk: &mut Desk) -> Response {
        match work.case.inner() {
            Case::RateLimited => self
                .error(429, "too many requests in the queue")
                .with("retry-after", "2"),
            Case::Quota => self.error(403, "the quota of this key is used up"),
            Case::BadKey => self.error(401, "invalid api key"),
            Case::RetiredModel => self.error(404, "model not found"),
            Case::BadRequest => self.error(400, "size must be in format 'WIDTHxHEIGHT'"),
            Case::ServerError => self.error(500, "generate_image returned no results"),
            Case::NoPicture => success(&[]),
            _ => match self.misfit(fields) {
                Some(words) => self.error(400, words),
                None => self.drawn(fields, work, desk),
            },
        }
    }

    /// Why the server refuses these fields.
    fn misfit(&self, fields: &Value) -> Option<&'static str> {
        let prompt = fields["prompt"].as_str().unwrap_or_default();
        if prompt.is_empty() {
            return Some("prompt required");
        }
        match self.dialect {
            "vllm" if fields["response_format"] == "url" => Some("Only 'b64_json' is supported"),
            "stable-diffusion-cpp" => {
                let (_, rest) = prompt.split_once(TAG.0)?;
                let (inside, _) = rest.split_once(TAG.1)?;
                let is_object = serde_json::from_str::<Value>(inside).is_ok_and(|value| value.is_object());
                (!is_object).then_some("invalid sd_cpp_extra_args")
            }
            _ => None,
        }
    }

    fn drawn(&self, fields: &Value, work: &Work, desk: &mut Desk) -> Response {
        let asked = asked(fields);
        let is_address = match fields["response_format"].as_str() {
            Some(format) => format == "url",
            None => self.default_is_address,
        };
        if !is_address {
            return success(&[json!({"b64_json": STANDARD.encode(work.picture(&asked))})]);
        }
        let id = format!("{}.{}", work.number, asked.format.extension());
        let path = format!("{PICTURES}{id}");
        // SGLang and the like name the path only.
        let url = match self.dialect {
            "localai" => format!("{}{path}", desk.origin),
            _ => path,
        };
        keep(id, work, asked, desk);
        success(&[json!({ "url": url })])
    }

    fn picture(&self, path: &str, desk: &Desk) -> Response {
        let kept = path.strip_prefix(PICTURES).and_then(|id| desk.jobs.get(id));
        match kept.filter(|_| !desk.expired) {
            Some(kept) => Response::bytes(
                200,
                kept.asked.format.media_type(),
                kept.work.picture(&kept.asked),
            ),
            None => self.error(404, "Not Found"),
        }
    }

    fn error(&self, status: u16, words: &str) -> Response {
        let body = match self.errors {
            Errors::Object => json!({"error": {"message": words, "type": "", "code": status}}),
            Errors::Words => json!({ "error": words }),
            Errors::Detail => json!({ "detail": words }),
        };
        Response::json(status, &body)
    }
}

/// Keeps a picture under its address. The work is over when the address is given out.
fn keep(id: String, work: &Work, asked: Asked, desk: &mut Desk) {
    let job = Job {
        id: id.clone(),
        work: work.clone(),
        asked,
        request: Value::Null,
        polls: 0,
        is_cancelled: false,
        is_ended: true,
    };
    desk.jobs.insert(id, job);
}

fn success(data: &[Value]) -> Response {
    Response::json(200, &json!({"created": 1_795_000_000, "data": data}))
}
