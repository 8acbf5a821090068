//! The provider seam: one trait, and the words for everything that can become of a call.

use std::{collections::BTreeMap, fmt, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use limn_proto::reason::Reason;

use crate::{clock::UnixMicros, ids::AttemptId, plan::Render, provenance::SourceType};

/// What a provider lets us know about a call whose answer was lost; decides how a restart reconciles it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CapabilityClass {
    /// Honours an idempotency key, or repeats at no cost: sending again is safe.
    A,
    /// Takes a job id that we choose, which can be asked for.
    B,
    /// Gives a job id of its own, which can be asked for.
    C,
    /// Answers in the same call and can be asked nothing afterwards.
    D,
}

/// One call.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The attempt that the call belongs to; sent as key, job id or metadata where the provider takes one.
    pub attempt: AttemptId,
    /// What to draw.
    pub render: &'a Render,
    /// Longest time from the first byte sent to the last byte received.
    pub timeout: Duration,
    /// Pictures that the drawing refers to, in the order of the render. Empty for most renders.
    pub references: &'a [Reference],
    /// What [`ImageProvider::get_ready`] returned. Empty where it was not asked, as for questions about a call.
    pub ready: &'a [String],
    /// Address that the provider may send news of the work to. Nothing: there is none.
    pub webhook_url: Option<WebhookUrl<'a>>,
    /// Takes unfinished pictures, where the render asks for them. Nothing: nobody does.
    pub previews: Option<&'a dyn PreviewSink>,
}

/// Where news of one attempt are taken, as text: `{base}/hooks/{provider}/{attempt}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WebhookUrl<'a> {
    /// Address of this server for others; no slash at the end.
    pub base: &'a str,
    /// The provider.
    pub provider: &'a str,
    /// The attempt.
    pub attempt: AttemptId,
}

impl fmt::Display for WebhookUrl<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{}/hooks/{}/{}",
            self.base, self.provider, self.attempt
        )
    }
}

/// Takes unfinished pictures while one is drawn.
///
/// They are a courtesy: whatever becomes of them changes nothing about the call, and none of them is kept.
pub trait PreviewSink: fmt::Debug + Send + Sync {
    /// False while nobody looks: then a preview need not even be decoded.
    fn is_watched(&self) -> bool;

    /// Takes a preview. Returns at once; one that comes too fast, is too large or is no picture is let go of.
    fn show(&self, preview: Preview);
}

/// An unfinished picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    /// Place among the previews of the call, counted from 0.
    pub index: u32,
    /// The picture, not checked.
    pub bytes: Bytes,
}

/// A picture that a drawing refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// Media type, which was checked.
    pub media_type: String,
    /// The picture.
    pub bytes: Bytes,
}

/// A whole answer, as it came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Media type as declared; not trusted.
    pub media_type: String,
    /// The provider's own id of the call; empty: it gave none.
    pub request_id: String,
    /// Headers that [`ImageProvider::interpret`] needs, by lowercase name. No credentials.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: Bytes,
}

/// What became of [`ImageProvider::submit`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Submission {
    /// The answer is here: the provider did the work and may bill it.
    Received(Answer),
    /// The provider took the work and gave an id to ask for.
    Accepted {
        /// The provider's id of the work.
        job_id: String,
    },
}

/// What became of [`ImageProvider::poll`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Poll {
    /// Not done; ask again after this time.
    Pending(Duration),
    /// Done.
    Received(Answer),
}

/// What became of [`ImageProvider::lookup`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// The provider has never seen the call. Only an authoritative answer counts: one from where every accepted
    /// call is listed from the moment it is accepted. A list that may lag behind, was cut off, or forgets what is
    /// old, proves nothing, and neither does an error.
    Absent,
    /// The provider took the work, and it is not done.
    Pending {
        /// The provider's id of the work, to be asked for with [`ImageProvider::poll`].
        job_id: String,
    },
    /// The work is done.
    Received(Answer),
    /// The provider has no way to be asked.
    Impossible,
}

