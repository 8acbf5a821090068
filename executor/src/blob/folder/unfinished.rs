//! Where files are written before they are whole, and how what a dead process left there is told from the work of a
//! living one.
//!
//! Each process has a folder of its own beside a file that it keeps locked. The lock is the operating system's and ends
//! with its process, so whoever can take it may sweep the folder. Where locks do not work, nothing is swept.

use std::{
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
};

use uuid::Uuid;

use crate::clock::UnixMicros;

/// Folder of all of them. Its name is not in the alphabet of keys, and it is on the same file system as they.
const NAME: &str = "~unfinished";
/// Extension of the locked files.
const LOCK: &str = "lock";

/// The folder of this process.
#[derive(Debug)]
pub(super) struct Unfinished {
    folder: PathBuf,
    lock_path: PathBuf,
    _lock: File,
}

impl Unfinished {
    /// Makes a folder below `root`, and sweeps those of processes that are gone.
    pub(super) fn open(root: &Path) -> io::Result<Self> {
        let top = root.join(NAME);
        fs::create_dir_all(&top)?;
        sweep(&top)?;
        loop {
            let folder = top.join(Uuid::new_v4().to_string());
            let lock_path = folder.with_extension(LOCK);
            let lock = File::create_new(&lock_path)?;
            // Without a working lock nobody else can take it either, and the folder is left alone.
            if let Err(error) = lock.lock() {
                tracing::debug!(%error, "unfinished files are not swept: the file system has no locks");
            }
            // Somebody may have taken it for that of a dead process right after it was made.
            if lock_path.exists() {
                fs::create_dir(&folder)?;
                return Ok(Self {
                    folder,
                    lock_path,
                    _lock: lock,
                });
            }
        }
    }

    /// Sweeps the folders of processes that are gone; counts only what is older than `before` and, in a dry run,
    /// removes nothing. Living processes clean up behind themselves.
    pub(super) fn sweep(&self, before: UnixMicros, dry_run: bool) -> io::Result<u64> {
        let top = self.folder.parent().unwrap_or(&self.folder);
        let mut files = 0_u64;
        for entry in fs::read_dir(top)? {
            let lock_path = entry?.path();
            if lock_path.extension().is_some_and(|extension| extension == LOCK) {
                files = files.saturating_add(sweep_of(&lock_path, Some(before), dry_run)?);
            }
        }
        Ok(files)
    }

    /// A path for a new file.
    pub(super) fn new_path(&self) -> PathBuf {
        self.folder.join(Uuid::new_v4().to_string())
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // Whatever stays is swept by the next one.
        let _swept = fs::remove_dir_all(&self.folder).and_then(|()| fs::remove_file(&self.lock_path));
    }
}

fn sweep(top: &Path) -> io::Result<()> {
    for entry in fs::read_dir(top)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == LOCK) {
            sweep_of(&path, None, false)?;
        } else if path.is_dir() {
            // The file goes after the folder and comes before it, so without one nobody is at work here.
            if !path.with_extension(LOCK).exists() {
                remove(|| fs::remove_dir_all(&path))?;
            }
        } else {
            remove(|| fs::remove_file(&path))?;
        }
    }
    Ok(())
}

/// Sweeps what belongs to a locked file, when its process is gone and, given a time, wrote nothing after it. Returns
/// the number of files.
fn sweep_of(lock_path: &Path, before: Option<UnixMicros>, dry_run: bool) -> io::Result<u64> {
    let lock = match OpenOptions::new().read(true).write(true).open(lock_path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        opened => opened?,
    };
    if lock.try_lock().is_err() {
        return Ok(0);
    }
    let folder = lock_path.with_extension("");
    let mut files = 0_u64;
    if folder.is_dir() {
        for entry in fs::read_dir(&folder)? {
            let stored_at = super::stored_at(&entry?.metadata()?)?;
            if before.is_some_and(|before| stored_at >= before) {
                return Ok(0);
            }
            files = files.saturating_add(1);
        }
    }
    if !dry_run {
        remove(|| fs::remove_dir_all(&folder))?;
        remove(|| fs::remove_file(lock_path))?;
    }
    Ok(files)
}

/// What is gone already was swept by somebody else.
fn remove(remove: impl Fn() -> io::Result<()>) -> io::Result<()> {
    match remove() {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(root: &Path) -> usize {
        fs::read_dir(root.join(NAME)).unwrap().count()
    }

    #[test]
    fn the_work_of_a_living_process_stays_and_that_of_a_dead_one_is_swept() {
        let root = tempfile::tempdir().unwrap();
        let living = Unfinished::open(root.path()).unwrap();
        let work = living.new_path();
        fs::write(&work, "half").unwrap();
        let dead = root.path().join(NAME).join(Uuid::new_v4().to_string());
        fs::create_dir(&dead).unwrap();
        fs::write(dead.join("left"), "half").unwrap();
        fs::write(dead.with_extension(LOCK), "").unwrap();
        let orphan = root.path().join(NAME).join("orphan");
        fs::create_dir(&orphan).unwrap();

        let next = Unfinished::open(root.path()).unwrap();
        assert!(work.exists());
        assert!(!dead.exists() && !orphan.exists());
        assert_eq!(names(root.path()), 4, "a folder and a lock for each of the two");
        drop((living, next));
        assert_eq!(names(root.path()), 0);
    }

    #[test]
    fn processes_that_start_together_do_not_sweep_each_other() {
        let root = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let unfinished = Unfinished::open(root.path()).unwrap();
                        fs::write(unfinished.new_path(), "half").unwrap();
                    }
                });
            }
        });
        assert_eq!(names(root.path()), 0);
    }
}
