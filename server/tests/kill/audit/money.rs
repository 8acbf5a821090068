//! The books: the ledger, the balances of budgets and executions, and the attempts say the same.

use std::collections::BTreeMap;

use super::facts::{Balance, Facts, Movement};
use crate::stage::Stage;

pub(super) fn check(stage: &Stage, facts: &Facts) {
    let mut by_scope: BTreeMap<&str, Balance> = BTreeMap::new();
    let mut by_attempt: BTreeMap<(&str, &str), Balance> = BTreeMap::new();
    for movement in &facts.ledger {
        apply(by_scope.entry(&movement.scope).or_default(), movement);
        let key = (movement.attempt.as_str(), movement.scope.as_str());
        apply(by_attempt.entry(key).or_default(), movement);
    }
    for (scope, balance) in &facts.budgets {
        let sum = by_scope.remove(scope.as_str()).unwrap_or_default();
        if sum != *balance {
            stage.find(format!("budget {scope} is {balance:?}, its ledger {sum:?}"));
        }
        if balance.reserved_nanos != 0 {
            stage.find(format!("budget {scope} still reserves {balance:?}"));
        }
    }
    for (scope, sum) in by_scope {
        stage.find(format!("budget {scope} does not exist, its ledger is {sum:?}"));
    }
    check_attempts(stage, facts, &by_attempt);
    check_executions(stage, facts);
}

/// What a movement does; the words of the ledger are explained beside its table.
fn apply(balance: &mut Balance, movement: &Movement) {
    let amount_nanos = movement.amount_nanos;
    match movement.kind.as_str() {
        "reserve" => balance.reserved_nanos += amount_nanos,
        "release" => balance.reserved_nanos -= amount_nanos,
        "settle" => balance.spent_nanos += amount_nanos,
        "refund" => balance.spent_nanos -= amount_nanos,
        "hold" => {
            balance.reserved_nanos -= amount_nanos;
            balance.held_nanos += amount_nanos;
        }
        "unhold" => {
            balance.held_nanos -= amount_nanos;
            balance.reserved_nanos += amount_nanos;
        }
        other => panic!("the ledger has a movement {other}"),
    }
}

/// In every scope that an attempt counts in, it counts the same: what it cost, and what it holds.
fn check_attempts(stage: &Stage, facts: &Facts, ledger: &BTreeMap<(&str, &str), Balance>) {
    for attempt in &facts.attempts {
        let (id, state) = (&attempt.id, &attempt.state);
        let expected = Balance {
            spent_nanos: attempt.cost_nanos.unwrap_or_default(),
            reserved_nanos: 0,
            held_nanos: if state == "unknown" {
                attempt.ceiling_nanos
            } else {
                0
            },
        };
        if attempt.balance != expected {
            stage.find(format!(
                "attempt {id} is {state} and counts {:?}",
                attempt.balance
            ));
        }
        if (state == "committed") != attempt.cost_nanos.is_some_and(|cost| cost > 0) {
            stage.find(format!(
                "attempt {id} is {state} and cost {:?}",
                attempt.cost_nanos
            ));
        }
        let from = (id.as_str(), "");
        let scopes: Vec<_> = ledger
            .range(from..)
            .take_while(|((attempt, _), _)| attempt == id)
            .collect();
        // The budget of the client, and that of the session.
        if scopes.len() != 2 || scopes.iter().any(|(_, balance)| **balance != expected) {
            stage.find(format!("attempt {id} is {state}, its ledger {scopes:?}"));
        }
    }
}

fn check_executions(stage: &Stage, facts: &Facts) {
    let mut of_attempts: BTreeMap<&str, Balance> = BTreeMap::new();
    for attempt in &facts.attempts {
        let sum = of_attempts.entry(&attempt.execution).or_default();
        sum.spent_nanos += attempt.balance.spent_nanos;
        sum.reserved_nanos += attempt.balance.reserved_nanos;
        sum.held_nanos += attempt.balance.held_nanos;
    }
    for (id, execution) in &facts.executions {
        let sum = of_attempts.remove(id.as_str()).unwrap_or_default();
        if execution.balance != sum {
            stage.find(format!(
                "execution {id} counts {:?}, its attempts {sum:?}",
                execution.balance
            ));
        }
    }
}
