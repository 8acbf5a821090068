//! What must be true when everything has come to rest, whatever happened before.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use limn_executor::{
    blob::BlobKey,
    records::{
        AttemptRecord, AttemptState, Balance, BudgetKey, ExecutionRecord, ExecutionState, ImageFilter, Page,
        StepState,
    },
    snapshot,
};
use limn_proto::v1::{self, execution_event::Event};
use prost::Message as _;

use crate::{
    case::{Case, Facts, Fault},
    expect,
    plan::{CEILING_NANOS, CLIENT, CURRENCY, PRICE_NANOS},
    scenario::End,
    seams::Moment,
    studio::Job,
    world::{World, harness},
};

/// Where an execution rests; nothing when it does not.
pub(crate) fn end(state: ExecutionState) -> Option<End> {
    match state {
        ExecutionState::Completed => Some(End::Completed),
        ExecutionState::Failed => Some(End::Failed),
        ExecutionState::Cancelled => Some(End::Cancelled),
        ExecutionState::NeedsDecision => Some(End::Parked),
        ExecutionState::Pending | ExecutionState::Processing | ExecutionState::Cancelling => None,
    }
}

/// Adds what is wrong.
pub(crate) fn everything(
    world: &World,
    executions: &[ExecutionRecord],
    case: &Case<'_>,
    violations: &mut Vec<String>,
) {
    let mut audit = Audit {
        world,
        executions,
        violations,
    };
    audit.as_many_as_ordered(case);
    audit.bill(case);
    audit.nothing_is_lost(case);
    audit.money();
    audit.events();
    audit.steps_and_images();
}

struct Audit<'a> {
    world: &'a World,
    executions: &'a [ExecutionRecord],
    violations: &'a mut Vec<String>,
}

