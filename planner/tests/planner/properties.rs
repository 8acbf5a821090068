//! What holds for every request and every plan.

use limn_planner::{Catalog, Planner, canonical, explain};
use limn_proto::{
    digest::{canonical_bytes, plan_digest},
    plan::{
        CostComponent, CostEstimate, CostLine, DocumentBinding, DocumentSlot, Label, Money, PlanSpec,
        QualityGate, Reference, RenderSpec, RetryPolicy, RunPolicy, Step, ThumbnailSpec,
    },
    v1::{BatchRequest, ImageRequest, PlanRequest, plan_request::Work},
};
use proptest::{collection::vec, option, prelude::*, sample::select};
use prost::Message;

use super::encoder;
use crate::support::{catalog, image, map, parts, plan, single};

fn some_text() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        "[a-z ]{1,20}",
        "\\PC{0,12}",
        Just("Cafe\u{301}\r\nbar\r".into()),
        Just("nul\0".into()),
        Just("word ".repeat(500)),
    ]
}

fn some_name() -> impl Strategy<Value = String> {
    select(vec![
        "", "", "", "sketch", "inkwell", "aurora", "mega", "twin", "dark", "vague", "nobody",
    ])
    .prop_map(String::from)
}

fn some_side() -> impl Strategy<Value = u32> {
    prop_oneof![
        Just(0),
        Just(1024),
        (1_u32..300).prop_map(|count| count * 16),
        any::<u32>()
    ]
}

prop_compose! {
    fn some_wish()(
        prompt in some_text(),
        negative_prompt in some_text(),
        provider in some_name(),
        model in select(vec!["", "", "", "sketch-1", "ink-2", "ink-mini", "ink-1", "aurora-core", "pixels-1", "odd"]),
        fallback_providers in vec(some_name(), 0..3),
        aspect_ratio in select(vec!["", "", "1:1", "16:9", "3:2", "97:89", "100:1", "x"]),
        sides in option::weighted(0.3, (some_side(), some_side())),
        (quality, style, resolution) in (0..5_i32, 0..8_i32, 0..6_i32),
        seed in option::of(any::<u32>()),
        guidance in option::weighted(0.3, any::<f64>()),
        media_type in select(vec!["", "image/png", "image/jpeg", "image/webp", "image/gif"]),
        options in select(vec![vec![], vec![("background", "opaque")], vec![("odd", "\0")]]),
        optional_fields in vec(
            select(vec!["negative_prompt", "aspect_ratio", "width_px", "height_px", "resolution", "quality",
                        "style", "seed", "guidance", "media_type", "options", "odd"]),
            0..12,
        ),
    ) -> ImageRequest {
        let (width_px, height_px) = sides.unwrap_or_default();
        ImageRequest {
            prompt, negative_prompt, provider, model: model.into(), fallback_providers,
            aspect_ratio: aspect_ratio.into(), width_px, height_px, quality, style, resolution, seed, guidance,
            media_type: media_type.into(), options: map(&options),
            optional_fields: optional_fields.into_iter().map(String::from).collect(),
            ..ImageRequest::default()
        }
    }
}

prop_compose! {
    /// A wish that is mostly possible, so that plans and not only refusals are looked at.
    fn fair_wish()(
        prompt in "[a-z\u{e9} ]{1,20}x",
        provider in select(vec!["", "sketch", "inkwell", "aurora", "mega"]),
        fallback in select(vec!["", "sketch", "inkwell", "aurora", "mega", "dark"]),
        aspect_ratio in select(vec!["", "1:1", "16:9", "3:2", "2:3"]),
        (quality, style, resolution) in (0..4_i32, 0..7_i32, 0..5_i32),
        seed in option::of(0..=2_147_483_647_u32),
        guidance in option::of(0.0..20.0),
        labels in vec(("[a-z]{1,5}", "\\PC{0,5}"), 0..4),
    ) -> ImageRequest {
        let every = ["aspect_ratio", "resolution", "quality", "style", "seed", "guidance"];
        ImageRequest {
            prompt, provider: provider.into(), aspect_ratio: aspect_ratio.into(), quality, style, resolution, seed,
            fallback_providers: if fallback.is_empty() { vec![] } else { vec![fallback.into()] },
            guidance, labels: labels.into_iter().collect(),
            optional_fields: every.into_iter().map(String::from).collect(),
            ..ImageRequest::default()
        }
    }
}

