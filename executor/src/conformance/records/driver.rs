//! Drives a store through the life of executions, and audits what it kept.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use limn_proto::{
    digest::{digest_of, sha256_hex},
    plan::{ImageType, Importance, PlanKind, SeedMode},
    reason::Reason,
};
use uuid::Uuid;

use crate::{
    clock::UnixMicros,
    failure::Failure,
    fingerprint::Fingerprint,
    ids::{AttemptId, BootId, ExecutionId, ImageId},
    plan::{Description, ImageFormat},
    provider::CapabilityClass,
    records::*,
    testing::ManualClock,
};

/// What an attempt costs at most in these scenarios, and what it is billed.
pub(super) const CEILING: i64 = 50_000_000;
pub(super) const BILL: i64 = 40_000_000;
/// How long leases are.
pub(super) const LEASE: Duration = Duration::from_secs(30);
/// When a parked execution is looked at again.
pub(super) const NEXT_CHECK: Duration = Duration::from_secs(60);

/// A store to try, and the clock that its leases go by.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'s> {
    /// The store, empty.
    pub store: &'s dyn RecordStore,
    /// Its clock.
    pub clock: &'s ManualClock,
}

/// A client of the store, with a clock that ticks at each look and ids that count.
pub(super) struct Driver<'s> {
    pub(super) store: &'s dyn RecordStore,
    pub(super) client: &'static str,
    pub(super) boot: BootId,
    pub(super) clock: &'s ManualClock,
    ids: AtomicU64,
}

impl<'s> Driver<'s> {
    pub(super) fn new(subject: Subject<'s>) -> Self {
        Self::of_client(subject, "acme")
    }

    pub(super) fn of_client(subject: Subject<'s>, client: &'static str) -> Self {
        let driver = Self {
            store: subject.store,
            client,
            boot: BootId(Uuid::from_u128(0xb007)),
            clock: subject.clock,
            ids: AtomicU64::new(1),
        };
        // Ids of different clients never meet.
        let of_client = client.bytes().fold(0, |sum, byte| sum * 31 + u64::from(byte));
        driver.ids.store(of_client << 20, Ordering::Relaxed);
        driver
    }

    /// The time; each look is a millisecond later than the one before.
    pub(super) fn now(&self) -> UnixMicros {
        self.clock.advance(Duration::from_millis(1))
    }

    /// Lets time pass.
    pub(super) fn pass(&self, duration: Duration) {
        self.clock.advance(duration);
    }

    fn uuid(&self) -> Uuid {
        Uuid::from_u64_pair(1, self.ids.fetch_add(1, Ordering::Relaxed))
    }

    /// An id for an entry of the audit log.
    pub(super) fn audit_id(&self) -> Uuid {
        self.uuid()
    }

    /// A plan by its name.
    pub(super) fn plan(&self, name: &str) -> NewPlan {
        NewPlan {
            client: self.client.to_owned(),
            digest_hex: sha256_hex(name.as_bytes()),
            canonical_bytes: name.as_bytes().to_vec(),
            session_id: "s1".to_owned(),
            kind: PlanKind::Batch,
            now: self.now(),
        }
    }

    /// An order of a plan with these steps, with a request id of its own.
    pub(super) fn order(&self, plan: &str, steps: &[&str]) -> NewExecution {
        let id = ExecutionId(self.uuid());
        NewExecution {
            id,
            plan: self.plan(plan),
            currency: "USD".to_owned(),
            steps: steps
                .iter()
                .map(|step| NewStep {
                    step_id: (*step).to_owned(),
                    render_digests: vec![digest_of(format!("{plan}/{step}").as_bytes())],
                    expected_nanos: BILL,
                })
                .collect(),
            take: 0,
            request_id: format!("request-{id}"),
            request_hash: format!("hash-{plan}"),
            mode: ExecutionMode::Reuse,
            max_concurrency: 4,
            now: self.now(),
        }
    }

    /// Claims whatever can be claimed and returns the fence of this execution.
    pub(super) async fn claim(&self, execution: ExecutionId) -> Result<Fence> {
        let claims = self.store.claim(self.boot, LEASE, 100, &[]).await?;
        let claim = claims
            .into_iter()
            .find(|claim| claim.fence.execution == execution);
        there(claim, "a claim").map(|claim| claim.fence)
    }

