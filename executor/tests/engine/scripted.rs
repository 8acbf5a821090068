//! A provider that acts by a script and counts what it is asked.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use image::{DynamicImage, GenericImageView as _, ImageFormat as Codec, Rgb, RgbImage};
use limn_executor::{
    plan::Render,
    provider::{
        Answer, Bill, Billing, Call, CallError, CapabilityClass, ImageProvider, InterpretError, Lookup, Poll,
        Reference, Rejection, Rendered, Submission, Webhook, WebhookEvent, WebhookRefused,
    },
    quality::Quality,
    score::{Scorer, Subject},
};
use limn_proto::reason::Reason;
use tokio::sync::Semaphore;

use crate::support::PRICE_NANOS;

/// Believes what the first pixel of a picture says.
#[derive(Debug)]
pub(crate) struct FirstPixel;

impl Scorer for FirstPixel {
    fn quality(&self, picture: &Subject<'_>) -> Quality {
        let [high, low, ..] = picture.pixels.get_pixel(0, 0).0;
        Quality {
            score_bp: u32::from(high) * 256 + u32::from(low),
            ..Quality::default()
        }
    }
}

/// What the provider does with one call.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// An image of the size asked for.
    Draw,
    /// An image of this quality, in basis points.
    DrawOf(u32),
    /// An image of another size.
    WrongSize,
    /// An answer without an image.
    NoImage,
    /// An answer whose content was refused.
    Filtered,
    /// The connection cannot be made.
    Unsent,
    /// A refusal.
    Reject(Reason, Billing),
    /// A refusal because of too many calls, with a pause that is asked for.
    Busy(Duration),
    /// The answer is lost.
    Lose,
    /// Accepted as a job; it is done after so many questions.
    Job(u32),
    /// Waits until the test lets it draw.
    Hold,
    /// Waits until the test lets it do something else.
    HoldThen(Box<Act>),
}

/// What the provider says when it is asked about a lost call.
#[derive(Clone, Debug)]
pub(crate) enum Word {
    /// It never came.
    Absent,
    /// It is a job, done after so many questions.
    Job(u32),
    /// It is done.
    Done,
    /// The work was refused.
    Refused(Reason),
    /// The question is lost.
    Lost,
}

/// The body of an answer whose content was refused.
const FILTERED: &[u8] = b"filtered";

/// What proves news to be those of a scripted provider.
pub(crate) const PROOF: &str = "mine";

/// A provider that acts by a script and counts.
#[derive(Debug)]
pub(crate) struct Scripted {
    id: &'static str,
    class: CapabilityClass,
    script: Mutex<VecDeque<Act>>,
    words: Mutex<VecDeque<Word>>,
    unready: Mutex<VecDeque<CallError>>,
    /// Answers after a cancel that the work was stopped.
    pub(crate) is_stoppable: AtomicBool,
    /// How long it takes calls of one attempt for the same.
    pub(crate) repeatable_for: Mutex<Duration>,
    pub(crate) cancels: AtomicU32,
    pub(crate) lookups: AtomicU32,
    pub(crate) submits: AtomicU32,
    /// Seeds of the calls, in order.
    pub(crate) seeds: Mutex<Vec<u32>>,
    pub(crate) polls: AtomicU32,
    /// How long to wait between two questions after a job.
    pub(crate) poll_every: Mutex<Duration>,
    pub(crate) gate: Semaphore,
    pub(crate) reached: Semaphore,
    /// Pictures that the last call drew from.
    pub(crate) references: Mutex<Vec<Reference>>,
    /// What an answer says besides its picture.
    pub(crate) says: Mutex<Rendered>,
}

impl Scripted {
    pub(crate) fn new(id: &'static str, class: CapabilityClass) -> Arc<Self> {
        Arc::new(Self {
            id,
            class,
            script: Mutex::default(),
            words: Mutex::default(),
            unready: Mutex::default(),
            is_stoppable: AtomicBool::new(false),
            repeatable_for: Mutex::new(Duration::MAX),
            cancels: AtomicU32::new(0),
            lookups: AtomicU32::new(0),
            submits: AtomicU32::new(0),
            seeds: Mutex::default(),
            polls: AtomicU32::new(0),
            poll_every: Mutex::new(Duration::from_millis(1)),
            gate: Semaphore::new(0),
            reached: Semaphore::new(0),
            references: Mutex::default(),
            says: Mutex::new(Rendered {
                revised_prompt: "as drawn".to_owned(),
                bill: Bill {
                    cost_nanos: Some(PRICE_NANOS),
                    ..Bill::default()
                },
                ..Rendered::default()
            }),
        })
    }

