//! What came of a job, as one [`Answer`]: the picture, and beside it whatever else the provider said.
//!
//! The picture is the body, so that a restart can go on from the staged bytes alone; the rest is JSON in one header.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use limn_proto::reason::Reason;
use serde::{Deserialize, Serialize};

use super::{Credentials, DownloadError, Downloads, download::Downloaded};
use crate::provider::{Answer, Bill, CallError, InterpretError, Rendered};

/// Header with what the result says beside its picture.
const RESULT: &str = "limn-result";
/// Longest time to fetch a picture that is done.
const DOWNLOAD_TIMEOUT: Duration = Duration::from_secs(60);

/// What a result says beside its picture.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(in crate::providers) struct JobResult {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(in crate::providers) request_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::providers) seed: Option<u64>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(in crate::providers) model_version: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(in crate::providers) revised_prompt: String,
    /// Cost as the provider tells it, in billionths of a dollar.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::providers) cost_nanos: Option<i64>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(in crate::providers) usage: BTreeMap<String, i64>,
    /// Why there is no picture: a reason and a sentence. Set by [`without_picture`](Self::without_picture).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::providers) missing: Option<(String, String)>,
}

impl JobResult {
    /// Fetches the picture of work that is done. The answer has none when it is gone for good, or too large.
    ///
    /// # Errors
    /// It may be there the next time: ask again.
    pub(in crate::providers) async fn fetch(
        self,
        downloads: &Downloads,
        address: &str,
        timeout: Duration,
        credentials: Option<&Credentials<'_>>,
    ) -> Result<Answer, CallError> {
        let timeout = timeout.min(DOWNLOAD_TIMEOUT);
        let error = match downloads.fetch(address, timeout, credentials).await {
            Ok(Downloaded { media_type, body }) => return Ok(self.with_picture(media_type, body)),
            Err(error) => error,
        };
        match error {
            DownloadError::Gone(_) => Ok(self.without_picture(Reason::NoImage, &error.to_string())),
            DownloadError::Oversize { .. } => {
                Ok(self.without_picture(Reason::ImageInvalid, &error.to_string()))
            }
            // What is refused here may be allowed by an operator while the picture is still there.
            DownloadError::Refused(_) | DownloadError::Failed(_) => {
                tracing::warn!(request_id = self.request_id, %error, "a picture that is done could not be fetched");
                Err(CallError::Unknown {
                    message: error.to_string(),
                    http_status: None,
                    request_id: self.request_id,
                    partial_body: Bytes::new(),
                })
            }
        }
    }

    /// The answer with a picture that came along.
    pub(in crate::providers) fn with_picture(self, media_type: String, body: Bytes) -> Answer {
        Answer {
            media_type,
            request_id: self.request_id.clone(),
            headers: BTreeMap::from([(RESULT.to_owned(), self.header())]),
            body,
        }
    }

    /// The answer of work that is done, and paid for, without a picture to show for it.
    pub(in crate::providers) fn without_picture(mut self, reason: Reason, why: &str) -> Answer {
        self.missing = Some((reason.as_str().to_owned(), why.to_owned()));
        self.with_picture(String::new(), Bytes::new())
    }

    fn header(&self) -> String {
        // Maps with text keys can always be written.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads an answer that was made here.
    pub(in crate::providers) fn read(answer: &Answer) -> Result<Rendered, InterpretError> {
        // Bytes that were staged without their receipt have no header: the picture is what was paid for.
        let header = answer.headers.get(RESULT).map_or("{}", String::as_str);
        let result: Self = serde_json::from_str(header).unwrap_or_default();
        let bill = Bill {
            cost_nanos: result.cost_nanos,
            usage: result.usage,
            is_unbilled: false,
        };
        if answer.body.is_empty() {
            let (reason, message) = result.missing.unwrap_or_default();
            return Err(InterpretError {
                reason: Reason::parse(&reason).unwrap_or(Reason::NoImage),
                message: if message.is_empty() {
                    "the answer has no image".to_owned()
                } else {
                    message
                },
                bill,
            });
        }
        Ok(Rendered {
            image: answer.body.clone(),
            revised_prompt: result.revised_prompt,
            seed: result.seed,
            model_version: result.model_version,
            bill,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let result = JobResult {
            request_id: "job-1".to_owned(),
            seed: Some(7),
            model_version: "v1".to_owned(),
            revised_prompt: "ein Fuchs".to_owned(),
            cost_nanos: Some(30_000_000),
            usage: BTreeMap::from([("second".to_owned(), 4)]),
            missing: None,
        };
        let answer = result
            .clone()
            .with_picture("image/png".to_owned(), Bytes::from_static(b"png"));
        let rendered = JobResult::read(&answer).unwrap();
        assert_eq!(
            (rendered.seed, rendered.image, rendered.bill.cost_nanos),
            (Some(7), Bytes::from_static(b"png"), Some(30_000_000))
        );
        assert_eq!(
            (&*rendered.revised_prompt, &*rendered.model_version),
            ("ein Fuchs", "v1")
        );
        let without = result.without_picture(Reason::ContentBlocked, "refused");
        let error = JobResult::read(&without).unwrap_err();
        assert_eq!(
            (error.reason, &*error.message),
            (Reason::ContentBlocked, "refused")
        );
        assert_eq!(error.bill.usage["second"], 4);
    }

    #[test]
    fn bytes_alone_are_a_picture_and_nothing_is_none() {
        let staged = |body: &'static [u8]| Answer {
            body: Bytes::from_static(body),
            ..Answer::default()
        };
        assert_eq!(JobResult::read(&staged(b"png")).unwrap().image, "png");
        assert_eq!(JobResult::read(&staged(b"")).unwrap_err().reason, Reason::NoImage);
    }
}
