//! What each class of provider owes us: where a case may end, and how often a picture may be on the bill.
//!
//! The rows are what is written down about the call when the fault happens, the columns are the classes. Whatever is
//! not in doubt ends as if there had been no fault.

use limn_executor::records::AttemptState;
use limn_proto::plan::UnknownPolicy;

use crate::{
    case::{Case, Facts, Fault},
    edges::Seam,
    scenario::End,
    seams::Moment,
    studio::Act,
};

/// Where the executions of a case may rest, by what was known about each open call at each of its faults.
pub(crate) fn ends(case: &Case<'_>, faults: &[(Fault, Moment, Facts)]) -> Vec<End> {
    let mut ends = case.scenario.ends(case.promise);
    let stays_unknown =
        |(fault, moment, facts): &(Fault, Moment, Facts)| may_stay_unknown(case, *fault, *moment, facts);
    if faults.iter().any(stays_unknown) {
        ends.push(case.scenario.end_of_unknown());
    }
    ends
}

/// True when nobody may ever say what became of the open call.
fn may_stay_unknown(case: &Case<'_>, fault: Fault, moment: Moment, facts: &Facts) -> bool {
    let is_in_doubt = matches!(facts.attempt, AttemptState::Dispatching | AttemptState::Unknown);
    // Asked again, the provider refuses again, and neither says anything about the bill of the first time.
    let refuses = case.scenario.acts.contains(&Act::RefuseContent);
    let is_remembered = match fault {
        Fault::Crash => false,
        // It comes back and tells what it knows, unless the policy of the plan decided meanwhile.
        Fault::ShortFreeze | Fault::LongFreeze => {
            case.scenario.outline.on_unknown == UnknownPolicy::Hold && !refuses
        }
        Fault::ErrorOnce => Seam::of(moment.edge.call) != Seam::Provider,
        Fault::DatabaseAway | Fault::StoreAway => true,
    };
    let is_found = case.promise.finds_answers() && facts.is_billed || case.promise.repeats();
    is_in_doubt && !facts.is_staged && !is_remembered && (refuses || !is_found)
}

/// How often one picture may be on the bill.
pub(crate) fn most_on_bill(case: &Case<'_>) -> u32 {
    match case.scenario.outline.on_unknown {
        UnknownPolicy::WriteOffAndRetryOnce => 2,
        UnknownPolicy::Hold | UnknownPolicy::WriteOffAndFail | UnknownPolicy::Unspecified => 1,
    }
}