    /// The next calls; after them every call draws.
    pub(crate) fn script(&self, acts: impl IntoIterator<Item = Act>) {
        self.script.lock().unwrap().extend(acts);
    }

    /// The next answers about lost calls; after them the last one is repeated. Without any it cannot be asked.
    pub(crate) fn say(&self, words: impl IntoIterator<Item = Word>) {
        *self.words.lock().unwrap() = words.into_iter().collect();
    }

    /// What goes wrong before the next calls.
    pub(crate) fn hinder(&self, errors: impl IntoIterator<Item = CallError>) {
        self.unready.lock().unwrap().extend(errors);
    }

    fn act(&self, act: Act, drawn: Answer) -> Result<Submission, CallError> {
        match act {
            Act::Draw | Act::Hold | Act::HoldThen(_) => Ok(Submission::Received(drawn)),
            Act::DrawOf(score_bp) => Ok(Submission::Received(picture_of(24, 16, score_bp))),
            Act::WrongSize => Ok(Submission::Received(picture(7, 5))),
            Act::NoImage => Ok(Submission::Received(Answer::default())),
            Act::Filtered => Ok(Submission::Received(Answer {
                body: Bytes::from_static(FILTERED),
                ..Answer::default()
            })),
            Act::Unsent => Err(CallError::Unsent {
                message: "connection refused".to_owned(),
            }),
            Act::Reject(reason, billing) => Err(CallError::Rejected(rejection(reason, billing))),
            Act::Busy(pause) => Err(CallError::Rejected(Rejection {
                retry_after: Some(pause),
                ..rejection(Reason::ProviderRateLimited, Billing::No)
            })),
            Act::Lose => Err(CallError::Unknown {
                message: "connection reset".to_owned(),
                http_status: None,
                request_id: String::new(),
                partial_body: drawn.body.slice(..20),
            }),
            Act::Job(questions) => Ok(Submission::Accepted {
                job_id: format!("job-{questions}"),
            }),
        }
    }

    pub(crate) fn calls(&self) -> u32 {
        self.submits.load(Ordering::SeqCst)
    }
}

pub(crate) fn rejection(reason: Reason, billing: Billing) -> Rejection {
    Rejection {
        reason,
        message: "refused by the script".to_owned(),
        http_status: Some(400),
        request_id: "req-2".to_owned(),
        retry_after: None,
        billing,
        metadata: Default::default(),
    }
}

pub(crate) fn picture(width_px: u32, height_px: u32) -> Answer {
    picture_of(width_px, height_px, 0)
}

/// A picture whose first pixel says how good it is.
pub(crate) fn picture_of(width_px: u32, height_px: u32, score_bp: u32) -> Answer {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let [_, _, high, low] = score_bp.to_be_bytes();
    let mut pixels = RgbImage::new(width_px, height_px);
    pixels.put_pixel(0, 0, Rgb([high, low, 0]));
    DynamicImage::from(pixels)
        .write_to(&mut bytes, Codec::Png)
        .unwrap();
    Answer {
        media_type: "image/png".to_owned(),
        request_id: "req-1".to_owned(),
        body: Bytes::from(bytes.into_inner()),
        ..Answer::default()
    }
}

#[async_trait]
impl ImageProvider for Scripted {
    fn id(&self) -> &str {
        self.id
    }

    fn class(&self) -> CapabilityClass {
        self.class
    }

    fn deadline(&self, _render: &Render) -> Duration {
        Duration::from_secs(30)
    }

    async fn get_ready(&self, call: &Call<'_>) -> Result<Vec<String>, CallError> {
        match self.unready.lock().unwrap().pop_front() {
            Some(error) => Err(error),
            None => Ok(vec![format!("{} pictures", call.references.len())]),
        }
    }

