//! Pictures as Markdown and as HTML.

use std::fmt::Write as _;

use crate::{
    html,
    piece::Tag,
    slot::{Form, Place},
};

/// A picture as it is written into a document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Picture {
    /// Where it is: an address or a path.
    pub address: String,
    /// Text for readers who cannot see it.
    pub alt: String,
    /// Text shown with it. Empty: none.
    pub caption: String,
    /// Width in pixels; 0: not told.
    pub width_px: u32,
    /// Height in pixels; 0: not told.
    pub height_px: u32,
    /// Smaller copies to offer with it. Markdown has no words for them: the picture becomes an `<img>` there, too.
    pub sources: Vec<Source>,
}

/// A smaller copy of a picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Where it is.
    pub address: String,
    /// Its width in pixels.
    pub width_px: u32,
}

/// Attributes that the picture itself decides.
const OWN_ATTRIBUTES: [&str; 8] = [
    "src",
    "srcset",
    "sizes",
    "alt",
    "width",
    "height",
    "title",
    "data-prompt",
];

/// What stands in the place of a marker; `marker` is its text.
pub(crate) fn write(marker: &str, form: Form, place: Place, picture: &Picture) -> String {
    match (place, form) {
        (Place::Markdown, _) if picture.sources.is_empty() => markdown(picture),
        // `<img>` alone on its line would begin a block of HTML, and the lines below it were no Markdown any more.
        (Place::Markdown, _) => format!("<picture>{}</picture>", img(None, picture, &picture.caption)),
        (_, Form::Figure) => figure(marker, picture),
        (_, Form::Img | Form::ImgAlt) => {
            img(html::first_tag(marker, "img").as_ref(), picture, &picture.caption)
        }
        (Place::HtmlBlock, _) if !picture.caption.is_empty() => {
            format!(
                "<figure>{}{}</figure>",
                img(None, picture, ""),
                caption(&picture.caption)
            )
        }
        (Place::HtmlBlock | Place::HtmlInline, _) => img(None, picture, &picture.caption),
    }
}

fn markdown(picture: &Picture) -> String {
    let mut text = format!("![{}]({}", escaped(&picture.alt), destination(&picture.address));
    if !picture.caption.is_empty() {
        let _ = write!(text, " \"{}\"", escaped(&picture.caption));
    }
    text.push(')');
    text
}

/// The element with its own attributes, the picture in it, and its caption as it was.
fn figure(marker: &str, picture: &Picture) -> String {
    let tag = html::first_tag(marker, "figure");
    let mut text = "<figure".to_owned();
    kept_attributes(tag.as_ref(), &mut text);
    text.push('>');
    text.push_str(&img(html::first_tag(marker, "img").as_ref(), picture, ""));
    let names_caption = tag.is_some_and(|tag| {
        let mut names = tag.attributes.keys();
        names.any(|name| matches!(name.as_str(), "data-image-caption" | "data-prompt-caption"))
    });
    match html::element(marker, "figcaption").filter(|_| !names_caption) {
        Some(written) => text.push_str(written),
        None if picture.caption.is_empty() => {}
        None => text.push_str(&caption(&picture.caption)),
    }
    text.push_str("</figure>");
    text
}

fn caption(text: &str) -> String {
    format!("<figcaption>{}</figcaption>", attribute(text))
}

fn img(tag: Option<&Tag>, picture: &Picture, title: &str) -> String {
    let mut text = "<img".to_owned();
    kept_attributes(tag, &mut text);
    let address = web_address(&picture.address);
    push(&mut text, "src", &address);
    if !picture.sources.is_empty() {
        let sources = picture.sources.iter();
        let mut set: Vec<String> = sources
            .map(|source| format!("{} {}w", list_address(&source.address), source.width_px))
            .collect();
        if picture.width_px > 0 {
            set.push(format!(
                "{} {}w",
                list_address(&picture.address),
                picture.width_px
            ));
        }
        push(&mut text, "srcset", &set.join(", "));
    }
    push(&mut text, "alt", &picture.alt);
    if picture.width_px > 0 && picture.height_px > 0 {
        push(&mut text, "width", &picture.width_px.to_string());
        push(&mut text, "height", &picture.height_px.to_string());
    }
    if !title.is_empty() {
        push(&mut text, "title", title);
    }
    text.push_str(" />");
    text
}

fn kept_attributes(tag: Option<&Tag>, text: &mut String) {
    for (name, value) in tag.iter().flat_map(|tag| &tag.attributes) {
        let is_marker = name.starts_with("data-image-") || name.starts_with("data-prompt");
        if !is_marker && !OWN_ATTRIBUTES.contains(&name.as_str()) {
            push(text, name, value);
        }
    }
}

fn push(text: &mut String, name: &str, value: &str) {
    let _ = write!(text, " {name}=\"{}\"", attribute(value));
}

/// Text of HTML. A bar would end the cell of a Markdown table, also within an attribute.
fn attribute(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '|' => safe.push_str("&#124;"),
            '\n' | '\r' | '\t' => safe.push(' '),
            letter => safe.push(letter),
        }
    }
    safe
}

/// Text of Markdown in one line: every character that could be markup stands behind a backslash.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        if matches!(letter, '\n' | '\r' | '\t') {
            safe.push(' ');
            continue;
        }
        let is_markup = matches!(
            letter,
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '&' | '|' | '~' | '!' | '$' | '"' | '^'
        );
        if is_markup {
            safe.push('\\');
        }
        safe.push(letter);
    }
    safe
}

/// The address within the parentheses of a picture: what could end it or be read as markup is percent-encoded.
fn destination(address: &str) -> String {
    encoded(address, |byte| {
        matches!(
            byte,
            b'(' | b')' | b'<' | b'>' | b'\\' | b'|' | b'"' | b'\'' | b'`' | b'*' | b'[' | b']'
        )
    })
    .replace('&', "&amp;")
}

/// An address in a list of HTML, whose items end with a comma.
fn list_address(address: &str) -> String {
    encoded(address, |byte| byte == b',')
}

fn web_address(address: &str) -> String {
    encoded(address, |_| false)
}

/// Percent-encodes whitespace, control characters and what else is named. Percent signs stay: an address is
/// encoded already.
fn encoded(address: &str, is_special: fn(u8) -> bool) -> String {
    let mut safe = String::with_capacity(address.len());
    for letter in address.chars() {
        let may_run =
            letter.is_whitespace() || letter.is_control() || u8::try_from(letter).is_ok_and(is_special);
        if !may_run {
            safe.push(letter);
            continue;
        }
        let mut bytes = [0; 4];
        for byte in letter.encode_utf8(&mut bytes).bytes() {
            let _ = write!(safe, "%{byte:02X}");
        }
    }
    safe
}
