//! One `limn` at a time works with a data folder.
//!
//! The lock is the operating system's, on `limn.lock` in the folder, so it ends with its process however that
//! ends. The content of the file only says who holds it and, for a server, where it answers: a second
//! `limn` on the same folder becomes its client.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read as _, Seek as _, Write as _},
    net::SocketAddr,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

/// Name of the file in the data folder.
const FILE_NAME: &str = "limn.lock";
/// Longest content that is read.
const MAX_CONTENT_BYTES: u64 = 4096;

/// The right to work with a data folder. Dropping it gives the right back.
#[derive(Debug)]
pub struct DataLock {
    file: File,
}

/// Who works with a data folder.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Process id; zero in the moment before the holder has written it down.
    pub pid: u32,
    /// Address as `http://{ip}:{port}`, when the holder is a server that answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
}

/// Why there is no lock.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process works with the folder.
    #[error("process {pid} is using {folder}", pid = .holder.pid, folder = .folder.display())]
    Held {
        /// The folder.
        folder: PathBuf,
        /// Who it is.
        holder: Holder,
    },
    /// The file cannot be made, locked or written.
    #[error("cannot lock {file}: {source}", file = .file.display())]
    Unavailable {
        /// The file.
        file: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
}

impl DataLock {
    /// Takes the lock, and makes the folder when it is missing. With `wait`, blocks the thread until the
    /// holder is done.
    ///
    /// # Errors
    ///
    /// [`LockError::Held`] without `wait`; [`LockError::Unavailable`] when the folder cannot be used.
    pub fn acquire(folder: &Path, wait: bool) -> Result<Self, LockError> {
        let path = folder.join(FILE_NAME);
        let unavailable = |source| LockError::Unavailable {
            file: path.clone(),
            source,
        };
        make_private(folder).map_err(unavailable)?;
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(unavailable)?;
        if wait {
            file.lock().map_err(unavailable)?;
        } else {
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    return Err(LockError::Held {
                        folder: folder.to_owned(),
                        holder: read(&file).unwrap_or_default(),
                    });
                }
                Err(TryLockError::Error(error)) => return Err(unavailable(error)),
            }
        }
        let lock = Self { file };
        lock.write(&Holder {
            pid: std::process::id(),
            address: None,
        })
        .map_err(unavailable)?;
        Ok(lock)
    }

    /// Writes down where this process answers.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn announce(&self, address: SocketAddr) -> io::Result<()> {
        self.write(&Holder {
            pid: std::process::id(),
            address: Some(format!("http://{address}")),
        })
    }

    /// Who works with the folder now; nothing when nobody does.
    pub fn holder(folder: &Path) -> Option<Holder> {
        let file = File::open(folder.join(FILE_NAME)).ok()?;
        // A holder clears the content when it goes, so the lock is only tried after a crash or while it is held.
        let written = read(&file)?;
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => Some(written),
            Ok(()) | Err(TryLockError::Error(_)) => None,
        }
    }

    fn write(&self, holder: &Holder) -> io::Result<()> {
        let content = serde_json::to_vec(holder)?;
        let mut file = &self.file;
        file.rewind()?;
        file.write_all(&content)?;
        file.set_len(content.len() as u64)?;
        file.flush()
    }
}

impl Drop for DataLock {
    fn drop(&mut self) {
        // Without effect on the lock itself: who finds the content of a dead process finds it unlocked.
        let cleared = self.file.set_len(0).and_then(|()| self.file.unlock());
        if let Err(error) = cleared {
            tracing::warn!(%error, "the lock of the data folder was not cleared");
        }
    }
}

/// Makes a folder that only its owner can look into: it will hold prompts and pictures. One that is there keeps its
/// permissions.
fn make_private(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

fn read(file: &File) -> Option<Holder> {
    let mut file = file;
    let mut content = String::new();
    file.rewind().ok()?;
    file.take(MAX_CONTENT_BYTES).read_to_string(&mut content).ok()?;
    serde_json::from_str(&content).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_one_learns_who_the_first_one_is() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(DataLock::holder(folder.path()), None);
        let lock = DataLock::acquire(folder.path(), false).unwrap();
        let me = std::process::id();
        assert_eq!(DataLock::holder(folder.path()).unwrap().pid, me);

        lock.announce("127.0.0.1:7001".parse().unwrap()).unwrap();
        let error = DataLock::acquire(folder.path(), false).unwrap_err();
        let LockError::Held { holder, .. } = error else {
            panic!("{error}")
        };
        assert_eq!(holder.pid, me);
        assert_eq!(holder.address.as_deref(), Some("http://127.0.0.1:7001"));
    }

    #[test]
    #[cfg(unix)]
    fn a_new_folder_is_private() {
        use std::os::unix::fs::PermissionsExt as _;
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("data");
        let _lock = DataLock::acquire(&folder, false).unwrap();
        let mode = fs::metadata(&folder).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }

    #[test]
    fn a_lock_that_was_dropped_can_be_taken_again() {
        let folder = tempfile::tempdir().unwrap();
        drop(DataLock::acquire(folder.path(), false).unwrap());
        assert_eq!(DataLock::holder(folder.path()), None);
        DataLock::acquire(folder.path(), false).unwrap();
    }

    #[test]
    fn what_a_dead_process_left_is_no_holder() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(
            folder.path().join(FILE_NAME),
            r#"{"pid":1,"address":"http://127.0.0.1:1"}"#,
        )
        .unwrap();
        assert_eq!(DataLock::holder(folder.path()), None);
    }

    #[test]
    fn a_waiting_one_goes_on_when_the_first_one_is_done() {
        let folder = tempfile::tempdir().unwrap();
        let first = DataLock::acquire(folder.path(), false).unwrap();
        let path = folder.path().to_owned();
        let second = std::thread::spawn(move || DataLock::acquire(&path, true).is_ok());
        drop(first);
        assert!(second.join().unwrap());
    }
}