/// A call that gave no answer to keep. The variants say what is *proven*; whatever is not proven is `Unknown`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// No byte of the request left: resolving, connecting or the handshake failed.
    #[error("not sent: {message}")]
    Unsent {
        /// What happened.
        message: String,
    },
    /// The provider refused, by an answer that its table lists.
    #[error("{reason:?}: {message}", reason = .0.reason, message = .0.message)]
    Rejected(Rejection),
    /// The request may have been accepted and billed.
    #[error("outcome unknown: {message}")]
    Unknown {
        /// What happened.
        message: String,
        /// Status of the answer, when one came.
        http_status: Option<u16>,
        /// The provider's own id of the call; empty: none came.
        request_id: String,
        /// What came of the body, as evidence.
        partial_body: Bytes,
    },
}

/// An answer that is proven to be a refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// Why. `ProviderUnavailable` and `ProviderRateLimited` are retried; these, `ProviderAccount` and
    /// `ProviderRejected` may fall back.
    pub reason: Reason,
    /// The refusal in a sentence, without prompt and secrets.
    pub message: String,
    /// Status of the answer.
    pub http_status: Option<u16>,
    /// The provider's own id of the call; empty: it gave none.
    pub request_id: String,
    /// How long the provider asked to wait.
    pub retry_after: Option<Duration>,
    /// Whether the refusal itself is billed.
    pub billing: Billing,
    /// More facts for the record, for example `providerCode`.
    pub metadata: BTreeMap<String, String>,
}

/// Whether a refused call is billed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Billing {
    /// Documented or long practice: not billed.
    No,
    /// Nobody says. The reservation is held, never counted as zero.
    Unknown,
}

/// What an answer contains.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rendered {
    /// The image, not yet checked.
    pub image: Bytes,
    /// The prompt as the provider rewrote it; empty: it did not say.
    pub revised_prompt: String,
    /// The seed that was used, where the provider says so.
    pub seed: Option<u64>,
    /// The version of the model that drew it; empty: the provider did not say.
    pub model_version: String,
    /// What the answer says about its bill.
    pub bill: Bill,
}

/// What an answer says about its bill.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bill {
    /// Cost as the provider tells it, in billionths of the plan's currency.
    pub cost_nanos: Option<i64>,
    /// Usage by unit, in whole units, with the units of the price pins.
    pub usage: BTreeMap<String, i64>,
    /// It is not billed, as far as the catalog knows: content that was refused. A cost that the provider tells goes before.
    pub is_unbilled: bool,
}

/// A whole answer that contains no usable image. It came, so it is taken as billed, unless its bill says otherwise.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason:?}: {message}")]
pub struct InterpretError {
    /// `NoImage`, `ImageInvalid` or `ContentBlocked`.
    pub reason: Reason,
    /// What is wrong, in a sentence.
    pub message: String,
    /// What the answer says about its bill.
    pub bill: Bill,
}

/// News that somebody sent to the address that a call named.
#[derive(Clone, Copy, Debug)]
pub struct Webhook<'a> {
    /// Its headers, by lowercase name.
    pub headers: &'a BTreeMap<String, String>,
    /// Its body, as it came.
    pub body: &'a Bytes,
    /// Now.
    pub now: UnixMicros,
}

/// News of work that are proven to be the provider's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookEvent {
    /// The provider's id of the work, to be asked for with [`ImageProvider::poll`].
    pub job_id: String,
    /// They say that the work is over, one way or the other.
    pub is_ended: bool,
}

/// News that are not proven to be the provider's own. They have no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebhookRefused {
    /// The provider sends none, or no secret is set to check them with.
    #[error("no news are taken from this provider")]
    NotTaken,
    /// There is no signature, it is wrong, or it is too old.
    #[error("the signature is missing, wrong or too old")]
    BadSignature,
    /// Signed, and of no work.
    #[error("it names no work")]
    Unreadable,
}