    /// Accepts an order and claims it.
    pub(super) async fn begin(&self, order: &NewExecution) -> Result<Fence> {
        assert_eq!(self.store.accept(order).await?, Acceptance::New(order.id));
        self.claim(order.id).await
    }

    /// An execution of one plan whose steps are in progress, each with the unit of its own name open.
    pub(super) async fn start(&self, plan: &str, steps: &[&str]) -> Result<Fence> {
        let fence = self.begin(&self.order(plan, steps)).await?;
        self.store.start_execution(&fence, self.now()).await?;
        for step in steps {
            self.start_step(&fence, step, &format!("{plan}/{step}")).await?;
        }
        Ok(fence)
    }

    /// Starts a step and opens a unit for it.
    pub(super) async fn start_step(&self, fence: &Fence, step: &str, unit: &str) -> Result<()> {
        self.store.start_step(fence, step, self.now()).await?;
        let grant = self
            .store
            .acquire_unit(fence, step, &[digest_of(unit.as_bytes())], 0)
            .await?;
        assert_eq!(grant, UnitGrant::Open, "nobody else draws {unit}");
        Ok(())
    }

    /// An attempt on a unit.
    pub(super) fn attempt(&self, step: &str, unit: &str) -> NewAttempt {
        NewAttempt {
            id: AttemptId(self.uuid()),
            step_id: step.to_owned(),
            target: 0,
            reroll: 0,
            provider: "easel".to_owned(),
            model: "easel-2".to_owned(),
            render_digest: digest_of(unit.as_bytes()),
            class: CapabilityClass::C,
            ceiling_nanos: CEILING,
            max_cost_nanos: None,
            now: self.now(),
        }
    }

    /// A step waits.
    pub(super) fn note(&self) -> StepNote {
        StepNote::Waiting(StepWait {
            provider: "easel".to_owned(),
            reason: WaitReason::Rate,
            position: 1,
            since: self.now(),
            until: None,
            attempt: 1,
        })
    }

    /// Prepares an attempt, which must fit.
    pub(super) async fn prepare(&self, fence: &Fence, attempt: &NewAttempt) -> Result<AttemptId> {
        let prepared = self.store.prepare(fence, attempt).await?;
        assert!(matches!(prepared, Preparation::Prepared(_)), "{prepared:?}");
        Ok(attempt.id)
    }

    pub(super) async fn dispatch(&self, fence: &Fence, attempt: AttemptId) -> Result<Dispatch> {
        let send_margin = Duration::from_secs(5);
        self.store.dispatch(fence, attempt, send_margin, self.now()).await
    }

    /// Prepares and dispatches.
    pub(super) async fn send(&self, fence: &Fence, attempt: &NewAttempt) -> Result<AttemptId> {
        self.prepare(fence, attempt).await?;
        assert_eq!(self.dispatch(fence, attempt.id).await?, Dispatch::Granted);
        Ok(attempt.id)
    }

    /// The evidence of a whole answer. The same for the same attempt.
    pub(super) fn receipt(&self, attempt: AttemptId) -> Receipt {
        Receipt {
            attempt,
            kind: ReceiptKind::Answer,
            staging_key: format!("staging/{attempt}"),
            body_sha256: sha256_hex(attempt.to_string().as_bytes()),
            size_bytes: 4096,
            media_type: "application/json".to_owned(),
            request_id: format!("req-{attempt}"),
            headers: BTreeMap::from([("x-cost".to_owned(), "0.04".to_owned())]),
            at: UnixMicros(1_700_000_900_000_000),
        }
    }

    /// Prepares, dispatches and receives.
    pub(super) async fn receive(&self, fence: &Fence, attempt: &NewAttempt) -> Result<AttemptId> {
        let id = self.send(fence, attempt).await?;
        self.store.received(fence, id, &self.receipt(id)).await?;
        Ok(id)
    }

