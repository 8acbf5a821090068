//! Alternative text from a prompt: what is to be seen, without how it was made.

use crate::{
    marker::collapse,
    words::{CLAUSE_STARTS, JOINTS, MAX_PHRASE_WORDS, OPENINGS, TECHNICAL},
};

/// Longest alternative text in characters.
pub const MAX_ALT_CHARS: usize = 125;

/// Alternative text for a picture of this prompt: technical words and names of styles removed, an opening such as
/// "a photo of" too, the first letter large, at most [`MAX_ALT_CHARS`] characters, cut at a word with "…".
///
/// A prompt that consists of nothing else is kept as it is. Equal prompts give equal texts.
pub fn alt_text(prompt: &str) -> String {
    let prompt = collapse(prompt);
    let clauses = prompt.split([',', ';', '|']);
    let kept: Vec<String> = clauses.filter_map(clause).collect();
    let text = kept.join(", ");
    let text = without_opening(&text);
    let text = if text.is_empty() { &prompt } else { text };
    cut(&capitalized(text))
}

/// A clause without its technical words; nothing when nothing else is in it.
fn clause(clause: &str) -> Option<String> {
    let clause = clause.trim();
    let lower = clause.to_lowercase();
    let begins = |start: &str| lower.starts_with(start) || lower == start.trim_end();
    if lower.starts_with("--") || CLAUSE_STARTS.iter().any(|start| begins(start)) {
        return None;
    }
    let words: Vec<&str> = clause.split(' ').filter(|word| !word.is_empty()).collect();
    let bare: Vec<String> = words.iter().map(|word| bare(word)).collect();
    let mut kept: Vec<&str> = Vec::with_capacity(words.len());
    let mut at = 0;
    let mut was_cut = false;
    while let Some(word) = words.get(at) {
        match technical(bare.get(at..).unwrap_or_default()) {
            0 => {
                kept.push(word);
                at += 1;
            }
            count => {
                was_cut = true;
                at += count;
                // The full stop of a phrase stays with the word before it.
                while kept
                    .last()
                    .is_some_and(|word| is_joint(word) && at >= words.len())
                {
                    kept.pop();
                }
            }
        }
    }
    if was_cut {
        let first = kept
            .iter()
            .position(|word| !is_hanging(word))
            .unwrap_or(kept.len());
        kept.drain(..first);
    }
    let text = kept.join(" ");
    (!text.trim().is_empty()).then_some(text)
}

/// How many of the next words are one technical phrase; the longest counts.
fn technical(words: &[String]) -> usize {
    let longest = words.len().min(MAX_PHRASE_WORDS);
    for count in (1..=longest).rev() {
        let phrase = words.get(..count).unwrap_or_default().join(" ");
        if TECHNICAL.contains(&phrase.as_str()) {
            return count;
        }
    }
    0
}

/// A word for comparing: lowercase, without the punctuation around it.
fn bare(word: &str) -> String {
    word.trim_matches(|letter: char| !letter.is_alphanumeric())
        .to_lowercase()
}

fn is_joint(word: &str) -> bool {
    JOINTS.contains(&word.to_lowercase().as_str())
}

/// True for a word that cannot begin what is left: an article can.
fn is_hanging(word: &str) -> bool {
    is_joint(word) && !matches!(word.to_lowercase().as_str(), "a" | "an" | "the")
}

fn without_opening(text: &str) -> &str {
    for opening in OPENINGS {
        let head = text.get(..opening.len());
        if head.is_some_and(|head| head.eq_ignore_ascii_case(opening)) {
            return text.get(opening.len()..).unwrap_or_default().trim_start();
        }
    }
    text
}

fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}

/// Text of at most [`MAX_ALT_CHARS`] characters; what is cut ends with "…".
fn cut(text: &str) -> String {
    if text.chars().count() <= MAX_ALT_CHARS {
        return text.to_owned();
    }
    let end = text
        .char_indices()
        .nth(MAX_ALT_CHARS - 1)
        .map_or(text.len(), |(at, _)| at);
    let head = text.get(..end).unwrap_or_default();
    let is_whole = text.get(end..).is_some_and(|rest| rest.starts_with(' '));
    let words = match head.rsplit_once(' ') {
        Some((words, _)) if !is_whole => words,
        _ => head,
    };
    let words =
        words.trim_end_matches(|letter: char| letter.is_whitespace() || letter.is_ascii_punctuation());
    format!("{words}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn technical_words_are_no_part_of_what_is_seen() {
        let cases = [
            (
                "a red fox in snow, 8k, highly detailed, trending on ArtStation",
                "A red fox in snow",
            ),
            (
                "Photorealistic photo of a lighthouse at dusk",
                "A lighthouse at dusk",
            ),
            (
                "an old harbour, cinematic lighting; shot on Kodak Portra, boats in the fog",
                "An old harbour, boats in the fog",
            ),
            ("a loaf of sourdough in 8k", "A loaf of sourdough"),
            (
                "highly detailed and sharp focus portrait of a fisherman",
                "Portrait of a fisherman",
            ),
            ("a map of the town --ar 16:9", "A map of the town --ar 16:9"),
            ("8k, masterpiece", "8k, masterpiece"),
            ("صورة لسوق قديم, 8k", "صورة لسوق قديم"),
            ("", ""),
        ];
        for (prompt, alt) in cases {
            assert_eq!(alt_text(prompt), alt, "{prompt}");
        }
    }

    #[test]
    fn long_text_is_cut_at_a_word() {
        let alt = alt_text(&"lighthouse ".repeat(40));
        assert_eq!(alt.chars().count(), 121);
        assert!(alt.ends_with("lighthouse…"), "{alt}");
        let one_word = alt_text(&"é".repeat(300));
        assert_eq!(one_word.chars().count(), MAX_ALT_CHARS);
    }

    #[test]
    fn phrases_are_written_as_they_are_compared() {
        for phrase in TECHNICAL {
            let words: Vec<&str> = phrase.split(' ').collect();
            assert!(words.len() <= MAX_PHRASE_WORDS, "{phrase}");
            assert!(words.iter().all(|word| bare(word) == *word), "{phrase}");
        }
    }
}
