//! When a world is at rest, and what must hold then.

use std::{collections::BTreeMap, time::Duration};

use limn_executor::ids::AttemptId;

use crate::{
    check::Violation,
    desk::about,
    market::shown,
    world::{Entry, Stage, World, is_routine},
};

/// How long nothing may happen before the world is at rest: longer than any vendor needs, and than executors leave what
/// is unknown alone at first.
const QUIET: Duration = Duration::from_secs(70);
/// How often to look whether something happened.
const LOOK: Duration = Duration::from_secs(5);

impl World {
    /// Trouble is over, everybody was answered, and for a while nothing was found out: what goes on are only looks.
    pub(crate) fn is_at_rest(&mut self) -> bool {
        if self.calm_since.is_none() || !self.callers.are_done() {
            self.quiet_since = self.now;
            return false;
        }
        if self.now.since(self.looked_at) > LOOK {
            self.looked_at = self.now;
            let progress = self.database.progress();
            let is_awaited = |entry: &Entry| matches!(&entry.stage, Stage::Act(act) if !act.is_idle());
            if self.database.is_waited() || progress != self.progress || self.entries.iter().any(is_awaited) {
                self.progress = progress;
                self.quiet_since = self.now;
            }
        }
        let is_idle = |entry: &Entry| match &entry.stage {
            Stage::Act(act) => act.is_idle(),
            Stage::Sleep(_) | Stage::Hint(_) => true,
            Stage::Store(call) => is_routine(call.verb),
            Stage::Answer { idle, .. } => *idle,
            Stage::Blob(_) | Stage::Leaving(_) => false,
        };
        self.now.since(self.quiet_since) > QUIET && self.entries.iter().all(is_idle)
    }

    /// What must hold when nothing goes on any more by itself.
    pub(crate) fn check_rest(&mut self) -> Result<(), Violation> {
        self.database.check()?;
        self.database.check_rest()?;
        self.check_turns()?;
        self.verify_books()?;
        let rows = self
            .database
            .rows("SELECT id, state, CAST(last_seq AS TEXT) FROM executions");
        let last_sequence: BTreeMap<String, String> =
            rows.into_iter().map(|(id, _, last)| (id, last)).collect();
        for (execution, cursor) in self.callers.ends_seen() {
            let last = last_sequence.get(&execution.to_string());
            if last.is_some_and(|last| *last != cursor.to_string()) {
                let subject = format!("{}: {cursor} of {last:?}", about(execution));
                return Err(Violation::new("a watcher did not see everything", subject));
            }
        }
        self.check_answers()
    }

    /// What must hold once people decided about everything that executors could not.
    pub(crate) fn check_end(&mut self) -> Result<(), Violation> {
        self.database.check_end()?;
        let images = self
            .database
            .rows("SELECT id, storage_path, '' FROM images ORDER BY id");
        for (image, key, _) in images {
            if !self.surroundings.shelf.holds(&key) {
                return Err(Violation::new("an image has no bytes", image));
            }
        }
        Ok(())
    }

    /// Every paid answer that came is an image, was settled without one, or is staged with a receipt to be decided on.
    /// What was decided is no longer waited for.
    fn check_answers(&mut self) -> Result<(), Violation> {
        let states = self.database.rows(
            "SELECT id, CASE WHEN state = 'unknown' AND EXISTS (SELECT 1 FROM executions \
             WHERE executions.id = attempts.execution_id AND executions.state = 'needs_decision' \
             AND executions.failure IS NOT NULL) THEN 'stuck' ELSE state END, CAST((SELECT COUNT(*) FROM receipts WHERE attempt_id = attempts.id \
             AND kind = 'answer') AS TEXT) FROM attempts WHERE resolution = ''",
        );
        for (id, state, receipts) in states {
            let Some(attempt) = AttemptId::parse(&id).filter(|id| self.answers.contains_key(id)) else {
                continue;
            };
            let is_staged = self.surroundings.shelf.holds(&format!("staging/{id}"));
            let is_kept = match state.as_str() {
                "committed" | "failed_paid" => true,
                // Of a stuck execution, which goes on from there once it is unparked.
                "dispatching" | "accepted" | "received" | "stuck" => is_staged,
                _ => is_staged && receipts != "0",
            };
            if !is_kept {
                let subject = format!(
                    "{} is {state}, staged {is_staged}, receipts {receipts}",
                    shown(attempt)
                );
                return Err(Violation::new("a paid answer that came was lost", subject));
            }
        }
        Ok(())
    }
}
