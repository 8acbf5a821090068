//! Slots from pieces: one walk over the document.

use std::ops::Range;

use crate::{
    around::{Lines, after, before, shortened},
    block::{ALT_WORD, Block, WORD},
    elements::{heading_level, is_inline},
    marker::{Marker, behind, collapse},
    open::Elements,
    piece::{Piece, Tag, Text},
    slot::{Extraction, Form, Importance, Options, Place, Problem, Slot},
};

/// Attributes of HTML that hold a prompt.
const PROMPT_ATTRIBUTES: [&str; 2] = ["data-image-prompt", "data-prompt"];
/// What the other attributes of a marker begin with in HTML.
const PREFIXES: [&str; 2] = ["data-image-", "data-prompt-"];

/// Finds the slots of a document.
pub(crate) fn scan(document: &str, pieces: Vec<Piece<'_>>, options: &Options) -> Extraction {
    let mut scan = Scan {
        document,
        options,
        found: Vec::new(),
        pending: 0,
        problems: Vec::new(),
        plain: String::new(),
        block: Block::default(),
        depth: 0,
        elements: Elements::default(),
        figure: None,
        heading: None,
        title: String::new(),
        is_below_title: false,
    };
    for piece in pieces {
        scan.read(piece);
    }
    scan.finish()
}

struct Scan<'d> {
    document: &'d str,
    options: &'d Options,
    found: Vec<Found>,
    /// Index of the first slot of the current block.
    pending: usize,
    /// Where in the document, and what.
    problems: Vec<(usize, String)>,
    /// All text so far, without markers and code.
    plain: String,
    block: Block,
    /// Inline elements that are open in the block.
    depth: i32,
    elements: Elements,
    figure: Option<OpenFigure>,
    /// Level of the heading that is being read.
    heading: Option<u8>,
    title: String,
    /// True between a heading of the first level and the first text below it.
    is_below_title: bool,
}

/// A slot before the text around it is known.
struct Found {
    range: Range<usize>,
    form: Form,
    place: Place,
    marker: Marker,
    /// Place in the text of the block, then in the text of the document.
    at: usize,
    title: String,
    is_ornament: bool,
    is_hero: bool,
}

struct OpenFigure {
    found: Found,
    depth: u32,
    in_caption: bool,
    caption: String,
}