fn some_request(wish: impl Strategy<Value = ImageRequest>) -> impl Strategy<Value = PlanRequest> {
    let limits = (
        option::weighted(0.2, any::<i64>()),
        // Most amounts are possible ones, so that plans come of them.
        (0..4_i32, option::weighted(0.4, 1..=2_000_000_000_i64)),
        option::weighted(0.3, (0..=10_001_u32, 0..=11_u32, any::<bool>())),
    );
    let usd = |nanos| Money {
        currency_code: "USD".into(),
        nanos,
    };
    (vec(wish, 0..4), any::<bool>(), any::<u32>(), limits).prop_map(
        move |(mut images, alone, variation, limits)| {
            let (max_cost, (on_unknown, max_duplicate_spend), gate) = limits;
            let work = match images.pop() {
                Some(image) if alone => Work::Image(image),
                last => Work::Batch(BatchRequest {
                    images: images.into_iter().chain(last).collect(),
                    continuity: None,
                }),
            };
            PlanRequest {
                parent: "clients/demo".into(),
                work: Some(work),
                variation,
                policy: Some(RunPolicy {
                    max_cost: max_cost.map(usd),
                    on_unknown,
                    max_duplicate_spend: max_duplicate_spend.map(usd),
                    quality_gate: gate.map(|(min_score_bp, max_rerolls, accept_best)| QualityGate {
                        min_score_bp,
                        max_rerolls,
                        accept_best,
                    }),
                    ..RunPolicy::default()
                }),
                ..PlanRequest::default()
            }
        },
    )
}

fn money() -> impl Strategy<Value = Option<Money>> {
    let money = ("[A-Z]{0,3}", any::<i64>());
    option::of(money.prop_map(|(currency_code, nanos)| Money { currency_code, nanos }))
}

fn labels() -> impl Strategy<Value = Vec<Label>> {
    vec(
        ("\\PC{0,4}", "\\PC{0,4}").prop_map(|(key, value)| Label { key, value }),
        0..3,
    )
}

prop_compose! {
    fn some_render()(
        texts in vec("\\PC{0,6}", 9),
        numbers in vec(any::<u32>(), 3),
        words in vec(any::<i32>(), 3),
        guidance_milli in option::of(prop_oneof![Just(0), any::<u32>()]),
        options in labels(),
        references in vec(("[0-9a-f]{0,4}", "\\PC{0,4}"), 0..3),
    ) -> RenderSpec {
        let text = |index: usize| texts[index].clone();
        RenderSpec {
            format: text(0), provider: text(1), model: text(2), model_revision: text(3), prompt: text(4),
            negative_prompt: text(5), size_token: text(6), quality_token: text(7), style_token: text(8),
            width_px: numbers[0], height_px: numbers[1], seed: numbers[2],
            quality: words[0], style: words[1], seed_mode: words[2],
            guidance_milli, media_type: String::new(), options,
            references: references
                .into_iter()
                .map(|(sha256, media_type)| Reference { sha256, media_type })
                .collect(),
        }
    }
}

prop_compose! {
    fn some_line()(
        step_id in "[a-z]{0,3}",
        target in any::<u32>(),
        (expected, attempt_ceiling) in (money(), money()),
        components in vec((("[a-z]{0,3}", any::<i64>()), money(), money()), 0..3),
    ) -> CostLine {
        let components = components.into_iter().map(|((unit, quantity_milli), unit_price, amount)| {
            CostComponent { unit, quantity_milli, unit_price, amount }
        });
        CostLine { step_id, target, expected, attempt_ceiling, components: components.collect() }
    }
}

prop_compose! {
    fn some_step()(
        targets in vec(some_render(), 0..3),
        thumbnails in vec(any::<(u32, u32, i32, u32)>(), 0..2),
        texts in vec("\\PC{0,4}", 6),
        (image_type, importance, position) in any::<(i32, i32, u32)>(),
        labels in labels(),
        slot in option::of(any::<(u32, u32, u32, i32, i32)>()),
        anchors in vec("\\PC{0,4}", 0..3),
    ) -> Step {
        let slot = slot.map(|(start_byte, end_byte, line, form, place)| {
            DocumentSlot { start_byte, end_byte, line, form, place }
        });
        let text = |index: usize| texts[index].clone();
        let thumbnails = thumbnails.into_iter().map(|(width_px, height_px, fit, quality_percent)| {
            ThumbnailSpec { width_px, height_px, fit, quality_percent, media_type: text(0) }
        });
        Step {
            step_id: text(0), image_type, targets, thumbnails: thumbnails.collect(), alt_text: text(1),
            caption: text(2), labels, post_id: text(3), prompt_id: text(4), original_prompt: text(5),
            section_title: text(1), position, importance, slot, view: text(2), anchors,
        }
    }
}

