//! One world: a few processes, one database, one blob store, the vendors, the clients, and the scheduler that lets
//! one of their calls go on at a time.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use limn_executor::{
    clock::UnixMicros,
    executor::Settings,
    ids::{AttemptId, ExecutionId},
    plan::Plan,
    records::{Fence, Hint, Retention},
};

use crate::{
    acts::Act,
    blobs::Shelf,
    callers::Callers,
    check::{Database, Violation},
    clock::{START, WorldClock},
    desk::{Applied, Arrival, BlobCall, Deliver, Desk, Fact, Fault, StoreCall, Work, about},
    faults::{Faults, Rhythm},
    market::Market,
    process::{Process, Surroundings},
    rng::Rng,
    trace::{Trace, take_panics},
    traffic::CONNECT_MOST_MS,
    turns::{self, Turns},
    vendor::VendorCall,
};

/// A schedule that takes more steps than this goes round in circles.
const MAX_STEPS: u64 = 30_000;
/// How long the world may take to come to rest once nothing goes wrong any more.
const MAX_REST: Duration = Duration::from_secs(3 * 3600);

/// Something that will go on.
pub(crate) struct Entry {
    /// Its place in the order of arrival.
    ticket: u64,
    /// The process that it belongs to; nothing: the world.
    pub(crate) process: Option<u32>,
    pub(crate) due: UnixMicros,
    label: String,
    pub(crate) stage: Stage,
}

/// What happens when its turn comes.
pub(crate) enum Stage {
    Act(Act),
    Sleep(tokio::sync::oneshot::Sender<()>),
    Store(StoreCall),
    Blob(BlobCall),
    /// A call to a vendor that has not left yet.
    Leaving(VendorCall),
    /// A word from another process.
    Hint(Hint),
    /// An answer on its way to the process.
    Answer {
        brief: String,
        deliver: Deliver,
        /// It is the paid answer of this attempt.
        paid: Option<AttemptId>,
        /// It says that the vendor knows nothing of this attempt.
        absent: Option<AttemptId>,
        /// Nothing but looking for work.
        idle: bool,
        decodes: bool,
    },
}

/// The permission to send.
pub(crate) struct Grant {
    pub(crate) process: u32,
    pub(crate) send_by: UnixMicros,
    /// Its process knows of it: a permission that nobody heard of may be asked for again.
    heard: bool,
    pub(crate) used: bool,
    /// It was given for a call that was sent before.
    pub(crate) is_again: bool,
}

