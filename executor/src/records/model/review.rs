//! What people say about images, and what they correct of their records.

use limn_proto::{digest::sha256_hex, plan::Importance};
use uuid::Uuid;

use super::{
    super::state::{AuditAction, ReviewVerdict},
    AuditEvent, ImageRecord,
};
use crate::{clock::UnixMicros, ids::ImageId};

/// What a person says about an image. The quality gate of a plan says nothing here: see [`ImageRecord::rejected`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Review {
    /// The verdict.
    pub verdict: ReviewVerdict,
    /// Who gave it.
    pub reviewer: String,
    /// What they said about it; empty: nothing.
    pub note: String,
    /// When.
    pub at: UnixMicros,
}

/// Somebody gives a verdict on images, or withdraws one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReviewOrder {
    /// Client that owns the images.
    pub client: String,
    /// The images, each once.
    pub images: Vec<ImageId>,
    /// The verdict; nothing: the one that there is, is withdrawn.
    pub verdict: Option<ReviewVerdict>,
    /// Who gives it.
    pub reviewer: String,
    /// What they say about it; empty: nothing.
    pub note: String,
    /// The entries of the audit log have ids that follow from it.
    pub audit_id: Uuid,
    /// The time of the caller.
    pub now: UnixMicros,
}

impl ReviewOrder {
    /// True when the order changes nothing about an image.
    pub(crate) fn is_said(&self, present: Option<&Review>) -> bool {
        match (present, self.verdict) {
            (None, None) => true,
            (Some(review), Some(verdict)) => {
                review.verdict == verdict && review.reviewer == self.reviewer && review.note == self.note
            }
            (None, Some(_)) | (Some(_), None) => false,
        }
    }
}

/// What became of a review.
#[derive(Clone, Debug, PartialEq)]
pub enum Reviewed {
    /// The images as they are now, in the order in which they were named.
    Done(Vec<ImageRecord>),
    /// The client has no such images, in the order in which they were named. Nothing changed.
    Unknown(Vec<ImageId>),
}

/// What a person corrects of an image. What is nothing stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageChanges {
    /// Text for readers who cannot see it.
    pub alt_text: Option<String>,
    /// Text shown with it.
    pub caption: Option<String>,
    /// The caller's own id of the post.
    pub post_id: Option<String>,
    /// Title of the section of the post.
    pub section_title: Option<String>,
    /// Place in the post, counted from 0.
    pub position: Option<u32>,
    /// Weight in the post.
    pub importance: Option<Importance>,
    /// All labels, in order of the key; those that there are go.
    pub labels: Option<Vec<(String, String)>>,
}

impl ImageChanges {
    /// Makes the changes, and names the fields that are others now.
    pub(crate) fn apply(&self, image: &mut ImageRecord) -> Vec<&'static str> {
        let mut changed = Vec::new();
        let about = &mut image.description;
        let mut put = |name, wanted: &Option<String>, field: &mut String| {
            if let Some(wanted) = wanted.as_ref().filter(|wanted| *wanted != field) {
                field.clone_from(wanted);
                changed.push(name);
            }
        };
        put("alt_text", &self.alt_text, &mut about.alt_text);
        put("caption", &self.caption, &mut about.caption);
        put("post_id", &self.post_id, &mut about.post_id);
        put("section_title", &self.section_title, &mut about.section_title);
        if let Some(position) = self.position.filter(|position| *position != about.position) {
            about.position = position;
            changed.push("position");
        }
        if let Some(importance) = self.importance.filter(|wanted| *wanted != about.importance) {
            about.importance = importance;
            changed.push("importance");
        }
        if let Some(labels) = self.labels.as_ref().filter(|labels| **labels != image.labels) {
            image.labels.clone_from(labels);
            changed.push("labels");
        }
        changed
    }
}

/// Somebody corrects the record of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageEdit {
    /// Client that owns it.
    pub client: String,
    /// The image.
    pub image: ImageId,
    /// What [`ImageRecord::etag`] must be; nothing: whatever it is.
    pub expected_etag: Option<String>,
    /// What is to change.
    pub changes: ImageChanges,
    /// Who decides.
    pub actor: String,
    /// Why; empty: they did not say.
    pub reason: String,
    /// Id of the entry of the audit log.
    pub audit_id: Uuid,
    /// The time of the caller.
    pub now: UnixMicros,
}

impl ImageEdit {
    /// The entry of the audit log, which names the fields and not what stands in them.
    pub(crate) fn entry(&self, subject: String, changed: &[&str]) -> AuditEvent {
        AuditEvent {
            id: self.audit_id,
            client: self.client.clone(),
            at: self.now,
            actor: self.actor.clone(),
            action: AuditAction::ImageUpdated,
            subject,
            reason: self.reason.clone(),
            details: [("fields".to_owned(), changed.join(","))].into(),
        }
    }
}

/// What became of a correction.
#[derive(Clone, Debug, PartialEq)]
pub enum ImageEdited {
    /// The image as it is now.
    Done(Box<ImageRecord>),
    /// The client has no such image.
    NotFound,
    /// It was changed since: its tag now. Nothing changed.
    EtagMismatch(String),
}

impl ImageRecord {
    /// Stands for everything that [`ImageChanges`] can change: another tag, another record. 16 hexadecimal digits.
    pub fn etag(&self) -> String {
        const DIGITS: usize = 16;
        let about = &self.description;
        let position = about.position.to_string();
        let mut texts = vec![
            self.id.to_string(),
            about.alt_text.clone(),
            about.caption.clone(),
            about.post_id.clone(),
            about.section_title.clone(),
            position,
            about.importance.as_str_name().to_owned(),
        ];
        for (key, value) in &self.labels {
            texts.extend([key.clone(), value.clone()]);
        }
        let mut bytes = Vec::new();
        for text in texts {
            // The lengths keep texts from flowing into each other.
            bytes.extend((text.len() as u64).to_be_bytes());
            bytes.extend(text.as_bytes());
        }
        let mut tag = sha256_hex(&bytes);
        tag.truncate(DIGITS);
        tag
    }
}
