//! What a store says no with.

use std::{error::Error, fmt};

use aws_sdk_s3::{
    error::{DisplayErrorContext, ProvideErrorMetadata, SdkError},
    operation::{RequestId as _, RequestIdExt as _},
};

use crate::blob::{BlobError, BlobKey};

/// A request that did not succeed.
#[derive(Debug)]
pub(super) struct Refused {
    /// Status of the answer; nothing when none came.
    status: Option<u16>,
    /// Code of the protocol, such as `NoSuchKey`; empty where the answer has no body, as that of HEAD.
    code: String,
    /// Everything for the log, without headers and thus without secrets.
    text: String,
}

impl Refused {
    /// What an operation failed with.
    pub(super) fn of<E>(error: SdkError<E>) -> Self
    where
        E: Error + ProvideErrorMetadata + Send + Sync + 'static,
    {
        let status = error.raw_response().map(|response| response.status().as_u16());
        let (code, message) = match &error {
            SdkError::ServiceError(service) => {
                let meta = service.err().meta();
                (
                    meta.code().unwrap_or_default(),
                    meta.message().unwrap_or_default(),
                )
            }
            _ => ("", ""),
        };
        let code = code.to_owned();
        let text = match (status, code.is_empty()) {
            (Some(status), true) => format!("the store answered {status}"),
            (Some(status), false) => {
                let request = error.request_id().or_else(|| error.extended_request_id());
                format!(
                    "the store answered {status} {code}: {message} (request {})",
                    request.unwrap_or("unknown")
                )
            }
            (None, _) => DisplayErrorContext(&error).to_string(),
        };
        Self { status, code, text }
    }

    /// As a condition that does not hold.
    pub(super) fn taken() -> Self {
        Self {
            status: Some(412),
            code: "PreconditionFailed".to_owned(),
            text: "something is stored there already".to_owned(),
        }
    }

    /// Something is under the key, or another put of it is under way.
    pub(super) fn is_taken(&self) -> bool {
        self.status == Some(412) || self.code == "ConditionalRequestConflict"
    }

    /// Nothing is under the key. That the bucket is missing is another matter, where the store tells the two apart.
    pub(super) fn is_absence(&self) -> bool {
        self.status == Some(404) && self.code != "NoSuchBucket"
    }

    /// The range begins after the last byte.
    pub(super) fn is_past_the_end(&self) -> bool {
        self.status == Some(416)
    }

    /// The store does not know this kind of request.
    pub(super) fn is_not_implemented(&self) -> bool {
        self.status == Some(501) || self.code == "NotImplemented"
    }

    /// The error of an operation on a key.
    pub(super) fn into_error(self, key: &BlobKey) -> BlobError {
        if self.is_absence() {
            return BlobError::NotFound(key.clone());
        }
        BlobError::unavailable(key, self)
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Error for Refused {}

/// An error beside the protocol: a body that broke off, or a request that could not be made.
pub(super) fn unavailable(key: &BlobKey, error: &(dyn Error + Send + Sync + 'static)) -> BlobError {
    BlobError::unavailable(key, DisplayErrorContext(error).to_string())
}
