//! Orders, attempts and pictures to write down: as large as those of a real picture.

use std::{collections::BTreeMap, time::Duration};

use limn_executor::{
    clock::{Clock as _, SystemClock, UnixMicros},
    ids::{AttemptId, BootId, ExecutionId, ImageId},
    plan::{Description, ImageFormat},
    provider::CapabilityClass,
    records::*,
};
use limn_proto::{
    digest::{digest_of, sha256_hex},
    plan::{ImageType, Importance, PlanKind, SeedMode},
};
use uuid::Uuid;

pub(crate) const LEASE: Duration = Duration::from_secs(3600);
const CEILING_NANOS: i64 = 50_000_000;
const BILL_NANOS: i64 = 40_000_000;

pub(crate) fn boot() -> BootId {
    BootId(Uuid::from_u128(0xb007))
}

/// Time goes by, as it does where rows are sorted by it.
fn now() -> UnixMicros {
    SystemClock.now()
}

/// An order of so many steps, unlike any other.
pub(crate) fn order(client: &str, number: u128, steps: usize) -> NewExecution {
    let steps = (0..steps).map(|step| NewStep {
        step_id: format!("image-{}", step + 1),
        render_digests: vec![digest_of(format!("{client} {number} {step}").as_bytes())],
        expected_nanos: BILL_NANOS,
    });
    NewExecution {
        id: ExecutionId(Uuid::new_v4()),
        plan: NewPlan {
            client: client.to_owned(),
            digest_hex: sha256_hex(format!("{client} {number}").as_bytes()),
            canonical_bytes: vec![7; 2000],
            session_id: "s1".to_owned(),
            kind: PlanKind::Batch,
            now: now(),
        },
        currency: "USD".to_owned(),
        steps: steps.collect(),
        take: 0,
        request_id: format!("request-{number}"),
        request_hash: "hash".to_owned(),
        mode: ExecutionMode::Reuse,
        max_concurrency: 1,
        now: now(),
    }
}

pub(crate) fn attempt(step: &NewStep) -> NewAttempt {
    NewAttempt {
        id: AttemptId(Uuid::now_v7()),
        step_id: step.step_id.clone(),
        target: 0,
        reroll: 0,
        provider: "easel".to_owned(),
        model: "easel-2".to_owned(),
        render_digest: step.render_digests[0].clone(),
        class: CapabilityClass::D,
        ceiling_nanos: CEILING_NANOS,
        max_cost_nanos: Some(CEILING_NANOS * 100_000),
        now: now(),
    }
}

pub(crate) fn receipt(attempt: &NewAttempt) -> Receipt {
    Receipt {
        attempt: attempt.id,
        kind: ReceiptKind::Answer,
        staging_key: format!("staging/{}", attempt.id),
        body_sha256: sha256_hex(b"answer"),
        size_bytes: 1_500_000,
        media_type: "application/json".to_owned(),
        request_id: "req-0123456789".to_owned(),
        headers: BTreeMap::from([("x-request-id".to_owned(), "req-0123456789".to_owned())]),
        at: now(),
    }
}

pub(crate) fn commit(fence: &Fence, order: &NewExecution, attempt: &NewAttempt) -> Commit {
    let id = ImageId::of_step(fence.execution, &attempt.step_id);
    let client = &order.plan.client;
    let prompt = "a lighthouse at dusk above a calm sea, long exposure, the lamp just lit";
    let image = ImageRecord {
        id,
        client: client.clone(),
        execution: fence.execution,
        step_id: attempt.step_id.clone(),
        plan_digest: format!("sha256:{}", order.plan.digest_hex),
        render_digest: attempt.render_digest.clone(),
        take: 0,
        attempt: attempt.id,
        reused: false,
        rendered_sha256: sha256_hex(b"rendered"),
        stored_sha256: sha256_hex(b"stored"),
        format: ImageFormat::Png,
        width_px: 1024,
        height_px: 1024,
        size_bytes: 1_400_000,
        storage_key: format!("clients/{client}/images/{id}.png"),
        public_url: String::new(),
        thumbnails: vec![ThumbnailRecord {
            purpose: CopyPurpose::Thumbnail,
            storage_key: format!("clients/{client}/images/{id}.256.jpg"),
            public_url: String::new(),
            width_px: 256,
            height_px: 256,
            format: ImageFormat::Jpeg,
            size_bytes: 9_000,
        }],
        description: Description {
            image_type: ImageType::Scene,
            alt_text: "a lighthouse".to_owned(),
            caption: "the lighthouse".to_owned(),
            post_id: "post-1".to_owned(),
            prompt_id: "prompt-1".to_owned(),
            original_prompt: prompt.to_owned(),
            section_title: "Arrival".to_owned(),
            position: 2,
            importance: Importance::Primary,
        },
        session_id: order.plan.session_id.clone(),
        prompt: prompt.to_owned(),
        revised_prompt: prompt.to_owned(),
        effective_seed: Some(7),
        model_version: String::new(),
        provider: attempt.provider.clone(),
        model: attempt.model.clone(),
        provider_request_id: "req-0123456789".to_owned(),
        seed_mode: SeedMode::Derived,
        seed: 7,
        generation_time: Duration::from_millis(12_345),
        currency: order.currency.clone(),
        cost_nanos: Some(BILL_NANOS),
        cost_source: Some(CostSource::Usage),
        quality_score_bp: None,
        rejected: false,
        review: None,
        assessment: Assessment::default(),
        labels: vec![("chapter".to_owned(), "one".to_owned())],
        created_at: now(),
        updated_at: now(),
    };
    Commit {
        attempt: attempt.id,
        image,
        rejection: None,
        cost_nanos: BILL_NANOS,
        cost_source: CostSource::Usage,
        usage: BTreeMap::from([("image_output_token".to_owned(), 4160)]),
        now: now(),
    }
}
