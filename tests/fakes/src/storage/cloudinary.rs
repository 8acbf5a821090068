//! Cloudinary: upload, download and destroy with signatures, and the Admin API with a key.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};
use sha1::{Digest as _, Sha1};

use super::serve::{Serving, decoded, now_unix, pairs, rfc3339};
use crate::exchange::{Request, Response};

/// An account on the loopback interface.
#[derive(Debug)]
pub struct CloudinaryFake {
    serving: Serving,
}

#[derive(Clone, Debug)]
struct Asset {
    bytes: Vec<u8>,
    format: String,
    context: Map<String, Value>,
    created_unix: i64,
}

/// Assets by resource type, delivery type and public id.
type Assets = BTreeMap<(String, String, String), Asset>;

#[derive(Debug, Default)]
struct Account {
    assets: Mutex<Assets>,
}

impl CloudinaryFake {
    /// The product environment.
    pub const CLOUD_NAME: &'static str = "fake-cloud";
    /// The public half of the key that the account takes.
    pub const API_KEY: &'static str = "123456789012345";
    /// The secret half of the key.
    pub const API_SECRET: &'static str = "fake-cloudinary-secret";

    /// An empty account.
    pub async fn start() -> Self {
        let account = Arc::new(Account::default());
        let serving = Serving::start(move |request| account.answer(request)).await;
        Self { serving }
    }

    /// Address of the API, and of the delivery network.
    pub fn url(&self) -> String {
        self.serving.url()
    }
}

fn refused(status: u16, message: &str) -> Response {
    Response::json(status, &json!({ "error": { "message": message } }))
}

fn to_sign(parameters: &BTreeMap<String, String>) -> String {
    let unsigned = ["file", "cloud_name", "resource_type", "api_key", "signature"];
    let signed = parameters
        .iter()
        .filter(|(name, value)| !unsigned.contains(&name.as_str()) && !value.is_empty());
    let pairs: Vec<_> = signed
        .map(|(name, value)| format!("{name}={}", value.replace('&', "%26")))
        .collect();
    pairs.join("&")
}

/// What a wrong signature is answered with holds what was to be signed, as the real one does.
fn check(parameters: &BTreeMap<String, String>) -> Result<(), Response> {
    let given = |name: &str| parameters.get(name).map_or("", String::as_str);
    if given("api_key") != CloudinaryFake::API_KEY {
        return Err(refused(401, "Invalid api_key"));
    }
    let text = to_sign(parameters);
    let mut expected = String::new();
    for byte in Sha1::digest(format!("{text}{}", CloudinaryFake::API_SECRET)) {
        let _written = write!(expected, "{byte:02x}");
    }
    if given("signature") != expected {
        let message = format!(
            "Invalid Signature {}. String to sign - '{text}'.",
            given("signature")
        );
        return Err(refused(401, &message));
    }
    let age = now_unix() - given("timestamp").parse().unwrap_or(0);
    if age > 3600 {
        return Err(refused(
            400,
            "Stale request - reported time is more than 1 hour ago",
        ));
    }
    Ok(())
}

fn picture_format(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x89, b'P', b'N', b'G', ..] => Some("png"),
        [0xff, 0xd8, 0xff, ..] => Some("jpg"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("webp"),
        _ => None,
    }
}

