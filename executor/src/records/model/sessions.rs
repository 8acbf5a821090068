//! Sessions: what plans, executions and images with the same grouping key come to.

use super::{super::state::ExecutionState, Balance};
use crate::clock::UnixMicros;

/// A session as it stands now. Nothing of it is kept: it is found out whenever somebody asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRecord {
    /// The grouping key.
    pub id: String,
    /// Stored plans.
    pub plans: u64,
    /// Executions that are still kept.
    pub executions: u64,
    /// Those of them that have not ended.
    pub open_executions: u64,
    /// State of the newest execution; nothing: none is kept.
    pub newest_execution: Option<ExecutionState>,
    /// Images that are not deleted.
    pub images: u64,
    /// Images that a person approved.
    pub approved: u64,
    /// Images that a person rejected.
    pub rejected: u64,
    /// Images that wait for a verdict. What the quality gate turned away does not.
    pub unreviewed: u64,
    /// Steps without a picture in the last execution of each plan and take: what a retry draws.
    pub failed_steps: u64,
    /// What was spent and is committed, of all time: one line for each currency in which there is anything.
    pub costs: Vec<(String, Balance)>,
    /// When its first plan, execution or image was made.
    pub first_activity: UnixMicros,
    /// When a plan was last stored, an execution last begun or ended, or an image last changed.
    pub last_activity: UnixMicros,
}

/// How far a session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionStage {
    /// There are plans, and nothing was executed.
    Planning,
    /// An execution has not ended.
    Generating,
    /// All have ended, and there are pictures without a verdict.
    Review,
    /// Every picture has a verdict.
    Done,
    /// The newest execution failed, or gave nothing at all, and there is no picture to review.
    Failed,
}

impl SessionRecord {
    /// How far it is.
    pub fn stage(&self) -> SessionStage {
        if self.open_executions > 0 {
            return SessionStage::Generating;
        }
        if self.unreviewed > 0 {
            return SessionStage::Review;
        }
        match self.newest_execution {
            Some(ExecutionState::Failed) => SessionStage::Failed,
            Some(ExecutionState::Cancelled) if self.images == 0 => SessionStage::Failed,
            None if self.images == 0 => SessionStage::Planning,
            _ => SessionStage::Done,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session() -> SessionRecord {
        SessionRecord {
            id: "spring".to_owned(),
            plans: 1,
            executions: 0,
            open_executions: 0,
            newest_execution: None,
            images: 0,
            approved: 0,
            rejected: 0,
            unreviewed: 0,
            failed_steps: 0,
            costs: Vec::new(),
            first_activity: UnixMicros(1),
            last_activity: UnixMicros(1),
        }
    }

    #[test]
    fn a_stage_follows_from_what_there_is() {
        use ExecutionState::{Cancelled, Completed, Failed, NeedsDecision};
        // Newest execution, open executions, images, those without a verdict.
        let cases = [
            ((None, 0, 0, 0), SessionStage::Planning),
            ((Some(NeedsDecision), 1, 3, 3), SessionStage::Generating),
            ((Some(Completed), 1, 3, 0), SessionStage::Generating),
            ((Some(Completed), 0, 3, 1), SessionStage::Review),
            ((Some(Failed), 0, 3, 1), SessionStage::Review),
            ((Some(Completed), 0, 3, 0), SessionStage::Done),
            ((Some(Failed), 0, 3, 0), SessionStage::Failed),
            ((Some(Failed), 0, 0, 0), SessionStage::Failed),
            ((Some(Cancelled), 0, 0, 0), SessionStage::Failed),
            ((Some(Cancelled), 0, 2, 0), SessionStage::Done),
            // Its executions were removed after their retention time.
            ((None, 0, 2, 1), SessionStage::Review),
            ((None, 0, 2, 0), SessionStage::Done),
        ];
        for ((newest_execution, open_executions, images, unreviewed), stage) in cases {
            let session = SessionRecord {
                newest_execution,
                open_executions,
                images,
                unreviewed,
                ..session()
            };
            assert_eq!(session.stage(), stage, "{session:?}");
        }
    }
}
