//! Why a request or a plan is refused: every problem at once.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    format,
    string::String,
    vec::Vec,
};

use limn_proto::reason::Reason;

/// A refusal. Nothing happened, and the same call would be refused again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct PlanError {
    /// The reason that all violations share, else [`Reason::InvalidRequest`].
    pub reason: Reason,
    /// The refusal in one sentence.
    pub message: String,
    /// Every problem, in order of the fields of the request.
    pub violations: Vec<Violation>,
    /// Facts for programs, for example the names that are known.
    pub metadata: BTreeMap<String, String>,
}

/// One problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Path of the field, for example `batch.images[2].prompt`.
    pub field: String,
    /// What is wrong and what would be right.
    pub description: String,
    /// Class of the problem.
    pub reason: Reason,
}

/// Collects problems until the end of a check.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    violations: Vec<Violation>,
    metadata: BTreeMap<String, String>,
}

impl Problems {
    /// Notes a problem with a field.
    pub(crate) fn add(&mut self, reason: Reason, field: impl Into<String>, description: impl Into<String>) {
        self.violations.push(Violation {
            field: field.into(),
            description: description.into(),
            reason,
        });
    }

    /// Notes a fact for programs. The first fact under a key stays.
    pub(crate) fn note(&mut self, key: &str, value: impl Into<String>) {
        if !self.metadata.contains_key(key) {
            self.metadata.insert(key.into(), value.into());
        }
    }

    /// Takes over problems that were collected apart, with their fields renamed.
    pub(crate) fn absorb(&mut self, other: Self, rename: impl Fn(&str) -> String) {
        for violation in other.violations {
            self.add(violation.reason, rename(&violation.field), violation.description);
        }
        for (key, value) in other.metadata {
            self.note(&key, value);
        }
    }

    /// The refusal, if there was any problem. What several images share is one problem, however many of them
    /// have it.
    pub(crate) fn finish(mut self) -> Result<(), PlanError> {
        let mut seen = BTreeSet::new();
        self.violations
            .retain(|violation| seen.insert((violation.field.clone(), violation.description.clone())));
        let Some(first) = self.violations.first() else {
            return Ok(());
        };
        let common = self
            .violations
            .iter()
            .all(|violation| violation.reason == first.reason);
        let reason = if common {
            first.reason
        } else {
            Reason::InvalidRequest
        };
        let mut message = format!("{}: {}", first.field, first.description);
        match self.violations.len() {
            1 => {}
            2 => message.push_str(" (and 1 more problem)"),
            count => message.push_str(&format!(" (and {} more problems)", count - 1)),
        }
        Err(PlanError {
            reason,
            message,
            violations: self.violations,
            metadata: self.metadata,
        })
    }
}

impl PlanError {
    /// A refusal for a single problem.
    pub(crate) fn single(reason: Reason, field: &str, description: impl Into<String>) -> Self {
        let description = description.into();
        Self {
            reason,
            message: format!("{field}: {description}"),
            violations: alloc::vec![Violation {
                field: field.into(),
                description,
                reason
            }],
            metadata: BTreeMap::new(),
        }
    }

    /// Adds a fact for programs.
    pub(crate) fn with(mut self, key: &str, value: impl Into<String>) -> Self {
        self.metadata.insert(key.into(), value.into());
        self
    }
}
