//! What an answer says besides its picture, as columns of attempts and images.

use std::collections::BTreeMap;

use super::{
    super::{CostSource, Result},
    rows::{Fields, damaged},
};

/// A seed as it is stored: a decimal number, for it may be larger than an integer of the databases.
pub(super) fn seed_text(seed: Option<u64>) -> String {
    seed.map_or_else(String::new, |seed| seed.to_string())
}

/// How a cost is known, as it is stored.
pub(super) fn source_word(source: Option<CostSource>) -> &'static str {
    source.map_or("", CostSource::as_str)
}

/// What was used, as it is stored.
pub(super) fn usage_text(usage: &BTreeMap<String, i64>) -> Result<String> {
    if usage.is_empty() {
        return Ok(String::new());
    }
    serde_json::to_string(usage).map_err(|_| damaged("usage", "text that is no JSON"))
}

impl Fields<'_> {
    /// The seed that was used.
    pub(super) fn effective_seed(self) -> Result<Option<u64>> {
        let text = self.text("effective_seed")?;
        if text.is_empty() {
            return Ok(None);
        }
        let seed = text.parse().map_err(|_| damaged("effective_seed", &text))?;
        Ok(Some(seed))
    }

    /// How the cost is known. Versions that did not keep that kept whether it is an estimate.
    pub(super) fn cost_source(self) -> Result<Option<CostSource>> {
        let source = self.optional_word("cost_source", CostSource::parse)?;
        if source.is_none() && self.flag("cost_estimated")? {
            return Ok(Some(CostSource::Estimated));
        }
        Ok(source)
    }

    /// What was used, by unit.
    pub(super) fn usage(self) -> Result<BTreeMap<String, i64>> {
        let text = self.text("usage")?;
        if text.is_empty() {
            return Ok(BTreeMap::new());
        }
        serde_json::from_str(&text).map_err(|_| damaged("usage", &text))
    }
}
