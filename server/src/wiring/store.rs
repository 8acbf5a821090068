//! The store of images.

use std::{io, path::Path, sync::Arc};

use limn_executor::{
    blob::{
        BlobError, BlobStore,
        cloudinary::{CloudinarySettings, CloudinaryStore},
        folder::{self, FolderStore},
        link::LinkSigner,
        memory::MemoryStore,
        vercel_blob::{self, VercelBlobSettings, VercelBlobStore},
    },
    clock::SystemClock,
};
use secrecy::ExposeSecret as _;
use uuid::Uuid;

use crate::{
    app::AppError,
    config::{Cloudinary, Config, Storage, StorePlace, VercelBlob},
};

#[cfg(feature = "s3")]
mod s3;

/// The store that a configuration leads to.
#[derive(Debug)]
pub(super) struct Store {
    pub(super) store: Arc<dyn BlobStore>,
    /// Who it is, the same for every process that works with it; only asked where several share it.
    pub(super) identity: Option<String>,
}

/// Opens the store. A folder is made when it is missing; nobody else is asked yet.
pub(super) async fn open(config: &Config, signer: Arc<LinkSigner>) -> Result<Store, AppError> {
    let is_shared = config.database.postgres().is_some();
    let storage = &config.storage;
    match &storage.place {
        StorePlace::Folder(folder) => open_folder(storage, folder, signer, is_shared).await,
        // Nobody else has this memory.
        StorePlace::Memory => Ok(Store {
            store: Arc::new(MemoryStore::new(Arc::new(SystemClock), Some(signer))),
            identity: is_shared.then(|| format!("memory {}", Uuid::new_v4())),
        }),
        #[cfg(feature = "s3")]
        StorePlace::S3(s3) => Ok(s3::open(storage, s3)),
        #[cfg(not(feature = "s3"))]
        StorePlace::S3(_) => Err(unusable(
            storage,
            "this build has no S3; build it with the feature s3".to_owned(),
        )),
        StorePlace::Cloudinary(cloudinary) => {
            open_cloudinary(cloudinary).map_err(|what| unusable(storage, what))
        }
        StorePlace::VercelBlob(blob) => {
            open_vercel_blob(blob, signer).map_err(|what| unusable(storage, what))
        }
    }
}

async fn open_folder(
    storage: &Storage,
    folder: &Path,
    signer: Arc<LinkSigner>,
    is_shared: bool,
) -> Result<Store, AppError> {
    let root = folder.to_owned();
    let public_base_url = storage.public_base_url.clone();
    let opened = tokio::task::spawn_blocking(move || {
        let store = FolderStore::open(&root, Some(signer))?;
        let identity = if is_shared { Some(store.identity()?) } else { None };
        let store = match public_base_url {
            Some(base_url) => store.with_public_base_url(&base_url),
            None => store,
        };
        let store: Arc<dyn BlobStore> = Arc::new(store);
        Ok(Store { store, identity })
    });
    let opened = opened.await.map_err(io::Error::other).and_then(|store| store);
    opened.map_err(|source| AppError::File {
        file: folder.to_owned(),
        source,
    })
}

fn unusable(storage: &Storage, what: String) -> AppError {
    AppError::Store {
        store: name(storage),
        message: what,
    }
}

fn open_cloudinary(cloudinary: &Cloudinary) -> Result<Store, String> {
    let mut settings = CloudinarySettings::parse(cloudinary.url.expose_secret())
        .ok_or("storage.cloudinary.url is no account of Cloudinary")?;
    settings.is_public = cloudinary.is_public;
    if let Some(api_url) = &cloudinary.api_url {
        settings.api_url.clone_from(api_url);
    }
    let store = CloudinaryStore::new(settings, Arc::new(SystemClock))?;
    Ok(Store {
        identity: Some(store.identity()),
        store: Arc::new(store),
    })
}

fn open_vercel_blob(blob: &VercelBlob, signer: Arc<LinkSigner>) -> Result<Store, String> {
    let settings = VercelBlobSettings {
        token: blob.token.clone(),
        is_public: blob.is_public,
        api_url: blob
            .api_url
            .clone()
            .unwrap_or_else(|| vercel_blob::API_URL.to_owned()),
        blob_url: blob.blob_url.clone(),
    };
    let store = VercelBlobStore::new(settings, Some(signer))?;
    Ok(Store {
        identity: Some(store.identity()),
        store: Arc::new(store),
    })
}

/// How the store is called in messages.
pub(super) fn name(storage: &Storage) -> String {
    match &storage.place {
        StorePlace::Folder(folder) => folder.display().to_string(),
        StorePlace::Memory => "the memory of this process".to_owned(),
        StorePlace::Cloudinary(_) => "the account at Cloudinary".to_owned(),
        StorePlace::VercelBlob(_) => "the store of Vercel Blob".to_owned(),
        StorePlace::S3(s3) => match &s3.endpoint {
            Some(endpoint) => format!("{} at {endpoint}", s3.url()),
            None => s3.url(),
        },
    }
}

/// What to do when a database belongs to another store.
pub(super) fn remedy(storage: &Storage, expected: &str) -> String {
    match &storage.place {
        StorePlace::Folder(folder) => format!(
            "share one storage.folder among all processes; or, when its pictures are meant to be gone, write {expected} \
             into {}/{}",
            folder.display(),
            folder::IDENTITY,
        ),
        StorePlace::Memory | StorePlace::S3(_) | StorePlace::Cloudinary(_) | StorePlace::VercelBlob(_) => {
            format!("set storage.url of every process to the same store; that of the database is {expected}")
        }
    }
}

/// Tries the store with a small object that is gone afterwards, and says what it is.
///
/// # Errors
///
/// What it does not do.
pub async fn check_store(config: &Config) -> Result<String, String> {
    let storage = &config.storage;
    let name = name(storage);
    if let Some(folder) = storage.folder()
        && !folder.exists()
    {
        return Ok(format!("{name} is made by the first picture"));
    }
    // Links are not tried, so any key will do.
    let signer = Arc::new(LinkSigner::new([0; 32]));
    let opened = open(config, signer).await.map_err(|error| error.to_string())?;
    match opened.store.check().await {
        Ok(()) => Ok(format!("{name} can be written")),
        Err(BlobError::Unavailable { source, .. }) => Err(format!("{name} cannot be used: {source}")),
        Err(error) => Err(format!("{name} cannot be used: {error}")),
    }
}
