//! Who signs: the certificate of the operator, or a development certificate that is made on the first run.

use std::{
    fmt, fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, date_time_ymd,
};
use secrecy::{ExposeSecret as _, SecretString};

use crate::{
    calendar::date_of,
    clock::{Clock as _, SystemClock},
};

/// Organisation in every development certificate, by which anybody can tell one.
pub(super) const DEVELOPMENT: &str = "Limn development certificate";
/// How long a development certificate holds.
const YEARS: i64 = 10;
/// Largest file of certificates or keys.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// A certificate chain with the private key of its first certificate.
#[derive(Clone)]
pub struct Identity {
    chain_pem: String,
    key_pem: SecretString,
    is_development: bool,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("is_development", &self.is_development)
            .finish_non_exhaustive()
    }
}

/// Why there is nobody to sign.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A file cannot be read or written.
    #[error("{} cannot be used: {source}", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// What happened.
        #[source]
        source: io::Error,
    },
    /// A file holds something else.
    #[error("{} holds no {what} in PEM", file.display())]
    Missing {
        /// The file.
        file: PathBuf,
        /// What was looked for.
        what: &'static str,
    },
    /// A development certificate cannot be made.
    #[error("a development certificate cannot be made: {0}")]
    Making(#[from] rcgen::Error),
    /// Certificate and key cannot sign pictures, or what they sign is not accepted.
    #[error("certificate and key cannot sign content credentials: {0}")]
    Unusable(String),
}

impl Identity {
    /// Reads the operator's certificate chain, leaf first, and the private key of the leaf (PKCS #8, P-256).
    ///
    /// # Errors
    /// A file cannot be read, or does not hold what it should. The key is in no message.
    pub fn from_files(certificate: &Path, key: &Path) -> Result<Self, CertificateError> {
        let chain_pem = read(certificate)?;
        let key_pem = read(key)?;
        Self::of(certificate, &chain_pem, key, &key_pem, false)
    }

    /// Opens the development certificate in a file of its own, and makes it when there is none. The file is readable
    /// by its owner alone. The second value is true when it was made now.
    ///
    /// # Errors
    /// The file cannot be read or written.
    pub fn development(file: &Path) -> Result<(Self, bool), CertificateError> {
        if let Some(identity) = Self::existing_development(file)? {
            return Ok((identity, false));
        }
        let written = write(file, &make()?);
        let is_new = match written {
            Ok(()) => true,
            // Another process made it in between: theirs counts.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => false,
            Err(source) => return Err(failed(file, source)),
        };
        let identity = Self::existing_development(file)?;
        let identity = identity.ok_or_else(|| failed(file, io::ErrorKind::NotFound.into()))?;
        Ok((identity, is_new))
    }

    /// The development certificate in a file, when there is one.
    ///
    /// # Errors
    /// The file cannot be read, or holds something else.
    pub fn existing_development(file: &Path) -> Result<Option<Self>, CertificateError> {
        let text = match read(file) {
            Err(CertificateError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                return Ok(None);
            }
            text => text?,
        };
        Self::of(file, &text, file, &text, true).map(Some)
    }

    fn of(
        chain_file: &Path,
        chain: &str,
        key_file: &Path,
        key: &str,
        is_development: bool,
    ) -> Result<Self, CertificateError> {
        let missing = |file: &Path, what| CertificateError::Missing {
            file: file.to_owned(),
            what,
        };
        let chain_pem = blocks(chain, |label| label == "CERTIFICATE");
        if chain_pem.is_empty() {
            return Err(missing(chain_file, "certificate"));
        }
        let key_pem = blocks(key, |label| label.ends_with("PRIVATE KEY"));
        if key_pem.is_empty() {
            return Err(missing(key_file, "private key"));
        }
        Ok(Self {
            chain_pem,
            key_pem: SecretString::from(key_pem),
            is_development,
        })
    }

    /// The certificates, leaf first.
    pub fn chain_pem(&self) -> &str {
        &self.chain_pem
    }

    /// The certificate that signs.
    pub(super) fn leaf_pem(&self) -> &str {
        let end = self.chain_pem.find(END).map_or(0, |at| at + END.len());
        &self.chain_pem[..end]
    }

    pub(super) fn key_pem(&self) -> &str {
        self.key_pem.expose_secret()
    }

    /// It was made by Limn, and vouches for nothing to anybody else.
    pub fn is_development(&self) -> bool {
        self.is_development
    }
}