impl Audit<'_> {
    fn fail(&mut self, violation: String) {
        self.violations.push(violation);
    }

    fn attempts(&self) -> Vec<&AttemptRecord> {
        let steps = self.executions.iter().flat_map(|execution| &execution.steps);
        steps.flat_map(|step| &step.attempts).collect()
    }

    fn jobs(&self) -> Vec<Job> {
        self.world
            .studios
            .iter()
            .flat_map(|studio| studio.jobs())
            .collect()
    }

    /// However often an order was given, it is one.
    fn as_many_as_ordered(&mut self, case: &Case<'_>) {
        let (executions, orders) = (self.executions.len(), case.scenario.orders);
        if u32::try_from(executions) != Ok(orders) {
            self.fail(format!("{executions} executions for {orders} orders"));
        }
    }

    /// No picture is paid more often than the plan allows.
    fn bill(&mut self, case: &Case<'_>) {
        let mut bill: BTreeMap<String, u32> = BTreeMap::new();
        for studio in &self.world.studios {
            for (prompt, times) in studio.bill() {
                *bill.entry(prompt).or_default() += times;
            }
        }
        let most = expect::most_on_bill(case);
        for (prompt, times) in bill {
            if times > most {
                self.fail(format!(
                    "{prompt} is on the bill {times} times, and may be {most} times"
                ));
            }
        }
    }

    /// Every call that was billed is written down as one that was or may have been, and a whole answer that was
    /// staged is made use of.
    fn nothing_is_lost(&mut self, case: &Case<'_>) {
        let receipts: BTreeMap<String, i64> = harness()
            .block_on(self.world.database.tables.receipts())
            .into_iter()
            .collect();
        let attempts: BTreeMap<_, _> = self
            .attempts()
            .into_iter()
            .map(|attempt| (attempt.id, attempt.clone()))
            .collect();
        for job in self.jobs().iter().filter(|job| job.billed > 0) {
            let Some(attempt) = attempts.get(&job.attempt) else {
                self.fail(format!("a billed call has no attempt: {}", job.attempt));
                continue;
            };
            let is_accounted_for = matches!(
                attempt.state,
                AttemptState::Committed
                    | AttemptState::FailedPaid
                    | AttemptState::Unknown
                    | AttemptState::WrittenOff
            ) || attempt.held_nanos > 0;
            if !is_accounted_for {
                self.fail(format!("a billed call is {}", attempt.state.as_str()));
            }
            let is_used = matches!(attempt.state, AttemptState::Committed | AttemptState::FailedPaid);
            let is_evident = receipts.contains_key(&attempt.id.to_string());
            if job.delivered && case.loses_no_memory() && !is_used && !is_evident {
                let state = attempt.state.as_str();
                self.fail(format!(
                    "an answer that came left nothing: the attempt is {state}"
                ));
            }
        }
        for attempt in attempts.values() {
            let key = BlobKey::staged(attempt.id);
            let staged = harness()
                .block_on(self.world.blobs.size_bytes(&key))
                .unwrap()
                .is_some();
            if staged && attempt.state == AttemptState::Unknown {
                self.fail(format!("{} is unknown, and its answer is staged", attempt.id));
            }
            if attempt.state == AttemptState::FailedPaid && !staged {
                self.fail(format!("{} was paid in vain, and its answer is gone", attempt.id));
            }
            let rests = !attempt.state.is_open() || attempt.state == AttemptState::Unknown;
            if !rests {
                self.fail(format!("{} is still {}", attempt.id, attempt.state.as_str()));
            }
        }
    }

    /// The ledger, the balances and the attempts say the same, and it covers what the providers bill.
    fn money(&mut self) {
        let (balances, sums) = harness().block_on(async {
            let balances = self.world.database.records.balances().await.unwrap();
            (balances, self.world.database.records.ledger_sums().await.unwrap())
        });
        if balances != sums {
            self.fail(format!("balances {balances:?} differ from the ledger {sums:?}"));
        }
        let verification = harness().block_on(self.world.database.records.verify(None));
        for difference in verification.unwrap().differences {
            self.fail(difference.detail);
        }
        let key = BudgetKey {
            scope: format!("clients/{CLIENT}/budgets/client"),
            currency: CURRENCY.to_owned(),
        };
        let balance = balances.get(&key).copied().unwrap_or_default();
        let attempts = self.attempts();
        let held =
            |attempt: &&AttemptRecord| attempt.state == AttemptState::Unknown || attempt.held_nanos > 0;
        let expected = Balance {
            spent_nanos: attempts.iter().filter_map(|attempt| attempt.cost_nanos).sum(),
            reserved_nanos: 0,
            unknown_held_nanos: CEILING_NANOS * count(attempts.iter().copied().filter(held)),
        };
        if balance != expected {
            self.fail(format!(
                "the balance is {balance:?}, and follows from the attempts as {expected:?}"
            ));
        }
        let mut of_executions = Balance::default();
        for execution in self.executions {
            of_executions.spent_nanos += execution.cost.settled_nanos;
            of_executions.reserved_nanos += execution.cost.reserved_nanos;
            of_executions.unknown_held_nanos += execution.cost.unknown_held_nanos;
        }
        if balance != of_executions {
            self.fail(format!(
                "the balance is {balance:?}, and that of the executions {of_executions:?}"
            ));
        }
        let billed_nanos = PRICE_NANOS * self.jobs().iter().map(|job| i64::from(job.billed)).sum::<i64>();
        let covered_nanos = balance.spent_nanos + balance.unknown_held_nanos;
        if billed_nanos > covered_nanos {
            self.fail(format!(
                "{billed_nanos} are billed, and only {covered_nanos} are settled or held"
            ));
        }
    }

    /// Events have no gap, are about their execution, and the last state that they tell is the state.
    fn events(&mut self) {
        for execution in self.executions {
            let events =
                harness().block_on(self.world.database.records.events_after(execution.id, 0, 10_000));
            let events = events.unwrap();
            let sequences: Vec<u64> = events.iter().map(|event| event.sequence).collect();
            if sequences != (1..=execution.last_sequence).collect::<Vec<_>>() {
                let last = execution.last_sequence;
                self.fail(format!("events {sequences:?}, and the last is {last}"));
            }
            let mut state = None;
            let mut after_end = 0;
            for event in &events {
                let decoded = v1::ExecutionEvent::decode(event.payload.as_slice()).unwrap();
                if decoded.sequence != event.sequence {
                    self.fail(format!(
                        "event {} says that it is {}",
                        event.sequence, decoded.sequence
                    ));
                }
                if is_terminal(state) {
                    after_end += 1;
                }
                if let Some(Event::StateChanged(change)) = decoded.event {
                    state = Some(change.state());
                }
            }
            if state != Some(snapshot::execution_state(execution.state)) {
                self.fail(format!(
                    "events tell {state:?}, and the state is {:?}",
                    execution.state
                ));
            }
            if after_end > 0 {
                self.fail(format!("{after_end} events after the end"));
            }
        }
    }

    /// Completed steps have an image, images have their bytes, and no bytes are without an image.
    fn steps_and_images(&mut self) {
        let page = Page {
            limit: 100,
            after: None,
        };
        let images = harness().block_on(self.world.database.records.images(
            CLIENT,
            &ImageFilter::default(),
            &page,
        ));
        let images = images.unwrap();
        for execution in self.executions {
            for step in &execution.steps {
                let is_completed = step.state == StepState::Completed;
                let image = images.iter().find(|image| Some(image.id) == step.image);
                if is_completed != image.is_some_and(|image| image.reused == step.reused) {
                    self.fail(format!(
                        "step {} is {:?} with {image:?}",
                        step.step_id, step.state
                    ));
                }
            }
        }
        let mut recorded = BTreeSet::new();
        for image in images {
            let committed = |attempt: &&AttemptRecord| attempt.state == AttemptState::Committed;
            let drawn_by = self
                .attempts()
                .into_iter()
                .find(|attempt| attempt.id == image.attempt);
            if drawn_by.filter(committed).is_none() || image.thumbnails.len() != 1 {
                self.fail(format!("image {} is by {:?}", image.id, drawn_by.cloned()));
            }
            recorded.insert((image.storage_key, image.size_bytes));
            recorded.extend(
                image
                    .thumbnails
                    .into_iter()
                    .map(|copy| (copy.storage_key, copy.size_bytes)),
            );
        }
        let stored = harness().block_on(async {
            let mut stored = BTreeSet::new();
            for key in self.world.blobs.list("clients/").await.unwrap() {
                let size_bytes = self.world.blobs.size_bytes(&key).await.unwrap().unwrap();
                stored.insert((key.to_string(), i64::try_from(size_bytes).unwrap()));
            }
            stored
        });
        if recorded != stored {
            self.fail(format!("recorded {recorded:?}, and stored {stored:?}"));
        }
    }
}

