//! What an answer costs, and how that is known.

use std::collections::BTreeMap;

use crate::{
    plan::{MAX_AMOUNT_NANOS, Price},
    provider::Bill,
    records::CostSource,
};

/// What an answer costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cost {
    /// In billionths of the plan's currency.
    pub(crate) nanos: i64,
    /// How that is known.
    pub(crate) source: CostSource,
    /// What the answer says was used, by unit.
    pub(crate) usage: BTreeMap<String, i64>,
}

impl Cost {
    /// The cost of an answer with this bill: as the provider tells it, else nothing where the catalog says so, else what was
    /// used at the prices of the plan, else the price that the plan expects. A bill that is negative or absurd is not
    /// believed.
    pub(crate) fn of(price: &Price, bill: &Bill) -> Self {
        let told = bill.cost_nanos.filter(believable);
        let (nanos, source) = match (told, by_usage(price, &bill.usage)) {
            (Some(nanos), _) => (nanos, CostSource::Reported),
            // Our own knowledge, not the provider's word.
            (None, _) if bill.is_unbilled => (0, CostSource::Estimated),
            (None, Some(nanos)) => (nanos, CostSource::Usage),
            (None, None) => (price.expected_nanos, CostSource::Estimated),
        };
        Self {
            nanos,
            source,
            usage: bill.usage.clone(),
        }
    }
}

/// What was used, at the prices of the plan. Nothing when it says nothing, when a unit has no price, and when the sum
/// cannot be true.
fn by_usage(price: &Price, usage: &BTreeMap<String, i64>) -> Option<i64> {
    // Free whatever is used.
    if price.ceiling_nanos == 0 {
        return Some(0);
    }
    let unit_nanos: BTreeMap<&str, i64> = price
        .unit_nanos
        .iter()
        .map(|(unit, nanos)| (unit.as_str(), *nanos))
        .collect();
    // Nothing of a unit needs no price; nothing of any unit says nothing.
    let mut used = usage.iter().filter(|(_, quantity)| **quantity != 0).peekable();
    used.peek()?;
    used.try_fold(0_i64, |sum, (unit, quantity)| {
        let amount = unit_nanos.get(unit.as_str())?.checked_mul(*quantity)?;
        sum.checked_add(amount)
    })
    .filter(believable)
}

fn believable(nanos: &i64) -> bool {
    (0..=MAX_AMOUNT_NANOS).contains(nanos)
}

#[cfg(test)]
mod tests {
    use super::*;
    use CostSource::{Estimated, Reported, Usage};

    fn price() -> Price {
        Price {
            expected_nanos: 50,
            ceiling_nanos: 90,
            unit_nanos: vec![("text".to_owned(), 2), ("image".to_owned(), 3)],
        }
    }

    fn cost_at(price: &Price, cost_nanos: Option<i64>, usage: &[(&str, i64)]) -> (i64, CostSource) {
        let usage = usage
            .iter()
            .map(|(unit, quantity)| ((*unit).to_owned(), *quantity));
        let bill = Bill {
            cost_nanos,
            usage: usage.collect(),
            is_unbilled: false,
        };
        let cost = Cost::of(price, &bill);
        assert_eq!(cost.usage, bill.usage, "kept as it was told");
        (cost.nanos, cost.source)
    }

    fn cost(cost_nanos: Option<i64>, usage: &[(&str, i64)]) -> (i64, CostSource) {
        cost_at(&price(), cost_nanos, usage)
    }

    #[test]
    fn a_cost_is_what_the_provider_says_else_its_usage_else_our_own_price() {
        assert_eq!(cost(Some(77), &[("image", 10)]), (77, Reported));
        assert_eq!(
            cost(None, &[("text", 4), ("image", 10), ("unpriced", 0)]),
            (38, Usage)
        );
        assert_eq!(cost(None, &[]), (50, Estimated));
    }

    #[test]
    fn a_bill_that_cannot_be_true_or_says_nothing_is_never_taken_as_zero() {
        assert_eq!(cost(Some(-1), &[]), (50, Estimated));
        assert_eq!(cost(Some(-1), &[("image", 1)]), (3, Usage));
        assert_eq!(cost(None, &[("image", i64::MAX)]), (50, Estimated));
        assert_eq!(cost(None, &[("image", -1)]), (50, Estimated));
        assert_eq!(cost(None, &[("unpriced", 1)]), (50, Estimated));
        assert_eq!(cost(None, &[("text", 0), ("image", 0)]), (50, Estimated));
    }

    #[test]
    fn what_the_catalog_says_is_not_billed_costs_nothing_unless_the_provider_tells_a_cost() {
        for (cost_nanos, expected) in [
            (None, (0, Estimated)),
            (Some(-1), (0, Estimated)),
            (Some(0), (0, Reported)),
            (Some(77), (77, Reported)),
        ] {
            let bill = Bill {
                cost_nanos,
                usage: BTreeMap::from([("image".to_owned(), 10)]),
                is_unbilled: true,
            };
            let cost = Cost::of(&price(), &bill);
            assert_eq!((cost.nanos, cost.source), expected);
            assert_eq!(cost.usage, bill.usage, "kept as it was told");
        }
    }

    #[test]
    fn what_is_free_is_no_estimate() {
        let free = Price {
            expected_nanos: 0,
            ceiling_nanos: 0,
            unit_nanos: Vec::new(),
        };
        assert_eq!(cost_at(&free, None, &[]), (0, Usage));
        assert_eq!(cost_at(&free, None, &[("image", 1)]), (0, Usage));
        assert_eq!(cost_at(&free, Some(5), &[]), (5, Reported));
    }
}
