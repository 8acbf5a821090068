//! Which elements are open at a place of a document.

use std::collections::BTreeMap;

use crate::{
    elements::{holds_text_only, is_inline, is_opaque, is_ornamental, is_unseen},
    piece::Tag,
};

/// Elements that are open. Counters and no stack: what nests wrongly costs no time.
#[derive(Default)]
pub(crate) struct Elements {
    opaque: BTreeMap<String, u32>,
    /// Of these, the ones that do not stand for text or hold whole blocks of it.
    pub(crate) unread: u32,
    /// Opaque elements that a line of Markdown opened: they end with it.
    opaque_in_line: u32,
    pub(crate) text_only: u32,
    pub(crate) ornaments: u32,
    pub(crate) figures: u32,
}

impl Elements {
    pub(crate) fn is_opaque(&self) -> bool {
        !self.opaque.is_empty() || self.opaque_in_line > 0
    }

    pub(crate) fn open_block(&mut self, tag: &Tag) {
        // A block ends the paragraph and the elements within a line that are open.
        self.text_only = u32::from(holds_text_only(&tag.name) || tag.in_line);
        self.ornaments += u32::from(is_ornamental(&tag.name));
        self.open_opaque(tag);
    }

    pub(crate) fn open_inline(&mut self, tag: &Tag) {
        self.text_only += u32::from(holds_text_only(&tag.name));
        self.open_opaque(tag);
    }

    fn open_opaque(&mut self, tag: &Tag) {
        if !is_opaque(&tag.name) {
            return;
        }
        if tag.in_line && !is_unseen(&tag.name) {
            self.opaque_in_line += 1;
            return;
        }
        *self.opaque.entry(tag.name.clone()).or_default() += 1;
        self.unread += u32::from(!is_inline(&tag.name));
    }

    pub(crate) fn close(&mut self, name: &str) {
        if is_ornamental(name) {
            self.ornaments = self.ornaments.saturating_sub(1);
        }
        if holds_text_only(name) || !is_inline(name) {
            self.text_only = if is_inline(name) {
                self.text_only.saturating_sub(1)
            } else {
                0
            };
        }
        if !is_opaque(name) {
            return;
        }
        if let Some(count) = self.opaque.get_mut(name) {
            *count -= 1;
            if *count == 0 {
                self.opaque.remove(name);
            }
            self.unread = self.unread.saturating_sub(u32::from(!is_inline(name)));
        } else {
            self.opaque_in_line = self.opaque_in_line.saturating_sub(1);
        }
        // What was opened in a block of code and not closed ends with it.
        if name == "pre" && !self.opaque.contains_key("pre") {
            self.opaque.retain(|name, _| !is_inline(name));
        }
    }

    pub(crate) fn end_line(&mut self) {
        self.opaque_in_line = 0;
    }
}
