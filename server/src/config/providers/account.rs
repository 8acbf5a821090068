//! How one provider is reached, and whose account it is.

use std::{fs, path::Path, time::Duration};

use limn_executor::providers::{Access, Connection, Kind};
use secrecy::SecretString;
use toml::Table;

use super::super::{REDACTED, reader::Section, url};

/// Key, address and bounds of a provider. What is nothing is as suits the provider.
#[derive(Clone, Debug, Default)]
pub struct Account {
    /// The key, from `api_key` or from the file named by `api_key_file`.
    pub api_key: Option<SecretString>,
    /// Address of its API; no slash at the end.
    pub base_url: Option<String>,
    /// Proxy for every call; the proxy settings of the environment are not used.
    pub proxy: Option<String>,
    /// Longest time to resolve, connect and shake hands.
    pub connect_timeout: Option<Duration>,
    /// Longest time of one call, whatever the model and the quality. Nothing: as the catalog says.
    pub deadline: Option<Duration>,
    /// Largest answer that is read, in bytes.
    pub max_answer_bytes: Option<usize>,
    /// Pictures may be fetched from private addresses too.
    pub allow_private_addresses: bool,
    /// Most calls in progress at once. Nothing: as the catalog says.
    pub max_concurrency: Option<u32>,
    /// Most calls begun in a minute. Nothing: as the catalog says.
    pub calls_per_minute: Option<u32>,
}

impl Account {
    pub(super) fn read(section: &Section<'_>, kind: &Kind) -> Self {
        let api_key = kind.key_variable().and_then(|_| read_key(section));
        // A key must not be sent in the clear; without one there is nothing to be read on the way but pictures.
        let has_key = api_key.is_some() || matches!(kind.access, Access::Key(_));
        let address = if has_key { url::provider } else { url::public };
        Self {
            api_key,
            base_url: section.read("base_url", address),
            proxy: section.read("proxy", url::public),
            connect_timeout: section
                .integer("connect_timeout_ms", 100..=120_000)
                .map(Duration::from_millis),
            deadline: section
                .integer("deadline_seconds", 1..=3600)
                .map(Duration::from_secs),
            max_answer_bytes: section.integer("max_answer_bytes", 65_536..=1_073_741_824),
            allow_private_addresses: section.truth("allow_private_addresses").unwrap_or_default(),
            max_concurrency: section.integer("max_concurrency", 1..=10_000),
            calls_per_minute: section.integer("calls_per_minute", 1..=1_000_000),
        }
    }

    /// How the provider is reached, in the words of the adapters.
    pub(crate) fn connection(&self) -> Connection {
        Connection {
            base_url: self.base_url.clone(),
            proxy: self.proxy.clone(),
            connect_timeout_ms: self
                .connect_timeout
                .map(|timeout| u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX)),
            max_answer_bytes: self.max_answer_bytes,
            allow_private_addresses: self.allow_private_addresses,
        }
    }

    pub(super) fn render(&self) -> Table {
        let mut table = Table::new();
        if self.api_key.is_some() {
            table.insert("api_key".into(), REDACTED.into());
        }
        for (key, text) in [("base_url", &self.base_url), ("proxy", &self.proxy)] {
            if let Some(text) = text {
                table.insert(key.into(), text.clone().into());
            }
        }
        let numbers = [
            (
                "connect_timeout_ms",
                self.connect_timeout.map(|time| time.as_millis()),
            ),
            (
                "deadline_seconds",
                self.deadline.map(|time| time.as_secs().into()),
            ),
            (
                "max_answer_bytes",
                self.max_answer_bytes.map(|bytes| bytes as u128),
            ),
            ("max_concurrency", self.max_concurrency.map(u128::from)),
            ("calls_per_minute", self.calls_per_minute.map(u128::from)),
        ];
        for (key, number) in numbers {
            if let Some(number) = number {
                table.insert(key.into(), super::super::number(number));
            }
        }
        if self.allow_private_addresses {
            table.insert("allow_private_addresses".into(), true.into());
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
