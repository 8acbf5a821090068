//! `[catalog]`: changes to the shipped catalog.

use std::path::PathBuf;

use toml::Table;

use super::reader::Section;

/// Changes to the shipped catalog. They are checked together with it, as a whole, when it is loaded.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Catalog {
    /// Files that are laid over the shipped catalog, in order.
    pub files: Vec<PathBuf>,
    /// What stands in the configuration itself; laid over the files.
    pub inline: Table,
}

impl Catalog {
    pub(super) fn read(section: &Section<'_>) -> Self {
        Self {
            files: section.paths("files"),
            inline: section.remaining_table(),
        }
    }

    pub(super) fn render(&self) -> Table {
        let mut table = self.inline.clone();
        let files: Vec<_> = self.files.iter().map(|file| super::path(file)).collect();
        table.insert("files".into(), files.into());
        table
    }
}