const END: &str = "-----END CERTIFICATE-----\n";

/// The blocks of a PEM file whose label is wanted, one after the other.
fn blocks(text: &str, is_wanted: impl Fn(&str) -> bool) -> String {
    let mut blocks = String::new();
    let mut label = None;
    for line in text.lines().map(str::trim_end) {
        if let Some(begun) = line
            .strip_prefix("-----BEGIN ")
            .and_then(|rest| rest.strip_suffix("-----"))
        {
            label = Some(begun);
        }
        if label.is_some_and(&is_wanted) {
            blocks.push_str(line);
            blocks.push('\n');
        }
        if line.starts_with("-----END ") {
            label = None;
        }
    }
    blocks
}

/// A leaf, the authority that issued it, and the key of the leaf. The key of the authority is forgotten: it issues
/// nothing else.
fn make() -> Result<String, rcgen::Error> {
    let (year, month, day) = date_of(SystemClock.now().day() - 1);
    let date = |year: i64| {
        let year = i32::try_from(year).unwrap_or(i32::MAX);
        let [month, day] = [month, day.min(28)].map(|number| u8::try_from(number).unwrap_or(1));
        date_time_ymd(year, month, day)
    };
    let params = |name: &str| {
        let mut params = CertificateParams::default();
        let mut subject = DistinguishedName::new();
        subject.push(DnType::OrganizationName, DEVELOPMENT);
        subject.push(DnType::CommonName, name);
        params.distinguished_name = subject;
        params.not_before = date(year);
        params.not_after = date(year + YEARS);
        params
    };
    let authority_key = KeyPair::generate()?;
    let mut authority = params("Limn development authority");
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let authority_certificate = authority.self_signed(&authority_key)?;
    let issuer = Issuer::new(authority, authority_key);

    let key = KeyPair::generate()?;
    let mut leaf = params(DEVELOPMENT);
    leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::EmailProtection];
    leaf.use_authority_key_identifier_extension = true;
    let leaf = leaf.signed_by(&key, &issuer)?;
    Ok([leaf.pem(), authority_certificate.pem(), key.serialize_pem()].concat())
}

fn read(file: &Path) -> Result<String, CertificateError> {
    let read = || {
        if fs::metadata(file)?.len() > MAX_FILE_BYTES {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "too large for certificates or a key",
            ));
        }
        fs::read_to_string(file)
    };
    read().map_err(|source| failed(file, source))
}

fn failed(file: &Path, source: io::Error) -> CertificateError {
    CertificateError::File {
        file: file.to_owned(),
        source,
    }
}

/// Writes a new file in one step: certificate and key are never there without each other.
fn write(file: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    let draft = file.with_extension(format!("{}.draft", uuid::Uuid::new_v4()));
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&draft).and_then(|mut open| {
        open.write_all(text.as_bytes())?;
        open.sync_all()
    });
    // A hard link fails when the name is taken, unlike a rename.
    let linked = written.and_then(|()| fs::hard_link(&draft, file));
    let removed = fs::remove_file(&draft);
    linked.and(removed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_development_certificate_is_made_once_and_is_private() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("provenance/development.pem");
        assert!(Identity::existing_development(&file).unwrap().is_none());
        let (first, is_new) = Identity::development(&file).unwrap();
        assert!(is_new && first.is_development());
        assert_eq!(first.chain_pem().matches("BEGIN CERTIFICATE").count(), 2);
        assert_eq!(first.leaf_pem().matches("BEGIN CERTIFICATE").count(), 1);
        assert!(!first.chain_pem().contains("PRIVATE"));
        let (second, is_new) = Identity::development(&file).unwrap();
        assert!(!is_new);
        assert_eq!(second.chain_pem(), first.chain_pem());
        assert!(!format!("{first:?}").contains("BEGIN"));
        #[cfg(unix)]
        {
            let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&file).unwrap().permissions());
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn files_that_hold_something_else_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let (chain, key) = (folder.path().join("chain.pem"), folder.path().join("key.pem"));
        let error = Identity::from_files(&chain, &key).unwrap_err();
        assert!(error.to_string().contains("chain.pem cannot be used"), "{error}");
        fs::write(&chain, make().unwrap()).unwrap();
        fs::write(&key, "nothing").unwrap();
        let error = Identity::from_files(&chain, &key).unwrap_err();
        assert!(
            error.to_string().ends_with("key.pem holds no private key in PEM"),
            "{error}"
        );
    }
}