    /// The record of the image that an attempt drew.
    pub(super) fn image(&self, fence: &Fence, attempt: &NewAttempt) -> ImageRecord {
        let id = ImageId::of_step(fence.execution, &attempt.step_id);
        let now = self.now();
        ImageRecord {
            id,
            client: self.client.to_owned(),
            execution: fence.execution,
            step_id: attempt.step_id.clone(),
            plan_digest: digest_of(b"plan"),
            render_digest: attempt.render_digest.clone(),
            take: 0,
            attempt: attempt.id,
            reused: false,
            rendered_sha256: sha256_hex(b"rendered"),
            stored_sha256: sha256_hex(b"stored"),
            format: ImageFormat::Png,
            width_px: 1024,
            height_px: 768,
            size_bytes: 2048,
            storage_key: format!("clients/{}/images/{id}.png", self.client),
            public_url: "https://images.example/one.png".to_owned(),
            thumbnails: vec![ThumbnailRecord {
                purpose: CopyPurpose::Thumbnail,
                storage_key: format!("clients/{}/images/{id}.256.jpg", self.client),
                public_url: String::new(),
                width_px: 256,
                height_px: 192,
                format: ImageFormat::Jpeg,
                size_bytes: 512,
            }],
            description: Description {
                image_type: ImageType::Scene,
                alt_text: "a lighthouse".to_owned(),
                caption: "the lighthouse".to_owned(),
                post_id: "post-1".to_owned(),
                prompt_id: "prompt-1".to_owned(),
                original_prompt: "lighthouse".to_owned(),
                section_title: "Arrival".to_owned(),
                position: 2,
                importance: Importance::Primary,
            },
            session_id: "s1".to_owned(),
            prompt: "a lighthouse at dusk".to_owned(),
            revised_prompt: "a tall lighthouse at dusk".to_owned(),
            effective_seed: Some(u64::MAX),
            model_version: "easel-2.1 [31e35c80fc]".to_owned(),
            provider: attempt.provider.clone(),
            model: attempt.model.clone(),
            provider_request_id: "req-1".to_owned(),
            seed_mode: SeedMode::Derived,
            seed: u32::MAX,
            generation_time: Duration::from_millis(2345),
            currency: "USD".to_owned(),
            cost_nanos: Some(BILL),
            cost_source: Some(CostSource::Estimated),
            quality_score_bp: Some(8700),
            rejected: false,
            review: None,
            assessment: Assessment {
                parts_bp: BTreeMap::from([("noise".to_owned(), 8700), ("sharpness".to_owned(), 10_000)]),
                scorer: "limn.quality/1".to_owned(),
                fingerprint: Some(Fingerprint::kept(0xfedc_ba98_7654_3210, false)),
                thumbhash: vec![0xff, 0, 0x17],
            },
            labels: vec![
                ("chapter".to_owned(), "one".to_owned()),
                ("mood".to_owned(), "calm".to_owned()),
            ],
            created_at: now,
            updated_at: now,
        }
    }

    /// What commits an attempt.
    pub(super) fn commit(&self, fence: &Fence, attempt: &NewAttempt) -> Commit {
        Commit {
            attempt: attempt.id,
            image: self.image(fence, attempt),
            rejection: None,
            cost_nanos: BILL,
            cost_source: CostSource::Estimated,
            usage: usage(),
            now: self.now(),
        }
    }

    /// The whole way from intent to image.
    pub(super) async fn draw(&self, fence: &Fence, attempt: &NewAttempt) -> Result<ImageRecord> {
        self.receive(fence, attempt).await?;
        let commit = self.commit(fence, attempt);
        self.store.commit(fence, &commit).await?;
        Ok(commit.image)
    }

    /// The record under which another step has the same picture.
    pub(super) fn reuse(&self, fence: &Fence, step: &str, paid: &ImageRecord) -> Reuse {
        let now = self.now();
        Reuse {
            image: ImageRecord {
                id: ImageId::of_step(fence.execution, step),
                execution: fence.execution,
                step_id: step.to_owned(),
                reused: true,
                cost_nanos: Some(0),
                cost_source: None,
                created_at: now,
                updated_at: now,
                ..paid.clone()
            },
            below_threshold: false,
            now,
        }
    }

