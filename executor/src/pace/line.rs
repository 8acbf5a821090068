//! Who waits for a provider in this process. Executions take turns, and the steps of one keep their order: a big
//! execution is held up by a small one for one call, and never holds it up for longer.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use tokio::sync::Notify;

use crate::ids::ExecutionId;

/// A place in the line.
#[derive(Clone, Debug)]
pub(super) struct Place {
    execution: ExecutionId,
    number: u64,
    /// Woken when it is time to look again.
    pub(super) wake: Arc<Notify>,
}

/// The line before one provider.
#[derive(Debug, Default)]
pub(super) struct Line {
    last_number: u64,
    /// Executions with somebody in the line, in the order of their turns.
    rotation: VecDeque<ExecutionId>,
    places: BTreeMap<ExecutionId, VecDeque<Place>>,
}

impl Line {
    /// Joins at the end of what waits of the execution.
    pub(super) fn join(&mut self, execution: ExecutionId) -> Place {
        self.last_number += 1;
        let place = Place {
            execution,
            number: self.last_number,
            wake: Arc::new(Notify::new()),
        };
        let of_execution = self.places.entry(execution).or_default();
        if of_execution.is_empty() {
            self.rotation.push_back(execution);
        }
        of_execution.push_back(place.clone());
        place
    }

    /// Leaves the line. With its turn, the other executions come first; without it, the next of its execution has the
    /// place.
    pub(super) fn leave(&mut self, place: &Place, has_turn: bool) {
        let Some(of_execution) = self.places.get_mut(&place.execution) else {
            return;
        };
        of_execution.retain(|other| other.number != place.number);
        let is_empty = of_execution.is_empty();
        if is_empty {
            self.places.remove(&place.execution);
        }
        if is_empty || has_turn {
            self.rotation.retain(|execution| *execution != place.execution);
        }
        if has_turn && !is_empty {
            self.rotation.push_back(place.execution);
        }
    }

    /// Who is next.
    pub(super) fn head(&self) -> Option<&Place> {
        let execution = self.rotation.front()?;
        self.places.get(execution)?.front()
    }

    /// True for who is next.
    pub(super) fn is_head(&self, place: &Place) -> bool {
        self.head().is_some_and(|head| head.number == place.number)
    }

    /// How many have their turn before, when nobody joins or leaves.
    pub(super) fn ahead_of(&self, place: &Place) -> usize {
        let index_of =
            |places: &VecDeque<Place>| places.iter().position(|other| other.number == place.number);
        let index = self
            .places
            .get(&place.execution)
            .and_then(index_of)
            .unwrap_or_default();
        let mut is_before = true;
        let mut ahead = 0;
        for execution in &self.rotation {
            let waiting = self.places.get(execution).map_or(0, VecDeque::len);
            if *execution == place.execution {
                is_before = false;
                ahead += index;
            } else {
                ahead += waiting.min(index + usize::from(is_before));
            }
        }
        ahead
    }

    /// Wakes who is next.
    pub(super) fn wake_head(&self) {
        if let Some(head) = self.head() {
            head.wake.notify_one();
        }
    }

    /// Wakes everybody.
    pub(super) fn wake_all(&self) {
        for place in self.places.values().flatten() {
            place.wake.notify_one();
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rotation.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn execution(number: u128) -> ExecutionId {
        ExecutionId(uuid::Uuid::from_u128(number))
    }

    /// Serves everybody, and tells how many were ahead of each at first.
    fn serve(line: &mut Line, places: &[(u128, Place)]) -> Vec<(u128, usize)> {
        let ahead: Vec<usize> = places.iter().map(|(_, place)| line.ahead_of(place)).collect();
        let mut served = Vec::new();
        while let Some(head) = line.head().cloned() {
            let index = places
                .iter()
                .position(|(_, place)| place.number == head.number)
                .unwrap();
            assert_eq!(ahead[index], served.len(), "what was told came true");
            served.push((places[index].0, ahead[index]));
            line.leave(&head, true);
        }
        served
    }

    #[test]
    fn executions_take_turns_and_each_keeps_its_order() {
        let mut line = Line::default();
        let places: Vec<(u128, Place)> = [1, 1, 1, 1, 2, 3, 3]
            .map(|number| (number, line.join(execution(number))))
            .to_vec();
        let served = serve(&mut line, &places);
        let order: Vec<u128> = served.into_iter().map(|(number, _)| number).collect();
        assert_eq!(order, [1, 2, 3, 1, 3, 1, 1]);
        assert!(line.is_empty());
    }

    #[test]
    fn who_leaves_without_a_turn_costs_its_execution_nothing() {
        let mut line = Line::default();
        let first = line.join(execution(1));
        let second = line.join(execution(1));
        let other = line.join(execution(2));
        line.leave(&first, false);
        assert!(line.is_head(&second));
        assert_eq!((line.ahead_of(&second), line.ahead_of(&other)), (0, 1));
        line.leave(&second, false);
        line.leave(&second, true);
        assert!(line.is_head(&other));
        line.leave(&other, false);
        assert!(line.head().is_none());
    }
}