/// One world.
pub(crate) struct World {
    pub(crate) rng: Rng,
    pub(crate) faults: Faults,
    pub(crate) rhythm: Rhythm,
    pub(crate) now: UnixMicros,
    pub(crate) surroundings: Surroundings,
    pub(crate) database: Database,
    pub(crate) market: Market,
    pub(crate) processes: Vec<Process>,
    pub(crate) callers: Callers,
    pub(crate) plans: Vec<Arc<Plan>>,
    pub(crate) trace: Trace,
    pub(crate) entries: Vec<Entry>,
    pub(crate) next_process: u32,
    /// Trouble is over since.
    pub(crate) calm_since: Option<UnixMicros>,
    next_ticket: u64,
    owners: HashMap<ExecutionId, Fence>,
    pub(crate) grants: HashMap<AttemptId, Grant>,
    /// Executions about whose attempts a person decided since the last claim.
    decided: HashSet<ExecutionId>,
    /// Processes that were told that the vendor knows nothing of a call.
    pub(crate) absent: HashSet<(u32, AttemptId)>,
    pub(crate) charges_noted: usize,
    pub(crate) turns: Turns,
    /// Nothing happened since.
    pub(crate) quiet_since: UnixMicros,
    pub(crate) looked_at: UnixMicros,
    pub(crate) progress: i64,
    /// Paid answers that a living process was given, with that process.
    pub(crate) answers: BTreeMap<AttemptId, u32>,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let faults = Faults::draw(&mut rng);
        let rhythm = Rhythm::draw(&mut rng);
        let clock = Arc::new(WorldClock::new());
        let settings = Settings {
            max_running_executions: rng.pick(&[1, 2, 64]),
            lease: Duration::from_secs(9),
            poll: Duration::from_secs(rng.pick(&[2, 4])),
            send_margin: Duration::from_secs(2),
            drain: Duration::from_secs(60),
            keep_alive: Duration::from_secs(10),
            unknown_grace: Duration::from_secs(8),
            max_crashes: rng.pick(&[1, 3, 100]),
            reconcile: Duration::from_secs(20),
            retention: retention(&mut rng),
            prune_every: Duration::from_secs(15),
            ..Settings::default()
        };
        let vendors: Vec<usize> = match rng.below(4) {
            0 => vec![usize::try_from(rng.below(4)).unwrap()],
            _ => vec![0, 1, 2, 3],
        };
        let plans = (0..rng.between(1, 3)).map(|_| Arc::new(crate::orders::plan(&mut rng, &vendors)));
        let plans = plans.collect();
        let market = Market::new(&mut rng, Rng::new(!seed));
        let mut world = Self {
            database: Database::open(Arc::clone(&clock) as Arc<_>),
            surroundings: Surroundings {
                clock,
                desk: Arc::new(Desk::default()),
                shelf: Arc::new(Shelf::default()),
                settings,
                limits: turns::limits(seed),
            },
            rng,
            faults,
            rhythm,
            now: START,
            market,
            processes: Vec::new(),
            callers: Callers::default(),
            plans,
            trace: Trace::default(),
            entries: Vec::new(),
            next_process: 1,
            calm_since: None,
            next_ticket: 0,
            owners: HashMap::new(),
            grants: HashMap::new(),
            decided: HashSet::new(),
            absent: HashSet::new(),
            charges_noted: 0,
            turns: Turns::default(),
            quiet_since: START,
            looked_at: START,
            progress: 0,
            answers: BTreeMap::new(),
        };
        world.trace.note(format_args!("faults: {}", world.faults.brief()));
        world.trace.note(format_args!("rhythm: {:?}", world.rhythm));
        world
            .trace
            .note(format_args!("limits: {:?}", world.surroundings.limits));
        world.limit_budgets();
        world.begin();
        world
    }

    /// Runs to the end, or to the first thing that may never be.
    pub(crate) fn run(&mut self) -> Result<(), Violation> {
        loop {
            self.admit()?;
            if self.is_at_rest() {
                self.check_rest()?;
                if !self.decide_everything()? {
                    return self.check_end();
                }
                self.quiet_since = self.now;
            }
            if self.trace.steps() > MAX_STEPS {
                return Err(Violation::new(
                    "the world goes round in circles",
                    "too many steps",
                ));
            }
            let late = |since: UnixMicros| self.now.since(since) > MAX_REST;
            if self.calm_since.is_some_and(late) {
                return Err(Violation::new("the world does not come to rest", "too much time"));
            }
            self.step()?;
        }
    }

    /// Gives everything that came in a place in the schedule.
    fn admit(&mut self) -> Result<(), Violation> {
        let desk = Arc::clone(&self.surroundings.desk);
        for arrival in desk.take() {
            let Arrival {
                process, label, work, ..
            } = arrival;
            let (due, stage) = match work {
                Work::Sleep { until, wake } => (until, Stage::Sleep(wake)),
                Work::Store(call) => (self.after_store_delay(), Stage::Store(call)),
                Work::Hint(hint) => {
                    self.pass_on(process, hint);
                    continue;
                }
                Work::Blob(call) => (self.after(&[0, 0, 2, 20]), Stage::Blob(call)),
                Work::Pause(resume) => (self.after(&[0, 0, 10, 500, 4000]), Stage::Sleep(resume)),
                Work::Vendor(call) => {
                    self.check_permission(process, &call)?;
                    let due = self.after(&[0, 0, 5, 100, CONNECT_MOST_MS]);
                    (due, Stage::Leaving(call))
                }
            };
            self.enter(Some(process), due, label, stage);
        }
        Ok(())
    }

    /// A hint goes to every other process, late, or never.
    fn pass_on(&mut self, from: u32, hint: Hint) {
        let others: Vec<u32> = self.processes.iter().map(|process| process.number).collect();
        for number in others.into_iter().filter(|number| *number != from) {
            if !self.rng.chance(self.faults.hint_lost) {
                let due = self.after(&[0, 1, 20]);
                self.enter(Some(number), due, String::new(), Stage::Hint(hint));
            }
        }
    }

    pub(crate) fn enter(&mut self, process: Option<u32>, due: UnixMicros, label: String, stage: Stage) {
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        self.entries.push(Entry {
            ticket,
            process,
            due,
            label,
            stage,
        });
    }

    /// Now plus one of these delays.
    pub(crate) fn after(&mut self, delays_ms: &[u64]) -> UnixMicros {
        self.now.plus(Duration::from_millis(self.rng.pick(delays_ms)))
    }

    fn after_store_delay(&mut self) -> UnixMicros {
        if self.rng.chance(self.faults.store_slow) {
            let delay_ms = self.rng.between(500, 20_000);
            self.now.plus(Duration::from_millis(delay_ms))
        } else {
            self.after(&[0, 0, 0, 1, 10])
        }
    }

    /// Lets one thing go on: one of those that can, at the earliest time when something can.
    fn step(&mut self) -> Result<(), Violation> {
        self.entries
            .retain(|entry| !matches!(&entry.stage, Stage::Sleep(wake) if wake.is_closed()));
        let due: Vec<UnixMicros> = self.entries.iter().map(|entry| self.due(entry)).collect();
        let Some(earliest) = due.iter().min() else {
            return Err(Violation::new(
                "nothing goes on any more",
                "the schedule is empty",
            ));
        };
        self.now = self.now.max(*earliest);
        self.surroundings.clock.set(self.now);
        let mut ready: Vec<usize> = (0..due.len()).filter(|place| due[*place] <= self.now).collect();
        ready.sort_by_key(|place| self.entries[*place].ticket);
        let place = ready[self.rng.index(ready.len())];
        let entry = self.entries.swap_remove(place);
        self.go_on(entry)
    }

    /// When an entry can go on. What needs its process waits while that is frozen.
    fn due(&self, entry: &Entry) -> UnixMicros {
        let needs_process = matches!(
            entry.stage,
            Stage::Sleep(_) | Stage::Hint(_) | Stage::Leaving(_) | Stage::Answer { .. }
        );
        let process = entry.process.filter(|_| needs_process);
        let frozen_until = process.and_then(|number| self.process(number)?.frozen_until);
        frozen_until.map_or(entry.due, |until| until.max(entry.due))
    }

    pub(crate) fn process(&self, number: u32) -> Option<&Process> {
        self.processes.iter().find(|process| process.number == number)
    }

    fn go_on(&mut self, entry: Entry) -> Result<(), Violation> {
        let Entry {
            process,
            label,
            stage,
            ..
        } = entry;
        let number = process.unwrap_or_default();
        match stage {
            Stage::Act(act) => self.act(act)?,
            Stage::Sleep(wake) => {
                self.trace.step(self.now, format_args!("p{number} wakes {label}"));
                let _ = wake.send(());
                self.run_process(number, false)?;
            }
            Stage::Hint(hint) => {
                self.trace
                    .step(self.now, format_args!("p{number} hears {}", shown_hint(hint)));
                self.surroundings.desk.hear(number, hint);
                self.run_process(number, false)?;
            }
            Stage::Store(call) => self.apply_store(number, label, call)?,
            Stage::Blob(call) => {
                let fault = self.fault(self.faults.blob_before, self.faults.blob_after);
                let applied = (call.run)(fault);
                self.trace
                    .step(self.now, format_args!("p{number} {label}: {}", applied.brief));
                let due = self.after(&[0, 0, 1, 10]);
                self.answer(number, due, label, applied, false);
            }
            Stage::Leaving(call) => self.leave(number, label, call)?,
            Stage::Answer {
                brief,
                deliver,
                paid,
                absent,
                idle: _,
                decodes,
            } => {
                self.trace
                    .step(self.now, format_args!("p{number} <- {label}: {brief}"));
                if let Some(attempt) = paid
                    && self.process(number).is_some()
                {
                    self.answers.insert(attempt, number);
                }
                self.absent.extend(absent.map(|attempt| (number, attempt)));
                deliver();
                self.run_process(number, decodes)?;
            }
        }
        Ok(())
    }

    fn fault(&mut self, before: u64, after: u64) -> Fault {
        if self.rng.chance(before) {
            Fault::Before
        } else if self.rng.chance(after) {
            Fault::After
        } else {
            Fault::Nothing
        }
    }

    /// Carries out a call of the records, and looks at what it left.
    fn apply_store(&mut self, number: u32, label: String, call: StoreCall) -> Result<(), Violation> {
        let fault = self.fault(self.faults.store_before, self.faults.store_after);
        let StoreCall {
            verb,
            fence,
            reads,
            run,
        } = call;
        let owner = fence.and_then(|fence| self.owners.get(&fence.execution).copied());
        let is_stale = fence.is_some() && owner != fence;
        let records = Arc::clone(&self.database.records);
        let applied = self.database.block_on(run(records, fault));
        self.trace
            .step(self.now, format_args!("p{number} {label}: {}", applied.brief));
        let was_overtaken = fence.is_some_and(|fence| self.decided.contains(&fence.execution));
        if applied.is_mistake && !was_overtaken {
            return Err(Violation::new(
                "a call was not allowed",
                format!("{label}: {}", applied.brief),
            ));
        }
        if applied.is_ok && is_stale {
            return Err(Violation::new("a process that lost an execution wrote", label));
        }
        for fact in &applied.facts {
            match *fact {
                Fact::Claimed(fence) => {
                    self.owners.insert(fence.execution, fence);
                    self.decided.remove(&fence.execution);
                }
                Fact::Turn(fact) => self.turn(number, fact, fault != Fault::After)?,
                Fact::Decided(execution) => {
                    self.decided.insert(execution);
                }
                Fact::Granted(attempt) => {
                    let again = verb == "dispatch_again";
                    let grant = Grant {
                        is_again: again,
                        process: number,
                        send_by: self.now.plus(self.surroundings.settings.send_margin),
                        // Who never hears of it may not use it.
                        used: fault == Fault::After,
                        heard: fault != Fault::After,
                    };
                    let kept = self.grants.get(&attempt).is_some_and(|earlier| earlier.heard);
                    if again || !kept {
                        self.grants.insert(attempt, grant);
                    }
                }
            }
        }
        let is_ok = applied.is_ok;
        let due = self.after_store_delay();
        self.answer(number, due, label, applied, is_routine(verb));
        if is_ok && !reads {
            self.database.check()?;
        }
        Ok(())
    }

    fn answer(&mut self, number: u32, due: UnixMicros, label: String, applied: Applied, idle: bool) {
        let stage = Stage::Answer {
            brief: applied.brief,
            deliver: applied.deliver,
            paid: None,
            absent: None,
            idle,
            decodes: applied.decodes,
        };
        if self.process(number).is_some() {
            self.enter(Some(number), due, label, stage);
        }
    }

    /// Lets a process run, and reads what its callers were told.
    pub(crate) fn run_process(&mut self, number: u32, decodes: bool) -> Result<(), Violation> {
        let process = self.processes.iter_mut().find(|process| process.number == number);
        let Some(process) = process else {
            return Ok(());
        };
        process.run(decodes);
        self.trace.take_log(number);
        if let Some(panic) = take_panics().pop() {
            return Err(Violation::new("a task panicked", panic));
        }
        self.read_messages()
    }
}

/// How long histories are kept: in most worlds longer than they last.
fn retention(rng: &mut Rng) -> Retention {
    let mut age = |per_mille: u64| {
        rng.chance(per_mille)
            .then(|| Duration::from_secs(rng.between(5, 40)))
    };
    Retention {
        events: age(200),
        executions: age(200),
    }
}

/// True for what processes do now and then, whether there is something to do or not.
pub(crate) fn is_routine(verb: &str) -> bool {
    matches!(verb, "claim" | "renew" | "stranded" | "leave_stranded" | "prune")
}

fn shown_hint(hint: Hint) -> String {
    match hint {
        Hint::Changed(execution) => format!("of {}", about(execution)),
        Hint::Claimable(execution) => format!("of {}, to be claimed", about(execution)),
        Hint::Missed => "that it missed something".to_owned(),
    }
}
