//! Deleting images, and finding what belongs to nobody.

use uuid::Uuid;

use crate::{clock::UnixMicros, ids::ImageId};

/// Somebody wants an image to be gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageDeletion {
    /// Client that owns it.
    pub client: String,
    /// The image.
    pub image: ImageId,
    /// Who decides.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// Id of the entry of the audit log.
    pub audit_id: Uuid,
    /// The time of the caller.
    pub now: UnixMicros,
}

/// What is left to do about a deletion that was begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BegunDeletion {
    /// Keys of the objects to remove: small copies, then the picture. None while other images stand on them.
    pub objects: Vec<String>,
    /// The image is a tombstone already; nothing is left to do.
    pub is_finished: bool,
}

/// An image with the objects that it stands on, whoever owns it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredImage {
    /// The image.
    pub id: ImageId,
    /// Client that owns it.
    pub client: String,
    /// Key of the picture.
    pub storage_key: String,
    /// Keys of the small copies.
    pub thumbnails: Vec<String>,
    /// When the record was made.
    pub created_at: UnixMicros,
    /// When its deletion was begun; nothing: it was not.
    pub deleting_at: Option<UnixMicros>,
}

/// How much of a client is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoredBytes {
    /// Pictures; several records of one count once.
    pub objects: u64,
    /// Bytes of the pictures and their small copies.
    pub bytes: u64,
}
