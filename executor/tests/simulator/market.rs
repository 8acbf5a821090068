//! The vendors themselves: what arrives, what they draw, what they bill, and what they tell.

use std::{io::Cursor, time::Duration};

use image::{ImageFormat, Rgb, RgbImage};
use limn_executor::{
    clock::UnixMicros,
    ids::AttemptId,
    provider::{Answer, Billing},
};
use limn_proto::reason::Reason;

use crate::{
    faults::Faults,
    ids::Short,
    orders::{CEILING_NANOS, PRICE_NANOS},
    reply::{Reply, lost, rejected, unsent},
    rng::Rng,
    traffic::CONNECT_MOST_MS,
    vendor::{KEYS_KEPT, Question, VendorCall, body},
};

/// How long every vendor keeps a picture for those who ask.
const PICTURES_KEPT: Duration = Duration::from_secs(3);

/// What a vendor billed. It never takes it back.
#[derive(Clone, Debug)]
pub(crate) struct Charge {
    pub(crate) attempt: AttemptId,
    pub(crate) nanos: i64,
    /// The call left its process so late that nobody could have known.
    pub(crate) excused: bool,
}

/// What a piece of work comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Picture,
    WrongSize,
    NoPicture,
    /// It comes to nothing, and is not billed.
    Fails,
    /// It is forgotten.
    Vanishes,
    /// Refused, and nobody says whether that is billed.
    Refused,
    /// Stopped before it was billed.
    Stopped,
}

/// A piece of work that a vendor took.
#[derive(Debug)]
struct Job {
    id: String,
    vendor: usize,
    attempt: AttemptId,
    arrived_at: UnixMicros,
    /// From when on it is found by who asks about the call.
    listed_at: UnixMicros,
    done_at: UnixMicros,
    fate: Fate,
    bill_nanos: i64,
    bill_is_told: bool,
    is_billed: bool,
    is_excused: bool,
    size_px: (u32, u32),
    /// How often its picture was told.
    told: u32,
}

/// All vendors.
#[derive(Debug)]
pub(crate) struct Market {
    jobs: Vec<Job>,
    charges: Vec<Charge>,
    /// The vendor of class B takes the same job id twice for one job.
    takes_ids_once: bool,
    /// The vendor of class C has a list of its jobs.
    lists_jobs: bool,
    /// How often a picture is not kept for those who ask late, in a thousand.
    forgetful: u64,
    /// Draws that apart from everything else: what is not forgotten makes no schedule another one.
    memory: Rng,
}

/// What a vendor does about a call.
pub(crate) struct Reaction {
    pub(crate) reply: Reply,
    /// When the reply leaves.
    pub(crate) at: UnixMicros,
    /// The number of a job that is done then.
    pub(crate) job: Option<(usize, UnixMicros)>,
}

impl Market {
    pub(crate) fn new(rng: &mut Rng, mut memory: Rng) -> Self {
        Self {
            jobs: Vec::new(),
            charges: Vec::new(),
            takes_ids_once: rng.chance(500),
            lists_jobs: rng.chance(700),
            forgetful: memory.pick(&[0, 300]),
            memory,
        }
    }

    pub(crate) fn charges(&self) -> &[Charge] {
        &self.charges
    }

    /// A call reaches its vendor; one that is excused left later than anybody could have known.
    pub(crate) fn arrive(
        &mut self,
        rng: &mut Rng,
        faults: &Faults,
        now: UnixMicros,
        call: &VendorCall,
        is_excused: bool,
    ) -> Reaction {
        let soon = now.plus(Duration::from_millis(rng.pick(&[0, 2, 50, 400])));
        if let Question::Submit(_) = call.question {
            return self.submitted(rng, faults, now, soon, call, is_excused);
        }
        let reply = if rng.chance(faults.question_fails) {
            Reply::Error(if rng.chance(500) { unsent() } else { lost(503) })
        } else {
            match &call.question {
                Question::Lookup(_) => self.looked_up(rng, faults, now, call),
                Question::Cancel { job_id, .. } => self.stopped(rng, now, job_id),
                Question::Poll { job_id, .. } => {
                    let job = self.jobs.iter().rposition(|job| job.id == *job_id);
                    job.map_or_else(
                        || Reply::Error(lost(404)),
                        |job| self.status(rng, faults, now, job),
                    )
                }
                Question::Submit(_) => unreachable!("handled above"),
            }
        };
        at_once(reply, soon)
    }

