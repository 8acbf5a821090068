//! Refusals as gRPC statuses. The only file that writes a [`tonic::Status`].
//!
//! Every status has an `ErrorInfo` with the reason, which is contract. A status travels in HTTP/2 headers,
//! and peers refuse headers beyond 16 KiB, so everything here has a cap.

#![deny(clippy::wildcard_enum_match_arm)]

use std::time::Duration;

use limn_proto::reason::{Code, ERROR_DOMAIN, Reason};
use tonic::Status;
use tonic_types::{ErrorDetails, FieldViolation, PreconditionViolation, QuotaViolation, StatusExt as _};

use crate::refusal::{Refusal, Violation};

/// Most violations that are listed; their whole number stands in the metadata as `violationCount`.
const MAX_VIOLATIONS: usize = 20;
/// Longest message in bytes.
const MAX_MESSAGE_BYTES: usize = 1024;
/// Longest description, name or fact in bytes.
const MAX_TEXT_BYTES: usize = 240;
/// Longest subject of a violation in bytes.
const MAX_SUBJECT_BYTES: usize = 120;

impl From<Refusal> for Status {
    fn from(refusal: Refusal) -> Self {
        let Refusal {
            reason,
            message,
            details: known,
        } = refusal;
        let mut metadata = known.metadata;
        if let Some(cause) = &known.cause {
            let trace = uuid::Uuid::new_v4().to_string();
            tracing::error!(
                reason = reason.as_str(),
                trace_id = trace,
                error = chain(cause.as_ref()),
                "a call failed"
            );
            metadata.insert("traceId".to_owned(), trace);
        }
        let count = known.violations.len();
        if count > 0 {
            metadata.insert("violationCount".to_owned(), count.to_string());
        }

        let mut details = ErrorDetails::new();
        let facts = metadata
            .into_iter()
            .map(|(key, value)| (key, cut(&value, MAX_TEXT_BYTES)));
        details.set_error_info(
            reason.as_str(),
            ERROR_DOMAIN,
            facts.collect::<std::collections::HashMap<_, _>>(),
        );
        list_violations(&mut details, reason, &known.violations);
        if let Some((resource_type, name)) = known.resource {
            details.set_resource_info(resource_type, cut(&name, MAX_TEXT_BYTES), "", "");
        }
        if let Some(delay) = retry_delay(reason) {
            details.set_retry_info(Some(delay));
        }
        Self::with_error_details(grpc_code(reason.code()), told(message, count), details)
    }
}

/// The status of a method that does not exist.
pub(crate) fn unknown_method() -> Status {
    Status::unimplemented("this server has no such method")
}

/// The message, which says how many violations there are when not all of them are listed.
fn told(message: String, count: usize) -> String {
    if count <= MAX_VIOLATIONS {
        return cut(&message, MAX_MESSAGE_BYTES);
    }
    let note = format!("; the first {MAX_VIOLATIONS} of {count} are listed");
    cut(&message, MAX_MESSAGE_BYTES - note.len()) + &note
}

/// The code decides which of the standard details holds the violations.
fn list_violations(details: &mut ErrorDetails, reason: Reason, violations: &[Violation]) {
    if violations.is_empty() {
        return;
    }
    let listed = violations.iter().take(MAX_VIOLATIONS).map(|violation| {
        let subject = cut(&violation.subject, MAX_SUBJECT_BYTES);
        let description = cut(&violation.description, MAX_TEXT_BYTES);
        (subject, description, violation.class.clone())
    });
    match reason.code() {
        Code::InvalidArgument | Code::OutOfRange => {
            let listed = listed.map(|(subject, description, class)| {
                let mut violation = FieldViolation::new(subject, description);
                violation.reason = class;
                violation
            });
            details.set_bad_request(listed.collect::<Vec<_>>());
        }
        Code::ResourceExhausted => {
            let listed = listed.map(|(subject, description, _)| QuotaViolation::new(subject, description));
            details.set_quota_failure(listed.collect::<Vec<_>>());
        }
        Code::FailedPrecondition
        | Code::Cancelled
        | Code::Unknown
        | Code::NotFound
        | Code::PermissionDenied
        | Code::Aborted
        | Code::Internal
        | Code::Unavailable
        | Code::DataLoss
        | Code::Unauthenticated => {
            let listed = listed
                .map(|(subject, description, class)| PreconditionViolation::new(class, subject, description));
            details.set_precondition_failure(listed.collect::<Vec<_>>());
        }
    }
}

/// How long to wait before the same call can succeed; nothing when waiting alone does not help.
fn retry_delay(reason: Reason) -> Option<Duration> {
    if reason == Reason::BudgetExceeded {
        return None;
    }
    match reason.code() {
        Code::Unavailable => Some(Duration::from_secs(1)),
        Code::ResourceExhausted => Some(Duration::from_secs(5)),
        Code::Cancelled
        | Code::Unknown
        | Code::InvalidArgument
        | Code::NotFound
        | Code::PermissionDenied
        | Code::FailedPrecondition
        | Code::Aborted
        | Code::OutOfRange
        | Code::Internal
        | Code::DataLoss
        | Code::Unauthenticated => None,
    }
}

