//! Provider messages, made fit to be stored and shown.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::{Bytes, BytesMut};
use secrecy::{ExposeSecret as _, SecretString};

use crate::providers::Setup;

/// Longest provider message that is kept, in characters.
const MAX_CHARACTERS: usize = 300;

/// Shorter secrets, such as the "none" that is set where a server wants some key, are not removed from bodies.
const MIN_SECRET_BYTES: usize = 8;

/// Shorter prompts give nothing away, and removing them would garble any message.
const MIN_PROMPT_BYTES: usize = 4;

/// What must not appear in a message.
#[derive(Debug)]
pub(in crate::providers) struct Redaction<'a> {
    pub(in crate::providers) secrets: &'a [SecretString],
    pub(in crate::providers) prompt: &'a str,
}

impl Redaction<'_> {
    /// The message in one line, without the secrets, anything that looks like one, and the prompt; then cut.
    pub(in crate::providers) fn apply(&self, message: &str) -> String {
        let mut text = message.to_owned();
        for secret in self.secrets {
            text = text.replace(secret.expose_secret(), "[key]");
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

/// Everything that a provider could repeat: the key and all secrets that it is set up with, what stands behind the user in
/// one of them, and the forms in which they are sent. Longer ones come first, for a shorter one may be a part of them.
pub(in crate::providers) fn secrets_of(setup: &Setup) -> Vec<SecretString> {
    let set = setup.key.iter().chain(setup.secrets.values());
    let mut texts: Vec<String> = set
        .flat_map(|secret| {
            let whole = secret.expose_secret();
            let password = whole.split_once(':').map(|(_, password)| password.to_owned());
            let password = password.filter(|password| password.len() >= MIN_SECRET_BYTES);
            [whole.to_owned(), STANDARD.encode(whole)]
                .into_iter()
                .chain(password)
        })
        .filter(|text| !text.is_empty())
        .collect();
    texts.sort_by_key(|text| std::cmp::Reverse(text.len()));
    texts.into_iter().map(SecretString::from).collect()
}

/// The bytes without the secrets. Short ones stay: they may be words of the answer, which is still to be understood.
pub(in crate::providers) fn without_secrets(body: Bytes, secrets: &[SecretString]) -> Bytes {
    let mut body = body;
    for secret in secrets {
        let secret = secret.expose_secret().as_bytes();
        if secret.len() < MIN_SECRET_BYTES {
            continue;
        }
        let find = |bytes: &[u8]| bytes.windows(secret.len()).position(|window| window == secret);
        if find(&body).is_none() {
            continue;
        }
        let mut kept = BytesMut::new();
        let mut rest = &body[..];
        while let Some(at) = find(rest) {
            kept.extend_from_slice(&rest[..at]);
            kept.extend_from_slice(b"[key]");
            rest = &rest[at + secret.len()..];
        }
        kept.extend_from_slice(rest);
        body = kept.freeze();
    }
    body
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
            secrets: &[key],
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
    fn every_secret_of_a_setup_is_hidden_in_the_forms_in_which_it_is_sent() {
        let secret = SecretString::from("limn:pass-of-mine");
        let setup = Setup {
            key: Some(SecretString::from("key-of-mine")),
            secrets: [("basic_auth".to_owned(), secret)].into(),
            ..Setup::default()
        };
        let secrets = secrets_of(&setup);
        let said = "key-of-mine, Basic bGltbjpwYXNzLW9mLW1pbmU=, limn:pass-of-mine, pass-of-mine, kept";
        let expected = "[key], Basic [key], [key], [key], kept";
        assert_eq!(without_secrets(Bytes::from(said), &secrets), expected);
        let prompt = "";
        let secrets = &secrets[..];
        assert_eq!(Redaction { secrets, prompt }.apply(said), expected);
        assert_eq!(without_secrets(Bytes::from("nothing"), secrets), "nothing");
        let word = [SecretString::from("none")];
        assert_eq!(without_secrets(Bytes::from("none"), &word), "none");
    }

    #[test]
    fn long_messages_are_cut_between_characters() {
        let cut = redacted(&"ä".repeat(1000));
        assert_eq!(cut, format!("{}…", "ä".repeat(300)));
    }
}
