//! Blobs in a folder of the local file system.
//!
//! A blob is a file whose path is its key. It is written beside its place under a name that no key can have,
//! forced to the disk, and only then linked into place, which fails when somebody was there before. So a file under
//! a key is always whole, and a cut of power leaves at most a file to sweep.
//!
//! Several processes may work with one folder at the same time, where the file system has hard links and locks.

use std::{
    fs::{self, File},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::UNIX_EPOCH,
};

use async_trait::async_trait;
use bytes::Bytes;
use uuid::Uuid;

mod listing;
mod unfinished;

use super::{BlobError, BlobInfo, BlobKey, BlobMetadata, BlobPage, BlobStore, link::LinkSigner};
use crate::clock::UnixMicros;
use unfinished::Unfinished;

/// File with the identity of a folder. Its name is not in the alphabet of keys.
pub const IDENTITY: &str = "~identity";

/// Stores blobs as files.
#[derive(Clone, Debug)]
pub struct FolderStore {
    folder: Arc<Folder>,
    links: Option<Arc<LinkSigner>>,
    public_base_url: Option<String>,
}

impl FolderStore {
    /// Opens a folder, makes it if needed, and sweeps what processes left unfinished that are gone. Blocks for a moment.
    /// Without a signer there are no signed links.
    pub fn open(root: &Path, links: Option<Arc<LinkSigner>>) -> io::Result<Self> {
        fs::create_dir_all(root)?;
        let root = root.canonicalize()?;
        let folder = Arc::new(Folder {
            unfinished: Unfinished::open(&root)?,
            root,
            placing: Mutex::new(()),
        });
        Ok(Self {
            folder,
            links,
            public_base_url: None,
        })
    }

    /// A word that only this folder has, and every process finds that works with it. Made when it is missing; goes with
    /// the folder when it is moved or copied. Blocks for a moment.
    pub fn identity(&self) -> io::Result<String> {
        let file = self.folder.root.join(IDENTITY);
        if !file.try_exists()? {
            let fresh = Uuid::new_v4().to_string();
            self.folder.write_new(&file, fresh.as_bytes())?;
            sync_folder(&self.folder.root)?;
        }
        Ok(fs::read_to_string(&file)?.trim().to_owned())
    }

    /// The same store, whose folder is also served to everybody at an address, by whatever serves files there.
    #[must_use]
    pub fn with_public_base_url(mut self, base_url: &str) -> Self {
        self.public_base_url = Some(base_url.trim_end_matches('/').to_owned());
        self
    }

    /// Runs a blocking operation off the async threads. It ends even if its caller goes away.
    async fn run<T: Send + 'static>(
        &self,
        key: &BlobKey,
        operation: impl FnOnce(&Folder, &BlobKey) -> Result<T, BlobError> + Send + 'static,
    ) -> Result<T, BlobError> {
        let folder = Arc::clone(&self.folder);
        let owned_key = key.clone();
        tokio::task::spawn_blocking(move || operation(&folder, &owned_key))
            .await
            .unwrap_or_else(|source| {
                Err(BlobError::Unavailable {
                    key: key.clone(),
                    source: source.into(),
                })
            })
    }
}

#[async_trait]
impl BlobStore for FolderStore {
    /// Keeps the bytes only: what else there is to know is in the record of an image.
    async fn put(&self, key: &BlobKey, _metadata: &BlobMetadata, bytes: Bytes) -> Result<(), BlobError> {
        self.run(key, move |folder, key| folder.put(key, &bytes)).await
    }

    async fn get(&self, key: &BlobKey) -> Result<Bytes, BlobError> {
        self.run(key, |folder, key| folder.read(key, 0, u64::MAX)).await
    }

    async fn get_range(&self, key: &BlobKey, offset: u64, length: u64) -> Result<Bytes, BlobError> {
        self.run(key, move |folder, key| folder.read(key, offset, length))
            .await
    }

    async fn head(&self, key: &BlobKey) -> Result<Option<BlobInfo>, BlobError> {
        self.run(key, Folder::head).await
    }

    async fn delete(&self, key: &BlobKey) -> Result<(), BlobError> {
        self.run(key, Folder::delete).await
    }

    async fn list_page(&self, prefix: &str, from: Option<&str>, limit: u32) -> Result<BlobPage, BlobError> {
        let (prefix, from) = (prefix.to_owned(), from.map(str::to_owned));
        self.run(&probe_key(), move |folder, key| {
            let page = listing::page(&folder.root, &prefix, from.as_deref(), limit);
            page.map_err(|source| BlobError::unavailable(key, source))
        })
        .await
    }

    fn public_url(&self, key: &BlobKey) -> Option<String> {
        let base_url = self.public_base_url.as_ref()?;
        Some(format!("{base_url}/{key}"))
    }

    async fn signed_url(&self, key: &BlobKey, expires_at: UnixMicros) -> Result<Option<String>, BlobError> {
        Ok(self.links.as_ref().and_then(|links| links.sign(key, expires_at)))
    }

    async fn check(&self) -> Result<(), BlobError> {
        super::check(self).await
    }

    async fn sweep_unfinished(&self, before: UnixMicros, dry_run: bool) -> Result<u64, BlobError> {
        self.run(&probe_key(), move |folder, key| {
            let swept = folder.unfinished.sweep(before, dry_run);
            swept.map_err(|source| BlobError::unavailable(key, source))
        })
        .await
    }
}

/// Stands for the folder as a whole in errors.
fn probe_key() -> BlobKey {
    BlobKey("staging".to_owned())
}

