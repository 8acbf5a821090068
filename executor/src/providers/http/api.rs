//! An API over HTTP: its address, its key, and what every adapter says in the same words.

use std::{collections::BTreeMap, time::Duration};

use limn_proto::reason::Reason;
use reqwest::{Client, RequestBuilder, Response, Url};
use secrecy::{ExposeSecret as _, SecretString};

use super::{Connecting, Ending, Received, Redaction, asked_wait, client, read, secrets_of, without_secrets};
use crate::{
    provider::{Answer, Bill, Billing, CallError, InterpretError, Rejection, Rendered},
    providers::{RefusalBilling, Setup, kind::without_user},
};

/// Longest time to resolve, connect and shake hands, when nothing else is set.
const CONNECT_TIMEOUT_MS: u64 = 10_000;
/// Largest answer that is read, when nothing else is set. An image grows by a third in a JSON answer.
const MAX_ANSWER_BYTES: usize = 64 << 20;
/// Error bodies and job descriptions are a few kilobytes; more is not read.
const MAX_SMALL_BYTES: usize = 1 << 20;

/// Header of an [`Answer`] whose body was cut at our own bound. The value says why.
const TRUNCATED: &str = "limn-body-truncated";

/// An API as an operator set it up.
#[derive(Debug)]
pub(in crate::providers) struct Api {
    /// Id of the provider.
    pub(in crate::providers) id: String,
    pub(in crate::providers) key: Option<SecretString>,
    /// Everything that must not be told, whoever repeats it.
    secrets: Vec<SecretString>,
    /// Address that paths are appended to; no slash at the end.
    pub(in crate::providers) base_url: Url,
    pub(in crate::providers) client: Client,
    pub(in crate::providers) connect_timeout: Duration,
    pub(in crate::providers) max_answer_bytes: usize,
    /// What the catalog says of content that is refused late.
    pub(in crate::providers) refusals: RefusalBilling,
}

/// A refusal, as the table of an adapter reads it from an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::providers) struct Refusal {
    pub(in crate::providers) reason: Reason,
    pub(in crate::providers) billing: Billing,
    /// The provider's own words; empty: it had none.
    pub(in crate::providers) message: String,
    /// How long it asked to wait, where it says so in its body.
    pub(in crate::providers) wait: Option<Duration>,
    /// More facts, for example `providerCode`. Empty values are left out.
    pub(in crate::providers) facts: Vec<(&'static str, String)>,
}

impl Refusal {
    /// A refusal with nothing but a reason and the provider's words.
    pub(in crate::providers) fn new(reason: Reason, billing: Billing, message: impl Into<String>) -> Self {
        Self {
            reason,
            billing,
            message: message.into(),
            wait: None,
            facts: Vec::new(),
        }
    }
}

impl Api {
    /// The API at the address of the setup, else at the provider's own.
    pub(in crate::providers) fn new(setup: &Setup, default_base_url: &str) -> Result<Self, String> {
        let connection = &setup.connection;
        let base_url = connection.base_url.as_deref().unwrap_or(default_base_url);
        let shown = without_user(base_url);
        let parsed =
            Url::parse(base_url).map_err(|error| format!("base_url {shown:?} is no address: {error}"))?;
        if !matches!(parsed.scheme(), "http" | "https") || parsed.host().is_none() {
            return Err(format!("base_url {shown:?} is not http or https"));
        }
        // It is told in errors and logs.
        if !parsed.username().is_empty() || parsed.password().is_some() {
            return Err(format!(
                "base_url {shown:?} has a user or a password in it: leave them out, keys have a setting of their own"
            ));
        }
        let connect_timeout =
            Duration::from_millis(connection.connect_timeout_ms.unwrap_or(CONNECT_TIMEOUT_MS));
        let connecting = Connecting {
            timeout: connect_timeout,
            proxy: connection.proxy.as_deref().filter(|proxy| !proxy.is_empty()),
        };
        Ok(Self {
            id: setup.id.clone(),
            key: setup.key.clone(),
            secrets: secrets_of(setup),
            base_url: parsed,
            client: client(&connecting).map_err(|error| format!("no HTTP client: {error}"))?,
            connect_timeout,
            max_answer_bytes: connection.max_answer_bytes.unwrap_or(MAX_ANSWER_BYTES),
            refusals: setup.traits.refusals,
        })
    }

