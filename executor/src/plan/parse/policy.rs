//! The run policy of a plan.

use std::time::Duration;

use limn_proto::{
    plan as wire,
    reroll::{MAX_REROLLS, MAX_SCORE_BP},
};

use super::{MAX_ATTEMPTS, Parser, Policy, QualityGate, UnknownPolicy};
use crate::backoff::Backoff;

impl Parser {
    pub(super) fn policy(&mut self, policy: Option<&wire::RunPolicy>, dearest_nanos: i64) -> Policy {
        self.require(policy.is_some(), "policy", "must be present");
        let policy = policy.cloned().unwrap_or_default();
        let retry = policy.retry.unwrap_or_default();
        self.require(
            policy.max_concurrency >= 1,
            "policy.max_concurrency",
            "must be at least 1",
        );
        let is_attempts = (1..=MAX_ATTEMPTS).contains(&retry.max_attempts);
        self.require(is_attempts, "policy.retry.max_attempts", "must be 1 to 10");
        self.require(
            retry.multiplier_milli >= 1000,
            "policy.retry.multiplier_milli",
            "must be at least 1000",
        );
        let on_unknown = self.on_unknown(policy.on_unknown);
        Policy {
            max_concurrency: policy.max_concurrency,
            stop_on_first_error: policy.stop_on_first_error,
            max_attempts: retry.max_attempts,
            backoff: Backoff {
                initial: Duration::from_millis(u64::from(retry.initial_backoff_ms)),
                max: Duration::from_millis(u64::from(retry.max_backoff_ms)),
                multiplier_milli: retry.multiplier_milli,
            },
            max_cost_nanos: policy
                .max_cost
                .as_ref()
                .map(|money| self.amount("policy.max_cost", Some(money))),
            attempt_timeout: (policy.attempt_timeout_ms > 0)
                .then(|| Duration::from_millis(u64::from(policy.attempt_timeout_ms))),
            on_unknown,
            max_duplicate_spend_nanos: self.max_duplicate_spend(
                on_unknown,
                policy.max_duplicate_spend.as_ref(),
                dearest_nanos,
            ),
            quality_gate: policy.quality_gate.map(|gate| QualityGate {
                min_score_bp: gate.min_score_bp,
                accept_best: gate.accept_best,
            }),
        }
    }

    /// True for a gate with a threshold and a number of re-rolls that there are.
    pub(super) fn is_gate(&mut self, gate: &wire::QualityGate) -> bool {
        let is_score = (1..=MAX_SCORE_BP).contains(&gate.min_score_bp);
        let field = "policy.quality_gate.min_score_bp";
        self.require(is_score, field, "must be 1 to 10000 basis points");
        let is_number = gate.max_rerolls <= MAX_REROLLS;
        self.require(is_number, "policy.quality_gate.max_rerolls", "must be 0 to 10");
        is_score && is_number
    }

    fn on_unknown(&mut self, number: i32) -> UnknownPolicy {
        match wire::UnknownPolicy::try_from(number) {
            Ok(wire::UnknownPolicy::Hold) => UnknownPolicy::Hold,
            Ok(wire::UnknownPolicy::WriteOffAndRetryOnce) => UnknownPolicy::WriteOffAndRetryOnce,
            Ok(wire::UnknownPolicy::WriteOffAndFail) => UnknownPolicy::WriteOffAndFail,
            // Plans that were stored before there was a choice say nothing, and what is unknown was held.
            Ok(wire::UnknownPolicy::Unspecified) => UnknownPolicy::Hold,
            Err(_) => {
                self.problem("policy.on_unknown", "is not known");
                UnknownPolicy::Hold
            }
        }
    }