/// The blocking half.
#[derive(Debug)]
struct Folder {
    /// Without symbolic links.
    root: PathBuf,
    unfinished: Unfinished,
    /// Held while a file is placed on a file system without hard links.
    placing: Mutex<()>,
}

impl Folder {
    /// May be repeated at any point: whatever an earlier try left, the file under the key is whole or absent.
    fn put(&self, key: &BlobKey, bytes: &[u8]) -> Result<(), BlobError> {
        let placed = self.path_to_write(key).and_then(|path| {
            let parent = path.parent().unwrap_or(&self.root);
            if fs::symlink_metadata(&path).is_err() {
                self.write_new(&path, bytes)?;
            }
            let is_same = has_content(&path, bytes)?;
            // Also when the file was there before: that put may have been cut off right before this line.
            sync_folder(parent)?;
            Ok(is_same)
        });
        match placed {
            Ok(true) => Ok(()),
            Ok(false) => Err(BlobError::Conflict(key.clone())),
            Err(source) => Err(BlobError::Unavailable {
                key: key.clone(),
                source: source.into(),
            }),
        }
    }

    /// Leaves the place alone when another put was faster.
    fn write_new(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let unfinished = self.unfinished.new_path();
        let placed = write_and_sync(&unfinished, bytes).and_then(|()| self.place(&unfinished, path));
        let removed = remove_if_present(&unfinished);
        placed.and(removed)
    }

    fn place(&self, unfinished: &Path, path: &Path) -> io::Result<()> {
        match fs::hard_link(unfinished, path) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(_) => {
                // No hard links here. Renaming replaces what is there, so nobody else may place meanwhile.
                let _placing = self.placing.lock().unwrap_or_else(PoisonError::into_inner);
                if fs::symlink_metadata(path).is_ok() {
                    return Ok(());
                }
                fs::rename(unfinished, path)
            }
        }
    }

    fn read(&self, key: &BlobKey, offset: u64, length: u64) -> Result<Bytes, BlobError> {
        let read = self.path_to_read(key).and_then(|path| {
            let mut file = File::open(path)?;
            file.seek(SeekFrom::Start(offset))?;
            let mut content = Vec::new();
            file.take(length).read_to_end(&mut content)?;
            Ok(Bytes::from(content))
        });
        read.map_err(|source| failed(key, source))
    }

    fn head(&self, key: &BlobKey) -> Result<Option<BlobInfo>, BlobError> {
        let found = self.path_to_read(key).and_then(|path| {
            let metadata = fs::metadata(path)?;
            Ok(BlobInfo {
                size_bytes: metadata.len(),
                stored_at: stored_at(&metadata)?,
                media_type: None,
                plan_digest: None,
                sha256: None,
            })
        });
        match found {
            Ok(info) => Ok(Some(info)),
            Err(error) if is_absence(&error) => Ok(None),
            Err(source) => Err(failed(key, source)),
        }
    }

    fn delete(&self, key: &BlobKey) -> Result<(), BlobError> {
        let deleted = self.path_to_read(key).and_then(|path| {
            remove_if_present(&path)?;
            sync_folder(path.parent().unwrap_or(&self.root))
        });
        match deleted {
            Err(source) if !is_absence(&source) => Err(failed(key, source)),
            _ => Ok(()),
        }
    }

    /// The path of an existing blob. Nothing outside the root and no symbolic link is a blob.
    fn path_to_read(&self, key: &BlobKey) -> io::Result<PathBuf> {
        let path = self.root.join(key.as_str());
        self.refuse_outside(path.parent().unwrap_or(&self.root))?;
        if fs::symlink_metadata(&path)?.is_file() {
            return Ok(path);
        }
        Err(io::ErrorKind::NotFound.into())
    }

    /// The path for a new blob, with its folders made, each one durable before the next is made in it.
    fn path_to_write(&self, key: &BlobKey) -> io::Result<PathBuf> {
        let path = self.root.join(key.as_str());
        let parent = path.parent().unwrap_or(&self.root);
        let below_root = parent.strip_prefix(&self.root).unwrap_or_else(|_| Path::new(""));
        let mut folder = self.root.clone();
        for part in below_root {
            let within = folder.clone();
            folder.push(part);
            match fs::create_dir(&folder) {
                Ok(()) => sync_folder(&within)?,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
            self.refuse_outside(&folder)?;
        }
        Ok(path)
    }

    fn refuse_outside(&self, folder: &Path) -> io::Result<()> {
        if folder.canonicalize()?.starts_with(&self.root) {
            return Ok(());
        }
        Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            "a symbolic link leads out of the folder",
        ))
    }
}

fn write_and_sync(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Makes the names in a folder durable, as far as the system can.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

fn has_content(path: &Path, bytes: &[u8]) -> io::Result<bool> {
    let metadata = fs::symlink_metadata(path)?;
    let has_size = metadata.is_file() && usize::try_from(metadata.len()) == Ok(bytes.len());
    Ok(has_size && fs::read(path)? == bytes)
}

fn remove_if_present(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// When a file was last written: nobody writes into one that is in place.
fn stored_at(metadata: &fs::Metadata) -> io::Result<UnixMicros> {
    let since_epoch = metadata
        .modified()?
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Ok(UnixMicros(
        i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX),
    ))
}

/// A key whose parent is a blob names nothing either.
fn is_absence(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

fn failed(key: &BlobKey, source: io::Error) -> BlobError {
    if is_absence(&source) {
        return BlobError::NotFound(key.clone());
    }
    BlobError::Unavailable {
        key: key.clone(),
        source: source.into(),
    }
}
