//! `[providers.<id>]`: accounts at providers.

use std::collections::BTreeMap;

use limn_executor::providers::{Access, KINDS, Kind};
use toml::Table;

use super::{problems::closest, reader::Section};

mod account;
mod own;

pub use account::Account;
pub use own::Own;

/// One provider. A key enables it; it never makes it the default.
#[derive(Clone, Debug)]
pub struct Provider {
    /// What it is.
    pub kind: &'static Kind,
    /// False switches the provider off, true insists on it. Nothing: on when it has all it needs.
    pub enabled: Option<bool>,
    /// The operator has read the notice of a kind that has one.
    pub acknowledged: bool,
    /// Key, address and bounds.
    pub account: Account,
    /// What only this kind can be told.
    pub own: Own,
}

pub(super) fn read(root: &Section<'_>) -> BTreeMap<String, Provider> {
    let singles = || KINDS.iter().filter(|kind| !kind.has_instances);
    let mut providers: BTreeMap<_, _> = singles()
        .map(|kind| (kind.id.to_owned(), Provider::new(kind)))
        .collect();
    for (id, section) in root.entries("providers") {
        if let Some(kind) = kind_of(&id, &section) {
            providers.insert(id, Provider::read(section, kind));
        }
    }
    providers
}

/// What a provider of that id is: a kind with one provider has its id, any other one is named by `kind`.
fn kind_of(id: &str, section: &Section<'_>) -> Option<&'static Kind> {
    let named = section.text("kind");
    let single = Kind::find(id).filter(|kind| !kind.has_instances);
    let many = || KINDS.iter().filter(|kind| kind.has_instances).map(|kind| kind.id);
    match (named, single) {
        (None, Some(kind)) => Some(kind),
        (Some(named), Some(kind)) if named == kind.id => Some(kind),
        (Some(_), Some(kind)) => {
            section.complain(
                "kind",
                &format!("is not what {id} is"),
                format!(
                    "leave it out, or call the provider otherwise: {id} is of the kind {}",
                    kind.id
                ),
            );
            None
        }
        (Some(named), None) => {
            let found = Kind::find(&named).filter(|kind| kind.has_instances);
            if found.is_none() {
                let remedy = format!("write one of {}", many().collect::<Vec<_>>().join(", "));
                section.complain(
                    "kind",
                    "is no kind that may be set up under a name of your own",
                    remedy,
                );
            }
            found
        }
        (None, None) => {
            let known_ids = || {
                KINDS
                    .iter()
                    .filter(|kind| !kind.has_instances)
                    .map(|kind| kind.id)
            };
            let remedy = match closest(id, known_ids()) {
                Some(meant) => format!("did you mean providers.{meant}?"),
                None => format!(
                    "known: {}; a provider of your own has a kind: {}",
                    known_ids().collect::<Vec<_>>().join(", "),
                    many().collect::<Vec<_>>().join(", ")
                ),
            };
            section.complain_of_section("is no provider that this build can call", remedy);
            None
        }
    }
}

/// Only those that something is set about: most kinds that are built in are not used on any one server.
pub(super) fn render(providers: &BTreeMap<String, Provider>) -> Table {
    let rendered = providers
        .iter()
        .map(|(id, provider)| (id.clone(), provider.render(id)));
    let set = rendered.filter(|(_, table)| !table.is_empty());
    set.map(|(id, table)| (id, table.into())).collect()
}

impl Provider {
    fn new(kind: &'static Kind) -> Self {
        Self {
            kind,
            enabled: None,
            acknowledged: false,
            account: Account::default(),
            own: Own::default(),
        }
    }

    /// Why plans may not use it, and what to do about that. Nothing: they may.
    pub fn obstacle(&self, id: &str) -> Option<String> {
        if self.enabled == Some(false) {
            return Some(format!("switched off by providers.{id}.enabled"));
        }
        let account = &self.account;
        let insisted_on = self.enabled == Some(true);
        match self.kind.access {
            Access::Open => None,
            Access::Key(_) if account.api_key.is_some() || self.has_key_file() => None,
            Access::Key(_) if insisted_on && account.base_url.is_some() => None,
            Access::Key(variable) => {
                let files = self.kind.key_files();
                let files = files.map(|(name, variable)| format!(", or {variable} or providers.{id}.{name}"));
                let files: String = files.collect();
                Some(format!(
                    "has no key: set {variable} or providers.{id}.api_key{files}"
                ))
            }
            Access::Address(_) if insisted_on || account.base_url.is_some() => None,
            Access::Address(_) => Some(format!(
                "is not set up: set providers.{id}.base_url to the address of your server"
            )),
            Access::Acknowledged { notice, .. } if !self.acknowledged => Some(format!(
                "{notice} Set providers.{id}.acknowledged = true if you want it all the same"
            )),
            Access::Acknowledged { .. } if account.base_url.is_some() => None,
            Access::Acknowledged { .. } => Some(format!(
                "is not set up: set providers.{id}.base_url to the address of your server"
            )),
        }
    }

    /// True when there is a file that stands in for the key.
    fn has_key_file(&self) -> bool {
        let mut files = self.kind.key_files();
        files.any(|(name, _)| self.own.secrets.contains_key(name))
    }

    fn read(section: Section<'_>, kind: &'static Kind) -> Self {
        let mut provider = Self {
            enabled: section.truth("enabled"),
            ..Self::new(kind)
        };
        if matches!(kind.access, Access::Acknowledged { .. }) {
            provider.acknowledged = section.truth("acknowledged").unwrap_or_default();
        }
        if kind.access != Access::Open {
            provider.account = Account::read(&section, kind);
            provider.own = Own::read(&section, kind.settings);
            provider.check(&section);
        }
        section.finish();
        provider
    }

    /// A provider that is insisted on must have all it needs.
    fn check(&self, section: &Section<'_>) {
        let keyless = matches!(self.kind.access, Access::Key(_))
            && self.account.api_key.is_none()
            && self.account.base_url.is_none()
            && !section.is_set("api_key")
            && !section.is_set("api_key_file")
            && !self.kind.key_files().any(|(name, _)| section.is_set(name));
        if self.enabled == Some(true) && keyless {
            let remedy = "set api_key or api_key_file, or the base_url of a server that asks for no key";
            section.complain("enabled", "is true, but there is no key", remedy);
        }
        if self.kind.has_instances && self.account.base_url.is_none() && !section.is_set("base_url") {
            section.complain_of_section("has no address", "set base_url".to_owned());
        }
    }

    fn render(&self, id: &str) -> Table {
        let mut table = self.account.render();
        table.extend(self.own.render().clone());
        if id != self.kind.id {
            table.insert("kind".into(), self.kind.id.into());
        }
        if let Some(enabled) = self.enabled {
            table.insert("enabled".into(), enabled.into());
        }
        if self.acknowledged {
            table.insert("acknowledged".into(), true.into());
        }
        table
    }
}
