//! People who decide: about attempts that nobody could judge, and about budgets.

use limn_executor::{
    ids::{AttemptId, ExecutionId},
    records::{BudgetKey, BudgetUpdate, FollowUp, Period, RecordStore as _, Resolution, Verdict, scopes},
};
use uuid::Uuid;

use crate::{
    check::Violation,
    market::shown,
    orders::CEILING_NANOS,
    world::World,
};

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
                self.trace
                    .note(format_args!("budget {scope}: {fit} pictures each {:?}", update.period));
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
            follow_up: self.rng.pick(&[Some(FollowUp::Retry), Some(FollowUp::Fail), None]),
            actor: "the simulator".to_owned(),
            reason: "so say the books".to_owned(),
            audit_id: self.audit_id(),
            now: self.now,
        };
        let process = &self.processes[place];
        let number = process.number;
        let records = std::sync::Arc::clone(process.executor.records());
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
            let _ = records.resolve_attempt(&resolution).await;
        });
        self.run_process(number, false)
    }

    fn verdict(&mut self, attempt: AttemptId) -> Verdict {
        let charges = self.market.charges();
        let billed = charges.iter().find(|charge| charge.attempt == attempt);
        let billed_nanos = billed.map(|charge| charge.nanos);
        if self.rng.chance(100) {
            // People are wrong now and then.
            return match billed_nanos {
                Some(_) => Verdict::NotCharged,
                None => Verdict::Charged { cost_nanos: None },
            };
        }
        match billed_nanos {
            None => Verdict::NotCharged,
            Some(nanos) => Verdict::Charged {
                cost_nanos: self.rng.chance(700).then_some(nanos),
            },
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
