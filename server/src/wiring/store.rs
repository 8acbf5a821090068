//! The store of images: a folder.

use std::{io, sync::Arc};

use limn_executor::blob::{folder::FolderStore, link::LinkSigner};

use crate::{app::AppError, config::Config};

/// The store that a configuration leads to.
pub(super) struct Store {
    pub(super) store: FolderStore,
    /// Who it is; only asked where several processes share it.
    pub(super) identity: Option<String>,
}

/// Opens the folder, and makes it when it is missing.
pub(super) async fn open(config: &Config, signer: Arc<LinkSigner>) -> Result<Store, AppError> {
    let storage = config.storage.clone();
    let is_shared = config.database.postgres().is_some();
    let opened = tokio::task::spawn_blocking(move || {
        let store = FolderStore::open(&storage.folder, Some(signer))?;
        let identity = if is_shared { Some(store.identity()?) } else { None };
        let store = match &storage.public_base_url {
            Some(base_url) => store.with_public_base_url(base_url),
            None => store,
        };
        Ok(Store { store, identity })
    });
    let opened = opened.await.map_err(io::Error::other).and_then(|store| store);
    opened.map_err(|source| AppError::File {
        file: config.storage.folder.clone(),
        source,
    })
}
