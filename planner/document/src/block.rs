//! One block of running text, in which markers in brackets are looked for.

use std::ops::Range;

use crate::{marker, piece::Text, slot::Form};

/// The word of a marker in brackets and of a comment.
pub(crate) const WORD: &str = "image";
/// The word before a prompt in an alternative text.
pub(crate) const ALT_WORD: &str = "prompt";

/// The text of a block as a reader sees it.
#[derive(Debug, Default)]
pub(crate) struct Block {
    pub(crate) flat: String,
    runs: Vec<Run>,
}

/// Text that stands in the document without a gap.
#[derive(Debug)]
struct Run {
    flat: Range<usize>,
    source: usize,
    /// Elements around it within the block.
    depth: i32,
    may_mark: bool,
    is_html: bool,
}

/// A marker in brackets.
#[derive(Debug)]
pub(crate) struct Bracket {
    /// In the text of the block, brackets included.
    pub(crate) flat: Range<usize>,
    /// In the document.
    pub(crate) source: Range<usize>,
    pub(crate) is_html: bool,
    /// The form that it is, or was meant to be.
    pub(crate) form: Form,
    /// What is wrong with it as a whole.
    pub(crate) problem: Option<&'static str>,
}

#[derive(Clone, Copy)]
struct Opening {
    flat: usize,
    source: usize,
    depth: i32,
    is_html: bool,
}

impl Block {
    /// Adds text. Text that is not verbatim, or stands in code, belongs to markers but makes none.
    pub(crate) fn push(&mut self, text: &Text<'_>, depth: i32, is_opaque: bool) {
        let start = self.flat.len();
        self.flat.push_str(&text.text);
        self.runs.push(Run {
            flat: start..self.flat.len(),
            source: text.range.start,
            depth,
            may_mark: text.is_verbatim && !is_opaque,
            is_html: text.is_html,
        });
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.flat.clear();
        self.runs.clear();
    }

    /// The markers in order. A marker within a marker belongs to its prompt.
    pub(crate) fn brackets(&self) -> Vec<Bracket> {
        let mut open: Vec<Opening> = Vec::new();
        let mut found: Vec<Bracket> = Vec::new();
        for run in self.runs.iter().filter(|run| run.may_mark) {
            let text = self.flat.get(run.flat.clone()).unwrap_or_default();
            for (at, letter) in text.match_indices(['[', ']']) {
                let (flat, source) = (run.flat.start + at, run.source + at);
                if letter == "[" {
                    open.push(Opening {
                        flat,
                        source,
                        depth: run.depth,
                        is_html: run.is_html,
                    });
                } else if let Some(opening) = open.pop() {
                    let crosses = opening.depth != run.depth;
                    let problem = "begins in one element and ends in another; keep it within one";
                    self.found(
                        opening,
                        flat + 1,
                        source + 1,
                        crosses.then_some(problem),
                        &mut found,
                    );
                }
            }
        }
        let problem = "is not closed in its paragraph; end it with ], or write it as code if it is no marker";
        for opening in open {
            self.found(
                opening,
                opening.flat + 1,
                opening.source + 1,
                Some(problem),
                &mut found,
            );
        }
        found.extend(self.misread());
        found.sort_by_key(|bracket| bracket.flat.start);
        let mut end = 0;
        found.retain(|bracket| {
            let is_inside = bracket.flat.start < end;
            end = end.max(bracket.flat.end);
            !is_inside
        });
        found
    }

    /// Markers of other forms that are read as text because they are not written as they must be.
    fn misread(&self) -> impl Iterator<Item = Bracket> {
        let problem = |inside: &str| match inside.strip_prefix("<!--") {
            Some(inside) => marker::behind(inside, WORD).map(|_| {
                let problem =
                    "is no comment here; close it with -->, and write \\| for a bar in a cell of a table";
                (Form::Comment, problem)
            }),
            None => marker::behind(inside.strip_prefix("![")?, ALT_WORD).map(|_| {
                let problem = "has no address; write it as ![prompt: what to draw](x)";
                (Form::MarkdownImage, problem)
            }),
        };
        let runs = self.runs.iter().filter(|run| run.may_mark && !run.is_html);
        runs.flat_map(move |run| {
            let text = self.flat.get(run.flat.clone()).unwrap_or_default();
            text.match_indices(['<', '!']).filter_map(move |(at, _)| {
                let flat = run.flat.start + at;
                let (form, problem) = problem(self.flat.get(flat..).unwrap_or_default())?;
                Some(Bracket {
                    flat: flat..flat + 1,
                    source: run.source + at..run.source + at + 1,
                    is_html: run.is_html,
                    form,
                    problem: Some(problem),
                })
            })
        })
    }

    fn found(
        &self,
        opening: Opening,
        flat_end: usize,
        source_end: usize,
        problem: Option<&'static str>,
        found: &mut Vec<Bracket>,
    ) {
        let inside = self.flat.get(opening.flat + 1..).unwrap_or_default();
        if marker::behind(inside, WORD).is_some() {
            found.push(Bracket {
                flat: opening.flat..flat_end,
                source: opening.source..source_end,
                is_html: opening.is_html,
                form: Form::Bracket,
                problem,
            });
        }
    }
}
