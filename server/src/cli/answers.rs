//! What a provider said about its answer, as text for people: the seed, the version of the model, what was used and what
//! it cost.

use limn_proto::{percent, plan::Money, plan::SeedMode, v1};

use super::money;

/// An amount that was billed. Nothing is said about one that is known.
pub(crate) fn cost(amount: Option<&Money>, is_estimated: bool) -> String {
    let estimated = if is_estimated { " (estimated)" } else { "" };
    format!("{}{estimated}", money::show_known(amount))
}

/// The sum of an execution, which may hold lines of both kinds.
pub(crate) fn total(cost: &v1::SettledCost) -> String {
    let estimated = cost.lines.iter().filter(|line| line.estimated).count();
    let note = match estimated {
        0 => "",
        all if all == cost.lines.len() => " (estimated)",
        _ => " (partly estimated)",
    };
    format!("{}{note}", money::show_known(cost.total.as_ref()))
}

/// The seed of the plan, and the one that was used where that is another.
pub(crate) fn seed(image: &v1::Image) -> String {
    let note = match (image.effective_seed, image.seed_mode()) {
        (Some(effective), _) if effective == u64::from(image.seed) => String::new(),
        (Some(effective), _) => format!(" (the provider used {effective})"),
        (None, SeedMode::Unsupported) => " (not sent: the model takes none)".to_owned(),
        (None, SeedMode::Unspecified | SeedMode::Given | SeedMode::Derived) => String::new(),
    };
    format!("seed {}{note}", image.seed)
}

/// How good a picture is, and what is worst about one that is not perfect.
pub(crate) fn quality(quality: &v1::QualityScore) -> String {
    let score = percent::show(quality.score_bp);
    match quality.parts_bp.get(&quality.worst_part) {
        Some(part) => format!("{score} (worst: {} {})", quality.worst_part, percent::show(*part)),
        None => score,
    }
}

/// What was used, by unit; nothing where the provider did not say.
pub(crate) fn usage(attempt: &v1::Attempt) -> Option<String> {
    let used: Vec<String> = attempt
        .usage
        .iter()
        .filter(|(_, quantity)| **quantity != 0)
        .map(|(unit, quantity)| format!("{quantity} {unit}"))
        .collect();
    (!used.is_empty()).then(|| used.join(", "))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn dollars(nanos: i64) -> Option<Money> {
        Some(Money {
            currency_code: "USD".to_owned(),
            nanos,
        })
    }

    #[test]
    fn a_cost_says_when_it_is_estimated() {
        let amount = dollars(40_000_000);
        assert_eq!(cost(amount.as_ref(), true), "$0.04 (estimated)");
        assert_eq!(cost(amount.as_ref(), false), "$0.04");
        assert_eq!(cost(None, false), "unknown");
    }

    #[test]
    fn a_sum_says_how_much_of_it_is_estimated() {
        let sum = |lines: &[bool]| {
            total(&v1::SettledCost {
                total: dollars(80_000_000),
                lines: lines
                    .iter()
                    .map(|estimated| v1::SettledLine {
                        estimated: *estimated,
                        ..Default::default()
                    })
                    .collect(),
                ..Default::default()
            })
        };
        assert_eq!(sum(&[]), "$0.08");
        assert_eq!(sum(&[false, false]), "$0.08");
        assert_eq!(sum(&[true, false]), "$0.08 (partly estimated)");
        assert_eq!(sum(&[true, true]), "$0.08 (estimated)");
    }

    #[test]
    fn a_seed_says_when_another_was_used() {
        let shown = |effective_seed, mode: SeedMode| {
            seed(&v1::Image {
                seed: 7,
                seed_mode: mode.into(),
                effective_seed,
                ..Default::default()
            })
        };
        assert_eq!(shown(None, SeedMode::Derived), "seed 7");
        assert_eq!(shown(Some(7), SeedMode::Given), "seed 7");
        assert_eq!(
            shown(Some(u64::MAX), SeedMode::Given),
            "seed 7 (the provider used 18446744073709551615)"
        );
        assert_eq!(
            shown(None, SeedMode::Unsupported),
            "seed 7 (not sent: the model takes none)"
        );
        assert_eq!(
            shown(Some(9), SeedMode::Unsupported),
            "seed 7 (the provider used 9)"
        );
    }

    #[test]
    fn usage_is_shown_by_unit_where_there_is_one() {
        let mut attempt = v1::Attempt::default();
        assert_eq!(usage(&attempt), None);
        attempt.usage = BTreeMap::from([
            ("image_input_token".to_owned(), 0),
            ("image_output_token".to_owned(), 4160),
            ("text_input_token".to_owned(), 12),
        ]);
        assert_eq!(
            usage(&attempt).as_deref(),
            Some("4160 image_output_token, 12 text_input_token")
        );
    }
}
