//! What the provider counts is what the records say: nothing is paid twice, nothing is sent behind their back.

use std::collections::{BTreeMap, BTreeSet};

use super::facts::{Attempt, Facts, UnitKey};
use crate::{stage::Stage, weather::Mood};

/// A call as it came to the provider.
struct Call {
    number: usize,
    mood: Mood,
    prompt: String,
}

pub(super) fn check(stage: &Stage, facts: &Facts) {
    check_units(stage, facts);
    let requests = stage.provider.requests();
    let calls: Vec<Call> = (1..)
        .zip(requests.iter().filter(|request| request.is_call))
        .map(|(number, request)| Call {
            number,
            mood: stage.moods.of_call(number).unwrap(),
            prompt: request.fields["prompt"].as_str().unwrap_or_default().to_owned(),
        })
        .collect();
    let named = check_names(stage, facts, &calls);
    check_prompts(stage, facts, &calls, &named);

    let charged = calls.iter().filter(|call| call.mood.is_charged()).count();
    let count = |state: &str| {
        let of_state = facts.attempts.iter().filter(|attempt| attempt.state == state);
        of_state.count()
    };
    let (committed, unknown) = (count("committed"), count("unknown"));
    // An unknown call may have been refused, or may never have arrived.
    if charged < committed || charged > committed + unknown {
        stage.find(format!(
            "the provider charges {charged} calls; committed are {committed}, unknown {unknown}"
        ));
    }
    if stage.provider.charged() != u64::try_from(charged).unwrap() {
        stage.find("the provider's own count is another one");
    }
    println!("calls {}, charged {charged}", calls.len());
}

/// Nobody wrote anything off, so each unit has at most one call that may be billed.
fn check_units(stage: &Stage, facts: &Facts) {
    let mut billed: BTreeMap<&UnitKey, Vec<&Attempt>> = BTreeMap::new();
    for attempt in facts.attempts.iter().filter(|attempt| may_be_billed(attempt)) {
        billed.entry(&attempt.unit).or_default().push(attempt);
    }
    for (unit, attempts) in billed.iter().filter(|(_, attempts)| attempts.len() > 1) {
        stage.find(format!("{unit:?} may be billed more than once: {attempts:?}"));
    }
}

fn may_be_billed(attempt: &Attempt) -> bool {
    match attempt.state.as_str() {
        "abandoned" => false,
        "rejected" => attempt.balance.held_nanos > 0,
        _ => true,
    }
}

/// Each attempt that knows the provider's name of its call is the only one with that call, for that picture, and says
/// what the provider said. Returns the calls that have an attempt.
fn check_names(stage: &Stage, facts: &Facts, calls: &[Call]) -> BTreeSet<usize> {
    let mut named = BTreeSet::new();
    for attempt in facts
        .attempts
        .iter()
        .filter(|attempt| !attempt.request_id.is_empty())
    {
        let number = attempt.request_id.strip_prefix("req_fake_");
        let number: usize = number.and_then(|number| number.parse().ok()).unwrap_or_default();
        let call = calls.iter().find(|call| call.number == number);
        let follows = call.is_some_and(|call| {
            let state_follows = match call.mood {
                Mood::Image => attempt.state == "committed",
                Mood::RateLimited | Mood::ServerError | Mood::BadRequest => attempt.state == "rejected",
                Mood::Truncated | Mood::GatewayPage => attempt.state == "unknown",
                Mood::Disconnect => false,
            };
            state_follows && facts.prompts.get(&attempt.unit.render_digest) == Some(&call.prompt)
        });
        if !follows {
            let mood = call.map(|call| call.mood);
            stage.find(format!(
                "{attempt:?} stands for call {number}, which was {mood:?}"
            ));
        }
        if !named.insert(number) {
            stage.find(format!(
                "call {number} stands for two attempts, one is {attempt:?}"
            ));
        }
    }
    named
}

/// For each picture: the calls without an attempt that names them are no more than the attempts that were let go and
/// whose call nobody could name, and no fewer than those of them that have a picture.
fn check_prompts(stage: &Stage, facts: &Facts, calls: &[Call], named: &BTreeSet<usize>) {
    let mut unnamed_calls: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for call in calls.iter().filter(|call| !named.contains(&call.number)) {
        unnamed_calls.entry(&call.prompt).or_default().push(call.number);
    }
    let mut nameless: BTreeMap<&str, Vec<&Attempt>> = BTreeMap::new();
    let let_go = |attempt: &&Attempt| attempt.was_dispatched && attempt.state != "abandoned";
    for attempt in facts.attempts.iter().filter(let_go) {
        if attempt.request_id.is_empty()
            && let Some(prompt) = facts.prompts.get(&attempt.unit.render_digest)
        {
            nameless.entry(prompt).or_default().push(attempt);
        }
    }
    let prompts: BTreeSet<&str> = unnamed_calls.keys().chain(nameless.keys()).copied().collect();
    for prompt in prompts {
        let calls = unnamed_calls.remove(prompt).unwrap_or_default();
        let attempts = nameless.remove(prompt).unwrap_or_default();
        let pictures = attempts.iter().filter(|attempt| attempt.state == "committed");
        if calls.len() > attempts.len() || calls.len() < pictures.count() {
            stage.find(format!(
                "{prompt:?}: calls {calls:?} belong to no attempt that names them, and {attempts:?} name none"
            ));
        }
    }
}
