//! Rules that many fields of a plan share.

use alloc::{format, string::String};

use limn_proto::{
    plan::{Label, Money},
    reason::Reason,
};

use crate::{
    error::Problems,
    limits::{MAX_LABEL_KEY_BYTES, MAX_LABEL_VALUE_BYTES, MAX_LABELS},
    text::is_normal,
};

/// Collects broken rules.
pub(super) struct Rules<'p> {
    problems: &'p mut Problems,
}

impl<'p> Rules<'p> {
    pub(super) fn new(problems: &'p mut Problems) -> Self {
        Self { problems }
    }

    /// A rule that is broken.
    pub(super) fn broken(&mut self, field: impl Into<String>, description: impl Into<String>) {
        self.problems.add(Reason::PlanNotCanonical, field, description);
    }

    /// A rule that must hold.
    pub(super) fn hold(&mut self, holds: bool, field: &str, description: &str) {
        if !holds {
            self.broken(field, description);
        }
    }

    /// A number inside a range.
    pub(super) fn range(&mut self, field: &str, value: u32, least: u32, most: u32) {
        if !(least..=most).contains(&value) {
            self.broken(field, format!("is {value}; must be {least} to {most}"));
        }
    }

    /// Normal text of a limited length.
    pub(super) fn text(&mut self, field: &str, value: &str, max_bytes: usize) {
        if value.len() > max_bytes {
            self.broken(
                field,
                format!("has {} bytes; at most {max_bytes} are allowed", value.len()),
            );
        }
        if value.contains('\0') || !is_normal(value) {
            self.broken(field, "must be Unicode NFC with LF line ends and without U+0000");
        }
    }

    /// Normal text of a limited length that is not empty.
    pub(super) fn required_text(&mut self, field: &str, value: &str, max_bytes: usize) {
        self.hold(!value.is_empty(), field, "is missing");
        self.text(field, value, max_bytes);
    }

    /// A known number of an enumeration; zero only where it is a value.
    pub(super) fn known<E: TryFrom<i32>>(&mut self, field: &str, value: i32, required: bool) {
        if E::try_from(value).is_err() || (required && value == 0) {
            self.broken(
                field,
                format!("is {value}, which is no value of this enumeration"),
            );
        }
    }

    /// An amount that is present, not negative and in the currency of the plan.
    pub(super) fn money(&mut self, field: &str, money: Option<&Money>, currency: &str) -> Option<i64> {
        let Some(money) = money else {
            self.broken(field, "is missing");
            return None;
        };
        self.hold(
            money.currency_code == currency,
            field,
            "is in another currency than the rest of the plan",
        );
        self.hold(money.nanos >= 0, field, "is negative");
        Some(money.nanos)
    }

    /// A set of labels.
    pub(super) fn labels(&mut self, field: &str, labels: &[Label]) {
        if labels.len() > MAX_LABELS {
            self.broken(
                field,
                format!("has {} entries; at most {MAX_LABELS} are allowed", labels.len()),
            );
        }
        let mut before: Option<&str> = None;
        for label in labels {
            self.required_text(field, &label.key, MAX_LABEL_KEY_BYTES);
            self.text(field, &label.value, MAX_LABEL_VALUE_BYTES);
            if before.is_some_and(|before| before >= label.key.as_str()) {
                self.broken(
                    field,
                    "must be in strictly ascending order of the UTF-8 bytes of the keys",
                );
            }
            before = Some(&label.key);
        }
    }
}
