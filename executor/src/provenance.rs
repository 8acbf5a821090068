//! Provenance: every stored picture says where it comes from, and anybody can check that.
//!
//! A picture gets two things before it is stored. Its *metadata* (XMP) says in the words of the IPTC what kind of
//! picture it is; any viewer can read that, and any editor can change it. Its *Content Credentials* (C2PA) say who
//! made it, by which plan, and when; they are signed over the bytes of the file, so a change is found. The pixels stay
//! as the provider gave them.
//!
//! Signing is behind a seam, [`Marker`]: a build without the feature `provenance` has none.

use std::fmt;

use crate::{clock::UnixMicros, plan::ImageFormat};
use bytes::Bytes;

#[cfg(feature = "provenance")]
mod certificate;
#[cfg(feature = "provenance")]
mod reading;
#[cfg(feature = "provenance")]
mod signer;
pub(crate) mod xmp;

#[cfg(feature = "provenance")]
pub use certificate::{CertificateError, Identity};
#[cfg(feature = "provenance")]
pub use reading::Inspector;
#[cfg(feature = "provenance")]
pub use signer::Signer;

/// What kind of picture it is, in the words of the IPTC's list of digital source types.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SourceType {
    /// Made by a model that was trained on pictures: generative AI.
    #[default]
    TrainedAlgorithmicMedia,
    /// Made by rules alone, without a trained model.
    AlgorithmicMedia,
}

impl SourceType {
    /// The word of the list.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TrainedAlgorithmicMedia => "trainedAlgorithmicMedia",
            Self::AlgorithmicMedia => "algorithmicMedia",
        }
    }

    /// The address of the entry, by which files name it.
    pub fn uri(self) -> String {
        format!("http://cv.iptc.org/newscodes/digitalsourcetype/{}", self.as_str())
    }
}

/// What a picture is told to say about itself. Nothing of it is secret, except the prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// What kind of picture it is.
    pub source_type: SourceType,
    /// Id of the provider that drew it.
    pub provider: String,
    /// Model that drew it.
    pub model: String,
    /// Version of the model in the words of the provider; empty: it did not say.
    pub model_version: String,
    /// Digest of the plan, with its prefix.
    pub plan_digest: String,
    /// Name of the execution: `clients/{client}/executions/{uuid}`.
    pub execution: String,
    /// Name of the image: `clients/{client}/images/{uuid}`.
    pub image: String,
    /// SHA-256 of the bytes as the provider gave them, in lowercase hexadecimal.
    pub rendered_sha256: String,
    /// When the picture was made.
    pub generated_at: UnixMicros,
    /// The prompt as sent. A marker leaves it out unless it was told to embed prompts.
    pub prompt: String,
}

/// Puts provenance into pictures, and reads it. Takes as long as hashing the file does: call it off the async
/// threads.
pub trait Marker: fmt::Debug + Send + Sync {
    /// The picture with its provenance. The pixels stay as they are, and credentials that the picture brought are kept
    /// as those of its parent. Two calls with the same picture give different bytes: signatures and labels are made
    /// anew each time.
    ///
    /// # Errors
    /// The container does not take it. The picture itself is as good as before.
    fn mark(&self, picture: &Bytes, format: ImageFormat, facts: &Facts) -> Result<Bytes, MarkError>;

    /// What the credentials of a file say, and whether they hold. Never fails: what cannot be read is told of.
    fn read(&self, bytes: &Bytes, format: ImageFormat) -> Credentials;
}

/// Why a picture could not be marked.
#[derive(Debug, thiserror::Error)]
#[error("the picture cannot be given content credentials: {0}")]
pub struct MarkError(pub(crate) String);

/// What the credentials of a file say, and whether they hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Credentials {
    /// Whether they hold.
    pub state: SignatureState,
    /// Why they do not hold, or what is doubtful: a code of the C2PA specification and words for it.
    pub problems: Vec<String>,
    /// Who signed: the common name of the certificate, or its organisation; empty: nobody.
    pub signer: String,
    /// The certificate is the one that this installation signs with.
    pub is_ours: bool,
    /// The certificate is a development certificate of some installation, which vouches for nothing to others.
    pub is_development: bool,
    /// What a picture of Limn says about itself; nothing in a picture that other software signed.
    pub claim: Option<Claim>,
    /// Software that wrote the credentials, with its version.
    pub generator: String,
    /// Credentials that the picture had before: titles or labels of its ingredients.
    pub ingredients: Vec<String>,
}

impl Credentials {
    /// True when nothing was changed after signing, whoever signed.
    pub fn are_intact(&self) -> bool {
        matches!(self.state, SignatureState::Trusted | SignatureState::Untrusted)
    }
}

/// Whether credentials hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SignatureState {
    /// There are no credentials.
    #[default]
    Absent,
    /// Intact, and signed by a certificate that is trusted here.
    Trusted,
    /// Intact, but signed by a certificate that nobody here trusts: it proves that nothing was changed, not who
    /// signed.
    Untrusted,
    /// The file was changed after signing, or the credentials break the rules.
    Invalid,
}

impl SignatureState {
    /// Its word in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Trusted => "trusted",
            Self::Untrusted => "untrusted",
            Self::Invalid => "invalid",
        }
    }
}

/// What a picture of Limn says about itself. Texts as they stand in the file: names may belong to anybody.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Claim {
    /// The word of the IPTC for the kind of picture.
    #[serde(default)]
    pub digital_source_type: String,
    /// Provider.
    #[serde(default)]
    pub provider: String,
    /// Model.
    #[serde(default)]
    pub model: String,
    /// Version of the model; empty: not known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub model_version: String,
    /// Digest of the plan.
    #[serde(default)]
    pub plan_digest: String,
    /// Name of the execution.
    #[serde(default)]
    pub execution: String,
    /// Name of the image.
    #[serde(default)]
    pub image: String,
    /// SHA-256 of the bytes as the provider gave them.
    #[serde(default)]
    pub rendered_sha256: String,
    /// When it was made, in UTC after RFC 3339.
    #[serde(default)]
    pub generated_at: String,
    /// The prompt, where prompts are embedded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
}

impl Claim {
    fn of(facts: &Facts, embeds_prompts: bool) -> Self {
        Self {
            digital_source_type: facts.source_type.as_str().to_owned(),
            provider: facts.provider.clone(),
            model: facts.model.clone(),
            model_version: facts.model_version.clone(),
            plan_digest: facts.plan_digest.clone(),
            execution: facts.execution.clone(),
            image: facts.image.clone(),
            rendered_sha256: facts.rendered_sha256.clone(),
            generated_at: facts.generated_at.rfc3339(),
            prompt: embeds_prompts.then(|| facts.prompt.clone()),
        }
    }
}
