//! Budgets: what may be spent in a period, and what that leaves.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::super::state::Period;
use crate::clock::UnixMicros;

/// Which budget. Amounts of different currencies are never added up.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BudgetKey {
    /// `clients/{client}/budgets/client` or `clients/{client}/budgets/session-{session}`.
    pub scope: String,
    /// ISO 4217 code.
    pub currency: String,
}

/// Money of a budget, in billionths of its currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Balance {
    /// Billed.
    pub spent_nanos: i64,
    /// Reserved for attempts in flight.
    pub reserved_nanos: i64,
    /// Held for attempts whose bill is not known.
    pub unknown_held_nanos: i64,
}

/// A budget as it stands in its current period, by the clock of the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BudgetRecord {
    /// Which one.
    pub key: BudgetKey,
    /// Most that may be spent, reserved and held together in one period; nothing: unlimited.
    pub limit_nanos: Option<i64>,
    /// How long a period is.
    pub period: Period,
    /// Money of the current period.
    pub balance: Balance,
    /// Start of the current period; nothing: it always was.
    pub period_start: Option<UnixMicros>,
    /// Start of the next period; nothing: there is none.
    pub reset_at: Option<UnixMicros>,
    /// Last change of limit or period; nothing: never.
    pub updated_at: Option<UnixMicros>,
    /// Grows with every change of limit or period; 0: never changed.
    pub version: i64,
}

impl BudgetRecord {
    /// What the limit leaves, never below zero; nothing: unlimited.
    pub fn available_nanos(&self) -> Option<i64> {
        let limit_nanos = self.limit_nanos?;
        let committed_nanos = self.balance.committed_nanos().unwrap_or(i64::MAX);
        Some(limit_nanos.saturating_sub(committed_nanos).max(0))
    }

    /// What is in the way of committing so much more. The limit itself may be reached, not passed.
    pub fn shortage(self, needed_nanos: i64) -> Option<BudgetShortage> {
        let limit_nanos = self.limit_nanos?;
        let committed_nanos = self.balance.committed_nanos().unwrap_or(i64::MAX);
        let fits = committed_nanos
            .checked_add(needed_nanos)
            .is_some_and(|sum| sum <= limit_nanos);
        (!fits).then_some(BudgetShortage {
            key: self.key,
            limit_nanos,
            committed_nanos,
            needed_nanos,
            reset_at: self.reset_at,
        })
    }
}

/// A budget that does not cover what was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BudgetShortage {
    /// Which one.
    pub key: BudgetKey,
    /// Its limit.
    pub limit_nanos: i64,
    /// Spent, reserved and held in the current period.
    pub committed_nanos: i64,
    /// What was asked for on top.
    pub needed_nanos: i64,
    /// Start of the next period; nothing: there is none.
    pub reset_at: Option<UnixMicros>,
}

impl BudgetShortage {
    /// The facts by name, as errors and failures carry them. Absent: the time of a reset that never comes.
    pub fn facts(&self) -> BTreeMap<String, String> {
        let facts = [
            ("budget", self.key.scope.clone()),
            ("currency", self.key.currency.clone()),
            ("limitNanos", self.limit_nanos.to_string()),
            ("committedNanos", self.committed_nanos.to_string()),
        ];
        let reset = self.reset_at.map(|at| ("resetTime", at.rfc3339()));
        let facts = facts.into_iter().chain(reset);
        facts.map(|(name, fact)| (name.to_owned(), fact)).collect()
    }
}

/// A change of a budget. What is spent, reserved or held never changes by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BudgetUpdate {
    /// Which one; made when it does not exist.
    pub key: BudgetKey,
    /// Its client.
    pub client: String,
    /// The new limit, or none any more; nothing: as it is.
    pub limit_nanos: Option<Option<i64>>,
    /// The new period; nothing: as it is.
    pub period: Option<Period>,
    /// The version that the change is meant for; nothing: any.
    pub expected_version: Option<i64>,
    /// Who decides.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// Id of the entry in the audit log. The same id again is the same change.
    pub audit_id: Uuid,
    /// Now.
    pub now: UnixMicros,
}

/// What became of a change of a budget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BudgetChange {
    /// The budget after the change.
    Changed(BudgetRecord),
    /// The budget has another version: this one. 0 also when it does not exist.
    VersionMismatch(i64),
}
