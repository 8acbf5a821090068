//! Reading `UpdateBudget`: what is to change, for whom, and why.

use limn_executor::{
    clock::UnixMicros,
    ids::{IdSource as _, TimeOrderedIds},
    records::{BudgetKey, BudgetUpdate, Period},
};
use limn_proto::{
    plan::Money,
    reason::Reason,
    v1::{Budget, BudgetPeriod, UpdateBudgetRequest},
};

use super::{super::request::Fields, messages::version_of};
use crate::refusal::Refusal;

/// Longest name of who decides, in characters.
const MAX_ACTOR_CHARS: usize = 256;
/// Longest explanation, in characters.
const MAX_REASON_CHARS: usize = 1024;
/// A version that no budget has: what stands for a tag that is none of ours.
const NO_VERSION: i64 = -1;

/// The change that a request asks for, or everything that is wrong with it.
pub(super) fn read(request: &UpdateBudgetRequest, now: UnixMicros) -> Result<BudgetUpdate, Refusal> {
    let mut fields = Fields::default();
    let actor = fields.words("actor", &request.actor, MAX_ACTOR_CHARS);
    let reason = fields.words("reason", &request.reason, MAX_REASON_CHARS);
    let mask = read_mask(&mut fields, request);
    let Some(budget) = &request.budget else {
        fields.wrong("budget", "is required");
        return fields.finish(None);
    };
    let name = fields.budget("budget.name", &budget.name);
    let currency = fields.currency("budget.currency", &budget.currency);
    let limit_nanos = mask
        .limit
        .then(|| read_limit(&mut fields, budget, currency.as_deref()));
    let period = mask.period.then(|| read_period(&mut fields, budget));
    let needed = name.zip(currency).zip(actor.zip(reason));
    let (((client, _), currency), (actor, reason)) = fields.finish(needed)?;
    Ok(BudgetUpdate {
        key: BudgetKey {
            scope: budget.name.clone(),
            currency,
        },
        client: client.to_owned(),
        limit_nanos,
        period: period.flatten(),
        expected_version: (!budget.etag.is_empty()).then(|| version_of(&budget.etag).unwrap_or(NO_VERSION)),
        actor: actor.to_owned(),
        reason: reason.to_owned(),
        audit_id: TimeOrderedIds.next(),
        now,
    })
}

/// What is to be changed.
#[derive(Default)]
struct Mask {
    limit: bool,
    period: bool,
}

fn read_mask(fields: &mut Fields, request: &UpdateBudgetRequest) -> Mask {
    let mut mask = Mask::default();
    let paths = request
        .update_mask
        .as_ref()
        .map_or(&[][..], |mask| mask.paths.as_slice());
    if paths.is_empty() {
        let what = "must name what to change: \"limit\", \"period\", or both";
        fields.wrong_as(Reason::BadUpdateMask, "update_mask", what);
    }
    for path in paths {
        match path.as_str() {
            "limit" => mask.limit = true,
            "period" => mask.period = true,
            other => {
                let what = format!("{other:?} cannot be changed: only \"limit\" and \"period\" can");
                fields.wrong_as(Reason::BadUpdateMask, "update_mask", what);
            }
        }
    }
    mask
}

/// The new limit; nothing: none any more.
fn read_limit(fields: &mut Fields, budget: &Budget, currency: Option<&str>) -> Option<i64> {
    let Money { currency_code, nanos } = budget.limit.as_ref()?;
    if *nanos < 0 {
        fields.wrong(
            "budget.limit.nanos",
            format!("must not be negative, but is {nanos}"),
        );
    }
    if currency.is_some_and(|currency| !currency_code.is_empty() && currency_code != currency) {
        let what = format!("must be the currency of the budget, not {currency_code:?}");
        fields.wrong("budget.limit.currency_code", what);
    }
    Some(*nanos)
}

