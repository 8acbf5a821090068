//! What a stored or received plan must keep.

use limn_planner::canonical;
use limn_proto::{
    digest::canonical_bytes,
    plan::{Label, Money, PlanSpec, QualityGate, UnknownPolicy},
    reason::Reason,
    v1::{ImageGenerationPlan, ImageRequest},
};

use crate::support::{batch, image_at, map, names, planned};

/// A plan of two steps with a fallback and labels.
fn spec() -> PlanSpec {
    let first = ImageRequest {
        fallback_providers: names(&["aurora"]),
        labels: map(&[("a", "1"), ("b", "2")]),
        ..image_at("inkwell")
    };
    planned(&batch(vec![first, image_at("mega")])).0
}

fn usd(nanos: i64) -> Option<Money> {
    Some(Money {
        currency_code: "USD".into(),
        nanos,
    })
}

/// Changes the policy without the worst case that goes with it.
fn retry_once(spec: &mut PlanSpec, max_duplicate_spend: Option<Money>) {
    let policy = spec.policy.as_mut().unwrap();
    policy.on_unknown = UnknownPolicy::WriteOffAndRetryOnce.into();
    policy.max_duplicate_spend = max_duplicate_spend;
}

/// Sets a threshold without the worst case that goes with its re-rolls.
fn gated(spec: &mut PlanSpec, min_score_bp: u32, max_rerolls: u32) {
    spec.policy.as_mut().unwrap().quality_gate = Some(QualityGate {
        min_score_bp,
        max_rerolls,
        accept_best: false,
    });
}

