//! What happens by itself: clients order and cancel, processes die, freeze and start, clocks are set.

use std::{sync::Arc, time::Duration};

use limn_executor::clock::UnixMicros;

use crate::{
    callers::Message,
    check::Violation,
    desk::about,
    faults::{Faults, Rhythm},
    process::Process,
    world::{Stage, World},
};

/// Something that happens by itself.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// An order is sent, or sent again.
    Submit(usize),
    /// The client of an order waited long enough.
    Impatient(usize),
    /// A watcher attaches.
    Attach(usize),
    Cancel,
    /// A person decides about an attempt that nobody could judge.
    Decide,
    /// A process ends without a word.
    Kill,
    /// A process gets no turn for a while.
    Freeze,
    /// Somebody sets the clock of a machine.
    SetClock,
    /// A process is asked to end.
    Stop,
    /// A process takes the place of one that ended.
    Start,
    /// A vendor is done with a job.
    Done(usize),
    /// The trouble is over.
    Calm,
}

impl Act {
    /// It happens no more once the trouble is over.
    fn is_trouble(&self) -> bool {
        match self {
            Self::Cancel | Self::Decide | Self::Kill | Self::Freeze | Self::SetClock | Self::Stop => true,
            Self::Submit(_)
            | Self::Impatient(_)
            | Self::Attach(_)
            | Self::Start
            | Self::Done(_)
            | Self::Calm => false,
        }
    }

    /// It need not be waited for.
    pub(crate) fn is_idle(&self) -> bool {
        match self {
            Self::Submit(_) | Self::Attach(_) | Self::Done(_) | Self::Start | Self::Calm => false,
            Self::Impatient(_)
            | Self::Cancel
            | Self::Decide
            | Self::Kill
            | Self::Freeze
            | Self::SetClock
            | Self::Stop => true,
        }
    }
}

impl World {
    /// The first processes, and what is known to happen.
    pub(crate) fn begin(&mut self) {
        for _ in 0..self.rng.between(2, 4) {
            self.start_process();
        }
        for _ in 0..self.rng.between(1, 4) {
            let order = self.callers.place(&mut self.rng, &self.plans);
            let due = self.within(0, 10_000);
            self.schedule(due, Act::Submit(order));
        }
        let Rhythm {
            kill_ms,
            freeze_ms,
            jump_ms,
            cancel_ms,
            stop_ms,
            decide_ms,
        } = self.rhythm;
        for (most_ms, act) in [
            (kill_ms, Act::Kill),
            (freeze_ms, Act::Freeze),
            (jump_ms, Act::SetClock),
            (cancel_ms, Act::Cancel),
            (stop_ms, Act::Stop),
            (decide_ms, Act::Decide),
        ] {
            self.again(most_ms, act);
        }
        let calm = self.within(15_000, 60_000);
        self.schedule(calm, Act::Calm);
    }

    pub(crate) fn schedule(&mut self, due: UnixMicros, act: Act) {
        self.enter(None, due, String::new(), Stage::Act(act));
    }

    pub(crate) fn within(&mut self, least_ms: u64, most_ms: u64) -> UnixMicros {
        let delay_ms = self.rng.between(least_ms, most_ms);
        self.now.plus(Duration::from_millis(delay_ms))
    }

    /// The same happens once more, unless it never does.
    fn again(&mut self, most_ms: Option<u64>, act: Act) {
        if let Some(most_ms) = most_ms {
            let due = self.within(1, most_ms);
            self.schedule(due, act);
        }
    }

