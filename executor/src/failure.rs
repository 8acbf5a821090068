//! A failure as data: what went wrong with an attempt, a step or an execution, as it is stored and shown.

use std::{collections::BTreeMap, time::Duration};

use limn_proto::reason::Reason;

use crate::records::BudgetShortage;

/// What went wrong while running. The text holds no secret and no prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Why; decides the status code.
    pub reason: Reason,
    /// The failure in a sentence.
    pub message: String,
    /// The same plan, executed again unchanged, can succeed without paying twice.
    pub retryable: bool,
    /// How long the provider asked to wait.
    pub retry_delay: Option<Duration>,
    /// Facts by name, for example `httpStatus`.
    pub metadata: BTreeMap<String, String>,
}

impl Failure {
    /// A failure that another try would not mend.
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
            retryable: false,
            retry_delay: None,
            metadata: BTreeMap::new(),
        }
    }

    /// A budget does not cover the ceiling of the next call.
    pub(crate) fn budget_exceeded(shortage: &BudgetShortage) -> Self {
        let message = "a budget does not cover the next call: wait for its next period, or raise its limit";
        let mut failure =
            Self::new(Reason::BudgetExceeded, message).with("ceilingNanos", shortage.needed_nanos);
        failure.metadata.extend(shortage.facts());
        failure
    }

    /// The same failure, marked as worth another try.
    #[must_use]
    pub fn retryable(mut self) -> Self {
        self.retryable = true;
        self
    }

    /// The same failure with one more fact.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl ToString) -> Self {
        self.metadata.insert(key.to_owned(), value.to_string());
        self
    }
}
