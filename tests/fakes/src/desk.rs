//! What a fake remembers: requests, work, and what it would charge.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use tokio::sync::watch;

use crate::{
    case::{Case, Gateway},
    exchange::{Request, Response},
    picture::{self, Format},
};

/// A request, as it came. The key is left out.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// Method.
    pub method: String,
    /// Path without its query.
    pub path: String,
    /// What follows the question mark; empty: nothing.
    pub query: String,
    /// Headers by lowercase name, without the one that had the key.
    pub headers: BTreeMap<String, String>,
    /// The key that came with the request was [`Fake::KEY`](crate::Fake::KEY).
    pub had_the_key: bool,
    /// The fields of the body, JSON or form; null when there are none.
    pub fields: serde_json::Value,
    /// The files of a form, by the name of their field.
    pub files: Vec<(String, Vec<u8>)>,
    /// It asked for work, and is one of [`Fake::calls`](crate::Fake::calls).
    pub is_call: bool,
}

/// A piece of work, as it was asked for.
#[derive(Clone, Debug)]
pub(crate) struct Work {
    /// Number, from 1.
    pub(crate) number: u64,
    pub(crate) case: Case,
}

/// What is asked for, as far as fakes care.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    pub(crate) size_px: (u32, u32),
    pub(crate) format: Format,
    pub(crate) seed: Option<u64>,
}

/// Work that has a life of its own.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) id: String,
    pub(crate) work: Work,
    pub(crate) asked: Asked,
    /// The request that opened it.
    pub(crate) request: serde_json::Value,
    /// How often somebody asked for it.
    pub(crate) polls: u32,
    pub(crate) is_cancelled: bool,
    /// It was charged, and counts no longer as in progress.
    pub(crate) is_ended: bool,
}

/// How a fake answers.
#[derive(Debug)]
pub(crate) enum Reply {
    /// With this.
    Plain(Response),
    /// With this, which has the picture of a piece of work in it, or would have it.
    Picture(Response, Work),
}

/// What a fake remembers.
#[derive(Debug)]
pub(crate) struct Desk {
    /// Address that the client was given.
    pub(crate) base_url: String,
    /// Scheme, host and port.
    pub(crate) origin: String,
    queue: VecDeque<Case>,
    default_case: Case,
    /// How many questions after a job are answered with "not yet".
    pub(crate) patience: u32,
    /// How long to wait when it is called too often.
    pub(crate) wait: Duration,
    pub(crate) jobs: BTreeMap<String, Job>,
    pub(crate) requests: Vec<Recorded>,
    calls: u64,
    pub(crate) charged: u64,
    in_progress: u64,
    pub(crate) most_in_progress: u64,
    /// Counts calls, so that a test can wait for one.
    pub(crate) arrivals: watch::Sender<u64>,
    /// Pictures whose address is not valid any more.
    pub(crate) expired: bool,
    /// It was restarted: what it keeps in memory only is lost.
    pub(crate) has_forgotten: bool,
    /// How many answers to the next requests are lost, where they ask for no work.
    pub(crate) lost: u32,
    /// What answers in its place.
    pub(crate) gateway: Option<Gateway>,
    /// Everything that ever came in the header of the key.
    pub(crate) keys: BTreeSet<String>,
}

impl Desk {
    pub(crate) fn new(origin: String, base_path: &str) -> Self {
        Self {
            base_url: format!("{origin}{base_path}"),
            origin,
            queue: VecDeque::new(),
            default_case: Case::Success,
            patience: 1,
            wait: Duration::from_millis(1500),
            jobs: BTreeMap::new(),
            requests: Vec::new(),
            calls: 0,
            charged: 0,
            in_progress: 0,
            most_in_progress: 0,
            arrivals: watch::Sender::new(0),
            expired: false,
            has_forgotten: false,
            lost: 0,
            gateway: None,
            keys: BTreeSet::new(),
        }
    }

    pub(crate) fn queue(&mut self, case: Case) {
        self.queue.push_back(case);
    }

    pub(crate) fn set_default(&mut self, case: Case) {
        self.default_case = case;
    }

    pub(crate) fn calls(&self) -> u64 {
        self.calls
    }

    /// A request asks for work: it is a call, and its case is decided.
    pub(crate) fn take(&mut self) -> Work {
        let case = self
            .queue
            .pop_front()
            .unwrap_or_else(|| self.default_case.clone());
        self.calls += 1;
        if let Some(request) = self.requests.last_mut() {
            request.is_call = true;
        }
        self.arrivals.send_replace(self.calls);
        Work {
            number: self.calls,
            case,
        }
    }

    /// Work begins.
    pub(crate) fn begin(&mut self) {
        self.in_progress += 1;
        self.most_in_progress = self.most_in_progress.max(self.in_progress);
    }

    /// Work ends.
    pub(crate) fn end(&mut self) {
        self.in_progress = self.in_progress.saturating_sub(1);
    }

    /// It goes on the bill.
    pub(crate) fn charge(&mut self) {
        self.charged += 1;
    }

    /// Opens a job.
    pub(crate) fn open(&mut self, id: String, work: Work, asked: Asked, request: serde_json::Value) {
        self.begin();
        let job = Job {
            id: id.clone(),
            work,
            asked,
            request,
            polls: 0,
            is_cancelled: false,
            is_ended: false,
        };
        self.jobs.insert(id, job);
    }

    /// Somebody asks after a job. Its work ends when it was asked after often enough, and is charged then if there is
    /// something to charge.
    pub(crate) fn look_at(&mut self, id: &str) -> Option<Job> {
        let patience = self.patience;
        let job = self.jobs.get_mut(id)?;
        // Work that was stopped goes no further.
        job.polls += u32::from(!job.is_cancelled);
        let (ends, is_charged) = (
            !job.is_ended && (job.is_cancelled || job.is_done(patience)),
            !job.is_cancelled
                && (job.work.case.is_drawn() || matches!(job.work.case.inner(), Case::NoPicture)),
        );
        job.is_ended |= ends;
        let found = job.clone();
        if ends {
            self.end();
            self.charged += u64::from(is_charged);
        }
        Some(found)
    }

    /// Stops a job that is not done. False when there is none.
    pub(crate) fn cancel(&mut self, id: &str) -> bool {
        let patience = self.patience;
        let Some(job) = self.jobs.get_mut(id) else {
            return false;
        };
        if !job.is_done(patience) && !job.is_ended {
            job.is_cancelled = true;
        }
        true
    }
}

impl Job {
    /// True when it is over, one way or the other.
    pub(crate) fn is_done(&self, patience: u32) -> bool {
        self.polls > patience && !matches!(self.work.case.inner(), Case::JobHangs)
    }
}

impl Work {
    /// The picture of the work.
    pub(crate) fn picture(&self, asked: &Asked) -> Vec<u8> {
        let size_px = match self.case.inner() {
            Case::WrongSize(width_px, height_px) => (*width_px, *height_px),
            Case::Bomb => return picture::bomb(),
            Case::Bytes(bytes) => return bytes.clone(),
            _ => asked.size_px,
        };
        picture::draw(size_px, asked.format, self.number)
    }
}

impl Recorded {
    pub(crate) fn of(request: &Request, key_header: &str, had_the_key: bool) -> Self {
        let mut headers = request.headers.clone();
        headers.remove(key_header);
        Self {
            method: request.method.clone(),
            path: request.path.clone(),
            query: request.query.clone(),
            headers,
            had_the_key,
            fields: request.fields(),
            files: request.files(),
            is_call: false,
        }
    }
}
