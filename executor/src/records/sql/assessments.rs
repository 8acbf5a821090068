//! What is known about a picture from looking at it, as columns.

use std::collections::BTreeMap;

use base64::{Engine as _, prelude::BASE64_STANDARD as STANDARD};

use super::{
    super::{Assessment, Result},
    rows::{Fields, damaged},
};

/// Parts of a score as they are stored.
pub(super) fn parts_text(parts_bp: &BTreeMap<String, u32>) -> String {
    if parts_bp.is_empty() {
        return String::new();
    }
    let parts: serde_json::Map<_, _> = parts_bp
        .iter()
        .map(|(part, score_bp)| (part.clone(), (*score_bp).into()))
        .collect();
    serde_json::Value::Object(parts).to_string()
}

impl Fields<'_> {
    /// What is known from looking.
    pub(super) fn assessment(self) -> Result<Assessment> {
        let parts = self.text("quality_parts")?;
        let thumbhash = self.text("thumbhash")?;
        Ok(Assessment {
            parts_bp: if parts.is_empty() {
                BTreeMap::new()
            } else {
                serde_json::from_str(&parts).map_err(|_| damaged("quality_parts", &parts))?
            },
            scorer: self.text("quality_scorer")?,
            fingerprint: self.fingerprint()?,
            thumbhash: STANDARD
                .decode(&thumbhash)
                .map_err(|_| damaged("thumbhash", &thumbhash))?,
        })
    }
}