    /// Address of a path. The path begins with a slash.
    pub(in crate::providers) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base_url.as_str().trim_end_matches('/'))
    }

    /// The key, where there is one. For headers only.
    pub(in crate::providers) fn secret(&self) -> Option<&str> {
        self.key.as_ref().map(|key| key.expose_secret())
    }

    /// Sends once and reads the answer up to the bound for pictures. An error is `Unsent` or `Unknown`.
    pub(in crate::providers) async fn send(&self, request: RequestBuilder) -> Result<Received, CallError> {
        let response = request.send().await.map_err(super::call_error)?;
        Ok(self.read(response).await)
    }

    /// Reads the answer up to the bound for pictures, or for errors.
    pub(super) async fn read(&self, response: Response) -> Received {
        let bound = if response.status().is_success() {
            self.max_answer_bytes
        } else {
            MAX_SMALL_BYTES
        };
        let is_success = response.status().is_success();
        let mut received = read(response, bound).await;
        if !is_success {
            // An error may repeat the key, and is evidence that is kept and shown.
            received.body = without_secrets(received.body, &self.secrets);
        }
        received
    }

    /// Asks something that costs nothing, for [`ImageProvider::check`](crate::provider::ImageProvider::check). An error says
    /// that nobody answered.
    pub(in crate::providers) async fn reach(&self, request: RequestBuilder) -> Result<Received, String> {
        let asked = self.send(request.timeout(self.question_timeout())).await;
        asked.map_err(|error| self.unreachable(&error))
    }

    /// That nobody answered, with the address where somebody should.
    pub(in crate::providers) fn unreachable(&self, error: &CallError) -> String {
        format!("{} cannot be reached: {error}", self.base_url)
    }

    /// Longest time of a question that costs nothing.
    pub(in crate::providers) fn question_timeout(&self) -> Duration {
        self.connect_timeout * 3
    }

    /// What must not appear in a message about a call with this prompt.
    pub(in crate::providers) fn redaction<'a>(&'a self, prompt: &'a str) -> Redaction<'a> {
        Redaction {
            secrets: &self.secrets,
            prompt,
        }
    }

    /// The whole answer of a success, for [`ImageProvider::interpret`](crate::provider::ImageProvider::interpret). One
    /// that broke off is unknown; one above the bound was drawn and is paid for, so it is an answer, only not a usable one.
    pub(in crate::providers) fn answer(
        &self,
        received: Received,
        kept_headers: &[&str],
        request_id_header: &str,
    ) -> Result<Answer, CallError> {
        let mut headers = received.kept_headers(kept_headers);
        match &received.ending {
            Ending::Whole => {}
            Ending::Oversize => {
                headers.insert(TRUNCATED.to_owned(), "oversize".to_owned());
            }
            Ending::Broken(cause) => {
                let message = format!(
                    "the answer broke off after {} bytes: {cause}",
                    received.body.len()
                );
                return Err(received.into_unknown(message, request_id_header));
            }
        }
        Ok(Answer {
            media_type: received.header("content-type").to_owned(),
            request_id: received.header(request_id_header).to_owned(),
            headers,
            body: received.body,
        })
    }

    /// The rejection that a refusal comes to, in a sentence without prompt and secrets.
    pub(in crate::providers) fn rejected(
        &self,
        received: &Received,
        request_id_header: &str,
        prompt: &str,
        refusal: Refusal,
    ) -> CallError {
        let redaction = self.redaction(prompt);
        let waits = matches!(
            refusal.reason,
            Reason::ProviderRateLimited | Reason::ProviderUnavailable
        );
        let facts = refusal.facts.iter().filter(|(_, value)| !value.is_empty());
        CallError::Rejected(Rejection {
            reason: refusal.reason,
            message: self.sentence(received.status, &refusal.message, &redaction),
            http_status: Some(received.status),
            request_id: received.header(request_id_header).to_owned(),
            retry_after: refusal
                .wait
                .or_else(|| asked_wait(&received.headers))
                .filter(|_| waits),
            billing: self.billing(refusal.reason, refusal.billing),
            metadata: facts
                .map(|(name, value)| ((*name).to_owned(), redaction.apply(value)))
                .collect(),
        })
    }

    /// Whether a refusal is billed. What its answer proves stands; of content that was refused after the work may have begun
    /// the catalog may know more.
    pub(in crate::providers) fn billing(&self, reason: Reason, proven: Billing) -> Billing {
        match (reason, self.refusals) {
            (Reason::ContentBlocked, RefusalBilling::No) => Billing::No,
            (_, RefusalBilling::No | RefusalBilling::Yes | RefusalBilling::Unknown) => proven,
        }
    }

    /// The same for content that was refused inside a success, which may have a bill of its own.
    pub(in crate::providers) fn interpreted(
        &self,
        read: Result<Rendered, InterpretError>,
    ) -> Result<Rendered, InterpretError> {
        read.map_err(|mut error| {
            error.bill.is_unbilled =
                error.reason == Reason::ContentBlocked && self.refusals == RefusalBilling::No;
            error
        })
    }

    /// An answer that proves nothing.
    pub(in crate::providers) fn unproven(&self, received: Received, request_id_header: &str) -> CallError {
        let message = format!(
            "the answer {} does not say whether the image was drawn",
            received.status
        );
        received.into_unknown(message, request_id_header)
    }

    /// What the provider said, in a sentence.
    pub(in crate::providers) fn sentence(
        &self,
        status: u16,
        words: &str,
        redaction: &Redaction<'_>,
    ) -> String {
        let words = redaction.apply(words);
        if words.is_empty() {
            return format!("{} answered {status}", self.id);
        }
        format!("{} answered {status}: {words}", self.id)
    }
}

/// Refuses an answer that [`Api::answer`] cut: it was drawn, and what was kept of it is no picture.
pub(in crate::providers) fn whole(answer: &Answer) -> Result<(), InterpretError> {
    if !answer.headers.contains_key(TRUNCATED) {
        return Ok(());
    }
    Err(InterpretError {
        reason: Reason::ImageInvalid,
        message: format!(
            "the answer is larger than the limit; {} bytes of it were kept",
            answer.body.len()
        ),
        bill: Bill::default(),
    })
}

/// A render that an API has no words for. It was never sent, and never will be.
pub(in crate::providers) fn not_sendable(message: impl Into<String>) -> CallError {
    CallError::Rejected(Rejection {
        reason: Reason::ProviderRejected,
        message: message.into(),
        http_status: None,
        request_id: String::new(),
        retry_after: None,
        billing: Billing::No,
        metadata: BTreeMap::new(),
    })
}
