//! States of executions, steps and attempts, and their words in the database.

macro_rules! words {
    ($(#[doc = $doc:literal])+ $name:ident { $($(#[doc = $state_doc:literal])+ $state:ident = $text:literal,)+ }) => {
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[doc = $state_doc])+ $state,)+
        }

        impl $name {
            /// Every value.
            pub const ALL: &'static [Self] = &[$(Self::$state,)+];

            /// The word in the database.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$state => $text,)+
                }
            }

            /// Reads the word back.
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|state| state.as_str() == text)
            }
        }
    };
}

words! {
    /// Why a step does not call its provider yet.
    WaitReason {
        /// As many calls are in progress as the provider is given at once.
        Concurrency = "concurrency",
        /// As many calls were begun in the last minute as the provider is given in one.
        Rate = "rate",
        /// The provider asked for a pause.
        Cooldown = "cooldown",
        /// The provider did not work lately.
        Unavailable = "unavailable",
    }
}

words! {
    /// Life of an execution.
    ExecutionState {
        /// Accepted.
        Pending = "pending",
        /// A step has started.
        Processing = "processing",
        /// Cancel was asked for.
        Cancelling = "cancelling",
        /// Parked on an unknown outcome.
        NeedsDecision = "needs_decision",
        /// Every step completed.
        Completed = "completed",
        /// A step did not complete.
        Failed = "failed",
        /// Stopped by the client.
        Cancelled = "cancelled",
    }
}

impl ExecutionState {
    /// True when nothing will change any more.
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

words! {
    /// Life of a step.
    StepState {
        /// Not started.
        Pending = "pending",
        /// Started.
        Processing = "processing",
        /// Parked on an unknown outcome.
        NeedsDecision = "needs_decision",
        /// The image is stored and recorded.
        Completed = "completed",
        /// No target gave an image.
        Failed = "failed",
        /// The execution was cancelled.
        Cancelled = "cancelled",
        /// Never started.
        Skipped = "skipped",
    }
}

impl StepState {
    /// True when nothing will change any more.
    pub fn is_terminal(self) -> bool {
        matches!(
            self,
            Self::Completed | Self::Failed | Self::Cancelled | Self::Skipped
        )
    }
}

words! {
    /// Life of an attempt.
    AttemptState {
        /// Reserved and written down; nothing sent.
        Prepared = "prepared",
        /// Being sent.
        Dispatching = "dispatching",
        /// The provider took it and gave an id.
        Accepted = "accepted",
        /// The answer is staged.
        Received = "received",
        /// Stored, recorded, settled.
        Committed = "committed",
        /// Never sent.
        Abandoned = "abandoned",
        /// Refused by the provider.
        Rejected = "rejected",
        /// Billed, without an image of the plan.
        FailedPaid = "failed_paid",
        /// Perhaps billed.
        Unknown = "unknown",
        /// Unknown and given up.
        WrittenOff = "written_off",
    }
}

impl AttemptState {
    /// True while the attempt holds its unit: at most one such attempt for each unit.
    pub fn is_open(self) -> bool {
        matches!(
            self,
            Self::Prepared | Self::Dispatching | Self::Accepted | Self::Received | Self::Unknown
        )
    }
}

words! {
    /// A kind of evidence about an attempt.
    ReceiptKind {
        /// The whole answer, staged.
        Answer = "answer",
        /// A part of an answer: the provider took the work.
        PartialAnswer = "partial_answer",
        /// The provider took the work, under the job id that stands as request id.
        Accepted = "accepted",
        /// The provider refused the call, and does not bill that.
        Rejection = "rejection",
        /// The call was not sent, and will not be.
        Unsent = "unsent",
    }
}

words! {
    /// How the cost of an attempt is known.
    CostSource {
        /// The provider told it.
        Reported = "reported",
        /// What the provider says was used, at the prices of the plan.
        Usage = "usage",
        /// Our own price: the provider told neither, or what it told cannot be true.
        Estimated = "estimated",
        /// Said by who resolved the attempt.
        Decided = "decided",
    }
}

words! {
    /// What was decided about an attempt whose outcome, or whose bill, is unknown.
    Decision {
        /// Nothing was billed.
        NotCharged = "not_charged",
        /// It was billed, and there is no image.
        Charged = "charged",
        /// Given up by the policy of the plan, and counted as billed.
        WrittenOff = "written_off",
    }
}

words! {
    /// What becomes of a step whose attempt was resolved.
    FollowUp {
        /// It is drawn again.
        Retry = "retry",
        /// It fails.
        Fail = "fail",
    }
}

words! {
    /// What an audit event tells of.
    AuditAction {
        /// The limit or the period of a budget was changed.
        BudgetUpdated = "budget.update",
        /// Somebody decided about an unknown outcome or bill.
        AttemptResolved = "attempt.resolve",
        /// An unknown outcome was given up by the policy of its plan.
        AttemptWrittenOff = "attempt.write_off",
        /// An execution that was parked because its owners died may be claimed again.
        ExecutionUnparked = "execution.unpark",
        /// Somebody let an image be deleted.
        ImageDeleted = "image.delete",
        /// A client asked for a stop.
        ExecutionCancelled = "execution.cancel",
        /// A stored plan was deleted.
        PlanDeleted = "plan.delete",
        /// Somebody gave a verdict on an image, or withdrew it.
        ImageReviewed = "image.review",
        /// Somebody corrected the record of an image.
        ImageUpdated = "image.update",
    }
}

words! {
    /// What a person says about an image.
    ReviewVerdict {
        /// It is good.
        Approved = "approved",
        /// It is not wanted.
        Rejected = "rejected",
    }
}

words! {
    /// What an order does about results that exist.
    ExecutionMode {
        /// Use them.
        Reuse = "reuse",
        /// Only what the last execution left undone.
        Resume = "resume",
    }
}

words! {
    /// How long a period of a budget is. Days and months begin at midnight, UTC.
    Period {
        /// A day.
        Day = "day",
        /// A month of the calendar.
        Month = "month",
        /// One budget for all time.
        Never = "never",
    }
}

words! {
    /// Which amount of a balance.
    BalanceField {
        /// Billed.
        Spent = "spent",
        /// Reserved for attempts in flight.
        Reserved = "reserved",
        /// Held for attempts whose bill is not known.
        UnknownHeld = "unknown_held",
    }
}