/// A way to break a plan, and the field that is then named.
type Breakage = (&'static str, fn(&mut PlanSpec));

const BREAKAGES: &[Breakage] = &[
    ("format", |spec| spec.format = "limn.plan/2".into()),
    ("revision", |spec| spec.revision = 0),
    ("client", |spec| spec.client = "Demo".into()),
    ("session_id", |spec| spec.session_id = "s\0".into()),
    ("kind", |spec| spec.kind = 0),
    ("kind", |spec| spec.kind = 9),
    ("steps", |spec| spec.kind = 1),
    ("labels", |spec| {
        spec.labels = vec![Label {
            key: String::new(),
            value: String::new(),
        }];
    }),
    ("not_after_unix", |spec| spec.not_after_unix = -1),
    ("policy", |spec| spec.policy = None),
    ("policy.retry", |spec| spec.policy.as_mut().unwrap().retry = None),
    ("policy.max_concurrency", |spec| {
        spec.policy.as_mut().unwrap().max_concurrency = 0;
    }),
    ("policy.attempt_timeout_ms", |spec| {
        spec.policy.as_mut().unwrap().attempt_timeout_ms = 1;
    }),
    ("policy.max_cost", |spec| {
        spec.policy.as_mut().unwrap().max_cost = usd(-1);
    }),
    ("policy.on_unknown", |spec| {
        spec.policy.as_mut().unwrap().on_unknown = UnknownPolicy::Hold.into();
    }),
    ("policy.on_unknown", |spec| {
        spec.policy.as_mut().unwrap().on_unknown = 4;
    }),
    ("policy.max_duplicate_spend", |spec| {
        spec.policy.as_mut().unwrap().max_duplicate_spend = usd(10_000_000_000);
    }),
    ("policy.max_duplicate_spend", |spec| retry_once(spec, None)),
    ("policy.max_duplicate_spend", |spec| retry_once(spec, usd(0))),
    ("policy.max_duplicate_spend", |spec| retry_once(spec, usd(1))),
    ("policy.max_duplicate_spend", |spec| {
        retry_once(spec, usd(1_000_000 * 1_000_000_000 + 1));
    }),
    ("policy.max_duplicate_spend", |spec| {
        let euros = usd(10_000_000_000).map(|money| Money {
            currency_code: "EUR".into(),
            ..money
        });
        retry_once(spec, euros);
    }),
    ("cost.worst_case", |spec| retry_once(spec, usd(10_000_000_000))),
    ("policy.quality_gate.min_score_bp", |spec| gated(spec, 0, 0)),
    ("policy.quality_gate.min_score_bp", |spec| gated(spec, 10_001, 0)),
    ("policy.quality_gate.max_rerolls", |spec| gated(spec, 6_000, 11)),
    ("cost.worst_case", |spec| gated(spec, 6_000, 1)),
    ("steps[1].step_id", |spec| {
        spec.steps[1].step_id = "image-1".into();
    }),
    ("steps[0].image_type", |spec| spec.steps[0].image_type = 77),
    ("steps[0].labels", |spec| spec.steps[0].labels.reverse()),
    ("steps[0].labels", |spec| spec.steps[0].labels[1].key = "a".into()),
    ("steps[0].caption", |spec| {
        spec.steps[0].caption = "cafe\u{301}".into();
    }),
    ("steps[0].alt_text", |spec| {
        spec.steps[0].alt_text = "two\r\nlines".into();
    }),
    ("steps[0].thumbnails[0]", |spec| {
        spec.steps[0].thumbnails[0].width_px = 15;
    }),
    ("steps[0].targets", |spec| spec.steps[0].targets[1].seed ^= 1),
    ("steps[0].targets[0].format", |spec| {
        spec.steps[0].targets[0].format.clear();
    }),
    ("steps[0].targets[0].prompt", |spec| {
        spec.steps[0].targets[0].prompt = " ".into();
    }),
    ("steps[0].targets[0].width_px", |spec| {
        spec.steps[0].targets[0].width_px = 0;
    }),
    ("steps[0].targets[0].quality", |spec| {
        spec.steps[0].targets[0].quality = 42;
    }),
    ("steps[0].targets[1].seed_mode", |spec| {
        spec.steps[0].targets[1].seed_mode = 0;
    }),
    ("steps[0].targets[1].media_type", |spec| {
        spec.steps[0].targets[1].media_type = "image/gif".into();
    }),
    ("cost", |spec| spec.cost = None),
    ("cost.expected", |spec| {
        spec.cost.as_mut().unwrap().expected.as_mut().unwrap().nanos += 1;
    }),
    ("cost.worst_case", |spec| {
        spec.cost.as_mut().unwrap().worst_case.as_mut().unwrap().nanos -= 1;
    }),
    ("cost.lines", |spec| spec.cost.as_mut().unwrap().lines.swap(0, 1)),
    ("cost.lines[0].attempt_ceiling", |spec| {
        spec.cost.as_mut().unwrap().lines[0].attempt_ceiling = usd(1);
    }),
    ("cost.lines[0].expected", |spec| {
        spec.cost.as_mut().unwrap().lines[0].expected = usd(1);
    }),
    ("cost.lines[0].components[1]", |spec| {
        spec.cost.as_mut().unwrap().lines[0].components.reverse();
    }),
    ("cost.lines[2].components[0].unit", |spec| {
        spec.cost.as_mut().unwrap().lines[2].components[0].unit = "pixel".into();
    }),
    ("cost.lines[2].components[0].amount", |spec| {
        spec.cost.as_mut().unwrap().lines[2].components[0].amount = usd(1);
    }),
    ("cost.lines[1].expected", |spec| {
        let line = &mut spec.cost.as_mut().unwrap().lines[1];
        line.expected.as_mut().unwrap().currency_code = "EUR".into();
    }),
];

#[test]
fn every_broken_rule_is_named() {
    assert_eq!(canonical::verify(&spec()), Ok(()));
    for (field, break_it) in BREAKAGES {
        let mut spec = spec();
        break_it(&mut spec);
        let error = canonical::verify(&spec).expect_err(field);
        assert_eq!(error.reason, Reason::PlanNotCanonical, "{field}");
        let named = error.violations.iter().any(|violation| violation.field == *field);
        assert!(named, "{field} is not among {:#?}", error.violations);
    }
}

#[test]
fn all_broken_rules_are_named_at_once() {
    let mut spec = spec();
    for (_, break_it) in &BREAKAGES[..6] {
        break_it(&mut spec);
    }
    assert_eq!(
        canonical::verify(&spec).unwrap_err().violations.len(),
        5,
        "two of them break the same field"
    );
}

#[test]
fn a_plan_of_a_newer_version_is_told_apart_from_a_broken_one() {
    let newer = PlanSpec {
        revision: 2,
        ..spec()
    };
    let mut bytes = canonical_bytes(&newer);
    // A field of the newer version: number 100, one byte.
    bytes.extend([0xa0, 0x06, 0x01]);
    for error in [
        canonical::verify(&newer).unwrap_err(),
        canonical::from_bytes(&bytes).unwrap_err(),
    ] {
        assert_eq!(error.reason, Reason::PlanRevisionUnsupported);
        assert_eq!(error.metadata["planRevision"], "2");
        assert_eq!(error.metadata["maxRevision"], "1");
    }
}

#[test]
fn bytes_that_are_not_the_canonical_ones_are_refused() {
    let bytes = canonical_bytes(&spec());
    assert_eq!(canonical::from_bytes(&bytes), Ok(spec()));
    let mut unknown_field = bytes.clone();
    unknown_field.extend([0xa0, 0x06, 0x01]);
    let mut default_written = bytes.clone();
    default_written.extend([0x50, 0x00]);
    let mut long_varint = bytes.clone();
    long_varint.extend([0x50, 0x81, 0x00]);
    let mut repeated_field = vec![0x10, 0x01];
    repeated_field.extend(&bytes);
    let cut = bytes[..bytes.len() - 1].to_vec();
    for wrong in [
        unknown_field,
        default_written,
        long_varint,
        repeated_field,
        cut,
        vec![],
    ] {
        assert_eq!(
            canonical::from_bytes(&wrong).unwrap_err().reason,
            Reason::PlanNotCanonical
        );
    }
}

#[test]
fn a_digest_is_an_expectation_and_may_be_absent() {
    let plan = |digest: &str| ImageGenerationPlan {
        digest: digest.into(),
        spec: Some(spec()),
        ..ImageGenerationPlan::default()
    };
    let computed = canonical::verify_digest(&plan("")).unwrap();
    assert_eq!(canonical::verify_digest(&plan(&computed)), Ok(computed.clone()));
    let error = canonical::verify_digest(&plan("sha256:00")).unwrap_err();
    assert_eq!(error.reason, Reason::PlanDigestMismatch);
    assert_eq!(error.metadata["given"], "sha256:00");
    assert_eq!(error.metadata["computed"], computed);
    let error = canonical::verify_digest(&ImageGenerationPlan::default()).unwrap_err();
    assert_eq!(error.reason, Reason::InvalidRequest);
}
