//! `[storage.s3]`: a bucket, and who may use it.

use std::collections::BTreeMap;

use secrecy::SecretString;
use toml::Table;

use super::super::{REDACTED, reader::Section, url};

/// Region of stores that have none.
const NO_REGION: &str = "us-east-1";
/// Where R2 is.
const R2: &str = ".r2.cloudflarestorage.com";

/// A bucket of S3 or of a store that speaks like it.
#[derive(Clone, Debug)]
pub struct S3 {
    /// The bucket.
    pub bucket: String,
    /// Put before every key; no slash at its ends. Empty: nothing.
    pub prefix: String,
    /// Address of the store, no slash at the end. Nothing: that of Amazon for the region.
    pub endpoint: Option<String>,
    /// Region; `auto` for R2.
    pub region: String,
    /// The bucket is in the path instead of the host name. Default: with an endpoint.
    pub path_style: bool,
    /// The public half of the key.
    pub access_key_id: String,
    /// The secret half of the key.
    pub secret_access_key: SecretString,
    /// For keys that expire.
    pub session_token: Option<SecretString>,
    /// Clients with a bucket of their own, by id.
    pub clients: BTreeMap<String, ClientBucket>,
}

/// The bucket of one client, at the same store and with the same key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientBucket {
    /// The bucket.
    pub bucket: String,
    /// Address under which everybody can read it; no slash at the end. Nothing: its images are private.
    pub public_base_url: Option<String>,
}

/// Reads every key, so that none of them is unknown.
pub(super) fn know(section: &Section<'_>) {
    for key in [
        "endpoint",
        "region",
        "path_style",
        "access_key_id",
        "secret_access_key",
        "session_token",
    ] {
        section.is_set(key);
    }
}

impl S3 {
    pub(super) fn read(text: &str, storage: &Section<'_>, section: &Section<'_>) -> Self {
        let (bucket, prefix) = match place(text) {
            Ok(place) => place,
            Err(what) => {
                storage.complain("url", what, "for example s3://my-images or s3://my-images/limn");
                Default::default()
            }
        };
        let endpoint = section.read("endpoint", url::public);
        let region = section.text("region").or_else(|| {
            let endpoint = endpoint.as_deref()?;
            Some(if endpoint.ends_with(R2) { "auto" } else { NO_REGION }.to_owned())
        });
        if region.is_none() {
            section.complain("region", "is not set", "set AWS_REGION or storage.s3.region");
        }
        let access_key_id = section.text("access_key_id");
        let secret_access_key = section.secret("secret_access_key");
        if access_key_id.is_none() || (secret_access_key.is_none() && !section.is_set("secret_access_key")) {
            let remedy =
                "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or access_key_id and secret_access_key";
            section.complain(
                "access_key_id",
                "has no key to go with it: the store needs both halves",
                remedy,
            );
        }
        Self {
            bucket,
            prefix,
            path_style: section.truth("path_style").unwrap_or_else(|| endpoint.is_some()),
            endpoint,
            region: region.unwrap_or_default(),
            access_key_id: access_key_id.unwrap_or_default(),
            secret_access_key: secret_access_key.unwrap_or_default(),
            session_token: section.secret("session_token"),
            clients: BTreeMap::new(),
        }
    }

    pub(super) fn render(&self, storage: &mut Table) {
        storage.insert("url".into(), self.url().into());
        let mut table = Table::new();
        if let Some(endpoint) = &self.endpoint {
            table.insert("endpoint".into(), endpoint.clone().into());
        }
        table.insert("region".into(), self.region.clone().into());
        table.insert("path_style".into(), self.path_style.into());
        table.insert("access_key_id".into(), self.access_key_id.clone().into());
        table.insert("secret_access_key".into(), REDACTED.into());
        if self.session_token.is_some() {
            table.insert("session_token".into(), REDACTED.into());
        }
        storage.insert("s3".into(), table.into());
        let clients: Table = self
            .clients
            .iter()
            .map(|(client, own)| (client.clone(), own.render().into()))
            .collect();
        if !clients.is_empty() {
            storage.insert("clients".into(), clients.into());
        }
    }

    /// The bucket with its prefix, as an address.
    pub fn url(&self) -> String {
        match self.prefix.as_str() {
            "" => format!("s3://{}", self.bucket),
            prefix => format!("s3://{}/{prefix}", self.bucket),
        }
    }
}

impl ClientBucket {
    pub(super) fn read(section: Section<'_>) -> Option<Self> {
        let bucket = section.read("bucket", |text| match is_bucket(text) {
            true => Ok(text.to_owned()),
            false => Err(("must be the name of a bucket".to_owned(), String::new())),
        });
        if !section.is_set("bucket") {
            section.complain_of_section("has no bucket", "set bucket".to_owned());
        }
        let public_base_url = section.read("public_base_url", url::public);
        section.finish();
        Some(Self {
            bucket: bucket?,
            public_base_url,
        })
    }

    fn render(&self) -> Table {
        let mut table = Table::new();
        table.insert("bucket".into(), self.bucket.clone().into());
        if let Some(url) = &self.public_base_url {
            table.insert("public_base_url".into(), url.clone().into());
        }
        table
    }
}

/// Bucket and prefix.
fn place(text: &str) -> Result<(String, String), &'static str> {
    let rest = text
        .strip_prefix("s3://")
        .ok_or("must be s3://, a bucket, and perhaps a slash and a prefix")?;
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    if !is_bucket(bucket) {
        return Err("must name a bucket: 3 to 63 lowercase letters, digits, dots and hyphens");
    }
    let prefix = prefix.trim_end_matches('/');
    if !prefix.is_empty() && limn_executor::blob::BlobKey::parse(prefix).is_none() {
        return Err("must have a prefix of letters, digits, dots, hyphens and underscores between slashes");
    }
    Ok((bucket.to_owned(), prefix.to_owned()))
}

fn is_bucket(text: &str) -> bool {
    let allowed =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-');
    (3..=63).contains(&text.len()) && text.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_bucket_and_perhaps_a_prefix() {
        let good = |bucket: &str, prefix: &str| Ok((bucket.to_owned(), prefix.to_owned()));
        assert_eq!(place("s3://my-images"), good("my-images", ""));
        assert_eq!(place("s3://my-images/"), good("my-images", ""));
        assert_eq!(place("s3://my-images/limn/prod/"), good("my-images", "limn/prod"));
        for wrong in [
            "s3:my-images",
            "s3://",
            "s3://No",
            "s3://my-images/a b",
            "s3://my-images/../x",
            "s3://my-images//x",
        ] {
            assert!(place(wrong).is_err(), "{wrong}");
        }
    }
}
