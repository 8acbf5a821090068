//! What an execution goes through when nothing of ours goes wrong: the stories that faults are put into.

use limn_proto::plan::{QualityGate, UnknownPolicy};

use crate::{
    plan::Outline,
    seams::{Edge, Moment, Side},
    studio::{Act, Promise},
};

/// How an execution ends, or where it rests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Every picture is there.
    Completed,
    /// A picture is not there.
    Failed,
    /// Its client stopped it.
    Cancelled,
    /// Somebody must decide.
    Parked,
}

/// A story.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    /// What the primary does with its first jobs.
    pub(crate) acts: &'static [Act],
    pub(crate) outline: Outline,
    /// Orders at the same time, each for another execution of the same pictures.
    pub(crate) orders: u32,
    /// What happened before, so that the story is about the process that takes over.
    pub(crate) prelude: Option<Prelude>,
    /// Where faults are put.
    pub(crate) focus: Focus,
}

/// What an earlier process left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Prelude {
    /// Where it crashed or stood still.
    pub(crate) moment: Moment,
    /// It stood still until another one had done all there was to do, came back and wrote down what it knew; then
    /// both of them crashed. Else it crashed at once.
    pub(crate) came_back: bool,
}

/// Which moments of a story get a fault in the short form. The long form takes all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Focus {
    /// Every edge, the first time that it is come to.
    Every,
    /// Edges that a drawing that simply succeeds does not have.
    New,
    /// Edges at which it may be unknown whether the call was paid.
    Call,
    /// Both of these.
    NewOrCall,
    /// Edges of reconciling what an earlier process left.
    Recovery,
    /// Edges between two steps.
    Between,
    /// None.
    LongOnly,
}

const ONE_STEP: Outline = Outline {
    steps: 1,
    max_concurrency: 1,
    providers: &["first"],
    on_unknown: UnknownPolicy::Hold,
    quality_gate: None,
};

const RETRYING: Outline = Outline {
    on_unknown: UnknownPolicy::WriteOffAndRetryOnce,
    ..ONE_STEP
};

const FAILING: Outline = Outline {
    on_unknown: UnknownPolicy::WriteOffAndFail,
    ..ONE_STEP
};

/// One re-roll; then the step fails.
const STRICT: Outline = Outline {
    quality_gate: Some(QualityGate {
        min_score_bp: 6000,
        max_rerolls: 1,
        accept_best: false,
    }),
    ..ONE_STEP
};

/// One re-roll; then the better picture is taken.
const LENIENT: Outline = Outline {
    quality_gate: Some(QualityGate {
        min_score_bp: 6000,
        max_rerolls: 1,
        accept_best: true,
    }),
    ..ONE_STEP
};

const DRAW: Scenario = Scenario {
    name: "draw",
    acts: &[],
    outline: ONE_STEP,
    orders: 1,
    prelude: None,
    focus: Focus::Every,
};

/// An earlier process crashed there.
const fn crashed(side: Side, call: &'static str) -> Option<Prelude> {
    let edge = Edge { side, call };
    Some(Prelude {
        moment: Moment { edge, nth: 1 },
        came_back: false,
    })
}

/// An earlier process lost its lease there, and left its answer after the end.
const fn came_back(side: Side, call: &'static str) -> Option<Prelude> {
    let edge = Edge { side, call };
    Some(Prelude {
        moment: Moment { edge, nth: 1 },
        came_back: true,
    })
}

