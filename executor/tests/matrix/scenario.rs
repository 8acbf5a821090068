//! What an execution goes through when nothing of ours goes wrong: the stories that faults are put into.

use limn_proto::plan::UnknownPolicy;

use crate::{
    plan::Outline,
    studio::{Act, Promise},
};

/// The columns of the matrix.
pub(crate) const PROMISES: &[(&str, Promise)] = &[
    ("a", Promise::Key),
    ("b", Promise::ChosenId),
    ("c", Promise::GivenId),
    ("c_blind", Promise::GivenIdOnly),
    ("d", Promise::Nothing),
];

/// How an execution ends, or where it rests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Every picture is there.
    Completed,
    /// A picture is not there.
    Failed,
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
    /// Where faults are put.
    pub(crate) focus: Focus,
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
};

const fn retrying(outline: Outline) -> Outline {
    Outline {
        on_unknown: UnknownPolicy::WriteOffAndRetryOnce,
        ..outline
    }
}

const fn failing(outline: Outline) -> Outline {
    Outline {
        on_unknown: UnknownPolicy::WriteOffAndFail,
        ..outline
    }
}

const fn scenario(name: &'static str, acts: &'static [Act], outline: Outline, focus: Focus) -> Scenario {
    Scenario {
        name,
        acts,
        outline,
        focus,
    }
}

/// Every story.
pub(crate) const SCENARIOS: &[Scenario] = &[
    scenario("draw", &[], ONE_STEP, Focus::Every),
    scenario("draw, retry unknown", &[], retrying(ONE_STEP), Focus::Call),
    scenario("draw, fail unknown", &[], failing(ONE_STEP), Focus::Call),
    scenario("refuse", &[Act::Refuse], ONE_STEP, Focus::New),
    scenario("lose answer", &[Act::LoseAnswer], ONE_STEP, Focus::New),
    scenario(
        "lose answer, retry unknown",
        &[Act::LoseAnswer],
        retrying(ONE_STEP),
        Focus::New,
    ),
    scenario(
        "lose answer, fail unknown",
        &[Act::LoseAnswer],
        failing(ONE_STEP),
        Focus::New,
    ),
    scenario("lose request", &[Act::LoseRequest], ONE_STEP, Focus::New),
    scenario("botch", &[Act::Botch], ONE_STEP, Focus::New),
    scenario("refuse content", &[Act::RefuseContent], ONE_STEP, Focus::New),
    scenario("fail job", &[Act::FailJob], ONE_STEP, Focus::New),
    scenario("two steps", &[], Outline { steps: 2, ..ONE_STEP }, Focus::Between),
    scenario(
        "fall back",
        &[Act::Refuse, Act::Refuse, Act::Refuse],
        Outline {
            providers: &["first", "second"],
            ..ONE_STEP
        },
        Focus::LongOnly,
    ),
    scenario(
        "three steps, two at once",
        &[Act::Draw, Act::Refuse, Act::LoseAnswer],
        Outline {
            steps: 3,
            max_concurrency: 2,
            ..ONE_STEP
        },
        Focus::LongOnly,
    ),
];

impl Scenario {
    /// True when the story can happen at such a provider.
    pub(crate) fn fits(&self, promise: Promise) -> bool {
        let has_jobs = matches!(
            promise,
            Promise::ChosenId | Promise::GivenId | Promise::GivenIdOnly
        );
        has_jobs || !self.acts.contains(&Act::FailJob)
    }

    /// Where the story ends, when nothing else goes wrong.
    pub(crate) fn end(&self, promise: Promise) -> End {
        let loses = |act| self.acts.contains(&act);
        if loses(Act::Botch) || loses(Act::RefuseContent) {
            return End::Failed;
        }
        let finds_answers = matches!(promise, Promise::Key | Promise::ChosenId | Promise::GivenId);
        let stays_unknown = (loses(Act::LoseAnswer) || loses(Act::LoseRequest)) && !finds_answers;
        if stays_unknown {
            return self.end_of_unknown();
        }
        End::Completed
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
