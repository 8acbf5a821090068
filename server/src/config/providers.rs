//! `[providers.<id>]`: accounts at providers.

use std::{collections::BTreeMap, fs, path::Path, time::Duration};

use secrecy::SecretString;
use toml::Table;

use super::{REDACTED, problems::closest, reader::Section, url};

/// Providers that this build can call.
const KNOWN: [&str; 2] = ["openai", "sketch"];

/// Account and limits at one provider. A key enables the provider; it never makes it the default.
#[derive(Clone, Debug, Default)]
pub struct Provider {
    /// False switches the provider off, true insists on it. Nothing: on when it has all it needs.
    pub enabled: Option<bool>,
    /// The key, from `api_key` or from the file named by `api_key_file`.
    pub api_key: Option<SecretString>,
    /// Address of its API; no slash at the end. Nothing: the provider's own.
    pub base_url: Option<String>,
    /// Longest time of one call. Nothing: what suits the provider.
    pub deadline: Option<Duration>,
}

pub(super) fn read(root: &Section<'_>) -> BTreeMap<String, Provider> {
    let mut providers: BTreeMap<_, _> = KNOWN
        .iter()
        .map(|id| ((*id).to_owned(), Provider::default()))
        .collect();
    for (id, section) in root.entries("providers") {
        if !providers.contains_key(&id) {
            let remedy = match closest(&id, KNOWN) {
                Some(meant) => format!("did you mean providers.{meant}?"),
                None => format!("known: {}", KNOWN.join(", ")),
            };
            section.complain_of_section("is no provider that this build can call", remedy);
            continue;
        }
        providers.insert(id, Provider::read(section));
    }
    providers
}

pub(super) fn render(providers: &BTreeMap<String, Provider>) -> Table {
    let rendered = providers
        .iter()
        .map(|(id, provider)| (id.clone(), provider.render().into()));
    rendered.collect()
}

impl Provider {
    fn read(section: Section<'_>) -> Self {
        let provider = Self {
            enabled: section.truth("enabled"),
            api_key: read_key(&section),
            base_url: section.read("base_url", url::provider),
            deadline: section
                .integer("deadline_seconds", 1..=3600)
                .map(Duration::from_secs),
        };
        section.finish();
        provider
    }

    fn render(&self) -> Table {
        let mut table = Table::new();
        if let Some(enabled) = self.enabled {
            table.insert("enabled".into(), enabled.into());
        }
        if self.api_key.is_some() {
            table.insert("api_key".into(), REDACTED.into());
        }
        if let Some(url) = &self.base_url {
            table.insert("base_url".into(), url.clone().into());
        }
        if let Some(deadline) = self.deadline {
            table.insert("deadline_seconds".into(), super::number(deadline.as_secs()));
        }
        table
    }
}

fn read_key(section: &Section<'_>) -> Option<SecretString> {
    let inline = section.secret("api_key");
    let file = section.path("api_key_file");
    match (section.place("api_key"), section.place("api_key_file")) {
        (_, None) => inline,
        (None, Some(_)) => read_key_file(section, &file?),
        (Some(key), Some(key_file)) if key.layer() == key_file.layer() => {
            section.complain(
                "api_key_file",
                "is set together with api_key",
                "keep one of the two",
            );
            None
        }
        (Some(key), Some(key_file)) if key.layer() > key_file.layer() => inline,
        (Some(_), Some(_)) => read_key_file(section, &file?),
    }
}

fn read_key_file(section: &Section<'_>, file: &Path) -> Option<SecretString> {
    let what = match fs::read_to_string(file) {
        Ok(text) if text.trim().is_empty() => "names an empty file".to_owned(),
        Ok(text) if !text.trim().bytes().all(|byte| byte.is_ascii_graphic()) => {
            "names a file that holds more than one key".to_owned()
        }
        Ok(text) => return Some(SecretString::from(text.trim())),
        Err(error) => format!("names a file that cannot be read: {error}"),
    };
    let remedy = format!("put the key alone into {}", file.display());
    section.complain("api_key_file", &what, remedy);
    None
}
