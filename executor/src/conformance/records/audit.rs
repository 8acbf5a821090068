//! What a store kept: the history in words, everything in one picture, and the sums that must agree.

use limn_proto::{
    reason::Reason,
    v1::{self, execution_event::Event},
};
use prost::Message as _;

use super::driver::Driver;
use crate::{ids::ExecutionId, records::*, snapshot};

impl Driver<'_> {
    /// The history, decoded; its sequences have no gap and end where the record says.
    pub(super) async fn events(&self, id: ExecutionId) -> Result<Vec<v1::ExecutionEvent>> {
        let stored = self.store.events_after(id, 0, u32::MAX).await?;
        let mut events = Vec::with_capacity(stored.len());
        for (expected, stored) in (1..).zip(&stored) {
            let event = v1::ExecutionEvent::decode(stored.payload.as_slice())
                .map_err(|error| RecordError::Damaged(error.to_string()))?;
            assert_eq!((stored.sequence, event.sequence), (expected, expected));
            assert!(event.event_time.is_some(), "an event has a time");
            events.push(event);
        }
        assert_eq!(self.execution(id).await?.last_sequence, events.len() as u64);
        Ok(events)
    }

    /// The history in words.
    pub(super) async fn story(&self, id: ExecutionId) -> Result<Vec<String>> {
        let events = self.events(id).await?;
        Ok(events
            .into_iter()
            .filter_map(|event| event.event)
            .map(words)
            .collect())
    }

    /// Everything that the store shows of this client. Two equal pictures: nothing changed.
    pub(super) async fn picture(&self) -> Result<String> {
        let page = Page {
            limit: 1000,
            after: None,
        };
        let executions = self
            .store
            .executions(self.client, &ExecutionFilter::default(), &page)
            .await?;
        let images = self
            .store
            .images(self.client, &ImageFilter::default(), &page)
            .await?;
        let plans = self
            .store
            .plans(self.client, &PlanFilter::default(), &page)
            .await?;
        let balances = self.store.balances().await?;
        let budgets = self.store.budgets(self.client, None, 1000).await?;
        Ok(format!(
            "{executions:?}\n{images:?}\n{plans:?}\n{balances:?}\n{budgets:?}"
        ))
    }

    /// Ledger, balances, executions and attempts agree; the last event about money tells what the record
    /// tells.
    pub(super) async fn audit(&self) -> Result<()> {
        let balances = self.store.balances().await?;
        assert_eq!(self.store.ledger_sums().await?, balances);
        let verified = self.store.verify(Some(self.client)).await?;
        assert_eq!(verified.differences, [], "the books are right");
        let page = Page {
            limit: 1000,
            after: None,
        };
        let executions = self
            .store
            .executions(self.client, &ExecutionFilter::default(), &page)
            .await?;
        let mut sum = Balance::default();
        for execution in &executions {
            let cost = &execution.cost;
            assert_eq!(balance_of_attempts(execution), balance(cost), "attempts sum up");
            let lines: i64 = cost.lines.iter().map(|line| line.amount_nanos).sum();
            assert_eq!(lines, cost.settled_nanos, "lines sum up");
            if let Some(told) = told_cost(self.events(execution.id).await?)
                && !was_decided_after_the_end(execution)
            {
                assert_eq!(told, snapshot::cost(cost), "cost is told");
            }
            sum.spent_nanos += cost.settled_nanos;
            sum.reserved_nanos += cost.reserved_nanos;
            sum.unknown_held_nanos += cost.unknown_held_nanos;
        }
        let scope = format!("clients/{}/budgets/client", self.client);
        let currency = "USD".to_owned();
        let kept = balances.get(&BudgetKey { scope, currency }).copied();
        assert_eq!(kept.unwrap_or_default(), sum, "executions sum up to the budget");
        Ok(())
    }
}

/// The cost as a reader of the history knows it: the last amounts, and the lines of all events.
fn told_cost(events: Vec<v1::ExecutionEvent>) -> Option<v1::SettledCost> {
    let mut known: Option<v1::SettledCost> = None;
    for event in events {
        let Some(Event::CostChanged(news)) = event.event else {
            continue;
        };
        let mut lines = known.map_or_else(Vec::new, |cost| cost.lines);
        for line in &news.lines {
            lines.retain(|earlier| (&earlier.step_id, earlier.attempt) != (&line.step_id, line.attempt));
        }
        lines.extend(news.lines.iter().cloned());
        known = Some(v1::SettledCost { lines, ..news });
    }
    known
}

/// The money of a cost record as a balance.
pub(super) fn balance(cost: &CostRecord) -> Balance {
    Balance {
        spent_nanos: cost.settled_nanos,
        reserved_nanos: cost.reserved_nanos,
        unknown_held_nanos: cost.unknown_held_nanos,
    }
}

/// The money of an execution as it follows from the states of its attempts.
fn balance_of_attempts(execution: &ExecutionRecord) -> Balance {
    let mut sum = Balance::default();
    for attempt in execution.steps.iter().flat_map(|step| &step.attempts) {
        sum.spent_nanos += attempt.cost_nanos.unwrap_or_default();
        match attempt.state {
            AttemptState::Prepared
            | AttemptState::Dispatching
            | AttemptState::Accepted
            | AttemptState::Received => sum.reserved_nanos += attempt.ceiling_nanos,
            AttemptState::Unknown => sum.unknown_held_nanos += attempt.ceiling_nanos,
            // As `Driver::end` marks it.
            AttemptState::Rejected
                if attempt.decision.is_none()
                    && attempt
                        .failure
                        .as_ref()
                        .is_some_and(|failure| failure.reason == Reason::ContentBlocked) =>
            {
                sum.unknown_held_nanos += attempt.ceiling_nanos;
            }
            _ => {}
        }
    }
    sum
}

/// True when money may have moved without an event: nothing is told after the end.
fn was_decided_after_the_end(execution: &ExecutionRecord) -> bool {
    let mut attempts = execution.steps.iter().flat_map(|step| &step.attempts);
    let is_late =
        |attempt: &AttemptRecord| attempt.decision.is_some() || attempt.ended_at > execution.ended_at;
    execution.state.is_terminal() && attempts.any(is_late)
}

fn words(event: Event) -> String {
    match event {
        Event::StateChanged(change) => format!("execution {}", tail(change.state().as_str_name())),
        Event::StepChanged(step) => {
            assert!(step.attempts.is_empty(), "attempts have events of their own");
            format!("step {} {}", step.step_id, tail(step.state().as_str_name()))
        }
        Event::AttemptChanged(change) => {
            let attempt = change.attempt.unwrap_or_default();
            let state = tail(attempt.state().as_str_name()).to_owned();
            format!("attempt {}#{} {state}", change.step_id, attempt.number)
        }
        Event::CostChanged(cost) => {
            let nanos = |money: Option<limn_proto::plan::Money>| money.unwrap_or_default().nanos / 1_000_000;
            format!(
                "cost {} reserved {} held {}{}",
                nanos(cost.total),
                nanos(cost.reserved),
                nanos(cost.unknown_held),
                if cost.r#final { " final" } else { "" },
            )
        }
        Event::Snapshot(_) | Event::KeepAlive(_) | Event::Preview(_) => "never stored".to_owned(),
    }
}

/// The part of a state's name that differs: `EXECUTION_STATE_PENDING` is `PENDING`.
fn tail(name: &str) -> &str {
    name.split_once("_STATE_").map_or(name, |(_, state)| state)
}
