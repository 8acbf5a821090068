//! Settings that only one kind of provider has: declared by its adapter, read here.

use std::{collections::BTreeMap, fs};

use limn_executor::providers::{Setting, Takes};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value};
use toml::Table;

use super::super::{REDACTED, reader::Section, url};

/// The kind's own settings, as far as they are set.
#[derive(Clone, Debug, Default)]
pub struct Own {
    /// What the adapter is given, by name.
    pub(crate) values: Map<String, Value>,
    /// What it is given and nobody is shown.
    pub(crate) secrets: BTreeMap<String, SecretString>,
    /// What stands in the configuration.
    shown: Table,
}

impl Own {
    pub(super) fn read(section: &Section<'_>, settings: &[Setting]) -> Self {
        let mut own = Self::default();
        for setting in settings {
            own.read_one(section, setting);
        }
        own
    }

    fn read_one(&mut self, section: &Section<'_>, setting: &Setting) {
        let name = setting.name;
        match setting.takes {
            Takes::Text => self.keep(name, section.text(name)),
            Takes::Word(words) => self.keep(name, section.read(name, |text| one_of(text, words))),
            Takes::Address => self.keep(name, section.read(name, url::public)),
            Takes::Number(least, most) => {
                let number: Option<u64> = section.integer(name, least..=most);
                if let Some(number) = number {
                    self.values.insert(name.to_owned(), number.into());
                    self.shown
                        .insert(name.to_owned(), super::super::number(u128::from(number)));
                }
            }
            Takes::Truth => self.keep(name, section.truth(name)),
            Takes::Texts => self.keep(name, section.list(name)),
            Takes::File | Takes::KeyFile(_) => {
                let Some(path) = section.path(name) else { return };
                match fs::read_to_string(&path) {
                    Ok(text) => {
                        if matches!(setting.takes, Takes::KeyFile(_)) {
                            self.secrets.insert(name.to_owned(), text.into());
                        } else {
                            self.values.insert(name.to_owned(), text.into());
                        }
                        let shown = path.display().to_string();
                        self.shown.insert(name.to_owned(), shown.into());
                    }
                    Err(error) => {
                        let what = format!("names a file that cannot be read: {error}");
                        section.complain(name, &what, format!("see {}", path.display()));
                    }
                }
            }
            Takes::Secret => {
                if let Some(secret) = section.secret(name) {
                    self.secrets.insert(name.to_owned(), secret);
                    self.shown.insert(name.to_owned(), REDACTED.into());
                }
            }
        }
    }

    fn keep<T: Clone + Into<Value> + Into<toml::Value>>(&mut self, name: &str, value: Option<T>) {
        if let Some(value) = value {
            self.values.insert(name.to_owned(), value.clone().into());
            self.shown.insert(name.to_owned(), value.into());
        }
    }

    /// The value of a setting that nobody is shown.
    pub fn secret(&self, name: &str) -> Option<&str> {
        self.secrets.get(name).map(|secret| secret.expose_secret())
    }

    pub(super) fn render(&self) -> &Table {
        &self.shown
    }
}

fn one_of(text: &str, words: &[&str]) -> Result<String, (String, String)> {
    if words.contains(&text) {
        return Ok(text.to_owned());
    }
    Err((
        "is none of its words".to_owned(),
        format!("write {}", words.join(", ")),
    ))
}
