//! What keeps subjects alike: anchors and the hint of the picture before.

use alloc::{collections::BTreeSet, format, string::String, vec::Vec};

use limn_proto::v1::{Anchor, Continuity};

use super::door::Door;
use crate::{
    catalog::ContinuityTemplates,
    error::Problems,
    limits::{MAX_ANCHOR_CHARS, MAX_ANCHOR_NAME_BYTES, MAX_ANCHORS, MAX_HINT_CHARS},
    template,
};

/// A subject and how every prompt speaks of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AnchorWish {
    pub name: String,
    /// Name and description in the words of the catalog.
    pub text: String,
}

/// Checked continuity.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ContinuityWish {
    pub anchors: Vec<AnchorWish>,
    /// Empty: none.
    pub hint: String,
}

/// Checks the continuity at this path.
pub(super) fn parse(
    message: Option<&Continuity>,
    path: String,
    templates: &ContinuityTemplates,
    problems: &mut Problems,
) -> ContinuityWish {
    let Some(message) = message else {
        return ContinuityWish::default();
    };
    let mut door = Door::new(problems, path);
    let hint = door.long_text("previous_turn_hint", &message.previous_turn_hint, MAX_HINT_CHARS);
    ContinuityWish {
        anchors: anchors(&message.anchors, templates, &mut door),
        hint: hint.trim().into(),
    }
}

fn anchors(messages: &[Anchor], templates: &ContinuityTemplates, door: &mut Door<'_>) -> Vec<AnchorWish> {
    if messages.len() > MAX_ANCHORS {
        door.refuse("anchors", too_many(messages.len()));
        return Vec::new();
    }
    let mut seen = BTreeSet::new();
    let mut anchors = Vec::with_capacity(messages.len());
    for (index, message) in messages.iter().enumerate() {
        let name_field = format!("anchors[{index}].name");
        let name = door.text(&name_field, &message.name, MAX_ANCHOR_NAME_BYTES);
        if message.name.trim().is_empty() {
            door.refuse(&name_field, "is empty; name what must stay alike");
        } else if name.contains('\n') {
            door.refuse(&name_field, "has several lines; write it on one");
        } else if !name.is_empty() && !seen.insert(name.clone()) {
            let description = format!("\"{}\" names an earlier anchor too", name.escape_debug());
            door.refuse(&name_field, description);
        }
        let field = format!("anchors[{index}].description");
        let description = door.long_text(&field, &message.description, MAX_ANCHOR_CHARS);
        if message.description.trim().is_empty() {
            door.refuse(&field, "is empty; say what it looks like");
        }
        let values = [("name", name.as_str()), ("description", description.as_str())];
        let text = template::fill(&templates.anchor, &values);
        anchors.push(AnchorWish { name, text });
    }
    anchors
}

fn too_many(count: usize) -> String {
    format!("has {count} anchors; at most {MAX_ANCHORS} are taken")
}

impl ContinuityWish {
    /// Adds what holds for every image: its anchors stand first, and its hint steps back for the image's own.
    /// `path` is that of the image's continuity.
    pub(super) fn below(self, shared: &Self, path: String, problems: &mut Problems) -> Self {
        let mut door = Door::new(problems, path);
        let mut anchors = shared.anchors.clone();
        for (index, anchor) in self.anchors.into_iter().enumerate() {
            if shared.anchors.iter().any(|other| other.name == anchor.name) {
                let description = format!(
                    "\"{}\" names an anchor of the batch too; give it once",
                    anchor.name.escape_debug()
                );
                door.refuse(&format!("anchors[{index}].name"), description);
            }
            anchors.push(anchor);
        }
        if anchors.len() > MAX_ANCHORS {
            door.refuse("anchors", too_many(anchors.len()));
            anchors.truncate(MAX_ANCHORS);
        }
        let hint = if self.hint.is_empty() {
            shared.hint.clone()
        } else {
            self.hint
        };
        Self { anchors, hint }
    }
}
