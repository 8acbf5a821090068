//! What the scan knows about elements of HTML.

/// True for elements whose text is no running text: a marker in them is text about a marker.
pub(crate) fn is_opaque(name: &str) -> bool {
    matches!(
        name,
        "pre"
            | "code"
            | "script"
            | "style"
            | "textarea"
            | "title"
            | "template"
            | "noscript"
            | "iframe"
            | "xmp"
            | "samp"
            | "kbd"
            | "svg"
            | "math"
            | "select"
            | "button"
    )
}

/// True for opaque elements that do not stand for text at all.
pub(crate) fn is_unseen(name: &str) -> bool {
    matches!(
        name,
        "script" | "style" | "template" | "noscript" | "iframe" | "title" | "svg"
    )
}

/// True for elements inside a line of text. All others begin and end blocks.
pub(crate) fn is_inline(name: &str) -> bool {
    matches!(
        name,
        "a" | "abbr"
            | "b"
            | "bdi"
            | "bdo"
            | "big"
            | "br"
            | "cite"
            | "code"
            | "data"
            | "del"
            | "dfn"
            | "em"
            | "font"
            | "i"
            | "img"
            | "ins"
            | "kbd"
            | "label"
            | "mark"
            | "picture"
            | "q"
            | "s"
            | "samp"
            | "small"
            | "span"
            | "strike"
            | "strong"
            | "sub"
            | "sup"
            | "time"
            | "tt"
            | "u"
            | "var"
            | "wbr"
    )
}

/// True for elements that hold text and inline elements only: a figure may not stand in them.
pub(crate) fn holds_text_only(name: &str) -> bool {
    let is_text_block = matches!(
        name,
        "p" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "dt" | "caption" | "summary" | "legend"
    );
    // `a`, `ins` and `del` hold whatever their parent holds; `br`, `img` and `wbr` hold nothing.
    let is_text_span = is_inline(name) && !matches!(name, "a" | "ins" | "del" | "br" | "img" | "wbr");
    is_text_block || is_text_span
}

/// Level of a heading.
pub(crate) fn heading_level(name: &str) -> Option<u8> {
    match name.as_bytes() {
        [b'h', level @ b'1'..=b'6'] => Some(level - b'0'),
        _ => None,
    }
}

/// True for parts of a page whose pictures are ornaments.
pub(crate) fn is_ornamental(name: &str) -> bool {
    matches!(name, "td" | "th" | "aside" | "footer" | "nav")
}
