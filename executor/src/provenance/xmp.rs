//! XMP metadata: what kind of picture it is, where viewers, agencies and search engines look for it.
//!
//! A packet is added to the container, byte for byte: the pixels are not touched. A picture that has a packet keeps
//! it, and gets a description more in it; one that already says its digital source type keeps that.

use std::{fmt::Write as _, ops::Range};

use bytes::Bytes;

use super::Facts;
use crate::plan::ImageFormat;

/// Keyword of the PNG chunk that holds a packet.
const PNG_KEYWORD: &[u8] = b"XML:com.adobe.xmp\0";
/// What the JPEG segment that holds a packet begins with.
const JPEG_NAMESPACE: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";
/// Most bytes that a JPEG segment holds behind its marker: its length counts itself.
const MAX_SEGMENT_BYTES: usize = 0xffff;
/// Flag of a WebP file that has a packet.
const WEBP_HAS_XMP: u8 = 0x04;
/// Flag of a WebP file that has transparency.
const WEBP_HAS_ALPHA: u8 = 0x10;

/// The picture with a packet that says what it is. Nothing: the container is not as expected, or a packet does not fit
/// or cannot be added to; the picture is then as good as before.
pub(crate) fn embed(
    picture: &[u8],
    format: ImageFormat,
    facts: &Facts,
    embeds_prompts: bool,
) -> Option<Bytes> {
    let description = description(facts, embeds_prompts);
    let embedded = match format {
        ImageFormat::Png => png(picture, &description),
        ImageFormat::Jpeg => jpeg(picture, &description),
        ImageFormat::Webp => webp(picture, &description),
    };
    embedded.map(Bytes::from)
}

/// What is said, as an element of RDF.
fn description(facts: &Facts, embeds_prompts: bool) -> String {
    let mut text = String::from(
        "<rdf:Description rdf:about=\"\" xmlns:Iptc4xmpExt=\"http://iptc.org/std/Iptc4xmpExt/2008-02-29/\" \
         xmlns:xmp=\"http://ns.adobe.com/xap/1.0/\"",
    );
    let mut attribute = |name: &str, value: &str| {
        // Writing to a string does not fail.
        let _ = write!(text, " {name}=\"{}\"", escaped(value));
    };
    attribute("Iptc4xmpExt:DigitalSourceType", &facts.source_type.uri());
    let system = format!("{}/{}", facts.provider, facts.model);
    attribute("Iptc4xmpExt:AISystemUsed", &system);
    if !facts.model_version.is_empty() {
        attribute("Iptc4xmpExt:AISystemVersionUsed", &facts.model_version);
    }
    if embeds_prompts {
        attribute("Iptc4xmpExt:AIPromptInformation", &facts.prompt);
    }
    attribute("xmp:CreatorTool", concat!("limn ", env!("CARGO_PKG_VERSION")));
    attribute("xmp:CreateDate", &facts.generated_at.rfc3339());
    text.push_str("/>");
    text
}

/// Text as an attribute holds it. What XML has no way to write becomes a replacement character.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\t' => escaped.push_str("&#9;"),
            '\n' => escaped.push_str("&#10;"),
            '\r' => escaped.push_str("&#13;"),
            control if control.is_control() || matches!(control, '\u{FFFE}' | '\u{FFFF}') => {
                escaped.push('\u{FFFD}');
            }
            other => escaped.push(other),
        }
    }
    escaped
}

/// A packet of its own.
fn packet(description: &str) -> Vec<u8> {
    format!(
        "<?xpacket begin=\"\u{FEFF}\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?><x:xmpmeta xmlns:x=\"adobe:ns:meta/\">\
         <rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">{description}</rdf:RDF></x:xmpmeta>\
         <?xpacket end=\"w\"?>"
    )
    .into_bytes()
}

/// A packet that is there with one description more. Nothing: it says the digital source type already, or is not
/// written as expected.
fn extended(packet: &[u8], description: &str) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(packet).ok()?;
    let end = text.rfind("</rdf:RDF>")?;
    if text.contains("DigitalSourceType") {
        return None;
    }
    Some([&packet[..end], description.as_bytes(), &packet[end..]].concat())
}

/// The bytes with a part of them replaced.
fn spliced(bytes: &[u8], part: Range<usize>, with: &[u8]) -> Option<Vec<u8>> {
    Some([bytes.get(..part.start)?, with, bytes.get(part.end..)?].concat())
}

fn png(picture: &[u8], description: &str) -> Option<Vec<u8>> {
    const SIGNATURE_BYTES: usize = 8;
    let mut at = SIGNATURE_BYTES;
    let mut behind_header = None;
    loop {
        let length = usize::try_from(u32::from_be_bytes(four(picture, at)?)).ok()?;
        let name = four(picture, at + 4)?;
        let chunk = at..at.checked_add(length)?.checked_add(12)?;
        let content = picture.get(at + 8..chunk.end.checked_sub(4)?)?;
        // Five zeros follow the keyword: not compressed, no method, no language, no translation.
        if let Some(text) = content.strip_prefix(PNG_KEYWORD).filter(|_| &name == b"iTXt") {
            let old = text.strip_prefix(&[0; 4])?;
            return spliced(picture, chunk, &png_chunk(&extended(old, description)?)?);
        }
        match &name {
            b"IHDR" => behind_header = Some(chunk.end),
            b"IEND" => break,
            _ => {}
        }
        at = chunk.end;
    }
    let place = behind_header?;
    spliced(picture, place..place, &png_chunk(&packet(description))?)
}