impl Account {
    fn assets(&self) -> MutexGuard<'_, Assets> {
        self.assets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, request: &Request) -> Response {
        let api = format!("/v1_1/{}/", CloudinaryFake::CLOUD_NAME);
        let Some(path) = request.path.strip_prefix(&api) else {
            return self.deliver(request);
        };
        if let Some(path) = path.strip_prefix("resources/") {
            return self.admin(request, path);
        }
        let parts: Vec<_> = path.split('/').collect();
        let parameters = match request.method.as_str() {
            "POST" => form(request),
            _ => pairs(&request.query).into_iter().collect(),
        };
        if let Err(refusal) = check(&parameters) {
            return refusal;
        }
        match (request.method.as_str(), parts.as_slice()) {
            ("POST", [resource_type, "upload"]) => self.upload(request, resource_type, &parameters),
            ("POST", [resource_type, "destroy"]) => self.destroy(resource_type, &parameters),
            ("GET", [resource_type, "download"]) => self.download(resource_type, &parameters),
            _ => refused(404, "Resource not found"),
        }
    }

    fn upload(
        &self,
        request: &Request,
        resource_type: &str,
        parameters: &BTreeMap<String, String>,
    ) -> Response {
        let Some((_, bytes)) = request.files().into_iter().find(|(name, _)| name == "file") else {
            return refused(400, "Missing required parameter - file");
        };
        if bytes.is_empty() {
            return refused(400, "Empty file");
        }
        let format = match (resource_type, picture_format(&bytes)) {
            ("image", None) => return refused(400, "Invalid image file"),
            ("image", Some(format)) => format.to_owned(),
            _ => String::new(),
        };
        let id = id(resource_type, parameters);
        let keeps = parameters
            .get("overwrite")
            .is_some_and(|overwrite| matches!(overwrite.as_str(), "false" | "0"));
        let mut assets = self.assets();
        if let Some(existing) = assets.get(&id).filter(|_| keeps) {
            let mut told = described(&id, existing);
            told["existing"] = true.into();
            return Response::json(200, &told);
        }
        let entries = parameters.get("context").map_or("", String::as_str).split('|');
        let asset = Asset {
            bytes,
            format,
            context: entries
                .filter_map(|entry| entry.split_once('='))
                .map(|(name, value)| (name.to_owned(), value.into()))
                .collect(),
            created_unix: now_unix(),
        };
        let told = described(&id, &asset);
        assets.insert(id, asset);
        Response::json(200, &told)
    }

    fn destroy(&self, resource_type: &str, parameters: &BTreeMap<String, String>) -> Response {
        let gone = self.assets().remove(&id(resource_type, parameters));
        let result = if gone.is_some() { "ok" } else { "not found" };
        Response::json(200, &json!({ "result": result }))
    }

    fn download(&self, resource_type: &str, parameters: &BTreeMap<String, String>) -> Response {
        let expires = parameters
            .get("expires_at")
            .and_then(|time| time.parse::<i64>().ok());
        if expires.is_some_and(|expires| now_unix() >= expires) {
            return refused(401, "The URL has expired");
        }
        match self.assets().get(&id(resource_type, parameters)) {
            Some(asset) => Response::bytes(200, "application/octet-stream", asset.bytes.clone()),
            None => refused(404, "Resource not found"),
        }
    }

    /// `{resource type}/{type}` lists; a public id after it tells of one.
    fn admin(&self, request: &Request, path: &str) -> Response {
        let credentials = format!("{}:{}", CloudinaryFake::API_KEY, CloudinaryFake::API_SECRET);
        if request.header("authorization") != format!("Basic {}", STANDARD.encode(credentials)) {
            return refused(401, "unknown api_key");
        }
        let mut parts = path.splitn(3, '/').map(decoded);
        let (resource_type, delivery) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let assets = self.assets();
        if let Some(public_id) = parts.next() {
            let id = (resource_type, delivery, public_id);
            return match assets.get(&id) {
                Some(asset) => Response::json(200, &described(&id, asset)),
                None => refused(404, &format!("Resource not found - {}", id.2)),
            };
        }
        let query: BTreeMap<_, _> = pairs(&request.query).into_iter().collect();
        let given = |name: &str| query.get(name).map_or("", String::as_str);
        let limit = given("max_results").parse().unwrap_or(10_usize).min(500);
        let mut rest = assets.iter().filter(|((of, through, public_id), _)| {
            *of == resource_type
                && *through == delivery
                && public_id.starts_with(given("prefix"))
                && public_id.as_str() > given("next_cursor")
        });
        let page: Vec<_> = rest.by_ref().take(limit).collect();
        let resources: Vec<_> = page.iter().map(|(id, asset)| described(id, asset)).collect();
        let mut told = json!({ "resources": resources });
        if rest.next().is_some() {
            told["next_cursor"] = page.last().map(|((_, _, public_id), _)| public_id.clone()).into();
        }
        Response::json(200, &told)
    }

    /// `/{cloud}/{resource type}/upload/{public id}[.{format}]`, for everybody.
    fn deliver(&self, request: &Request) -> Response {
        let parts: Vec<_> = request.path.trim_start_matches('/').splitn(4, '/').collect();
        let [CloudinaryFake::CLOUD_NAME, resource_type, "upload", name] = parts.as_slice() else {
            return Response::page(404);
        };
        let public_id = match *resource_type {
            "image" => name.rsplit_once('.').map_or(*name, |(public_id, _)| public_id),
            _ => name,
        };
        let id = (
            (*resource_type).to_owned(),
            "upload".to_owned(),
            public_id.to_owned(),
        );
        match self.assets().get(&id) {
            Some(asset) => Response::bytes(200, &format!("image/{}", asset.format), asset.bytes.clone()),
            None => Response::page(404),
        }
    }
}

fn form(request: &Request) -> BTreeMap<String, String> {
    let fields = request.fields();
    let fields = fields.as_object().into_iter().flatten();
    let texts = fields.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
    let form: BTreeMap<_, _> = texts.collect();
    match form.is_empty() {
        false => form,
        true => pairs(&String::from_utf8_lossy(&request.body))
            .into_iter()
            .collect(),
    }
}

fn id(resource_type: &str, parameters: &BTreeMap<String, String>) -> (String, String, String) {
    let given = |name: &str| parameters.get(name).cloned();
    (
        resource_type.to_owned(),
        given("type").unwrap_or_else(|| "upload".to_owned()),
        given("public_id").unwrap_or_default(),
    )
}

fn described((resource_type, delivery, public_id): &(String, String, String), asset: &Asset) -> Value {
    let mut told = json!({
        "asset_id": format!("{:032x}", asset.created_unix),
        "public_id": public_id,
        "version": asset.created_unix,
        "resource_type": resource_type,
        "type": delivery,
        "created_at": rfc3339(asset.created_unix),
        "bytes": asset.bytes.len(),
        "context": { "custom": asset.context },
    });
    if resource_type == "image" {
        told["format"] = asset.format.clone().into();
    }
    told
}
