//! `[providers.<id>]`: accounts at providers.

use std::{collections::BTreeMap, fs, path::Path, time::Duration};

use limn_executor::providers::{KINDS, Kind};
use secrecy::SecretString;
use toml::Table;

use super::{REDACTED, problems::closest, reader::Section, url};

/// One provider. A key enables it; it never makes it the default.
#[derive(Clone, Debug, Default)]
pub struct Provider {
    /// False switches the provider off, true insists on it. Nothing: on when it has all it needs.
    pub enabled: Option<bool>,
    /// The account, at providers that have accounts.
    pub account: Account,
}

/// The account at a provider, and how it is reached.
#[derive(Clone, Debug, Default)]
pub struct Account {
    /// The key, from `api_key` or from the file named by `api_key_file`.
    pub api_key: Option<SecretString>,
    /// Address of its API; no slash at the end. Nothing: the provider's own.
    pub base_url: Option<String>,
    /// Organization that is billed, where one key serves several.
    pub organization: Option<String>,
    /// Project that is billed, where one key serves several.
    pub project: Option<String>,
    /// Proxy for every call. Nothing: none; the proxy settings of the environment are not used.
    pub proxy: Option<String>,
    /// Longest time to resolve, connect and shake hands. Nothing: what suits the provider.
    pub connect_timeout: Option<Duration>,
    /// Longest time of one call. Nothing: what suits the provider and the quality.
    pub deadline: Option<Duration>,
    /// Largest answer that is read, in bytes. Nothing: what suits the provider.
    pub max_answer_bytes: Option<usize>,
}

pub(super) fn read(root: &Section<'_>) -> BTreeMap<String, Provider> {
    let known_ids = || KINDS.iter().map(|kind| kind.id);
    let mut providers: BTreeMap<_, _> = known_ids()
        .map(|id| (id.to_owned(), Provider::default()))
        .collect();
    for (id, section) in root.entries("providers") {
        let Some(kind) = Kind::find(&id) else {
            let remedy = match closest(&id, known_ids()) {
                Some(meant) => format!("did you mean providers.{meant}?"),
                None => format!("known: {}", known_ids().collect::<Vec<_>>().join(", ")),
            };
            section.complain_of_section("is no provider that this build can call", remedy);
            continue;
        };
        providers.insert(id, Provider::read(section, kind.key_variable.is_some()));
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
    /// True when plans may use it: it is not switched off and has a key, or an address of its own where no key
    /// is asked for.
    pub fn is_ready(&self) -> bool {
        let insisted_on = self.enabled == Some(true) && self.account.base_url.is_some();
        self.enabled != Some(false) && (self.account.api_key.is_some() || insisted_on)
    }

    fn read(section: Section<'_>, has_account: bool) -> Self {
        let mut provider = Self {
            enabled: section.truth("enabled"),
            account: Account::default(),
        };
        if has_account {
            provider.account = Account::read(&section);
            let keyless =
                !provider.is_ready() && !section.is_set("api_key") && !section.is_set("api_key_file");
            if provider.enabled == Some(true) && keyless {
                let remedy = "set api_key or api_key_file, or the base_url of a server that asks for no key";
                section.complain("enabled", "is true, but there is no key", remedy);
            }
        }
        section.finish();
        provider
    }

    fn render(&self) -> Table {
        let mut table = self.account.render();
        if let Some(enabled) = self.enabled {
            table.insert("enabled".into(), enabled.into());
        }
        table
    }
}

impl Account {
    fn read(section: &Section<'_>) -> Self {
        Self {
            api_key: read_key(section),
            base_url: section.read("base_url", url::provider),
            organization: section.text("organization"),
            project: section.text("project"),
            proxy: section.read("proxy", url::public),
            connect_timeout: section
                .integer("connect_timeout_ms", 100..=120_000)
                .map(Duration::from_millis),
            deadline: section
                .integer("deadline_seconds", 1..=3600)
                .map(Duration::from_secs),
            max_answer_bytes: section.integer("max_answer_bytes", 65_536..=1_073_741_824),
        }
    }

    fn texts(&self) -> [(&'static str, &Option<String>); 4] {
        [
            ("base_url", &self.base_url),
            ("organization", &self.organization),
            ("project", &self.project),
            ("proxy", &self.proxy),
        ]
    }

    /// What is set, in the words of the adapter's own settings. The key is not among them.
    pub(crate) fn settings(&self) -> serde_json::Map<String, serde_json::Value> {
        let mut table = serde_json::Map::new();
        for (key, text) in self.texts() {
            if let Some(text) = text {
                table.insert(key.to_owned(), text.as_str().into());
            }
        }
        if let Some(timeout) = self.connect_timeout {
            let timeout_ms = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
            table.insert("connect_timeout_ms".to_owned(), timeout_ms.into());
        }
        if let Some(deadline) = self.deadline {
            // One deadline for every quality.
            table.insert("deadline_seconds".to_owned(), serde_json::Map::new().into());
            table.insert("default_deadline_seconds".to_owned(), deadline.as_secs().into());
        }
        if let Some(max_answer_bytes) = self.max_answer_bytes {
            table.insert("max_answer_bytes".to_owned(), max_answer_bytes.into());
        }
        table
    }

    fn render(&self) -> Table {
        let mut table = Table::new();
        if self.api_key.is_some() {
            table.insert("api_key".into(), REDACTED.into());
        }
        for (key, text) in self.texts() {
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
        ];
        for (key, number) in numbers {
            if let Some(number) = number {
                table.insert(key.into(), super::number(number));
            }
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
