//! What providers over HTTP share: a client that sends once, and bodies read up to a bound.

use std::{collections::BTreeMap, time::Duration};

use bytes::{Bytes, BytesMut};
use reqwest::{Client, ClientBuilder, Response, header::HeaderMap};

use crate::provider::CallError;

mod api;
mod download;
mod encoded;
mod events;
mod redact;
mod result;
mod signature;
mod table;
mod wait;

pub(super) use api::{Api, Refusal, not_sendable, whole};
pub(super) use download::{Credentials, DownloadError, Downloaded, Downloads};
pub(super) use encoded::{data_url, decode, encode};
pub(super) use events::{EventStream, Opened, ServerEvent};
pub(super) use redact::Redaction;
use redact::{secrets_of, without_secrets};
pub(super) use result::JobResult;
pub(super) use signature::{hex, is_signed};
pub(super) use table::{Body, Row, proven, row, rows};
pub(super) use wait::asked_wait;

/// How connections are made.
#[derive(Clone, Debug)]
pub(super) struct Connecting<'a> {
    /// Longest time to resolve, connect and shake hands.
    pub(super) timeout: Duration,
    /// Proxy for every request; the environment is never asked.
    pub(super) proxy: Option<&'a str>,
}

/// A client that does exactly what it is told: no redirect, no retry, no proxy of the environment.
///
/// Connections are not kept: one that the provider closed while idle would break the next call after its
/// first byte, and the outcome of a paid call would be unknown for nothing. A new connection costs little beside
/// the seconds that an image takes.
pub(super) fn client(connecting: &Connecting<'_>) -> reqwest::Result<Client> {
    builder(connecting)?.build()
}

fn builder(connecting: &Connecting<'_>) -> reqwest::Result<ClientBuilder> {
    const KEEP_ALIVE: Duration = Duration::from_secs(20);
    let mut builder = Client::builder()
        .user_agent(concat!("limn/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .no_proxy()
        .connect_timeout(connecting.timeout)
        .pool_max_idle_per_host(0)
        // Nothing is heard for as long as the provider draws; gateways cut silent connections after a minute.
        .tcp_keepalive(KEEP_ALIVE)
        .http2_keep_alive_interval(KEEP_ALIVE)
        .http2_keep_alive_timeout(KEEP_ALIVE);
    if let Some(proxy) = connecting.proxy {
        builder = builder.proxy(reqwest::Proxy::all(proxy)?);
    }
    Ok(builder)
}

/// An answer, read as far as it came.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) ending: Ending,
}

/// How a body ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// As announced.
    Whole,
    /// At our bound; there was more.
    Oversize,
    /// Before its end, by a time limit or a broken connection.
    Broken(String),
}

impl Received {
    /// A header as text; empty when it is absent.
    pub(super) fn header(&self, name: &str) -> &str {
        header(&self.headers, name)
    }

    /// The outcome is unknown, with all evidence there is.
    pub(super) fn into_unknown(self, message: String, request_id_header: &str) -> CallError {
        CallError::Unknown {
            message,
            http_status: Some(self.status),
            request_id: self.header(request_id_header).to_owned(),
            partial_body: self.body,
        }
    }

    /// The named headers that are present, as [`crate::provider::Answer`] keeps them.
    pub(super) fn kept_headers(&self, names: &[&str]) -> BTreeMap<String, String> {
        let present = names.iter().filter(|name| self.headers.contains_key(**name));
        present
            .map(|name| ((*name).to_owned(), self.header(name).to_owned()))
            .collect()
    }
}

/// Reads the answer up to `max_bytes`.
async fn read(mut response: Response, max_bytes: usize) -> Received {
    let status = response.status().as_u16();
    let headers = std::mem::take(response.headers_mut());
    let mut body = BytesMut::new();
    let ending = loop {
        match response.chunk().await {
            Ok(None) => break Ending::Whole,
            Ok(Some(chunk)) if body.len() + chunk.len() > max_bytes => {
                body.extend_from_slice(&chunk[..max_bytes - body.len()]);
                break Ending::Oversize;
            }
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Err(error) => break Ending::Broken(describe(&error.without_url())),
        }
    };
    Received {
        status,
        headers,
        body: body.freeze(),
        ending,
    }
}

/// Only a failure to resolve, connect or shake hands proves that no byte of the request left. A time limit that
/// passes meanwhile proves nothing, and neither does any later failure.
fn call_error(error: reqwest::Error) -> CallError {
    let never_sent = error.is_connect() || error.is_builder();
    let message = describe(&error.without_url());
    if never_sent {
        return CallError::Unsent { message };
    }
    CallError::Unknown {
        message,
        http_status: None,
        request_id: String::new(),
        partial_body: Bytes::new(),
    }
}

/// The error with its causes. Addresses are left out before; bodies and headers are never part of it.
fn describe(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}
