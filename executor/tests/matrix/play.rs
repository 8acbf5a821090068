//! Plays a case: processes come and go, the fault happens, and everything comes to rest.

use std::{sync::Arc, time::Duration};

use limn_executor::{
    blob::BlobKey,
    clock::{Clock as _, UnixMicros},
    executor::{Order, SubmitError, Submitted},
    plan::Plan,
    records::AttemptRecord,
};

use crate::{
    case::{Case, Facts, Fault},
    check, expect,
    plan::plan,
    process::{LEASE, Pending, Process},
    scenario::{End, Prelude},
    seams::{Edge, Moment, Shock, Side},
    studio::Studio,
    world::{LOOK_FOR_LATE_ANSWERS, Patience, World, harness},
};

/// An order as a client gives it, again and again until it has an answer.
struct Errand {
    plan: Plan,
    order: Order,
    answer: Pending<Result<Submitted, SubmitError>>,
}

/// What a case came to.
#[derive(Debug, Default)]
pub(crate) struct Played {
    /// Moments of the process that the fault is for.
    pub(crate) trace: Vec<Moment>,
    /// What is wrong.
    pub(crate) violations: Vec<String>,
}

/// Plays a case to its end.
pub(crate) fn play(case: &Case<'_>) -> Played {
    let mut stage = Stage::new(case);
    let went = stage.run();
    stage.crash_all();
    let Stage {
        world, facts, trace, ..
    } = stage;
    let mut violations = Vec::new();
    if let Err(problem) = went {
        violations.push(problem);
    }
    let executions = world.executions();
    let ends: Vec<Option<End>> = executions
        .iter()
        .map(|execution| check::end(execution.state))
        .collect();
    let expected = expect::ends(case, &facts);
    for end in &ends {
        if !end.is_some_and(|end| expected.contains(&end)) {
            violations.push(format!("rests as {end:?}, and should as one of {expected:?}"));
        }
    }
    check::everything(&world, &executions, case, &mut violations);
    if !violations.is_empty() {
        violations.push(check::describe(&executions, &world, &facts));
    }
    Played { trace, violations }
}

fn errand(case: &Case<'_>, number: u32) -> Errand {
    Errand {
        plan: plan(&case.scenario.outline, &format!("session-{number}")),
        order: Order {
            request_id: Some(format!("order-{number}")),
            ..Order::default()
        },
        answer: Pending::default(),
    }
}

/// Longer than any case.
const NEVER: Duration = Duration::from_secs(1000 * 24 * 3600);
/// Most times that time passes in one case.
const MAX_HOPS: u32 = 500;

/// A case while it is played.
struct Stage<'c> {
    case: &'c Case<'c>,
    world: World,
    errands: Vec<Errand>,
    /// All processes that run, the last one first in charge.
    processes: Vec<Process>,
    /// The orders were given once.
    has_order: bool,
    /// What is known about each call that was open when a fault happened.
    facts: Vec<(Fault, Moment, Facts)>,
    trace: Vec<Moment>,
    /// How often the next process looks for late answers.
    reconcile: Duration,
    /// Since when nothing was done to the processes.
    watched_since: UnixMicros,
    patience: Patience,
}

impl<'c> Stage<'c> {
    fn new(case: &'c Case<'c>) -> Self {
        let studios = vec![
            Studio::new("first", case.promise, case.scenario.acts),
            Studio::new("second", case.promise, &[]),
        ];
        let world = World::new(case.dialect, studios);
        Self {
            case,
            watched_since: world.clock.now(),
            patience: Patience::ForTheEnd,
            world,
            errands: (1..=case.scenario.orders)
                .map(|number| errand(case, number))
                .collect(),
            processes: Vec::new(),
            has_order: false,
            facts: Vec::new(),
            trace: Vec::new(),
            reconcile: LOOK_FOR_LATE_ANSWERS,
        }
    }

    fn run(&mut self) -> Result<(), String> {
        match self.case.prelude {
            None => {}
            Some(Prelude {
                moment,
                came_back: false,
            }) => self.strike(moment, Fault::Crash)?,
            Some(Prelude {
                moment,
                came_back: true,
            }) => {
                // What it leaves behind is for the next process to find.
                self.reconcile = NEVER;
                self.strike(moment, Fault::LongFreeze)?;
                self.reconcile = LOOK_FOR_LATE_ANSWERS;
                self.go_on(Fault::LongFreeze)?;
                self.be_still()?;
                self.crash_all();
            }
        }
        if let Some((moment, fault)) = self.case.fault {
            self.strike(moment, fault)?;
            self.go_on(fault)?;
        } else {
            self.start(None)?;
        }
        self.until(Self::is_at_rest)?;
        // Whoever still has something to do does it, and changes nothing.
        self.world.pass_time();
        self.until(Self::is_at_rest)?;
        if self.case.fault.is_none() {
            self.keep_trace();
        }
        Ok(())
    }

    fn is_at_rest(&self) -> bool {
        self.world.is_at_rest(self.watched_since, self.patience)
    }

