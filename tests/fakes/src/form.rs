//! Reads forms, as far as the clients under test write them.

use serde_json::{Map, Value};

/// One part of a form.
struct Part<'b> {
    name: String,
    is_file: bool,
    content: &'b [u8],
}

/// The boundary of a multipart form, from its content type.
pub(crate) fn boundary(content_type: &str) -> Option<String> {
    let rest = content_type.strip_prefix("multipart/form-data")?;
    let (_, boundary) = rest.split_once("boundary=")?;
    Some(boundary.split(';').next()?.trim().trim_matches('"').to_owned())
}

/// The fields by name. A field that comes more than once is a list.
pub(crate) fn fields(body: &[u8], boundary: &str) -> Value {
    let mut fields = Map::new();
    for part in parts(body, boundary) {
        let value = if part.is_file {
            Value::from("<binary>")
        } else {
            Value::from(String::from_utf8_lossy(part.content))
        };
        match fields.get_mut(&part.name) {
            None => {
                fields.insert(part.name, value);
            }
            Some(Value::Array(values)) => values.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
        }
    }
    Value::Object(fields)
}

/// The fields of a form in one line, such as `a=1&b=two%20words`.
pub(crate) fn pairs(body: &str) -> Value {
    let pairs = body.split('&').filter_map(|pair| pair.split_once('='));
    let fields = pairs.map(|(name, value)| (decoded(name), Value::from(decoded(value))));
    Value::Object(fields.collect())
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let digits = [rest.clone().next(), rest.clone().nth(1)].map(|digit| digit.unwrap_or(b'?'));
        let coded = str::from_utf8(&digits)
            .ok()
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match (byte, coded) {
            (b'%', Some(coded)) => {
                bytes.push(coded);
                rest.nth(1);
            }
            (b'+', _) => bytes.push(b' '),
            (byte, _) => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The files: name of the field and content.
pub(crate) fn files(body: &[u8], boundary: &str) -> Vec<(String, Vec<u8>)> {
    let files = parts(body, boundary).into_iter().filter(|part| part.is_file);
    files.map(|part| (part.name, part.content.to_vec())).collect()
}

fn parts<'b>(body: &'b [u8], boundary: &str) -> Vec<Part<'b>> {
    let delimiter = format!("--{boundary}");
    let mut parts = Vec::new();
    let mut rest = body;
    while let Some(start) = find(rest, delimiter.as_bytes()) {
        let after = &rest[start + delimiter.len()..];
        let Some(end) = find(after, delimiter.as_bytes()) else {
            break;
        };
        if let Some(part) = part(&after[..end]) {
            parts.push(part);
        }
        rest = &after[end..];
    }
    parts
}

fn part(bytes: &[u8]) -> Option<Part<'_>> {
    let head_end = find(bytes, b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&bytes[..head_end]).into_owned();
    let content = bytes[head_end + 4..].strip_suffix(b"\r\n")?;
    let disposition = head
        .lines()
        .find(|line| line.to_ascii_lowercase().starts_with("content-disposition:"))?;
    let value = |name: &str| {
        let (_, rest) = disposition.split_once(&format!("{name}=\""))?;
        Some(rest.split('"').next()?.to_owned())
    };
    Some(Part {
        name: value(" name").or_else(|| value(";name"))?,
        is_file: value("filename").is_some(),
        content,
    })
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}
