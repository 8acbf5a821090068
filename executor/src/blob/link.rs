//! Signed links: an address that opens one blob, for whoever has it, until a time.
//!
//! A link is `{base}/blobs/{key}?expires={unix seconds}&signature={signature}`. The signature is HMAC-SHA256 over
//! `limn.link/1`, the key and the time, one to a line, in unpadded base64url. Nothing about a link is stored:
//! changing the secret voids them all.

use std::{
    fmt,
    sync::{PoisonError, RwLock},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretBox};
use sha2::Sha256;

use super::BlobKey;
use crate::clock::UnixMicros;

/// Makes and checks signed links.
pub struct LinkSigner {
    /// Padded with zeros to the block of the hash, as HMAC itself would do, so that nothing can fail later.
    key: SecretBox<[u8; 64]>,
    /// Known only after the server has bound its port, hence settable while others hold the signer.
    base_url: RwLock<Option<String>>,
}

/// Why a link does not open anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// Its time is over.
    #[error("the link has expired")]
    Expired,
    /// It was not signed here, or somebody changed it.
    #[error("the signature of the link is wrong")]
    BadSignature,
}

impl LinkSigner {
    /// A signer with a secret. It signs nothing until it knows its base address.
    pub fn new(key: [u8; 32]) -> Self {
        let mut padded = Box::new([0; 64]);
        padded[..32].copy_from_slice(&key);
        Self {
            key: SecretBox::new(padded),
            base_url: RwLock::new(None),
        }
    }

    /// The same signer with the address that the links start with, for example `http://127.0.0.1:7070`.
    #[must_use]
    pub fn with_base_url(self, base_url: &str) -> Self {
        self.set_base_url(base_url);
        self
    }

    /// Tells the address that links start with from now on.
    pub fn set_base_url(&self, base_url: &str) {
        let trimmed = base_url.trim_end_matches('/').to_owned();
        *self.base_url.write().unwrap_or_else(PoisonError::into_inner) = Some(trimmed);
    }

    /// A link that works until the time given, in whole seconds rounded down. Nothing before the base address
    /// is known.
    pub fn sign(&self, key: &BlobKey, expires_at: UnixMicros) -> Option<String> {
        let base_url = self
            .base_url
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()?;
        let expires_unix = expires_at.seconds();
        let signature = self.mac(key, expires_unix).finalize().into_bytes();
        let signature = URL_SAFE_NO_PAD.encode(signature);
        Some(format!(
            "{base_url}/blobs/{key}?expires={expires_unix}&signature={signature}"
        ))
    }

    /// Checks the parts of a link. The signature is compared in constant time, and before the expiry, so that an
    /// answer tells nothing about links that were not signed here.
    pub fn verify(
        &self,
        key: &BlobKey,
        expires_unix: i64,
        signature: &str,
        now: UnixMicros,
    ) -> Result<(), LinkError> {
        let signature = URL_SAFE_NO_PAD
            .decode(signature)
            .map_err(|_| LinkError::BadSignature)?;
        self.mac(key, expires_unix)
            .verify_slice(&signature)
            .map_err(|_| LinkError::BadSignature)?;
        if now.seconds() >= expires_unix {
            return Err(LinkError::Expired);
        }
        Ok(())
    }

    fn mac(&self, key: &BlobKey, expires_unix: i64) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new(self.key.expose_secret().into());
        mac.update(format!("limn.link/1\n{key}\n{expires_unix}").as_bytes());
        mac
    }
}

impl fmt::Debug for LinkSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LinkSigner")
            .field("base_url", &self.base_url)
            .finish_non_exhaustive()
    }
}
