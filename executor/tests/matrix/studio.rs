//! A provider as it is behind its interface: it takes jobs, draws, and writes bills. It belongs to the world of a
//! case, not to a process: crashes of ours do not touch it.

use std::{
    collections::{BTreeMap, VecDeque},
    io::Cursor,
    sync::{Arc, LazyLock, Mutex, MutexGuard},
};

use bytes::Bytes;
use image::{DynamicImage, GrayImage, ImageFormat, Luma};
use limn_executor::{
    ids::AttemptId,
    provider::{Answer, Call},
    quality::Quality,
    score::{Scorer, Subject},
};

use crate::plan::{HEIGHT_PX, WIDTH_PX};

/// What a provider promises about a call whose answer was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Promise {
    /// Class A: the same key is drawn and billed once, and answered again.
    Key,
    /// Class B: the attempt id is the id of the job, which can be asked for. The same id is the same job.
    ChosenId,
    /// Class C: its own job ids, and the attempt id in its metadata finds them.
    GivenId,
    /// Class C: its own job ids, and no other way to find a job.
    GivenIdOnly,
    /// Class D: an answer in the same call, or nothing.
    Nothing,
}

impl Promise {
    /// True where a call gets an id, to be asked for later.
    pub(crate) fn gives_jobs(self) -> bool {
        matches!(self, Self::ChosenId | Self::GivenId | Self::GivenIdOnly)
    }

    /// True where the same call may be sent again, and is the same call.
    pub(crate) fn repeats(self) -> bool {
        matches!(self, Self::Key | Self::ChosenId)
    }

    /// True where the answer of a call that came can be had after the connection was lost.
    pub(crate) fn finds_answers(self) -> bool {
        matches!(self, Self::Key | Self::ChosenId | Self::GivenId)
    }
}

/// What the provider does with a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// Draws, and bills it.
    Draw,
    /// Draws a picture of bad quality, and bills it.
    DrawBadly,
    /// Draws something else than was asked for, and bills it.
    Botch,
    /// Is busy: takes no job and bills nothing.
    Refuse,
    /// Refuses the content, and does not say whether that is billed.
    RefuseContent,
    /// Draws and bills, and its answer is lost on the way.
    LoseAnswer,
    /// Never hears of the job, and we do not know that.
    LoseRequest,
    /// Takes the job and fails at it, unbilled. Where jobs have ids.
    FailJob,
    /// The client cancels while the provider draws, and the provider stops if it is asked to in time.
    DrawWhileCancelled,
}

/// A job that was taken.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    /// Number, from 1.
    pub(crate) number: usize,
    pub(crate) attempt: AttemptId,
    /// What tells the picture apart.
    pub(crate) picture: String,
    pub(crate) act: Act,
    /// How often it is on the bill.
    pub(crate) billed: u32,
    /// How often it was handed in.
    pub(crate) requests: u32,
    /// How often somebody asked for it.
    pub(crate) polls: u32,
    /// It was stopped before it was done.
    pub(crate) is_stopped: bool,
    /// Its answer came to a process that was there to take it.
    pub(crate) delivered: bool,
}

/// The provider.
#[derive(Debug)]
pub(crate) struct Studio {
    pub(crate) id: &'static str,
    pub(crate) promise: Promise,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    script: VecDeque<Act>,
    jobs: Vec<Job>,
    /// Calls whose content was refused, and will be again.
    refused: Vec<AttemptId>,
}

/// What became of a job that was handed in.
#[derive(Clone, Debug)]
pub(crate) enum Taken {
    /// It has this number.
    Job(Job),
    /// It was refused.
    Refused(Act),
}

