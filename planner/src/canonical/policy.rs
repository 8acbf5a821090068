//! Rules of the run policy: limits, and every default written out.

use alloc::format;

use limn_proto::{
    plan::{CostEstimate, RunPolicy, UnknownPolicy},
    reroll::{MAX_REROLLS, MAX_SCORE_BP},
};

use super::rules::Rules;
use crate::limits::MAX_DUPLICATE_SPEND_NANOS;

/// Checks the policy against its limits and the prices of the plan.
pub(super) fn check(policy: &RunPolicy, cost: Option<&CostEstimate>, currency: &str, rules: &mut Rules<'_>) {
    rules.range("policy.max_concurrency", policy.max_concurrency, 1, 64);
    if policy.attempt_timeout_ms != 0 {
        rules.range(
            "policy.attempt_timeout_ms",
            policy.attempt_timeout_ms,
            1_000,
            3_600_000,
        );
    }
    match &policy.retry {
        Some(retry) => {
            rules.range("policy.retry.max_attempts", retry.max_attempts, 1, 10);
            rules.range(
                "policy.retry.initial_backoff_ms",
                retry.initial_backoff_ms,
                1,
                60_000,
            );
            rules.range("policy.retry.max_backoff_ms", retry.max_backoff_ms, 1, 600_000);
            rules.range(
                "policy.retry.multiplier_milli",
                retry.multiplier_milli,
                1_000,
                10_000,
            );
        }
        None => rules.broken("policy.retry", "is missing; a plan has every default written out"),
    }
    if let Some(limit) = &policy.max_cost {
        rules.money("policy.max_cost", Some(limit), currency);
    }
    rules.known::<UnknownPolicy>("policy.on_unknown", policy.on_unknown, false);
    let said_once = policy.on_unknown() != UnknownPolicy::Hold;
    rules.hold(
        said_once,
        "policy.on_unknown",
        "is UNKNOWN_POLICY_HOLD, which a plan says by leaving it out",
    );
    check_duplicate_spend(policy, cost, currency, rules);
    if let Some(gate) = &policy.quality_gate {
        let (score, rerolls) = (gate.min_score_bp, gate.max_rerolls);
        rules.range("policy.quality_gate.min_score_bp", score, 1, MAX_SCORE_BP);
        rules.range("policy.quality_gate.max_rerolls", rerolls, 0, MAX_REROLLS);
    }
}

/// A limit of what may be spent again stands where something can be, and pays for any one picture.
fn check_duplicate_spend(
    policy: &RunPolicy,
    cost: Option<&CostEstimate>,
    currency: &str,
    rules: &mut Rules<'_>,
) {
    const FIELD: &str = "policy.max_duplicate_spend";
    if policy.on_unknown() != UnknownPolicy::WriteOffAndRetryOnce {
        let absent = policy.max_duplicate_spend.is_none();
        rules.hold(
            absent,
            FIELD,
            "is for UNKNOWN_POLICY_WRITE_OFF_AND_RETRY_ONCE only",
        );
        return;
    }
    let Some(nanos) = rules.money(FIELD, policy.max_duplicate_spend.as_ref(), currency) else {
        return;
    };
    if !(1..=MAX_DUPLICATE_SPEND_NANOS).contains(&nanos) {
        let description = format!("is {nanos} nanos; must be 1 to {MAX_DUPLICATE_SPEND_NANOS}");
        rules.broken(FIELD, description);
    }
    let lines = cost.map(|cost| cost.lines.as_slice()).unwrap_or_default();
    let ceilings = lines.iter().filter_map(|line| line.attempt_ceiling.as_ref());
    let dearest = ceilings.map(|ceiling| ceiling.nanos).max().unwrap_or(0);
    rules.hold(
        nanos >= dearest,
        FIELD,
        "is below the dearest attempt_ceiling of the plan",
    );
}
