//! The records, as they lie in the tables.

use std::collections::BTreeMap;

use limn_proto::{plan::PlanSpec, v1::ExecutionEvent};
use prost::Message as _;

use crate::database::Database;

/// Money of one balance, in billionths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Balance {
    pub(super) spent_nanos: i64,
    pub(super) reserved_nanos: i64,
    pub(super) held_nanos: i64,
}

#[derive(Debug)]
pub(super) struct Execution {
    pub(super) client: String,
    pub(super) state: String,
    pub(super) owner: Option<String>,
    pub(super) crash_count: i64,
    pub(super) last_seq: i64,
    pub(super) balance: Balance,
}

#[derive(Debug)]
pub(super) struct Step {
    pub(super) execution: String,
    pub(super) step_id: String,
    pub(super) state: String,
    pub(super) image: Option<String>,
    pub(super) reused: bool,
}

/// A unit of paid work.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct UnitKey {
    pub(super) client: String,
    pub(super) render_digest: String,
    pub(super) take: i64,
}

#[derive(Debug)]
pub(super) struct Unit {
    pub(super) state: String,
    pub(super) image: Option<String>,
}

#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) id: String,
    pub(super) execution: String,
    pub(super) unit: UnitKey,
    pub(super) state: String,
    pub(super) ceiling_nanos: i64,
    pub(super) balance: Balance,
    pub(super) cost_nanos: Option<i64>,
    /// The provider's name of the call; empty: it is not known.
    pub(super) request_id: String,
    pub(super) was_dispatched: bool,
}

#[derive(Debug)]
pub(super) struct Image {
    pub(super) execution: String,
    pub(super) attempt: String,
    pub(super) unit: UnitKey,
    pub(super) reused: bool,
    pub(super) storage_key: String,
}

#[derive(Debug)]
pub(super) struct Blob {
    pub(super) sha256: String,
    pub(super) size_bytes: i64,
}

/// One group of movements of the ledger.
#[derive(Debug)]
pub(super) struct Movement {
    pub(super) scope: String,
    pub(super) attempt: String,
    pub(super) kind: String,
    pub(super) amount_nanos: i64,
}

/// Everything that the gates look at.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// By id.
    pub(super) executions: BTreeMap<String, Execution>,
    pub(super) steps: Vec<Step>,
    pub(super) units: BTreeMap<UnitKey, Unit>,
    pub(super) attempts: Vec<Attempt>,
    /// By id.
    pub(super) images: BTreeMap<String, Image>,
    /// By key.
    pub(super) blobs: BTreeMap<String, Blob>,
    /// Sizes of small copies in bytes, by key.
    pub(super) copies: BTreeMap<String, i64>,
    /// By scope.
    pub(super) budgets: BTreeMap<String, Balance>,
    pub(super) ledger: Vec<Movement>,
    /// Executions by request id.
    pub(super) requests: BTreeMap<String, String>,
    /// Histories by execution, in order of their sequences.
    pub(super) events: BTreeMap<String, Vec<(i64, ExecutionEvent)>>,
    /// Prompts by render digest.
    pub(super) prompts: BTreeMap<String, String>,
}

impl Facts {
    pub(super) async fn read(database: &mut Database) -> Self {
        let mut facts = Self::default();
        facts.read_executions(database).await;
        facts.read_attempts(database).await;
        facts.read_images(database).await;
        facts.read_money(database).await;
        facts.read_histories(database).await;
        facts
    }

    async fn read_executions(&mut self, database: &mut Database) {
        let query = "SELECT id, client, state, owner_boot_id, crash_count, last_seq, settled_nanos, \
                     reserved_nanos, unknown_held_nanos FROM executions";
        for row in database.rows(query).await {
            let execution = Execution {
                client: row.text("client"),
                state: row.text("state"),
                owner: row.optional_text("owner_boot_id"),
                crash_count: row.number("crash_count"),
                last_seq: row.number("last_seq"),
                balance: Balance {
                    spent_nanos: row.number("settled_nanos"),
                    reserved_nanos: row.number("reserved_nanos"),
                    held_nanos: row.number("unknown_held_nanos"),
                },
            };
            self.executions.insert(row.text("id"), execution);
        }
        let query = "SELECT execution_id, step_id, state, image_id, reused FROM steps";
        for row in database.rows(query).await {
            self.steps.push(Step {
                execution: row.text("execution_id"),
                step_id: row.text("step_id"),
                state: row.text("state"),
                image: row.optional_text("image_id"),
                reused: row.flag("reused"),
            });
        }
        for row in database
            .rows("SELECT request_id, execution_id FROM requests")
            .await
        {
            self.requests
                .insert(row.text("request_id"), row.text("execution_id"));
        }
    }

