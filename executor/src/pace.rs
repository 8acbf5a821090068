//! The pace of calls: who may call a provider now, and who waits.
//!
//! A step waits before anything is reserved or sent for it. In this process those who wait stand in one line for each
//! provider, and the first of each line asks the records, where the turns of all processes are counted. A provider
//! without limits is asked for no turn as long as nothing is known to be wrong with it.
//!
//! Nothing here is needed for money to be right: a sign that gets lost, or a turn that is not given back, costs time.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use limn_proto::reason::Reason;

use crate::{
    clock::UnixMicros,
    executor::Inner,
    failure::Failure,
    ids::{ExecutionId, TurnId},
    plan::Step,
    provider::{CallError, Submission},
    providers::Limits,
    records::{
        RecordError, Sign, SkippedTarget, StepNote, StepWait, Turn, TurnRequest, TurnWait, WaitReason,
    },
    run::Run,
};

mod line;

use line::{Line, Place};

/// How often to look for turns that other processes give back.
const LOOK_AGAIN: Duration = Duration::from_millis(250);
/// Longest time between two notes about the same wait.
const LONGEST_SILENCE: Duration = Duration::from_secs(60);

/// The lines before all providers, and the turns that this process has.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    desks: Mutex<BTreeMap<String, Arc<Desk>>>,
    turns: Arc<Mutex<BTreeSet<TurnId>>>,
}

/// What this process knows of one provider.
#[derive(Debug)]
struct Desk {
    line: Mutex<Line>,
    /// Nothing was wrong with it when this process last heard of it.
    is_clear: AtomicBool,
    /// What the head of the line was last told.
    last_wait: Mutex<Option<TurnWait>>,
}

/// Whether a call may be made.
#[derive(Debug)]
pub(crate) enum Passage {
    /// Now.
    Open(Pass),
    /// The provider does not work, and the step has another target: why.
    Skip(String),
    /// The step may not go on waiting.
    Stopped(Stop),
}

/// Why a step waits no longer.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The client asked for a stop.
    Cancelled,
    /// The process is shutting down or cannot record.
    Paused,
    /// No further step of the execution starts.
    Halted(Failure),
}

/// The right to make one call. Without [`Pass::give_back`] it counts until its lease passes.
#[derive(Debug)]
pub(crate) struct Pass {
    desk: Arc<Desk>,
    turns: Arc<Mutex<BTreeSet<TurnId>>>,
    turn: Option<TurnId>,
    /// The call counts in the minute in which it begins.
    counts: bool,
}

impl Pace {
    fn desk(&self, provider: &str) -> Arc<Desk> {
        let mut desks = lock(&self.desks);
        if let Some(desk) = desks.get(provider) {
            return Arc::clone(desk);
        }
        let desk = Arc::new(Desk {
            line: Mutex::default(),
            is_clear: AtomicBool::new(true),
            last_wait: Mutex::default(),
        });
        desks.insert(provider.to_owned(), Arc::clone(&desk));
        desk
    }

    fn pass(&self, desk: &Arc<Desk>, turn: Option<TurnId>, limits: Limits) -> Pass {
        lock(&self.turns).extend(turn);
        Pass {
            desk: Arc::clone(desk),
            turns: Arc::clone(&self.turns),
            turn,
            counts: limits.calls_per_minute.is_some(),
        }
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        if let Some(turn) = self.turn {
            lock(&self.turns).remove(&turn);
        }
    }
}

impl Pass {
    /// Gives the turn back: somebody else may call.
    pub(crate) async fn give_back(self, inner: &Inner) {
        let Some(turn) = self.turn else {
            return;
        };
        lock(&self.turns).remove(&turn);
        if let Err(error) = inner.parts.records.leave_turn(turn, self.counts).await {
            tracing::warn!(%error, "a turn at a provider could not be given back, and ends with its lease");
        }
        lock(&self.desk.line).wake_head();
    }
}

/// A place in the line that is left when it is dropped.
struct Waiter {
    desk: Arc<Desk>,
    place: Place,
    turn: TurnId,
    has_asked: bool,
    has_turn: bool,
}