fn count<T>(items: impl Iterator<Item = T>) -> i64 {
    i64::try_from(items.count()).unwrap()
}

fn is_terminal(state: Option<v1::ExecutionState>) -> bool {
    matches!(
        state,
        Some(v1::ExecutionState::Completed | v1::ExecutionState::Failed | v1::ExecutionState::Cancelled)
    )
}

/// How it is, for somebody who must find out why.
pub(crate) fn describe(
    executions: &[ExecutionRecord],
    world: &World,
    faults: &[(Fault, Moment, Facts)],
) -> String {
    let mut text = String::from("this is how it is:");
    for (fault, moment, facts) in faults {
        let _ = write!(text, "\n      {fault:?} {moment}: {facts:?}");
    }
    for execution in executions {
        let _ = write!(text, "\n      execution {}: {:?}", execution.id, execution.state);
        for step in &execution.steps {
            let failure = step.failure.as_ref().map(|failure| &failure.message);
            let _ = write!(text, "\n        {} {:?} {failure:?}", step.step_id, step.state);
            for attempt in &step.attempts {
                let failure = attempt.failure.as_ref().map(|failure| &failure.message);
                let (state, id) = (attempt.state.as_str(), attempt.id);
                let _ = write!(text, "\n          {id} {state} {failure:?}");
            }
        }
    }
    for studio in &world.studios {
        for job in studio.jobs() {
            let _ = write!(text, "\n      at {}: {job:?}", studio.id);
        }
    }
    text
}
