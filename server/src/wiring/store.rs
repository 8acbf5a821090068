//! The store of images.

use std::{collections::BTreeMap, io, path::Path, sync::Arc};

use limn_executor::{
    blob::{
        BlobError, BlobStore,
        cloudinary::{CloudinarySettings, CloudinaryStore},
        folder::{self, FolderStore},
        link::LinkSigner,
        memory::MemoryStore,
        partition::PartitionedStore,
        s3::{S3Settings, S3Store},
        vercel_blob::{self, VercelBlobSettings, VercelBlobStore},
    },
    clock::SystemClock,
};
use secrecy::ExposeSecret as _;
use uuid::Uuid;

use crate::{
    app::AppError,
    config::{Cloudinary, Config, S3, Storage, StorePlace, VercelBlob},
};

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
        StorePlace::S3(s3) => Ok(open_s3(storage, s3)),
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

fn open_s3(storage: &Storage, s3: &S3) -> Store {
    let open = |bucket: &str, public_base_url: &Option<String>| {
        let settings = S3Settings {
            bucket: bucket.to_owned(),
            prefix: s3.prefix.clone(),
            endpoint: s3.endpoint.clone(),
            region: s3.region.clone(),
            path_style: s3.path_style,
            access_key_id: s3.access_key_id.clone(),
            secret_access_key: s3.secret_access_key.clone(),
            session_token: s3.session_token.clone(),
            public_base_url: public_base_url.clone(),
            multipart_above_bytes: S3Settings::MULTIPART_ABOVE_BYTES,
            part_bytes: S3Settings::PART_BYTES,
        };
        S3Store::new(settings, Arc::new(SystemClock))
    };
    let main = open(&s3.bucket, &storage.public_base_url);
    let identity = Some(main.identity());
    let main: Arc<dyn BlobStore> = Arc::new(main);
    if s3.clients.is_empty() {
        return Store {
            store: main,
            identity,
        };
    }
    let own = s3.clients.iter().map(|(client, own)| {
        let store: Arc<dyn BlobStore> = Arc::new(open(&own.bucket, &own.public_base_url));
        (client.clone(), store)
    });
    let of_clients: BTreeMap<_, _> = own.collect();
    Store {
        store: Arc::new(PartitionedStore::new(main, of_clients)),
        identity,
    }
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
