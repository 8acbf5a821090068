//! What is found in a document.

use std::{collections::BTreeSet, ops::Range};

/// Language of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// CommonMark with the extensions of GitHub: `text/markdown`.
    Markdown,
    /// HTML as browsers read it: `text/html`.
    Html,
}

impl Format {
    /// The format of a media type without parameters.
    pub fn from_media_type(media_type: &str) -> Option<Self> {
        match media_type {
            "text/markdown" => Some(Self::Markdown),
            "text/html" => Some(Self::Html),
            _ => None,
        }
    }

    /// Its media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Markdown => "text/markdown",
            Self::Html => "text/html",
        }
    }
}

/// How a prompt is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    /// `[IMAGE: a red fox]` in running text.
    Bracket,
    /// `![prompt: a red fox](…)` in Markdown.
    MarkdownImage,
    /// `<!-- image: a red fox -->`.
    Comment,
    /// `<figure data-image-prompt="a red fox">…</figure>`.
    Figure,
    /// `<img data-prompt="a red fox">`.
    Img,
    /// `<img alt="prompt: a red fox">`.
    ImgAlt,
}

impl Form {
    /// Every form.
    pub const ALL: [Self; 6] = [
        Self::Bracket,
        Self::MarkdownImage,
        Self::Comment,
        Self::Figure,
        Self::Img,
        Self::ImgAlt,
    ];
}

/// Where a slot stands, which decides what a picture is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In Markdown text.
    Markdown,
    /// In HTML, where a block such as a figure may stand.
    HtmlBlock,
    /// In HTML within a paragraph, a heading or another run of text.
    HtmlInline,
}

/// Weight of a picture in its document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Importance {
    /// The document stands on it.
    Primary,
    /// It supports the text.
    Secondary,
    /// The document is whole without it.
    Decorative,
}

/// What is read, and what is left alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Forms that count as markers.
    pub forms: BTreeSet<Form>,
}

impl Default for Options {
    /// Every form.
    fn default() -> Self {
        Self {
            forms: Form::ALL.into(),
        }
    }
}

/// What a marker says about its picture besides the prompt, in its own words. Empty: nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attributes {
    /// A ratio such as `16:9`, or pixels such as `1024x768`.
    pub size: String,
    /// A word for the style.
    pub style: String,
    /// A word for the quality.
    pub quality: String,
    /// `primary`, `secondary` or `decorative`.
    pub importance: String,
    /// A word for the class of the image.
    pub image_type: String,
    /// What to keep out of the picture.
    pub negative: String,
    /// A number.
    pub seed: String,
}

/// One prompt of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Bytes of the document that a picture replaces.
    pub range: Range<usize>,
    /// Line on which it starts, counted from 1.
    pub line: usize,
    /// How it is written.
    pub form: Form,
    /// Where it stands.
    pub place: Place,
    /// Its own id. Empty: it has none, and counts by its position.
    pub id: String,
    /// What to draw, with single spaces.
    pub prompt: String,
    /// Text for readers who cannot see the picture, as written in the marker. Empty: none is.
    pub alt: String,
    /// Text shown with the picture. Empty: none is.
    pub caption: String,
    /// What else the marker says.
    pub attributes: Attributes,
    /// As the marker says, else by where it stands.
    pub importance: Importance,
    /// Title of the nearest heading above, at most [`MAX_TITLE_BYTES`](crate::MAX_TITLE_BYTES).
    pub section_title: String,
    /// Text before it, at most [`MAX_CONTEXT_CHARS`](crate::MAX_CONTEXT_CHARS), cut at a word.
    pub before: String,
    /// Text after it, as long.
    pub after: String,
}

/// A marker that cannot be taken as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Line on which it starts, counted from 1.
    pub line: usize,
    /// What is wrong and what would be right.
    pub description: String,
}

/// The prompts of a document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extraction {
    /// In the order in which they stand; their ranges do not overlap.
    pub slots: Vec<Slot>,
    /// Markers that cannot be taken, in the order in which they stand.
    pub problems: Vec<Problem>,
}

/// A document that is not UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not UTF-8 from byte {valid_bytes} on; convert the document to UTF-8")]
pub struct Unreadable {
    /// Bytes before the first one that is wrong.
    pub valid_bytes: usize,
}
