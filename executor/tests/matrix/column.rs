//! A column of the matrix: every moment of every story with one kind of fault, at one class of provider.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    sync::{
        Mutex, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use limn_proto::plan::UnknownPolicy;

use crate::{
    database::Dialect,
    play::{Case, Fault, Played, play},
    scenario::{Focus, SCENARIOS, Scenario},
    seams::{Edge, Moment, Side},
    studio::Promise,
};

/// How much is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// The first time that each edge is come to, where it may make a difference.
    Short,
    /// Every moment of every story.
    Long,
}

impl Form {
    /// True when a story gets this fault at all.
    fn takes(self, story: &Case<'_>, fault: Fault) -> bool {
        if self == Self::Long {
            return true;
        }
        let focus = story.scenario.focus;
        let is_plain = story.scenario.outline.on_unknown == UnknownPolicy::Hold;
        match fault {
            _ if focus == Focus::LongOnly => false,
            // The engine is the same on every database; what differs is how the verbs of two processes meet.
            Fault::ErrorOnce | Fault::DatabaseAway | Fault::StoreAway
                if story.dialect == Dialect::Postgres =>
            {
                false
            }
            _ if story.dialect == Dialect::Postgres && !is_plain => false,
            Fault::ShortFreeze => matches!(focus, Focus::Every | Focus::Recovery),
            Fault::LongFreeze if story.dialect == Dialect::Postgres => focus == Focus::New,
            Fault::DatabaseAway | Fault::StoreAway => focus == Focus::Every,
            Fault::Crash | Fault::LongFreeze | Fault::ErrorOnce => true,
        }
    }

    fn chosen() -> Self {
        #[expect(clippy::disallowed_methods, reason = "a tester chooses here")]
        match std::env::var("LIMN_MATRIX").as_deref() {
            Ok("long") => Self::Long,
            Ok("short") | Err(_) => Self::Short,
            Ok(other) => panic!("LIMN_MATRIX is {other:?}; it must be short or long"),
        }
    }
}

/// Faults of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Column {
    Crash,
    LeaseLoss,
    DatabaseError,
    StoreError,
    NetworkError,
}

impl Column {
    fn faults(self) -> &'static [Fault] {
        match self {
            Self::Crash => &[Fault::Crash],
            Self::LeaseLoss => &[Fault::ShortFreeze, Fault::LongFreeze],
            Self::DatabaseError => &[Fault::ErrorOnce, Fault::DatabaseAway],
            Self::StoreError => &[Fault::ErrorOnce, Fault::StoreAway],
            Self::NetworkError => &[Fault::ErrorOnce],
        }
    }

    /// True when such a fault can happen there.
    fn fits(self, edge: Edge, fault: Fault) -> bool {
        let seam = Seam::of(edge.call);
        match self {
            // Frozen after the end of its work, a process is as good as idle.
            Self::Crash | Self::LeaseLoss => true,
            Self::DatabaseError if fault == Fault::DatabaseAway => edge.side == Side::Before,
            Self::DatabaseError => seam == Seam::Records,
            Self::StoreError => seam == Seam::Blobs,
            Self::NetworkError => {
                seam == Seam::Provider && edge.side == Side::Before || edge.call == "submit"
            }
        }
    }
}

/// Which way out of the process a call takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seam {
    Records,
    Blobs,
    Provider,
}

impl Seam {
    /// The seam of a call, by its name.
    pub(crate) fn of(call: &str) -> Self {
        match call {
            "stage" | "stage_partial" | "put_image" | "put_thumbnail" | "read_staged" | "read_stored"
            | "unstage" | "size" => Self::Blobs,
            "submit" | "sending" | "working" | "receiving" | "poll" | "polling" | "lookup" | "looking_up"
            | "cancel" => Self::Provider,
            _ => Self::Records,
        }
    }
}

/// Calls with which a process goes on from what an earlier one left.
const RECONCILING: &[&str] = &[
    "read_staged",
    "lookup",
    "looking_up",
    "submit",
    "working",
    "accepted",
    "poll",
    "stage",
    "received",
    "abandon",
    "unknown",
];

