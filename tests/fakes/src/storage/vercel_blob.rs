//! Vercel Blob, as its official client 2.8.0 speaks with it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use serde_json::{Value, json};

use super::serve::{Serving, decoded, now_unix, pairs, rfc3339};
use crate::exchange::{Request, Response};

/// A store on the loopback interface: the API below `/api/blob`, the blobs below `/blobs`.
#[derive(Debug)]
pub struct VercelBlobFake {
    serving: Serving,
}

#[derive(Clone, Debug)]
struct Stored {
    bytes: Vec<u8>,
    media_type: String,
    max_age: String,
    uploaded_unix: i64,
}

#[derive(Debug)]
struct Store {
    is_public: bool,
    blobs: Mutex<BTreeMap<String, Stored>>,
}

impl VercelBlobFake {
    /// The token that the store takes.
    pub const TOKEN: &'static str = "vercel_blob_rw_FakeStore_0123456789abcdef";

    /// An empty store.
    pub async fn start(is_public: bool) -> Self {
        let store = Store {
            is_public,
            blobs: Mutex::default(),
        };
        let store = Arc::new(store);
        let serving = Serving::start(move |request| store.answer(request)).await;
        Self { serving }
    }

    /// Address of the API.
    pub fn api_url(&self) -> String {
        format!("{}/api/blob", self.serving.url())
    }

    /// Address of the blobs.
    pub fn blob_url(&self) -> String {
        format!("{}/blobs", self.serving.url())
    }
}

fn refused(status: u16, code: &str, message: &str) -> Response {
    Response::json(status, &json!({ "error": { "code": code, "message": message } }))
}

/// The name of a blob, from its address or as it is.
fn pathname(url: &str) -> String {
    let path = match url.split_once("/blobs/") {
        Some((_, path)) => path,
        None => match url.split_once(".blob.vercel-storage.com/") {
            Some((_, path)) => path,
            None => url,
        },
    };
    decoded(path.split('?').next().unwrap_or_default())
}

impl Store {
    fn answer(&self, request: &Request) -> Response {
        let is_owner = request.header("authorization") == format!("Bearer {}", VercelBlobFake::TOKEN);
        if request.path.starts_with("/blobs/") {
            return match self.is_public || is_owner {
                true => self.read(request),
                false => Response::page(403),
            };
        }
        if !is_owner {
            return refused(403, "forbidden", "Access denied");
        }
        if request.header("x-api-version") != "12" {
            return refused(400, "bad_request", "Unsupported API version");
        }
        let query: BTreeMap<_, _> = pairs(&request.query).into_iter().collect();
        match (request.method.as_str(), request.path.as_str()) {
            ("PUT", "/api/blob/") => self.put(request, &query),
            ("POST", "/api/blob/delete") => self.delete(request),
            ("GET", "/api/blob" | "/api/blob/") => match query.get("url") {
                Some(url) => self.head(&pathname(url)),
                None => self.list(&query),
            },
            _ => refused(404, "not_found", "The requested resource was not found"),
        }
    }

    fn blobs(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Stored>> {
        self.blobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn url(&self, name: &str) -> String {
        let access = if self.is_public { "public" } else { "private" };
        format!("https://fakestore.{access}.blob.vercel-storage.com/{name}")
    }

    fn put(&self, request: &Request, query: &BTreeMap<String, String>) -> Response {
        let expected = if self.is_public { "public" } else { "private" };
        if request.header("x-vercel-blob-access") != expected {
            return refused(400, "bad_request", "Cannot use this access on this store");
        }
        let Some(name) = query
            .get("pathname")
            .filter(|name| !name.is_empty() && name.len() <= 950)
        else {
            return refused(400, "bad_request", "pathname is required");
        };
        // The client asks for a suffix by leaving the header out or by 1; no suffix is our whole point.
        if request.header("x-add-random-suffix") == "1" {
            return refused(400, "bad_request", "this fake adds no suffixes");
        }
        let mut blobs = self.blobs();
        if blobs.contains_key(name) && request.header("x-allow-overwrite") != "1" {
            let message = "This blob already exists, use `allowOverwrite: true` if you want to overwrite it.";
            return refused(400, "bad_request", message);
        }
        let or = |header: &str, default: &str| match request.header(header) {
            "" => default.to_owned(),
            given => given.to_owned(),
        };
        let stored = Stored {
            bytes: request.body.clone(),
            media_type: or("x-content-type", "application/octet-stream"),
            max_age: or("x-cache-control-max-age", "2592000"),
            uploaded_unix: now_unix(),
        };
        let described = self.described(name, &stored);
        blobs.insert(name.clone(), stored);
        Response::json(200, &described)
    }

    fn described(&self, name: &str, stored: &Stored) -> Value {
        json!({
            "url": self.url(name),
            "downloadUrl": format!("{}?download=1", self.url(name)),
            "pathname": name,
            "size": stored.bytes.len(),
            "contentType": stored.media_type,
            "contentDisposition": "inline",
            "cacheControl": format!("public, max-age={}", stored.max_age),
            "uploadedAt": rfc3339(stored.uploaded_unix),
            "etag": format!("\"{}-{}\"", stored.bytes.len(), stored.uploaded_unix),
        })
    }

    fn head(&self, name: &str) -> Response {
        match self.blobs().get(name) {
            Some(stored) => Response::json(200, &self.described(name, stored)),
            None => refused(404, "not_found", "The requested blob does not exist"),
        }
    }

    fn list(&self, query: &BTreeMap<String, String>) -> Response {
        let limit = query
            .get("limit")
            .and_then(|limit| limit.parse().ok())
            .unwrap_or(1000_usize);
        let prefix = query.get("prefix").map_or("", String::as_str);
        let after = query.get("cursor").map_or("", String::as_str);
        let blobs = self.blobs();
        let mut rest = blobs
            .iter()
            .filter(|(name, _)| name.starts_with(prefix) && name.as_str() > after);
        let page: Vec<_> = rest.by_ref().take(limit).collect();
        let has_more = rest.next().is_some();
        Response::json(
            200,
            &json!({
                "blobs": page.iter().map(|(name, stored)| self.described(name, stored)).collect::<Vec<_>>(),
                "hasMore": has_more,
                "cursor": page.last().filter(|_| has_more).map(|(name, _)| name),
            }),
        )
    }

    fn delete(&self, request: &Request) -> Response {
        let fields = request.fields();
        for url in fields["urls"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
        {
            self.blobs().remove(&pathname(url));
        }
        Response::json(200, &Value::Null)
    }

    fn read(&self, request: &Request) -> Response {
        let name = pathname(&request.path);
        let Some(stored) = self.blobs().get(&name).cloned() else {
            return Response::page(404);
        };
        let range = request.header("range").strip_prefix("bytes=").and_then(|range| {
            let (first, last) = range.split_once('-')?;
            Some((first.parse::<usize>().ok()?, last.parse::<usize>().ok()?))
        });
        match range {
            Some((first, last)) if first < stored.bytes.len() => {
                let last = last.min(stored.bytes.len() - 1);
                Response::bytes(206, &stored.media_type, stored.bytes[first..=last].to_vec())
            }
            Some(_) => Response::page(416),
            None => Response::bytes(200, &stored.media_type, stored.bytes),
        }
    }
}
