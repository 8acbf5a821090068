//! What went wrong, as people, programs and the shell want to know it.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    ops::{Deref, DerefMut},
};

use limn_proto::reason::Reason;
use serde::Serialize;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

/// The exit codes of `limn`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// A bug, or something the machine did.
    Internal = 1,
    /// Wrong usage or an invalid request.
    Usage = 2,
    /// A precondition, a budget, a price.
    Refused = 3,
    /// The named thing does not exist.
    NotFound = 4,
    /// The execution failed or was cancelled.
    ExecutionFailed = 5,
    /// A paid call has an unknown outcome.
    OutcomeUnknown = 6,
    /// Not now.
    Unavailable = 7,
    /// Stopped by Ctrl-C.
    Interrupted = 130,
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Violation {
    /// Path of the field, or the subject of a precondition.
    pub(crate) field: String,
    /// What is wrong with it.
    pub(crate) description: String,
    /// The reason of this one; empty when it is the reason of the whole.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) reason: String,
}

impl Violation {
    fn line(&self) -> String {
        if self.field.is_empty() {
            return self.description.clone();
        }
        format!("{}: {}", self.field, self.description)
    }
}

/// Why a command did not do what it was asked to. Boxed, because nearly every function may return one.
#[derive(Debug, Clone)]
pub(crate) struct Failure(Box<Facts>);

/// What is known about a [`Failure`].
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Facts {
    #[serde(skip)]
    pub(crate) exit: Exit,
    /// Name of the gRPC code, for example `INVALID_ARGUMENT`.
    pub(crate) code: &'static str,
    /// A word of the contract, or one of the command line itself: `INVALID_USAGE`, `INTERRUPTED`,
    /// `SERVER_UNREACHABLE`, `ADDRESS_IN_USE`, `UNHEALTHY`, `BOOKS_WRONG`,
    /// `NOT_VERIFIED`, `NOT_DETECTED`.
    pub(crate) reason: String,
    /// What is wrong, in a sentence.
    pub(crate) message: String,
    /// Everything that is wrong, when there are several.
    pub(crate) violations: Vec<Violation>,
    /// Facts by name.
    pub(crate) metadata: BTreeMap<String, String>,
    /// What to do about it; empty when nothing general can be said.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) advice: String,
}

impl Failure {
    /// A failure with the code and the exit code that go with the reason.
    pub(crate) fn new(reason: Reason, message: impl Into<String>) -> Self {
        let code = Code::from(reason.code() as i32);
        let exit = match reason {
            Reason::OutcomeUnknown => Exit::OutcomeUnknown,
            Reason::StepsFailed | Reason::CancelledByClient => Exit::ExecutionFailed,
            _ => exit_of(code),
        };
        Self::with(exit, code_name(code), reason.as_str(), message.into())
    }

