//! Sessions and reviews as messages of the contract.

use limn_proto::{
    name::{Collection, resource_name},
    v1,
};

use super::{money, timestamp};
use crate::records::{ExecutionRecord, Review, ReviewVerdict, SessionRecord, SessionStage, StepState};

/// How much of an execution is over: steps that have ended, of all, in percent, rounded down. 100 only at the end.
pub(super) fn progress_percent(record: &ExecutionRecord) -> u32 {
    if record.state.is_terminal() {
        return 100;
    }
    let has_ended = |state| match state {
        StepState::Completed | StepState::Failed | StepState::Cancelled | StepState::Skipped => true,
        StepState::Pending | StepState::Processing | StepState::NeedsDecision => false,
    };
    let ended = record.steps.iter().filter(|step| has_ended(step.state)).count();
    let percent = ended * 100 / record.steps.len().max(1);
    // Every step has ended a moment before the execution has.
    u32::try_from(percent).unwrap_or_default().min(99)
}

/// What a person says about an image.
pub(super) fn review(record: &Review) -> v1::ImageReview {
    let verdict = match record.verdict {
        ReviewVerdict::Approved => v1::ImageVerdict::Approved,
        ReviewVerdict::Rejected => v1::ImageVerdict::Rejected,
    };
    v1::ImageReview {
        verdict: verdict.into(),
        reviewer: record.reviewer.clone(),
        note: record.note.clone(),
        review_time: Some(timestamp(record.at)),
    }
}

/// A session of a client.
pub fn session(client: &str, record: &SessionRecord) -> v1::Session {
    let stage = match record.stage() {
        SessionStage::Planning => v1::SessionStage::Planning,
        SessionStage::Generating => v1::SessionStage::Generating,
        SessionStage::Review => v1::SessionStage::Review,
        SessionStage::Done => v1::SessionStage::Done,
        SessionStage::Failed => v1::SessionStage::Failed,
    };
    let costs = record.costs.iter().map(|(currency, balance)| v1::SessionCost {
        spent: Some(money(currency, balance.spent_nanos)),
        reserved: Some(money(currency, balance.reserved_nanos)),
        unknown_held: Some(money(currency, balance.unknown_held_nanos)),
    });
    let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    v1::Session {
        name: resource_name(client, Collection::Sessions, &record.id),
        session_id: record.id.clone(),
        stage: stage.into(),
        costs: costs.collect(),
        plan_count: number(record.plans),
        execution_count: number(record.executions),
        open_execution_count: number(record.open_executions),
        image_count: number(record.images),
        approved_count: number(record.approved),
        rejected_count: number(record.rejected),
        unreviewed_count: number(record.unreviewed),
        failed_step_count: number(record.failed_steps),
        first_activity_time: Some(timestamp(record.first_activity)),
        last_activity_time: Some(timestamp(record.last_activity)),
    }
}