/// Calls that every process makes again and again, whatever it is at work on.
const ROUTINE: &[&str] = &["renew", "standing", "stranded"];

/// Plays a column and panics when something is wrong, with the matrix of it.
pub(crate) fn check(dialect: Dialect, column: Column, promise: Promise) {
    if !dialect.is_available() {
        eprintln!("SKIPPED: LIMN_TEST_POSTGRES_URL is not set; tests/run starts a server");
        return;
    }
    let form = Form::chosen();
    let mut cases = Vec::new();
    let mut known: &[Moment] = &[];
    for (scenario, survey) in SCENARIOS.iter().zip(surveys(promise)) {
        let Some(survey) = survey else {
            continue;
        };
        if known.is_empty() {
            known = &survey.trace;
        }
        let story = Case {
            dialect,
            promise,
            scenario,
            fault: None,
        };
        let moments = chosen_moments(scenario, &survey.trace, known, form);
        let faults = column.faults().iter().filter(|fault| form.takes(&story, **fault));
        for fault in faults {
            let mut moments = moments.clone();
            if form == Form::Short {
                leave_out_twins(&mut moments, &survey.trace, *fault);
            }
            cases.extend(cases_at(&story, column, &moments, *fault));
        }
    }
    let played = play_all(&cases);
    report(&cases, &played.iter().collect::<Vec<_>>());
}

/// Plays every story of a class without a fault, and panics when one does not end as it should.
pub(crate) fn check_stories(promise: Promise) {
    let told = SCENARIOS.iter().zip(surveys(promise));
    let (cases, played): (Vec<_>, Vec<_>) = told
        .filter_map(|(scenario, survey)| Some((story_of(promise, scenario), survey.as_ref()?)))
        .unzip();
    report(&cases, &played);
}

fn story_of(promise: Promise, scenario: &Scenario) -> Case<'_> {
    Case {
        dialect: Dialect::Sqlite,
        promise,
        scenario,
        fault: None,
    }
}

/// Every story that fits the class, played without a fault: the moments are the same in every column.
fn surveys(promise: Promise) -> &'static [Option<Played>] {
    static PLAYED: [OnceLock<Vec<Option<Played>>>; 5] = [const { OnceLock::new() }; 5];
    let place = match promise {
        Promise::Key => 0,
        Promise::ChosenId => 1,
        Promise::GivenId => 2,
        Promise::GivenIdOnly => 3,
        Promise::Nothing => 4,
    };
    PLAYED[place].get_or_init(|| {
        let survey = |scenario: &Scenario| scenario.fits(promise).then(|| play(&story_of(promise, scenario)));
        SCENARIOS.iter().map(survey).collect()
    })
}

fn chosen_moments(scenario: &Scenario, trace: &[Moment], known: &[Moment], form: Form) -> Vec<Moment> {
    let is_known = |edge: Edge| known.iter().any(|moment| moment.edge == edge);
    let is_call = call_span(trace);
    let chosen = trace.iter().enumerate().filter(|(place, moment)| {
        let Moment { edge, nth } = **moment;
        if ROUTINE.contains(&edge.call) || edge.call == "claim" && nth > 1 {
            return false;
        }
        match (form, scenario.focus) {
            (Form::Long, _) => true,
            (Form::Short, Focus::Every) => nth == 1,
            (Form::Short, Focus::New) => nth == 1 && !is_known(edge),
            (Form::Short, Focus::Call) => nth == 1 && is_call.contains(place),
            (Form::Short, Focus::Recovery) => nth == 1 && RECONCILING.contains(&edge.call),
            (Form::Short, Focus::Between) => nth == 2 && matches!(edge.call, "start_step" | "acquire_unit"),
            (Form::Short, Focus::LongOnly) => false,
        }
    });
    chosen.map(|(_, moment)| *moment).collect()
}

