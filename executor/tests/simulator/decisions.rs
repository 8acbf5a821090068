//! People who decide: about attempts that nobody could judge, and about budgets.

use std::sync::Arc;

use limn_executor::{
    ids::{AttemptId, ExecutionId},
    records::{
        BudgetKey, BudgetUpdate, FollowUp, Period, RecordStore as _, Resolution, Resolved, Unparked,
        Unparking, Verdict, scopes,
    },
};
use uuid::Uuid;

use crate::{check::Violation, desk::about, market::shown, orders::CEILING_NANOS, world::World};

impl World {
    /// Limits of budgets, before anything is ordered.
    pub(crate) fn limit_budgets(&mut self) {
        for client in ["ann", "bob"] {
            for scope in scopes(client, "s1") {
                if self.rng.chance(800) {
                    continue;
                }
                let fit = i64::try_from(self.rng.between(1, 6)).unwrap();
                let update = BudgetUpdate {
                    key: BudgetKey {
                        scope: scope.clone(),
                        currency: "USD".to_owned(),
                    },
                    client: client.to_owned(),
                    limit_nanos: Some(Some(fit * CEILING_NANOS)),
                    period: Some(self.rng.pick(&[Period::Day, Period::Never])),
                    expected_version: None,
                    actor: "the simulator".to_owned(),
                    reason: String::new(),
                    audit_id: self.audit_id(),
                    now: self.now,
                };
                self.trace.note(format_args!(
                    "budget {scope}: {fit} pictures each {:?}",
                    update.period
                ));
                let updated = self.database.records.update_budget(&update);
                self.database.block_on(updated).unwrap();
            }
        }
    }

    fn audit_id(&mut self) -> Uuid {
        let (high, low) = (self.rng.next(), self.rng.next());
        Uuid::from_u64_pair(high, low)
    }

    /// A person looks at what is open, asks the vendor for its books, and mostly tells what is in them.
    pub(crate) fn decide(&mut self) -> Result<(), Violation> {
        let open = self.database.rows(
            "SELECT a.id, a.execution_id, e.client FROM attempts a JOIN executions e ON e.id = a.execution_id \
             WHERE a.state IN ('unknown', 'written_off') OR a.unknown_held_nanos > 0 ORDER BY a.id",
        );
        let Some(place) = self.any_process().filter(|_| !open.is_empty()) else {
            return Ok(());
        };
        let (attempt, execution, client) = open[self.rng.index(open.len())].clone();
        let attempt = AttemptId::parse(&attempt).unwrap();
        let resolution = Resolution {
            client,
            execution: ExecutionId::parse(&execution).unwrap(),
            attempt,
            verdict: self.verdict(attempt),
            follow_up: self
                .rng
                .pick(&[Some(FollowUp::Retry), Some(FollowUp::Fail), None]),
            actor: "the simulator".to_owned(),
            reason: "so say the books".to_owned(),
            audit_id: self.audit_id(),
            now: self.now,
        };
        let process = &self.processes[place];
        let number = process.number;
        let executor = process.executor.clone();
        self.trace.step(
            self.now,
            format_args!(
                "p{number} is told about {}: {:?}, then {:?}",
                shown(attempt),
                resolution.verdict,
                resolution.follow_up
            ),
        );
        process.spawn(async move {
            // A person who is told nothing looks again, and decides again.
            let _ = executor.resolve_attempt(&resolution).await;
        });
        self.run_process(number, false)
    }

    /// At the end people let everything run that is stuck, and decide by the books of the vendors about everything
    /// that is open. False when there was nothing to do.
    pub(crate) fn decide_everything(&mut self) -> Result<bool, Violation> {
        let stuck = self.database.rows(
            "SELECT id, client, '' FROM executions WHERE state = 'needs_decision' AND failure IS NOT NULL ORDER BY id",
        );
        let open = self.database.rows(
            "SELECT a.id, a.execution_id, e.client FROM attempts a JOIN executions e ON e.id = a.execution_id \
             WHERE a.state = 'unknown' OR a.unknown_held_nanos > 0 ORDER BY a.id",
        );
        let records = Arc::clone(&self.database.records);
        for (execution, client, _) in &stuck {
            let unparking = Unparking {
                client: client.clone(),
                execution: ExecutionId::parse(execution).unwrap(),
                actor: "the simulator".to_owned(),
                reason: "the trouble is over".to_owned(),
                audit_id: self.audit_id(),
                now: self.now,
            };
            let unparked = self.database.block_on(records.unpark(&unparking)).unwrap();
            if !matches!(unparked, Unparked::Done(_)) {
                let subject = format!("{}: {unparked:?}", about(unparking.execution));
                return Err(Violation::new("a stuck execution could not be unparked", subject));
            }
            self.trace.step(
                self.now,
                format_args!("{} is unparked", about(unparking.execution)),
            );
            self.database.check()?;
        }
        for (attempt, execution, client) in &open {
            let attempt = AttemptId::parse(attempt).unwrap();
            let resolution = Resolution {
                client: client.clone(),
                execution: ExecutionId::parse(execution).unwrap(),
                attempt,
                verdict: self.true_verdict(attempt),
                follow_up: Some(self.rng.pick(&[FollowUp::Retry, FollowUp::Fail])),
                actor: "the simulator".to_owned(),
                reason: "so say the books".to_owned(),
                audit_id: self.audit_id(),
                now: self.now,
            };
            let resolved = self
                .database
                .block_on(records.resolve_attempt(&resolution))
                .unwrap();
            if !matches!(resolved, Resolved::Done(_)) {
                let subject = format!("{}: {resolved:?}", shown(attempt));
                return Err(Violation::new(
                    "an open attempt could not be decided about",
                    subject,
                ));
            }
            self.trace.step(
                self.now,
                format_args!(
                    "{} is decided: {:?}, then {:?}",
                    shown(attempt),
                    resolution.verdict,
                    resolution.follow_up
                ),
            );
            self.database.check()?;
        }
        Ok(!stuck.is_empty() || !open.is_empty())
    }

    fn true_verdict(&self, attempt: AttemptId) -> Verdict {
        let mut charges = self.market.charges().iter();
        match charges.find(|charge| charge.attempt == attempt) {
            None => Verdict::NotCharged,
            Some(charge) => Verdict::Charged {
                cost_nanos: Some(charge.nanos),
            },
        }
    }

    /// People are wrong now and then, or do not know how much it was.
    fn verdict(&mut self, attempt: AttemptId) -> Verdict {
        let truth = self.true_verdict(attempt);
        let is_wrong = self.rng.chance(100);
        let is_precise = self.rng.chance(700);
        match truth {
            Verdict::NotCharged if is_wrong => Verdict::Charged { cost_nanos: None },
            Verdict::Charged { .. } if is_wrong => Verdict::NotCharged,
            Verdict::Charged { .. } if !is_precise => Verdict::Charged { cost_nanos: None },
            _ => truth,
        }
    }

    /// The books agree with themselves, by their own account.
    pub(crate) fn verify_books(&mut self) -> Result<(), Violation> {
        let verified = self.database.records.verify(None);
        let verification = self.database.block_on(verified).unwrap();
        if verification.differences.is_empty() {
            Ok(())
        } else {
            let differences = format!("{:?}", verification.differences);
            Err(Violation::new("the books differ", differences))
        }
    }
}
