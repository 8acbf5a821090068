//! The providers that this process can call.

use std::{collections::BTreeMap, sync::Arc};

use crate::provider::ImageProvider;

/// Providers by id.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    providers: BTreeMap<String, Arc<dyn ImageProvider>>,
}

impl Registry {
    /// A registry of these providers; of two with the same id the later one counts.
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
}