    /// Starts a process, and gives it the order, as a client does that had no answer yet.
    fn start(&mut self, trap: Option<(Moment, Shock)>) -> Result<(), String> {
        let process = Process::start(&self.world, trap, self.has_order, self.reconcile);
        self.processes.push(process);
        self.has_order = true;
        // The first look for work of the first process, which finds nothing, is over before the story begins.
        self.be_still()?;
        self.submit();
        Ok(())
    }

    /// Gives all orders to the process that is in charge.
    fn submit(&mut self) {
        if let Some(process) = self.processes.last() {
            process.seams.arm();
            for errand in &mut self.errands {
                errand.answer = process.submit(&errand.plan, &errand.order);
            }
        }
    }

    /// Gives those orders again that were answered with an error; true when there were any.
    fn submit_again(&mut self) -> Result<bool, String> {
        let mut any = false;
        for errand in &mut self.errands {
            let answer = errand.answer.lock().unwrap().take();
            match (answer, self.processes.last()) {
                (Some(Err(SubmitError::Records(_))), Some(process)) => {
                    errand.answer = process.submit(&errand.plan, &errand.order);
                    any = true;
                }
                (Some(Err(refused)), _) => return Err(format!("an order was refused: {refused}")),
                (Some(Ok(_)) | None, _) => {}
            }
        }
        Ok(any)
    }

    /// Lets the fault happen to a new process.
    fn strike(&mut self, moment: Moment, fault: Fault) -> Result<(), String> {
        self.start(Some((moment, fault.shock())))?;
        self.until(|stage| {
            stage
                .processes
                .last()
                .is_some_and(|process| process.seams.is_sprung())
                || stage.is_at_rest()
        })?;
        let is_sprung = self
            .processes
            .last()
            .is_some_and(|process| process.seams.is_sprung());
        if !is_sprung {
            return Err(format!("the moment never came: {moment}"));
        }
        let facts = self.facts();
        self.facts
            .extend(facts.into_iter().map(|facts| (fault, moment, facts)));
        match fault {
            Fault::Crash => {
                if let Some(process) = self.processes.pop() {
                    process.crash();
                }
                self.world.clock.advance(LEASE * 2);
            }
            Fault::ShortFreeze | Fault::LongFreeze => self.world.clock.advance(LEASE * 2),
            Fault::ErrorOnce | Fault::DatabaseAway | Fault::StoreAway => {}
        }
        Ok(())
    }

    /// What follows a fault.
    fn go_on(&mut self, fault: Fault) -> Result<(), String> {
        match fault {
            Fault::Crash => self.start(None),
            Fault::ShortFreeze => {
                self.start(None)?;
                let taken_over = Edge {
                    side: Side::After,
                    call: "open_execution",
                };
                self.until(|stage| {
                    let trace = stage.processes.last().map(|process| process.seams.trace());
                    trace.is_some_and(|trace| trace.iter().any(|moment| moment.edge == taken_over))
                        || stage.is_at_rest()
                })?;
                self.thaw();
                Ok(())
            }
            Fault::LongFreeze => {
                self.start(None)?;
                self.until(Self::is_at_rest)?;
                self.thaw();
                Ok(())
            }
            Fault::ErrorOnce | Fault::DatabaseAway | Fault::StoreAway => Ok(()),
        }
    }

    fn crash_all(&mut self) {
        for process in self.processes.drain(..) {
            process.crash();
        }
    }

    /// Lets frozen processes go on. What they leave behind is looked for, even after the end.
    fn thaw(&mut self) {
        for process in &self.processes {
            process.thaw();
        }
        self.watched_since = self.world.clock.now();
        self.patience = Patience::ForLateAnswers;
    }

    fn be_still(&self) -> Result<(), String> {
        self.world.be_still(&self.processes.iter().collect::<Vec<_>>())
    }

    /// Lets time pass until it is so. A client that got an error gives its order again.
    fn until(&mut self, is_so: impl Fn(&Self) -> bool) -> Result<(), String> {
        for _ in 0..MAX_HOPS {
            self.be_still()?;
            if !self.submit_again()? && is_so(self) {
                return Ok(());
            }
            if !self.world.pass_time() {
                return Err("nobody waits for anything any more".to_owned());
            }
        }
        Err("it does not come to rest".to_owned())
    }

    fn keep_trace(&mut self) {
        if let Some(process) = self.processes.last() {
            self.trace = process.seams.trace();
        }
    }

    /// What is known about every call that is open.
    fn facts(&self) -> Vec<Facts> {
        let executions = self.world.executions();
        let attempts = executions
            .iter()
            .flat_map(|execution| &execution.steps)
            .flat_map(|step| &step.attempts);
        let open = attempts.filter(|attempt| attempt.state.is_open());
        open.map(|attempt| self.facts_about(attempt)).collect()
    }

    fn facts_about(&self, attempt: &AttemptRecord) -> Facts {
        let key = BlobKey::staged(attempt.id);
        let staged = harness().block_on(self.world.blobs.size_bytes(&key));
        let job = |studio: &Arc<Studio>| studio.job_of(attempt.id);
        Facts {
            attempt: attempt.state,
            is_staged: staged.unwrap().is_some(),
            is_billed: self
                .world
                .studios
                .iter()
                .filter_map(job)
                .any(|job| job.billed > 0),
        }
    }
}
