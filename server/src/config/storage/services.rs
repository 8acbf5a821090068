//! `[storage.cloudinary]` and `[storage.vercel_blob]`: accounts at services.

use limn_executor::blob::{cloudinary::CloudinarySettings, vercel_blob::VercelBlobSettings};
use secrecy::{ExposeSecret as _, SecretString};
use toml::Table;

use super::super::{REDACTED, reader::Section, url};

/// An account at Cloudinary.
#[derive(Clone, Debug)]
pub struct Cloudinary {
    /// Key, secret and product environment, `cloudinary://{key}:{secret}@{cloud}`.
    pub url: SecretString,
    /// Everybody can read what is stored, who knows its address.
    pub is_public: bool,
    /// Address of the API instead of the service's own; no slash at the end.
    pub api_url: Option<String>,
}

/// A store of Vercel Blob.
#[derive(Clone, Debug)]
pub struct VercelBlob {
    /// The read-write token.
    pub token: SecretString,
    /// The store is a public one: everybody can read what is stored, who knows its address.
    pub is_public: bool,
    /// Address of the API instead of the service's own; no slash at the end.
    pub api_url: Option<String>,
    /// Address of the blobs instead of the store's own; no slash at the end.
    pub blob_url: Option<String>,
}

/// Reads every key, so that a file can be prepared for another store.
pub(super) fn know(storage: &Section<'_>) {
    let keys: [(_, &[&'static str]); 2] = [
        ("cloudinary", &["url", "public", "api_url"]),
        ("vercel_blob", &["token", "public", "api_url", "blob_url"]),
    ];
    for (name, keys) in keys {
        let section = storage.section(name);
        for key in keys {
            section.is_set(key);
        }
        section.finish();
    }
}

impl Cloudinary {
    pub(super) fn read(section: &Section<'_>) -> Self {
        let account = section.secret("url");
        let is_account = |url: &SecretString| CloudinarySettings::parse(url.expose_secret()).is_some();
        if !account.as_ref().is_some_and(is_account) {
            let what = "is no account of Cloudinary, cloudinary://{key}:{secret}@{cloud}";
            section.complain(
                "url",
                what,
                "set CLOUDINARY_URL as the console of Cloudinary shows it",
            );
        }
        Self {
            url: account.unwrap_or_default(),
            is_public: section.truth("public").unwrap_or_default(),
            api_url: section.read("api_url", url::provider),
        }
    }

    pub(super) fn render(&self, storage: &mut Table) {
        storage.insert("url".into(), "cloudinary:".into());
        let mut table = Table::new();
        table.insert("url".into(), REDACTED.into());
        table.insert("public".into(), self.is_public.into());
        insert(&mut table, "api_url", self.api_url.as_ref());
        storage.insert("cloudinary".into(), table.into());
    }
}

impl VercelBlob {
    pub(super) fn read(section: &Section<'_>) -> Self {
        let token = section.secret("token");
        let is_token = |token: &SecretString| VercelBlobSettings::store_id(token.expose_secret()).is_some();
        if !token.as_ref().is_some_and(is_token) {
            let what = "is no read-write token, vercel_blob_rw_{store}_{secret}";
            section.complain("token", what, "set BLOB_READ_WRITE_TOKEN as the store shows it");
        }
        Self {
            token: token.unwrap_or_default(),
            is_public: section.truth("public").unwrap_or_default(),
            api_url: section.read("api_url", url::provider),
            blob_url: section.read("blob_url", url::provider),
        }
    }

    pub(super) fn render(&self, storage: &mut Table) {
        storage.insert("url".into(), "vercel-blob:".into());
        let mut table = Table::new();
        table.insert("token".into(), REDACTED.into());
        table.insert("public".into(), self.is_public.into());
        insert(&mut table, "api_url", self.api_url.as_ref());
        insert(&mut table, "blob_url", self.blob_url.as_ref());
        storage.insert("vercel_blob".into(), table.into());
    }
}

fn insert(table: &mut Table, key: &str, text: Option<&String>) {
    if let Some(text) = text {
        table.insert(key.into(), text.clone().into());
    }
}
