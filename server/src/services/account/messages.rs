//! Records of an account as messages of the contract.

use limn_executor::{
    records::{
        AuditEvent, BalanceField, BudgetRecord, LedgerDifference, Period, StoredBytes, UsageRecord,
        Verification,
    },
    snapshot::timestamp,
};
use limn_proto::{
    name::{Collection, resource_name},
    plan::Money,
    v1::{self, BudgetPeriod, VerifyLedgerResponse},
};

use crate::config::StoragePrice;

fn money(currency: &str, nanos: i64) -> Money {
    Money {
        currency_code: currency.to_owned(),
        nanos,
    }
}

/// The tag of a version of a budget.
pub(super) fn etag(version: i64) -> String {
    format!("v{version}")
}

/// The version of a tag; nothing when it is none of ours.
pub(super) fn version_of(etag: &str) -> Option<i64> {
    etag.strip_prefix('v')?.parse().ok()
}

pub(super) fn budget(record: &BudgetRecord) -> v1::Budget {
    let money = |nanos| money(&record.key.currency, nanos);
    let period = match record.period {
        Period::Day => BudgetPeriod::Day,
        Period::Month => BudgetPeriod::Month,
        Period::Never => BudgetPeriod::Never,
    };
    v1::Budget {
        name: record.key.scope.clone(),
        currency: record.key.currency.clone(),
        limit: record.limit_nanos.map(money),
        period: period.into(),
        spent: Some(money(record.balance.spent_nanos)),
        reserved: Some(money(record.balance.reserved_nanos)),
        unknown_held: Some(money(record.balance.unknown_held_nanos)),
        available: record.available_nanos().map(money),
        period_start_time: record.period_start.map(timestamp),
        reset_time: record.reset_at.map(timestamp),
        update_time: record.updated_at.map(timestamp),
        etag: etag(record.version),
    }
}

pub(super) fn usage(record: &UsageRecord, currency: &str) -> v1::UsageLine {
    v1::UsageLine {
        provider: record.provider.clone(),
        model: record.model.clone(),
        images: record.images,
        attempts: record.attempts,
        failures: record.failures,
        unknown: record.unknown,
        cost: Some(money(currency, record.cost_nanos)),
        mean_latency_ms: record.mean_latency_ms().unwrap_or_default(),
        mean_quality_bp: record.mean_quality_bp().and_then(|bp| u32::try_from(bp).ok()),
    }
}

/// What is kept, and what keeping it costs by a price of ours.
pub(super) fn storage(stored: StoredBytes, price: Option<&StoragePrice>) -> v1::StorageUsage {
    v1::StorageUsage {
        objects: i64::try_from(stored.objects).unwrap_or(i64::MAX),
        size_bytes: i64::try_from(stored.bytes).unwrap_or(i64::MAX),
        estimated_monthly_cost: price.map(|price| money(&price.currency, price.month_nanos(stored.bytes))),
    }
}

/// All lines together, without provider and model.
pub(super) fn usage_total(records: &[UsageRecord], currency: &str) -> v1::UsageLine {
    let mut total = UsageRecord::default();
    for record in records {
        total.add(record);
    }
    usage(&total, currency)
}

pub(super) fn audit_event(event: &AuditEvent) -> v1::AuditEvent {
    v1::AuditEvent {
        name: resource_name(&event.client, Collection::AuditEvents, &event.id.to_string()),
        event_time: Some(timestamp(event.at)),
        actor: event.actor.clone(),
        action: event.action.as_str().to_owned(),
        subject: event.subject.clone(),
        reason: event.reason.clone(),
        details: event
            .details
            .iter()
            .map(|(name, fact)| (name.clone(), fact.clone()))
            .collect(),
    }
}

pub(super) fn verification(verified: Verification) -> VerifyLedgerResponse {
    VerifyLedgerResponse {
        entries: verified.entries,
        budgets: verified.budgets,
        executions: verified.executions,
        differences: verified.differences.into_iter().map(difference).collect(),
        attempts: verified.attempts,
        events: verified.events,
        truncated: verified.truncated,
    }
}

fn difference(found: LedgerDifference) -> v1::LedgerDifference {
    v1::LedgerDifference {
        budget: found.budget,
        currency: found.currency,
        field: found.field.map_or("", BalanceField::as_str).to_owned(),
        ledger_nanos: found.ledger_nanos,
        balance_nanos: found.balance_nanos,
        detail: found.detail,
    }
}
