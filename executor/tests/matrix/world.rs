//! The world of one case: a database, a folder, providers and a clock, which outlive every process.

use std::{
    path::Path,
    sync::{Arc, LazyLock},
    time::Duration,
};

use limn_executor::{
    blob::{BlobStore, folder::FolderStore},
    clock::{Clock as _, UnixMicros},
    records::{ExecutionFilter, ExecutionRecord, Page, RecordStore},
};
use tokio::runtime::{Builder, Runtime};

use crate::{
    clock::WorldClock,
    database::{Database, Dialect, Standing},
    plan::CLIENT,
    process::Process,
    seams::{Monitor, Outages},
    studio::Studio,
};

/// Where the harness itself waits for databases.
pub(crate) fn harness() -> &'static Runtime {
    static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
        Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap()
    });
    &RUNTIME
}

/// How long nothing may happen until everybody is taken to wait for time to pass. Too short a time only lets time
/// pass early, once, which no case may depend on.
const STILLNESS: Duration = Duration::from_millis(1);
/// How long a process may be at work without any sign of it. For a machine that is busy with something else.
const LONGEST_SILENCE: Duration = Duration::from_secs(30);
/// How long a parked execution is watched: some looks more than it takes to ask and to decide.
const WATCH_PARKED: Duration = Duration::from_secs(2 * 3600);
/// How often processes look for answers that came after the end.
pub(crate) const LOOK_FOR_LATE_ANSWERS: Duration = Duration::from_secs(60);

/// The world.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) clock: Arc<WorldClock>,
    pub(crate) monitor: Arc<Monitor>,
    pub(crate) outages: Arc<Outages>,
    pub(crate) database: Database,
    pub(crate) blobs: Arc<dyn BlobStore>,
    pub(crate) studios: Vec<Arc<Studio>>,
    pub(crate) client: Arc<Client>,
    _folder: tempfile::TempDir,
}

impl World {
    pub(crate) fn new(dialect: Dialect, studios: Vec<Arc<Studio>>) -> Self {
        let folder = folder();
        let database = Database::create(dialect, folder.path());
        let clock = Arc::clone(&database.clock);
        let blobs = FolderStore::open(&folder.path().join("blobs"), None).unwrap();
        let client = Client {
            records: Arc::clone(&database.records),
            clock: Arc::clone(&clock),
        };
        Self {
            outages: Outages::none(&clock),
            clock,
            monitor: Arc::default(),
            database,
            blobs: Arc::new(blobs),
            studios,
            client: Arc::new(client),
            _folder: folder,
        }
    }

    /// Returns when every process waits for time to pass.
    pub(crate) fn be_still(&self, processes: &[&Process]) -> Result<(), String> {
        let mut silence = Duration::ZERO;
        while silence < LONGEST_SILENCE {
            let acts = self.monitor.acts();
            let is_quiet = !self.clock.is_waking() && processes.iter().all(|process| process.is_quiet());
            self.monitor.wait(STILLNESS);
            if self.monitor.acts() != acts {
                silence = Duration::ZERO;
            } else if is_quiet {
                return Ok(());
            } else {
                silence += STILLNESS;
            }
        }
        Err("a process is at work and shows no sign of it".to_owned())
    }

    /// Every execution, oldest first.
    pub(crate) fn executions(&self) -> Vec<ExecutionRecord> {
        let page = Page {
            limit: 100,
            after: None,
        };
        let filter = ExecutionFilter::default();
        let listed = harness().block_on(self.database.records.executions(CLIENT, &filter, &page));
        let mut executions = listed.unwrap();
        executions.reverse();
        executions
    }

    /// Lets time pass: to the next moment that somebody waits for, or straight to the next look at what is parked.
    /// False when nobody waits for anything.
    pub(crate) fn pass_time(&self) -> bool {
        let now = self.clock.now();
        let mut next_look = now.plus(LOOK_FOR_LATE_ANSWERS);
        let standings = self.standings();
        for standing in &standings {
            match (standing.state.is_terminal(), standing.is_owned, standing.wake) {
                (true, ..) | (false, false, None) => {}
                (false, false, Some(wake)) if standing.is_parked() && wake > now => {
                    next_look = next_look.min(wake);
                }
                _ => return self.clock.hop(),
            }
        }
        if standings.is_empty() {
            return self.clock.hop();
        }
        self.clock.advance(next_look.since(now));
        true
    }

    /// True when there is an execution, and nothing will change any more without somebody's doing.
    pub(crate) fn is_at_rest(&self, watched_since: UnixMicros, patience: Patience) -> bool {
        let now = self.clock.now();
        let watched = now.since(watched_since);
        let rests = |standing: &Standing| {
            if standing.state.is_terminal() {
                return patience == Patience::ForTheEnd || watched >= LOOK_FOR_LATE_ANSWERS * 2;
            }
            let is_left_alone = standing.wake.is_none_or(|wake| wake > now);
            standing.is_parked() && is_left_alone && watched >= WATCH_PARKED
        };
        let standings = self.standings();
        !standings.is_empty() && standings.iter().all(rests)
    }

    fn standings(&self) -> Vec<Standing> {
        harness().block_on(self.database.tables.standings())
    }
}

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patience {
    /// The end of every execution.
    ForTheEnd,
    /// The same, and answers that come after it.
    ForLateAnswers,
}

impl Drop for World {
    fn drop(&mut self) {
        self.database.put_back();
    }
}

/// A client that changes its mind. Its wish comes by way of another process, which no fault touches.
#[derive(Debug)]
pub(crate) struct Client {
    records: Arc<dyn RecordStore>,
    clock: Arc<WorldClock>,
}

impl Client {
    /// Cancels whatever it ordered.
    pub(crate) async fn cancel(&self) {
        let page = Page {
            limit: 100,
            after: None,
        };
        let filter = ExecutionFilter::default();
        for execution in self.records.executions(CLIENT, &filter, &page).await.unwrap() {
            let asked = self
                .records
                .request_cancel(CLIENT, execution.id, self.clock.now());
            asked.await.unwrap();
        }
    }
}

/// In memory, where that is a folder: no case cuts the power of the machine, so nothing need reach a disk.
fn folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() {
        tempfile::tempdir_in(memory)
    } else {
        tempfile::tempdir()
    };
    made.unwrap()
}