    /// The command line was not understood.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::with(Exit::Usage, "INVALID_ARGUMENT", "INVALID_USAGE", message.into())
    }

    /// A file, the terminal or the machine did not do its part.
    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::with(Exit::Internal, "INTERNAL", "INTERNAL", message.into())
    }

    /// A server, a port or a folder that cannot be used now.
    pub(crate) fn unavailable(reason: &str, message: impl Into<String>) -> Self {
        Self::with(Exit::Unavailable, "UNAVAILABLE", reason, message.into())
    }

    /// What is kept does not agree with the ledger.
    pub(crate) fn books_wrong(message: impl Into<String>) -> Self {
        Self::with(Exit::Internal, "DATA_LOSS", "BOOKS_WRONG", message.into())
            .advise("change nothing by hand; keep a copy of the database and report it")
    }

    /// Content Credentials of a file are absent, do not hold, are not trusted, or do not agree with the records.
    pub(crate) fn not_verified(message: impl Into<String>) -> Self {
        Self::with(
            Exit::Refused,
            "FAILED_PRECONDITION",
            "NOT_VERIFIED",
            message.into(),
        )
    }

    /// A picture is not known here.
    pub(crate) fn not_detected(message: impl Into<String>) -> Self {
        Self::with(Exit::NotFound, "NOT_FOUND", "NOT_DETECTED", message.into())
    }

    /// Stopped by Ctrl-C.
    pub(crate) fn interrupted(message: impl Into<String>) -> Self {
        Self::with(Exit::Interrupted, "CANCELLED", "INTERRUPTED", message.into())
    }

    fn with(exit: Exit, code: &'static str, reason: &str, message: String) -> Self {
        Self(Box::new(Facts {
            exit,
            code,
            reason: reason.to_owned(),
            message,
            violations: Vec::new(),
            metadata: BTreeMap::new(),
            advice: advice(reason).to_owned(),
        }))
    }

    /// Says what to do about it.
    #[must_use]
    pub(crate) fn advise(mut self, advice: impl Into<String>) -> Self {
        self.advice = advice.into();
        self
    }

    /// Adds the single things that are wrong.
    #[must_use]
    pub(crate) fn with_violations(mut self, violations: Vec<Violation>) -> Self {
        self.violations = violations;
        self
    }

    /// The text for people: what is wrong, each violation on its own line, and what to do.
    pub(crate) fn text(&self) -> String {
        let lines: Vec<_> = self.violations.iter().map(Violation::line).collect();
        // A planner's message is its first violation; it should not stand there twice.
        let repeats = lines
            .first()
            .is_some_and(|first| self.message.starts_with(first.as_str()));
        let (headline, lines) = match (repeats, lines.len()) {
            (true, 1) => (self.message.clone(), &[][..]),
            (true, count) => (format!("{count} problems"), lines.as_slice()),
            (false, _) => (self.message.clone(), lines.as_slice()),
        };
        let mut text = format!("error: {headline}\n");
        for line in lines {
            // Writing into a String cannot fail.
            let _ = writeln!(text, "  {line}");
        }
        if !self.advice.is_empty() {
            let _ = writeln!(text, "{}", self.advice);
        }
        text
    }
}

impl Deref for Failure {
    type Target = Facts;

    fn deref(&self) -> &Facts {
        &self.0
    }
}

impl DerefMut for Failure {
    fn deref_mut(&mut self) -> &mut Facts {
        &mut self.0
    }
}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        let details = status.get_error_details();
        let (reason, metadata) = match details.error_info() {
            Some(facts) => (facts.reason.clone(), facts.metadata.clone().into_iter().collect()),
            None => (code_name(status.code()).to_owned(), BTreeMap::new()),
        };
        let mut failure = Self::with(
            exit_of(status.code()),
            code_name(status.code()),
            &reason,
            String::new(),
        );
        status.message().clone_into(&mut failure.message);
        failure.metadata = metadata;
        if reason == Reason::OutcomeUnknown.as_str() {
            failure.exit = Exit::OutcomeUnknown;
        }
        if failure.message.is_empty() {
            failure.message = format!("the server answered {}", failure.code);
        }
        if let Some(request) = details.bad_request() {
            failure
                .violations
                .extend(request.field_violations.iter().map(|violation| Violation {
                    field: violation.field.clone(),
                    description: violation.description.clone(),
                    reason: violation.reason.clone(),
                }));
        }
        if let Some(precondition) = details.precondition_failure() {
            failure
                .violations
                .extend(precondition.violations.iter().map(|violation| Violation {
                    field: violation.subject.clone(),
                    description: violation.description.clone(),
                    reason: violation.r#type.clone(),
                }));
        }
        if let Some(quota) = details.quota_failure() {
            failure
                .violations
                .extend(quota.violations.iter().map(|violation| Violation {
                    field: violation.subject.clone(),
                    description: violation.description.clone(),
                    reason: String::new(),
                }));
        }
        if let Some(delay) = details.retry_info().and_then(|retry| retry.retry_delay) {
            failure
                .metadata
                .insert("retryDelayMs".to_owned(), delay.as_millis().to_string());
        }
        failure
    }
}