fn png_chunk(packet: &[u8]) -> Option<Vec<u8>> {
    let content = [b"iTXt", PNG_KEYWORD, &[0; 4], packet].concat();
    let length = u32::try_from(content.len() - 4).ok()?;
    let checksum = crc32fast::hash(&content);
    Some([&length.to_be_bytes(), content.as_slice(), &checksum.to_be_bytes()].concat())
}

fn jpeg(picture: &[u8], description: &str) -> Option<Vec<u8>> {
    const APP0: u8 = 0xe0;
    const APP1: u8 = 0xe1;
    const START_OF_SCAN: u8 = 0xda;
    let mut at = 2;
    // Behind what readers expect to come first: JFIF and Exif.
    let mut place = at;
    loop {
        let [0xff, marker] = *picture.get(at..at + 2)? else {
            return None;
        };
        if marker == 0xff {
            at += 1;
            continue;
        }
        let length = usize::from(u16::from_be_bytes(*picture.get(at + 2..)?.first_chunk()?));
        let segment = at..at + 2 + length;
        let content = picture.get(at + 4..segment.end)?;
        if let Some(old) = content.strip_prefix(JPEG_NAMESPACE).filter(|_| marker == APP1) {
            return spliced(picture, segment, &jpeg_segment(&extended(old, description)?)?);
        }
        if matches!(marker, APP0 | APP1) && place == at {
            place = segment.end;
        }
        if marker == START_OF_SCAN {
            break;
        }
        at = segment.end;
    }
    spliced(picture, place..place, &jpeg_segment(&packet(description))?)
}

fn jpeg_segment(packet: &[u8]) -> Option<Vec<u8>> {
    let length = 2 + JPEG_NAMESPACE.len() + packet.len();
    let length = u16::try_from(length)
        .ok()
        .filter(|length| usize::from(*length) <= MAX_SEGMENT_BYTES)?;
    Some(
        [
            &[0xff, 0xe1],
            length.to_be_bytes().as_slice(),
            JPEG_NAMESPACE,
            packet,
        ]
        .concat(),
    )
}

/// A chunk of a WebP file.
struct Chunk<'a> {
    name: [u8; 4],
    content: &'a [u8],
}

fn webp(picture: &[u8], description: &str) -> Option<Vec<u8>> {
    let mut chunks = webp_chunks(picture)?;
    let first = chunks.first()?;
    let header = if &first.name == b"VP8X" {
        chunks.remove(0).content.to_vec()
    } else {
        webp_header(first)?
    };
    let mut header = header;
    *header.first_mut()? |= WEBP_HAS_XMP;
    let old = chunks.iter().position(|chunk| &chunk.name == b"XMP ");
    let packet = match old {
        Some(place) => extended(chunks.remove(place).content, description)?,
        None => packet(description),
    };
    chunks.insert(
        0,
        Chunk {
            name: *b"VP8X",
            content: &header,
        },
    );
    chunks.push(Chunk {
        name: *b"XMP ",
        content: &packet,
    });
    let mut body = b"WEBP".to_vec();
    for chunk in &chunks {
        body.extend_from_slice(&chunk.name);
        body.extend_from_slice(&u32::try_from(chunk.content.len()).ok()?.to_le_bytes());
        body.extend_from_slice(chunk.content);
        body.resize(body.len() + chunk.content.len() % 2, 0);
    }
    let length = u32::try_from(body.len()).ok()?;
    Some([b"RIFF".as_slice(), &length.to_le_bytes(), &body].concat())
}

fn webp_chunks(picture: &[u8]) -> Option<Vec<Chunk<'_>>> {
    let end = usize::try_from(u32::from_le_bytes(four(picture, 4)?))
        .ok()?
        .checked_add(8)?;
    let mut chunks = Vec::new();
    let mut at = 12;
    while at < end {
        let length = usize::try_from(u32::from_le_bytes(four(picture, at + 4)?)).ok()?;
        let content = picture.get(at + 8..at.checked_add(8)?.checked_add(length)?)?;
        chunks.push(Chunk {
            name: four(picture, at)?,
            content,
        });
        at += 8 + length + length % 2;
    }
    Some(chunks)
}

/// The header that a simple WebP file lacks: flags, three bytes for later, width and height less one.
fn webp_header(pixels: &Chunk<'_>) -> Option<Vec<u8>> {
    let (width_less_one, height_less_one, has_alpha) = match &pixels.name {
        // A signature, then 14 bits of width less one, 14 of height less one, and one bit for transparency.
        b"VP8L" => {
            let bits = u32::from_le_bytes(four(pixels.content, 1)?);
            (bits & 0x3fff, bits >> 14 & 0x3fff, bits >> 28 & 1 == 1)
        }
        // A frame tag and a start code of three bytes each, then 14 bits of width and of height with scaling bits.
        b"VP8 " => {
            let edges = four(pixels.content, 6)?;
            let edge = |low: u8, high: u8| u32::from(u16::from_le_bytes([low, high]) & 0x3fff).checked_sub(1);
            (edge(edges[0], edges[1])?, edge(edges[2], edges[3])?, false)
        }
        _ => return None,
    };
    let mut header = vec![if has_alpha { WEBP_HAS_ALPHA } else { 0 }, 0, 0, 0];
    header.extend_from_slice(&width_less_one.to_le_bytes()[..3]);
    header.extend_from_slice(&height_less_one.to_le_bytes()[..3]);
    Some(header)
}

fn four(bytes: &[u8], at: usize) -> Option<[u8; 4]> {
    bytes.get(at..)?.first_chunk().copied()
}

#[cfg(test)]
mod tests;
