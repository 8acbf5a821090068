//! Signed links: `GET /blobs/{key}` beside the gRPC services, on the same port. News of providers come to the same port,
//! see [`hooks`].
//!
//! The order of the checks is part of the design: a key that cannot exist is not found, then the signature, and
//! only then the store is asked. So nobody learns which images exist without a link to them.

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Request, State},
    middleware::{self, Next},
    response::{IntoResponse as _, Response},
    routing::get,
};
use futures::{Stream, stream};
use http::{HeaderMap, HeaderValue, StatusCode, Version, header};
use limn_executor::{
    blob::{BlobError, BlobKey, BlobStore, link::LinkSigner},
    clock::Clock,
};
use limn_proto::digest::sha256_hex;

use crate::status;

pub(crate) mod hooks;
mod range;

pub(crate) use hooks::Hooks;
use range::Range;

/// How much is read from the store at once.
const CHUNK_BYTES: u64 = 256 * 1024;
/// Where links begin.
const PREFIX: &str = "/blobs/";

/// What the route works with.
#[derive(Clone, Debug)]
pub(crate) struct Links {
    pub(crate) blobs: Arc<dyn BlobStore>,
    pub(crate) signer: Arc<LinkSigner>,
    pub(crate) clock: Arc<dyn Clock>,
}

/// The gRPC services with the routes for links and for news, and an answer for everything else.
pub(crate) fn router(services: tonic::service::Routes, links: Links, hooks: Hooks) -> Router {
    services
        .into_axum_router()
        .layer(middleware::from_fn(only_http2))
        .reset_fallback()
        .route("/blobs/{*key}", get(blob).with_state(links))
        .merge(hooks.router())
        .fallback(unknown)
}

/// Keeps web pages away from the services. A page that somebody visits can send plain HTTP/1.1 to this machine,
/// in any content type after a trick with names, and callers are not authenticated. No browser sends HTTP/2
/// without TLS, and gRPC needs HTTP/2 anyway.
async fn only_http2(request: Request, next: Next) -> Response {
    if request.version() < Version::HTTP_2 {
        return refused(StatusCode::HTTP_VERSION_NOT_SUPPORTED, "gRPC needs HTTP/2");
    }
    next.run(request).await
}

/// Answers for unknown paths: a status for gRPC, else 404.
async fn unknown(request: Request) -> Response {
    let content_type = request.headers().get(header::CONTENT_TYPE);
    let is_grpc = content_type.is_some_and(|value| value.as_bytes().starts_with(b"application/grpc"));
    if is_grpc {
        return status::unknown_method().into_http();
    }
    refused(StatusCode::NOT_FOUND, "nothing is here")
}

/// Serves the object of a link. Also answers HEAD, without the body.
async fn blob(State(links): State<Links>, request: Request) -> Response {
    // The path as it came: keys need no percent-encoding, so a path that has any is no key.
    let path = request.uri().path().strip_prefix(PREFIX).unwrap_or_default();
    let Some(key) = BlobKey::parse(path) else {
        return refused(StatusCode::NOT_FOUND, "nothing is here");
    };
    let Some((expires_unix, signature)) = parameters(request.uri().query().unwrap_or_default()) else {
        return refused(StatusCode::FORBIDDEN, "the link has no signature");
    };
    let now = links.clock.now();
    if let Err(error) = links.signer.verify(&key, expires_unix, signature, now) {
        return refused(StatusCode::FORBIDDEN, &error.to_string());
    }
    let size = match links.blobs.size_bytes(&key).await {
        Ok(Some(size)) => size,
        Ok(None) | Err(BlobError::NotFound(_)) => {
            return refused(StatusCode::NOT_FOUND, "nothing is here");
        }
        Err(error) => {
            tracing::error!(%error, "a link could not be served");
            return refused(StatusCode::SERVICE_UNAVAILABLE, "the store cannot be reached");
        }
    };

    let etag = etag(&key);
    let lifetime_seconds = expires_unix.saturating_sub(now.seconds());
    let mut response = respond(&links, &key, size, request.headers(), &etag);
    let headers = response.headers_mut();
    set(headers, header::ETAG, &etag);
    set(
        headers,
        header::CACHE_CONTROL,
        &format!("private, max-age={lifetime_seconds}, immutable"),
    );
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    response
}

fn respond(links: &Links, key: &BlobKey, size: u64, asked: &HeaderMap, etag: &str) -> Response {
    if header_text(asked, header::IF_NONE_MATCH).is_some_and(|tags| range::names_tag(tags, etag)) {
        return StatusCode::NOT_MODIFIED.into_response();
    }
    let whole = || Range {
        first: 0,
        length: size,
    };
    // A range of other bytes than the caller has already is no use: then the whole object is.
    let same = header_text(asked, header::IF_RANGE).is_none_or(|tag| tag == etag);
    let wanted = header_text(asked, header::RANGE).filter(|_| same);
    let (status, part) = match wanted.map(|text| range::parse(text, size)) {
        None | Some(range::Wanted::Whole) => (StatusCode::OK, whole()),
        Some(range::Wanted::Part(part)) => (StatusCode::PARTIAL_CONTENT, part),
        Some(range::Wanted::Unsatisfiable) => {
            let mut response = refused(StatusCode::RANGE_NOT_SATISFIABLE, "the range is past the end");
            set(
                response.headers_mut(),
                header::CONTENT_RANGE,
                &format!("bytes */{size}"),
            );
            return response;
        }
    };
    let body = Body::from_stream(chunks(Arc::clone(&links.blobs), key.clone(), part));
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(key.media_type()));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(part.length));
    if status == StatusCode::PARTIAL_CONTENT {
        let last = part.first + part.length - 1;
        set(
            headers,
            header::CONTENT_RANGE,
            &format!("bytes {}-{last}/{size}", part.first),
        );
    }
    response
}

/// The bytes of a part, read as they are sent.
fn chunks(
    blobs: Arc<dyn BlobStore>,
    key: BlobKey,
    part: Range,
) -> impl Stream<Item = Result<Bytes, BlobError>> {
    stream::try_unfold(part, move |rest| {
        let (blobs, key) = (Arc::clone(&blobs), key.clone());
        async move {
            if rest.length == 0 {
                return Ok(None);
            }
            let bytes = blobs
                .get_range(&key, rest.first, rest.length.min(CHUNK_BYTES))
                .await?;
            if bytes.is_empty() {
                // The content length was promised, so the connection breaks; better than a short image.
                return Err(BlobError::NotFound(key));
            }
            let read = bytes.len() as u64;
            let rest = Range {
                first: rest.first + read,
                length: rest.length.saturating_sub(read),
            };
            Ok(Some((bytes, rest)))
        }
    })
}

/// Time and signature of a link.
fn parameters(query: &str) -> Option<(i64, &str)> {
    let value = |name: &str| {
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
    };
    Some((value("expires")?.parse().ok()?, value("signature")?))
}

/// Bytes under a key never change, so the key stands for them.
fn etag(key: &BlobKey) -> String {
    format!("\"{}\"", &sha256_hex(key.as_str().as_bytes())[..32])
}

fn header_text(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// Sets a header whose text is our own and always fits.
fn set(headers: &mut HeaderMap, name: header::HeaderName, text: &str) {
    if let Ok(value) = HeaderValue::from_str(text) {
        headers.insert(name, value);
    }
}

/// A refusal in a line of text that is not kept by caches.
fn refused(status: StatusCode, what: &str) -> Response {
    let no_store = [(header::CACHE_CONTROL, "no-store")];
    (status, no_store, format!("{what}\n")).into_response()
}
