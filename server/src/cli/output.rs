//! The only place that writes to the terminal.
//!
//! Results go to stdout, everything else to stderr. A reader that went away is no error: what was asked for is
//! done all the same, only nobody reads about it.

use std::{
    io::{self, Write as _},
    sync::atomic::{AtomicBool, Ordering},
};

use serde::Serialize;

use super::{failure::Failure, flags::Global};

/// How to talk to the caller.
#[derive(Debug)]
pub(crate) struct Output {
    json: bool,
    quiet: bool,
    closed: AtomicBool,
}

impl Output {
    /// As the flags say.
    pub(crate) fn new(global: &Global) -> Self {
        Self::plain(global.json, global.quiet)
    }

    /// For errors that come before the flags are known.
    pub(crate) fn plain(json: bool, quiet: bool) -> Self {
        Self {
            json,
            quiet,
            closed: AtomicBool::new(false),
        }
    }

    /// True when stdout takes JSON only.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// True when only results and errors are wanted.
    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// True once the reader of stdout went away.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// Writes a result for people; a line end is added when it lacks one.
    pub(crate) fn text(&self, text: &str) -> Result<(), Failure> {
        let text = printable(text);
        let end = if text.ends_with('\n') || text.is_empty() {
            ""
        } else {
            "\n"
        };
        self.write(format!("{text}{end}").as_bytes())
    }

    /// Writes a result as one JSON document on one line.
    pub(crate) fn json<T: Serialize + ?Sized>(&self, document: &T) -> Result<(), Failure> {
        let mut line = serde_json::to_vec(document)
            .map_err(|error| Failure::internal(format!("the answer cannot be written as JSON: {error}")))?;
        line.push(b'\n');
        self.write(&line)
    }

    /// Writes bytes as they are.
    pub(crate) fn write(&self, bytes: &[u8]) -> Result<(), Failure> {
        if self.is_closed() {
            return Ok(());
        }
        let mut stdout = io::stdout().lock();
        match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.closed.store(true, Ordering::Relaxed);
                Ok(())
            }
            Err(error) => Err(Failure::internal(format!("stdout cannot be written: {error}"))),
        }
    }

    /// Writes a remark for people to stderr, unless they asked for silence.
    pub(crate) fn note(&self, text: &str) {
        if !self.json && !self.quiet {
            to_stderr(&format!("{}\n", printable(text)));
        }
    }

    /// Writes why the command failed to stderr.
    pub(crate) fn failure(&self, failure: &Failure) {
        let text = match (self.json, serde_json::to_string(&**failure)) {
            (true, Ok(document)) => format!("{document}\n"),
            (true, Err(_)) | (false, _) => printable(&failure.text()),
        };
        to_stderr(&text);
    }
}

/// Nobody can be told when stderr itself fails.
fn to_stderr(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// Text from elsewhere must not steer the terminal: control characters become visible.
fn printable(text: &str) -> String {
    text.chars()
        .map(|letter| match letter {
            '\n' | '\t' => letter,
            control if control.is_control() => '\u{FFFD}',
            other => other,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::printable;

    #[test]
    fn escape_sequences_from_elsewhere_do_not_reach_the_terminal() {
        assert_eq!(printable("a\u{1b}[2Jb\nc"), "a\u{FFFD}[2Jb\nc");
    }
}
