//! `[provenance]`: what pictures say about where they come from, and who signs that.

use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::{path, reader::Section};

/// Who signs pictures, and what they say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provenance {
    /// False: pictures are stored as providers gave them.
    pub enabled: bool,
    /// The certificate chain of the operator, leaf first, and the private key of the leaf, both files in PEM. Nothing:
    /// the development certificate signs, which nobody else trusts.
    pub signer: Option<(PathBuf, PathBuf)>,
    /// Root certificates that are trusted when credentials are read, besides our own: a file in PEM.
    pub trust_anchors: Option<PathBuf>,
    /// Pictures carry their prompts, for everybody to read.
    pub embed_prompts: bool,
    /// File of the development certificate with its key, made when it is missing and needed.
    pub development_file: PathBuf,
}

impl Provenance {
    pub(super) fn read(section: Section<'_>, data_dir: &Path) -> Self {
        let signer = match (section.path("certificate"), section.path("key")) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            (Some(_), None) => {
                section.complain("certificate", "is set without a key", "set provenance.key, too");
                None
            }
            (None, Some(_)) => {
                section.complain(
                    "key",
                    "is set without a certificate",
                    "set provenance.certificate, too",
                );
                None
            }
        };
        let provenance = Self {
            enabled: section.truth("enabled").unwrap_or(true),
            signer,
            trust_anchors: section.path("trust_anchors"),
            embed_prompts: section.truth("embed_prompts").unwrap_or(false),
            development_file: data_dir.join("provenance/development.pem"),
        };
        section.finish();
        provenance
    }

    pub(super) fn render(&self) -> Table {
        let mut table = Table::new();
        table.insert("enabled".to_owned(), Value::Boolean(self.enabled));
        table.insert("embed_prompts".to_owned(), Value::Boolean(self.embed_prompts));
        if let Some((certificate, key)) = &self.signer {
            table.insert("certificate".to_owned(), path(certificate));
            table.insert("key".to_owned(), path(key));
        }
        if let Some(anchors) = &self.trust_anchors {
            table.insert("trust_anchors".to_owned(), path(anchors));
        }
        table
    }
}
