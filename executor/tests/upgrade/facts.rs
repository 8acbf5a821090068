//! What can be read of the story, one fact in a line. A golden keeps the facts as the version that wrote it read them;
//! every later one has to read the same.
//!
//! New facts may be added: older goldens lack them. The lines of old ones never change.

use std::{collections::BTreeSet, fmt::Display};

use limn_executor::{failure::Failure, records::*};
use limn_proto::digest::sha256_hex;

use crate::story::{CLIENT, STATES};

/// All facts of what is in a database.
pub(crate) async fn read(records: &dyn RecordStore) -> BTreeSet<String> {
    let mut facts = Facts::default();
    for (chapter, _) in STATES {
        let name = chapter.name();
        let Some(execution) = records.execution(CLIENT, chapter.id()).await.unwrap() else {
            continue;
        };
        facts.execution(&name, &execution);
        let digest = execution.plan_digest.rsplit(':').next().unwrap();
        let plan = records.plan(CLIENT, digest).await.unwrap().unwrap();
        facts.note(&name, "plan", sha256_hex(&plan.canonical_bytes));
        let events = records.events_after(chapter.id(), 0, u32::MAX).await.unwrap();
        for event in events {
            facts.note(
                &name,
                &format!("event {}", event.sequence),
                sha256_hex(&event.payload),
            );
        }
        for step in &execution.steps {
            if let Some(id) = step.image {
                let image = records.image(CLIENT, id).await.unwrap().unwrap();
                facts.image(&format!("{name} {} image", step.step_id), &image);
            }
        }
    }
    facts.0
}

#[derive(Default)]
struct Facts(BTreeSet<String>);

impl Facts {
    fn note(&mut self, of: &str, name: &str, value: impl Display) {
        // Editors take blanks from the ends of lines.
        let line = format!("{of} {name}: {value}");
        self.0.insert(line.trim_end().to_owned());
    }

    fn note_known<T: Display>(&mut self, of: &str, name: &str, value: Option<T>) {
        match value {
            Some(value) => self.note(of, name, value),
            None => self.note(of, name, "-"),
        }
    }

    fn execution(&mut self, of: &str, record: &ExecutionRecord) {
        self.note(of, "plan_digest", &record.plan_digest);
        self.note(of, "session_id", &record.session_id);
        self.note(of, "take", record.take);
        self.note(of, "request_id", &record.request_id);
        self.note(of, "mode", record.mode.as_str());
        self.note(of, "state", record.state.as_str());
        self.failure(of, record.failure.as_ref());
        self.note(of, "cancel_requested", record.cancel_requested);
        self.note(of, "created_us", record.created_at.0);
        self.note_known(of, "started_us", record.started_at.map(|at| at.0));
        self.note_known(of, "ended_us", record.ended_at.map(|at| at.0));
        self.note(of, "currency", &record.cost.currency);
        self.note(of, "settled_nanos", record.cost.settled_nanos);
        self.note(of, "reserved_nanos", record.cost.reserved_nanos);
        self.note(of, "unknown_held_nanos", record.cost.unknown_held_nanos);
        for line in &record.cost.lines {
            let of = format!("{of} {} {}", line.step_id, line.attempt_number);
            self.note(&of, "billed_nanos", line.amount_nanos);
        }
        for step in &record.steps {
            self.step(&format!("{of} {}", step.step_id), step);
        }
    }

    fn step(&mut self, of: &str, step: &StepRecord) {
        self.note(of, "state", step.state.as_str());
        self.note(of, "reused", step.reused);
        self.note_known(of, "image", step.image);
        self.failure(of, step.failure.as_ref());
        for attempt in &step.attempts {
            self.attempt(&format!("{of} {}", attempt.number), attempt);
        }
    }

    fn attempt(&mut self, of: &str, attempt: &AttemptRecord) {
        self.note(of, "id", attempt.id);
        self.note(of, "target", attempt.target);
        self.note(of, "provider", &attempt.provider);
        self.note(of, "model", &attempt.model);
        self.note(of, "render_digest", &attempt.render_digest);
        self.note(of, "class", format!("{:?}", attempt.class));
        self.note(of, "state", attempt.state.as_str());
        self.note(of, "ceiling_nanos", attempt.ceiling_nanos);
        self.note_known(of, "cost_nanos", attempt.cost_nanos);
        self.note(
            of,
            "cost_estimated",
            attempt.cost_source == Some(CostSource::Estimated),
        );
        self.note(
            of,
            "cost_source",
            attempt.cost_source.map_or("", CostSource::as_str),
        );
        self.note(of, "usage", format!("{:?}", attempt.usage));
        self.note_known(of, "effective_seed", attempt.effective_seed);
        self.note(of, "model_version", &attempt.model_version);
        self.note(of, "provider_request_id", &attempt.provider_request_id);
        self.note(of, "revised_prompt", &attempt.revised_prompt);
        self.failure(of, attempt.failure.as_ref());
        self.note(of, "prepared_us", attempt.prepared_at.0);
        self.note_known(of, "dispatched_us", attempt.dispatched_at.map(|at| at.0));
        self.note_known(of, "send_by_us", attempt.send_by.map(|at| at.0));
        self.note_known(of, "received_us", attempt.received_at.map(|at| at.0));
        self.note_known(of, "ended_us", attempt.ended_at.map(|at| at.0));
        if let Some(answer) = &attempt.answer {
            self.note(of, "answer key", &answer.staging_key);
            self.note(of, "answer sha256", &answer.body_sha256);
            self.note(of, "answer media_type", &answer.media_type);
            self.note(of, "answer request_id", &answer.request_id);
            self.note(of, "answer headers", format!("{:?}", answer.headers));
            self.note(of, "answer at_us", answer.at.0);
        }
    }

    fn failure(&mut self, of: &str, failure: Option<&Failure>) {
        if let Some(failure) = failure {
            self.note(of, "failure", failure.reason.as_str());
            self.note(of, "failure message", &failure.message);
            self.note(of, "failure metadata", format!("{:?}", failure.metadata));
        }
    }

    fn image(&mut self, of: &str, image: &ImageRecord) {
        self.note(of, "id", image.id);
        self.note(of, "plan_digest", &image.plan_digest);
        self.note(of, "render_digest", &image.render_digest);
        self.note(of, "attempt", image.attempt);
        self.note(of, "rendered_sha256", &image.rendered_sha256);
        self.note(of, "stored_sha256", &image.stored_sha256);
        self.note(of, "storage_key", &image.storage_key);
        self.note(of, "size_bytes", image.size_bytes);
        self.note(of, "prompt", &image.prompt);
        self.note(of, "revised_prompt", &image.revised_prompt);
        self.note(of, "provider_request_id", &image.provider_request_id);
        self.note(of, "seed", image.seed);
        self.note(of, "generation_time_ms", image.generation_time.as_millis());
        self.note_known(of, "cost_nanos", image.cost_nanos);
        self.note(
            of,
            "cost_source",
            image.cost_source.map_or("", CostSource::as_str),
        );
        self.note_known(of, "effective_seed", image.effective_seed);
        self.note(of, "model_version", &image.model_version);
        self.note_known(of, "quality_score_bp", image.quality_score_bp);
        self.note(of, "created_us", image.created_at.0);
        for (key, value) in &image.labels {
            self.note(of, &format!("label {key}"), value);
        }
        for thumbnail in &image.thumbnails {
            self.note(of, "thumbnail", &thumbnail.storage_key);
        }
    }
}
