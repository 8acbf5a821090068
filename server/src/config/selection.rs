//! `[selection]` and `[clients.<id>]`: which provider draws when the request does not say.

use std::collections::BTreeMap;

use limn_proto::name::is_client_id;
use toml::Table;

use super::reader::Section;

/// Overrides of the selection rules in the catalog.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Provider that is used when no other rule fires. Nothing: the catalog's, which is `sketch`.
    pub default_provider: Option<String>,
    /// Provider for photographs. Nothing: the catalog's.
    pub photographic: Option<String>,
    /// Provider for the other styles. Nothing: the catalog's.
    pub other_styles: Option<String>,
    /// Providers to fall back to, in order. Nothing: the catalog's.
    pub fallbacks: Option<Vec<String>>,
}

impl Selection {
    pub(super) fn read(section: Section<'_>) -> Self {
        let selection = Self {
            default_provider: section.text("default_provider"),
            photographic: section.text("photographic"),
            other_styles: section.text("other_styles"),
            fallbacks: section.list("fallbacks"),
        };
        section.finish();
        selection
    }

    pub(super) fn render(&self) -> Table {
        let mut table = Table::new();
        let words = [
            ("default_provider", &self.default_provider),
            ("photographic", &self.photographic),
            ("other_styles", &self.other_styles),
        ];
        for (key, value) in words {
            if let Some(value) = value {
                table.insert(key.into(), value.clone().into());
            }
        }
        if let Some(fallbacks) = &self.fallbacks {
            table.insert("fallbacks".into(), fallbacks.clone().into());
        }
        table
    }
}

/// What one client likes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Client {
    /// Provider that it prefers.
    pub preferred_provider: Option<String>,
    /// Providers to fall back to, in order. Nothing: those of the selection.
    pub fallbacks: Option<Vec<String>>,
}

pub(super) fn read_clients(root: &Section<'_>) -> BTreeMap<String, Client> {
    let mut clients = BTreeMap::new();
    for (id, section) in root.entries("clients") {
        if !is_client_id(&id) {
            let remedy = "a lowercase letter, then up to 62 lowercase letters, digits or hyphens".to_owned();
            section.complain_of_section("is not a client id", remedy);
        }
        let client = Client {
            preferred_provider: section.text("preferred_provider"),
            fallbacks: section.list("fallbacks"),
        };
        section.finish();
        clients.insert(id, client);
    }
    clients
}

pub(super) fn render_clients(clients: &BTreeMap<String, Client>) -> Table {
    let rendered = clients.iter().map(|(id, client)| {
        let mut table = Table::new();
        if let Some(provider) = &client.preferred_provider {
            table.insert("preferred_provider".into(), provider.clone().into());
        }
        if let Some(fallbacks) = &client.fallbacks {
            table.insert("fallbacks".into(), fallbacks.clone().into());
        }
        (id.clone(), table.into())
    });
    rendered.collect()
}
