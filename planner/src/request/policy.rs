//! The run policy, with every default written out.

use alloc::{format, string::String};

use limn_proto::{
    plan::{Money, QualityGate, RetryPolicy, RunPolicy, UnknownPolicy},
    reroll::{MAX_REROLLS, MAX_SCORE_BP},
};

use super::door::Door;
use crate::{
    limits::MAX_DUPLICATE_SPEND_NANOS,
    money::{display, is_currency_code},
};

/// Steps in progress at once when the request says nothing.
const DEFAULT_CONCURRENCY: u32 = 4;
/// Attempts per target when the request says nothing.
const DEFAULT_ATTEMPTS: u32 = 3;
/// Upper bound of the first delay when the request says nothing.
const DEFAULT_INITIAL_BACKOFF_MS: u32 = 1_000;
/// Upper bound of every delay when the request says nothing.
const DEFAULT_MAX_BACKOFF_MS: u32 = 30_000;
/// Growth of the delays when the request says nothing: times two.
const DEFAULT_MULTIPLIER_MILLI: u32 = 2_000;

/// Checks the policy of a request. The limits are those of the comments in `plan.proto`.
pub(super) fn parse(policy: Option<&RunPolicy>, currency: &str, door: &mut Door<'_>) -> RunPolicy {
    let default = RunPolicy::default();
    let policy = policy.unwrap_or(&default);
    let max_concurrency = door.number(
        "policy.max_concurrency",
        policy.max_concurrency,
        DEFAULT_CONCURRENCY,
        1,
        64,
    );
    let attempt_timeout_ms = door.number(
        "policy.attempt_timeout_ms",
        policy.attempt_timeout_ms,
        0,
        1_000,
        3_600_000,
    );
    let on_unknown = on_unknown(policy.on_unknown, door);
    let max_duplicate_spend = max_duplicate_spend(policy, on_unknown, currency, door);
    let quality_gate = policy.quality_gate.as_ref();
    RunPolicy {
        max_concurrency,
        stop_on_first_error: policy.stop_on_first_error,
        retry: Some(retry(policy.retry.as_ref(), door)),
        disable_fallback: policy.disable_fallback,
        max_cost: policy
            .max_cost
            .as_ref()
            .and_then(|limit| max_cost(limit, currency, door)),
        attempt_timeout_ms,
        on_unknown: on_unknown.unwrap_or_default().into(),
        max_duplicate_spend,
        quality_gate: quality_gate.and_then(|gate| self::quality_gate(gate, door)),
    }
}

fn retry(retry: Option<&RetryPolicy>, door: &mut Door<'_>) -> RetryPolicy {
    let default = RetryPolicy::default();
    let retry = retry.unwrap_or(&default);
    let mut number = |field, value, default, least, most| door.number(field, value, default, least, most);
    let max_attempts = number(
        "policy.retry.max_attempts",
        retry.max_attempts,
        DEFAULT_ATTEMPTS,
        1,
        10,
    );
    let initial_backoff_ms = number(
        "policy.retry.initial_backoff_ms",
        retry.initial_backoff_ms,
        DEFAULT_INITIAL_BACKOFF_MS,
        1,
        60_000,
    );
    // A long first delay without a bound of its own is no contradiction.
    let default_max = DEFAULT_MAX_BACKOFF_MS.max(initial_backoff_ms);
    let max_backoff_ms = number(
        "policy.retry.max_backoff_ms",
        retry.max_backoff_ms,
        default_max,
        1,
        600_000,
    );
    let multiplier_milli = number(
        "policy.retry.multiplier_milli",
        retry.multiplier_milli,
        DEFAULT_MULTIPLIER_MILLI,
        1_000,
        10_000,
    );
    if retry.max_backoff_ms != 0 && max_backoff_ms < initial_backoff_ms {
        let description = format!("is below initial_backoff_ms, which is {initial_backoff_ms}");
        door.refuse("policy.retry.max_backoff_ms", description);
    }
    RetryPolicy {
        max_attempts,
        initial_backoff_ms,
        max_backoff_ms,
        multiplier_milli,
    }
}

