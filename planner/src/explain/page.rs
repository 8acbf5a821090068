//! Lines of text, wrapped and safe for a terminal.

use alloc::string::String;

/// Widest line in columns, counted in characters.
const COLUMNS: usize = 100;

/// Text that grows line by line.
#[derive(Debug, Default)]
pub(super) struct Page {
    text: String,
}

impl Page {
    /// Adds an empty line.
    pub(super) fn blank(&mut self) {
        self.text.push('\n');
    }

    /// Adds text at an indent. Long lines go on two columns further in.
    pub(super) fn line(&mut self, indent: usize, text: &str) {
        let text = printable(text);
        for (index, paragraph) in text.split('\n').enumerate() {
            let first = if index == 0 { indent } else { indent + 2 };
            self.paragraph(first, indent + 2, paragraph);
        }
    }

    /// The text.
    pub(super) fn finish(self) -> String {
        self.text
    }

    fn paragraph(&mut self, first_indent: usize, indent: usize, text: &str) {
        self.start(first_indent);
        let (mut column, mut line_is_empty) = (first_indent, true);
        for word in text.split(' ') {
            let length = word.chars().count();
            if !line_is_empty {
                if column + 1 + length > COLUMNS {
                    self.break_line(indent);
                    column = indent;
                } else {
                    self.text.push(' ');
                    column += 1;
                }
            }
            line_is_empty = false;
            for letter in word.chars() {
                if column >= COLUMNS {
                    self.break_line(indent);
                    column = indent;
                }
                self.text.push(letter);
                column += 1;
            }
        }
        self.end();
    }

    fn start(&mut self, indent: usize) {
        self.text.extend(core::iter::repeat_n(' ', indent));
    }

    fn end(&mut self) {
        let kept = self.text.trim_end_matches(' ').len();
        self.text.truncate(kept);
        self.text.push('\n');
    }

    fn break_line(&mut self, indent: usize) {
        self.end();
        self.start(indent);
    }
}

/// Text that cannot steer a terminal: escape sequences and direction overrides are spelled out.
fn printable(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        let overrides_direction = matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if letter == '\t' {
            safe.push(' ');
        } else if letter != '\n' && (letter.is_control() || overrides_direction) {
            safe.extend(letter.escape_unicode());
        } else {
            safe.push(letter);
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_is_wider_than_the_page_and_nothing_is_lost() {
        let long_word = "x".repeat(250);
        let text = alloc::format!("{} {long_word} {}", "word ".repeat(60), "end");
        let mut page = Page::default();
        page.line(5, &text);
        let page = page.finish();
        assert!(page.lines().all(|line| line.chars().count() <= COLUMNS));
        assert_eq!(page.chars().filter(|letter| *letter == 'x').count(), 250);
        assert_eq!(page.matches("word").count(), 60);
        assert!(page.ends_with("end\n"));
    }

    #[test]
    fn text_cannot_steer_the_terminal() {
        let mut page = Page::default();
        page.line(0, "a\u{1b}[31m\tb\u{202e}c\nd");
        assert_eq!(page.finish(), "a\\u{1b}[31m b\\u{202e}c\n  d\n");
    }
}