    pub(crate) fn act(&mut self, act: Act) -> Result<(), Violation> {
        if self.calm_since.is_some() && act.is_trouble() {
            return Ok(());
        }
        match act {
            Act::Submit(order) => self.submit(order)?,
            Act::Impatient(order) => {
                if !self.callers.orders[order].done {
                    self.submit(order)?;
                }
            }
            Act::Attach(watch) => self.attach(watch)?,
            Act::Cancel => {
                self.cancel()?;
                self.again(self.rhythm.cancel_ms, Act::Cancel);
            }
            Act::Decide => {
                self.decide()?;
                self.again(self.rhythm.decide_ms, Act::Decide);
            }
            Act::Kill => {
                if let Some(place) = self.any_process() {
                    self.kill(place);
                }
                self.again(self.rhythm.kill_ms, Act::Kill);
            }
            Act::Freeze => {
                if let Some(place) = self.any_process() {
                    // Often longer than a lease.
                    let until = self.within(500, 25_000);
                    let process = &mut self.processes[place];
                    process.frozen_until = Some(until);
                    let number = process.number;
                    let seconds = until.since(self.now).as_secs();
                    self.trace
                        .step(self.now, format_args!("p{number} freezes for {seconds} s"));
                }
                self.again(self.rhythm.freeze_ms, Act::Freeze);
            }
            Act::SetClock => {
                if let Some(place) = self.any_process() {
                    let ahead_us = skew_us(self);
                    let process = &self.processes[place];
                    process.clock.set_ahead(ahead_us);
                    let (number, ahead_s) = (process.number, ahead_us / 1_000_000);
                    self.trace.step(
                        self.now,
                        format_args!("the clock of p{number} is set {ahead_s} s ahead"),
                    );
                }
                self.again(self.rhythm.jump_ms, Act::SetClock);
            }
            Act::Stop => {
                if let Some(place) = self.any_process() {
                    self.stop(place)?;
                }
                self.again(self.rhythm.stop_ms, Act::Stop);
            }
            Act::Start => self.start_process(),
            Act::Done(job) => {
                let work = self.market.job(job);
                self.trace.step(self.now, format_args!("{work} is done"));
                self.market.finish(job);
                self.note_charges()?;
            }
            Act::Calm => {
                self.trace.step(self.now, "the trouble is over");
                self.faults = Faults::default();
                self.calm_since = Some(self.now);
                for process in &mut self.processes {
                    process.frozen_until = None;
                }
            }
        }
        Ok(())
    }

    /// The place of any process.
    pub(crate) fn any_process(&mut self) -> Option<usize> {
        (!self.processes.is_empty()).then(|| self.rng.index(self.processes.len()))
    }

    fn start_process(&mut self) {
        let number = self.next_process;
        self.next_process += 1;
        let ahead_us = skew_us(self);
        let mut process = Process::start(number, &self.surroundings, ahead_us);
        self.trace.step(
            self.now,
            format_args!("p{number} starts, its clock {} ms ahead", ahead_us / 1000),
        );
        // Its first look for work.
        process.run(false);
        self.processes.push(process);
    }

    /// A process ends without a word. What it sent may still arrive.
    fn kill(&mut self, place: usize) {
        let process = self.processes.swap_remove(place);
        let number = process.number;
        self.trace.step(self.now, format_args!("p{number} is killed"));
        drop(process);
        self.gone(number);
        let due = self.within(100, 12_000);
        self.schedule(due, Act::Start);
    }

    /// What becomes of the calls and the callers of a process that is gone.
    fn gone(&mut self, number: u32) {
        // Whatever its tasks asked for while they were dropped went nowhere.
        self.surroundings.desk.take();
        self.forget_turns(number);
        let mut kept = Vec::new();
        for mut entry in std::mem::take(&mut self.entries) {
            if entry.process == Some(number) {
                let is_sent = matches!(
                    entry.stage,
                    Stage::Store(_) | Stage::Blob(_) | Stage::Leaving { .. }
                );
                if !is_sent || self.rng.chance(500) {
                    continue;
                }
                // A database carries out what it was sent long before; bytes to a vendor are on their way or are not.
                if matches!(entry.stage, Stage::Store(_)) && self.rng.chance(300) {
                    entry.due = self.within(0, 30_000);
                }
            }
            kept.push(entry);
        }
        self.entries = kept;
        let shelf = Arc::clone(&self.surroundings.shelf);
        self.answers
            .retain(|attempt, holder| *holder != number || shelf.holds(&format!("staging/{attempt}")));
        let (orders, watches) = self.callers.lost(number);
        for order in orders {
            let due = self.within(0, 3_000);
            self.schedule(due, Act::Submit(order));
        }
        for watch in watches {
            let due = self.within(0, 3_000);
            self.schedule(due, Act::Attach(watch));
        }
    }

    /// A process is asked to end.
    fn stop(&mut self, place: usize) -> Result<(), Violation> {
        let process = &mut self.processes[place];
        let number = process.number;
        if process.stopping {
            return Ok(());
        }
        process.stopping = true;
        self.trace
            .step(self.now, format_args!("p{number} is asked to end"));
        let (executor, inbox) = (process.executor.clone(), Arc::clone(&self.callers.inbox));
        process.spawn(async move {
            executor.shutdown().await;
            inbox.lock().unwrap().push(Message::Stopped { process: number });
        });
        self.run_process(number, false)
    }

