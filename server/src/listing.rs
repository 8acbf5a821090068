//! What callers are told about providers: the catalog, how each is worked with, and how it does.

use std::{collections::BTreeMap, time::Duration};

use limn_executor::{
    clock::UnixMicros,
    provider::CapabilityClass,
    providers::{Deadlines, RefusalBilling, Traits},
    records::GateRecord,
    snapshot::timestamp,
};
use limn_planner::Catalog;
use limn_proto::v1;

use crate::Gates;

/// Every provider with its models, in order of the id. Without gates nothing is said about how they do.
pub fn listing(
    catalog: &Catalog,
    traits: &BTreeMap<String, Traits>,
    gates: Option<&Gates>,
) -> Vec<v1::Provider> {
    let mut providers = catalog.listing();
    for provider in &mut providers {
        if let Some(traits) = traits.get(&provider.provider) {
            add_traits(provider, traits);
        }
        if let Some((gates, now)) = gates.filter(|_| provider.enabled) {
            let gate = gates.iter().find(|gate| gate.provider == provider.provider);
            provider.health = Some(health(gate, *now));
        }
    }
    providers
}

fn add_traits(provider: &mut v1::Provider, traits: &Traits) {
    let class = match traits.class {
        CapabilityClass::A => v1::CapabilityClass::A,
        CapabilityClass::B => v1::CapabilityClass::B,
        CapabilityClass::C => v1::CapabilityClass::C,
        CapabilityClass::D => v1::CapabilityClass::D,
    };
    let refusals = match traits.refusals {
        RefusalBilling::No => v1::RefusalBilling::No,
        RefusalBilling::Yes => v1::RefusalBilling::Yes,
        RefusalBilling::Unknown => v1::RefusalBilling::Unknown,
    };
    provider.capability_class = class.into();
    provider.refusal_billing = refusals.into();
    provider.limits = Some(v1::ProviderLimits {
        max_concurrency: traits.limits.max_concurrency.unwrap_or_default(),
        calls_per_minute: traits.limits.calls_per_minute.unwrap_or_default(),
    });
    provider.deadlines = deadlines(&traits.deadlines);
}

/// The most exact first, so that the first that fits is the one that counts.
fn deadlines(deadlines: &Deadlines) -> Vec<v1::CallDeadline> {
    let of = |model: &str, quality: &str, deadline: Duration| v1::CallDeadline {
        model: model.to_owned(),
        quality: quality.to_owned(),
        deadline: Some(pbjson_types::Duration {
            seconds: i64::try_from(deadline.as_secs()).unwrap_or(i64::MAX),
            nanos: deadline.subsec_nanos().cast_signed(),
        }),
    };
    let mut listed = Vec::new();
    for (model, of_model) in &deadlines.models {
        let by_quality = of_model.qualities.iter();
        listed.extend(by_quality.map(|(quality, deadline)| of(model, quality, *deadline)));
        listed.extend(of_model.default.map(|deadline| of(model, "", deadline)));
    }
    listed.push(of("", "", deadlines.default));
    listed
}

fn health(gate: Option<&GateRecord>, now: UnixMicros) -> v1::ProviderHealth {
    let Some(gate) = gate else {
        return v1::ProviderHealth {
            state: v1::HealthState::Working.into(),
            ..v1::ProviderHealth::default()
        };
    };
    let later = |time: Option<UnixMicros>| time.filter(|time| now < *time);
    let (state, until) = match (gate.open_until, later(gate.cooling_until)) {
        (Some(until), _) if now < until => (v1::HealthState::Open, Some(until)),
        (Some(_), _) => (v1::HealthState::HalfOpen, None),
        (None, Some(until)) => (v1::HealthState::CoolingDown, Some(until)),
        (None, None) if gate.failures > 0 => (v1::HealthState::Failing, None),
        (None, None) => (v1::HealthState::Working, None),
    };
    v1::ProviderHealth {
        state: state.into(),
        reason: match state {
            v1::HealthState::Working => String::new(),
            _ => gate.why.clone(),
        },
        until_time: until.map(timestamp),
        failures: gate.failures,
        calls_in_progress: gate.calling,
        update_time: (gate.updated_at > UnixMicros(0)).then(|| timestamp(gate.updated_at)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMicros = UnixMicros(1_000_000_000);

    fn state(change: impl FnOnce(&mut GateRecord)) -> v1::HealthState {
        let mut gate = GateRecord {
            provider: "easel".to_owned(),
            failures: 0,
            trips: 0,
            open_until: None,
            cooling_until: None,
            why: "it broke".to_owned(),
            updated_at: NOW,
            calling: 1,
            waiting: 0,
        };
        change(&mut gate);
        health(Some(&gate), NOW).state()
    }

    #[test]
    fn a_provider_is_in_the_state_that_its_next_call_would_find() {
        let (past, future) = (Some(UnixMicros(1)), Some(UnixMicros(2_000_000_000)));
        assert_eq!(health(None, NOW).state(), v1::HealthState::Working);
        assert_eq!(state(|_| ()), v1::HealthState::Working);
        assert_eq!(state(|gate| gate.failures = 2), v1::HealthState::Failing);
        assert_eq!(state(|gate| gate.cooling_until = past), v1::HealthState::Working);
        assert_eq!(
            state(|gate| gate.cooling_until = future),
            v1::HealthState::CoolingDown
        );
        assert_eq!(state(|gate| gate.open_until = future), v1::HealthState::Open);
        assert_eq!(state(|gate| gate.open_until = past), v1::HealthState::HalfOpen);
    }

    #[test]
    fn the_first_deadline_that_fits_is_the_one_that_counts() {
        let mut traits = Traits::default();
        let mut of_model = limn_executor::providers::ModelDeadlines {
            default: Some(Duration::from_secs(300)),
            ..Default::default()
        };
        of_model
            .qualities
            .insert("low".to_owned(), Duration::from_secs(60));
        traits.deadlines.models.insert("m".to_owned(), of_model);
        let listed = deadlines(&traits.deadlines);
        let shown: Vec<_> = listed
            .iter()
            .map(|deadline| {
                let seconds = deadline.deadline.as_ref().map(|time| time.seconds);
                (deadline.model.as_str(), deadline.quality.as_str(), seconds)
            })
            .collect();
        assert_eq!(
            shown,
            [("m", "low", Some(60)), ("m", "", Some(300)), ("", "", Some(600))]
        );
    }
}
