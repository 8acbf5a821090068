//! A store for each client that has one of its own, and one for all others.
//!
//! Which one it is follows from the key alone. What is of no client, such as staged answers, is in the main store.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use futures::future::try_join_all;

use super::{BlobError, BlobInfo, BlobKey, BlobMetadata, BlobPage, BlobStore};
use crate::clock::UnixMicros;

/// Keeps the blobs of some clients apart.
#[derive(Debug)]
pub struct PartitionedStore {
    main: Arc<dyn BlobStore>,
    of_clients: BTreeMap<String, Arc<dyn BlobStore>>,
}

impl PartitionedStore {
    /// The store of everybody else, and those of clients by their ids.
    pub fn new(main: Arc<dyn BlobStore>, of_clients: BTreeMap<String, Arc<dyn BlobStore>>) -> Self {
        Self { main, of_clients }
    }

    fn of(&self, key: &BlobKey) -> &dyn BlobStore {
        let own = key.client().and_then(|client| self.of_clients.get(client));
        own.unwrap_or(&self.main).as_ref()
    }

    /// The main store, then those of clients in order of their ids.
    fn stores(&self) -> impl Iterator<Item = (Option<&str>, &dyn BlobStore)> {
        let own = self
            .of_clients
            .iter()
            .map(|(client, store)| (Some(client.as_str()), store.as_ref()));
        [(None, self.main.as_ref())].into_iter().chain(own)
    }
}

#[async_trait]
impl BlobStore for PartitionedStore {
    async fn put(&self, key: &BlobKey, metadata: &BlobMetadata, bytes: Bytes) -> Result<(), BlobError> {
        self.of(key).put(key, metadata, bytes).await
    }

    async fn get(&self, key: &BlobKey) -> Result<Bytes, BlobError> {
        self.of(key).get(key).await
    }

    async fn get_range(&self, key: &BlobKey, offset: u64, length: u64) -> Result<Bytes, BlobError> {
        self.of(key).get_range(key, offset, length).await
    }

    async fn head(&self, key: &BlobKey) -> Result<Option<BlobInfo>, BlobError> {
        self.of(key).head(key).await
    }

    async fn delete(&self, key: &BlobKey) -> Result<(), BlobError> {
        self.of(key).delete(key).await
    }

    /// One store after the other: a page begins with the number of its store.
    async fn list_page(&self, prefix: &str, from: Option<&str>, limit: u32) -> Result<BlobPage, BlobError> {
        let (number, inner) = from
            .and_then(|from| from.split_once(':'))
            .and_then(|(number, inner)| Some((number.parse().ok()?, inner)))
            .unwrap_or((0_usize, ""));
        let Some((owner, store)) = self.stores().nth(number) else {
            return Ok(BlobPage::default());
        };
        // What is in a store that is not asked for it is not there for anybody.
        let is_asked = |key: &BlobKey| {
            let own = key
                .client()
                .filter(|client| self.of_clients.contains_key(*client));
            own == owner
        };
        let within = match owner {
            None => Some(prefix.to_owned()),
            Some(client) => {
                let own = format!("clients/{client}/");
                match (prefix.starts_with(&own), own.starts_with(prefix)) {
                    (true, _) => Some(prefix.to_owned()),
                    (false, true) => Some(own),
                    (false, false) => None,
                }
            }
        };
        let mut page = match within {
            None => BlobPage::default(),
            Some(within) => {
                let inner = Some(inner).filter(|inner| !inner.is_empty());
                store.list_page(&within, inner, limit).await?
            }
        };
        page.blobs.retain(|blob| is_asked(&blob.key));
        page.next = match page.next {
            Some(next) => Some(format!("{number}:{next}")),
            None if number < self.of_clients.len() => Some(format!("{}:", number + 1)),
            None => None,
        };
        Ok(page)
    }

    fn public_url(&self, key: &BlobKey) -> Option<String> {
        self.of(key).public_url(key)
    }

    async fn signed_url(&self, key: &BlobKey, expires_at: UnixMicros) -> Result<Option<String>, BlobError> {
        self.of(key).signed_url(key, expires_at).await
    }

    async fn check(&self) -> Result<(), BlobError> {
        try_join_all(self.stores().map(|(_, store)| store.check())).await?;
        Ok(())
    }

    async fn sweep_unfinished(&self, before: UnixMicros, dry_run: bool) -> Result<u64, BlobError> {
        let swept = self
            .stores()
            .map(|(_, store)| store.sweep_unfinished(before, dry_run));
        Ok(try_join_all(swept).await?.into_iter().sum())
    }
}
