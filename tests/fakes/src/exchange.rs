//! One HTTP/1.1 exchange on a socket, by hand: a server library would not break its promises for us.

use std::{collections::BTreeMap, io};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{case::Gate, form};

/// A request as it came.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// Method.
    pub method: String,
    /// Path without its query.
    pub path: String,
    /// What follows the question mark; empty: nothing.
    pub query: String,
    /// By lowercase name.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: Vec<u8>,
}

impl Request {
    /// A header; empty when it is absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// The fields of the body, JSON or form, as JSON; null when it is neither. Files are `"<binary>"`.
    pub fn fields(&self) -> Value {
        match form::boundary(self.header("content-type")) {
            Some(boundary) => form::fields(&self.body, &boundary),
            None if self
                .header("content-type")
                .starts_with("application/x-www-form-urlencoded") =>
            {
                form::pairs(&String::from_utf8_lossy(&self.body))
            }
            None => serde_json::from_slice(&self.body).unwrap_or_default(),
        }
    }

    /// The files of a form: name of the field and content.
    pub fn files(&self) -> Vec<(String, Vec<u8>)> {
        match form::boundary(self.header("content-type")) {
            Some(boundary) => form::files(&self.body, &boundary),
            None => Vec::new(),
        }
    }
}

/// A response as it goes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Response {
    /// Status.
    pub(crate) status: u16,
    /// Names and values.
    pub(crate) headers: Vec<(String, String)>,
    /// The body.
    pub(crate) body: Vec<u8>,
    /// Bytes of the body that are sent before the connection is dropped; nothing: all.
    pub(crate) cut_at: Option<usize>,
    /// Bytes of the body that are sent before the gate opens; nothing: all.
    pub(crate) held_at: Option<(usize, Gate)>,
}

impl Response {
    /// JSON.
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::bytes(status, "application/json", body.to_string().into_bytes())
    }

    /// Bytes of a media type.
    pub(crate) fn bytes(status: u16, media_type: &str, body: Vec<u8>) -> Self {
        Self {
            status,
            headers: vec![("content-type".to_owned(), media_type.to_owned())],
            body,
            cut_at: None,
            held_at: None,
        }
    }

    /// A page of whatever stands before the API.
    pub(crate) fn page(status: u16) -> Self {
        Self::bytes(
            status,
            "text/html",
            b"<html><body>not the API</body></html>".to_vec(),
        )
    }

    /// The same as another media type.
    #[must_use]
    pub(crate) fn typed(mut self, media_type: &str) -> Self {
        self.headers.retain(|(name, _)| name != "content-type");
        self.with("content-type", media_type)
    }

    /// The same with one more header.
    #[must_use]
    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}

/// Reads one request. Its body must have a length, as those of the client under test have.
pub(crate) async fn read(stream: &mut TcpStream) -> io::Result<Request> {
    let mut received = Vec::new();
    let head_end = loop {
        if let Some(end) = received.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        read_more(stream, &mut received).await?;
    };
    let mut body = received.split_off(head_end + 4);
    let head = String::from_utf8_lossy(&received).into_owned();
    let mut lines = head.split("\r\n");
    let mut start = lines.next().unwrap_or_default().split(' ').map(str::to_owned);
    let (method, target) = (start.next().unwrap_or_default(), start.next().unwrap_or_default());
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let (path, query) = (path.to_owned(), query.to_owned());
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    if headers
        .get("expect")
        .is_some_and(|expect| expect.eq_ignore_ascii_case("100-continue"))
    {
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
    }
    let length = headers
        .get("content-length")
        .and_then(|length| length.parse().ok());
    while body.len() < length.unwrap_or(0) {
        read_more(stream, &mut body).await?;
    }
    Ok(Request {
        method,
        path,
        query,
        headers,
        body,
    })
}

async fn read_more(stream: &mut TcpStream, into: &mut Vec<u8>) -> io::Result<()> {
    match stream.read_buf(into).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(()),
    }
}

/// Writes a response and ends the connection.
pub(crate) async fn write(stream: &mut TcpStream, response: &Response) -> io::Result<()> {
    let mut head = format!("HTTP/1.1 {} Status\r\n", response.status);
    for (name, value) in &response.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!(
        "content-length: {}\r\nconnection: close\r\n\r\n",
        response.body.len()
    ));
    stream.write_all(head.as_bytes()).await?;
    let sent = response
        .cut_at
        .unwrap_or(response.body.len())
        .min(response.body.len());
    if let Some((held_at, gate)) = &response.held_at {
        stream.write_all(&response.body[..*held_at]).await?;
        stream.flush().await?;
        gate.pass().await;
        stream.write_all(&response.body[*held_at..sent]).await?;
    } else {
        stream.write_all(&response.body[..sent]).await?;
    }
    stream.shutdown().await
}