    /// The limit stands where something can be spent again, and pays for any one picture of the plan.
    fn max_duplicate_spend(
        &mut self,
        on_unknown: UnknownPolicy,
        limit: Option<&wire::Money>,
        dearest_nanos: i64,
    ) -> Option<i64> {
        const FIELD: &str = "policy.max_duplicate_spend";
        match on_unknown {
            UnknownPolicy::Hold | UnknownPolicy::WriteOffAndFail => {
                self.require(
                    limit.is_none(),
                    FIELD,
                    "is for UNKNOWN_POLICY_WRITE_OFF_AND_RETRY_ONCE only",
                );
                None
            }
            UnknownPolicy::WriteOffAndRetryOnce => {
                let nanos = self.amount(FIELD, limit);
                let covers_one = nanos > 0 && nanos >= dearest_nanos;
                self.require(
                    limit.is_none() || covers_one,
                    FIELD,
                    "must be above zero, and at least the dearest attempt_ceiling of the plan",
                );
                Some(nanos)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEAREST_NANOS: i64 = 40;

    fn usd(nanos: i64) -> Option<wire::Money> {
        Some(wire::Money {
            currency_code: "USD".to_owned(),
            nanos,
        })
    }

    /// The policy for unknown outcomes of a plan in dollars, and the fields that are refused.
    fn parsed(on_unknown: i32, limit: Option<wire::Money>) -> (Policy, Vec<String>) {
        let spec = wire::PlanSpec {
            cost: Some(wire::CostEstimate {
                expected: usd(0),
                ..Default::default()
            }),
            ..Default::default()
        };
        let message = wire::RunPolicy {
            max_concurrency: 1,
            retry: Some(wire::RetryPolicy {
                max_attempts: 1,
                multiplier_milli: 1000,
                ..Default::default()
            }),
            on_unknown,
            max_duplicate_spend: limit,
            ..Default::default()
        };
        let mut parser = Parser::new(&spec);
        let policy = parser.policy(Some(&message), DEAREST_NANOS);
        let fields = parser.problems.into_iter().map(|problem| problem.field);
        (policy, fields.collect())
    }

    #[test]
    fn what_is_unknown_is_held_when_a_plan_says_nothing() {
        for number in [wire::UnknownPolicy::Unspecified, wire::UnknownPolicy::Hold] {
            let (policy, refused) = parsed(number.into(), None);
            assert_eq!(policy.on_unknown, UnknownPolicy::Hold);
            assert_eq!(policy.max_duplicate_spend_nanos, None);
            assert!(refused.is_empty(), "{refused:?}");
        }
    }

    #[test]
    fn a_gate_has_a_threshold_and_a_number_of_rerolls_that_there_are() {
        let refused = |min_score_bp, max_rerolls| {
            let mut parser = Parser::new(&wire::PlanSpec::default());
            let gate = wire::QualityGate {
                min_score_bp,
                max_rerolls,
                accept_best: true,
            };
            assert_eq!(parser.is_gate(&gate), parser.problems.is_empty());
            let fields = parser.problems.into_iter().map(|problem| problem.field);
            fields.collect::<Vec<_>>()
        };
        for (min_score_bp, max_rerolls) in [(1, 0), (10_000, 10)] {
            assert!(refused(min_score_bp, max_rerolls).is_empty());
        }
        let (score, rerolls) = (
            "policy.quality_gate.min_score_bp",
            "policy.quality_gate.max_rerolls",
        );
        assert_eq!(refused(0, 11), [score, rerolls]);
        assert_eq!(refused(10_001, 10), [score]);
        assert_eq!(refused(6_000, u32::MAX), [rerolls]);
    }

    #[test]
    fn drawing_again_comes_with_its_limit_and_failing_without() {
        let retry_once = wire::UnknownPolicy::WriteOffAndRetryOnce.into();
        let (policy, refused) = parsed(retry_once, usd(DEAREST_NANOS));
        assert_eq!(policy.on_unknown, UnknownPolicy::WriteOffAndRetryOnce);
        assert_eq!(policy.max_duplicate_spend_nanos, Some(DEAREST_NANOS));
        assert!(refused.is_empty(), "{refused:?}");

        let (policy, refused) = parsed(wire::UnknownPolicy::WriteOffAndFail.into(), None);
        assert_eq!(policy.on_unknown, UnknownPolicy::WriteOffAndFail);
        assert!(refused.is_empty(), "{refused:?}");
    }

    #[test]
    fn a_limit_that_does_not_fit_its_policy_is_refused() {
        let retry_once = wire::UnknownPolicy::WriteOffAndRetryOnce;
        let euros = usd(DEAREST_NANOS).map(|money| wire::Money {
            currency_code: "EUR".to_owned(),
            ..money
        });
        for (policy, limit) in [
            (retry_once, None),
            (retry_once, usd(DEAREST_NANOS - 1)),
            (retry_once, usd(-1)),
            (retry_once, usd(crate::plan::MAX_AMOUNT_NANOS + 1)),
            (retry_once, euros),
            (wire::UnknownPolicy::Unspecified, usd(DEAREST_NANOS)),
            (wire::UnknownPolicy::Hold, usd(DEAREST_NANOS)),
            (wire::UnknownPolicy::WriteOffAndFail, usd(DEAREST_NANOS)),
        ] {
            let (_, refused) = parsed(policy.into(), limit.clone());
            assert!(
                refused.iter().all(|field| field == "policy.max_duplicate_spend") && !refused.is_empty(),
                "{policy:?} with {limit:?}: {refused:?}"
            );
        }
        let (_, refused) = parsed(4, None);
        assert_eq!(refused, ["policy.on_unknown"]);
    }
}
