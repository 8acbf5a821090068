//! Why a call is refused, in words that do not depend on how the answer travels.
//!
//! Services speak in refusals; [`status`](crate::status) alone turns one into a gRPC status.

use std::{collections::BTreeMap, error::Error};

use limn_executor::{
    blob::BlobError,
    deletion::DeletionError,
    executor::SubmitError,
    plan::PlanRefused,
    records::{BudgetShortage, PrunedExecution, RecordError},
    watch::WatchError,
};
use limn_planner::display_nanos;
use limn_proto::{
    name::{Collection, resource_name},
    reason::Reason,
};

/// A refused call.
#[derive(Debug)]
pub(crate) struct Refusal {
    /// Why; decides the status code.
    pub(crate) reason: Reason,
    /// The refusal in a sentence; no secret, no prompt, nothing about the inside of the server.
    pub(crate) message: String,
    /// What else is known. Boxed, because most results are no refusals.
    pub(crate) details: Box<Details>,
}

/// What else is known about a refusal.
#[derive(Debug, Default)]
pub(crate) struct Details {
    /// Every single thing that is wrong.
    pub(crate) violations: Vec<Violation>,
    /// Facts for programs.
    pub(crate) metadata: BTreeMap<String, String>,
    /// The thing that does not exist: its type and its name.
    pub(crate) resource: Option<(&'static str, String)>,
    /// For the log, never for the caller.
    pub(crate) cause: Option<Box<dyn Error + Send + Sync>>,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    /// Path of the field in the request, or what the condition is about.
    pub(crate) subject: String,
    /// What is wrong, and what would be right.
    pub(crate) description: String,
    /// Class of the problem, in `UPPER_SNAKE_CASE`.
    pub(crate) class: String,
}

/// Which half of a call refused; part of the contract for the reasons that both can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// While planning: nothing happened.
    Plan,
    /// While starting an execution: nothing was rendered.
    Start,
}

impl Phase {
    fn as_str(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Start => "start",
        }
    }
}

