//! Orders: how an execution begins, who owns it, and who draws.

use super::super::state::ExecutionMode;
use super::{budgets::BudgetShortage, library::ImageRecord, plans::NewPlan};
use crate::{clock::UnixMicros, ids::ExecutionId};

/// An order to accept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewExecution {
    /// Id to use if a new execution begins.
    pub id: ExecutionId,
    /// The plan.
    pub plan: NewPlan,
    /// ISO 4217 code of the plan's amounts.
    pub currency: String,
    /// Steps in order.
    pub steps: Vec<NewStep>,
    /// Which drawing.
    pub take: u32,
    /// Idempotency key.
    pub request_id: String,
    /// Hash over everything that makes two orders the same.
    pub request_hash: String,
    /// What to do about results that exist.
    pub mode: ExecutionMode,
    /// Most steps in progress at once.
    pub max_concurrency: u32,
    /// Now.
    pub now: UnixMicros,
}

/// A step of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewStep {
    /// Id in the plan.
    pub step_id: String,
    /// Digests of its targets, in their order: a completed unit of any of them is its picture.
    pub render_digests: Vec<String>,
    /// What drawing it is expected to cost.
    pub expected_nanos: i64,
}

/// What became of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Acceptance {
    /// A new execution began.
    New(ExecutionId),
    /// The execution of the same request id.
    SameRequest(ExecutionId),
    /// A running execution of the same plan and take.
    Joined(ExecutionId),
    /// The request id belongs to another order: this execution.
    RequestIdReused(ExecutionId),
    /// Mode resume, and this execution is running.
    StillRunning(ExecutionId),
    /// Mode resume, and there is nothing before.
    NothingToResume,
    /// A new execution would be expected to cost more than a budget leaves. Nothing was written.
    BudgetExceeded(BudgetShortage),
}

/// An execution that this process now owns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Proof of ownership.
    pub fence: super::super::Fence,
    /// How often an owner was lost since a step last ended.
    pub crash_count: u32,
    /// The database's clock at the claim.
    pub at: UnixMicros,
}

/// An execution whose lease was extended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Renewal {
    /// The execution.
    pub execution: ExecutionId,
    /// Its client asked for a stop.
    pub cancel_requested: bool,
}

/// Who draws a picture.
#[derive(Clone, Debug, PartialEq)]
pub enum UnitGrant {
    /// This step draws, under the unit of the digest asked for.
    Open,
    /// The picture exists: the record of the image that was paid for.
    Completed(Box<ImageRecord>),
    /// Another step or execution is drawing it, or an unknown outcome holds it; look again later.
    Busy {
        /// The execution that holds the unit.
        execution: ExecutionId,
        /// Why it is not let go of.
        hold: Hold,
    },
}

/// Why a unit is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// It is drawn, or is about to be.
    Drawing,
    /// By a call of unknown outcome: waiting has no end in sight.
    Unknown,
    /// Its execution is parked until somebody unparks or cancels it.
    Parked,
}