prop_compose! {
    /// Any content, valid or not: an encoder does not ask.
    fn some_spec()(
        (format, client, session_id) in ("\\PC{0,4}", "\\PC{0,4}", "\\PC{0,4}"),
        (revision, kind, variation, not_after_unix) in any::<(u32, i32, u32, i64)>(),
        steps in vec(some_step(), 0..3),
        policy in option::of((
            any::<(u32, bool, bool, u32, i32)>(), option::of(any::<(u32, u32, u32, u32)>()), money(), money(),
            option::of(any::<(u32, u32, bool)>()),
        )),
        cost in option::of((money(), money(), vec(some_line(), 0..3))),
        labels in labels(),
        document in option::of(("\\PC{0,4}", "\\PC{0,4}", any::<i64>())),
    ) -> PlanSpec {
        let document = document.map(|(media_type, sha256, size_bytes)| {
            DocumentBinding { media_type, sha256, size_bytes }
        });
        let retry = |(max_attempts, initial_backoff_ms, max_backoff_ms, multiplier_milli)| {
            RetryPolicy { max_attempts, initial_backoff_ms, max_backoff_ms, multiplier_milli }
        };
        let policy = policy.map(|(numbers, retries, max_cost, max_duplicate_spend, gate)| {
            let (max_concurrency, stop_on_first_error, disable_fallback, attempt_timeout_ms, on_unknown) = numbers;
            let retry = retries.map(retry);
            let quality_gate = gate.map(|(min_score_bp, max_rerolls, accept_best)| {
                QualityGate { min_score_bp, max_rerolls, accept_best }
            });
            RunPolicy {
                max_concurrency, stop_on_first_error, retry, disable_fallback, max_cost, attempt_timeout_ms,
                on_unknown, max_duplicate_spend, quality_gate,
            }
        });
        let cost = cost.map(|(expected, worst_case, lines)| CostEstimate { expected, worst_case, lines });
        PlanSpec {
            format, revision, client, session_id, kind, steps, policy, cost, labels, variation, not_after_unix,
            document,
        }
    }
}

fn holds_for_a_plan(catalog: &Catalog, request: &PlanRequest) -> Result<(), TestCaseError> {
    let planner = Planner::new(catalog);
    let plan = match planner.plan(request) {
        Ok(plan) => plan,
        Err(error) => {
            prop_assert!(!error.violations.is_empty());
            prop_assert_ne!(error.reason, limn_proto::reason::Reason::Internal, "{:?}", error);
            return Ok(());
        }
    };
    let spec = plan.spec.as_ref().unwrap();
    prop_assert_eq!(canonical::verify(spec), Ok(()));
    prop_assert_eq!(&plan.digest, &plan_digest(spec));
    prop_assert_eq!(canonical::verify_digest(&plan), Ok(plan.digest.clone()));
    let bytes = canonical_bytes(spec);
    prop_assert_eq!(&canonical::from_bytes(&bytes).unwrap(), spec);
    prop_assert_eq!(encoder::encode(spec), bytes);
    prop_assert_eq!(Some(planner.plan(request).unwrap()), Some(plan.clone()));
    let checked = planner.check(&plan, None).unwrap();
    prop_assert!(
        checked.executable && checked.drifts.is_empty(),
        "{:?}",
        checked.drifts
    );
    prop_assert!(explain(&plan).lines().all(|line| line.chars().count() <= 100));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn planning_is_total(request in some_request(some_wish())) {
        holds_for_a_plan(&catalog(), &request)?;
    }

    #[test]
    fn plans_are_canonical_repeatable_and_without_drift(request in some_request(fair_wish())) {
        holds_for_a_plan(&catalog(), &request)?;
    }

    #[test]
    fn the_second_encoder_agrees_byte_for_byte(spec in some_spec()) {
        let bytes = canonical_bytes(&spec);
        prop_assert_eq!(encoder::encode(&spec), bytes.clone());
        prop_assert_eq!(PlanSpec::decode(bytes.as_slice()).unwrap(), spec);
    }

    #[test]
    fn whatever_arrives_is_verified_and_explained_without_a_panic(spec in some_spec()) {
        let refused = canonical::verify(&spec).is_err();
        prop_assert!(refused, "generated content is never a whole plan");
        let plan = limn_proto::v1::ImageGenerationPlan { spec: Some(spec), ..Default::default() };
        prop_assert!(explain(&plan).lines().all(|line| line.chars().count() <= 100));
        prop_assert!(Planner::new(&catalog()).check(&plan, Some(0)).is_err());
    }

    #[test]
    fn bytes_that_are_no_plan_are_refused_without_a_panic(bytes in vec(any::<u8>(), 0..200)) {
        prop_assert!(canonical::from_bytes(&bytes).is_err());
    }

    #[test]
    fn labels_have_no_order_on_the_wire(order in Just(vec![0_usize, 1, 2, 3, 4]).prop_shuffle()) {
        let pairs = [("z", "1"), ("\u{e9}", "2"), ("B", "3"), ("b", "4"), ("a-b", "5")];
        let labelled = PlanRequest { labels: map(&pairs), ..single(image("x")) };
        let mut wire = single(image("x")).encode_to_vec();
        for index in order {
            let entry = PlanRequest { labels: map(&[pairs[index]]), ..PlanRequest::default() };
            wire.extend(entry.encode_to_vec());
        }
        let shuffled = PlanRequest::decode(wire.as_slice()).unwrap();
        prop_assert_eq!(plan(&shuffled), plan(&labelled));
    }

    #[test]
    fn a_catalog_has_no_order(order in Just((0..7_usize).collect::<Vec<_>>()).prop_shuffle()) {
        let mut shuffled = parts();
        shuffled.providers = order.iter().map(|index| parts().providers[*index].clone()).collect();
        for provider in &mut shuffled.providers {
            provider.models.reverse();
        }
        let shuffled = Catalog::new(shuffled).unwrap();
        let ordered = catalog();
        prop_assert_eq!(shuffled.digest(), ordered.digest());
        prop_assert_eq!(shuffled, ordered);
    }
}
