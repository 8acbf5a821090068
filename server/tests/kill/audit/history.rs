//! Histories have no gap, and watchers saw them as they are.

use limn_proto::{
    name::{Collection, parse_resource_name},
    v1::{ExecutionEvent, execution_event::Event},
};

use super::facts::{Execution, Facts};
use crate::{stage::Stage, watching::Sight};

pub(super) fn check(stage: &Stage, facts: &Facts, sights: &[Sight]) {
    for (id, execution) in &facts.executions {
        let history = facts.events.get(id).map(Vec::as_slice).unwrap_or_default();
        if let Err(why) = check_history(execution, history) {
            stage.find(format!("the history of execution {id}: {why}"));
        }
    }
    for sight in sights {
        if let Err(why) = check_sight(facts, sight) {
            stage.find(format!(
                "a watcher of {} after {}: {why}",
                sight.execution, sight.after
            ));
        }
    }
    let seen: usize = sights.iter().map(|sight| sight.events.len()).sum();
    println!("watchers {}, events seen {seen}", sights.len());
}

fn check_history(execution: &Execution, history: &[(i64, ExecutionEvent)]) -> Result<(), String> {
    for (expected, (seq, event)) in (1_i64..).zip(history) {
        if *seq != expected || i64::try_from(event.sequence) != Ok(expected) {
            return Err(format!("{expected} is kept as {seq} and says {}", event.sequence));
        }
    }
    if i64::try_from(history.len()) != Ok(execution.last_seq) {
        let count = history.len();
        return Err(format!("{count} events, but the last is {}", execution.last_seq));
    }
    let told = history.iter().rev().find_map(|(_, event)| match &event.event {
        Some(Event::StateChanged(change)) => Some(change.state().as_str_name().to_lowercase()),
        _ => None,
    });
    let told = told.unwrap_or_default();
    if !told.ends_with(&execution.state) {
        return Err(format!(
            "it tells of {told:?} last, and the state is {}",
            execution.state
        ));
    }
    Ok(())
}

/// Whoever watched saw every event after the first one, each as it is kept, over however many connections.
fn check_sight(facts: &Facts, sight: &Sight) -> Result<(), String> {
    let (_, id) = parse_resource_name(&sight.execution, Collection::Executions).ok_or("no name")?;
    let history = facts.events.get(id).ok_or("no history")?;
    let after = usize::try_from(sight.after).unwrap();
    let kept = history.iter().skip(after).map(|(_, event)| event);
    for (seen, kept) in sight.events.iter().zip(kept) {
        if seen != kept {
            return Err(format!("it was sent {seen:?}, and kept is {kept:?}"));
        }
    }
    let seen_up_to = after + sight.events.len();
    if seen_up_to > history.len() {
        return Err(format!(
            "it was sent {seen_up_to} events, kept are {}",
            history.len()
        ));
    }
    if let Some(last) = &sight.last
        && usize::try_from(last.last_sequence) != Ok(seen_up_to)
    {
        return Err(format!(
            "it saw {seen_up_to} events before a last snapshot of {}",
            last.last_sequence
        ));
    }
    Ok(())
}
