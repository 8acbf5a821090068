//! What a golden holds: an execution in each state that a process can leave behind, written by the verbs of the version
//! that makes it. Ids and times are fixed, so the same version writes the same golden.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use limn_executor::{
    blob::BlobKey,
    clock::UnixMicros,
    failure::Failure,
    ids::{AttemptId, BootId, ExecutionId, ImageId},
    plan::Plan,
    provider::CapabilityClass,
    records::*,
    testing::ManualClock,
};
use limn_proto::{digest::sha256_hex, plan::SeedMode, reason::Reason};
use uuid::Uuid;

use crate::easel::{CEILING_NANOS, PRICE_NANOS, picture, plan};

pub(crate) const CLIENT: &str = "golden";
/// When the story begins.
pub(crate) const BEGIN: UnixMicros = UnixMicros(1_700_000_000_000_000);

const LEASE: Duration = Duration::from_secs(30);
/// How long a parked execution is left alone.
const NEXT_LOOK: Duration = Duration::from_secs(1800);

/// An execution of the story.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Chapter {
    /// Two pictures were drawn.
    Completed,
    /// A refusal, then a bill without a picture.
    Failed,
    /// A refusal whose bill is not known: its ceiling is held.
    Billed,
    /// Stopped by its client before anything was sent.
    Cancelled,
    /// Its call was lost: parked.
    Unknown,
    /// A call is written down and not sent.
    Prepared,
    /// A call may be on its way.
    Dispatching,
    /// An answer is staged.
    Received,
    /// Accepted, and nothing else. The last one: what is pending, the next process claims.
    Pending,
}

/// In the order of their numbers.
pub(crate) const STATES: [(Chapter, ExecutionState); 9] = [
    (Chapter::Completed, ExecutionState::Completed),
    (Chapter::Failed, ExecutionState::Failed),
    (Chapter::Billed, ExecutionState::Failed),
    (Chapter::Cancelled, ExecutionState::Cancelled),
    (Chapter::Unknown, ExecutionState::NeedsDecision),
    (Chapter::Prepared, ExecutionState::Processing),
    (Chapter::Dispatching, ExecutionState::Processing),
    (Chapter::Received, ExecutionState::Processing),
    (Chapter::Pending, ExecutionState::Pending),
];

impl Chapter {
    pub(crate) fn id(self) -> ExecutionId {
        ExecutionId(Uuid::from_u128(
            0x018b_cfe5_6800_7000_8000_0000_0000_0e00 + self as u128,
        ))
    }

    pub(crate) fn name(self) -> String {
        format!("{self:?}").to_lowercase()
    }

    fn plan(self) -> Plan {
        plan(&self.name(), if self == Self::Completed { 2 } else { 1 })
    }
}

/// Staged answers by their keys.
pub(crate) type Staged = BTreeMap<BlobKey, Bytes>;

/// Writes all of it; returns what is staged besides.
pub(crate) async fn write(records: &dyn RecordStore, clock: &ManualClock) -> Staged {
    let mut teller = Teller {
        records,
        clock,
        attempts: 0,
        staged: Staged::new(),
    };
    for (chapter, _) in STATES {
        teller.tell(chapter).await;
    }
    teller.staged
}

struct Teller<'a> {
    records: &'a dyn RecordStore,
    clock: &'a ManualClock,
    attempts: u128,
    staged: Staged,
}