    fn submitted(
        &mut self,
        rng: &mut Rng,
        faults: &Faults,
        now: UnixMicros,
        soon: UnixMicros,
        call: &VendorCall,
        is_excused: bool,
    ) -> Reaction {
        if let Some(job) = self.same_work(now, call) {
            if call.vendor == 1 {
                return at_once(Reply::Accepted(self.jobs[job].id.clone()), soon);
            }
            // The same key: the same answer, for nothing.
            let at = self.jobs[job].done_at.max(soon);
            return at_once(self.result(rng, faults, job), at);
        }
        if rng.chance(faults.refused) {
            let reason = rng.pick(&[
                Reason::ProviderUnavailable,
                Reason::ProviderRateLimited,
                Reason::ProviderRejected,
                Reason::ContentBlocked,
            ]);
            return at_once(rejected(reason, Billing::No), soon);
        }
        let job = self.take(rng, faults, now, call, is_excused);
        let done_at = self.jobs[job].done_at;
        let is_asynchronous = matches!(call.vendor, 1 | 2) && rng.chance(800);
        if is_asynchronous && self.jobs[job].fate != Fate::Refused {
            return Reaction {
                reply: Reply::Accepted(self.jobs[job].id.clone()),
                at: soon,
                job: Some((job, done_at)),
            };
        }
        at_once(self.result(rng, faults, job), done_at.max(soon))
    }

    /// The job that the vendor takes a repeated call for.
    fn same_work(&self, now: UnixMicros, call: &VendorCall) -> Option<usize> {
        let is_same = |job: &Job| match call.vendor {
            0 => now.since(job.arrived_at) < KEYS_KEPT,
            1 => self.takes_ids_once,
            _ => false,
        };
        self.jobs
            .iter()
            .rposition(|job| job.vendor == call.vendor && job.attempt == call.attempt && is_same(job))
    }

    /// The vendor begins to work.
    fn take(
        &mut self,
        rng: &mut Rng,
        faults: &Faults,
        now: UnixMicros,
        call: &VendorCall,
        is_excused: bool,
    ) -> usize {
        let number = self.jobs.len();
        let work_ms = if rng.chance(faults.slow) {
            rng.between(15_000, 60_000)
        } else {
            rng.pick(&[0, 300, 2_000, 6_000])
        };
        let fate = if rng.chance(faults.refused_bill_unknown) {
            Fate::Refused
        } else if rng.chance(faults.job_fails) {
            Fate::Fails
        } else if rng.chance(faults.job_vanishes) {
            Fate::Vanishes
        } else if rng.chance(faults.flawed) {
            rng.pick(&[Fate::WrongSize, Fate::NoPicture])
        } else {
            Fate::Picture
        };
        let bill_is_told = !rng.chance(faults.silent_bill);
        let is_overcharged = bill_is_told && rng.chance(faults.overcharged);
        self.jobs.push(Job {
            id: if call.vendor == 1 {
                call.attempt.to_string()
            } else {
                format!("job-{number}")
            },
            vendor: call.vendor,
            attempt: call.attempt,
            arrived_at: now,
            listed_at: listed_at(rng, faults, now, call),
            done_at: now.plus(Duration::from_millis(work_ms)),
            fate,
            bill_nanos: if is_overcharged {
                CEILING_NANOS + 7
            } else {
                PRICE_NANOS
            },
            bill_is_told,
            is_billed: false,
            is_excused,
            size_px: (call.width_px, call.height_px),
            told: 0,
        });
        // Some bill at once, and the others when they are done.
        let is_synchronous = matches!(call.vendor, 0 | 3);
        if is_synchronous || rng.chance(500) {
            let is_billed = fate != Fate::Refused || rng.chance(500);
            if is_billed {
                self.bill(number);
            }
        }
        number
    }

    /// Work is done: what was not billed before is billed now.
    pub(crate) fn finish(&mut self, job: usize) {
        self.bill(job);
    }

    /// The attempt and the id of a job, for the trace.
    pub(crate) fn job(&self, job: usize) -> String {
        format!("the work for {}", shown(self.jobs[job].attempt))
    }

    fn bill(&mut self, job: usize) {
        let job = &mut self.jobs[job];
        let is_billable = match job.fate {
            Fate::Picture | Fate::WrongSize | Fate::NoPicture | Fate::Vanishes | Fate::Refused => true,
            Fate::Fails | Fate::Stopped => false,
        };
        if is_billable && !job.is_billed {
            job.is_billed = true;
            self.charges.push(Charge {
                attempt: job.attempt,
                nanos: job.bill_nanos,
                excused: job.is_excused,
            });
        }
    }

