//! The arithmetic of the ledger, which every database shares: what each kind of movement does to a balance,
//! and which scopes it is posted to. Nothing here rounds, and nothing wraps.

use super::Balance;

/// A kind of ledger row. Amounts are never negative; the kind gives the direction.
///
/// The life of a paid attempt is reserve, release, settle: a settlement gives the *whole* reservation back
/// and then adds the bill, so a bill above its ceiling needs no rule of its own. An attempt whose outcome is
/// unknown is held; evidence moves it back with an unhold before it is released and, perhaps, settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Movement {
    /// Into reserved.
    Reserve,
    /// Out of reserved.
    Release,
    /// Into spent.
    Settle,
    /// From reserved to held.
    Hold,
    /// From held to reserved.
    Unhold,
    /// Out of spent: compensates a settlement that turned out wrong. Nothing is ever taken back by hand.
    Refund,
}

impl Movement {
    /// Every kind.
    pub const ALL: [Self; 6] = [
        Self::Reserve,
        Self::Release,
        Self::Settle,
        Self::Hold,
        Self::Unhold,
        Self::Refund,
    ];

    /// The word in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reserve => "reserve",
            Self::Release => "release",
            Self::Settle => "settle",
            Self::Hold => "hold",
            Self::Unhold => "unhold",
            Self::Refund => "refund",
        }
    }

    /// Reads the word back.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// The balance after this movement; nothing when it would overflow. May be negative in between when
    /// movements are summed in another order than they were made in.
    #[must_use]
    pub fn apply(self, balance: Balance, amount_nanos: i64) -> Option<Balance> {
        let mut after = balance;
        let plus = |nanos: i64| nanos.checked_add(amount_nanos);
        let minus = |nanos: i64| nanos.checked_sub(amount_nanos);
        match self {
            Self::Reserve => after.reserved_nanos = plus(balance.reserved_nanos)?,
            Self::Release => after.reserved_nanos = minus(balance.reserved_nanos)?,
            Self::Settle => after.spent_nanos = plus(balance.spent_nanos)?,
            Self::Hold => {
                after.reserved_nanos = minus(balance.reserved_nanos)?;
                after.unknown_held_nanos = plus(balance.unknown_held_nanos)?;
            }
            Self::Unhold => {
                after.unknown_held_nanos = minus(balance.unknown_held_nanos)?;
                after.reserved_nanos = plus(balance.reserved_nanos)?;
            }
            Self::Refund => after.spent_nanos = minus(balance.spent_nanos)?,
        }
        Some(after)
    }
}

impl Balance {
    /// Billed, reserved and held together: what no longer can be spent. Nothing when it overflows.
    pub fn committed_nanos(&self) -> Option<i64> {
        self.spent_nanos
            .checked_add(self.reserved_nanos)?
            .checked_add(self.unknown_held_nanos)
    }

    /// Both balances together, each amount with its own; nothing when one overflows.
    #[must_use]
    pub fn plus(self, other: Self) -> Option<Self> {
        Some(Self {
            spent_nanos: self.spent_nanos.checked_add(other.spent_nanos)?,
            reserved_nanos: self.reserved_nanos.checked_add(other.reserved_nanos)?,
            unknown_held_nanos: self.unknown_held_nanos.checked_add(other.unknown_held_nanos)?,
        })
    }
}

/// Budget scopes of a client, in the order in which their rows are locked: the client's own and, when the
/// plan has a session, that of the session.
pub fn scopes(client: &str, session_id: &str) -> Vec<String> {
    let mut scopes = vec![format!("clients/{client}/budgets/client")];
    if !session_id.is_empty() {
        scopes.push(format!("clients/{client}/budgets/session-{session_id}"));
    }
    scopes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(movements: &[(Movement, i64)]) -> Option<Balance> {
        movements
            .iter()
            .try_fold(Balance::default(), |balance, (kind, amount)| {
                kind.apply(balance, *amount)
            })
    }

    #[test]
    fn a_bill_above_its_ceiling_leaves_nothing_reserved() {
        let balance = after(&[
            (Movement::Reserve, 40),
            (Movement::Release, 40),
            (Movement::Settle, 55),
        ]);
        assert_eq!(
            balance,
            Some(Balance {
                spent_nanos: 55,
                reserved_nanos: 0,
                unknown_held_nanos: 0
            })
        );
    }

    #[test]
    fn what_is_held_still_counts_as_committed() {
        let balance = after(&[(Movement::Reserve, 40), (Movement::Hold, 40)]).unwrap();
        assert_eq!(balance.reserved_nanos, 0);
        assert_eq!(balance.committed_nanos(), Some(40));
    }

    #[test]
    fn an_overflow_is_an_answer_and_no_number() {
        assert_eq!(
            after(&[(Movement::Reserve, i64::MAX), (Movement::Reserve, 1)]),
            None
        );
    }

    #[test]
    fn a_client_without_a_session_has_one_scope() {
        assert_eq!(scopes("acme", ""), ["clients/acme/budgets/client"]);
        assert_eq!(
            scopes("acme", "s1"),
            ["clients/acme/budgets/client", "clients/acme/budgets/session-s1"]
        );
    }
}