    async fn submit(&self, call: &Call<'_>) -> Result<Submission, CallError> {
        assert_eq!(call.ready, [format!("{} pictures", call.references.len())]);
        *self.references.lock().unwrap() = call.references.to_vec();
        self.submits.fetch_add(1, Ordering::SeqCst);
        self.seeds.lock().unwrap().push(call.render.seed);
        let act = self.script.lock().unwrap().pop_front().unwrap_or(Act::Draw);
        let drawn = picture(call.render.width_px, call.render.height_px);
        if !matches!(act, Act::Hold | Act::HoldThen(_)) {
            return self.act(act, drawn);
        }
        self.reached.add_permits(1);
        self.gate.acquire().await.unwrap().forget();
        match act {
            Act::HoldThen(act) => self.act(*act, drawn),
            act => self.act(act, drawn),
        }
    }

    async fn lookup(&self, call: &Call<'_>) -> Result<Lookup, CallError> {
        self.lookups.fetch_add(1, Ordering::SeqCst);
        let mut words = self.words.lock().unwrap();
        let word = match words.len() {
            0 => return Ok(Lookup::Impossible),
            1 => words[0].clone(),
            _ => words.pop_front().unwrap(),
        };
        match word {
            Word::Absent => Ok(Lookup::Absent),
            Word::Job(questions) => Ok(Lookup::Pending {
                job_id: format!("job-{questions}"),
            }),
            Word::Done => Ok(Lookup::Received(picture(
                call.render.width_px,
                call.render.height_px,
            ))),
            Word::Refused(reason) => Err(CallError::Rejected(rejection(reason, Billing::No))),
            Word::Lost => Err(CallError::Unknown {
                message: "no answer".to_owned(),
                http_status: None,
                request_id: String::new(),
                partial_body: Bytes::new(),
            }),
        }
    }

    async fn cancel(&self, _call: &Call<'_>, _job_id: &str) -> Result<(), CallError> {
        self.cancels.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    fn repeatable_for(&self) -> Duration {
        *self.repeatable_for.lock().unwrap()
    }

    async fn poll(&self, call: &Call<'_>, job_id: &str) -> Result<Poll, CallError> {
        let asked = self.polls.fetch_add(1, Ordering::SeqCst);
        if self.is_stoppable.load(Ordering::SeqCst) && self.cancels.load(Ordering::SeqCst) > 0 {
            return Err(CallError::Rejected(rejection(
                Reason::CancelledByClient,
                Billing::No,
            )));
        }
        let needed: u32 = job_id.strip_prefix("job-").unwrap().parse().unwrap();
        if asked < needed {
            return Ok(Poll::Pending(*self.poll_every.lock().unwrap()));
        }
        if needed == u32::MAX {
            self.reached.add_permits(1);
        }
        Ok(Poll::Received(picture(
            call.render.width_px,
            call.render.height_px,
        )))
    }

    fn webhook(&self, webhook: &Webhook<'_>) -> Result<WebhookEvent, WebhookRefused> {
        if webhook.headers.get("x-proof").map(String::as_str) != Some(PROOF) {
            return Err(WebhookRefused::BadSignature);
        }
        Ok(WebhookEvent {
            job_id: String::from_utf8(webhook.body.to_vec()).unwrap(),
            is_ended: true,
        })
    }

    fn interpret(&self, _render: &Render, answer: &Answer) -> Result<Rendered, InterpretError> {
        let says = self.says.lock().unwrap().clone();
        if answer.body.is_empty() {
            let message = "no image in the answer".to_owned();
            return Err(InterpretError {
                reason: Reason::NoImage,
                message,
                bill: says.bill,
            });
        }
        if answer.body == FILTERED {
            return Err(InterpretError {
                reason: Reason::ContentBlocked,
                message: "the picture was filtered".to_owned(),
                bill: says.bill,
            });
        }
        Ok(Rendered {
            image: answer.body.clone(),
            ..says
        })
    }

    async fn check(&self) -> Result<String, String> {
        Ok("scripted".to_owned())
    }
}
