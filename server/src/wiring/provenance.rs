//! Who signs pictures, and how credentials are read.

use std::{fs, sync::Arc};

use limn_executor::{
    artifact::{Limits, inspect_any},
    provenance::{Credentials, Marker},
};

use crate::{app::AppError, config::Config};

/// Credentials of a file, with what the file itself is.
#[derive(Clone, Debug)]
pub struct ReadPicture {
    /// SHA-256 of the file, in lowercase hexadecimal.
    pub sha256: String,
    /// What its credentials say.
    pub credentials: Credentials,
}

/// What marks pictures; nothing: it is switched off, or not built in.
pub(super) fn marker(config: &Config) -> Result<Option<Arc<dyn Marker>>, AppError> {
    if !config.provenance.enabled {
        return Ok(None);
    }
    built_in::marker(config)
}

/// Who would sign pictures, in words for people; nothing is made.
///
/// # Errors
/// Nobody can.
pub fn check_provenance(config: &Config) -> Result<String, String> {
    if !config.provenance.enabled {
        return Ok(
            "switched off by provenance.enabled: pictures are stored as providers gave them".to_owned(),
        );
    }
    built_in::check(config)
}

/// Reads the credentials of a picture. Needs neither a server nor the data folder, whose certificate is known when it
/// is there.
///
/// # Errors
/// The bytes are no picture, the configured certificates cannot be read, or reading is not built in.
pub fn read_credentials(config: &Config, picture: Vec<u8>) -> Result<ReadPicture, String> {
    let picture = picture.into();
    let limits = Limits {
        max_encoded_bytes: config.executor.max_image_bytes.saturating_mul(2),
        max_pixels: config.executor.max_image_pixels,
        ..Limits::default()
    };
    let artifact = inspect_any(&picture, &limits).map_err(|error| error.to_string())?;
    let credentials = built_in::read(config, &picture, artifact.format)?;
    Ok(ReadPicture {
        sha256: artifact.sha256,
        credentials,
    })
}

fn anchors(config: &Config) -> Result<Option<String>, String> {
    let Some(file) = &config.provenance.trust_anchors else {
        return Ok(None);
    };
    let text = fs::read_to_string(file);
    text.map(Some).map_err(|error| {
        format!(
            "provenance.trust_anchors: {} cannot be read: {error}",
            file.display()
        )
    })
}

#[cfg(feature = "provenance")]
mod built_in {
    use std::sync::Arc;

    use bytes::Bytes;
    use limn_executor::{
        plan::ImageFormat,
        provenance::{CertificateError, Credentials, Identity, Inspector, Marker, Signer},
    };

    use super::anchors;
    use crate::{app::AppError, config::Config};

    pub(super) fn marker(config: &Config) -> Result<Option<Arc<dyn Marker>>, AppError> {
        let wrong = |message: String| AppError::Provenance { message };
        let provenance = &config.provenance;
        let identity = match &provenance.signer {
            Some((certificate, key)) => Identity::from_files(certificate, key),
            None => Identity::development(&provenance.development_file).map(|(identity, is_new)| {
                if is_new {
                    tracing::warn!(
                        file = %provenance.development_file.display(),
                        "pictures are signed with a development certificate, which was made now and which nobody \
                         else trusts: provenance.certificate and provenance.key name a real one"
                    );
                }
                identity
            }),
        };
        let identity = identity.map_err(|error| wrong(error.to_string()))?;
        let anchors = anchors(config).map_err(wrong)?;
        let signer = Signer::new(&identity, anchors.as_deref(), provenance.embed_prompts);
        let signer = signer.map_err(|error| wrong(error.to_string()))?;
        Ok(Some(Arc::new(signer)))
    }

    pub(super) fn check(config: &Config) -> Result<String, String> {
        let Some(identity) = identity(config).map_err(|error| error.to_string())? else {
            return Ok(
                "a development certificate is made by the first picture: not trusted by others".to_owned(),
            );
        };
        let anchors = anchors(config)?;
        Signer::new(&identity, anchors.as_deref(), false).map_err(|error| error.to_string())?;
        let file = match &config.provenance.signer {
            Some((certificate, _)) => certificate,
            None => &config.provenance.development_file,
        };
        let kind = if identity.is_development() {
            "a development certificate: not trusted by others"
        } else {
            "the operator's certificate"
        };
        Ok(format!("pictures are signed with {}, {kind}", file.display()))
    }

    pub(super) fn read(config: &Config, picture: &Bytes, format: ImageFormat) -> Result<Credentials, String> {
        let identity = identity(config).map_err(|error| error.to_string())?;
        let anchors = anchors(config)?;
        let inspector = Inspector::new(identity.as_ref(), anchors.as_deref());
        let inspector = inspector.map_err(|error| error.to_string())?;
        Ok(inspector.read(picture, format))
    }

    /// The certificate of this installation, when there is one.
    fn identity(config: &Config) -> Result<Option<Identity>, CertificateError> {
        match &config.provenance.signer {
            Some((certificate, key)) => Identity::from_files(certificate, key).map(Some),
            None => Identity::existing_development(&config.provenance.development_file),
        }
    }
}

#[cfg(not(feature = "provenance"))]
mod built_in {
    use std::sync::Arc;

    use bytes::Bytes;
    use limn_executor::{
        plan::ImageFormat,
        provenance::{Credentials, Marker},
    };

    use super::anchors;
    use crate::{app::AppError, config::Config};

    const ABSENT: &str =
        "this build of limn has no content credentials: build it with the feature provenance";

    pub(super) fn marker(config: &Config) -> Result<Option<Arc<dyn Marker>>, AppError> {
        match config.provenance.signer {
            Some(_) => Err(AppError::Provenance {
                message: ABSENT.to_owned(),
            }),
            None => Ok(None),
        }
    }

    pub(super) fn check(config: &Config) -> Result<String, String> {
        match config.provenance.signer {
            Some(_) => Err(ABSENT.to_owned()),
            None => Ok(ABSENT.to_owned()),
        }
    }

    pub(super) fn read(
        config: &Config,
        _picture: &Bytes,
        _format: ImageFormat,
    ) -> Result<Credentials, String> {
        anchors(config)?;
        Err(ABSENT.to_owned())
    }
}
