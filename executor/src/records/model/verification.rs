//! Whether the books are right.

use super::super::state::BalanceField;

/// What a look at the books found, all of it in one state of the database.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verification {
    /// Entries of the ledger that were summed up.
    pub entries: i64,
    /// Budgets whose balances were compared, those of all time and those of each day.
    pub budgets: i64,
    /// Executions whose balances were compared.
    pub executions: i64,
    /// Attempts whose money was compared.
    pub attempts: i64,
    /// Events whose sequences were looked through.
    pub events: i64,
    /// What does not agree. Empty: the books are right.
    pub differences: Vec<LedgerDifference>,
    /// There are more differences than are listed.
    pub truncated: bool,
}

/// Something that does not agree with the ledger, or a history with a gap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerDifference {
    /// Scope of the budget whose balance is wrong; empty: it is the balance of something else.
    pub budget: String,
    /// ISO 4217 code.
    pub currency: String,
    /// Which balance; nothing: no amount is wrong.
    pub field: Option<BalanceField>,
    /// Sum of the ledger.
    pub ledger_nanos: i64,
    /// What the balance says.
    pub balance_nanos: i64,
    /// The difference in words, with the name of what it is about.
    pub detail: String,
}