/// Every story. The first one is what the others are compared with.
pub(crate) const SCENARIOS: &[Scenario] = &[
    DRAW,
    Scenario {
        name: "draw, unknown is retried",
        outline: RETRYING,
        focus: Focus::Call,
        ..DRAW
    },
    Scenario {
        name: "draw, unknown fails",
        outline: FAILING,
        focus: Focus::Call,
        ..DRAW
    },
    Scenario {
        name: "refused, then drawn",
        acts: &[Act::Refuse],
        focus: Focus::New,
        ..DRAW
    },
    Scenario {
        name: "answer lost",
        acts: &[Act::LoseAnswer],
        focus: Focus::New,
        ..DRAW
    },
    Scenario {
        name: "answer lost, unknown is retried",
        acts: &[Act::LoseAnswer],
        outline: RETRYING,
        focus: Focus::New,
        ..DRAW
    },
    Scenario {
        name: "answer lost, unknown fails",
        acts: &[Act::LoseAnswer],
        outline: FAILING,
        focus: Focus::New,
        ..DRAW
    },
    Scenario {
        name: "request lost",
        acts: &[Act::LoseRequest],
        focus: Focus::New,
        ..DRAW
    },
    Scenario {
        name: "request lost, unknown is retried",
        acts: &[Act::LoseRequest],
        outline: RETRYING,
        focus: Focus::New,
        ..DRAW
    },
    Scenario {
        name: "wrong picture",
        acts: &[Act::Botch],
        focus: Focus::New,
        ..DRAW
    },
    Scenario {
        name: "content refused, bill unknown",
        acts: &[Act::RefuseContent],
        focus: Focus::New,
        ..DRAW
    },
    Scenario {
        name: "job failed, then drawn",
        acts: &[Act::FailJob],
        focus: Focus::New,
        ..DRAW
    },
    Scenario {
        name: "cancelled while drawing",
        acts: &[Act::DrawWhileCancelled],
        focus: Focus::NewOrCall,
        ..DRAW
    },
    Scenario {
        name: "two orders of one picture",
        orders: 2,
        focus: Focus::New,
        ..DRAW
    },
    Scenario {
        name: "two steps",
        outline: Outline { steps: 2, ..ONE_STEP },
        focus: Focus::Between,
        ..DRAW
    },
    Scenario {
        name: "taken over, attempt prepared",
        prelude: crashed(Side::After, "prepare"),
        focus: Focus::Recovery,
        ..DRAW
    },
    Scenario {
        name: "taken over, nothing sent",
        prelude: crashed(Side::After, "dispatch"),
        focus: Focus::Recovery,
        ..DRAW
    },
    Scenario {
        name: "taken over, call in flight",
        prelude: crashed(Side::Before, "working"),
        focus: Focus::Recovery,
        ..DRAW
    },
    Scenario {
        name: "taken over, job accepted",
        prelude: crashed(Side::After, "accepted"),
        focus: Focus::Recovery,
        ..DRAW
    },
    Scenario {
        name: "taken over, answer staged",
        prelude: crashed(Side::After, "stage"),
        focus: Focus::Recovery,
        ..DRAW
    },
    Scenario {
        name: "cancelled, answered after the end",
        acts: &[Act::DrawWhileCancelled],
        prelude: came_back(Side::Before, "receiving"),
        focus: Focus::Every,
        ..DRAW
    },
    Scenario {
        name: "re-rolled",
        acts: &[Act::DrawBadly],
        outline: STRICT,
        focus: Focus::LongOnly,
        ..DRAW
    },
    Scenario {
        name: "re-rolled after a crash",
        acts: &[Act::DrawBadly],
        outline: STRICT,
        prelude: crashed(Side::After, "commit"),
        focus: Focus::Every,
        ..DRAW
    },
    Scenario {
        name: "re-rolled, the best is taken",
        acts: &[Act::DrawBadly, Act::DrawBadly],
        outline: LENIENT,
        focus: Focus::New,
        ..DRAW
    },
    Scenario {
        name: "re-rolled, none is good enough",
        acts: &[Act::DrawBadly, Act::DrawBadly],
        outline: STRICT,
        focus: Focus::LongOnly,
        ..DRAW
    },
    Scenario {
        name: "fallback",
        acts: &[Act::Refuse, Act::Refuse, Act::Refuse],
        outline: Outline {
            providers: &["first", "second"],
            ..ONE_STEP
        },
        focus: Focus::LongOnly,
        ..DRAW
    },
    Scenario {
        name: "three steps, two at once",
        acts: &[Act::Draw, Act::Refuse, Act::LoseAnswer],
        outline: Outline {
            steps: 3,
            max_concurrency: 2,
            ..ONE_STEP
        },
        focus: Focus::LongOnly,
        ..DRAW
    },
];

impl Scenario {
    /// True when the story can happen at such a provider.
    pub(crate) fn fits(&self, promise: Promise) -> bool {
        let needs_jobs =
            self.acts.contains(&Act::FailJob) || self.prelude == crashed(Side::After, "accepted");
        // Where answers can be asked for, none comes after the end.
        let comes_late = self.prelude.is_some_and(|prelude| prelude.came_back);
        (promise.gives_jobs() || !needs_jobs) && (promise == Promise::Nothing || !comes_late)
    }

    /// Where the story may end, when nothing of ours goes wrong.
    pub(crate) fn ends(&self, promise: Promise) -> Vec<End> {
        let has = |act| self.acts.contains(&act);
        let none_is_good = self.outline.quality_gate.is_some_and(|gate| !gate.accept_best)
            && self.acts == [Act::DrawBadly, Act::DrawBadly];
        if has(Act::Botch) || has(Act::RefuseContent) || none_is_good {
            return vec![End::Failed];
        }
        if has(Act::DrawWhileCancelled) {
            // A provider that cannot be stopped may have drawn it all the same.
            return vec![End::Cancelled, End::Completed];
        }
        let stays_unknown =
            has(Act::LoseAnswer) && !promise.finds_answers() || has(Act::LoseRequest) && !promise.repeats();
        if stays_unknown {
            return vec![self.end_of_unknown()];
        }
        vec![End::Completed]
    }

    /// Where the story ends when an attempt stays unknown: what the plan asks for.
    pub(crate) fn end_of_unknown(&self) -> End {
        match self.outline.on_unknown {
            UnknownPolicy::WriteOffAndRetryOnce => End::Completed,
            UnknownPolicy::WriteOffAndFail => End::Failed,
            UnknownPolicy::Hold | UnknownPolicy::Unspecified => End::Parked,
        }
    }
}
