//! The secret of this installation: it signs links and page tokens.

use std::{
    fs, io,
    io::{Read as _, Write as _},
    path::Path,
};

use secrecy::{ExposeSecret as _, SecretBox};

/// Bytes of the secret.
const KEY_BYTES: usize = 32;
/// Hexadecimal digits of a fingerprint.
const FINGERPRINT_CHARS: usize = 12;

/// A secret of 32 bytes. What it signs begins with a word for the purpose, so one secret serves several.
pub(crate) struct SigningKey {
    /// Padded with zeros to the block of SHA-256, as HMAC itself would do, so that nothing can fail later.
    padded: SecretBox<[u8; 64]>,
}

impl Clone for SigningKey {
    fn clone(&self) -> Self {
        Self {
            padded: SecretBox::new(Box::new(*self.padded())),
        }
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKey").finish_non_exhaustive()
    }
}

impl SigningKey {
    pub(crate) fn new(key: [u8; KEY_BYTES]) -> Self {
        let mut padded = Box::new([0; 64]);
        padded[..KEY_BYTES].copy_from_slice(&key);
        Self {
            padded: SecretBox::new(padded),
        }
    }

    /// Reads the secret, or makes one when the file is missing. The file is readable by its owner alone.
    pub(crate) fn open(file: &Path) -> io::Result<Self> {
        match read(file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            result => return result.map(Self::new),
        }
        let mut key = [0; KEY_BYTES];
        getrandom::fill(&mut key).map_err(io::Error::other)?;
        match write(file, &key) {
            // Another process made it in between: theirs is the secret.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => read(file).map(Self::new),
            result => result.map(|()| Self::new(key)),
        }
    }

    pub(crate) fn padded(&self) -> &[u8; 64] {
        self.padded.expose_secret()
    }

    /// The secret itself, for signers of other crates.
    pub(crate) fn expose(&self) -> [u8; KEY_BYTES] {
        let mut key = [0; KEY_BYTES];
        key.copy_from_slice(&self.padded()[..KEY_BYTES]);
        key
    }
}

/// A word that tells keys apart and does not tell the key; nothing when there is no key yet. Processes that share a
/// database must have the same one.
///
/// # Errors
///
/// The file cannot be read, or is no key.
pub fn signing_key_fingerprint(file: &Path) -> io::Result<Option<String>> {
    let key = match read(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        read => read?,
    };
    let labelled = [b"limn.signing_key.fingerprint/1\n", key.as_slice()].concat();
    let digest = limn_proto::digest::sha256_hex(&labelled);
    Ok(Some(digest.chars().take(FINGERPRINT_CHARS).collect()))
}

fn read(file: &Path) -> io::Result<[u8; KEY_BYTES]> {
    let mut bytes = Vec::new();
    // One more than a key has, so that a longer file is not taken for one.
    let limit = KEY_BYTES as u64 + 1;
    fs::File::open(file)?.take(limit).read_to_end(&mut bytes)?;
    <[u8; KEY_BYTES]>::try_from(bytes).map_err(|_| {
        let what = format!(
            "a signing key has {KEY_BYTES} bytes: remove the file to have a new one made, which ends all links"
        );
        io::Error::new(io::ErrorKind::InvalidData, what)
    })
}

/// Writes a new file in one step: a key that is only half there is never seen.
fn write(file: &Path, key: &[u8]) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    let draft = file.with_extension(format!("{}.draft", uuid::Uuid::new_v4()));
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&draft).and_then(|mut open| {
        open.write_all(key)?;
        open.sync_all()
    });
    // A hard link fails when the name is taken, unlike a rename.
    let linked = written.and_then(|()| fs::hard_link(&draft, file));
    // The draft goes in any case; what counts is whether the file has its name.
    let removed = fs::remove_file(&draft);
    linked.and(removed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_made_once_and_private() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("deep/link.key");
        let first = SigningKey::open(&file).unwrap();
        assert_eq!(SigningKey::open(&file).unwrap().expose(), first.expose());
        assert_ne!(first.expose(), [0; KEY_BYTES]);
        assert_eq!(fs::read_dir(file.parent().unwrap()).unwrap().count(), 1);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn a_damaged_key_file_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("link.key");
        for content in ["short", "0123456789012345678901234567890123456789"] {
            fs::write(&file, content).unwrap();
            let error = SigningKey::open(&file).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData);
            assert_eq!(fs::read_to_string(&file).unwrap(), content);
        }
    }

    #[test]
    fn a_fingerprint_tells_keys_apart() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (folder.path().join("one.key"), folder.path().join("other.key"));
        assert_eq!(signing_key_fingerprint(&one).unwrap(), None);
        SigningKey::open(&one).unwrap();
        SigningKey::open(&other).unwrap();
        let fingerprint = signing_key_fingerprint(&one).unwrap().unwrap();
        assert_eq!(fingerprint.len(), FINGERPRINT_CHARS);
        assert_eq!(signing_key_fingerprint(&one).unwrap().unwrap(), fingerprint);
        assert_ne!(signing_key_fingerprint(&other).unwrap().unwrap(), fingerprint);
    }

    #[test]
    fn the_key_does_not_show_itself() {
        let shown = format!("{:?}", SigningKey::new([0x41; KEY_BYTES]));
        assert!(!shown.contains("65") && !shown.contains("AAAA"), "{shown}");
    }
}
