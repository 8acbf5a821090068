//! Answers of vendors on their way back, and the words for those that do not come.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use limn_executor::provider::{Answer, Billing, CallError, Lookup, Poll, Rejection, Submission};
use limn_proto::reason::Reason;

use crate::{desk::Deliver, rng::Rng, vendor::Question};

/// A vendor's answer.
pub(crate) enum Reply {
    Answer(Answer),
    Accepted(String),
    /// Not done: the job, and when to ask again.
    Pending(String, Duration),
    /// The vendor knows nothing of the call.
    Absent,
    /// The vendor cannot be asked that.
    Impossible,
    /// It was understood.
    Noted,
    Error(CallError),
}

impl Reply {
    /// What is left of an answer when the connection breaks.
    pub(crate) fn broken(self, rng: &mut Rng, cut_off: bool) -> Self {
        let whole = match self {
            Self::Answer(answer) => answer.body,
            _ => Bytes::new(),
        };
        let kept = if cut_off && !whole.is_empty() {
            rng.index(whole.len())
        } else {
            0
        };
        Self::Error(CallError::Unknown {
            message: "the connection was reset".to_owned(),
            http_status: (kept > 0).then_some(200),
            request_id: String::new(),
            partial_body: whole.slice(..kept),
        })
    }

    /// The answer in a word for the trace, and the way to tell it.
    pub(crate) fn deliver(self, question: Question) -> (String, Deliver) {
        match question {
            Question::Submit(answer) => {
                let result = match self {
                    Self::Answer(drawn) => Ok(Submission::Received(drawn)),
                    Self::Accepted(job_id) => Ok(Submission::Accepted { job_id }),
                    other => Err(other.into_error()),
                };
                let brief = match &result {
                    Ok(Submission::Received(drawn)) => format!("answer {}", drawn.request_id),
                    Ok(Submission::Accepted { job_id }) => format!("accepted {job_id}"),
                    Err(error) => error.to_string(),
                };
                (brief, Box::new(move || drop(answer.send(result))))
            }
            Question::Poll { answer, .. } => {
                let result = match self {
                    Self::Answer(drawn) => Ok(Poll::Received(drawn)),
                    Self::Pending(_, delay) => Ok(Poll::Pending(delay)),
                    other => Err(other.into_error()),
                };
                let brief = match &result {
                    Ok(Poll::Received(drawn)) => format!("answer {}", drawn.request_id),
                    Ok(Poll::Pending(delay)) => format!("pending {delay:?}"),
                    Err(error) => error.to_string(),
                };
                (brief, Box::new(move || drop(answer.send(result))))
            }
            Question::Lookup(answer) => {
                let result = match self {
                    Self::Answer(drawn) => Ok(Lookup::Received(drawn)),
                    Self::Pending(job_id, _) => Ok(Lookup::Pending { job_id }),
                    Self::Absent => Ok(Lookup::Absent),
                    Self::Impossible => Ok(Lookup::Impossible),
                    other => Err(other.into_error()),
                };
                let brief = match &result {
                    Ok(Lookup::Received(drawn)) => format!("answer {}", drawn.request_id),
                    Ok(other) => format!("{other:?}"),
                    Err(error) => error.to_string(),
                };
                (brief, Box::new(move || drop(answer.send(result))))
            }
            Question::Cancel { answer, .. } => {
                let result = match self {
                    Self::Error(error) => Err(error),
                    _ => Ok(()),
                };
                let brief = match &result {
                    Ok(()) => "noted".to_owned(),
                    Err(error) => error.to_string(),
                };
                (brief, Box::new(move || drop(answer.send(result))))
            }
        }
    }

    fn into_error(self) -> CallError {
        match self {
            Self::Error(error) => error,
            _ => lost(500),
        }
    }
}

pub(crate) fn unsent() -> CallError {
    CallError::Unsent {
        message: "connection refused".to_owned(),
    }
}

pub(crate) fn timed_out() -> CallError {
    CallError::Unknown {
        message: "no answer within the deadline".to_owned(),
        http_status: None,
        request_id: String::new(),
        partial_body: Bytes::new(),
    }
}

/// An answer that no table lists.
pub(crate) fn lost(status: u16) -> CallError {
    CallError::Unknown {
        message: format!("status {status}"),
        http_status: Some(status),
        request_id: String::new(),
        partial_body: Bytes::new(),
    }
}

pub(crate) fn rejected(reason: Reason, billing: Billing) -> Reply {
    Reply::Error(CallError::Rejected(Rejection {
        reason,
        message: "refused".to_owned(),
        http_status: Some(400),
        request_id: String::new(),
        retry_after: None,
        billing,
        metadata: BTreeMap::new(),
    }))
}
