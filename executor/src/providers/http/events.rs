//! Answers that come as server-sent events.
//!
//! <https://html.spec.whatwg.org/multipage/server-sent-events.html>. Each event may be as large as a picture; what was
//! handed out is let go of.

use bytes::{Bytes, BytesMut};
use reqwest::{RequestBuilder, Response, header::HeaderMap};

use super::{Api, Ending, Received, describe, header};
use crate::provider::CallError;

/// Media type of a stream of events.
const EVENT_STREAM: &str = "text/event-stream";

/// What came of a request that asked for events.
#[derive(Debug)]
pub(in crate::providers) enum Opened {
    /// An answer without events: an error, or a server that knows none.
    Whole(Received),
    /// Events follow.
    Events(EventStream),
}

/// One event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::providers) struct ServerEvent {
    /// Its name; empty: it has none.
    pub(in crate::providers) name: String,
    /// Its data, line by line.
    pub(in crate::providers) data: Bytes,
}

/// Events as they come.
#[derive(Debug)]
pub(in crate::providers) struct EventStream {
    response: Response,
    status: u16,
    headers: HeaderMap,
    buffer: Buffer,
    /// Most bytes of one event.
    max_bytes: usize,
    /// Whatever is left is handed out; nothing more is read.
    is_read: bool,
}

impl Api {
    /// Sends once, and reads the answer unless it comes in events. An error is `Unsent` or `Unknown`.
    pub(in crate::providers) async fn open(&self, request: RequestBuilder) -> Result<Opened, CallError> {
        let mut response = request.send().await.map_err(super::call_error)?;
        let media_type = header(response.headers(), "content-type").to_ascii_lowercase();
        if !response.status().is_success() || !media_type.starts_with(EVENT_STREAM) {
            return Ok(Opened::Whole(self.read(response).await));
        }
        Ok(Opened::Events(EventStream {
            status: response.status().as_u16(),
            headers: std::mem::take(response.headers_mut()),
            response,
            buffer: Buffer::default(),
            max_bytes: self.max_answer_bytes,
            is_read: false,
        }))
    }
}

impl EventStream {
    /// The next event, or how the stream ended.
    pub(in crate::providers) async fn next(&mut self) -> Result<ServerEvent, Ending> {
        loop {
            if let Some(event) = self.buffer.take() {
                return Ok(event);
            }
            if self.is_read {
                return Err(Ending::Whole);
            }
            match self.response.chunk().await {
                Ok(Some(chunk)) => self.buffer.push(&chunk),
                Ok(None) => {
                    self.is_read = true;
                    self.buffer.finish();
                }
                Err(error) => return Err(Ending::Broken(describe(&error.without_url()))),
            }
            if self.buffer.open_len() > self.max_bytes {
                return Err(Ending::Oversize);
            }
        }
    }

    /// The event that was handed out last, and what came after it.
    pub(in crate::providers) fn evidence(&mut self) -> Bytes {
        self.buffer.evidence(self.max_bytes)
    }

    /// An answer with this body.
    pub(in crate::providers) fn into_received(self, body: Bytes, ending: Ending) -> Received {
        Received {
            status: self.status,
            headers: self.headers,
            body,
            ending,
        }
    }
}

/// What came and was not handed out.
#[derive(Debug, Default)]
struct Buffer {
    bytes: BytesMut,
    /// Up to here there is no end of an event.
    searched: usize,
    /// The event that was handed out last, as it came.
    last: Bytes,
}

impl Buffer {
    fn push(&mut self, chunk: &[u8]) {
        self.bytes.extend_from_slice(chunk);
    }

    /// Bytes of the event that has not ended yet.
    fn open_len(&self) -> usize {
        self.bytes.len()
    }

    /// Nothing more comes: what is there is an event, though the empty line after it is missing.
    fn finish(&mut self) {
        if !self.bytes.is_empty() {
            self.bytes.extend_from_slice(b"\n\n");
        }
    }

    /// The next event that has ended. Comments and events without data are passed over.
    fn take(&mut self) -> Option<ServerEvent> {
        loop {
            let end = self.end()?;
            let raw = self.bytes.split_to(end).freeze();
            self.searched = 0;
            let event = parse(&raw);
            if !event.data.is_empty() {
                self.last = raw;
                return Some(event);
            }
        }
    }

    /// Where the first event ends, with the empty line after it.
    fn end(&mut self) -> Option<usize> {
        let mut at = self.searched;
        while let Some(found) = self.bytes[at..].iter().position(|byte| *byte == b'\n') {
            let line_end = at + found + 1;
            let rest = &self.bytes[line_end..];
            match rest {
                [b'\n', ..] => return Some(line_end + 1),
                [b'\r', b'\n', ..] => return Some(line_end + 2),
                // It cannot be told yet.
                [] | [b'\r'] => {
                    self.searched = line_end - 1;
                    return None;
                }
                _ => at = line_end,
            }
        }
        self.searched = self.bytes.len();
        None
    }

    fn evidence(&mut self, max_bytes: usize) -> Bytes {
        let mut evidence = BytesMut::from(&self.last[..]);
        evidence.extend_from_slice(&self.bytes);
        evidence.truncate(max_bytes);
        evidence.freeze()
    }
}

fn parse(bytes: &[u8]) -> ServerEvent {
    let mut name = String::new();
    let mut data = BytesMut::new();
    let mut has_data = false;
    for line in bytes.split(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let (field, value) = match line.iter().position(|byte| *byte == b':') {
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (line, &[][..]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match field {
            b"event" => name = String::from_utf8_lossy(value).into_owned(),
            b"data" => {
                if has_data {
                    data.extend_from_slice(b"\n");
                }
                has_data = true;
                data.extend_from_slice(value);
            }
            _ => {}
        }
    }
    ServerEvent {
        name,
        data: data.freeze(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Events in words, when the stream comes in pieces of this many bytes.
    fn events(stream: &[u8], piece: usize) -> Vec<String> {
        let mut buffer = Buffer::default();
        let mut events = Vec::new();
        let mut drain = |buffer: &mut Buffer| {
            while let Some(event) = buffer.take() {
                events.push(format!("{}={}", event.name, String::from_utf8_lossy(&event.data)));
            }
        };
        for chunk in stream.chunks(piece) {
            buffer.push(chunk);
            drain(&mut buffer);
        }
        buffer.finish();
        drain(&mut buffer);
        events
    }

    #[test]
    fn events_are_the_same_however_they_are_cut() {
        let stream =
            b": hello\n\nevent: a\ndata: 1\ndata:2\n\nid: 7\ndata:  3\r\n\r\nevent: empty\n\ndata: last";
        for piece in 1..=stream.len() {
            assert_eq!(
                events(stream, piece),
                ["a=1\n2", "= 3", "=last"],
                "pieces of {piece}"
            );
        }
    }

    #[test]
    fn evidence_is_the_last_event_and_what_follows_up_to_a_bound() {
        let mut buffer = Buffer::default();
        buffer.push(b"data: 1\n\ndata: 2\n\ndata: 3");
        while buffer.take().is_some() {}
        assert_eq!(buffer.evidence(100), "data: 2\n\ndata: 3");
        assert_eq!(buffer.evidence(4), "data");
    }
}
