//! The providers, and the table of those that are built in.
//!
//! A provider is a file here and a line in [`KINDS`].

mod automatic1111;
pub mod bfl;
mod comfyui;
mod google;
mod http;
mod inputs;
mod kind;
mod midjourney;
pub mod openai;
mod openai_compatible;
mod openrouter;
pub mod replicate;
pub mod sketch;
mod stability;
mod traits;
mod vertex;

use std::{collections::BTreeMap, sync::Arc};

pub use inputs::Inputs;
pub use kind::{Access, BuildError, Connection, Kind, Setting, Setup, Takes};
pub use traits::{Deadlines, Limits, ModelDeadlines, RefusalBilling, Traits};

use crate::provider::ImageProvider;

/// Every kind of provider that is built in, in ascending order of the name.
pub const KINDS: &[Kind] = &[
    automatic1111::KIND,
    bfl::KIND,
    comfyui::KIND,
    google::KIND,
    midjourney::KIND,
    openai::KIND,
    openai_compatible::KIND,
    openrouter::KIND,
    replicate::KIND,
    sketch::KIND,
    stability::KIND,
    vertex::KIND,
];

/// The providers that this process can call, by id.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    providers: BTreeMap<String, Arc<dyn ImageProvider>>,
    limits: BTreeMap<String, Limits>,
}

impl Registry {
    /// A registry of these providers. Of two with the same id the later one counts.
    pub fn new(providers: Vec<Arc<dyn ImageProvider>>) -> Self {
        let by_id = providers
            .into_iter()
            .map(|provider| (provider.id().to_owned(), provider));
        Self {
            providers: by_id.collect(),
            limits: BTreeMap::new(),
        }
    }

    /// The same, with limits of a provider. Without, there are none of ours.
    #[must_use]
    pub fn with_limits(mut self, id: &str, limits: Limits) -> Self {
        self.limits.insert(id.to_owned(), limits);
        self
    }

    /// How much may be asked of a provider at once.
    pub fn limits(&self, id: &str) -> Limits {
        self.limits.get(id).copied().unwrap_or_default()
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
