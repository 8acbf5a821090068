//! Provider messages, made fit to be stored and shown.

use secrecy::{ExposeSecret as _, SecretString};

/// Longest provider message that is kept, in characters.
const MAX_CHARACTERS: usize = 300;

/// Shorter prompts give nothing away, and removing them would garble any message.
const MIN_PROMPT_BYTES: usize = 4;

/// What must not appear in a message.
#[derive(Debug)]
pub(in crate::providers) struct Redaction<'a> {
    pub(in crate::providers) key: Option<&'a SecretString>,
    pub(in crate::providers) prompt: &'a str,
}

impl Redaction<'_> {
    /// The message in one line, without the key, anything that looks like one, and the prompt; then cut.
    pub(in crate::providers) fn apply(&self, message: &str) -> String {
        let mut text = message.to_owned();
        let key = self.key.map_or("", |key| key.expose_secret());
        if !key.is_empty() {
            text = text.replace(key, "[key]");
        }
        if self.prompt.len() >= MIN_PROMPT_BYTES {
            text = text.replace(self.prompt, "[prompt]");
        }
        let words: Vec<String> = text.split_whitespace().map(without_keys).collect();
        let line = words.join(" ");
        match line.char_indices().nth(MAX_CHARACTERS) {
            None => line,
            Some((end, _)) => format!("{}…", &line[..end]),
        }
    }
}

/// Keys are told by their prefix, also where the provider has starred out their middle.
fn without_keys(word: &str) -> String {
    let Some(start) = word.find("sk-") else {
        return word.to_owned();
    };
    let key_end = |character: char| !(character.is_ascii_alphanumeric() || "-_*.".contains(character));
    let key = &word[start..];
    let end = key.find(key_end).unwrap_or(key.len());
    // A word such as "risk-free" is no key.
    let follows_letter = word[..start].ends_with(|character: char| character.is_alphanumeric());
    if follows_letter || end < 8 {
        return word.to_owned();
    }
    format!("{}[key]{}", &word[..start], &key[end..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redacted(message: &str) -> String {
        let key = SecretString::from("secret-value-of-mine");
        let prompt = "a red fox";
        Redaction {
            key: Some(&key),
            prompt,
        }
        .apply(message)
    }

    #[test]
    fn keys_and_the_prompt_are_removed() {
        for (message, expected) in [
            ("nothing to hide", "nothing to hide"),
            (
                "Incorrect API key: secret-value-of-mine.",
                "Incorrect API key: [key].",
            ),
            ("provided: sk-proj-AbC_123***xyz, see", "provided: [key], see"),
            ("(sk-0123456789)", "([key])"),
            ("a risk-free desk-lamp sk-1", "a risk-free desk-lamp sk-1"),
            ("bad prompt: 'a red fox'", "bad prompt: '[prompt]'"),
            ("two\n lines", "two lines"),
        ] {
            assert_eq!(redacted(message), expected);
        }
    }

    #[test]
    fn long_messages_are_cut_between_characters() {
        let cut = redacted(&"ä".repeat(1000));
        assert_eq!(cut, format!("{}…", "ä".repeat(300)));
    }
}
