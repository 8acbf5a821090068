//! Looks for secrets, in every form in which they may be written.

use std::{
    collections::{BTreeSet, HashSet},
    fs,
    path::Path,
};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE},
};

/// Secrets, and where they were found.
#[derive(Default)]
pub(crate) struct Search {
    forms: Forms,
    found: Vec<String>,
    places: usize,
}

/// What to look for, all at once: logs are long.
#[derive(Default)]
struct Forms {
    forms: BTreeSet<Vec<u8>>,
    /// The first two bytes of all of them.
    beginnings: HashSet<[u8; 2]>,
    first: Vec<bool>,
}

impl Forms {
    fn add(&mut self, secret: &[u8]) {
        self.first.resize(256, false);
        for form in forms(secret) {
            self.first[usize::from(form[0])] = true;
            self.beginnings.insert([form[0], form[1]]);
            self.forms.insert(form);
        }
    }

    fn find(&self, bytes: &[u8]) -> Option<usize> {
        let is_there = |at: &usize| {
            self.first[usize::from(bytes[*at])]
                && self.beginnings.contains(&[bytes[*at], bytes[*at + 1]])
                && self.forms.iter().any(|form| bytes[*at..].starts_with(form))
        };
        (0..bytes.len().saturating_sub(1)).find(is_there)
    }
}

impl Search {
    pub(crate) fn add(&mut self, secret: impl AsRef<[u8]>) {
        self.forms.add(secret.as_ref());
    }

    /// Looks into a text or the bytes of a file.
    pub(crate) fn look(&mut self, place: &str, bytes: &[u8]) {
        self.places += 1;
        if let Some(at) = self.forms.find(bytes) {
            let around = &bytes[at.saturating_sub(160)..bytes.len().min(at + 120)];
            self.found
                .push(format!("{place}: …{}…", String::from_utf8_lossy(around)));
        }
    }

    /// Looks into every file of a folder: the database with what belongs to it, pictures, staged answers.
    pub(crate) fn look_into(&mut self, place: &str, folder: &Path) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.ends_with(crate::LINK_KEY) {
                continue;
            }
            if path.is_dir() {
                self.look_into(place, &path);
            } else {
                let bytes = fs::read(&path).unwrap();
                self.look(&format!("{place}: {}", path.display()), &bytes);
            }
        }
    }

    /// Fails if anything was found.
    pub(crate) fn end(self) {
        assert!(self.places > 0);
        let (count, found) = (self.found.len(), self.found.join("\n"));
        assert!(
            self.found.is_empty(),
            "secrets were found in {count} places:\n{found}"
        );
    }
}

/// True when a text has the secret in it, in whatever form.
pub(crate) fn holds(bytes: &[u8], secret: &str) -> bool {
    let mut forms = Forms::default();
    forms.add(secret.as_bytes());
    forms.find(bytes).is_some()
}

/// The secret as it is, in base64 of both alphabets and behind whatever stands before it, percent-encoded, as hex, and
/// as a list of bytes.
fn forms(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut forms = vec![bytes.to_vec()];
    for engine in [&STANDARD, &URL_SAFE] {
        for before in 0..3 {
            // Characters that depend on what stands before or after are left out.
            let whole = &bytes[(3 - before) % 3..];
            let whole = &whole[..whole.len() / 3 * 3];
            forms.push(engine.encode(whole).into_bytes());
        }
    }
    let encoded = |is_upper: bool| {
        let encode = |byte: &u8| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                char::from(*byte).to_string()
            }
            _ if is_upper => format!("%{byte:02X}"),
            _ => format!("%{byte:02x}"),
        };
        bytes.iter().map(encode).collect::<String>().into_bytes()
    };
    forms.extend([encoded(true), encoded(false)]);
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    forms.extend([hex.to_uppercase().into_bytes(), hex.into_bytes()]);
    let list: Vec<String> = bytes.iter().map(u8::to_string).collect();
    forms.push(list.join(", ").into_bytes());
    forms
}

#[test]
fn every_form_of_a_secret_is_found() {
    let secret = "Limn+Secret/9=x";
    let mut texts = vec![
        format!("a key {secret}, in the clear"),
        "Limn%2BSecret%2F9%3Dx".to_owned(),
        "4c696d6e2b5365637265742f393d78".to_owned(),
        format!("{:?}", secret.as_bytes()),
    ];
    for before in ["", "a", "ab", "abc", "limn:"] {
        for after in ["", "y", "yz"] {
            let whole = format!("{before}{secret}{after}");
            texts.extend([STANDARD.encode(&whole), URL_SAFE.encode(&whole)]);
        }
    }
    for text in texts {
        assert!(holds(text.as_bytes(), secret), "{text}");
    }
    assert!(!holds(b"Limn+Secret/8=x", secret));
}
