//! The vendors themselves: what arrives, what they draw, what they bill, and what they tell.

use std::{collections::BTreeMap, io::Cursor, time::Duration};

use bytes::Bytes;
use image::{ImageFormat, Rgb, RgbImage};
use limn_executor::{
    clock::UnixMicros,
    ids::AttemptId,
    provider::{Answer, Billing, CallError, Poll, Rejection, Submission},
};
use limn_proto::reason::Reason;

use crate::{
    faults::Faults,
    ids::Short,
    orders::{CEILING_NANOS, PRICE_NANOS},
    rng::Rng,
    vendor::{Question, VendorCall, body},
};

/// What a vendor billed. It never takes it back.
#[derive(Clone, Debug)]
pub(crate) struct Charge {
    pub(crate) attempt: AttemptId,
    pub(crate) nanos: i64,
}

/// A vendor's answer on its way back.
pub(crate) enum Reply {
    Answer(Answer),
    Accepted(String),
    Pending(Duration),
    Error(CallError),
}

/// What a piece of work comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Picture,
    WrongSize,
    NoPicture,
    Fails,
    Vanishes,
}

/// A piece of work that a vendor took.
#[derive(Debug)]
struct Job {
    attempt: AttemptId,
    done_at: UnixMicros,
    fate: Fate,
    /// Billed so much, once it is done or at once.
    bill_nanos: i64,
    bill_is_told: bool,
    charged: bool,
    /// Number of the picture, so that no two are alike.
    picture: u32,
    size_px: (u32, u32),
    told: u32,
}

/// All vendors.
#[derive(Debug, Default)]
pub(crate) struct Market {
    jobs: BTreeMap<String, Job>,
    /// The job of an attempt that a vendor of class A has the key of.
    keys: BTreeMap<AttemptId, String>,
    charges: Vec<Charge>,
    pictures: u32,
}

/// A reply and when it is there.
pub(crate) struct Reaction {
    pub(crate) reply: Reply,
    pub(crate) at: UnixMicros,
    /// Work that will be done then.
    pub(crate) job: Option<(String, UnixMicros)>,
}

impl Market {
    pub(crate) fn charges(&self) -> &[Charge] {
        &self.charges
    }

    /// A call reaches its vendor.
    pub(crate) fn arrive(
        &mut self,
        rng: &mut Rng,
        faults: &Faults,
        now: UnixMicros,
        call: &VendorCall,
    ) -> Reaction {
        match &call.question {
            Question::Submit(_) => self.submitted(rng, faults, now, call),
            Question::Poll { job_id, .. } => {
                let reply = self.polled(rng, faults, now, job_id);
                at_once(reply, now.plus(Duration::from_millis(rng.pick(&[0, 5, 300]))))
            }
        }
    }

    fn submitted(&mut self, rng: &mut Rng, faults: &Faults, now: UnixMicros, call: &VendorCall) -> Reaction {
        let soon = now.plus(Duration::from_millis(rng.pick(&[0, 2, 50, 400])));
        if let Some(job_id) = self.keys.get(&call.attempt) {
            // The same key: the same answer, for nothing.
            let job = &self.jobs[job_id];
            let at = job.done_at.max(soon);
            return at_once(self.result(rng, faults, &job_id.clone(), at), at);
        }
        if rng.chance(faults.refused) {
            return at_once(refusal(rng, Billing::No), soon);
        }
        if rng.chance(faults.refused_bill_unknown) {
            if rng.chance(500) {
                self.charges.push(Charge {
                    attempt: call.attempt,
                    nanos: PRICE_NANOS,
                });
            }
            return at_once(refusal(rng, Billing::Unknown), soon);
        }
        let (job_id, done_at) = self.take(rng, faults, now, call);
        let is_asynchronous = matches!(call.vendor, 1 | 2) && rng.chance(800);
        if call.vendor == 0 {
            self.keys.insert(call.attempt, job_id.clone());
        }
        if is_asynchronous {
            return Reaction {
                reply: Reply::Accepted(job_id.clone()),
                at: soon,
                job: Some((job_id, done_at)),
            };
        }
        let at = done_at.max(soon);
        let reply = self.result(rng, faults, &job_id, at);
        at_once(reply, at)
    }

    /// The vendor begins to work.
    fn take(
        &mut self,
        rng: &mut Rng,
        faults: &Faults,
        now: UnixMicros,
        call: &VendorCall,
    ) -> (String, UnixMicros) {
        self.pictures += 1;
        let work_ms = if rng.chance(faults.slow) {
            rng.between(15_000, 60_000)
        } else {
            rng.pick(&[0, 300, 2_000, 6_000])
        };
        let done_at = now.plus(Duration::from_millis(work_ms));
        let fate = if rng.chance(faults.job_fails) {
            Fate::Fails
        } else if rng.chance(faults.job_vanishes) {
            Fate::Vanishes
        } else if rng.chance(faults.flawed) {
            rng.pick(&[Fate::WrongSize, Fate::NoPicture])
        } else {
            Fate::Picture
        };
        let bill_is_told = !rng.chance(faults.silent_bill);
        let bill_nanos = if bill_is_told && rng.chance(faults.overcharged) {
            CEILING_NANOS + 7
        } else {
            PRICE_NANOS
        };
        let job_id = if call.vendor == 1 {
            call.attempt.to_string()
        } else {
            format!("job-{}", self.pictures)
        };
        let job = Job {
            attempt: call.attempt,
            done_at,
            fate,
            bill_nanos,
            bill_is_told,
            charged: false,
            picture: self.pictures,
            size_px: (call.width_px, call.height_px),
            told: 0,
        };
        self.jobs.insert(job_id.clone(), job);
        let is_synchronous = matches!(call.vendor, 0 | 3);
        if is_synchronous || rng.chance(500) {
            self.charge(&job_id);
        }
        (job_id, done_at)
    }

