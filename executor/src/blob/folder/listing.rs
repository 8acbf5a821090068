//! Pages of what is in a folder.
//!
//! The order is that of the parts of keys, so that a page begins where the one before ended without walking through
//! what came before: of each folder on the way only later names are looked at.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{
    super::{BlobEntry, BlobKey, BlobPage},
    is_absence, stored_at,
};

/// At most `limit` blobs below `root` whose keys start with a prefix, after the key `from`.
pub(super) fn page(root: &Path, prefix: &str, from: Option<&str>, limit: u32) -> io::Result<BlobPage> {
    let mut walk = Walk {
        prefix,
        // One more tells whether there is a next page.
        wanted: usize::try_from(limit).unwrap_or(usize::MAX).saturating_add(1),
        found: Vec::new(),
    };
    let after = from.map(|key| key.split('/').collect::<Vec<_>>());
    walk.folder(root, "", after.as_deref())?;
    let mut page = BlobPage {
        blobs: walk.found,
        next: None,
    };
    if page.blobs.len() == walk.wanted {
        page.blobs.pop();
        page.next = page.blobs.last().map(|last| last.key.to_string());
    }
    Ok(page)
}

struct Walk<'w> {
    prefix: &'w str,
    wanted: usize,
    found: Vec<BlobEntry>,
}

impl Walk<'_> {
    /// Goes through a folder whose key is `above`, with a slash at the end unless it is empty; only names after those
    /// of `after`.
    fn folder(&mut self, path: &Path, above: &str, after: Option<&[&str]>) -> io::Result<()> {
        for (name, path) in names(path)? {
            if self.found.len() == self.wanted {
                break;
            }
            let first = after.and_then(|parts| parts.first()).copied();
            if first.is_some_and(|first| name.as_str() < first) {
                continue;
            }
            let key = format!("{above}{name}");
            // Symbolic links are neither listed nor followed.
            let metadata = match fs::symlink_metadata(&path) {
                Err(error) if is_absence(&error) => continue,
                metadata => metadata?,
            };
            if metadata.is_dir() {
                let below = format!("{key}/");
                if below.starts_with(self.prefix) || self.prefix.starts_with(&below) {
                    let rest = after
                        .filter(|_| first == Some(&name))
                        .and_then(|parts| parts.get(1..));
                    self.folder(&path, &below, rest)?;
                }
            } else if metadata.is_file() && first != Some(&name) && key.starts_with(self.prefix) {
                let Some(key) = BlobKey::parse(&key) else { continue };
                self.found.push(BlobEntry {
                    key,
                    size_bytes: metadata.len(),
                    stored_at: stored_at(&metadata)?,
                });
            }
        }
        Ok(())
    }
}

/// What is in a folder that could be of a key, in order. A folder that is gone has nothing in it.
fn names(folder: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if is_absence(&error) => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().into_string().ok();
        if let Some(name) = name.filter(|name| BlobKey::parse(name).is_some()) {
            names.push((name, entry.path()));
        }
    }
    names.sort_unstable();
    Ok(names)
}