    /// The end of an attempt without an image. A refusal whose bill is not known says so by its reason, for
    /// the audit.
    pub(super) fn end(&self, outcome: AttemptOutcome) -> AttemptEnd {
        let failure = match outcome {
            AttemptOutcome::RejectedBillUnknown => Failure::new(Reason::ContentBlocked, "not this"),
            _ => failure(),
        };
        AttemptEnd {
            outcome,
            failure,
            provider_request_id: "req-9".to_owned(),
            usage: match outcome {
                AttemptOutcome::FailedPaid { .. } => usage(),
                _ => BTreeMap::new(),
            },
            now: self.now(),
        }
    }

    /// The end of a step without an image.
    pub(super) fn end_of(&self, step: &str, state: StepState) -> StepEnd {
        StepEnd {
            step_id: step.to_owned(),
            state,
            failure: failure(),
            now: self.now(),
        }
    }

    /// A call that is lost: the attempt is unknown and its step parked, the execution is not.
    pub(super) async fn lose(&self, fence: &Fence, attempt: &NewAttempt) -> Result<AttemptId> {
        let lost = self.send(fence, attempt).await?;
        let end = self.end(AttemptOutcome::Unknown);
        self.store.end_attempt(fence, lost, &end).await?;
        let parked = self.end_of(&attempt.step_id, StepState::NeedsDecision);
        self.store.end_step(fence, &parked).await?;
        Ok(lost)
    }

    /// A decision about an attempt of an execution.
    pub(super) fn resolution(
        &self,
        execution: ExecutionId,
        attempt: AttemptId,
        verdict: Verdict,
        follow_up: Option<FollowUp>,
    ) -> Resolution {
        Resolution {
            client: self.client.to_owned(),
            execution,
            attempt,
            verdict,
            follow_up,
            actor: "ada".to_owned(),
            reason: "asked the provider".to_owned(),
            audit_id: self.uuid(),
            now: self.now(),
        }
    }

    /// Decides, which must be done.
    pub(super) async fn resolve(
        &self,
        execution: ExecutionId,
        attempt: AttemptId,
        verdict: Verdict,
        follow_up: Option<FollowUp>,
    ) -> Result<ExecutionRecord> {
        let resolution = self.resolution(execution, attempt, verdict, follow_up);
        match self.store.resolve_attempt(&resolution).await? {
            Resolved::Done(record) => Ok(*record),
            other => Err(RecordError::Damaged(format!(
                "the resolution was refused: {other:?}"
            ))),
        }
    }

    /// The audit log, newest first.
    pub(super) async fn audit_log(&self) -> Result<Vec<AuditEvent>> {
        let page = Page {
            limit: 1000,
            after: None,
        };
        self.store
            .audit_events(self.client, &AuditFilter::default(), &page)
            .await
    }

    pub(super) async fn settle(&self, fence: &Fence) -> Result<ExecutionState> {
        self.store
            .settle_execution(fence, &failure(), Some(NEXT_CHECK), self.now())
            .await
    }

    pub(super) async fn execution(&self, id: ExecutionId) -> Result<ExecutionRecord> {
        there(self.store.execution(self.client, id).await?, "the execution")
    }
}

/// What an answer says was used.
pub(super) fn usage() -> BTreeMap<String, i64> {
    BTreeMap::from([
        ("image_output_token".to_owned(), 4160),
        ("text_input_token".to_owned(), 12),
    ])
}

/// A failure that says nothing in particular.
pub(super) fn failure() -> Failure {
    Failure::new(Reason::ProviderRejected, "the easel is broken").with("httpStatus", 400)
}

/// The value, or an error that says what is missing.
pub(super) fn there<T>(value: Option<T>, what: &str) -> Result<T> {
    value.ok_or_else(|| RecordError::Damaged(format!("{what} is missing")))
}

/// True when the transition was refused.
pub(super) fn is_wrong_state<T>(result: &Result<T>) -> bool {
    matches!(result, Err(RecordError::WrongState { .. }))
}

/// True when the fence did not hold.
pub(super) fn is_fenced<T>(result: &Result<T>) -> bool {
    matches!(result, Err(RecordError::Fenced))
}