impl Scan<'_> {
    fn read(&mut self, piece: Piece<'_>) {
        match piece {
            Piece::Text(text) => self.text(&text),
            Piece::Boundary => self.boundary(),
            Piece::Heading { level } => {
                self.boundary();
                self.heading = Some(level);
            }
            Piece::HeadingEnd => {
                self.boundary();
                self.heading = None;
            }
            Piece::Ornament => {
                self.boundary();
                self.elements.ornaments += 1;
            }
            Piece::OrnamentEnd => {
                self.boundary();
                self.elements.ornaments = self.elements.ornaments.saturating_sub(1);
            }
            Piece::Image { range, alt, title } => self.markdown_image(range, &alt, &title),
            Piece::Comment {
                range,
                text,
                in_markdown,
            } => self.comment(range, &text, in_markdown),
            Piece::Open(tag) => self.open(&tag),
            Piece::Close { name, range } => self.close(&name, &range),
        }
    }

    fn text(&mut self, text: &Text<'_>) {
        let elements = &self.elements;
        if let Some(figure) = &mut self.figure {
            if figure.in_caption && elements.unread == 0 {
                figure.caption.push_str(&text.text);
            }
        } else if elements.unread == 0 {
            let is_opaque = elements.is_opaque() || !self.options.forms.contains(&Form::Bracket);
            self.block.push(text, self.depth, is_opaque);
        }
    }

    fn markdown_image(&mut self, range: Range<usize>, alt: &str, title: &str) {
        let marker = behind(alt, ALT_WORD).map(Marker::parse);
        if let Some(mut marker) = marker.filter(|_| self.takes(Form::MarkdownImage)) {
            if marker.caption.is_empty() {
                marker.caption = collapse(title);
            }
            self.push(range, Form::MarkdownImage, Place::Markdown, marker);
        }
    }

    fn comment(&mut self, range: Range<usize>, text: &str, in_markdown: bool) {
        let source = self.document.get(range.clone()).unwrap_or_default();
        let Some(inside) = behind(text, WORD).filter(|_| source.starts_with("<!--")) else {
            return;
        };
        if !self.takes(Form::Comment) {
            return;
        }
        if !source.ends_with("-->") {
            let problem = "the comment with a prompt is not closed; end it with -->";
            self.problems.push((range.start, problem.into()));
            return;
        }
        let place = if in_markdown {
            Place::Markdown
        } else {
            self.html_place()
        };
        self.push(range, Form::Comment, place, Marker::parse(inside));
    }

    fn open(&mut self, tag: &Tag) {
        let name = tag.name.as_str();
        if is_inline(name) {
            self.open_inline(tag);
            return;
        }
        if !tag.in_line {
            self.boundary();
        }
        self.elements.open_block(tag);
        if let Some(level) = heading_level(name) {
            self.heading = Some(level);
        }
        match (&mut self.figure, name) {
            (Some(figure), "figure") => figure.depth += 1,
            (Some(figure), "figcaption") => figure.in_caption = true,
            (None, "figure") => self.open_figure(tag),
            _ => {}
        }
        if name == "figure" {
            self.elements.figures += 1;
        }
    }

    fn open_inline(&mut self, tag: &Tag) {
        match tag.name.as_str() {
            "img" => self.img(tag),
            "br" | "wbr" => {
                if self.figure.is_none() {
                    self.block.push(&Text::space(&tag.range), self.depth, true);
                }
            }
            _ => self.depth += 1,
        }
        self.elements.open_inline(tag);
    }

    fn close(&mut self, name: &str, range: &Range<usize>) {
        if is_inline(name) {
            if !matches!(name, "img" | "br" | "wbr") {
                self.depth -= 1;
            }
            self.elements.close(name);
            return;
        }
        self.boundary();
        self.elements.close(name);
        if heading_level(name).is_some() {
            self.heading = None;
        }
        if name == "figcaption"
            && let Some(figure) = &mut self.figure
        {
            figure.in_caption = false;
        }
        if name == "figure" {
            self.elements.figures = self.elements.figures.saturating_sub(1);
            self.close_figure(range.end);
        }
    }

    fn open_figure(&mut self, tag: &Tag) {
        let Some(marker) = data_marker(tag).filter(|_| self.takes(Form::Figure)) else {
            return;
        };
        let place = self.html_place();
        self.figure = Some(OpenFigure {
            found: self.found(tag.range.clone(), Form::Figure, place, marker),
            depth: 1,
            in_caption: false,
            caption: String::new(),
        });
    }

    fn close_figure(&mut self, end: usize) {
        let Some(mut figure) = self.figure.take() else {
            return;
        };
        figure.depth -= 1;
        if figure.depth > 0 {
            self.figure = Some(figure);
            return;
        }
        let mut found = figure.found;
        found.range.end = end;
        if found.marker.caption.is_empty() {
            found.marker.caption = collapse(&figure.caption);
        }
        self.found.push(found);
    }

    fn img(&mut self, tag: &Tag) {
        let alt = tag.attributes.get("alt").map_or("", String::as_str);
        let (form, marker) = match data_marker(tag) {
            Some(mut marker) => {
                if marker.alt.is_empty() {
                    marker.alt = collapse(alt);
                }
                (Form::Img, marker)
            }
            None => match behind(alt, ALT_WORD) {
                Some(text) => (Form::ImgAlt, Marker::parse(text)),
                None => return,
            },
        };
        if !self.takes(form) {
            return;
        }
        let mut marker = marker;
        if let Some(title) = tag.attributes.get("title").filter(|_| marker.caption.is_empty()) {
            marker.caption = collapse(title);
        }
        let place = if tag.in_line {
            Place::HtmlInline
        } else {
            self.html_place()
        };
        self.push(tag.range.clone(), form, place, marker);
    }

    /// True when a marker of this form counts here.
    fn takes(&self, form: Form) -> bool {
        self.options.forms.contains(&form) && self.figure.is_none() && !self.elements.is_opaque()
    }

    fn html_place(&self) -> Place {
        if self.elements.text_only > 0 || self.elements.figures > 0 {
            Place::HtmlInline
        } else {
            Place::HtmlBlock
        }
    }

    fn found(&self, range: Range<usize>, form: Form, place: Place, marker: Marker) -> Found {
        Found {
            range,
            form,
            place,
            marker,
            at: self.block.flat.len(),
            title: String::new(),
            is_ornament: self.elements.ornaments > 0,
            is_hero: false,
        }
    }

    fn push(&mut self, range: Range<usize>, form: Form, place: Place, marker: Marker) {
        let found = self.found(range, form, place, marker);
        self.found.push(found);
    }

    /// Ends a block: its markers in brackets are known now, and where all its slots stand.
    fn boundary(&mut self) {
        self.elements.end_line();
        self.depth = 0;
        let brackets = self.block.brackets();
        let block = std::mem::take(&mut self.block);
        // Bytes before each marker that are no text of the document.
        let mut cuts: Vec<Range<usize>> = Vec::new();
        for bracket in brackets {
            if !self.options.forms.contains(&bracket.form) {
                continue;
            }
            if let Some(problem) = bracket.problem {
                let problem = format!("the marker {problem}");
                self.problems.push((bracket.source.start, problem));
                continue;
            }
            let inside = block.flat.get(bracket.flat.start + 1..bracket.flat.end - 1);
            let inside = inside.and_then(|inside| behind(inside, WORD)).unwrap_or_default();
            let place = if bracket.is_html {
                self.html_place()
            } else {
                Place::Markdown
            };
            let mut found = self.found(bracket.source, Form::Bracket, place, Marker::parse(inside));
            found.at = bracket.flat.start;
            self.found.push(found);
            cuts.push(bracket.flat);
        }
        self.place_slots(&block.flat, &cuts);
        self.block = block;
        self.block.clear();
    }

    /// Adds the text of a block to that of the document, and tells its slots where they stand in it.
    fn place_slots(&mut self, flat: &str, cuts: &[Range<usize>]) {
        let base = self.plain.len();
        let mut from = 0;
        for cut in cuts {
            self.plain.push_str(flat.get(from..cut.start).unwrap_or_default());
            from = cut.end;
        }
        self.plain.push_str(flat.get(from..).unwrap_or_default());
        let text = self.plain.get(base..).unwrap_or_default();
        let is_blank = text.trim().is_empty();
        if self.heading.is_some() && !is_blank {
            self.title = shortened(&collapse(text));
        }
        let lead = text.len() - text.trim_start().len();
        let mut cut_bytes = 0;
        let mut cuts = cuts.iter().peekable();
        let first = self.pending;
        let mut slots: Vec<&mut Found> = self.found.iter_mut().skip(first).collect();
        slots.sort_by_key(|found| found.at);
        for found in slots {
            while let Some(cut) = cuts.next_if(|cut| cut.end <= found.at) {
                cut_bytes += cut.len();
            }
            let within = found.at - cut_bytes;
            found.is_hero = self.is_below_title && (is_blank || within <= lead);
            found.at = base + within;
            found.title.clone_from(&self.title);
        }
        self.pending = self.found.len();
        if is_blank {
            self.plain.truncate(base);
            for found in self.found.iter_mut().skip(first) {
                found.at = base;
            }
            return;
        }
        self.plain.push('\n');
        self.is_below_title = self.heading == Some(1);
    }

    fn finish(mut self) -> Extraction {
        self.boundary();
        if let Some(figure) = self.figure.take() {
            let problem = "the figure with a prompt is not closed; end it with </figure>";
            self.problems.push((figure.found.range.start, problem.into()));
        }
        let mut found = std::mem::take(&mut self.found);
        found.sort_by_key(|found| (found.range.start, found.range.end));
        let mut end = 0;
        found.retain(|found| {
            let is_inside = found.range.start < end;
            end = end.max(found.range.end);
            !is_inside
        });
        let mut lines = Lines::new(self.document);
        let mut slots = Vec::with_capacity(found.len());
        let mut has_first = false;
        for found in found {
            let line = lines.line_of(found.range.start);
            let is_first = !has_first && !found.is_ornament;
            has_first |= is_first;
            slots.push(self.slot(found, line, is_first));
        }
        self.problems.sort_by_key(|(start, _)| *start);
        let mut lines = Lines::new(self.document);
        let problem = |(start, description)| Problem {
            line: lines.line_of(start),
            description,
        };
        Extraction {
            slots,
            problems: self.problems.into_iter().map(problem).collect(),
        }
    }

    fn slot(&mut self, found: Found, line: usize, is_first: bool) -> Slot {
        let start = found.range.start;
        let mut marker = found.marker;
        if marker.prompt.is_empty() {
            marker
                .problems
                .push("the marker has no prompt; say what to draw".into());
        }
        let derived = match (found.is_ornament, is_first || found.is_hero) {
            (true, _) => Importance::Decorative,
            (false, true) => Importance::Primary,
            (false, false) => Importance::Secondary,
        };
        let importance = marker.importance().unwrap_or_else(|problem| {
            marker.problems.push(problem);
            None
        });
        let problems = std::mem::take(&mut marker.problems);
        self.problems
            .extend(problems.into_iter().map(|problem| (start, problem)));
        Slot {
            range: found.range,
            line,
            form: found.form,
            place: found.place,
            id: marker.id,
            prompt: marker.prompt,
            alt: marker.alt,
            caption: marker.caption,
            attributes: marker.attributes,
            importance: importance.unwrap_or(derived),
            section_title: found.title,
            before: before(&self.plain, found.at),
            after: after(&self.plain, found.at),
        }
    }
}

impl Text<'_> {
    fn space(range: &Range<usize>) -> Text<'static> {
        Text {
            range: range.clone(),
            text: " ".into(),
            is_verbatim: false,
            is_html: true,
        }
    }
}

/// The marker in the attributes of a tag: the prompt with what stands behind its bars, and attributes of their own.
fn data_marker(tag: &Tag) -> Option<Marker> {
    let prompt = PROMPT_ATTRIBUTES
        .iter()
        .find_map(|name| tag.attributes.get(*name))?;
    let mut marker = Marker::parse(prompt);
    for (attribute, value) in &tag.attributes {
        let name = PREFIXES.iter().find_map(|prefix| attribute.strip_prefix(prefix));
        match name {
            Some(name) if name != "prompt" => marker.set(name, value),
            _ => {}
        }
    }
    Some(marker)
}