fn max_cost(limit: &Money, currency: &str, door: &mut Door<'_>) -> Option<Money> {
    let description = if let Some(description) = other_currency(limit, currency) {
        description
    } else if limit.nanos < 0 {
        "is negative".into()
    } else {
        return Some(limit.clone());
    };
    door.refuse("policy.max_cost", description);
    None
}

/// What to do about unknown outcomes. Nothing when the request names no value of the enumeration.
fn on_unknown(number: i32, door: &mut Door<'_>) -> Option<UnknownPolicy> {
    match UnknownPolicy::try_from(number) {
        // Said in one way, the one of plans from before there was a choice.
        Ok(UnknownPolicy::Hold) => Some(UnknownPolicy::Unspecified),
        Ok(stated) => Some(stated),
        Err(_) => {
            let description = format!(
                "is {number}, which is no value of this enumeration; leave it out to hold what is unknown"
            );
            door.refuse("policy.on_unknown", description);
            None
        }
    }
}

/// The limit of what may be spent again. That it covers the dearest target is checked once targets are chosen.
fn max_duplicate_spend(
    policy: &RunPolicy,
    on_unknown: Option<UnknownPolicy>,
    currency: &str,
    door: &mut Door<'_>,
) -> Option<Money> {
    // Without a known policy nothing can be said about its limit.
    let on_unknown = on_unknown?;
    let limit = policy.max_duplicate_spend.as_ref();
    let description = match (on_unknown, limit) {
        (UnknownPolicy::WriteOffAndRetryOnce, None) => {
            "is missing; UNKNOWN_POLICY_WRITE_OFF_AND_RETRY_ONCE needs the most that may be spent again, at least \
             the price ceiling of one picture"
                .into()
        }
        (UnknownPolicy::WriteOffAndRetryOnce, Some(limit)) => {
            if let Some(description) = other_currency(limit, currency) {
                description
            } else if !(1..=MAX_DUPLICATE_SPEND_NANOS).contains(&limit.nanos) {
                format!(
                    "is {}; must be above zero and at most 1000000 {currency}",
                    display(limit)
                )
            } else {
                return Some(limit.clone());
            }
        }
        (_, None) => return None,
        (never_again, Some(limit)) => {
            let name = match never_again {
                UnknownPolicy::Unspecified => UnknownPolicy::Hold.as_str_name(),
                named => named.as_str_name(),
            };
            format!(
                "is {}, but on_unknown is {name}, which never spends again; leave it out, or choose \
                 UNKNOWN_POLICY_WRITE_OFF_AND_RETRY_ONCE",
                display(limit).escape_debug(),
            )
        }
    };
    door.refuse("policy.max_duplicate_spend", description);
    None
}

/// How good a picture must be. A gate with a wrong number counts as none.
fn quality_gate(gate: &QualityGate, door: &mut Door<'_>) -> Option<QualityGate> {
    let is_score = (1..=MAX_SCORE_BP).contains(&gate.min_score_bp);
    if !is_score {
        let description = format!(
            "is {}; must be 1 to {MAX_SCORE_BP} basis points, for example 6000 for 60 %, or leave quality_gate out to \
             take every picture",
            gate.min_score_bp
        );
        door.refuse("policy.quality_gate.min_score_bp", description);
    }
    let is_number = gate.max_rerolls <= MAX_REROLLS;
    if !is_number {
        let description = format!(
            "is {}; must be 0 to {MAX_REROLLS}, each of which can cost as much as the first picture",
            gate.max_rerolls
        );
        door.refuse("policy.quality_gate.max_rerolls", description);
    }
    (is_score && is_number).then_some(*gate)
}

/// What is wrong with the currency of a limit.
fn other_currency(limit: &Money, currency: &str) -> Option<String> {
    if !is_currency_code(&limit.currency_code) {
        return Some(format!(
            "has no currency code of three uppercase letters; prices are in {currency}"
        ));
    }
    let other = limit.currency_code != currency;
    other.then(|| format!("is in {}, but prices are in {currency}", limit.currency_code))
}