/// Draws pictures somewhere.
///
/// The executor calls `submit` once for each attempt, after the attempt and its reservation are durable; again for the
/// same attempt only where that is the same call: at class A, and at class B once [`Lookup::Absent`] says that the
/// first one never came. An implementation never sends a request twice, follows no redirect and retries nothing: the executor
/// decides that. It holds no state that a restart would lose. Dropping a future may leave the work running at
/// the provider; the executor therefore never drops one, it waits for the deadline.
#[async_trait]
pub trait ImageProvider: fmt::Debug + Send + Sync {
    /// The id that plans name.
    fn id(&self) -> &str;

    /// How much can be known about a lost call.
    fn class(&self) -> CapabilityClass;

    /// What kind of pictures it draws, for their provenance. The default is what a trained model draws.
    fn source_type(&self) -> SourceType {
        SourceType::TrainedAlgorithmicMedia
    }

    /// Longest time that a call of this render may take, when the plan does not say.
    fn deadline(&self, render: &Render) -> Duration;

    /// Does what must come before a call, costs nothing and may take its time: uploads pictures, renews a token. Called
    /// before every `submit`, which finds in [`Call::ready`] what is returned here. An error says that the call cannot
    /// be made now; whatever it is, nothing that costs was sent.
    async fn get_ready(&self, _call: &Call<'_>) -> Result<Vec<String>, CallError> {
        Ok(Vec::new())
    }

    /// Sends the call and waits for the answer or the job id. Its one request leaves at once: when it may leave at the
    /// latest is written down, and who takes over relies on it.
    async fn submit(&self, call: &Call<'_>) -> Result<Submission, CallError>;

    /// Asks once for work that was accepted. Only called with job ids that `submit` or `lookup` returned, any number
    /// of times. `Rejected` says what became of the *work*: it failed, or was refused or cancelled. A question that
    /// was itself refused or lost proves nothing about the work: it is `Unsent` or `Unknown`, and asked again.
    async fn poll(&self, call: &Call<'_>, job_id: &str) -> Result<Poll, CallError>;

    /// Asks about a call whose answer was lost, by what we chose or sent: a provider of class B by our job id, one of
    /// class C by the attempt id in its metadata or its list of jobs. Costs nothing and changes nothing. An error
    /// is read as with [`poll`](Self::poll). Providers of class A are sent the call again instead, and those of
    /// class D can be asked nothing, so the default is [`Lookup::Impossible`].
    async fn lookup(&self, _call: &Call<'_>) -> Result<Lookup, CallError> {
        Ok(Lookup::Impossible)
    }

    /// Asks for accepted work to be stopped. What comes of the work is learnt by [`poll`](Self::poll) as before, for
    /// it may be done and billed already; a provider whose work was stopped before it was billed answers there with
    /// `Rejected`, with the reason `CancelledByClient`. May be called more than once. The default does nothing.
    async fn cancel(&self, _call: &Call<'_>, _job_id: &str) -> Result<(), CallError> {
        Ok(())
    }

    /// Reads news that came to [`Call::webhook_url`]. What they say is only a hint to ask at once, and evidence that the work was
    /// taken: what became of it is learnt by [`poll`](Self::poll). Only news that are proven to be the provider's are read; the
    /// same may come more than once. A pure function. The default takes none.
    ///
    /// # Errors
    /// Nothing is proven.
    fn webhook(&self, _webhook: &Webhook<'_>) -> Result<WebhookEvent, WebhookRefused> {
        Err(WebhookRefused::NotTaken)
    }

    /// How long after its first byte a call may be sent again under the same attempt id and still be the same call. Asked
    /// of class A only. The default is for ever: a provider that forgets its keys says when.
    fn repeatable_for(&self) -> Duration {
        Duration::MAX
    }

    /// Reads an answer. A pure function, so that a restart can go on from a staged answer. May take long:
    /// it is called off the async threads.
    fn interpret(&self, render: &Render, answer: &Answer) -> Result<Rendered, InterpretError>;

    /// Asks whether the provider would work now, without paying. For `limn doctor`.
    async fn check(&self) -> Result<String, String>;
}
