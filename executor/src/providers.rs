//! The providers, and the table of those that are built in.
//!
//! A provider is a file here and a line in [`KINDS`].

mod http;
pub mod openai;
pub mod sketch;

use std::{collections::BTreeMap, sync::Arc};

use secrecy::SecretString;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::provider::ImageProvider;

/// The providers that this process can call, by id.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    providers: BTreeMap<String, Arc<dyn ImageProvider>>,
}

impl Registry {
    /// A registry of these providers. Of two with the same id the later one counts.
    pub fn new(providers: Vec<Arc<dyn ImageProvider>>) -> Self {
        let by_id = providers
            .into_iter()
            .map(|provider| (provider.id().to_owned(), provider));
        Self {
            providers: by_id.collect(),
        }
    }

    /// The provider of that id.
    pub fn get(&self, id: &str) -> Option<&Arc<dyn ImageProvider>> {
        self.providers.get(id)
    }

    /// The ids, in ascending order.
    pub fn ids(&self) -> Vec<&str> {
        self.providers.keys().map(String::as_str).collect()
    }
}

/// What configuration says about one provider.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The key, from wherever secrets come from.
    pub key: Option<SecretString>,
    /// The provider's own table; it knows the fields.
    pub table: Map<String, Value>,
}

/// A provider that is built in.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// The id that plans name.
    pub id: &'static str,
    /// Environment variable of the key. Nothing: the provider needs no key.
    pub key_variable: Option<&'static str>,
    build: fn(Settings) -> Result<Arc<dyn ImageProvider>, String>,
}

/// Every provider that is built in, in ascending order of the id.
pub const KINDS: &[Kind] = &[
    Kind {
        id: openai::ID,
        key_variable: Some(openai::KEY_VARIABLE),
        build: |settings| {
            Ok(Arc::new(openai::OpenAi::new(
                typed(settings.table)?,
                settings.key,
            )?))
        },
    },
    Kind {
        id: sketch::ID,
        key_variable: None,
        build: |settings| match settings.table.keys().next() {
            None => Ok(Arc::new(sketch::Sketch)),
            Some(setting) => Err(format!("it has no setting {setting:?}")),
        },
    },
];

/// Settings that no provider can be built from.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("provider {id} cannot be set up: {message}")]
pub struct BuildError {
    /// The provider.
    pub id: &'static str,
    /// What is wrong, without secrets.
    pub message: String,
}

impl Kind {
    /// The built-in provider of that id.
    pub fn find(id: &str) -> Option<&'static Self> {
        KINDS.iter().find(|kind| kind.id == id)
    }

    /// Sets the provider up. Nothing is called: a wrong key shows only at [`ImageProvider::check`].
    pub fn build(&self, settings: Settings) -> Result<Arc<dyn ImageProvider>, BuildError> {
        (self.build)(settings).map_err(|message| BuildError { id: self.id, message })
    }
}

fn typed<T: DeserializeOwned>(table: Map<String, Value>) -> Result<T, String> {
    serde_json::from_value(Value::Object(table)).map_err(|error| error.to_string())
}
