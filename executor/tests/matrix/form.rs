//! How much is played: which moments of which stories get which fault.

use limn_proto::plan::UnknownPolicy;

use crate::{
    case::{Case, Fault},
    database::Dialect,
    edges::{LATE_LOOKS, RECONCILING, ROUTINE},
    scenario::Focus,
    seams::{Edge, Moment, Side},
};

/// How much is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// The first time that each edge is come to, where it may make a difference.
    Short,
    /// Every moment of every story, and a second fault after each crash.
    Long,
}

impl Form {
    /// What the tester asked for.
    pub(crate) fn chosen() -> Self {
        #[expect(clippy::disallowed_methods, reason = "a tester chooses here")]
        let chosen = std::env::var("LIMN_MATRIX").unwrap_or_else(|_| "short".to_owned());
        assert!(
            chosen == "short" || chosen == "long",
            "LIMN_MATRIX is {chosen:?}; it must be short or long"
        );
        if chosen == "long" { Self::Long } else { Self::Short }
    }

    /// True when a story gets this fault at all.
    pub(crate) fn takes(self, story: &Case<'_>, fault: Fault) -> bool {
        if self == Self::Long {
            return true;
        }
        let focus = story.scenario.focus;
        let on_postgres = story.dialect == Dialect::Postgres;
        let is_plain = story.scenario.outline.on_unknown == UnknownPolicy::Hold;
        match fault {
            _ if focus == Focus::LongOnly => false,
            // The engine is the same on every database; what differs is how the verbs of two processes meet.
            Fault::ErrorOnce | Fault::DatabaseAway | Fault::StoreAway if on_postgres => false,
            Fault::Crash | Fault::ShortFreeze | Fault::LongFreeze if on_postgres && !is_plain => false,
            Fault::LongFreeze if on_postgres => !matches!(focus, Focus::Every | Focus::Recovery),
            Fault::ShortFreeze => matches!(focus, Focus::Every | Focus::Recovery),
            Fault::DatabaseAway | Fault::StoreAway => focus == Focus::Every,
            Fault::Crash | Fault::LongFreeze | Fault::ErrorOnce => true,
        }
    }

    /// The moments of a story that get a fault, of all in its trace. `known` are those of the plainest story.
    pub(crate) fn moments(
        self,
        story: &Case<'_>,
        trace: &[Moment],
        known: &[Moment],
        fault: Fault,
    ) -> Vec<Moment> {
        let call = call_span(trace);
        let is_new = |edge: Edge| !known.iter().any(|moment| moment.edge == edge);
        let comes_late = story.prelude.is_some_and(|prelude| prelude.came_back);
        let chosen = trace.iter().enumerate().filter(|(place, moment)| {
            let Moment { edge, nth } = **moment;
            let is_routine = ROUTINE.contains(&edge.call) || LATE_LOOKS.contains(&edge.call) && !comes_late;
            if is_routine || edge.call == "claim" && nth > 1 {
                return false;
            }
            match (self, story.scenario.focus) {
                (Self::Long, _) => true,
                (Self::Short, Focus::Every) => nth == 1,
                (Self::Short, Focus::New) => nth == 1 && is_new(edge),
                (Self::Short, Focus::Call) => nth == 1 && call.contains(place),
                (Self::Short, Focus::NewOrCall) => nth == 1 && (is_new(edge) || call.contains(place)),
                (Self::Short, Focus::Recovery) => nth == 1 && RECONCILING.contains(&edge.call),
                (Self::Short, Focus::Between) => {
                    nth == 2 && matches!(edge.call, "start_step" | "acquire_unit")
                }
                (Self::Short, Focus::LongOnly) => false,
            }
        });
        let mut moments: Vec<Moment> = chosen.map(|(_, moment)| *moment).collect();
        if self == Self::Short && matches!(fault, Fault::Crash | Fault::ShortFreeze) {
            leave_out_twins(&mut moments, trace);
        }
        moments
    }
}

/// Leaves out moments that are the same as others to a fault. Between the far side of a call and the near side of the
/// next one a process does nothing that anybody could see, so it may crash at either; and what another one took over
/// is refused to it at the near side of its next call, wherever it stood still for a while.
fn leave_out_twins(moments: &mut Vec<Moment>, trace: &[Moment]) {
    let chosen = moments.clone();
    moments.retain(|moment| {
        let place = trace.iter().position(|known| known == moment);
        let next = place.and_then(|place| trace.get(place + 1));
        let has_twin = next.is_some_and(|next| next.edge.side == Side::Before && chosen.contains(next));
        moment.edge.side == Side::Before || !has_twin
    });
}

/// From the permission to send to the record of the answer.
fn call_span(trace: &[Moment]) -> std::ops::RangeInclusive<usize> {
    let place = |side: Side, call: &str| {
        let is_there = |moment: &Moment| moment.edge.side == side && moment.edge.call == call;
        trace.iter().position(is_there).unwrap_or(trace.len())
    };
    place(Side::After, "dispatch")..=place(Side::Before, "received")
}