fn exit_of(code: Code) -> Exit {
    match code {
        Code::InvalidArgument | Code::OutOfRange => Exit::Usage,
        Code::FailedPrecondition
        | Code::ResourceExhausted
        | Code::PermissionDenied
        | Code::Unauthenticated
        | Code::AlreadyExists
        | Code::Aborted => Exit::Refused,
        Code::NotFound => Exit::NotFound,
        Code::Unavailable | Code::DeadlineExceeded => Exit::Unavailable,
        Code::Cancelled => Exit::Interrupted,
        Code::Ok | Code::Unknown | Code::Unimplemented | Code::Internal | Code::DataLoss => Exit::Internal,
    }
}

fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

/// An error and what caused it, without what the error says itself.
pub(crate) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut message = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        if !message.contains(&text) {
            message = format!("{message}: {text}");
        }
        next = cause.source();
    }
    message
}

/// What to do about a reason, when that is the same every time.
pub(crate) fn advice(reason: &str) -> &'static str {
    let Some(reason) = Reason::parse(reason) else {
        return "";
    };
    match reason {
        Reason::UnknownProvider | Reason::ProviderDisabled | Reason::NoEligibleProvider => {
            "`limn doctor` says which providers can be used, and what the others lack"
        }
        Reason::MaxCostExceeded => "raise --max-cost, or ask for a smaller size or a lower quality",
        Reason::PlanStale => "plan again; when only prices rose, --accept-price-drift runs the plan as it is",
        Reason::PlanExpired => "plan again",
        Reason::PlanDigestMismatch => "the plan was changed after it was made; plan again",
        Reason::PlanRevisionUnsupported => "the plan was made by a newer limn; upgrade this one",
        Reason::PlanNotFound => "`limn plans` lists the stored plans",
        Reason::ExecutionNotFound => "`limn executions` lists the executions",
        Reason::ExecutionPruned => {
            "its pictures stay: `limn images` lists them, and the same plan gets them again at no cost"
        }
        Reason::ImageNotFound => "`limn images` lists the images",
        Reason::ExecutionRunning => "`limn executions --state processing` names it, `limn watch` follows it",
        Reason::NoEarlierExecution => "leave out --mode resume",
        Reason::RequestIdReused => "use another --request-id for another order",
        Reason::CostLimitReached => "plan again with a higher --max-cost",
        Reason::QualityBelowThreshold => {
            "what was paid is kept, and used when you plan again: with more --rerolls, a lower --min-quality or \
             --accept-best"
        }
        Reason::QualityNotScored => "leave out --min-quality: this server does not score pictures",
        Reason::OutcomeUnknown => {
            "the provider may have billed a call whose answer never came, so it is not sent again by itself: \
             look at what the provider billed, and decide"
        }
        Reason::AttemptNotFound => "`limn executions NAME` lists the attempts of an execution",
        Reason::AttemptNotUnknown => "`limn executions NAME` shows what it came to, and who decided why",
        Reason::ExecutionNotParked => "`limn executions NAME` shows where it stands, and what to do next",
        Reason::ExecutionPoisoned => {
            "find out why the processes died, then `limn unpark` lets it run again, or `limn cancel` gives it up"
        }
        Reason::ProviderAccount => {
            "check the key and the credit at the provider; `limn doctor` names its settings"
        }
        Reason::ProviderRateLimited | Reason::ProviderUnavailable => {
            "nothing was paid; run it again later, or name other providers with --fallback"
        }
        Reason::NoImage | Reason::ImageInvalid => {
            "the provider billed this answer, so it is kept (stagedKey); running it again draws, and pays, again"
        }
        Reason::ContentBlocked => "the provider refuses this content; say it in other words",
        Reason::StoreUnavailable | Reason::ShuttingDown => "try again; the same order is never paid twice",
        Reason::BudgetExceeded => {
            "`limn budget` shows what is left, `limn budget set` changes it; finished pictures stay"
        }
        Reason::EtagMismatch => "somebody else changed it; look at it again, then decide",
        Reason::BadPageToken => "start the list again without --page-token",
        _ => "",
    }
}