impl Refusal {
    /// A refusal without details.
    pub(crate) fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
            details: Box::default(),
        }
    }

    /// A bug or a failure behind the server: the caller learns the reason, the log the cause.
    pub(crate) fn caused(
        reason: Reason,
        message: &str,
        cause: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        let mut refusal = Self::new(reason, message);
        refusal.details.cause = Some(cause.into());
        refusal
    }

    /// A bug: something that our own code promised does not hold.
    pub(crate) fn internal(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::caused(Reason::Internal, "the server made a mistake", cause)
    }

    /// One wrong field.
    pub(crate) fn field(reason: Reason, field: &str, description: impl Into<String>) -> Self {
        let description = description.into();
        let mut refusal = Self::new(reason, format!("{field}: {description}"));
        refusal.details.violations.push(Violation {
            subject: field.to_owned(),
            description,
            class: reason.as_str().to_owned(),
        });
        refusal
    }

    /// Nothing has that name.
    pub(crate) fn not_found(collection: Collection, name: &str) -> Self {
        let (reason, resource_type) = match collection {
            Collection::Plans => (Reason::PlanNotFound, "limn.v1.StoredPlan"),
            Collection::Executions => (Reason::ExecutionNotFound, "limn.v1.Execution"),
            Collection::Images => (Reason::ImageNotFound, "limn.v1.Image"),
            Collection::Budgets => (Reason::BudgetNotFound, "limn.v1.Budget"),
            Collection::Sessions => (Reason::SessionNotFound, "limn.v1.Session"),
            Collection::AuditEvents => {
                return Self::internal(format!("no call asks for an audit event by its name: {name}"));
            }
        };
        let mut refusal = Self::new(reason, format!("nothing is named {name}"));
        refusal.details.resource = Some((resource_type, name.to_owned()));
        refusal
    }

    /// The execution of that name is gone.
    pub(crate) fn pruned(name: &str, pruned: PrunedExecution) -> Self {
        let end = pruned.ended_at.rfc3339();
        let message = format!("{name} ended on {end} and was removed after the retention time");
        let mut refusal = Self::new(Reason::ExecutionPruned, message).with("endTime", end);
        refusal.details.resource = Some(("limn.v1.Execution", name.to_owned()));
        refusal
    }

    /// The same refusal with one more fact.
    #[must_use]
    pub(crate) fn with(mut self, key: &str, value: impl ToString) -> Self {
        self.details.metadata.insert(key.to_owned(), value.to_string());
        self
    }

    /// The same refusal, told apart by its phase.
    #[must_use]
    pub(crate) fn in_phase(self, phase: Phase) -> Self {
        self.with("phase", phase.as_str())
    }

    /// The same refusal with every field below another one: `policy` becomes `plan.policy`.
    #[must_use]
    pub(crate) fn below(mut self, parent: &str) -> Self {
        for violation in &mut self.details.violations {
            violation.subject = format!("{parent}.{}", violation.subject);
        }
        self
    }

    /// What an order was refused for.
    pub(crate) fn of_order(client: &str, error: SubmitError) -> Self {
        let name = |id: &dyn ToString| resource_name(client, Collection::Executions, &id.to_string());
        let message = error.to_string();
        match error {
            SubmitError::RequestIdReused(id) => {
                Self::new(Reason::RequestIdReused, message).with("execution", name(&id))
            }
            SubmitError::StillRunning(id) => {
                Self::new(Reason::ExecutionRunning, message).with("execution", name(&id))
            }
            SubmitError::NothingToResume => Self::new(Reason::NoEarlierExecution, message),
            SubmitError::BudgetExceeded(shortage) => Self::of_shortage(&shortage),
            SubmitError::PlanExpired { not_after_unix } => {
                Self::new(Reason::PlanExpired, message).with("notAfterUnix", not_after_unix)
            }
            SubmitError::UnknownProvider(provider) => {
                Self::new(Reason::ProviderDisabled, message).with("provider", provider)
            }
            SubmitError::QualityNotScored => Self::field(
                Reason::QualityNotScored,
                "plan.spec.policy.quality_gate",
                "this server does not score pictures: plan without it",
            ),
            SubmitError::ShuttingDown => Self::new(Reason::ShuttingDown, message),
            SubmitError::Records(error) => error.into(),
        }
    }

    /// The budget that does not leave what a new execution is expected to cost.
    fn of_shortage(shortage: &BudgetShortage) -> Self {
        let show = |nanos| display_nanos(nanos, &shortage.key.currency);
        let left_nanos = shortage
            .limit_nanos
            .saturating_sub(shortage.committed_nanos)
            .max(0);
        let mut what = format!(
            "leaves {} of {}, and the plan is expected to cost {} more: raise the limit",
            show(left_nanos),
            show(shortage.limit_nanos),
            show(shortage.needed_nanos)
        );
        if let Some(reset_at) = shortage.reset_at {
            what = format!("{what}, or wait until {}", reset_at.rfc3339());
        }
        let mut refusal = Self::field(Reason::BudgetExceeded, &shortage.key.scope, what);
        refusal.details.metadata = shortage.facts();
        refusal.with("expectedNanos", shortage.needed_nanos)
    }

    /// What a watch ended with. `name` is the execution that was watched.
    pub(crate) fn of_watch(name: &str, error: WatchError) -> Self {
        let message = error.to_string();
        match error {
            WatchError::NotFound => Self::not_found(Collection::Executions, name),
            WatchError::Pruned(pruned) => Self::pruned(name, pruned),
            WatchError::OutOfRange { last_sequence } => {
                Self::new(Reason::CursorOutOfRange, message).with("lastSequence", last_sequence)
            }
            WatchError::ShuttingDown => Self::new(Reason::ShuttingDown, message),
            WatchError::Records(error) => error.into(),
        }
    }
}

impl From<RecordError> for Refusal {
    fn from(error: RecordError) -> Self {
        match error {
            RecordError::Unavailable(_) => Self::caused(
                Reason::StoreUnavailable,
                "the database cannot be reached: try again",
                error,
            ),
            RecordError::Fenced | RecordError::WrongState { .. } | RecordError::Damaged(_) => {
                Self::internal(error)
            }
        }
    }
}

impl From<BlobError> for Refusal {
    fn from(error: BlobError) -> Self {
        match error {
            BlobError::Unavailable { .. } => Self::caused(
                Reason::StoreUnavailable,
                "the store of images cannot be reached: try again",
                error,
            ),
            BlobError::NotFound(_) | BlobError::Conflict(_) | BlobError::Damaged(_) => Self::internal(error),
        }
    }
}

impl From<DeletionError> for Refusal {
    fn from(error: DeletionError) -> Self {
        match error {
            DeletionError::Records(error) => error.into(),
            DeletionError::Store(error) => error.into(),
        }
    }
}

impl From<PlanRefused> for Refusal {
    fn from(refused: PlanRefused) -> Self {
        let mut refusal = Self::new(refused.reason, refused.message);
        let class = refused.reason.as_str();
        let violations = refused.problems.into_iter().map(|problem| Violation {
            subject: problem.field,
            description: problem.description,
            class: class.to_owned(),
        });
        refusal.details.violations = violations.collect();
        refusal
    }
}