impl Teller<'_> {
    /// The time; each look is a millisecond later than the one before, so no lease passes while the story is told.
    fn now(&self) -> UnixMicros {
        self.clock.advance(Duration::from_millis(1))
    }

    async fn tell(&mut self, chapter: Chapter) {
        let plan = chapter.plan();
        self.accept(chapter, &plan).await;
        if chapter == Chapter::Pending {
            return;
        }
        let fence = self.claim(chapter).await;
        self.records.start_execution(&fence, self.now()).await.unwrap();
        match chapter {
            Chapter::Pending => {}
            Chapter::Completed => {
                for step in 0..plan.steps.len() {
                    let attempt = self.receive(&fence, &plan, step).await;
                    self.commit(&fence, &plan, step, &attempt).await;
                }
                self.settle(&fence, ExecutionState::Completed).await;
            }
            Chapter::Failed => {
                let refused = self.dispatch(&fence, &plan, 0).await;
                self.end(&fence, refused.id, AttemptOutcome::Rejected).await;
                let empty = self.attempt(&plan, 0);
                self.prepare(&fence, &empty).await;
                self.send(&fence, &empty).await;
                self.answer(&fence, &empty).await;
                // Its staged answer is kept as evidence.
                let outcome = AttemptOutcome::FailedPaid {
                    cost_nanos: PRICE_NANOS,
                    source: CostSource::Estimated,
                };
                self.end(&fence, empty.id, outcome).await;
                self.end_step(&fence, StepState::Failed).await;
                self.settle(&fence, ExecutionState::Failed).await;
            }
            Chapter::Billed => {
                let refused = self.dispatch(&fence, &plan, 0).await;
                self.end(&fence, refused.id, AttemptOutcome::RejectedBillUnknown)
                    .await;
                self.end_step(&fence, StepState::Failed).await;
                self.settle(&fence, ExecutionState::Failed).await;
            }
            Chapter::Cancelled => {
                let cancelled = self
                    .records
                    .request_cancel(CLIENT, chapter.id(), self.now())
                    .await;
                assert!(cancelled.unwrap().is_some());
                self.end_step(&fence, StepState::Cancelled).await;
                self.settle(&fence, ExecutionState::Cancelled).await;
            }
            Chapter::Unknown => {
                let lost = self.dispatch(&fence, &plan, 0).await;
                self.end(&fence, lost.id, AttemptOutcome::Unknown).await;
                self.end_step(&fence, StepState::NeedsDecision).await;
                self.settle(&fence, ExecutionState::NeedsDecision).await;
            }
            Chapter::Prepared => {
                self.begin(&fence, &plan, 0).await;
            }
            Chapter::Dispatching => {
                self.dispatch(&fence, &plan, 0).await;
            }
            Chapter::Received => {
                self.receive(&fence, &plan, 0).await;
            }
        }
    }

    async fn accept(&self, chapter: Chapter, plan: &Plan) {
        let now = self.now();
        let steps = plan.steps.iter().map(|step| NewStep {
            step_id: step.step_id.clone(),
            render_digests: vec![step.targets[0].render_digest.clone()],
            expected_nanos: PRICE_NANOS,
        });
        let order = NewExecution {
            id: chapter.id(),
            plan: plan.to_new(now),
            currency: plan.currency.clone(),
            steps: steps.collect(),
            take: 0,
            request_id: format!("request-{}", chapter.name()),
            request_hash: sha256_hex(chapter.name().as_bytes()),
            mode: ExecutionMode::Reuse,
            max_concurrency: 1,
            now,
        };
        let accepted = self.records.accept(&order).await.unwrap();
        assert_eq!(accepted, Acceptance::New(chapter.id()));
    }

    /// Claims the execution for a process of its own, which nobody hears of again.
    async fn claim(&self, chapter: Chapter) -> Fence {
        let boot = BootId(Uuid::from_u128(0xb007_0000 + chapter as u128));
        let claims = self.records.claim(boot, LEASE, 100, &[]).await.unwrap();
        let [claim] = claims.as_slice() else {
            panic!("{claims:?}")
        };
        assert_eq!(claim.fence.execution, chapter.id());
        claim.fence
    }

    fn attempt(&mut self, plan: &Plan, step: usize) -> NewAttempt {
        self.attempts += 1;
        let step = &plan.steps[step];
        let target = &step.targets[0];
        NewAttempt {
            id: AttemptId(Uuid::from_u128(
                0x018b_cfe5_6800_7000_8000_0000_0000_0a00 + self.attempts,
            )),
            step_id: step.step_id.clone(),
            target: 0,
            reroll: 0,
            provider: target.render.provider.clone(),
            model: target.render.model.clone(),
            render_digest: target.render_digest.clone(),
            class: CapabilityClass::D,
            ceiling_nanos: CEILING_NANOS,
            max_cost_nanos: None,
            now: self.now(),
        }
    }

    /// A step in progress with an attempt that is written down.
    async fn begin(&mut self, fence: &Fence, plan: &Plan, step: usize) -> NewAttempt {
        let attempt = self.attempt(plan, step);
        let units = [attempt.render_digest.clone()];
        self.records
            .start_step(fence, &attempt.step_id, self.now())
            .await
            .unwrap();
        let grant = self
            .records
            .acquire_unit(fence, &attempt.step_id, &units, 0)
            .await
            .unwrap();
        assert_eq!(grant, UnitGrant::Open);
        self.prepare(fence, &attempt).await;
        attempt
    }

    async fn prepare(&self, fence: &Fence, attempt: &NewAttempt) {
        let prepared = self.records.prepare(fence, attempt).await.unwrap();
        assert!(matches!(prepared, Preparation::Prepared(_)), "{prepared:?}");
    }

    async fn send(&self, fence: &Fence, attempt: &NewAttempt) {
        let margin = Duration::from_secs(5);
        let sent = self.records.dispatch(fence, attempt.id, margin, self.now()).await;
        assert_eq!(sent.unwrap(), Dispatch::Granted);
    }

    async fn dispatch(&mut self, fence: &Fence, plan: &Plan, step: usize) -> NewAttempt {
        let attempt = self.begin(fence, plan, step).await;
        self.send(fence, &attempt).await;
        attempt
    }

    async fn answer(&mut self, fence: &Fence, attempt: &NewAttempt) {
        let (key, body) = (BlobKey::staged(attempt.id), picture());
        let receipt = Receipt {
            attempt: attempt.id,
            kind: ReceiptKind::Answer,
            staging_key: key.to_string(),
            body_sha256: sha256_hex(&body),
            size_bytes: i64::try_from(body.len()).unwrap(),
            media_type: "image/png".to_owned(),
            request_id: "req-before".to_owned(),
            headers: BTreeMap::from([("x-cost".to_owned(), "0.04".to_owned())]),
            at: self.now(),
        };
        self.records.received(fence, attempt.id, &receipt).await.unwrap();
        self.staged.insert(key, body);
    }

    async fn receive(&mut self, fence: &Fence, plan: &Plan, step: usize) -> NewAttempt {
        let attempt = self.dispatch(fence, plan, step).await;
        self.answer(fence, &attempt).await;
        attempt
    }

    async fn commit(&mut self, fence: &Fence, plan: &Plan, step: usize, attempt: &NewAttempt) {
        let (now, body) = (self.now(), picture());
        let (step, render) = (&plan.steps[step], &plan.steps[step].targets[0].render);
        let id = ImageId::of_step(fence.execution, &step.step_id);
        let image = ImageRecord {
            id,
            client: CLIENT.to_owned(),
            execution: fence.execution,
            step_id: step.step_id.clone(),
            plan_digest: plan.digest.clone(),
            render_digest: attempt.render_digest.clone(),
            take: 0,
            attempt: attempt.id,
            reused: false,
            rendered_sha256: sha256_hex(&body),
            stored_sha256: sha256_hex(&body),
            format: render.format,
            width_px: render.width_px,
            height_px: render.height_px,
            size_bytes: i64::try_from(body.len()).unwrap(),
            storage_key: BlobKey::image(CLIENT, id, render.format).to_string(),
            public_url: String::new(),
            thumbnails: vec![ThumbnailRecord {
                purpose: CopyPurpose::Thumbnail,
                storage_key: format!("clients/{CLIENT}/images/{id}.8.jpg"),
                public_url: String::new(),
                width_px: 8,
                height_px: 8,
                format: render.format,
                size_bytes: 64,
            }],
            description: step.description.clone(),
            session_id: plan.session_id.clone(),
            prompt: render.prompt.clone(),
            revised_prompt: "it's as drawn".to_owned(),
            effective_seed: Some(18_446_744_073_709_551_615),
            model_version: "easel-1.2".to_owned(),
            provider: render.provider.clone(),
            model: render.model.clone(),
            provider_request_id: "req-before".to_owned(),
            seed_mode: SeedMode::Derived,
            seed: 7,
            generation_time: Duration::from_millis(1234),
            currency: plan.currency.clone(),
            cost_nanos: Some(PRICE_NANOS),
            cost_source: Some(CostSource::Usage),
            quality_score_bp: Some(8700),
            rejected: false,
            review: None,
            assessment: Assessment::default(),
            labels: vec![("mood".to_owned(), "calm".to_owned())],
            created_at: now,
            updated_at: now,
        };
        let commit = Commit {
            attempt: attempt.id,
            image,
            rejection: None,
            cost_nanos: PRICE_NANOS,
            cost_source: CostSource::Usage,
            usage: BTreeMap::from([("image".to_owned(), 1)]),
            now,
        };
        self.records.commit(fence, &commit).await.unwrap();
        self.staged.remove(&BlobKey::staged(attempt.id));
    }

    async fn end(&self, fence: &Fence, attempt: AttemptId, outcome: AttemptOutcome) {
        let end = AttemptEnd {
            outcome,
            failure: failure(),
            provider_request_id: "req-before".to_owned(),
            usage: BTreeMap::new(),
            now: self.now(),
        };
        self.records.end_attempt(fence, attempt, &end).await.unwrap();
    }

    async fn end_step(&self, fence: &Fence, state: StepState) {
        let end = StepEnd {
            step_id: "image-1".to_owned(),
            state,
            failure: failure(),
            now: self.now(),
        };
        self.records.end_step(fence, &end).await.unwrap();
    }

    async fn settle(&self, fence: &Fence, expected: ExecutionState) {
        let state = self
            .records
            .settle_execution(fence, &failure(), Some(NEXT_LOOK), self.now())
            .await;
        assert_eq!(state.unwrap(), expected);
    }
}

fn failure() -> Failure {
    Failure::new(Reason::ProviderRejected, "the easel's broken").with("httpStatus", 400)
}