    /// Sends an order to any process.
    fn submit(&mut self, order: usize) -> Result<(), Violation> {
        let Some(place) = self.any_process() else {
            let due = self.within(500, 3_000);
            self.schedule(due, Act::Submit(order));
            return Ok(());
        };
        let process = &self.processes[place];
        let number = process.number;
        let task = self.callers.submit(order, number, process.executor.clone());
        process.spawn(task);
        let placed = &self.callers.orders[order];
        let request = placed.order.request_id.clone().unwrap_or_default();
        self.trace.step(
            self.now,
            format_args!("p{number} is sent order {order}, request {request}"),
        );
        let due = self.within(10_000, 30_000);
        self.schedule(due, Act::Impatient(order));
        self.run_process(number, false)
    }

    fn attach(&mut self, watch: usize) -> Result<(), Violation> {
        let Some(place) = self.any_process() else {
            let due = self.within(500, 3_000);
            self.schedule(due, Act::Attach(watch));
            return Ok(());
        };
        let process = &self.processes[place];
        let number = process.number;
        let desk = Arc::clone(&self.surroundings.desk);
        let task = self.callers.attach(watch, number, &process.executor, desk);
        process.spawn(task);
        self.trace
            .step(self.now, format_args!("watch {watch} attaches at p{number}"));
        self.run_process(number, false)
    }

    fn cancel(&mut self) -> Result<(), Violation> {
        let known = self.callers.known();
        let Some(place) = self.any_process().filter(|_| !known.is_empty()) else {
            return Ok(());
        };
        let (client, execution) = known[self.rng.index(known.len())].clone();
        let process = &self.processes[place];
        let number = process.number;
        let executor = process.executor.clone();
        process.spawn(async move {
            // A client that is told nothing asks again, or does not care.
            let _ = executor.cancel(&client, execution).await;
        });
        self.trace.step(
            self.now,
            format_args!("p{number} is asked to cancel {}", about(execution)),
        );
        self.run_process(number, false)
    }

    /// What clients were told since the last look.
    pub(crate) fn read_messages(&mut self) -> Result<(), Violation> {
        let messages = std::mem::take(&mut *self.callers.inbox.lock().unwrap());
        for message in messages {
            match message {
                Message::Submitted { order, result } => {
                    let told = match &result {
                        Ok(execution) => about(*execution),
                        Err(error) => error.to_string(),
                    };
                    self.trace.note(format_args!("order {order}: {told}"));
                    let database = &mut self.database;
                    if self
                        .callers
                        .submitted(order, &result, |execution| database.is_pruned(execution))?
                    {
                        let due = self.within(200, 3_000);
                        self.schedule(due, Act::Submit(order));
                    }
                    if let Ok(execution) = result
                        && self.rng.chance(600)
                    {
                        let client = self.callers.orders[order].plan.client.clone();
                        let watch = self.callers.begin_watch(&client, execution);
                        let due = self.within(0, 5_000);
                        self.schedule(due, Act::Attach(watch));
                    }
                }
                Message::Watched { watch, event } => {
                    let database = &mut self.database;
                    self.callers
                        .watched(watch, &event, |execution| database.has_no_events(execution))?;
                }
                Message::WatchFailed { watch, error } => {
                    self.trace.note(format_args!("watch {watch}: {error}"));
                    if self.callers.watch_failed(watch, &error)? {
                        let due = self.within(100, 3_000);
                        self.schedule(due, Act::Attach(watch));
                    }
                }
                Message::WatchEnded { watch } => {
                    self.trace.note(format_args!("watch {watch} ends"));
                    if self.callers.watch_ended(watch)? && self.calm_since.is_none() {
                        let due = self.within(5_000, 20_000);
                        self.schedule(due, Act::Attach(watch));
                    }
                }
                Message::Stopped { process } => {
                    self.trace.note(format_args!("p{process} ended"));
                    if let Some(place) = self.processes.iter().position(|other| other.number == process) {
                        drop(self.processes.swap_remove(place));
                        self.gone(process);
                        let due = self.within(100, 10_000);
                        self.schedule(due, Act::Start);
                    }
                }
            }
        }
        Ok(())
    }
}

/// How far a clock is ahead: most are nearly right.
fn skew_us(world: &mut World) -> i64 {
    let most_ms = world.rng.pick(&[50, 50, 2_000, 90_000]);
    let ms = i64::try_from(world.rng.below(2 * most_ms)).unwrap();
    (ms - i64::try_from(most_ms).unwrap()) * 1000
}
