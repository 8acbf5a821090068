//! How many calls each outcome leads to, by what the plan allows: never one more, and never one to somebody whom the
//! plan does not name.

use limn_executor::{
    executor::{Order, Settings},
    provider::{Billing, CapabilityClass},
    records::{Breaker, ExecutionState, StepState},
};
use limn_proto::reason::Reason;

use crate::{
    scripted::{Act, Scripted},
    support::{Process, plan, spec},
};

/// What follows a call that came to this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Follows {
    /// The same call as often as the plan says, then the fallback.
    Retry,
    /// The fallback.
    Fallback,
    /// Nothing: the step fails.
    Nothing,
    /// Nothing: the step waits for a decision.
    Decision,
}

fn table() -> Vec<(Act, Follows)> {
    let refused = |reason| Act::Reject(reason, Billing::No);
    let mut table = vec![
        (Act::Unsent, Follows::Retry),
        (refused(Reason::ProviderUnavailable), Follows::Retry),
        (refused(Reason::ProviderRateLimited), Follows::Retry),
        (refused(Reason::ProviderAccount), Follows::Fallback),
        (refused(Reason::ProviderRejected), Follows::Fallback),
        (refused(Reason::ContentBlocked), Follows::Nothing),
        (Act::NoImage, Follows::Nothing),
        (Act::WrongSize, Follows::Nothing),
        (Act::Lose, Follows::Decision),
    ];
    // What may have been billed is followed by nothing, whatever it was.
    for reason in [
        Reason::ProviderUnavailable,
        Reason::ProviderRateLimited,
        Reason::ProviderAccount,
        Reason::ProviderRejected,
        Reason::ContentBlocked,
    ] {
        table.push((Act::Reject(reason, Billing::Unknown), Follows::Nothing));
    }
    table
}

#[test]
fn every_outcome_leads_to_exactly_so_many_calls() {
    let folder = tempfile::tempdir().unwrap();
    let names = ["first", "second", "unplanned"];
    let providers = names.map(|name| Scripted::new(name, CapabilityClass::D));
    let process = Process::start_with(folder.path(), &providers, |settings| Settings {
        // What comes before has no say in what follows.
        breaker: Breaker {
            failures: 0,
            ..Breaker::default()
        },
        ..settings
    });
    let [first, second, unplanned] = providers;
    let mut number = 0;
    for (act, follows) in table() {
        for max_attempts in [1, 3] {
            for targets in [&names[..1], &names[..2]] {
                for stops in [false, true] {
                    number += 1;
                    let case = format!("{act:?}, {max_attempts} attempts, {targets:?}, stops: {stops}");
                    let fails = if follows == Follows::Retry {
                        max_attempts
                    } else {
                        1
                    };
                    let mut spec = spec(2, targets);
                    for target in spec.steps.iter_mut().flat_map(|step| &mut step.targets) {
                        target.prompt = format!("{number} {}", target.prompt);
                    }
                    let policy = spec.policy.as_mut().unwrap();
                    policy.retry.as_mut().unwrap().max_attempts = max_attempts;
                    policy.stop_on_first_error = stops;
                    first.script(std::iter::repeat_n(act.clone(), usize::try_from(fails).unwrap()));
                    let before = (first.calls(), second.calls());

                    let ended = process.run(&plan(&spec), &Order::default());

                    let made = (first.calls() - before.0, second.calls() - before.1);
                    let falls_back =
                        targets.len() > 1 && matches!(follows, Follows::Retry | Follows::Fallback);
                    let state = match follows {
                        _ if falls_back => StepState::Completed,
                        Follows::Decision => StepState::NeedsDecision,
                        _ => StepState::Failed,
                    };
                    assert_eq!(ended.steps[0].state, state, "{case}");
                    let is_skipped = stops && state == StepState::Failed;
                    assert_eq!(
                        made,
                        (fails + u32::from(!is_skipped), u32::from(falls_back)),
                        "{case}"
                    );
                    let other = match is_skipped {
                        true => StepState::Skipped,
                        false => StepState::Completed,
                    };
                    assert_eq!(ended.steps[1].state, other, "{case}");
                    let end = match state {
                        StepState::Completed => ExecutionState::Completed,
                        StepState::NeedsDecision => ExecutionState::NeedsDecision,
                        _ => ExecutionState::Failed,
                    };
                    assert_eq!(ended.state, end, "{case}");
                }
            }
        }
    }
    assert_eq!(unplanned.calls(), 0, "nobody draws whom no plan names");
    let _balanced = process.balance();
}
