//! What it takes to set a provider up: which kinds there are to choose from is in [`KINDS`](super::KINDS).

use std::{collections::BTreeMap, fmt, sync::Arc};

use secrecy::SecretString;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{KINDS, Traits};
use crate::provider::ImageProvider;

/// A kind of provider that is built in.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// Its name, and the id of its provider.
    pub id: &'static str,
    /// What switches it on.
    pub access: Access,
    /// True where an operator may set up any number of them, each under an id and an address of its own.
    pub has_instances: bool,
    /// Settings beside those that every provider has.
    pub settings: &'static [Setting],
    pub(super) build: fn(Setup) -> Result<Arc<dyn ImageProvider>, String>,
}

/// What switches a provider on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Nothing: it works everywhere.
    Open,
    /// A key, which this environment variable usually holds.
    Key(&'static str),
    /// An address, where an operator runs it. Some ask for a key, which this environment variable may hold.
    Address(Option<&'static str>),
    /// A word of the operator that its notice was read; for what is not on by itself even with a key.
    Acknowledged {
        /// Environment variable of the key.
        key: &'static str,
        /// What the operator must know.
        notice: &'static str,
    },
}

/// A setting that only one kind of provider has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Name in the table of the provider.
    pub name: &'static str,
    /// What it takes.
    pub takes: Takes,
    /// What it is for, in a sentence.
    pub about: &'static str,
}

/// What a setting takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// Free text.
    Text,
    /// One of these words.
    Word(&'static [&'static str]),
    /// An address with http or https.
    Address,
    /// A whole number in these bounds.
    Number(u64, u64),
    /// True or false.
    Truth,
    /// A list of texts.
    Texts,
    /// The name of a file; the adapter is given what the file holds.
    File,
    /// A text that is never shown. It is given to the adapter beside the table.
    Secret,
    /// The name of a file that stands in for the key; this environment variable may name it too. What the file holds is given to
    /// the adapter beside the table, and never shown.
    KeyFile(&'static str),
}

/// All that a provider is set up from.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// The id that plans name.
    pub id: String,
    /// The key, from wherever secrets come from.
    pub key: Option<SecretString>,
    /// How it is reached.
    pub connection: Connection,
    /// What the catalog says of it.
    pub traits: Traits,
    /// Values of the kind's own settings, typed as they are declared.
    pub table: Map<String, Value>,
    /// Values of settings that are secret.
    pub secrets: BTreeMap<String, SecretString>,
}

/// How a provider is reached. What is absent is as suits the provider.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Connection {
    /// Address that paths are appended to.
    pub base_url: Option<String>,
    /// Proxy for every request. Nothing: none; the environment's proxy settings are not used.
    pub proxy: Option<String>,
    /// Longest time to resolve, connect and shake hands, in milliseconds.
    pub connect_timeout_ms: Option<u64>,
    /// Largest answer that is read, in bytes.
    pub max_answer_bytes: Option<usize>,
    /// True: pictures may be fetched from private addresses of the network too, such as 10.0.0.7 or localhost.
    pub allow_private_addresses: bool,
}

impl fmt::Debug for Connection {
    /// Without users and passwords in addresses.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |address: &Option<String>| address.as_deref().map(without_user);
        formatter
            .debug_struct("Connection")
            .field("base_url", &shown(&self.base_url))
            .field("proxy", &shown(&self.proxy))
            .field("connect_timeout_ms", &self.connect_timeout_ms)
            .field("max_answer_bytes", &self.max_answer_bytes)
            .field("allow_private_addresses", &self.allow_private_addresses)
            .finish()
    }
}

/// An address without whatever stands before the last `@` of it, where it has a user and a password.
pub(super) fn without_user(address: &str) -> String {
    let (scheme, rest) = address.split_once("://").unwrap_or(("", address));
    let Some((_, rest)) = rest.rsplit_once('@') else {
        return address.to_owned();
    };
    match scheme {
        "" => format!("[user]@{rest}"),
        scheme => format!("{scheme}://[user]@{rest}"),
    }
}

/// Settings that no provider can be built from.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("provider {id} cannot be set up: {message}")]
pub struct BuildError {
    /// The provider.
    pub id: String,
    /// What is wrong, without secrets.
    pub message: String,
}

impl Kind {
    /// The kind of that name.
    pub fn find(id: &str) -> Option<&'static Self> {
        KINDS.iter().find(|kind| kind.id == id)
    }

    /// Environment variable of the key, where it takes one.
    pub fn key_variable(&self) -> Option<&'static str> {
        match self.access {
            Access::Open => None,
            Access::Key(variable) | Access::Acknowledged { key: variable, .. } => Some(variable),
            Access::Address(variable) => variable,
        }
    }

    /// Settings that stand in for the key: name, and environment variable.
    pub fn key_files(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.settings.iter().filter_map(|setting| match setting.takes {
            Takes::KeyFile(variable) => Some((setting.name, variable)),
            _ => None,
        })
    }

    /// Sets a provider up. Nothing is called: a wrong key shows only at [`ImageProvider::check`].
    ///
    /// # Errors
    /// The settings do not fit.
    pub fn build(&self, setup: Setup) -> Result<Arc<dyn ImageProvider>, BuildError> {
        let id = setup.id.clone();
        (self.build)(setup).map_err(|message| BuildError { id, message })
    }
}

impl Setup {
    /// The kind's own settings, typed.
    ///
    /// # Errors
    /// One of them is unknown or of another type.
    pub(super) fn own<T: DeserializeOwned>(&self) -> Result<T, String> {
        serde_json::from_value(Value::Object(self.table.clone())).map_err(|error| error.to_string())
    }
}
