//! A column of the matrix: every moment of every story with one kind of fault, at one class of provider.

use std::{
    sync::{
        Mutex, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use crate::{
    case::{Case, Fault},
    database::Dialect,
    edges::{self, Seam},
    form::Form,
    play::{Played, play},
    report::report,
    scenario::{Prelude, SCENARIOS, Scenario},
    seams::{Edge, Side},
    studio::Promise,
};

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

/// Plays a column and fails when something is wrong, with the matrix of it.
pub(crate) fn check(dialect: Dialect, column: Column, promise: Promise) {
    let form = Form::chosen();
    let cases = cases(dialect, column, promise, form);
    if !dialect.is_available() || cases.is_empty() {
        let why = if dialect.is_available() {
            "only LIMN_MATRIX=long plays these"
        } else {
            "LIMN_TEST_POSTGRES_URL is not set; tests/run starts a server"
        };
        eprintln!("SKIPPED: {why}");
        return;
    }
    println!("{} cases", cases.len());
    let played = play_all(&cases);
    report(&cases, &played.iter().collect::<Vec<_>>());
}

fn cases(dialect: Dialect, column: Column, promise: Promise, form: Form) -> Vec<Case<'static>> {
    let mut stories: Vec<(Case<'_>, &Played)> = SCENARIOS
        .iter()
        .zip(surveys(promise))
        .filter_map(|(scenario, survey)| Some((story(promise, scenario), survey.as_ref()?)))
        .collect();
    let known = stories.first().map_or(&[][..], |(_, plainest)| &plainest.trace);
    if form == Form::Long {
        stories.extend(second_faults(promise));
    }
    let mut cases = Vec::new();
    for (story, survey) in stories {
        let story = Case { dialect, ..story };
        for fault in column.faults().iter().filter(|fault| form.takes(&story, **fault)) {
            let moments = form.moments(&story, &survey.trace, known, *fault);
            let fitting = moments
                .into_iter()
                .filter(|moment| column.fits(moment.edge, *fault));
            cases.extend(fitting.map(|moment| Case {
                fault: Some((moment, *fault)),
                ..story
            }));
        }
    }
    cases
}

/// Plays every story of a class without a fault, and fails when one does not end as it should, or when together they
/// do not come to every edge that there is.
pub(crate) fn check_stories(promise: Promise) {
    let told = SCENARIOS.iter().zip(surveys(promise));
    let (cases, played): (Vec<_>, Vec<_>) = told
        .filter_map(|(scenario, survey)| Some((story(promise, scenario), survey.as_ref()?)))
        .unzip();
    report(&cases, &played);
    let missing = edges::missing(promise, played.iter().map(|played| played.trace.as_slice()));
    assert!(missing.is_empty(), "no story comes to {missing:?}");
}

fn story(promise: Promise, scenario: &Scenario) -> Case<'_> {
    Case {
        dialect: Dialect::Sqlite,
        promise,
        scenario,
        prelude: scenario.prelude,
        fault: None,
    }
}

/// Every story that fits the class, played without a fault: the moments are the same in every column and on every
/// database.
fn surveys(promise: Promise) -> &'static [Option<Played>] {
    static PLAYED: [OnceLock<Vec<Option<Played>>>; 5] = [const { OnceLock::new() }; 5];
    PLAYED[promise as usize].get_or_init(|| {
        let stories: Vec<Case<'_>> = SCENARIOS
            .iter()
            .map(|scenario| story(promise, scenario))
            .collect();
        let told = stories.iter().filter(|story| story.scenario.fits(promise));
        let mut played = play_all(&told.copied().collect::<Vec<_>>()).into_iter();
        stories
            .iter()
            .map(|story| story.scenario.fits(promise).then(|| played.next()).flatten())
            .collect()
    })
}

/// The plainest story, taken over after a crash at each of its moments.
fn second_faults(promise: Promise) -> Vec<(Case<'static>, &'static Played)> {
    static PLAYED: [OnceLock<Vec<(Case<'static>, Played)>>; 5] = [const { OnceLock::new() }; 5];
    let Some((scenario, Some(survey))) = SCENARIOS.iter().zip(surveys(promise)).next() else {
        return Vec::new();
    };
    let told = PLAYED[promise as usize].get_or_init(|| {
        let plain = story(promise, scenario);
        let moments = Form::Short.moments(&plain, &survey.trace, &[], Fault::Crash);
        let stories: Vec<Case<'_>> = moments
            .into_iter()
            .map(|moment| Case {
                prelude: Some(Prelude {
                    moment,
                    came_back: false,
                }),
                ..plain
            })
            .collect();
        let played = play_all(&stories);
        stories.into_iter().zip(played).collect()
    });
    told.iter().map(|(story, played)| (*story, played)).collect()
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
