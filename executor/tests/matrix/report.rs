//! What a tester sees when something is wrong.

use std::{collections::BTreeMap, fmt::Write as _};

use crate::{case::Case, play::Played, seams::Moment};

/// Fails when something is wrong, with the matrix of it: a line for each moment, a column for each story and fault in
/// which a case is wrong; and with all that is known about these cases.
pub(crate) fn report(cases: &[Case<'_>], played: &[&Played]) {
    let all: Vec<(&Case<'_>, &Played)> = cases.iter().zip(played.iter().copied()).collect();
    let wrong: Vec<_> = all
        .iter()
        .filter(|(_, played)| !played.violations.is_empty())
        .collect();
    let mut columns: Vec<String> = Vec::new();
    for (case, _) in &wrong {
        place_of(&mut columns, column(case));
    }
    let mut rows: Vec<Option<Moment>> = Vec::new();
    let mut cells = BTreeMap::new();
    for (case, played) in &all {
        let Some(place) = columns.iter().position(|known| *known == column(case)) else {
            continue;
        };
        let row = case.fault.map(|(moment, _)| moment);
        let mark = if played.violations.is_empty() {
            "  ."
        } else {
            "  X"
        };
        cells.insert((place_of(&mut rows, row), place), mark);
    }
    let mut text = format!("{} of {} cases are wrong\n\n", wrong.len(), all.len());
    for (place, column) in columns.iter().enumerate() {
        let _ = writeln!(text, "{place:>3}: {column}");
    }
    let numbers: String = (0..columns.len()).map(|place| format!("{place:>3}")).collect();
    let _ = writeln!(text, "\n{:32}{numbers}", "");
    for (number, row) in rows.iter().enumerate() {
        let cell = |place| cells.get(&(number, place)).copied().unwrap_or("   ");
        let line: String = (0..columns.len()).map(cell).collect();
        let _ = writeln!(text, "{:32}{line}", name(*row));
    }
    for (case, played) in &wrong {
        let moment = name(case.fault.map(|(moment, _)| moment));
        let _ = writeln!(text, "\n{} / {moment}", column(case));
        for violation in &played.violations {
            let _ = writeln!(text, "    {violation}");
        }
    }
    assert!(wrong.is_empty(), "{text}");
}

fn name(moment: Option<Moment>) -> String {
    moment.map_or_else(|| "no fault".to_owned(), |moment| moment.to_string())
}

/// The story and the fault of a case.
fn column(case: &Case<'_>) -> String {
    let mut text = case.scenario.name.to_owned();
    if let Some(prelude) = case.prelude.filter(|_| case.scenario.prelude.is_none()) {
        let _ = write!(text, ", taken over {}", prelude.moment);
    }
    if let Some((_, fault)) = case.fault {
        let _ = write!(text, " / {fault:?}");
    }
    text
}

/// Where an item stands in a list that it is added to when it is new.
fn place_of<T: PartialEq>(list: &mut Vec<T>, item: T) -> usize {
    list.iter().position(|known| *known == item).unwrap_or_else(|| {
        list.push(item);
        list.len() - 1
    })
}
