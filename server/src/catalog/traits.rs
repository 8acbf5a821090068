//! What the catalog says about working with a provider.

use std::time::Duration;

use limn_executor::{
    provider::CapabilityClass,
    providers::{Inputs, Limits, ModelDeadlines, RefusalBilling, Traits},
};

use super::section::Section;

/// Key of the deadline of every quality that is not listed.
const DEFAULT: &str = "default";

/// Reads what stands in the table of a provider, beside its models.
pub(super) fn of_provider(section: &mut Section<'_>) -> Traits {
    let mut traits = Traits::default();
    if let Some(class) = section.text("class") {
        match class_of(&class) {
            Some(class) => traits.class = class,
            None => section.problem("class", "must be A, B, C or D"),
        }
    }
    if let Some(word) = section.text("refusals_are_billed") {
        match refusals_of(&word) {
            Some(billing) => traits.refusals = billing,
            None => section.problem("refusals_are_billed", "must be no, yes or unknown"),
        }
    }
    if let Some(seconds) = section.number("deadline_seconds") {
        traits.deadlines.default = Duration::from_secs(seconds);
    }
    traits.limits = section.within("limits", limits).unwrap_or_default();
    traits
}

/// Reads the deadlines of a model.
pub(super) fn of_model(section: &mut Section<'_>) -> Option<ModelDeadlines> {
    section.within("deadline_seconds", |section| {
        let mut deadlines = ModelDeadlines::default();
        for key in section.keys() {
            let Some(seconds) = section.number(&key) else {
                continue;
            };
            let deadline = Duration::from_secs(seconds);
            if key == DEFAULT {
                deadlines.default = Some(deadline);
            } else {
                deadlines.qualities.insert(key, deadline);
            }
        }
        deadlines
    })
}

/// Reads how a render is written down for a model.
pub(super) fn inputs(section: &mut Section<'_>) -> Option<Inputs> {
    section
        .within("inputs", |section| {
            let mut table = serde_json::Map::new();
            for key in section.keys() {
                let value = section.take(&key, "text, a number, true or false", |value| {
                    serde_json::to_value(value).ok()
                });
                table.extend(value.map(|value| (key, value)));
            }
            Inputs::read(table)
                .map_err(|(key, message)| section.problem(&key, message))
                .ok()
        })
        .flatten()
}

fn limits(section: &mut Section<'_>) -> Limits {
    Limits {
        max_concurrency: section.number("max_concurrency"),
        calls_per_minute: section.number("calls_per_minute"),
    }
}

fn class_of(word: &str) -> Option<CapabilityClass> {
    match word {
        "A" => Some(CapabilityClass::A),
        "B" => Some(CapabilityClass::B),
        "C" => Some(CapabilityClass::C),
        "D" => Some(CapabilityClass::D),
        _ => None,
    }
}

fn refusals_of(word: &str) -> Option<RefusalBilling> {
    match word {
        "no" => Some(RefusalBilling::No),
        "yes" => Some(RefusalBilling::Yes),
        "unknown" => Some(RefusalBilling::Unknown),
        _ => None,
    }
}