    /// Work is done: what was not billed before is billed now.
    pub(crate) fn finish(&mut self, job_id: &str) {
        self.charge(job_id);
    }

    fn charge(&mut self, job_id: &str) {
        let Some(job) = self.jobs.get_mut(job_id) else {
            return;
        };
        if job.charged || job.fate == Fate::Fails {
            return;
        }
        job.charged = true;
        self.charges.push(Charge {
            attempt: job.attempt,
            nanos: job.bill_nanos,
        });
    }

    fn polled(&mut self, rng: &mut Rng, faults: &Faults, now: UnixMicros, job_id: &str) -> Reply {
        if rng.chance(faults.poll_fails) {
            return Reply::Error(rng.chance(500).then(unsent).unwrap_or_else(|| lost(503)));
        }
        match self.jobs.get(job_id) {
            None => Reply::Error(lost(404)),
            Some(job) if now < job.done_at => {
                let left = job.done_at.since(now);
                Reply::Pending(left.min(Duration::from_millis(rng.pick(&[500, 2_000]))))
            }
            Some(_) => self.result(rng, faults, job_id, now),
        }
    }

    /// What is told about work that is done at that time.
    fn result(&mut self, rng: &mut Rng, faults: &Faults, job_id: &str, at: UnixMicros) -> Reply {
        self.charge(job_id);
        let Some(job) = self.jobs.get_mut(job_id) else {
            return Reply::Error(lost(404));
        };
        debug_assert!(at >= job.done_at, "told before it was done");
        job.told += 1;
        let variant = u8::from(job.told > 1 && rng.chance(faults.done_twice));
        let image = match job.fate {
            Fate::Fails => {
                return Reply::Error(CallError::Rejected(rejection(
                    Reason::ProviderUnavailable,
                    Billing::No,
                )));
            }
            Fate::Vanishes => return Reply::Error(lost(404)),
            Fate::NoPicture => Vec::new(),
            Fate::WrongSize => picture(job.picture, variant, (3, 5)),
            Fate::Picture => picture(job.picture, variant, job.size_px),
        };
        Reply::Answer(Answer {
            media_type: "image/png".to_owned(),
            request_id: format!("req-{}", job.picture),
            body: body(job.bill_is_told.then_some(job.bill_nanos), &image),
            ..Answer::default()
        })
    }
}

impl Reply {
    /// The part that comes when the connection breaks.
    pub(crate) fn broken(self, rng: &mut Rng, cut_off: bool) -> CallError {
        let whole = match self {
            Self::Answer(answer) => answer.body,
            Self::Accepted(_) | Self::Pending(_) | Self::Error(_) => Bytes::new(),
        };
        let kept = if cut_off && !whole.is_empty() {
            rng.index(whole.len())
        } else {
            0
        };
        CallError::Unknown {
            message: "the connection was reset".to_owned(),
            http_status: (kept > 0).then_some(200),
            request_id: String::new(),
            partial_body: whole.slice(..kept),
        }
    }

    /// The result of a question, in a word for the trace, ready to be told.
    pub(crate) fn deliver(self, question: Question) -> (String, crate::desk::Deliver) {
        match question {
            Question::Submit(answer) => {
                let result = match self {
                    Self::Answer(drawn) => Ok(Submission::Received(drawn)),
                    Self::Accepted(job_id) => Ok(Submission::Accepted { job_id }),
                    Self::Pending(_) => Err(lost(500)),
                    Self::Error(error) => Err(error),
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
                    Self::Pending(delay) => Ok(Poll::Pending(delay)),
                    Self::Accepted(_) => Err(lost(500)),
                    Self::Error(error) => Err(error),
                };
                let brief = match &result {
                    Ok(Poll::Received(drawn)) => format!("answer {}", drawn.request_id),
                    Ok(Poll::Pending(delay)) => format!("pending {delay:?}"),
                    Err(error) => error.to_string(),
                };
                (brief, Box::new(move || drop(answer.send(result))))
            }
        }
    }
}

fn at_once(reply: Reply, at: UnixMicros) -> Reaction {
    Reaction { reply, at, job: None }
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

fn lost(status: u16) -> CallError {
    CallError::Unknown {
        message: format!("status {status}"),
        http_status: Some(status),
        request_id: String::new(),
        partial_body: Bytes::new(),
    }
}

fn refusal(rng: &mut Rng, billing: Billing) -> Reply {
    let reason = rng.pick(&[
        Reason::ProviderUnavailable,
        Reason::ProviderRateLimited,
        Reason::ProviderRejected,
        Reason::ContentBlocked,
    ]);
    Reply::Error(CallError::Rejected(rejection(reason, billing)))
}

fn rejection(reason: Reason, billing: Billing) -> Rejection {
    Rejection {
        reason,
        message: "refused".to_owned(),
        http_status: Some(400),
        request_id: String::new(),
        retry_after: None,
        billing,
        metadata: BTreeMap::new(),
    }
}

/// A small picture that no other call gives.
fn picture(number: u32, variant: u8, (width_px, height_px): (u32, u32)) -> Vec<u8> {
    let [_, _, high, low] = number.to_be_bytes();
    let image = RgbImage::from_pixel(width_px, height_px, Rgb([high, low, variant]));
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

/// The attempt of a call, as a trace shows it.
pub(crate) fn shown(attempt: AttemptId) -> String {
    Short(attempt.0).to_string()
}