fn grpc_code(code: Code) -> tonic::Code {
    match code {
        Code::Cancelled => tonic::Code::Cancelled,
        Code::Unknown => tonic::Code::Unknown,
        Code::InvalidArgument => tonic::Code::InvalidArgument,
        Code::NotFound => tonic::Code::NotFound,
        Code::PermissionDenied => tonic::Code::PermissionDenied,
        Code::ResourceExhausted => tonic::Code::ResourceExhausted,
        Code::FailedPrecondition => tonic::Code::FailedPrecondition,
        Code::Aborted => tonic::Code::Aborted,
        Code::OutOfRange => tonic::Code::OutOfRange,
        Code::Internal => tonic::Code::Internal,
        Code::Unavailable => tonic::Code::Unavailable,
        Code::DataLoss => tonic::Code::DataLoss,
        Code::Unauthenticated => tonic::Code::Unauthenticated,
    }
}

/// At most so many bytes, cut between characters, with an ellipsis when something is gone.
fn cut(text: &str, max_bytes: usize) -> String {
    if text.len() <= max_bytes {
        return text.to_owned();
    }
    let ellipsis = '…';
    let mut end = max_bytes - ellipsis.len_utf8();
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{ellipsis}", &text[..end])
}

/// An error with everything behind it, for the log.
fn chain(error: &(dyn std::error::Error + Send + Sync)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let inner = error.to_string();
        if !text.contains(&inner) {
            text.push_str(": ");
            text.push_str(&inner);
        }
        source = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use limn_executor::records::RecordError;
    use limn_proto::name::Collection;

    use super::*;

    /// What the contract promises. A reason that is missing here, or has another code, breaks callers.
    const CONTRACT: &[(&str, tonic::Code)] = &[
        ("INVALID_REQUEST", tonic::Code::InvalidArgument),
        ("MALFORMED_JSON", tonic::Code::InvalidArgument),
        ("UNKNOWN_PROVIDER", tonic::Code::InvalidArgument),
        ("UNKNOWN_MODEL", tonic::Code::InvalidArgument),
        ("MODEL_RETIRED", tonic::Code::InvalidArgument),
        ("UNSUPPORTED_PARAMETER", tonic::Code::InvalidArgument),
        ("PROVIDER_DISABLED", tonic::Code::FailedPrecondition),
        ("NO_ELIGIBLE_PROVIDER", tonic::Code::FailedPrecondition),
        ("PRICE_UNKNOWN", tonic::Code::FailedPrecondition),
        ("REFERENCE_NOT_FOUND", tonic::Code::FailedPrecondition),
        ("MAX_COST_EXCEEDED", tonic::Code::FailedPrecondition),
        ("TOO_MANY_STEPS", tonic::Code::InvalidArgument),
        ("PLAN_REVISION_UNSUPPORTED", tonic::Code::FailedPrecondition),
        ("PLAN_NOT_CANONICAL", tonic::Code::InvalidArgument),
        ("PLAN_DIGEST_MISMATCH", tonic::Code::InvalidArgument),
        ("PLAN_NOT_FOUND", tonic::Code::NotFound),
        ("PLAN_IN_USE", tonic::Code::FailedPrecondition),
        ("PLAN_STALE", tonic::Code::FailedPrecondition),
        ("PLAN_EXPIRED", tonic::Code::FailedPrecondition),
        ("DOCUMENT_CHANGED", tonic::Code::FailedPrecondition),
        ("REQUEST_ID_REUSED", tonic::Code::InvalidArgument),
        ("EXECUTION_RUNNING", tonic::Code::FailedPrecondition),
        ("NO_EARLIER_EXECUTION", tonic::Code::NotFound),
        ("CLIENT_MISMATCH", tonic::Code::PermissionDenied),
        ("EXECUTION_NOT_FOUND", tonic::Code::NotFound),
        ("IMAGE_NOT_FOUND", tonic::Code::NotFound),
        ("SESSION_NOT_FOUND", tonic::Code::NotFound),
        ("CURSOR_OUT_OF_RANGE", tonic::Code::OutOfRange),
        ("BAD_PAGE_TOKEN", tonic::Code::InvalidArgument),
        ("BUDGET_EXCEEDED", tonic::Code::ResourceExhausted),
        ("EXECUTION_PRUNED", tonic::Code::NotFound),
        ("RESULT_DELETED", tonic::Code::FailedPrecondition),
        ("WATCHER_TOO_SLOW", tonic::Code::Aborted),
        ("STORE_UNAVAILABLE", tonic::Code::Unavailable),
        ("SHUTTING_DOWN", tonic::Code::Unavailable),
        ("INTERNAL", tonic::Code::Internal),
        ("ATTEMPT_NOT_FOUND", tonic::Code::NotFound),
        ("ATTEMPT_NOT_UNKNOWN", tonic::Code::FailedPrecondition),
        ("EXECUTION_NOT_PARKED", tonic::Code::FailedPrecondition),
        ("BUDGET_NOT_FOUND", tonic::Code::NotFound),
        ("ETAG_MISMATCH", tonic::Code::Aborted),
        ("BAD_UPDATE_MASK", tonic::Code::InvalidArgument),
        ("PROVIDER_UNAVAILABLE", tonic::Code::Unavailable),
        ("PROVIDER_RATE_LIMITED", tonic::Code::ResourceExhausted),
        ("OUTCOME_UNKNOWN", tonic::Code::Aborted),
        ("OUTCOME_WRITTEN_OFF", tonic::Code::Aborted),
        ("EXECUTION_POISONED", tonic::Code::Aborted),
        ("PROVIDER_REJECTED", tonic::Code::InvalidArgument),
        ("PROVIDER_ACCOUNT", tonic::Code::FailedPrecondition),
        ("CONTENT_BLOCKED", tonic::Code::FailedPrecondition),
        ("NO_IMAGE", tonic::Code::Unknown),
        ("IMAGE_INVALID", tonic::Code::DataLoss),
        ("QUALITY_BELOW_THRESHOLD", tonic::Code::FailedPrecondition),
        ("QUALITY_NOT_SCORED", tonic::Code::FailedPrecondition),
        ("COST_LIMIT_REACHED", tonic::Code::ResourceExhausted),
        ("STOPPED_BY_POLICY", tonic::Code::Aborted),
        ("CANCELLED_BY_CLIENT", tonic::Code::Cancelled),
        ("STEPS_FAILED", tonic::Code::Aborted),
    ];

    fn status(refusal: Refusal) -> (Status, ErrorDetails) {
        let status = Status::from(refusal);
        let details = status.get_error_details();
        (status, details)
    }

    #[test]
    fn every_reason_has_the_word_and_the_code_of_the_contract() {
        let found: Vec<_> = Reason::ALL
            .iter()
            .map(|reason| {
                let (status, details) = status(Refusal::new(*reason, "no"));
                let info = details.error_info().unwrap().clone();
                assert_eq!(info.domain, "limn.dev");
                (info.reason, status.code())
            })
            .collect();
        let expected: Vec<_> = CONTRACT
            .iter()
            .map(|(word, code)| ((*word).to_owned(), *code))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_thousand_violations_fit_into_the_headers_and_are_counted() {
        let mut refusal =
            Refusal::new(Reason::InvalidRequest, "é".repeat(2000)).with("fact", "x".repeat(9000));
        refusal.details.violations = (0..1000)
            .map(|index| Violation {
                subject: format!("batch.images[{index}].{}", "labels".repeat(100)),
                description: "long ".repeat(500),
                class: "INVALID_REQUEST".to_owned(),
            })
            .collect();
        let (status, details) = status(refusal);
        assert!(status.message().len() <= 1024, "{}", status.message().len());
        assert!(status.message().contains("20 of 1000"), "{}", status.message());
        assert_eq!(details.bad_request().unwrap().field_violations.len(), 20);
        assert_eq!(details.error_info().unwrap().metadata["violationCount"], "1000");
        // Base64 grows the details by a third, and the message is percent-encoded.
        assert!(status.details().len() * 4 / 3 + 3 * status.message().len() < 16 * 1024);
    }

    #[test]
    fn a_failed_database_tells_the_caller_to_retry_and_nothing_else() {
        let error = RecordError::Unavailable("disk /var/lib/limn is full".into());
        let (status, details) = status(error.into());
        assert_eq!(status.code(), tonic::Code::Unavailable);
        assert!(details.retry_info().is_some());
        assert!(!format!("{status:?}").contains("/var/lib"));
        assert!(details.error_info().unwrap().metadata.contains_key("traceId"));
    }

    #[test]
    fn an_empty_budget_is_a_quota_that_waiting_does_not_fill() {
        let budget = "clients/alice/budgets/client";
        let (status, details) = status(Refusal::field(Reason::BudgetExceeded, budget, "leaves 0.01 USD"));
        assert_eq!(status.code(), tonic::Code::ResourceExhausted);
        assert_eq!(details.quota_failure().unwrap().violations[0].subject, budget);
        assert!(details.retry_info().is_none());
    }

    #[test]
    fn violations_of_a_precondition_travel_as_such() {
        let refusal = Refusal::field(Reason::PlanStale, "hero/0", "the price rose");
        let (_, details) = status(refusal);
        let failure = details.precondition_failure().unwrap();
        assert_eq!(failure.violations[0].r#type, "PLAN_STALE");
        assert_eq!(failure.violations[0].subject, "hero/0");
        assert!(details.bad_request().is_none());
    }

    #[test]
    fn a_missing_thing_is_named() {
        let name = "clients/alice/images/1";
        let (_, details) = status(Refusal::not_found(Collection::Images, name));
        let resource = details.resource_info().unwrap();
        assert_eq!(
            (resource.resource_type.as_str(), resource.resource_name.as_str()),
            ("limn.v1.Image", name)
        );
    }
}
