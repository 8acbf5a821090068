//! The adapter that an executor calls, as an adapter of a real provider would be: it sends, waits and classifies.
//! What becomes of a call is decided by the [market](crate::market) when the scheduler lets the call leave.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use limn_executor::{
    clock::{Clock as _, UnixMicros},
    ids::AttemptId,
    plan::Render,
    provider::{
        Answer, Bill, Call, CallError, CapabilityClass, ImageProvider, InterpretError, Lookup, Poll,
        Rendered, Submission,
    },
};
use limn_proto::reason::Reason;
use tokio::sync::oneshot;

use crate::{
    clock::WorldClock,
    desk::{Desk, Work},
    ids::Short,
    process::Surroundings,
};

/// The classes, by the number of their vendor.
pub(crate) const CLASSES: [CapabilityClass; 4] = [
    CapabilityClass::A,
    CapabilityClass::B,
    CapabilityClass::C,
    CapabilityClass::D,
];
/// The ids, by the number of the vendor.
pub(crate) const NAMES: [&str; 4] = ["alfa", "bravo", "charlie", "delta"];

/// How long the vendor of class A knows the key of a call.
pub(crate) const KEYS_KEPT: Duration = Duration::from_secs(25);

/// Longest time of a call when the plan does not say.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// A question to a vendor, with the way back.
pub(crate) enum Question {
    Submit(oneshot::Sender<Result<Submission, CallError>>),
    Poll {
        job_id: String,
        answer: oneshot::Sender<Result<Poll, CallError>>,
    },
    Lookup(oneshot::Sender<Result<Lookup, CallError>>),
    Cancel {
        job_id: String,
        answer: oneshot::Sender<Result<(), CallError>>,
    },
}

/// A call that a process wants to send.
pub(crate) struct VendorCall {
    pub(crate) vendor: usize,
    pub(crate) attempt: AttemptId,
    pub(crate) width_px: u32,
    pub(crate) height_px: u32,
    pub(crate) timeout: Duration,
    /// When the process looked at the clock for the last time.
    pub(crate) submitted: UnixMicros,
    pub(crate) question: Question,
}

/// One vendor as one process sees it.
pub(crate) struct Vendor {
    number: usize,
    process: u32,
    clock: Arc<WorldClock>,
    desk: Arc<Desk>,
    /// Counts answers that are read.
    decoded: Arc<AtomicU32>,
}

impl fmt::Debug for Vendor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(NAMES[self.number])
    }
}

impl Vendor {
    pub(crate) fn new(number: usize, process: u32, world: &Surroundings, decoded: Arc<AtomicU32>) -> Self {
        Self {
            number,
            process,
            clock: Arc::clone(&world.clock),
            desk: Arc::clone(&world.desk),
            decoded,
        }
    }

    fn ask(&self, what: &str, call: &Call<'_>, question: Question) {
        let name = NAMES[self.number];
        let label = format!("{name}.{what} {}", Short(call.attempt.0));
        self.desk.arrive(
            self.process,
            label,
            Work::Vendor(VendorCall {
                vendor: self.number,
                attempt: call.attempt,
                width_px: call.render.width_px,
                height_px: call.render.height_px,
                timeout: call.timeout,
                submitted: self.clock.now(),
                question,
            }),
        );
    }
}

#[async_trait]
impl ImageProvider for Vendor {
    fn id(&self) -> &str {
        NAMES[self.number]
    }

    fn class(&self) -> CapabilityClass {
        CLASSES[self.number]
    }

    fn deadline(&self, _render: &Render) -> Duration {
        DEADLINE
    }

    async fn submit(&self, call: &Call<'_>) -> Result<Submission, CallError> {
        let (answer, answered) = oneshot::channel();
        self.ask("submit", call, Question::Submit(answer));
        answered.await.unwrap_or_else(|_| Err(gone()))
    }

    async fn poll(&self, call: &Call<'_>, job_id: &str) -> Result<Poll, CallError> {
        let (answer, answered) = oneshot::channel();
        let job_id = job_id.to_owned();
        self.ask("poll", call, Question::Poll { job_id, answer });
        answered.await.unwrap_or_else(|_| Err(gone()))
    }

    async fn lookup(&self, call: &Call<'_>) -> Result<Lookup, CallError> {
        let (answer, answered) = oneshot::channel();
        self.ask("lookup", call, Question::Lookup(answer));
        answered.await.unwrap_or_else(|_| Err(gone()))
    }

    async fn cancel(&self, call: &Call<'_>, job_id: &str) -> Result<(), CallError> {
        let (answer, answered) = oneshot::channel();
        let job_id = job_id.to_owned();
        self.ask("cancel", call, Question::Cancel { job_id, answer });
        answered.await.unwrap_or_else(|_| Err(gone()))
    }

    fn repeatable_for(&self) -> Duration {
        KEYS_KEPT
    }

    fn interpret(&self, _render: &Render, answer: &Answer) -> Result<Rendered, InterpretError> {
        self.decoded.fetch_add(1, Ordering::Relaxed);
        let (bill, image) = open_body(&answer.body);
        if image.is_empty() {
            return Err(InterpretError {
                reason: Reason::NoImage,
                message: "no image in the answer".to_owned(),
                bill,
            });
        }
        Ok(Rendered {
            image,
            bill,
            ..Rendered::default()
        })
    }

    async fn check(&self) -> Result<String, String> {
        Ok(NAMES[self.number].to_owned())
    }
}

/// The world ended before the answer came.
fn gone() -> CallError {
    CallError::Unknown {
        message: "the simulated world is gone".to_owned(),
        http_status: None,
        request_id: String::new(),
        partial_body: Bytes::new(),
    }
}

/// The body of an answer: eight bytes of bill, negative when it says nothing, and the image.
pub(crate) fn body(cost_nanos: Option<i64>, image: &[u8]) -> Bytes {
    let mut bytes = cost_nanos.unwrap_or(-1).to_be_bytes().to_vec();
    bytes.extend_from_slice(image);
    Bytes::from(bytes)
}

fn open_body(body: &Bytes) -> (Bill, Bytes) {
    let Some((cost, _)) = body.split_first_chunk::<8>() else {
        return (Bill::default(), Bytes::new());
    };
    let bill = Bill {
        cost_nanos: Some(i64::from_be_bytes(*cost)).filter(|nanos| *nanos >= 0),
        ..Bill::default()
    };
    (bill, body.slice(8..))
}
