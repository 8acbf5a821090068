//! What the catalog says about working with a provider, beyond what plans need.

use std::{collections::BTreeMap, time::Duration};

use super::Inputs;
use crate::{plan::Render, provider::CapabilityClass};

/// Longest time of a call at a provider that no catalog speaks of.
const DEFAULT_DEADLINE: Duration = Duration::from_secs(600);

/// Facts about a provider: data of the catalog, never code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traits {
    /// How much can be known about a lost call.
    pub class: CapabilityClass,
    /// Whether content that it refuses after it began to draw is billed.
    pub refusals: RefusalBilling,
    /// Longest times of calls.
    pub deadlines: Deadlines,
    /// How much may be asked of it at once.
    pub limits: Limits,
    /// How a render is written down for a model, where every model takes inputs of its own.
    pub inputs: BTreeMap<String, Inputs>,
}

/// Whether refused content is billed, where the answer does not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RefusalBilling {
    /// Documented or long practice: never.
    No,
    /// Documented: like a picture.
    Yes,
    /// Nobody says.
    Unknown,
}

/// How much may be asked of a provider at once, by all steps together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Most calls in progress at once. Nothing: no limit of ours.
    pub max_concurrency: Option<u32>,
    /// Most calls begun in a minute. Nothing: no limit of ours.
    pub calls_per_minute: Option<u32>,
}

/// Longest times of calls, from the first byte sent to the last one received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deadlines {
    /// Of every call that nothing else is said about.
    pub default: Duration,
    /// By model.
    pub models: BTreeMap<String, ModelDeadlines>,
}

/// Longest times of calls to one model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModelDeadlines {
    /// Of every quality that is not listed. Nothing: as at the provider.
    pub default: Option<Duration>,
    /// By the provider's own word for the quality.
    pub qualities: BTreeMap<String, Duration>,
}

impl Default for Traits {
    /// What is true of every provider: nothing is promised, and nothing is limited.
    fn default() -> Self {
        Self {
            class: CapabilityClass::D,
            refusals: RefusalBilling::Unknown,
            deadlines: Deadlines::all(DEFAULT_DEADLINE),
            limits: Limits::default(),
            inputs: BTreeMap::new(),
        }
    }
}

impl Deadlines {
    /// The same for every call.
    pub fn all(deadline: Duration) -> Self {
        Self {
            default: deadline,
            models: BTreeMap::new(),
        }
    }

    /// Longest time that a call of this render may take.
    pub fn of(&self, render: &Render) -> Duration {
        let model = self.models.get(&render.model);
        let by_quality = model.and_then(|model| model.qualities.get(&render.quality_token));
        let by_model = model.and_then(|model| model.default.as_ref());
        *by_quality.or(by_model).unwrap_or(&self.default)
    }
}