impl Waiter {
    fn join(desk: &Arc<Desk>, execution: ExecutionId, turn: TurnId) -> Self {
        Self {
            desk: Arc::clone(desk),
            place: lock(&desk.line).join(execution),
            turn,
            has_asked: false,
            has_turn: false,
        }
    }

    fn is_head(&self) -> bool {
        lock(&self.desk.line).is_head(&self.place)
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let mut line = lock(&self.desk.line);
        line.leave(&self.place, self.has_turn);
        if line.is_empty() {
            // Whoever comes next asks.
            *lock(&self.desk.last_wait) = None;
        }
        line.wake_head();
    }
}

impl Desk {
    /// Why the provider is not called at all, by what the head of the line was last told.
    fn is_shut(&self) -> Option<String> {
        let last = lock(&self.last_wait);
        last.as_ref()
            .filter(|wait| wait.reason == WaitReason::Unavailable)
            .map(|wait| wait.why.clone())
    }

    fn note(&self, wait: &TurnWait) {
        self.is_clear.store(false, Ordering::Relaxed);
        let was_shut = self.is_shut().is_some();
        *lock(&self.last_wait) = Some(wait.clone());
        if !was_shut && wait.reason == WaitReason::Unavailable {
            // Those who have somewhere else to go need not wait behind those who have not.
            lock(&self.line).wake_all();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits until the provider of a target may be called. Nothing is reserved meanwhile, and the wait is told.
pub(crate) async fn pass(run: &Run<'_>, step: &Step, target: usize) -> Result<Passage, RecordError> {
    let provider = &step.targets[target].render.provider;
    let parts = &run.inner.parts;
    let pace = &run.inner.pace;
    let limits = parts.providers.limits(provider);
    let desk = pace.desk(provider);
    if limits == Limits::default() && desk.is_clear.load(Ordering::Relaxed) {
        return Ok(Passage::Open(pace.pass(&desk, None, limits)));
    }
    let turn = TurnId(parts.ids.next());
    let mut waiter = Waiter::join(&desk, run.fence.execution, turn);
    let later = step.targets.iter().skip(target + 1);
    let has_fallback = later
        .into_iter()
        .any(|target| parts.providers.get(&target.render.provider).is_some());
    let passage = wait(run, step, provider, &mut waiter, has_fallback).await;
    if waiter.has_asked && !waiter.has_turn {
        drop(waiter);
        // Others need not wait behind a place that nobody wants.
        if let Err(error) = parts.records.leave_turn(turn, false).await {
            tracing::warn!(provider, %error, "a place in line could not be given back, and ends with its lease");
        }
    }
    Ok(match passage? {
        Some(passage) => passage,
        None => Passage::Open(pace.pass(&desk, Some(turn), limits)),
    })
}

/// Nothing when it is this step's turn.
async fn wait(
    run: &Run<'_>,
    step: &Step,
    provider: &str,
    waiter: &mut Waiter,
    has_fallback: bool,
) -> Result<Option<Passage>, RecordError> {
    let parts = &run.inner.parts;
    let desk = Arc::clone(&waiter.desk);
    let request = request(run, provider, waiter.turn, false);
    let mut notes = Notes::new(run, provider);
    loop {
        let mut delay = LONGEST_SILENCE;
        if waiter.is_head() {
            waiter.has_asked = true;
            let answer = tokio::select! {
                biased;
                stop = stopped(run) => return stop.map(|stop| Some(Passage::Stopped(stop))),
                answer = run.records().take_turn(&request) => answer?,
            };
            match answer {
                Turn::Granted { is_clear } => {
                    desk.is_clear.store(is_clear, Ordering::Relaxed);
                    *lock(&desk.last_wait) = None;
                    waiter.has_turn = true;
                    return Ok(None);
                }
                Turn::Wait(wait) => {
                    desk.note(&wait);
                    delay = until_next_question(run, &wait);
                    if has_fallback && wait.reason == WaitReason::Unavailable {
                        return Ok(Some(Passage::Skip(wait.why)));
                    }
                }
            }
        } else if has_fallback && let Some(why) = desk.is_shut() {
            return Ok(Some(Passage::Skip(why)));
        }
        let silence = notes.tell(run, step, waiter).await?;
        tokio::select! {
            biased;
            stop = stopped(run) => return stop.map(|stop| Some(Passage::Stopped(stop))),
            () = waiter.place.wake.notified() => {}
            () = parts.clock.sleep(delay.min(silence)) => {}
        }
    }
}

fn request(run: &Run<'_>, provider: &str, turn: TurnId, in_progress: bool) -> TurnRequest {
    let parts = &run.inner.parts;
    TurnRequest {
        turn,
        provider: provider.to_owned(),
        boot: run.fence.boot,
        limits: parts.providers.limits(provider),
        lease: parts.settings.lease,
        in_progress,
    }
}

/// How long the head of the line lets the records alone. Its place counts for a lease, which each question renews.
fn until_next_question(run: &Run<'_>, wait: &TurnWait) -> Duration {
    let settings = &run.inner.parts.settings;
    let unheard = if wait.is_shared {
        settings.poll.min(LOOK_AGAIN)
    } else {
        // What happens here wakes it.
        settings.lease
    };
    wait.delay.unwrap_or(unheard).min(settings.lease / 3)
}

/// Returns when the step may not go on waiting.
async fn stopped(run: &Run<'_>) -> Result<Stop, RecordError> {
    tokio::select! {
        biased;
        () = run.stops.lost.cancelled() => Err(RecordError::Fenced),
        () = run.stops.cancelled.cancelled() => Ok(Stop::Cancelled),
        () = run.inner.stopping.cancelled() => Ok(Stop::Paused),
        () = run.interrupted.cancelled() => Ok(Stop::Paused),
        why = run.until_halted() => Ok(Stop::Halted(why)),
    }
}

/// What is told of a wait: once it has lasted a moment, then each time that it has lasted twice as long, when there is
/// something new to tell. However many steps wait, each tells little.
struct Notes {
    since: UnixMicros,
    started: Duration,
    /// How long the wait lasts before the next note.
    next: Duration,
    last: Option<StepWait>,
    provider: String,
}

impl Notes {
    fn new(run: &Run<'_>, provider: &str) -> Self {
        let parts = &run.inner.parts;
        Self {
            since: parts.clock.now(),
            started: parts.clock.uptime(),
            next: parts.settings.poll.min(Duration::from_secs(1)),
            last: None,
            provider: provider.to_owned(),
        }
    }

    /// Tells of the wait when it is time; returns how long to be silent.
    async fn tell(&mut self, run: &Run<'_>, step: &Step, waiter: &Waiter) -> Result<Duration, RecordError> {
        let clock = &run.inner.parts.clock;
        let lasted = clock.uptime().saturating_sub(self.started);
        if lasted < self.next {
            return Ok(self.next.saturating_sub(lasted));
        }
        let silence = lasted.min(LONGEST_SILENCE);
        self.next = lasted.saturating_add(silence);
        let Some(known) = lock(&waiter.desk.last_wait).clone() else {
            return Ok(silence);
        };
        let ahead = lock(&waiter.desk.line).ahead_of(&waiter.place);
        let ahead = u32::try_from(ahead)
            .unwrap_or(u32::MAX)
            .saturating_add(known.ahead);
        let wait = StepWait {
            provider: self.provider.clone(),
            reason: known.reason,
            position: ahead.saturating_add(1),
            since: self.since,
            until: known.delay.map(|delay| clock.now().plus(delay)),
            attempt: 0,
        };
        let is_news = self
            .last
            .as_ref()
            .is_none_or(|last| (last.reason, last.position) != (wait.reason, wait.position));
        if is_news {
            let note = StepNote::Waiting(wait.clone());
            run.records()
                .note_step(&run.fence, &step.step_id, &note, clock.now())
                .await?;
            run.notify();
            self.last = Some(wait);
        }
        Ok(silence)
    }
}

/// A target is passed over without a call: notes it for the history.
pub(crate) async fn skip(run: &Run<'_>, step: &Step, target: usize, why: &str) -> Result<(), RecordError> {
    let provider = &step.targets[target].render.provider;
    tracing::info!(
        execution = %run.fence.execution,
        step = step.step_id,
        provider,
        why,
        "falling back without a call: the provider did not work lately"
    );
    let now = run.inner.parts.clock.now();
    let note = StepNote::Skipped(SkippedTarget {
        target: u32::try_from(target).unwrap_or(u32::MAX),
        provider: provider.clone(),
        why: format!("the provider did not work lately: {why}"),
        at: now,
    });
    run.records()
        .note_step(&run.fence, &step.step_id, &note, now)
        .await?;
    run.notify();
    Ok(())
}

/// A call that an earlier owner made is in progress: it counts against the limits of its provider from here on.
pub(crate) async fn count(run: &Run<'_>, provider: &str) -> Pass {
    let parts = &run.inner.parts;
    let limits = parts.providers.limits(provider);
    let desk = run.inner.pace.desk(provider);
    if limits.max_concurrency.is_none() {
        return run.inner.pace.pass(&desk, None, limits);
    }
    let turn = TurnId(parts.ids.next());
    if let Err(error) = run.records().take_turn(&request(run, provider, turn, true)).await {
        tracing::warn!(provider, %error, "a call in progress could not be counted");
    }
    // It began in some other minute.
    let limits = Limits {
        calls_per_minute: None,
        ..limits
    };
    run.inner.pace.pass(&desk, Some(turn), limits)
}

/// Extends the leases of the turns that this process has.
pub(crate) async fn renew(inner: &Inner) {
    let turns: Vec<TurnId> = lock(&inner.pace.turns).iter().copied().collect();
    if turns.is_empty() {
        return;
    }
    let lease = inner.parts.settings.lease;
    if let Err(error) = inner.parts.records.renew_turns(inner.boot, &turns, lease).await {
        tracing::error!(%error, "turns at providers could not be renewed");
    }
}

/// What the end of a call says about its provider; nothing when something else is said of it. A refusal of the content,
/// of the request or of the account is an answer. What kept us from sending is no affair of the provider.
pub(crate) fn sign_of(inner: &Inner, submitted: &Result<Submission, CallError>) -> Option<Sign> {
    let why = match submitted {
        Err(CallError::Unsent { message } | CallError::Unknown { message, .. }) => message,
        Err(CallError::Rejected(rejection)) if rejection.reason == Reason::ProviderUnavailable => {
            &rejection.message
        }
        // It is told together with the pause.
        Err(CallError::Rejected(rejection)) if rejection.reason == Reason::ProviderRateLimited => {
            return None;
        }
        Ok(_) | Err(CallError::Rejected(_)) => return Some(Sign::Answered),
    };
    Some(Sign::Unavailable {
        why: why.clone(),
        breaker: inner.parts.settings.breaker,
    })
}

/// Passes on what was learnt about a provider, to all processes.
pub(crate) async fn learn(inner: &Inner, provider: &str, sign: Option<Sign>) {
    let Some(sign) = sign else {
        return;
    };
    let desk = inner.pace.desk(provider);
    if sign == Sign::Answered && desk.is_clear.load(Ordering::Relaxed) {
        return;
    }
    match inner.parts.records.note_sign(provider, &sign).await {
        Ok(gate) => {
            if gate.open_until.is_some() && gate.failures > 0 {
                tracing::warn!(
                    provider,
                    failures = gate.failures,
                    why = gate.why,
                    "the provider does not work: calls stop until one that tries succeeds"
                );
            }
            desk.is_clear
                .store(gate.is_clear(gate.updated_at), Ordering::Relaxed);
        }
        Err(error) => tracing::warn!(provider, %error, "how a provider does could not be noted"),
    }
    lock(&desk.line).wake_head();
}
