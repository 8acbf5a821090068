//! The caption: the prompt and the words that say what this picture is, on a band of paper below it.

use noto_sans_mono_bitmap::{FontWeight, RasterHeight, get_raster, get_raster_width};

use super::canvas::{Canvas, Color};

/// Most lines of the prompt that are shown.
const MAX_LINES: usize = 3;

const PAPER: Color = Color::hex(0xfaf6ee);
const INK: Color = Color::hex(0x2b2d38);
const FAINT: Color = Color::hex(0x8a8478);

/// A text size: one of the sizes of the font, enlarged by a whole factor.
#[derive(Clone, Copy, Debug)]
struct Type {
    raster: RasterHeight,
    factor: i64,
}

impl Type {
    /// The size nearest below a height in pixels, at least the smallest.
    fn at_most(height_px: i64) -> Self {
        let raster = match height_px {
            ..20 => RasterHeight::Size16,
            20..24 => RasterHeight::Size20,
            24..32 => RasterHeight::Size24,
            32.. => RasterHeight::Size32,
        };
        Self {
            raster,
            factor: (height_px / 32).max(1),
        }
    }

    fn height(self) -> i64 {
        i64::try_from(self.raster.val()).unwrap_or(16) * self.factor
    }

    fn advance(self) -> i64 {
        i64::try_from(get_raster_width(FontWeight::Regular, self.raster)).unwrap_or(8) * self.factor
    }
}

/// What stands below a picture, laid out.
#[derive(Debug)]
pub(super) struct Caption {
    body: Type,
    mark: Type,
    lines: Vec<String>,
    mark_text: String,
    margin: i64,
}

impl Caption {
    /// Lays out a caption. Nothing when the picture is too small to give room to one.
    pub(super) fn lay_out(prompt: &str, seed: u32, width: i64, height: i64) -> Option<Self> {
        if width < 200 || height < 160 {
            return None;
        }
        let edge = width.min(height);
        let body = Type::at_most(edge * 26 / 1000);
        let mark = Type::at_most((edge * 20 / 1000).min(body.height() * 4 / 5));
        let margin = (edge * 28 / 1000).max(8);
        let columns = usize::try_from((width - 2 * margin) / body.advance()).unwrap_or(0);
        let mark_columns = usize::try_from((width - 2 * margin) / mark.advance()).unwrap_or(0);
        // At most a quarter of the picture becomes caption.
        let room = (height / 4 - 2 * margin - mark.height()) / body.height();
        let most_lines = usize::try_from(room).unwrap_or(0).clamp(1, MAX_LINES);
        let full = format!("PROOF · limn sketch · seed {seed}");
        let mark_text = if full.chars().count() <= mark_columns {
            full
        } else {
            "PROOF · limn sketch".to_owned()
        };
        Some(Self {
            body,
            mark,
            lines: wrapped(prompt, columns, most_lines),
            mark_text,
            margin,
        })
    }

    /// Height of the band in pixels.
    pub(super) fn height(&self) -> i64 {
        let lines = i64::try_from(self.lines.len()).unwrap_or(1);
        self.margin * 2 + lines * self.body.height() + self.mark.height() + self.margin / 3
    }

    /// Draws the band over the lower end of the canvas.
    pub(super) fn draw(&self, canvas: &mut Canvas) {
        let top = canvas.height - self.height();
        let width = canvas.width;
        canvas.rectangle(0, top, width, self.height(), PAPER, 256);
        canvas.rectangle(0, top, width, (canvas.short_edge() / 400).max(1), INK, 50);
        let mut y = top + self.margin;
        for line in &self.lines {
            write(canvas, line, (self.margin, y), self.body, INK);
            y += self.body.height();
        }
        write(
            canvas,
            &self.mark_text,
            (self.margin, y + self.margin / 3),
            self.mark,
            FAINT,
        );
    }
}