    async fn read_attempts(&mut self, database: &mut Database) {
        let query = "SELECT id, execution_id, client, render_digest, take, state, ceiling_nanos, \
                     reserved_nanos, unknown_held_nanos, cost_nanos, provider_request_id, dispatched_us \
                     FROM attempts";
        for row in database.rows(query).await {
            let cost_nanos = row.optional_number("cost_nanos");
            self.attempts.push(Attempt {
                id: row.text("id"),
                execution: row.text("execution_id"),
                unit: unit_key(&row),
                state: row.text("state"),
                ceiling_nanos: row.number("ceiling_nanos"),
                balance: Balance {
                    spent_nanos: cost_nanos.unwrap_or_default(),
                    reserved_nanos: row.number("reserved_nanos"),
                    held_nanos: row.number("unknown_held_nanos"),
                },
                cost_nanos,
                request_id: row.text("provider_request_id"),
                was_dispatched: row.optional_number("dispatched_us").is_some(),
            });
        }
        let query = "SELECT client, render_digest, take, state, image_id FROM units";
        for row in database.rows(query).await {
            let unit = Unit {
                state: row.text("state"),
                image: row.optional_text("image_id"),
            };
            self.units.insert(unit_key(&row), unit);
        }
        for row in database.rows("SELECT bytes FROM plans").await {
            let spec = PlanSpec::decode(row.bytes("bytes").as_slice()).unwrap();
            for render in spec.steps.iter().flat_map(|step| &step.targets) {
                let digest = limn_proto::digest::render_digest(render);
                self.prompts.insert(digest, render.prompt.clone());
            }
        }
    }

    async fn read_images(&mut self, database: &mut Database) {
        let query = "SELECT id, execution_id, attempt_id, client, render_digest, take, reused, storage_path \
                     FROM images";
        for row in database.rows(query).await {
            let image = Image {
                execution: row.text("execution_id"),
                attempt: row.text("attempt_id"),
                unit: unit_key(&row),
                reused: row.flag("reused"),
                storage_key: row.text("storage_path"),
            };
            self.images.insert(row.text("id"), image);
        }
        for row in database
            .rows("SELECT storage_key, sha256, size_bytes FROM blobs")
            .await
        {
            let blob = Blob {
                sha256: row.text("sha256"),
                size_bytes: row.number("size_bytes"),
            };
            self.blobs.insert(row.text("storage_key"), blob);
        }
        let query = "SELECT storage_key, file_size FROM image_thumbnails";
        for row in database.rows(query).await {
            self.copies
                .insert(row.text("storage_key"), row.number("file_size"));
        }
    }

    async fn read_money(&mut self, database: &mut Database) {
        let query = "SELECT scope, spent_nanos, reserved_nanos, unknown_held_nanos FROM budgets";
        for row in database.rows(query).await {
            let balance = Balance {
                spent_nanos: row.number("spent_nanos"),
                reserved_nanos: row.number("reserved_nanos"),
                held_nanos: row.number("unknown_held_nanos"),
            };
            self.budgets.insert(row.text("scope"), balance);
        }
        for row in database
            .rows("SELECT scope, attempt_id, kind, amount_nanos FROM ledger")
            .await
        {
            self.ledger.push(Movement {
                scope: row.text("scope"),
                attempt: row.text("attempt_id"),
                kind: row.text("kind"),
                amount_nanos: row.number("amount_nanos"),
            });
        }
    }

    async fn read_histories(&mut self, database: &mut Database) {
        let query = "SELECT execution_id, seq, payload FROM events ORDER BY execution_id, seq";
        for row in database.rows(query).await {
            let event = ExecutionEvent::decode(row.bytes("payload").as_slice()).unwrap();
            let history = self.events.entry(row.text("execution_id")).or_default();
            history.push((row.number("seq"), event));
        }
    }

    /// What the storm came to, for whoever reads the output.
    pub(super) fn summarise(&self) {
        let executions = tally(self.executions.values().map(|execution| &execution.state));
        let attempts = tally(self.attempts.iter().map(|attempt| &attempt.state));
        let reused = self.steps.iter().filter(|step| step.reused).count();
        let takeovers: i64 = self
            .executions
            .values()
            .map(|execution| execution.crash_count)
            .sum();
        println!("executions {executions:?}, attempts {attempts:?}, takeovers {takeovers}, reused {reused}");
    }
}

fn unit_key(row: &crate::database::Row) -> UnitKey {
    UnitKey {
        client: row.text("client"),
        render_digest: row.text("render_digest"),
        take: row.number("take"),
    }
}

fn tally<'a>(words: impl Iterator<Item = &'a String>) -> BTreeMap<&'a str, usize> {
    let mut counts = BTreeMap::new();
    for word in words {
        *counts.entry(word.as_str()).or_default() += 1;
    }
    counts
}
