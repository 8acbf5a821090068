//! Reading Content Credentials: whether they hold, who signed, and what they say.

use std::{
    fmt,
    io::Cursor,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use bytes::Bytes;
use c2pa::{Context, Reader, Relationship, ValidationState};

use super::{CertificateError, Claim, Credentials, Identity, SignatureState, certificate::DEVELOPMENT};
use crate::plan::ImageFormat;

/// Label of the assertion in which a picture of Limn says where it comes from.
pub(super) const GENERATION: &str = "dev.limn.generation";
/// The one problem of credentials that are intact: nobody here trusts the certificate.
const UNTRUSTED: &str = "signingCredential.untrusted";

/// Reads Content Credentials. Needs no network, and asks nobody.
#[derive(Clone)]
pub struct Inspector {
    pub(super) context: Arc<Context>,
    /// The certificate that this installation signs with, without its frame.
    ours: Option<String>,
}

impl fmt::Debug for Inspector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inspector").finish_non_exhaustive()
    }
}

impl Inspector {
    /// Trusts the certificate of this installation, when there is one, and certificates that lead to the anchors, a
    /// PEM bundle of root certificates.
    ///
    /// # Errors
    /// The anchors are no certificates.
    pub fn new(ours: Option<&Identity>, anchors_pem: Option<&str>) -> Result<Self, CertificateError> {
        let settings = serde_json::json!({
            "verify": {
                "verify_after_reading": true,
                "verify_after_sign": false,
                "ocsp_fetch": false,
                "remote_manifest_fetch": false,
            },
            "trust": {
                "allowed_list": ours.map(Identity::leaf_pem),
                "user_anchors": anchors_pem,
            },
            "builder": {
                "thumbnail": { "enabled": false },
                "generate_c2pa_archive": false,
                "created_assertion_labels": [GENERATION, "c2pa.actions", "c2pa.actions.v2"],
            },
        });
        let context = Context::new().with_settings(settings);
        let context = context.map_err(|error| CertificateError::Unusable(error.to_string()))?;
        Ok(Self {
            context: context.into_shared(),
            ours: ours.map(|identity| first_certificate(identity.chain_pem())),
        })
    }

    /// What the credentials of a file say, and whether they hold. The bytes may be anything.
    pub fn read(&self, bytes: &Bytes, format: ImageFormat) -> Credentials {
        let invalid = |problem: String| Credentials {
            state: SignatureState::Invalid,
            problems: vec![problem],
            ..Credentials::default()
        };
        // Files come from anywhere, and their readers are written by others.
        let read = catch_unwind(AssertUnwindSafe(|| self.open(bytes, format)));
        match read {
            Ok(Ok(Some(reader))) => self.credentials(&reader),
            Ok(Ok(None)) => Credentials::default(),
            Ok(Err(error)) => invalid(error.to_string()),
            Err(_panic) => invalid("the credentials cannot be read".to_owned()),
        }
    }

    /// The credentials of a file; nothing when it has none.
    pub(super) fn open(&self, bytes: &Bytes, format: ImageFormat) -> Result<Option<Reader>, c2pa::Error> {
        let reader = Reader::from_shared_context(&self.context);
        match reader.with_stream(format.media_type(), Cursor::new(bytes.as_ref())) {
            Ok(reader) => Ok(reader.active_manifest().is_some().then_some(reader)),
            Err(c2pa::Error::JumbfNotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn credentials(&self, reader: &Reader) -> Credentials {
        let state = match reader.validation_state() {
            ValidationState::Trusted => SignatureState::Trusted,
            ValidationState::Valid => SignatureState::Untrusted,
            ValidationState::Invalid => SignatureState::Invalid,
        };
        let statuses = reader.validation_status().unwrap_or_default();
        let problems = statuses.iter().map(|status| match status.explanation() {
            Some(words) => format!("{}: {words}", status.code()),
            None => status.code().to_owned(),
        });
        let mut credentials = Credentials {
            state,
            problems: problems.collect(),
            ..Credentials::default()
        };
        // Credentials that are wrong in more than one way are wrong, whatever the reader makes of them.
        if statuses.iter().any(|status| !is_harmless(status.code())) {
            credentials.state = SignatureState::Invalid;
        }
        if let Some(manifest) = reader.active_manifest() {
            if let Some(signature) = manifest.signature_info() {
                let names = [&signature.common_name, &signature.issuer];
                let name = names.into_iter().flatten().find(|name| !name.is_empty());
                credentials.signer = name.cloned().unwrap_or_default();
                let certificate = first_certificate(signature.cert_chain());
                credentials.is_ours = self.ours.as_ref() == Some(&certificate);
                credentials.is_development = signature.issuer.as_deref() == Some(DEVELOPMENT);
            }
            credentials.claim = manifest.find_assertion::<Claim>(GENERATION).ok();
            credentials.generator = generator(manifest);
            let ingredients = manifest.ingredients().iter();
            let names = ingredients.map(|ingredient| {
                let kind = match ingredient.relationship() {
                    Relationship::ParentOf => "parent",
                    _ => "ingredient",
                };
                let name = ingredient.active_manifest().or_else(|| ingredient.title());
                format!("{kind} {}", name.unwrap_or("without a name"))
            });
            credentials.ingredients = names.collect();
        }
        credentials
    }
}

/// True for what is told of credentials that nobody changed.
fn is_harmless(code: &str) -> bool {
    code == UNTRUSTED
}

fn generator(manifest: &c2pa::Manifest) -> String {
    let info = manifest.claim_generator_info.iter().flatten().next();
    match info {
        Some(info) => match &info.version {
            Some(version) => format!("{} {version}", info.name),
            None => info.name.clone(),
        },
        None => manifest.claim_generator().unwrap_or_default().to_owned(),
    }
}

/// The base64 text of the first certificate of a PEM bundle, without lines.
fn first_certificate(pem: &str) -> String {
    let body = pem
        .lines()
        .skip_while(|line| !line.starts_with("-----BEGIN"))
        .skip(1);
    body.take_while(|line| !line.starts_with("-----"))
        .map(str::trim)
        .collect()
}