    /// Somebody asks what became of a call.
    fn looked_up(&mut self, rng: &mut Rng, faults: &Faults, now: UnixMicros, call: &VendorCall) -> Reply {
        let can_be_asked = call.vendor == 1 || call.vendor == 2 && self.lists_jobs;
        if !can_be_asked {
            return Reply::Impossible;
        }
        let is_asked_for =
            |job: &Job| job.vendor == call.vendor && job.attempt == call.attempt && job.listed_at <= now;
        match self.jobs.iter().rposition(is_asked_for) {
            None => Reply::Absent,
            Some(job) => self.status(rng, faults, now, job),
        }
    }

    /// Somebody asks for work to be stopped. What is billed already goes on.
    fn stopped(&mut self, rng: &mut Rng, now: UnixMicros, job_id: &str) -> Reply {
        let job = self.jobs.iter_mut().rfind(|job| job.id == job_id);
        if let Some(job) = job
            && !job.is_billed
            && now < job.done_at
            && rng.chance(700)
        {
            job.fate = Fate::Stopped;
            job.done_at = now;
        }
        Reply::Noted
    }

    fn status(&mut self, rng: &mut Rng, faults: &Faults, now: UnixMicros, job: usize) -> Reply {
        let work = &self.jobs[job];
        if work.fate != Fate::Refused && now < work.done_at {
            let left = work.done_at.since(now);
            let delay = left.min(Duration::from_millis(rng.pick(&[500, 2_000])));
            return Reply::Pending(work.id.clone(), delay);
        }
        let is_late = now.since(work.done_at) > PICTURES_KEPT;
        if work.fate == Fate::Picture && is_late && self.memory.chance(self.forgetful) {
            self.jobs[job].fate = Fate::NoPicture;
        }
        self.result(rng, faults, job)
    }

    /// What is told about work that is done.
    fn result(&mut self, rng: &mut Rng, faults: &Faults, job: usize) -> Reply {
        if self.jobs[job].fate != Fate::Refused {
            self.bill(job);
        }
        let work = &mut self.jobs[job];
        work.told += 1;
        let variant = u8::from(work.told > 1 && rng.chance(faults.done_twice));
        let image = match work.fate {
            Fate::Fails => return rejected(Reason::ProviderUnavailable, Billing::No),
            Fate::Refused => return rejected(Reason::ContentBlocked, Billing::Unknown),
            Fate::Stopped => return rejected(Reason::CancelledByClient, Billing::No),
            Fate::Vanishes => return Reply::Error(lost(404)),
            Fate::NoPicture => Vec::new(),
            Fate::WrongSize => picture(job, variant, (3, 5)),
            Fate::Picture => picture(job, variant, work.size_px),
        };
        Reply::Answer(Answer {
            media_type: "image/png".to_owned(),
            request_id: format!("req-{job}"),
            body: body(work.bill_is_told.then_some(work.bill_nanos), &image),
            ..Answer::default()
        })
    }
}

/// When work is found by who asks about its call. A vendor of class B is believed when it says that it knows nothing,
/// once a slow connection would have come through; a list that lags longer proves nothing and is not believed.
fn listed_at(rng: &mut Rng, faults: &Faults, now: UnixMicros, call: &VendorCall) -> UnixMicros {
    if !rng.chance(faults.listed_late) {
        return now;
    }
    let lag = now.plus(Duration::from_millis(rng.pick(&[300, 2_000, 20_000])));
    if call.vendor == 1 {
        lag.min(call.submitted.plus(Duration::from_millis(CONNECT_MOST_MS)))
    } else {
        lag
    }
}

fn at_once(reply: Reply, at: UnixMicros) -> Reaction {
    Reaction { reply, at, job: None }
}

/// A small picture that no other job gives.
fn picture(number: usize, variant: u8, (width_px, height_px): (u32, u32)) -> Vec<u8> {
    let [high, low] = u16::try_from(number).unwrap().to_be_bytes();
    let image = RgbImage::from_pixel(width_px, height_px, Rgb([high, low, variant]));
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

/// An attempt, as a trace shows it.
pub(crate) fn shown(attempt: AttemptId) -> String {
    Short(attempt.0).to_string()
}