fn read_period(fields: &mut Fields, budget: &Budget) -> Option<Period> {
    match fields.known::<BudgetPeriod>("budget.period", budget.period)? {
        BudgetPeriod::Day => Some(Period::Day),
        BudgetPeriod::Month => Some(Period::Month),
        BudgetPeriod::Never => Some(Period::Never),
        BudgetPeriod::Unspecified => {
            fields.wrong("budget.period", "must be a day, a month or never");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use pbjson_types::FieldMask;

    use super::*;

    const NOW: UnixMicros = UnixMicros(1_700_000_000_000_000);

    fn request(paths: &[&str]) -> UpdateBudgetRequest {
        UpdateBudgetRequest {
            budget: Some(Budget {
                name: "clients/acme/budgets/client".to_owned(),
                limit: Some(Money {
                    currency_code: String::new(),
                    nanos: 5,
                }),
                period: BudgetPeriod::Month.into(),
                ..Budget::default()
            }),
            update_mask: Some(FieldMask {
                paths: paths.iter().map(|path| (*path).to_owned()).collect(),
            }),
            actor: "ada".to_owned(),
            reason: "a new quarter".to_owned(),
        }
    }

    fn refused(request: &UpdateBudgetRequest) -> (Reason, Vec<String>) {
        let refusal = read(request, NOW).unwrap_err();
        let subjects = refusal.details.violations.into_iter();
        (
            refusal.reason,
            subjects.map(|violation| violation.subject).collect(),
        )
    }

    #[test]
    fn only_what_the_mask_names_is_changed() {
        let update = read(&request(&["limit"]), NOW).unwrap();
        assert_eq!((update.limit_nanos, update.period), (Some(Some(5)), None));
        let update = read(&request(&["period"]), NOW).unwrap();
        assert_eq!((update.limit_nanos, update.period), (None, Some(Period::Month)));
        assert_eq!(
            (update.key.currency.as_str(), update.client.as_str()),
            ("USD", "acme")
        );
        assert_eq!(update.expected_version, None);
    }

    #[test]
    fn a_limit_that_is_named_and_absent_is_taken_away() {
        let mut request = request(&["limit"]);
        request.budget.as_mut().unwrap().limit = None;
        assert_eq!(read(&request, NOW).unwrap().limit_nanos, Some(None));
    }

    #[test]
    fn a_mask_that_names_nothing_or_something_else_is_refused_as_such() {
        for paths in [&[][..], &["spent"], &["*"]] {
            let (reason, subjects) = refused(&request(paths));
            assert_eq!((reason, subjects.len()), (Reason::BadUpdateMask, 1), "{paths:?}");
        }
        let absent = UpdateBudgetRequest {
            update_mask: None,
            ..request(&[])
        };
        assert_eq!(refused(&absent).0, Reason::BadUpdateMask);
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let wrong = UpdateBudgetRequest {
            budget: Some(Budget {
                name: "clients/acme/budgets/galaxy".to_owned(),
                currency: "dollars".to_owned(),
                limit: Some(Money {
                    currency_code: "EUR".to_owned(),
                    nanos: -1,
                }),
                period: 0,
                ..Budget::default()
            }),
            actor: " ".to_owned(),
            reason: "x".repeat(1025),
            ..request(&["limit", "period", "etag"])
        };
        let (reason, subjects) = refused(&wrong);
        assert_eq!(reason, Reason::InvalidRequest);
        let expected = [
            "actor",
            "reason",
            "update_mask",
            "budget.name",
            "budget.currency",
            "budget.limit.nanos",
            "budget.period",
        ];
        assert_eq!(subjects, expected);
    }

    #[test]
    fn a_tag_that_is_none_of_ours_matches_nothing() {
        for (etag, expected) in [("v3", Some(3)), ("W/\"3\"", Some(NO_VERSION)), ("", None)] {
            let mut request = request(&["limit"]);
            request.budget.as_mut().unwrap().etag = etag.to_owned();
            assert_eq!(read(&request, NOW).unwrap().expected_version, expected);
        }
    }
}
