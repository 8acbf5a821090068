//! What each class of provider owes us: where a case may end, and how often a picture may be on the bill.
//!
//! The rows are what is written down about the call when the fault happens, the columns are the classes. Whatever is
//! not in doubt ends as if there had been no fault.

use limn_executor::records::AttemptState;
use limn_proto::plan::UnknownPolicy;

use crate::{
    play::{Case, Facts, Fault},
    scenario::End,
    seams::Side,
    studio::Promise,
};

/// Where the executions of a case may rest.
pub(crate) fn ends(case: &Case<'_>, facts: &Facts) -> Vec<End> {
    let mut ends = case.scenario.ends(case.promise);
    if may_stay_unknown(case, facts) {
        ends.push(case.scenario.end_of_unknown());
    }
    ends
}

/// True when the answer of the open call may be lost for good.
fn may_stay_unknown(case: &Case<'_>, facts: &Facts) -> bool {
    let is_open = matches!(
        facts.attempt,
        Some(AttemptState::Dispatching | AttemptState::Unknown)
    );
    is_open && !facts.is_staged && !case.promise.finds_answers()
}

/// True for what nobody can rule out: a process that is frozen after its last look at the clock and before its first
/// byte sends when another one, long after the last moment to send, has found that nothing came and sent by itself.
pub(crate) fn is_residue(case: &Case<'_>) -> bool {
    let Some((moment, Fault::ShortFreeze | Fault::LongFreeze)) = case.fault else {
        return false;
    };
    let may_send_late = moment.edge.side == Side::Before && matches!(moment.edge.call, "submit" | "sending");
    may_send_late && matches!(case.promise, Promise::ChosenId | Promise::GivenId)
}

/// How often one picture may be on the bill.
pub(crate) fn most_on_bill(case: &Case<'_>) -> u32 {
    let may_pay_again = case.scenario.outline.on_unknown == UnknownPolicy::WriteOffAndRetryOnce;
    1 + u32::from(may_pay_again) + u32::from(is_residue(case))
}