/// The mark of pictures that are too small for a caption: the one word, if it fits.
pub(super) fn mark_small(canvas: &mut Canvas) {
    let text = Type::at_most(16);
    let width = text.advance() * 5;
    if canvas.width < width + 8 || canvas.height < text.height() * 2 {
        return;
    }
    let (x, y) = (4, canvas.height - text.height() - 3);
    canvas.rectangle(x - 3, y - 1, width + 6, text.height() + 2, PAPER, 225);
    write(canvas, "PROOF", (x, y), text, INK);
}

/// Writes one line; its upper left corner in pixels.
fn write(canvas: &mut Canvas, line: &str, (x, y): (i64, i64), text: Type, color: Color) {
    for (column, character) in (0..).zip(line.chars()) {
        let left = x + column * text.advance();
        let Some(glyph) = get_raster(character, FontWeight::Regular, text.raster) else {
            if !character.is_whitespace() {
                missing_glyph(canvas, (left, y), text, color);
            }
            continue;
        };
        for (down, row) in (0..).zip(glyph.rows()) {
            for (across, ink) in (0..).zip(row) {
                let (left, top) = (left + across * text.factor, y + down * text.factor);
                let alpha = i64::from(*ink) * 257 / 256;
                canvas.rectangle(left, top, text.factor, text.factor, color, alpha);
            }
        }
    }
}

/// A quiet box for what the font does not have.
fn missing_glyph(canvas: &mut Canvas, (x, y): (i64, i64), text: Type, color: Color) {
    let (width, height) = (text.advance() * 3 / 5, text.height() / 2);
    canvas.rectangle(
        x + text.advance() / 5,
        y + text.height() / 4,
        width,
        height,
        color,
        70,
    );
}

/// Breaks a text into lines of at most so many characters, between words where it can, and marks what is left out
/// by an ellipsis.
fn wrapped(text: &str, columns: usize, most_lines: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut current = String::new();
    for word in text.split_whitespace() {
        let mut rest: Vec<char> = word.chars().collect();
        loop {
            let used = current.chars().count();
            let gap = usize::from(used > 0);
            if used + gap + rest.len() <= columns {
                current.push_str(if gap == 1 { " " } else { "" });
                current.extend(rest.iter());
                break;
            }
            if lines.len() + 1 == most_lines {
                lines.push(ellipsised(&current, &rest, columns));
                return lines;
            }
            if used == 0 {
                // A word longer than a line is cut into pieces.
                current.extend(rest.drain(..columns.max(1).min(rest.len())));
            }
            lines.push(std::mem::take(&mut current));
        }
    }
    lines.push(current);
    lines
}

/// Fills the last line with as much of the next word as fits before the ellipsis.
fn ellipsised(line: &str, next: &[char], columns: usize) -> String {
    let mut characters: Vec<char> = line.chars().collect();
    if !characters.is_empty() {
        characters.push(' ');
    }
    characters.extend(next);
    characters.truncate(columns.saturating_sub(1));
    let kept: String = characters.iter().collect();
    format!("{}…", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_breaks_between_words_and_is_ellipsised() {
        for (text, columns, most_lines, expected) in [
            ("", 10, 3, &[""][..]),
            ("a red fox", 10, 3, &["a red fox"]),
            ("a red fox in  snow", 10, 3, &["a red fox", "in snow"]),
            ("a red fox in snow", 10, 1, &["a red fox…"]),
            ("abcdefghijklmno", 10, 3, &["abcdefghij", "klmno"]),
            ("abcdefghijklmno", 10, 1, &["abcdefghi…"]),
            ("ab abcdefghijklm", 5, 2, &["ab", "abcd…"]),
        ] {
            let lines = wrapped(text, columns, most_lines);
            assert_eq!(lines, expected, "{text:?}");
            assert!(lines.iter().all(|line| line.chars().count() <= columns));
        }
    }

    #[test]
    fn the_font_has_the_words_of_the_mark() {
        for size in [16, 20, 24, 32, 64] {
            let text = Type::at_most(size);
            assert_eq!(text.height(), size);
            for character in "PROOF · limn sketch · seed 0123456789 äöüßéñçłřő".chars() {
                assert!(
                    get_raster(character, FontWeight::Regular, text.raster).is_some(),
                    "{character}"
                );
            }
        }
    }
}
