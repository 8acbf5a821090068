//! The history of an execution: what each change of the records tells.
//!
//! Events are built from the records as they are *after* the change and are stored in the same transaction, so
//! a history can neither run ahead of the records nor fall behind.

use limn_proto::v1::{self, execution_event::Event};
use prost::Message as _;

use crate::{
    clock::UnixMicros,
    failure::Failure,
    records::{AttemptRecord, CostRecord, ExecutionState, StepRecord},
    snapshot,
};

/// The execution changed its state; `failure` says why it failed, was cancelled or is parked.
pub fn state_changed(state: ExecutionState, failure: Option<&Failure>) -> Event {
    Event::StateChanged(v1::ExecutionStateChange {
        state: snapshot::execution_state(state).into(),
        failure: failure.map(snapshot::failure),
    })
}

/// A step changed. Its attempts are left out: they have events of their own.
pub fn step_changed(step: &StepRecord, client: &str) -> Event {
    let status = snapshot::step_status(step, client, "");
    Event::StepChanged(v1::StepStatus {
        attempts: Vec::new(),
        ..status
    })
}

/// An attempt changed.
pub fn attempt_changed(step_id: &str, attempt: &AttemptRecord, currency: &str) -> Event {
    Event::AttemptChanged(v1::AttemptChange {
        step_id: step_id.to_owned(),
        attempt: Some(snapshot::attempt(attempt, currency)),
    })
}

/// The money of the execution changed: its amounts now, with the lines that are new. All lines of a long execution
/// in each of its events would be more than everything else that is told of it.
pub fn cost_changed(cost: &CostRecord) -> Event {
    Event::CostChanged(snapshot::cost(cost))
}

/// The bytes to store: a `limn.v1.ExecutionEvent` with its place and time.
pub fn encode(sequence: u64, at: UnixMicros, event: Event) -> Vec<u8> {
    let event = v1::ExecutionEvent {
        sequence,
        event_time: Some(snapshot::timestamp(at)),
        event: Some(event),
    };
    event.encode_to_vec()
}
