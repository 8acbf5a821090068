//! `[storage]`: where images are kept.

use std::path::{Path, PathBuf};

use toml::Table;

use super::{reader::Section, url};

/// The store of images.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Storage {
    /// Folder of the images. Default: `blobs` in the data folder.
    pub folder: PathBuf,
    /// Address under which another server publishes the folder, for lasting links; no slash at the end.
    /// Nothing: images are private.
    pub public_base_url: Option<String>,
    /// File of the key that signs links and page tokens, made when it is missing. Default: `link.key` in the
    /// data folder.
    pub signing_key_file: PathBuf,
}

impl Storage {
    pub(super) fn read(section: Section<'_>, data_dir: &Path) -> Self {
        let storage = Self {
            folder: section.path("folder").unwrap_or_else(|| data_dir.join("blobs")),
            public_base_url: section.read("public_base_url", url::public),
            signing_key_file: section
                .path("signing_key_file")
                .unwrap_or_else(|| data_dir.join("link.key")),
        };
        section.finish();
        storage
    }

    pub(super) fn render(&self) -> Table {
        let mut table = Table::new();
        table.insert("folder".into(), super::path(&self.folder));
        if let Some(url) = &self.public_base_url {
            table.insert("public_base_url".into(), url.clone().into());
        }
        table.insert("signing_key_file".into(), super::path(&self.signing_key_file));
        table
    }
}
