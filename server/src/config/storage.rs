//! `[storage]`: where images are kept.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use limn_proto::name::is_client_id;
use toml::Table;

use super::{reader::Section, url};

mod price;
mod s3;
mod services;

pub use price::StoragePrice;
pub use s3::{ClientBucket, S3};
pub use services::{Cloudinary, VercelBlob};

/// What an address of a store looks like.
const EXAMPLE: &str =
    "for example s3://bucket/prefix, cloudinary:, vercel-blob:, memory:, or the path of a folder";

/// The store of images.
#[derive(Clone, Debug)]
pub struct Storage {
    /// Where they are.
    pub place: StorePlace,
    /// Address under which everybody can read what is stored, for lasting links; no slash at the end.
    /// Nothing: images are private.
    pub public_base_url: Option<String>,
    /// File of the key that signs links and page tokens, made when it is missing. Default: `link.key` in the
    /// data folder.
    pub signing_key_file: PathBuf,
    /// What keeping images costs. Nothing: it is not estimated.
    pub price: Option<StoragePrice>,
}

/// A place for images.
#[derive(Clone, Debug)]
pub enum StorePlace {
    /// A folder. Default: `blobs` in the data folder.
    Folder(PathBuf),
    /// The memory of this process: gone with it.
    Memory,
    /// A bucket of S3 or of a store that speaks like it.
    S3(Box<S3>),
    /// An account at Cloudinary.
    Cloudinary(Cloudinary),
    /// A store of Vercel Blob.
    VercelBlob(VercelBlob),
}

impl Storage {
    pub(super) fn read(section: Section<'_>, data_dir: &Path) -> Self {
        let folder = section.path("folder").unwrap_or_else(|| data_dir.join("blobs"));
        let named = section.text("url").filter(|_| {
            match (section.place("url"), section.place("folder")) {
                (Some(url), Some(folder)) if url.layer() == folder.layer() => {
                    section.complain("url", "is set together with folder", "keep one of the two");
                    false
                }
                // The later layer counts, as with any key.
                (Some(url), Some(folder)) => url.layer() > folder.layer(),
                _ => true,
            }
        });
        let s3 = section.section("s3");
        let place = match named.as_deref() {
            None => StorePlace::Folder(folder),
            Some("memory:") => StorePlace::Memory,
            Some(text) if text.starts_with("s3:") => StorePlace::S3(Box::new(S3::read(text, &section, &s3))),
            Some("cloudinary:") => StorePlace::Cloudinary(Cloudinary::read(&section.section("cloudinary"))),
            Some("vercel-blob:") => StorePlace::VercelBlob(VercelBlob::read(&section.section("vercel_blob"))),
            Some(text) => StorePlace::Folder(read_folder(text, &section).unwrap_or(folder)),
        };
        // Known whatever the place is, so that a file can be prepared for another one.
        s3::know(&s3);
        s3.finish();
        services::know(&section);
        let clients = read_clients(&section, &place);
        let place = match place {
            StorePlace::S3(mut s3) => {
                s3.clients = clients;
                StorePlace::S3(s3)
            }
            other => other,
        };
        let storage = Self {
            place,
            public_base_url: section.read("public_base_url", url::public),
            signing_key_file: section
                .path("signing_key_file")
                .unwrap_or_else(|| data_dir.join("link.key")),
            price: StoragePrice::read(&section),
        };
        section.finish();
        storage
    }

    /// The folder of the images, when they are in one.
    pub fn folder(&self) -> Option<&Path> {
        match &self.place {
            StorePlace::Folder(folder) => Some(folder),
            StorePlace::Memory
            | StorePlace::S3(_)
            | StorePlace::Cloudinary(_)
            | StorePlace::VercelBlob(_) => None,
        }
    }

    pub(super) fn render(&self) -> Table {
        let mut table = Table::new();
        match &self.place {
            StorePlace::Folder(folder) => {
                table.insert("folder".into(), super::path(folder));
            }
            StorePlace::Memory => {
                table.insert("url".into(), "memory:".into());
            }
            StorePlace::S3(s3) => s3.render(&mut table),
            StorePlace::Cloudinary(cloudinary) => cloudinary.render(&mut table),
            StorePlace::VercelBlob(vercel_blob) => vercel_blob.render(&mut table),
        }
        if let Some(url) = &self.public_base_url {
            table.insert("public_base_url".into(), url.clone().into());
        }
        table.insert("signing_key_file".into(), super::path(&self.signing_key_file));
        if let Some(price) = &self.price {
            price.render(&mut table);
        }
        table
    }
}

/// A folder, as a path or as `file:` and a path.
fn read_folder(text: &str, section: &Section<'_>) -> Option<PathBuf> {
    let path = match text.split_once(':') {
        None => return section.path("url"),
        Some(("file", path)) => path.strip_prefix("//").unwrap_or(path),
        Some(_) => "",
    };
    if path.is_empty() {
        section.complain(
            "url",
            &format!("{text:?} names no store that this build has"),
            EXAMPLE,
        );
        return None;
    }
    Some(PathBuf::from(path))
}

fn read_clients(section: &Section<'_>, place: &StorePlace) -> BTreeMap<String, ClientBucket> {
    let mut clients = BTreeMap::new();
    for (client, own) in section.entries("clients") {
        if !is_client_id(&client) {
            let remedy = "a lowercase letter, then up to 62 lowercase letters, digits or hyphens".to_owned();
            own.complain_of_section("is no client id", remedy);
        } else if !matches!(place, StorePlace::S3(_)) {
            let remedy =
                "set storage.url to s3://bucket; folders and other stores are one for all clients".to_owned();
            own.complain_of_section("has a bucket, but the store has none", remedy);
        }
        clients.extend(ClientBucket::read(own).map(|bucket| (client, bucket)));
    }
    clients
}