/// Leaves out moments that are the same as others to a fault. Between the far side of a call and the near side of the
/// next one a process does nothing that anybody could see, so it may crash at either; and what another one took over
/// is refused to it at the near side of its next call, wherever it stood still for a while.
fn leave_out_twins(moments: &mut Vec<Moment>, trace: &[Moment], fault: Fault) {
    if !matches!(fault, Fault::Crash | Fault::ShortFreeze) {
        return;
    }
    let chosen = moments.clone();
    moments.retain(|moment| {
        let place = trace.iter().position(|known| known == moment);
        let next = place.and_then(|place| trace.get(place + 1));
        let has_twin = next.is_some_and(|next| next.edge.side == Side::Before && chosen.contains(next));
        moment.edge.side == Side::Before || !has_twin
    });
}

/// From the permission to send to the record of the answer.
fn call_span(trace: &[Moment]) -> std::ops::RangeInclusive<usize> {
    let place = |side: Side, call: &str| {
        let is_there = |moment: &Moment| moment.edge.side == side && moment.edge.call == call;
        trace.iter().position(is_there).unwrap_or(trace.len())
    };
    place(Side::After, "dispatch")..=place(Side::Before, "received")
}

fn cases_at<'s>(story: &Case<'s>, column: Column, moments: &[Moment], fault: Fault) -> Vec<Case<'s>> {
    let fitting = moments.iter().filter(|moment| column.fits(moment.edge, fault));
    let case = |moment: &Moment| Case {
        fault: Some((*moment, fault)),
        ..*story
    };
    fitting.map(case).collect()
}

/// Plays cases side by side.
fn play_all(cases: &[Case<'_>]) -> Vec<Played> {
    let next = AtomicUsize::new(0);
    let played: Vec<Mutex<Played>> = cases.iter().map(|_| Mutex::default()).collect();
    let workers = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(case) = cases.get(number) else {
                        return;
                    };
                    *played[number].lock().unwrap() = play(case);
                }
            });
        }
    });
    played
        .into_iter()
        .map(|played| played.into_inner().unwrap())
        .collect()
}

/// Prints the matrix when something is wrong: a line for each moment, a column for each story and fault.
fn report(cases: &[Case<'_>], played: &[&Played]) {
    let wrong = played
        .iter()
        .filter(|played| !played.violations.is_empty())
        .count();
    if wrong == 0 {
        return;
    }
    let mut columns: Vec<(&str, Option<Fault>)> = Vec::new();
    let mut rows: Vec<Option<Moment>> = Vec::new();
    let mut cells = BTreeMap::new();
    for (case, played) in cases.iter().zip(played) {
        let row = case.fault.map(|(moment, _)| moment);
        let column = (case.scenario.name, case.fault.map(|(_, fault)| fault));
        let place = place_of(&mut columns, column);
        place_of(&mut rows, row);
        cells.insert((row, place), played.violations.is_empty());
    }
    let name = |row: &Option<Moment>| row.map_or("no fault".to_owned(), |moment| moment.to_string());
    let mut text = format!("{wrong} of {} cases are wrong\n\n", cases.len());
    for (place, (story, fault)) in columns.iter().enumerate() {
        let _ = writeln!(text, "  {place:>2}: {story}, {fault:?}");
    }
    let numbers: String = (0..columns.len()).map(|place| format!("{place:>3}")).collect();
    let _ = writeln!(text, "\n{:32}{numbers}", "");
    for row in rows {
        let line: String = (0..columns.len())
            .map(|place| match cells.get(&(row, place)) {
                None => "   ",
                Some(true) => "  .",
                Some(false) => "  X",
            })
            .collect();
        let _ = writeln!(text, "{:32}{line}", name(&row));
    }
    for (case, played) in cases.iter().zip(played) {
        if !played.violations.is_empty() {
            let moment = name(&case.fault.map(|(moment, _)| moment));
            let fault = case.fault.map(|(_, fault)| fault);
            let _ = writeln!(text, "\n  {} / {moment} / {fault:?}", case.scenario.name);
            for violation in &played.violations {
                let _ = writeln!(text, "    {violation}");
            }
        }
    }
    panic!("{text}");
}

/// Where an item stands in a list that it is added to when it is new.
fn place_of<T: PartialEq>(list: &mut Vec<T>, item: T) -> usize {
    list.iter().position(|known| *known == item).unwrap_or_else(|| {
        list.push(item);
        list.len() - 1
    })
}