impl Studio {
    /// A provider that does these things with its first jobs and draws afterwards.
    pub(crate) fn new(id: &'static str, promise: Promise, script: &[Act]) -> Arc<Self> {
        Arc::new(Self {
            id,
            promise,
            state: Mutex::new(State {
                script: script.iter().copied().collect(),
                jobs: Vec::new(),
                refused: Vec::new(),
            }),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// A whole request came.
    pub(crate) fn take(&self, call: &Call<'_>) -> Taken {
        let mut state = self.state();
        if matches!(self.promise, Promise::Key | Promise::ChosenId)
            && let Some(known) = state.jobs.iter_mut().find(|job| job.attempt == call.attempt)
        {
            known.requests += 1;
            return Taken::Job(known.clone());
        }
        if state.refused.contains(&call.attempt) {
            return Taken::Refused(Act::RefuseContent);
        }
        let act = state.script.pop_front().unwrap_or(Act::Draw);
        if act == Act::RefuseContent {
            state.refused.push(call.attempt);
        }
        if matches!(act, Act::Refuse | Act::RefuseContent | Act::LoseRequest) {
            return Taken::Refused(act);
        }
        let job = Job {
            number: state.jobs.len() + 1,
            attempt: call.attempt,
            picture: format!("{} with seed {}", call.render.prompt, call.render.seed),
            act,
            billed: u32::from(act != Act::FailJob),
            requests: 1,
            polls: 0,
            is_stopped: false,
            delivered: false,
        };
        state.jobs.push(job.clone());
        Taken::Job(job)
    }

    /// Somebody asks for a job.
    pub(crate) fn poll(&self, number: usize) -> Option<Job> {
        let mut state = self.state();
        let job = state.jobs.get_mut(number.checked_sub(1)?)?;
        job.polls += 1;
        Some(job.clone())
    }

    /// The answer of a job is in the hands of a process.
    pub(crate) fn delivered(&self, number: usize) {
        if let Some(job) = self.state().jobs.get_mut(number - 1) {
            job.delivered = true;
        }
    }

    /// Somebody asks to stop a job. One that is done stays done.
    pub(crate) fn stop(&self, number: usize) {
        let mut state = self.state();
        if let Some(job) = state.jobs.get_mut(number - 1).filter(|job| !job.is_done()) {
            job.is_stopped = true;
            job.billed = 0;
        }
    }

    /// The last job of an attempt.
    pub(crate) fn job_of(&self, attempt: AttemptId) -> Option<Job> {
        self.state()
            .jobs
            .iter()
            .rev()
            .find(|job| job.attempt == attempt)
            .cloned()
    }

    /// Every job so far.
    pub(crate) fn jobs(&self) -> Vec<Job> {
        self.state().jobs.clone()
    }

    /// How often each picture is on the bill, by what tells it apart.
    pub(crate) fn bill(&self) -> BTreeMap<String, u32> {
        let mut bill = BTreeMap::new();
        for job in &self.state().jobs {
            *bill.entry(job.picture.clone()).or_default() += job.billed;
        }
        bill
    }
}

/// How often somebody must ask for a job until it is done.
const QUESTIONS: u32 = 2;
/// The same, for a job that a cancel is to find in progress.
const MANY_QUESTIONS: u32 = 12;

impl Job {
    /// True when its answer can be had.
    pub(crate) fn is_done(&self) -> bool {
        let needed = if self.act == Act::DrawWhileCancelled {
            MANY_QUESTIONS
        } else {
            QUESTIONS
        };
        self.polls >= needed
    }

    /// What is drawn.
    pub(crate) fn answer(&self) -> Answer {
        static PICTURE: LazyLock<Bytes> = LazyLock::new(|| png(WIDTH_PX, HEIGHT_PX, GOOD));
        static BAD_PICTURE: LazyLock<Bytes> = LazyLock::new(|| png(WIDTH_PX, HEIGHT_PX, BAD));
        static OTHER_PICTURE: LazyLock<Bytes> = LazyLock::new(|| png(HEIGHT_PX, WIDTH_PX, GOOD));
        let picture = match self.act {
            Act::Botch => &OTHER_PICTURE,
            Act::DrawBadly => &BAD_PICTURE,
            _ => &PICTURE,
        };
        Answer {
            media_type: "image/png".to_owned(),
            request_id: format!("request-{}", self.number),
            body: Bytes::clone(picture),
            ..Answer::default()
        }
    }
}

/// Shades of pictures, and their scores in basis points.
const GOOD: u8 = 90;
const BAD: u8 = 10;

/// Scores a picture by its shade, in hundreds of basis points.
#[derive(Debug)]
pub(crate) struct Shade;

impl Scorer for Shade {
    fn quality(&self, picture: &Subject<'_>) -> Quality {
        Quality {
            score_bp: u32::from(picture.pixels.to_luma8().get_pixel(0, 0).0[0]) * 100,
            ..Quality::default()
        }
    }
}

fn png(width_px: u32, height_px: u32, shade: u8) -> Bytes {
    let mut bytes = Cursor::new(Vec::new());
    let picture = DynamicImage::from(GrayImage::from_pixel(width_px, height_px, Luma([shade])));
    picture.write_to(&mut bytes, ImageFormat::Png).unwrap();
    Bytes::from(bytes.into_inner())
}
