//! Signing: Content Credentials of the operator in every stored picture.

use std::{
    fmt,
    io::Cursor,
    panic::{AssertUnwindSafe, catch_unwind},
};

use bytes::Bytes;
use c2pa::{BoxedSigner, Builder, BuilderIntent, DigitalSourceType, SigningAlg, create_signer};
use image::DynamicImage;
use serde_json::json;

use super::{
    CertificateError, Claim, Credentials, Facts, Identity, MarkError, Marker, SourceType,
    reading::{GENERATION, Inspector},
    xmp,
};
use crate::{artifact, clock::UnixMicros, plan::ImageFormat};

/// Name of this software in credentials.
const NAME: &str = "limn";
/// Version of this software in credentials.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Signs pictures with the certificate of the operator: ES256, in this process, without the network.
pub struct Signer {
    inspector: Inspector,
    signer: BoxedSigner,
    embeds_prompts: bool,
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer")
            .field("embeds_prompts", &self.embeds_prompts)
            .finish_non_exhaustive()
    }
}

impl Signer {
    /// A signer that was tried: it signed a picture of one pixel, and the credentials hold. The anchors are
    /// certificates that are trusted besides its own, a PEM bundle.
    ///
    /// # Errors
    /// Certificate and key do not belong together, the certificate is out of date or not one for signing content, or
    /// the anchors are no certificates.
    pub fn new(
        identity: &Identity,
        anchors_pem: Option<&str>,
        embeds_prompts: bool,
    ) -> Result<Self, CertificateError> {
        let unusable = |error: &dyn fmt::Display| CertificateError::Unusable(error.to_string());
        let chain = identity.chain_pem().as_bytes();
        let signer = create_signer::from_keys(chain, identity.key_pem().as_bytes(), SigningAlg::Es256, None);
        let signer = Self {
            inspector: Inspector::new(Some(identity), anchors_pem)?,
            signer: signer.map_err(|error| unusable(&error))?,
            embeds_prompts,
        };
        signer.try_out().map_err(|why| unusable(&why))?;
        Ok(signer)
    }

    fn try_out(&self) -> Result<(), String> {
        let pixel = artifact::encode(&DynamicImage::new_rgb8(1, 1), ImageFormat::Png, 100);
        let pixel = Bytes::from(pixel.map_err(|error| error.to_string())?);
        let facts = Facts {
            source_type: SourceType::AlgorithmicMedia,
            provider: NAME.to_owned(),
            model: NAME.to_owned(),
            model_version: String::new(),
            plan_digest: String::new(),
            execution: String::new(),
            image: String::new(),
            rendered_sha256: String::new(),
            generated_at: UnixMicros(0),
            prompt: String::new(),
        };
        let signed = self
            .mark(&pixel, ImageFormat::Png, &facts)
            .map_err(|error| error.0)?;
        let credentials = self.read(&signed, ImageFormat::Png);
        if credentials.are_intact() {
            return Ok(());
        }
        Err(credentials.problems.join("; "))
    }

    fn sign(&self, picture: &Bytes, format: ImageFormat, facts: &Facts) -> Result<Vec<u8>, c2pa::Error> {
        let media_type = format.media_type();
        let claim = Claim::of(facts, self.embeds_prompts);
        let mut builder = Builder::from_shared_context(&self.inspector.context);
        builder = builder.with_definition(json!({
            "claim_generator_info": [{ "name": NAME, "version": VERSION }],
            "format": media_type,
        }))?;
        let agent = json!({
            "name": NAME,
            "version": VERSION,
            "dev.limn.provider": facts.provider,
            "dev.limn.model": facts.model,
        });
        let has_credentials = self.inspector.open(picture, format)?.is_some();
        if has_credentials {
            // Who made the picture has signed it: that stays, and ours say what was done since.
            let parent = json!({ "relationship": "parentOf", "title": "as the provider gave it" });
            let mut original = Cursor::new(picture.as_ref());
            builder.add_ingredient_from_stream(parent.to_string(), media_type, &mut original)?;
            builder.set_intent(BuilderIntent::Edit);
            builder.add_action(json!({
                "action": "c2pa.edited.metadata",
                "when": claim.generated_at,
                "softwareAgent": agent,
                "digitalSourceType": facts.source_type.uri(),
            }))?;
        } else {
            builder.set_intent(BuilderIntent::Create(match facts.source_type {
                SourceType::TrainedAlgorithmicMedia => DigitalSourceType::TrainedAlgorithmicMedia,
                SourceType::AlgorithmicMedia => DigitalSourceType::AlgorithmicMedia,
            }));
            builder.add_action(json!({
                "action": "c2pa.created",
                "when": claim.generated_at,
                "softwareAgent": agent,
                "digitalSourceType": facts.source_type.uri(),
            }))?;
        }
        builder.add_assertion(GENERATION, &claim)?;
        let described = xmp::embed(picture, format, facts, self.embeds_prompts);
        let described = described.as_ref().unwrap_or(picture);
        let mut signed = Cursor::new(Vec::with_capacity(described.len() + (32 << 10)));
        let mut source = Cursor::new(described.as_ref());
        builder.sign(&self.signer, media_type, &mut source, &mut signed)?;
        Ok(signed.into_inner())
    }
}

impl Marker for Signer {
    fn mark(&self, picture: &Bytes, format: ImageFormat, facts: &Facts) -> Result<Bytes, MarkError> {
        // What providers send is read by code of others; a paid picture outlives a bug there.
        let signed = catch_unwind(AssertUnwindSafe(|| self.sign(picture, format, facts)));
        match signed {
            Ok(Ok(signed)) => Ok(Bytes::from(signed)),
            Ok(Err(error)) => Err(MarkError(error.to_string())),
            Err(_panic) => Err(MarkError("signing stopped".to_owned())),
        }
    }

    fn read(&self, bytes: &Bytes, format: ImageFormat) -> Credentials {
        self.inspector.read(bytes, format)
    }
}
